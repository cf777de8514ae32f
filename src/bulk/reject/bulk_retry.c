/*
 * bulk_retry.c
 *		Loads rejected rows again, which were repaired in the meantime.
 *
 * Each raw row is an input of its own, with a reader of its own: so what is
 * wrong with one is no other's business, and each keeps the position that it
 * had in the first input.  Rows leave purser.reject when their batch is settled,
 * and those that are bad again come back with the number that they had.  So
 * ranges of the load that are not in yet are not in the way.
 */
#include "bulk/bulk.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "shared/arguments.h"
#include "shared/owner_query.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(purser_load_rejects_0_1);

/* Rows that are fetched at once. */
#define RETRY_ROWS	1000

/* The first arguments; the others are found by name. */
enum
{
	ARG_TARGET,
	ARG_LOAD_ID,
	ARG_COLUMNS
};

typedef struct RetryRow
{
	BulkPosition position;		/* its row is the number of the reject */
	const char *raw;			/* NULL: there is none */
	Size		raw_len;
} RetryRow;

typedef struct RetryReader
{
	BulkReader	base;			/* first, so that a reader is one */
	BulkFormat	format;
	BulkMakeReader make;
	const BulkRetry *retry;
	BulkContext one_context;	/* of the reader of the present row, whose positions mean nothing */
	MemoryContext chunk_memory;
	MemoryContext one_memory;	/* of the reader of the present row */
	int64		number;			/* of the last row that was fetched */
	int			ngiven;			/* rows that are not settled yet */
	int			max_given;		/* that there is room for */
	Datum	   *given;			/* their numbers */
	int			nrows;
	int			next;
	RetryRow   *rows;
} RetryReader;

/* ---- rows from the table ---- */

static Datum
role_datum(const BulkRetry *retry)
{
	return CStringGetTextDatum(retry->role);
}

/* Whoever loads them again at the same time waits. */
static void
lock_rejects(const BulkRetry *retry)
{
	static OwnerQuery query = {
		.sql = "SELECT pg_catalog.count(*) FROM (SELECT FROM purser.reject"
		" WHERE load_id OPERATOR(pg_catalog.=) $1 AND role OPERATOR(pg_catalog.=) $2"
		" ORDER BY number FOR UPDATE) r",
		.writes = true, .indexed = true, .nargs = 2, .argtypes = {INT8OID, TEXTOID}
	};
	Datum		values[] = {Int64GetDatum(retry->load_id), role_datum(retry)};

	(void) shared_query_open(&query, values, NULL);
	shared_query_close();
}

static uint64
number_or_zero(uint64 row, int column)
{
	bool		isnull;
	Datum		value = shared_query_value(row, column, &isnull);

	return isnull ? 0 : (uint64) DatumGetInt64(value);
}

static void
take_raw(RetryRow *row, uint64 number, int column)
{
	bool		isnull;
	Datum		value = shared_query_datum(number, column, &isnull);
	struct varlena *raw;

	if (isnull)
		return;
	raw = PG_DETOAST_DATUM_PACKED(value);
	row->raw = VARDATA_ANY(raw);
	row->raw_len = VARSIZE_ANY_EXHDR(raw);
}

static void
fetch_chunk(RetryReader *reader)
{
	static OwnerQuery query = {
		.sql = "SELECT number, line_number, byte_offset, raw, raw_bytes"
		" FROM purser.reject WHERE load_id OPERATOR(pg_catalog.=) $1"
		" AND role OPERATOR(pg_catalog.=) $2 AND number OPERATOR(pg_catalog.>) $3"
		" ORDER BY number LIMIT $4",
		.indexed = true, .nargs = 4, .argtypes = {INT8OID, TEXTOID, INT8OID, INT8OID}
	};
	const BulkRetry *retry = reader->retry;
	Datum		values[] = {Int64GetDatum(retry->load_id), role_datum(retry),
		Int64GetDatum(reader->number), Int64GetDatum(RETRY_ROWS)};
	MemoryContext oldcontext;

	MemoryContextReset(reader->chunk_memory);
	oldcontext = MemoryContextSwitchTo(reader->chunk_memory);
	reader->next = 0;
	reader->nrows = shared_query_open(&query, values, NULL);
	reader->rows = palloc0(Max(reader->nrows, 1) * sizeof(RetryRow));
	for (int i = 0; i < reader->nrows; i++)
	{
		RetryRow   *row = &reader->rows[i];

		row->position.row = number_or_zero(i, 1);
		row->position.line = number_or_zero(i, 2);
		row->position.offset = number_or_zero(i, 3);
		take_raw(row, i, 5);
		take_raw(row, i, 4);
	}
	shared_query_close();
	MemoryContextSwitchTo(oldcontext);
}

