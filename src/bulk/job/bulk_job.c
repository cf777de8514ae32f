/*
 * bulk_job.c
 *		Loads that outlive their transaction: purser.load has what each one was
 *		asked for, so that another session can go on with it.
 *
 * Called by bulk_call.c and bulk_range.c.
 */
#include "bulk/job/bulk_job.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "shared/arguments.h"
#include "shared/owner_query.h"
#include "utils/acl.h"
#include "utils/builtins.h"

static OwnerQuery add_query = {
	.sql = "INSERT INTO purser.load_job (relation, path, arguments, columns, encoding, role) "
	"VALUES ($1, $2, $3, $4, $5, $6) "
	"RETURNING load_id",
	.writes = true,
	.nargs = 6,
	.argtypes = {OIDOID, TEXTOID, JSONBOID, TEXTARRAYOID, TEXTOID, OIDOID}
};

static OwnerQuery read_query = {
	.sql = "SELECT relation, path, arguments, columns, encoding, role, finished IS NOT NULL "
	"FROM purser.load_job "
	"WHERE load_id OPERATOR(pg_catalog.=) $1",
	.indexed = true,
	.nargs = 1,
	.argtypes = {INT8OID}
};

static OwnerQuery finish_query = {
	.sql = "UPDATE purser.load_job SET finished = pg_catalog.clock_timestamp() "
	"WHERE load_id OPERATOR(pg_catalog.=) $1 AND NOT EXISTS (SELECT FROM purser.load_range r "
	"WHERE r.load_id OPERATOR(pg_catalog.=) $1 AND r.finished IS NULL)",
	.writes = true,
	.indexed = true,
	.nargs = 1,
	.argtypes = {INT8OID}
};

/* Rows that were all loaded again while others could still come. */
static OwnerQuery forget_query = {
	.sql = "DELETE FROM purser.load WHERE load_id OPERATOR(pg_catalog.=) $1 "
	"AND NOT EXISTS (SELECT FROM purser.reject r WHERE r.load_id OPERATOR(pg_catalog.=) $1)",
	.writes = true,
	.indexed = true,
	.nargs = 1,
	.argtypes = {INT8OID}
};

static OwnerQuery allow_query = {
	.sql = "UPDATE purser.load_job SET arguments = arguments OPERATOR(pg_catalog.||) "
	"pg_catalog.jsonb_build_object('max_rejects', $2) "
	"WHERE load_id OPERATOR(pg_catalog.=) $1",
	.writes = true,
	.indexed = true,
	.nargs = 2,
	.argtypes = {INT8OID, INT8OID}
};

static OwnerQuery lock_query = {
	.sql = "SELECT FROM purser.load_job WHERE load_id OPERATOR(pg_catalog.=) $1 FOR NO KEY UPDATE",
	.writes = true,
	.indexed = true,
	.nargs = 1,
	.argtypes = {INT8OID}
};

static OwnerQuery count_query = {
	.sql = "SELECT pg_catalog.sum(inserted)::bigint, pg_catalog.sum(updated)::bigint, "
	"pg_catalog.sum(skipped)::bigint, pg_catalog.sum(rejected)::bigint, "
	"pg_catalog.count(*), pg_catalog.count(finished) "
	"FROM purser.load_range WHERE load_id OPERATOR(pg_catalog.=) $1",
	.indexed = true,
	.nargs = 1,
	.argtypes = {INT8OID}
};

static Datum
names_datum(const List *list)
{
	NameList	names = {0, palloc(Max(list_length(list), 1) * sizeof(char *))};
	ListCell   *lc;

	foreach(lc, list)
		names.items[names.count++] = lfirst(lc);
	return shared_names_to_array(names);
}

/* Write the job down, under a new load_id; columns: those of a row, if they are not all. */
void
bulk_job_add(BulkJob *job, Jsonb *arguments, const List *columns)
{
	int			encoding = bulk_options_coding(job->options).encoding;
	Datum		values[] = {
		ObjectIdGetDatum(job->relid), CStringGetTextDatum(job->path), JsonbPGetDatum(arguments),
		names_datum(columns), CStringGetTextDatum(pg_encoding_to_char(encoding)),
		ObjectIdGetDatum(GetUserId())
	};
	bool		isnull;

	(void) shared_query_open(&add_query, values, columns == NIL ? "   n  " : NULL);
	job->load_id = DatumGetInt64(shared_query_value(0, 1, &isnull));
	shared_query_close();
}

