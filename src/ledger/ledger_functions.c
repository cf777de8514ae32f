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

/* Up to so many steps plan() looks up one by one. */
#define FEW_ROWS 512

static void
put_step(void *arg, const LedgerStep *step)
{
	ReturnSetInfo *result = arg;
	Interval	duration = {.time = step->duration};
	bool		nulls[5] = {[4] = step->stamped};
	Datum		values[5] = {
		Int32GetDatum(step->number),
		CStringGetTextDatum(step->stamped ? "stamp" : ledger_direction_name(step->direction)),
		CStringGetTextDatum(step->revision),
		CStringGetTextDatum(step->message),
		IntervalPGetDatum(&duration)
	};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static Datum
run(FunctionCallInfo fcinfo, LedgerDirection direction, bool fake_initial)
{
	char	   *target = shared_arg_text(fcinfo, 0, "target");

	InitMaterializedSRF(fcinfo, 0);
	ledger_run(direction, target, fake_initial, put_step, fcinfo->resultinfo);
	return (Datum) 0;
}

Datum
purser_upgrade_0_1(PG_FUNCTION_ARGS)
{
	return run(fcinfo, LEDGER_UPGRADE, !PG_ARGISNULL(1) && PG_GETARG_BOOL(1));
}

Datum
purser_downgrade_0_1(PG_FUNCTION_ARGS)
{
	return run(fcinfo, LEDGER_DOWNGRADE, false);
}

/* A short plan: its rows by their ids, in its order. */
static void
put_few_rows(ReturnSetInfo *result, const LedgerGraph *graph, LedgerSet plan,
			 LedgerDirection direction)
{
	static OwnerQuery query = {
		.sql = "SELECT p.n::pg_catalog.int4, $2, r.revision, r.message,"
		" CASE WHEN $2 OPERATOR(pg_catalog.=) 'upgrade' THEN r.upgrade"
		" WHEN r.repeatable THEN COALESCE(r.downgrade, '') ELSE r.downgrade END"
		" FROM pg_catalog.unnest($1) WITH ORDINALITY AS p(id, n), purser.revision r"
		" WHERE r.revision OPERATOR(pg_catalog.=) p.id ORDER BY p.n",
		.indexed = true, .nargs = 2, .argtypes = {TEXTARRAYOID, TEXTOID}
	};
	NameList	ids = {plan.count, palloc(sizeof(char *) * (plan.count + 1))};
	Datum		values[2];
	uint64		rows;

	for (int i = 0; i < plan.count; i++)
		ids.items[i] = unconstify(char *, graph->nodes[plan.nodes[i]].id);
	values[0] = shared_names_to_array(ids);
	values[1] = CStringGetTextDatum(ledger_direction_name(direction));
	rows = shared_query_open(&query, values, NULL);
	for (uint64 row = 0; row < rows; row++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[row]);
	shared_query_close();
}

/* A long plan: one pass over all revisions is cheaper than as many searches in an index. */
static void
put_many_rows(ReturnSetInfo *result, const LedgerGraph *graph, LedgerSet plan,
			  LedgerDirection direction)
{
	static OwnerQuery query = {
		.sql = "SELECT revision, message,"
		" CASE WHEN $1 OPERATOR(pg_catalog.=) 'upgrade' THEN upgrade"
		" WHEN repeatable THEN COALESCE(downgrade, '') ELSE downgrade END"
		" FROM purser.revision",
		.nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		name = CStringGetTextDatum(ledger_direction_name(direction));
	int64	   *row_of = ledger_rows_of_nodes(graph->whole,
											  shared_query_open(&query, &name, NULL));

	for (int i = 0; i < plan.count; i++)
	{
		int64		row = row_of[ledger_graph_find(graph->whole, graph->nodes[plan.nodes[i]].id)];
		Datum		values[5] = {Int32GetDatum(i + 1), name};
		bool		nulls[5] = {false};

		CHECK_FOR_INTERRUPTS();
		if (row < 0)
			continue;			/* gone since the graph was read */
		for (int column = 1; column <= 3; column++)
			values[column + 1] = shared_query_value(row, column, &nulls[column + 1]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	shared_query_close();
}

Datum
purser_plan_0_1(PG_FUNCTION_ARGS)
{
	LedgerDirection direction = ledger_parse_direction(shared_arg_text(fcinfo, 0, "direction"));
	char	   *target = shared_arg_text(fcinfo, 1, "target");
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	LedgerGraph *graph;
	LedgerSet	plan;

	InitMaterializedSRF(fcinfo, 0);
	graph = ledger_store_graph();
	plan = ledger_plan_steps(&graph, direction, target);
	if (plan.count <= FEW_ROWS)
		put_few_rows(result, graph, plan, direction);
	else
		put_many_rows(result, graph, plan, direction);
	return (Datum) 0;
}
