/*
 * ledger_stamp.c
 *		stamp(): states what is in force, without running anything.
 */
#include "ledger.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(purser_stamp_0_1);
PG_FUNCTION_INFO_V1(purser_stamp_targets_0_1);

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

/* Does the stamp say of the stored revision, or of what stands for it, whether it is in force? */
static bool
is_decided(const LedgerGraph *graph, const LedgerStampPlan *plan, int stored)
{
	const char *squash = ledger_replaced_by(graph, stored);
	int			node = ledger_graph_find(graph, squash ? squash : graph->whole->nodes[stored].id);

	return node >= 0 && plan->decided[node];
}

/* What the stamp says of a revision holds, however far purser.migrate() came with it. */
static void
give_up_decided(const LedgerGraph *graph, const LedgerStampPlan *plan)
{
	NameList	partial = ledger_underway_list();
	NameList	decided = {0, palloc(sizeof(char *) * (graph->whole->count + 1))};

	for (int i = 0; i < graph->whole->count; i++)
		if (is_decided(graph, plan, i))
			decided.items[decided.count++] = unconstify(char *, graph->whole->nodes[i].id);
	for (int i = 0; i < partial.count; i++)
	{
		int			stored = ledger_graph_find(graph->whole, partial.items[i]);

		if (stored >= 0 && is_decided(graph, plan, stored))
			ledger_underway_give_up(partial.items[i]);
	}
	ledger_backfill_forget(decided);
}

static Datum
stamp(FunctionCallInfo fcinfo, NameList targets)
{
	bool		purge = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	LedgerGraph *graph;
	LedgerStampPlan plan;
	LedgerJournal *journal;

	InitMaterializedSRF(fcinfo, 0);
	ledger_begin_write("purser.stamp()");
	graph = ledger_store_graph();
	plan = ledger_plan_stamp_steps(&graph, targets, purge);
	if (plan.add.count > 0)
		ledger_check_edited();
	give_up_decided(graph, &plan);
	journal = ledger_journal_open();
	ledger_step_settle(journal, graph);
	stamp_set((ReturnSetInfo *) fcinfo->resultinfo, graph, plan.remove, false, journal);
	stamp_set((ReturnSetInfo *) fcinfo->resultinfo, graph, plan.add, true, journal);
	return (Datum) 0;
}

Datum
purser_stamp_0_1(PG_FUNCTION_ARGS)
{
	char	   *target = shared_arg_text(fcinfo, 0, "target");
	NameList	targets = {1, &target};

	return stamp(fcinfo, targets);
}

Datum
purser_stamp_targets_0_1(PG_FUNCTION_ARGS)
{
	NameList	targets = shared_arg_names(fcinfo, 0, "targets");

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"targets\" must not be null")));
	if (targets.count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no target to stamp"),
				 errhint("To state that nothing is in force, use \"base\".")));
	return stamp(fcinfo, targets);
}
