/*
 * ledger_labels.c
 *		Which labels name the branch that a revision is on.
 *
 * Pure.  A label is held by the revision that has it, by all its descendants,
 * and by its ancestors down to where the branch begins: down to a revision
 * with several children or several parents, which do not hold it.
 */
#include "ledger_graph.h"

#include "miscadmin.h"

/*
 * Those of a revision and its ancestors that have labels.  Lists share their
 * tails: a revision with one parent goes on with the parent's list.
 */
typedef struct Holder
{
	int			node;
	struct Holder *next;
} Holder;

static Holder *
push_holder(Holder *list, int node)
{
	Holder	   *holder = palloc(sizeof(Holder));

	holder->node = node;
	holder->next = list;
	return holder;
}

/* Adds what is new in the other list; seen[i] is the round if node i is in the list. */
static Holder *
unite(Holder *list, const Holder *other, int *seen, int round)
{
	for (; other; other = other->next)
		if (seen[other->node] != round)
		{
			seen[other->node] = round;
			list = push_holder(list, other->node);
		}
	return list;
}

static Holder *
inherit(const LedgerGraph *graph, Holder *const *lists, int node, int *seen)
{
	const int  *parents = graph->up + graph->up_start[node];
	int			count = graph->nodes[node].parents.count;
	Holder	   *first = count ? lists[parents[0]] : NULL;
	Holder	   *list = first;
	int			round = node + 1;

	for (int k = 1; k < count; k++)
	{
		if (lists[parents[k]] == lists[parents[k - 1]])
			continue;
		CHECK_FOR_INTERRUPTS();
		for (const Holder *holder = first; holder; holder = holder->next)
			seen[holder->node] = round;
		first = NULL;			/* is marked */
		list = unite(list, lists[parents[k]], seen, round);
	}
	return graph->nodes[node].labels.count ? push_holder(list, node) : list;
}

static Holder **
list_holders(const LedgerGraph *graph)
{
	Holder	  **lists = palloc(sizeof(Holder *) * (graph->count + 1));
	int		   *seen = palloc0(sizeof(int) * (graph->count + 1));

	for (int k = 0; k < graph->count; k++)
		lists[graph->order[k]] = inherit(graph, lists, graph->order[k], seen);
	pfree(seen);
	return lists;
}

/* Names that grow. */
typedef struct LabelBuffer
{
	int			capacity;
	NameList	names;
} LabelBuffer;

static void
add_labels(LabelBuffer *buffer, NameList labels)
{
	NameList   *names = &buffer->names;

	if (names->count + labels.count > buffer->capacity)
	{
		buffer->capacity = 2 * (names->count + labels.count);
		names->items = names->items ?
			repalloc(names->items, sizeof(char *) * buffer->capacity) :
			palloc(sizeof(char *) * buffer->capacity);
	}
	for (int i = 0; i < labels.count; i++)
		names->items[names->count++] = labels.items[i];
}

/* Labels of what follows the node on the same branch. */
static void
add_labels_above(LabelBuffer *buffer, const LedgerGraph *graph, const LedgerChildren *children,
				 int node)
{
	const int  *start = children->start;

	while (graph->nodes[node].parents.count <= 1 && start[node + 1] - start[node] == 1)
	{
		node = children->nodes[start[node]];
		if (graph->nodes[node].parents.count > 1)
			break;
		add_labels(buffer, graph->nodes[node].labels);
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
	LedgerChildren children;
	Holder	  **lists;

	if (!has_labels(graph))
		return held;
	children = ledger_children(graph);
	lists = list_holders(graph);
	for (int i = 0; i < set.count; i++)
	{
		LabelBuffer buffer = {0};

		for (const Holder *holder = lists[set.nodes[i]]; holder; holder = holder->next)
			add_labels(&buffer, graph->nodes[holder->node].labels);
		add_labels_above(&buffer, graph, &children, set.nodes[i]);
		if (buffer.names.count > 1)
			qsort(buffer.names.items, buffer.names.count, sizeof(char *), compare_labels);
		held[i] = buffer.names;
	}
	return held;
}
