/*
 * audit_origin.c
 *		Where an output column of a plan comes from.
 */
#include "audit/plan/audit_plan.h"

#include "nodes/plannodes.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

/* The node that an entry of a plan's target list gets its column from. */
static const Plan *
source_of(const Plan *plan, const Var *var)
{
	if (IsA(plan, SubqueryScan))
		return (Index) var->varno == ((const Scan *) plan)->scanrelid ?
			((const SubqueryScan *) plan)->subplan : NULL;
	if (var->varno == INNER_VAR)
		return plan->righttree;
	return var->varno == OUTER_VAR ? plan->lefttree : NULL;
}

/* Of an Append, one child stands for all: that of a UNION is told by its table. */
static const Plan *
first_child(const Plan *plan)
{
	if (IsA(plan, Append))
		return linitial(((const Append *) plan)->appendplans);
	if (IsA(plan, MergeAppend))
		return linitial(((const MergeAppend *) plan)->mergeplans);
	return NULL;
}

/*
 * Follows an output column down to the table's column that it is, as it is:
 * through joins, sorts, subqueries and views, to partitions. False for all that
 * is computed.
 */
bool
audit_plan_origin(const Plan *plan, AttrNumber resno, const List *rtable, Oid *relid,
				  AttrNumber *attnum)
{
	bool		appended = false;

	for (int depth = 0; plan != NULL && depth < AUDIT_PLAN_DEPTH; depth++)
	{
		AuditScope	scope;
		List	   *ignored;
		const TargetEntry *entry;
		const Var  *var;
		const Plan *child = first_child(plan);

		if (child != NULL)
		{
			plan = child;
			appended = true;
			continue;
		}
		if (resno < 1 || resno > list_length(plan->targetlist))
			return false;
		entry = list_nth(plan->targetlist, resno - 1);
		if (audit_scan_scope(plan, &scope, &ignored))
		{
			var = audit_clause_column(&scope, (Node *) entry->expr);
			if (var == NULL)
				return false;
			*relid = rt_fetch(scope.scanrelid, rtable)->relid;
			*attnum = var->varattno;
			return !appended || get_rel_relispartition(*relid);
		}
		if (!IsA(entry->expr, Var))
			return false;
		var = (const Var *) entry->expr;
		plan = source_of(plan, var);
		resno = var->varattno;
	}
	return false;
}

/* Likewise an expression of a node, through joins and sorts; rti: the table, in the range table. */
bool
audit_plan_column(const Plan *plan, Node *node, Index *rti, AttrNumber *attnum)
{
	for (int depth = 0; plan != NULL && depth < AUDIT_PLAN_DEPTH; depth++)
	{
		AuditScope	scope;
		List	   *ignored;
		const Var  *var;

		while (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		if (audit_scan_scope(plan, &scope, &ignored))
		{
			var = audit_clause_column(&scope, node);
			if (var == NULL)
				return false;
			*rti = scope.scanrelid;
			*attnum = var->varattno;
			return true;
		}
		if (!IsA(node, Var))
			return false;
		var = (const Var *) node;
		if (var->varno == OUTER_VAR)
			plan = plan->lefttree;
		else if (var->varno == INNER_VAR)
			plan = plan->righttree;
		else
			return false;
		if (plan == NULL || var->varattno < 1 || var->varattno > list_length(plan->targetlist))
			return false;
		node = (Node *) list_nth_node(TargetEntry, plan->targetlist, var->varattno - 1)->expr;
	}
	return false;
}
