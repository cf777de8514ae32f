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

#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/*
 * Could this function see rows of the table that is being loaded?  Volatile
 * functions could, but for a few which do not look at tables.
 */
static bool
function_may_read(Oid funcid, void *context pg_attribute_unused())
{
	if (funcid == F_NEXTVAL || funcid == F_GEN_RANDOM_UUID || funcid == F_CLOCK_TIMESTAMP ||
		PURSER_IS_UUIDV7(funcid))
		return false;
	return func_volatile(funcid) == PROVOLATILE_VOLATILE;
}

static bool
expression_may_read(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, function_may_read, context))
		return true;
	return expression_tree_walker(node, expression_may_read, context);
}

static void
prepare_default(BulkTarget *target, BulkColumn *column)
{
	Expr	   *expr;

	if (column->generated)
		return;
	expr = (Expr *) build_column_default(target->rel, column->attnum);
	if (expr == NULL)
		return;
	expr = expression_planner(expr);
	column->defexpr = ExecInitExpr(expr, NULL);
	column->default_may_read = expression_may_read((Node *) expr, NULL);
	target->default_may_read |= column->default_may_read;
}

/* Look up input functions and defaults of all columns. */
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
		prepare_default(target, column);
	}
}

/*
 * Does the row need a default that could look at the table?  Then the rows
 * before it must be there.
 */
bool
bulk_coerce_may_read(const BulkTarget *target, const BulkField *fields)
{
	if (!target->default_may_read)
		return false;
	for (int i = 0; i < target->ncolumns; i++)
		if (target->columns[i].default_may_read && fields[i].kind == BULK_MISSING)
			return true;
	return false;
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
	if (field->kind == BULK_TEXT ||
		(field->kind == BULK_JSON_STRING && column->type.shape != BULK_SHAPE_JSON))
		return InputFunctionCall(&column->input, field->text, column->ioparam, column->typmod);
	return bulk_nested_coerce(column, field);
}

/* Fill the slot's arrays from the fields, one per column. */
void
bulk_coerce_row(BulkTarget *target, BulkContext *context,
				const BulkField *fields, TupleTableSlot *slot)
{
	ExprContext *econtext = GetPerTupleExprContext(target->estate);

	for (int i = 0; i < target->ncolumns; i++)
	{
		BulkColumn *column = &target->columns[i];
		Datum	   *value = &slot->tts_values[i];
		bool	   *isnull = &slot->tts_isnull[i];

		*value = (Datum) 0;
		*isnull = true;
		if (column->name == NULL || column->generated)
			continue;
		if (fields[i].kind == BULK_MISSING && column->defexpr != NULL)
		{
			*value = ExecEvalExpr(column->defexpr, econtext, isnull);
			continue;
		}

		context->column = column->name;
		context->field = &fields[i];
		*isnull = (fields[i].kind == BULK_MISSING || fields[i].kind == BULK_NULL);
		*value = *isnull ? coerce_null(column) : coerce_field(column, &fields[i]);
		context->column = NULL;
	}
}
