/*
 * ledger_range.c
 *		Which revisions a range of the history means.
 *
 * Pure, but for tags and times.  A side of a range is any target, or current; a
 * number of steps alone counts from the other side.
 */
#include "ledger.h"

#include <ctype.h>

pg_noreturn static void
invalid(const char *range)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid range \"%s\"", ledger_clipped(range)),
			 errhint("A range is two targets with a colon between them, such as "
					 "\"base:head\"; either may be left out.")));
}

/* The first position in the text from which a second target of this kind begins. */
static const char *
find_position(const char *text)
{
	const char *tag = strstr(text, ":tag:");
	const char *when = strstr(text, ":time:");

	if (tag == NULL || when == NULL)
		return tag ? tag : when;
	return Min(tag, when);
}

/*
 * Where one target ends and the other begins.  Targets hold no colon, but for
 * "tag:NAME", which has one, and "time:WHEN", whose time of day may have more:
 * the second target begins at a ":tag:" or ":time:", or else after the last
 * colon.
 */
void
ledger_split_range(const char *range, const char *sides[2])
{
	bool		is_position = ledger_is_position(range);
	const char *own = is_position ? strchr(range, ':') + 1 : range;
	const char *colon = find_position(own);

	if (colon == NULL)
		colon = strrchr(own, ':');
	if (colon == NULL)
		invalid(range);
	sides[0] = pnstrdup(range, colon - range);
	sides[1] = colon + 1;
	if ((!is_position && strchr(sides[0], ':')) ||
		(!ledger_is_position(sides[1]) && strchr(sides[1], ':')))
		invalid(range);
}

static LedgerTarget
resolve_side(const LedgerGraph *graph, const char *text, int direction)
{
	LedgerTarget target = {.text = text};

	if (strcmp(text, "current") == 0)
	{
		target.revisions = ledger_current_heads(graph);
		target.base = target.revisions.count == 0;
		return target;
	}
	if (ledger_is_position(text))
		return ledger_resolve_place(graph, text);
	target = ledger_resolve_target(graph, text,
								   "A side of a range is an id or its beginning, a label, "
								   "\"head\", \"heads\", \"base\" or \"current\", or one of these "
								   "after a label and \"@\".");
	if ((target.steps < 0 && direction > 0) || (target.steps > 0 && direction < 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" leads out of the range", ledger_clipped(text)),
				 errhint("Steps down stand before the colon, and steps up after it, such as "
						 "\"-3:current\" or \"current:+2\".")));
	return target;
}

/* Replaces the steps by where they lead to from the other side, or as far as there is a way. */
static void
go_from(const LedgerGraph *graph, LedgerTarget *side, const LedgerTarget *other)
{
	LedgerSet	start = ledger_filtered(other->revisions, side->lineage);
	int			end;

	if (other->steps != 0 || start.count > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is not one revision to count \"%s\" from",
						ledger_clipped(side->text)),
				 start.count > 1 ?
				 errdetail("The other side is %s.", ledger_list_ids(graph, start)) : 0,
				 errhint("Let the other side of the range be one revision.")));
	side->lenient = true;
	end = start.count ? start.nodes[0] : -1;
	end = side->steps > 0 ? ledger_walk_up(graph, side, end) : ledger_walk_down(graph, side, end);
	side->steps = 0;
	side->base = end < 0;
	side->revisions = ledger_single(end);
}

/*
 * What leads from one side to the other, both included; a side that is empty
 * is the base, or the heads.  Newest first.
 */
LedgerSet
ledger_plan_range(const LedgerGraph *graph, const char *const sides[2])
{
	LedgerTarget from;
	LedgerTarget to;
	bool	   *above;
	bool	   *below;
	LedgerSet	set = {0, palloc(sizeof(int) * (graph->count + 1))};

	from = resolve_side(graph, sides[0][0] ? sides[0] : "base", -1);
	to = resolve_side(graph, sides[1][0] ? sides[1] : "heads", 1);
	if (from.steps != 0)
		go_from(graph, &from, &to);
	if (to.steps != 0)
		go_from(graph, &to, &from);

	above = ledger_marks(graph, from.revisions);
	if (from.base)
		ledger_mark_above(graph, &from, above);
	ledger_mark_needing(graph, above);
	below = ledger_marks(graph, to.revisions);
	ledger_mark_needed(graph, below);
	for (int k = graph->count - 1; k >= 0; k--)
		if (above[graph->order[k]] && below[graph->order[k]])
			set.nodes[set.count++] = graph->order[k];
	return set;
}

/* Is the text a range, and not one target? */
bool
ledger_is_range(const char *text)
{
	const char *own = strchr(text, ':');
	const char *colon;

	if (own == NULL || !ledger_is_position(text))
		return own != NULL;
	colon = strrchr(own + 1, ':');
	return find_position(own + 1) != NULL ||
		(colon && (strncmp(text, "tag:", 4) == 0 || !isdigit((unsigned char) colon[1])));
}

/* States of the whole graph that the marked nodes of the one in force stand for. */
static void
set_applied(const LedgerGraph *graph, const bool *applied, bool repeatables)
{
	LedgerGraph *whole = graph->whole;

	for (int i = 0; i < whole->count; i++)
	{
		const char *squash = ledger_replaced_by(graph, i);
		int			node = ledger_graph_find(graph, squash ? squash : whole->nodes[i].id);

		whole->nodes[i].applied = whole->nodes[i].repeatable ? repeatables :
			node >= 0 && applied[node];
	}
}

/*
 * As ledger_plan_steps, from "from:to": as if from and all it needs were what
 * is applied, and as if no repeatable revision had run that is to run.
 */
LedgerSet
ledger_plan_between(LedgerGraph **graph, LedgerDirection direction, const char *range)
{
	const char *sides[2];
	bool	   *applied;

	ledger_split_range(range, sides);
	if (sides[0][0] == '\0')
		sides[0] = "base";
	*graph = ledger_fit_targets(*graph, sides, 1);
	applied = ledger_marks(*graph, ledger_resolve_place(*graph, sides[0]).revisions);
	ledger_mark_needed(*graph, applied);
	set_applied(*graph, applied, direction == LEDGER_DOWNGRADE);
	*graph = ledger_replace((*graph)->whole, NULL);
	return ledger_plan_steps(graph, direction, sides[1][0] ? sides[1] : "heads");
}
