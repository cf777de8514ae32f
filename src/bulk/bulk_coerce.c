/*
 * bulk_coerce.c
 *		Makes a row of datums from a row of fields.
 *
 * Every value goes through the input function of its column's type, with the
 * type modifier, so that domains, lengths and the rest hold as they would for
 * INSERT.  Columns that the row does not name get their default, evaluated for
 * each row.  Results are in the current (per-row) memory context.
 *
 * Called by bulk_load.c; what JSON needs beyond that is in bulk_nested.c.
 */
#include "bulk.h"

#include "executor/executor.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/expandeddatum.h"
#include "utils/lsyscache.h"

/* Look up input functions of all columns. */
void
bulk_coerce_prepare(BulkTarget *target)
{
	for (int i = 0; i < target->ncolumns; i++)
	{
		BulkColumn *column = &target->columns[i];
		Oid			input;

		if (column->name == NULL)
			continue;
		getTypeInputInfo(column->type.oid, &input, &column->ioparam);
		fmgr_info(input, &column->input);
		column->check_null = !column->input.fn_strict;
	}
}

static void
prepare_default(BulkTarget *target, BulkColumn *column)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(target->estate->es_query_cxt);
	Expr	   *expr = (Expr *) build_column_default(target->rel, column->attnum);

	if (expr != NULL)
	{
		expr = expression_planner(expr);
		column->defexpr = ExecInitExpr(expr, NULL);
		column->default_may_read = bulk_sight_expression((Node *) expr);
	}
	column->default_ready = true;
	MemoryContextSwitchTo(oldcontext);
}

/*
 * Make the defaults that the row needs ready to be evaluated.  One that no row
 * needs is left alone, as by INSERT: the caller may not be allowed to call its
 * functions, or it may fail.  True if one of them could look at the table: then
 * the rows before this one must be there.
 */
bool
bulk_coerce_defaults(BulkTarget *target, const BulkField *fields)
{
	bool		may_read = false;

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

/* Read-only: an expression that reads the column must not be able to change it. */
static Datum
evaluate_default(BulkTarget *target, BulkColumn *column, bool *isnull)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(target->rel), column->attnum - 1);
	Datum		value = ExecEvalExpr(column->defexpr, GetPerTupleExprContext(target->estate),
									 isnull);

	return MakeExpandedObjectReadOnly(value, *isnull, att->attlen);
}

static Datum
coerce_null(BulkColumn *column)
{
	if (column->check_null)
		(void) InputFunctionCall(&column->input, NULL, column->ioparam, column->typmod);
	return (Datum) 0;
}

static Datum
coerce_field(BulkColumn *column, const BulkField *field)
{
	if (field->kind == BULK_DATUM)
		return field->datum;
	if (field->kind == BULK_TEXT ||
		(field->kind == BULK_JSON_STRING && column->type.shape != BULK_SHAPE_JSON))
		return InputFunctionCall(&column->input, pnstrdup(field->text, field->len),
								 column->ioparam, column->typmod);
	return bulk_nested_coerce(column, field);
}

/* Fill the slot's arrays from the fields, one per column. */
void
bulk_coerce_row(BulkTarget *target, BulkContext *context,
				const BulkField *fields, TupleTableSlot *slot)
{
	for (int i = 0; i < target->ncolumns; i++)
	{
		BulkColumn *column = &target->columns[i];
		Datum	   *value = &slot->tts_values[i];
		bool	   *isnull = &slot->tts_isnull[i];

		*value = (Datum) 0;
		*isnull = true;
		if (column->name == NULL || (column->generated && !column->is_key))
			continue;
		/* Not asked for: a statement will find the default. */
		if (fields[i].kind == BULK_MISSING && !column->default_ready)
			continue;
		if (fields[i].kind == BULK_MISSING && column->defexpr != NULL)
		{
			*value = evaluate_default(target, column, isnull);
			continue;
		}

		context->column = column->name;
		context->field = &fields[i];
		*isnull = (fields[i].kind == BULK_MISSING || fields[i].kind == BULK_NULL);
		*value = *isnull ? coerce_null(column) : coerce_field(column, &fields[i]);
		context->column = NULL;
	}
}
