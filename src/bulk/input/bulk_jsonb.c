/*
 * bulk_jsonb.c
 *		Reads a jsonb array of objects, in place.
 *
 * Strings are given out as they lie there, numbers and what is nested as text
 * made in row_memory.  There are no lines, and rows have no text of their own:
 * raw is set only by resume, to that of the element that was no good.
 *
 * Called by bulk_load.c.
 */
#include "bulk/bulk.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

typedef struct JsonbReader
{
	BulkReader	base;			/* first, so that a reader is one */
	JsonbIterator *it;
	JsonbValue	element;		/* the last one */
	uint64		row;
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
set_text(BulkField *field, BulkFieldKind kind, const char *text, int len)
{
	field->kind = kind;
	field->text = text;
	field->len = len;
}

static char *
container_text(JsonbContainer *container, int size, int *len)
{
	StringInfoData text;

	initStringInfo(&text);
	(void) JsonbToCString(&text, container, size);
	*len = text.len;
	return text.data;
}

static void
set_field(BulkField *field, const JsonbValue *value)
{
	char	   *text;
	int			len;

	switch (value->type)
	{
		case jbvNull:
			set_text(field, BULK_NULL, NULL, 0);
			break;
		case jbvString:
			set_text(field, BULK_JSON_STRING, value->val.string.val, value->val.string.len);
			break;
		case jbvNumeric:
			text = DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));
			set_text(field, BULK_TEXT, text, strlen(text));
			break;
		case jbvBool:
			text = value->val.boolean ? "true" : "false";
			set_text(field, BULK_TEXT, text, value->val.boolean ? 4 : 5);
			break;
		default:
			Assert(value->type == jbvBinary);
			text = container_text(value->val.binary.data, value->val.binary.len, &len);
			set_text(field, JsonContainerIsArray(value->val.binary.data) ?
					 BULK_JSON_ARRAY : BULK_JSON_OBJECT, text, len);
	}
}

/* Fill the reader's fields from the object's keys.  Also for bulk_tree_reader.c. */
void
bulk_jsonb_object(BulkReader *reader, JsonbContainer *object)
{
	BulkSchema *schema = reader->schema;
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbValue	key;
	JsonbValue	value;
	int			nkeys = 0;

	(void) JsonbIteratorNext(&it, &key, false);
	while (JsonbIteratorNext(&it, &key, false) == WJB_KEY)
	{
		int			column = schema->find(schema, key.val.string.val, key.val.string.len, nkeys++);

		(void) JsonbIteratorNext(&it, &value, true);
		if (column >= 0)
			set_field(&reader->fields[column], &value);
	}
}

static bool
jsonb_next(BulkReader *base)
{
	JsonbReader *reader = (JsonbReader *) base;
	JsonbValue *element = &reader->element;
	MemoryContext oldcontext;

	if (JsonbIteratorNext(&reader->it, element, true) != WJB_ELEM)
		return false;
	base->context->position.row = ++reader->row;
	base->raw = NULL;
	base->raw_len = 0;
	if (element->type != jbvBinary || !JsonContainerIsObject(element->val.binary.data))
		bulk_json_refuse_element(describe(element));
	memset(base->fields, 0, base->schema->ncolumns * sizeof(BulkField));
	oldcontext = MemoryContextSwitchTo(base->row_memory);
	bulk_jsonb_object(base, element->val.binary.data);
	MemoryContextSwitchTo(oldcontext);
	return true;
}

/* The iterator is behind the element already. */
static bool
jsonb_resume(BulkReader *base)
{
	JsonbReader *reader = (JsonbReader *) base;
	MemoryContext oldcontext = MemoryContextSwitchTo(base->row_memory);
	Jsonb	   *element = JsonbValueToJsonb(&reader->element);
	int			len;

	base->raw = container_text(&element->root, VARSIZE(element), &len);
	base->raw_len = len;
	MemoryContextSwitchTo(oldcontext);
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
