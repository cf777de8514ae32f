/*
 * online_progress.c
 *		The table purser.backfill: how far each revision's batches are.
 *
 * The runner locks its row before it touches the user's table, in each batch, so
 * that who pauses or cancels waits for one batch at most, and no batch begins
 * after that.
 */
#include "online.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "shared/owner_query.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* The row, locked to the end of the transaction; NULL when there is none. */
OnlineProgress *
online_progress_lock(const char *revision)
{
	static OwnerQuery query = {
		.sql = "SELECT state, relation, key, key_type, position, upper_bound, batch_size, duration"
		" FROM purser.backfill WHERE revision OPERATOR(pg_catalog.=) $1 FOR UPDATE",
		.writes = true, .nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(revision)};
	OnlineProgress *progress = NULL;
	bool		isnull;

	if (shared_query_open(&query, values, NULL) > 0)
	{
		progress = palloc(sizeof(OnlineProgress));
		progress->state = shared_query_text(0, 1);
		progress->relation = shared_query_text(0, 2);
		progress->key = shared_query_text(0, 3);
		progress->key_type = shared_query_text(0, 4);
		progress->position = shared_query_text(0, 5);
		progress->upper_bound = shared_query_text(0, 6);
		progress->batch_size = DatumGetInt32(shared_query_datum(0, 7, &isnull));
		progress->duration = DatumGetIntervalP(shared_query_datum(0, 8, &isnull))->time;
	}
	shared_query_close();
	return progress;
}

/* NULL when there is no row. */
char *
online_progress_state(const char *revision)
{
	static OwnerQuery query = {
		.sql = "SELECT state FROM purser.backfill WHERE revision OPERATOR(pg_catalog.=) $1",
		.nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(revision)};
	char	   *state = NULL;

	if (shared_query_open(&query, values, NULL) > 0)
		state = shared_query_text(0, 1);
	shared_query_close();
	return state;
}

/* Nothing is done yet. */
void
online_progress_begin(const char *revision, const OnlineProgress *progress, int64 rows_estimate)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO purser.backfill (revision, relation, key, key_type, state,"
		" upper_bound, rows_estimate, batch_size, started_at, updated_at, started_by, pid)"
		" VALUES ($1, $2, $3, $4, 'running', $5, $6, $7, $8, $8, $9, $10)",
		.writes = true, .nargs = 10,
		.argtypes = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, INT4OID,
		TIMESTAMPTZOID, TEXTOID, INT4OID}
	};
	char		nulls[] = "          ";
	Datum		values[] = {
		CStringGetTextDatum(revision),
		CStringGetTextDatum(progress->relation),
		CStringGetTextDatum(progress->key),
		CStringGetTextDatum(progress->key_type),
		(Datum) 0,
		Int64GetDatum(rows_estimate),
		Int32GetDatum(progress->batch_size),
		TimestampTzGetDatum(GetCurrentTimestamp()),
		CStringGetTextDatum(GetUserNameFromId(GetUserId(), false)),
		Int32GetDatum(MyProcPid)
	};

	if (progress->upper_bound)
		values[4] = CStringGetTextDatum(progress->upper_bound);
	else
		nulls[4] = 'n';
	shared_query_open(&query, values, nulls);
	shared_query_close();
}

/* Another runner went as far as it did; this session goes on. */
void
online_progress_go_on(const char *revision)
{
	static OwnerQuery query = {
		.sql = "UPDATE purser.backfill SET state = 'running', error = NULL, throttled_by = NULL,"
		" rows_per_second = NULL, pid = $2, updated_at = $3"
		" WHERE revision OPERATOR(pg_catalog.=) $1",
		.writes = true, .nargs = 3, .argtypes = {TEXTOID, INT4OID, TIMESTAMPTZOID}
	};
	Datum		values[] = {
		CStringGetTextDatum(revision),
		Int32GetDatum(MyProcPid),
		TimestampTzGetDatum(GetCurrentTimestamp())
	};

	shared_query_open(&query, values, NULL);
	shared_query_close();
}

/* A batch is done. */
void
online_progress_advance(const char *revision, const OnlineAdvance *advance)
{
	static OwnerQuery query = {
		.sql = "UPDATE purser.backfill SET state = $2, position = $3,"
		" rows_done = rows_done OPERATOR(pg_catalog.+) $4,"
		" rows_passed = rows_passed OPERATOR(pg_catalog.+) $5,"
		" batches = batches OPERATOR(pg_catalog.+) 1, batch_size = $6, rows_per_second = $7,"
		" throttled_by = $8, duration = duration OPERATOR(pg_catalog.+) $9, error = NULL,"
		" pid = $10, updated_at = $11 WHERE revision OPERATOR(pg_catalog.=) $1",
		.writes = true, .nargs = 11,
		.argtypes = {TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID, INT4OID, FLOAT8OID, TEXTOID,
		INTERVALOID, INT4OID, TIMESTAMPTZOID}
	};
	Interval	duration = {.time = advance->duration};
	char		nulls[] = "           ";
	Datum		values[] = {
		CStringGetTextDatum(revision),
		CStringGetTextDatum(advance->last ? "done" : "running"),
		(Datum) 0,
		Int64GetDatum(advance->rows_done),
		Int64GetDatum(advance->rows_passed),
		Int32GetDatum(advance->batch_size),
		Float8GetDatum(advance->rows_per_second),
		(Datum) 0,
		IntervalPGetDatum(&duration),
		Int32GetDatum(MyProcPid),
		TimestampTzGetDatum(GetCurrentTimestamp())
	};

	if (advance->position)
		values[2] = CStringGetTextDatum(advance->position);
	else
		nulls[2] = 'n';
	if (advance->throttled_by && !advance->last)
		values[7] = CStringGetTextDatum(advance->throttled_by);
	else
		nulls[7] = 'n';
	shared_query_open(&query, values, nulls);
	shared_query_close();
}

/* The next batch is tried later, with another size. */
void
online_progress_hold(const char *revision, const char *throttled_by, int batch_size)
{
	static OwnerQuery query = {
		.sql = "UPDATE purser.backfill SET throttled_by = $2, batch_size = $3, updated_at = $4"
		" WHERE revision OPERATOR(pg_catalog.=) $1",
		.writes = true, .nargs = 4, .argtypes = {TEXTOID, TEXTOID, INT4OID, TIMESTAMPTZOID}
	};
	Datum		values[] = {
		CStringGetTextDatum(revision),
		CStringGetTextDatum(throttled_by),
		Int32GetDatum(batch_size),
		TimestampTzGetDatum(GetCurrentTimestamp())
	};

	shared_query_open(&query, values, NULL);
	shared_query_close();
}

/* The runner gives up; what was cancelled or paused meanwhile stays so. */
void
online_progress_fail(const char *revision, const char *error)
{
	static OwnerQuery query = {
		.sql = "UPDATE purser.backfill SET state = 'failed', error = $2, throttled_by = NULL,"
		" updated_at = $3 WHERE revision OPERATOR(pg_catalog.=) $1"
		" AND state OPERATOR(pg_catalog.=) ANY ('{running,failed}')",
		.writes = true, .nargs = 3, .argtypes = {TEXTOID, TEXTOID, TIMESTAMPTZOID}
	};
	Datum		values[] = {
		CStringGetTextDatum(revision),
		CStringGetTextDatum(error),
		TimestampTzGetDatum(GetCurrentTimestamp())
	};

	shared_query_open(&query, values, NULL);
	shared_query_close();
}
