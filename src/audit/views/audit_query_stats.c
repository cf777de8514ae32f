/*
 * audit_query_stats.c
 *		The SQL function behind the view query_stats.
 */
#include "audit/views/audit_views.h"

#include <math.h>

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/tuplestore.h"

#define QUERY_COLUMNS 18

PG_FUNCTION_INFO_V1(purser_audit_query_stats_0_1);

typedef struct QueryRow
{
	AuditQueryKey key;
	AuditQueryCounts counts;
	AuditRemoved removed[AUDIT_REMOVED];
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
		audit_store_get_counts(entry, &row->counts, row->removed);
		copies = lappend(copies, row);
	}
	audit_store_unlock(AUDIT_LOCK_QUERIES);
	return copies;
}

/* Bytes of all rows that went straight to the client; NULL where none of them was counted. */
static Datum
bytes_sent(const AuditQueryCounts *counts, bool *isnull)
{
	double		share = (double) counts->rows_sent / (double) Max(counts->rows_weighed, 1);

	*isnull = counts->rows_weighed == 0 && counts->rows_sent > 0;
	if (counts->rows_weighed == counts->rows_sent)
		return Int64GetDatum(counts->bytes_sent);
	return Int64GetDatum((int64) rint((double) counts->bytes_sent * share));
}

static int
compare_removed(const void *a, const void *b)
{
	const AuditRemoved *left = a;
	const AuditRemoved *right = b;

	if (left->rows != right->rows)
		return left->rows > right->rows ? -1 : 1;
	return left->place < right->place ? -1 : 1;
}

static void
append_removed(StringInfo out, const AuditRemoved *removed)
{
	const char *node;
	const char *by;
	Oid			relid = InvalidOid;
	char	   *relation;

	appendStringInfoString(out, out->len > 1 ? ", {" : "{");
	if (audit_removed_name(removed->place, &node, &by, &relid))
		appendStringInfo(out, "\"node\": \"%s\", \"by\": \"%s\", ", node, by);
	relation = OidIsValid(relid) ? audit_relation_name(relid) : NULL;
	if (relation != NULL)
	{
		appendStringInfoString(out, "\"relation\": ");
		escape_json(out, relation);
		appendStringInfoString(out, ", ");
	}
	appendStringInfo(out, "\"rows\": " INT64_FORMAT "}", removed->rows);
}

/* Most rows first. */
static Datum
discarded(QueryRow *row, bool *isnull)
{
	StringInfoData out;

	qsort(row->removed, AUDIT_REMOVED, sizeof(AuditRemoved), compare_removed);
	*isnull = row->removed[0].rows == 0;
	if (*isnull)
		return (Datum) 0;
	initStringInfo(&out);
	appendStringInfoChar(&out, '[');
	for (int i = 0; i < AUDIT_REMOVED && row->removed[i].rows > 0; i++)
		append_removed(&out, &row->removed[i]);
	appendStringInfoChar(&out, ']');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
}

/* To two digits behind the point. */
static Datum
fanout(const AuditQueryCounts *counts, bool *isnull)
{
	*isnull = counts->parent_rows == 0;
	return Float8GetDatum(rint((double) counts->fanout_rows * 100.0 /
							   (double) Max(counts->parent_rows, 1)) / 100.0);
}

static void
put_query(ReturnSetInfo *rsinfo, QueryRow *row)
{
	const AuditQueryCounts *counts = &row->counts;
	Datum		values[QUERY_COLUMNS];
	bool		nulls[QUERY_COLUMNS] = {0};

	nulls[0] = !audit_may_read_statement(row->key.userid);
	values[0] = Int64GetDatum((int64) row->key.queryid);
	values[1] = audit_role_name(row->key.userid, &nulls[1]);
	values[2] = Int64GetDatum(counts->calls);
	values[3] = Int64GetDatum(counts->unfinished);
	values[4] = Int64GetDatum(counts->uncounted);
	values[5] = Int64GetDatum(counts->rows_read);
	values[6] = Int64GetDatum(counts->rows_returned);
	values[7] = Int64GetDatum(counts->rows_estimated);
	values[8] = Int64GetDatum(counts->rows_skipped);
	values[9] = Int64GetDatum(counts->rows_sent);
	values[10] = bytes_sent(counts, &nulls[10]);
	values[11] = Int64GetDatum(counts->unread);
	values[12] = Int64GetDatum(counts->rows_unread);
	values[13] = Int64GetDatum(counts->temp_blocks);
	values[14] = Int64GetDatum(counts->measured);
	values[15] = Int64GetDatum(counts->rows_discarded);
	values[16] = discarded(row, &nulls[16]);
	values[17] = fanout(counts, &nulls[17]);
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
	{
		CHECK_FOR_INTERRUPTS();
		put_query((ReturnSetInfo *) fcinfo->resultinfo, lfirst(cell));
	}
	return (Datum) 0;
}
