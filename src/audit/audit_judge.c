/*
 * audit_judge.c
 *		What to do with an execution that has ended.
 *
 * Counts it, and lets the rules see it: those that look at one execution at
 * once, those that need it measured only when it read much for little. One
 * cause makes one finding: rows that an OFFSET skipped, a count counted or a
 * client left unread are not held against the scan below it.
 *
 * Called once for an execution, before the executor lets go of relations and
 * plan state; raises what purser.audit_error asks for, and nothing else.
 */
#include "audit/govern/audit_govern.h"
#include "audit/session/audit_session.h"

#include "executor/execdesc.h"
#include "nodes/execnodes.h"

/*
 * A run in which all is allowed says nothing of others of the same query. Who
 * measures all runs needs no conviction.
 */
static void
judge_measured(const AuditWatch *watch, bool wasteful)
{
	List	   *proven = wasteful ? audit_measure_missing_index(watch) : NIL;
	List	   *wanted = audit_not_allowed(proven);
	ListCell   *cell;

	if (watch->slot >= 0)
		audit_board_measured(watch, wanted, wasteful && (proven == NIL || wanted != NIL));
	else
	{
		foreach(cell, wanted)
			audit_find_wanted(lfirst(cell));
	}
	foreach(cell, wanted)
		audit_say(lfirst(cell));
}

static void
judge_rows(AuditWatch *watch)
{
	bool		wasteful = !watch->uncounted &&
		audit_rule_screen(audit_rows_read(watch), watch->rows_returned);

	if (watch->desc->planstate->instrument != NULL)
		judge_measured(watch, wasteful);
	else if (wasteful)
		audit_board_convict(watch, false);
}

void
audit_judge(AuditWatch *watch)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(watch->desc->estate->es_query_cxt);

	watch->judged = true;
	audit_say_begin();
	audit_local_add(watch, true);
	audit_session_statement(watch);
	if (watch->to_client)
	{
		audit_judge_unbounded_result(watch);
		audit_judge_wide_select(watch);
	}
	if (!audit_judge_deep_offset(watch) && !audit_judge_exact_count(watch) &&
		!audit_judge_unread_rows(watch))
		judge_rows(watch);
	MemoryContextSwitchTo(oldcontext);
	audit_say_end();
}
