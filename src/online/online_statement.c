/*
 * online_statement.c
 *		What a statement outside of transactions makes or drops, and whether it has.
 *
 * Each is told by name, before it is begun, and again when an attempt may have
 * died: names last over a dump, and the new object has no other identity yet.
 */
#include "online.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_subscription.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* The partition that a DETACH ... CONCURRENTLY detaches, or NULL. */
RangeVar *
online_detached(const AlterTableStmt *alter)
{
	ListCell   *cell;

	foreach(cell, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);

		if (command->subtype == AT_DetachPartition)
			return ((PartitionCmd *) command->def)->name;
	}
	return NULL;
}

OnlineKind
online_kind(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_IndexStmt:
			return ONLINE_BUILD_INDEX;
		case T_DropStmt:
			return ONLINE_DROP_INDEX;
		case T_AlterTableStmt:
			return ONLINE_DETACH;
		case T_ReindexStmt:
			return ledger_is_option_on(((const ReindexStmt *) statement)->params, "concurrently") ?
				ONLINE_REINDEX : ONLINE_REPEAT;
		case T_CreatedbStmt:
		case T_CreateTableSpaceStmt:
		case T_CreateSubscriptionStmt:
			return ONLINE_CREATE;
		case T_DropdbStmt:
		case T_DropTableSpaceStmt:
		case T_DropSubscriptionStmt:
			return ONLINE_DROP;
		default:
			return ONLINE_REPEAT;
	}
}

/* May those who want to read or write queue up behind it while it waits for a lock? */
bool
online_may_queue(const Node *statement)
{
	switch (online_kind(statement))
	{
		case ONLINE_DETACH:
			return true;
		case ONLINE_REPEAT:
			return nodeTag(statement) == T_PURSER_REPACK || IsA(statement, ReindexStmt) ||
				(IsA(statement, VacuumStmt) &&
				 ledger_is_option_on(((const VacuumStmt *) statement)->options, "full"));
		default:
			return false;
	}
}

static char *
relation_name(const RangeVar *relation)
{
	return NameListToString(relation->schemaname ?
							list_make2(makeString(relation->schemaname),
									   makeString(relation->relname)) :
							list_make1(makeString(relation->relname)));
}

static void
check_permanent(const RangeVar *relation)
{
	Oid			id = relation ? RangeVarGetRelid(relation, NoLock, true) : InvalidOid;

	if (OidIsValid(id) && get_rel_persistence(id) == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("relation \"%s\" is temporary, and a background worker does not see it",
						relation->relname),
				 errdetail("The statement runs outside of this session.")));
}

/* A name that leads to a temporary relation here may lead to another one in a worker. */
void
online_check_reachable(const Node *statement)
{
	ListCell   *cell;

	switch (nodeTag(statement))
	{
		case T_IndexStmt:
			check_permanent(((const IndexStmt *) statement)->relation);
			break;
		case T_DropStmt:
			foreach(cell, ((const DropStmt *) statement)->objects)
				check_permanent(makeRangeVarFromNameList(lfirst(cell)));
			break;
		case T_AlterTableStmt:
			check_permanent(((const AlterTableStmt *) statement)->relation);
			break;
		case T_ReindexStmt:
			if (((const ReindexStmt *) statement)->kind == REINDEX_OBJECT_TABLE ||
				((const ReindexStmt *) statement)->kind == REINDEX_OBJECT_INDEX)
				check_permanent(((const ReindexStmt *) statement)->relation);
			break;
		case T_VacuumStmt:
			foreach(cell, ((const VacuumStmt *) statement)->rels)
				check_permanent(lfirst_node(VacuumRelation, cell)->relation);
			break;
		case T_PURSER_REPACK:
			check_permanent(purser_repack_relation((const PurserRepackStmt *) statement));
			break;
		default:
			break;
	}
}

/*
 * The index as it is found now: once it is gone the name alone may lead to
 * another one, in a later schema of the search_path.
 */
