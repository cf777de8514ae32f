/*
 * bulk_scan_scalar.c
 *		The scan byte by byte, for processors without a variant of their own.
 */
#include "bulk/input/bulk_scan.h"

/* Bits of what a byte is. */
#define SCALAR_END		1
#define SCALAR_LINE		2
#define SCALAR_SPECIAL	4
#define SCALAR_ESCAPE	8

typedef struct ScanBytes
{
	unsigned char is[256];
} ScanBytes;

#define SCAN_NAME bulk_scan_scalar
#define SCAN_TARGET
#include "bulk/input/bulk_scan_template.h"

static inline ScanBytes
scan_prepare(const BulkScan *scan)
{
	ScanBytes	bytes = {{0}};

	bytes.is['\n'] = bytes.is['\r'] = SCALAR_END | SCALAR_LINE;
	bytes.is[(unsigned char) scan->delimiter] |= SCALAR_END;
	bytes.is[scan->quote ? (unsigned char) scan->quote : '\\'] |= SCALAR_SPECIAL;
	if (scan->escape)
		bytes.is[(unsigned char) scan->escape] |= SCALAR_ESCAPE;
	return bytes;
}

static inline void
scan_block(const ScanBytes *bytes, const char *block, ScanMasks *masks)
{
	ScanMasks	found = {.plain = true};

	for (int i = 0; i < BULK_SCAN_BLOCK; i++)
	{
		unsigned char byte = block[i];
		uint64		is = bytes->is[byte];

		found.plain &= (byte - 1u < 127);
		if (is == 0)
			continue;
		found.ends |= (is & SCALAR_END) << i;
		found.lines |= (is & SCALAR_LINE) / SCALAR_LINE << i;
		found.special |= (is & SCALAR_SPECIAL) / SCALAR_SPECIAL << i;
		found.escape |= (is & SCALAR_ESCAPE) / SCALAR_ESCAPE << i;
	}
	*masks = found;
}
