/*
 * bulk_runs.c
 *		A load by statement that bad rows do not stop.
 *
 * Rows are read and made a chunk at a time.  Then they go into the relation in
 * runs, in their order: one statement over the rows of a run, which have no key
 * twice, in a subtransaction.  When it fails it is rolled back.  Where the
 * statement takes row after row, the one that it was at is to blame: those
 * before it go first, and then it is tried alone.  Otherwise the run is halved.
 * So a row is rejected only by a statement of its own, when all rows before it
 * are in or rejected: what comes out is what a statement for each row would
 * have left.
 *
 * A chunk has more rows after one without failures, so that many rows need few
 * statements.  Fields and raw rows stay valid until it is done.  Called by
 * bulk_load.c.
 */
#include "bulk.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* Rows of a chunk: at first, and at most; and what they may take with their input, in bytes. */
#define CHUNK_ROWS		1000
#define CHUNK_MOST_ROWS	64000
#define CHUNK_BYTES		(8 * 1024 * 1024)

/* Shortest run to begin with after a failure, in rows. */
#define SHORTEST_RUN	12

/* Runs have this part of the rows that came since the last failure. */
#define RUN_SHARE		8

typedef struct RunRow
{
	BulkEntry	input;			/* position, raw row, whether it is rejected */
	BulkField  *fields;
	bool		alone;			/* to be tried by itself */
} RunRow;

typedef enum RunStage
{
	STAGE_RESUMING,
	STAGE_READING,
	STAGE_MAKING,
	STAGE_PLANNING,
	STAGE_COMPARING,
	STAGE_WRITING
} RunStage;

struct BulkRuns
{
	BulkReader *reader;
	BulkRows   *rows;
	BulkRejects *rejects;
	BulkContext *context;
	const BulkOptions *options;
	uint64	   *counts;
	uint64		settled[BULK_NOUTCOMES];	/* before the run */
	BulkAttempt attempt;
	RunStage	stage;
	MemoryContext run_memory;	/* of the statement */
	MemoryContext error_memory; /* of the last error */
	bool		at_end;			/* of the input */
	ErrorData  *broken;			/* the reader has to step behind the row of this error */

	/* The chunk: arrays by number of the row. */
	int			max_rows;		/* of it */
	int			nrows;
	int			allocated;
	Size		bytes;
	RunRow	   *chunk;
	BulkPosition *positions;
	MinimalTuple *tuples;
	int		   *before;			/* the row that must not be in the same run, or -1 */

	/* The run that is being written, and what is known of the rows from there on. */
	int			from;
	int			to;
	int			sure;			/* rows before this one went well once */
	int			culprits;		/* rows before this one include one that fails; 0: none known */
	uint64		clean;			/* rows since a failure that named no row */
	bool		failed;			/* there was one */
	bool		chunk_failed;	/* a run of this chunk did */
};

/* ---- attempts ---- */

/* May the error that is being handled cost a row, and no more? */
static bool
is_row_error(const BulkRuns *runs)
{
	switch (runs->stage)
	{
		case STAGE_RESUMING:
		case STAGE_PLANNING:
			return false;
		case STAGE_READING:
			/* Before the first row, there is none to blame. */
			return runs->context->position.row != 0 && bulk_blame_row(geterrcode());
		case STAGE_WRITING:
			/* Before it reads rows, a statement fails for all of them: privileges. */
			return runs->rows->started && bulk_blame_row(geterrcode());
		default:
			return bulk_blame_row(geterrcode());
	}
}

/* One step in the attempt: NULL, or the error for which it was rolled back. */
static ErrorData *
attempt(BulkRuns *runs, void (*step) (BulkRuns *runs))
{
	ErrorData  *volatile error = NULL;
	volatile bool goes_on = true;

	if (!runs->attempt.open)
		bulk_attempt_begin(&runs->attempt);
	PG_TRY();
	{
		step(runs);
	}
	PG_CATCH();
	{
		goes_on = is_row_error(runs);
		MemoryContextReset(runs->error_memory);
		error = bulk_attempt_abandon(&runs->attempt, runs->error_memory);
		ResetPerTupleExprContext(runs->rows->target->estate);
	}
	PG_END_TRY();
	if (!goes_on)
		ReThrowError(error);
	return error;
}

/* ---- reading and making ---- */

