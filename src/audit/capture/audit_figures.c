/*
 * audit_figures.c
 *		Figures that only few executions have, counted as they end.
 *
 * The rows that OFFSET skipped, where there is a limit; those that a client left
 * unread; what the nodes of the plan threw away or repeated, of executions that were
 * instrumented, by the audit or by another.
 */
#include "audit/plan/audit_plan.h"
#include "audit/rules/audit_rules.h"

#include "nodes/execnodes.h"

/*
 * Rows that a client left in its portal: counted where a sort or a hash table
 * has them all, else by the planner's estimate.
 */
static void
add_unread(const AuditWatch *watch, AuditQueryCounts *counts)
{
	PlanState  *top = watch->desc->planstate;
	AuditMade	made;

	if (!audit_plan_made(top, &made))
		made.rows = top->plan->plan_rows;
	counts->unread++;
	counts->rows_unread += (int64) Min(Max(made.rows - (double) watch->rows_returned, 0),
									   AUDIT_MOST_ROWS);
}

/*
 * How often a join has repeated the rows of a parent, of executions that came to
 * their end. Rows of the parent that an inner join dropped count with the others.
 */
static void
add_fanout(const AuditWatch *watch, AuditQueryCounts *counts)
{
	AuditFanout fanout;

	if ((!watch->to_client && !watch->at_end) || watch->rows_returned == 0 ||
		!audit_plan_fanout(watch, &fanout) || !fanout.parent_is_once)
		return;
	counts->fanout_rows += (int64) fanout.rows;
	counts->parent_rows += (int64) Min(fanout.parent_rows, fanout.rows);
}

/* Adds them; the plan state must still be there. */
void
audit_add_figures(const AuditWatch *watch, AuditQueryCounts *counts)
{
	PlanState  *top = watch->desc->planstate;

	if (IsA(top, LimitState))
		counts->rows_skipped += audit_rows_skipped(top);
	if (watch->paged && !watch->at_end)
		add_unread(watch, counts);
	if (top->instrument == NULL)
		return;
	counts->measured++;
	counts->rows_discarded += audit_removed_add(watch);
	if (watch->desc->operation == CMD_SELECT)
		add_fanout(watch, counts);
}