/* If no row is left, and none can come, what the load wanted is not needed any more. */
void
bulk_retry_end(const BulkRetry *retry)
{
	static OwnerQuery query = {
		.sql = "DELETE FROM purser.load WHERE load_id OPERATOR(pg_catalog.=) $1"
		" AND NOT EXISTS (SELECT FROM purser.reject r WHERE r.load_id OPERATOR(pg_catalog.=) $1)"
		" AND NOT EXISTS (SELECT FROM purser.load_job j WHERE j.load_id OPERATOR(pg_catalog.=) $1"
		" AND j.finished IS NULL)",
		.writes = true, .indexed = true, .nargs = 1, .argtypes = {INT8OID}
	};
	Datum		values[] = {Int64GetDatum(retry->load_id)};

	(void) shared_query_open(&query, values, NULL);
	shared_query_close();
}

/* ---- the reader ---- */

/* The text that a reader of the format reads as one row; in row_memory. */
static BulkSource *
source_of_row(RetryReader *reader, const RetryRow *row)
{
	bool		is_json = reader->make == bulk_json_reader;
	Size		len = row->raw_len + (is_json ? 2 : 0);
	char	   *text = MemoryContextAllocHuge(reader->base.row_memory, len + 1);
	BulkSource *source;

	memcpy(text + (is_json ? 1 : 0), row->raw, row->raw_len);
	if (is_json)
	{
		text[0] = '[';
		text[len - 1] = ']';
	}
	text[len] = '\0';
	reader->base.raw = text + (is_json ? 1 : 0);
	reader->base.raw_len = row->raw_len;
	source = bulk_source_memory(text, len);
	source->verify = true;
	return source;
}

static void
refuse_raw(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
			 errmsg("%s", message),
			 errhint("The column \"raw\" of purser.reject must hold exactly one row.")));
}

/* Read the row with a reader of its own. */
static void
read_row(RetryReader *reader, const RetryRow *row)
{
	BulkReader	base = reader->base;
	BulkReader *one;

	memset(&reader->one_context, 0, sizeof(BulkContext));
	base.context = &reader->one_context;
	base.load_memory = reader->one_memory;
	base.source = source_of_row(reader, row);
	one = reader->make(&base, &reader->format);
	if (!one->next(one))
		refuse_raw("the raw row is empty");
	/* The fields of a second one must not take the place of the first one's. */
	base.fields = palloc(base.schema->ncolumns * sizeof(BulkField));
	memcpy(base.fields, reader->base.fields, base.schema->ncolumns * sizeof(BulkField));
	if (one->next(one))
		refuse_raw("the raw row is more than one row");
	memcpy(reader->base.fields, base.fields, base.schema->ncolumns * sizeof(BulkField));
}

/* Note that the row was given out. */
static void
give(RetryReader *reader, const RetryRow *row)
{
	if (reader->ngiven == reader->max_given)
	{
		reader->max_given = Max(2 * reader->max_given, RETRY_ROWS);
		reader->given = reader->given == NULL ?
			MemoryContextAlloc(reader->base.load_memory, reader->max_given * sizeof(Datum)) :
			repalloc(reader->given, reader->max_given * sizeof(Datum));
	}
	reader->given[reader->ngiven++] = Int64GetDatum((int64) row->position.row);
	reader->number = row->position.row;
}

/* The rows that were given out are settled: those that are bad again are yet to be written. */
static void
retry_done(BulkReader *base)
{
	static OwnerQuery query = {
		.sql = "DELETE FROM purser.reject WHERE load_id OPERATOR(pg_catalog.=) $1"
		" AND role OPERATOR(pg_catalog.=) $2 AND number OPERATOR(pg_catalog.=) ANY ($3)"
		" RETURNING number",
		.writes = true, .indexed = true, .nargs = 3, .argtypes = {INT8OID, TEXTOID, INT8ARRAYOID}
	};
	RetryReader *reader = (RetryReader *) base;
	ArrayType  *numbers;
	Datum		values[3];
	uint64		ngone;

	if (reader->ngiven == 0)
		return;
	numbers = construct_array(reader->given, reader->ngiven, INT8OID, sizeof(int64),
							  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	values[0] = Int64GetDatum(reader->retry->load_id);
	values[1] = role_datum(reader->retry);
	values[2] = PointerGetDatum(numbers);
	ngone = shared_query_open(&query, values, NULL);
	shared_query_close();
	if (ngone < (uint64) reader->ngiven)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("rejected rows of load " INT64_FORMAT " were loaded or deleted "
						"at the same time", reader->retry->load_id)));
	pfree(numbers);
	reader->ngiven = 0;
}

