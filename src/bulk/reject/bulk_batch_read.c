/*
 * bulk_batch_read.c
 *		The rows of a batch: read, and made as far as nothing is left behind.
 *
 * Called by bulk_batch.c.
 */
#include "bulk/reject/bulk_batch.h"

#include "executor/executor.h"

/* Make the row, to be written later; false if that cannot be. */
static bool
make_row(BulkBatch *batch, BatchRow *row)
{
	BulkTarget *target = batch->writer->target;
	TupleTableSlot *slot;

	if (bulk_coerce_defaults(target, row->fields))
		return false;
	slot = bulk_writer_slot(batch->writer);
	bulk_coerce_row(target, batch->intake.context, row->fields, slot);
	return bulk_writer_hold(batch->writer, slot);
}

/* The row that was read is the batch's next one. */
void
bulk_batch_make(BulkIntake *intake)
{
	BulkBatch  *batch = (BulkBatch *) intake;
	EState	   *estate = batch->writer->target->estate;
	BatchRow   *row = &batch->rows[intake->nrows];
	MemoryContext oldcontext;

	row->input = intake->entry;
	row->fields = intake->fields;
	row->alone = false;
	row->refusal = NULL;
	if (!batch->by_row)
	{
		oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
		batch->by_row = !make_row(batch, row);
		MemoryContextSwitchTo(oldcontext);
		ResetPerTupleExprContext(estate);
		if (batch->by_row)
			bulk_writer_discard(batch->writer);
		intake->made = batch->writer->bytes;
	}
	intake->nrows++;
}

static void
fill_batch(BulkBatch *batch)
{
	bulk_intake_fill(&batch->intake);
}

/* Read rows until the batch is full; the attempt stays open if none failed at the end. */
void
bulk_batch_read(BulkBatch *batch)
{
	ErrorData  *error;

	while ((error = bulk_batch_try(batch, fill_batch)) != NULL)
	{
		bulk_intake_failed(&batch->intake, error);
		bulk_batch_forget(batch);
	}
}
