/*
 * bulk_nested.c
 *		JSON values that are more than their text: for columns of JSON, array
 *		and composite types.
 *
 * Semantics are those of json_populate_record: a JSON column takes the value
 * as it stands, an array column a JSON array (arrays within it are dimensions)
 * and a composite one an object, whose keys are its attributes.  Composites go
 * through the server's own json_populate_record; arrays are written as an
 * array literal (bulk_nested_array.c) for the array type's input function.
 *
 * The text of a field is right already: the readers have checked it, or made
 * it.  So type json takes it as it is.
 *
 * Called by bulk_coerce.c (and _prepare by bulk_target.c).
 */
#include "bulk/values/bulk_nested.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

static void
prepare_type(BulkType *type, Oid typid)
{
	Oid			base = getBaseType(typid);

	type->oid = typid;
	if (base == JSONOID || base == JSONBOID)
		type->shape = BULK_SHAPE_JSON;
	else if (OidIsValid(get_element_type(base)))
		type->shape = BULK_SHAPE_ARRAY;
	else if (get_typtype(base) == TYPTYPE_COMPOSITE)
		type->shape = BULK_SHAPE_COMPOSITE;
	if (type->shape == BULK_SHAPE_COMPOSITE)
		type->populate = palloc0(sizeof(FmgrInfo));
}

/* Note what the column's type, and its element type, want. */
void
bulk_nested_prepare(BulkColumn *column, Oid typid)
{
	prepare_type(&column->type, typid);
	if (column->type.shape == BULK_SHAPE_ARRAY)
	{
		Oid			element = get_element_type(getBaseType(typid));
		int16		typlen;
		bool		typbyval;
		char		typalign;
		Oid			ioparam;
		Oid			input;

		prepare_type(&column->element, element);
		get_type_io_data(element, IOFunc_input, &typlen, &typbyval, &typalign,
						 &column->delimiter, &ioparam, &input);
	}
}

/* A record of the type, from a JSON object. */
Datum
bulk_nested_record(BulkType *type, const char *json, int len)
{
	FmgrInfo   *populate = type->populate;
	LOCAL_FCINFO(fcinfo, 3);

	if (populate->fn_oid == InvalidOid)
	{
		MemoryContext memory = GetMemoryChunkContext(populate);
		MemoryContext oldcontext = MemoryContextSwitchTo(memory);
		Const	   *null_record = makeNullConst(type->oid, -1, InvalidOid);

		fmgr_info_cxt(F_JSON_POPULATE_RECORD, populate, memory);
		fmgr_info_set_expr((Node *) makeFuncExpr(F_JSON_POPULATE_RECORD, type->oid,
												 list_make1(null_record), InvalidOid,
												 InvalidOid, COERCE_EXPLICIT_CALL),
						   populate);
		MemoryContextSwitchTo(oldcontext);
	}

	InitFunctionCallInfoData(*fcinfo, populate, 3, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = (Datum) 0;
	fcinfo->args[0].isnull = true;
	fcinfo->args[1].value = PointerGetDatum(cstring_to_text_with_len(json, len));
	fcinfo->args[1].isnull = false;
	fcinfo->args[2].value = BoolGetDatum(false);
	fcinfo->args[2].isnull = false;
	return FunctionCallInvoke(fcinfo);
}

/* The string as a value of JSON. */
char *
bulk_nested_string(const char *text, int len)
{
	StringInfoData buf;

	initStringInfo(&buf);
	escape_json(&buf, pnstrdup(text, len));
	return buf.data;
}

static void
wrong_shape(const BulkColumn *column, const BulkField *field)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 field->kind == BULK_JSON_ARRAY ?
			 errmsg("cannot make a value of type %s from a JSON array",
					format_type_be(column->type.oid)) :
			 errmsg("cannot make a value of type %s from a JSON object",
					format_type_be(column->type.oid))));
}

static Datum
input_text(BulkColumn *column, char *text)
{
	return InputFunctionCall(&column->input, text, column->ioparam, column->typmod);
}

static Datum
coerce_json(BulkColumn *column, const BulkField *field)
{
	bool		is_string = field->kind == BULK_JSON_STRING;

	if (column->type.oid == JSONOID && is_string)
		return CStringGetTextDatum(bulk_nested_string(field->text, field->len));
	if (column->type.oid == JSONOID)
		return PointerGetDatum(cstring_to_text_with_len(field->text, field->len));
	return input_text(column, is_string ? bulk_nested_string(field->text, field->len) :
					  pnstrdup(field->text, field->len));
}

/* The datum for a JSON array or object, or for a string in a JSON column. */
Datum
bulk_nested_coerce(BulkColumn *column, const BulkField *field)
{
	switch (column->type.shape)
	{
		case BULK_SCALAR:
			break;
		case BULK_SHAPE_JSON:
			return coerce_json(column, field);
		case BULK_SHAPE_ARRAY:
			if (field->kind != BULK_JSON_ARRAY)
				wrong_shape(column, field);
			return input_text(column, bulk_nested_array(column, field));
		case BULK_SHAPE_COMPOSITE:
			if (field->kind != BULK_JSON_OBJECT)
				wrong_shape(column, field);
			return bulk_nested_record(&column->type, field->text, field->len);
	}
	return input_text(column, pnstrdup(field->text, field->len));
}
