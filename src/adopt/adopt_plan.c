/*
 * adopt_plan.c
 *		What the ledger lacks to say what the tool's history says.
 *
 * Pure: reads the graph, the entries and which revisions stand for earlier
 * ones, and adds nodes to the graph in memory.  A revision of an entry's id is
 * taken for it; for an entry without one a placeholder is made.  Placeholders
 * follow on the last entry of their lineage that the ledger knew, so that the
 * order of what was adopted before never changes.
 */
#include "adopt.h"

#include "lib/stringinfo.h"

typedef struct Planner
{
	const AdoptHistory *history;
	LedgerGraph *graph;
	AdoptEntries entries;
	NameList	adopted;		/* ids of applied placeholders of this table */
	int			known;			/* nodes before this number were there */
	int		   *node_of;		/* by entry; -1: there is none yet */
	bool	   *gone;			/* by node: was adopted, and is not in force any more */
	LedgerRevision **add;		/* by node */
} Planner;

/* Leave out what is skipped and what is there twice; two names for one id are an error. */
static AdoptEntries
distinct(AdoptEntries all)
{
	AdoptEntries entries = {0, palloc_extended(sizeof(AdoptEntry) * (all.count + 1),
											   MCXT_ALLOC_HUGE)};
	LedgerGraph *seen = ledger_graph_create(all.count);

	for (int i = 0; i < all.count; i++)
	{
		LedgerNode	node = {.id = all.items[i].id};
		int			other = all.items[i].skipped ? -1 : ledger_graph_find(seen, node.id);

		if (other >= 0 && strcmp(entries.items[other].name, all.items[i].name) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("two entries of the history would become revision \"%s\"", node.id),
					 errdetail("They are \"%s\" and \"%s\".", entries.items[other].name,
							   all.items[i].name)));
		if (other >= 0 || all.items[i].skipped)
			continue;
		ledger_graph_put(seen, &node);
		entries.items[entries.count++] = all.items[i];
	}
	return entries;
}

static LedgerSet
marked(const LedgerGraph *graph, const bool *marks)
{
	LedgerSet	set = {0, palloc(sizeof(int) * (graph->count + 1))};

	for (int k = 0; k < graph->count; k++)
		if (marks[graph->order[k]])
			set.nodes[set.count++] = graph->order[k];
	return set;
}

/* What the entries say is in force; with all that they need, if all of them imply it. */
static bool *
mark_in_force(const Planner *planner, bool all_imply)
{
	bool	   *in_force = palloc0(planner->graph->count + 1);
	bool	   *implying = palloc0(planner->graph->count + 1);

	for (int i = 0; i < planner->entries.count; i++)
	{
		int			node = planner->node_of[i];

		if (node < 0)
			continue;
		in_force[node] = true;
		implying[node] = all_imply || planner->entries.items[i].implies;
	}
	ledger_mark_needed(planner->graph, implying);
	for (int i = 0; i < planner->graph->count; i++)
		in_force[i] = in_force[i] || implying[i];
	return in_force;
}

static void
find_gone(Planner *planner)
{
	bool	   *in_force = mark_in_force(planner, planner->history->tool->forgets);

	planner->gone = palloc0(planner->graph->count + planner->entries.count + 1);
	for (int i = 0; i < planner->adopted.count; i++)
	{
		int			node = ledger_graph_find(planner->graph, planner->adopted.items[i]);

		/* A view in the table's place may have run code that changed the ledger. */
		if (node >= 0 && planner->graph->nodes[node].applied)
			planner->gone[node] = !in_force[node];
	}
}

/* The gone nodes that no other gone one needs. */
static LedgerSet
gone_heads(const Planner *planner)
{
	const LedgerGraph *graph = planner->graph;
	bool	   *heads = palloc(graph->count + 1);

	memcpy(heads, planner->gone, graph->count);
	for (int i = 0; i < graph->count; i++)
		for (int e = graph->up_start[i]; planner->gone[i] && e < graph->up_start[i + 1]; e++)
			heads[graph->up[e]] = false;
	return marked(graph, heads);
}

/* The entries without a node. */
static NameList
fresh_entries(const Planner *planner)
{
	NameList	fresh = {0, palloc(sizeof(char *) * (planner->entries.count + 1))};

	for (int i = 0; i < planner->entries.count; i++)
		if (planner->node_of[i] < 0)
			fresh.items[fresh.count++] = planner->entries.items[i].id;
	return fresh;
}

