/*
 * bulk_parse_float.c
 *		Reads float4 and float8: decimal numbers of up to 19 digits, and an
 *		exponent that leaves them within 10^-27 and 10^27 of an integer.
 *
 * The result is the nearest number, ties to even, as from the server's
 * strtod() and strtof().  Where the digits and the power of ten are both exact
 * numbers of the type, one multiplication or division rounds once and is
 * right.  Else the product or quotient is made in 128-bit integers, which
 * leaves nothing to be guessed: 5^27 is below 2^63.
 */
#include "bulk/values/bulk_parse.h"

#include <float.h>

#include "port/pg_bitutils.h"

#define MAX_DIGITS		19		/* in 64 bits */
#define MAX_POWER		27		/* of five in 63 bits */
#define FLOAT8_POWER	22		/* largest power of ten that is a float8 */
#define FLOAT4_POWER	10

/* digits * 10^exponent */
typedef struct Number
{
	bool		negative;
	int			exponent;
	uint64		digits;
} Number;

static const double powers_of_ten[FLOAT8_POWER + 1] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
};

/* ---- text to digits and exponent ---- */

/* [+-]digits at the end of a number. */
static inline bool
read_exponent(const char *text, const char *end, int *exponent)
{
	uint64		magnitude = 0;
	bool		negative = false;

	if (text < end && (*text == '-' || *text == '+'))
		negative = (*text++ == '-');
	if (text == end || end - text > 3 || bulk_read_digits(text, end, &magnitude) != end)
		return false;
	*exponent = negative ? -(int) magnitude : (int) magnitude;
	return true;
}

/* Are there more than MAX_DIGITS digits, apart from leading zeros? */
static inline bool
too_many_digits(const char *text, int ndigits)
{
	while (ndigits > MAX_DIGITS && (*text == '0' || *text == '.'))
		ndigits -= (*text++ == '0');
	return ndigits > MAX_DIGITS;
}

static inline bool
read_number(const char *text, int len, Number *number)
{
	const char *end = text + len;
	const char *start;
	const char *point;
	int			nfraction = 0;
	int			exponent = 0;

	number->negative = false;
	number->digits = 0;
	if (len > 0 && (*text == '-' || *text == '+'))
		number->negative = (*text++ == '-');
	start = text;
	point = text = bulk_read_digits(text, end, &number->digits);
	if (point == start)
		return false;
	if (text < end && *text == '.')
	{
		text = bulk_read_digits(text + 1, end, &number->digits);
		nfraction = text - point - 1;
		if (nfraction == 0)
			return false;
	}
	if (too_many_digits(start, point - start + nfraction))
		return false;
	if (text < end && ((*text | 0x20) != 'e' || !read_exponent(text + 1, end, &exponent)))
		return false;
	number->exponent = exponent - nfraction;
	return true;
}

/* ---- exact rounding ---- */

#ifdef HAVE_INT128

/*
 * A power of five, shifted up until its topmost bit is set, and what divides
 * by it: (2^128 - 1) / value - 2^64.
 */
typedef struct Power
{
	uint64		value;
	uint64		reciprocal;
	int			shift;
} Power;

static const Power powers_of_five[MAX_POWER + 1] = {
	{UINT64CONST(0x8000000000000000), UINT64CONST(0xFFFFFFFFFFFFFFFF), 63},
	{UINT64CONST(0xA000000000000000), UINT64CONST(0x9999999999999999), 61},
	{UINT64CONST(0xC800000000000000), UINT64CONST(0x47AE147AE147AE14), 59},
	{UINT64CONST(0xFA00000000000000), UINT64CONST(0x0624DD2F1A9FBE76), 57},
	{UINT64CONST(0x9C40000000000000), UINT64CONST(0xA36E2EB1C432CA57), 54},
	{UINT64CONST(0xC350000000000000), UINT64CONST(0x4F8B588E368F0846), 52},
	{UINT64CONST(0xF424000000000000), UINT64CONST(0x0C6F7A0B5ED8D36B), 50},
	{UINT64CONST(0x9896800000000000), UINT64CONST(0xAD7F29ABCAF48578), 47},
	{UINT64CONST(0xBEBC200000000000), UINT64CONST(0x5798EE2308C39DF9), 45},
	{UINT64CONST(0xEE6B280000000000), UINT64CONST(0x12E0BE826D694B2E), 43},
	{UINT64CONST(0x9502F90000000000), UINT64CONST(0xB7CDFD9D7BDBAB7D), 40},
	{UINT64CONST(0xBA43B74000000000), UINT64CONST(0x5FD7FE17964955FD), 38},
	{UINT64CONST(0xE8D4A51000000000), UINT64CONST(0x19799812DEA11197), 36},
	{UINT64CONST(0x9184E72A00000000), UINT64CONST(0xC25C268497681C26), 33},
	{UINT64CONST(0xB5E620F480000000), UINT64CONST(0x6849B86A12B9B01E), 31},
	{UINT64CONST(0xE35FA931A0000000), UINT64CONST(0x203AF9EE756159B2), 29},
	{UINT64CONST(0x8E1BC9BF04000000), UINT64CONST(0xCD2B297D889BC2B6), 26},
	{UINT64CONST(0xB1A2BC2EC5000000), UINT64CONST(0x70EF54646D496892), 24},
	{UINT64CONST(0xDE0B6B3A76400000), UINT64CONST(0x2725DD1D243ABA0E), 22},
	{UINT64CONST(0x8AC7230489E80000), UINT64CONST(0xD83C94FB6D2AC34A), 19},
	{UINT64CONST(0xAD78EBC5AC620000), UINT64CONST(0x79CA10C9242235D5), 17},
	{UINT64CONST(0xD8D726B7177A8000), UINT64CONST(0x2E3B40A0E9B4F7DD), 15},
	{UINT64CONST(0x878678326EAC9000), UINT64CONST(0xE392010175EE5962), 12},
	{UINT64CONST(0xA968163F0A57B400), UINT64CONST(0x82DB34012B25144E), 10},
	{UINT64CONST(0xD3C21BCECCEDA100), UINT64CONST(0x357C299A88EA76A5), 8},
	{UINT64CONST(0x84595161401484A0), UINT64CONST(0xEF2D0F5DA7DD8AA2), 5},
	{UINT64CONST(0xA56FA5B99019A5C8), UINT64CONST(0x8C240C4AECB13BB5), 3},
	{UINT64CONST(0xCECB8F27F4200F3A), UINT64CONST(0x3CE9A36F23C0FC90), 1}
};

