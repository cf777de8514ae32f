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
 * statements.  Called by bulk_load.c.
 */
#include "bulk/reject/bulk_runs.h"

#include "executor/executor.h"
#include "utils/memutils.h"

/* ---- attempts ---- */

/* May the error that is being handled cost a row, and no more? */
static bool
is_row_error(const BulkRuns *runs)
{
	/* Before it reads rows, a statement fails for all of them: privileges. */
	if (runs->intake.stage == STAGE_WRITING && !runs->rows->started)
		return false;
	return bulk_intake_blames(&runs->intake);
}

/* One step in the attempt: NULL, or the error for which it was rolled back. */
ErrorData *
bulk_runs_try(BulkRuns *runs, void (*step) (BulkRuns *runs))
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

/* ---- chunks ---- */

/* Put a row aside, with the error; fields: NULL if it was not read. */
void
bulk_runs_reject(BulkIntake *intake, BulkEntry *entry, const BulkField *fields,
				 const ErrorData *error)
{
	BulkRuns   *runs = (BulkRuns *) intake;
	BulkNote   *note = runs->options->note;

	entry->outcome = BULK_REJECTED;
	runs->counts[BULK_REJECTED]++;
	if (note != NULL)
		note->told(note, entry->position.row, BULK_REJECTED);
	bulk_rejects_add(intake->rejects, entry, fields, error);
	intake->context->column = NULL;
}

/* Nothing of the chunk is needed any more. */
static void
end_chunk(BulkRuns *runs)
{
	BulkNote   *note = runs->options->note;

	if (note != NULL)
		note->keep(note);
	bulk_intake_release(&runs->intake);
	runs->intake.max_rows = runs->chunk_failed ? CHUNK_ROWS :
		Min(2 * runs->intake.max_rows, CHUNK_MOST_ROWS);
}

/* A load by statement of all rows but the bad ones, which rejects takes. */
BulkRuns *
bulk_runs_begin(BulkReader *reader, BulkRows *rows, BulkRejects *rejects,
				const BulkOptions *options, uint64 *counts)
{
	BulkRuns   *runs = palloc0(sizeof(BulkRuns));

	bulk_intake_begin(&runs->intake, reader, rejects);
	runs->intake.max_rows = CHUNK_ROWS;
	runs->intake.make = bulk_runs_make;
	runs->intake.reject = bulk_runs_reject;
	runs->rows = rows;
	runs->options = options;
	runs->counts = counts;
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
	if (runs->intake.at_end)
		return false;
	bulk_runs_read(runs);
	bulk_runs_separate(runs);
	bulk_runs_write(runs);
	end_chunk(runs);
	return true;
}
