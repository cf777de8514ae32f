/*
 * bulk_jsonb.c
 *		Reads a jsonb array of objects, in place.
 *
 * Called by bulk_load.c, in the per-row memory context.  There are no lines.
 */
#include "bulk.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

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
	field->text = NULL;
	switch (value->type)
	{
		case jbvNull:
			field->kind = BULK_NULL;
			break;
		case jbvString:
			field->kind = BULK_JSON_STRING;
			field->text = pnstrdup(value->val.string.val, value->val.string.len);
			break;
		case jbvNumeric:
			field->kind = BULK_TEXT;
			field->text = DatumGetCString(DirectFunctionCall1(numeric_out,
															  NumericGetDatum(value->val.numeric)));
			break;
		case jbvBool:
			field->kind = BULK_TEXT;
			field->text = value->val.boolean ? "true" : "false";
			break;
		default:
			Assert(value->type == jbvBinary);
			field->kind = JsonContainerIsArray(value->val.binary.data) ?
				BULK_JSON_ARRAY : BULK_JSON_OBJECT;
			field->text = JsonbToCString(NULL, value->val.binary.data, value->val.binary.len);
			break;
	}
}

static void
read_object(BulkSink *sink, JsonbContainer *object)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbValue	value;
	int			nkeys = 0;

	(void) JsonbIteratorNext(&it, &value, false);
	while (JsonbIteratorNext(&it, &value, false) == WJB_KEY)
	{
		int			column = sink->column(sink, value.val.string.val, value.val.string.len,
										  nkeys++);

		(void) JsonbIteratorNext(&it, &value, true);
		set_field(&sink->fields[column], &value);
	}
}

void
bulk_jsonb_read(BulkSink *sink, Jsonb *data)
{
	BulkPosition *position = &sink->context->position;
	MemoryContext oldcontext = MemoryContextSwitchTo(sink->load_memory);
	JsonbIterator *it = JsonbIteratorInit(&data->root);
	JsonbValue	value;
	uint64		row = 0;

	MemoryContextSwitchTo(oldcontext);
	if (JB_ROOT_IS_OBJECT(data))
		bulk_json_refuse_data("an object",
							  "For a single row, put the object in square brackets.");
	if (JsonbExtractScalar(&data->root, &value))
		bulk_json_refuse_data(describe(&value), NULL);

	(void) JsonbIteratorNext(&it, &value, false);
	while (JsonbIteratorNext(&it, &value, true) == WJB_ELEM)
	{
		position->row = ++row;
		if (value.type != jbvBinary || !JsonContainerIsObject(value.val.binary.data))
			bulk_json_refuse_element(describe(&value));
		read_object(sink, value.val.binary.data);
		sink->push(sink);
	}
}
