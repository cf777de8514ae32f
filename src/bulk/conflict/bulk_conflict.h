/*
 * bulk_conflict.h
 *		What the files that settle conflicts share: bulk_conflict.c (row by
 *		row), bulk_settle.c (a batch at once), bulk_probe.c, bulk_overwrite.c.
 */
#ifndef PURSER_BULK_CONFLICT_H
#define PURSER_BULK_CONFLICT_H

#include "bulk/bulk.h"
#include "bulk/write/bulk_leaf.h"

#include "access/attmap.h"
#include "access/genam.h"
#include "access/tableam.h"
#include "utils/snapshot.h"
#include "utils/sortsupport.h"

/* A b-tree in which the rows in the way can be looked up, by key. */
typedef struct BulkProbe
{
	Relation	heap;
	Relation	index;
	IndexInfo  *info;
	int			nkeys;
	ExprState  *predicate;		/* NULL: the index is not partial */
	SortSupport sort;			/* by the key's columns */
	ScanKeyData *scankeys;
	SnapshotData dirty;
	IndexScanDesc scan;			/* only while it is open */
	BulkLeaf	leaf;			/* likewise; nearly all keys are found without the scan */
	bool		versions;		/* the index may have several for the key looked for last */
} BulkProbe;

typedef struct BulkConflict
{
	bool		update;			/* else skip */
	bool		batched;		/* there are probes for all arbiters */
	List	   *arbiters;		/* OIDs of the part's indexes; NIL: all */
	int			nprobes;
	BulkProbe  *probes;
	bool		alone;			/* no other session can insert meanwhile */
	bool		ordered;		/* other constraints may depend on the order of the rows */
	bool		keep;			/* rows that were updated are wanted later */
	bool		lock;			/* lock a row before deciding on its update */
	Bitmapset  *key;			/* of the first probe, as sets count columns; NULL: not so simple */
	ResultRelInfo others;		/* the part with all indexes but that of the first probe */
	AttrMap    *map;			/* from the part's columns to the target's; NULL: the same */
	ExprState  *where;			/* NULL: no condition */
	TupleTableSlot *existing;	/* the row in the way */
	TupleTableSlot *updated;	/* what it becomes, unless kept */
	MemoryContext memory;		/* of one batch */
} BulkConflict;

extern void bulk_refuse_concurrent(TM_Result result);
extern void bulk_conflict_check_visible(BulkWriter *writer, const BulkPart *part);
extern void bulk_conflict_row(BulkWriter *writer, BulkPart *part, BulkEntry *entry);
extern void bulk_conflict_keep(BulkWriter *writer, const BulkPart *part, BulkEntry *entry,
							   TupleTableSlot *row);

extern void bulk_probe_begin(BulkProbe *probe, Relation heap, Relation index, IndexInfo *info,
							 EState *estate);
extern bool bulk_probe_key(BulkProbe *probe, EState *estate, TupleTableSlot *slot,
						   Datum *values, bool *isnull);
extern void bulk_probe_open(BulkProbe *probe, Snapshot snapshot);
extern bool bulk_probe_find(BulkProbe *probe, const Datum *values, const bool *isnull,
							TupleTableSlot *existing);
extern void bulk_probe_insert(BulkProbe *probe, EState *estate, TupleTableSlot *slot, bool kept);
extern bool bulk_probe_insert_key(BulkProbe *probe, const Datum *values, const bool *isnull,
								  ItemPointer tid);
extern void bulk_probe_unpin(BulkProbe *probe);
extern void bulk_probe_close(BulkProbe *probe);
extern void bulk_probe_forget(BulkProbe *probe);

extern bool bulk_overwrite(BulkWriter *writer, BulkPart *part, BulkEntry *entry);

extern void bulk_settle_batch(BulkWriter *writer, BulkPart *part);

#endif							/* PURSER_BULK_CONFLICT_H */
