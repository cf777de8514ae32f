/*
 * audit_hypothesis_use.c
 *		Which hypothetical indexes a plan makes use of, and how many columns of each.
 */
#include "audit/plan/audit_plan.h"
#include "audit/whatif/audit_what_if.h"

#include "nodes/nodeFuncs.h"

/* The last column of an index that its conditions compare. */
static bool
last_column_walker(Node *node, int *last)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		if (((Var *) node)->varno == INDEX_VAR)
			*last = Max(*last, ((Var *) node)->varattno);
		return false;
	}
	return expression_tree_walker(node, last_column_walker, last);
}

static void
note_use(List *hypotheses, Oid indexid, List *conditions)
{
	AuditHypothesis *hypothesis;

	if (indexid < AUDIT_HYPOTHESIS_OID ||
		indexid >= AUDIT_HYPOTHESIS_OID + (Oid) list_length(hypotheses))
		return;
	hypothesis = list_nth(hypotheses, indexid - AUDIT_HYPOTHESIS_OID);
	last_column_walker((Node *) conditions, &hypothesis->used);
}

static void search_plan(List *hypotheses, const Plan *plan, int depth);

static void
search_plans(List *hypotheses, List *plans, int depth)
{
	ListCell   *cell;

	foreach(cell, plans)
		search_plan(hypotheses, lfirst(cell), depth);
}

static void
search_plan(List *hypotheses, const Plan *plan, int depth)
{
	if (plan == NULL || depth > AUDIT_PLAN_DEPTH)
		return;
	depth++;
	switch (nodeTag(plan))
	{
		case T_IndexScan:
			note_use(hypotheses, ((const IndexScan *) plan)->indexid,
					 ((const IndexScan *) plan)->indexqual);
			break;
		case T_IndexOnlyScan:
			note_use(hypotheses, ((const IndexOnlyScan *) plan)->indexid,
					 ((const IndexOnlyScan *) plan)->indexqual);
			break;
		case T_BitmapIndexScan:
			note_use(hypotheses, ((const BitmapIndexScan *) plan)->indexid,
					 ((const BitmapIndexScan *) plan)->indexqual);
			break;
		case T_Append:
			search_plans(hypotheses, ((const Append *) plan)->appendplans, depth);
			break;
		case T_MergeAppend:
			search_plans(hypotheses, ((const MergeAppend *) plan)->mergeplans, depth);
			break;
		case T_BitmapAnd:
			search_plans(hypotheses, ((const BitmapAnd *) plan)->bitmapplans, depth);
			break;
		case T_BitmapOr:
			search_plans(hypotheses, ((const BitmapOr *) plan)->bitmapplans, depth);
			break;
		case T_SubqueryScan:
			search_plan(hypotheses, ((const SubqueryScan *) plan)->subplan, depth);
			break;
		case T_CustomScan:
			search_plans(hypotheses, ((const CustomScan *) plan)->custom_plans, depth);
			break;
		default:
			break;
	}
	search_plan(hypotheses, plan->lefttree, depth);
	search_plan(hypotheses, plan->righttree, depth);
}

/* Sets in each hypothesis how many of its columns the plan searches by. */
void
audit_hypotheses_find(List *hypotheses, const PlannedStmt *stmt)
{
	search_plan(hypotheses, stmt->planTree, 0);
	search_plans(hypotheses, stmt->subplans, 0);
}
