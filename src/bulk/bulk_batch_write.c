/*
 * bulk_batch_write.c
 *		The rows of a batch into the table, in runs that can be repeated.
 *
 * A run that fails is written again without the row to blame; which rows may
 * fail is looked up before, as far as that is cheaper.  Called by bulk_batch.c.
 */
#include "bulk_batch.h"

#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"

/* Shortest run to begin with after a failure, in rows. */
#define SHORTEST_RUN	12

/* Runs have this part of the rows that came since the last failure. */
#define RUN_SHARE		8

/* Batches for which conflicts are looked for, after one was seen. */
#define PROBED_BATCHES	16

/* ---- what speaks against rows, before they are written ---- */

/*
 * Mark the rows that have no parent, or that unique constraints will refuse, so
 * that they are tried by themselves.  What is marked wrongly only costs time.
 */
static void
inspect_rows(BulkBatch *batch)
{
	BulkWriter *writer = batch->writer;

	batch->stage = STAGE_INSPECTING;
	batch->inspected = true;
	memset(&batch->context->position, 0, sizeof(BulkPosition));
	bulk_writer_inspect(writer, batch->from);
	if (batch->probed > 0)
	{
		if (batch->probe == NULL)
			batch->probe = bulk_taken_begin(writer);
		bulk_taken_rows(batch->probe, batch->from);
	}
	for (int i = batch->from; i < batch->nrows; i++)
		batch->rows[i].alone |= bulk_writer_entry(writer, i)->suspect;
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

static void
inspect(BulkBatch *batch)
{
	int			culprit;

	batch->to_inspect = false;
	if (bulk_batch_try(batch, inspect_rows) == NULL)
		return;
	culprit = bulk_batch_culprit(batch, batch->from, batch->nrows);
	bulk_batch_forget(batch);
	if (culprit >= 0)
		batch->rows[culprit].alone = bulk_writer_entry(batch->writer, culprit)->suspect = true;
	else
		batch->to_inspect = false;	/* the rows themselves will show it */
}

/* ---- writing ---- */

static bool
is_rejected(const BulkBatch *batch, int number)
{
	return batch->rows[number].input.outcome == BULK_REJECTED;
}

static void
skip_rejected(BulkBatch *batch)
{
	while (batch->from < batch->nrows && is_rejected(batch, batch->from))
		batch->from++;
}

/* How many rows to try at once. */
static int
run_length(const BulkBatch *batch)
{
	int			length;

	if (batch->culprits > batch->from)
		return Max((batch->culprits - batch->from) / 2, 1);
	if (!batch->failed)
		return BULK_BATCH_ROWS;
	/* Rows that went well once need no care. */
	length = Max(SHORTEST_RUN, batch->sure - batch->from);
	return Min(Max((int64) (batch->clean / RUN_SHARE), length), BULK_BATCH_ROWS);
}

/* The next run; a row that is to be tried by itself is one. */
static void
choose_run(BulkBatch *batch)
{
	int			length = batch->rows[batch->from].alone ? 1 : run_length(batch);

	batch->to = batch->from + 1;
	while (batch->to < batch->nrows && batch->to - batch->from < length &&
		   !batch->rows[batch->to].alone)
		batch->to++;
}

/* Rows that must see those before them. */
static void
write_by_row(BulkBatch *batch)
{
	BulkWriter *writer = batch->writer;
	BulkTarget *target = writer->target;
	bool		each = bulk_capture_is_each(writer->capture);
	MemoryContext oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(target->estate));

	for (int i = batch->from; i < batch->to; i++)
	{
		BatchRow   *row = &batch->rows[i];
		TupleTableSlot *slot;

		CHECK_FOR_INTERRUPTS();
		if (is_rejected(batch, i))
			continue;
		batch->context->position = row->input.position;
		(void) bulk_coerce_defaults(target, row->fields);
		slot = bulk_writer_slot(writer);
		bulk_coerce_row(target, batch->context, row->fields, slot);
		writer->set = bulk_set_of(target, row->fields);
		if (each)
			bulk_capture_begin_row(writer->capture);
		bulk_writer_put(writer, slot);
		/* Here a part may be one that batches. */
		bulk_writer_flush(writer);
		if (each)
			bulk_capture_end_row(writer->capture);
		row->relid = writer->last_relid;
		row->tid = writer->last_tid;
		ResetPerTupleExprContext(target->estate);
	}
	MemoryContextSwitchTo(oldcontext);
}

static void
write_held(BulkBatch *batch)
{
	if (batch->probe != NULL && batch->rows[batch->from].alone)
		bulk_taken_refuse(batch->probe, batch->from);
	batch->inspected |= bulk_writer_inspect_again(batch->writer, batch->from, batch->to);
	bulk_writer_write(batch->writer, batch->from, batch->to);
}

