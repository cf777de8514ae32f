/*
 * bulk_target.c
 *		Opens the table that is loaded, and says who may load what into it.
 *
 * A load must do what INSERT would, or be refused with the reason.  So here
 * are the checks that parser, rewriter and executor do for an INSERT: kind of
 * relation, read-only transactions, privileges on each column that the input
 * names, row-level security, rules, generated and identity columns.
 *
 * Invariant: the relation stays open, and locked as by INSERT, while the
 * target is; so DDL on it from within the load fails, as it does for INSERT.
 * Called by bulk_load.c.
 */
#include "bulk.h"

#include "access/relation.h"
#include "access/sysattr.h"
#include "access/tableam.h"
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/parse_relation.h"
#include "port/pg_bitutils.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteDefine.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

static void
check_kind(Relation rel)
{
	if (rel->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot bulk insert into relation \"%s\"", RelationGetRelationName(rel)),
				 errdetail_relkind_not_supported(rel->rd_rel->relkind),
				 errhint("Bulk insert works on plain tables; a partition is one.")));
	if (rel->rd_tableam != GetHeapamTableAmRoutine())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot bulk insert into table \"%s\"", RelationGetRelationName(rel)),
				 errdetail("Its access method is not \"%s\".", DEFAULT_TABLE_ACCESS_METHOD)));
	if (RELATION_IS_OTHER_TEMP(rel))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot access temporary tables of other sessions")));
}

/* By name, INSERT reaches a table through its schema only; an OID must be no way around. */
static void
check_schema(Relation rel)
{
	Oid			schema = RelationGetNamespace(rel);

	if (!purser_may_use_schema(schema))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_SCHEMA, get_namespace_name(schema));
}

/* Logical decoding of catalogue tables has no place for speculative insertion. */
static void
check_skip(Relation rel)
{
	if (IsCatalogRelation(rel) || RelationIsUsedAsCatalogTable(rel))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("on_conflict \"skip\" is not supported on catalog table \"%s\"",
						RelationGetRelationName(rel))));
}

/* An ON INSERT rule that would rewrite an INSERT of this session. */
static bool
has_insert_rule(Relation rel)
{
	char		other_role = (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA) ?
		RULE_FIRES_ON_ORIGIN : RULE_FIRES_ON_REPLICA;

	if (rel->rd_rules == NULL)
		return false;
	for (int i = 0; i < rel->rd_rules->numLocks; i++)
	{
		const RewriteRule *rule = rel->rd_rules->rules[i];

		if (rule->event == CMD_INSERT && rule->enabled != RULE_DISABLED &&
			rule->enabled != other_role)
			return true;
	}
	return false;
}

static void
check_rewriting(Relation rel)
{
	if (has_insert_rule(rel))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot bulk insert into table \"%s\"", RelationGetRelationName(rel)),
				 errdetail("The table has a rule ON INSERT."),
				 errhint("Use INSERT, or a trigger in place of the rule.")));
	if (check_enable_rls(RelationGetRelid(rel), InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot bulk insert into table \"%s\"", RelationGetRelationName(rel)),
				 errdetail("Row-level security applies to you on this table."),
				 errhint("Use INSERT, which checks each row against the policies.")));
}

/* Raises an error unless the caller has what perminfo asks for. */
static void
check_privileges(BulkTarget *target, RTEPermissionInfo *perminfo)
{
	purser_ExecCheckPermissions(target->estate->es_range_table, list_make1(perminfo));
}

/* For the arbiter's columns SELECT is needed, as in ON CONFLICT (columns). */
static void
require_select(RTEPermissionInfo *perminfo, Relation rel, const List *names)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		AttrNumber	attnum = attnameAttNum(rel, lfirst(lc), false);

		if (attnum == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist",
							(char *) lfirst(lc), RelationGetRelationName(rel))));
		perminfo->requiredPerms |= ACL_SELECT;
		perminfo->selectedCols = bms_add_member(perminfo->selectedCols,
												attnum - FirstLowInvalidHeapAttributeNumber);
	}
}

static inline OnConflictAction
on_conflict_action(const BulkOptions *options)
{
	switch (options->on_conflict)
	{
		case BULK_CONFLICT_SKIP:
			return ONCONFLICT_NOTHING;
		case BULK_CONFLICT_UPDATE:
			return ONCONFLICT_UPDATE;
		default:
			return ONCONFLICT_NONE;
	}
}

/* The executor's view of the table: a range table of one, and the indexes. */
static void
open_for_executor(BulkTarget *target, const BulkOptions *options)
{
	EState	   *estate = target->estate;
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *nsitem;

	nsitem = addRangeTableEntryForRelation(pstate, target->rel, RowExclusiveLock,
										   NULL, false, false);
	target->perminfo = purser_nsitem_perminfo(nsitem);
	target->perminfo->requiredPerms = ACL_INSERT;
	/* Whatever role a trigger may set before the last column is named. */
	target->perminfo->checkAsUser = GetUserId();
	require_select(target->perminfo, target->rel, options->conflict_columns);

	purser_ExecInitRangeTable(estate, pstate->p_rtable, purser_pstate_perminfos(pstate),
							  bms_make_singleton(1));
	/* Before any column is named, this asks for INSERT on at least one. */
	check_privileges(target, target->perminfo);
	check_rewriting(target->rel);

	estate->es_snapshot = RegisterSnapshot(GetActiveSnapshot());
	target->rri = makeNode(ResultRelInfo);
	ExecInitResultRelation(estate, target->rri, 1);
	purser_CheckValidResultRel(target->rri, CMD_INSERT, on_conflict_action(options), NIL);
	ExecOpenIndices(target->rri, options->on_conflict != BULK_CONFLICT_ERROR || options->rejects);
}

