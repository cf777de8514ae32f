/*
 * bulk_intake.c
 *		Reads rows that may be bad, until there are enough to go on with.
 *
 * Reading and making rows leaves nothing behind, so who calls this in an
 * attempt that fails goes on in the next one, with the row behind.  Fields and
 * raw rows stay valid until the rows are done.
 *
 * Called by bulk_batch.c, bulk_batch_read.c, bulk_runs.c and bulk_runs_read.c.
 */
#include "bulk/reject/bulk_intake.h"

#include "miscadmin.h"
#include "utils/memutils.h"

/* Rows and their input may take this much, in bytes. */
#define INTAKE_BYTES	(8 * 1024 * 1024)

/* Of the owner, who has yet to say how rows are made and rejected, and how many there may be. */
void
bulk_intake_begin(BulkIntake *intake, BulkReader *reader, BulkRejects *rejects)
{
	intake->reader = reader;
	intake->context = reader->context;
	intake->rejects = rejects;
}

/* May the error that is being handled cost a row, and no more? */
bool
bulk_intake_blames(const BulkIntake *intake)
{
	if (intake->stage == STAGE_RESUMING || intake->stage == STAGE_PLANNING)
		return false;
	/* Before the first row, there is none to blame. */
	if (intake->stage == STAGE_READING && intake->context->position.row == 0)
		return false;
	return bulk_blame_row(geterrcode());
}

static BulkEntry
present_row(const BulkIntake *intake)
{
	BulkEntry	entry = {
		.position = intake->context->position,
		.raw = intake->reader->raw,
		.raw_len = intake->reader->raw_len
	};

	return entry;
}

/* The row that was read, until the rows are done. */
static void
note_row(BulkIntake *intake)
{
	BulkReader *reader = intake->reader;
	Size		size = reader->schema->ncolumns * sizeof(BulkField);

	intake->entry = present_row(intake);
	intake->fields = MemoryContextAlloc(reader->row_memory, Max(size, 1));
	memcpy(intake->fields, reader->fields, size);
	intake->bytes += size + intake->entry.raw_len;
}

static bool
is_full(const BulkIntake *intake)
{
	return intake->nrows == intake->max_rows || bulk_rejects_are_full(intake->rejects) ||
		intake->bytes + intake->made >= INTAKE_BYTES;
}

/* Step behind the row that could not be read, and reject it. */
static void
step_behind(BulkIntake *intake)
{
	BulkReader *reader = intake->reader;
	BulkPosition position = intake->context->position;
	ErrorData  *error = intake->broken;
	BulkEntry	entry;

	intake->stage = STAGE_RESUMING;
	if (reader->resume == NULL || !reader->resume(reader))
		ReThrowError(error);
	intake->broken = NULL;
	entry = present_row(intake);
	entry.position = position;
	intake->reject(intake, &entry, NULL, error);
}

/* Read and make rows until there are enough; in an attempt of the owner's. */
void
bulk_intake_fill(BulkIntake *intake)
{
	BulkReader *reader = intake->reader;

	if (intake->broken != NULL)
		step_behind(intake);
	while (!is_full(intake))
	{
		CHECK_FOR_INTERRUPTS();
		intake->stage = STAGE_READING;
		if (!reader->next(reader))
		{
			intake->at_end = true;
			break;
		}
		note_row(intake);
		intake->stage = STAGE_MAKING;
		intake->make(intake);
	}
}

/* That was rolled back: the present row is bad, or the reader has to find the next one. */
void
bulk_intake_failed(BulkIntake *intake, ErrorData *error)
{
	if (intake->stage == STAGE_READING)
		intake->broken = error;
	else
		intake->reject(intake, &intake->entry, intake->fields, error);
}

/* Nothing of the rows is needed any more. */
void
bulk_intake_release(BulkIntake *intake)
{
	BulkReader *reader = intake->reader;

	if (reader->done != NULL)
		reader->done(reader);
	if (bulk_rejects_are_full(intake->rejects) || intake->at_end)
		bulk_rejects_write(intake->rejects);
	MemoryContextReset(reader->row_memory);
	if (reader->source != NULL)
		bulk_source_release(reader->source);
	intake->nrows = 0;
	intake->bytes = 0;
	intake->made = 0;
}
