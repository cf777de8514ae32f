/*
 * audit_views.c
 *		The SQL functions behind the views findings and query_stats.
 *
 * Rows are those of the current database. Statements' texts and identifiers
 * are for members of pg_read_all_stats and for the role that ran them, as in
 * pg_stat_statements; others see the counts. The store is copied under its
 * lock, and names are looked up afterwards.
 */
#include "audit.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type_d.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#define FINDING_COLUMNS 17
#define QUERY_COLUMNS 7
#define STATUS_COLUMNS 9

PG_FUNCTION_INFO_V1(purser_audit_findings_0_1);
PG_FUNCTION_INFO_V1(purser_audit_query_stats_0_1);
PG_FUNCTION_INFO_V1(purser_audit_status_0_1);
PG_FUNCTION_INFO_V1(purser_audit_reset_0_1);

static void
check_store(void)
{
	if (!audit_store_ready())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit is not running in this server")));
}

static bool
may_read_statement(Oid owner)
{
	return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
		has_privs_of_role(GetUserId(), owner);
}

static Datum
role_name(Oid userid, bool *isnull)
{
	char	   *name = GetUserNameFromId(userid, true);

	*isnull = name == NULL;
	return name == NULL ? (Datum) 0 : CStringGetTextDatum(name);
}

/* ---- findings ---- */

/* The findings of this database that more than chance has raised. */
static List *
copy_findings(void)
{
	AuditTable *findings = audit_store_findings();
	List	   *copies = NIL;
	AuditFinding *finding;
	int			position = 0;

	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_SHARED);
	while ((finding = audit_table_next(findings, &position)) != NULL)
	{
		AuditFinding *copy;

		if (finding->key.dbid != MyDatabaseId ||
			!audit_rule_visible(finding->key.rule, finding->occurrences))
			continue;
		copy = palloc(sizeof(AuditFinding));
		memcpy(copy, finding, sizeof(AuditFinding));
		copies = lappend(copies, copy);
	}
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
	return copies;
}

static Datum
column_names(const AuditFinding *finding, const AuditNames *names, bool *isnull)
{
	Datum		datums[AUDIT_MAX_COLUMNS];
	int			n = finding->columns.n;

	for (int i = 0; i < n; i++)
		datums[i] = CStringGetTextDatum(names->column[i]);
	*isnull = n == 0;
	return n == 0 ? (Datum) 0 :
		PointerGetDatum(construct_array(datums, n, TEXTOID, -1, false, TYPALIGN_INT));
}

static AuditSeverity
severity_of(const AuditFinding *finding)
{
	int64		rows = finding->rows_read;

	if (finding->key.rule == AUDIT_UNBOUNDED_RESULT)
		rows = finding->rows_returned;
	else if (finding->key.rule == AUDIT_N_PLUS_ONE)
		return audit_rule_severity(finding->key.rule, 1, (int64) finding->numbers[1]);
	return audit_rule_severity(finding->key.rule, finding->occurrences, rows);
}

/* The time that timed occurrences wasted, for all of them, to the microsecond. */
static double
wasted_ms(const AuditFinding *finding)
{
	double		each = finding->timed_ms / (double) finding->timed;

	return rint(each * (double) finding->occurrences * 1000.0) / 1000.0;
}

/* Is the index there by now? */
static bool
is_mended(const AuditFinding *finding)
{
	return finding->key.rule == AUDIT_MISSING_INDEX &&
		audit_index_exists(finding->key.relid, &finding->columns);
}

