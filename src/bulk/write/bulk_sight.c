/*
 * bulk_sight.c
 *		Which expressions could see rows of the table that is being loaded?
 *
 * With INSERT, the function behind a CHECK constraint, a domain, a default, a
 * BEFORE ROW trigger or the WHEN clause of a trigger sees the rows before its
 * own, if it is volatile.  A batch would hide them.  So what this file finds is
 * taken row by row.
 *
 * Called by bulk_coerce.c for each default that is needed, by bulk_writer.c
 * once for the types, and by bulk_part.c for each table that rows go into, and
 * for all defaults where indexes are to wait.
 * Index and generation expressions are immutable: they have no right to look.
 */
#include "bulk/bulk.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/reltrigger.h"

/* Volatile functions could, but for a few which do not look at tables. */
static bool
function_may_read(Oid funcid, void *context pg_attribute_unused())
{
	if (funcid == F_NEXTVAL || funcid == F_GEN_RANDOM_UUID || funcid == F_CLOCK_TIMESTAMP ||
		funcid == F_TSVECTOR_UPDATE_TRIGGER || funcid == F_TSVECTOR_UPDATE_TRIGGER_COLUMN ||
		PURSER_IS_UUIDV7(funcid))
		return false;
	return func_volatile(funcid) == PROVOLATILE_VOLATILE;
}

static bool type_may_read(Oid typid);

static bool
expression_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, function_may_read, context))
		return true;
	if (IsA(node, CoerceToDomain) && type_may_read(((CoerceToDomain *) node)->resulttype))
		return true;
	return expression_tree_walker(node, expression_walker, context);
}

bool
bulk_sight_expression(Node *node)
{
	return expression_walker(node, NULL);
}

/* Do values of the type go through a domain's check that could look? */
static bool
type_may_read(Oid typid)
{
	static const BulkTypeSearch search = {.check = bulk_sight_expression};

	return bulk_type_find(typid, &search);
}

/* As bulk_sight_expression; SQL functions that can be inlined count for what is in them. */
static bool
stored_may_read(Node *node)
{
	return bulk_sight_expression(node) &&
		bulk_sight_expression((Node *) expression_planner((Expr *) node));
}

/* In the session's present replication role. */
bool
bulk_sight_fires(const Trigger *trigger)
{
	char		other = SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA ?
		TRIGGER_FIRES_ON_ORIGIN : TRIGGER_FIRES_ON_REPLICA;

	return trigger->tgenabled != TRIGGER_DISABLED && trigger->tgenabled != other;
}

/*
 * A trigger that fires for each row: its condition is looked at, and a BEFORE
 * trigger called, while the rows are taken.  Its function counts as any other:
 * one that is not volatile does not see what its own statement has inserted.
 */
static bool
trigger_may_read(const Trigger *trigger, bool update)
{
	bool		asked = TRIGGER_FOR_INSERT(trigger->tgtype) ||
		(update && TRIGGER_FOR_UPDATE(trigger->tgtype));

	if (!TRIGGER_FOR_ROW(trigger->tgtype) || !asked || !bulk_sight_fires(trigger))
		return false;
	if (trigger->tgqual != NULL && stored_may_read(stringToNode(trigger->tgqual)))
		return true;
	return TRIGGER_FOR_BEFORE(trigger->tgtype) && function_may_read(trigger->tgfoid, NULL);
}

/* Could a constraint or a trigger of the table look at it for each row?  update: or at updates */
bool
bulk_sight_rows(const ResultRelInfo *rri, bool update)
{
	const TupleConstr *constr = RelationGetDescr(rri->ri_RelationDesc)->constr;
	const TriggerDesc *triggers = rri->ri_TrigDesc;

	for (int i = 0; constr != NULL && i < constr->num_check; i++)
		if (stored_may_read(stringToNode(constr->check[i].ccbin)))
			return true;
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (trigger_may_read(&triggers->triggers[i], update))
			return true;
	return false;
}

/* Could making a value of one of the columns' types look at the table? */
bool
bulk_sight_types(const BulkTarget *target)
{
	for (int i = 0; i < target->ncolumns; i++)
		if (target->columns[i].name != NULL && type_may_read(target->columns[i].type.oid))
			return true;
	return false;
}

/* Could a default look at the table, in any row that needs it? */
bool
bulk_sight_defaults(const BulkTarget *target)
{
	for (int i = 0; i < target->ncolumns; i++)
	{
		const BulkColumn *column = &target->columns[i];

		if (column->name != NULL && !column->generated &&
			stored_may_read(build_column_default(target->rel, column->attnum)))
			return true;
	}
	return false;
}
