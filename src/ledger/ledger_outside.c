/*
 * ledger_outside.c
 *		Which statements the server never runs inside a transaction block.
 *
 * Pure: told from the parse tree alone.  Where it depends on the catalogue (a
 * subscription with a slot, REINDEX of a partitioned table), nothing is said.
 */
#include "ledger.h"

#include "commands/defrem.h"
#include "nodes/parsenodes.h"

/* As the server takes it: the last mention counts. */
bool
ledger_is_option_on(const List *options, const char *name)
{
	bool		on = false;
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, name) == 0)
			on = defGetBoolean(option);
	}
	return on;
}

static bool
detaches_concurrently(const AlterTableStmt *alter)
{
	ListCell   *cell;

	foreach(cell, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);

		if (command->subtype == AT_DetachPartition &&
			((PartitionCmd *) command->def)->concurrent)
			return true;
	}
	return false;
}

static const char *
reindex_outside(const ReindexStmt *reindex)
{
	if (ledger_is_option_on(reindex->params, "concurrently"))
		return "REINDEX CONCURRENTLY";
	if (reindex->kind != REINDEX_OBJECT_INDEX && reindex->kind != REINDEX_OBJECT_TABLE)
		return "REINDEX of a schema or a database";
	return NULL;
}

static const char *
repack_outside(const PurserRepackStmt *repack)
{
	if (repack->relation == NULL)
		return "CLUSTER or REPACK of all tables";
	if (ledger_is_option_on(repack->params, "concurrently"))
		return "REPACK CONCURRENTLY";
	return NULL;
}

static bool
moves_database(const AlterDatabaseStmt *alter)
{
	ListCell   *cell;

	foreach(cell, alter->options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, "tablespace") == 0)
			return true;
	return false;
}

/*
 * What the statement is called, if the server never runs it inside a
 * transaction; NULL if it does, or if that depends on the catalogue.
 */
const char *
ledger_runs_outside(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_VacuumStmt:
			return ((const VacuumStmt *) statement)->is_vacuumcmd ? "VACUUM" : NULL;
		case T_IndexStmt:
			return ((const IndexStmt *) statement)->concurrent ? "CREATE INDEX CONCURRENTLY" : NULL;
		case T_DropStmt:
			return ((const DropStmt *) statement)->concurrent ? "DROP INDEX CONCURRENTLY" : NULL;
		case T_ReindexStmt:
			return reindex_outside((const ReindexStmt *) statement);
		case T_AlterTableStmt:
			return detaches_concurrently((const AlterTableStmt *) statement) ?
				"ALTER TABLE ... DETACH PARTITION CONCURRENTLY" : NULL;
		case T_PURSER_REPACK:
			return repack_outside((const PurserRepackStmt *) statement);
		case T_AlterSystemStmt:
			return "ALTER SYSTEM";
		case T_CreatedbStmt:
			return "CREATE DATABASE";
		case T_DropdbStmt:
			return "DROP DATABASE";
		case T_AlterDatabaseStmt:
			return moves_database((const AlterDatabaseStmt *) statement) ?
				"ALTER DATABASE ... SET TABLESPACE" : NULL;
		case T_CreateTableSpaceStmt:
			return "CREATE TABLESPACE";
		case T_DropTableSpaceStmt:
			return "DROP TABLESPACE";
		default:
			return NULL;
	}
}