static void
check_role(int64 load_id, Oid role)
{
	if (!has_privs_of_role(GetUserId(), role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for load " INT64_FORMAT, load_id),
				 errdetail("Only the role that began a load, and its members, "
						   "may go on with it.")));
}

static List *
list_of_names(Datum array)
{
	NameList	names = shared_names_from_array(array, "columns");
	List	   *list = NIL;

	for (int i = 0; i < names.count; i++)
		list = lappend(list, names.items[i]);
	return list;
}

/* The load as it was asked for, by a call of the function; in the current memory context. */
BulkJob *
bulk_job_read(int64 load_id, Oid function)
{
	Datum		values[] = {Int64GetDatum(load_id)};
	BulkJob    *job = palloc0(sizeof(BulkJob));
	List	   *columns = NIL;
	char	   *encoding;
	Jsonb	   *arguments;
	bool		isnull;
	Datum		names;

	if (shared_query_open(&read_query, values, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no load " INT64_FORMAT, load_id)));
	job->load_id = load_id;
	job->function = function;
	job->relid = DatumGetObjectId(shared_query_value(0, 1, &isnull));
	job->path = shared_query_text(0, 2);
	arguments = DatumGetJsonbP(shared_query_datum(0, 3, &isnull));
	names = shared_query_datum(0, 4, &isnull);
	if (!isnull)
		columns = list_of_names(names);
	encoding = shared_query_text(0, 5);
	check_role(load_id, DatumGetObjectId(shared_query_value(0, 6, &isnull)));
	job->finished = DatumGetBool(shared_query_value(0, 7, &isnull));
	shared_query_close();
	job->options = bulk_arguments_options(function, arguments);
	/* The client's, of who began the load. */
	job->options->encoding = pg_char_to_encoding(encoding);
	/* No range has the header. */
	job->options->format.header = BULK_HEADER_NONE;
	if (columns != NIL)
		job->options->columns = columns;
	return job;
}

/* From now on, that many rows may be rejected in all. */
void
bulk_job_allow(int64 load_id, int64 max_rejects)
{
	Datum		values[] = {Int64GetDatum(load_id), Int64GetDatum(max_rejects)};

	(void) shared_query_open(&allow_query, values, NULL);
	shared_query_close();
}

/*
 * At the end of a range in which rows were rejected: were there too many in all?
 * Ranges that end at the same time come here one after another, and those that
 * were first are seen to be in.
 */
void
bulk_job_check_rejects(const BulkJob *job)
{
	Datum		values[] = {Int64GetDatum(job->load_id)};
	int64		rejected;

	(void) shared_query_open(&lock_query, values, NULL);
	shared_query_close();
	rejected = bulk_job_counts(job).rejected;
	if (rejected > job->options->max_rejects)
		bulk_rejects_refuse(job->options->max_rejects, job->load_id,
							psprintf("Ranges that were loaded at the same time have "
									 INT64_FORMAT " in all.", rejected));
}

/* Mark the load as finished if all of its ranges are in. */
void
bulk_job_finish(const BulkJob *job)
{
	Datum		values[] = {Int64GetDatum(job->load_id)};

	(void) shared_query_open(&finish_query, values, NULL);
	shared_query_close();
	(void) shared_query_open(&forget_query, values, NULL);
	shared_query_close();
}

/* What all ranges that are in did; how many there are, and are in. */
BulkJobCounts
bulk_job_counts(const BulkJob *job)
{
	Datum		values[] = {Int64GetDatum(job->load_id)};
	BulkJobCounts counts;
	int64	   *all[] = {
		&counts.inserted, &counts.updated, &counts.skipped, &counts.rejected,
		&counts.ranges, &counts.finished
	};

	(void) shared_query_open(&count_query, values, NULL);
	for (int i = 0; i < (int) lengthof(all); i++)
	{
		bool		isnull;
		Datum		value = shared_query_value(0, i + 1, &isnull);

		*all[i] = isnull ? 0 : DatumGetInt64(value);
	}
	shared_query_close();
	return counts;
}
