/*
 * audit_made.c
 *		Rows that a plan makes before its first one is asked for.
 *
 * A Sort, a hashed aggregation or a hash join has done most of its work by
 * then, so that who reads a few rows and goes away has it done in vain. A plan
 * that hands up rows as it finds them has not, and is none of these.
 */
#include "audit/plan/audit_plan.h"

#include "executor/hashjoin.h"
#include "executor/nodeAgg.h"
#include "nodes/execnodes.h"

/* Rows of a node that has come to its end: counted if it was measured, else the estimate. */
static double
rows_of(PlanState *state, bool *counted)
{
	*counted = state->instrument != NULL;
	if (!*counted)
		return state->plan->plan_rows;
	return audit_node_tuples(state);
}

static bool
is_filled_table(const PlanState *state)
{
	const AggState *agg = (const AggState *) state;

	return IsA(state, AggState) && ((const Agg *) state->plan)->aggstrategy == AGG_HASHED &&
		agg->table_filled;
}

static PlanState *
first_input(const PlanState *state)
{
	if (IsA(state, SubqueryScanState))
		return ((const SubqueryScanState *) state)->subplan;
	return outerPlanState(state);
}

/* The most rows that a node had to sort or hash before it could hand up its first. */
static double
worked_before(const PlanState *state, int depth)
{
	bool		ignored;
	double		worked = 0;

	if (state == NULL || depth > AUDIT_PLAN_DEPTH)
		return 0;
	switch (nodeTag(state))
	{
		case T_SortState:
			return ((const SortState *) state)->sort_Done ?
				rows_of(outerPlanState(state), &ignored) : 0;
		case T_HashJoinState:
			if (((const HashJoinState *) state)->hj_HashTable != NULL)
				worked = ((const HashJoinState *) state)->hj_HashTable->totalTuples;
			return Max(worked, worked_before(outerPlanState(state), depth + 1));
		case T_MergeJoinState:
			return Max(worked_before(outerPlanState(state), depth + 1),
					   worked_before(innerPlanState(state), depth + 1));
		case T_AggState:
			if (is_filled_table(state))
				return rows_of(outerPlanState(state), &ignored);
			return worked_before(outerPlanState(state), depth + 1);
		case T_ResultState:
		case T_LockRowsState:
		case T_WindowAggState:
		case T_SubqueryScanState:
		case T_GatherState:
		case T_GatherMergeState:
		case T_NestLoopState:
		case T_UniqueState:
		case T_GroupState:
			return worked_before(first_input(state), depth + 1);
		default:
			return 0;
	}
}

/* Groups of a hash table that is filled; an estimate when not all of them are in it. */
static double
groups_of(const PlanState *state, bool *counted)
{
	const AggState *agg = (const AggState *) state;

	*counted = !agg->hash_ever_spilled && agg->num_hashes == 1 && state->plan->qual == NIL;
	return *counted ? (double) agg->perhash[0].hashtable->hashtab->members :
		state->plan->plan_rows;
}

/*
 * What the plan of a SELECT did in advance; false where a LIMIT of its own
 * bounds it. To be asked while it is open.
 */
bool
audit_plan_made(const PlanState *top, AuditMade *made)
{
	const PlanState *state = top;

	made->worked = worked_before(top, 0);
	made->rows = top->plan->plan_rows;
	made->counted = false;
	for (int depth = 0; state != NULL && depth < AUDIT_PLAN_DEPTH; depth++)
	{
		if (IsA(state, LimitState))
			return false;
		if (IsA(state, SortState) && ((const SortState *) state)->sort_Done)
		{
			made->rows = rows_of(outerPlanState(state), &made->counted);
			return true;
		}
		if (is_filled_table(state))
		{
			made->rows = groups_of(state, &made->counted);
			return true;
		}
		/* Only nodes that hand up each row that they get. */
		if (state->plan->qual != NIL ||
			!(IsA(state, ResultState) || IsA(state, LockRowsState) ||
			  IsA(state, WindowAggState) || IsA(state, SubqueryScanState)))
			return true;
		state = first_input(state);
	}
	return true;
}
