/*
 * audit_order.c
 *		The top of a plan: whether something bounds the result, and by which columns
 *		it is ordered.
 */
#include "audit/plan/audit_plan.h"

#include "access/stratnum.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/*
 * Does something other than the size of its tables bound the result: a
 * LIMIT, or grouping?
 */
bool
audit_plan_is_bounded(const Plan *plan)
{
	for (int depth = 0; plan != NULL && depth < AUDIT_PLAN_DEPTH; depth++)
	{
		switch (nodeTag(plan))
		{
			case T_Limit:
			case T_Agg:
			case T_Group:
			case T_Unique:
			case T_SetOp:
				return true;
			case T_LockRows:
			case T_Result:
			case T_ProjectSet:
			case T_Sort:
			case T_IncrementalSort:
			case T_Material:
			case T_Gather:
			case T_GatherMerge:
			case T_WindowAgg:
				plan = plan->lefttree;
				break;
			default:
				return false;
		}
	}
	return false;
}

/* Follows an expression of a plan node down to the table's column that it is. */
bool
audit_plan_origin(const Plan *plan, Node *node, Index *rti, AttrNumber *attnum)
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

/* Likewise an output column. */
static bool
origin_of(const Plan *plan, AttrNumber resno, const List *rtable, Oid *relid, AttrNumber *attnum)
{
	Index		rti;

	if (resno < 1 || resno > list_length(plan->targetlist) ||
		!audit_plan_origin(plan, (Node *) list_nth_node(TargetEntry, plan->targetlist,
														resno - 1)->expr, &rti, attnum))
		return false;
	*relid = rt_fetch(rti, rtable)->relid;
	return true;
}

static bool
sort_order(const Sort *sort, const List *rtable, Oid *relid, AuditColumns *columns)
{
	if (sort->numCols > AUDIT_MAX_COLUMNS)
		return false;
	for (int i = 0; i < sort->numCols; i++)
	{
		const TargetEntry *entry = list_nth(sort->plan.targetlist, sort->sortColIdx[i] - 1);
		TypeCacheEntry *type;
		Oid			table;

		if (!origin_of(&sort->plan, sort->sortColIdx[i], rtable, &table, &columns->attnum[i]) ||
			(i > 0 && table != *relid))
			return false;
		*relid = table;
		type = lookup_type_cache(exprType((Node *) entry->expr), TYPECACHE_BTREE_OPFAMILY);
		columns->descending[i] = get_op_opfamily_strategy(sort->sortOperators[i],
														  type->btree_opf) ==
			BTGreaterStrategyNumber;
	}
	columns->n = sort->numCols;
	return columns->n > 0;
}

static bool
is_bound(const List *clauses, AttrNumber attnum)
{
	ListCell   *cell;

	foreach(cell, clauses)
	{
		const AuditClause *clause = lfirst(cell);

		if (clause->attnum == attnum && clause->is_equality)
			return true;
	}
	return false;
}

/* The order of an index: its columns, but for those that the query holds to one value. */
static bool
index_order(Relation index, ScanDirection direction, const List *clauses, AuditColumns *columns)
{
	Form_pg_index form = index->rd_index;

	columns->n = 0;
	for (int i = 0; i < form->indnkeyatts && columns->n < AUDIT_MAX_COLUMNS; i++)
	{
		AttrNumber	attnum = form->indkey.values[i];
		bool		descending = (index->rd_indoption[i] & INDOPTION_DESC) != 0;

		if (attnum <= 0)
			return false;
		if (is_bound(clauses, attnum))
			continue;
		columns->attnum[columns->n] = attnum;
		columns->descending[columns->n++] = descending != ScanDirectionIsBackward(direction);
	}
	return columns->n > 0;
}

static bool
scan_order(const PlanState *state, Oid *relid, AuditColumns *columns)
{
	AuditScope		scope;
	List	   *conditions;
	Relation	index;
	ScanDirection direction;

	if (IsA(state, IndexScanState))
	{
		index = ((const IndexScanState *) state)->iss_RelationDesc;
		direction = ((const IndexScan *) state->plan)->indexorderdir;
	}
	else if (IsA(state, IndexOnlyScanState))
	{
		index = ((const IndexOnlyScanState *) state)->ioss_RelationDesc;
		direction = ((const IndexOnlyScan *) state->plan)->indexorderdir;
	}
	else
		return false;
	if (index == NULL || !audit_scan_scope(state->plan, &scope, &conditions))
		return false;
	*relid = index->rd_index->indrelid;
	return index_order(index, direction, audit_clauses(&scope, conditions), columns);
}

/*
 * The columns that the rows under a Limit are ordered by, when they are plain
 * columns of one table.
 */
bool
audit_plan_order(const PlanState *state, const List *rtable, Oid *relid, AuditColumns *columns)
{
	for (int depth = 0; state != NULL && depth < AUDIT_PLAN_DEPTH; depth++)
	{
		switch (nodeTag(state->plan))
		{
			case T_Sort:
			case T_IncrementalSort:
				return sort_order((const Sort *) state->plan, rtable, relid, columns);
			case T_IndexScan:
			case T_IndexOnlyScan:
				return scan_order(state, relid, columns);
			case T_Limit:
			case T_LockRows:
			case T_Result:
			case T_GatherMerge:
			case T_NestLoop:
				state = outerPlanState(state);
				break;
			default:
				return false;
		}
	}
	return false;
}