static void
write_run(BulkBatch *batch)
{
	EState	   *estate = batch->writer->target->estate;

	batch->stage = STAGE_WRITING;
	AfterTriggerBeginQuery();
	if (batch->by_row)
		write_by_row(batch);
	else
		write_held(batch);
	bulk_batch_forget_fired(batch);
	batch->stage = STAGE_FIRING;
	memset(&batch->context->position, 0, sizeof(BulkPosition));
	AfterTriggerEndQuery(estate);
	ResetPerTupleExprContext(estate);
}

/* The row as it was made, if it got so far in the attempt that failed; else NULL. */
static const BulkPlace *
find_made(const BulkBatch *batch, int number)
{
	const BulkWriter *writer = batch->writer;
	const BulkPlace *place;

	if (!batch->by_row)
		return &writer->order[number];
	/* Each one is written before the next one is made. */
	place = writer->nbuffered > 0 ? &writer->order[0] : NULL;
	if (place == NULL || place->part->entries[place->entry].position.row !=
		batch->rows[number].input.position.row)
		return NULL;
	return place;
}

static void
reject_number(BulkBatch *batch, int number, const ErrorData *error)
{
	BatchRow   *row = &batch->rows[number];
	const BulkPlace *place = find_made(batch, number);

	batch->context->position = row->input.position;
	if (place != NULL)
	{
		BulkEntry  *made = &place->part->entries[place->entry];

		made->outcome = BULK_REJECTED;
		row->input.slot = made->slot;
	}
	bulk_batch_reject(batch, place != NULL ? place->part : NULL, &row->input, row->fields, error);
}

/* A failure that was not foreseen: foresee the next ones, or go on in shorter runs. */
static void
note_failure(BulkBatch *batch, int sqlerrcode)
{
	bool		conflict = sqlerrcode == ERRCODE_UNIQUE_VIOLATION ||
		sqlerrcode == ERRCODE_EXCLUSION_VIOLATION;

	/* What a conflict means otherwise, the writer knows. */
	if (conflict && !batch->by_row && batch->probed == 0 &&
		batch->writer->options->on_conflict == BULK_CONFLICT_ERROR)
	{
		batch->probed = PROBED_BATCHES;
		batch->to_inspect = true;
		return;
	}
	batch->failed = true;
	batch->clean = 0;
}

static bool
has_after_row_trigger(const BulkWriter *writer)
{
	for (int i = 0; i < writer->nparts; i++)
	{
		const TriggerDesc *triggers = writer->parts[i]->rri->ri_TrigDesc;

		if (triggers != NULL &&
			(triggers->trig_insert_after_row ||
			 (writer->target->sets != NULL && triggers->trig_update_after_row)))
			return true;
	}
	return false;
}

/* Are all rows of the run before the culprit good for sure? */
static bool
is_decided(const BulkBatch *batch, int culprit)
{
	return culprit == batch->from ||
		(culprit > batch->from &&
		 (batch->stage == STAGE_FIRING || bulk_capture_is_each(batch->writer->capture) ||
		  !has_after_row_trigger(batch->writer)));
}

/* Note what is known of the run that failed, and reject its row if that is certain. */
static void
judge_run(BulkBatch *batch, const ErrorData *error)
{
	int			culprit = bulk_batch_culprit(batch, batch->from, batch->to);

	if (batch->rows[batch->from].alone)
	{
		if (batch->probed > 0)
			batch->probed = PROBED_BATCHES;
	}
	else if (batch->culprits == 0)
		note_failure(batch, error->sqlerrcode);

	if (batch->to - batch->from == 1)
		culprit = batch->from;
	batch->sure = culprit;
	batch->culprits = 0;
	if (is_decided(batch, culprit))
		reject_number(batch, culprit, error);
	else if (culprit > batch->from)
		batch->rows[culprit].alone = true;
	else
		batch->culprits = batch->to;
	skip_rejected(batch);
}

/* Write the next run, or learn something about it. */
static void
write_next_run(BulkBatch *batch)
{
	ErrorData  *error;

	if (must_inspect(batch))
		inspect(batch);
	choose_run(batch);
	memcpy(batch->settled, batch->writer->counts, sizeof(batch->settled));
	error = bulk_batch_try(batch, write_run);
	if (error == NULL)
	{
		bulk_batch_keep(batch);
		batch->clean += batch->to - batch->from;
		batch->from = batch->to;
		skip_rejected(batch);
		return;
	}
	memcpy(batch->writer->counts, batch->settled, sizeof(batch->settled));
	judge_run(batch, error);
	bulk_batch_forget(batch);
}

void
bulk_batch_write(BulkBatch *batch)
{
	batch->from = 0;
	batch->sure = 0;
	batch->culprits = 0;
	batch->to_inspect = true;
	while (batch->from < batch->nrows)
		write_next_run(batch);
	if (batch->attempt.open)
		bulk_batch_keep(batch);
	if (!batch->by_row)
		bulk_writer_clear(batch->writer);
	batch->probed = Max(batch->probed - 1, 0);
}
