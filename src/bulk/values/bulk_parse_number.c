/*
 * bulk_parse_number.c
 *		Reads integers and numeric: an optional sign, digits and, for numeric, a
 *		point with digits on both sides.
 *
 * A numeric is written as numeric_in() does: base 10000, no zero digits at
 * either end, in the short form on disk.  That format is the server's for all
 * data files, so it cannot change under us.
 */
#include "bulk/values/bulk_parse.h"

#include "utils/numeric.h"

/* ---- integers ---- */

/* Most digits that any 64-bit number can have without overflow. */
#define SAFE_DIGITS 19

/* The magnitude of an integer, if all of text is one. */
static inline bool
read_integer(const char *text, int len, uint64 *magnitude, bool *negative)
{
	const char *end = text + len;

	*magnitude = 0;
	*negative = false;
	if (len > 0 && (*text == '-' || *text == '+'))
		*negative = (*text++ == '-');
	if (text == end || end - text > SAFE_DIGITS)
		return false;
	return bulk_read_digits(text, end, magnitude) == end;
}

/* A signed integer whose largest value is max. */
static inline bool
read_signed(const char *text, int len, uint64 max, int64 *result)
{
	uint64		magnitude;
	bool		negative;

	if (!read_integer(text, len, &magnitude, &negative) || magnitude > max + negative)
		return false;
	*result = (int64) (negative ? -magnitude : magnitude);
	return true;
}

bool
bulk_parse_int2(const BulkColumn *column pg_attribute_unused(), const char *text, int len,
				Datum *value)
{
	int64		result;

	if (!read_signed(text, len, PG_INT16_MAX, &result))
		return false;
	*value = Int16GetDatum((int16) result);
	return true;
}

bool
bulk_parse_int4(const BulkColumn *column pg_attribute_unused(), const char *text, int len,
				Datum *value)
{
	int64		result;

	if (!read_signed(text, len, PG_INT32_MAX, &result))
		return false;
	*value = Int32GetDatum((int32) result);
	return true;
}

bool
bulk_parse_int8(const BulkColumn *column pg_attribute_unused(), const char *text, int len,
				Datum *value)
{
	int64		result;

	if (!read_signed(text, len, PG_INT64_MAX, &result))
		return false;
	*value = Int64GetDatum(result);
	return true;
}

/* Its input function knows signs, and on newer servers octal numbers. */
bool
bulk_parse_oid(const BulkColumn *column pg_attribute_unused(), const char *text, int len,
			   Datum *value)
{
	uint64		magnitude;
	bool		negative;

	if (len == 0 || !bulk_is_digit(*text) || (*text == '0' && len > 1))
		return false;
	if (!read_integer(text, len, &magnitude, &negative) || magnitude > PG_UINT32_MAX)
		return false;
	*value = ObjectIdGetDatum((Oid) magnitude);
	return true;
}

/* ---- numeric ---- */

/* The short form: a header word, then the digits of base 10000. */
#define NUMERIC_BASE_DIGITS		4
#define NUMERIC_HEADER			(VARHDRSZ + sizeof(uint16))
#define NUMERIC_SHORT			0x8000
#define NUMERIC_SHORT_SIGN		0x2000
#define NUMERIC_SCALE_SHIFT		7
#define NUMERIC_WEIGHT_BITS		0x007F	/* two's complement */

/* What we take; the short form has room for it. */
#define MAX_SIDE_DIGITS			60
#define MAX_GROUPS				(2 * MAX_SIDE_DIGITS / NUMERIC_BASE_DIGITS)

/* A number in text: digits, none of them a leading zero, and those behind the point. */
typedef struct Decimal
{
	bool		negative;
	int			nwhole;
	int			nfraction;
	const char *whole;
	const char *fraction;
} Decimal;