static bool
retry_next(BulkReader *base)
{
	RetryReader *reader = (RetryReader *) base;
	const RetryRow *row;
	MemoryContext oldcontext;

	if (reader->next == reader->nrows)
		fetch_chunk(reader);
	if (reader->next == reader->nrows)
		return false;
	row = &reader->rows[reader->next++];
	give(reader, row);
	base->context->position = row->position;
	base->raw = NULL;
	if (row->raw == NULL)
		refuse_raw("there is no raw row");
	MemoryContextReset(reader->one_memory);
	oldcontext = MemoryContextSwitchTo(reader->one_memory);
	read_row(reader, row);
	MemoryContextSwitchTo(oldcontext);
	return true;
}

/* The next row has nothing to do with the one that was bad. */
static bool
retry_resume(BulkReader *base pg_attribute_unused())
{
	return true;
}

/* Reads the rejects; make is for the format that they are written in. */
BulkReader *
bulk_retry_reader(const BulkReader *base, const BulkFormat *format,
				  BulkMakeReader make, const BulkRetry *retry)
{
	RetryReader *reader = MemoryContextAllocZero(base->load_memory, sizeof(RetryReader));

	reader->base = *base;
	reader->base.next = retry_next;
	reader->base.resume = retry_resume;
	reader->base.done = retry_done;
	reader->base.source = NULL;
	reader->format = *format;
	reader->format.header = BULK_HEADER_NONE;
	reader->format.lines = false;
	reader->make = make;
	reader->retry = retry;
	/* What is wrong with the columns is wrong for all rows. */
	if (make != bulk_json_reader)
		(void) base->schema->all(base->schema, palloc(MaxHeapAttributeNumber * sizeof(int)), NULL);
	reader->chunk_memory = AllocSetContextCreate(base->load_memory, "pg_purser rejects again",
												 ALLOCSET_DEFAULT_SIZES);
	reader->one_memory = AllocSetContextCreate(base->load_memory, "pg_purser reject again",
											   ALLOCSET_DEFAULT_SIZES);
	return &reader->base;
}

/* ---- the function ---- */

static void
check_load(FunctionCallInfo fcinfo)
{
	shared_arg_require(fcinfo, ARG_LOAD_ID, "load_id");
	if (PG_ARGISNULL(ARG_TARGET))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" has no load " INT64_FORMAT " with rejected rows",
						GetUserNameFromId(GetUserId(), false), PG_GETARG_INT64(ARG_LOAD_ID)),
				 errhint("The table purser.load has them. "
						 "Only who loaded the rows can load them again.")));
}

static List *
column_names(FunctionCallInfo fcinfo)
{
	NameList	names = shared_arg_names(fcinfo, ARG_COLUMNS, "columns");
	List	   *list = NIL;

	for (int i = 0; i < names.count; i++)
		list = lappend(list, names.items[i]);
	return list;
}

/* load_rejects(target regclass, load_id bigint, columns text[], ...) */
Datum
purser_load_rejects_0_1(PG_FUNCTION_ARGS)
{
	BulkRetry	retry = {0};
	BulkInput	input = {.retry = &retry};
	BulkOptions *options;
	BulkResult	result;

	check_load(fcinfo);
	options = bulk_options_from_call(fcinfo);
	options->rejects = true;
	options->encoding = -1;
	options->columns = column_names(fcinfo);
	retry.load_id = PG_GETARG_INT64(ARG_LOAD_ID);
	retry.role = GetUserNameFromId(GetUserId(), false);
	lock_rejects(&retry);
	result = bulk_load(PG_GETARG_OID(ARG_TARGET), &input, options);
	/* The result has no other place for them. */
	result.counts[BULK_UPDATED] += result.counts[BULK_DELETED];
	return bulk_make_result(fcinfo, &result);
}
