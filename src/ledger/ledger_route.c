/*
 * ledger_route.c
 *		From a target as written to the steps: squashes, lineage, repeatables.
 *
 * Pure.  A target may name a revision that the graph in use does not have,
 * since a squash stands for it: then the way goes by the originals, as Django
 * does it.  The beginning of an id is looked for in the graph first.
 */
#include "ledger.h"

#include "lib/stringinfo.h"

/* What ends a word of a target or range; none of these is part of an id. */
#define BETWEEN_WORDS "@+-:"

/* Does the word mean a node of the graph, by the beginning of its id or by a label? */
static bool
names_node(const LedgerGraph *graph, const char *word)
{
	size_t		length = strlen(word);
	bool		may_begin = length >= LEDGER_PREFIX_MIN;

	for (int i = 0; i < graph->count; i++)
	{
		const LedgerNode *node = &graph->nodes[i];

		if (may_begin && strncmp(node->id, word, length) == 0)
			return true;
		for (int k = 0; k < node->labels.count; k++)
			if (strcmp(node->labels.items[k], word) == 0)
				return true;
	}
	return false;
}

/*
 * The revision that the word, an id or its beginning, names beside the graph:
 * a node of the whole graph that is replaced, out of use or repeatable; or -1.
 */
int
ledger_find_aside(const LedgerGraph *graph, const char *word)
{
	const LedgerGraph *whole = graph->whole;
	LedgerSet	matches = {0, NULL};
	size_t		length = strlen(word);

	if (graph->replacement == NULL || ledger_graph_find(graph, word) >= 0 ||
		ledger_is_reserved(word))
		return -1;
	if (ledger_graph_find(whole, word) >= 0)
		return ledger_graph_find(whole, word);
	if (length < LEDGER_PREFIX_MIN || names_node(graph, word))
		return -1;
	matches.nodes = palloc(sizeof(int) * (whole->count + 1));
	for (int i = 0; i < whole->count; i++)
		if (strncmp(whole->nodes[i].id, word, length) == 0)
			matches.nodes[matches.count++] = i;
	if (matches.count > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("revision \"%s\" is ambiguous", word),
				 errdetail("It may be %s.", ledger_list_ids(whole, matches))));
	return matches.count == 1 ? matches.nodes[0] : -1;
}

/* A node of the whole graph, in use or beside it. */
int
ledger_resolve_any(const LedgerGraph *graph, const char *text)
{
	int			aside = ledger_find_aside(graph, text);

	if (aside >= 0)
		return aside;
	return ledger_graph_find(graph->whole, graph->nodes[ledger_resolve_revision(graph, text)].id);
}

/* The squash in use that stands for a node of the whole graph, or NULL. */
const char *
ledger_replaced_by(const LedgerGraph *graph, int node)
{
	const LedgerReplacement *replacement = graph->replacement;
	int			around = replacement ? replacement->family->container[node] : -1;

	if (around < 0 || replacement->stands[around] < 0)
		return NULL;
	return graph->whole->nodes[replacement->stands[around]].id;
}

/* A squash out of use as a target is where it ends. */
static const char *
end_of_squash(const LedgerGraph *graph, int squash)
{
	LedgerSet	exits = graph->replacement->exits[squash];

	if (exits.count > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("target \"%s\" is ambiguous", graph->whole->nodes[squash].id),
				 errdetail("Some of what it replaces is applied; that ends with %s.",
						   ledger_list_ids(graph, exits)),
				 errhint("Name one of them, or use \"heads\" for all.")));
	return graph->nodes[exits.nodes[0]].id;
}

/* Let the revision be a node: none of the squashes around it is to be used. */
static void
open_squashes(const LedgerGraph *graph, int node, bool *open)
{
	const LedgerReplacement *replacement = graph->replacement;
	const int  *container = replacement->family->container;

	for (int squash = container[node]; squash >= 0; squash = container[squash])
	{
		if (!replacement->complete[squash])
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("revision \"%s\" cannot be a target", graph->whole->nodes[node].id),
					 errdetail("Revision \"%s\" replaces it, and others that are not in the "
							   "ledger any more.", graph->whole->nodes[squash].id)));
		open[squash] = true;
	}
}