static inline bool
find_digits(const char *text, int len, Decimal *decimal)
{
	const char *end = text + len;

	decimal->negative = false;
	if (len > 0 && (*text == '-' || *text == '+'))
		decimal->negative = (*text++ == '-');
	if (text == end || !bulk_is_digit(*text))
		return false;
	while (text < end && *text == '0')
		text++;
	decimal->whole = text;
	while (text < end && bulk_is_digit(*text))
		text++;
	decimal->nwhole = text - decimal->whole;
	decimal->nfraction = 0;
	decimal->fraction = text;
	if (text < end && *text == '.')
	{
		decimal->fraction = ++text;
		while (text < end && bulk_is_digit(*text))
			text++;
		decimal->nfraction = text - decimal->fraction;
		if (decimal->nfraction == 0)
			return false;
	}
	return text == end && decimal->nwhole <= MAX_SIDE_DIGITS &&
		decimal->nfraction <= MAX_SIDE_DIGITS;
}

/* Scale that the column's type shows; negative if the value does not fit without rounding. */
static inline int
fitting_scale(int32 typmod, const Decimal *decimal)
{
	int			precision;
	int			scale;

	if (typmod < (int32) VARHDRSZ)
		return decimal->nfraction;
	precision = ((typmod - VARHDRSZ) >> 16) & 0xFFFF;
	/* Eleven bits with a sign. */
	scale = (((typmod - VARHDRSZ) & 0x7FF) ^ 1024) - 1024;
	if (decimal->nfraction > scale || scale > MAX_SIDE_DIGITS ||
		decimal->nwhole > precision - scale)
		return -1;
	return scale;
}

static inline int
four_digits(const char *text)
{
	return (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 + text[3] - '0';
}

/* The digits before the point; the first group may have less than four of them. */
static inline int16 *
write_whole(int16 *group, const Decimal *decimal)
{
	const char *digits = decimal->whole;
	const char *end = digits + decimal->nwhole;
	int			first = 0;

	if (decimal->nwhole % NUMERIC_BASE_DIGITS != 0)
	{
		while ((end - digits) % NUMERIC_BASE_DIGITS != 0)
			first = first * 10 + (*digits++ - '0');
		*group++ = first;
	}
	for (; digits < end; digits += NUMERIC_BASE_DIGITS)
		*group++ = four_digits(digits);
	return group;
}

/* Those behind it; zeros fill up the last group. */
static inline int16 *
write_fraction(int16 *group, const Decimal *decimal)
{
	static const int16 fill[NUMERIC_BASE_DIGITS] = {1, 1000, 100, 10};
	const char *digits = decimal->fraction;
	const char *end = digits + decimal->nfraction;
	int			last = 0;

	for (; end - digits >= NUMERIC_BASE_DIGITS; digits += NUMERIC_BASE_DIGITS)
		*group++ = four_digits(digits);
	if (digits < end)
	{
		int16		factor = fill[end - digits];

		while (digits < end)
			last = last * 10 + (*digits++ - '0');
		*group++ = last * factor;
	}
	return group;
}

bool
bulk_parse_numeric(const BulkColumn *column, const char *text, int len, Datum *value)
{
	int16		groups[MAX_GROUPS];
	int16	   *start = groups;
	int16	   *stop;
	Decimal		decimal;
	int			scale;
	int			weight;
	uint16		header;
	Size		size;
	char	   *result;

	if (!find_digits(text, len, &decimal))
		return false;
	scale = fitting_scale(column->typmod, &decimal);
	if (scale < 0)
		return false;

	weight = (decimal.nwhole + NUMERIC_BASE_DIGITS - 1) / NUMERIC_BASE_DIGITS - 1;
	stop = write_fraction(write_whole(groups, &decimal), &decimal);
	for (; start < stop && *start == 0; start++)
		weight--;
	while (start < stop && stop[-1] == 0)
		stop--;

	header = NUMERIC_SHORT | scale << NUMERIC_SCALE_SHIFT;
	if (start < stop)
		header |= (weight & NUMERIC_WEIGHT_BITS) | (decimal.negative ? NUMERIC_SHORT_SIGN : 0);
	size = NUMERIC_HEADER + (stop - start) * sizeof(int16);
	result = palloc(size);
	SET_VARSIZE(result, size);
	memcpy(result + VARHDRSZ, &header, sizeof(header));
	memcpy(result + NUMERIC_HEADER, start, (stop - start) * sizeof(int16));
	*value = PointerGetDatum(result);
	return true;
}
