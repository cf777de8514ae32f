/*
 * adopt_read.c
 *		Reads a tool's history as the caller, and makes entries of it.
 *
 * A table is read by a query that is built as a tree, so that its name is never
 * part of a text; privileges, views and foreign tables are the server's matter.
 * Row-level security must not hide rows, so it raises an error.  The rows go
 * into a tuplestore that the tool's own fixed query knows by a fixed name.
 */
#include "adopt.h"

#include "catalog/objectaddress.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_node.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/queryenvironment.h"
#include "utils/snapmgr.h"

/* The text that stands for the query in the server's statistics. */
#define QUERY_TEXT "purser.adopt()"

/* Columns of a tool's query; see adopt_tools.c. */
enum
{
	NAME = 1, LINEAGE, MESSAGE, APPLIED_AT, APPLIED_BY, NEEDS, IMPLIES, PROBLEM, SKIPPED
};

/* As LOCK TABLE, nobody locks what he may not use. */
static void
lock_table(Oid relation)
{
	Oid			schema = get_rel_namespace(relation);

	if (!purser_may_use_schema(schema))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_SCHEMA, get_namespace_name(schema));
	if (pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(relation, GetUserId(), ACL_SELECT, ACLMASK_ANY) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(relation)),
					   get_rel_name(relation));
	LockRelationOid(relation, ShareLock);
	if (get_rel_name(relation) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the table to adopt was dropped concurrently")));
}

/* To the end of the transaction, the tool cannot write its history. */
void
adopt_lock(const AdoptHistory *history)
{
	lock_table(history->table);
	if (OidIsValid(history->beside))
		lock_table(history->beside);
}

/* SELECT column::text, ... FROM schema.table, parsed. */
static RawStmt *
select_columns(Oid relation, const AdoptTable *table)
{
	RawStmt    *raw = makeNode(RawStmt);
	SelectStmt *select = makeNode(SelectStmt);

	for (int i = 0; i < ADOPT_COLUMNS_MAX && table->columns[i]; i++)
	{
		ResTarget  *target = makeNode(ResTarget);
		ColumnRef  *column = makeNode(ColumnRef);
		TypeCast   *cast = makeNode(TypeCast);

		column->fields = list_make1(makeString(pstrdup(table->columns[i])));
		column->location = -1;
		cast->arg = (Node *) column;
		cast->typeName = makeTypeNameFromOid(TEXTOID, -1);
		cast->location = -1;
		target->name = pstrdup(table->columns[i]);
		target->val = (Node *) cast;
		target->location = -1;
		select->targetList = lappend(select->targetList, target);
	}
	select->fromClause = list_make1(makeRangeVar(get_namespace_name(get_rel_namespace(relation)),
												 get_rel_name(relation), -1));
	raw->stmt = (Node *) select;
	return raw;
}

/* The statement's plan; it must be about that table and no other that took its name. */
static PlannedStmt *
plan_for(RawStmt *raw, Oid relation)
{
	List	   *queries = pg_analyze_and_rewrite_fixedparams(raw, QUERY_TEXT, NULL, 0, NULL);
	PlannedStmt *plan = purser_pg_plan_query(linitial_node(Query, queries), QUERY_TEXT);

	if (!list_member_oid(plan->relationOids, relation))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("the table to adopt was renamed concurrently")));
	return plan;
}

/* All rows of the table, as the latest committed state has them, under that name. */
static EphemeralNamedRelation
fetch(Oid relation, const AdoptTable *table, const char *name)
{
	EphemeralNamedRelation rows = palloc0(sizeof(EphemeralNamedRelationData));
	Tuplestorestate *store = tuplestore_begin_heap(true, false, work_mem);
	DestReceiver *receiver = CreateTuplestoreDestReceiver();
	QueryDesc  *desc;

	SetTuplestoreDestReceiverParams(receiver, store, CurrentMemoryContext, true, NULL, NULL);
	PushActiveSnapshot(GetLatestSnapshot());
	desc = CreateQueryDesc(plan_for(select_columns(relation, table), relation), QUERY_TEXT,
						   GetActiveSnapshot(), InvalidSnapshot, receiver, NULL, NULL, 0);
	ExecutorStart(desc, 0);
	rows->md.tupdesc = CreateTupleDescCopy(desc->tupDesc);
	purser_ExecutorRun(desc);
	ExecutorFinish(desc);
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
	PopActiveSnapshot();
	rows->md.name = pstrdup(name);
	rows->md.enrtype = ENR_NAMED_TUPLESTORE;
	rows->md.enrtuples = tuplestore_tuple_count(store);
	rows->reldata = store;
	return rows;
}

