/*
 * bulk_probe.c
 *		Looks up rows by the key of a unique b-tree, many in a row.
 *
 * What ExecCheckIndexConstraints does for one row at a time, with a place in the
 * index that is kept from key to key (bulk_leaf.c): the look is dirty, so it
 * sees rows of transactions in progress, and waits for these to end.
 *
 * Called by bulk_conflict.c (begin) and bulk_settle.c.
 */
#include "bulk/conflict/bulk_conflict.h"

#include "access/nbtree.h"
#include "access/relscan.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/snapmgr.h"

/* Prepare; in the memory of the load.  The executor must have opened the index for speculation. */
void
bulk_probe_begin(BulkProbe *probe, Relation heap, Relation index, IndexInfo *info,
				 EState *estate)
{
	int			nkeys = info->ii_NumIndexKeyAttrs;

	probe->heap = heap;
	probe->index = index;
	probe->info = info;
	probe->nkeys = nkeys;
	if (info->ii_Predicate != NIL)
		probe->predicate = ExecPrepareQual(info->ii_Predicate, estate);
	probe->sort = palloc0(nkeys * sizeof(SortSupportData));
	probe->scankeys = palloc0(nkeys * sizeof(ScanKeyData));
	InitDirtySnapshot(probe->dirty);
	for (int i = 0; i < nkeys; i++)
	{
		SortSupport sort = &probe->sort[i];

		sort->ssup_cxt = CurrentMemoryContext;
		sort->ssup_collation = index->rd_indcollation[i];
		sort->ssup_attno = i + 1;
		purser_PrepareSortSupportFromIndexRel(index, false, sort);
		ScanKeyEntryInitialize(&probe->scankeys[i], 0, i + 1, info->ii_UniqueStrats[i],
							   InvalidOid, index->rd_indcollation[i],
							   info->ii_UniqueProcs[i], (Datum) 0);
	}
}

/*
 * The key of the row in the slot; what is computed for it is in the per-row
 * memory.  False if no row can be in its way: the index does not have it, or
 * nulls in it differ from all others.
 */
bool
bulk_probe_key(BulkProbe *probe, EState *estate, TupleTableSlot *slot,
			   Datum *values, bool *isnull)
{
	ExprContext *econtext = GetPerTupleExprContext(estate);
	Datum		all[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];

	econtext->ecxt_scantuple = slot;
	if (probe->predicate != NULL && !ExecQual(probe->predicate, econtext))
		return false;
	FormIndexDatum(probe->info, slot, estate, all, nulls);
	memcpy(values, all, probe->nkeys * sizeof(Datum));
	memcpy(isnull, nulls, probe->nkeys * sizeof(bool));
	for (int i = 0; i < probe->nkeys; i++)
		if (isnull[i] && !probe->info->ii_NullsNotDistinct)
			return false;
	return true;
}

/* In the current memory context; to look for conflicts, with the probe's dirty snapshot. */
void
bulk_probe_open(BulkProbe *probe, Snapshot snapshot)
{
	probe->scan = purser_index_beginscan(probe->heap, probe->index, snapshot, probe->nkeys, 0);
	bulk_leaf_begin(&probe->leaf, probe->heap, probe->index);
}

/* Nothing of the index is pinned until the next call, so that one may wait. */
void
bulk_probe_unpin(BulkProbe *probe)
{
	if (probe->scan == NULL)
		return;
	bulk_leaf_release(&probe->leaf);
	index_rescan(probe->scan, probe->scankeys, probe->nkeys, NULL, 0);
}

void
bulk_probe_close(BulkProbe *probe)
{
	bulk_leaf_release(&probe->leaf);
	index_endscan(probe->scan);
	probe->scan = NULL;
}

/* After an error that ended the subtransaction in which it was open. */
void
bulk_probe_forget(BulkProbe *probe)
{
	probe->leaf.buffer = InvalidBuffer;
	probe->scan = NULL;
}

/* ---- find ---- */

