/*
 * audit_origin.c
 *		Where a column in a plan comes from.
 */
#include "audit/plan/audit_plan.h"

#include "nodes/plannodes.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

/*
 * The node that an entry of a plan's target list gets its column from. Of an
 * Append, one child stands for all: that of a UNION is told by its table.
 */
static const Plan *
source_of(const Plan *plan, const Var *var)
{
	if (IsA(plan, SubqueryScan))
		return (Index) var->varno == ((const Scan *) plan)->scanrelid ?
			((const SubqueryScan *) plan)->subplan : NULL;
	if (IsA(plan, Append))
		return linitial(((const Append *) plan)->appendplans);
	if (IsA(plan, MergeAppend))
		return linitial(((const MergeAppend *) plan)->mergeplans);
	if (var->varno == INNER_VAR)
		return plan->righttree;
	return var->varno == OUTER_VAR ? plan->lefttree : NULL;
}

static Node *
output_of(const Plan *plan, AttrNumber resno)
{
	if (plan == NULL || resno < 1 || resno > list_length(plan->targetlist))
		return NULL;
	return (Node *) list_nth_node(TargetEntry, plan->targetlist, resno - 1)->expr;
}

static const Var *
var_of(Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node != NULL && IsA(node, Var) ? (const Var *) node : NULL;
}

/*
 * Follows an expression of a node down to the table's column that it is, as it
 * is: through joins, sorts, subqueries and views, to partitions. False for all
 * that is computed.
 */
bool
audit_plan_column(const Plan *plan, Node *node, const List *rtable, AuditPlanColumn *origin)
{
	bool		appended = false;

	for (int depth = 0; plan != NULL && depth < AUDIT_PLAN_DEPTH; depth++)
	{
		AuditScope	scope;
		List	   *ignored;
		const Var  *var = var_of(node);

		if (var == NULL)
			return false;
		if (audit_scan_scope(plan, &scope, &ignored))
		{
			var = audit_clause_column(&scope, node);
			if (var == NULL)
				return false;
			origin->rti = scope.scanrelid;
			origin->relid = rt_fetch(scope.scanrelid, rtable)->relid;
			origin->attnum = var->varattno;
			return !appended || get_rel_relispartition(origin->relid);
		}
		appended |= IsA(plan, Append) || IsA(plan, MergeAppend);
		plan = source_of(plan, var);
		node = output_of(plan, var->varattno);
	}
	return false;
}

/* Likewise an output column of a node. */
bool
audit_plan_origin(const Plan *plan, AttrNumber resno, const List *rtable, AuditPlanColumn *origin)
{
	return audit_plan_column(plan, output_of(plan, resno), rtable, origin);
}
