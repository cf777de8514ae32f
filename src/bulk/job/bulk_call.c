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
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "shared/worker.h"
#include "storage/lmgr.h"
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

/*
 * Size of a range in bytes, unless it is given: so that each worker has several,
 * and all end at about the same time, but not so small that commits count.
 */
#define LEAST_RANGE		((uint64) 2 * 1024 * 1024)
#define LARGEST_RANGE	((uint64) 16 * 1024 * 1024)
#define RANGES_EACH		8

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

/* Of those that are not known yet. */
static bool
has_name(BulkSchema *schema pg_attribute_unused(), const char *name pg_attribute_unused(),
		 int len pg_attribute_unused())
{
	return true;
}

/* The names in a header line. */
static List *
read_header(const BulkOptions *options, BulkSource *line)
{
	NameTaker	taker = {
		.schema.ncolumns = MaxHeapAttributeNumber,
		.schema.find = take_name,
		.schema.has = has_name
	};
	BulkContext context = {0};
	BulkReader	base = {
		.source = line,
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

/* The bytes of the file as they are: those that a conversion gives are at other places. */
static BulkSource *
open_file(const BulkJob *job)
{
	BulkCoding	raw = {
		.compression = bulk_options_coding(job->options).compression,
		.encoding = GetDatabaseEncoding()
	};
	BulkSource *source = bulk_source_file(job->path, &raw);

	if (source->compressed)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("compressed file \"%s\" cannot be loaded in ranges", job->path),
				 errhint("Call purser.bulk_load().")));
	bulk_source_more(source, 0);
	return source;
}

/* Where the rows begin. */
static BulkPosition
skip_header(const BulkJob *job, BulkSource *source)
{
	if (job->options->format.header == BULK_HEADER_NONE)
		return (BulkPosition) {0};
	return bulk_split_header(source, job->options);
}

/* What the header names, if there is one; else NIL. */
static List *
read_columns(const BulkJob *job)
{
	BulkCoding	coding = bulk_options_coding(job->options);
	BulkSource *source = open_file(job);
	BulkPosition start = skip_header(job, source);
	List	   *columns = NIL;

	if (start.offset > 0 && job->options->format.header != BULK_HEADER_SKIP)
		columns = read_header(job->options,
							  bulk_source_bytes(source->data, start.offset, &coding));
	bulk_source_close(source);
	return columns;
}

static uint64
default_range(uint64 file_size, int nworkers)
{
	uint64		part = file_size / (RANGES_EACH * Max(nworkers, 1));

	return Min(Max(part, LEAST_RANGE), LARGEST_RANGE);
}

/* Cut the file into ranges; the header, if there is one, is in none.  size: 0 for the default */
static List *
cut_file(const BulkJob *job, uint64 size, int nworkers)
{
	BulkSource *source = open_file(job);
	List	   *borders;

	if (size == 0)
		size = default_range(source->size, nworkers);
	borders = bulk_split(source, job->options, skip_header(job, source), size);

	bulk_source_close(source);
	return borders;
}

/* Only what every line end, or every one outside quotes, ends can be cut. */
static void
check_cuttable(const BulkOptions *options)
{
	if (options->format_name == BULK_FORMAT_JSON)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a file of format \"json\" cannot be loaded in ranges"),
				 errhint("Write an object on each line, which is format \"ndjson\", "
						 "or call purser.bulk_load().")));
	/* The second byte of a character may be a backslash. */
	if (options->format_name == BULK_FORMAT_TEXT &&
		PG_ENCODING_IS_CLIENT_ONLY(bulk_options_coding(options).encoding))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a file of format \"text\" in encoding \"%s\" cannot be loaded in ranges",
						pg_encoding_to_char(bulk_options_coding(options).encoding))));
	if (options->format.delimiter == '\0' || options->format.header == BULK_HEADER_SNIFF)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("delimiter and header of a file to load in ranges cannot be guessed"),
				 errhint("Give the options \"delimiter\" and \"header\".")));
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

	if (nworkers > 0 && get_rel_persistence(job->relid) == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("background workers cannot load temporary table \"%s\"",
						get_rel_name(job->relid)),
				 errhint("Set the argument \"workers\" to 0.")));
	options.format.header = BULK_HEADER_NONE;
	if (columns != NIL)
		options.columns = unconstify(List *, columns);
	bulk_load_check(job->relid, &options, BULK_RANGE_VERB);
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
	check_cuttable(job->options);
	columns = read_columns(job);
	begin();
	check_job(job, columns, nworkers);
	/* To read all of the file takes long. */
	commit(memory);
	borders = cut_file(job, size, nworkers);
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
