/*
 * ledger_functions.c
 *		SQL functions that move the database along the graph, and plan().
 */
#include "ledger.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "shared/owner_query.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(purser_upgrade_0_1);
PG_FUNCTION_INFO_V1(purser_downgrade_0_1);
PG_FUNCTION_INFO_V1(purser_plan_0_1);
PG_FUNCTION_INFO_V1(purser_stamp_0_1);

/* Scripts that plan() holds in memory at once. */
#define PLAN_BATCH 64

static void
put_step(void *arg, const LedgerStep *step)
{
	ReturnSetInfo *result = arg;
	Interval	duration = {.time = step->duration};
	bool		nulls[5] = {false};
	Datum		values[5] = {
		Int32GetDatum(step->number),
		CStringGetTextDatum(ledger_direction_name(step->direction)),
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

/* The rows of plan(): steps from first, as far as one batch reaches; returns the next step. */
static int
put_plan_rows(ReturnSetInfo *result, const LedgerGraph *graph, LedgerSet plan, int first,
			  LedgerDirection direction)
{
	static OwnerQuery query = {
		.sql = "SELECT $2 OPERATOR(pg_catalog.+) p.n::pg_catalog.int4, $3, r.revision, r.message,"
		" CASE WHEN $3 OPERATOR(pg_catalog.=) 'upgrade' THEN r.upgrade ELSE r.downgrade END"
		" FROM pg_catalog.unnest($1) WITH ORDINALITY AS p(id, n), purser.revision r"
		" WHERE r.revision OPERATOR(pg_catalog.=) p.id ORDER BY p.n",
		.indexed = true, .nargs = 3, .argtypes = {TEXTARRAYOID, INT4OID, TEXTOID}
	};
	int			next = Min(first + PLAN_BATCH, plan.count);
	char	   *ids[PLAN_BATCH];
	NameList	batch = {next - first, ids};
	Datum		values[3];
	uint64		rows;

	for (int i = first; i < next; i++)
		ids[i - first] = unconstify(char *, graph->nodes[plan.nodes[i]].id);
	values[0] = shared_names_to_array(batch);
	values[1] = Int32GetDatum(first);
	values[2] = CStringGetTextDatum(ledger_direction_name(direction));
	rows = shared_query_open(&query, values, NULL);
	for (uint64 row = 0; row < rows; row++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[row]);
	shared_query_close();
	return next;
}

Datum
purser_plan_0_1(PG_FUNCTION_ARGS)
{
	LedgerDirection direction = ledger_parse_direction(shared_arg_text(fcinfo, 0, "direction"));
	char	   *target = shared_arg_text(fcinfo, 1, "target");
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext batch_context = AllocSetContextCreate(caller, "ledger plan rows",
														ALLOCSET_DEFAULT_SIZES);
	LedgerGraph *graph;
	LedgerSet	plan;

	InitMaterializedSRF(fcinfo, 0);
	graph = ledger_store_graph();
	plan = ledger_plan(graph, direction, target);
	for (int step = 0; step < plan.count;)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(batch_context);
		step = put_plan_rows((ReturnSetInfo *) fcinfo->resultinfo, graph, plan, step, direction);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(batch_context);
	}
	MemoryContextDelete(batch_context);
	return (Datum) 0;
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

		ledger_step_stamp(journal, ledger_store_need(id), add);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* What these revisions have done in batches is not gone on with. */
static void
give_up_set(const LedgerGraph *graph, LedgerSet set)
{
	NameList	ids = {set.count, palloc(sizeof(char *) * (set.count + 1))};

	for (int i = 0; i < set.count; i++)
		ids.items[i] = unconstify(char *, graph->nodes[set.nodes[i]].id);
	ledger_backfill_forget(ids);
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
	give_up_set(graph, plan.idle);
	return (Datum) 0;
}
