/*
 * bulk_progress.c
 *		How far a load is, in pg_stat_progress_copy and purser.load_progress.
 *
 * The server's view has what it knows; ours reads besides, from a parameter
 * that COPY does not use, when the load began, and knows loads by it.  The
 * server ends the report of a transaction or subtransaction that is rolled
 * back: so it begins again at the next advance.
 */
#include "bulk.h"

#include "commands/progress.h"
#include "pgstat.h"
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#include "utils/timestamp.h"

/* The time when the load began; purser.load_progress reads it.  No index that is built uses it. */
#define PROGRESS_BULK_STARTED	19

/* Rows after which there is something to tell though no bytes were read. */
#define PROGRESS_ROWS	1000

/* Does this backend report nothing as yet? A load within a load leaves that to the outer one. */
static bool
is_silent(void)
{
	return MyBEEntry == NULL || MyBEEntry->st_progress_command == PROGRESS_COMMAND_INVALID;
}

static void
start_report(const BulkProgress *progress)
{
	const int	params[] = {
		PROGRESS_COPY_COMMAND, PROGRESS_COPY_TYPE, PROGRESS_COPY_BYTES_TOTAL, PROGRESS_BULK_STARTED
	};
	const int64 values[] = {
		PROGRESS_COPY_COMMAND_FROM,
		progress->file ? PROGRESS_COPY_TYPE_FILE : PROGRESS_COPY_TYPE_CALLBACK,
		progress->size,
		progress->started
	};

	pgstat_progress_start_command(PROGRESS_COMMAND_COPY, progress->relid);
	pgstat_progress_update_multi_param(lengthof(params), params, values);
}

/* The source may be NULL. */
void
bulk_progress_begin(BulkProgress *progress, Oid relid, const BulkSource *source)
{
	memset(progress, 0, sizeof(*progress));
	progress->active = is_silent();
	if (!progress->active)
		return;
	progress->relid = relid;
	progress->started = GetCurrentTimestamp();
	if (source != NULL)
	{
		progress->file = source->file;
		progress->size = source->size;
	}
	start_report(progress);
}

/* Of a source in memory it is the reader who knows. */
static uint64
bytes_read(const BulkReader *reader)
{
	if (reader->source != NULL && reader->source->more != NULL)
		return reader->source->consumed;
	return reader->context->position.offset;
}

/* After a batch: tell how many bytes were read, and what became of the rows. */
void
bulk_progress_tell(BulkProgress *progress, uint64 bytes, const uint64 *counts)
{
	uint64		rows = counts[BULK_INSERTED] + counts[BULK_UPDATED];
	const int	params[] = {
		PROGRESS_COPY_BYTES_PROCESSED, PROGRESS_COPY_TUPLES_PROCESSED,
		PROGRESS_COPY_TUPLES_EXCLUDED, PROGRESS_COPY_TUPLES_SKIPPED
	};
	const int64 values[] = {
		bytes, rows, counts[BULK_SKIPPED] + counts[BULK_UNCHANGED], counts[BULK_REJECTED]
	};

	if (!progress->active ||
		(bytes == progress->bytes && rows < progress->rows + PROGRESS_ROWS))
		return;
	progress->bytes = bytes;
	progress->rows = rows;
	if (is_silent())
		start_report(progress);
	pgstat_progress_update_multi_param(lengthof(params), params, values);
}

/* The same, of a reader. */
void
bulk_progress_advance(BulkProgress *progress, const BulkReader *reader, const uint64 *counts)
{
	bulk_progress_tell(progress, bytes_read(reader), counts);
}

void
bulk_progress_end(BulkProgress *progress)
{
	if (progress->active)
		pgstat_progress_end_command();
}
