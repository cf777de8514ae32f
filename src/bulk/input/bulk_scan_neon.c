/*
 * bulk_scan_neon.c
 *		The scan for processors of the arm64 kind.
 */
#include "bulk/input/bulk_scan.h"

#ifdef BULK_SCAN_ARM

#include <arm_neon.h>

typedef struct ScanBytes
{
	uint8x16_t	delimiter;
	uint8x16_t	special;
	uint8x16_t	escape;
	bool		has_escape;
} ScanBytes;

#define SCAN_NAME bulk_scan_neon
#define SCAN_TARGET
#include "bulk/input/bulk_scan_template.h"

static inline ScanBytes
scan_prepare(const BulkScan *scan)
{
	return (ScanBytes) {
		.delimiter = vdupq_n_u8(scan->delimiter),
		.special = vdupq_n_u8(scan->quote ? scan->quote : '\\'),
		.escape = vdupq_n_u8(scan->escape),
		.has_escape = scan->escape != '\0'
	};
}

/* One bit for each of the 64 bytes, which are all ones or zero. */
static inline uint64
bits_of(const uint8x16_t bytes[4])
{
	const uint8x16_t weights = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
	uint8x16_t	low = vpaddq_u8(vandq_u8(bytes[0], weights), vandq_u8(bytes[1], weights));
	uint8x16_t	high = vpaddq_u8(vandq_u8(bytes[2], weights), vandq_u8(bytes[3], weights));
	uint8x16_t	sum = vpaddq_u8(low, high);

	return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sum, sum)), 0);
}

static inline void
scan_block(const ScanBytes *bytes, const char *block, ScanMasks *masks)
{
	uint8x16_t	lines[4];
	uint8x16_t	ends[4];
	uint8x16_t	special[4];
	uint8x16_t	escape[4];
	uint8x16_t	plain = vdupq_n_u8(0xff);

	for (int i = 0; i < 4; i++)
	{
		uint8x16_t	data = vld1q_u8((const uint8_t *) block + 16 * i);

		lines[i] = vorrq_u8(vceqq_u8(data, vdupq_n_u8('\n')), vceqq_u8(data, vdupq_n_u8('\r')));
		ends[i] = vorrq_u8(lines[i], vceqq_u8(data, bytes->delimiter));
		special[i] = vceqq_u8(data, bytes->special);
		escape[i] = vceqq_u8(data, bytes->escape);
		plain = vandq_u8(plain, vcgtzq_s8(vreinterpretq_s8_u8(data)));
	}
	masks->lines = bits_of(lines);
	masks->ends = bits_of(ends);
	masks->special = bits_of(special);
	masks->escape = bytes->has_escape ? bits_of(escape) : 0;
	masks->plain = vminvq_u8(plain) == 0xff;
}

#endif							/* BULK_SCAN_ARM */
