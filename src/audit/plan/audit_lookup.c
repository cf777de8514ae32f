/*
 * audit_lookup.c
 *		Lookups of a plan: conditions `column = value` with a value from outside.
 */
#include "audit/plan/audit_plan.h"

#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "parser/parsetree.h"

typedef struct LookupSearch
{
	const List *rtable;
	List	   *lookups;
	int			max;
} LookupSearch;

static void
lookups_in(LookupSearch *search, const AuditScope *scope, List *conditions)
{
	ListCell   *cell;

	foreach(cell, audit_clauses(scope, conditions))
	{
		const AuditClause *clause = lfirst(cell);
		AuditLookup *lookup;
		Node	   *value = clause->value;

		while (value != NULL && IsA(value, RelabelType))
			value = (Node *) ((RelabelType *) value)->arg;
		if (clause->attnum == 0 || !clause->is_equality || value == NULL ||
			list_length(search->lookups) >= search->max)
			continue;
		if (!IsA(value, Const) &&
			!(IsA(value, Param) && ((Param *) value)->paramkind == PARAM_EXTERN))
			continue;
		lookup = palloc(sizeof(AuditLookup));
		lookup->relid = rt_fetch(scope->scanrelid, search->rtable)->relid;
		lookup->attnum = clause->attnum;
		lookup->value = value;
		search->lookups = lappend(search->lookups, lookup);
	}
}

static void
search_lookups(LookupSearch *search, const Plan *plan, int depth)
{
	AuditScope		scope;
	List	   *index_conditions;

	if (plan == NULL || depth > AUDIT_PLAN_DEPTH || list_length(search->lookups) >= search->max)
		return;
	if (audit_scan_scope(plan, &scope, &index_conditions))
	{
		lookups_in(search, &scope, index_conditions);
		lookups_in(search, &scope, plan->qual);
		return;
	}
	if (IsA(plan, Append))
		search_lookups(search, linitial(((const Append *) plan)->appendplans), depth + 1);
	else if (IsA(plan, MergeAppend))
		search_lookups(search, linitial(((const MergeAppend *) plan)->mergeplans), depth + 1);
	else if (IsA(plan, SubqueryScan))
		search_lookups(search, ((const SubqueryScan *) plan)->subplan, depth + 1);
	search_lookups(search, plan->lefttree, depth + 1);
	search_lookups(search, plan->righttree, depth + 1);
}

/*
 * The first conditions `column = value` of a plan and its subqueries, at most
 * "max" of them. One partition stands for all.
 */
List *
audit_plan_lookups(const PlannedStmt *stmt, int max)
{
	LookupSearch search = {stmt->rtable, NIL, max};
	ListCell   *cell;

	search_lookups(&search, stmt->planTree, 0);
	foreach(cell, stmt->subplans)
		search_lookups(&search, lfirst(cell), 0);
	return search.lookups;
}
