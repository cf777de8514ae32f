/*
 * audit_text.c
 *		The texts of statements: their hash, and whether they have literals.
 */
#include "audit/session/audit_session.h"

#include "common/hashfn.h"

/*
 * Leaves out comments before and behind the statement, where tools put what
 * differs from one execution to the next.
 */
static void
cut_comments(const char **text, int *len)
{
	const char *at = *text;
	const char *end = at + *len;

	if (*len >= 4 && at[0] == '/' && at[1] == '*')
	{
		while (at + 1 < end && !(at[0] == '*' && at[1] == '/'))
			at++;
		at = Min(at + 2, end);
	}
	if (end - at >= 4 && end[-1] == '/' && end[-2] == '*')
	{
		end -= 2;
		while (end > at + 1 && !(end[-1] == '*' && end[-2] == '/'))
			end--;
		end = end > at + 1 ? end - 2 : at;
	}
	while (at < end && (*at == ' ' || *at == '\n'))
		at++;
	while (end > at && (end[-1] == ' ' || end[-1] == '\n' || end[-1] == ';'))
		end--;
	*text = at;
	*len = (int) (end - at);
}

uint32
audit_text_hash(const QueryDesc *desc)
{
	const char *text;
	int			len;

	audit_statement_text(desc, &text, &len);
	cut_comments(&text, &len);
	return hash_bytes((const unsigned char *) text, len);
}

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '_' || c == '$' || IS_HIGHBIT_SET(c);
}

/* Is there a number or a string in it? A look at the text, not a parse: comments may mislead. */
bool
audit_text_has_literal(const QueryDesc *desc)
{
	const char *text;
	int			len;

	audit_statement_text(desc, &text, &len);
	cut_comments(&text, &len);
	for (int i = 0; i < len; i++)
	{
		if (text[i] == '\'')
			return true;
		if (text[i] >= '0' && text[i] <= '9' && (i == 0 || !is_word(text[i - 1])))
			return true;
	}
	return false;
}
