/*
 * ledger_repeat.c
 *		Which repeatable revisions a run executes or undoes, and in which order.
 *
 * Pure.  They come after the lineage in an upgrade and before it in a
 * downgrade.  Due is one that never ran or whose text has changed, once all
 * that it depends on is in force; one that depends on nothing waits for all
 * heads.  In a plan, repeatable i is node count + i of the graph.
 */
#include "ledger_graph.h"

static const LedgerNode *
repeatable_node(const LedgerGraph *graph, int repeatable)
{
	return &graph->nodes[graph->count + repeatable];
}

/* Does the flag hold for all (or for any) of the lineage that it depends on? */
static bool
lineage_holds(const LedgerGraph *graph, int repeatable, const bool *flags, bool all)
{
	const LedgerNode *node = repeatable_node(graph, repeatable);

	for (int i = 0; i < node->depends_on.count; i++)
		if (flags[ledger_graph_find(graph, node->depends_on.items[i])] != all)
			return !all;
	return all;
}

/* The same for the repeatable revisions that it depends on. */
static bool
beside_holds(const LedgerGraph *graph, int repeatable, const bool *flags, bool all)
{
	const LedgerGraph *repeatables = graph->repeatables;

	for (int e = repeatables->up_start[repeatable]; e < repeatables->up_start[repeatable + 1]; e++)
		if (flags[repeatables->up[e]] != all)
			return !all;
	return all;
}

/* Which nodes of the lineage are in force when the planned ones are, too. */
static bool *
in_force_after(const LedgerGraph *graph, LedgerSet plan)
{
	bool	   *after = ledger_marks(graph, plan);

	for (int i = 0; i < graph->count; i++)
		after[i] = after[i] || graph->nodes[i].applied;
	return after;
}

static bool
all_heads(const LedgerGraph *graph, const bool *after)
{
	LedgerSet	heads = ledger_graph_heads(graph);

	for (int i = 0; i < heads.count; i++)
		if (!after[heads.nodes[i]])
			return false;
	return true;
}

static LedgerSet
with_room(const LedgerGraph *graph, LedgerSet plan)
{
	LedgerSet	set = {plan.count, palloc(sizeof(int) * (plan.count +
														 graph->repeatables->count + 1))};

	if (plan.count > 0)
		memcpy(set.nodes, plan.nodes, sizeof(int) * plan.count);
	return set;
}

/* The plan of an upgrade, and what is due at its end; of only[i], if that is given. */
LedgerSet
ledger_repeat_due(const LedgerGraph *graph, LedgerSet plan, const bool *only)
{
	const LedgerGraph *repeatables = graph->repeatables;
	LedgerSet	set;
	bool	   *after;
	bool	   *beside;
	bool		complete;

	if (repeatables == NULL || repeatables->count == 0)
		return plan;
	set = with_room(graph, plan);
	after = in_force_after(graph, plan);
	beside = palloc0(repeatables->count);
	complete = all_heads(graph, after);
	for (int k = 0; k < repeatables->count; k++)
	{
		int			i = repeatables->order[k];
		const LedgerNode *node = repeatable_node(graph, i);
		bool		depends = node->depends_on.count || repeatables->nodes[i].depends_on.count;

		beside[i] = node->applied;
		if ((node->applied && !node->changed) || (only && !only[i]))
			continue;
		if (depends ? lineage_holds(graph, i, after, true) && beside_holds(graph, i, beside, true) :
			complete || only)
		{
			set.nodes[set.count++] = graph->count + i;
			beside[i] = true;
		}
	}
	return set;
}

/*
 * The plan of a downgrade, after the applied ones that it takes the ground
 * from, and those of goes[i], if that is given.
 */
LedgerSet
ledger_repeat_undone(const LedgerGraph *graph, LedgerSet plan, const bool *goes)
{
	const LedgerGraph *repeatables = graph->repeatables;
	LedgerSet	set = {0, NULL};
	LedgerSet	none = {0, NULL};
	bool	   *undone;
	bool	   *gone;

	if (repeatables == NULL || repeatables->count == 0)
		return plan;
	undone = ledger_marks(graph, plan);
	gone = palloc0(repeatables->count);
	for (int k = 0; k < repeatables->count; k++)
	{
		int			i = repeatables->order[k];

		gone[i] = (goes && goes[i]) || lineage_holds(graph, i, undone, false) ||
			beside_holds(graph, i, gone, false);
	}
	set = with_room(graph, none);
	for (int k = repeatables->count - 1; k >= 0; k--)
		if (gone[repeatables->order[k]] && repeatable_node(graph, repeatables->order[k])->applied)
			set.nodes[set.count++] = graph->count + repeatables->order[k];
	set.nodes = repalloc(set.nodes, sizeof(int) * (set.count + plan.count + 1));
	for (int i = 0; i < plan.count; i++)
		set.nodes[set.count++] = plan.nodes[i];
	return set;
}

/* Marks all that the marked repeatables need of their kind; flags for what of the lineage. */
bool *
ledger_repeat_needs(const LedgerGraph *graph, bool *only)
{
	const LedgerGraph *repeatables = graph->repeatables;
	bool	   *marks = palloc0(graph->count + 1);

	ledger_mark_needed(repeatables, only);
	for (int i = 0; i < repeatables->count; i++)
	{
		NameList	lineage = repeatable_node(graph, i)->depends_on;

		for (int k = 0; k < lineage.count && only[i]; k++)
			marks[ledger_graph_find(graph, lineage.items[k])] = true;
	}
	ledger_mark_needed(graph, marks);
	return marks;
}

/* A repeatable as the target: what it needs, and itself, as far as they are due. */
LedgerSet
ledger_repeat_upgrade(const LedgerGraph *graph, int repeatable)
{
	bool	   *only = palloc0(graph->repeatables->count + 1);
	LedgerSet	plan = {0, palloc(sizeof(int) * (graph->count + 1))};
	bool	   *marks;

	only[repeatable] = true;
	marks = ledger_repeat_needs(graph, only);
	for (int k = 0; k < graph->count; k++)
		if (marks[graph->order[k]] && !graph->nodes[graph->order[k]].applied)
			plan.nodes[plan.count++] = graph->order[k];
	return ledger_repeat_due(graph, plan, only);
}

/* A repeatable as the target of a downgrade stays; what depends on it goes. */
LedgerSet
ledger_repeat_downgrade(const LedgerGraph *graph, int repeatable)
{
	const LedgerGraph *repeatables = graph->repeatables;
	bool	   *marks = palloc0(repeatables->count + 1);
	LedgerSet	plan = {0, palloc(sizeof(int) * (repeatables->count + 1))};

	marks[repeatable] = true;
	ledger_mark_needing(repeatables, marks);
	for (int k = repeatables->count - 1; k >= 0; k--)
	{
		int			i = repeatables->order[k];

		if (marks[i] && i != repeatable && repeatable_node(graph, i)->applied)
			plan.nodes[plan.count++] = graph->count + i;
	}
	return plan;
}
