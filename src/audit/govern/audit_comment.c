/*
 * audit_comment.c
 *		Comments at the beginning and the end of a statement, and what they say.
 *
 * Only block comments count. A comment is taken as a whole or as elements with
 * commas between them; an element is key='value' with both sides url-encoded
 * (sqlcommenter), or key=value or key:value as it is. Bytes of a server's
 * encoding that look like ASCII are ASCII.
 */
#include "audit/govern/audit_govern.h"

#include "parser/scansup.h"

#define MAX_ELEMENT 1024		/* bytes of an element that is looked at */

/* What is left of a text; the head goes first. */
typedef struct Comments
{
	const char *start;
	const char *end;
} Comments;

static AuditText
trimmed(const char *start, const char *end)
{
	while (start < end && scanner_isspace(*start))
		start++;
	while (start < end && scanner_isspace(end[-1]))
		end--;
	return (AuditText) {start, (int) (end - start)};
}

static bool
is_pair(const char *at, const char *end, char first, char second)
{
	return end - at >= 2 && at[0] == first && at[1] == second;
}

/* The end of the comment that begins here, as they nest; NULL without one. */
static const char *
comment_end(const char *at, const char *end)
{
	int			depth = 0;

	while (at < end)
	{
		if (is_pair(at, end, '/', '*'))
			depth++, at += 2;
		else if (is_pair(at, end, '*', '/'))
		{
			at += 2;
			if (--depth == 0)
				return at;
		}
		else
			at++;
	}
	return NULL;
}

/* The start of the comment that ends here; NULL without one. */
static const char *
comment_start(const char *start, const char *end)
{
	int			depth = 1;

	for (const char *at = end - 4; at >= start; at--)
	{
		if (is_pair(at, end, '/', '*') && --depth == 0)
			return at;
		if (is_pair(at, end, '*', '/'))
			depth++;
	}
	return NULL;
}

static bool
next_at_head(Comments *rest, AuditText *comment)
{
	for (;;)
	{
		const char *end;

		while (rest->start < rest->end && scanner_isspace(*rest->start))
			rest->start++;
		if (is_pair(rest->start, rest->end, '-', '-'))
		{
			while (rest->start < rest->end && *rest->start != '\n' && *rest->start != '\r')
				rest->start++;
			continue;
		}
		if (!is_pair(rest->start, rest->end, '/', '*'))
			return false;
		end = comment_end(rest->start, rest->end);
		if (end == NULL)
			return false;
		*comment = (AuditText) {rest->start, (int) (end - rest->start)};
		rest->start = end;
		return true;
	}
}

static bool
next_at_tail(Comments *rest, AuditText *comment)
{
	const char *start;

	while (rest->end > rest->start && (scanner_isspace(rest->end[-1]) || rest->end[-1] == ';'))
		rest->end--;
	if (rest->end - rest->start < 4 || !is_pair(rest->end - 2, rest->end, '*', '/'))
		return false;
	start = comment_start(rest->start, rest->end);
	if (start == NULL)
		return false;
	*comment = (AuditText) {start, (int) (rest->end - start)};
	rest->end = start;
	return true;
}

static bool
next_comment(Comments *rest, AuditText *comment)
{
	return next_at_head(rest, comment) || next_at_tail(rest, comment);
}

static Comments
comments_of(AuditText text)
{
	return (Comments) {text.start, text.start + text.len};
}

/* What stands within the marks of a comment. */
static AuditText
body_of(AuditText comment)
{
	return trimmed(comment.start + 2, comment.start + comment.len - 2);
}

/* The last comment, with its marks, when it ends the text; else of length 0. */
AuditText
audit_tail_comment(AuditText text)
{
	Comments	rest = comments_of(text);
	AuditText	comment = {text.start, 0};

	(void) next_at_tail(&rest, &comment);
	return comment;
}

bool
audit_has_comment(AuditText text)
{
	Comments	rest = comments_of(text);
	AuditText	comment;

	return next_comment(&rest, &comment);
}

/* ---- elements ---- */

