/*
 * bulk_call.c
 *		CALL purser.load(): a file in ranges, each in a transaction of its own,
 *		by background workers or by the session itself.
 *
 * The session cuts the file, starts the workers and waits, without a snapshot
 * or a lock; a load that was interrupted goes on with the ranges that are not
 * in yet.
 */
#include "bulk.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "shared/worker.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(purser_load_0_1);

#define COMMAND "purser.load()"

/* Arguments; the last five are also results. */
enum
{
	ARG_TARGET,
	ARG_PATH,
	ARG_FORMAT,
	ARG_WORKERS,
	ARG_RANGE_BYTES,
	ARG_LOAD_ID,
	ARG_FIRST_COUNT
};

/* Default size of a range, in bytes. */
#define DEFAULT_RANGE (16 * 1024 * 1024)

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

/* A schema that takes down the names it is asked for, in place of a table's columns. */
typedef struct NameTaker
{
	BulkSchema	schema;			/* first, so that a schema is one */
	List	   *names;
} NameTaker;

static int
take_name(BulkSchema *schema, const char *name, int len, int position)
{
	NameTaker  *taker = (NameTaker *) schema;

	taker->names = lappend(taker->names, pnstrdup(name, len));
	return position;
}

/* The names in a header line. */
static List *
read_header(const BulkOptions *options, const char *line, Size len)
{
	NameTaker	taker = {.schema.ncolumns = MaxHeapAttributeNumber, .schema.find = take_name};
	BulkContext context = {0};
	BulkReader	base = {
		.source = bulk_source_memory(line, len),
		.schema = &taker.schema,
		.context = &context,
		.fields = palloc0(MaxHeapAttributeNumber * sizeof(BulkField)),
		.load_memory = CurrentMemoryContext,
		.row_memory = CurrentMemoryContext
	};
	BulkReader *reader = options->format_name == BULK_FORMAT_CSV ?
		bulk_csv_reader(&base, &options->format) : bulk_text_reader(&base, &options->format);

	(void) reader->next(reader);
	return taker.names;
}

/* Cut the file into ranges; the header, if there is one, is in none. */
static List *
cut_file(BulkJob *job, uint64 size)
{
	BulkOptions *options = job->options;
	BulkSource *source = bulk_source_range(job->path, 0, 0);
	BulkPosition start = {0};
	List	   *borders;

	if (options->format_name == BULK_FORMAT_JSON)
		borders = list_make1(memcpy(palloc(sizeof(start)), &start, sizeof(start)));
	else
	{
		if (options->format.header != BULK_HEADER_NONE)
		{
			start = bulk_split_header(source, options);
			if (options->format.header != BULK_HEADER_SKIP)
				job->columns = read_header(options, source->data, start.offset);
		}
		borders = bulk_split(source, options, start, size);
	}
	bulk_source_close(source);
	return borders;
}

static void
require_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name),
				 errhint("To go on with a load, give its load_id.")));
}

/* Write down a new load and its ranges. */
static BulkJob *
begin_job(FunctionCallInfo fcinfo, uint64 size)
{
	BulkJob    *job = palloc0(sizeof(BulkJob));

	require_argument(fcinfo, ARG_TARGET, "target");
	require_argument(fcinfo, ARG_PATH, "path");
	job->relid = PG_GETARG_OID(ARG_TARGET);
	job->path = text_to_cstring(PG_GETARG_TEXT_PP(ARG_PATH));
	job->function = fcinfo->flinfo->fn_oid;
	job->options = bulk_options_from_call(fcinfo);
	begin();
	bulk_job_add(job, bulk_arguments_to_json(fcinfo, ARG_FORMAT), cut_file(job, size));
	return job;
}

/* Go on with a load that was interrupted. */
static BulkJob *
resume_job(FunctionCallInfo fcinfo)
{
	BulkJob    *job;

	if (!PG_ARGISNULL(ARG_TARGET) || !PG_ARGISNULL(ARG_PATH))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("load_id and a new load exclude each other"),
				 errhint("Leave out target and path to go on with the load.")));
	begin();
	job = bulk_job_read(PG_GETARG_INT64(ARG_LOAD_ID), fcinfo->flinfo->fn_oid);
	return job;
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
load_here(const BulkJob *job, MemoryContext memory)
{
	MemoryContext range_memory = AllocSetContextCreate(memory, "pg_purser range",
													   ALLOCSET_DEFAULT_SIZES);
	bool		more = true;

	while (more)
	{
		begin();
		MemoryContextSwitchTo(range_memory);
		more = bulk_range_load_next(job);
		commit(memory);
		MemoryContextReset(range_memory);
	}
	MemoryContextDelete(range_memory);
}

/* Up to n of them; fewer where the server has no place for more. */
static List *
start_workers(const BulkJob *job, int n)
{
	WorkerSettings *settings = shared_worker_settings();
	List	   *workers = NIL;

	for (int i = 0; i < n; i++)
	{
		Worker	   *worker = bulk_range_start_worker(job, settings);

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
	List	   *workers = start_workers(job, nworkers);
	ListCell   *lc;

	foreach(lc, workers)
		shared_worker_finish(lfirst(lc));
	load_here(job, memory);
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
	Datum		result;

	require_nonatomic(fcinfo);
	PreventCommandDuringRecovery(COMMAND);
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	MemoryContextSwitchTo(memory);
	job = PG_ARGISNULL(ARG_LOAD_ID) ? begin_job(fcinfo, range_bytes(fcinfo)) : resume_job(fcinfo);
	commit(memory);
	context.arg = job;
	error_context_stack = &context;
	if (!job->finished)
		load_ranges(job, worker_count(fcinfo), memory);
	begin();
	bulk_job_finish(job);
	result = job_result(fcinfo, job);
	commit(memory);
	error_context_stack = context.previous;
	SPI_finish();
	PG_RETURN_DATUM(result);
}
