/*
 * audit_plan.c
 *		Facts out of a plan: filters and what they threw away, the order of a
 *		result, lookups by one value.
 *
 * Reads plan trees and their measured plan state, and of the catalogs only
 * which operator means what. Decides nothing. What is returned lives in the
 * current memory context, which is the query's.
 */
#include "audit.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_proc.h"
#include "executor/instrument.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#define MAX_DEPTH 100			/* of a plan that is followed downwards */

/* ---- conditions ---- */

/* Where the columns of a scan's conditions come from. */
typedef struct Scope
{
	Index		scanrelid;
	const List *index_columns;	/* target list of an index-only scan */
} Scope;

/* The column of the scanned table that an expression is, NULL when it is something else. */
static const Var *
column_of(const Scope *scope, Node *node)
{
	const Var  *var;

	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (node == NULL || !IsA(node, Var))
		return NULL;
	var = (const Var *) node;
	if (var->varno == INDEX_VAR && var->varattno >= 1 &&
		var->varattno <= list_length(scope->index_columns))
	{
		const TargetEntry *entry = list_nth(scope->index_columns, var->varattno - 1);

		if (!IsA(entry->expr, Var))
			return NULL;
		var = (const Var *) entry->expr;
	}
	return (Index) var->varno == scope->scanrelid && var->varattno > 0 ? var : NULL;
}

/* Completes a clause: is the operator one that a b-tree on the column can serve? */
static bool
set_operator(AuditClause *clause, const Var *column, Oid operator, Oid collation)
{
	TypeCacheEntry *type = lookup_type_cache(column->vartype, TYPECACHE_BTREE_OPFAMILY);
	int			strategy;

	if (!OidIsValid(operator) || !OidIsValid(type->btree_opf))
		return false;
	strategy = get_op_opfamily_strategy(operator, type->btree_opf);
	if (strategy == 0)
		return false;
	if (OidIsValid(collation) && collation != column->varcollid)
		return false;
	clause->attnum = column->varattno;
	clause->type = column->vartype;
	clause->operator = operator;
	clause->is_equality = strategy == BTEqualStrategyNumber;
	return true;
}

/* A function that is gone, which its users may outlive, can be anything. */
static bool
is_volatile_function(Oid funcid, void *context pg_attribute_unused())
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return true;
	result = ((Form_pg_proc) GETSTRUCT(tuple))->provolatile == PROVOLATILE_VOLATILE;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * The server's own contain_volatile_functions raises an error when a function
 * or a type was dropped since the plan was made.
 */
static bool
volatile_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, NextValueExpr))
		return true;
	if (IsA(node, CoerceViaIO))
	{
		const CoerceViaIO *coercion = (const CoerceViaIO *) node;

		if (!SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(coercion->resulttype)) ||
			!SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(exprType((Node *) coercion->arg))))
			return true;
	}
	return check_functions_in_node(node, is_volatile_function, context) ||
		expression_tree_walker(node, volatile_walker, context);
}

static bool
is_independent(Node *value)
{
	return !contain_var_clause(value) && !volatile_walker(value, NULL);
}

/* "column op value" or its mirror image, else false. */
static bool
read_comparison(const Scope *scope, const OpExpr *expr, AuditClause *clause)
{
	Node	   *left = linitial(expr->args);
	Node	   *right;
	const Var  *column;

	if (list_length(expr->args) != 2)
		return false;
	right = lsecond(expr->args);
	column = column_of(scope, left);
	if (column != NULL && is_independent(right))
	{
		clause->value = right;
		return set_operator(clause, column, expr->opno, expr->inputcollid);
	}
	column = column_of(scope, right);
	if (column != NULL && is_independent(left))
	{
		clause->value = left;
		return set_operator(clause, column, get_commutator(expr->opno), expr->inputcollid);
	}
	return false;
}

/* "column = ANY (array)" is an equality too; the value stays unset. */
static bool
read_any(const Scope *scope, const ScalarArrayOpExpr *expr, AuditClause *clause)
{
	const Var  *column = column_of(scope, linitial(expr->args));

	return expr->useOr && column != NULL && is_independent(lsecond(expr->args)) &&
		set_operator(clause, column, expr->opno, expr->inputcollid) && clause->is_equality;
}

/* An AuditClause for each condition; attnum is 0 in those that no b-tree serves. */
static List *
read_clauses(const Scope *scope, List *conditions)
{
	List	   *clauses = NIL;
	ListCell   *cell;

	foreach(cell, conditions)
	{
		Node	   *node = lfirst(cell);
		AuditClause *clause = palloc0(sizeof(AuditClause));
		bool		useful = false;

		if (IsA(node, OpExpr))
			useful = read_comparison(scope, (OpExpr *) node, clause);
		else if (IsA(node, ScalarArrayOpExpr))
			useful = read_any(scope, (ScalarArrayOpExpr *) node, clause);
		if (!useful)
			clause->attnum = 0;
		clauses = lappend(clauses, clause);
	}
	return clauses;
}

/* ---- filters of a measured plan ---- */

