/*
 * bulk_parse.h
 *		The parsers of single types, for bulk_parse.c alone to hand out.
 *
 * Each is a BulkParse: exact for what it takes, false for all else.  What it
 * allocates is in the current memory context, and is all that it leaves there.
 */
#ifndef PURSER_BULK_PARSE_H
#define PURSER_BULK_PARSE_H

#include "bulk/bulk_table.h"

#include "port/pg_bswap.h"

#define BULK_PARSER(name) \
	extern bool name(const BulkColumn *column, const char *text, int len, Datum *value)

/* bulk_parse_number.c */
BULK_PARSER(bulk_parse_int2);
BULK_PARSER(bulk_parse_int4);
BULK_PARSER(bulk_parse_int8);
BULK_PARSER(bulk_parse_oid);
BULK_PARSER(bulk_parse_numeric);

/* bulk_parse_float.c */
BULK_PARSER(bulk_parse_float4);
BULK_PARSER(bulk_parse_float8);

/* bulk_parse_string.c */
BULK_PARSER(bulk_parse_bool);
BULK_PARSER(bulk_parse_text);
BULK_PARSER(bulk_parse_varchar);
BULK_PARSER(bulk_parse_bpchar);
BULK_PARSER(bulk_parse_bytea);
BULK_PARSER(bulk_parse_uuid);

/* bulk_parse_time.c */
BULK_PARSER(bulk_parse_date);
BULK_PARSER(bulk_parse_time);
BULK_PARSER(bulk_parse_timestamp);
BULK_PARSER(bulk_parse_timestamptz);
extern void bulk_parse_time_prepare(void);

static inline bool
bulk_is_digit(char c)
{
	return (unsigned char) (c - '0') <= 9;
}

/* An unaligned word of eight characters, the first one in the lowest byte. */
static inline uint64
bulk_load_eight(const char *text)
{
	uint64		word;

	memcpy(&word, text, sizeof(word));
#ifdef WORDS_BIGENDIAN
	word = pg_bswap64(word);
#endif
	return word;
}

/* Are all eight characters digits? */
static inline bool
bulk_eight_are_digits(uint64 word)
{
	return ((word & (word + UINT64CONST(0x0606060606060606))) &
			UINT64CONST(0xF0F0F0F0F0F0F0F0)) == UINT64CONST(0x3030303030303030);
}

/* Their value: pairs, then fours, then all eight are put together. */
static inline uint32
bulk_eight_digits(uint64 word)
{
	word = (word & UINT64CONST(0x0F0F0F0F0F0F0F0F)) * (256 * 10 + 1) >> 8;
	word = (word & UINT64CONST(0x00FF00FF00FF00FF)) * (65536 * 100 + 1) >> 16;
	return (word & UINT64CONST(0x0000FFFF0000FFFF)) * (UINT64CONST(4294967296) * 10000 + 1) >> 32;
}

/*
 * Add the digits at text to *value and return where they end, end at the
 * latest.  The value wraps around from 20 digits on.
 */
static inline const char *
bulk_read_digits(const char *text, const char *end, uint64 *value)
{
	uint64		result = *value;

	while (end - text >= 8)
	{
		uint64		word = bulk_load_eight(text);

		if (!bulk_eight_are_digits(word))
			break;
		result = result * 100000000 + bulk_eight_digits(word);
		text += 8;
	}
	while (text < end && bulk_is_digit(*text))
		result = result * 10 + (*text++ - '0');
	*value = result;
	return text;
}

#endif							/* PURSER_BULK_PARSE_H */
