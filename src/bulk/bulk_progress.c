/*
 * bulk_progress.c
 *		How far a load is, in pg_stat_progress_copy and purser.load_progress.
 *
 * The server's view has what it knows; ours reads besides, from parameters
 * that COPY does not use, when the load began, and knows loads by it; and for a
 * load in ranges which one it is, and whose.  The server ends the report of a
 * transaction or subtransaction that is rolled back: so it begins again at the
 * next advance.
 */
#include "bulk/bulk.h"

#include "commands/progress.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#include "utils/timestamp.h"

/*
 * What purser.load_progress reads besides: the process that called for a load in
 * ranges, its load_id, and the time when the load began.  No index that is built
 * uses these.
 */
#define PROGRESS_BULK_SESSION	17
#define PROGRESS_BULK_LOAD		18
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
		PROGRESS_COPY_COMMAND, PROGRESS_COPY_TYPE, PROGRESS_COPY_BYTES_TOTAL,
		PROGRESS_BULK_SESSION, PROGRESS_BULK_LOAD, PROGRESS_BULK_STARTED
	};
	const int64 values[] = {
		PROGRESS_COPY_COMMAND_FROM,
		progress->file ? PROGRESS_COPY_TYPE_FILE : PROGRESS_COPY_TYPE_CALLBACK,
		progress->size,
		progress->session,
		progress->load_id,
		progress->started
	};

	pgstat_progress_start_command(PROGRESS_COMMAND_COPY, progress->relid);
	pgstat_progress_update_multi_param(lengthof(params), params, values);
}

/* A range takes the place of its load's report in this session, if it has one. */
void
bulk_progress_begin(BulkProgress *progress, Oid relid, const BulkInput *input)
{
	memset(progress, 0, sizeof(*progress));
	progress->active = is_silent() || input->job != NULL;
	if (!progress->active)
		return;
	if (input->job != NULL)
		*progress = *input->job;
	else
		progress->started = GetCurrentTimestamp();
	progress->relid = relid;
	if (input->source != NULL)
	{
		progress->file = input->source->file;
		progress->size = input->source->size;
	}
	start_report(progress);
}

/* Of a load in ranges that this session calls for; while no range runs here. */
void
bulk_progress_begin_job(BulkProgress *progress, Oid relid, int64 load_id)
{
	memset(progress, 0, sizeof(*progress));
	progress->active = true;
	progress->file = true;
	progress->relid = relid;
	progress->load_id = load_id;
	progress->session = MyProcPid;
	progress->started = GetCurrentTimestamp();
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

/* A range is over before its load is. */
void
bulk_progress_end_range(BulkProgress *progress)
{
	progress->size = 0;
	if (progress->active)
		start_report(progress);
}

void
bulk_progress_end(BulkProgress *progress)
{
	if (progress->active)
		pgstat_progress_end_command();
}
