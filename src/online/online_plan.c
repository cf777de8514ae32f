/*
 * online_plan.c
 *		The plan of a run, and whether it still fits after others changed the ledger.
 *
 * A target such as +2 means something else after each step, so the plan is made
 * once.  Between two steps the ledger is free for others; the last event tells
 * whether one of them changed what is applied.
 */
#include "online.h"

/* In the current memory context. */
OnlinePlan *
online_make_plan(LedgerDirection direction, const char *target)
{
	LedgerGraph *graph = ledger_store_graph();
	LedgerSet	steps = ledger_plan_steps(&graph, direction, target);
	LedgerJournal *journal = ledger_journal_open();
	OnlinePlan *plan = palloc(sizeof(OnlinePlan));

	if (steps.count > 0 && direction == LEDGER_UPGRADE)
		ledger_check_edited();
	plan->direction = direction;
	plan->ids.count = steps.count;
	plan->ids.items = palloc(sizeof(char *) * (steps.count + 1));
	for (int i = 0; i < steps.count; i++)
		plan->ids.items[i] = pstrdup(graph->nodes[steps.nodes[i]].id);
	ledger_step_settle(journal, graph);
	plan->last_event = journal->last_id;
	return plan;
}

/* A revision that keeps the node from being the next step: which it needs, or which needs it. */
static int
find_obstacle(const LedgerGraph *graph, LedgerDirection direction, int node)
{
	for (int i = 0; i < graph->count; i++)
		for (int e = graph->up_start[i]; e < graph->up_start[i + 1]; e++)
		{
			if (direction == LEDGER_UPGRADE && i == node && !graph->nodes[graph->up[e]].applied)
				return graph->up[e];
			if (direction == LEDGER_DOWNGRADE && graph->up[e] == node && graph->nodes[i].applied)
				return i;
		}
	return -1;
}

static void
check_fits(const LedgerGraph *graph, LedgerDirection direction, const char *id)
{
	int			node = ledger_graph_find(graph, id);
	int			obstacle = node < 0 ? -1 : find_obstacle(graph, direction, node);
	bool		up = direction == LEDGER_UPGRADE;

	if (node < 0 && graph->repeatables)
		node = ledger_graph_find(graph->repeatables, id);
	if (node >= 0 && obstacle < 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot go on with revision \"%s\": another session changed the ledger", id),
			 node < 0 ? errdetail("The revision is gone.") :
			 errdetail(up ? "It needs revision \"%s\", which is not applied any more." :
					   "Revision \"%s\", which needs it, was applied meanwhile.",
					   graph->nodes[obstacle].id),
			 errhint("What was done so far is committed.  Call purser.migrate() again.")));
}

/* Is step i still to do?  An error when it cannot be done any more. */
bool
online_plan_wants(OnlinePlan *plan, int i, const LedgerJournal *journal)
{
	if (ledger_store_is_done(plan->ids.items[i], plan->direction))
		return false;
	if (journal->last_id != plan->last_event)
	{
		check_fits(ledger_store_graph(), plan->direction, plan->ids.items[i]);
		plan->last_event = journal->last_id;
	}
	return true;
}
