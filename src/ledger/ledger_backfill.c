/*
 * ledger_backfill.c
 *		What the ledger must know of revisions that run in batches.
 *
 * purser.migrate() commits each batch and keeps its position in the table
 * purser.backfill.  While some batches are done and others are not, the
 * revision may neither run whole nor change nor go.
 */
#include "ledger.h"

#include "catalog/pg_type.h"
#include "shared/owner_query.h"
#include "utils/builtins.h"

static bool
is_under_way(const char *id)
{
	static OwnerQuery query = {
		.sql = "SELECT 1 FROM purser.backfill WHERE revision OPERATOR(pg_catalog.=) $1"
		" AND batches OPERATOR(pg_catalog.>) 0 AND state OPERATOR(pg_catalog.<>) 'done'",
		.nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(id)};
	bool		under_way = shared_query_open(&query, values, NULL) > 0;

	shared_query_close();
	return under_way;
}

/* Raise an error if the revision has done some of its batches; what: "be replaced" or so. */
void
ledger_backfill_check_idle(const LedgerRevision *revision, const char *what)
{
	if (revision->batch && is_under_way(revision->id))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" cannot %s while its backfill is under way",
						revision->id, what),
				 errdetail("Some of its batches are committed."),
				 errhint("CALL purser.migrate() goes on with it; purser.stamp() gives it up, or "
						 "declares it done.")));
}

/* The batches of these revisions begin anew, if they ever do. */
void
ledger_backfill_forget(NameList ids)
{
	static OwnerQuery query = {
		.sql = "DELETE FROM purser.backfill WHERE revision OPERATOR(pg_catalog.=) ANY ($1)",
		.writes = true, .nargs = 1, .argtypes = {TEXTARRAYOID}
	};
	Datum		values[] = {shared_names_to_array(ids)};

	shared_query_open(&query, values, NULL);
	shared_query_close();
}

/* As above, for one revision. */
void
ledger_backfill_restart(const LedgerRevision *revision)
{
	char	   *id = revision->id;

	if (revision->batch)
		ledger_backfill_forget((NameList) {1, &id});
}
