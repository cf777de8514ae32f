/*
 * bulk_json.c
 *		Reads JSON: an array of objects, or objects one per line.
 *
 * One pass over the windows of a source; no more than a row has to be in one,
 * and nothing is copied but strings with escapes.  If a key comes twice in one
 * object, the last one counts, as it does in jsonb.
 *
 * What is accepted is what the server's own parser accepts, and what is no
 * JSON is reported in its words.  Only what is right as far as it was read is
 * refused here for being no array of objects.
 *
 * After an error in a row the reader can go on: with lines behind the line, in
 * an array behind the element.  See bulk_json_skip.c for what cannot be
 * skipped: then the rest of the input is the bad row.
 *
 * Called by bulk_load.c.
 */
#include "bulk/input/bulk_json_row.h"
#include "bulk/input/bulk_scan.h"

#include "miscadmin.h"

typedef enum JsonPlace
{
	BEFORE_ARRAY,
	BEFORE_FIRST,				/* behind the array's opening bracket */
	BEHIND_ELEMENT,
	AT_LINE,					/* at the beginning of one */
	AT_END
} JsonPlace;

typedef struct JsonReader
{
	BulkReader	base;			/* first, so that a reader is one */
	BulkJsonScan scan;
	BulkJsonRow row;
	JsonPlace	place;			/* where next() goes on */
	Size		at;				/* how far into the window */
	uint64		nrows;
} JsonReader;

/* What the data is, in place of an array; the hint may be NULL.  Also for bulk_jsonb.c. */
void
bulk_json_refuse_data(const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("data must be a JSON array of objects"),
			 errdetail("The data is %s.", what),
			 hint ? errhint("%s", hint) : 0));
}

/* What an element is, in place of an object.  Also for bulk_jsonb.c. */
void
bulk_json_refuse_element(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("data must be a JSON array of objects"),
			 errdetail("An element of the array is %s.", what)));
}

static void
refuse_line(const char *what, bool first)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("each line of the data must be a JSON object"),
			 errdetail("The line is %s.", what),
			 !first ? 0 :
			 errhint("For a JSON array of objects, set the argument \"format\" to \"json\".")));
}

/* ---- what is no row ---- */

static int
peek(BulkJsonScan *scan)
{
	return bulk_json_peek(scan, &scan->pos);
}

/* Read the scalar at pos, and say what it is. */
static const char *
read_scalar(BulkJsonScan *scan)
{
	BulkField	field;

	if (*scan->pos == '"')
		(void) bulk_json_string(scan, &field);
	else if (*scan->pos == '-' || (*scan->pos >= '0' && *scan->pos <= '9'))
	{
		bulk_json_number(scan, &field);
		return "a number";
	}
	else
		bulk_json_word(scan, &field);
	return field.kind == BULK_JSON_STRING ? "a string" :
		field.kind == BULK_NULL ? "null" : "a boolean";
}

static void
refuse_objects(BulkJsonScan *scan)
{
	BulkField	field;

	bulk_json_nested(scan, &field);
	switch (peek(scan))
	{
		case BULK_JSON_END:
			bulk_json_refuse_data("an object",
								  "For a single row, put the object in square brackets.");
			break;
		case '{':
			bulk_json_refuse_data("several objects",
								  "For one object per line, set the argument \"format\" "
								  "to \"ndjson\".");
			break;
		case ',':
			bulk_json_refuse_data("several objects",
								  "Put the objects in one array: in square brackets, "
								  "separated by commas.");
			break;
		default:
			bulk_json_fail(scan, JSON_EXPECTED_END);
	}
}

/* For what begins neither as array nor as object. */
static const char *
hint_at_form(const BulkJsonScan *scan)
{
	if (scan->end - scan->pos >= 3 && memcmp(scan->pos, "\xEF\xBB\xBF", 3) == 0)
		return "Remove the byte order mark before the data.";
	return "For CSV data, set the argument \"format\" to \"csv\".";
}

/* Neither array nor object: it may not be meant to be JSON at all. */
static void
refuse_scalar(JsonReader *reader)
{
	BulkJsonScan *scan = &reader->scan;
	const char *what;

	reader->base.context->hint = hint_at_form(scan);
	what = read_scalar(scan);
	if (peek(scan) != BULK_JSON_END)
		bulk_json_fail(scan, JSON_EXPECTED_END);
	bulk_json_refuse_data(what, NULL);
}

/* ---- rows ---- */

/* What is at pos is a row, or should be one. */
static void
begin_row(JsonReader *reader)
{
	BulkJsonScan *scan = &reader->scan;
	BulkPosition *position = &reader->base.context->position;

	scan->row = scan->pos;
	scan->row_line = scan->line;
	scan->row_line_offset = scan->line_offset;
	position->row = ++reader->nrows;
	position->line = scan->line;
	position->offset = scan->source->offset + (scan->row - scan->source->data);
}

static void
set_raw(JsonReader *reader)
{
	reader->base.raw = reader->scan.row;
	reader->base.raw_len = reader->scan.pos - reader->scan.row;
}

static void
read_row(JsonReader *reader)
{
	bulk_json_row_read(&reader->row, &reader->scan);
	set_raw(reader);
	bulk_source_verify(reader->scan.source, reader->base.raw, reader->base.raw_len);
}

/* ---- an array ---- */

/* Move pos into the array; what is no array is refused. */
static void
open_array(JsonReader *reader)
{
	BulkJsonScan *scan = &reader->scan;

	switch (peek(scan))
	{
		case '[':
			scan->pos++;
			reader->place = BEFORE_FIRST;
			break;
		case '{':
			refuse_objects(scan);
			break;
		case BULK_JSON_END:
			bulk_json_fail(scan, JSON_EXPECTED_JSON);
			break;
		default:
			refuse_scalar(reader);
	}
}

