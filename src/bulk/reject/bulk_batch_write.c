/*
 * bulk_batch_write.c
 *		The rows of a batch into the table, in runs that can be repeated.
 *
 * A run that fails is written again without the row to blame.  Called by
 * bulk_batch.c.
 */
#include "bulk/reject/bulk_batch.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"

/* Shortest run to begin with after a failure, in rows. */
#define SHORTEST_RUN	20

/* Runs have this part of the rows that came since the last failure. */
#define RUN_SHARE		8

static void
skip_rejected(BulkBatch *batch)
{
	while (batch->from < batch->intake.nrows && bulk_batch_is_rejected(batch, batch->from))
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
	int			length = bulk_batch_is_alone(batch, batch->from) ? 1 : run_length(batch);

	batch->to = batch->from + 1;
	while (batch->to < batch->intake.nrows && batch->to - batch->from < length &&
		   !bulk_batch_is_alone(batch, batch->to))
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

	/* They may look at rows that were held before. */
	bulk_index_flush(writer);
	for (int i = batch->from; i < batch->to; i++)
	{
		BatchRow   *row = &batch->rows[i];
		TupleTableSlot *slot;

		CHECK_FOR_INTERRUPTS();
		if (bulk_batch_is_rejected(batch, i))
			continue;
		batch->intake.context->position = row->input.position;
		(void) bulk_coerce_defaults(target, row->fields);
		slot = bulk_writer_slot(writer);
		bulk_coerce_row(target, batch->intake.context, row->fields, slot);
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

/* The run's other rows are in the table: say why those were refused. */
static void
note_refusals(BulkBatch *batch)
{
	MemoryContext memory = batch->intake.reader->row_memory;

	for (int i = batch->from; i < batch->to; i++)
		if (bulk_writer_entry(batch->writer, i)->refused)
			batch->rows[i].refusal = bulk_taken_error(batch->probe, i, memory);
}

/* Do triggers fire for rows of some part that may look at those of another? */
static bool
may_look(const BulkWriter *writer)
{
	for (int i = 0; i < writer->nparts; i++)
	{
		const BulkPart *part = writer->parts[i];
		const TriggerDesc *triggers = part->rri->ri_TrigDesc;

		if (triggers != NULL && triggers->trig_insert_after_row &&
			(part->foreign == NULL || !bulk_foreign_is_all(part->foreign)))
			return true;
	}
	return false;
}

static void
write_run(BulkBatch *batch)
{
	EState	   *estate = batch->writer->target->estate;

	batch->intake.stage = STAGE_WRITING;
	AfterTriggerBeginQuery();
	if (batch->by_row)
		write_by_row(batch);
	else
		write_held(batch);
	bulk_batch_forget_fired(batch);
	if (may_look(batch->writer))
		bulk_index_flush(batch->writer);
	batch->intake.stage = STAGE_FIRING;
	memset(&batch->intake.context->position, 0, sizeof(BulkPosition));
	AfterTriggerEndQuery(estate);
	if (!batch->by_row)
		note_refusals(batch);
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

	batch->intake.context->position = row->input.position;
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
		batch->probed = BATCH_PROBES;
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

/* Is the culprit bad, and are all rows of the run before it good for sure? */
static bool
is_decided(const BulkBatch *batch, int culprit, const ErrorData *error)
{
	/* It may only have come too early: bulk_overwrite.c. */
	return culprit == batch->from ||
		(culprit > batch->from && error->sqlerrcode != ERRCODE_CARDINALITY_VIOLATION &&
		 (batch->intake.stage == STAGE_FIRING || bulk_capture_is_each(batch->writer->capture) ||
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
			batch->probed = BATCH_PROBES;
	}
	else if (batch->culprits == 0)
		note_failure(batch, error->sqlerrcode);

	if (batch->to - batch->from == 1)
		culprit = batch->from;
	batch->sure = culprit;
	batch->culprits = 0;
	if (is_decided(batch, culprit, error))
		reject_number(batch, culprit, error);
	else if (culprit > batch->from)
		batch->rows[culprit].alone = true;
	else
		batch->culprits = batch->to;
	skip_rejected(batch);
}

/* The rows of the run that were left out; where there are some, there may be more. */
static void
reject_refused(BulkBatch *batch)
{
	for (int i = batch->from; i < batch->to; i++)
	{
		if (batch->rows[i].refusal == NULL)
			continue;
		reject_number(batch, i, batch->rows[i].refusal);
		batch->probed = BATCH_PROBES;
	}
}

/* Do triggers fire after rows that may run commands? */
static bool
may_change(const BulkWriter *writer)
{
	for (int i = 0; i < writer->nparts; i++)
		if (bulk_foreign_may_change(writer->parts[i]->rri->ri_TrigDesc))
			return true;
	return false;
}

/* The run into the table, for good; or the error for which it is not there. */
static ErrorData *
try_run(BulkBatch *batch)
{
	CommandId	command = GetCurrentCommandId(false);
	ErrorData  *error = bulk_batch_try(batch, write_run);

	if (error == NULL)
		bulk_batch_keep(batch);
	/* Then the only commands are those of foreign keys and subtransactions. */
	if (!batch->by_row && !may_change(batch->writer))
		bulk_writer_follow(batch->writer, command);
	return error;
}

/* Write the next run, or learn something about it. */
static void
write_next_run(BulkBatch *batch)
{
	ErrorData  *error;

	bulk_batch_inspect(batch);
	choose_run(batch);
	memcpy(batch->settled, batch->writer->counts, sizeof(batch->settled));
	error = try_run(batch);
	if (error == NULL)
	{
		batch->clean += batch->to - batch->from;
		reject_refused(batch);
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
	while (batch->from < batch->intake.nrows)
		write_next_run(batch);
	if (batch->attempt.open)
		bulk_batch_keep(batch);
	if (!batch->by_row)
		bulk_writer_clear(batch->writer);
	batch->probed = Max(batch->probed - 1, 0);
}
