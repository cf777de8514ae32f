/*
 * audit_value.c
 *		The value that a condition compares with, as the execution had it.
 *
 * Of expressions only those are computed that say a time or a number by functions
 * of the server's own: now() - interval '1 hour'. The statement has computed the
 * same already, so nothing new can be raised, and nobody else's code runs.
 */
#include "audit/plan/audit_plan.h"

#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#define MAX_ARGUMENTS 3
#define MAX_DEPTH 10

typedef struct Value
{
	Datum		datum;
	bool		isnull;
} Value;

/* That of a constant or a parameter; false when it is not known. */
bool
audit_given_value(Node *node, ParamListInfo params, Datum *value, bool *isnull)
{
	const ParamExternData *param;

	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (node != NULL && IsA(node, Const))
	{
		*value = ((Const *) node)->constvalue;
		*isnull = ((Const *) node)->constisnull;
		return true;
	}
	if (node == NULL || !IsA(node, Param) || ((Param *) node)->paramkind != PARAM_EXTERN ||
		params == NULL || params->paramFetch != NULL ||
		((Param *) node)->paramid > params->numParams)
		return false;
	param = &params->params[((Param *) node)->paramid - 1];
	if (param->ptype != ((Param *) node)->paramtype)
		return false;
	*value = param->value;
	*isnull = param->isnull;
	return true;
}

/* Is it a time, an interval or a number? */
static bool
is_plain_type(Oid type)
{
	char		category;
	bool		preferred;

	if (type >= FirstGenbkiObjectId)
		return false;
	get_type_category_preferred(type, &category, &preferred);
	return category == TYPCATEGORY_DATETIME || category == TYPCATEGORY_TIMESPAN ||
		category == TYPCATEGORY_NUMERIC;
}

static bool
compute_time(const SQLValueFunction *function, Value *value)
{
	value->isnull = false;
	switch (function->op)
	{
		case SVFOP_CURRENT_DATE:
			value->datum = DateADTGetDatum(GetSQLCurrentDate());
			return true;
		case SVFOP_CURRENT_TIMESTAMP:
		case SVFOP_CURRENT_TIMESTAMP_N:
			value->datum = TimestampTzGetDatum(GetSQLCurrentTimestamp(function->typmod));
			return true;
		case SVFOP_LOCALTIMESTAMP:
		case SVFOP_LOCALTIMESTAMP_N:
			value->datum = TimestampGetDatum(GetSQLLocalTimestamp(function->typmod));
			return true;
		default:
			return false;
	}
}

static bool compute(Node *node, ParamListInfo params, int depth, Value *value);

static bool
call(Oid function, Oid collation, List *args, ParamListInfo params, int depth, Value *value)
{
	LOCAL_FCINFO(fcinfo, MAX_ARGUMENTS);
	FmgrInfo	flinfo;
	ListCell   *cell;

	if (function >= FirstGenbkiObjectId || list_length(args) > MAX_ARGUMENTS ||
		func_volatile(function) == PROVOLATILE_VOLATILE)
		return false;
	fmgr_info(function, &flinfo);
	if (flinfo.fn_retset || !flinfo.fn_strict)
		return false;
	InitFunctionCallInfoData(*fcinfo, &flinfo, list_length(args), collation, NULL, NULL);
	foreach(cell, args)
	{
		Value		argument;

		if (!compute(lfirst(cell), params, depth + 1, &argument))
			return false;
		fcinfo->args[foreach_current_index(cell)].value = argument.datum;
		fcinfo->args[foreach_current_index(cell)].isnull = argument.isnull;
		if (argument.isnull)
			return false;
	}
	value->datum = FunctionCallInvoke(fcinfo);
	value->isnull = fcinfo->isnull;
	return true;
}

static bool
compute(Node *node, ParamListInfo params, int depth, Value *value)
{
	if (audit_given_value(node, params, &value->datum, &value->isnull))
		return true;
	if (node == NULL || depth > MAX_DEPTH || !is_plain_type(exprType(node)))
		return false;
	if (IsA(node, FuncExpr))
	{
		FuncExpr   *expr = (FuncExpr *) node;

		return call(expr->funcid, expr->inputcollid, expr->args, params, depth, value);
	}
	if (IsA(node, OpExpr))
	{
		OpExpr	   *expr = (OpExpr *) node;

		return call(get_opcode(expr->opno), expr->inputcollid, expr->args, params, depth, value);
	}
	return IsA(node, SQLValueFunction) &&
		compute_time((SQLValueFunction *) node, value);
}

/*
 * That of a constant, a parameter, or an expression that the execution has
 * computed: a row has passed the condition.
 */
bool
audit_computed_value(Node *node, ParamListInfo params, Datum *value, bool *isnull)
{
	Value		computed;

	if (!compute(node, params, 0, &computed))
		return false;
	*value = computed.datum;
	*isnull = computed.isnull;
	return true;
}
