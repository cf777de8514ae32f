/*
 * bulk_json_string.c
 *		Escapes in JSON strings.
 *
 * What is accepted, and what comes of it, is as with the server's lexer when
 * it decodes strings: a surrogate needs its other half, \u0000 is refused, and
 * a character has to exist in the database's encoding.
 */
#include "bulk/input/bulk_json.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"

/* Room for len bytes of string once they are decoded. */
Size
bulk_json_unescaped_size(Size len)
{
	/* \uXXXX is at most 3 bytes of UTF-8; elsewhere who knows, but there is a limit. */
	if (GetDatabaseEncoding() == PG_UTF8)
		return len;
	return len / 6 * MAX_UNICODE_EQUIVALENT_STRING + len;
}

/* The number of 4 hexadecimal digits, or -1. */
static int
read_hex(const char *c, const char *to)
{
	int			number = 0;

	if (to - c < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		char		digit = c[i];

		if (digit >= '0' && digit <= '9')
			number = number * 16 + digit - '0';
		else if (digit >= 'a' && digit <= 'f')
			number = number * 16 + digit - 'a' + 10;
		else if (digit >= 'A' && digit <= 'F')
			number = number * 16 + digit - 'A' + 10;
		else
			return -1;
	}
	return number;
}

/*
 * The character of \uXXXX, c behind the u; of a surrogate that of the pair,
 * then *c moves on to its second half.  Zero if there is none.
 */
static pg_wchar
read_unicode(const char **c, const char *to)
{
	int			first = read_hex(*c, to);
	int			second;

	if (first <= 0 || is_utf16_surrogate_second(first))
		return 0;
	if (!is_utf16_surrogate_first(first))
		return first;
	if (to - *c < 10 || (*c)[4] != '\\' || (*c)[5] != 'u')
		return 0;
	second = read_hex(*c + 6, to);
	if (second < 0 || !is_utf16_surrogate_second(second))
		return 0;
	*c += 6;
	return surrogate_pair_to_codepoint(first, second);
}

/* Write the character and return the end of it, or NULL. */
static char *
put_unicode(pg_wchar character, char *out)
{
	unsigned char buffer[MAX_UNICODE_EQUIVALENT_STRING + 1];
	int			len;

	if (character <= 0x7f)
	{
		*out = (char) character;
		return out + 1;
	}
	if (GetDatabaseEncoding() == PG_UTF8)
	{
		unicode_to_utf8(character, (unsigned char *) out);
		return out + (character <= 0x7ff ? 2 : character <= 0xffff ? 3 : 4);
	}
	if (!purser_pg_unicode_to_server(character, buffer))
		return NULL;
	len = strlen((char *) buffer);
	memcpy(out, buffer, len);
	return out + len;
}

/* What a backslash and this stand for, or zero. */
static char
simple_escape(char c)
{
	switch (c)
	{
		case '"':
		case '\\':
		case '/':
			return c;
		case 'b':
			return '\b';
		case 'f':
			return '\f';
		case 'n':
			return '\n';
		case 'r':
			return '\r';
		case 't':
			return '\t';
		default:
			return '\0';
	}
}

/*
 * Copy up to the next backslash, and return where it is, or to.  Whole blocks
 * are copied: there is room, as what is decoded is not longer than its source.
 */
static inline const char *
copy_plain(const char *c, const char *to, char **out, bool vector)
{
#ifdef BULK_JSON_VECTOR
	for (; vector && to - c >= BULK_JSON_BLOCK; c += BULK_JSON_BLOCK)
	{
		uint64		mask = bulk_json_block_special(c);

		memcpy(*out, c, BULK_JSON_BLOCK);
		if (mask != 0)
		{
			*out += bulk_json_first(mask);
			return c + bulk_json_first(mask);
		}
		*out += BULK_JSON_BLOCK;
	}
#endif
	while (c < to && *c != '\\')
		*(*out)++ = *c++;
	return c;
}

/*
 * Decode what stands between the quotes, and return the end of it; NULL if an
 * escape is no good.  out has room for bulk_json_unescaped_size.
 */
char *
bulk_json_unescape(const char *from, const char *to, char *out, bool vector)
{
	const char *c = copy_plain(from, to, &out, vector);

	while (c < to)
	{
		char		kind = c[1];	/* a string does not end in a backslash */

		CHECK_FOR_INTERRUPTS();
		c += 2;
		if (kind == 'u')
		{
			pg_wchar	character = read_unicode(&c, to);

			if (character == 0 || (out = put_unicode(character, out)) == NULL)
				return NULL;
			c += 4;
		}
		else if ((*out++ = simple_escape(kind)) == '\0')
			return NULL;
		c = copy_plain(c, to, &out, vector);
	}
	return out;
}
