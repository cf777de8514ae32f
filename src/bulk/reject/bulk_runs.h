/*
 * bulk_runs.h
 *		What the files share that load by statement and put bad rows aside:
 *		bulk_runs.c (from one chunk to the next, attempts), bulk_runs_read.c (the
 *		rows of a chunk), bulk_runs_write.c (runs).
 */
#ifndef PURSER_BULK_RUNS_H
#define PURSER_BULK_RUNS_H

#include "bulk/reject/bulk_intake.h"

/* Rows of a chunk: at first, and after chunks without failures. */
#define CHUNK_ROWS		1000
#define CHUNK_MOST_ROWS	64000

typedef struct RunRow
{
	BulkEntry	input;			/* position, raw row, whether it is rejected */
	BulkField  *fields;
	bool		alone;			/* to be tried by itself */
} RunRow;

struct BulkRuns
{
	BulkIntake	intake;			/* first; of the chunk */
	BulkRows   *rows;
	const BulkOptions *options;
	uint64	   *counts;
	uint64		settled[BULK_NOUTCOMES];	/* before the run */
	BulkAttempt attempt;
	MemoryContext run_memory;	/* of the statement */
	MemoryContext error_memory; /* of the last error */

	/* The chunk: arrays by number of the row. */
	int			allocated;
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

static inline bool
bulk_runs_is_rejected(const BulkRuns *runs, int number)
{
	return runs->chunk[number].input.outcome == BULK_REJECTED;
}

extern ErrorData *bulk_runs_try(BulkRuns *runs, void (*step) (BulkRuns *runs));
extern void bulk_runs_reject(BulkIntake *intake, BulkEntry *entry, const BulkField *fields,
							 const ErrorData *error);
extern void bulk_runs_make(BulkIntake *intake);
extern void bulk_runs_read(BulkRuns *runs);
extern void bulk_runs_separate(BulkRuns *runs);
extern void bulk_runs_write(BulkRuns *runs);

#endif							/* PURSER_BULK_RUNS_H */
