/*
 * ledger_functions.c
 *		SQL functions that move the database along the graph, and plan().
 */
#include "ledger.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(purser_upgrade_0_1);
PG_FUNCTION_INFO_V1(purser_downgrade_0_1);
PG_FUNCTION_INFO_V1(purser_plan_0_1);
PG_FUNCTION_INFO_V1(purser_stamp_0_1);

static const char *
direction_name(LedgerDirection direction)
{
	return direction == LEDGER_UPGRADE ? "upgrade" : "downgrade";
}

static void
put_step(void *arg, const LedgerStep *step)
{
	ReturnSetInfo *result = arg;
	Interval	duration = {.time = step->duration};
	bool		nulls[5] = {false};
	Datum		values[5] = {
		Int32GetDatum(step->number),
		CStringGetTextDatum(direction_name(step->direction)),
		CStringGetTextDatum(step->revision),
		CStringGetTextDatum(step->message),
		IntervalPGetDatum(&duration)
	};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static Datum
run(FunctionCallInfo fcinfo, LedgerDirection direction)
{
	char	   *target = shared_arg_text(fcinfo, 0, "target");

	InitMaterializedSRF(fcinfo, 0);
	ledger_run(direction, target, put_step, fcinfo->resultinfo);
	return (Datum) 0;
}

Datum
purser_upgrade_0_1(PG_FUNCTION_ARGS)
{
	return run(fcinfo, LEDGER_UPGRADE);
}

Datum
purser_downgrade_0_1(PG_FUNCTION_ARGS)
{
	return run(fcinfo, LEDGER_DOWNGRADE);
}

static LedgerDirection
parse_direction(const char *text)
{
	if (strcmp(text, "upgrade") == 0)
		return LEDGER_UPGRADE;
	if (strcmp(text, "downgrade") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid direction \"%s\"", text),
				 errhint("The direction is \"upgrade\" or \"downgrade\".")));
	return LEDGER_DOWNGRADE;
}

Datum
purser_plan_0_1(PG_FUNCTION_ARGS)
{
	LedgerDirection direction = parse_direction(shared_arg_text(fcinfo, 0, "direction"));
	char	   *target = shared_arg_text(fcinfo, 1, "target");
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext step_context = AllocSetContextCreate(caller, "ledger plan step",
													   ALLOCSET_DEFAULT_SIZES);
	LedgerGraph *graph;
	LedgerSet	plan;

	InitMaterializedSRF(fcinfo, 0);
	graph = ledger_store_graph();
	plan = ledger_plan(graph, direction, target);
	for (int i = 0; i < plan.count; i++)
	{
		const LedgerRevision *revision;
		bool		nulls[5] = {false};
		Datum		values[5];

		MemoryContextSwitchTo(step_context);
		revision = ledger_store_fetch(graph->nodes[plan.nodes[i]].id);
		if (revision)
		{
			values[0] = Int32GetDatum(i + 1);
			values[1] = CStringGetTextDatum(direction_name(direction));
			values[2] = CStringGetTextDatum(revision->id);
			values[3] = CStringGetTextDatum(revision->message);
			values[4] = CStringGetTextDatum(direction == LEDGER_UPGRADE ? revision->upgrade :
											revision->downgrade);
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
		MemoryContextSwitchTo(caller);
		MemoryContextReset(step_context);
	}
	MemoryContextDelete(step_context);
	return (Datum) 0;
}

/* State that the revision is in force, or not any more, without running it. */
static void
stamp_one(LedgerJournal *journal, const char *id, bool add)
{
	LedgerRevision *revision = ledger_store_fetch(id);
	LedgerEvent event = {
		.kind = add ? "stamp" : "unstamp",
		.revision = id,
		.at = GetCurrentTimestamp(),
		.duration = -1,
		.script = add ? revision->upgrade : NULL
	};

	if (add)
		ledger_store_set_applied(id, ledger_checksum(revision->upgrade));
	else
		ledger_store_unset_applied(id);
	ledger_journal_write(journal, &event);
}

static void
stamp_set(ReturnSetInfo *result, const LedgerGraph *graph, LedgerSet set, bool add,
		  LedgerJournal *journal)
{
	for (int i = 0; i < set.count; i++)
	{
		const char *id = graph->nodes[set.nodes[i]].id;
		bool		nulls[2] = {false};
		Datum		values[2] = {
			CStringGetTextDatum(add ? "stamp" : "unstamp"),
			CStringGetTextDatum(id)
		};

		stamp_one(journal, id, add);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

Datum
purser_stamp_0_1(PG_FUNCTION_ARGS)
{
	char	   *target = shared_arg_text(fcinfo, 0, "target");
	bool		purge = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	LedgerGraph *graph;
	LedgerStampPlan plan;
	LedgerJournal *journal;

	InitMaterializedSRF(fcinfo, 0);
	ledger_begin_write("purser.stamp()");
	graph = ledger_store_graph();
	plan = ledger_plan_stamp(graph, target, purge);
	journal = ledger_journal_open();
	stamp_set((ReturnSetInfo *) fcinfo->resultinfo, graph, plan.remove, false, journal);
	stamp_set((ReturnSetInfo *) fcinfo->resultinfo, graph, plan.add, true, journal);
	return (Datum) 0;
}
