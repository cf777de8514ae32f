/*
 * ledger_underway.c
 *		The table purser.underway: revisions that are neither applied nor not.
 *
 * purser.migrate() writes a row before it begins a revision and after each
 * part that it commits, and takes it away with the last part.  What else
 * changes the ledger asks here: a revision that is done in part is left to
 * purser.migrate(), unless a stamp declares what it is.
 */
#include "ledger.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "shared/owner_query.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/timestamp.h"

static void
fetch_columns(LedgerUnderway *underway)
{
	bool		isnull;

	underway->direction = ledger_parse_direction(shared_query_text(0, 1));
	underway->checksum = shared_query_datum(0, 2, &isnull);
	underway->statements = DatumGetInt32(shared_query_datum(0, 3, &isnull));
	underway->next = DatumGetInt32(shared_query_datum(0, 4, &isnull));
	underway->started = DatumGetBool(shared_query_datum(0, 5, &isnull));
	underway->object = shared_query_text(0, 6);
	underway->existing = shared_names_from_array(shared_query_datum(0, 7, &isnull), "existing");
	underway->statement = shared_query_text(0, 8);
	underway->phase = shared_query_text(0, 9);
	underway->attempts = DatumGetInt32(shared_query_datum(0, 10, &isnull));
	underway->error = shared_query_text(0, 11);
	underway->spent = DatumGetIntervalP(shared_query_datum(0, 12, &isnull))->time;
	underway->runner_pid = DatumGetInt32(shared_query_datum(0, 13, &isnull));
}

/* NULL when purser.migrate() has not begun it. */
LedgerUnderway *
ledger_underway_fetch(const char *id)
{
	static OwnerQuery query = {
		.sql = "SELECT direction, checksum, statements, next_statement, started, object, existing,"
		" statement, phase, attempts, error, spent, runner_pid"
		" FROM purser.underway WHERE revision OPERATOR(pg_catalog.=) $1",
		.nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(id)};
	LedgerUnderway *underway = NULL;

	if (shared_query_open(&query, values, NULL) > 0)
	{
		underway = palloc0(sizeof(LedgerUnderway));
		underway->revision = pstrdup(id);
		fetch_columns(underway);
	}
	shared_query_close();
	return underway;
}

/* Is something of it done, or half done? */
bool
ledger_underway_is_partial(const LedgerUnderway *underway)
{
	return underway && (underway->next > 1 || underway->started);
}

/* Write the row, as this session's. */
void
ledger_underway_save(const LedgerUnderway *underway)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO purser.underway AS u (revision, direction, checksum, statements,"
		" next_statement, started, object, existing, statement, phase, attempts, blockers,"
		" error, spent, step, steps, runner_pid, runner_start, started_at, changed_at)"
		" SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::pg_catalog.int4[],"
		" $13, $14, $15, $16, a.pid, a.backend_start, $17, $17"
		" FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS a"
		" ON CONFLICT (revision) DO UPDATE SET checksum = EXCLUDED.checksum,"
		" statements = EXCLUDED.statements, next_statement = EXCLUDED.next_statement,"
		" started = EXCLUDED.started, object = EXCLUDED.object, existing = EXCLUDED.existing,"
		" statement = EXCLUDED.statement, phase = EXCLUDED.phase, attempts = EXCLUDED.attempts,"
		" blockers = EXCLUDED.blockers, error = EXCLUDED.error, spent = EXCLUDED.spent,"
		" step = EXCLUDED.step, steps = EXCLUDED.steps, runner_pid = EXCLUDED.runner_pid,"
		" runner_start = EXCLUDED.runner_start, changed_at = EXCLUDED.changed_at",
		.writes = true, .nargs = 17,
		.argtypes = {TEXTOID, TEXTOID, BYTEAOID, INT4OID, INT4OID, BOOLOID, TEXTOID, TEXTARRAYOID,
		TEXTOID, TEXTOID, INT4OID, TEXTARRAYOID, TEXTOID, INTERVALOID, INT4OID, INT4OID,
		TIMESTAMPTZOID}
	};
	char		nulls[] = "                 ";
	Interval	spent = {.time = underway->spent};
	Datum		values[17] = {
		CStringGetTextDatum(underway->revision),
		CStringGetTextDatum(ledger_direction_name(underway->direction)),
		underway->checksum,
		Int32GetDatum(underway->statements),
		Int32GetDatum(underway->next),
		BoolGetDatum(underway->started),
		underway->object ? CStringGetTextDatum(underway->object) : (Datum) 0,
		shared_names_to_array(underway->existing),
		underway->statement ? CStringGetTextDatum(ledger_clipped(underway->statement)) : (Datum) 0,
		CStringGetTextDatum(underway->phase),
		Int32GetDatum(underway->attempts),
		shared_names_to_array(underway->blockers),
		underway->error ? CStringGetTextDatum(underway->error) : (Datum) 0,
		IntervalPGetDatum(&spent),
		Int32GetDatum(underway->step),
		Int32GetDatum(underway->steps),
		TimestampTzGetDatum(GetCurrentTimestamp())
	};

	nulls[6] = underway->object ? ' ' : 'n';
	nulls[8] = underway->statement ? ' ' : 'n';
	nulls[12] = underway->error ? ' ' : 'n';
	shared_query_open(&query, values, nulls);
	shared_query_close();
}

