/*
 * online_worker.c
 *		One statement at the top level of a worker, resumed if need be.
 *
 * First what a dead attempt left is removed.  Whether an index that is not
 * valid is dead, or is being built by another session, is told by the lock that
 * every such build holds on its table: we take it, and keep it to the end.
 */
#include "online.h"

#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parser.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/regproc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* The task, and its strings found again. */
typedef struct Order
{
	const OnlineTask *task;
	const char *text;
	const char *object;
	NameList	existing;
	Node	   *statement;
} Order;

/* Of what must outlive the transactions in between. */
static MemoryContext worker_context;

static void
begin_transaction(void)
{
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(worker_context);
}

static void
end_transaction(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(worker_context);
}

/* ---- the task ---- */

static Size
put_string(StringInfo space, const char *string)
{
	Size		offset = space->len;

	appendBinaryStringInfo(space, string, strlen(string) + 1);
	return offset;
}

OnlineTask *
online_make_task(const OnlineWork *work, const LedgerStatement *statement, Size *size)
{
	const LedgerUnderway *underway = work->underway;
	OnlineTask	task = {.run = true, .resumed = underway->started,
	.nexisting = underway->existing.count};
	StringInfoData space;

	initStringInfo(&space);
	appendBinaryStringInfo(&space, (char *) &task, sizeof(task));
	task.text = put_string(&space, statement->text);
	task.object = put_string(&space, underway->object ? underway->object : "");
	task.existing = space.len;
	for (int i = 0; i < underway->existing.count; i++)
		(void) put_string(&space, underway->existing.items[i]);
	memcpy(space.data, &task, sizeof(task));
	*size = space.len;
	return (OnlineTask *) space.data;
}

static Order
read_task(const OnlineTask *task)
{
	const char *space = (const char *) task;
	const char *next = space + task->existing;
	Order		order = {task, space + task->text, NULL, {task->nexisting, NULL}, NULL};

	if (space[task->object])
		order.object = space + task->object;
	order.existing.items = palloc(sizeof(char *) * (task->nexisting + 1));
	for (int i = 0; i < task->nexisting; i++, next += strlen(next) + 1)
		order.existing.items[i] = pstrdup(next);
	order.statement = linitial_node(RawStmt, raw_parser(order.text, RAW_PARSE_DEFAULT))->stmt;
	return order;
}

/* ---- statements ---- */

/* A place in the statement is one in its text, not in what the client sent. */
static void
statement_context(void *arg)
{
	int			cursor = geterrposition();

	if (cursor > 0)
	{
		errposition(0);
		internalerrposition(cursor);
		internalerrquery(arg);
	}
}

static void
run_portal(Node *statement, const char *text)
{
	RawStmt    *raw = makeNode(RawStmt);
	Portal		portal;
	List	   *queries;

	raw->stmt = statement;
	PushActiveSnapshot(GetTransactionSnapshot());
	queries = pg_analyze_and_rewrite_fixedparams(raw, text, NULL, 0, NULL);
	queries = pg_plan_queries(queries, text, 0, NULL);
	PopActiveSnapshot();
	portal = CreatePortal("", true, true);
	portal->visible = false;
	PortalDefineQuery(portal, NULL, text, CreateCommandTag(statement), queries, NULL);
	PortalStart(portal, NULL, 0, InvalidSnapshot);
	(void) purser_PortalRun(portal, true, None_Receiver, NULL);
	PortalDrop(portal, false);
}

/* As if a client had sent it. */
static void
run_top_level(Node *statement, const char *text)
{
	ErrorContextCallback context = {error_context_stack, statement_context,
	unconstify(char *, text)};

	error_context_stack = &context;
	debug_query_string = text;
	pgstat_report_activity(STATE_RUNNING, text);
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	MemoryContextSwitchTo(worker_context);
	run_portal(statement, text);
	CommitTransactionCommand();
	MemoryContextSwitchTo(worker_context);
	error_context_stack = context.previous;
}

