/*
 * bulk_prefetch.h
 *		Asks the processor for memory that is about to be used.
 */
#ifndef PURSER_BULK_PREFETCH_H
#define PURSER_BULK_PREFETCH_H

#include "access/htup_details.h"
#include "executor/tuptable.h"

/* As a processor's cache has them, mostly. */
#define PREFETCH_LINE	64

/* Of a row as much of its memory as most rows have. */
#define PREFETCH_ROW	(3 * PREFETCH_LINE)

static inline void
bulk_prefetch(const void *memory, Size size)
{
#if defined(__GNUC__)
	for (Size i = 0; i < size; i += PREFETCH_LINE)
		__builtin_prefetch((const char *) memory + i);
#endif
}

static inline void
bulk_prefetch_slot(const TupleTableSlot *slot)
{
	bulk_prefetch(slot, sizeof(HeapTupleTableSlot));
}

/* The row in a slot of that kind, which was fetched before. */
static inline void
bulk_prefetch_row(const TupleTableSlot *slot)
{
	if (TTS_IS_HEAPTUPLE(slot))
		bulk_prefetch(((const HeapTupleTableSlot *) slot)->tuple, PREFETCH_ROW);
}

#endif							/* PURSER_BULK_PREFETCH_H */