void
ledger_underway_remove(const char *id)
{
	static OwnerQuery query = {
		.sql = "DELETE FROM purser.underway WHERE revision OPERATOR(pg_catalog.=) $1",
		.writes = true, .nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(id)};

	shared_query_open(&query, values, NULL);
	shared_query_close();
}

/* The ids of all revisions that are done in part. */
NameList
ledger_underway_list(void)
{
	static OwnerQuery query = {
		.sql = "SELECT COALESCE(pg_catalog.array_agg(revision ORDER BY revision"
		" USING OPERATOR(pg_catalog.<)), '{}'::pg_catalog.text[])"
		" FROM purser.underway WHERE next_statement OPERATOR(pg_catalog.>) 1 OR started"
	};
	NameList	ids;
	bool		isnull;

	shared_query_open(&query, NULL, NULL);
	ids = shared_names_from_array(shared_query_datum(0, 1, &isnull), "revision");
	shared_query_close();
	return ids;
}

/* One of those that the revision needs, if it is undone in part; or NULL. */
static char *
find_partial_below(const LedgerRevision *revision)
{
	static OwnerQuery query = {
		.sql = "SELECT pg_catalog.min(revision) FROM purser.underway"
		" WHERE (next_statement OPERATOR(pg_catalog.>) 1 OR started)"
		" AND direction OPERATOR(pg_catalog.=) 'downgrade'"
		" AND revision OPERATOR(pg_catalog.=) ANY ($1 OPERATOR(pg_catalog.||) $2)",
		.nargs = 2, .argtypes = {TEXTARRAYOID, TEXTARRAYOID}
	};
	Datum		values[] = {
		shared_names_to_array(revision->parents),
		shared_names_to_array(revision->depends_on)
	};
	char	   *id;

	shared_query_open(&query, values, NULL);
	id = shared_query_text(0, 1);
	shared_query_close();
	return id;
}

/* One of those that need the revision, if it is done in part, by batches too; or NULL. */
static char *
find_partial_above(const LedgerRevision *revision)
{
	static OwnerQuery query = {
		.sql = "SELECT pg_catalog.min(r.revision) FROM purser.revision r"
		" WHERE $1 OPERATOR(pg_catalog.=) ANY (r.parents OPERATOR(pg_catalog.||) r.depends_on)"
		" AND (EXISTS (SELECT FROM purser.underway u"
		" WHERE u.revision OPERATOR(pg_catalog.=) r.revision"
		" AND (u.next_statement OPERATOR(pg_catalog.>) 1 OR u.started))"
		" OR EXISTS (SELECT FROM purser.backfill b"
		" WHERE b.revision OPERATOR(pg_catalog.=) r.revision"
		" AND b.batches OPERATOR(pg_catalog.>) 0 AND b.state OPERATOR(pg_catalog.<>) 'done'))",
		.nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(revision->id)};
	char	   *id;

	shared_query_open(&query, values, NULL);
	id = shared_query_text(0, 1);
	shared_query_close();
	return id;
}

/* One of those that the squash replaces, at any depth, if it is done in part; or NULL. */
static char *
find_partial_inside(const LedgerRevision *squash)
{
	static OwnerQuery query = {
		.sql = "WITH RECURSIVE inside(id) AS (SELECT pg_catalog.unnest($1) COLLATE pg_catalog.\"C\""
		" UNION"
		" SELECT pg_catalog.unnest(r.replaces) FROM purser.revision r, inside i"
		" WHERE r.revision OPERATOR(pg_catalog.=) i.id)"
		" SELECT pg_catalog.min(i.id) FROM inside i"
		" WHERE EXISTS (SELECT FROM purser.underway u WHERE u.revision OPERATOR(pg_catalog.=) i.id"
		" AND (u.next_statement OPERATOR(pg_catalog.>) 1 OR u.started))"
		" OR EXISTS (SELECT FROM purser.backfill b WHERE b.revision OPERATOR(pg_catalog.=) i.id"
		" AND b.batches OPERATOR(pg_catalog.>) 0 AND b.state OPERATOR(pg_catalog.<>) 'done')",
		.nargs = 1, .argtypes = {TEXTARRAYOID}
	};
	Datum		values[] = {shared_names_to_array(squash->replaces)};
	char	   *id;

	shared_query_open(&query, values, NULL);
	id = shared_query_text(0, 1);
	shared_query_close();
	return id;
}

