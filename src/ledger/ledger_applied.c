/*
 * ledger_applied.c
 *		The table purser.applied: what is in force.
 */
#include "ledger.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "shared/owner_query.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

bool
ledger_store_is_applied(const char *id)
{
	static OwnerQuery query = {
		.sql = "SELECT 1 FROM purser.applied WHERE revision OPERATOR(pg_catalog.=) $1",
		.indexed = true, .nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(id)};
	bool		applied = shared_query_open(&query, values, NULL) > 0;

	shared_query_close();
	return applied;
}

/* Is there nothing left of a step?  A repeatable revision may be applied with another text. */
bool
ledger_store_is_done(const char *id, LedgerDirection direction)
{
	static OwnerQuery query = {
		.sql = "SELECT r.repeatable, r.upgrade, a.checksum FROM purser.applied a, purser.revision r"
		" WHERE a.revision OPERATOR(pg_catalog.=) $1 AND r.revision OPERATOR(pg_catalog.=) $1",
		.indexed = true, .nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(id)};
	bool		applied = shared_query_open(&query, values, NULL) > 0;
	bool		changed = false;
	bool		isnull;

	if (applied && DatumGetBool(shared_query_value(0, 1, &isnull)))
		changed = !ledger_same_bytes(shared_query_value(0, 3, &isnull),
									 ledger_checksum(shared_query_text(0, 2)));
	shared_query_close();
	return direction == LEDGER_UPGRADE ? applied && !changed : !applied;
}

void
ledger_store_set_applied(const char *id, Datum checksum)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO purser.applied (revision, checksum, applied_at, applied_by)"
		" VALUES ($1, $2, $3, $4) ON CONFLICT (revision) DO UPDATE SET"
		" checksum = EXCLUDED.checksum, applied_at = EXCLUDED.applied_at,"
		" applied_by = EXCLUDED.applied_by",
		.writes = true, .nargs = 4, .argtypes = {TEXTOID, BYTEAOID, TIMESTAMPTZOID, TEXTOID}
	};
	Datum		values[] = {
		CStringGetTextDatum(id),
		checksum,
		TimestampTzGetDatum(GetCurrentTimestamp()),
		CStringGetTextDatum(GetUserNameFromId(GetUserId(), false))
	};

	shared_query_open(&query, values, NULL);
	shared_query_close();
}

/* Is the revision applied?  Then the checksum of the script that was. */
bool
ledger_store_checksum(const char *id, Datum *checksum)
{
	static OwnerQuery query = {
		.sql = "SELECT checksum FROM purser.applied WHERE revision OPERATOR(pg_catalog.=) $1",
		.nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(id)};
	bool		applied = shared_query_open(&query, values, NULL) > 0;
	bool		isnull;

	if (applied)
		*checksum = shared_query_datum(0, 1, &isnull);
	shared_query_close();
	return applied;
}

void
ledger_store_set_checksum(const char *id, Datum checksum)
{
	static OwnerQuery query = {
		.sql = "UPDATE purser.applied SET checksum = $2"
		" WHERE revision OPERATOR(pg_catalog.=) $1",
		.writes = true, .nargs = 2, .argtypes = {TEXTOID, BYTEAOID}
	};
	Datum		values[] = {CStringGetTextDatum(id), checksum};

	shared_query_open(&query, values, NULL);
	shared_query_close();
}

void
ledger_store_unset_applied(const char *id)
{
	static OwnerQuery query = {
		.sql = "DELETE FROM purser.applied WHERE revision OPERATOR(pg_catalog.=) $1",
		.writes = true, .indexed = true, .nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(id)};

	shared_query_open(&query, values, NULL);
	shared_query_close();
}
