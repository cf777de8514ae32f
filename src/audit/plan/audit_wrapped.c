/*
 * audit_wrapped.c
 *		Conditions on a column that its index cannot serve, as the column is
 *		wrapped in something, or compared in a way that the index does not know.
 */
#include "audit/plan/audit_plan.h"

#include "access/htup_details.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_collation_d.h"
#include "catalog/pg_index.h"
#include "catalog/pg_opclass_d.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* Operators of the opclasses for patterns, which the server's headers do not name. */
#define TEXT_PATTERN_LT_OP 2314
#define BPCHAR_PATTERN_LT_OP 2326

#define FEW_VALUES 10			/* a column with fewer is not selective */

/* Is this a valid b-tree over all rows that begins with the column? */
static bool
begins_with(Oid indexid, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexid));
	Form_pg_index form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_index) GETSTRUCT(tuple);
	result = form->indisvalid && form->indkey.values[0] == attnum &&
		heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	ReleaseSysCache(tuple);
	return result;
}

/* An index that begins with a column, 0 when there is none. */
Oid
audit_index_on(Relation rel, AttrNumber attnum)
{
	ListCell   *cell;

	foreach(cell, RelationGetIndexList(rel))
	{
		if (begins_with(lfirst_oid(cell), attnum))
			return lfirst_oid(cell);
	}
	return InvalidOid;
}

/* ---- what is around the column ---- */

static Node *
without_labels(Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/* The only column that an expression reads, NULL when there are more or none. */
static const Var *
only_column(const AuditScope *scope, Node *expression)
{
	const Var  *found = NULL;
	ListCell   *cell;

	foreach(cell, pull_var_clause(expression, PVC_RECURSE_PLACEHOLDERS))
	{
		const Var  *var = audit_clause_column(scope, lfirst(cell));

		if (var == NULL || (found != NULL && found->varattno != var->varattno))
			return NULL;
		found = var;
	}
	return found;
}

/* The expression as an index would have it: of a table that is number 1. */
static Node *
of_table_mutator(Node *node, const AuditScope *scope)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Var		   *column = (Var *) copyObject(audit_clause_column(scope, node));

		column->varno = column->varnosyn = 1;
		column->varattnosyn = column->varattno;
		return (Node *) column;
	}
	return expression_tree_mutator(node, of_table_mutator, (void *) scope);
}

static bool
is_parameter(Node *node, void *context)
{
	if (node == NULL)
		return false;
	return IsA(node, Param) || IsA(node, SubPlan) ||
		expression_tree_walker(node, is_parameter, context);
}

/* Does a cast of this type keep its values apart? Into text all do. */
static bool
is_lossless(Node *cast, Oid type)
{
	return IsA(cast, CoerceViaIO) || type == INT2OID || type == INT4OID || type == INT8OID ||
		type == FLOAT4OID || type == DATEOID;
}

static AuditWrap
cause_of(Node *expression, Oid type)
{
	CoercionForm form;

	if (IsA(expression, RelabelType))
		return AUDIT_WRAP_TYPE;
	if (IsA(expression, FuncExpr))
		form = ((FuncExpr *) expression)->funcformat;
	else if (IsA(expression, CoerceViaIO))
		form = ((CoerceViaIO *) expression)->coerceformat;
	else
		return AUDIT_WRAP_EXPRESSION;
	if (form == COERCE_IMPLICIT_CAST)
		return AUDIT_WRAP_TYPE;
	if (form != COERCE_EXPLICIT_CAST)
		return AUDIT_WRAP_FUNCTION;
	return is_lossless(expression, type) ? AUDIT_WRAP_CAST : AUDIT_WRAP_LOSSY_CAST;
}

/* Has the expression about as many values as the column? */
static bool
keeps_apart(const AuditWrapped *wrapped)
{
	Oid			function;

	if (wrapped->cause != AUDIT_WRAP_FUNCTION && wrapped->cause != AUDIT_WRAP_EXPRESSION &&
		wrapped->cause != AUDIT_WRAP_LOSSY_CAST)
		return true;
	if (wrapped->cause != AUDIT_WRAP_FUNCTION || !IsA(wrapped->expression, FuncExpr))
		return false;
	function = ((FuncExpr *) wrapped->expression)->funcid;
	return function == F_LOWER_TEXT || function == F_UPPER_TEXT || function == F_BTRIM_TEXT ||
		function == F_LTRIM_TEXT || function == F_RTRIM_TEXT;
}

