/*
 * bulk_runs_read.c
 *		The rows of a chunk: read, made, and which of them must not be in the
 *		same run.
 *
 * Called by bulk_runs.c.
 */
#include "bulk/reject/bulk_runs.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "utils/memutils.h"

/* Room for one more row. */
static void
grow_chunk(BulkRuns *runs)
{
	MemoryContext memory = GetMemoryChunkContext(runs);
	int			count = runs->allocated == 0 ? CHUNK_ROWS : 2 * runs->allocated;

	if (runs->intake.nrows < runs->allocated)
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

/* The row that was read is the chunk's next one. */
void
bulk_runs_make(BulkIntake *intake)
{
	BulkRuns   *runs = (BulkRuns *) intake;
	BulkRows   *rows = runs->rows;
	EState	   *estate = rows->target->estate;
	RunRow		row = {.input = intake->entry, .fields = intake->fields};
	MemoryContext oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));

	bulk_rows_make(rows, intake->context, intake->nrows + 1, row.fields);
	grow_chunk(runs);
	runs->chunk[intake->nrows] = row;
	runs->positions[intake->nrows] = row.input.position;
	MemoryContextSwitchTo(intake->reader->row_memory);
	runs->tuples[intake->nrows] = ExecCopySlotMinimalTuple(rows->slot);
	MemoryContextSwitchTo(oldcontext);
	intake->made += runs->tuples[intake->nrows]->t_len;
	ExecClearTuple(rows->slot);
	ResetPerTupleExprContext(estate);
	intake->nrows++;
}

static void
fill_chunk(BulkRuns *runs)
{
	bulk_intake_fill(&runs->intake);
}

/* Read rows until the chunk is full; the attempt stays open if none failed at the end. */
void
bulk_runs_read(BulkRuns *runs)
{
	ErrorData  *error;

	while ((error = bulk_runs_try(runs, fill_chunk)) != NULL)
		bulk_intake_failed(&runs->intake, error);
}

/* ---- which rows must not be in the same run ---- */

/* Rows with different columns, where it is not known which have the same key. */
static void
separate_shapes(BulkRuns *runs)
{
	BulkRows   *rows = runs->rows;
	int64		last = -1;

	for (int i = 0; i < runs->intake.nrows; i++)
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

	runs->intake.stage = STAGE_PLANNING;
	for (int i = 0; i < runs->intake.nrows; i++)
		runs->before[i] = -1;
	if (options->verb == BULK_INSERT)
		keys = bulk_insert_keys(rows->target, runs->intake.context, rows, options);
	else if (options->verb == BULK_UPDATE)
		keys = bulk_change_keys(rows->target, rows);
	runs->intake.stage = STAGE_INSPECTING;
	if (keys != NULL)
		bulk_repeat_find(rows, keys, runs->tuples, runs->before, runs->intake.nrows);
	else if (bulk_insert_by_shape(options))
		separate_shapes(runs);
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(runs->run_memory);
}

/* If even a key cannot be evaluated, the statement shall tell. */
void
bulk_runs_separate(BulkRuns *runs)
{
	memset(&runs->intake.context->position, 0, sizeof(BulkPosition));
	if (runs->intake.nrows == 0 || bulk_runs_try(runs, find_repeats) == NULL)
		return;
	MemoryContextReset(runs->run_memory);
	for (int i = 0; i < runs->intake.nrows; i++)
	{
		runs->before[i] = i - 1;
		runs->chunk[i].alone = true;
	}
}
