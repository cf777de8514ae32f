/*
 * bulk_settle.h
 *		A batch whose conflicts are settled at once, for bulk_settle*.c.
 */
#ifndef PURSER_BULK_SETTLE_H
#define PURSER_BULK_SETTLE_H

#include "bulk/conflict/bulk_conflict.h"

/* Its key in one index. */
typedef struct SettleKey
{
	Datum		first;			/* its first column as an integer, if it can be sorted as such */
	int			number;			/* of the case */
	bool	   *isnull;
	Datum	   *values;
} SettleKey;

/* A row of the batch. */
typedef struct SettleCase
{
	BulkEntry  *entry;
	const SettleKey *key;		/* NULL: no row can be in its way, by the first arbiter */
} SettleCase;

typedef struct SettleBatch
{
	BulkWriter *writer;
	BulkPart   *part;
	BulkConflict *conflict;
	int			ncases;
	SettleCase *cases;			/* in the order of the input */
	int			nkeys;
	SettleKey  *keys;			/* in the first arbiter, in order */
	int			ninserts;
	SettleCase **inserts;		/* nothing is in their way; in the order of their keys */
} SettleBatch;

/* Take the row for one that is to be inserted. */
static inline void
bulk_settle_add(SettleBatch *batch, SettleCase *one)
{
	batch->inserts[batch->ninserts++] = one;
}

/* ---- keys in order: bulk_settle_keys.c ---- */

extern int	bulk_settle_sort(const SettleBatch *batch, BulkProbe *probe, SettleKey *keys);
extern int	bulk_settle_end_of_run(const BulkProbe *probe, const SettleKey *keys, int first,
								   int nkeys);

/* ---- rows whose key is taken are left out: bulk_settle_skip.c ---- */

extern void bulk_settle_skip(SettleBatch *batch);

#endif							/* PURSER_BULK_SETTLE_H */
