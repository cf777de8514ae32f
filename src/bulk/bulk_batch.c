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
 * Fields and raw rows stay valid until the batch is done.  Called by bulk_load.c.
 */
#include "bulk.h"

#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* A batch is full when its rows and their input take this much, in bytes. */
#define BATCH_BYTES		(8 * 1024 * 1024)

/* Shortest run to begin with after a failure, in rows. */
#define SHORTEST_RUN	12

/* Runs have this part of the rows that came since the last failure. */
#define RUN_SHARE		8

/* Batches for which conflicts are looked for, after one was seen. */
#define PROBED_BATCHES	16

typedef struct BatchRow
{
	BulkEntry	input;			/* position and raw row */
	BulkField  *fields;
	Oid			relid;			/* in this attempt, if made as it was written */
	ItemPointerData tid;		/* likewise */
	bool		alone;			/* something speaks against it: to be tried by itself */
} BatchRow;

typedef enum BatchStage
{
	STAGE_RESUMING,
	STAGE_READING,
	STAGE_MAKING,
	STAGE_INSPECTING,
	STAGE_WRITING,
	STAGE_FIRING
} BatchStage;

struct BulkBatch
{
	BulkReader *reader;
	BulkWriter *writer;
	BulkRejects *rejects;
	BulkContext *context;
	BulkAttempt attempt;
	MemoryContext error_memory; /* of the last error */
	BatchStage	stage;
	bool		at_end;			/* of the input */
	bool		by_row;			/* rows are made as they are written */
	ErrorData  *broken;			/* the reader has to step behind the row of this error */
	uint64		settled[BULK_NOUTCOMES];	/* before the run */
	ItemPointerData fired;		/* the row that the error's trigger fired for; or invalid */
	Oid			fired_relid;	/* likewise: its table */

	int			nrows;
	Size		bytes;
	BatchRow	rows[BULK_BATCH_ROWS];

	/* The run that is being written, and what is known of the rows from there on. */
	int			from;
	int			to;
	int			sure;			/* rows before this one went well once */
	int			culprits;		/* rows before this one include one that fails; 0: none known */
	bool		to_inspect;		/* it was not seen yet what speaks against rows */
	bool		inspected;		/* it was, within this attempt */

	uint64		clean;			/* rows since the last failure */
	bool		failed;			/* there was one */
	int			probed;			/* batches that are still to be probed for conflicts */
	BulkTaken  *probe;			/* when first needed */
};

/* ---- attempts ---- */

static void
open_attempt(BulkBatch *batch)
{
	if (batch->attempt.open)
		return;
	bulk_attempt_begin(&batch->attempt);
	batch->inspected = false;
}

static void
keep_attempt(BulkBatch *batch)
{
	bulk_attempt_keep(&batch->attempt);
	if (batch->writer->capture != NULL)
		bulk_capture_keep(batch->writer->capture);
}

/* What is known of the attempt, which was rolled back, is not true any more. */
static void
forget_attempt(BulkBatch *batch)
{
	BulkWriter *writer = batch->writer;

	if (writer->capture != NULL)
		bulk_capture_forget(writer->capture);
	if (batch->inspected || batch->by_row)
		bulk_writer_forget(writer);
	if (batch->by_row)
		bulk_writer_discard(writer);
	batch->to_inspect |= batch->inspected;
	batch->context->column = NULL;
	batch->context->last_row = 0;
}

/* May the error that is being handled cost a row, and no more? */
static bool
is_row_error(const BulkBatch *batch)
{
	if (batch->stage == STAGE_RESUMING)
		return false;
	/* Before the first row, there is none to blame. */
	if (batch->stage == STAGE_READING && batch->context->position.row == 0)
		return false;
	return bulk_blame_row(geterrcode());
}

static void
note_slot(BulkBatch *batch, const ResultRelInfo *rri)
{
	const TupleTableSlot *slot = rri->ri_TrigOldSlot;

	if (slot == NULL || TTS_EMPTY(slot))
		return;
	batch->fired = slot->tts_tid;
	batch->fired_relid = RelationGetRelid(rri->ri_RelationDesc);
}

/* Which row the trigger fired for whose error is being handled: the server left it in a slot. */
static void
note_fired(BulkBatch *batch)
{
	BulkWriter *writer = batch->writer;
	ListCell   *lc;

	ItemPointerSetInvalid(&batch->fired);
	if (batch->stage != STAGE_FIRING)
		return;
	for (int i = 0; i < writer->nparts; i++)
		note_slot(batch, writer->parts[i]->rri);
	/* For rows of partitions the server has others than it has for routing. */
	foreach(lc, writer->target->estate->es_trig_target_relations)
		note_slot(batch, lfirst(lc));
}

/* One step in the attempt: NULL, or the error for which it was rolled back. */
static ErrorData *
attempt(BulkBatch *batch, void (*step) (BulkBatch *batch))
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
		goes_on = is_row_error(batch);
		note_fired(batch);
		MemoryContextReset(batch->error_memory);
		error = bulk_attempt_abandon(&batch->attempt, batch->error_memory);
	}
	PG_END_TRY();
	if (!goes_on)
		ReThrowError(error);
	return error;
}

/* ---- reading and making ---- */

