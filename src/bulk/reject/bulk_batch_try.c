/*
 * bulk_batch_try.c
 *		One step in a subtransaction: kept, or rolled back with an error, and the
 *		row that the error is about.
 *
 * Called by bulk_batch_read.c, bulk_batch_inspect.c and bulk_batch_write.c.
 */
#include "bulk/reject/bulk_batch.h"

#include "utils/memutils.h"

static void
open_attempt(BulkBatch *batch)
{
	if (batch->attempt.open)
		return;
	bulk_attempt_begin(&batch->attempt);
	bulk_index_mark(batch->writer);
	batch->inspected = false;
}

void
bulk_batch_keep(BulkBatch *batch)
{
	bulk_attempt_keep(&batch->attempt);
	if (batch->writer->capture != NULL)
		bulk_capture_keep(batch->writer->capture);
}

/* What is known of the attempt, which was rolled back, is not true any more. */
void
bulk_batch_forget(BulkBatch *batch)
{
	BulkWriter *writer = batch->writer;

	if (writer->capture != NULL)
		bulk_capture_forget(writer->capture);
	bulk_index_rollback(writer);
	if (batch->inspected || batch->by_row)
		bulk_writer_forget(writer);
	if (batch->by_row)
		bulk_writer_discard(writer);
	batch->to_inspect |= batch->inspected;
	batch->intake.context->column = NULL;
	batch->intake.context->last_row = 0;
}

/* Of an update, the new row; the old one may be another row's that was inserted. */
static void
note_slot(BulkBatch *batch, const ResultRelInfo *rri)
{
	const TupleTableSlot *slot = rri->ri_TrigNewSlot;

	if (slot == NULL || TTS_EMPTY(slot))
		slot = rri->ri_TrigOldSlot;
	if (slot == NULL || TTS_EMPTY(slot))
		return;
	batch->fired = slot->tts_tid;
	batch->fired_relid = RelationGetRelid(rri->ri_RelationDesc);
}

static void
clear_slot(TupleTableSlot *slot)
{
	if (slot != NULL)
		ExecClearTuple(slot);
}

/* Before triggers fire: what is in the slots comes from updates. */
void
bulk_batch_forget_fired(BulkBatch *batch)
{
	const BulkWriter *writer = batch->writer;

	for (int i = 0; i < writer->nparts; i++)
	{
		clear_slot(writer->parts[i]->rri->ri_TrigOldSlot);
		clear_slot(writer->parts[i]->rri->ri_TrigNewSlot);
	}
}

/* Which row the trigger fired for whose error is being handled: the server left it in a slot. */
static void
note_fired(BulkBatch *batch)
{
	BulkWriter *writer = batch->writer;
	ListCell   *lc;

	ItemPointerSetInvalid(&batch->fired);
	if (batch->intake.stage != STAGE_FIRING)
		return;
	for (int i = 0; i < writer->nparts; i++)
		note_slot(batch, writer->parts[i]->rri);
	/* For rows of partitions the server has others than it has for routing. */
	foreach(lc, writer->target->estate->es_trig_target_relations)
		note_slot(batch, lfirst(lc));
}

/* One step in the attempt: NULL, or the error for which it was rolled back. */
ErrorData *
bulk_batch_try(BulkBatch *batch, void (*step) (BulkBatch *batch))
{
	ErrorData  *volatile error = NULL;
	volatile bool goes_on = true;

	open_attempt(batch);
	PG_TRY();
	{
		step(batch);
	}
	PG_CATCH();
	{
		goes_on = bulk_intake_blames(&batch->intake) && !bulk_index_is_broken(batch->writer);
		note_fired(batch);
		MemoryContextReset(batch->error_memory);
		error = bulk_attempt_abandon(&batch->attempt, batch->error_memory);
	}
	PG_END_TRY();
	if (!goes_on)
		ReThrowError(error);
	return error;
}

/* ---- the row to blame ---- */

static inline bool
is_fired_place(BulkBatch *batch, Oid relid, ItemPointer tid)
{
	return relid == batch->fired_relid && ItemPointerIsValid(tid) &&
		ItemPointerEquals(tid, &batch->fired);
}

static bool
is_fired(BulkBatch *batch, int number)
{
	BatchRow   *row = &batch->rows[number];
	BulkEntry  *entry;

	if (batch->by_row)
		return is_fired_place(batch, row->relid, &row->tid);
	entry = bulk_writer_entry(batch->writer, number);
	return is_fired_place(batch, entry->slot->tts_tableOid, &entry->slot->tts_tid);
}

/* The row that the error is about; -1 if that is not known. */
int
bulk_batch_culprit(BulkBatch *batch, int from, int to)
{
	const BulkContext *context = batch->intake.context;
	bool		fired = ItemPointerIsValid(&batch->fired);

	if (!fired && (batch->intake.stage == STAGE_FIRING || context->last_row != 0))
		return -1;
	for (int i = from; i < to; i++)
		if (fired ? is_fired(batch, i) :
			batch->rows[i].input.position.row == context->position.row)
			return i;
	return -1;
}
