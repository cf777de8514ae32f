/*
 * ledger_store.c
 *		The tables purser.revision and purser.applied, and the ledger's lock.
 *
 * Everything that writes holds the lock, to the end of its transaction, before
 * it reads; then what it reads is the latest committed state and stays so.
 * Planning reads no scripts: those are fetched one revision at a time.
 */
#include "ledger.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "shared/owner_query.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* As pg_advisory_xact_lock(1886745203, 1) takes it; the first spells "purs". */
#define LOCK_KEY_HIGH 0x70757273
#define LOCK_KEY_LOW 1

static void
wait_context(void *arg pg_attribute_unused())
{
	errcontext("while waiting for another session that changes the ledger");
}

/* Wait until no other transaction changes the ledger of this database. */
void
ledger_lock(void)
{
	ErrorContextCallback context = {error_context_stack, wait_context, NULL};
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, LOCK_KEY_HIGH, LOCK_KEY_LOW, 2);
	if (LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
		return;
	error_context_stack = &context;
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
	error_context_stack = context.previous;
}

static NameList
names_column(uint64 row, int column)
{
	bool		isnull;
	Datum		value = shared_query_datum(row, column, &isnull);
	NameList	names = shared_names_from_array(value, "names");

	pfree(DatumGetPointer(value));
	return names;
}

static bool
bool_column(uint64 row, int column)
{
	bool		isnull;

	return DatumGetBool(shared_query_datum(row, column, &isnull));
}

/* Is a text another one than was applied, whose checksum is in the next column? */
static bool
has_changed(uint64 row, int column)
{
	char	   *upgrade = shared_query_text(row, column);
	bool		isnull;
	Datum		applied = shared_query_datum(row, column + 1, &isnull);

	return upgrade && !isnull && !DatumGetBool(DirectFunctionCall2(byteaeq, applied,
														ledger_checksum(upgrade)));
}

/*
 * All revisions as they are stored, without scripts but those of repeatable
 * ones, and what of them is applied.
 */
LedgerGraph *
ledger_store_whole(void)
{
	static OwnerQuery query = {
		.sql = "SELECT r.revision, r.parents, r.depends_on, r.labels, r.replaces,"
		" r.downgrade IS NULL, r.repeatable, a.revision IS NOT NULL, a.revision,"
		" CASE WHEN r.repeatable THEN r.upgrade END, CASE WHEN r.repeatable THEN a.checksum END"
		" FROM purser.revision r FULL JOIN purser.applied a"
		" ON a.revision OPERATOR(pg_catalog.=) r.revision"
		" ORDER BY r.ordinal"
	};
	uint64		rows = shared_query_open(&query, NULL, NULL);
	LedgerGraph *graph = ledger_graph_create(rows);

	for (uint64 row = 0; row < rows; row++)
	{
		LedgerNode	node = {.id = shared_query_text(row, 1)};

		if (node.id == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("revision \"%s\" is applied, but its scripts are gone",
							shared_query_text(row, 9)),
					 errhint("Put its row back into purser.revision.")));
		node.parents = names_column(row, 2);
		node.depends_on = names_column(row, 3);
		node.labels = names_column(row, 4);
		node.replaces = names_column(row, 5);
		node.irreversible = bool_column(row, 6);
		node.repeatable = bool_column(row, 7);
		node.applied = bool_column(row, 8);
		node.changed = has_changed(row, 10);
		ledger_graph_put(graph, &node);
	}
	shared_query_close();
	return graph;
}

/* The graph as it is in force, ready to plan in. */
LedgerGraph *
ledger_store_graph(void)
{
	return ledger_replace(ledger_store_whole(), NULL);
}

bool
ledger_store_has_squashes(void)
{
	static OwnerQuery query = {
		.sql = "SELECT 1 FROM purser.revision WHERE replaces OPERATOR(pg_catalog.<>) '{}' LIMIT 1",
		.indexed = true
	};
	bool		found = shared_query_open(&query, NULL, NULL) > 0;

	shared_query_close();
	return found;
}