static void
reject(BulkRuns *runs, BulkEntry *entry, const BulkField *fields, const ErrorData *error)
{
	BulkNote   *note = runs->options->note;

	entry->outcome = BULK_REJECTED;
	runs->counts[BULK_REJECTED]++;
	if (note != NULL)
		note->told(note, entry->position.row, BULK_REJECTED);
	bulk_rejects_add(runs->rejects, entry, fields, error);
	runs->context->column = NULL;
}

static BulkEntry
present_row(const BulkRuns *runs)
{
	BulkEntry	entry = {
		.position = runs->context->position,
		.raw = runs->reader->raw,
		.raw_len = runs->reader->raw_len
	};

	return entry;
}

/* Room for one more row. */
static void
grow_chunk(BulkRuns *runs)
{
	MemoryContext memory = GetMemoryChunkContext(runs);
	int			count = runs->allocated == 0 ? CHUNK_ROWS : 2 * runs->allocated;

	if (runs->nrows < runs->allocated)
		return;
	if (runs->allocated > 0)
	{
		runs->chunk = repalloc_huge(runs->chunk, count * sizeof(RunRow));
		runs->positions = repalloc_huge(runs->positions, count * sizeof(BulkPosition));
		runs->tuples = repalloc_huge(runs->tuples, count * sizeof(MinimalTuple));
		runs->before = repalloc_huge(runs->before, count * sizeof(int));
	}
	else
	{
		runs->chunk = MemoryContextAllocHuge(memory, count * sizeof(RunRow));
		runs->positions = MemoryContextAllocHuge(memory, count * sizeof(BulkPosition));
		runs->tuples = MemoryContextAllocHuge(memory, count * sizeof(MinimalTuple));
		runs->before = MemoryContextAllocHuge(memory, count * sizeof(int));
	}
	runs->allocated = count;
}

/* The row that was read, until the chunk is done. */
static RunRow *
note_row(BulkRuns *runs)
{
	BulkReader *reader = runs->reader;
	Size		size = reader->schema->ncolumns * sizeof(BulkField);
	RunRow	   *row;

	grow_chunk(runs);
	row = &runs->chunk[runs->nrows];
	memset(row, 0, sizeof(RunRow));
	row->input = present_row(runs);
	row->fields = MemoryContextAlloc(reader->row_memory, Max(size, 1));
	memcpy(row->fields, reader->fields, size);
	runs->positions[runs->nrows] = row->input.position;
	runs->bytes += size + row->input.raw_len;
	return row;
}

static void
make_present_row(BulkRuns *runs)
{
	BulkRows   *rows = runs->rows;
	EState	   *estate = rows->target->estate;
	RunRow	   *row = note_row(runs);
	MemoryContext oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));

	runs->stage = STAGE_MAKING;
	bulk_rows_make(rows, runs->context, runs->nrows + 1, row->fields);
	MemoryContextSwitchTo(runs->reader->row_memory);
	runs->tuples[runs->nrows] = ExecCopySlotMinimalTuple(rows->slot);
	MemoryContextSwitchTo(oldcontext);
	runs->bytes += runs->tuples[runs->nrows]->t_len;
	ExecClearTuple(rows->slot);
	ResetPerTupleExprContext(estate);
	runs->nrows++;
}

static bool
is_full(const BulkRuns *runs)
{
	return runs->nrows == runs->max_rows || runs->bytes >= CHUNK_BYTES ||
		bulk_rejects_are_full(runs->rejects);
}

/* Step behind the row that could not be read, and reject it. */
static void
step_behind(BulkRuns *runs)
{
	BulkReader *reader = runs->reader;
	BulkPosition position = runs->context->position;
	ErrorData  *error = runs->broken;
	BulkEntry	entry;

	runs->stage = STAGE_RESUMING;
	if (reader->resume == NULL || !reader->resume(reader))
		ReThrowError(error);
	runs->broken = NULL;
	entry = present_row(runs);
	entry.position = position;
	reject(runs, &entry, NULL, error);
}

static void
fill_chunk(BulkRuns *runs)
{
	BulkReader *reader = runs->reader;

	if (runs->broken != NULL)
		step_behind(runs);
	while (!is_full(runs))
	{
		CHECK_FOR_INTERRUPTS();
		runs->stage = STAGE_READING;
		if (!reader->next(reader))
		{
			runs->at_end = true;
			break;
		}
		make_present_row(runs);
	}
}

