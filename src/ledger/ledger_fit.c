/*
 * ledger_fit.c
 *		The graph that has what a target names.
 *
 * Pure, but for tags and times.  A target may name a revision that the graph in
 * use does not have, since a squash stands for it: then the way goes by the
 * originals, as Django does it; and so it does to a state in which a squash was
 * under way.  The beginning of an id is looked for in the graph first.
 */
#include "ledger.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

/* What ends a word of a target or range; none of these is part of an id. */
#define BETWEEN_WORDS "@+-:"

/* Is the word the name, or the beginning of it that may stand for it? */
static bool
means(const char *word, const char *name)
{
	size_t		length = strlen(word);

	return strcmp(name, word) == 0 ||
		(length >= LEDGER_PREFIX_MIN && strncmp(name, word, length) == 0);
}

static bool
means_label(const char *word, const LedgerNode *node)
{
	for (int k = 0; k < node->labels.count; k++)
		if (means(word, node->labels.items[k]))
			return true;
	return false;
}

/* Does the word mean a node of the graph, by its id or a label? */
static bool
names_node(const LedgerGraph *graph, const char *word)
{
	for (int i = 0; i < graph->count; i++)
		if (means(word, graph->nodes[i].id) || means_label(word, &graph->nodes[i]))
			return true;
	return false;
}

/*
 * The revision that the word, an id or its beginning, names beside the graph:
 * a node of the whole graph that is replaced, out of use or repeatable; or -1.
 * Only repeatable ones are named by labels, as nodes have those of the others.
 */
int
ledger_find_aside(const LedgerGraph *graph, const char *word)
{
	const LedgerGraph *whole = graph->whole;
	LedgerSet	matches = {0, NULL};

	if (graph->replacement == NULL || ledger_graph_find(graph, word) >= 0 ||
		ledger_is_reserved(word))
		return -1;
	if (ledger_graph_find(whole, word) >= 0)
		return ledger_graph_find(whole, word);
	if (names_node(graph, word))
		return -1;
	matches.nodes = palloc(sizeof(int) * (whole->count + 1));
	for (int i = 0; i < whole->count; i++)
		if (means(word, whole->nodes[i].id) ||
			(whole->nodes[i].repeatable && means_label(word, &whole->nodes[i])))
			matches.nodes[matches.count++] = i;
	if (matches.count > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("revision \"%s\" is ambiguous", word),
				 errdetail("It may be %s.", ledger_list_ids(whole, matches))));
	return matches.count == 1 ? matches.nodes[0] : -1;
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

/* The target with its words, but for numbers of steps, as the graph knows them. */
static const char *
fit_words(const LedgerGraph *graph, const char *target, bool *open)
{
	StringInfoData text;

	initStringInfo(&text);
	for (const char *at = target; *at;)
	{
		size_t		length = strcspn(at, BETWEEN_WORDS);

		if (at > target && strchr("+-", at[-1]))
			appendBinaryStringInfo(&text, at, length);
		else if (length > 0)
			appendStringInfoString(&text, fit_word(graph, pnstrdup(at, length), open));
		at += length;
		if (*at)
			appendStringInfoChar(&text, *at++);
	}
	return text.data;
}

/* The graph that has what the targets name; these may become other texts. */
LedgerGraph *
ledger_fit_targets(LedgerGraph *graph, const char **targets, int count)
{
	bool	   *open;
	bool		any = false;

	if (graph->replacement == NULL)
		return graph;
	open = palloc0(graph->whole->count + 1);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!ledger_is_position(targets[i]))
			targets[i] = fit_words(graph, targets[i], open);
		else if (graph->replacement->family->nsquashes > 0)
			ledger_state_open(ledger_position_state(targets[i]), graph, open);
	}
	for (int i = 0; i < graph->whole->count; i++)
		any = any || open[i];
	return any ? ledger_replace(graph->whole, open) : graph;
}

/* A node of the whole graph, in use or beside it. */
int
ledger_resolve_any(LedgerGraph *graph, const char *text)
{
	int			aside = ledger_find_aside(graph, text);
	LedgerGraph *fit;

	if (aside >= 0)
		return aside;
	fit = ledger_fit_targets(graph, &text, 1);
	return ledger_graph_find(graph->whole, fit->nodes[ledger_resolve_revision(fit, text)].id);
}
