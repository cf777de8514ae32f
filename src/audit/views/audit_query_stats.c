/*
 * audit_query_stats.c
 *		The SQL function behind the view query_stats.
 */
#include "audit/views/audit_views.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/tuplestore.h"

#define QUERY_COLUMNS 12

PG_FUNCTION_INFO_V1(purser_audit_query_stats_0_1);

typedef struct QueryRow
{
	AuditQueryKey key;
	AuditQueryCounts counts;
} QueryRow;

static List *
copy_queries(void)
{
	AuditTable *queries = audit_store_queries();
	List	   *copies = NIL;
	void	   *entry;
	int			position = 0;

	audit_store_lock(AUDIT_LOCK_QUERIES, LW_SHARED);
	while ((entry = audit_table_next(queries, &position)) != NULL)
	{
		QueryRow   *row;

		if (((AuditQueryKey *) entry)->dbid != MyDatabaseId)
			continue;
		row = palloc(sizeof(QueryRow));
		memcpy(&row->key, entry, sizeof(AuditQueryKey));
		audit_store_get_counts(entry, &row->counts);
		copies = lappend(copies, row);
	}
	audit_store_unlock(AUDIT_LOCK_QUERIES);
	return copies;
}

static void
put_query(ReturnSetInfo *rsinfo, const QueryRow *row)
{
	Datum		values[QUERY_COLUMNS];
	bool		nulls[QUERY_COLUMNS] = {0};

	nulls[0] = !audit_may_read_statement(row->key.userid);
	values[0] = Int64GetDatum((int64) row->key.queryid);
	values[1] = audit_role_name(row->key.userid, &nulls[1]);
	values[2] = Int64GetDatum(row->counts.calls);
	values[3] = Int64GetDatum(row->counts.unfinished);
	values[4] = Int64GetDatum(row->counts.uncounted);
	values[5] = Int64GetDatum(row->counts.rows_read);
	values[6] = Int64GetDatum(row->counts.rows_returned);
	values[7] = Int64GetDatum(row->counts.rows_estimated);
	values[8] = Int64GetDatum(row->counts.rows_skipped);
	values[9] = Int64GetDatum(row->counts.temp_blocks);
	values[10] = Int64GetDatum(row->counts.measured);
	values[11] = Int64GetDatum(row->counts.rows_discarded);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

Datum
purser_audit_query_stats_0_1(PG_FUNCTION_ARGS)
{
	ListCell   *cell;

	audit_check_store();
	InitMaterializedSRF(fcinfo, 0);
	audit_local_publish();
	foreach(cell, copy_queries())
		put_query((ReturnSetInfo *) fcinfo->resultinfo, lfirst(cell));
	return (Datum) 0;
}
