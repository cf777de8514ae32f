/*
 * ledger_psql.c
 *		SQL written so that psql, reading it from a file, sends what was meant.
 *
 * Pure.  psql's lexer takes quotes and comments as the server does, but puts a
 * variable's value in the place of :name, also in a[1:name], and guesses where
 * the body of an SQL-standard function ends.  Where it could differ from the
 * server, the statement is given to it as a string, for \gexec, which sends a
 * string as it is.
 */
#include "ledger.h"

#include <ctype.h>

#include "parser/scanner.h"

#define TAG "$purser"

/* psql takes what follows a colon for a variable. */
static bool
begins_variable(char next)
{
	return next != '\0' &&
		(isalnum((unsigned char) next) || IS_HIGHBIT_SET(next) || strchr("_'\"{", next));
}

/* Could psql end the statement elsewhere, or change it? */
static bool
is_ambiguous(const char *text)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(text, &extra, &ScanKeywords, ScanKeywordTokens);
	core_YYSTYPE value;
	YYLTYPE		place;
	bool		found = false;
	int			token;

	while (!found && (token = core_yylex(&value, &place, scanner)) != 0)
	{
		const char *at = text + place;

		found = token == ';' || (token == ':' && begins_variable(at[1])) ||
			pg_strncasecmp(at, "begin", 5) == 0;
	}
	scanner_finish(scanner);
	return found;
}

static bool
ends_line(const char *text)
{
	size_t		length = strlen(text);

	return length > 0 && text[length - 1] == '\n';
}

/* The text in dollar quotes, on lines of its own, whatever is in it. */
void
ledger_psql_quote(StringInfo out, const char *text)
{
	char		tag[32] = TAG "$";

	for (int n = 1; strstr(text, tag); n++)
		snprintf(tag, sizeof(tag), TAG "%d$", n);
	appendStringInfo(out, "%s\n%s%s%s", tag, text, ends_line(text) ? "" : "\n", tag);
}

/* One statement, from its first word or the comment before it, without its semicolon. */
void
ledger_psql_statement(StringInfo out, const char *text)
{
	const char *last_line = strrchr(text, '\n');

	if (is_ambiguous(text))
	{
		appendStringInfoString(out, "SELECT ");
		ledger_psql_quote(out, text);
		appendStringInfoString(out, " \\gexec\n");
		return;
	}
	/* A comment at the end would swallow the semicolon. */
	appendStringInfo(out, "%s%s;\n", text,
					 strstr(last_line ? last_line : text, "--") ? "\n" : "");
}
