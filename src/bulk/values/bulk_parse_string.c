/*
 * bulk_parse_string.c
 *		Reads text, varchar, char, bytea, uuid and boolean.
 *
 * Text has been verified in the database's encoding before it comes here.
 */
#include "bulk/values/bulk_parse.h"

#include "mb/pg_wchar.h"
#include "utils/uuid.h"

/* ---- text ---- */

/* A value of len bytes of text and room for more, which the caller fills. */
static inline char *
make_text(const char *text, int len, int room, Datum *value)
{
	Size		size = VARHDRSZ + (Size) len + room;
	char	   *result = palloc(size);

	SET_VARSIZE(result, size);
	memcpy(result + VARHDRSZ, text, len);
	*value = PointerGetDatum(result);
	return result + VARHDRSZ + len;
}

bool
bulk_parse_text(const BulkColumn *column pg_attribute_unused(), const char *text, int len,
				Datum *value)
{
	(void) make_text(text, len, 0, value);
	return true;
}

/* Up to the length; what is too long may be so by blanks, which is not for us. */
bool
bulk_parse_varchar(const BulkColumn *column, const char *text, int len, Datum *value)
{
	int			max = column->typmod - VARHDRSZ;

	if (len > max && pg_mbstrlen_with_len(text, len) > max)
		return false;
	(void) make_text(text, len, 0, value);
	return true;
}

/* The same, filled up with blanks. */
bool
bulk_parse_bpchar(const BulkColumn *column, const char *text, int len, Datum *value)
{
	int			missing = column->typmod - VARHDRSZ;

	missing -= pg_database_encoding_max_length() == 1 ? len : pg_mbstrlen_with_len(text, len);
	if (missing < 0)
		return false;
	memset(make_text(text, len, missing, value), ' ', missing);
	return true;
}

/* ---- bytes ---- */

#define NO_DIGITS -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1

/* Value of a hexadecimal digit; negative if it is none.  Rows of sixteen. */
static const int8 hex_value[256] = {
	NO_DIGITS, NO_DIGITS, NO_DIGITS,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -1, -1, -1, -1, -1,
	-1, 10, 11, 12, 13, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	NO_DIGITS,
	-1, 10, 11, 12, 13, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	NO_DIGITS,
	NO_DIGITS, NO_DIGITS, NO_DIGITS, NO_DIGITS, NO_DIGITS, NO_DIGITS, NO_DIGITS, NO_DIGITS
};

/* nbytes from twice as many digits; false if others are among them. */
static inline bool
read_hex(const char *text, int nbytes, unsigned char *bytes)
{
	int			wrong = 0;

	for (int i = 0; i < nbytes; i++)
	{
		int			high = hex_value[(unsigned char) text[2 * i]];
		int			low = hex_value[(unsigned char) text[2 * i + 1]];

		wrong |= high | low;
		bytes[i] = (unsigned char) ((unsigned) high << 4 | (low & 0xF));
	}
	return wrong >= 0;
}

/* The hex form without white space, or bytes without a backslash. */
bool
bulk_parse_bytea(const BulkColumn *column pg_attribute_unused(), const char *text, int len,
				 Datum *value)
{
	int			nbytes = len / 2 - 1;
	bytea	   *result;

	if (len < 2 || text[0] != '\\' || text[1] != 'x')
	{
		if (memchr(text, '\\', len) != NULL)
			return false;
		(void) make_text(text, len, 0, value);
		return true;
	}
	if (len % 2 != 0)
		return false;
	result = palloc(VARHDRSZ + nbytes);
	SET_VARSIZE(result, VARHDRSZ + nbytes);
	if (!read_hex(text + 2, nbytes, (unsigned char *) VARDATA(result)))
	{
		pfree(result);
		return false;
	}
	*value = PointerGetDatum(result);
	return true;
}

/* 8-4-4-4-12 digits, or 32 in a row. */
bool
bulk_parse_uuid(const BulkColumn *column pg_attribute_unused(), const char *text, int len,
				Datum *value)
{
	static const int8 lengths[] = {4, 2, 2, 2, 6};
	pg_uuid_t	uuid;
	pg_uuid_t  *result;
	unsigned char *bytes = uuid.data;

	if (len == 2 * UUID_LEN)
	{
		if (!read_hex(text, UUID_LEN, bytes))
			return false;
	}
	else
	{
		if (len != 2 * UUID_LEN + 4)
			return false;
		for (int i = 0; i < (int) lengthof(lengths); i++)
		{
			if (!read_hex(text, lengths[i], bytes))
				return false;
			bytes += lengths[i];
			text += 2 * lengths[i];
			if (i + 1 < (int) lengthof(lengths) && *text++ != '-')
				return false;
		}
	}
	result = palloc(sizeof(pg_uuid_t));
	*result = uuid;
	*value = UUIDPGetDatum(result);
	return true;
}

/* ---- boolean ---- */

/* The word of four or five letters, which is all letters, in either case. */
static inline bool
is_word(const char *text, const char *word, int len)
{
	for (int i = 0; i < len; i++)
		if ((text[i] | 0x20) != word[i])
			return false;
	return true;
}

bool
bulk_parse_bool(const BulkColumn *column pg_attribute_unused(), const char *text, int len,
				Datum *value)
{
	bool		result;

	if (len == 1)
	{
		char		letter = *text | 0x20;

		result = *text == '1' || letter == 't' || letter == 'y';
		if (!result && *text != '0' && letter != 'f' && letter != 'n')
			return false;
	}
	else if (len == 4 && is_word(text, "true", 4))
		result = true;
	else if (len == 5 && is_word(text, "false", 5))
		result = false;
	else
		return false;
	*value = BoolGetDatum(result);
	return true;
}