static void
put_finding(ReturnSetInfo *rsinfo, const AuditFinding *finding, const AuditNames *names)
{
	Datum		values[FINDING_COLUMNS];
	bool		nulls[FINDING_COLUMNS] = {0};
	bool		readable = may_read_statement(finding->key.userid);
	int			i = 0;

	values[i++] = CStringGetTextDatum(audit_rule_name(finding->key.rule));
	values[i++] = CStringGetTextDatum(audit_severity_name(severity_of(finding)));
	nulls[i] = !readable;
	values[i++] = Int64GetDatum((int64) finding->key.queryid);
	values[i++] = CStringGetTextDatum(readable ? finding->text : "<insufficient privilege>");
	values[i++] = ObjectIdGetDatum(finding->key.relid);
	values[i] = column_names(finding, names, &nulls[i]);
	i++;
	values[i++] = Int64GetDatum(finding->occurrences);
	values[i++] = Int64GetDatum(finding->rows_read);
	values[i++] = Int64GetDatum(finding->rows_returned);
	nulls[i] = finding->key.rule != AUDIT_UNBOUNDED_RESULT;
	values[i++] = Int64GetDatum(finding->bytes);
	nulls[i] = finding->timed == 0;
	values[i] = nulls[i] ? (Datum) 0 : Float8GetDatum(wasted_ms(finding));
	i++;
	values[i++] = DirectFunctionCall1(jsonb_in, CStringGetDatum(audit_evidence(finding,
																			   readable)));
	values[i++] = CStringGetTextDatum(audit_suggestion(finding, names));
	values[i++] = CStringGetTextDatum(finding->application_name);
	values[i] = role_name(finding->key.userid, &nulls[i]);
	i++;
	values[i++] = TimestampTzGetDatum(finding->first_seen);
	values[i++] = TimestampTzGetDatum(finding->last_seen);
	Assert(i == FINDING_COLUMNS);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

Datum
purser_audit_findings_0_1(PG_FUNCTION_ARGS)
{
	ListCell   *cell;

	check_store();
	InitMaterializedSRF(fcinfo, 0);
	audit_local_publish();
	foreach(cell, copy_findings())
	{
		const AuditFinding *finding = lfirst(cell);
		AuditNames	names;

		/* What was dropped is nothing to mend, nor what has been mended. */
		if (audit_names(finding, &names) && !is_mended(finding))
			put_finding((ReturnSetInfo *) fcinfo->resultinfo, finding, &names);
	}
	return (Datum) 0;
}

/* ---- query_stats ---- */

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

	nulls[0] = !may_read_statement(row->key.userid);
	values[0] = Int64GetDatum((int64) row->key.queryid);
	values[1] = role_name(row->key.userid, &nulls[1]);
	values[2] = Int64GetDatum(row->counts.calls);
	values[3] = Int64GetDatum(row->counts.unfinished);
	values[4] = Int64GetDatum(row->counts.uncounted);
	values[5] = Int64GetDatum(row->counts.rows_read);
	values[6] = Int64GetDatum(row->counts.rows_returned);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

Datum
purser_audit_query_stats_0_1(PG_FUNCTION_ARGS)
{
	ListCell   *cell;

	check_store();
	InitMaterializedSRF(fcinfo, 0);
	audit_local_publish();
	foreach(cell, copy_queries())
		put_query((ReturnSetInfo *) fcinfo->resultinfo, lfirst(cell));
	return (Datum) 0;
}

/* ---- the store itself ---- */

static int
put_fill(AuditTable *table, AuditLock lock, Datum *values)
{
	int64		used,
				capacity,
				evicted;

	audit_store_lock(lock, LW_SHARED);
	audit_table_fill(table, &used, &capacity, &evicted);
	audit_store_unlock(lock);
	values[0] = Int64GetDatum(used);
	values[1] = Int64GetDatum(capacity);
	values[2] = Int64GetDatum(evicted);
	return 3;
}

Datum
purser_audit_status_0_1(PG_FUNCTION_ARGS)
{
	Datum		values[STATUS_COLUMNS];
	bool		nulls[STATUS_COLUMNS] = {0};
	TupleDesc	desc;
	int			i = 0;

	check_store();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	audit_local_publish();
	values[i++] = BoolGetDatum(audit_store_is_preloaded());
	values[i++] = BoolGetDatum(audit_store_is_shared());
	values[i++] = BoolGetDatum(audit_is_watching());
	i += put_fill(audit_store_queries(), AUDIT_LOCK_QUERIES, &values[i]);
	i += put_fill(audit_store_findings(), AUDIT_LOCK_FINDINGS, &values[i]);
	Assert(i == STATUS_COLUMNS);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

Datum
purser_audit_reset_0_1(PG_FUNCTION_ARGS pg_attribute_unused())
{
	check_store();
	audit_store_reset();
	audit_nplus1_forget();
	audit_local_forget();
	PG_RETURN_VOID();
}
