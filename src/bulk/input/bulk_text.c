/*
 * bulk_text.c
 *		Reads COPY's text format.
 *
 * The null string is compared with a field before its backslash sequences are
 * undone, the default's likewise.  A line \. ends the data; elsewhere \. is an
 * error, as in COPY since 18.
 *
 * Splitting is in bulk_delimited.c; here is what backslashes do to a field.
 * Called by bulk_load.c.
 */
#include "bulk/input/bulk_delimited.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"

/* What COPY makes of a letter behind a backslash; zero: the letter itself. */
static const char letters[128] = {
	['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t', ['v'] = '\v'
};

/* Value of a digit of base 8 or 16; -1 if it is none. */
static int
digit_value(char c, int base)
{
	int			value = -1;

	if (c >= '0' && c <= '9')
		value = c - '0';
	else if (c >= 'a' && c <= 'f')
		value = c - 'a' + 10;
	else if (c >= 'A' && c <= 'F')
		value = c - 'A' + 10;
	return value < base ? value : -1;
}

/* The byte that up to max digits stand for; from moves behind them. */
static char
read_digits(const char **from, const char *end, int base, int max)
{
	int			value = 0;

	for (int i = 0; i < max && *from < end && digit_value(**from, base) >= 0; i++)
		value = value * base + digit_value(*(*from)++, base);
	return (char) value;
}

/* What is behind a backslash; *odd if it may make the text invalid. */
static char
read_escape(const char **from, const char *end, bool *odd)
{
	const char *begin = *from;
	char		c = *begin;

	if (digit_value(c, 8) >= 0)
		c = read_digits(from, end, 8, 3);
	else if (c == 'x' && begin + 1 < end && digit_value(begin[1], 16) >= 0)
	{
		(*from)++;
		c = read_digits(from, end, 16, 2);
	}
	else
	{
		(*from)++;
		return (!IS_HIGHBIT_SET(c) && letters[(int) c]) ? letters[(int) c] : c;
	}
	*odd |= (c == '\0' || IS_HIGHBIT_SET(c));
	return c;
}

/* The end of the data, if it is alone on its line. */
static void
take_end_marker(BulkDelimited *reader)
{
	if (reader->base.raw_len != 2)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("end-of-copy marker is not alone on its line")));
	reader->ended = true;
}

/* Copy what the backslash sequences stand for. */
static void
copy_unescaped(BulkDelimited *reader, BulkField *field)
{
	const char *from = field->text;
	const char *end = from + field->len;
	char	   *copy = MemoryContextAlloc(reader->base.row_memory, field->len);
	char	   *to = copy;
	bool		odd = false;

	while (from < end)
	{
		const char *backslash = memchr(from, '\\', end - from);
		Size		plain = (backslash ? backslash : end) - from;

		CHECK_FOR_INTERRUPTS();
		memcpy(to, from, plain);
		to += plain;
		from += plain;
		if (backslash && ++from < end)
		{
			if (*from == '.')
				take_end_marker(reader);
			*to++ = read_escape(&from, end, &odd);
		}
	}
	if (odd)
		(void) pg_verifymbstr(copy, to - copy, false);
	field->text = copy;
	field->len = to - copy;
}

/* A backslash that nothing follows, at the end of the input, counts for nothing. */
static int
len_of(const BulkField *field)
{
	int			nbackslashes = 0;

	while (nbackslashes < field->len && field->text[field->len - 1 - nbackslashes] == '\\')
		nbackslashes++;
	return field->len - nbackslashes % 2;
}

static void
text_decode(BulkDelimited *reader, BulkField *field, int column pg_attribute_unused())
{
	const BulkFormat *format = &reader->format;

	field->len = len_of(field);
	if (field->len == format->null_len && memcmp(field->text, format->null, field->len) == 0)
		field->kind = BULK_NULL;
	else if (field->len == format->dflt_len &&
			 memcmp(field->text, format->dflt, field->len) == 0)
		field->kind = BULK_MISSING;
	else
		copy_unescaped(reader, field);
}

BulkReader *
bulk_text_reader(const BulkReader *base, const BulkFormat *format)
{
	BulkDelimited *reader = bulk_delimited_reader(base, format);

	reader->decode = text_decode;
	return &reader->base;
}
