/*
 * bulk_csv.c
 *		Reads CSV, by the rules of COPY.
 *
 * Quotes may open anywhere in a field, and hide delimiters and line ends.  An
 * unquoted field that is the null string is null, a quoted one is that string.
 * A backslash and a dot have no meaning, as all input ends by itself.
 *
 * Splitting is in bulk_delimited.c; here is what quotes do to a field.
 * Called by bulk_load.c.
 */
#include "bulk/input/bulk_delimited.h"

#include "miscadmin.h"

/* A field in quotes, of which nothing else has to be undone, stays where it is. */
static bool
strip_quotes(const BulkFormat *format, BulkField *field)
{
	const char *inner = field->text + 1;
	int			len = field->len - 2;

	if (len < 0 || field->text[0] != format->quote || inner[len] != format->quote ||
		memchr(inner, format->quote, len) != NULL ||
		(format->escape != format->quote && memchr(inner, format->escape, len) != NULL))
		return false;
	field->text = inner;
	field->len = len;
	return true;
}

/* From behind an opening quote to behind the closing one, which is there. */
static const char *
copy_quoted(const BulkFormat *format, const char *from, const char *end, char **to)
{
	while (from < end)
	{
		char		c = *from++;

		if (c == format->escape && from < end &&
			(*from == format->escape || *from == format->quote))
		{
			CHECK_FOR_INTERRUPTS();
			c = *from++;
		}
		else if (c == format->quote)
			break;
		*(*to)++ = c;
	}
	return from;
}

/* Copy what the quotes and escapes stand for. */
static void
copy_unquoted(const BulkDelimited *reader, BulkField *field)
{
	const char *from = field->text;
	const char *end = from + field->len;
	char	   *copy = MemoryContextAlloc(reader->base.row_memory, field->len);
	char	   *to = copy;

	while (from < end)
	{
		const char *quote = memchr(from, reader->format.quote, end - from);
		Size		plain = (quote ? quote : end) - from;

		memcpy(to, from, plain);
		to += plain;
		from += plain;
		if (quote)
			from = copy_quoted(&reader->format, from + 1, end, &to);
	}
	field->text = copy;
	field->len = to - copy;
}

static void
csv_decode(BulkDelimited *reader, BulkField *field, int column)
{
	const BulkFormat *format = &reader->format;

	if (!strip_quotes(format, field))
		copy_unquoted(reader, field);
	if (format->force_null && column >= 0 && format->force_null[column] &&
		field->len == format->null_len && memcmp(field->text, format->null, field->len) == 0)
		field->kind = BULK_NULL;
}

BulkReader *
bulk_csv_reader(const BulkReader *base, const BulkFormat *format)
{
	BulkDelimited *reader = bulk_delimited_reader(base, format);

	reader->csv = true;
	reader->decode = csv_decode;
	return &reader->base;
}
