/*
 * bulk_scan_sse2.c
 *		The scan for any processor of the x86-64 kind.
 */
#include "bulk/input/bulk_scan.h"

#ifdef BULK_SCAN_X86

#include <emmintrin.h>

typedef struct ScanBytes
{
	__m128i		delimiter;
	__m128i		special;
	__m128i		escape;
	bool		has_escape;
} ScanBytes;

#define SCAN_NAME bulk_scan_sse2
#define SCAN_TARGET
#include "bulk/input/bulk_scan_template.h"

static inline ScanBytes
scan_prepare(const BulkScan *scan)
{
	return (ScanBytes) {
		.delimiter = _mm_set1_epi8(scan->delimiter),
		.special = _mm_set1_epi8(scan->quote ? scan->quote : '\\'),
		.escape = _mm_set1_epi8(scan->escape),
		.has_escape = scan->escape != '\0'
	};
}

static inline uint64
bits_of(__m128i bytes, int i)
{
	return (uint64) (uint32) _mm_movemask_epi8(bytes) << (16 * i);
}

static inline void
scan_block(const ScanBytes *bytes, const char *block, ScanMasks *masks)
{
	ScanMasks	found = {0};
	__m128i		plain = _mm_set1_epi8(-1);

	for (int i = 0; i < 4; i++)
	{
		__m128i		data = _mm_loadu_si128((const __m128i *) (block + 16 * i));
		__m128i		lines = _mm_or_si128(_mm_cmpeq_epi8(data, _mm_set1_epi8('\n')),
										 _mm_cmpeq_epi8(data, _mm_set1_epi8('\r')));

		found.lines |= bits_of(lines, i);
		found.ends |= bits_of(_mm_or_si128(lines, _mm_cmpeq_epi8(data, bytes->delimiter)), i);
		found.special |= bits_of(_mm_cmpeq_epi8(data, bytes->special), i);
		if (bytes->has_escape)
			found.escape |= bits_of(_mm_cmpeq_epi8(data, bytes->escape), i);
		plain = _mm_and_si128(plain, _mm_cmpgt_epi8(data, _mm_setzero_si128()));
	}
	found.plain = _mm_movemask_epi8(plain) == 0xffff;
	*masks = found;
}

#endif							/* BULK_SCAN_X86 */
