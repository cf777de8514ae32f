/*
 * bulk_range.c
 *		Loads in ranges: which there are, which are in, and the transaction that
 *		brings the next one in.
 *
 * purser.load_range has a row for each range of a load.  Who takes the next
 * one locks its row, loads the range and marks it, all in one transaction; so
 * whatever ends before the commit leaves the range to be taken again, by this
 * load or by one that resumes it, and no range comes in twice.
 *
 * Called by bulk_call.c and, in background workers, by shared/worker.c.
 */
#include "bulk/job/bulk_job.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "shared/owner_query.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

typedef struct BulkRange
{
	int			number;			/* from 1 */
	BulkPosition start;
	uint64		end;			/* offset behind it */
} BulkRange;

static OwnerQuery add_query = {
	.sql = "INSERT INTO purser.load_range "
	"(load_id, number, first_byte, last_byte, first_row, first_line) "
	"VALUES ($1, $2, $3, $4, $5, $6)",
	.writes = true,
	.nargs = 6,
	.argtypes = {INT8OID, INT4OID, INT8OID, INT8OID, INT8OID, INT8OID}
};

static OwnerQuery take_query = {
	.sql = "SELECT number, first_byte, last_byte, first_row, first_line FROM purser.load_range "
	"WHERE load_id OPERATOR(pg_catalog.=) $1 AND finished IS NULL "
	"ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED",
	.writes = true,
	.indexed = true,
	.nargs = 1,
	.argtypes = {INT8OID}
};

static OwnerQuery finish_query = {
	.sql = "UPDATE purser.load_range SET inserted = $3, updated = $4, skipped = $5, rejected = $6, "
	"finished = pg_catalog.clock_timestamp() "
	"WHERE load_id OPERATOR(pg_catalog.=) $1 AND number OPERATOR(pg_catalog.=) $2",
	.writes = true,
	.indexed = true,
	.nargs = 6,
	.argtypes = {INT8OID, INT4OID, INT8OID, INT8OID, INT8OID, INT8OID}
};

/* Write down the ranges between the borders. */
void
bulk_range_add(int64 load_id, const List *borders)
{
	for (int i = 0; i + 1 < list_length(borders); i++)
	{
		const BulkPosition *start = list_nth(borders, i);
		const BulkPosition *end = list_nth(borders, i + 1);
		Datum		values[] = {
			Int64GetDatum(load_id), Int32GetDatum(i + 1), Int64GetDatum(start->offset),
			Int64GetDatum(end->offset), Int64GetDatum(start->row), Int64GetDatum(start->line)
		};

		(void) shared_query_open(&add_query, values, NULL);
		shared_query_close();
	}
}

/* Take a range that nobody has; false if there is none. */
static bool
take_range(int64 load_id, BulkRange *range)
{
	Datum		values[] = {Int64GetDatum(load_id)};
	bool		found = shared_query_open(&take_query, values, NULL) > 0;
	bool		isnull;

	if (found)
	{
		range->number = DatumGetInt32(shared_query_value(0, 1, &isnull));
		range->start.offset = DatumGetInt64(shared_query_value(0, 2, &isnull));
		range->end = DatumGetInt64(shared_query_value(0, 3, &isnull));
		range->start.row = DatumGetInt64(shared_query_value(0, 4, &isnull));
		range->start.line = DatumGetInt64(shared_query_value(0, 5, &isnull));
	}
	shared_query_close();
	return found;
}

static void
finish_range(int64 load_id, const BulkRange *range, const BulkResult *result)
{
	const uint64 *counts = result->counts;
	Datum		values[] = {
		Int64GetDatum(load_id), Int32GetDatum(range->number),
		Int64GetDatum(counts[BULK_INSERTED]),
		Int64GetDatum(counts[BULK_UPDATED]),
		Int64GetDatum(counts[BULK_SKIPPED] + counts[BULK_UNCHANGED]),
		Int64GetDatum(counts[BULK_REJECTED])
	};

	(void) shared_query_open(&finish_query, values, NULL);
	shared_query_close();
}

/* In a transaction: bring in the next range of the load; false if there is none left to take. */
bool
bulk_range_load_next(const BulkJob *job, const BulkProgress *progress)
{
	BulkRange	range;
	BulkInput	input = {.verb = BULK_RANGE_VERB, .job = progress};
	BulkCoding	coding;
	BulkResult	result;

	if (!take_range(job->load_id, &range))
		return false;
	coding = bulk_options_coding(job->options);
	input.source = bulk_source_range(job->path, &coding, range.start.offset, range.end);
	input.start = range.start;
	input.load_id = job->load_id;
	if (job->options->max_rejects >= 0)
		input.rejected = bulk_job_counts(job).rejected;
	result = bulk_load(job->relid, &input, job->options);
	bulk_source_close(input.source);
	finish_range(job->load_id, &range, &result);
	if (job->options->max_rejects >= 0 && result.counts[BULK_REJECTED] > 0)
		bulk_job_check_rejects(job);
	return true;
}

/* ---- in a background worker ---- */

/* What a worker is told. */
typedef struct RangeTask
{
	int64		load_id;
	Oid			function;
	BulkProgress progress;		/* of the load */
} RangeTask;

/* Bring in ranges until none is left, each in a transaction. */
void
bulk_range_worker(void *payload, Size size pg_attribute_unused())
{
	const RangeTask *task = payload;
	MemoryContext memory = AllocSetContextCreate(TopMemoryContext, "pg_purser load",
												 ALLOCSET_DEFAULT_SIZES);
	bool		more = true;

	while (more)
	{
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		MemoryContextSwitchTo(memory);
		more = bulk_range_load_next(bulk_job_read(task->load_id, task->function),
									&task->progress);
		PopActiveSnapshot();
		CommitTransactionCommand();
		MemoryContextReset(memory);
	}
}

/* A worker that brings in ranges of the load; NULL if there is no place for it. */
Worker *
bulk_range_start_worker(const BulkJob *job, const BulkProgress *progress,
						const WorkerSettings *settings)
{
	RangeTask	task = {job->load_id, job->function, *progress};
	WorkerTask	start = {
		.function = "bulk_range_worker",
		.settings = settings,
		.payload = memcpy(palloc(sizeof(task)), &task, sizeof(task)),
		.size = sizeof(task)
	};

	return shared_worker_try_start(&start);
}