/*
 * Is it this condition that threw the rows away? Others may have done it, so
 * beside these the column has to have many values, in what is compared too.
 */
static bool
is_to_blame(const AuditFilter *filter, const AuditWrapped *wrapped)
{
	return list_length(filter->conditions) == 1 ||
		(wrapped->keeps_apart &&
		 audit_distinct_values(filter->rel, wrapped->attnum) >= FEW_VALUES);
}

/* Would a b-tree on the expression serve this operator? */
static bool
has_order(Node *expression, Oid operator, Oid collation)
{
	TypeCacheEntry *type = lookup_type_cache(exprType(expression), TYPECACHE_BTREE_OPFAMILY);

	return OidIsValid(operator) && OidIsValid(type->btree_opf) &&
		get_op_opfamily_strategy(operator, type->btree_opf) != 0 &&
		(!OidIsValid(collation) || collation == exprCollation(expression));
}

/* Is it a column taken for another type, whose operators its own index does not know? */
static bool
is_other_type(Node *side, Oid operator)
{
	const Node *column = without_labels(side);
	Oid			type = exprType(column);
	TypeCacheEntry *own = lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY);

	return IsA(side, RelabelType) && IsA(column, Var) && exprType(side) != type &&
		OidIsValid(operator) && OidIsValid(own->btree_opf) &&
		get_op_opfamily_strategy(operator, own->btree_opf) == 0;
}

/* An expression around one column, compared with something that is none of the table's. */
static bool
read_wrapped(const AuditFilter *filter, const OpExpr *condition, bool mirrored,
			 AuditWrapped *wrapped)
{
	Node	   *side = mirrored ? lsecond(condition->args) : linitial(condition->args);
	Node	   *value = mirrored ? linitial(condition->args) : lsecond(condition->args);
	Oid			operator = mirrored ? get_commutator(condition->opno) : condition->opno;
	Node	   *expression = is_other_type(side, operator) ? side : without_labels(side);
	const Var  *column;

	if (IsA(expression, Var) || !audit_is_independent(value))
		return false;
	column = only_column(&filter->scope, expression);
	if (column == NULL || audit_expression_is_volatile(expression) ||
		is_parameter(expression, NULL) || !has_order(expression, operator, condition->inputcollid))
		return false;
	wrapped->cause = cause_of(expression, column->vartype);
	wrapped->attnum = column->varattno;
	wrapped->expression = expression;
	return true;
}

/* The column as it is, in another collation than that of its indexes. */
static bool
read_collated(const AuditFilter *filter, const OpExpr *condition, bool mirrored,
			  AuditWrapped *wrapped)
{
	Node	   *value = mirrored ? linitial(condition->args) : lsecond(condition->args);
	Oid			operator = mirrored ? get_commutator(condition->opno) : condition->opno;
	Node	   *side = mirrored ? lsecond(condition->args) : linitial(condition->args);
	const Var  *column = audit_clause_column(&filter->scope, side);

	if (column == NULL || !OidIsValid(condition->inputcollid) || !audit_is_independent(value) ||
		!has_order(without_labels(side), operator, InvalidOid) ||
		audit_collation_is_indexed(RelationGetRelid(filter->rel), column->varattno,
								   condition->inputcollid))
		return false;
	wrapped->cause = AUDIT_WRAP_OTHER_COLLATION;
	wrapped->attnum = column->varattno;
	wrapped->collation = condition->inputcollid;
	return true;
}

