/*
 * ledger_store.c
 *		The table purser.revision, the graph read from it, and the ledger's lock.
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
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* As pg_advisory_xact_lock(1886745203, ...) takes them; it spells "purs". */
#define LOCK_KEY_HIGH 0x70757273

static void
wait_context(void *arg pg_attribute_unused())
{
	errcontext("while waiting for another session that changes the ledger");
}

void
ledger_lock_tag(LOCKTAG *tag, LedgerLock lock)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, LOCK_KEY_HIGH, lock, 2);
}

/* Wait until no other transaction changes the ledger of this database. */
void
ledger_lock(void)
{
	ErrorContextCallback context = {error_context_stack, wait_context, NULL};
	LOCKTAG		tag;

	ledger_lock_tag(&tag, LEDGER_LOCK_CHANGE);
	if (LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
		return;
	error_context_stack = &context;
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
	error_context_stack = context.previous;
}

/* Most arrays are, and their size shows it without taking them apart: no other is as small. */
static bool
is_empty_array(const void *value)
{
	return !VARATT_IS_EXTERNAL(value) && !VARATT_IS_COMPRESSED(value) &&
		VARSIZE_ANY_EXHDR(value) + VARHDRSZ == ARR_OVERHEAD_NONULLS(0);
}

static NameList
names_column(uint64 row, int column)
{
	NameList	names = {0, NULL};
	bool		isnull;
	Datum		value = shared_query_value(row, column, &isnull);

	if (!is_empty_array(DatumGetPointer(value)))
		names = shared_names_from_array(value, "names");
	return names;
}

static bool
bool_column(uint64 row, int column)
{
	bool		isnull;

	return DatumGetBool(shared_query_value(row, column, &isnull));
}

/* A row of the query, and its place in load order. */
typedef struct LoadedRow
{
	int64		ordinal;
	uint64		row;
} LoadedRow;

static int
compare_ordinals(const void *a, const void *b)
{
	int64		left = ((const LoadedRow *) a)->ordinal;
	int64		right = ((const LoadedRow *) b)->ordinal;

	return left < right ? -1 : left > right;
}

/*
 * The rows in load order, in which they mostly come: looking at that here is
 * far cheaper than having the query sort all their columns.
 */
static LoadedRow *
rows_in_load_order(uint64 count, int ordinal_column)
{
	LoadedRow  *rows = palloc_extended(sizeof(LoadedRow) * (count + 1), MCXT_ALLOC_HUGE);

	for (uint64 row = 0; row < count; row++)
	{
		bool		isnull;

		rows[row].row = row;
		rows[row].ordinal = DatumGetInt64(shared_query_value(row, ordinal_column, &isnull));
	}
	qsort(rows, count, sizeof(LoadedRow), compare_ordinals);
	return rows;
}

/* Is a text another one than was applied, whose checksum is in the next column? */
static bool
has_changed(uint64 row, int column)
{
	char	   *upgrade = shared_query_text(row, column);
	bool		isnull;
	Datum		applied = shared_query_value(row, column + 1, &isnull);

	return upgrade && !isnull && !ledger_same_bytes(applied, ledger_checksum(upgrade));
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
		" r.downgrade IS NULL, r.repeatable, a.revision IS NOT NULL, a.revision, r.ordinal,"
		" CASE WHEN r.repeatable THEN r.upgrade END, CASE WHEN r.repeatable THEN a.checksum END"
		" FROM purser.revision r FULL JOIN purser.applied a"
		" ON a.revision OPERATOR(pg_catalog.=) r.revision"
	};
	uint64		count = shared_query_open(&query, NULL, NULL);
	LoadedRow  *rows = rows_in_load_order(count, 10);
	LedgerGraph *graph = ledger_graph_create(count);

	for (uint64 i = 0; i < count; i++)
	{
		uint64		row = rows[i].row;
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
		node.changed = has_changed(row, 11);
		ledger_graph_put(graph, &node);
	}
	shared_query_close();
	pfree(rows);
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

/* For each node its row of the open query, whose first column is the id; -1: none. */
int64 *
ledger_rows_of_nodes(const LedgerGraph *graph, uint64 rows)
{
	int64	   *row_of = palloc_extended(sizeof(int64) * (graph->count + 1), MCXT_ALLOC_HUGE);

	memset(row_of, -1, sizeof(int64) * (graph->count + 1));
	for (uint64 row = 0; row < rows; row++)
	{
		char	   *id = shared_query_text(row, 1);
		int			node = ledger_graph_find(graph, id);

		if (node >= 0)
			row_of[node] = row;
		pfree(id);
	}
	return row_of;
}

/* The whole revision, NULL when there is none of this id. */
LedgerRevision *
ledger_store_fetch(const char *id)
{
	static OwnerQuery query = {
		.sql = "SELECT revision, message, parents, depends_on, labels, replaces, requires,"
		" upgrade, downgrade, verify, transactional, repeatable, batch"
		" FROM purser.revision WHERE revision OPERATOR(pg_catalog.=) $1",
		.indexed = true, .nargs = 1, .argtypes = {TEXTOID}
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
		" added_at, added_by, ordinal, only_head)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, COALESCE("
		"(SELECT pg_catalog.max(l.ordinal) FROM purser.revision l), 0) OPERATOR(pg_catalog.+) 1,"
		" COALESCE((SELECT l.only_head AND l.revision OPERATOR(pg_catalog.=) ANY ($3)"
		" FROM purser.revision l WHERE NOT l.repeatable"
		" ORDER BY l.ordinal USING OPERATOR(pg_catalog.>) LIMIT 1), true)"
		" AND $6 OPERATOR(pg_catalog.=) '{}' AND NOT $12)"
		" ON CONFLICT (revision) DO UPDATE SET message = EXCLUDED.message,"
		" parents = EXCLUDED.parents, depends_on = EXCLUDED.depends_on, labels = EXCLUDED.labels,"
		" replaces = EXCLUDED.replaces, requires = EXCLUDED.requires,"
		" upgrade = EXCLUDED.upgrade, downgrade = EXCLUDED.downgrade, verify = EXCLUDED.verify,"
		" transactional = EXCLUDED.transactional, repeatable = EXCLUDED.repeatable,"
		" batch = EXCLUDED.batch,"
		" added_at = EXCLUDED.added_at, added_by = EXCLUDED.added_by, only_head = false"
		" RETURNING only_head OR repeatable AND ordinal OPERATOR(pg_catalog.>) COALESCE("
		"(SELECT pg_catalog.max(l.ordinal) FROM purser.revision l), 0)",
		.writes = true, .indexed = true, .nargs = 15,
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
	bool		keeps_head;		/* what is known of the one head still holds, or is the row's */

	set_text(values, nulls, 8, revision->downgrade);
	set_text(values, nulls, 9, revision->verify);
	set_text(values, nulls, 12, revision->batch);
	shared_query_open(&query, values, nulls);
	keeps_head = bool_column(0, 1);
	shared_query_close();
	if (!keeps_head)
		ledger_head_forget();
}

void
ledger_store_remove(const char *id)
{
	static OwnerQuery query = {
		.sql = "DELETE FROM purser.revision WHERE revision OPERATOR(pg_catalog.=) $1",
		.writes = true, .indexed = true, .nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(id)};

	shared_query_open(&query, values, NULL);
	shared_query_close();
	ledger_head_forget();
}
