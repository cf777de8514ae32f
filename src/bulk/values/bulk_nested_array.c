/*
 * bulk_nested_array.c
 *		The array literal for a JSON array.
 *
 * The first element settles how many dimensions there are; arrays that are
 * deeper are elements.  The JSON is known to be right, so a token is known by
 * its first byte.
 *
 * Called by bulk_nested.c.
 */
#include "bulk/input/bulk_json.h"
#include "bulk/values/bulk_nested.h"
#include "bulk/input/bulk_scan.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"

typedef struct ArrayWriter
{
	const BulkColumn *column;
	BulkJsonScan scan;
	StringInfoData literal;
	int			depth;			/* arrays that are open, as dimensions */
	int			ndims;			/* 0: not known yet */
	bool		empty;			/* no element so far */
} ArrayWriter;

static void
append_quoted(StringInfo literal, const char *text, int len)
{
	const char *end = text + len;

	enlargeStringInfo(literal, len + 2);
	appendStringInfoCharMacro(literal, '"');
	for (const char *c = text; c < end; c++)
	{
		if (*c == '"' || *c == '\\')
			appendStringInfoCharMacro(literal, '\\');
		appendStringInfoCharMacro(literal, *c);
	}
	appendStringInfoCharMacro(literal, '"');
}

static void
append_string(ArrayWriter *writer)
{
	BulkField	field;
	char	   *json;

	(void) bulk_json_string(&writer->scan, &field);
	if (writer->column->element.shape != BULK_SHAPE_JSON)
	{
		append_quoted(&writer->literal, field.text, field.len);
		return;
	}
	json = bulk_nested_string(field.text, field.len);
	append_quoted(&writer->literal, json, strlen(json));
}

/* An object, or an array that is no dimension. */
static void
append_nested(ArrayWriter *writer)
{
	BulkType	element = writer->column->element;
	BulkField	field;

	bulk_json_nested(&writer->scan, &field);
	if (field.kind == BULK_JSON_OBJECT && element.shape == BULK_SHAPE_COMPOSITE)
	{
		field.text = OidOutputFunctionCall(F_RECORD_OUT,
										   bulk_nested_record(&element, field.text, field.len));
		field.len = strlen(field.text);
	}
	append_quoted(&writer->literal, field.text, field.len);
}

/* A number, true, false or null: as it stands. */
static void
append_word(ArrayWriter *writer)
{
	const char *c = writer->scan.pos;

	while (bulk_json_in_word(*c) || *c == '-' || *c == '+' || *c == '.')
		c++;
	appendBinaryStringInfo(&writer->literal, writer->scan.pos, c - writer->scan.pos);
	writer->scan.pos = c;
}

static void
open_dimension(ArrayWriter *writer)
{
	appendStringInfoChar(&writer->literal, '{');
	writer->depth++;
	writer->scan.pos++;
}

static void
close_dimension(ArrayWriter *writer)
{
	if (writer->ndims == 0)
		writer->ndims = writer->depth;
	appendStringInfoChar(&writer->literal, '}');
	writer->depth--;
	writer->scan.pos++;
}

static void
append_element(ArrayWriter *writer, int first)
{
	if (writer->ndims == 0)
		writer->ndims = writer->depth;
	writer->empty = false;
	if (first == '"')
		append_string(writer);
	else if (first == '{' || first == '[')
		append_nested(writer);
	else
		append_word(writer);
}

/* The array literal, for the input function of the column's type. */
char *
bulk_nested_array(const BulkColumn *column, const BulkField *field)
{
	BulkSource	source = {.data = field->text, .len = field->len, .complete = true};
	ArrayWriter writer = {.column = column, .empty = true};
	BulkJsonScan *scan = &writer.scan;

	*scan = (BulkJsonScan) {
		.source = &source,
		.pos = field->text,
		.end = field->text + field->len,
		.row = field->text,
		.vector = bulk_scan_method != BULK_SCAN_SCALAR,
		.load_memory = CurrentMemoryContext,
		.row_memory = CurrentMemoryContext
	};
	initStringInfo(&writer.literal);
	do
	{
		int			c = bulk_json_peek(scan, &scan->pos);

		CHECK_FOR_INTERRUPTS();
		if (c == ',')
		{
			appendStringInfoChar(&writer.literal, column->delimiter);
			scan->pos++;
		}
		else if (c == ']')
			close_dimension(&writer);
		else if (c == '[' && (writer.ndims == 0 || writer.depth < writer.ndims))
			open_dimension(&writer);
		else
			append_element(&writer, c);
	} while (writer.depth > 0);
	/* Older servers do not read {{}}. */
	return writer.empty ? pstrdup("{}") : writer.literal.data;
}