static void
reject(BulkBatch *batch, BulkEntry *entry, const BulkField *fields, const ErrorData *error)
{
	entry->outcome = BULK_REJECTED;
	bulk_writer_settle(batch->writer, entry);
	bulk_rejects_add(batch->rejects, entry, fields, error);
}

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
	reject(batch, &entry, NULL, error);
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
static void
read_batch(BulkBatch *batch)
{
	ErrorData  *error;

	while ((error = attempt(batch, fill_batch)) != NULL)
	{
		if (batch->stage == STAGE_READING)
			batch->broken = error;
		else
		{
			BatchRow   *row = &batch->rows[batch->nrows];

			reject(batch, &row->input, row->fields, error);
		}
		forget_attempt(batch);
	}
}

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
must_inspect(const BulkBatch *batch)
{
	return batch->to_inspect && !batch->by_row && !batch->rows[batch->from].alone;
}

static bool
is_fired(BulkBatch *batch, int number)
{
	BatchRow   *row = &batch->rows[number];
	BulkEntry  *entry;

	if (batch->by_row)
		return row->relid == batch->fired_relid && ItemPointerEquals(&row->tid, &batch->fired);
	entry = bulk_writer_entry(batch->writer, number);
	return entry->slot->tts_tableOid == batch->fired_relid &&
		ItemPointerEquals(&entry->slot->tts_tid, &batch->fired);
}

/* The row that the error is about; -1 if that is not known. */
static int
find_culprit(BulkBatch *batch, int from, int to)
{
	const BulkContext *context = batch->context;
	bool		fired = ItemPointerIsValid(&batch->fired);

	if (!fired && (batch->stage == STAGE_FIRING || context->last_row != 0))
		return -1;
	for (int i = from; i < to; i++)
		if (fired ? is_fired(batch, i) :
			batch->rows[i].input.position.row == context->position.row)
			return i;
	return -1;
}

static void
inspect(BulkBatch *batch)
{
	int			culprit;

	batch->to_inspect = false;
	if (attempt(batch, inspect_rows) == NULL)
		return;
	culprit = find_culprit(batch, batch->from, batch->nrows);
	forget_attempt(batch);
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
	BulkTarget *target = batch->writer->target;
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
		slot = bulk_writer_slot(batch->writer);
		bulk_coerce_row(target, batch->context, row->fields, slot);
		bulk_writer_put(batch->writer, slot);
		/* Here a part may be one that batches. */
		bulk_writer_flush(batch->writer);
		row->relid = batch->writer->last_relid;
		row->tid = batch->writer->last_tid;
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
	batch->stage = STAGE_FIRING;
	memset(&batch->context->position, 0, sizeof(BulkPosition));
	AfterTriggerEndQuery(estate);
	ResetPerTupleExprContext(estate);
}

static void
reject_number(BulkBatch *batch, int number, const ErrorData *error)
{
	BatchRow   *row = &batch->rows[number];

	batch->context->position = row->input.position;
	reject(batch, &row->input, row->fields, error);
	if (!batch->by_row)
		bulk_writer_entry(batch->writer, number)->outcome = BULK_REJECTED;
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

		if (triggers != NULL && triggers->trig_insert_after_row)
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
		 (batch->stage == STAGE_FIRING || !has_after_row_trigger(batch->writer)));
}

/* Note what is known of the run that failed, and reject its row if that is certain. */
static void
judge_run(BulkBatch *batch, const ErrorData *error)
{
	int			culprit = find_culprit(batch, batch->from, batch->to);

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
	error = attempt(batch, write_run);
	if (error == NULL)
	{
		keep_attempt(batch);
		batch->clean += batch->to - batch->from;
		batch->from = batch->to;
		skip_rejected(batch);
		return;
	}
	memcpy(batch->writer->counts, batch->settled, sizeof(batch->settled));
	judge_run(batch, error);
	forget_attempt(batch);
}

static void
write_batch(BulkBatch *batch)
{
	batch->from = 0;
	batch->sure = 0;
	batch->culprits = 0;
	batch->to_inspect = true;
	while (batch->from < batch->nrows)
		write_next_run(batch);
	if (batch->attempt.open)
		keep_attempt(batch);
	if (!batch->by_row)
		bulk_writer_clear(batch->writer);
	batch->probed = Max(batch->probed - 1, 0);
}

/* Nothing of the batch is needed any more. */
static void
end_batch(BulkBatch *batch)
{
	BulkReader *reader = batch->reader;

	if (bulk_rejects_are_full(batch->rejects) || batch->at_end)
		bulk_rejects_write(batch->rejects);
	MemoryContextReset(reader->row_memory);
	if (reader->source != NULL)
		bulk_source_release(reader->source);
	batch->nrows = 0;
	batch->bytes = 0;
}

/* A load of all rows but the bad ones, which rejects takes; in the current memory context. */
BulkBatch *
bulk_batch_begin(BulkReader *reader, BulkWriter *writer, BulkRejects *rejects)
{
	BulkBatch  *batch = palloc0(sizeof(BulkBatch));

	batch->reader = reader;
	batch->writer = writer;
	batch->rejects = rejects;
	batch->context = reader->context;
	batch->attempt.writer = writer;
	batch->error_memory = AllocSetContextCreate(CurrentMemoryContext, "pg_purser error",
												ALLOCSET_SMALL_SIZES);
	batch->by_row = !writer->batched;
	return batch;
}

/* Load some more rows; false if there are none. */
bool
bulk_batch_next(BulkBatch *batch)
{
	if (batch->at_end)
		return false;
	read_batch(batch);
	write_batch(batch);
	end_batch(batch);
	return true;
}