/*
 * Where only heads are kept, a head that took the place of another was built on
 * it.  Returns that parent's id, or NULL; then it and all it needs stays.
 */
static char *
replaced_head(Planner *planner)
{
	LedgerSet	gone = gone_heads(planner);
	NameList	fresh = fresh_entries(planner);

	if (!planner->history->tool->heads_move || gone.count == 0 || fresh.count == 0)
		return NULL;
	if (gone.count > 1 || fresh.count > 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot tell how the heads of %s moved", planner->history->tool->title),
				 errdetail_plural("Since it was adopted, table %s lost %s and got %d new head, "
								  "\"%s\".",
								  "Since it was adopted, table %s lost %s and got %d new heads, "
								  "the first is \"%s\".", fresh.count, planner->history->name,
								  ledger_list_ids(planner->graph, gone), fresh.count,
								  fresh.items[0]),
				 errhint("Add the new revisions with their parents to the ledger first.")));
	memset(planner->gone, false, planner->graph->count);
	return pstrdup(planner->graph->nodes[gone.nodes[0]].id);
}

static void
append_name(NameList *names, char *name)
{
	names->items = names->count ? repalloc(names->items, sizeof(char *) * (names->count + 1)) :
		palloc(sizeof(char *));
	names->items[names->count++] = name;
}

/* May the lineage's name be a label: valid, and not taken? */
static bool
label_is_free(const LedgerGraph *graph, const char *label)
{
	if (ledger_name_fault(label) || ledger_graph_find(graph, label) >= 0)
		return false;
	for (int i = 0; i < graph->count; i++)
		for (int k = 0; k < graph->nodes[i].labels.count; k++)
			if (strcmp(graph->nodes[i].labels.items[k], label) == 0)
				return false;
	return true;
}

/* The placeholder's dependencies: what the entry needs, but for its parent. */
static NameList
dependencies(const AdoptEntry *entry, const char *parent)
{
	NameList	depends_on = {0, NULL};

	for (int i = 0; i < entry->needs.count; i++)
	{
		char	   *id = adopt_id(entry->needs.items[i]);

		if (strcmp(id, entry->id) != 0 && (parent == NULL || strcmp(id, parent) != 0))
			append_name(&depends_on, id);
	}
	return depends_on;
}

/* A placeholder for entry i, after the parent, or as a base when that is NULL. */
static void
add_placeholder(Planner *planner, int i, char *parent)
{
	const AdoptEntry *entry = &planner->entries.items[i];
	LedgerRevision *revision = adopt_placeholder(planner->history, entry);
	LedgerNode	node = {.id = revision->id, .irreversible = true};

	if (parent)
		append_name(&revision->parents, parent);
	else if (entry->lineage && label_is_free(planner->graph, entry->lineage))
		append_name(&revision->labels, entry->lineage);
	revision->depends_on = dependencies(entry, parent);
	node.parents = revision->parents;
	node.depends_on = revision->depends_on;
	node.labels = revision->labels;
	planner->node_of[i] = planner->graph->count;
	ledger_graph_put(planner->graph, &node);
	planner->add[planner->node_of[i]] = revision;
}

/* Entries first .. end of one lineage: the new ones after the last that was known. */
static void
add_lineage(Planner *planner, int first, int end)
{
	char	   *last = NULL;

	for (int i = first; i < end; i++)
		if (planner->node_of[i] >= 0)
			last = planner->entries.items[i].id;
	for (int i = first; i < end; i++)
		if (planner->node_of[i] < 0)
		{
			add_placeholder(planner, i, last);
			last = planner->entries.items[i].id;
		}
}

static void
add_placeholders(Planner *planner, char *replaced)
{
	AdoptEntries entries = planner->entries;
	int			first = 0;

	for (int i = 0; i < entries.count; i++)
	{
		const char *lineage = entries.items[i].lineage;

		if (lineage == NULL && planner->node_of[i] < 0)
			add_placeholder(planner, i, replaced);
		if (i + 1 < entries.count && lineage && entries.items[i + 1].lineage &&
			strcmp(lineage, entries.items[i + 1].lineage) == 0)
			continue;
		if (lineage)
			add_lineage(planner, first, i + 1);
		first = i + 1;
	}
	ledger_graph_finish(planner->graph);
}

