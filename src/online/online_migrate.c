/*
 * online_migrate.c
 *		CALL purser.migrate(): goes through a plan, and commits each step.
 */
#include "online.h"

#include "executor/spi.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(purser_migrate_0_1);

#define COMMAND "purser.migrate()"

static void
run_plan(LedgerDirection direction, const char *target)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext step_context = AllocSetContextCreate(caller, "migration step",
													   ALLOCSET_DEFAULT_SIZES);
	OnlinePlan *plan;

	online_begin(COMMAND);
	plan = online_make_plan(direction, target);
	online_commit();
	for (int i = 0; i < plan->ids.count; i++)
	{
		MemoryContextSwitchTo(step_context);
		online_run_revision(plan, i);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(step_context);
	}
	MemoryContextDelete(step_context);
}

Datum
purser_migrate_0_1(PG_FUNCTION_ARGS)
{
	char	   *target = shared_arg_text(fcinfo, 0, "target");
	LedgerDirection direction = ledger_parse_direction(shared_arg_text(fcinfo, 1, "direction"));

	online_require_nonatomic(fcinfo, COMMAND);
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	online_take_runner_lock(COMMAND);
	PG_TRY();
	{
		run_plan(direction, target);
	}
	PG_FINALLY();
	{
		online_release_runner_lock();
	}
	PG_END_TRY();
	SPI_finish();
	PG_RETURN_VOID();
}
