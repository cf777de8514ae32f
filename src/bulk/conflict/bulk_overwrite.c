/*
 * bulk_overwrite.c
 *		Updates the row in the way: on_conflict 'update'.
 *
 * What ON CONFLICT DO UPDATE SET c = excluded.c does with one row: condition,
 * BEFORE triggers, generated columns, constraints, heap, indexes.  The row is
 * locked first only where something looks at it before it is updated; else the
 * update itself finds out whether someone else was quicker, which saves a WAL
 * record for each row.
 *
 * Called by bulk_conflict.c and bulk_settle.c.
 */
#include "bulk/conflict/bulk_conflict.h"

#include "access/sysattr.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "storage/procarray.h"
#include "utils/snapmgr.h"

/*
 * A row that this transaction wrote can only be updated by a later command
 * than the one that wrote it.  So each row of the load counts as a statement
 * of its own, and the last one of those with the same key wins.
 */
static void
step_past_own_write(BulkWriter *writer, TupleTableSlot *existing)
{
	HeapTuple	tuple = ExecFetchSlotHeapTuple(existing, false, NULL);

	if (!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)) ||
		HeapTupleHeaderGetCmin(tuple->t_data) < writer->cid)
		return;
	CommandCounterIncrement();
	writer->cid = GetCurrentCommandId(true);
}

/*
 * With rejects, triggers and foreign keys fire after a run of rows, and would not
 * see a row of it that another one has updated meanwhile.  So that one is refused
 * here, which makes it begin a run of its own.
 */
static void
refuse_second_time(const BulkWriter *writer, const BulkPart *part)
{
	const TriggerDesc *triggers = part->rri->ri_TrigDesc;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(part->conflict->existing, false, NULL);
	TransactionId xmin = HeapTupleHeaderGetXmin(tuple->t_data);
	TransactionId run = GetCurrentTransactionIdIfAny();

	if (!writer->options->rejects || triggers == NULL ||
		(!triggers->trig_insert_after_row && !triggers->trig_update_after_row))
		return;
	if (TransactionIdIsCurrentTransactionId(xmin) && TransactionIdIsValid(run) &&
		TransactionIdFollowsOrEquals(xmin, run))
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("ON CONFLICT DO UPDATE command cannot affect row a second time")));
}

/* What came of touching the row: true if it worked, false if the row is gone or changed. */
static bool
check_result(BulkWriter *writer, TM_Result result, const TM_FailureData *failure)
{
	switch (result)
	{
		case TM_Ok:
			return true;
		case TM_Updated:
		case TM_Deleted:
			bulk_refuse_concurrent(result);
			return false;
		case TM_SelfModified:
			if (failure->cmax != writer->cid)
				ereport(ERROR,
						(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
						 errmsg("tuple to be updated was already modified by an operation "
								"triggered by the current command"),
						 errhint("Consider using an AFTER trigger instead of a BEFORE trigger "
								 "to propagate changes to other rows.")));
			return false;
		default:
			elog(ERROR, "unexpected status %d of a row in the way", result);
	}
}

/* Does another transaction that is in progress hold the row? */
static bool
is_held(TupleTableSlot *existing)
{
	HeapTupleHeader row = ExecFetchSlotHeapTuple(existing, false, NULL)->t_data;

	if ((row->t_infomask & HEAP_XMAX_INVALID) != 0)
		return false;
	return (row->t_infomask & HEAP_XMAX_IS_MULTI) != 0 ||
		(!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmax(row)) &&
		 TransactionIdIsInProgress(HeapTupleHeaderGetRawXmax(row)));
}

/* Before the row is touched: if that may have to wait, nothing of the index is pinned. */
static inline void
expect_wait(const BulkConflict *conflict)
{
	if (conflict->nprobes == 1 && is_held(conflict->existing))
		bulk_probe_unpin(&conflict->probes[0]);
}

