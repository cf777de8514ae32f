/*
 * bulk_batch.h
 *		What the files share that load batches whose bad rows are put aside:
 *		bulk_batch.c (from one batch to the next), bulk_batch_try.c (attempts),
 *		bulk_batch_read.c (reading and making), bulk_batch_write.c (runs).
 */
#ifndef PURSER_BULK_BATCH_H
#define PURSER_BULK_BATCH_H

#include "bulk.h"

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

/* ---- attempts: bulk_batch_try.c ---- */

extern ErrorData *bulk_batch_try(BulkBatch *batch, void (*step) (BulkBatch *batch));
extern void bulk_batch_keep(BulkBatch *batch);
extern void bulk_batch_forget(BulkBatch *batch);
extern void bulk_batch_forget_fired(BulkBatch *batch);
extern int	bulk_batch_culprit(BulkBatch *batch, int from, int to);

/* ---- the steps ---- */

extern void bulk_batch_reject(BulkBatch *batch, const BulkPart *part, BulkEntry *entry,
							  const BulkField *fields, const ErrorData *error);
extern void bulk_batch_read(BulkBatch *batch);
extern void bulk_batch_write(BulkBatch *batch);

#endif							/* PURSER_BULK_BATCH_H */
