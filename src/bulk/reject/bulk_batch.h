/*
 * bulk_batch.h
 *		What the files share that load batches whose bad rows are put aside:
 *		bulk_batch.c (from one batch to the next), bulk_batch_try.c (attempts),
 *		bulk_batch_read.c (reading and making), bulk_batch_inspect.c (what speaks
 *		against rows), bulk_batch_write.c (runs).
 */
#ifndef PURSER_BULK_BATCH_H
#define PURSER_BULK_BATCH_H

#include "bulk/reject/bulk_intake.h"

/* Batches for which conflicts are looked for, after one was seen. */
#define BATCH_PROBES	16

typedef struct BatchRow
{
	BulkEntry	input;			/* position and raw row */
	BulkField  *fields;
	Oid			relid;			/* in this attempt, if made as it was written */
	ItemPointerData tid;		/* likewise */
	bool		alone;			/* something speaks against it: to be tried by itself */
	ErrorData  *refusal;		/* why it was not written with its run; or NULL */
} BatchRow;

struct BulkBatch
{
	BulkIntake	intake;			/* first */
	BulkWriter *writer;
	BulkAttempt attempt;
	MemoryContext error_memory; /* of the last error */
	bool		by_row;			/* rows are made as they are written */
	uint64		settled[BULK_NOUTCOMES];	/* before the run */
	ItemPointerData fired;		/* the row that the error's trigger fired for; or invalid */
	Oid			fired_relid;	/* likewise: its table */

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

/* ---- attempts: bulk_batch_try.c ---- */

extern ErrorData *bulk_batch_try(BulkBatch *batch, void (*step) (BulkBatch *batch));
extern void bulk_batch_keep(BulkBatch *batch);
extern void bulk_batch_forget(BulkBatch *batch);
extern void bulk_batch_forget_fired(BulkBatch *batch);
extern int	bulk_batch_culprit(BulkBatch *batch, int from, int to);

/* ---- the steps ---- */

static inline bool
bulk_batch_is_rejected(const BulkBatch *batch, int number)
{
	return batch->rows[number].input.outcome == BULK_REJECTED;
}

extern void bulk_batch_reject(BulkBatch *batch, const BulkPart *part, BulkEntry *entry,
							  const BulkField *fields, const ErrorData *error);
extern void bulk_batch_make(BulkIntake *intake);
extern void bulk_batch_read(BulkBatch *batch);
extern void bulk_batch_inspect(BulkBatch *batch);
extern bool bulk_batch_is_alone(BulkBatch *batch, int number);
extern void bulk_batch_write(BulkBatch *batch);

#endif							/* PURSER_BULK_BATCH_H */