/* A pattern that has no beginning to be looked up by. */
static bool
read_wildcard(const AuditFilter *filter, const OpExpr *condition, ParamListInfo params,
			  AuditWrapped *wrapped)
{
	AuditPattern pattern;

	if (!audit_pattern(&filter->scope, condition, params, &pattern))
		return false;
	wrapped->cause = pattern.is_ending ? AUDIT_WRAP_ENDING : AUDIT_WRAP_WILDCARD;
	wrapped->attnum = pattern.attnum;
	wrapped->operator = pattern.operator;
	wrapped->opclass = audit_trigram_opclass();
	wrapped->evident = pattern.letters >= AUDIT_TRIGRAM;
	return OidIsValid(wrapped->opclass) || wrapped->evident;
}

/* A pattern that only a b-tree in the order of bytes can look up. */
static bool
read_pattern(const AuditFilter *filter, const OpExpr *condition, AuditWrapped *wrapped)
{
	const Var  *column;

	if (condition->opno != OID_TEXT_LIKE_OP && condition->opno != OID_BPCHAR_LIKE_OP)
		return false;
	column = audit_clause_column(&filter->scope, linitial(condition->args));
	if (column == NULL || column->varcollid == C_COLLATION_OID ||
		!audit_is_independent(lsecond(condition->args)))
		return false;
	wrapped->cause = AUDIT_WRAP_COLLATION;
	wrapped->attnum = column->varattno;
	wrapped->operator = condition->opno == OID_BPCHAR_LIKE_OP ? BPCHAR_PATTERN_LT_OP :
		TEXT_PATTERN_LT_OP;
	wrapped->opclass = condition->opno == OID_BPCHAR_LIKE_OP ? BPCHAR_BTREE_PATTERN_OPS_OID :
		TEXT_BTREE_PATTERN_OPS_OID;
	return true;
}

/* "expression = ANY (array)" is looked up as "expression = value" is. */
static const OpExpr *
comparison_of(Node *condition)
{
	const ScalarArrayOpExpr *any = (const ScalarArrayOpExpr *) condition;
	OpExpr	   *single;

	if (IsA(condition, OpExpr))
		return (const OpExpr *) condition;
	if (!IsA(condition, ScalarArrayOpExpr) || !any->useOr)
		return NULL;
	single = makeNode(OpExpr);
	single->opno = any->opno;
	single->inputcollid = any->inputcollid;
	single->args = any->args;
	return single;
}

static bool
read_condition(const AuditFilter *filter, Node *condition, ParamListInfo params,
			   AuditWrapped *wrapped)
{
	const OpExpr *expr = comparison_of(condition);

	memset(wrapped, 0, sizeof(AuditWrapped));
	if (expr == NULL || list_length(expr->args) != 2)
		return false;
	if (read_wrapped(filter, expr, false, wrapped) || read_collated(filter, expr, false, wrapped))
		return true;
	return IsA(condition, OpExpr) &&
		(read_wildcard(filter, expr, params, wrapped) || read_pattern(filter, expr, wrapped) ||
		 read_wrapped(filter, expr, true, wrapped) || read_collated(filter, expr, true, wrapped));
}

/* Has the column got an index that knows the condition, whether or not it was used? */
static bool
is_served(const AuditFilter *filter, const AuditWrapped *wrapped)
{
	AuditColumns columns = {.n = 1, .attnum = {wrapped->attnum}, .ranged = {1},
	.operator = {wrapped->operator}};

	return OidIsValid(wrapped->operator) &&
		audit_index_exists(RelationGetRelid(filter->rel), &columns);
}

/*
 * A condition of a filter that an index on its column was made for, and cannot
 * serve.
 */
bool
audit_wrapped_column(const AuditFilter *filter, ParamListInfo params, AuditWrapped *wrapped)
{
	ListCell   *cell;

	foreach(cell, filter->conditions)
	{
		if (!read_condition(filter, lfirst(cell), params, wrapped))
			continue;
		wrapped->keeps_apart = keeps_apart(wrapped);
		wrapped->index = audit_index_on(filter->rel, wrapped->attnum);
		if (!OidIsValid(wrapped->index) || is_served(filter, wrapped) ||
			!is_to_blame(filter, wrapped))
			continue;
		if (wrapped->expression != NULL)
			wrapped->expression = of_table_mutator(wrapped->expression, &filter->scope);
		return true;
	}
	return false;
}
