/*
 * bulk_json_skip.c
 *		Where a row ends that is no good.
 *
 * An element of an array ends at the comma or bracket behind it that is in no
 * string and in no other bracket.  That can be told although the element is
 * malformed, as long as its quotes and brackets are right.  If they are not,
 * then any guess could make a row of what is none; so there is no guessing.
 */
#include "bulk/input/bulk_json.h"

#include "miscadmin.h"

/* The most to read ahead in search of the end, in bytes. */
#define FURTHEST (16 * 1024 * 1024)

/* Move pos behind a string, whatever its escapes; false if it has no end. */
static bool
skip_string(BulkJsonScan *scan)
{
	scan->pos++;
	for (;;)
	{
		scan->pos = bulk_json_special(scan->pos, scan->end, scan->vector);
		if (scan->pos == scan->end && bulk_json_refill(scan))
			continue;
		if (scan->pos == scan->end || (unsigned char) *scan->pos < ' ')
			return false;
		if (*scan->pos++ == '"')
			return true;
		if (scan->pos == scan->end && !bulk_json_refill(scan))
			return false;
		scan->pos++;
	}
}

/* A closing bracket: does it fit the one that was opened last? */
static bool
close_bracket(BulkJsonScan *scan, int *depth, char opening)
{
	if (*depth == 0 || scan->open[--(*depth)] != opening)
		return false;
	scan->pos++;
	return true;
}

/*
 * A quote next to a part of a word: a quote is missing or one too many, and
 * what looks like outside of strings is inside.  A backslash is in no right
 * place either.
 */
static bool
is_torn(const BulkJsonScan *scan, char before)
{
	char		c = *scan->pos;

	if (c == '"')
		return bulk_json_in_word(before) || before == '"';
	return c == '\\' || (before == '"' && bulk_json_in_word(c));
}

/* One token, or a byte of one; false if it cannot be. */
static bool
skip_token(BulkJsonScan *scan, int *depth, int first)
{
	switch (first)
	{
		case '"':
			return skip_string(scan);
		case '[':
		case '{':
			bulk_json_push(scan, depth);
			return true;
		case ']':
			return close_bracket(scan, depth, '[');
		case '}':
			return close_bracket(scan, depth, '{');
		default:
			scan->pos++;
			return true;
	}
}

/* Move pos from the row's beginning to what ends it; false if that is not to be found. */
bool
bulk_json_skip_row(BulkJsonScan *scan)
{
	char		before = '\0';	/* the byte before pos, white space included */
	int			depth = 0;

	scan->pos = scan->row;
	scan->line = scan->row_line;
	scan->line_offset = scan->row_line_offset;
	while (scan->pos - scan->row < FURTHEST || scan->source->complete)
	{
		Size		from = scan->pos - scan->row;
		int			first = bulk_json_peek(scan, &scan->pos);

		CHECK_FOR_INTERRUPTS();
		if (first == BULK_JSON_END)
			return false;
		if (depth == 0 && (first == ',' || first == ']'))
			return true;
		if ((Size) (scan->pos - scan->row) != from)
			before = '\0';
		if (is_torn(scan, before) || !skip_token(scan, &depth, first))
			return false;
		before = scan->pos[-1];
	}
	return false;
}
