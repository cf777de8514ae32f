/*
 * ledger_lineage.c
 *		Lineage: what parents and children, and not dependencies, make of the graph.
 *
 * Pure, and linear in nodes and edges: each function is a pass or two over the
 * arrays of a finished graph.
 */
#include "ledger_graph.h"

/* The children of each node, in load order. */
LedgerChildren
ledger_children(const LedgerGraph *graph)
{
	LedgerChildren children = {
		palloc0(sizeof(int) * (graph->count + 2)),
		palloc(sizeof(int) * (graph->up_start[graph->count] + 1))
	};
	int		   *start = children.start;

	/* Count into the slot after next, sum up, and filling shifts by one. */
	for (int pass = 0; pass < 2; pass++)
	{
		for (int i = 0; i < graph->count; i++)
			for (int k = 0; k < graph->nodes[i].parents.count; k++)
			{
				int			parent = graph->up[graph->up_start[i] + k];

				if (pass == 0)
					start[parent + 2]++;
				else
					children.nodes[start[parent + 1]++] = i;
			}
		if (pass == 0)
			for (int i = 2; i <= graph->count + 1; i++)
				start[i] += start[i - 1];
	}
	return children;
}

/* Revisions with several children, newest first. */
LedgerSet
ledger_branch_points(const LedgerGraph *graph, const LedgerChildren *children)
{
	LedgerSet	set = {0, palloc(sizeof(int) * (graph->count + 1))};

	for (int k = graph->count - 1; k >= 0; k--)
	{
		int			node = graph->order[k];

		if (children->start[node + 1] - children->start[node] > 1)
			set.nodes[set.count++] = node;
	}
	return set;
}

/* A flag for each node: is it this one, an ancestor or a descendant of it? */
bool *
ledger_lineage(const LedgerGraph *graph, int node)
{
	bool	   *below = palloc0(graph->count + 1);
	bool	   *marks = palloc0(graph->count + 1);

	below[node] = marks[node] = true;
	for (int i = graph->count - 1; i >= 0; i--)
	{
		int			child = graph->order[i];

		for (int k = 0; k < graph->nodes[child].parents.count && below[child]; k++)
			below[graph->up[graph->up_start[child] + k]] = true;
	}
	for (int i = 0; i < graph->count; i++)
	{
		int			child = graph->order[i];

		for (int k = 0; k < graph->nodes[child].parents.count && !marks[child]; k++)
			marks[child] = marks[graph->up[graph->up_start[child] + k]];
	}
	for (int i = 0; i < graph->count; i++)
		marks[i] = marks[i] || below[i];
	pfree(below);
	return marks;
}

/* Where lineages begin. */
LedgerSet
ledger_bases(const LedgerGraph *graph)
{
	LedgerSet	set = {0, palloc(sizeof(int) * (graph->count + 1))};

	for (int k = 0; k < graph->count; k++)
		if (graph->nodes[graph->order[k]].parents.count == 0)
			set.nodes[set.count++] = graph->order[k];
	return set;
}

/* Of the marked nodes, those that no marked one needs, or, by lineage, has as a parent. */
LedgerSet
ledger_tips(const LedgerGraph *graph, const bool *marks, bool by_lineage)
{
	bool	   *is_below = palloc0(graph->count + 1);
	LedgerSet	set = {0, palloc(sizeof(int) * (graph->count + 1))};

	for (int i = 0; i < graph->count; i++)
	{
		int			first = graph->up_start[i];
		int			end = by_lineage ? first + graph->nodes[i].parents.count :
			graph->up_start[i + 1];

		for (int e = first; e < end && marks[i]; e++)
			is_below[graph->up[e]] = true;
	}
	for (int k = 0; k < graph->count; k++)
		if (marks[graph->order[k]] && !is_below[graph->order[k]])
			set.nodes[set.count++] = graph->order[k];
	pfree(is_below);
	return set;
}

/* The marked nodes of the set, in a set of its own; all of them without marks. */
LedgerSet
ledger_filtered(LedgerSet set, const bool *marks)
{
	LedgerSet	filtered = {0, palloc(sizeof(int) * (set.count + 1))};

	for (int i = 0; i < set.count; i++)
		if (marks == NULL || marks[set.nodes[i]])
			filtered.nodes[filtered.count++] = set.nodes[i];
	return filtered;
}
