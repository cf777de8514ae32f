/*
 * ledger_record.c
 *		Which rows of purser.applied go with a revision's own.
 *
 * Pure.  A squash in force has a row, and so has all that it replaces and that
 * is in the ledger; a squash that is out of use gets one when the last of what
 * it replaces comes into force, and loses it with the first that does not stay.
 */
#include "ledger_graph.h"

static void
add(LedgerSet *set, LedgerGraph *whole, int node, bool in_force)
{
	if (whole->nodes[node].applied == in_force)
		return;
	whole->nodes[node].applied = in_force;
	set->nodes[set->count++] = node;
}

/* All that the squash replaces, inner ones before what contains them. */
static void
add_inside(LedgerSet *set, LedgerGraph *whole, const LedgerFamily *family, int squash,
		   bool in_force)
{
	int		   *stack = palloc(sizeof(int) * (family->count + 1));
	int			depth = 0;

	stack[depth++] = squash;
	while (depth > 0)
	{
		int			by = stack[--depth];

		for (int k = family->kid_start[by]; k < family->kid_start[by + 1]; k++)
		{
			int			kid = family->kids[k];

			if (kid >= whole->count)
				continue;
			add(set, whole, kid, in_force);
			if (ledger_family_is_squash(family, kid))
				stack[depth++] = kid;
		}
	}
	pfree(stack);
}

/* Squashes around the revision that come into force with it, or go with it. */
static void
add_around(LedgerSet *set, LedgerGraph *whole, LedgerReplacement *replacement, int node,
		   bool in_force)
{
	const int  *container = replacement->family->container;

	for (int squash = container[node]; squash >= 0; squash = container[squash])
	{
		bool		was_in_force = replacement->lacking[squash] == 0;

		replacement->lacking[squash] += in_force ? -1 : 1;
		if (was_in_force == (replacement->lacking[squash] == 0))
			break;
		replacement->state[squash] = in_force ? LEDGER_ALL : LEDGER_SOME;
		add(set, whole, squash, in_force);
	}
}

/*
 * The revision of this id comes into force, or is not any more: nodes of the
 * whole graph whose rows go with its own.  The graph takes note.
 */
LedgerSet
ledger_recorded_with(LedgerGraph *graph, const char *id, bool in_force)
{
	LedgerReplacement *replacement = graph->replacement;
	LedgerGraph *whole = graph->whole;
	LedgerSet	set = {0, NULL};
	int			node;

	if (replacement == NULL || replacement->family->nsquashes == 0)
		return set;
	node = ledger_graph_find(whole, id);
	if (node < 0)
		return set;				/* gone since the graph was read */
	whole->nodes[node].applied = in_force;
	set.nodes = palloc(sizeof(int) * (whole->count + 1));
	if (replacement->stands[node] == node)
		add_inside(&set, whole, replacement->family, node, in_force);
	if (in_force != (replacement->state[node] == LEDGER_ALL))
		add_around(&set, whole, replacement, node, in_force);
	replacement->state[node] = in_force ? LEDGER_ALL : LEDGER_NONE;
	return set;
}

/* Nodes of the whole graph that are in force and have no row yet, in load order. */
LedgerSet
ledger_unrecorded(LedgerGraph *graph)
{
	LedgerReplacement *replacement = graph->replacement;
	LedgerGraph *whole = graph->whole;
	LedgerSet	set = {0, NULL};

	if (replacement == NULL || replacement->family->nsquashes == 0)
		return set;
	set.nodes = palloc(sizeof(int) * (whole->count + 1));
	for (int i = 0; i < whole->count; i++)
		if (replacement->state[i] == LEDGER_ALL && !whole->nodes[i].repeatable)
			add(&set, whole, i, true);
	return set;
}
