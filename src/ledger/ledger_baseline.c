/*
 * ledger_baseline.c
 *		SQL functions that state what was done to the database by other means.
 *
 * They run nothing: baseline() begins a ledger in a database that has its
 * objects already, record_step() is what a file made by script() calls.
 */
#include "ledger.h"

#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(purser_baseline_0_1);
PG_FUNCTION_INFO_V1(purser_record_step_0_1);

/* Revisions that are there would not build on the baseline. */
static void
check_empty(const LedgerGraph *graph)
{
	LedgerSet	lineage = {0, palloc(sizeof(int) * (graph->count + 1))};

	for (int i = 0; i < graph->count; i++)
		if (!graph->nodes[i].repeatable || graph->nodes[i].applied)
			lineage.nodes[lineage.count++] = i;
	if (lineage.count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot put a baseline under revisions that are there already"),
				 errdetail("There are %s.", ledger_list_ids(graph, lineage)),
				 errhint("State with purser.stamp() which of them are in force.")));
}

Datum
purser_baseline_0_1(PG_FUNCTION_ARGS)
{
	LedgerRevision revision = {
		.message = shared_arg_text(fcinfo, 0, "message"),
		.upgrade = pstrdup(""),
		.id = shared_arg_text_or_null(fcinfo, 1),
		.labels = shared_arg_names(fcinfo, 2, "labels"),
		.transactional = true
	};

	ledger_begin_write("purser.baseline()");
	check_empty(ledger_store_whole());
	ledger_add(&revision);
	ledger_step_stamp(ledger_journal_open(), &revision, true);
	PG_RETURN_TEXT_P(cstring_to_text(revision.id));
}

/* The applied revisions that need the node, or those that it needs and that are not applied. */
static LedgerSet
obstacles(const LedgerGraph *graph, LedgerDirection direction, int node)
{
	LedgerSet	set = {0, palloc(sizeof(int) * (graph->up_start[graph->count] + 1))};

	for (int i = 0; i < graph->count; i++)
		for (int k = graph->up_start[i]; k < graph->up_start[i + 1]; k++)
		{
			if (direction == LEDGER_UPGRADE && i == node && !graph->nodes[graph->up[k]].applied)
				set.nodes[set.count++] = graph->up[k];
			if (direction == LEDGER_DOWNGRADE && graph->up[k] == node && graph->nodes[i].applied)
				set.nodes[set.count++] = i;
		}
	return set;
}

/* Could a run in this direction take the node as its next step? */
static void
check_next(const LedgerGraph *graph, LedgerDirection direction, int node)
{
	bool		up = direction == LEDGER_UPGRADE;
	const char *id = graph->nodes[node].id;
	LedgerSet	in_the_way = obstacles(graph, direction, node);

	if (in_the_way.count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 up ? errmsg("revision \"%s\" needs revisions that are not applied", id) :
				 errmsg("revision \"%s\" is needed by revisions that are applied", id),
				 errdetail("They are %s.", ledger_list_ids(graph, in_the_way))));
}

Datum
purser_record_step_0_1(PG_FUNCTION_ARGS)
{
	LedgerDirection direction = ledger_parse_direction(shared_arg_text(fcinfo, 0, "direction"));
	char	   *target = shared_arg_text(fcinfo, 1, "revision");
	LedgerGraph *graph;
	const LedgerNode *stored;
	const char *id;
	int			node;

	ledger_begin_write("purser.record_step()");
	graph = ledger_store_graph();
	stored = &graph->whole->nodes[ledger_resolve_any(graph, target)];
	id = stored->id;
	if (ledger_store_is_done(id, direction))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 direction == LEDGER_UPGRADE ? errmsg("revision \"%s\" is applied already", id) :
				 errmsg("revision \"%s\" is not applied", id)));
	ledger_underway_check_neighbours(ledger_store_need(id));
	if (!stored->repeatable)
	{
		graph = ledger_fit_targets(graph, &id, 1);
		node = ledger_graph_find(graph, id);
		if (node < 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("revision \"%s\" is in no plan", id),
					 errdetail("It is a squash, and some of what it replaces is applied.")));
		check_next(graph, direction, node);
	}
	ledger_step_stamp(ledger_journal_open(), ledger_store_need(id), direction == LEDGER_UPGRADE);
	PG_RETURN_TEXT_P(cstring_to_text(id));
}
