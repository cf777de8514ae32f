/*
 * ledger_target.c
 *		What a target means: [NAME@][REVISION][+N or -N].
 *
 * NAME and REVISION are an id, its beginning, a label or the beginning of one;
 * REVISION may also be head, heads or base.  NAME@ narrows the target down to
 * the lineage of NAME.  Steps without a revision are from where we are.
 *
 * Pure.
 */
#include "ledger_graph.h"

#include <ctype.h>
#include <limits.h>

/* A target's text in its parts, each NULL when it is not there. */
typedef struct TargetText
{
	const char *whole;
	char	   *name;
	char	   *revision;
	char	   *steps;
	const char *hint;			/* what the caller takes */
} TargetText;

/* The set of this node; of nothing for -1. */
LedgerSet
ledger_single(int node)
{
	LedgerSet	set = {node >= 0 ? 1 : 0, palloc(sizeof(int))};

	set.nodes[0] = node;
	return set;
}

pg_noreturn static void
report_invalid(const TargetText *text, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid target \"%s\"", ledger_clipped(text->whole)),
			 errdetail("%s", detail),
			 errhint("%s", text->hint)));
}

static TargetText
split_target(const char *whole, const char *hint)
{
	TargetText	text = {.whole = whole, .hint = hint};
	const char *at = strchr(whole, '@');
	const char *rest = at ? at + 1 : whole;
	size_t		length = strcspn(rest, "+-");

	if (strchr(rest, '@'))
		report_invalid(&text, "It has more than one \"@\".");
	if (at == whole)
		report_invalid(&text, "Nothing stands before \"@\".");
	if (rest[0] == '\0')
		report_invalid(&text, at ? "Nothing stands after \"@\"." : "It is empty.");
	if (at)
		text.name = pnstrdup(whole, at - whole);
	if (length > 0)
		text.revision = pnstrdup(rest, length);
	if (rest[length])
		text.steps = pstrdup(rest + length);
	return text;
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

/* Does a label of the node begin with the text; or, as a whole, equal it? */
static bool
has_label(const LedgerNode *node, const char *text, bool whole)
{
	size_t		length = strlen(text);

	for (int i = 0; i < node->labels.count; i++)
	{
		const char *label = node->labels.items[i];

		if (strncmp(label, text, length) == 0 && (!whole || label[length] == '\0'))
			return true;
	}
	return false;
}

/* The node of this id or label, -1 when there is none. */
static int
find_name(const LedgerGraph *graph, const char *name)
{
	int			node = ledger_graph_find(graph, name);

	for (int i = 0; i < graph->count && node < 0; i++)
		if (has_label(&graph->nodes[i], name, true))
			node = i;
	return node;
}

/* The nodes of the lineage with an id or label that begins with the text, in load order. */
static LedgerSet
with_prefix(const LedgerGraph *graph, const char *text, const bool *lineage)
{
	LedgerSet	set = {0, palloc(sizeof(int) * (graph->count + 1))};
	size_t		length = strlen(text);

	for (int i = 0; i < graph->count; i++)
		if ((lineage == NULL || lineage[i]) &&
			(strncmp(graph->nodes[i].id, text, length) == 0 ||
			 has_label(&graph->nodes[i], text, false)))
			set.nodes[set.count++] = i;
	return set;
}

/* The one revision that the name, or its beginning, stands for. */
static int
find_revision(const LedgerGraph *graph, const char *name, const bool *lineage, const char *hint)
{
	int			node = find_name(graph, name);
	LedgerSet	matches;

	if (node >= 0)
		return node;
	matches = with_prefix(graph, name, lineage);
	if (matches.count == 0 || strlen(name) < LEDGER_PREFIX_MIN)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("revision \"%s\" does not exist", ledger_clipped(name)),
				 matches.count ?
				 errhint("The beginning of an id or label must have at least %d characters.",
						 LEDGER_PREFIX_MIN) :
				 errhint("%s", hint)));
	if (matches.count > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("revision \"%s\" is ambiguous", ledger_clipped(name)),
				 errdetail("It may be %s.", ledger_list_ids(graph, matches))));
	return matches.nodes[0];
}

/* A revision of the lineage, which the text's name stands for. */
static int
find_member(const LedgerGraph *graph, const TargetText *text, const bool *lineage)
{
	int			node = find_revision(graph, text->revision, lineage, text->hint);

	if (lineage && !lineage[node])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("revision \"%s\" is not of the lineage of \"%s\"",
						graph->nodes[node].id, text->name),
				 errdetail("It is neither an ancestor nor a descendant.")));
	return node;
}

static void
check_one_head(const LedgerGraph *graph, const TargetText *text, LedgerSet heads)
{
	if (heads.count <= 1)
		return;
	if (text->name)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the lineage of \"%s\" has several heads", text->name),
				 errdetail("The heads are %s.", ledger_list_ids(graph, heads)),
				 errhint("Name one of them, or use \"%s@heads\" for all; purser.merge_heads() "
						 "makes them one.", text->name)));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there are several heads"),
			 errdetail("The heads are %s.", ledger_list_ids(graph, heads)),
			 errhint("Name one of them, or use \"heads\" for all; purser.merge_heads() makes "
					 "them one.")));
}

static LedgerSet
find_revisions(const LedgerGraph *graph, const TargetText *text, const bool *lineage)
{
	bool		one = strcmp(text->revision, "head") == 0;
	LedgerSet	heads;

	if (!one && strcmp(text->revision, "heads") != 0)
		return ledger_single(find_member(graph, text, lineage));
	heads = ledger_filtered(ledger_graph_heads(graph), lineage);
	if (one || text->steps)
		check_one_head(graph, text, heads);
	return heads;
}

/* The steps are from the revision that the target names, or from the base. */
static void
go_steps(const LedgerGraph *graph, LedgerTarget *target)
{
	int			start = target->revisions.count ? target->revisions.nodes[0] : -1;
	int			end = target->steps > 0 ? ledger_walk_up(graph, target, start) :
		ledger_walk_down(graph, target, start);

	target->steps = 0;
	target->base = end < 0;
	target->revisions = ledger_single(end);
}

/* The hint is for a target that means nothing: what the caller takes. */
LedgerTarget
ledger_resolve_target(const LedgerGraph *graph, const char *whole, const char *hint)
{
	TargetText	text = split_target(whole, hint);
	LedgerTarget target = {.text = whole};

	if (text.steps)
		target.steps = parse_steps(text.steps);
	if (text.name)
		target.lineage = ledger_lineage(graph, find_revision(graph, text.name, NULL, hint));
	if (text.revision == NULL)
		return target;
	if (strcmp(text.revision, "base") == 0)
		target.base = true;
	else
		target.revisions = find_revisions(graph, &text, target.lineage);
	if (target.steps != 0)
		go_steps(graph, &target);
	return target;
}

/* A target that must be one revision. */
int
ledger_resolve_revision(const LedgerGraph *graph, const char *text)
{
	static const char hint[] = "Name one revision: an id or its beginning, a label, \"head\" or "
		"\"current\", or steps from one of them.";
	LedgerTarget target = {.text = text};

	if (strcmp(text, "current") == 0)
		target.revisions = ledger_current_heads(graph);
	else
		target = ledger_resolve_target(graph, text, hint);
	if (target.revisions.count > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is more than one revision", ledger_clipped(text)),
				 errdetail("It is %s.", ledger_list_ids(graph, target.revisions)),
				 errhint("%s", hint)));
	if (target.revisions.count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("\"%s\" is no revision", ledger_clipped(text)),
				 errhint("%s", hint)));
	return target.revisions.nodes[0];
}
