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

#include "miscadmin.h"

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
		target->revisions = ledger_single(ledger_walk_up_from_here(graph, target));
	marks = ledger_marks(graph, target->revisions);
	ledger_mark_needed(graph, marks);
	return collect(graph, marks, false);
}

/* Marks the first that have to go: the children of the target, or the bases of its lineage. */
static void
mark_children(const LedgerGraph *graph, const LedgerTarget *target, bool *marks)
{
	const bool *lineage = target->lineage;
	bool	   *is_target = ledger_marks(graph, target->revisions);

	for (int i = 0; i < graph->count; i++)
	{
		int			parents = graph->nodes[i].parents.count;
		bool		goes = target->base && (lineage == NULL || parents == 0);

		for (int k = 0; k < parents && !goes; k++)
			goes = is_target[graph->up[graph->up_start[i] + k]];
		marks[i] = marks[i] || (goes && (lineage == NULL || lineage[i]));
	}
	pfree(is_target);
}

/* Marks, in addition, what is built on the target, by lineage, and all that needs any of it. */
void
ledger_mark_above(const LedgerGraph *graph, const LedgerTarget *target, bool *marks)
{
	mark_children(graph, target, marks);
	ledger_mark_needing(graph, marks);
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
	for (int i = 0; i < target->revisions.count && !target->is_state; i++)
		if (!graph->nodes[target->revisions.nodes[i]].applied)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("cannot downgrade to revision \"%s\", which is not applied",
							graph->nodes[target->revisions.nodes[i]].id)));
	if (target->is_state)
		marks = ledger_mark_since(graph, target->revisions, target->text);
	else
	{
		marks = palloc0(graph->count + 1);
		if (target->steps < 0)
			marks[ledger_walk_down_from_here(graph, target)] = true;
		ledger_mark_above(graph, target, marks);
	}
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
	LedgerTarget target;

	if (ledger_is_position(text))
		target = ledger_resolve_position(graph, text);
	else
		target = ledger_resolve_target(graph, text, up ?
									   "A target is an id or its beginning, a label, \"head\", "
									   "\"heads\", \"base\" or \"+N\", one of these after a "
									   "label and \"@\", \"tag:NAME\" or \"time:WHEN\"." :
									   "A target is an id or its beginning, a label, \"head\", "
									   "\"heads\", \"base\" or \"-N\", one of these after a "
									   "label and \"@\", \"tag:NAME\" or \"time:WHEN\".");

	return up ? plan_upgrade(graph, &target) :
		plan_downgrade(graph, &target);
}

/* A target that does not depend on where we are. */
LedgerTarget
ledger_resolve_place(const LedgerGraph *graph, const char *text)
{
	static const char hint[] = "Name a revision by its id or its beginning, a label, \"head\", "
		"\"heads\" or \"base\", or one of these after a label and \"@\".";
	LedgerTarget target;

	if (ledger_is_position(text))
	{
		target = ledger_resolve_position(graph, text);
		target.is_state = false;
		target.revisions = ledger_state_heads(graph, target.revisions);
		target.base = target.revisions.count == 0;
		return target;
	}
	target = ledger_resolve_target(graph, text, hint);
	if (target.steps != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("target \"%s\" cannot be used here", ledger_clipped(text)),
				 errhint("%s", hint)));
	return target;
}

/* Marks the targets, and the first that have to go; neither with what these take along. */
static void
mark_stamped(const LedgerGraph *graph, NameList targets, bool *wanted, bool *unwanted)
{
	LedgerTarget plain = {.revisions = {0, palloc(sizeof(int) * (graph->count + 1))}};
	bool	   *is_plain = palloc0(graph->count + 1);

	for (int i = 0; i < targets.count; i++)
	{
		LedgerTarget target = ledger_resolve_place(graph, targets.items[i]);

		CHECK_FOR_INTERRUPTS();
		for (int k = 0; k < target.revisions.count; k++)
		{
			int			node = target.revisions.nodes[k];

			wanted[node] = true;
			if (target.lineage == NULL && !is_plain[node])
				plain.revisions.nodes[plain.revisions.count++] = node;
			is_plain[node] = is_plain[node] || target.lineage == NULL;
		}
		if (target.base || target.lineage)
			mark_children(graph, &target, unwanted);
	}
	mark_children(graph, &plain, unwanted);
}

/*
 * After the stamp, the targets and all they need are in force, and nothing
 * above them; what lies on other branches stays as it is, unless purged.
 * also[i], if given: node i is to be in force, too, whatever is above it.
 */
LedgerStampPlan
ledger_plan_stamp(const LedgerGraph *graph, NameList targets, const bool *also, bool purge)
{
	bool	   *wanted = palloc0(graph->count + 1);
	bool	   *unwanted = palloc0(graph->count + 1);
	LedgerStampPlan plan;

	mark_stamped(graph, targets, wanted, unwanted);
	for (int i = 0; i < graph->count && also; i++)
		wanted[i] = wanted[i] || also[i];
	ledger_mark_needed(graph, wanted);
	ledger_mark_needing(graph, unwanted);
	for (int i = 0; i < graph->count; i++)
		unwanted[i] = (unwanted[i] || purge) && !wanted[i];
	plan.decided = palloc(graph->count + 1);
	for (int i = 0; i < graph->count; i++)
		plan.decided[i] = wanted[i] || unwanted[i];
	plan.add = collect(graph, wanted, false);
	plan.remove = collect(graph, unwanted, true);
	reverse(plan.remove);
	return plan;
}
