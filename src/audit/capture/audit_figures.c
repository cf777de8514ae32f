/*
 * audit_figures.c
 *		Figures that only few executions have, counted as they end.
 *
 * The rows that OFFSET skipped, where there is a limit; what filters threw away
 * for those that were instrumented, by the audit or by another.
 */
#include "audit/rules/audit_rules.h"

#include "executor/instrument.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"

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