static bool
lock_existing(BulkWriter *writer, BulkPart *part)
{
	BulkConflict *conflict = part->conflict;
	EState	   *estate = writer->target->estate;
	ItemPointerData tid = conflict->existing->tts_tid;
	TM_FailureData failure;
	TM_Result	result;

	expect_wait(conflict);
	result = table_tuple_lock(part->rri->ri_RelationDesc, &tid, estate->es_snapshot,
							  conflict->existing, writer->cid,
							  ExecUpdateLockMode(estate, part->rri), LockWaitBlock, 0, &failure);
	return check_result(writer, result, &failure);
}

static bool
is_wanted(BulkWriter *writer, BulkConflict *conflict, TupleTableSlot *excluded)
{
	ExprContext *econtext = GetPerTupleExprContext(writer->target->estate);

	if (conflict->where == NULL)
		return true;
	econtext->ecxt_scantuple = conflict->existing;
	econtext->ecxt_innertuple = excluded;
	return ExecQual(conflict->where, econtext);
}

/* The existing row with what the set takes from the other. */
static void
make_row(const BulkConflict *conflict, const BulkEntry *entry, TupleTableSlot *row)
{
	TupleTableSlot *existing = conflict->existing;
	TupleDesc	tupdesc = row->tts_tupleDescriptor;

	slot_getallattrs(existing);
	slot_getallattrs(entry->slot);
	ExecClearTuple(row);
	for (int i = 0; i < tupdesc->natts; i++)
	{
		int			attnum = conflict->map != NULL ? conflict->map->attnums[i] : i + 1;
		bool		set = bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber,
										entry->set->columns);
		TupleTableSlot *from = set ? entry->slot : existing;

		row->tts_values[i] = from->tts_values[i];
		row->tts_isnull[i] = from->tts_isnull[i] || TupleDescAttr(tupdesc, i)->attisdropped;
	}
	ExecStoreVirtualTuple(row);
	row->tts_tableOid = existing->tts_tableOid;
}

static bool
fire_before(BulkWriter *writer, BulkPart *part, TupleTableSlot *row)
{
	EState	   *estate = writer->target->estate;
	TM_FailureData failure;
	EPQState	epq = {0};		/* of no use, as the row is locked */

	if (part->rri->ri_TrigDesc == NULL || !part->rri->ri_TrigDesc->trig_update_before_row)
		return true;
	ExecMaterializeSlot(row);
	estate->es_output_cid = writer->cid;
	return purser_ExecBRUpdateTriggers(estate, &epq, part->rri,
									   &part->conflict->existing->tts_tid, row, &failure);
}

/* As for ON CONFLICT DO UPDATE, a row cannot move to another partition. */
static void
check_partition(BulkPart *part, TupleTableSlot *row, EState *estate)
{
	if (!part->rri->ri_RelationDesc->rd_rel->relispartition ||
		ExecPartitionCheck(part->rri, row, estate, false))
		return;
	if (part->rri->ri_RootResultRelInfo != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("invalid ON UPDATE specification"),
				 errdetail("The result tuple would appear in a different partition "
						   "than the original tuple.")));
	ExecPartitionCheckEmitError(part->rri, row, estate);
}

static void
check_row(BulkWriter *writer, BulkPart *part, TupleTableSlot *row)
{
	EState	   *estate = writer->target->estate;
	TupleConstr *constr = RelationGetDescr(part->rri->ri_RelationDesc)->constr;

	row->tts_tableOid = RelationGetRelid(part->rri->ri_RelationDesc);
	if (constr != NULL && constr->has_generated_stored)
		ExecComputeStoredGenerated(part->rri, estate, row, CMD_UPDATE);
	check_partition(part, row, estate);
	if (constr != NULL)
		ExecConstraints(part->rri, row, estate);
}

/* Is its key that of the updated row too, and a place in the index of it at hand? */
static inline bool
keeps_key(const BulkConflict *conflict, const BulkSet *set)
{
	return conflict->key != NULL && conflict->probes[0].scan != NULL &&
		!bms_overlap(conflict->key, set->columns);
}

