/*
 * bulk_batch_inspect.c
 *		What speaks against rows of a batch before they are written: parents
 *		that are not there, keys that are taken.
 *
 * To look it up is cheaper than to have a run fail.  Called by
 * bulk_batch_write.c.
 */
#include "bulk/reject/bulk_batch.h"

#include "executor/executor.h"

/*
 * Mark the rows that have no parent, or that unique constraints may refuse, so
 * that they are tried by themselves.  What is marked wrongly only costs time.
 * Rows that are refused for sure are left out of their run.
 */
static void
inspect_rows(BulkBatch *batch)
{
	BulkWriter *writer = batch->writer;

	batch->intake.stage = STAGE_INSPECTING;
	batch->inspected = true;
	memset(&batch->intake.context->position, 0, sizeof(BulkPosition));
	bulk_writer_inspect(writer, batch->from);
	if (batch->probed > 0)
	{
		if (batch->probe == NULL)
			batch->probe = bulk_taken_begin(writer);
		bulk_taken_rows(batch->probe, batch->from);
	}
	for (int i = batch->from; i < batch->intake.nrows; i++)
	{
		const BulkEntry *entry = bulk_writer_entry(writer, i);

		batch->rows[i].alone |= entry->suspect && entry->refusal == 0;
	}
	ResetPerTupleExprContext(writer->target->estate);
}

static bool
has_foreign(const BulkWriter *writer)
{
	for (int i = 0; i < writer->nparts; i++)
		if (writer->parts[i]->foreign != NULL)
			return true;
	return false;
}

static bool
must_inspect(const BulkBatch *batch)
{
	return batch->to_inspect && !batch->by_row && !batch->rows[batch->from].alone &&
		(batch->probed > 0 || has_foreign(batch->writer));
}

/* Before a run, if there may be something. */
void
bulk_batch_inspect(BulkBatch *batch)
{
	int			culprit;

	if (!must_inspect(batch))
		return;
	batch->to_inspect = false;
	if (bulk_batch_try(batch, inspect_rows) == NULL)
		return;
	culprit = bulk_batch_culprit(batch, batch->from, batch->intake.nrows);
	bulk_batch_forget(batch);
	if (culprit >= 0)
		batch->rows[culprit].alone = bulk_writer_entry(batch->writer, culprit)->suspect = true;
	else
		batch->to_inspect = false;	/* the rows themselves will show it */
}

/* Is the row that is in the way there, or will it be if the run goes well? */
static bool
is_rival_good(const BulkBatch *batch, const BulkEntry *entry)
{
	if (entry->rival < 0)
		return true;
	return !bulk_batch_is_rejected(batch, entry->rival) && !batch->rows[entry->rival].alone &&
		!bulk_writer_entry(batch->writer, entry->rival)->suspect;
}

/* Is the row to be tried by itself?  If not, it is decided whether it is written at all. */
bool
bulk_batch_is_alone(BulkBatch *batch, int number)
{
	BulkEntry  *entry;

	if (batch->by_row)
		return batch->rows[number].alone;
	entry = bulk_writer_entry(batch->writer, number);
	if (entry->refusal > 0 && !is_rival_good(batch, entry))
	{
		entry->refusal = 0;
		batch->rows[number].alone = true;
	}
	entry->refused = entry->refusal > 0 && !batch->rows[number].alone &&
		!bulk_batch_is_rejected(batch, number);
	return batch->rows[number].alone;
}
