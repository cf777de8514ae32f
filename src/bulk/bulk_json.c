/*
 * bulk_json.c
 *		Reads a JSON array of objects with the server's own parser.
 *
 * The parser calls the actions below as it goes, and no tree is built: at most
 * one object's values are in memory.  Levels: 0 outside the array, 1 between
 * its elements, 2 inside an object; what is deeper is a value's own affair and
 * handed on as JSON text.  If a key comes twice in one object, the last one
 * counts, as it does in jsonb.
 *
 * What is no JSON is the parser's to report, so only what it has accepted is
 * refused here for being no array of objects.  Objects without the array are
 * read to the end of the first one, to see whether there is another.
 *
 * Called by bulk_load.c, in the per-row memory context.
 */
#include "bulk.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/jsonfuncs.h"

typedef struct JsonReader
{
	BulkSink   *sink;
	JsonLexContext *lex;
	JsonSemAction actions;
	uint64		row;
	int			nkeys;			/* of this row, so far */
	int			column;			/* that the present value is for */
	BulkFieldKind nested;		/* the present value, if array or object */
	const char *value_start;
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

static const char *
describe_scalar(JsonTokenType type)
{
	switch (type)
	{
		case JSON_TOKEN_STRING:
			return "a string";
		case JSON_TOKEN_NUMBER:
			return "a number";
		case JSON_TOKEN_NULL:
			return "null";
		default:
			return "a boolean";
	}
}

static PURSER_JSON_ACTION
json_element_start(void *state, bool isnull pg_attribute_unused())
{
	JsonReader *reader = state;
	BulkPosition *position = &reader->sink->context->position;

	if (reader->lex->lex_level == 1)
	{
		position->row = ++reader->row;
		position->line = reader->lex->line_number;
		reader->nkeys = 0;
	}
	PURSER_JSON_ACTION_DONE;
}

static PURSER_JSON_ACTION
json_array_start(void *state)
{
	JsonReader *reader = state;

	if (reader->lex->lex_level == 1)
		bulk_json_refuse_element("an array");
	PURSER_JSON_ACTION_DONE;
}

/* A value may be of any size; only within a string the parser cannot be interrupted. */
static PURSER_JSON_ACTION
json_check_interrupts(void *state pg_attribute_unused(), char *token pg_attribute_unused(),
					  JsonTokenType type pg_attribute_unused())
{
	CHECK_FOR_INTERRUPTS();
	PURSER_JSON_ACTION_DONE;
}

/* An object outside the array is parsed, but nothing in it is a row. */
static PURSER_JSON_ACTION
json_object_start(void *state)
{
	JsonReader *reader = state;

	if (reader->lex->lex_level == 0)
		reader->actions = (JsonSemAction) {
			.semstate = reader,
			.scalar = json_check_interrupts
		};
	PURSER_JSON_ACTION_DONE;
}

/* Such an object has ended; the parser has read the next token and would take none but END. */
static void
refuse_bare_object(JsonTokenType next)
{
	if (next == JSON_TOKEN_END)
		bulk_json_refuse_data("an object",
							  "For a single row, put the object in square brackets.");
	if (next == JSON_TOKEN_OBJECT_START || next == JSON_TOKEN_COMMA)
		bulk_json_refuse_data("several objects",
							  "Put the objects in one array: in square brackets, "
							  "separated by commas.");
}

static PURSER_JSON_ACTION
json_object_end(void *state)
{
	JsonReader *reader = state;

	if (reader->lex->lex_level == 0)
		refuse_bare_object(reader->lex->token_type);
	if (reader->lex->lex_level == 1)
		reader->sink->push(reader->sink);
	PURSER_JSON_ACTION_DONE;
}

static PURSER_JSON_ACTION
json_field_start(void *state, char *name, bool isnull pg_attribute_unused())
{
	JsonReader *reader = state;
	BulkSink   *sink = reader->sink;

	if (reader->lex->lex_level == 2)
	{
		reader->column = sink->column(sink, name, strlen(name), reader->nkeys++);
		reader->value_start = reader->lex->token_start;
		if (reader->lex->token_type == JSON_TOKEN_ARRAY_START)
			reader->nested = BULK_JSON_ARRAY;
		else if (reader->lex->token_type == JSON_TOKEN_OBJECT_START)
			reader->nested = BULK_JSON_OBJECT;
		else
			reader->nested = BULK_MISSING;
	}
	PURSER_JSON_ACTION_DONE;
}

static PURSER_JSON_ACTION
json_field_end(void *state, char *name pg_attribute_unused(), bool isnull pg_attribute_unused())
{
	JsonReader *reader = state;

	if (reader->lex->lex_level == 2 && reader->nested != BULK_MISSING)
	{
		BulkField  *field = &reader->sink->fields[reader->column];

		field->kind = reader->nested;
		field->text = pnstrdup(reader->value_start,
							   reader->lex->prev_token_terminator - reader->value_start);
	}
	PURSER_JSON_ACTION_DONE;
}

static PURSER_JSON_ACTION
json_scalar(void *state, char *token, JsonTokenType type)
{
	JsonReader *reader = state;

	CHECK_FOR_INTERRUPTS();
	if (reader->lex->lex_level == 0 && reader->lex->token_type == JSON_TOKEN_END)
		bulk_json_refuse_data(describe_scalar(type), NULL);
	if (reader->lex->lex_level == 1)
		bulk_json_refuse_element(describe_scalar(type));
	if (reader->lex->lex_level == 2 && reader->nested == BULK_MISSING)
	{
		BulkField  *field = &reader->sink->fields[reader->column];

		field->text = token;
		if (type == JSON_TOKEN_STRING)
			field->kind = BULK_JSON_STRING;
		else if (type == JSON_TOKEN_NULL)
		{
			field->kind = BULK_NULL;
			field->text = NULL;
		}
		else
			field->kind = BULK_TEXT;
	}
	PURSER_JSON_ACTION_DONE;
}

/* What does not even begin as JSON that could be right: no row will come of it. */
static const char *
hint_at_csv(const char *data, int len)
{
	char		first = bulk_context_first(data, len);

	return (first == '[' || first == '{' || first == '\0') ? NULL :
		"For CSV data, set the argument \"format\" to \"csv\".";
}

void
bulk_json_read(BulkSink *sink, const char *data, int len)
{
	JsonReader	reader = {.sink = sink};
	MemoryContext oldcontext = MemoryContextSwitchTo(sink->load_memory);

	reader.lex = purser_makeJsonLexContext(NULL, data, len, GetDatabaseEncoding(), true);
	MemoryContextSwitchTo(oldcontext);
	reader.actions = (JsonSemAction) {
		.semstate = &reader,
		.array_start = json_array_start,
		.array_element_start = json_element_start,
		.object_start = json_object_start,
		.object_end = json_object_end,
		.object_field_start = json_field_start,
		.object_field_end = json_field_end,
		.scalar = json_scalar
	};
	sink->context->hint = hint_at_csv(data, len);
	pg_parse_json_or_ereport(reader.lex, &reader.actions);
}
