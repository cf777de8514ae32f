/*
 * ledger_walk.c
 *		Steps along the lineage: N up or down from a revision or from where we are.
 *
 * Pure.  A step goes to a child or to a parent, among those of the target's
 * lineage; where there are several to choose from, the target is ambiguous.
 * The base, which is below the first revisions, is node -1.
 */
#include "ledger_graph.h"

#define BASE (-1)

pg_noreturn static void
ambiguous(const LedgerGraph *graph, const LedgerTarget *target, LedgerSet choices)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("target \"%s\" is ambiguous", ledger_clipped(target->text)),
			 errdetail("The way could go by %s.", ledger_list_ids(graph, choices)),
			 target->lineage ?
			 errhint("Name a revision instead of a number of steps.") :
			 errhint("Name a revision instead of a number of steps, or write a label or an id "
					 "and \"@\" before it.")));
}

pg_noreturn static void
too_few_steps(const LedgerTarget *target, int possible)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("cannot go as far as \"%s\"", ledger_clipped(target->text)),
			 errdetail_plural("There is only %d step to go.",
							  "There are only %d steps to go.", possible, possible)));
}

/* The one of the choices that is on the lineage, BASE for none. */
static int
only_choice(const LedgerGraph *graph, const LedgerTarget *target, LedgerSet choices)
{
	LedgerSet	left = ledger_filtered(choices, target->lineage);
	int			choice = left.count ? left.nodes[0] : BASE;

	if (left.count > 1)
		ambiguous(graph, target, left);
	pfree(left.nodes);
	return choice;
}

/* The revision that is so many steps up from the start. */
int
ledger_walk_up(const LedgerGraph *graph, const LedgerTarget *target, int start)
{
	LedgerChildren children = ledger_children(graph);
	int			here = start;

	for (int step = 0; step < target->steps; step++)
	{
		LedgerSet	choices;
		int			next;

		if (here == BASE)
			choices = ledger_bases(graph);
		else
		{
			choices.nodes = children.nodes + children.start[here];
			choices.count = children.start[here + 1] - children.start[here];
		}
		next = only_choice(graph, target, choices);
		if (next == BASE && target->lenient)
			break;
		if (next == BASE)
			too_few_steps(target, step);
		here = next;
	}
	return here;
}

/* What is so many steps down from the start; BASE, when that leads below the first one. */
static int
walk_down(const LedgerGraph *graph, const LedgerTarget *target, int start, int steps)
{
	int			here = start;

	for (int step = 0; step < steps; step++)
	{
		LedgerSet	choices;

		if (here == BASE && target->lenient)
			break;
		if (here == BASE)
			too_few_steps(target, step);
		choices.nodes = graph->up + graph->up_start[here];
		choices.count = graph->nodes[here].parents.count;
		here = only_choice(graph, target, choices);
	}
	return here;
}

int
ledger_walk_down(const LedgerGraph *graph, const LedgerTarget *target, int start)
{
	return walk_down(graph, target, start, -target->steps);
}

static bool *
applied_marks(const LedgerGraph *graph, const bool *lineage)
{
	bool	   *marks = palloc0(graph->count + 1);

	for (int i = 0; i < graph->count; i++)
		marks[i] = graph->nodes[i].applied && (lineage == NULL || lineage[i]);
	return marks;
}

/*
 * Up, we are at the current head of the lineage.  Where it has none, as it is
 * at the foot of another branch, we are at the last revision on it that is
 * applied; or else at the base.
 */
int
ledger_walk_up_from_here(const LedgerGraph *graph, const LedgerTarget *target)
{
	LedgerSet	here = ledger_filtered(ledger_current_heads(graph), target->lineage);

	if (here.count == 0 && target->lineage)
		here = ledger_tips(graph, applied_marks(graph, target->lineage), false);
	return ledger_walk_up(graph, target, only_choice(graph, target, here));
}

/*
 * Down, we are at the current head of the lineage; where others depend on its
 * last applied revision, at that one.  The result is the last revision to
 * undo: the way down from a merge matters only to who goes on from there.
 */
int
ledger_walk_down_from_here(const LedgerGraph *graph, const LedgerTarget *target)
{
	LedgerSet	here = ledger_filtered(ledger_current_heads(graph), target->lineage);
	int			last;

	if (here.count == 0 && target->lineage)
		here = ledger_filtered(ledger_tips(graph, applied_marks(graph, NULL), true),
							   target->lineage);
	if (here.count == 0)
		too_few_steps(target, 0);
	last = walk_down(graph, target, only_choice(graph, target, here), -target->steps - 1);
	if (last == BASE)
		too_few_steps(target, -target->steps - 1);
	return last;
}
