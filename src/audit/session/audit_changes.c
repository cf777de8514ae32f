/*
 * audit_changes.c
 *		What this session changed, and when in the order of its statements.
 *
 * Changes are numbered. The latest one of each table is kept, in a place that
 * several tables may share: then one seems changed that was not, which only
 * keeps the rules quiet. A transaction or subtransaction that failed counts
 * as a change of all tables.
 */
#include "audit/session/audit_session.h"

#include "access/xact.h"
#include "nodes/plannodes.h"
#include "parser/parsetree.h"

#define TABLES 32				/* a power of two */

static uint64 changes = 0;		/* the latest one's number */
static uint64 of_table[TABLES];
static uint64 of_all = 0;		/* the latest that may be of any table */

uint64
audit_changes_made(void)
{
	return changes;
}

static inline uint64 *
place_of(Oid relid)
{
	return &of_table[relid & (TABLES - 1)];
}

/* A statement changed rows, or could have. */
void
audit_note_change(const PlannedStmt *stmt)
{
	changes++;
	purser_foreach_target(index, stmt)
	{
		const RangeTblEntry *target = rt_fetch(index, stmt->rtable);

		/* The partitions that rows went to are not in the plan. */
		if (target->inh || target->relkind == RELKIND_PARTITIONED_TABLE)
			of_all = changes;
		else
			*place_of(target->relid) = changes;
	}
}

/* Was a table that the query reads changed after the change of that number? */
bool
audit_changed_since(const AuditWatch *watch, uint64 change)
{
	if (of_all > change)
		return true;
	for (int i = 0; i < watch->nrels; i++)
	{
		if (*place_of(watch->rels[i].table) > change)
			return true;
	}
	return false;
}

static void
xact_ended(XactEvent event, void *arg pg_attribute_unused())
{
	if (event == XACT_EVENT_ABORT)
		of_all = ++changes;
}

static void
subxact_ended(SubXactEvent event, SubTransactionId id pg_attribute_unused(),
			  SubTransactionId parent pg_attribute_unused(), void *arg pg_attribute_unused())
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		of_all = ++changes;
}

/* Called by those that have something to lose by a failure; before, nothing is paid. */
void
audit_note_failures(void)
{
	static bool registered = false;

	if (registered)
		return;
	RegisterXactCallback(xact_ended, NULL);
	RegisterSubXactCallback(subxact_ended, NULL);
	registered = true;
}
