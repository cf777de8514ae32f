/*
 * bulk_conflict.c
 *		Inserts a row unless another one is in the way: on_conflict 'skip'.
 *
 * What INSERT ... ON CONFLICT DO NOTHING does: look for a conflict, insert
 * speculatively, look again while inserting into the indexes, and start over
 * if someone else was quicker.  A row that conflicts with an earlier one of
 * the same input is skipped too, so the first one wins.
 *
 * Called by bulk_writer.c.
 */
#include "bulk.h"

#include "access/sysattr.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/parse_relation.h"
#include "storage/lmgr.h"
#include "utils/snapmgr.h"

static bool
is_plain_unique(Relation index, const IndexInfo *info)
{
	return index->rd_index->indisvalid && info->ii_Unique && info->ii_ExclusionOps == NULL &&
		info->ii_Expressions == NIL && info->ii_Predicate == NIL;
}

static Bitmapset *
key_columns(const IndexInfo *info)
{
	Bitmapset  *columns = NULL;

	for (int i = 0; i < info->ii_NumIndexKeyAttrs; i++)
		columns = bms_add_member(columns, info->ii_IndexAttrNumbers[i]);
	return columns;
}

/* The unique indexes on exactly these columns; several may be. */
static List *
find_arbiters(BulkTarget *target, const List *names)
{
	ResultRelInfo *rri = target->rri;
	Bitmapset  *wanted = NULL;
	List	   *arbiters = NIL;
	ListCell   *lc;

	foreach(lc, names)
	{
		AttrNumber	attnum = attnameAttNum(target->rel, lfirst(lc), false);

		wanted = bms_add_member(wanted, attnum);
	}
	for (int i = 0; i < rri->ri_NumIndices; i++)
	{
		Relation	index = rri->ri_IndexRelationDescs[i];
		IndexInfo  *info = rri->ri_IndexRelationInfo[i];

		if (is_plain_unique(index, info) && bms_equal(key_columns(info), wanted))
			arbiters = lappend_oid(arbiters, RelationGetRelid(index));
	}
	if (arbiters == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("there is no unique constraint or index on exactly the conflict_columns"),
				 errhint("Partial indexes and indexes on expressions do not count.")));
	return arbiters;
}

static bool
can_conflict(const ResultRelInfo *rri)
{
	for (int i = 0; i < rri->ri_NumIndices; i++)
	{
		const IndexInfo *info = rri->ri_IndexRelationInfo[i];

		if (info->ii_Unique || info->ii_ExclusionOps != NULL)
			return true;
	}
	return false;
}

/* NULL if conflicts are errors, or if there cannot be any. */
BulkConflict *
bulk_conflict_begin(BulkTarget *target, const struct BulkOptions *options)
{
	BulkConflict *conflict;

	if (options->on_conflict == BULK_CONFLICT_ERROR)
		return NULL;
	conflict = palloc0(sizeof(BulkConflict));
	if (options->conflict_columns != NIL)
		conflict->arbiters = find_arbiters(target, options->conflict_columns);
	else if (!can_conflict(target->rri))
		return NULL;
	conflict->slot = table_slot_create(target->rel, &target->estate->es_tupleTable);
	return conflict;
}

/*
 * At the higher isolation levels a row that our snapshot does not see must not
 * decide what we do, unless it is our own.
 */
static void
check_visible(BulkConflict *conflict, BulkTarget *target, ItemPointer tid)
{
	TupleTableSlot *slot = conflict->slot;

	if (!IsolationUsesXactSnapshot())
		return;
	if (!table_tuple_fetch_row_version(target->rel, tid, SnapshotAny, slot))
		elog(ERROR, "failed to fetch the conflicting row");
	if (!table_tuple_satisfies_snapshot(target->rel, slot, target->estate->es_snapshot))
	{
		bool		isnull;
		Datum		xmin = slot_getsysattr(slot, MinTransactionIdAttributeNumber, &isnull);

		if (!TransactionIdIsCurrentTransactionId(DatumGetTransactionId(xmin)))
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("could not serialize access due to concurrent update")));
	}
	ExecClearTuple(slot);
}

/* Insert; false if another row turned out to be quicker, and ours is undone. */
static bool
insert_speculatively(BulkConflict *conflict, BulkTarget *target,
					 TupleTableSlot *slot, CommandId cid, List **recheck)
{
	uint32		token = SpeculativeInsertionLockAcquire(GetCurrentTransactionId());
	bool		lost = false;

	table_tuple_insert_speculative(target->rel, slot, cid, 0, NULL, token);
	*recheck = purser_ExecInsertIndexTuples(target->rri, target->estate, EIIT_NO_DUPE_ERROR,
											slot, conflict->arbiters, &lost);
	table_tuple_complete_speculative(target->rel, slot, token, !lost);
	SpeculativeInsertionLockRelease(GetCurrentTransactionId());
	return !lost;
}

/* Insert the row, with its index entries; false if it was skipped. */
bool
bulk_conflict_insert(BulkConflict *conflict, BulkTarget *target,
					 TupleTableSlot *slot, CommandId cid, List **recheck)
{
	ItemPointerData in_the_way;
	ItemPointerData none;

	ItemPointerSetInvalid(&none);
	do
	{
		CHECK_FOR_INTERRUPTS();
		if (!purser_ExecCheckIndexConstraints(target->rri, slot, target->estate,
											  &in_the_way, &none, conflict->arbiters))
		{
			check_visible(conflict, target, &in_the_way);
			return false;
		}
	} while (!insert_speculatively(conflict, target, slot, cid, recheck));
	return true;
}
