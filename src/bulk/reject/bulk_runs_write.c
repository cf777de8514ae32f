/*
 * bulk_runs_write.c
 *		The rows of a chunk into the relation, in runs that can be repeated.
 *
 * Called by bulk_runs.c.
 */
#include "bulk/reject/bulk_runs.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* Shortest run to begin with after a failure, in rows. */
#define SHORTEST_RUN	12

/* Runs have this part of the rows that came since the last failure. */
#define RUN_SHARE		8

static void
skip_rejected(BulkRuns *runs)
{
	while (runs->from < runs->intake.nrows && bulk_runs_is_rejected(runs, runs->from))
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
		return runs->intake.nrows;
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
	while (runs->to < runs->intake.nrows && runs->to - runs->from < length &&
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
	rows->last_ordinal = runs->intake.nrows;
	for (int i = runs->from; i < runs->to; i++)
	{
		if (bulk_runs_is_rejected(runs, i))
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

	runs->intake.stage = STAGE_WRITING;
	rows->started = false;
	fill_store(runs);
	if (runs->options->verb == BULK_INSERT)
		bulk_insert_rows(rows->target, runs->intake.context, rows, runs->options, runs->counts);
	else
		bulk_change_rows(rows->target, runs->intake.context, rows, runs->options, runs->counts);
	tuplestore_end(rows->store);
	rows->store = NULL;
	MemoryContextSwitchTo(oldcontext);
}

static void
reject_number(BulkRuns *runs, int number, const ErrorData *error)
{
	RunRow	   *row = &runs->chunk[number];

	runs->intake.context->position = row->input.position;
	bulk_runs_reject(&runs->intake, &row->input, row->fields, error);
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
	error = bulk_runs_try(runs, write_run);
	runs->rows->store = NULL;
	/* It may own a row in there. */
	ExecClearTuple(runs->rows->stored);
	MemoryContextReset(runs->run_memory);
	memset(&runs->intake.context->position, 0, sizeof(BulkPosition));
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

/* Write the rows of the chunk. */
void
bulk_runs_write(BulkRuns *runs)
{
	runs->from = 0;
	runs->sure = 0;
	runs->culprits = 0;
	runs->chunk_failed = false;
	while (runs->from < runs->intake.nrows)
		write_next_run(runs);
	if (runs->attempt.open)
		bulk_attempt_keep(&runs->attempt);
}