static char *
text_column(uint64 row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column,
									  &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static void
check_problem(const AdoptHistory *history, const char *problem)
{
	if (problem)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the history of %s in table %s is not settled", history->tool->title,
						history->name),
				 errdetail("%s", problem),
				 history->tool->hint ? errhint("%s", history->tool->hint) : 0));
}

static AdoptEntry
read_entry(uint64 row)
{
	AdoptEntry	entry = {
		.name = text_column(row, NAME),
		.lineage = text_column(row, LINEAGE),
		.message = text_column(row, MESSAGE),
		.applied_at = text_column(row, APPLIED_AT),
		.applied_by = text_column(row, APPLIED_BY),
		.skipped = text_column(row, SKIPPED)
	};
	HeapTuple	tuple = SPI_tuptable->vals[row];
	bool		isnull;
	Datum		needs = SPI_getbinval(tuple, SPI_tuptable->tupdesc, NEEDS, &isnull);

	if (!isnull)
		entry.needs = shared_names_from_array(needs, "needs");
	entry.implies = DatumGetBool(SPI_getbinval(tuple, SPI_tuptable->tupdesc, IMPLIES, &isnull)) &&
		!isnull;
	if (entry.name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("an entry of the history has no name")));
	entry.id = adopt_id(entry.name);
	return entry;
}

/* Run one of a tool's queries, whose tables are registered; its rows are in SPI_tuptable. */
static uint64
run(const char *sql, NameList adopted)
{
	Oid			type = TEXTARRAYOID;
	Datum		ids = shared_names_to_array(adopted);
	int			code = SPI_execute_with_args(sql, 1, &type, &ids, NULL, true, 0);

	if (code != SPI_OK_SELECT)
		elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(code));
	return SPI_processed;
}

/* The rows of the tool's query, in memory of that context. */
static AdoptEntries
map_rows(const AdoptHistory *history, NameList adopted, MemoryContext context)
{
	AdoptEntries entries;

	if (history->tool->beside_sql && OidIsValid(history->beside) &&
		run(history->tool->beside_sql, adopted) > 0)
		check_problem(history, text_column(0, 1));
	entries.count = run(history->tool->sql, adopted);
	MemoryContextSwitchTo(context);
	entries.items = palloc_extended(sizeof(AdoptEntry) * (entries.count + 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < entries.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		check_problem(history, text_column(i, PROBLEM));
		entries.items[i] = read_entry(i);
	}
	return entries;
}

static void
set(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
}

/* The entries of the history, in order; adopted: ids that were made of it before. */
AdoptEntries
adopt_read(const AdoptHistory *history, NameList adopted)
{
	MemoryContext caller = CurrentMemoryContext;
	int			settings = NewGUCNestLevel();
	EphemeralNamedRelation rows;
	EphemeralNamedRelation beside = NULL;
	AdoptEntries entries;

	set("row_security", "off");
	set("DateStyle", "ISO, YMD");
	set("TimeZone", "UTC");
	CommandCounterIncrement();
	rows = fetch(history->table, &history->tool->history, "history");
	if (OidIsValid(history->beside))
		beside = fetch(history->beside, &history->tool->beside, "beside");
	set("search_path", "pg_catalog, pg_temp");
	SPI_connect();
	SPI_register_relation(rows);
	if (beside)
		SPI_register_relation(beside);
	entries = map_rows(history, adopted, caller);
	SPI_finish();
	MemoryContextSwitchTo(caller);
	tuplestore_end(rows->reldata);
	if (beside)
		tuplestore_end(beside->reldata);
	AtEOXact_GUC(true, settings);
	return entries;
}
