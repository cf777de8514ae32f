/*
 * ledger_whole.c
 *		Is the ledger sound, whichever squashes come to be used?
 *
 * Pure.  What is applied decides which squash is used, and that differs from
 * one database to the next; so what is loaded must be sound with all squashes
 * used, with none, and with all of any depth of nesting.
 */
#include "ledger.h"

/* A squash that needs what it replaces would need itself. */
static void
check_needs_outside(const LedgerFamily *family, int squash, NameList needed)
{
	for (int i = 0; i < needed.count; i++)
	{
		int			number = ledger_family_find(family, needed.items[i]);

		while (number >= 0 && number != squash)
			number = family->container[number];
		if (number == squash)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("revision \"%s\" cannot need revision \"%s\", which it replaces",
							family->whole->nodes[squash].id, needed.items[i]),
					 errhint("What comes before a squash is what comes before the first of the "
							 "revisions that it replaces.")));
	}
}

/* How many squashes are around each one; returns the most, and -1 without any squash. */
static int
find_depths(const LedgerFamily *family, int *depth)
{
	int			most = -1;

	for (int i = family->nsquashes - 1; i >= 0; i--)
	{
		int			squash = family->squashes[i];
		int			around = family->container[squash];

		depth[squash] = around < 0 ? 0 : depth[around] + 1;
		most = Max(most, depth[squash]);
	}
	return most;
}

static bool
is_complete(const LedgerFamily *family, int squash)
{
	for (int k = family->kid_start[squash]; k < family->kid_start[squash + 1]; k++)
		if (family->kids[k] >= family->whole->count)
			return false;
	return true;
}

/* A copy in which nothing is applied. */
static LedgerGraph
without_applied(const LedgerGraph *whole)
{
	LedgerGraph bare = *whole;

	bare.nodes = palloc_extended(sizeof(LedgerNode) * (whole->count + 1), MCXT_ALLOC_HUGE);
	memcpy(bare.nodes, whole->nodes, sizeof(LedgerNode) * whole->count);
	for (int i = 0; i < whole->count; i++)
		bare.nodes[i].applied = false;
	return bare;
}

/* Raise an error unless all revisions fit together; leaves the graph as it is. */
void
ledger_check_whole(const LedgerGraph *whole)
{
	LedgerGraph bare;
	LedgerGraph as_applied = *whole;
	LedgerFamily *family = ledger_family_make(whole);
	bool	   *open = palloc0(whole->count + 1);
	int		   *depth = palloc(sizeof(int) * (whole->count + 1));
	int			most = find_depths(family, depth);

	for (int i = 0; i < family->nsquashes; i++)
	{
		const LedgerNode *squash = &whole->nodes[family->squashes[i]];

		check_needs_outside(family, family->squashes[i], squash->parents);
		check_needs_outside(family, family->squashes[i], squash->depends_on);
	}
	ledger_replace(&as_applied, NULL);
	if (most < 0)
		return;
	bare = without_applied(whole);
	for (int level = 0; level <= most + 1; level++)
	{
		for (int i = 0; i < family->nsquashes; i++)
		{
			int			squash = family->squashes[i];

			open[squash] = depth[squash] < level && is_complete(family, squash);
		}
		ledger_replace(&bare, open);
	}
}

/* Squashes that are not in the graph come after the last node where they end. */
static void
add_squashes(const LedgerGraph *graph, LedgerSet *set)
{
	const LedgerReplacement *replacement = graph->replacement;
	const LedgerFamily *family = replacement->family;
	int			count = graph->count;
	int		   *place = palloc(sizeof(int) * (count + 1));
	int		   *first = palloc(sizeof(int) * (count + 1));
	int		   *next = palloc(sizeof(int) * (family->whole->count + 1));

	memset(first, -1, sizeof(int) * (count + 1));
	for (int k = 0; k < count; k++)
		place[graph->order[k]] = k;
	for (int i = family->nsquashes - 1; i >= 0; i--)
	{
		LedgerSet	exits = replacement->exits[family->squashes[i]];
		int			last = -1;

		for (int k = 0; k < exits.count; k++)
			last = Max(last, place[exits.nodes[k]]);
		if (last < 0)
			continue;
		next[family->squashes[i]] = first[last];
		first[last] = family->squashes[i];
	}
	for (int k = 0; k < count; k++)
	{
		set->nodes[set->count++] = ledger_graph_find(family->whole,
													 graph->nodes[graph->order[k]].id);
		for (int squash = first[k]; squash >= 0; squash = next[squash])
			set->nodes[set->count++] = squash;
	}
}

/* All nodes of the whole graph, what is needed first, and a squash after what it replaces. */
LedgerSet
ledger_load_order(const LedgerGraph *whole)
{
	LedgerGraph bare = without_applied(whole);
	LedgerFamily *family = ledger_family_make(&bare);
	LedgerSet	set = {0, palloc(sizeof(int) * (whole->count + 1))};
	bool	   *open = palloc0(whole->count + 1);
	bool	   *is_in = palloc0(whole->count + 1);
	LedgerGraph *graph;

	for (int i = 0; i < family->nsquashes; i++)
		open[family->squashes[i]] = is_complete(family, family->squashes[i]);
	graph = ledger_replace(&bare, open);
	if (graph == &bare)
	{
		memcpy(set.nodes, graph->order, sizeof(int) * graph->count);
		set.count = graph->count;
		return set;
	}
	add_squashes(graph, &set);
	for (int i = 0; i < set.count; i++)
		is_in[set.nodes[i]] = true;
	/* Repeatable ones, and what is left of those that squashes replaced. */
	for (int i = 0; i < whole->count; i++)
		if (!is_in[i] && !whole->nodes[i].repeatable)
			set.nodes[set.count++] = i;
	for (int k = 0; k < graph->repeatables->count; k++)
		set.nodes[set.count++] = ledger_graph_find(whole, graph->repeatables->nodes
												   [graph->repeatables->order[k]].id);
	return set;
}

/* Does the squash replace the revision, directly or through another one? */
bool
ledger_is_inside(const LedgerGraph *whole, const char *id, const char *squash)
{
	LedgerFamily *family = ledger_family_make(whole);
	int			outer = ledger_family_find(family, squash);
	int			number = ledger_family_find(family, id);

	for (number = family->container[number]; number >= 0; number = family->container[number])
		if (number == outer)
			return true;
	return false;
}
