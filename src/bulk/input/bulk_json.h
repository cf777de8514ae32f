/*
 * bulk_json.h
 *		The scanner of JSON tokens that the JSON reader is built on.
 *
 * It runs over the window of a source.  When a token reaches the window's end,
 * the window is moved on, and with it pos, end and row; everything from row on
 * is kept.  Places in a row that have to outlive that are kept as distances
 * from row.
 *
 * What a row consists of in the usual case is inline here and works on a local
 * copy of pos; what is rare is in bulk_json_scan.c and works on pos itself.
 */
#ifndef PURSER_BULK_JSON_H
#define PURSER_BULK_JSON_H

#include "bulk/input/bulk_input.h"
#include "bulk/input/bulk_json_vector.h"

#include "common/jsonapi.h"

typedef struct BulkJsonScan
{
	BulkSource *source;
	const char *pos;			/* the next byte */
	const char *end;			/* of what may be read for now */
	const char *row;			/* where the row begins */
	bool		lines;			/* a row ends where its line ends */
	bool		vector;			/* may use vectors; results are the same */
	const BulkPosition *start;	/* of the input in the file that it is a range of, or NULL */
	uint64		line;			/* that pos is in, from 1 */
	uint64		line_offset;	/* where it begins in the input, in bytes */
	uint64		row_line;		/* these two of the row's beginning */
	uint64		row_line_offset;
	MemoryContext load_memory;
	MemoryContext row_memory;
	char	   *open;			/* brackets that are open in a nested value */
	int			max_open;
} BulkJsonScan;

/* What bulk_json_peek gives at the end of the input, or of the line. */
#define BULK_JSON_END (-1)

/* ---- bulk_json_scan.c ---- */

extern bool bulk_json_refill(BulkJsonScan *scan);
extern const char *bulk_json_line_end(BulkJsonScan *scan);
extern int	bulk_json_peek_slowly(BulkJsonScan *scan);
extern void bulk_json_number(BulkJsonScan *scan, BulkField *field);
extern bool bulk_json_string(BulkJsonScan *scan, BulkField *field);
extern void bulk_json_word(BulkJsonScan *scan, BulkField *field);

/* ---- bulk_json_nested.c ---- */

extern void bulk_json_nested(BulkJsonScan *scan, BulkField *field);
extern void bulk_json_push(BulkJsonScan *scan, int *depth);

/* ---- bulk_json_skip.c ---- */

extern bool bulk_json_skip_row(BulkJsonScan *scan);

/* ---- bulk_json_string.c ---- */

extern char *bulk_json_unescape(const char *from, const char *to, char *out, bool vector);
extern Size bulk_json_unescaped_size(Size len);

/* ---- bulk_json_error.c ---- */

pg_noreturn extern void bulk_json_fail(BulkJsonScan *scan, JsonParseErrorType expected);
extern void bulk_json_check_depth(const char *text, Size len);

/* Part of a word, for the server's lexer: what must not follow a number or a literal. */
static inline bool
bulk_json_in_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		c == '_' || IS_HIGHBIT_SET(c);
}

/* The next byte that is not white space, or BULK_JSON_END; *pos moves to it. */
static inline int
bulk_json_peek(BulkJsonScan *scan, const char **pos)
{
	const char *c = *pos;
	int			found;

	if (likely(scan->end - c >= 2))
	{
		if ((unsigned char) *c > ' ')
			return (unsigned char) *c;
		if (*c == ' ' && (unsigned char) c[1] > ' ')
		{
			*pos = c + 1;
			return (unsigned char) c[1];
		}
	}
	scan->pos = c;
	found = bulk_json_peek_slowly(scan);
	*pos = scan->pos;
	return found;
}

/*
 * Behind the number at c.  NULL if it is malformed; or if it reaches the end,
 * and so may go on behind it.
 */
static inline const char *
bulk_json_match_number(const char *c, const char *end, bool vector)
{
	const char *digits = (*c == '-') ? c + 1 : c;

	c = bulk_json_digits(digits, end, vector);
	if (c == digits || c == end || (*digits == '0' && c - digits > 1))
		return NULL;
	if (*c == '.')
	{
		digits = c + 1;
		c = bulk_json_digits(digits, end, vector);
		if (c == digits || c == end)
			return NULL;
	}
	if (*c == 'e' || *c == 'E')
	{
		digits = c + 1;
		if (digits < end && (*digits == '+' || *digits == '-'))
			digits++;
		c = bulk_json_digits(digits, end, vector);
		if (c == digits || c == end)
			return NULL;
	}
	return (*c != ',' && *c != '}' && bulk_json_in_word(*c)) ? NULL : c;
}

#endif							/* PURSER_BULK_JSON_H */
