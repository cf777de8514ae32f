/*
 * bulk_cast.c
 *		Values that come as datums of another type than their column's, or
 *		without its length or precision: the cast that INSERT would apply.
 *
 * The cast is an expression of a parameter, whose number is the column's and
 * whose value is set for each row.
 *
 * Prepared by the reader that knows the values' type, used by bulk_coerce.c.
 */
#include "bulk/bulk.h"

#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_node.h"
#include "utils/expandeddatum.h"
#include "utils/lsyscache.h"

static Param *
make_param(const BulkColumn *column, Oid type)
{
	Param	   *param = makeNode(Param);

	param->paramkind = PARAM_EXTERN;
	param->paramid = column->attnum;
	param->paramtype = type;
	param->paramtypmod = -1;
	param->paramcollid = get_typcollation(type);
	param->location = -1;
	return param;
}

/* Datums of the one type are as good as of the other. */
static bool
is_relabelling(const Node *expr)
{
	while (IsA(expr, RelabelType))
		expr = (Node *) ((RelabelType *) expr)->arg;
	return IsA(expr, Param);
}

/*
 * Values of the column will come as datums of this type.  False if there is no
 * assignment cast from it to the column's type.
 */
bool
bulk_cast_prepare(BulkTarget *target, BulkColumn *column, Oid type)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(target->estate->es_query_cxt);
	ParseState *pstate = make_parsestate(NULL);
	Node	   *expr = (Node *) make_param(column, type);

	expr = coerce_to_target_type(pstate, expr, type, column->type.oid, column->typmod,
								 COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	if (expr != NULL && !is_relabelling(expr))
	{
		if (target->params == NULL)
			target->params = makeParamList(target->ncolumns);
		target->params->params[column->attnum - 1].ptype = type;
		assign_expr_collations(pstate, expr);
		expr = (Node *) expression_planner((Expr *) expr);
		column->cast = ExecInitExpr((Expr *) expr, NULL);
		target->casts_may_read |= bulk_sight_expression(expr);
	}
	free_parsestate(pstate);
	MemoryContextSwitchTo(oldcontext);
	return expr != NULL;
}

/* The field, a datum or null, in the column's type. */
Datum
bulk_cast_value(BulkTarget *target, const BulkColumn *column, const BulkField *field, bool *isnull)
{
	ExprContext *econtext = GetPerTupleExprContext(target->estate);
	ParamExternData *param = &target->params->params[column->attnum - 1];
	Datum		value;

	param->isnull = field->kind == BULK_NULL;
	param->value = param->isnull ? (Datum) 0 : field->datum;
	econtext->ecxt_param_list_info = target->params;
	value = ExecEvalExpr(column->cast, econtext, isnull);
	return MakeExpandedObjectReadOnly(value, *isnull, column->typlen);
}