/* The scope of a scan and what its index does for it; false for other nodes. */
static bool
scan_scope(const Plan *plan, Scope *scope, List **index_conditions)
{
	scope->index_columns = NIL;
	*index_conditions = NIL;
	switch (nodeTag(plan))
	{
		case T_SeqScan:
			break;
		case T_IndexScan:
			*index_conditions = ((const IndexScan *) plan)->indexqualorig;
			break;
		case T_IndexOnlyScan:
			*index_conditions = ((const IndexOnlyScan *) plan)->indexqual;
			scope->index_columns = ((const IndexOnlyScan *) plan)->indextlist;
			break;
		case T_BitmapHeapScan:
			*index_conditions = ((const BitmapHeapScan *) plan)->bitmapqualorig;
			break;
		default:
			return false;
	}
	scope->scanrelid = ((const Scan *) plan)->scanrelid;
	return true;
}

static bool
filters_walker(PlanState *state, List **filters)
{
	Scope		scope;
	List	   *index_conditions;

	if (state->instrument != NULL && state->plan->qual != NIL &&
		scan_scope(state->plan, &scope, &index_conditions))
	{
		AuditFilter *filter = palloc0(sizeof(AuditFilter));

		InstrEndLoop(state->instrument);
		filter->rel = ((ScanState *) state)->ss_currentRelation;
		filter->kept = state->instrument->ntuples;
		filter->scanned = state->instrument->ntuples + state->instrument->nfiltered1;
		filter->loops = state->instrument->nloops;
		filter->index_clauses = read_clauses(&scope, index_conditions);
		filter->filter_clauses = read_clauses(&scope, state->plan->qual);
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

/* ---- the top of a plan ---- */

/*
 * Does something other than the size of its tables bound the result: a
 * LIMIT, or grouping?
 */
bool
audit_plan_is_bounded(const Plan *plan)
{
	for (int depth = 0; plan != NULL && depth < MAX_DEPTH; depth++)
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

/* Follows an output column down to the table's column that it is. */
static bool
origin_of(const Plan *plan, AttrNumber resno, const List *rtable, Oid *relid, AttrNumber *attnum)
{
	for (int depth = 0; plan != NULL && depth < MAX_DEPTH; depth++)
	{
		Scope		scope;
		List	   *ignored;
		const TargetEntry *entry;
		const Var  *var;

		if (resno < 1 || resno > list_length(plan->targetlist))
			return false;
		entry = list_nth(plan->targetlist, resno - 1);
		if (scan_scope(plan, &scope, &ignored))
		{
			var = column_of(&scope, (Node *) entry->expr);
			if (var == NULL)
				return false;
			*relid = rt_fetch(scope.scanrelid, rtable)->relid;
			*attnum = var->varattno;
			return true;
		}
		if (!IsA(entry->expr, Var))
			return false;
		var = (const Var *) entry->expr;
		if (var->varno == OUTER_VAR)
			plan = plan->lefttree;
		else if (var->varno == INNER_VAR)
			plan = plan->righttree;
		else
			return false;
		resno = var->varattno;
	}
	return false;
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
	Scope		scope;
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
	if (index == NULL || !scan_scope(state->plan, &scope, &conditions))
		return false;
	*relid = index->rd_index->indrelid;
	return index_order(index, direction, read_clauses(&scope, conditions), columns);
}

/*
 * The columns that the rows under a Limit are ordered by, when they are plain
 * columns of one table.
 */
bool
audit_plan_order(const PlanState *state, const List *rtable, Oid *relid, AuditColumns *columns)
{
	for (int depth = 0; state != NULL && depth < MAX_DEPTH; depth++)
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

/* ---- lookups ---- */

typedef struct LookupSearch
{
	const List *rtable;
	List	   *lookups;
	int			max;
} LookupSearch;

static void
lookups_in(LookupSearch *search, const Scope *scope, List *conditions)
{
	ListCell   *cell;

	foreach(cell, read_clauses(scope, conditions))
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
	Scope		scope;
	List	   *index_conditions;

	if (plan == NULL || depth > MAX_DEPTH || list_length(search->lookups) >= search->max)
		return;
	if (scan_scope(plan, &scope, &index_conditions))
	{
		lookups_in(search, &scope, index_conditions);
		lookups_in(search, &scope, plan->qual);
		return;
	}
	if (IsA(plan, Append))
		search_lookups(search, linitial(((const Append *) plan)->appendplans), depth + 1);
	else if (IsA(plan, MergeAppend))
		search_lookups(search, linitial(((const MergeAppend *) plan)->mergeplans), depth + 1);
	search_lookups(search, plan->lefttree, depth + 1);
	search_lookups(search, plan->righttree, depth + 1);
}

/*
 * The first conditions `column = value` of a plan, at most "max" of them. One
 * partition stands for all.
 */
List *
audit_plan_lookups(const PlannedStmt *stmt, int max)
{
	LookupSearch search = {stmt->rtable, NIL, max};

	search_lookups(&search, stmt->planTree, 0);
	return search.lookups;
}
