/*
 * ledger_events.c
 *		Reads the history, oldest event first, a batch at a time.
 *
 * A history of any length takes the memory of one batch.
 */
#include "ledger.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "shared/owner_query.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Events that are in memory at once. */
#define BATCH 1000

#define BATCH_SQL \
	"SELECT id, kind, revision, at, role, session_role, application_name," \
	" pg_catalog.abbrev(client_addr), duration, checksum, previous_hash, hash" \
	" FROM purser.event WHERE id OPERATOR(pg_catalog.>=) $1 AND id OPERATOR(pg_catalog.<=) $2" \
	" ORDER BY id USING OPERATOR(pg_catalog.<) LIMIT $3"

/* An address never has a mask here, so abbrev() is what host() was when the row was written. */
static LedgerRecord
read_record(uint64 row)
{
	LedgerRecord record = {0};
	bool		isnull;
	Interval   *duration;

	record.id = DatumGetInt64(shared_query_datum(row, 1, &isnull));
	record.kind = shared_query_text(row, 2);
	record.revision = shared_query_text(row, 3);
	record.at = DatumGetTimestampTz(shared_query_datum(row, 4, &isnull));
	record.role = shared_query_text(row, 5);
	record.session_role = shared_query_text(row, 6);
	record.application_name = shared_query_text(row, 7);
	record.client_address = shared_query_text(row, 8);
	duration = DatumGetIntervalP(shared_query_datum(row, 9, &isnull));
	record.timed = !isnull;
	record.duration = isnull ? -1 : duration->time;
	record.foreign = TIMESTAMP_NOT_FINITE(record.at) ||
		(record.timed && (duration->month != 0 || duration->day != 0));
	record.checksum = shared_query_datum(row, 10, &isnull);
	record.has_checksum = !isnull;
	record.previous_hash = shared_query_datum(row, 11, &isnull);
	record.hash = shared_query_datum(row, 12, &isnull);
	return record;
}

/* Hands over one batch from the id on, which it moves; false when that was the last. */
static bool
read_batch(OwnerQuery *query, int64 *first, int64 last, LedgerRecordSeen seen, void *arg)
{
	Datum		values[] = {Int64GetDatum(*first), Int64GetDatum(last), Int64GetDatum(BATCH)};
	uint64		rows = shared_query_open(query, values, NULL);
	LedgerRecord *records = palloc(sizeof(LedgerRecord) * (rows + 1));

	for (uint64 row = 0; row < rows; row++)
		records[row] = read_record(row);
	shared_query_close();
	for (uint64 row = 0; row < rows; row++)
		seen(arg, &records[row]);
	if (rows < BATCH || records[rows - 1].id == PG_INT64_MAX)
		return false;
	*first = records[rows - 1].id + 1;
	return true;
}

/*
 * All events up to this id.  As the calling statement sees them, when the rest
 * of what it reads must be of the same moment; else as they are now.
 */
void
ledger_events_read(int64 last, bool of_statement, LedgerRecordSeen seen, void *arg)
{
	static OwnerQuery latest = {
		.sql = BATCH_SQL, .indexed = true, .nargs = 3, .argtypes = {INT8OID, INT8OID, INT8OID}
	};
	static OwnerQuery same = {
		.sql = BATCH_SQL, .indexed = true, .of_statement = true,
		.nargs = 3, .argtypes = {INT8OID, INT8OID, INT8OID}
	};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext batch_context = AllocSetContextCreate(caller, "ledger events",
														ALLOCSET_DEFAULT_SIZES);
	int64		first = PG_INT64_MIN;
	bool		more = true;

	while (more)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(batch_context);
		more = read_batch(of_statement ? &same : &latest, &first, last, seen, arg);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(batch_context);
	}
	MemoryContextDelete(batch_context);
}
