/*
 * audit_estimate.c
 *		Scans of a measured plan that put out other numbers of rows than planned, where
 *		that matters.
 *
 * Too few rows expected matter on the outer side of a nested loop, which runs its
 * inner side once for each, below a hash table that spilled, and in a statement
 * that takes long; too many only in the last. A node that may have been stopped
 * before its end (below LIMIT, EXISTS, a merge join) cannot prove that too many
 * were expected.
 */
#include "audit/plan/audit_plan.h"

#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"

typedef struct EstimateSearch
{
	List	   *estimates;
	bool		slow;			/* the statement */
	bool		matters;		/* what this node puts out */
	bool		stopped;		/* perhaps, before its end */
} EstimateSearch;

/* Are estimated and actual rows, each for one loop, far apart? */
bool
audit_is_misestimated(double estimated, double actual, double loops)
{
	double		less = Max(Min(estimated, actual), 1.0);
	double		more = Max(Max(estimated, actual), 1.0);

	return more >= less * audit_misestimate && (more - less) * loops >= audit_misestimate_rows;
}

/*
 * The rows that a plan expected from index and bitmap scans, of which the counters know the
 * truth; of a bitmap scan those it fetches, before its filter.
 */
static double
index_rows(const Plan *plan, double loops, int depth)
{
	double		sum = 0;
	ListCell   *cell;

	if (plan == NULL || depth > AUDIT_PLAN_DEPTH)
		return 0;
	switch (nodeTag(plan))
	{
		case T_IndexScan:
		case T_IndexOnlyScan:
			return Max(plan->plan_rows, 1.0) * loops;
		case T_BitmapHeapScan:
			return Max(plan->lefttree->plan_rows, 1.0) * loops;
		case T_Append:
			foreach(cell, ((const Append *) plan)->appendplans)
				sum += index_rows(lfirst(cell), loops, depth + 1);
			return sum;
		case T_MergeAppend:
			foreach(cell, ((const MergeAppend *) plan)->mergeplans)
				sum += index_rows(lfirst(cell), loops, depth + 1);
			return sum;
		case T_SubqueryScan:
			return index_rows(((const SubqueryScan *) plan)->subplan, loops, depth + 1);
		case T_Gather:
			loops *= ((const Gather *) plan)->num_workers + 1;
			break;
		case T_GatherMerge:
			loops *= ((const GatherMerge *) plan)->num_workers + 1;
			break;
		default:
			break;
	}
	sum = index_rows(plan->lefttree, loops, depth + 1);
	if (IsA(plan, NestLoop))
		loops *= Max(plan->lefttree->plan_rows, 1.0);
	return sum + index_rows(plan->righttree, loops, depth + 1);
}

double
audit_plan_index_rows(const Plan *plan)
{
	return index_rows(plan, 1.0, 0);
}

/* Does what was wrong about a scan matter? */
static bool
is_found(const EstimateSearch *search, const AuditNodeRows *rows, double estimated)
{
	if (rows->loops <= 0 || !audit_is_misestimated(estimated, rows->each, rows->loops))
		return false;
	if (rows->each > estimated)
		return search->matters || search->slow;
	return search->slow && !search->stopped;
}

static void
look_at_scan(EstimateSearch *search, PlanState *state)
{
	AuditNodeRows rows = audit_node_rows(state);
	AuditEstimate *estimate;

	if (!is_found(search, &rows, state->plan->plan_rows))
		return;
	estimate = palloc(sizeof(AuditEstimate));
	estimate->scan = state;
	estimate->rel = ((ScanState *) state)->ss_currentRelation;
	estimate->estimated = state->plan->plan_rows;
	estimate->actual = rows.each;
	estimate->loops = rows.loops;
	search->estimates = lappend(search->estimates, estimate);
}

static bool estimates_walker(PlanState *state, EstimateSearch *search);

static void
look_at_join(EstimateSearch *search, PlanState *state)
{
	const Join *join = (const Join *) state->plan;
	EstimateSearch around = *search;

	search->matters |= IsA(join, NestLoop);
	search->stopped |= IsA(join, MergeJoin);
	estimates_walker(outerPlanState(state), search);
	search->matters = around.matters;
	search->stopped |= join->inner_unique || join->jointype == JOIN_SEMI ||
		join->jointype == JOIN_ANTI;
	estimates_walker(innerPlanState(state), search);
}

/* What a node says of those below it. */
static void
enter(EstimateSearch *search, PlanState *state)
{
	switch (nodeTag(state->plan))
	{
		case T_Limit:
			search->stopped = true;
			break;
		case T_Sort:
		case T_Hash:
			search->stopped = false;
			break;
		case T_Agg:
			search->stopped &= ((const Agg *) state->plan)->aggstrategy == AGG_SORTED;
			search->matters |= audit_node_spilled(state);
			break;
		case T_HashJoin:
			search->matters |= audit_node_spilled(state);
			break;
		default:
			break;
	}
}

static bool
estimates_walker(PlanState *state, EstimateSearch *search)
{
	EstimateSearch around = *search;
	AuditScope	scope;
	List	   *ignored;

	if (audit_scan_scope(state->plan, &scope, &ignored))
		look_at_scan(search, state);
	else if (IsA(state, NestLoopState) || IsA(state, MergeJoinState))
		look_at_join(search, state);
	else
	{
		enter(search, state);
		planstate_tree_walker(state, estimates_walker, search);
	}
	search->matters = around.matters;
	search->stopped = around.stopped;
	return false;
}

/* An AuditEstimate for each such scan. */
List *
audit_plan_estimates(const AuditWatch *watch)
{
	EstimateSearch search = {0};

	search.slow = watch->timed &&
		INSTR_TIME_GET_MILLISEC(watch->elapsed) >= audit_misestimate_time;
	estimates_walker(watch->desc->planstate, &search);
	return search.estimates;
}
