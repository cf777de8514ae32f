/*
 * bulk_call.c
 *		CALL purser.load(): a file in ranges, each in a transaction of its own,
 *		by background workers or by the session itself.
 *
 * The session cuts the file, starts the workers and waits, without a snapshot
 * or a lock; a load that was interrupted goes on with the ranges that are not
 * in yet.
 */
#include "bulk/job/bulk_job.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "shared/worker.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(purser_load_0_1);

#define COMMAND "purser.load()"

/* Arguments; load_id is also a result, and so are those after the ones that say how. */
enum
{
	ARG_TARGET,
	ARG_PATH,
	ARG_WORKERS,
	ARG_RANGE_BYTES,
	ARG_LOAD_ID,
	ARG_FORMAT,
	ARG_MAX_REJECTS = ARG_FORMAT + 5
};

static void
require_nonatomic(FunctionCallInfo fcinfo)
{
	if (fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic || IsSubTransaction())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("%s cannot run inside a transaction block or a function", COMMAND),
				 errdetail("It commits after each range."),
				 errhint("Call it by itself, with the driver's autocommit on; "
						 "purser.bulk_load() runs in the caller's transaction.")));
}

/* ---- transactions ---- */

static void
begin(void)
{
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
commit(MemoryContext memory)
{
	PopActiveSnapshot();
	SPI_commit();
	MemoryContextSwitchTo(memory);
}

/* ---- a new load ---- */

static void
require_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name),
				 errhint("To go on with a load, give its load_id.")));
}

static int
worker_count(FunctionCallInfo fcinfo)
{
	int			n = PG_ARGISNULL(ARG_WORKERS) ? 0 : PG_GETARG_INT32(ARG_WORKERS);

	if (n < 0 || n > BULK_MAX_WORKERS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be between %d and %d", "workers", 0,
						BULK_MAX_WORKERS)));
	return n;
}

/* 0: not given */
static uint64
range_bytes(FunctionCallInfo fcinfo)
{
	int64		bytes = PG_ARGISNULL(ARG_RANGE_BYTES) ? 0 : PG_GETARG_INT64(ARG_RANGE_BYTES);

	if (bytes <= 0 && !PG_ARGISNULL(ARG_RANGE_BYTES))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be greater than zero", "range_bytes")));
	return bytes;
}

/* Whatever can be known to be wrong before a row is read. */
static void
check_job(const BulkJob *job, const List *columns, int nworkers)
{
	BulkOptions options = *job->options;
	BulkInput	input = {.verb = BULK_RANGE_VERB};

	if (nworkers > 0 && get_rel_persistence(job->relid) == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("background workers cannot load temporary table \"%s\"",
						get_rel_name(job->relid)),
				 errhint("Set the argument \"workers\" to 0.")));
	if (options.format.header == BULK_HEADER_MATCH)
		input.source = bulk_cut_header(job);
	else
	{
		options.format.header = BULK_HEADER_NONE;
		input.source = bulk_source_memory("", 0);
	}
	if (columns != NIL)
		options.columns = unconstify(List *, columns);
	bulk_load_check(job->relid, &input, &options);
	bulk_source_close(input.source);
}

/* Write down a new load and its ranges. */
static BulkJob *
begin_job(FunctionCallInfo fcinfo, int nworkers, MemoryContext memory)
{
	BulkJob    *job = palloc0(sizeof(BulkJob));
	uint64		size = range_bytes(fcinfo);
	List	   *columns;
	List	   *borders;

	bulk_file_check_privilege();
	require_argument(fcinfo, ARG_TARGET, "target");
	require_argument(fcinfo, ARG_PATH, "path");
	job->relid = PG_GETARG_OID(ARG_TARGET);
	job->path = text_to_cstring(PG_GETARG_TEXT_PP(ARG_PATH));
	job->function = fcinfo->flinfo->fn_oid;
	job->options = bulk_options_from_call(fcinfo);
	bulk_cut_check(job->options);
	columns = bulk_cut_columns(job);
	begin();
	check_job(job, columns, nworkers);
	/* To read all of the file takes long. */
	commit(memory);
	borders = bulk_cut(job, size, nworkers);
	begin();
	bulk_job_add(job, bulk_arguments_to_json(fcinfo, ARG_PATH), columns);
	bulk_range_add(job->load_id, borders);
	return bulk_job_read(job->load_id, job->function);
}

