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
#include "commands/defrem.h"
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

	if (wrapped->expression == NULL || wrapped->cause == AUDIT_WRAP_CAST ||
		wrapped->cause == AUDIT_WRAP_TYPE)
		return true;
	if (!IsA(wrapped->expression, FuncExpr))
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

/* What a pattern is matched with: a column, or what is made of one. */
static bool
read_matched(const AuditFilter *filter, const OpExpr *condition, AuditWrapped *wrapped)
{
	Node	   *side = without_labels(linitial(condition->args));
	const Var  *column = only_column(&filter->scope, side);

	if (column == NULL)
		return false;
	wrapped->attnum = column->varattno;
	if (IsA(side, Var))
		return true;
	wrapped->expression = side;
	return audit_expression_is_immutable(side) && !is_parameter(side, NULL);
}

/* A pattern that has no beginning to be looked up by. */
static bool
read_wildcard(const AuditFilter *filter, const OpExpr *condition, ParamListInfo params,
			  AuditWrapped *wrapped)
{
	AuditPattern pattern;

	if (!audit_pattern(condition, params, &pattern) || !read_matched(filter, condition, wrapped))
		return false;
	wrapped->cause = pattern.is_ending ? AUDIT_WRAP_ENDING : AUDIT_WRAP_WILDCARD;
	wrapped->operator = pattern.operator;
	wrapped->method = GIN_AM_OID;
	wrapped->opclass = audit_trigram_opclass();
	wrapped->evident = pattern.letters >= AUDIT_TRIGRAM;
	return OidIsValid(wrapped->opclass) || wrapped->evident;
}

/* A pattern that only a b-tree in the order of bytes can look up. */
static bool
read_pattern(const AuditFilter *filter, const OpExpr *condition, ParamListInfo params,
			 AuditWrapped *wrapped)
{
	AuditPattern pattern;

	if (condition->opno != OID_TEXT_LIKE_OP && condition->opno != OID_BPCHAR_LIKE_OP)
		return false;
	if (audit_pattern(condition, params, &pattern) ||
		!read_matched(filter, condition, wrapped) ||
		!audit_is_independent(lsecond(condition->args)) ||
		(wrapped->expression == NULL &&
		 exprCollation(linitial(condition->args)) == C_COLLATION_OID))
		return false;
	wrapped->cause = AUDIT_WRAP_COLLATION;
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
	AuditWrapped none = {.method = BTREE_AM_OID};

	*wrapped = none;
	if (expr == NULL || list_length(expr->args) != 2)
		return false;
	if (read_wrapped(filter, expr, false, wrapped) || read_collated(filter, expr, false, wrapped))
		return true;
	if (!IsA(condition, OpExpr))
		return false;
	if (read_wildcard(filter, expr, params, wrapped))
		return true;
	*wrapped = none;
	if (read_pattern(filter, expr, params, wrapped))
		return true;
	*wrapped = none;
	return read_wrapped(filter, expr, true, wrapped) || read_collated(filter, expr, true, wrapped);
}

/* Has the column got an index that knows the condition, whether or not it was used? */
static bool
is_served(const AuditFilter *filter, const AuditWrapped *wrapped)
{
	AuditColumns columns = {.n = 1, .attnum = {wrapped->attnum}, .ranged = {1},
	.operator = {wrapped->operator}};

	if (wrapped->expression != NULL)
		return audit_expression_is_indexed(RelationGetRelid(filter->rel),
										   audit_expression_hash(wrapped->expression),
										   wrapped->operator);
	return OidIsValid(wrapped->operator) &&
		audit_index_exists(RelationGetRelid(filter->rel), &columns);
}

/* Of a condition that was read: is it in vain, for lack of an index that serves it? */
static bool
complete(const AuditFilter *filter, AuditWrapped *wrapped)
{
	wrapped->keeps_apart = keeps_apart(wrapped);
	wrapped->index = audit_index_on(filter->rel, wrapped->attnum);
	if (wrapped->expression != NULL)
		wrapped->expression = of_table_mutator(wrapped->expression, &filter->scope);
	return !is_served(filter, wrapped) && is_to_blame(filter, wrapped);
}

/* Contents of a column, or of what is made of it, by an operator of GIN's own class. */
static bool
read_content(const AuditFilter *filter, const OpExpr *condition, AuditWrapped *wrapped)
{
	Oid			type;
	Oid			opclass;

	if (list_length(condition->args) != 2 || !audit_is_independent(lsecond(condition->args)) ||
		!read_matched(filter, condition, wrapped))
		return false;
	type = exprType(without_labels(linitial(condition->args)));
	if (!SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(type)))
		return false;
	opclass = GetDefaultOpClass(type, GIN_AM_OID);
	if (!OidIsValid(opclass) ||
		!op_in_opfamily(condition->opno, get_opclass_family(opclass)))
		return false;
	wrapped->cause = AUDIT_WRAP_CONTENT;
	wrapped->operator = condition->opno;
	wrapped->opclass = opclass;
	wrapped->method = GIN_AM_OID;
	return true;
}

/* Is the column itself to be compared, with a value of its own type? */
static bool
is_plain_cast(const AuditWrapped *wrapped)
{
	Node	   *argument;

	if (wrapped->cause != AUDIT_WRAP_CAST)
		return wrapped->cause == AUDIT_WRAP_TYPE;
	argument = IsA(wrapped->expression, CoerceViaIO) ?
		(Node *) ((CoerceViaIO *) wrapped->expression)->arg :
		linitial(((FuncExpr *) wrapped->expression)->args);
	return IsA(without_labels(argument), Var);
}

/* The same of a column that need not have an index. */
static bool
read_alone(const AuditFilter *filter, Node *condition, ParamListInfo params,
		   AuditWrapped *wrapped)
{
	AuditWrapped none = {.method = BTREE_AM_OID};

	if (read_condition(filter, condition, params, wrapped))
		return true;
	*wrapped = none;
	return IsA(condition, OpExpr) && read_content(filter, (OpExpr *) condition, wrapped);
}

/* What would serve the condition? */
bool
audit_wrapped_alone(const AuditFilter *filter, Node *condition, ParamListInfo params,
					AuditWrapped *wrapped)
{
	return read_alone(filter, condition, params, wrapped) &&
		wrapped->cause != AUDIT_WRAP_OTHER_COLLATION && !is_plain_cast(wrapped) &&
		complete(filter, wrapped);
}

/* Is there an index that serves it, whether the planner uses it or not? */
bool
audit_wrapped_is_served(const AuditFilter *filter, Node *condition, ParamListInfo params)
{
	AuditWrapped wrapped;

	if (!read_alone(filter, condition, params, &wrapped))
		return false;
	if (wrapped.expression != NULL)
		wrapped.expression = of_table_mutator(wrapped.expression, &filter->scope);
	return is_served(filter, &wrapped);
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
		if (read_condition(filter, lfirst(cell), params, wrapped) && complete(filter, wrapped) &&
			OidIsValid(wrapped->index))
			return true;
	}
	return false;
}
