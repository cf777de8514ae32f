/*
 * ledger_deferred.c
 *		Fires, at the end of a step, the deferred constraints that it left pending.
 *
 * A step is complete in itself: what it did to guarded rows is checked at its
 * end, as it would be if the step were committed.  Otherwise the next step's
 * ALTER TABLE would fail with "pending trigger events" in a long upgrade, where
 * the same steps work one transaction each.  After the check the constraints
 * are back to what they are declared as.
 */
#include "ledger.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* A table with deferrable triggers: has it events waiting? */
typedef struct WaitingTable
{
	Oid			table;
	bool		waiting;
} WaitingTable;

/* The server looks through all events for each answer: ask once a table. */
static bool
is_waiting(HTAB **tables, Oid table)
{
	WaitingTable *entry;
	bool		found;

	if (*tables == NULL)
	{
		HASHCTL		info = {.keysize = sizeof(Oid), .entrysize = sizeof(WaitingTable),
		.hcxt = CurrentMemoryContext};

		*tables = hash_create("tables with deferrable triggers", 64, &info,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = hash_search(*tables, &table, HASH_ENTER, &found);
	if (!found)
		entry->waiting = AfterTriggerPendingOnRel(table);
	return entry->waiting;
}

/* Deferrable constraints on tables that have events waiting. */
static List *
pending_constraints(void)
{
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	List	   *constraints = NIL;
	HTAB	   *tables = NULL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);

		if (trigger->tgdeferrable && OidIsValid(trigger->tgconstraint) &&
			is_waiting(&tables, trigger->tgrelid))
			constraints = lappend_oid(constraints, trigger->tgconstraint);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	if (tables)
		hash_destroy(tables);
	list_sort(constraints, list_oid_cmp);
	list_deduplicate_oid(constraints);
	return constraints;
}

/*
 * Is every constraint of this name declared INITIALLY DEFERRED?  SET CONSTRAINTS
 * knows only names, and refuses to defer one that is not deferrable.
 */
static bool
name_is_deferred(Oid schema, const char *name)
{
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	bool		deferred = true;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_constraint_conname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(name));
	ScanKeyInit(&keys[1], Anum_pg_constraint_connamespace, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(schema));
	scan = systable_beginscan(catalog, ConstraintNameNspIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		deferred = deferred && ((Form_pg_constraint) GETSTRUCT(tuple))->condeferred;
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return deferred;
}

static void
set_constraints(List *names, bool deferred)
{
	ConstraintsSetStmt *statement;

	if (names == NIL)
		return;
	statement = makeNode(ConstraintsSetStmt);
	statement->constraints = names;
	statement->deferred = deferred;
	AfterTriggerSetState(statement);
}

/*
 * Raise an error when the caller of a SECURITY DEFINER function left triggers
 * waiting: fired at the end of a step, they would run with the rights of the
 * function's owner.
 */
void
ledger_check_deferred(void)
{
	if (InLocalUserIdChange() && pending_constraints() != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot run migrations in a security-definer function while deferred "
						"triggers are pending"),
				 errhint("Execute SET CONSTRAINTS ALL IMMEDIATE before the call.")));
}

/* To be called at the end of a step. */
void
ledger_fire_deferred(void)
{
	List	   *to_fire = NIL;
	List	   *to_defer = NIL;
	ListCell   *cell;

	foreach(cell, pending_constraints())
	{
		HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(lfirst_oid(cell)));
		Form_pg_constraint constraint;
		RangeVar   *name;

		if (!HeapTupleIsValid(tuple))
			continue;
		constraint = (Form_pg_constraint) GETSTRUCT(tuple);
		/* Events in a schema that the caller may not name stay for the commit. */
		if (purser_may_use_schema(constraint->connamespace))
		{
			name = makeRangeVar(get_namespace_name(constraint->connamespace),
								pstrdup(NameStr(constraint->conname)), -1);
			to_fire = lappend(to_fire, name);
			if (name_is_deferred(constraint->connamespace, name->relname))
				to_defer = lappend(to_defer, name);
		}
		ReleaseSysCache(tuple);
	}
	set_constraints(to_fire, false);
	set_constraints(to_defer, true);
}
