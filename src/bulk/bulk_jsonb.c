/*
 * bulk_jsonb.c
 *		Reads a jsonb array of objects, in place.
 *
 * Called by bulk_load.c.  There are no lines.
 */
#include "bulk.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

typedef struct JsonbReader
{
	BulkReader	base;			/* first, so that a reader is one */
	JsonbIterator *it;
	uint64		row;
	JsonbValue	value;
} JsonbReader;

static const char *
describe(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return "null";
		case jbvString:
			return "a string";
		case jbvNumeric:
			return "a number";
		case jbvBool:
			return "a boolean";
		default:
			return "an array";
	}
}

static void
set_field(BulkField *field, const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			field->kind = BULK_NULL;
			break;
		case jbvString:
			field->kind = BULK_JSON_STRING;
			field->text = value->val.string.val;
			field->len = value->val.string.len;
			break;
		case jbvNumeric:
			field->kind = BULK_TEXT;
			field->text = DatumGetCString(DirectFunctionCall1(numeric_out,
															  NumericGetDatum(value->val.numeric)));
			field->len = strlen(field->text);
			break;
		case jbvBool:
			field->kind = BULK_TEXT;
			field->text = value->val.boolean ? "true" : "false";
			field->len = strlen(field->text);
			break;
		default:
			Assert(value->type == jbvBinary);
			field->kind = JsonContainerIsArray(value->val.binary.data) ?
				BULK_JSON_ARRAY : BULK_JSON_OBJECT;
			field->text = JsonbToCString(NULL, value->val.binary.data, value->val.binary.len);
			field->len = strlen(field->text);
			break;
	}
}

static void
read_object(BulkReader *reader, JsonbContainer *object)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbValue	value;
	int			nkeys = 0;

	(void) JsonbIteratorNext(&it, &value, false);
	while (JsonbIteratorNext(&it, &value, false) == WJB_KEY)
	{
		int			column = reader->schema->find(reader->schema, value.val.string.val,
												  value.val.string.len, nkeys++);

		(void) JsonbIteratorNext(&it, &value, true);
		if (column >= 0)
			set_field(&reader->fields[column], &value);
	}
}

static bool
jsonb_next(BulkReader *base)
{
	JsonbReader *reader = (JsonbReader *) base;
	BulkPosition *position = &base->context->position;
	MemoryContext oldcontext;
	JsonbValue	value;

	if (JsonbIteratorNext(&reader->it, &value, true) != WJB_ELEM)
		return false;
	position->row = ++reader->row;
	reader->value = value;
	base->raw = NULL;
	if (value.type != jbvBinary || !JsonContainerIsObject(value.val.binary.data))
		bulk_json_refuse_element(describe(&value));
	memset(base->fields, 0, base->schema->ncolumns * sizeof(BulkField));
	oldcontext = MemoryContextSwitchTo(base->row_memory);
	read_object(base, value.val.binary.data);
	MemoryContextSwitchTo(oldcontext);
	return true;
}

static bool
jsonb_resume(BulkReader *base)
{
	JsonbReader *reader = (JsonbReader *) base;
	Jsonb	   *element = JsonbValueToJsonb(&reader->value);

	base->raw = JsonbToCString(NULL, &element->root, VARSIZE(element));
	base->raw_len = strlen(base->raw);
	return true;
}

/* Reads data, which stays where it is. */
BulkReader *
bulk_jsonb_reader(const BulkReader *base, Jsonb *data)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(base->load_memory);
	JsonbReader *reader = palloc0(sizeof(JsonbReader));
	JsonbValue	value;

	reader->base = *base;
	reader->base.next = jsonb_next;
	reader->base.resume = jsonb_resume;
	reader->it = JsonbIteratorInit(&data->root);
	MemoryContextSwitchTo(oldcontext);
	if (JB_ROOT_IS_OBJECT(data))
		bulk_json_refuse_data("an object",
							  "For a single row, put the object in square brackets.");
	if (JsonbExtractScalar(&data->root, &value))
		bulk_json_refuse_data(describe(&value), NULL);
	(void) JsonbIteratorNext(&reader->it, &value, false);
	return &reader->base;
}
