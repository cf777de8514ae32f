/*
 * audit_queries.c
 *		The counts of queries in the store: one entry for each query and role.
 *
 * They are added under the shared lock, atomically; entries come and go under
 * the exclusive one. Rows discarded have a few places in each entry: a free one
 * is taken for good by whoever first puts its name there.
 */
#include "audit/store/audit_store.h"

#include "port/atomics.h"

#define NCOUNTS (sizeof(AuditQueryCounts) / sizeof(int64))
#define NUMBER_OF(count) (offsetof(AuditQueryCounts, count) / sizeof(int64))

typedef struct RemovedEntry
{
	pg_atomic_uint64 place;
	pg_atomic_uint64 rows;
} RemovedEntry;

typedef struct QueryEntry
{
	AuditQueryKey key;
	pg_atomic_uint64 counts[NCOUNTS];	/* in the order of AuditQueryCounts */
	RemovedEntry removed[AUDIT_REMOVED];
} QueryEntry;

Size
audit_query_entry_size(void)
{
	return sizeof(QueryEntry);
}

/* The place of that name, a free one, or the last. */
static RemovedEntry *
removed_entry(QueryEntry *entry, uint64 place)
{
	for (int i = 0; i < AUDIT_REMOVED - 1; i++)
	{
		RemovedEntry *removed = &entry->removed[i];
		uint64		found = 0;

		if (place == AUDIT_REMOVED_ELSEWHERE)
			break;
		if (pg_atomic_compare_exchange_u64(&removed->place, &found, place) || found == place)
			return removed;
	}
	pg_atomic_write_u64(&entry->removed[AUDIT_REMOVED - 1].place, AUDIT_REMOVED_ELSEWHERE);
	return &entry->removed[AUDIT_REMOVED - 1];
}

static void
add_counts(QueryEntry *entry, const AuditQueryCounts *add, const AuditRemoved *removed)
{
	const int64 *counts = (const int64 *) add;

	for (int i = 0; i < (int) NCOUNTS; i++)
	{
		if (counts[i] != 0)
			pg_atomic_fetch_add_u64(&entry->counts[i], counts[i]);
	}
	for (int i = 0; removed != NULL && i < AUDIT_REMOVED; i++)
	{
		if (removed[i].place != 0)
			pg_atomic_fetch_add_u64(&removed_entry(entry, removed[i].place)->rows,
									removed[i].rows);
	}
}

/* Queries that ran often or read much are worth keeping. */
static double
query_usefulness(const void *entry)
{
	QueryEntry *query = unconstify(void *, entry);

	return (double) pg_atomic_read_u64(&query->counts[NUMBER_OF(calls)]) +
		(double) pg_atomic_read_u64(&query->counts[NUMBER_OF(rows_read)]);
}

/* Adds to a query's counts; removed: AUDIT_REMOVED places, or NULL. */
void
audit_store_add_counts(const AuditQueryKey *key, const AuditQueryCounts *add,
					   const AuditRemoved *removed)
{
	AuditTable *queries = audit_store_queries();
	QueryEntry *entry;

	audit_store_lock(AUDIT_LOCK_QUERIES, LW_SHARED);
	entry = audit_table_find(queries, key);
	if (entry != NULL)
		add_counts(entry, add, removed);
	audit_store_unlock(AUDIT_LOCK_QUERIES);
	if (entry != NULL)
	{
		audit_save_changed();
		return;
	}

	audit_store_lock(AUDIT_LOCK_QUERIES, LW_EXCLUSIVE);
	entry = audit_table_find(queries, key);
	if (entry == NULL)
		entry = audit_table_insert(queries, key);
	if (entry == NULL)
	{
		audit_table_evict(queries, query_usefulness);
		entry = audit_table_insert(queries, key);
	}
	if (entry != NULL)
		add_counts(entry, add, removed);
	audit_store_unlock(AUDIT_LOCK_QUERIES);
}

/* Reads an entry of the table of queries, whose lock the caller holds. */
void
audit_store_get_counts(const void *entry, AuditQueryCounts *counts, AuditRemoved *removed)
{
	QueryEntry *query = unconstify(void *, entry);

	for (int i = 0; i < (int) NCOUNTS; i++)
		((int64 *) counts)[i] = pg_atomic_read_u64(&query->counts[i]);
	for (int i = 0; i < AUDIT_REMOVED; i++)
	{
		removed[i].place = pg_atomic_read_u64(&query->removed[i].place);
		removed[i].rows = pg_atomic_read_u64(&query->removed[i].rows);
	}
}
