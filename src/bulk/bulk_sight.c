/*
 * bulk_sight.c
 *		Which expressions could see rows of the table that is being loaded?
 *
 * With INSERT, the function behind a CHECK constraint, a domain, a default or
 * the WHEN clause of a trigger sees the rows before its own, if it is volatile.
 * A batch would hide them.  So what this file finds is taken row by row.
 *
 * Called by bulk_coerce.c for each default that is needed, and by bulk_writer.c
 * once for the rest.  Index and generation expressions are immutable: they
 * have no right to look.
 */
#include "bulk.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/reltrigger.h"
#include "utils/typcache.h"

/* Volatile functions could, but for a few which do not look at tables. */
static bool
function_may_read(Oid funcid, void *context pg_attribute_unused())
{
	if (funcid == F_NEXTVAL || funcid == F_GEN_RANDOM_UUID || funcid == F_CLOCK_TIMESTAMP ||
		PURSER_IS_UUIDV7(funcid))
		return false;
	return func_volatile(funcid) == PROVOLATILE_VOLATILE;
}

static bool
expression_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, function_may_read, context))
		return true;
	return expression_tree_walker(node, expression_walker, context);
}

bool
bulk_sight_expression(Node *node)
{
	return expression_walker(node, NULL);
}

/* As above; SQL functions that can be inlined count for what is in them. */
static bool
stored_may_read(Node *node)
{
	return bulk_sight_expression(node) &&
		bulk_sight_expression((Node *) expression_planner((Expr *) node));
}

static bool type_may_read(Oid typid);

static bool
domain_may_read(Oid typid)
{
	/* It hangs on to its memory context, so it cannot be on the stack. */
	DomainConstraintRef *ref = palloc(sizeof(DomainConstraintRef));
	ListCell   *lc;

	InitDomainConstraintRef(typid, ref, CurrentMemoryContext, false);
	foreach(lc, ref->constraints)
	{
		DomainConstraintState *constraint = lfirst(lc);

		if (constraint->constrainttype == DOM_CONSTRAINT_CHECK &&
			bulk_sight_expression((Node *) constraint->check_expr))
			return true;
	}
	return type_may_read(getBaseType(typid));
}

static bool
composite_may_read(Oid typid)
{
	TupleDesc	tupdesc = lookup_rowtype_tupdesc(typid, -1);
	bool		found = false;

	for (int i = 0; i < tupdesc->natts && !found; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);

		found = !att->attisdropped && type_may_read(att->atttypid);
	}
	ReleaseTupleDesc(tupdesc);
	return found;
}

/* Do values of the type go through a domain's check that could look? */
static bool
type_may_read(Oid typid)
{
	Oid			element = get_element_type(typid);

	if (OidIsValid(element))
		return type_may_read(element);
	switch (get_typtype(typid))
	{
		case TYPTYPE_DOMAIN:
			return domain_may_read(typid);
		case TYPTYPE_COMPOSITE:
			return composite_may_read(typid);
		case TYPTYPE_RANGE:
			return type_may_read(get_range_subtype(typid));
		case TYPTYPE_MULTIRANGE:
			return type_may_read(get_multirange_range(typid));
		default:
			return false;
	}
}

/* The condition of a trigger that fires after each row. */
static bool
when_may_read(const Trigger *trigger, bool update)
{
	return TRIGGER_FOR_ROW(trigger->tgtype) && TRIGGER_FOR_AFTER(trigger->tgtype) &&
		(TRIGGER_FOR_INSERT(trigger->tgtype) || (update && TRIGGER_FOR_UPDATE(trigger->tgtype))) &&
		trigger->tgqual != NULL &&
		stored_may_read(stringToNode(trigger->tgqual));
}

/* Could a constraint, a type or a trigger's condition look at the table? */
bool
bulk_sight_checks(const BulkTarget *target)
{
	TupleDesc	tupdesc = RelationGetDescr(target->rel);
	TriggerDesc *triggers = target->rri->ri_TrigDesc;

	for (int i = 0; tupdesc->constr != NULL && i < tupdesc->constr->num_check; i++)
		if (stored_may_read(stringToNode(tupdesc->constr->check[i].ccbin)))
			return true;
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (when_may_read(&triggers->triggers[i], target->sets != NULL))
			return true;
	for (int i = 0; i < target->ncolumns; i++)
		if (target->columns[i].name != NULL && type_may_read(target->columns[i].type.oid))
			return true;
	return false;
}