/* The array has ended; nothing may follow. */
static bool
end_array(JsonReader *reader)
{
	BulkJsonScan *scan = &reader->scan;

	reader->place = AT_END;
	scan->row = ++scan->pos;
	if (peek(scan) == BULK_JSON_END)
		return false;
	begin_row(reader);
	bulk_json_fail(scan, JSON_EXPECTED_END);
}

/* Move pos to the next element; false at the end of the array. */
static bool
find_element(JsonReader *reader)
{
	BulkJsonScan *scan = &reader->scan;
	bool		first = reader->place == BEFORE_FIRST;
	int			c = peek(scan);

	if (c == ']')
		return end_array(reader);
	reader->place = BEHIND_ELEMENT;
	if (!first)
	{
		if (c != ',')
		{
			begin_row(reader);
			bulk_json_fail(scan, JSON_EXPECTED_ARRAY_NEXT);
		}
		scan->pos++;
		(void) peek(scan);
	}
	begin_row(reader);
	return true;
}

static bool
next_element(JsonReader *reader)
{
	BulkJsonScan *scan = &reader->scan;
	int			c;

	if (reader->place == BEFORE_ARRAY)
		open_array(reader);
	if (reader->place == AT_END || !find_element(reader))
		return false;
	c = peek(scan);
	if (likely(c == '{'))
		read_row(reader);
	else if (c == '[')
		bulk_json_refuse_element("an array");
	else if (c == BULK_JSON_END || c == ']' || c == '}' || c == ',' || c == ':')
		bulk_json_fail(scan, JSON_EXPECTED_JSON);
	else
		bulk_json_refuse_element(read_scalar(scan));
	return true;
}

/* ---- lines ---- */

/* Go behind the line's end, at which pos is. */
static void
leave_line(BulkJsonScan *scan)
{
	if (scan->pos < scan->end)
		scan->pos++;
	scan->line++;
	scan->line_offset = scan->source->offset + (scan->pos - scan->source->data);
}

/* Move pos to the next line that is not blank; false if there is none. */
static bool
find_line(BulkJsonScan *scan)
{
	while (peek(scan) == BULK_JSON_END)
	{
		CHECK_FOR_INTERRUPTS();
		if (scan->pos == scan->end)
			return false;
		leave_line(scan);
		scan->row = scan->pos;
	}
	return true;
}

/* Of the whole input, which may go on in ranges. */
static bool
is_first_row(const JsonReader *reader)
{
	return reader->nrows == 1 && reader->base.context->start.row == 0;
}

static bool
next_line(JsonReader *reader)
{
	BulkJsonScan *scan = &reader->scan;
	int			c;

	if (!find_line(scan))
		return false;
	begin_row(reader);
	c = *scan->pos;
	if (is_first_row(reader) && c != '{' && c != '[')
		reader->base.context->hint = hint_at_form(scan);
	if (likely(c == '{'))
		read_row(reader);
	else if (c == '[')
		refuse_line("an array", is_first_row(reader));
	else if (c == ']' || c == '}' || c == ',' || c == ':')
		bulk_json_fail(scan, JSON_EXPECTED_JSON);
	else
		refuse_line(read_scalar(scan), false);
	if (peek(scan) != BULK_JSON_END)
		bulk_json_fail(scan, JSON_EXPECTED_END);
	leave_line(scan);
	return true;
}

/* ---- as a reader ---- */

static bool
json_next(BulkReader *base)
{
	JsonReader *reader = (JsonReader *) base;
	BulkJsonScan *scan = &reader->scan;
	bool		found;

	scan->pos = base->source->data + reader->at;
	scan->end = base->source->data + base->source->len;
	scan->row = scan->pos;
	found = reader->place == AT_LINE ? next_line(reader) : next_element(reader);
	reader->at = scan->pos - base->source->data;
	return found;
}

/* The text of a line that is no good, without a carriage return at its end. */
static void
resume_lines(JsonReader *reader)
{
	BulkJsonScan *scan = &reader->scan;

	scan->pos = bulk_json_line_end(scan);
	set_raw(reader);
	while (reader->base.raw_len > 0 && scan->row[reader->base.raw_len - 1] == '\r')
		reader->base.raw_len--;
	leave_line(scan);
}

static void
resume_array(JsonReader *reader)
{
	BulkJsonScan *scan = &reader->scan;

	if (reader->place == AT_END || !bulk_json_skip_row(scan))
	{
		reader->place = AT_END;
		scan->pos = scan->end;
	}
	set_raw(reader);
}

static bool
json_resume(BulkReader *base)
{
	JsonReader *reader = (JsonReader *) base;

	if (reader->place == BEFORE_ARRAY)
		return false;
	base->context->hint = NULL;
	if (reader->place == AT_LINE)
		resume_lines(reader);
	else
		resume_array(reader);
	reader->at = reader->scan.pos - base->source->data;
	return true;
}

BulkReader *
bulk_json_reader(const BulkReader *base, const BulkFormat *format)
{
	JsonReader *reader = MemoryContextAllocZero(base->load_memory, sizeof(JsonReader));

	reader->base = *base;
	reader->base.next = json_next;
	reader->base.resume = json_resume;
	reader->place = format->lines ? AT_LINE : BEFORE_ARRAY;
	reader->scan = (BulkJsonScan) {
		.source = base->source,
		.lines = format->lines,
		.vector = bulk_scan_method != BULK_SCAN_SCALAR,
		.start = &base->context->start,
		.line = 1,
		.line_offset = base->source->offset,
		.load_memory = base->load_memory,
		.row_memory = base->row_memory
	};
	bulk_json_row_init(&reader->row, &reader->base);
	return &reader->base;
}