/* The whole revision, NULL when there is none of this id. */
LedgerRevision *
ledger_store_fetch(const char *id)
{
	static OwnerQuery query = {
		.sql = "SELECT revision, message, parents, depends_on, labels, replaces, requires,"
		" upgrade, downgrade, verify, transactional, repeatable, batch"
		" FROM purser.revision WHERE revision OPERATOR(pg_catalog.=) $1",
		.nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(id)};
	LedgerRevision *revision = NULL;

	if (shared_query_open(&query, values, NULL) > 0)
	{
		revision = palloc(sizeof(LedgerRevision));
		revision->id = shared_query_text(0, 1);
		revision->message = shared_query_text(0, 2);
		revision->parents = names_column(0, 3);
		revision->depends_on = names_column(0, 4);
		revision->labels = names_column(0, 5);
		revision->replaces = names_column(0, 6);
		revision->requires = names_column(0, 7);
		revision->upgrade = shared_query_text(0, 8);
		revision->downgrade = shared_query_text(0, 9);
		revision->verify = shared_query_text(0, 10);
		revision->transactional = bool_column(0, 11);
		revision->repeatable = bool_column(0, 12);
		revision->batch = shared_query_text(0, 13);
	}
	shared_query_close();
	return revision;
}

/* The whole revision that the graph has; an error when it went away since then. */
LedgerRevision *
ledger_store_need(const char *id)
{
	LedgerRevision *revision = ledger_store_fetch(id);

	if (revision == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the scripts of revision \"%s\" are gone", id)));
	return revision;
}

/* Sets values[i], or marks it as null. */
static void
set_text(Datum *values, char *nulls, int i, const char *text)
{
	if (text)
		values[i] = CStringGetTextDatum(text);
	else
		nulls[i] = 'n';
}

/* Insert the revision as the last one, or replace the one of the same id. */
void
ledger_store_save(const LedgerRevision *revision)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO purser.revision AS r (revision, message, parents, depends_on, labels,"
		" replaces, requires, upgrade, downgrade, verify, transactional, repeatable, batch,"
		" added_at, added_by, ordinal)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, COALESCE("
		"(SELECT pg_catalog.max(l.ordinal) FROM purser.revision l), 0) OPERATOR(pg_catalog.+) 1)"
		" ON CONFLICT (revision) DO UPDATE SET message = EXCLUDED.message,"
		" parents = EXCLUDED.parents, depends_on = EXCLUDED.depends_on, labels = EXCLUDED.labels,"
		" replaces = EXCLUDED.replaces, requires = EXCLUDED.requires,"
		" upgrade = EXCLUDED.upgrade, downgrade = EXCLUDED.downgrade, verify = EXCLUDED.verify,"
		" transactional = EXCLUDED.transactional, repeatable = EXCLUDED.repeatable,"
		" batch = EXCLUDED.batch,"
		" added_at = EXCLUDED.added_at, added_by = EXCLUDED.added_by",
		.writes = true, .nargs = 15,
		.argtypes = {TEXTOID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID, BOOLOID, TEXTOID, TIMESTAMPTZOID, TEXTOID}
	};
	char		nulls[] = "               ";
	Datum		values[15] = {
		CStringGetTextDatum(revision->id),
		CStringGetTextDatum(revision->message),
		shared_names_to_array(revision->parents),
		shared_names_to_array(revision->depends_on),
		shared_names_to_array(revision->labels),
		shared_names_to_array(revision->replaces),
		shared_names_to_array(revision->requires),
		CStringGetTextDatum(revision->upgrade),
		(Datum) 0,
		(Datum) 0,
		BoolGetDatum(revision->transactional),
		BoolGetDatum(revision->repeatable),
		(Datum) 0,
		TimestampTzGetDatum(GetCurrentTimestamp()),
		CStringGetTextDatum(GetUserNameFromId(GetUserId(), false))
	};

	set_text(values, nulls, 8, revision->downgrade);
	set_text(values, nulls, 9, revision->verify);
	set_text(values, nulls, 12, revision->batch);
	shared_query_open(&query, values, nulls);
	shared_query_close();
}

void
ledger_store_remove(const char *id)
{
	static OwnerQuery query = {
		.sql = "DELETE FROM purser.revision WHERE revision OPERATOR(pg_catalog.=) $1",
		.writes = true, .nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(id)};

	shared_query_open(&query, values, NULL);
	shared_query_close();
}

/* Is one of two revisions a squash of the other, the first not stored yet? */
static bool
are_squashed_together(const LedgerRevision *revision, const char *other)
{
	LedgerGraph *whole = ledger_store_whole();
	LedgerNode	node = {.id = revision->id, .replaces = revision->replaces};

	ledger_graph_put(whole, &node);
	return ledger_is_inside(whole, revision->id, other) ||
		ledger_is_inside(whole, other, revision->id);
}

