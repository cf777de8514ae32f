/*
 * audit_filter.c
 *		Filters of a plan that was measured, and what they threw away.
 */
#include "audit/plan/audit_plan.h"

#include "executor/instrument.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"

static bool
filters_walker(PlanState *state, List **filters)
{
	AuditScope		scope;
	List	   *index_conditions;

	if (state->instrument != NULL && state->plan->qual != NIL &&
		audit_scan_scope(state->plan, &scope, &index_conditions))
	{
		AuditFilter *filter = palloc0(sizeof(AuditFilter));

		filter->rel = ((ScanState *) state)->ss_currentRelation;
		filter->kept = audit_node_tuples(state);
		filter->scanned = filter->kept + state->instrument->nfiltered1;
		filter->loops = audit_node_loops(state);
		filter->scope = scope;
		filter->conditions = state->plan->qual;
		filter->index_clauses = audit_clauses(&scope, index_conditions);
		filter->filter_clauses = audit_clauses(&scope, state->plan->qual);
		*filters = lappend(*filters, filter);
	}
	return planstate_tree_walker(state, filters_walker, filters);
}

/* An AuditFilter for each scan that has a filter, in a plan that was measured. */
List *
audit_plan_filters(PlanState *top)
{
	List	   *filters = NIL;

	filters_walker(top, &filters);
	return filters;
}
