/*
 * ledger_remove.c
 *		SQL function that takes a revision out of the ledger.
 *
 * One that is neither applied nor needed by another may go; what is applied,
 * only where nothing is lost that a downgrade would want: a revision that a
 * squash in use stands for, a squash whose originals are all there, and a
 * repeatable one.
 */
#include "ledger.h"

#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(purser_remove_revision_0_1);

/* All revisions but one. */
static LedgerGraph *
without(const LedgerGraph *whole, int left_out)
{
	LedgerGraph *rest = ledger_graph_create(whole->count);

	for (int i = 0; i < whole->count; i++)
		if (i != left_out)
			ledger_graph_put(rest, &whole->nodes[i]);
	return rest;
}

static bool
are_known(const LedgerFamily *family, NameList names)
{
	for (int i = 0; i < names.count; i++)
		if (ledger_family_find(family, names.items[i]) < 0)
			return false;
	return true;
}

/* The revisions that name something that is unknown once this node is gone. */
static LedgerSet
needed_by(const LedgerGraph *whole, int node)
{
	LedgerFamily *rest = ledger_family_make(without(whole, node));
	LedgerSet	set = {0, palloc(sizeof(int) * (whole->count + 1))};

	for (int i = 0; i < whole->count; i++)
		if (i != node && !(are_known(rest, whole->nodes[i].parents) &&
						   are_known(rest, whole->nodes[i].depends_on)))
			set.nodes[set.count++] = i;
	return set;
}

/* The squash around the revision that is neither in force nor without anything of it, or NULL. */
static const char *
squash_under_way(const LedgerGraph *graph, int node)
{
	const LedgerReplacement *replacement = graph->replacement;
	int			around = replacement ? replacement->family->container[node] : -1;

	if (around < 0 || replacement->stands[around] >= 0)
		return NULL;
	return graph->whole->nodes[around].id;
}

/* May the revision go although it is applied? */
static bool
is_spare(const LedgerGraph *graph, int node)
{
	const LedgerReplacement *replacement = graph->replacement;

	if (replacement == NULL)
		return false;
	return graph->whole->nodes[node].repeatable || ledger_replaced_by(graph, node) ||
		(ledger_family_is_squash(replacement->family, node) && replacement->complete[node]);
}

/* Without a squash inside of another one, its originals would be in neither. */
static bool
holds_originals(const LedgerGraph *graph, int node)
{
	const LedgerFamily *family = graph->replacement ? graph->replacement->family : NULL;
	bool		any = false;

	if (family == NULL || family->container[node] < 0)
		return false;
	for (int k = family->kid_start[node]; k < family->kid_start[node + 1]; k++)
		any = any || family->kids[k] < family->whole->count;
	return any;
}

static void
check_removable(const LedgerGraph *graph, int node)
{
	const char *id = graph->whole->nodes[node].id;
	const char *squash = squash_under_way(graph, node);
	LedgerSet	needing = needed_by(graph->whole, node);

	if (graph->whole->nodes[node].applied && !is_spare(graph, node))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" is applied and cannot be removed", id),
				 errhint("Undo it with purser.downgrade() first.")));
	if (squash)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot remove revision \"%s\", which revision \"%s\" replaces",
						id, squash),
				 errdetail("Some of what it replaces is applied, and this is needed for the rest."),
				 errhint("Upgrade first.")));
	if (holds_originals(graph, node))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot remove revision \"%s\", which others are replaced by", id),
				 errdetail("It is itself replaced by revision \"%s\", which so replaces them.",
						   graph->whole->nodes[graph->replacement->family->container[node]].id),
				 errhint("Remove what it replaces first.")));
	if (needing.count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot remove revision \"%s\", which other revisions need", id),
				 errdetail("It is a parent or a dependency of %s.",
						   ledger_list_ids(graph->whole, needing)),
				 errhint("Remove those first, or load them anew without it.")));
}

Datum
purser_remove_revision_0_1(PG_FUNCTION_ARGS)
{
	char	   *target = shared_arg_text(fcinfo, 0, "revision");
	LedgerGraph *graph;
	int			node;
	const char *id;

	ledger_begin_write("purser.remove_revision()");
	graph = ledger_store_graph();
	node = ledger_resolve_any(graph, target);
	check_removable(graph, node);
	/* What says that it is in force must be on record by itself. */
	if (ledger_replaced_by(graph, node))
		ledger_step_settle(ledger_journal_open(), graph);
	id = graph->whole->nodes[node].id;
	ledger_check_whole(without(graph->whole, node));
	ledger_store_unset_applied(id);
	ledger_store_remove(id);
	PG_RETURN_TEXT_P(cstring_to_text(id));
}