/* Wait until no worker of a dead runner is at work. */
static void
take_worker_lock(void)
{
	LOCKTAG		tag;

	StartTransactionCommand();
	ledger_lock_tag(&tag, LEDGER_LOCK_WORKER);
	(void) LockAcquire(&tag, ExclusiveLock, true, false);
	CommitTransactionCommand();
	MemoryContextSwitchTo(worker_context);
}

static void
drop_index(Oid index)
{
	DropStmt   *drop = makeNode(DropStmt);
	char	   *schema;

	begin_transaction();
	schema = get_namespace_name(get_rel_namespace(index));
	drop->objects = list_make1(list_make2(makeString(schema), makeString(get_rel_name(index))));
	end_transaction();
	drop->removeType = OBJECT_INDEX;
	drop->missing_ok = true;
	drop->behavior = DROP_RESTRICT;
	drop->concurrent = true;
	run_top_level((Node *) drop, "DROP INDEX CONCURRENTLY");
}

/* ---- what a dead attempt left ---- */

/* Of another's table no build of ours can have left anything. */
static bool
is_own(const RangeVar *relation)
{
	Oid			id = RangeVarGetRelid(relation, NoLock, true);
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(id));
	bool		own = false;

	if (HeapTupleIsValid(tuple))
	{
		own = has_privs_of_role(GetUserId(), ((Form_pg_class) GETSTRUCT(tuple))->relowner);
		ReleaseSysCache(tuple);
	}
	return own;
}

/* The table's own kind of lock for builds, kept by the session; InvalidOid: no such table. */
static Oid
lock_table(const RangeVar *relation)
{
	LockRelId	id = {.dbId = MyDatabaseId};

	begin_transaction();
	if (is_own(relation))
		id.relId = RangeVarGetRelidExtended(relation, ShareUpdateExclusiveLock, RVR_MISSING_OK,
											RangeVarCallbackOwnsRelation, NULL);
	if (OidIsValid(id.relId))
		LockRelationIdForSession(&id, ShareUpdateExclusiveLock);
	end_transaction();
	return id.relId;
}

static bool
is_invalid_index_of(Oid index, Oid table)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		invalid = false;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);

		invalid = form->indrelid == table && !form->indisvalid &&
			get_rel_relkind(index) == RELKIND_INDEX;
		ReleaseSysCache(tuple);
	}
	return invalid;
}

/* An index of this name that a dead build left on the table. */
static void
drop_dead_build(const Order *order)
{
	Oid			table = lock_table(((IndexStmt *) order->statement)->relation);
	Oid			index = InvalidOid;

	if (!OidIsValid(table) || order->object == NULL)
		return;
	begin_transaction();
	index = get_relname_relid(order->object, get_rel_namespace(table));
	if (OidIsValid(index) && !is_invalid_index_of(index, table))
		index = InvalidOid;
	end_transaction();
	if (OidIsValid(index))
		drop_index(index);
}

/* The indexes of the caller's that REINDEX CONCURRENTLY left, or is at work on. */
NameList
online_dead_reindexes(void)
{
	static const char sql[] =
		"SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)"
		" FROM pg_catalog.pg_index i, pg_catalog.pg_class c, pg_catalog.pg_namespace n"
		" WHERE NOT i.indisvalid AND c.oid OPERATOR(pg_catalog.=) i.indexrelid"
		" AND n.oid OPERATOR(pg_catalog.=) c.relnamespace AND c.relkind OPERATOR(pg_catalog.=) 'i'"
		" AND c.relname OPERATOR(pg_catalog.~) '_cc(new|old)[0-9]*$'"
		" AND pg_catalog.pg_has_role(c.relowner, 'USAGE')";
	MemoryContext caller = CurrentMemoryContext;
	NameList	names = {0, NULL};

	SPI_connect();
	if (SPI_execute(sql, true, 0) == SPI_OK_SELECT)
	{
		names.items = MemoryContextAlloc(caller, sizeof(char *) * (SPI_processed + 1));
		for (uint64 row = 0; row < SPI_processed; row++)
			names.items[names.count++] =
				MemoryContextStrdup(caller, SPI_getvalue(SPI_tuptable->vals[row],
														 SPI_tuptable->tupdesc, 1));
	}
	SPI_finish();
	return names;
}

