/*
 * audit_judge.c
 *		What to do with an execution that has ended.
 *
 * Counts it, and lets the rules see it: those that look at one execution at
 * once, those that need it measured only when it read much for little. One
 * cause makes one finding: rows that an OFFSET skipped are not held against the
 * scan below it.
 *
 * Called before the executor lets go of relations and plan state.
 */
#include "audit/rules/audit_rules.h"
#include "audit/session/audit_session.h"

#include "executor/execdesc.h"
#include "nodes/execnodes.h"

static void
judge_rows(AuditWatch *watch)
{
	bool		wasteful = !watch->uncounted &&
		audit_rule_screen(audit_rows_read(watch), watch->rows_returned);

	if (watch->slot >= 0 && watch->desc->planstate->instrument != NULL)
		audit_board_measured(watch, wasteful ? audit_measure_missing_index(watch) : NIL, wasteful);
	else if (wasteful)
		audit_board_convict(watch, false);
}

void
audit_judge(AuditWatch *watch)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(watch->desc->estate->es_query_cxt);

	audit_local_add(watch, true);
	audit_session_statement(watch);
	if (watch->to_client)
		audit_judge_unbounded_result(watch);
	if (!audit_judge_deep_offset(watch))
		judge_rows(watch);
	MemoryContextSwitchTo(oldcontext);
}
