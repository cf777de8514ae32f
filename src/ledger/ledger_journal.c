/*
 * ledger_journal.c
 *		The append-only history purser.event, hash-chained.
 *
 * Each row's hash is sha256 over the hash of the row before and the row's own
 * fields, so that a row that was changed, removed or put in between shows.
 * Ids have no gaps, as writers hold the ledger's lock.  The canonical form of
 * a field is its length in bytes, a colon and its bytes in UTF-8; "-" is a
 * null; times and durations are whole microseconds.
 */
#include "ledger.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "shared/owner_query.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

/* 2000-01-01 in seconds since 1970. */
#define EPOCH_SHIFT (((int64) POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

static Datum
sha256(const char *bytes, int length)
{
	return DirectFunctionCall1(sha256_bytea,
							   PointerGetDatum(cstring_to_text_with_len(bytes, length)));
}

/* Where the database has no encoding, the bytes are taken as they are. */
static const char *
in_utf8(const char *text)
{
	if (GetDatabaseEncoding() == PG_SQL_ASCII)
		return text;
	return pg_server_to_any(text, strlen(text), PG_UTF8);
}

/* sha256 of a script in UTF-8, whatever the database's encoding. */
Datum
ledger_checksum(const char *script)
{
	const char *bytes = in_utf8(script);

	return sha256(bytes, strlen(bytes));
}

static void
read_last_event(LedgerJournal *journal)
{
	static OwnerQuery query = {
		.sql = "SELECT id, hash, pg_catalog.host(pg_catalog.inet_client_addr()),"
		" EXISTS (SELECT FROM purser.underway) OR EXISTS (SELECT FROM purser.backfill"
		"  WHERE batches OPERATOR(pg_catalog.>) 0 AND state OPERATOR(pg_catalog.<>) 'done')"
		" FROM (SELECT) AS one LEFT JOIN (SELECT id, hash FROM purser.event"
		" ORDER BY id USING OPERATOR(pg_catalog.>) LIMIT 1) AS last ON true",
		.indexed = true
	};
	bool		isnull;

	shared_query_open(&query, NULL, NULL);
	journal->last_id = DatumGetInt64(shared_query_datum(0, 1, &isnull));
	journal->last_hash = shared_query_datum(0, 2, &isnull);
	if (isnull)
		journal->last_hash = PointerGetDatum(cstring_to_text(""));
	journal->client_address = shared_query_text(0, 3);
	journal->any_underway = DatumGetBool(shared_query_datum(0, 4, &isnull));
	shared_query_close();
}

/* In the current memory context, which must last as long as the journal. */
LedgerJournal *
ledger_journal_open(void)
{
	LedgerJournal *journal = palloc(sizeof(LedgerJournal));

	journal->context = CurrentMemoryContext;
	journal->graph = NULL;
	read_last_event(journal);
	return journal;
}

static int64
count_events(OwnerQuery *query)
{
	int64		count;
	bool		isnull;

	shared_query_open(query, NULL, NULL);
	count = DatumGetInt64(shared_query_datum(0, 1, &isnull));
	shared_query_close();
	return count;
}

/*
 * Does the caller's transaction, and so its statements, see all of the history?
 * One that keeps its first snapshot does not see what was committed since then.
 */
bool
ledger_journal_is_visible(void)
{
	static OwnerQuery latest = {.sql = "SELECT pg_catalog.count(*) FROM purser.event"};
	static OwnerQuery own = {
		.sql = "SELECT pg_catalog.count(*) FROM purser.event",
		.own_snapshot = true
	};

	return !IsolationUsesXactSnapshot() || count_events(&own) == count_events(&latest);
}

static void
add_field(StringInfo canonical, const char *value)
{
	if (value)
	{
		const char *bytes = in_utf8(value);

		appendStringInfo(canonical, "%zu:%s", strlen(bytes), bytes);
	}
	else
		appendStringInfoChar(canonical, '-');
}

static char *
hex(Datum bytes)
{
	bytea	   *value = DatumGetByteaPP(bytes);
	char	   *text = palloc(2 * VARSIZE_ANY_EXHDR(value) + 1);

	text[hex_encode(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), text)] = '\0';
	return text;
}

/* What the hash of the record must be; memory is the caller's to reset. */
Datum
ledger_record_hash(const LedgerRecord *record)
{
	StringInfoData canonical;

	initStringInfo(&canonical);
	add_field(&canonical, hex(record->previous_hash));
	add_field(&canonical, psprintf(INT64_FORMAT, record->id));
	add_field(&canonical, record->kind);
	add_field(&canonical, record->revision);
	add_field(&canonical, psprintf(INT64_FORMAT, record->at + EPOCH_SHIFT * USECS_PER_SEC));
	add_field(&canonical, record->role);
	add_field(&canonical, record->session_role);
	add_field(&canonical, record->application_name);
	add_field(&canonical, record->client_address);
	add_field(&canonical, record->timed ? psprintf(INT64_FORMAT, record->duration) : NULL);
	add_field(&canonical, record->has_checksum ? hex(record->checksum) : NULL);
	return sha256(canonical.data, canonical.len);
}

/* The record that the event makes, as the one after the last. */
static LedgerRecord
next_record(const LedgerJournal *journal, const LedgerEvent *event)
{
	LedgerRecord record = {
		.id = journal->last_id + 1,
		.kind = event->kind,
		.revision = event->revision,
		.at = event->at,
		.role = GetUserNameFromId(GetUserId(), false),
		.session_role = GetUserNameFromId(GetSessionUserId(), false),
		.application_name = application_name,
		.client_address = journal->client_address,
		.timed = event->duration >= 0,
		.duration = event->duration,
		.has_checksum = event->script != NULL,
		.checksum = event->script ? ledger_checksum(event->script) : (Datum) 0,
		.previous_hash = journal->last_hash
	};

	record.hash = ledger_record_hash(&record);
	return record;
}

/* Chain the event to the last one and store it. */
void
ledger_journal_write(LedgerJournal *journal, const LedgerEvent *event)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO purser.event (id, kind, revision, at, role, session_role,"
		" application_name, client_addr, duration, checksum, previous_hash, hash)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8::pg_catalog.inet,"
		" $9, $10, $11, $12)",
		.writes = true, .nargs = 12,
		.argtypes = {INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, TEXTOID,
		TEXTOID, TEXTOID, INTERVALOID, BYTEAOID, BYTEAOID, BYTEAOID}
	};
	LedgerRecord record = next_record(journal, event);
	Interval	duration = {.time = record.duration};
	char		nulls[] = "            ";
	Datum		values[12] = {
		Int64GetDatum(record.id),
		CStringGetTextDatum(record.kind),
		CStringGetTextDatum(record.revision),
		TimestampTzGetDatum(record.at),
		CStringGetTextDatum(record.role),
		CStringGetTextDatum(record.session_role),
		CStringGetTextDatum(record.application_name),
		(Datum) 0,
		IntervalPGetDatum(&duration),
		record.checksum,
		record.previous_hash,
		record.hash
	};
	MemoryContext caller;

	if (record.client_address)
		values[7] = CStringGetTextDatum(record.client_address);
	else
		nulls[7] = 'n';
	if (!record.timed)
		nulls[8] = 'n';
	if (!record.has_checksum)
		nulls[9] = 'n';
	shared_query_open(&query, values, nulls);
	shared_query_close();

	caller = MemoryContextSwitchTo(journal->context);
	pfree(DatumGetPointer(journal->last_hash));
	journal->last_hash = datumCopy(record.hash, false, -1);
	journal->last_id++;
	MemoryContextSwitchTo(caller);
}
