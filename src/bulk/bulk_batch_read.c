/*
 * bulk_batch_read.c
 *		The rows of a batch: read, and made as far as nothing is left behind.
 *
 * Fields and raw rows stay valid until the batch is done.  Called by
 * bulk_batch.c.
 */
#include "bulk_batch.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* A batch is full when its rows and their input take this much, in bytes. */
#define BATCH_BYTES		(8 * 1024 * 1024)

static BulkEntry
present_row(const BulkBatch *batch)
{
	BulkEntry	entry = {
		.position = batch->context->position,
		.raw = batch->reader->raw,
		.raw_len = batch->reader->raw_len
	};

	return entry;
}

/* The row that was read, until the batch is done. */
static BatchRow *
note_row(BulkBatch *batch)
{
	BulkReader *reader = batch->reader;
	Size		size = reader->schema->ncolumns * sizeof(BulkField);
	BatchRow   *row = &batch->rows[batch->nrows];

	row->input = present_row(batch);
	row->alone = false;
	row->fields = MemoryContextAlloc(reader->row_memory, Max(size, 1));
	memcpy(row->fields, reader->fields, size);
	batch->bytes += size + row->input.raw_len;
	return row;
}

/* Make the row, to be written later; false if that cannot be. */
static bool
make_row(BulkBatch *batch, BatchRow *row)
{
	BulkTarget *target = batch->writer->target;
	TupleTableSlot *slot;

	if (bulk_coerce_defaults(target, row->fields))
		return false;
	slot = bulk_writer_slot(batch->writer);
	bulk_coerce_row(target, batch->context, row->fields, slot);
	return bulk_writer_hold(batch->writer, slot);
}

static void
make_present_row(BulkBatch *batch)
{
	EState	   *estate = batch->writer->target->estate;
	BatchRow   *row = note_row(batch);
	MemoryContext oldcontext;

	batch->stage = STAGE_MAKING;
	if (!batch->by_row)
	{
		oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
		batch->by_row = !make_row(batch, row);
		MemoryContextSwitchTo(oldcontext);
		ResetPerTupleExprContext(estate);
		if (batch->by_row)
			bulk_writer_discard(batch->writer);
	}
	batch->nrows++;
}

static bool
is_full(const BulkBatch *batch)
{
	return batch->nrows == BULK_BATCH_ROWS || bulk_rejects_are_full(batch->rejects) ||
		batch->bytes + batch->writer->bytes >= BATCH_BYTES;
}

/* Step behind the row that could not be read, and reject it. */
static void
step_behind(BulkBatch *batch)
{
	BulkReader *reader = batch->reader;
	BulkPosition position = batch->context->position;
	ErrorData  *error = batch->broken;
	BulkEntry	entry;

	batch->stage = STAGE_RESUMING;
	if (reader->resume == NULL || !reader->resume(reader))
		ReThrowError(error);
	batch->broken = NULL;
	entry = present_row(batch);
	entry.position = position;
	bulk_batch_reject(batch, NULL, &entry, NULL, error);
}

static void
fill_batch(BulkBatch *batch)
{
	BulkReader *reader = batch->reader;

	if (batch->broken != NULL)
		step_behind(batch);
	while (!is_full(batch))
	{
		CHECK_FOR_INTERRUPTS();
		batch->stage = STAGE_READING;
		if (!reader->next(reader))
		{
			batch->at_end = true;
			break;
		}
		make_present_row(batch);
	}
}

/* Read rows until the batch is full; the attempt stays open if none failed at the end. */
void
bulk_batch_read(BulkBatch *batch)
{
	ErrorData  *error;

	while ((error = bulk_batch_try(batch, fill_batch)) != NULL)
	{
		if (batch->stage == STAGE_READING)
			batch->broken = error;
		else
		{
			BatchRow   *row = &batch->rows[batch->nrows];

			bulk_batch_reject(batch, NULL, &row->input, row->fields, error);
		}
		bulk_batch_forget(batch);
	}
}
