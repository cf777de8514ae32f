/*
 * ledger_run.c
 *		Goes through a plan, in the caller's transaction: all or nothing.
 *
 * Callers hold no snapshot of the ledger: it is read after the lock was taken.
 */
#include "ledger.h"

#include "miscadmin.h"
#include "shared/owner_query.h"
#include "tcop/utility.h"
#include "utils/memutils.h"

/*
 * To be called first by everything that changes the ledger: may it, now?
 * Then waits until no other transaction does.
 */
void
ledger_begin_write(const char *command)
{
	PreventCommandDuringRecovery(command);
	PreventCommandIfReadOnly(command);
	ledger_check_not_in_script(command);
	ledger_lock();
}

/*
 * A script builds on what the revisions before it did.  Where another session
 * ran some of them after this transaction's snapshot was taken, the script
 * would find their tables, but not their rows.
 */
void
ledger_check_snapshot(void)
{
	if (!ledger_journal_is_visible())
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to a concurrent change of the ledger"),
				 errdetail("Scripts would run with a snapshot that was taken before it."),
				 errhint("Repeat the transaction.")));
}

const char *
ledger_direction_name(LedgerDirection direction)
{
	return direction == LEDGER_UPGRADE ? "upgrade" : "downgrade";
}

LedgerDirection
ledger_parse_direction(const char *text)
{
	if (strcmp(text, "upgrade") == 0)
		return LEDGER_UPGRADE;
	if (strcmp(text, "downgrade") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid direction \"%s\"", ledger_clipped(text)),
				 errhint("The direction is \"upgrade\" or \"downgrade\".")));
	return LEDGER_DOWNGRADE;
}

/*
 * Upgrade or downgrade; done() hears of each step while its memory is there.
 * fake_initial: a base revision whose objects are there is stamped, not run.
 */
void
ledger_run(LedgerDirection direction, const char *target, bool fake_initial,
		   LedgerStepDone done, void *arg)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext step_context = AllocSetContextCreate(caller, "ledger step",
													   ALLOCSET_DEFAULT_SIZES);
	LedgerStep	step = {.direction = direction};
	LedgerGraph *graph;
	LedgerSet	plan;
	LedgerJournal *journal;

	ledger_begin_write(direction == LEDGER_UPGRADE ? "purser.upgrade()" : "purser.downgrade()");
	graph = ledger_store_graph();
	plan = ledger_plan_steps(&graph, direction, target);
	journal = ledger_journal_open();
	if (plan.count > 0)
	{
		ledger_check_snapshot();
		ledger_check_deferred();
		if (direction == LEDGER_UPGRADE)
			ledger_check_edited();
	}
	ledger_step_settle(journal, graph);
	for (int i = 0; i < plan.count; i++)
	{
		const LedgerNode *node = &graph->nodes[plan.nodes[i]];
		bool		initial = node->parents.count == 0 && !node->repeatable;

		MemoryContextSwitchTo(step_context);
		step.number = i + 1;
		step.stamped = false;
		if (!fake_initial || !initial || !ledger_step_fake(journal, node->id, &step))
			ledger_step_run(journal, node->id, &step);
		done(arg, &step);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(step_context);
	}
	shared_owner_forget();
	MemoryContextDelete(step_context);
}
