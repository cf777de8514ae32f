/*
 * bulk_json_error.c
 *		Malformed JSON, in the server's own words.
 *
 * The server's lexer is set at the offending token, and its report made as
 * its parser would: by what was expected there.
 */
#include "bulk/input/bulk_json.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/jsonfuncs.h"
#include "utils/memutils.h"

/* What should be in the window behind the token's beginning, in bytes; and at most. */
#define LOOKAHEAD		128
#define MAX_LOOKAHEAD	(1024 * 1024)

/* The server's lexer, about to read the token at pos. */
static JsonLexContext *
lexer_at_pos(BulkJsonScan *scan)
{
	BulkSource *source = scan->source;
	const char *end = scan->lines ? bulk_json_line_end(scan) : scan->end;
	const char *start = source->data;
	JsonLexContext *lex;

	if (scan->line_offset > source->offset)
		start += scan->line_offset - source->offset;
	if (source->verify && start < scan->row)
		start = scan->row;		/* what is before it need not be right */
	lex = purser_makeJsonLexContext(NULL, start, Min((Size) (end - start), MaxAllocSize),
									GetDatabaseEncoding(), true);
	lex->token_terminator += scan->pos - start;
	lex->line_number = (int) (scan->line + (scan->start != NULL ? scan->start->line : 0));
	return lex;
}

/* May the token go on behind the window? */
static bool
ends_with_window(const BulkJsonScan *scan, const JsonLexContext *lex)
{
	return !scan->lines && lex->token_terminator == scan->end &&
		scan->end - scan->pos < MAX_LOOKAHEAD;
}

/*
 * Raise the error that the server would raise at pos, where something else was
 * expected.  JSON_SUCCESS: the token itself is no good.
 */
void
bulk_json_fail(BulkJsonScan *scan, JsonParseErrorType expected)
{
	JsonLexContext *lex;
	JsonParseErrorType error;

	while (scan->end - scan->pos < LOOKAHEAD && bulk_json_refill(scan))
		;
	do
	{
		lex = lexer_at_pos(scan);
		error = json_lex(lex);
	} while (ends_with_window(scan, lex) && bulk_json_refill(scan));
	/* It will be shown. */
	bulk_source_verify(scan->source, lex->input, lex->token_terminator - lex->input);
	if (error == JSON_SUCCESS && lex->token_type == JSON_TOKEN_END)
		error = JSON_EXPECTED_MORE;
	if (error == JSON_SUCCESS)
		error = expected;
	if (error != JSON_SUCCESS)
		purser_json_ereport_error(error, lex);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s", "json")));
}

/*
 * Raise the server's error if it would not go down so deep.  The value is
 * right otherwise.
 */
void
bulk_json_check_depth(const char *text, Size len)
{
	JsonSemAction actions = {0};
	JsonLexContext *lex = purser_makeJsonLexContext(NULL, text, len, GetDatabaseEncoding(), false);

	pg_parse_json_or_ereport(lex, &actions);
}
