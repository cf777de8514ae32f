/*
 * fuzz_server_json.c
 *		What of the server the JSON reader needs beyond that: its reports of
 *		malformed JSON are told by their SQLSTATE alone.
 */
#include "fuzz_server.h"

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

extern void json_ereport_error(JsonParseErrorType error, JsonLexContext *lex);
extern void json_errsave_error(JsonParseErrorType error, JsonLexContext *lex, struct Node *context);
extern void pg_parse_json_or_ereport(JsonLexContext *lex, JsonSemAction *actions);
extern bool pg_parse_json_or_errsave(JsonLexContext *lex, JsonSemAction *actions,
									 struct Node *context);

void *
MemoryContextAllocHuge(MemoryContext context pg_attribute_unused(), Size size)
{
	return palloc(size);
}

void *
repalloc_huge(void *pointer, Size size)
{
	return repalloc(pointer, size);
}

int
errdetail(const char *format pg_attribute_unused(),...)
{
	return 0;
}

void
json_ereport_error(JsonParseErrorType error, JsonLexContext *lex pg_attribute_unused())
{
	ereport(ERROR,
			(errcode(error == JSON_UNICODE_CODE_POINT_ZERO ?
					 ERRCODE_UNTRANSLATABLE_CHARACTER : ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed")));
}

void
json_errsave_error(JsonParseErrorType error, JsonLexContext *lex,
				   struct Node *context pg_attribute_unused())
{
	json_ereport_error(error, lex);
}

/* Only asked whether a value is too deep. */
void
pg_parse_json_or_ereport(JsonLexContext *lex pg_attribute_unused(),
						 JsonSemAction *actions pg_attribute_unused())
{
}

bool
pg_parse_json_or_errsave(JsonLexContext *lex pg_attribute_unused(),
						 JsonSemAction *actions pg_attribute_unused(),
						 struct Node *context pg_attribute_unused())
{
	return true;
}

/* The encoding is UTF8, where these are not called. */
void
pg_unicode_to_server(pg_wchar c, unsigned char *s)
{
	unicode_to_utf8(c, s);
}

bool
pg_unicode_to_server_noerror(pg_wchar c, unsigned char *s)
{
	unicode_to_utf8(c, s);
	return true;
}
