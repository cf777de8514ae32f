/*
 * bulk_parse.c
 *		Which types are read without their input function.
 *
 * A parser belongs to an input function, not to a type: a domain has an input
 * function of its own, and so has none.  It takes the forms that programs and
 * the server itself write, and gives exactly the datum that the input function
 * would.  Anything else (white space around numbers, words for dates, values
 * out of range) it leaves to the input function, whose error is then the error.
 *
 * Called by bulk_coerce.c.
 */
#include "bulk/values/bulk_parse.h"

#include "utils/fmgroids.h"
#include "utils/timestamp.h"

static const struct
{
	Oid			input;
	BulkParse	parse;
}			parsers[] = {
	{F_INT2IN, bulk_parse_int2},
	{F_INT4IN, bulk_parse_int4},
	{F_INT8IN, bulk_parse_int8},
	{F_OIDIN, bulk_parse_oid},
	{F_FLOAT4IN, bulk_parse_float4},
	{F_FLOAT8IN, bulk_parse_float8},
	{F_NUMERIC_IN, bulk_parse_numeric},
	{F_BOOLIN, bulk_parse_bool},
	{F_TEXTIN, bulk_parse_text},
	{F_VARCHARIN, bulk_parse_varchar},
	{F_BPCHARIN, bulk_parse_bpchar},
	{F_BYTEAIN, bulk_parse_bytea},
	{F_UUID_IN, bulk_parse_uuid},
	{F_DATE_IN, bulk_parse_date},
	{F_TIME_IN, bulk_parse_time},
	{F_TIMESTAMP_IN, bulk_parse_timestamp},
	{F_TIMESTAMPTZ_IN, bulk_parse_timestamptz}
};

/*
 * The parser for columns of a type with this input function, and this type
 * modifier; NULL if there is none.
 */
BulkParse
bulk_parse_for(Oid input, int32 typmod)
{
	/* Without a length there is nothing to check or to pad. */
	if ((input == F_VARCHARIN || input == F_BPCHARIN) && typmod < (int32) VARHDRSZ)
		return bulk_parse_text;
	if (input == F_TIMESTAMP_IN || input == F_TIMESTAMPTZ_IN)
		bulk_parse_time_prepare();
	for (int i = 0; i < (int) lengthof(parsers); i++)
		if (parsers[i].input == input)
			return parsers[i].parse;
	return NULL;
}
