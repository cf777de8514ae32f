/*
 * bulk_json_scan.c
 *		JSON tokens: moving the window on, white space, and what a token is
 *		when it is not of the usual kind, or reaches the window's end.
 *
 * Each function begins at scan->pos and leaves it behind what it has read.
 * What is malformed it leaves to bulk_json_fail, with pos at the token.
 */
#include "bulk/input/bulk_json.h"

#include "miscadmin.h"
#include "utils/memutils.h"

/* Reach further, keeping all from row on; false at the end of what there is. */
bool
bulk_json_refill(BulkJsonScan *scan)
{
	BulkSource *source = scan->source;
	Size		had = scan->end - scan->row;
	Size		read = scan->pos - scan->row;

	if (source->complete)
		return false;
	CHECK_FOR_INTERRUPTS();
	if (had > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("JSON value is too large"),
				 errdetail("A row of the input can have at most %zu bytes.",
						   (Size) MaxAllocSize)));
	bulk_source_more(source, scan->row - source->data);
	scan->row = source->data;
	scan->pos = scan->row + read;
	scan->end = scan->row + source->len;
	return source->len > had;
}

/* The end of the row's line, which is then in the window. */
const char *
bulk_json_line_end(BulkJsonScan *scan)
{
	Size		searched = 0;

	for (;;)
	{
		Size		len = scan->end - scan->row;
		const char *newline = memchr(scan->row + searched, '\n', len - searched);

		if (newline != NULL)
			return newline;
		searched = len;
		if (!bulk_json_refill(scan))
			return scan->end;
	}
}

/* As bulk_json_peek, for any white space; this is where lines are counted. */
int
bulk_json_peek_slowly(BulkJsonScan *scan)
{
	for (;;)
	{
		if (scan->pos == scan->end && !bulk_json_refill(scan))
			return BULK_JSON_END;
		switch (*scan->pos)
		{
			case '\n':
				if (scan->lines)
					return BULK_JSON_END;
				scan->line++;
				scan->line_offset = scan->source->offset + (scan->pos + 1 - scan->source->data);
				break;
			case ' ':
			case '\t':
			case '\r':
				break;
			default:
				return (unsigned char) *scan->pos;
		}
		scan->pos++;
	}
}

/* Move pos behind the word that begins at it, which may be what follows a number. */
static void
skip_word(BulkJsonScan *scan)
{
	while (scan->pos < scan->end || bulk_json_refill(scan))
	{
		char		c = *scan->pos;

		if (!bulk_json_in_word(c) && c != '+' && c != '-' && c != '.')
			break;
		scan->pos++;
	}
}

/* A number that is malformed, or reaches the window's end. */
void
bulk_json_number(BulkJsonScan *scan, BulkField *field)
{
	Size		start = scan->pos - scan->row;
	const char *number;
	char	   *copy;
	const char *end;

	skip_word(scan);
	number = scan->row + start;

	/* With something behind it, so that it does not reach the end. */
	copy = MemoryContextAlloc(scan->row_memory, scan->pos - number + 1);
	memcpy(copy, number, scan->pos - number);
	copy[scan->pos - number] = ' ';
	end = bulk_json_match_number(copy, copy + (scan->pos - number) + 1, false);
	scan->pos = number;
	if (end == NULL)
		bulk_json_fail(scan, JSON_SUCCESS);
	scan->pos += end - copy;
	field->kind = BULK_TEXT;
	field->text = number;
	field->len = end - copy;
	pfree(copy);
}

/* One of the words that are values: true, false, null. */
void
bulk_json_word(BulkJsonScan *scan, BulkField *field)
{
	Size		start = scan->pos - scan->row;
	const char *word;
	int			len;

	while ((scan->pos < scan->end || bulk_json_refill(scan)) && bulk_json_in_word(*scan->pos))
		scan->pos++;
	word = scan->row + start;
	len = scan->pos - word;
	field->kind = BULK_TEXT;
	field->text = word;
	field->len = len;
	if (len == 4 && memcmp(word, "null", 4) == 0)
		*field = (BulkField) {.kind = BULK_NULL};
	else if (!(len == 4 && memcmp(word, "true", 4) == 0) &&
			 !(len == 5 && memcmp(word, "false", 5) == 0))
	{
		scan->pos = word;
		bulk_json_fail(scan, JSON_EXPECTED_JSON);
	}
}

/*
 * Move pos behind the quote that ends the string in which it is; true if there
 * are escapes.  start: of the string, as a distance from row.
 */
static bool
skip_string(BulkJsonScan *scan, Size start)
{
	bool		escapes = false;

	for (;;)
	{
		scan->pos = bulk_json_special(scan->pos, scan->end, scan->vector);
		if (scan->pos == scan->end && bulk_json_refill(scan))
			continue;
		if (scan->pos == scan->end || (unsigned char) *scan->pos < ' ')
			break;
		if (*scan->pos++ == '"')
			return escapes;

		/* An escape is two bytes, as far as finding the end is concerned. */
		escapes = true;
		if (scan->pos == scan->end && !bulk_json_refill(scan))
			break;
		scan->pos++;
	}
	scan->pos = scan->row + start;
	bulk_json_fail(scan, JSON_SUCCESS);
}

/*
 * Any string, from its opening quote on.  True if there are escapes: then it
 * has been decoded in row_memory.
 */
bool
bulk_json_string(BulkJsonScan *scan, BulkField *field)
{
	Size		start = scan->pos - scan->row;
	bool		escapes;
	const char *text;
	Size		len;
	char	   *decoded;
	char	   *end;

	scan->pos++;
	escapes = skip_string(scan, start);
	text = scan->row + start + 1;
	len = scan->pos - 1 - text;
	field->kind = BULK_JSON_STRING;
	field->text = text;
	field->len = len;
	if (!escapes)
		return false;

	decoded = MemoryContextAllocHuge(scan->row_memory, bulk_json_unescaped_size(len));
	end = bulk_json_unescape(text, text + len, decoded, scan->vector);
	if (end == NULL)
	{
		scan->pos = text - 1;
		bulk_json_fail(scan, JSON_SUCCESS);
	}
	field->text = decoded;
	field->len = end - decoded;
	return true;
}
