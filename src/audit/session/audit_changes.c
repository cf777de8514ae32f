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

AuditChanges audit_changes;

/* Was a table that the query reads changed after the change of that number? */
bool
audit_changed_since(const AuditWatch *watch, uint64 change)
{
	if (audit_changes.of_all > change)
		return true;
	for (int i = 0; i < watch->nrels; i++)
	{
		if (*audit_latest_change(watch->rels[i].table) > change)
			return true;
	}
	return false;
}

static void
xact_ended(XactEvent event, void *arg pg_attribute_unused())
{
	if (event == XACT_EVENT_ABORT)
		audit_changes.of_all = ++audit_changes.made;
}

static void
subxact_ended(SubXactEvent event, SubTransactionId id pg_attribute_unused(),
			  SubTransactionId parent pg_attribute_unused(), void *arg pg_attribute_unused())
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		audit_changes.of_all = ++audit_changes.made;
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