/* Read rows until the chunk is full; the attempt stays open if none failed at the end. */
static void
read_chunk(BulkRuns *runs)
{
	ErrorData  *error;

	while ((error = attempt(runs, fill_chunk)) != NULL)
	{
		RunRow	   *row = &runs->chunk[runs->nrows];

		if (runs->stage == STAGE_READING)
			runs->broken = error;
		else
			reject(runs, &row->input, row->fields, error);
	}
}

/* ---- which rows must not be in the same run ---- */

/* Rows with different columns, where it is not known which have the same key. */
static void
separate_shapes(BulkRuns *runs)
{
	BulkRows   *rows = runs->rows;
	int64		last = -1;

	for (int i = 0; i < runs->nrows; i++)
	{
		int64		shape;

		ExecStoreMinimalTuple(runs->tuples[i], rows->stored, false);
		shape = bulk_rows_number(rows, rows->stored, BULK_ROWS_SHAPE(rows));
		if (i > 0 && shape != last)
			runs->before[i] = i - 1;
		last = shape;
	}
	ExecClearTuple(rows->stored);
}

static void
find_repeats(BulkRuns *runs)
{
	BulkRows   *rows = runs->rows;
	const BulkOptions *options = runs->options;
	MemoryContext oldcontext = MemoryContextSwitchTo(runs->run_memory);
	BulkKeys   *keys = NULL;

	runs->stage = STAGE_PLANNING;
	for (int i = 0; i < runs->nrows; i++)
		runs->before[i] = -1;
	if (options->verb == BULK_INSERT)
		keys = bulk_insert_keys(rows->target, runs->context, rows, options);
	else if (options->verb == BULK_UPDATE)
		keys = bulk_change_keys(rows->target, rows);
	runs->stage = STAGE_COMPARING;
	if (keys != NULL)
		bulk_repeat_find(rows, keys, runs->tuples, runs->before, runs->nrows);
	else if (bulk_insert_by_shape(options))
		separate_shapes(runs);
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(runs->run_memory);
}

/* If even a key cannot be evaluated, the statement shall tell. */
static void
separate_rows(BulkRuns *runs)
{
	memset(&runs->context->position, 0, sizeof(BulkPosition));
	if (runs->nrows == 0 || attempt(runs, find_repeats) == NULL)
		return;
	MemoryContextReset(runs->run_memory);
	for (int i = 0; i < runs->nrows; i++)
	{
		runs->before[i] = i - 1;
		runs->chunk[i].alone = true;
	}
}

/* ---- writing ---- */

static bool
is_rejected(const BulkRuns *runs, int number)
{
	return runs->chunk[number].input.outcome == BULK_REJECTED;
}

static void
skip_rejected(BulkRuns *runs)
{
	while (runs->from < runs->nrows && is_rejected(runs, runs->from))
		runs->from++;
}

/* How many rows to try at once. */
static int
run_length(const BulkRuns *runs)
{
	int			length;

	if (runs->culprits > runs->from)
		return Max((runs->culprits - runs->from) / 2, 1);
	if (!runs->failed)
		return runs->nrows;
	/* Rows that went well once need no care. */
	length = Max(SHORTEST_RUN, runs->sure - runs->from);
	return Max(length, (int64) (Min(runs->clean, (uint64) PG_INT32_MAX) / RUN_SHARE));
}

/* The next run; a row that is to be tried by itself is one. */
static void
choose_run(BulkRuns *runs)
{
	int			length = runs->chunk[runs->from].alone ? 1 : run_length(runs);

	runs->to = runs->from + 1;
	while (runs->to < runs->nrows && runs->to - runs->from < length &&
		   !runs->chunk[runs->to].alone && runs->before[runs->to] < runs->from)
		runs->to++;
}

/* The rows of the run, for the statement. */
static void
fill_store(BulkRuns *runs)
{
	BulkRows   *rows = runs->rows;

	rows->store = tuplestore_begin_heap(false, false, work_mem);
	rows->nrows = 0;
	rows->positions = runs->positions;
	rows->last_ordinal = runs->nrows;
	for (int i = runs->from; i < runs->to; i++)
	{
		if (is_rejected(runs, i))
			continue;
		ExecStoreMinimalTuple(runs->tuples[i], rows->stored, false);
		tuplestore_puttupleslot(rows->store, rows->stored);
		rows->nrows++;
	}
	ExecClearTuple(rows->stored);
}