static void
refuse_squash(const LedgerRevision *squash)
{
	const char *id = squash->replaces.count > 0 ? find_partial_inside(squash) : NULL;

	if (id)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\", which \"%s\" replaces, is under way", id, squash->id),
				 errdetail("purser.migrate() has done a part of it."),
				 errhint("Remove revision \"%s\" until that is done, or end the matter with "
						 "purser.stamp().", squash->id)));
}

static void
refuse_partial(const char *id)
{
	if (id)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" is under way", id),
				 errdetail("purser.migrate() has done a part of it."),
				 errhint("CALL purser.migrate() goes on with it; purser.stamp() states that it is "
						 "done, or that it is not.")));
}

/*
 * Raise an error if one that the revision stands on, that stands on it or that
 * it replaces is done in part.
 */
void
ledger_underway_check_near(LedgerDirection direction, const LedgerRevision *revision)
{
	refuse_squash(revision);
	refuse_partial(direction == LEDGER_UPGRADE ? find_partial_below(revision) :
				   find_partial_above(revision));
}

/* As above, and for the revision itself: purser.migrate() alone goes on with it. */
void
ledger_underway_check_step(LedgerDirection direction, const LedgerRevision *revision)
{
	if (ledger_underway_is_partial(ledger_underway_fetch(revision->id)))
		refuse_partial(revision->id);
	ledger_underway_check_near(direction, revision);
}

/* Is the session that wrote the row at work on it? */
static bool
is_running(const LedgerUnderway *underway)
{
	LOCKTAG		tag;

	if (underway->runner_pid == MyProcPid || BackendPidGetProc(underway->runner_pid) == NULL)
		return false;
	ledger_lock_tag(&tag, LEDGER_LOCK_RUNNER);
	if (LockAcquire(&tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, ShareLock, false);
	return false;
}

static void
check_not_running(const LedgerUnderway *underway)
{
	if (underway && is_running(underway))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("revision \"%s\" is being run by purser.migrate()", underway->revision),
				 errdetail("Process %d is at work on it.", underway->runner_pid)));
}

/* A stamp says what the revision is; what was done of it stays. */
void
ledger_underway_give_up(const char *id)
{
	LedgerUnderway *underway = ledger_underway_fetch(id);

	if (underway == NULL)
		return;
	check_not_running(underway);
	ledger_underway_remove(id);
}

static LedgerParsed *
parse(LedgerDirection direction, const LedgerRevision *revision)
{
	LedgerScript *script = palloc(sizeof(LedgerScript));

	*script = ledger_step_script(direction, revision);
	return ledger_script_parse(script);
}

/*
 * The revision is about to be replaced: the row goes on to be true, as what was
 * done is the same in both; or it is an error.
 */
void
ledger_underway_replace(const LedgerRevision *old, const LedgerRevision *new)
{
	LedgerUnderway *underway = ledger_underway_fetch(old->id);
	LedgerParsed *before;
	LedgerParsed *after;
	int			done;

	check_not_running(underway);
	if (!ledger_underway_is_partial(underway))
		return;
	if (new->batch && underway->direction == LEDGER_UPGRADE)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" is under way and cannot be cut into batches", old->id),
				 errdetail("The batches would do once more what is done."),
				 errhint("End the matter with purser.stamp().")));
	before = parse(underway->direction, old);
	after = parse(underway->direction, new);
	done = underway->started ? underway->next : underway->next - 1;
	for (int i = 0; i < done; i++)
		if (i >= after->count ||
			strcmp(before->statements[i].text, after->statements[i].text) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("revision \"%s\" is under way and cannot be replaced by this text",
							old->id),
					 errdetail("Statement %d was begun, and is another one in the new text.",
							   i + 1),
					 errhint("Leave the statements up to it as they are, or end the matter with "
							 "purser.stamp().")));
	underway->checksum = ledger_checksum(after->script->text);
	underway->statements = after->count;
	ledger_underway_save(underway);
}
