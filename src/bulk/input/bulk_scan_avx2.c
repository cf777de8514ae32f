/*
 * bulk_scan_avx2.c
 *		The scan for processors of the x86-64 kind with AVX2 and BMI.
 */
#include "bulk/input/bulk_scan.h"

#ifdef BULK_SCAN_X86

#include <immintrin.h>

typedef struct ScanBytes
{
	__m256i		delimiter;
	__m256i		special;
	__m256i		escape;
	bool		has_escape;
} ScanBytes;

#define SCAN_NAME bulk_scan_avx2
#define SCAN_TARGET __attribute__((target("avx2,bmi")))
#include "bulk/input/bulk_scan_template.h"

SCAN_TARGET static inline ScanBytes
scan_prepare(const BulkScan *scan)
{
	return (ScanBytes) {
		.delimiter = _mm256_set1_epi8(scan->delimiter),
		.special = _mm256_set1_epi8(scan->quote ? scan->quote : '\\'),
		.escape = _mm256_set1_epi8(scan->escape),
		.has_escape = scan->escape != '\0'
	};
}

SCAN_TARGET static inline uint64
bits_of(__m256i bytes, int i)
{
	return (uint64) (uint32) _mm256_movemask_epi8(bytes) << (32 * i);
}

SCAN_TARGET static inline void
scan_block(const ScanBytes *bytes, const char *block, ScanMasks *masks)
{
	ScanMasks	found = {0};
	__m256i		plain = _mm256_set1_epi8(-1);

	for (int i = 0; i < 2; i++)
	{
		__m256i		data = _mm256_loadu_si256((const __m256i *) (block + 32 * i));
		__m256i		lines = _mm256_or_si256(_mm256_cmpeq_epi8(data, _mm256_set1_epi8('\n')),
											_mm256_cmpeq_epi8(data, _mm256_set1_epi8('\r')));

		found.lines |= bits_of(lines, i);
		found.ends |= bits_of(_mm256_or_si256(lines,
											  _mm256_cmpeq_epi8(data, bytes->delimiter)), i);
		found.special |= bits_of(_mm256_cmpeq_epi8(data, bytes->special), i);
		if (bytes->has_escape)
			found.escape |= bits_of(_mm256_cmpeq_epi8(data, bytes->escape), i);
		plain = _mm256_and_si256(plain, _mm256_cmpgt_epi8(data, _mm256_setzero_si256()));
	}
	found.plain = _mm256_movemask_epi8(plain) == -1;
	*masks = found;
}

#endif							/* BULK_SCAN_X86 */
