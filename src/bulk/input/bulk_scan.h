/*
 * bulk_scan.h
 *		Finds the ends of fields in delimited text, 64 bytes at a time.
 *
 * A scan goes over the input in stripes and makes an index of each: where its
 * delimiters and line ends are, except those within quotes (CSV) or behind a
 * backslash (text).  It knows nothing of records, and keeps what has to be
 * known from one stripe to the next, so that stripes may end anywhere.
 *
 * There is one variant for each instruction set, with equal results; the best
 * one that the processor has is chosen at run time.
 */
#ifndef PURSER_BULK_SCAN_H
#define PURSER_BULK_SCAN_H

#include "pg_purser.h"

#if defined(__x86_64__)
#define BULK_SCAN_X86
#elif defined(__aarch64__)
#define BULK_SCAN_ARM
#endif

typedef enum BulkScanMethod
{
	BULK_SCAN_AUTO,
	BULK_SCAN_SCALAR,
	BULK_SCAN_SSE2,
	BULK_SCAN_AVX2,
	BULK_SCAN_NEON
} BulkScanMethod;

/* Bytes of a block; blocks of a stripe, at most. */
#define BULK_SCAN_BLOCK		64
#define BULK_SCAN_BLOCKS	64
#define BULK_SCAN_STRIPE	(BULK_SCAN_BLOCK * BULK_SCAN_BLOCKS)

/* An entry of the index: a position in the stripe, and what is before it. */
#define BULK_SCAN_POSITION	0x0fff
#define BULK_SCAN_SPECIAL	0x8000	/* quotes or backslashes since the entry before */
#define BULK_SCAN_INNER		0x4000	/* likewise line ends that end no record */
#define BULK_SCAN_FLAGS		(BULK_SCAN_SPECIAL | BULK_SCAN_INNER)

typedef struct BulkScan BulkScan;
struct BulkScan
{
	/* How the input is written. */
	char		delimiter;
	char		quote;			/* zero: text, with backslashes */
	char		escape;			/* zero: the quote itself */
	void		(*run) (BulkScan *scan, const char *data, int len);

	/* From one block to the next. */
	uint64		inside;			/* in quotes: all bits, else zero */
	bool		escaped;		/* the next byte is behind an escape */
	uint16		flags;			/* of the next entry */

	/* The index of the last stripe. */
	int			count;
	uint64		odd;			/* a bit per block: has zero bytes, or others than ASCII */
	uint16		index[BULK_SCAN_STRIPE + BULK_SCAN_BLOCK];
};

/* What the developer setting says. */
extern int	bulk_scan_method;

extern bool bulk_scan_available(BulkScanMethod method);
extern void bulk_scan_begin(BulkScan *scan, char delimiter, char quote, char escape);
extern void bulk_scan_restart(BulkScan *scan);

/* Make the index of the next len bytes, at most those of a stripe. */
static inline void
bulk_scan_stripe(BulkScan *scan, const char *data, int len)
{
	scan->run(scan, data, len);
}

/* ---- the variants: bulk_scan_*.c ---- */

extern void bulk_scan_scalar(BulkScan *scan, const char *data, int len);
#ifdef BULK_SCAN_X86
extern void bulk_scan_sse2(BulkScan *scan, const char *data, int len);
extern void bulk_scan_avx2(BulkScan *scan, const char *data, int len);
#endif
#ifdef BULK_SCAN_ARM
extern void bulk_scan_neon(BulkScan *scan, const char *data, int len);
#endif

#endif							/* PURSER_BULK_SCAN_H */
