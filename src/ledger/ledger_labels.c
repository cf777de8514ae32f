/*
 * ledger_labels.c
 *		Which labels name the branch that a revision is on.
 *
 * Pure.  A label is held by the revision that has it, by all its descendants,
 * and by its ancestors down to where the branch begins: down to a revision
 * with several children or several parents, which do not hold it.
 */
#include "ledger.h"

/* What collecting labels for one revision after another works with. */
typedef struct LabelSearch
{
	const LedgerGraph *graph;
	LedgerChildren children;
	int		   *stack;
	int		   *seen;			/* by which round, from 1 */
	int			round;
	int			capacity;
	NameList	found;
} LabelSearch;

static void
add_labels(LabelSearch *search, int node)
{
	NameList	labels = search->graph->nodes[node].labels;

	if (search->found.count + labels.count > search->capacity)
	{
		search->capacity = 2 * (search->found.count + labels.count);
		search->found.items = repalloc(search->found.items, sizeof(char *) * search->capacity);
	}
	for (int i = 0; i < labels.count; i++)
		search->found.items[search->found.count++] = labels.items[i];
}

/* Labels of the node and of all its ancestors. */
static void
search_below(LabelSearch *search, int node)
{
	const LedgerGraph *graph = search->graph;
	int			depth = 0;

	search->seen[node] = search->round;
	search->stack[depth++] = node;
	while (depth > 0)
	{
		int			here = search->stack[--depth];

		add_labels(search, here);
		for (int k = 0; k < graph->nodes[here].parents.count; k++)
		{
			int			parent = graph->up[graph->up_start[here] + k];

			if (search->seen[parent] == search->round)
				continue;
			search->seen[parent] = search->round;
			search->stack[depth++] = parent;
		}
	}
}

/* Labels of what follows the node on the same branch. */
static void
search_above(LabelSearch *search, int node)
{
	const LedgerGraph *graph = search->graph;
	const int  *start = search->children.start;

	while (graph->nodes[node].parents.count <= 1 && start[node + 1] - start[node] == 1)
	{
		node = search->children.nodes[start[node]];
		if (graph->nodes[node].parents.count > 1)
			break;
		add_labels(search, node);
	}
}

static int
compare_labels(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static bool
has_labels(const LedgerGraph *graph)
{
	for (int i = 0; i < graph->count; i++)
		if (graph->nodes[i].labels.count > 0)
			return true;
	return false;
}

/* For each revision of the set the labels that it holds, sorted. */
NameList *
ledger_held_labels(const LedgerGraph *graph, LedgerSet set)
{
	NameList   *held = palloc0(sizeof(NameList) * (set.count + 1));
	LabelSearch search = {.graph = graph};

	if (!has_labels(graph))
		return held;
	search.children = ledger_children(graph);
	search.stack = palloc(sizeof(int) * (graph->count + 1));
	search.seen = palloc0(sizeof(int) * (graph->count + 1));
	for (int i = 0; i < set.count; i++)
	{
		search.round = i + 1;
		search.capacity = 4;
		search.found.count = 0;
		search.found.items = palloc(sizeof(char *) * search.capacity);
		search_below(&search, set.nodes[i]);
		search_above(&search, set.nodes[i]);
		qsort(search.found.items, search.found.count, sizeof(char *), compare_labels);
		held[i] = search.found;
	}
	return held;
}
