/*
 * audit_count.c
 *		A count at the top of a plan: how many it counted, and of what.
 */
#include "audit/plan/audit_plan.h"

#include "access/htup_details.h"
#include "catalog/pg_index.h"
#include "executor/nodeAgg.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"

typedef struct CountSearch
{
	const Plan *agg;			/* that reads the rows counted */
	const List *rtable;
	int			ncounts;
} CountSearch;

/* Is the argument of a count a column that is never NULL? */
static bool
counts_rows(const CountSearch *search, const Aggref *aggref)
{
	const TargetEntry *argument;
	AuditPlanColumn origin;

	if (aggref->aggstar)
		return true;
	argument = linitial(aggref->args);
	return audit_plan_column(search->agg, (Node *) argument->expr, search->rtable, &origin) &&
		audit_is_not_null(origin.relid, origin.attnum);
}

/* True when there is an aggregate that does not count all rows. */
static bool
other_walker(Node *node, void *context)
{
	CountSearch *search = context;

	if (node == NULL)
		return false;
	if (IsA(node, Aggref))
	{
		const Aggref *aggref = (const Aggref *) node;

		search->ncounts++;
		return (aggref->aggfnoid != F_COUNT_ && aggref->aggfnoid != F_COUNT_ANY) ||
			aggref->aggdistinct != NIL || aggref->aggfilter != NULL ||
			!counts_rows(search, aggref);
	}
	return expression_tree_walker(node, other_walker, context);
}

/* Below the node that puts workers' or partitions' counts together: one that counts rows. */
static const Plan *
counting_node(const Plan *plan)
{
	for (int depth = 0; plan != NULL && depth < AUDIT_PLAN_DEPTH; depth++)
	{
		if (IsA(plan, Agg) && !DO_AGGSPLIT_COMBINE(((const Agg *) plan)->aggsplit))
			return plan;
		if (IsA(plan, Append))
			plan = linitial(((const Append *) plan)->appendplans);
		else if (IsA(plan, Agg) || IsA(plan, Gather))
			plan = plan->lefttree;
		else
			return NULL;
	}
	return NULL;
}

/* What the predicate of a partial index says is in no other condition of the plan. */
static bool
is_partial_index(const Plan *plan)
{
	Oid			index = IsA(plan, IndexOnlyScan) ? ((const IndexOnlyScan *) plan)->indexid :
		IsA(plan, IndexScan) ? ((const IndexScan *) plan)->indexid : InvalidOid;
	HeapTuple	tuple;
	bool		result;

	if (!OidIsValid(index))
		return false;
	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	if (!HeapTupleIsValid(tuple))
		return true;
	result = !heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	ReleaseSysCache(tuple);
	return result;
}

/* Do rows of tables come up as they are, without a condition or a join? */
static bool
is_restricted(const Plan *plan, int depth)
{
	AuditScope	scope;
	List	   *conditions;
	ListCell   *cell;

	if (plan == NULL || depth > AUDIT_PLAN_DEPTH || plan->qual != NIL)
		return true;
	if (audit_scan_scope(plan, &scope, &conditions))
		return conditions != NIL || is_partial_index(plan);
	if (IsA(plan, Gather))
		return is_restricted(plan->lefttree, depth + 1);
	if (!IsA(plan, Append))
		return true;
	foreach(cell, ((const Append *) plan)->appendplans)
	{
		if (is_restricted(lfirst(cell), depth + 1))
			return true;
	}
	return false;
}

/* The number in the state of an aggregation that has ended. */
static int64
counted_rows(const AggState *state)
{
	if (state->numtrans < 1 || state->pergroups == NULL || state->pergroups[0][0].transValueIsNull)
		return 0;
	return DatumGetInt64(state->pergroups[0][0].transValue);
}

/*
 * Does the plan count rows, and nothing else, into one? Not if it groups, has
 * a HAVING, or counts what a LIMIT or a DISTINCT left.
 */
bool
audit_plan_count(const PlanState *top, const List *rtable, AuditCount *count)
{
	const Agg  *agg = (const Agg *) top->plan;
	CountSearch search = {NULL, rtable, 0};

	if (!IsA(top, AggState) || agg->aggstrategy != AGG_PLAIN || agg->plan.qual != NIL ||
		!((const AggState *) top)->agg_done)
		return false;
	search.agg = counting_node(&agg->plan);
	if (search.agg == NULL || audit_plan_is_bounded(search.agg->lefttree) ||
		expression_tree_walker((Node *) search.agg->targetlist, other_walker, &search) ||
		search.ncounts == 0)
		return false;
	count->counted = counted_rows((const AggState *) top);
	count->restricted = is_restricted(search.agg->lefttree, 0);
	return true;
}
