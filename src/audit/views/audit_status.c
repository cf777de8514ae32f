/*
 * audit_status.c
 *		audit_status() and audit_reset(); who may see what.
 *
 * Statements' texts and identifiers are for members of pg_read_all_stats and for
 * the role that ran them, as in pg_stat_statements; others see the counts.
 */
#include "audit/views/audit_views.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define STATUS_COLUMNS 10

PG_FUNCTION_INFO_V1(purser_audit_status_0_1);
PG_FUNCTION_INFO_V1(purser_audit_reset_0_1);

void
audit_check_store(void)
{
	if (!audit_store_ready())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit is not running in this server")));
}

bool
audit_may_read_statement(Oid owner)
{
	return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
		has_privs_of_role(GetUserId(), owner);
}

Datum
audit_role_name(Oid userid, bool *isnull)
{
	char	   *name = GetUserNameFromId(userid, true);

	*isnull = name == NULL;
	return name == NULL ? (Datum) 0 : CStringGetTextDatum(name);
}

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

	audit_check_store();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	audit_local_publish();
	values[i++] = BoolGetDatum(audit_store_is_preloaded());
	values[i++] = BoolGetDatum(audit_store_is_shared());
	values[i++] = BoolGetDatum(audit_is_watching());
	i += put_fill(audit_store_queries(), AUDIT_LOCK_QUERIES, &values[i]);
	i += put_fill(audit_store_findings(), AUDIT_LOCK_FINDINGS, &values[i]);
	nulls[i] = audit_save_time() == 0;
	values[i++] = TimestampTzGetDatum(audit_save_time());
	Assert(i == STATUS_COLUMNS);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

Datum
purser_audit_reset_0_1(PG_FUNCTION_ARGS pg_attribute_unused())
{
	audit_check_store();
	audit_store_reset();
	audit_session_forget();
	audit_local_forget();
	PG_RETURN_VOID();
}
