/*
 * bulk_nested.c
 *		JSON values that are more than their text: for columns of JSON, array
 *		and composite types.
 *
 * Semantics are those of json_populate_record: a JSON column takes the value
 * as it stands, an array column a JSON array (arrays within it are dimensions)
 * and a composite one an object, whose keys are its attributes.  Composites go
 * through the server's own json_populate_record; arrays are written as an
 * array literal for the array type's input function.
 *
 * Called by bulk_coerce.c (and _prepare by bulk_target.c).
 */
#include "bulk.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/jsonfuncs.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

typedef struct ArrayWriter
{
	const BulkColumn *column;
	JsonLexContext *lex;
	StringInfoData literal;
	int			depth;			/* arrays that are open and ours */
	int			ndims;			/* 0: not known yet */
	bool		empty;			/* no element so far */
	int			inner;			/* depth within an element, where nothing is ours */
	const char *element_start;
} ArrayWriter;

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
static Datum
populate_record(BulkType *type, const char *json)
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
	fcinfo->args[1].value = PointerGetDatum(cstring_to_text(json));
	fcinfo->args[1].isnull = false;
	fcinfo->args[2].value = BoolGetDatum(false);
	fcinfo->args[2].isnull = false;
	return FunctionCallInvoke(fcinfo);
}

static char *
json_string(const char *text)
{
	StringInfoData buf;

	initStringInfo(&buf);
	escape_json(&buf, text);
	return buf.data;
}

static void
append_quoted(StringInfo literal, const char *text)
{
	appendStringInfoChar(literal, '"');
	for (const char *c = text; *c; c++)
	{
		if (*c == '"' || *c == '\\')
			appendStringInfoChar(literal, '\\');
		appendStringInfoChar(literal, *c);
	}
	appendStringInfoChar(literal, '"');
}

/* An element begins: the first one settles the number of dimensions. */
static void
note_element(ArrayWriter *writer)
{
	if (writer->ndims == 0)
		writer->ndims = writer->depth;
	writer->empty = false;
}

static void
begin_inner(ArrayWriter *writer)
{
	if (writer->inner++ > 0)
		return;
	note_element(writer);
	writer->element_start = writer->lex->token_start;
}

static void
end_inner(ArrayWriter *writer, bool is_object)
{
	BulkType	element = writer->column->element;
	char	   *text;

	if (--writer->inner > 0)
		return;
	text = pnstrdup(writer->element_start,
					writer->lex->prev_token_terminator - writer->element_start);
	if (is_object && element.shape == BULK_SHAPE_COMPOSITE)
		text = OidOutputFunctionCall(F_RECORD_OUT, populate_record(&element, text));
	append_quoted(&writer->literal, text);
}

static PURSER_JSON_ACTION
element_start(void *state, bool isnull pg_attribute_unused())
{
	ArrayWriter *writer = state;
	StringInfo	literal = &writer->literal;

	/* A brace at the end is always that of the array that has just begun. */
	if (writer->inner == 0 && literal->data[literal->len - 1] != '{')
		appendStringInfoChar(literal, writer->column->delimiter);
	PURSER_JSON_ACTION_DONE;
}

/* A dimension, unless all of them are there: then it is an element. */
static PURSER_JSON_ACTION
array_start(void *state)
{
	ArrayWriter *writer = state;

	if (writer->inner > 0 || (writer->ndims > 0 && writer->depth == writer->ndims))
		begin_inner(writer);
	else
	{
		appendStringInfoChar(&writer->literal, '{');
		writer->depth++;
	}
	PURSER_JSON_ACTION_DONE;
}

static PURSER_JSON_ACTION
array_end(void *state)
{
	ArrayWriter *writer = state;

	if (writer->inner > 0)
		end_inner(writer, false);
	else
	{
		if (writer->ndims == 0)
			writer->ndims = writer->depth;
		appendStringInfoChar(&writer->literal, '}');
		writer->depth--;
	}
	PURSER_JSON_ACTION_DONE;
}

static PURSER_JSON_ACTION
object_start(void *state)
{
	begin_inner(state);
	PURSER_JSON_ACTION_DONE;
}

static PURSER_JSON_ACTION
object_end(void *state)
{
	end_inner(state, true);
	PURSER_JSON_ACTION_DONE;
}

static PURSER_JSON_ACTION
element_scalar(void *state, char *token, JsonTokenType type)
{
	ArrayWriter *writer = state;

	CHECK_FOR_INTERRUPTS();
	if (writer->inner == 0)
	{
		note_element(writer);
		if (type != JSON_TOKEN_STRING)
			appendStringInfoString(&writer->literal, token);
		else if (writer->column->element.shape == BULK_SHAPE_JSON)
			append_quoted(&writer->literal, json_string(token));
		else
			append_quoted(&writer->literal, token);
	}
	PURSER_JSON_ACTION_DONE;
}

/* The array literal for a JSON array. */
static char *
array_literal(const BulkColumn *column, const char *json)
{
	ArrayWriter writer = {.column = column, .empty = true};
	JsonSemAction actions = {
		.semstate = &writer,
		.object_start = object_start,
		.object_end = object_end,
		.array_start = array_start,
		.array_end = array_end,
		.array_element_start = element_start,
		.scalar = element_scalar
	};

	initStringInfo(&writer.literal);
	writer.lex = purser_makeJsonLexContext(NULL, json, strlen(json), GetDatabaseEncoding(), true);
	pg_parse_json_or_ereport(writer.lex, &actions);
	/* Older servers do not read {{}}. */
	return writer.empty ? pstrdup("{}") : writer.literal.data;
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

/* The datum for a JSON array or object, or for a string in a JSON column. */
Datum
bulk_nested_coerce(BulkColumn *column, const BulkField *field)
{
	char	   *text = pnstrdup(field->text, field->len);

	switch (column->type.shape)
	{
		case BULK_SCALAR:
			break;
		case BULK_SHAPE_JSON:
			if (field->kind == BULK_JSON_STRING)
				text = json_string(text);
			break;
		case BULK_SHAPE_ARRAY:
			if (field->kind != BULK_JSON_ARRAY)
				wrong_shape(column, field);
			text = array_literal(column, text);
			break;
		case BULK_SHAPE_COMPOSITE:
			if (field->kind != BULK_JSON_OBJECT)
				wrong_shape(column, field);
			return populate_record(&column->type, text);
	}
	return InputFunctionCall(&column->input, text, column->ioparam, column->typmod);
}
