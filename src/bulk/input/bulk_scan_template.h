/*
 * bulk_scan_template.h
 *		The scan of a stripe, to be included by the file of an instruction set.
 *
 * That file defines before:
 *
 *		SCAN_NAME				name of the function to make
 *		SCAN_TARGET				attribute with the instruction set, or nothing
 *		ScanBytes				type for the bytes to compare with
 *		scan_prepare()			makes one of a scan
 *		scan_block()			makes the masks of a block from it
 */

/* Bit n is for byte n of the block. */
typedef struct ScanMasks
{
	uint64		ends;			/* delimiters and line ends */
	uint64		lines;			/* line ends */
	uint64		special;		/* quotes, or backslashes in text */
	uint64		escape;			/* escapes other than quotes */
	bool		plain;			/* only ASCII, and no zero byte */
} ScanMasks;

SCAN_TARGET static inline ScanBytes scan_prepare(const BulkScan *scan);
SCAN_TARGET static inline void scan_block(const ScanBytes *bytes, const char *block,
										  ScanMasks *masks);

/*
 * Bit n: whether an odd number of bits up to n is set.  Carry-less
 * multiplication does that too, and was not faster.
 */
SCAN_TARGET static inline uint64
scan_parity(uint64 bits)
{
	for (int shift = 1; shift < 64; shift *= 2)
		bits ^= bits << shift;
	return bits;
}

/* A block that the input ends in: spaces follow, which are found nowhere. */
SCAN_TARGET static inline void
scan_last_block(const ScanBytes *bytes, const char *block, int len, ScanMasks *masks)
{
	char		padded[BULK_SCAN_BLOCK];
	uint64		there = (UINT64CONST(1) << len) - 1;

	memset(padded, ' ', sizeof(padded));
	memcpy(padded, block, len);
	scan_block(bytes, padded, masks);
	masks->ends &= there;
	masks->lines &= there;
	masks->special &= there;
	masks->escape &= there;
}

/*
 * Take the bytes behind escapes out of both masks, and return them.  last: the
 * bit of the block's last byte, behind which the next block begins.  In CSV an
 * escape means something in quotes only, and before a quote or an escape.
 */
SCAN_TARGET static inline uint64
scan_escaped(BulkScan *scan, uint64 escapes, uint64 *quotes, uint64 last)
{
	uint64		all = scan->escaped ? 1 : 0;
	bool		inside = (scan->inside != 0 || scan->quote == '\0');
	uint64		events = (escapes | *quotes) & ~all;

	*quotes &= ~all;
	scan->escaped = false;
	while (events != 0)
	{
		uint64		event = events & -events;

		events ^= event;
		if (*quotes & event)
			inside = !inside;
		else if (event == last)
			scan->escaped = inside;
		else if (inside)
		{
			all |= event << 1;
			events &= ~all;
			*quotes &= ~all;
		}
	}
	return all;
}

/* Which bytes of the block are in quotes, or behind a backslash. */
SCAN_TARGET static inline uint64
scan_inside(BulkScan *scan, const ScanMasks *masks, uint64 last)
{
	uint64		quotes = masks->special;
	uint64		inside;

	if (scan->quote == '\0')
	{
		uint64		none = 0;

		return scan_escaped(scan, masks->special, &none, last);
	}
	if (masks->escape != 0 || scan->escaped)
		(void) scan_escaped(scan, masks->escape, &quotes, last);
	inside = scan_parity(quotes) ^ scan->inside;
	scan->inside = (inside >> 63) ? ~UINT64CONST(0) : 0;
	return inside;
}

/* Entries of a block with quotes or backslashes, or behind such. */
SCAN_TARGET static inline uint16 *
scan_special(BulkScan *scan, const ScanMasks *masks, int offset, uint64 last, uint16 *entry)
{
	uint64		inside = scan_inside(scan, masks, last);
	uint64		special = masks->special;
	uint64		inner = masks->lines & inside;
	uint64		ends = masks->ends & ~inside;

	while (ends != 0)
	{
		uint64		before = ends ^ (ends - 1);

		*entry++ = (offset + __builtin_ctzll(ends)) | scan->flags |
			((special & before) ? BULK_SCAN_SPECIAL : 0) |
			((inner & before) ? BULK_SCAN_INNER : 0);
		scan->flags = 0;
		special &= ~before;
		inner &= ~before;
		ends &= ends - 1;
	}
	scan->flags |= (special ? BULK_SCAN_SPECIAL : 0) | (inner ? BULK_SCAN_INNER : 0);
	return entry;
}

SCAN_TARGET void
SCAN_NAME(BulkScan *scan, const char *data, int len)
{
	ScanBytes	bytes = scan_prepare(scan);
	uint16	   *entry = scan->index;
	uint64		odd = 0;

	for (int offset = 0; offset < len; offset += BULK_SCAN_BLOCK)
	{
		int			rest = len - offset;
		uint64		last = UINT64CONST(1) << (Min(rest, BULK_SCAN_BLOCK) - 1);
		ScanMasks	masks;

		if (rest >= BULK_SCAN_BLOCK)
			scan_block(&bytes, data + offset, &masks);
		else
			scan_last_block(&bytes, data + offset, rest, &masks);
		odd |= (uint64) !masks.plain << (offset / BULK_SCAN_BLOCK);
		if (masks.special != 0 || scan->inside != 0 || scan->flags != 0 || scan->escaped)
		{
			entry = scan_special(scan, &masks, offset, last, entry);
			continue;
		}
		for (uint64 ends = masks.ends; ends != 0; ends &= ends - 1)
			*entry++ = offset + __builtin_ctzll(ends);
	}
	scan->count = entry - scan->index;
	scan->odd = odd;
}