/* What is to be in force; an error if that needs something of which the tool knows nothing. */
static bool *
mark_wanted(const Planner *planner)
{
	const LedgerGraph *graph = planner->graph;
	bool	   *wanted = mark_in_force(planner, false);
	bool	   *missing = palloc(graph->count + 1);
	LedgerSet	set;

	memcpy(missing, wanted, graph->count);
	ledger_mark_needed(graph, missing);
	for (int i = 0; i < graph->count; i++)
		missing[i] = missing[i] && !wanted[i] && (!graph->nodes[i].applied || planner->gone[i]);
	set = marked(graph, missing);
	if (set.count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the ledger needs revisions that the history of %s does not have",
						planner->history->tool->title),
				 errdetail("Table %s has no entry for %s.", planner->history->name,
						   ledger_list_ids(graph, set)),
				 errhint("Let %s apply them, or load the revisions with the parents that they "
						 "have there.", planner->history->tool->title)));
	return wanted;
}

/* Placeholders that are gone leave the ledger, so nothing may need them. */
static LedgerSet
to_remove(const Planner *planner)
{
	const LedgerGraph *graph = planner->graph;
	bool	   *needing = palloc(graph->count + 1);
	LedgerSet	gone = marked(graph, planner->gone);
	LedgerSet	left;

	memcpy(needing, planner->gone, graph->count);
	ledger_mark_needing(graph, needing);
	for (int i = 0; i < graph->count; i++)
		needing[i] = needing[i] && !planner->gone[i];
	left = marked(graph, needing);
	if (left.count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s has undone revisions that others in the ledger need",
						planner->history->tool->title),
				 errdetail("Undone are %s; needing them: %s.", ledger_list_ids(graph, gone),
						   ledger_list_ids(graph, left)),
				 errhint("Undo and remove those in the ledger first.")));
	for (int i = 0, j = gone.count - 1; i < j; i++, j--)
	{
		int			swap = gone.nodes[i];

		gone.nodes[i] = gone.nodes[j];
		gone.nodes[j] = swap;
	}
	return gone;
}

/*
 * Revisions that are built on nothing that is in force, beside placeholders that
 * are made now: they may be the very ones that the placeholders stand for.
 */
static LedgerSet
strangers(const Planner *planner, const bool *wanted)
{
	const LedgerGraph *graph = planner->graph;
	bool	   *strange = palloc(graph->count + 1);
	LedgerSet	none = {0, NULL};

	for (int i = 0; i < graph->count; i++)
		strange[i] = wanted[i] || (graph->nodes[i].applied && !planner->gone[i]);
	ledger_mark_needing(graph, strange);
	for (int i = 0; i < graph->count; i++)
		strange[i] = !strange[i] && !planner->gone[i] && !graph->nodes[i].repeatable;
	return planner->known < graph->count ? marked(graph, strange) : none;
}

static const AdoptEntry **
entries_by_node(const Planner *planner)
{
	const AdoptEntry **entry_of = palloc0(sizeof(AdoptEntry *) * (planner->graph->count + 1));

	for (int i = 0; i < planner->entries.count; i++)
		entry_of[planner->node_of[i]] = &planner->entries.items[i];
	return entry_of;
}

/* adopted: ids of the applied placeholders that were made of this table before. */
AdoptPlan *
adopt_plan(const AdoptHistory *history, LedgerGraph *graph, AdoptEntries entries,
		   NameList adopted)
{
	Planner		planner = {.history = history, .graph = graph, .entries = distinct(entries),
	.adopted = adopted, .known = graph->count};
	AdoptPlan  *plan = palloc0(sizeof(AdoptPlan));
	bool	   *wanted;

	entries = planner.entries;
	planner.node_of = palloc(sizeof(int) * (entries.count + 1));
	planner.add = palloc0(sizeof(LedgerRevision *) * (graph->count + entries.count + 1));
	for (int i = 0; i < entries.count; i++)
		planner.node_of[i] = ledger_graph_find(graph, entries.items[i].id);
	find_gone(&planner);
	add_placeholders(&planner, replaced_head(&planner));
	wanted = mark_wanted(&planner);
	plan->remove = to_remove(&planner);
	plan->strange = strangers(&planner, wanted);
	for (int i = 0; i < graph->count; i++)
		wanted[i] = wanted[i] && !graph->nodes[i].applied;
	plan->stamp = marked(graph, wanted);
	plan->graph = graph;
	plan->add = planner.add;
	plan->entry_of = entries_by_node(&planner);
	return plan;
}
