/*
 * audit_clause.c
 *		The conditions of a scan: which are "column op value", in a way that an
 *		index could serve.
 *
 * Reads plan trees, and of the catalogs only which operator means what. What is
 * returned lives in the current memory context, which is the query's.
 */
#include "audit/plan/audit_plan.h"

#include "access/stratnum.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* The column of the scanned table that an expression is, NULL when it is something else. */
const Var *
audit_clause_column(const AuditScope *scope, Node *node)
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

/* Is it the same for all rows of the scan? */
bool
audit_is_independent(Node *value)
{
	return !contain_var_clause(value) && !audit_expression_is_volatile(value);
}

/* "column op value" or its mirror image, else false. */
static bool
read_comparison(const AuditScope *scope, const OpExpr *expr, AuditClause *clause)
{
	Node	   *left = linitial(expr->args);
	Node	   *right;
	const Var  *column;

	if (list_length(expr->args) != 2)
		return false;
	right = lsecond(expr->args);
	column = audit_clause_column(scope, left);
	if (column != NULL && audit_is_independent(right))
	{
		clause->value = right;
		return set_operator(clause, column, expr->opno, expr->inputcollid);
	}
	column = audit_clause_column(scope, right);
	if (column != NULL && audit_is_independent(left))
	{
		clause->value = left;
		return set_operator(clause, column, get_commutator(expr->opno), expr->inputcollid);
	}
	return false;
}

/* "column = ANY (array)" is an equality too; the value stays unset. */
static bool
read_any(const AuditScope *scope, const ScalarArrayOpExpr *expr, AuditClause *clause)
{
	const Var  *column = audit_clause_column(scope, linitial(expr->args));

	return expr->useOr && column != NULL && audit_is_independent(lsecond(expr->args)) &&
		set_operator(clause, column, expr->opno, expr->inputcollid) && clause->is_equality;
}

/* An AuditClause for each condition; attnum is 0 in those that no b-tree serves. */
List *
audit_clauses(const AuditScope *scope, List *conditions)
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

/* The scope of a scan and what its index does for it; false for other nodes. */
bool
audit_scan_scope(const Plan *plan, AuditScope *scope, List **index_conditions)
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
