/*
 * bulk_json_nested.c
 *		Arrays and objects within a row: checked to the last byte and handed on
 *		as text.
 */
#include "bulk/input/bulk_json.h"

#include "miscadmin.h"

/* From this depth on the server's parser is asked whether it would go down so far. */
#define ASK_ABOUT_DEPTH 256

/* Put the bracket at pos on the pile of those that are open, and go behind it. */
void
bulk_json_push(BulkJsonScan *scan, int *depth)
{
	if (*depth == scan->max_open)
	{
		scan->max_open = Max(64, scan->max_open * 2);
		scan->open = scan->open == NULL ?
			MemoryContextAlloc(scan->load_memory, scan->max_open) :
			repalloc_huge(scan->open, scan->max_open);
	}
	scan->open[(*depth)++] = *scan->pos++;
}

static int
peek(BulkJsonScan *scan)
{
	return bulk_json_peek(scan, &scan->pos);
}

/* A string that is checked, and kept nowhere. */
static void
skip_string(BulkJsonScan *scan)
{
	const char *end = bulk_json_special(scan->pos + 1, scan->end, scan->vector);
	BulkField	field;

	if (end < scan->end && *end == '"')
		scan->pos = end + 1;
	else if (bulk_json_string(scan, &field))
		pfree(unconstify(char *, field.text));
}

/* The key of an object, and its colon. */
static void
skip_key(BulkJsonScan *scan, JsonParseErrorType expected)
{
	if (peek(scan) != '"')
		bulk_json_fail(scan, expected);
	skip_string(scan);
	if (peek(scan) != ':')
		bulk_json_fail(scan, JSON_EXPECTED_COLON);
	scan->pos++;
}

static void
skip_scalar(BulkJsonScan *scan, int first)
{
	const char *end;
	BulkField	field;

	switch (first)
	{
		case '"':
			skip_string(scan);
			break;
		case '-':
		case '0':
		case '1':
		case '2':
		case '3':
		case '4':
		case '5':
		case '6':
		case '7':
		case '8':
		case '9':
			end = bulk_json_match_number(scan->pos, scan->end, scan->vector);
			if (end != NULL)
				scan->pos = end;
			else
				bulk_json_number(scan, &field);
			break;
		default:
			bulk_json_word(scan, &field);
	}
}

/*
 * A value has been read, or an array or object opened: go on to where the next
 * value begins, closing what ends before that.  False if that was everything.
 */
static bool
next_value(BulkJsonScan *scan, int *depth, bool opened)
{
	while (*depth > 0)
	{
		bool		object = scan->open[*depth - 1] == '{';
		int			c = peek(scan);

		if (c == (object ? '}' : ']'))
		{
			scan->pos++;
			(*depth)--;
			opened = false;
			continue;
		}
		if (!opened && c != ',')
			bulk_json_fail(scan, object ? JSON_EXPECTED_OBJECT_NEXT : JSON_EXPECTED_ARRAY_NEXT);
		if (!opened)
			scan->pos++;
		if (object)
			skip_key(scan, opened ? JSON_EXPECTED_OBJECT_FIRST : JSON_EXPECTED_STRING);
		return true;
	}
	return false;
}

/* An array or object, as its text. */
void
bulk_json_nested(BulkJsonScan *scan, BulkField *field)
{
	Size		start = scan->pos - scan->row;
	BulkFieldKind kind = *scan->pos == '[' ? BULK_JSON_ARRAY : BULK_JSON_OBJECT;
	int			depth = 0;
	int			deepest = 1;
	bool		opened = true;

	bulk_json_push(scan, &depth);
	while (next_value(scan, &depth, opened))
	{
		int			first = peek(scan);

		CHECK_FOR_INTERRUPTS();
		opened = (first == '[' || first == '{');
		if (!opened)
			skip_scalar(scan, first);
		else
		{
			bulk_json_push(scan, &depth);
			deepest = Max(deepest, depth);
		}
	}
	field->kind = kind;
	field->text = scan->row + start;
	field->len = scan->pos - field->text;
	if (deepest >= ASK_ABOUT_DEPTH)
		bulk_json_check_depth(field->text, field->len);
}
