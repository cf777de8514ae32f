/*
 * online_locks.c
 *		The locks that a statement will take and that others queue up behind.
 *
 * Told from the parse tree and the names in it, before anything is locked; what
 * a name does not lead to yet is left out.  It need not be all: it only says
 * when to try.
 */
#include "online.h"

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "storage/lockdefs.h"
#include "utils/lsyscache.h"

static void
add_lock(List **locks, Oid relation, LOCKMODE mode)
{
	OnlineLock *lock;

	if (!OidIsValid(relation) || mode < ShareLock)
		return;
	lock = palloc(sizeof(OnlineLock));
	lock->relation = relation;
	lock->mode = mode;
	*locks = lappend(*locks, lock);
}

static void
add_name(List **locks, const RangeVar *name, LOCKMODE mode)
{
	if (name)
		add_lock(locks, RangeVarGetRelid(name, NoLock, true), mode);
}

/* The relation and all that inherit from it. */
static void
add_tree(List **locks, const RangeVar *name, LOCKMODE mode)
{
	Oid			root = RangeVarGetRelid(name, NoLock, true);
	ListCell   *cell;

	if (!OidIsValid(root) || mode < ShareLock)
		return;
	if (!name->inh || !has_subclass(root))
	{
		add_lock(locks, root, mode);
		return;
	}
	foreach(cell, find_all_inheritors(root, NoLock, NULL))
		add_lock(locks, lfirst_oid(cell), mode);
}

static void
add_names(List **locks, const List *names, LOCKMODE mode)
{
	ListCell   *cell;

	foreach(cell, names)
		add_tree(locks, lfirst_node(RangeVar, cell), mode);
}

/* The tables that foreign keys among the constraints refer to. */
static void
add_referenced(List **locks, const List *constraints)
{
	ListCell   *cell;

	foreach(cell, constraints)
	{
		const Constraint *constraint = lfirst(cell);

		if (IsA(constraint, Constraint) && constraint->contype == CONSTR_FOREIGN)
			add_name(locks, constraint->pktable, ShareRowExclusiveLock);
	}
}

static void
add_definition(List **locks, Node *definition)
{
	if (definition == NULL)
		return;
	if (IsA(definition, Constraint))
		add_referenced(locks, list_make1(definition));
	else if (IsA(definition, ColumnDef))
		add_referenced(locks, ((ColumnDef *) definition)->constraints);
	else if (IsA(definition, PartitionCmd))
		add_name(locks, ((PartitionCmd *) definition)->name, AccessExclusiveLock);
}

static void
add_alter_table(List **locks, const AlterTableStmt *alter)
{
	ListCell   *cell;

	add_tree(locks, alter->relation, AlterTableGetLockLevel(alter->cmds));
	foreach(cell, alter->cmds)
		add_definition(locks, lfirst_node(AlterTableCmd, cell)->def);
}

static void
add_create_table(List **locks, const CreateStmt *create)
{
	ListCell   *cell;

	foreach(cell, create->tableElts)
		add_definition(locks, lfirst(cell));
	add_referenced(locks, create->constraints);
	if (create->partbound)
		add_names(locks, create->inhRelations, AccessExclusiveLock);
}

static void
add_dropped_relation(List **locks, List *name, ObjectType type)
{
	Oid			relation = RangeVarGetRelid(makeRangeVarFromNameList(name), NoLock, true);

	add_lock(locks, relation, AccessExclusiveLock);
	if (type == OBJECT_INDEX && OidIsValid(relation))
		add_lock(locks, IndexGetRelation(relation, true), AccessExclusiveLock);
}

static void
add_drop(List **locks, const DropStmt *drop)
{
	ListCell   *cell;

	foreach(cell, drop->objects)
		switch (drop->removeType)
		{
			case OBJECT_TABLE:
			case OBJECT_VIEW:
			case OBJECT_MATVIEW:
			case OBJECT_INDEX:
			case OBJECT_SEQUENCE:
			case OBJECT_FOREIGN_TABLE:
				add_dropped_relation(locks, lfirst(cell), drop->removeType);
				break;
			case OBJECT_TRIGGER:
			case OBJECT_POLICY:
			case OBJECT_RULE:
				/* the table's name, and then its own */
				add_dropped_relation(locks, list_copy_head(lfirst(cell),
														   list_length(lfirst(cell)) - 1),
									 OBJECT_TABLE);
				break;
			default:
				break;
		}
}

static void
add_vacuumed(List **locks, const VacuumStmt *vacuum)
{
	ListCell   *cell;

	foreach(cell, vacuum->rels)
	{
		const VacuumRelation *table = lfirst_node(VacuumRelation, cell);

		if (table->relation)
			add_tree(locks, table->relation, AccessExclusiveLock);
	}
}

/* Of the statement, on relations that are there now; as OnlineLock, in no order. */
List *
online_strong_locks(const Node *statement)
{
	List	   *locks = NIL;

	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			add_alter_table(&locks, (const AlterTableStmt *) statement);
			break;
		case T_CreateStmt:
			add_create_table(&locks, (const CreateStmt *) statement);
			break;
		case T_DropStmt:
			add_drop(&locks, (const DropStmt *) statement);
			break;
		case T_RenameStmt:
			add_name(&locks, ((const RenameStmt *) statement)->relation, AccessExclusiveLock);
			break;
		case T_AlterObjectSchemaStmt:
			add_name(&locks, ((const AlterObjectSchemaStmt *) statement)->relation,
					 AccessExclusiveLock);
			break;
		case T_IndexStmt:
			add_tree(&locks, ((const IndexStmt *) statement)->relation, ShareLock);
			break;
		case T_ReindexStmt:
			add_name(&locks, ((const ReindexStmt *) statement)->relation, AccessExclusiveLock);
			break;
		case T_PURSER_REPACK:
			add_name(&locks, purser_repack_relation((const PurserRepackStmt *) statement),
					 AccessExclusiveLock);
			break;
		case T_VacuumStmt:
			add_vacuumed(&locks, (const VacuumStmt *) statement);
			break;
		case T_TruncateStmt:
			add_names(&locks, ((const TruncateStmt *) statement)->relations, AccessExclusiveLock);
			break;
		case T_LockStmt:
			add_names(&locks, ((const LockStmt *) statement)->relations,
					  ((const LockStmt *) statement)->mode);
			break;
		case T_CreateTrigStmt:
			add_tree(&locks, ((const CreateTrigStmt *) statement)->relation,
					 ShareRowExclusiveLock);
			add_name(&locks, ((const CreateTrigStmt *) statement)->constrrel,
					 ShareRowExclusiveLock);
			break;
		case T_RuleStmt:
			add_name(&locks, ((const RuleStmt *) statement)->relation, AccessExclusiveLock);
			break;
		case T_CreatePolicyStmt:
			add_name(&locks, ((const CreatePolicyStmt *) statement)->table, AccessExclusiveLock);
			break;
		case T_AlterPolicyStmt:
			add_name(&locks, ((const AlterPolicyStmt *) statement)->table, AccessExclusiveLock);
			break;
		case T_ViewStmt:
			add_name(&locks, ((const ViewStmt *) statement)->view, AccessExclusiveLock);
			break;
		case T_RefreshMatViewStmt:
			add_name(&locks, ((const RefreshMatViewStmt *) statement)->relation,
					 ((const RefreshMatViewStmt *) statement)->concurrent ? ExclusiveLock :
					 AccessExclusiveLock);
			break;
		default:
			break;
	}
	return locks;
}
