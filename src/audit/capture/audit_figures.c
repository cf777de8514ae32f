/*
 * audit_figures.c
 *		What else than rows read and returned is counted for an execution that ended.
 *
 * The planner's estimate, the rows that OFFSET skipped and the temporary blocks
 * are there for each execution; what filters threw away only for those that
 * were instrumented, by the audit or by another.
 */
#include "audit/rules/audit_rules.h"

#include "executor/instrument.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"

#define MOST_ROWS 1e15			/* taken of one estimate */

static bool
discarded_walker(PlanState *state, double *discarded)
{
	switch (nodeTag(state))
	{
		case T_SeqScanState:
		case T_SampleScanState:
		case T_IndexScanState:
		case T_IndexOnlyScanState:
		case T_BitmapHeapScanState:
		case T_TidScanState:
		case T_TidRangeScanState:
			if (state->instrument != NULL)
				*discarded += state->instrument->nfiltered1 + state->instrument->nfiltered2;
			break;
		default:
			break;
	}
	return planstate_tree_walker(state, discarded_walker, discarded);
}

/* Adds them; the plan state must still be there. */
void
audit_add_figures(const AuditWatch *watch, AuditQueryCounts *counts)
{
	PlanState  *top = watch->desc->planstate;

	if (watch->desc->operation == CMD_SELECT)
		counts->rows_estimated += (int64) Min(top->plan->plan_rows, MOST_ROWS);
	if (IsA(top, LimitState))
		counts->rows_skipped += audit_rows_skipped(top);
	if (top->instrument != NULL)
	{
		double		discarded = 0;

		discarded_walker(top, &discarded);
		counts->measured++;
		counts->rows_discarded += (int64) discarded;
	}
}
