/*
 * audit_node.c
 *		Rows of one node of a plan that was measured.
 *
 * Its instrumentation belongs to others as well (EXPLAIN ANALYZE, auto_explain) and
 * may go on counting: a cursor can be read again after its end, a data-modifying
 * CTE is completed after the rows that the query returned. So it is only read;
 * InstrEndLoop would begin another loop.
 */
#include "audit/plan/audit_plan.h"

#include "executor/instrument.h"
#include "nodes/execnodes.h"

/* Rows of a node that was measured, up to now. */
double
audit_node_tuples(const PlanState *state)
{
	return state->instrument->ntuples + state->instrument->tuplecount;
}

/* How often it was begun. */
double
audit_node_loops(const PlanState *state)
{
	return state->instrument->nloops + (state->instrument->running ? 1 : 0);
}

/*
 * The rows that a node put out. Of a node that ran in parallel the workers'
 * rows are in its own; what is left of that is the leader's.
 */
AuditNodeRows
audit_node_rows(PlanState *state)
{
	AuditNodeRows rows = {0};
	double		leader;

	if (state == NULL || state->instrument == NULL)
		return rows;
	rows.all = leader = audit_node_tuples(state);
	rows.loops = audit_node_loops(state);
	if (rows.loops <= 0)
		return rows;
	rows.each = rows.most = rows.all / rows.loops;
	if (state->worker_instrument == NULL)
		return rows;
	for (int i = 0; i < state->worker_instrument->num_workers; i++)
	{
		double		ntuples = state->worker_instrument->instrument[i].ntuples;
		double		nloops = state->worker_instrument->instrument[i].nloops;

		leader -= ntuples;
		rows.most = Max(rows.most, ntuples / Max(nloops, 1));
	}
	rows.most = Max(rows.most, leader / rows.loops);
	return rows;
}

/* The rows that its conditions kept it from putting out. */
double
audit_node_rejected(PlanState *state)
{
	if (state->instrument == NULL)
		return 0;
	return state->instrument->nfiltered1 + state->instrument->nfiltered2;
}

/* The table of the first scan at or below a node, NULL without one. */
Relation
audit_node_table(PlanState *state)
{
	for (int depth = 0; state != NULL && depth < AUDIT_PLAN_DEPTH; depth++)
	{
		AuditScope	scope;
		List	   *ignored;

		if (audit_scan_scope(state->plan, &scope, &ignored))
			return ((ScanState *) state)->ss_currentRelation;
		if (IsA(state, AppendState) && ((AppendState *) state)->as_nplans > 0)
			state = ((AppendState *) state)->appendplans[0];
		else if (IsA(state, SubqueryScanState))
			state = ((SubqueryScanState *) state)->subplan;
		else
			state = outerPlanState(state);
	}
	return NULL;
}
