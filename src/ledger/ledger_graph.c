/*
 * ledger_graph.c
 *		Revisions as a graph: find by id, order, ancestors, heads.
 *
 * Pure, and linear in nodes and edges: arrays, an id hash, and one topological
 * order from which everything else is a single pass.  No recursion, so a chain
 * of any length is fine.
 *
 * A node needs its parents (its lineage) and what it depends on.  Both kinds
 * of edge count for the order and for what a step drags along; only parents
 * count for the heads of the graph.
 */
#include "ledger_graph.h"

#include <limits.h>

#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"

static int *
find_slot(const LedgerGraph *graph, const char *id)
{
	uint32		mask = graph->nslots - 1;
	uint32		slot = hash_bytes((const unsigned char *) id, strlen(id)) & mask;

	while (graph->slots[slot] >= 0 && strcmp(graph->nodes[graph->slots[slot]].id, id) != 0)
		slot = (slot + 1) & mask;
	return &graph->slots[slot];
}

/* Room for capacity nodes, with a hash that is at most half full. */
static void
reserve(LedgerGraph *graph, int capacity)
{
	graph->capacity = capacity;
	graph->nodes = graph->nodes ? repalloc_huge(graph->nodes, sizeof(LedgerNode) * capacity) :
		palloc_extended(sizeof(LedgerNode) * capacity, MCXT_ALLOC_HUGE);
	if (graph->slots)
		pfree(graph->slots);
	for (graph->nslots = 16; graph->nslots < 2 * capacity;)
		graph->nslots *= 2;
	graph->slots = palloc_extended(sizeof(int) * graph->nslots, MCXT_ALLOC_HUGE);
	memset(graph->slots, -1, sizeof(int) * graph->nslots);
	for (int i = 0; i < graph->count; i++)
		*find_slot(graph, graph->nodes[i].id) = i;
}

LedgerGraph *
ledger_graph_create(int capacity)
{
	LedgerGraph *graph = palloc0(sizeof(LedgerGraph));

	reserve(graph, Max(capacity, 8));
	return graph;
}

/* Index of the node with this id, -1 when there is none. */
int
ledger_graph_find(const LedgerGraph *graph, const char *id)
{
	return *find_slot(graph, id);
}

/* Add the node, or replace the one of the same id, which keeps its place. */
LedgerNode *
ledger_graph_put(LedgerGraph *graph, const LedgerNode *node)
{
	int		   *slot;

	if (graph->count == graph->capacity)
		reserve(graph, 2 * graph->capacity);
	slot = find_slot(graph, node->id);
	if (*slot < 0)
		*slot = graph->count++;
	graph->nodes[*slot] = *node;
	return &graph->nodes[*slot];
}

void
ledger_report_missing(const char *id, const char *needed, const char *file)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("revision \"%s\" needs revision \"%s\", which does not exist", id, needed),
			 file ? errdetail("It comes from file \"%s\".", file) : 0,
			 errhint("Parents and dependencies are given by their full ids.")));
}

static int
resolve_edge(const LedgerGraph *graph, const LedgerNode *node, const char *id)
{
	int			index = ledger_graph_find(graph, id);

	if (index < 0)
		ledger_report_missing(node->id, id, node->file);
	return index;
}

static void
resolve_edges(LedgerGraph *graph)
{
	size_t		edges = 0;
	int			next = 0;

	for (int i = 0; i < graph->count; i++)
		edges += graph->nodes[i].parents.count + graph->nodes[i].depends_on.count;
	if (edges > INT_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many edges between revisions")));
	graph->up_start = palloc_extended(sizeof(int) * (graph->count + 1), MCXT_ALLOC_HUGE);
	graph->up = palloc_extended(sizeof(int) * (edges + 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < graph->count; i++)
	{
		const LedgerNode *node = &graph->nodes[i];

		graph->up_start[i] = next;
		for (int k = 0; k < node->parents.count; k++)
			graph->up[next++] = resolve_edge(graph, node, node->parents.items[k]);
		for (int k = 0; k < node->depends_on.count; k++)
			graph->up[next++] = resolve_edge(graph, node, node->depends_on.items[k]);
	}
	graph->up_start[graph->count] = next;
}

/* The ids of a set for a message; the rest of a long list is counted. */
char *
ledger_list_ids(const LedgerGraph *graph, LedgerSet set)
{
	StringInfoData list;
	int			shown = Min(set.count, LEDGER_LIST_MAX);

	initStringInfo(&list);
	for (int i = 0; i < shown; i++)
		appendStringInfo(&list, "%s\"%s\"", i ? ", " : "", graph->nodes[set.nodes[i]].id);
	if (set.count > shown)
		appendStringInfo(&list, " and %d more", set.count - shown);
	return list.data;
}

/* stack .. stack + depth leads from one revision to what it needs, and round. */
static void
report_cycle(const LedgerGraph *graph, const int *stack, int depth, int repeated)
{
	LedgerSet	cycle;
	int			start = depth - 1;

	while (stack[start] != repeated)
		start--;
	cycle.count = depth - start;
	cycle.nodes = palloc(sizeof(int) * cycle.count);
	memcpy(cycle.nodes, stack + start, sizeof(int) * cycle.count);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			 errmsg("revisions form a cycle"),
			 errdetail("Each of these needs the next, and the last needs the first: %s.",
					   ledger_list_ids(graph, cycle))));
}