static bool
is_named(NameList names, const char *name)
{
	for (int i = 0; i < names.count; i++)
		if (strcmp(names.items[i], name) == 0)
			return true;
	return false;
}

/* Drop the index, unless somebody is at work on its table: then it is not ours. */
static void
drop_dead_reindex(const char *name)
{
	LockRelId	table = {.dbId = MyDatabaseId};
	LOCKTAG		tag;
	Oid			index;
	bool		dead;

	begin_transaction();
	index = RangeVarGetRelid(makeRangeVarFromNameList(purser_stringToQualifiedNameList(name)),
							 NoLock, true);
	table.relId = OidIsValid(index) ? IndexGetRelation(index, true) : InvalidOid;
	SET_LOCKTAG_RELATION(tag, table.dbId, table.relId);
	dead = OidIsValid(table.relId) &&
		LockAcquire(&tag, ShareUpdateExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
	if (dead && !is_invalid_index_of(index, table.relId))
	{
		UnlockRelationIdForSession(&table, ShareUpdateExclusiveLock);
		dead = false;
	}
	end_transaction();
	if (!dead)
		return;
	drop_index(index);
	UnlockRelationIdForSession(&table, ShareUpdateExclusiveLock);
}

static void
drop_dead_reindexes(const Order *order)
{
	NameList	names;

	begin_transaction();
	names = online_dead_reindexes();
	end_transaction();
	for (int i = 0; i < names.count; i++)
		if (!is_named(order->existing, names.items[i]))
			drop_dead_reindex(names.items[i]);
}

static void
remove_leftovers(const Order *order)
{
	if (online_kind(order->statement) == ONLINE_BUILD_INDEX)
		drop_dead_build(order);
	else if (online_kind(order->statement) == ONLINE_REINDEX && order->task->resumed)
		drop_dead_reindexes(order);
}

/* ---- the statement ---- */

/* A detach that is pending is brought to its end. */
static void
finish_detach(AlterTableStmt *alter)
{
	Oid			partition;

	begin_transaction();
	partition = RangeVarGetRelid(online_detached(alter), NoLock, true);
	if (OidIsValid(partition) && get_rel_relispartition(partition) &&
		PartitionHasPendingDetach(partition))
	{
		AlterTableCmd *command = linitial_node(AlterTableCmd, alter->cmds);

		command->subtype = AT_DetachPartitionFinalize;
		((PartitionCmd *) command->def)->concurrent = false;
	}
	end_transaction();
}

static bool
was_done(const Order *order)
{
	bool		done;

	begin_transaction();
	done = online_is_done(order->statement, order->object, order->existing);
	end_transaction();
	return done;
}

void
online_worker(void *payload, Size size pg_attribute_unused())
{
	Order		order;

	worker_context = AllocSetContextCreate(TopMemoryContext, "migration worker",
										   ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(worker_context);
	order = read_task(payload);
	pgstat_report_activity(STATE_RUNNING, order.text);
	take_worker_lock();
	remove_leftovers(&order);
	if (!order.task->run || (order.task->resumed && was_done(&order)))
		return;
	if (online_kind(order.statement) == ONLINE_DETACH)
		finish_detach((AlterTableStmt *) order.statement);
	/* The name under which it will be looked for. */
	if (IsA(order.statement, IndexStmt) && order.object)
		((IndexStmt *) order.statement)->idxname = pstrdup(order.object);
	run_top_level(order.statement, order.text);
}
