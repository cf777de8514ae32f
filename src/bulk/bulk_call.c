/*
 * bulk_call.c
 *		CALL purser.load(): a file in ranges, each in a transaction of its own,
 *		by background workers or by the session itself.
 *
 * The session cuts the file, starts the workers and waits, without a snapshot
 * or a lock; a load that was interrupted goes on with the ranges that are not
 * in yet.
 */
#include "bulk_job.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "shared/worker.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
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

/* Cut the file into ranges; the header, if there is one, is in none: columns is what it names. */
static List *
cut_file(const BulkJob *job, uint64 size, List **columns)
{
	BulkOptions *options = job->options;
	BulkCoding	coding = bulk_options_coding(options);
	BulkCoding	raw = {.compression = coding.compression, .encoding = GetDatabaseEncoding()};
	/* Of bytes as they are: those that a conversion gives are at other places. */
	BulkSource *source = bulk_source_file(job->path, &raw);
	BulkPosition start = {0};
	List	   *borders;

	if (source->compressed)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("compressed file \"%s\" cannot be loaded in ranges", job->path),
				 errhint("Call purser.bulk_load().")));
	bulk_source_more(source, 0);
	if (options->format.header != BULK_HEADER_NONE)
		start = bulk_split_header(source, options);
	if (start.offset > 0 && options->format.header != BULK_HEADER_SKIP)
		*columns = read_header(options, bulk_source_bytes(source->data, start.offset, &coding));
	borders = bulk_split(source, options, start, size);
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

/* Write down a new load and its ranges. */
static BulkJob *
begin_job(FunctionCallInfo fcinfo, uint64 size)
{
	BulkJob    *job = palloc0(sizeof(BulkJob));
	List	   *columns = NIL;
	List	   *borders;

	bulk_file_check_privilege();
	require_argument(fcinfo, ARG_TARGET, "target");
	require_argument(fcinfo, ARG_PATH, "path");
	job->relid = PG_GETARG_OID(ARG_TARGET);
	job->path = text_to_cstring(PG_GETARG_TEXT_PP(ARG_PATH));
	job->function = fcinfo->flinfo->fn_oid;
	job->options = bulk_options_from_call(fcinfo);
	check_cuttable(job->options);
	borders = cut_file(job, size, &columns);
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
				 errmsg("load_id and a new load exclude each other"),
				 errhint("Leave out target and path to go on with the load.")));
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
	shared_worker_finish_all(start_workers(job, nworkers));
	load_here(job, memory);
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

static uint64
range_bytes(FunctionCallInfo fcinfo)
{
	int64		bytes = PG_ARGISNULL(ARG_RANGE_BYTES) ? DEFAULT_RANGE :
		PG_GETARG_INT64(ARG_RANGE_BYTES);

	if (bytes <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be greater than zero", "range_bytes")));
	return bytes;
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