static char *
dropped_index(const DropStmt *drop)
{
	Oid			index = RangeVarGetRelid(makeRangeVarFromNameList(linitial(drop->objects)),
										 NoLock, true);

	if (!OidIsValid(index))
		return NULL;
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(index)),
									  get_rel_name(index));
}

/* What the statement is about, as it is recorded; NULL: nothing that has to be. */
char *
online_object(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_IndexStmt:
			return ((const IndexStmt *) statement)->idxname ?
				((const IndexStmt *) statement)->idxname :
				online_choose_index_name((const IndexStmt *) statement);
		case T_DropStmt:
			return dropped_index((const DropStmt *) statement);
		case T_AlterTableStmt:
			return relation_name(online_detached((const AlterTableStmt *) statement));
		case T_CreatedbStmt:
			return ((const CreatedbStmt *) statement)->dbname;
		case T_DropdbStmt:
			return ((const DropdbStmt *) statement)->dbname;
		case T_CreateTableSpaceStmt:
			return ((const CreateTableSpaceStmt *) statement)->tablespacename;
		case T_DropTableSpaceStmt:
			return ((const DropTableSpaceStmt *) statement)->tablespacename;
		case T_CreateSubscriptionStmt:
			return ((const CreateSubscriptionStmt *) statement)->subname;
		case T_DropSubscriptionStmt:
			return ((const DropSubscriptionStmt *) statement)->subname;
		default:
			return NULL;
	}
}

static bool
is_valid_index(Oid index, Oid table)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		valid = false;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);

		valid = form->indrelid == table && form->indisvalid;
		ReleaseSysCache(tuple);
	}
	return valid;
}

static bool
index_is_built(const IndexStmt *statement, const char *name)
{
	Oid			table = RangeVarGetRelid(statement->relation, NoLock, true);

	return OidIsValid(table) && name &&
		is_valid_index(get_relname_relid(name, get_rel_namespace(table)), table);
}

/* Is it still a partition of the table, be it on its way out? */
static bool
is_attached(const AlterTableStmt *alter)
{
	Oid			parent = RangeVarGetRelid(alter->relation, NoLock, true);
	Oid			child = RangeVarGetRelid(online_detached(alter), NoLock, true);

	return OidIsValid(parent) && OidIsValid(child) && get_rel_relispartition(child) &&
		list_member_oid(find_inheritance_children_extended(parent, false, NoLock, NULL, NULL),
						child);
}

static bool
is_there(const Node *statement, const char *object)
{
	switch (nodeTag(statement))
	{
		case T_IndexStmt:
			return index_is_built((const IndexStmt *) statement, object);
		case T_DropStmt:
			return OidIsValid(RangeVarGetRelid(makeRangeVarFromNameList(
				purser_stringToQualifiedNameList(object)), NoLock, true));
		case T_AlterTableStmt:
			return is_attached((const AlterTableStmt *) statement);
		case T_CreatedbStmt:
		case T_DropdbStmt:
			return OidIsValid(get_database_oid(object, true));
		case T_CreateTableSpaceStmt:
		case T_DropTableSpaceStmt:
			return OidIsValid(get_tablespace_oid(object, true));
		case T_CreateSubscriptionStmt:
		case T_DropSubscriptionStmt:
			return OidIsValid(get_subscription_oid(object, true));
		default:
			return false;
	}
}

/* What is there before the statement is begun. */
NameList
online_existing(const Node *statement, const char *object)
{
	NameList	existing = {0, palloc(sizeof(char *))};

	if (online_kind(statement) == ONLINE_REINDEX)
		return online_dead_reindexes();
	if (object && is_there(statement, object))
		existing.items[existing.count++] = pstrdup(object);
	return existing;
}

/* Did an attempt that was begun reach its end? */
bool
online_is_done(const Node *statement, const char *object, NameList existing)
{
	switch (online_kind(statement))
	{
		case ONLINE_BUILD_INDEX:
		case ONLINE_CREATE:
			return existing.count == 0 && is_there(statement, object);
		case ONLINE_DROP_INDEX:
		case ONLINE_DETACH:
		case ONLINE_DROP:
			return existing.count > 0 && !is_there(statement, object);
		default:
			return false;
	}
}