/* Wait for the transaction that the row found depends on, with nothing pinned. */
static void
wait_for(BulkProbe *probe, TransactionId xid, TupleTableSlot *existing)
{
	ItemPointerData tid = existing->tts_tid;

	ExecClearTuple(existing);
	bulk_probe_close(probe);
	if (probe->dirty.speculativeToken)
		SpeculativeInsertionWait(probe->dirty.xmin, probe->dirty.speculativeToken);
	else
		XactLockTableWait(xid, probe->heap, &tid, XLTW_InsertIndex);
	bulk_probe_open(probe, &probe->dirty);
}

/* By a scan of the index. */
static bool
scan_for(BulkProbe *probe, const Datum *values, const bool *isnull, TupleTableSlot *existing)
{
	for (int i = 0; i < probe->nkeys; i++)
	{
		probe->scankeys[i].sk_argument = values[i];
		probe->scankeys[i].sk_flags = isnull[i] ? SK_ISNULL | SK_SEARCHNULL : 0;
	}
	index_rescan(probe->scan, probe->scankeys, probe->nkeys, NULL, 0);
	return index_getnext_slot(probe->scan, ForwardScanDirection, existing);
}

/* The row that the snapshot sees of those with that key. */
static bool
look_for(BulkProbe *probe, const Datum *values, const bool *isnull, TupleTableSlot *existing)
{
	IndexScanDesc scan = probe->scan;
	ItemPointerData rows[BULK_LEAF_ENTRIES];
	int			nrows = bulk_leaf_find(&probe->leaf, values, isnull, scan->xs_snapshot, rows);

	probe->versions = nrows != 1;
	if (nrows < 0)
		return scan_for(probe, values, isnull, existing);
	for (int i = 0; i < nrows; i++)
	{
		scan->xs_heaptid = rows[i];
		scan->xs_heap_continue = false;
		if (index_fetch_heap(scan, existing))
			return true;
	}
	return false;
}

/* Find the row with that key: true if there is one, and it is in the slot. */
bool
bulk_probe_find(BulkProbe *probe, const Datum *values, const bool *isnull,
				TupleTableSlot *existing)
{
	for (;;)
	{
		TransactionId xid;

		CHECK_FOR_INTERRUPTS();
		if (!look_for(probe, values, isnull, existing))
			return false;
		xid = TransactionIdIsValid(probe->dirty.xmin) ? probe->dirty.xmin : probe->dirty.xmax;
		if (!TransactionIdIsValid(xid))
			return true;
		wait_for(probe, xid, existing);
	}
}

/* ---- insert ---- */

/*
 * Insert an entry with these values for the row at that place in the heap.  If
 * its key was kept by an update, there is nothing to check: who might want the
 * same key waits for us.  Where a page is full, the server looks for versions
 * that are dead before it splits the page, if it is told that there may be some;
 * a row that had one version has none: the one that is dead now is our own work.
 */
static void
insert_entry(BulkProbe *probe, const Datum *values, const bool *isnull, ItemPointer tid, bool kept)
{
	IndexTuple	entry = index_form_tuple(RelationGetDescr(probe->index), (Datum *) values,
										 (bool *) isnull);

	entry->t_tid = *tid;
	if (!bulk_leaf_insert(&probe->leaf, entry, !kept))
		_bt_doinsert(probe->index, entry, kept ? UNIQUE_CHECK_NO : UNIQUE_CHECK_YES,
					 kept && probe->versions, probe->heap);
	pfree(entry);
}

/* Insert the index's entry for the row in the slot, which is in the heap. */
void
bulk_probe_insert(BulkProbe *probe, EState *estate, TupleTableSlot *slot, bool kept)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];

	GetPerTupleExprContext(estate)->ecxt_scantuple = slot;
	FormIndexDatum(probe->info, slot, estate, values, isnull);
	insert_entry(probe, values, isnull, &slot->tts_tid, kept);
}

/*
 * The same for a row whose key is at hand; false if the index has more columns.
 * Its columns, which are no more in the processor's caches, are not looked at.
 */
bool
bulk_probe_insert_key(BulkProbe *probe, const Datum *values, const bool *isnull, ItemPointer tid)
{
	if (probe->info->ii_NumIndexAttrs > probe->nkeys)
		return false;
	insert_entry(probe, values, isnull, tid, false);
	return true;
}