/* Raise an error if only a squash knows the id: what is gone is no way to go. */
static void
check_not_gone(const LedgerGraph *graph, const char *word)
{
	const LedgerFamily *family = graph->replacement->family;
	int			number = ledger_family_find(family, word);

	if (number >= graph->whole->count && !names_node(graph, word))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("revision \"%s\" does not exist", word),
				 errdetail("Revision \"%s\" replaces it.",
						   graph->whole->nodes[family->container[number]].id)));
}

/* One word of the target, as the graph knows it; notes squashes not to use for that. */
static const char *
fit_word(const LedgerGraph *graph, const char *word, bool *open)
{
	int			aside = ledger_find_aside(graph, word);

	check_not_gone(graph, word);
	if (aside < 0)
		return word;
	if (graph->whole->nodes[aside].repeatable)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("repeatable revision \"%s\" cannot be used here",
						graph->whole->nodes[aside].id),
				 errdetail("It is not part of the lineage.")));
	if (ledger_replaced_by(graph, aside) == NULL)
		return end_of_squash(graph, aside);
	open_squashes(graph, aside, open);
	return graph->whole->nodes[aside].id;
}

/* The graph that has what the target names; the target may become another text. */
LedgerGraph *
ledger_fit_target(LedgerGraph *graph, const char **target)
{
	StringInfoData text;
	bool	   *open;
	bool		any = false;

	if (graph->replacement == NULL)
		return graph;
	open = palloc0(graph->whole->count + 1);
	initStringInfo(&text);
	for (const char *at = *target; *at;)
	{
		size_t		length = strcspn(at, BETWEEN_WORDS);

		if (length > 0)
			appendStringInfoString(&text, fit_word(graph, pnstrdup(at, length), open));
		at += length;
		if (*at)
			appendStringInfoChar(&text, *at++);
	}
	*target = text.data;
	for (int i = 0; i < graph->whole->count; i++)
		any = any || open[i];
	return any ? ledger_replace(graph->whole, open) : graph;
}

/* The repeatable revision that is the whole target, or -1. */
static int
find_repeatable(const LedgerGraph *graph, const char *target)
{
	int			aside = ledger_find_aside(graph, target);

	if (aside < 0 || !graph->whole->nodes[aside].repeatable)
		return -1;
	return ledger_graph_find(graph->repeatables, graph->whole->nodes[aside].id);
}

static LedgerSet
plan_repeatable(const LedgerGraph *graph, LedgerDirection direction, int repeatable)
{
	const LedgerNode *node = &graph->nodes[graph->count + repeatable];

	if (direction == LEDGER_UPGRADE)
		return ledger_repeat_upgrade(graph, repeatable);
	if (!node->applied)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot downgrade to revision \"%s\", which is not applied", node->id)));
	return ledger_repeat_downgrade(graph, repeatable);
}

/* All steps to the target, in order; nodes of *graph, which may become another one. */
LedgerSet
ledger_plan_steps(LedgerGraph **graph, LedgerDirection direction, const char *target)
{
	int			repeatable = find_repeatable(*graph, target);
	bool		is_base = strcmp(target, "base") == 0;
	LedgerSet	plan;

	if (repeatable >= 0)
		return plan_repeatable(*graph, direction, repeatable);
	*graph = ledger_fit_target(*graph, &target);
	plan = ledger_plan(*graph, direction, target);
	if (direction == LEDGER_DOWNGRADE)
		return ledger_repeat_undone(*graph, plan, is_base);
	return is_base ? plan : ledger_repeat_due(*graph, plan, NULL);
}

/* The same for a stamp, which adds a repeatable only when that is the target. */
LedgerStampPlan
ledger_plan_stamp_steps(LedgerGraph **graph, const char *target, bool purge)
{
	int			repeatable = find_repeatable(*graph, target);
	bool		all = purge || strcmp(target, "base") == 0;
	LedgerStampPlan plan = {{0, NULL}, {0, NULL}};

	if (repeatable >= 0)
	{
		plan.add = ledger_repeat_upgrade(*graph, repeatable);
		return plan;
	}
	*graph = ledger_fit_target(*graph, &target);
	plan = ledger_plan_stamp(*graph, target, purge);
	plan.remove = ledger_repeat_undone(*graph, plan.remove, all);
	return plan;
}
