/*
 * bulk_coerce.c
 *		Makes a row of datums from a row of fields.
 *
 * Every text gets to be what the input function of its column's type, called
 * with the type modifier, makes of it, so that domains, lengths and the rest
 * hold as they would for INSERT.  For the usual forms of common types the
 * parsers of bulk_parse.c do that without the call.  Columns that the row does
 * not name get their default, evaluated for each row unless it is constant.
 * Results are in the current (per-row) memory context, or live longer.
 *
 * Called by bulk_load.c; what JSON needs beyond that is in bulk_nested.c, and
 * what values of other types need in bulk_cast.c.
 */
#include "bulk/bulk.h"

#include "executor/executor.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/expandeddatum.h"
#include "utils/lsyscache.h"

/* Of the copies of one row's fields; more than that is allocated for each. */
#define SCRATCH_SIZE	8192

/* ---- the input function ---- */

static void
prepare_input(BulkColumn *column)
{
	Oid			input;

	getTypeInputInfo(column->type.oid, &input, &column->ioparam);
	fmgr_info(input, &column->input);
	column->check_null = !column->input.fn_strict;
	column->parse = bulk_parse_for(input, column->typmod);
	column->default_isnull = true;

	column->call = palloc0(SizeForFunctionCallInfo(3));
	InitFunctionCallInfoData(*column->call, &column->input, 3, InvalidOid, NULL, NULL);
	column->call->args[1].value = ObjectIdGetDatum(column->ioparam);
	column->call->args[2].value = Int32GetDatum(column->typmod);
}

/* Look up input functions of all columns. */
void
bulk_coerce_prepare(BulkTarget *target)
{
	for (int i = 0; i < target->ncolumns; i++)
		if (target->columns[i].name != NULL)
			prepare_input(&target->columns[i]);
	target->scratch = palloc(SCRATCH_SIZE);
}

/* What InputFunctionCall() does, without making up the call anew.  text may be NULL. */
static Datum
call_input(BulkColumn *column, char *text)
{
	FunctionCallInfo call = column->call;
	Datum		value;

	call->args[0].value = CStringGetDatum(text);
	call->args[0].isnull = text == NULL;
	call->isnull = false;
	value = FunctionCallInvoke(call);
	if (call->isnull != (text == NULL))
		elog(ERROR, "input function %u returned %s", column->input.fn_oid,
			 call->isnull ? "NULL" : "non-NULL");
	return value;
}

/*
 * The text with a terminator.  As in COPY it lasts as long as the row does,
 * not only as long as the call.
 */
static char *
terminate(BulkTarget *target, const char *text, int len)
{
	char	   *copy;

	if (len >= (int) (SCRATCH_SIZE - target->scratch_used))
		copy = palloc(len + 1);
	else
	{
		copy = target->scratch + target->scratch_used;
		target->scratch_used += len + 1;
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

/* ---- defaults ---- */

static void
prepare_default(BulkTarget *target, BulkColumn *column)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(target->estate->es_query_cxt);
	Expr	   *expr = (Expr *) build_column_default(target->rel, column->attnum);

	if (expr != NULL)
		expr = expression_planner(expr);
	if (expr != NULL && IsA(expr, Const))
	{
		column->default_isnull = ((Const *) expr)->constisnull;
		column->default_value = ((Const *) expr)->constvalue;
	}
	else if (expr != NULL)
	{
		column->defexpr = ExecInitExpr(expr, NULL);
		column->default_may_read = bulk_sight_expression((Node *) expr);
	}
	column->default_ready = true;
	MemoryContextSwitchTo(oldcontext);
}

/*
 * Make the defaults that the row needs ready to be evaluated.  One that no row
 * needs is left alone, as by INSERT: the caller may not be allowed to call its
 * functions, or it may fail.  True if one of them, or the cast of a value,
 * could look at the table: then the rows before this one must be there.
 */
bool
bulk_coerce_defaults(BulkTarget *target, const BulkField *fields)
{
	bool		may_read = target->casts_may_read;

	for (int i = 0; i < target->ncolumns; i++)
	{
		BulkColumn *column = &target->columns[i];

		if (fields[i].kind != BULK_MISSING || column->name == NULL || column->generated)
			continue;
		if (!column->default_ready)
			prepare_default(target, column);
		may_read |= column->default_may_read;
	}
	return may_read;
}

static Datum
coerce_null(BulkColumn *column)
{
	return column->check_null ? call_input(column, NULL) : (Datum) 0;
}

/* Read-only: an expression that reads the column must not be able to change it. */
static Datum
get_default(BulkTarget *target, BulkColumn *column, bool *isnull)
{
	Datum		value;

	if (column->defexpr != NULL)
	{
		value = ExecEvalExpr(column->defexpr, GetPerTupleExprContext(target->estate), isnull);
		return MakeExpandedObjectReadOnly(value, *isnull, column->typlen);
	}
	*isnull = column->default_isnull;
	return *isnull ? coerce_null(column) : column->default_value;
}

/* ---- values ---- */

/* A field that no parser took. */
static Datum
coerce_field(BulkTarget *target, BulkColumn *column, const BulkField *field, bool *isnull)
{
	*isnull = false;
	if (field->kind == BULK_MISSING)
		return get_default(target, column, isnull);
	if (column->cast != NULL && (field->kind == BULK_DATUM || field->kind == BULK_NULL))
		return bulk_cast_value(target, column, field, isnull);
	if (field->kind == BULK_DATUM)
		return MakeExpandedObjectReadOnly(field->datum, false, column->typlen);
	if (field->kind == BULK_NULL)
	{
		*isnull = true;
		return coerce_null(column);
	}
	if (field->kind == BULK_TEXT ||
		(field->kind == BULK_JSON_STRING && column->type.shape != BULK_SHAPE_JSON))
		return call_input(column, terminate(target, field->text, field->len));
	return bulk_nested_coerce(column, field);
}

/* The usual: text that the type's parser reads.  It raises no error about it. */
static inline bool
parse_field(const BulkColumn *column, const BulkField *field, Datum *value)
{
	return column->parse != NULL &&
		(field->kind == BULK_TEXT || field->kind == BULK_JSON_STRING) &&
		column->parse(column, field->text, field->len, value);
}

/* Fill the slot's arrays from the fields, one per column. */
void
bulk_coerce_row(BulkTarget *target, BulkContext *context,
				const BulkField *fields, TupleTableSlot *slot)
{
	Datum	   *values = slot->tts_values;
	bool	   *isnull = slot->tts_isnull;

	target->scratch_used = 0;
	for (int i = 0; i < target->ncolumns; i++)
	{
		BulkColumn *column = &target->columns[i];

		if (parse_field(column, &fields[i], &values[i]))
		{
			isnull[i] = false;
			continue;
		}
		/* A default that was not asked for is found by a statement. */
		if (column->name == NULL || (column->generated && !column->is_key) ||
			(fields[i].kind == BULK_MISSING && !column->default_ready))
		{
			values[i] = (Datum) 0;
			isnull[i] = true;
			continue;
		}
		/* An error in a default's expression is not about a value of the input. */
		if (fields[i].kind != BULK_MISSING || column->defexpr == NULL)
			context->column = column->name;
		context->field = &fields[i];
		values[i] = coerce_field(target, column, &fields[i], &isnull[i]);
		context->column = NULL;
	}
}
