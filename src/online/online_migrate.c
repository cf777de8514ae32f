/*
 * online_migrate.c
 *		CALL purser.migrate(): goes through a plan, a transaction for each step.
 */
#include "online.h"

#include "executor/spi.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(purser_migrate_0_1);

#define COMMAND "purser.migrate()"

/* The ids of the steps to go, as they are now; in the current memory context. */
static NameList
make_plan(LedgerDirection direction, const char *target)
{
	LedgerGraph *graph = ledger_store_graph();
	LedgerSet	plan = ledger_plan(graph, direction, target);
	NameList	ids = {plan.count, palloc(sizeof(char *) * (plan.count + 1))};

	for (int i = 0; i < plan.count; i++)
		ids.items[i] = pstrdup(graph->nodes[plan.nodes[i]].id);
	return ids;
}

/* In the transaction that is begun; in batches, ends it and begins others. */
static void
run_step(const char *id, LedgerStep *step)
{
	if (step->direction == LEDGER_UPGRADE && ledger_store_need(id)->batch)
		online_backfill_run(id, step);
	else
		ledger_step_run(ledger_journal_open(), id, step);
}

Datum
purser_migrate_0_1(PG_FUNCTION_ARGS)
{
	char	   *target = shared_arg_text(fcinfo, 0, "target");
	LedgerDirection direction = ledger_parse_direction(shared_arg_text(fcinfo, 1, "direction"));
	MemoryContext step_context;
	NameList	plan;

	online_require_nonatomic(fcinfo, COMMAND);
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	step_context = AllocSetContextCreate(CurrentMemoryContext, "migration step",
										 ALLOCSET_DEFAULT_SIZES);
	online_begin(COMMAND);
	plan = make_plan(direction, target);
	online_commit();
	for (int i = 0; i < plan.count; i++)
	{
		MemoryContext caller = MemoryContextSwitchTo(step_context);
		LedgerStep	step = {.number = i + 1, .direction = direction};

		online_begin(COMMAND);
		if (ledger_store_is_applied(plan.items[i]) != (direction == LEDGER_UPGRADE))
			run_step(plan.items[i], &step);
		MemoryContextSwitchTo(caller);
		online_commit();
		MemoryContextReset(step_context);
	}
	SPI_finish();
	PG_RETURN_VOID();
}
