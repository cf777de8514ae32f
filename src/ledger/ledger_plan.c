/*
 * ledger_plan.c
 *		Which revisions a target applies, undoes or stamps, and in which order.
 *
 * Pure: reads the graph and what is applied, changes neither.  The meaning is
 * Alembic's.  A plan is valid in its order (what a revision needs is there
 * before it and goes after it) and minimal (nothing that the target does not
 * ask for).
 */
#include "ledger.h"

/* Marked nodes that are applied or not, in order of applying. */
static LedgerSet
collect(const LedgerGraph *graph, const bool *marks, bool applied)
{
	LedgerSet	set = {0, palloc(sizeof(int) * (graph->count + 1))};

	for (int k = 0; k < graph->count; k++)
	{
		int			node = graph->order[k];

		if (marks[node] && graph->nodes[node].applied == applied)
			set.nodes[set.count++] = node;
	}
	return set;
}

static void
reverse(LedgerSet set)
{
	for (int i = 0, j = set.count - 1; i < j; i++, j--)
	{
		int			swap = set.nodes[i];

		set.nodes[i] = set.nodes[j];
		set.nodes[j] = swap;
	}
}

pg_noreturn static void
ambiguous(const LedgerGraph *graph, const char *target, LedgerSet choices)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("target \"%s\" is ambiguous", ledger_clipped(target)),
			 errdetail("The way could go by %s.", ledger_list_ids(graph, choices)),
			 errhint("Name a revision instead of a number of steps.")));
}

pg_noreturn static void
too_few_steps(const char *target, int possible)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("cannot go as far as \"%s\"", ledger_clipped(target)),
			 errdetail_plural("There is only %d step to go.",
							  "There are only %d steps to go.", possible, possible)));
}

/* Children by lineage: of node i, down[start[i]] .. down[start[i + 1] - 1]. */
static void
make_children(const LedgerGraph *graph, int **start, int **down)
{
	int		   *first = palloc0(sizeof(int) * (graph->count + 2));
	int		   *list = palloc(sizeof(int) * (graph->up_start[graph->count] + 1));

	/* Count into the slot after next, sum up, and filling shifts by one. */
	for (int pass = 0; pass < 2; pass++)
	{
		for (int i = 0; i < graph->count; i++)
			for (int k = 0; k < graph->nodes[i].parents.count; k++)
			{
				int			parent = graph->up[graph->up_start[i] + k];

				if (pass == 0)
					first[parent + 2]++;
				else
					list[first[parent + 1]++] = i;
			}
		if (pass == 0)
			for (int i = 2; i <= graph->count + 1; i++)
				first[i] += first[i - 1];
	}
	*start = first;
	*down = list;
}

static LedgerSet
bases(const LedgerGraph *graph)
{
	LedgerSet	set = {0, palloc(sizeof(int) * (graph->count + 1))};

	for (int k = 0; k < graph->count; k++)
		if (graph->nodes[graph->order[k]].parents.count == 0)
			set.nodes[set.count++] = graph->order[k];
	return set;
}

/* The revision N steps up the lineage from the current head. */
static int
walk_up(const LedgerGraph *graph, const LedgerTarget *target)
{
	LedgerSet	choices = ledger_current_heads(graph);
	int		   *start;
	int		   *down;
	int			here;

	if (choices.count > 1)
		ambiguous(graph, target->text, choices);
	make_children(graph, &start, &down);
	here = choices.count ? choices.nodes[0] : -1;
	for (int step = 0; step < target->steps; step++)
	{
		if (here < 0)
			choices = bases(graph);
		else
		{
			choices.nodes = down + start[here];
			choices.count = start[here + 1] - start[here];
		}
		if (choices.count == 0)
			too_few_steps(target->text, step);
		if (choices.count > 1)
			ambiguous(graph, target->text, choices);
		here = choices.nodes[0];
	}
	return here;
}

/* The last N applied revisions, where at each step only one can be the last. */
static bool *
walk_down(const LedgerGraph *graph, const LedgerTarget *target)
{
	LedgerSet	heads = ledger_current_heads(graph);
	bool	   *marks = palloc0(graph->count + 1);
	int		   *needing = palloc0(sizeof(int) * (graph->count + 1));

	for (int i = 0; i < graph->count; i++)
		if (graph->nodes[i].applied)
			for (int e = graph->up_start[i]; e < graph->up_start[i + 1]; e++)
				needing[graph->up[e]]++;
	for (int step = 0; step < -target->steps; step++)
	{
		int			head;

		if (heads.count == 0)
			too_few_steps(target->text, step);
		if (heads.count > 1)
			ambiguous(graph, target->text, heads);
		head = heads.nodes[0];
		marks[head] = true;
		heads.count = 0;
		for (int e = graph->up_start[head]; e < graph->up_start[head + 1]; e++)
			if (--needing[graph->up[e]] == 0 && graph->nodes[graph->up[e]].applied)
				heads.nodes[heads.count++] = graph->up[e];
	}
	return marks;
}

static LedgerSet
plan_upgrade(const LedgerGraph *graph, LedgerTarget *target)
{
	bool	   *marks;

	if (target->steps < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot upgrade to \"%s\"", ledger_clipped(target->text)),
				 errhint("A number of steps down is a target of purser.downgrade().")));
	if (target->steps > 0)
	{
		target->revisions.nodes = palloc(sizeof(int));
		target->revisions.nodes[0] = walk_up(graph, target);
		target->revisions.count = 1;
	}
	marks = ledger_marks(graph, target->revisions);
	ledger_mark_needed(graph, marks);
	return collect(graph, marks, false);
}