/*
 * dividend / power, where the upper half of the dividend is less than the
 * power.  The estimate that the reciprocal gives is too large by one at most
 * or, rarely, too small by one; the remainder tells.
 */
static inline uint64
divide(uint128 dividend, const Power *power, bool *remains)
{
	uint64		upper = (uint64) (dividend >> 64);
	uint128		estimate = (uint128) power->reciprocal * upper + dividend;
	uint64		quotient = (uint64) (estimate >> 64) + 1;
	uint64		remainder = (uint64) dividend - quotient * power->value;

	if (remainder > (uint64) estimate)
	{
		quotient--;
		remainder += power->value;
	}
	if (remainder >= power->value)
	{
		quotient++;
		remainder -= power->value;
	}
	*remains = remainder != 0;
	return quotient;
}

/*
 * significand * 2^exponent rounded to so many bits, where more says whether
 * the number is a bit larger than that.  The significand has at least two bits
 * more than are wanted.  The result is a normal float8.
 */
static inline double
round_to_bits(uint64 significand, bool more, int exponent, int bits)
{
	int			surplus = pg_leftmost_one_pos64(significand) + 1 - bits;
	uint64		half = UINT64CONST(1) << (surplus - 1);
	uint64		rest = significand & (2 * half - 1);
	uint64		scale;
	double		factor;

	significand >>= surplus;
	if (rest > half || (rest == half && (more || (significand & 1))))
		significand++;
	scale = (uint64) (exponent + surplus + 1023) << 52;
	memcpy(&factor, &scale, sizeof(factor));
	return (double) significand * factor;
}

/* digits * 10^exponent, digits not zero, rounded once to so many bits. */
static double
scale_exactly(uint64 digits, int exponent, int bits)
{
	const Power *power = &powers_of_five[abs(exponent)];
	int			shift = 63 - pg_leftmost_one_pos64(digits);

	digits <<= shift;
	if (exponent >= 0)
	{
		/* Its topmost bit is one of the first two. */
		uint128		product = (uint128) digits * power->value;

		return round_to_bits((uint64) (product >> 64), (uint64) product != 0,
							 exponent + 64 - shift - power->shift, bits);
	}
	else
	{
		/* The same goes for the quotient. */
		bool		remains;
		uint64		quotient = divide((uint128) digits << 63, power, &remains);

		return round_to_bits(quotient, remains, exponent - 63 - shift + power->shift, bits);
	}
}

static inline bool
round_number(const Number *number, int bits, double *result)
{
	if (number->exponent < -MAX_POWER || number->exponent > MAX_POWER)
		return false;
	*result = scale_exactly(number->digits, number->exponent, bits);
	return true;
}

#else

static inline bool
round_number(const Number *number pg_attribute_unused(), int bits pg_attribute_unused(),
			 double *result pg_attribute_unused())
{
	return false;
}

#endif							/* HAVE_INT128 */

/* ---- the types ---- */

/* Arithmetic in a wider format than the type's would round twice. */
static inline bool
is_simple(const Number *number, int bits, int power)
{
	return FLT_EVAL_METHOD == 0 && number->digits <= UINT64CONST(1) << bits &&
		number->exponent >= -power && number->exponent <= power;
}

bool
bulk_parse_float8(const BulkColumn *column pg_attribute_unused(), const char *text, int len,
				  Datum *value)
{
	Number		number;
	double		result;

	if (!read_number(text, len, &number))
		return false;
	if (number.digits == 0)
		result = 0;
	else if (is_simple(&number, DBL_MANT_DIG, FLOAT8_POWER))
		result = number.exponent < 0 ?
			(double) number.digits / powers_of_ten[-number.exponent] :
			(double) number.digits * powers_of_ten[number.exponent];
	else if (!round_number(&number, DBL_MANT_DIG, &result))
		return false;
	*value = Float8GetDatum(number.negative ? -result : result);
	return true;
}

bool
bulk_parse_float4(const BulkColumn *column pg_attribute_unused(), const char *text, int len,
				  Datum *value)
{
	Number		number;
	double		rounded;
	float		result;

	if (!read_number(text, len, &number))
		return false;
	if (number.digits == 0)
		result = 0;
	else if (is_simple(&number, FLT_MANT_DIG, FLOAT4_POWER))
		result = number.exponent < 0 ?
			(float) number.digits / (float) powers_of_ten[-number.exponent] :
			(float) number.digits * (float) powers_of_ten[number.exponent];
	else
	{
		/* Below 10^-27 it does not come, so it is normal unless too large. */
		if (!round_number(&number, FLT_MANT_DIG, &rounded) || rounded > FLT_MAX)
			return false;
		result = (float) rounded;
	}
	*value = Float4GetDatum(number.negative ? -result : result);
	return true;
}
