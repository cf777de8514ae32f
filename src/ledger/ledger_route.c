/*
 * ledger_route.c
 *		From targets as written to the steps: squashes, lineage, repeatables.
 *
 * Pure, but for tags and times.
 */
#include "ledger.h"

/* The repeatable revision that is the whole target, or -1. */
static int
find_repeatable(const LedgerGraph *graph, const char *target)
{
	int			aside = ledger_find_aside(graph, target);

	if (aside < 0 || !graph->whole->nodes[aside].repeatable)
		return -1;
	return ledger_graph_find(graph->repeatables, graph->whole->nodes[aside].id);
}

static LedgerSet
plan_repeatable(const LedgerGraph *graph, LedgerDirection direction, int repeatable)
{
	const LedgerNode *node = &graph->nodes[graph->count + repeatable];

	if (direction == LEDGER_UPGRADE)
		return ledger_repeat_upgrade(graph, repeatable);
	if (!node->applied)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot downgrade to revision \"%s\", which is not applied", node->id)));
	return ledger_repeat_downgrade(graph, repeatable);
}

/* Which repeatables a downgrade to this target undoes, whatever it does to the lineage. */
static bool *
repeatables_to_undo(const LedgerGraph *graph, const char *target)
{
	int			count = graph->repeatables ? graph->repeatables->count : 0;
	bool	   *goes = palloc0(count + 1);
	LedgerState *state;

	if (count == 0)
		return goes;
	if (strcmp(target, "base") == 0)
		memset(goes, true, count);
	else if (ledger_is_position(target))
	{
		state = ledger_position_state(target);
		for (int i = 0; i < count; i++)
			goes[i] = !ledger_state_has(state, graph->repeatables->nodes[i].id);
	}
	return goes;
}

/* All steps to the target, in order; nodes of *graph, which may become another one. */
LedgerSet
ledger_plan_steps(LedgerGraph **graph, LedgerDirection direction, const char *target)
{
	int			repeatable = find_repeatable(*graph, target);
	LedgerSet	plan;

	if (repeatable >= 0)
		return plan_repeatable(*graph, direction, repeatable);
	*graph = ledger_fit_targets(*graph, &target, 1);
	plan = ledger_plan(*graph, direction, target);
	if (direction == LEDGER_DOWNGRADE)
		return ledger_repeat_undone(*graph, plan, repeatables_to_undo(*graph, target));
	return strcmp(target, "base") == 0 ? plan : ledger_repeat_due(*graph, plan, NULL);
}

/* Takes the repeatable revisions out of the targets: flags for them. */
static bool *
take_repeatables(const LedgerGraph *graph, NameList *targets)
{
	bool	   *only = palloc0((graph->repeatables ? graph->repeatables->count : 0) + 1);
	NameList	lineage = {0, palloc(sizeof(char *) * (targets->count + 1))};

	for (int i = 0; i < targets->count; i++)
	{
		int			repeatable = find_repeatable(graph, targets->items[i]);

		if (repeatable >= 0)
			only[repeatable] = true;
		else
			lineage.items[lineage.count++] = targets->items[i];
	}
	*targets = lineage;
	return only;
}

/*
 * The same for a stamp.  It adds a repeatable only when that is a target, and
 * takes away what loses its ground; with purge or "base", all but the targets.
 */
LedgerStampPlan
ledger_plan_stamp_steps(LedgerGraph **graph, NameList targets, bool purge)
{
	bool	   *only = take_repeatables(*graph, &targets);
	bool	   *also;
	bool	   *goes;
	bool		all = purge;
	LedgerStampPlan plan;

	for (int i = 0; i < targets.count; i++)
		all = all || strcmp(targets.items[i], "base") == 0;
	*graph = ledger_fit_targets(*graph, (const char **) targets.items, targets.count);
	if ((*graph)->repeatables == NULL)
		return ledger_plan_stamp(*graph, targets, NULL, purge);
	also = ledger_repeat_needs(*graph, only);
	plan = ledger_plan_stamp(*graph, targets, also, purge);
	goes = palloc0((*graph)->repeatables->count + 1);
	for (int i = 0; i < (*graph)->repeatables->count; i++)
		goes[i] = all && !only[i];
	plan.remove = ledger_repeat_undone(*graph, plan.remove, goes);
	plan.add = ledger_repeat_due(*graph, plan.add, only);
	return plan;
}