/*
 * Ids and labels are one space of names: a label may not be taken in it, but a
 * squash may have the labels of what it replaces.
 */
void
ledger_store_check_names(const LedgerRevision *revision)
{
	static OwnerQuery query = {
		.sql = "SELECT r.revision, true FROM purser.revision r"
		" WHERE r.revision OPERATOR(pg_catalog.<>) $1"
		" AND r.revision OPERATOR(pg_catalog.=) ANY ($2)"
		" UNION ALL SELECT r.revision, r.labels OPERATOR(pg_catalog.&&) ARRAY[$1]"
		" FROM purser.revision r"
		" WHERE r.revision OPERATOR(pg_catalog.<>) $1 AND r.labels OPERATOR(pg_catalog.<>) '{}'"
		" AND r.labels OPERATOR(pg_catalog.&&) (ARRAY[$1] OPERATOR(pg_catalog.||) $2)",
		.indexed = true, .nargs = 2, .argtypes = {TEXTOID, TEXTARRAYOID}
	};
	Datum		values[] = {
		CStringGetTextDatum(revision->id),
		shared_names_to_array(revision->labels)
	};
	uint64		count = shared_query_open(&query, values, NULL);
	char	  **owners = palloc(sizeof(char *) * (count + 1));
	bool	   *is_id = palloc(count + 1);

	for (uint64 row = 0; row < count; row++)
	{
		owners[row] = shared_query_text(row, 1);
		is_id[row] = bool_column(row, 2);
	}
	shared_query_close();
	for (uint64 i = 0; i < count; i++)
		if (is_id[i] || !are_squashed_together(revision, owners[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("the id or a label of revision \"%s\" is taken by revision \"%s\"",
							revision->id, owners[i]),
					 errdetail("A label may belong to one revision only, and may not be an id.")));
}

/*
 * Is the revision, which is new, nothing but one more that needs some of the
 * others?  No if something is missing, or a squash plays a part.
 */
bool
ledger_store_is_simple(const LedgerRevision *revision)
{
	static OwnerQuery query = {
		.sql = "SELECT FROM pg_catalog.unnest($1 OPERATOR(pg_catalog.||) $2) AS n(id)"
		" WHERE NOT EXISTS (SELECT FROM purser.revision r"
		" WHERE r.revision OPERATOR(pg_catalog.=) n.id AND NOT r.repeatable)"
		" UNION ALL SELECT FROM purser.revision s WHERE s.replaces OPERATOR(pg_catalog.<>) '{}'"
		" AND s.replaces OPERATOR(pg_catalog.&&) ARRAY[$3] LIMIT 1",
		.indexed = true, .nargs = 3, .argtypes = {TEXTARRAYOID, TEXTARRAYOID, TEXTOID}
	};
	Datum		values[] = {
		shared_names_to_array(revision->parents),
		shared_names_to_array(revision->depends_on),
		CStringGetTextDatum(revision->id)
	};
	bool		simple = revision->replaces.count == 0;

	if (simple)
	{
		simple = shared_query_open(&query, values, NULL) == 0;
		shared_query_close();
	}
	return simple;
}

bool
ledger_store_is_applied(const char *id)
{
	static OwnerQuery query = {
		.sql = "SELECT 1 FROM purser.applied WHERE revision OPERATOR(pg_catalog.=) $1",
		.nargs = 1, .argtypes = {TEXTOID}
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
		.sql = "SELECT CASE WHEN r.repeatable THEN r.upgrade END, a.checksum"
		" FROM purser.applied a, purser.revision r WHERE a.revision OPERATOR(pg_catalog.=) $1"
		" AND r.revision OPERATOR(pg_catalog.=) $1",
		.nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(id)};
	bool		applied = shared_query_open(&query, values, NULL) > 0;
	bool		changed = applied && has_changed(0, 1);

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

void
ledger_store_unset_applied(const char *id)
{
	static OwnerQuery query = {
		.sql = "DELETE FROM purser.applied WHERE revision OPERATOR(pg_catalog.=) $1",
		.writes = true, .nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(id)};

	shared_query_open(&query, values, NULL);
	shared_query_close();
}
