/*
 * bulk_probe.c
 *		Looks up rows by the key of a unique b-tree, many in a row.
 *
 * What ExecCheckIndexConstraints does for one row at a time, with a scan that
 * stays open: the look is dirty, so it sees rows of transactions in progress,
 * and waits for these to end.
 *
 * Called by bulk_conflict.c (begin) and bulk_settle.c.
 */
#include "bulk/bulk_conflict.h"

#include "access/nbtree.h"
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

void
bulk_probe_open(BulkProbe *probe)
{
	probe->scan = purser_index_beginscan(probe->heap, probe->index, &probe->dirty, probe->nkeys,
										 0);
}

void
bulk_probe_close(BulkProbe *probe)
{
	index_endscan(probe->scan);
	probe->scan = NULL;
}

/* Wait for the transaction that the row found depends on, with nothing pinned. */
static void
wait_for(BulkProbe *probe, TransactionId xid, TupleTableSlot *existing)
{
	ItemPointerData tid = existing->tts_tid;

	ExecClearTuple(existing);
	index_rescan(probe->scan, NULL, 0, NULL, 0);
	if (probe->dirty.speculativeToken)
		SpeculativeInsertionWait(probe->dirty.xmin, probe->dirty.speculativeToken);
	else
		XactLockTableWait(xid, probe->heap, &tid, XLTW_InsertIndex);
}

/* Find the row with that key: true if there is one, and it is in the slot. */
bool
bulk_probe_find(BulkProbe *probe, const Datum *values, const bool *isnull,
				TupleTableSlot *existing)
{
	for (int i = 0; i < probe->nkeys; i++)
	{
		probe->scankeys[i].sk_argument = values[i];
		probe->scankeys[i].sk_flags = isnull[i] ? SK_ISNULL | SK_SEARCHNULL : 0;
	}
	for (;;)
	{
		TransactionId xid;

		CHECK_FOR_INTERRUPTS();
		index_rescan(probe->scan, probe->scankeys, probe->nkeys, NULL, 0);
		if (!index_getnext_slot(probe->scan, ForwardScanDirection, existing))
			return false;
		xid = TransactionIdIsValid(probe->dirty.xmin) ? probe->dirty.xmin : probe->dirty.xmax;
		if (!TransactionIdIsValid(xid))
			return true;
		wait_for(probe, xid, existing);
	}
}