/* Takes the next element off a body; commas within quotes do not part. */
static bool
next_element(AuditText *body, AuditText *element)
{
	const char *end = body->start + body->len;
	const char *at = body->start;
	bool		quoted = false;

	if (body->len <= 0)
		return false;
	for (; at < end && (quoted || *at != ','); at++)
	{
		if (*at == '\\' && at + 1 < end)
			at++;
		else if (*at == '\'')
			quoted = !quoted;
	}
	*element = trimmed(body->start, at);
	body->len = (int) Max(end - at - 1, 0);
	body->start = at + 1;
	return true;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = pg_tolower((unsigned char) c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One side of an element, without quotes and url-encoding. */
static char *
decoded(AuditText side)
{
	char	   *out = palloc(side.len + 1);
	char	   *to = out;

	if (side.len >= 2 && side.start[0] == '\'' && side.start[side.len - 1] == '\'')
	{
		side.start++;
		side.len -= 2;
	}
	for (int i = 0; i < side.len; i++)
	{
		bool		encoded = side.start[i] == '%' && i + 2 < side.len &&
			hex_value(side.start[i + 1]) >= 0 && hex_value(side.start[i + 2]) >= 0;

		if (encoded)
		{
			*to++ = (char) (hex_value(side.start[i + 1]) * 16 + hex_value(side.start[i + 2]));
			i += 2;
		}
		else if (side.start[i] != '\\')
			*to++ = side.start[i];
	}
	*to = '\0';
	return out;
}

/* Takes key and value of an element apart; false when it is none, or too long. */
static bool
split_element(AuditText element, char **key, char **value)
{
	const char *end = element.start + element.len;
	const char *equals = memchr(element.start, '=', element.len);

	if (equals == NULL || element.len > MAX_ELEMENT)
		return false;
	*key = decoded(trimmed(element.start, equals));
	*value = decoded(trimmed(equals + 1, end));
	return true;
}

/* ---- what is allowed ---- */

/* Names of rules with commas between them; what is no rule's name allows nothing. */
static AuditRuleSet
rules_listed(char *list)
{
	AuditRuleSet rules = 0;
	char	   *position = NULL;

	for (char *name = strtok_r(list, ", \t\r\n", &position); name != NULL;
		 name = strtok_r(NULL, ", \t\r\n", &position))
		rules |= audit_rules_named(name);
	return rules;
}

/* A list that is not quoted or encoded goes on in the elements that follow. */
static AuditRuleSet
body_allows(AuditText body)
{
	AuditRuleSet rules = 0;
	AuditText	element;
	bool		in_list = false;

	while (next_element(&body, &element))
	{
		char	   *key;
		char	   *value;

		if (split_element(element, &key, &value))
		{
			in_list = strcmp(key, "purser:allow") == 0 || strcmp(key, "purser_allow") == 0;
			if (in_list)
				rules |= rules_listed(value);
		}
		else if (in_list && element.len < NAMEDATALEN)
			rules |= rules_listed(pnstrdup(element.start, element.len));
		else
			in_list = false;
	}
	return rules;
}

/* The rules that comments of a statement allow to be broken. */
AuditRuleSet
audit_comment_allows(AuditText text)
{
	Comments	rest = comments_of(text);
	AuditRuleSet rules = 0;
	AuditText	comment;

	while (next_comment(&rest, &comment))
		rules |= body_allows(body_of(comment));
	return rules;
}

/* ---- tags ---- */

static bool
is_text(AuditText text, const char *string)
{
	return strlen(string) == (size_t) text.len && memcmp(text.start, string, text.len) == 0;
}

static bool
element_is_tag(AuditText element, const char *tag)
{
	char	   *key;
	char	   *value;

	return is_text(element, tag) ||
		(split_element(element, &key, &value) && strcmp(psprintf("%s=%s", key, value), tag) == 0);
}

/* Is the tag a whole comment of the statement, or an element of one? */
bool
audit_comment_has_tag(AuditText text, const char *tag)
{
	Comments	rest = comments_of(text);
	AuditText	comment;

	while (next_comment(&rest, &comment))
	{
		AuditText	body = body_of(comment);
		AuditText	element;

		if (is_text(body, tag))
			return true;
		while (next_element(&body, &element))
		{
			if (element_is_tag(element, tag))
				return true;
		}
	}
	return false;
}
