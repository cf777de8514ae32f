/*
 * owner_query.c
 *		Queries on the extension's own tables, run as the extension's owner.
 *
 * Nobody but the owner may write these tables, and the functions are not
 * SECURITY DEFINER: so the user id is switched here, around the execution of
 * one fixed statement, and never while a user's code runs.  An error in
 * between needs no care: the end of the (sub)transaction puts the user back.
 *
 * Every statement sees the latest committed state unless it asks for less, also
 * in a REPEATABLE READ transaction whose own snapshot is older: who waited for a
 * lock must see what the former holder did.
 */
#include "owner_query.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* Most columns that a query of ours returns. */
#define COLUMNS_MAX 32

/* The row that was looked at last, column by column. */
static struct
{
	SPITupleTable *table;		/* NULL: none */
	uint64		row;
	Datum		values[COLUMNS_MAX];
	bool		nulls[COLUMNS_MAX];
}			taken_apart;

/* What pg_extension says of us; all invalid when the extension was dropped. */
typedef struct Extension
{
	Oid			oid;
	Oid			owner;
	Oid			schema;
} Extension;

/* The last look, good for this (sub)transaction until shared_owner_forget. */
static struct
{
	LocalTransactionId transaction; /* InvalidLocalTransactionId: none */
	SubTransactionId subtransaction;
	Extension	extension;
}			kept;

static bool
is_kept(void)
{
	return kept.transaction == PURSER_MY_LXID &&
		kept.subtransaction == GetCurrentSubTransactionId();
}

static Extension
look_up_extension(void)
{
	Relation	catalog = table_open(ExtensionRelationId, AccessShareLock);
	Extension	extension = {InvalidOid, InvalidOid, InvalidOid};
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(PURSER_EXTENSION));
	scan = systable_beginscan(catalog, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_extension form = (Form_pg_extension) GETSTRUCT(tuple);

		extension = (Extension) {form->oid, form->extowner, form->extnamespace};
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return extension;
}

static Extension
find_extension(void)
{
	return is_kept() ? kept.extension : look_up_extension();
}

/* Id of the extension, InvalidOid when it was dropped. */
Oid
shared_extension_oid(void)
{
	return find_extension().oid;
}

/*
 * Look at the extension now, and no more before shared_owner_forget or the end
 * of the (sub)transaction: no user's code may run until then.
 */
void
shared_owner_keep(void)
{
	kept.extension = look_up_extension();
	kept.transaction = PURSER_MY_LXID;
	kept.subtransaction = GetCurrentSubTransactionId();
}

void
shared_owner_forget(void)
{
	kept.transaction = InvalidLocalTransactionId;
}

/*
 * Who owns the schema can rename it and put another in its place, with tables
 * that have triggers: these would run with the rights of the extension's owner.
 */
static void
check_schema_owner(Oid schema, Oid extension_owner)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	Form_pg_namespace namespace;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for schema %u", schema);
	namespace = (Form_pg_namespace) GETSTRUCT(tuple);
	if (namespace->nspowner != extension_owner && !superuser_arg(namespace->nspowner))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("schema \"%s\" does not belong to the owner of extension \"%s\"",
						NameStr(namespace->nspname), PURSER_EXTENSION),
				 errdetail("Its owner is \"%s\", who is no superuser; the extension's is \"%s\".",
						   GetUserNameFromId(namespace->nspowner, false),
						   GetUserNameFromId(extension_owner, false)),
				 errhint("Change the owner with ALTER SCHEMA.")));
	ReleaseSysCache(tuple);
}

static Oid
extension_owner(void)
{
	Extension	extension = find_extension();

	if (!OidIsValid(extension.oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"%s\" does not exist", PURSER_EXTENSION)));
	check_schema_owner(extension.schema, extension.owner);
	return extension.owner;
}

/* Act as the extension's owner until shared_owner_leave or the next error. */
void
shared_owner_enter(OwnerScope *scope)
{
	Oid			owner = extension_owner();

	GetUserIdAndSecContext(&scope->user_id, &scope->security_context);
	/* Restricted: no trigger that the owner made may leave work behind for the caller to do. */
	SetUserIdAndSecContext(owner, scope->security_context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION | SECURITY_NOFORCE_RLS);
}

