/*
 * bulk_json_vector.h
 *		Finding bytes in JSON, 16 at a time.
 *
 * SSE2 is there on every x86-64 and NEON on every arm64, so nothing is to be
 * chosen at run time: strings and numbers are too short for wider vectors to
 * gain.  Nothing is read at or behind end.
 */
#ifndef PURSER_BULK_JSON_VECTOR_H
#define PURSER_BULK_JSON_VECTOR_H

#include "port/pg_bitutils.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#define BULK_JSON_VECTOR
#elif defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#define BULK_JSON_VECTOR
#endif

#define BULK_JSON_BLOCK 16

/* Each of these gives a mask of the block's bytes, the first one in the lowest bits. */
#if defined(__SSE2__)

#define BULK_JSON_MASK_BITS 1	/* for each byte */

static inline uint64
bulk_json_block_special(const char *c)
{
	__m128i		block = _mm_loadu_si128((const __m128i *) c);
	__m128i		control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
	__m128i		quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
	__m128i		backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));

	return (uint32) _mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash)));
}

static inline uint64
bulk_json_block_no_digit(const char *c)
{
	__m128i		block = _mm_sub_epi8(_mm_loadu_si128((const __m128i *) c), _mm_set1_epi8('0'));
	__m128i		digit = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(9)), block);

	return (uint32) _mm_movemask_epi8(digit) ^ 0xffff;
}

#elif defined(BULK_JSON_VECTOR)

#define BULK_JSON_MASK_BITS 4

static inline uint64
bulk_json_mask(uint8x16_t hits)
{
	return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(hits), 4)), 0);
}

static inline uint64
bulk_json_block_special(const char *c)
{
	uint8x16_t	block = vld1q_u8((const uint8_t *) c);
	uint8x16_t	control = vcleq_u8(block, vdupq_n_u8(0x1f));
	uint8x16_t	quote = vceqq_u8(block, vdupq_n_u8('"'));
	uint8x16_t	backslash = vceqq_u8(block, vdupq_n_u8('\\'));

	return bulk_json_mask(vorrq_u8(control, vorrq_u8(quote, backslash)));
}

static inline uint64
bulk_json_block_no_digit(const char *c)
{
	uint8x16_t	block = vsubq_u8(vld1q_u8((const uint8_t *) c), vdupq_n_u8('0'));

	return bulk_json_mask(vcgtq_u8(block, vdupq_n_u8(9)));
}

#endif

#ifdef BULK_JSON_VECTOR
/* The byte that the lowest bits of a mask stand for. */
static inline int
bulk_json_first(uint64 mask)
{
	return pg_rightmost_one_pos64(mask) / BULK_JSON_MASK_BITS;
}
#endif

/* The first quote, backslash or control character from c on, or end. */
static inline const char *
bulk_json_special(const char *c, const char *end, bool vector)
{
#ifdef BULK_JSON_VECTOR
	for (; vector && end - c >= BULK_JSON_BLOCK; c += BULK_JSON_BLOCK)
	{
		uint64		mask = bulk_json_block_special(c);

		if (mask != 0)
			return c + bulk_json_first(mask);
	}
#endif
	while (c < end && *c != '"' && *c != '\\' && (unsigned char) *c >= ' ')
		c++;
	return c;
}

/* The first byte from c on that is no digit, or end. */
static inline const char *
bulk_json_digits(const char *c, const char *end, bool vector)
{
#ifdef BULK_JSON_VECTOR
	for (; vector && end - c >= BULK_JSON_BLOCK; c += BULK_JSON_BLOCK)
	{
		uint64		mask = bulk_json_block_no_digit(c);

		if (mask != 0)
			return c + bulk_json_first(mask);
	}
#endif
	while (c < end && *c >= '0' && *c <= '9')
		c++;
	return c;
}

#endif							/* PURSER_BULK_JSON_VECTOR_H */
