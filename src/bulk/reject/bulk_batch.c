/*
 * bulk_batch.c
 *		A load that bad rows do not stop.
 *
 * Rows are read and made in batches, each in one subtransaction as long as
 * nothing goes wrong.  Making a row (reading, coercion, checks) leaves nothing
 * behind, so when that fails the rows before it are kept, and the batch goes on
 * in a new subtransaction.
 *
 * Then the rows are written in runs, in their order.  When a run fails it is
 * rolled back and written again without the row to blame.  If rows before that
 * one may yet fail, as triggers fire after the rows, they go first and it is
 * tried alone; if it is not known which one it is, the run is halved.  So a row
 * is rejected only when all rows before it are good or rejected: what comes out
 * is what an INSERT for each row would have left.
 *
 * Rows that must see those before them, or whose making has side effects
 * (BEFORE ROW triggers, volatile functions), are made as they are written, and
 * made again from their fields when the run is repeated.
 *
 * Called by bulk_load.c.
 */
#include "bulk/reject/bulk_batch.h"

#include "utils/memutils.h"

/* Put a row aside, with the error; part: NULL if it was not made, fields: if it was not read. */
void
bulk_batch_reject(BulkBatch *batch, const BulkPart *part, BulkEntry *entry,
				  const BulkField *fields, const ErrorData *error)
{
	BulkNote   *note = batch->writer->note;

	entry->outcome = BULK_REJECTED;
	bulk_writer_settle(batch->writer, entry);
	bulk_rejects_add(batch->intake.rejects, entry, fields, error);
	if (note != NULL)
		note->row(note, part, entry);
}

static void
reject_unmade(BulkIntake *intake, BulkEntry *entry, const BulkField *fields,
			  const ErrorData *error)
{
	bulk_batch_reject((BulkBatch *) intake, NULL, entry, fields, error);
}

/* Nothing of the batch is needed any more. */
static void
end_batch(BulkBatch *batch)
{
	BulkNote   *note = batch->writer->note;

	if (note != NULL && note->keep != NULL)
		note->keep(note);
	bulk_intake_release(&batch->intake);
	bulk_set_forget(batch->writer->target);
}

/* A load of all rows but the bad ones, which rejects takes; in the current memory context. */
BulkBatch *
bulk_batch_begin(BulkReader *reader, BulkWriter *writer, BulkRejects *rejects)
{
	BulkBatch  *batch = palloc0(sizeof(BulkBatch));

	bulk_intake_begin(&batch->intake, reader, rejects);
	batch->intake.max_rows = BULK_BATCH_ROWS;
	batch->intake.make = bulk_batch_make;
	batch->intake.reject = reject_unmade;
	batch->writer = writer;
	batch->attempt.writer = writer;
	batch->error_memory = AllocSetContextCreate(CurrentMemoryContext, "pg_purser error",
												ALLOCSET_SMALL_SIZES);
	batch->by_row = !writer->batched || bulk_capture_is_each(writer->capture);
	writer->holds = !batch->by_row;
	return batch;
}

/* Load some more rows; false if there are none. */
bool
bulk_batch_next(BulkBatch *batch)
{
	if (batch->intake.at_end)
		return false;
	bulk_batch_read(batch);
	bulk_batch_write(batch);
	end_batch(batch);
	return true;
}