/* Heap and indexes; false if the row is not there any more. */
static bool
store_row(BulkWriter *writer, BulkPart *part, BulkEntry *entry, TupleTableSlot *row)
{
	EState	   *estate = writer->target->estate;
	ResultRelInfo *rri = part->rri;
	LockTupleMode lockmode;
	TU_UpdateIndexes indexes = TU_None;
	TM_FailureData failure;
	TM_Result	result;
	int			flags = EIIT_IS_UPDATE;

	expect_wait(part->conflict);
	result = purser_table_tuple_update(rri->ri_RelationDesc, &entry->old, row,
									   writer->cid, estate->es_snapshot, &failure, &lockmode,
									   &indexes);
	if (!check_result(writer, result, &failure))
		return false;
	if (purser_only_summarizing(indexes))
		flags |= EIIT_ONLY_SUMMARIZING;
	if (indexes != TU_None && keeps_key(part->conflict, entry->set) &&
		!purser_only_summarizing(indexes))
	{
		bulk_probe_insert(&part->conflict->probes[0], estate, row, true);
		rri = &part->conflict->others;
	}
	if (part->conflict->ordered)
		bulk_probe_unpin(&part->conflict->probes[0]);
	if (rri->ri_NumIndices > 0 && indexes != TU_None)
		entry->recheck = purser_ExecInsertIndexTuples(rri, estate, flags, row, NIL, NULL);
	return true;
}

static TupleTableSlot *
slot_for_result(BulkWriter *writer, BulkPart *part, BulkEntry *entry)
{
	if (!part->conflict->keep)
		return part->conflict->updated;
	if (entry->stored == NULL)
		entry->stored = bulk_part_make_slot(writer, part);
	return entry->stored;
}

static bool
leave(BulkWriter *writer, BulkPart *part, BulkEntry *entry, BulkOutcome outcome)
{
	bulk_conflict_keep(writer, part, entry, part->conflict->existing);
	entry->outcome = outcome;
	return true;
}

/*
 * Settle the entry, in whose way is the row in conflict->existing.  False if
 * that is not so any more, and the search has to begin anew.  Triggers are left
 * to the caller; the entry has what they need.
 */
bool
bulk_overwrite(BulkWriter *writer, BulkPart *part, BulkEntry *entry)
{
	BulkConflict *conflict = part->conflict;
	TupleTableSlot *row;

	writer->context->position = entry->position;
	writer->target->perminfo->updatedCols = entry->set->columns;
	refuse_second_time(writer, part);
	step_past_own_write(writer, conflict->existing);
	if (bms_is_empty(entry->set->columns))
	{
		bulk_conflict_check_visible(writer, part);
		return leave(writer, part, entry, BULK_UNCHANGED);
	}
	if (conflict->lock && !lock_existing(writer, part))
		return false;
	bulk_conflict_check_visible(writer, part);
	if (!is_wanted(writer, conflict, entry->slot))
		return leave(writer, part, entry, BULK_UNCHANGED);

	row = slot_for_result(writer, part, entry);
	make_row(conflict, entry, row);
	if (!fire_before(writer, part, row))
	{
		/* The trigger wants no update. */
		ExecClearTuple(row);
		return leave(writer, part, entry, BULK_SUPPRESSED);
	}
	check_row(writer, part, row);
	entry->old = conflict->existing->tts_tid;
	if (!store_row(writer, part, entry, row))
		return false;
	entry->outcome = BULK_UPDATED;
	return true;
}

/* Queue what is to follow the update. */
void
bulk_overwrite_triggers(BulkWriter *writer, BulkPart *part, BulkEntry *entry)
{
	if (!part->conflict->keep)
		return;
	writer->target->perminfo->updatedCols = entry->set->columns;
	ExecARUpdateTriggers(writer->target->estate, part->rri, NULL, NULL, &entry->old, NULL,
						 entry->stored, entry->recheck,
						 writer->capture == NULL ? writer->update_transition :
						 bulk_capture_own(writer->capture, true), false);
	if (writer->capture != NULL)
		bulk_capture_row(writer->capture, part, &entry->old, entry->stored);
}