/* Go on with a load that was interrupted. */
static BulkJob *
resume_job(FunctionCallInfo fcinfo)
{
	int64		load_id = PG_GETARG_INT64(ARG_LOAD_ID);
	BulkJob    *job;

	bulk_file_check_privilege();
	if (!PG_ARGISNULL(ARG_TARGET) || !PG_ARGISNULL(ARG_PATH))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"load_id\" cannot be given with \"target\" or \"path\""),
				 errhint("Leave out these two to go on with the load.")));
	begin();
	job = bulk_job_read(load_id, fcinfo->flinfo->fn_oid);
	if (PG_ARGISNULL(ARG_MAX_REJECTS))
		return job;
	bulk_job_allow(load_id, PG_GETARG_INT64(ARG_MAX_REJECTS));
	return bulk_job_read(load_id, fcinfo->flinfo->fn_oid);
}

/* ---- ranges ---- */

static void
job_context(void *arg)
{
	const BulkJob *job = arg;

	errcontext("load " INT64_FORMAT " of file \"%s\"", job->load_id, job->path);
}

/* In this session, one after another. */
static void
load_here(const BulkJob *job, const BulkProgress *progress, MemoryContext memory)
{
	MemoryContext range_memory = AllocSetContextCreate(memory, "pg_purser range",
													   ALLOCSET_DEFAULT_SIZES);
	bool		more = true;

	while (more)
	{
		begin();
		MemoryContextSwitchTo(range_memory);
		more = bulk_range_load_next(job, progress);
		commit(memory);
		MemoryContextReset(range_memory);
	}
	MemoryContextDelete(range_memory);
}

/* Up to n of them; fewer where the server has no place for more. */
static List *
start_workers(const BulkJob *job, const BulkProgress *progress, int n)
{
	WorkerSettings *settings = shared_worker_settings();
	List	   *workers = NIL;

	for (int i = 0; i < n; i++)
	{
		Worker	   *worker = bulk_range_start_worker(job, progress, settings);

		if (worker == NULL)
			break;
		workers = lappend(workers, worker);
	}
	if (list_length(workers) < n)
		ereport(NOTICE,
				(errmsg("load " INT64_FORMAT " has %d of %d background workers", job->load_id,
						list_length(workers), n),
				 errdetail("All of the server's places for background workers are taken."),
				 errhint("To have more, increase max_worker_processes.")));
	return workers;
}

/* In background workers; in this session if there are none. */
static void
load_ranges(const BulkJob *job, int nworkers, MemoryContext memory)
{
	BulkProgress progress;

	bulk_progress_begin_job(&progress, job->relid, job->load_id);
	shared_worker_finish_all(start_workers(job, &progress, nworkers));
	load_here(job, &progress, memory);
	bulk_progress_end(&progress);
}

static Datum
job_result(FunctionCallInfo fcinfo, const BulkJob *job)
{
	BulkJobCounts counts = bulk_job_counts(job);
	TupleDesc	tupdesc;
	bool		nulls[5] = {0};
	Datum		values[] = {
		Int64GetDatum(job->load_id), Int64GetDatum(counts.inserted),
		Int64GetDatum(counts.updated), Int64GetDatum(counts.skipped),
		Int64GetDatum(counts.rejected)
	};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls));
}

/* load(target, path, format, workers, range_bytes, INOUT load_id, ...) */
Datum
purser_load_0_1(PG_FUNCTION_ARGS)
{
	MemoryContext memory = CurrentMemoryContext;
	ErrorContextCallback context = {error_context_stack, job_context, NULL};
	BulkJob    *job;
	int			nworkers;
	Datum		result;

	require_nonatomic(fcinfo);
	PreventCommandDuringRecovery(COMMAND);
	nworkers = worker_count(fcinfo);
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	MemoryContextSwitchTo(memory);
	if (PG_ARGISNULL(ARG_LOAD_ID))
		job = begin_job(fcinfo, nworkers, memory);
	else
		job = resume_job(fcinfo);
	commit(memory);
	context.arg = job;
	error_context_stack = &context;
	if (!job->finished)
		load_ranges(job, nworkers, memory);
	begin();
	bulk_job_finish(job);
	result = job_result(fcinfo, job);
	commit(memory);
	error_context_stack = context.previous;
	SPI_finish();
	PG_RETURN_DATUM(result);
}
