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
#include "bulk/bulk_parse.h"

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

static const uint64 powers_of_five[MAX_POWER + 1] = {
	UINT64CONST(1), UINT64CONST(5), UINT64CONST(25), UINT64CONST(125), UINT64CONST(625),
	UINT64CONST(3125), UINT64CONST(15625), UINT64CONST(78125), UINT64CONST(390625),
	UINT64CONST(1953125), UINT64CONST(9765625), UINT64CONST(48828125), UINT64CONST(244140625),
	UINT64CONST(1220703125), UINT64CONST(6103515625), UINT64CONST(30517578125),
	UINT64CONST(152587890625), UINT64CONST(762939453125), UINT64CONST(3814697265625),
	UINT64CONST(19073486328125), UINT64CONST(95367431640625), UINT64CONST(476837158203125),
	UINT64CONST(2384185791015625), UINT64CONST(11920928955078125),
	UINT64CONST(59604644775390625), UINT64CONST(298023223876953125),
	UINT64CONST(1490116119384765625), UINT64CONST(7450580596923828125)
};

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
	int			shift = 63 - pg_leftmost_one_pos64(digits);

	/* The topmost bit of all factors is set, so that of products is one of the first two. */
	digits <<= shift;
	if (exponent >= 0)
	{
		uint64		five = powers_of_five[exponent];
		int			up = 63 - pg_leftmost_one_pos64(five);
		uint128		product = (uint128) digits * (five << up);

		return round_to_bits((uint64) (product >> 64), (uint64) product != 0,
							 exponent + 64 - shift - up, bits);
	}
	else
	{
		uint64		five = powers_of_five[-exponent];
		int			up = 63 - pg_leftmost_one_pos64(five);
		uint128		dividend = (uint128) digits << 63;
		uint64		quotient;

		five <<= up;
		quotient = (uint64) (dividend / five);
		return round_to_bits(quotient, (uint128) quotient * five != dividend,
							 exponent - 63 - shift + up, bits);
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
