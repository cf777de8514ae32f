/*
 * ledger_target.c
 *		What a target means: an id or its beginning, head, heads, base, +N, -N.
 *
 * Pure.  Whether a number of steps can be gone depends on what is applied:
 * that is ledger_plan.c's.
 */
#include "ledger.h"

#include <ctype.h>
#include <limits.h>

static LedgerSet
single(int node)
{
	LedgerSet	set = {1, palloc(sizeof(int))};

	set.nodes[0] = node;
	return set;
}

/* All nodes whose id begins with the text, in load order. */
static LedgerSet
with_prefix(const LedgerGraph *graph, const char *text)
{
	LedgerSet	set = {0, palloc(sizeof(int) * (graph->count + 1))};
	size_t		length = strlen(text);

	for (int i = 0; i < graph->count; i++)
		if (strncmp(graph->nodes[i].id, text, length) == 0)
			set.nodes[set.count++] = i;
	return set;
}

/* The one revision of this id, or whose id begins so; the hint says what the caller takes. */
static int
find_revision(const LedgerGraph *graph, const char *text, const char *hint)
{
	int			node = ledger_graph_find(graph, text);
	LedgerSet	matches = {0, NULL};
	bool		too_short = strlen(text) < LEDGER_PREFIX_MIN;

	if (node >= 0)
		return node;
	if (text[0] != '\0')
		matches = with_prefix(graph, text);
	if (matches.count == 0 || too_short)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("revision \"%s\" does not exist", ledger_clipped(text)),
				 matches.count ?
				 errhint("The beginning of an id must have at least %d characters.",
						 LEDGER_PREFIX_MIN) :
				 errhint("%s", hint)));
	if (matches.count > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("revision \"%s\" is ambiguous", text),
				 errdetail("It may be %s.", ledger_list_ids(graph, matches))));
	return matches.nodes[0];
}

static LedgerSet
the_head(const LedgerGraph *graph)
{
	LedgerSet	heads = ledger_graph_heads(graph);

	if (heads.count > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are several heads"),
				 errdetail("The heads are %s.", ledger_list_ids(graph, heads)),
				 errhint("Name one of them, or use \"heads\" for all.")));
	return heads;
}

/* +N or -N; N from 1 to what an int holds. */
static int
parse_steps(const char *text)
{
	int			steps = 0;

	for (const char *digit = text + 1; *digit; digit++)
	{
		if (!isdigit((unsigned char) *digit) || steps > (INT_MAX - 9) / 10)
		{
			steps = 0;
			break;
		}
		steps = steps * 10 + (*digit - '0');
	}
	if (steps == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid number of steps \"%s\"", ledger_clipped(text)),
				 errhint("Write a sign and a whole number from 1, such as \"+1\" or \"-2\".")));
	return text[0] == '-' ? -steps : steps;
}

/* The hint is for a revision that does not exist: what the caller takes. */
LedgerTarget
ledger_resolve_target(const LedgerGraph *graph, const char *text, const char *hint)
{
	LedgerTarget target = {.text = text};

	if (text[0] == '+' || text[0] == '-')
		target.steps = parse_steps(text);
	else if (strcmp(text, "heads") == 0)
		target.revisions = ledger_graph_heads(graph);
	else if (strcmp(text, "head") == 0)
		target.revisions = the_head(graph);
	else if (strcmp(text, "base") != 0)
		target.revisions = single(find_revision(graph, text, hint));
	return target;
}

/* A target that must be one revision. */
int
ledger_resolve_revision(const LedgerGraph *graph, const char *text)
{
	LedgerSet	head;

	if (strcmp(text, "head") != 0)
		return find_revision(graph, text,
							 "Name one revision: an id or its beginning, or \"head\".");
	head = the_head(graph);
	if (head.count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there are no revisions")));
	return head.nodes[0];
}