/* Children of the targets, by lineage: the first that have to go. */
static bool *
children_of(const LedgerGraph *graph, LedgerSet targets)
{
	bool	   *is_target = ledger_marks(graph, targets);
	bool	   *marks = palloc0(graph->count + 1);

	for (int i = 0; i < graph->count; i++)
		for (int k = 0; k < graph->nodes[i].parents.count; k++)
			if (is_target[graph->up[graph->up_start[i] + k]])
				marks[i] = true;
	return marks;
}

/* Marks what is above the targets; everything, when the target is the base. */
static bool *
mark_above(const LedgerGraph *graph, LedgerSet targets)
{
	bool	   *marks = children_of(graph, targets);

	if (targets.count == 0)
		memset(marks, true, graph->count);
	ledger_mark_needing(graph, marks);
	return marks;
}

static void
check_reversible(const LedgerGraph *graph, LedgerSet plan)
{
	LedgerSet	stuck = {0, palloc(sizeof(int) * (plan.count + 1))};

	for (int i = 0; i < plan.count; i++)
		if (graph->nodes[plan.nodes[i]].irreversible)
			stuck.nodes[stuck.count++] = plan.nodes[i];
	if (stuck.count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot undo revision \"%s\"", graph->nodes[stuck.nodes[0]].id),
				 errdetail("Without a downgrade script: %s.", ledger_list_ids(graph, stuck)),
				 errhint("Choose a target above it, or use purser.stamp() once its changes "
						 "are undone by hand.")));
}

static LedgerSet
plan_downgrade(const LedgerGraph *graph, LedgerTarget *target)
{
	LedgerSet	plan;
	bool	   *marks;

	if (target->steps > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot downgrade to \"%s\"", ledger_clipped(target->text)),
				 errhint("A number of steps up is a target of purser.upgrade().")));
	for (int i = 0; i < target->revisions.count; i++)
		if (!graph->nodes[target->revisions.nodes[i]].applied)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("cannot downgrade to revision \"%s\", which is not applied",
							graph->nodes[target->revisions.nodes[i]].id)));
	marks = target->steps < 0 ? walk_down(graph, target) : mark_above(graph, target->revisions);
	plan = collect(graph, marks, true);
	reverse(plan);
	check_reversible(graph, plan);
	return plan;
}

/* The revisions to go through, in order; an error when there is no such way. */
LedgerSet
ledger_plan(const LedgerGraph *graph, LedgerDirection direction, const char *text)
{
	bool		up = direction == LEDGER_UPGRADE;
	LedgerTarget target = ledger_resolve_target(graph, text, up ?
												"A target is a revision id or its beginning, "
												"\"head\", \"heads\", \"base\" or \"+N\"." :
												"A target is a revision id or its beginning, "
												"\"head\", \"heads\", \"base\" or \"-N\".");

	return up ? plan_upgrade(graph, &target) :
		plan_downgrade(graph, &target);
}

static LedgerSet
resolve_without_steps(const LedgerGraph *graph, const char *text)
{
	static const char hint[] =
		"Name a revision by its id or its beginning, \"head\", \"heads\" or \"base\".";
	LedgerTarget target = ledger_resolve_target(graph, text, hint);

	if (target.steps != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("target \"%s\" cannot be used here", ledger_clipped(text)),
				 errhint("%s", hint)));
	return target.revisions;
}

/*
 * After the stamp, the target and all it needs is in force, and nothing above
 * it; what lies on other branches stays as it is, unless purged.
 */
LedgerStampPlan
ledger_plan_stamp(const LedgerGraph *graph, const char *text, bool purge)
{
	LedgerSet	targets = resolve_without_steps(graph, text);
	bool	   *wanted = ledger_marks(graph, targets);
	bool	   *unwanted = mark_above(graph, targets);
	LedgerStampPlan plan;

	ledger_mark_needed(graph, wanted);
	for (int i = 0; i < graph->count; i++)
		unwanted[i] = (unwanted[i] || purge) && !wanted[i];
	plan.add = collect(graph, wanted, false);
	plan.remove = collect(graph, unwanted, true);
	plan.idle = collect(graph, unwanted, false);
	reverse(plan.remove);
	return plan;
}

/*
 * "from:to": what leads from one to the other, both included; either may be
 * left out.  Newest first.  NULL is everything.
 */
LedgerSet
ledger_plan_range(const LedgerGraph *graph, const char *range)
{
	const char *colon = range ? strchr(range, ':') : NULL;
	bool	   *above;
	bool	   *below;
	LedgerSet	set = {0, palloc(sizeof(int) * (graph->count + 1))};
	LedgerSet	from = {0, NULL};
	LedgerSet	to;

	if (range && (colon == NULL || strchr(colon + 1, ':')))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid range \"%s\"", ledger_clipped(range)),
				 errhint("A range is two targets with a colon between them, such as "
						 "\"base:head\"; either may be left out.")));
	if (range && colon > range)
		from = resolve_without_steps(graph, pnstrdup(range, colon - range));
	to = resolve_without_steps(graph, range && colon[1] ? colon + 1 : "heads");

	above = ledger_marks(graph, from);
	if (from.count == 0)
		memset(above, true, graph->count);
	ledger_mark_needing(graph, above);
	below = ledger_marks(graph, to);
	ledger_mark_needed(graph, below);
	for (int k = graph->count - 1; k >= 0; k--)
		if (above[graph->order[k]] && below[graph->order[k]])
			set.nodes[set.count++] = graph->order[k];
	return set;
}
