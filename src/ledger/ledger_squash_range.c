/*
 * ledger_squash_range.c
 *		Which revisions a squash of a range takes, and whether it may.
 *
 * Pure.  The range must be a piece by itself: the lineage enters it at its
 * first revision and leaves it at its last, so that one revision can stand in
 * its place.
 */
#include "ledger.h"

pg_noreturn static void
report_open_end(const LedgerGraph *graph, int outside, int member, const char *how)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the range is not a piece by itself"),
			 errdetail("Revision \"%s\", which is not part of it, is %s of \"%s\", in its middle.",
					   graph->nodes[outside].id, how, graph->nodes[member].id),
			 errhint("One revision can only stand for a range that the lineage enters at its "
					 "first and leaves at its last revision.")));
}

/* No parent of a member but the first, and no child of one but the last, is outside. */
static void
check_ends(const LedgerGraph *graph, const bool *in_range, int from, int to)
{
	for (int i = 0; i < graph->count; i++)
		for (int k = 0; k < graph->nodes[i].parents.count; k++)
		{
			int			parent = graph->up[graph->up_start[i] + k];

			if (in_range[i] && !in_range[parent] && i != from)
				report_open_end(graph, parent, i, "a parent");
			if (!in_range[i] && in_range[parent] && parent != to)
				report_open_end(graph, i, parent, "a child");
		}
}

/* What leads from one node to the other, both included, in order; errors that say why not. */
LedgerSet
ledger_squash_range(const LedgerGraph *graph, int from, int to)
{
	LedgerSet	first = {1, &from};
	LedgerSet	last = {1, &to};
	LedgerSet	set = {0, palloc(sizeof(int) * (graph->count + 1))};
	bool	   *in_range = ledger_marks(graph, first);
	bool	   *below = ledger_marks(graph, last);

	ledger_mark_needing(graph, in_range);
	ledger_mark_needed(graph, below);
	if (!in_range[to])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("revision \"%s\" does not lead to revision \"%s\"",
						graph->nodes[from].id, graph->nodes[to].id)));
	if (from == to)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is nothing to squash"),
				 errdetail("The range is revision \"%s\" alone.", graph->nodes[from].id)));
	for (int i = 0; i < graph->count; i++)
		in_range[i] = in_range[i] && below[i];
	check_ends(graph, in_range, from, to);
	for (int k = 0; k < graph->count; k++)
		if (in_range[graph->order[k]])
			set.nodes[set.count++] = graph->order[k];
	return set;
}