static void
write_run(BulkRuns *runs)
{
	BulkRows   *rows = runs->rows;
	MemoryContext oldcontext = MemoryContextSwitchTo(runs->run_memory);

	runs->stage = STAGE_WRITING;
	rows->started = false;
	fill_store(runs);
	if (runs->options->verb == BULK_INSERT)
		bulk_insert_rows(rows->target, runs->context, rows, runs->options, runs->counts);
	else
		bulk_change_rows(rows->target, runs->context, rows, runs->options, runs->counts);
	tuplestore_end(rows->store);
	rows->store = NULL;
	MemoryContextSwitchTo(oldcontext);
}

static void
reject_number(BulkRuns *runs, int number, const ErrorData *error)
{
	RunRow	   *row = &runs->chunk[number];

	runs->context->position = row->input.position;
	reject(runs, &row->input, row->fields, error);
}

/* Note what is known of the run that failed, and reject its row if it was the only one. */
static void
judge_run(BulkRuns *runs, const ErrorData *error)
{
	int			culprit = (int) runs->rows->present - 1;

	runs->chunk_failed = true;
	if (culprit < 0 && runs->culprits == 0 && !runs->chunk[runs->from].alone)
	{
		runs->failed = true;
		runs->clean = 0;
	}
	runs->sure = culprit;
	runs->culprits = 0;
	if (runs->to - runs->from == 1)
		reject_number(runs, runs->from, error);
	else if (culprit >= 0)
		runs->chunk[culprit].alone = true;
	else
		runs->culprits = runs->to;
	skip_rejected(runs);
}

/* Write the next run, or learn something about it. */
static void
write_next_run(BulkRuns *runs)
{
	ErrorData  *error;

	choose_run(runs);
	memcpy(runs->settled, runs->counts, sizeof(runs->settled));
	error = attempt(runs, write_run);
	runs->rows->store = NULL;
	/* It may own a row in there. */
	ExecClearTuple(runs->rows->stored);
	MemoryContextReset(runs->run_memory);
	memset(&runs->context->position, 0, sizeof(BulkPosition));
	if (error == NULL)
	{
		bulk_attempt_keep(&runs->attempt);
		runs->clean += runs->to - runs->from;
		runs->from = runs->to;
		skip_rejected(runs);
		return;
	}
	memcpy(runs->counts, runs->settled, sizeof(runs->settled));
	judge_run(runs, error);
}

static void
write_chunk(BulkRuns *runs)
{
	runs->from = 0;
	runs->sure = 0;
	runs->culprits = 0;
	runs->chunk_failed = false;
	separate_rows(runs);
	while (runs->from < runs->nrows)
		write_next_run(runs);
	if (runs->attempt.open)
		bulk_attempt_keep(&runs->attempt);
	runs->max_rows = runs->chunk_failed ? CHUNK_ROWS : Min(2 * runs->max_rows, CHUNK_MOST_ROWS);
}

/* Nothing of the chunk is needed any more. */
static void
end_chunk(BulkRuns *runs)
{
	BulkReader *reader = runs->reader;
	BulkNote   *note = runs->options->note;

	if (note != NULL)
		note->keep(note);
	if (reader->done != NULL)
		reader->done(reader);
	if (bulk_rejects_are_full(runs->rejects) || runs->at_end)
		bulk_rejects_write(runs->rejects);
	MemoryContextReset(reader->row_memory);
	if (reader->source != NULL)
		bulk_source_release(reader->source);
	runs->nrows = 0;
	runs->bytes = 0;
}

/* A load by statement of all rows but the bad ones, which rejects takes. */
BulkRuns *
bulk_runs_begin(BulkReader *reader, BulkRows *rows, BulkRejects *rejects,
				const BulkOptions *options, uint64 *counts)
{
	BulkRuns   *runs = palloc0(sizeof(BulkRuns));

	runs->reader = reader;
	runs->rows = rows;
	runs->rejects = rejects;
	runs->context = reader->context;
	runs->options = options;
	runs->counts = counts;
	runs->max_rows = CHUNK_ROWS;
	runs->run_memory = AllocSetContextCreate(CurrentMemoryContext, "pg_purser run",
											 ALLOCSET_DEFAULT_SIZES);
	runs->error_memory = AllocSetContextCreate(CurrentMemoryContext, "pg_purser error",
											   ALLOCSET_SMALL_SIZES);
	/* Each run has a store of its own. */
	tuplestore_end(rows->store);
	rows->store = NULL;
	return runs;
}

/* Load some more rows; false if there are none. */
bool
bulk_runs_next(BulkRuns *runs)
{
	if (runs->at_end)
		return false;
	read_chunk(runs);
	write_chunk(runs);
	end_chunk(runs);
	return true;
}
