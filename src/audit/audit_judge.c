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
#include "audit/whatif/audit_what_if.h"

#include "executor/execdesc.h"
#include "nodes/execnodes.h"

static bool
is_wasteful(const AuditWatch *watch)
{
	return !watch->uncounted && audit_rule_screen(audit_rows_read(watch), watch->rows_returned);
}

static bool
is_measured(const AuditWatch *watch)
{
	return watch->slot >= 0 && watch->desc->planstate->instrument != NULL;
}

static void
judge_rows(AuditWatch *watch)
{
	bool		wasteful = is_wasteful(watch);

	if (is_measured(watch))
		audit_board_measured(watch, wasteful ? audit_prove(watch) : NIL, wasteful);
	else if (wasteful)
	{
		if (watch->slot < 0)
			audit_tree_want(watch->queryid);
		audit_board_convict(watch, false);
	}
}

/*
 * A measured run has ended. ExecutorEnd may come as part of the commit, when
 * nothing can be planned any more, so what needs planning is decided here.
 */
void
audit_judge_early(AuditWatch *watch)
{
	MemoryContext oldcontext;

	if (!is_measured(watch) || !is_wasteful(watch))
		return;
	oldcontext = MemoryContextSwitchTo(watch->desc->estate->es_query_cxt);
	audit_prove(watch);
	MemoryContextSwitchTo(oldcontext);
}

void
audit_judge(AuditWatch *watch)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(watch->desc->estate->es_query_cxt);

	audit_local_add(watch, true);
	if (watch->to_client)
	{
		audit_n_plus_one_statement(watch);
		audit_judge_unbounded_result(watch);
	}
	if (!audit_judge_deep_offset(watch))
		judge_rows(watch);
	MemoryContextSwitchTo(oldcontext);
}