void
shared_owner_leave(const OwnerScope *scope)
{
	SetUserIdAndSecContext(scope->user_id, scope->security_context);
}

/* One plan for all values: they say nothing that would be worth planning anew for each call. */
static void
prepare(OwnerQuery *query)
{
	query->plan = SPI_prepare_cursor(query->sql, query->nargs, query->argtypes,
									 CURSOR_OPT_GENERIC_PLAN);
	if (query->plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", query->sql,
			 SPI_result_code_string(SPI_result));
	SPI_keepplan(query->plan);
}

/* To the end of the current level of settings. */
static void
set_off(const char *setting)
{
	(void) set_config_option(setting, "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
}

static int
execute(OwnerQuery *query, Datum *values, const char *nulls)
{
	bool		plans = query->plan == NULL || !query->planned || !SPI_plan_is_valid(query->plan);
	int			settings = 0;
	Snapshot	snapshot;
	int			code;

	if (plans)
	{
		settings = NewGUCNestLevel();
		if (query->indexed)
			set_off("enable_seqscan");
		/* A plan that must do without an index costs so much then that it seems worth it. */
		set_off("jit");
	}
	if (query->plan == NULL)
		prepare(query);
	if (query->of_statement)
		snapshot = GetActiveSnapshot();
	else
		snapshot = query->own_snapshot ? GetTransactionSnapshot() : GetLatestSnapshot();
	code = SPI_execute_snapshot(query->plan, values, nulls, snapshot, InvalidSnapshot,
								!query->writes, true, 0);
	query->planned = true;
	if (settings > 0)
		AtEOXact_GUC(true, settings);
	return code;
}

/*
 * Run the query as the owner; the rows stay readable (SPI_tuptable) until
 * shared_query_close.  The current memory context stays the caller's, so what
 * the caller makes of the rows outlives them.
 */
uint64
shared_query_open(OwnerQuery *query, Datum *values, const char *nulls)
{
	MemoryContext caller = CurrentMemoryContext;
	OwnerScope	scope;
	int			code;

	/* A reading query of ours must see what the statements before it wrote. */
	if (!query->writes)
		CommandCounterIncrement();

	taken_apart.table = NULL;
	SPI_connect();
	shared_owner_enter(&scope);
	code = execute(query, values, nulls);
	shared_owner_leave(&scope);
	if (code < 0)
		elog(ERROR, "could not execute \"%s\": %s", query->sql, SPI_result_code_string(code));

	MemoryContextSwitchTo(caller);
	return SPI_processed;
}

/* Frees the rows of the last shared_query_open. */
void
shared_query_close(void)
{
	MemoryContext caller = CurrentMemoryContext;

	SPI_finish();
	MemoryContextSwitchTo(caller);
}

/*
 * A column as it is in the row, good until shared_query_close.  Rows are taken
 * apart as a whole, as reading one column after the other is quadratic.
 */
Datum
shared_query_value(uint64 row, int column, bool *isnull)
{
	if (taken_apart.row != row || taken_apart.table != SPI_tuptable)
	{
		Assert(SPI_tuptable->tupdesc->natts <= COLUMNS_MAX);
		heap_deform_tuple(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, taken_apart.values,
						  taken_apart.nulls);
		taken_apart.table = SPI_tuptable;
		taken_apart.row = row;
	}
	*isnull = taken_apart.nulls[column - 1];
	return taken_apart.values[column - 1];
}

/* A copy of a column of type text, NULL when it is null. */
char *
shared_query_text(uint64 row, int column)
{
	bool		isnull;
	Datum		value = shared_query_value(row, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* A copy of a column of any type. */
Datum
shared_query_datum(uint64 row, int column, bool *isnull)
{
	Form_pg_attribute attribute = TupleDescAttr(SPI_tuptable->tupdesc, column - 1);
	Datum		value = shared_query_value(row, column, isnull);

	return *isnull ? (Datum) 0 : datumCopy(value, attribute->attbyval, attribute->attlen);
}