/*
 * Depth-first, what is needed before what needs it, in load order: where load
 * order is itself a possible order, it is the result.
 */
static void
make_order(LedgerGraph *graph)
{
	enum
	{
		NEW, ON_STACK, DONE
	};
	uint8	   *state = palloc0(graph->count + 1);
	int		   *next = palloc_extended(sizeof(int) * (graph->count + 1), MCXT_ALLOC_HUGE);
	int		   *stack = palloc_extended(sizeof(int) * (graph->count + 1), MCXT_ALLOC_HUGE);
	int			done = 0;

	graph->order = palloc_extended(sizeof(int) * (graph->count + 1), MCXT_ALLOC_HUGE);
	memcpy(next, graph->up_start, sizeof(int) * graph->count);
	for (int root = 0; root < graph->count; root++)
	{
		int			depth = 0;

		if (state[root] != NEW)
			continue;
		state[root] = ON_STACK;
		stack[depth++] = root;
		while (depth > 0)
		{
			int			node = stack[depth - 1];
			int			needed;

			if (next[node] == graph->up_start[node + 1])
			{
				state[node] = DONE;
				graph->order[done++] = node;
				depth--;
				continue;
			}
			needed = graph->up[next[node]++];
			if (state[needed] == ON_STACK)
				report_cycle(graph, stack, depth, needed);
			if (state[needed] == NEW)
			{
				state[needed] = ON_STACK;
				stack[depth++] = needed;
			}
		}
	}
	pfree(state);
	pfree(next);
	pfree(stack);
}

/* All nodes are in: resolve names, order; an error for what is missing or cyclic. */
void
ledger_graph_finish(LedgerGraph *graph)
{
	CHECK_FOR_INTERRUPTS();
	resolve_edges(graph);
	make_order(graph);
}

/* A flag for each node: is it in the set? */
bool *
ledger_marks(const LedgerGraph *graph, LedgerSet set)
{
	bool	   *marks = palloc0(graph->count + 1);

	for (int i = 0; i < set.count; i++)
		marks[set.nodes[i]] = true;
	return marks;
}

/* Mark all that the marked nodes need, directly or not. */
void
ledger_mark_needed(const LedgerGraph *graph, bool *marks)
{
	for (int k = graph->count - 1; k >= 0; k--)
	{
		int			node = graph->order[k];

		if (marks[node])
			for (int e = graph->up_start[node]; e < graph->up_start[node + 1]; e++)
				marks[graph->up[e]] = true;
	}
}

/* Mark all that need a marked node, directly or not. */
void
ledger_mark_needing(const LedgerGraph *graph, bool *marks)
{
	for (int k = 0; k < graph->count; k++)
	{
		int			node = graph->order[k];

		for (int e = graph->up_start[node]; e < graph->up_start[node + 1] && !marks[node]; e++)
			marks[node] = marks[graph->up[e]];
	}
}

static LedgerSet
unmarked(const LedgerGraph *graph, const bool *marks, bool only_applied)
{
	LedgerSet	set = {0, palloc(sizeof(int) * (graph->count + 1))};

	for (int k = 0; k < graph->count; k++)
	{
		int			node = graph->order[k];

		if (!marks[node] && (!only_applied || graph->nodes[node].applied))
			set.nodes[set.count++] = node;
	}
	return set;
}

/* Revisions that are nobody's parent. */
LedgerSet
ledger_graph_heads(const LedgerGraph *graph)
{
	bool	   *is_parent = palloc0(graph->count + 1);

	for (int i = 0; i < graph->count; i++)
		for (int k = 0; k < graph->nodes[i].parents.count; k++)
			is_parent[graph->up[graph->up_start[i] + k]] = true;
	return unmarked(graph, is_parent, false);
}

/* Applied revisions that no other applied one needs. */
LedgerSet
ledger_current_heads(const LedgerGraph *graph)
{
	bool	   *is_needed = palloc0(graph->count + 1);

	for (int i = 0; i < graph->count; i++)
		if (graph->nodes[i].applied)
			for (int e = graph->up_start[i]; e < graph->up_start[i + 1]; e++)
				is_needed[graph->up[e]] = true;
	return unmarked(graph, is_needed, true);
}