static void
fill_columns(BulkTarget *target)
{
	TupleDesc	tupdesc = RelationGetDescr(target->rel);

	target->ncolumns = tupdesc->natts;
	target->columns = palloc0(Max(tupdesc->natts, 1) * sizeof(BulkColumn));
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);
		BulkColumn *column = &target->columns[i];

		if (att->attisdropped)
			continue;
		column->name = pstrdup(NameStr(att->attname));
		column->name_len = strlen(column->name);
		column->attnum = att->attnum;
		column->typmod = att->atttypmod;
		column->generated = att->attgenerated;
		column->identity = att->attidentity;
		bulk_nested_prepare(column, att->atttypid);
	}
}

/*
 * Where to look for a name first: open addressing over the columns' indexes,
 * -1 where there is none.  At most half of the places are taken.
 */
static void
index_names(BulkTarget *target)
{
	target->nplaces = pg_nextpower2_32(Max(target->ncolumns, 1) * 2);
	target->places = palloc(target->nplaces * sizeof(int));
	memset(target->places, -1, target->nplaces * sizeof(int));
	for (int i = 0; i < target->ncolumns; i++)
	{
		const BulkColumn *column = &target->columns[i];
		uint32		place;

		if (column->name == NULL)
			continue;
		place = hash_bytes((const unsigned char *) column->name, column->name_len);
		while (target->places[place % target->nplaces] >= 0)
			place++;
		target->places[place % target->nplaces] = i;
	}
}

/*
 * Open the table for the load.  All of the target's memory is in the query
 * context of its executor state.
 */
void
bulk_target_open(BulkTarget *target, Oid relid, const struct BulkOptions *options)
{
	MemoryContext oldcontext;

	memset(target, 0, sizeof(*target));
	target->rel = try_relation_open(relid, RowExclusiveLock);
	if (target->rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	check_schema(target->rel);
	check_kind(target->rel);
	if (options->on_conflict != BULK_CONFLICT_ERROR)
		check_skip(target->rel);
	if (!target->rel->rd_islocaltemp)
		PreventCommandIfReadOnly("bulk_insert");
	PreventCommandIfParallelMode("bulk_insert");

	target->estate = CreateExecutorState();
	oldcontext = MemoryContextSwitchTo(target->estate->es_query_cxt);
	open_for_executor(target, options);
	fill_columns(target);
	index_names(target);
	bulk_coerce_prepare(target);
	MemoryContextSwitchTo(oldcontext);
}

/* The input names the column: may it, and may the caller? */
void
bulk_target_name(BulkTarget *target, int number)
{
	BulkColumn *column = &target->columns[number];
	int			bit = column->attnum - FirstLowInvalidHeapAttributeNumber;
	MemoryContext oldcontext;
	RTEPermissionInfo *asked;

	if (column->named)
		return;
	if (column->generated || column->identity == ATTRIBUTE_IDENTITY_ALWAYS)
		ereport(ERROR,
				(errcode(ERRCODE_GENERATED_ALWAYS),
				 errmsg("cannot insert a non-DEFAULT value into column \"%s\"", column->name),
				 column->generated ?
				 errdetail("Column \"%s\" is a generated column.", column->name) :
				 errdetail("Column \"%s\" is an identity column defined as GENERATED ALWAYS.",
						   column->name)));

	oldcontext = MemoryContextSwitchTo(target->estate->es_query_cxt);
	asked = copyObject(target->perminfo);
	asked->requiredPerms = ACL_INSERT;
	asked->insertedCols = bms_make_singleton(bit);
	check_privileges(target, asked);
	/* Kept, as errors show the values of those columns even without SELECT. */
	target->perminfo->insertedCols = bms_add_member(target->perminfo->insertedCols, bit);
	MemoryContextSwitchTo(oldcontext);
	column->named = true;
}

/* Index of the column of that name; -1 if there is none. */
int
bulk_target_find(const BulkTarget *target, const char *name, int len)
{
	uint32		place = hash_bytes((const unsigned char *) name, len);

	for (; target->places[place % target->nplaces] >= 0; place++)
	{
		int			i = target->places[place % target->nplaces];
		const BulkColumn *column = &target->columns[i];

		if (column->name_len == len && memcmp(column->name, name, len) == 0)
			return i;
	}
	return -1;
}

/* Close it; the lock stays until the transaction ends. */
void
bulk_target_close(BulkTarget *target)
{
	EState	   *estate = target->estate;

	ExecCloseResultRelations(estate);
	ExecCloseRangeTableRelations(estate);
	UnregisterSnapshot(estate->es_snapshot);
	FreeExecutorState(estate);
	relation_close(target->rel, NoLock);
}
