/*
 * ledger_faults.c
 *		What is wrong with the revisions, their graph and what is applied.
 *
 * Pure.  Where ledger_graph.c raises an error for the first thing that is
 * wrong, this names them all, and makes no assumption about the rest.
 */
#include "ledger.h"

/* The graph and the edges that do lead somewhere. */
typedef struct Edges
{
	const LedgerGraph *graph;
	const LedgerCover *cover;
	int		   *start;			/* node i needs up[start[i]] .. up[start[i + 1] - 1] */
	int		   *up;
} Edges;

static void
put(const LedgerReport *report, LedgerFault fault)
{
	report->put(report->arg, &fault);
}

/*
 * Must all that the revision needs be in force?  Not for a repeatable one, which
 * may wait for more than there was when it ran last; nor for a squash whose
 * originals are all applied, as these had what they need.
 */
static bool
stands_by_itself(const Edges *edges, const LedgerNode *node)
{
	bool		has_originals = node->replaces.count > 0;

	for (int i = 0; i < node->replaces.count && has_originals; i++)
	{
		int			original = ledger_graph_find(edges->graph, node->replaces.items[i]);

		has_originals = original >= 0 && edges->graph->nodes[original].applied;
	}
	return node->applied && !node->repeatable && !has_originals;
}

/* Reports an edge that leads nowhere, or from what is applied to what is not. */
static void
check_edge(const Edges *edges, const LedgerNode *node, const char *id, const LedgerReport *report)
{
	int			needed = ledger_cover_find(edges->cover, id);

	if (needed < 0)
		put(report, (LedgerFault) {"error", "missing_revision", node->id,
			psprintf("It needs revision \"%s\", which does not exist.", ledger_clipped(id)),
			"Load that revision, or load this one anew without it."});
	else if (stands_by_itself(edges, node) && !edges->cover->in_force[needed])
		put(report, (LedgerFault) {"error", "needed_not_applied", node->id,
			psprintf("It is applied, but revision \"%s\", which it needs, is not.", id),
			"Use purser.stamp() to state what is in force, or purser.upgrade() to apply it."});
}

static void
make_edges(Edges *edges, const LedgerReport *report)
{
	const LedgerGraph *graph = edges->graph;
	size_t		count = 0;
	int			next = 0;

	for (int i = 0; i < graph->count; i++)
		count += graph->nodes[i].parents.count + graph->nodes[i].depends_on.count;
	edges->start = palloc_extended(sizeof(int) * (graph->count + 1), MCXT_ALLOC_HUGE);
	edges->up = palloc_extended(sizeof(int) * (count + 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < graph->count; i++)
	{
		const LedgerNode *node = &graph->nodes[i];
		const NameList *lists[] = {&node->parents, &node->depends_on};

		edges->start[i] = next;
		for (size_t list = 0; list < lengthof(lists); list++)
			for (int k = 0; k < lists[list]->count; k++)
			{
				const char *id = lists[list]->items[k];
				int			needed = ledger_cover_find(edges->cover, id);

				check_edge(edges, node, id, report);
				if (needed >= 0)
					edges->up[next++] = ledger_cover_node(edges->cover, needed);
			}
	}
	edges->start[graph->count] = next;
}

/* stack .. stack + depth leads from one revision to what it needs, and round to this one. */
static void
report_cycle(const LedgerGraph *graph, const int *stack, int depth, int repeated,
			 const LedgerReport *report)
{
	LedgerSet	cycle;
	int			start = depth - 1;

	while (stack[start] != repeated)
		start--;
	cycle.count = depth - start;
	cycle.nodes = unconstify(int *, stack) + start;
	put(report, (LedgerFault) {"error", "cycle", graph->nodes[repeated].id,
		psprintf("Each of these needs the next, and the last needs the first: %s.",
				 ledger_list_ids(graph, cycle)),
		"Load one of them anew with other parents or dependencies."});
}

/* Depth-first without recursion, as ledger_graph.c; each edge that closes a cycle is one. */
static void
find_cycles(const Edges *edges, const LedgerReport *report)
{
	enum
	{
		NEW, ON_STACK, DONE
	};
	int			count = edges->graph->count;
	uint8	   *state = palloc0(count + 1);
	int		   *next = palloc_extended(sizeof(int) * (count + 1), MCXT_ALLOC_HUGE);
	int		   *stack = palloc_extended(sizeof(int) * (count + 1), MCXT_ALLOC_HUGE);

	memcpy(next, edges->start, sizeof(int) * count);
	for (int root = 0; root < count; root++)
	{
		int			depth = 0;

		if (state[root] == NEW)
			stack[depth++] = root;
		while (depth > 0)
		{
			int			node = stack[depth - 1];
			int			needed;

			state[node] = ON_STACK;
			if (next[node] == edges->start[node + 1])
			{
				state[node] = DONE;
				depth--;
				continue;
			}
			needed = edges->up[next[node]++];
			if (state[needed] == ON_STACK)
				report_cycle(edges->graph, stack, depth, needed, report);
			else if (state[needed] == NEW)
				stack[depth++] = needed;
		}
	}
}

/* May the revisions of these ids share a label? */
static bool
are_squashed_together(const LedgerCover *cover, const char *a, const char *b)
{
	int			first = ledger_cover_find(cover, a);
	int			second = ledger_cover_find(cover, b);

	return ledger_cover_replaces(cover, first, second) ||
		ledger_cover_replaces(cover, second, first);
}

/* Ids and labels are one space of names; a squash may have the labels of what it replaces. */
static void
find_taken_labels(const LedgerCover *cover, const LedgerReport *report)
{
	const LedgerGraph *graph = cover->graph;
	LedgerGraph *labels = ledger_graph_create(0);

	for (int i = 0; i < graph->count; i++)
		for (int k = 0; k < graph->nodes[i].labels.count; k++)
		{
			LedgerNode	label = {.id = graph->nodes[i].labels.items[k],
			.file = graph->nodes[i].id};
			int			taken = ledger_graph_find(labels, label.id);
			int			id = ledger_graph_find(graph, label.id);
			const char *other = taken >= 0 ? labels->nodes[taken].file : NULL;

			if (id >= 0)
				other = graph->nodes[id].id;
			if (other && (id >= 0 || !are_squashed_together(cover, other, label.file)))
				put(report, (LedgerFault) {"error", "duplicate_label", label.id,
					psprintf("It is a label of revision \"%s\" and %s revision \"%s\".",
							 label.file, id >= 0 ? "the id of" : "one of", other),
					"Load one of them anew without the label."});
			if (taken < 0)
				ledger_graph_put(labels, &label);
		}
}

/* What other calls raise an error for, or would build on. */
void
ledger_find_graph_faults(const LedgerSurvey *survey, const LedgerReport *report)
{
	Edges		edges = {.graph = survey->graph, .cover = survey->cover};

	for (int i = 0; i < survey->gone.count; i++)
		put(report, (LedgerFault) {"error", "missing_script", survey->gone.items[i],
			"It is applied, but not in purser.revision.",
			"Put its row back into purser.revision."});
	make_edges(&edges, report);
	find_cycles(&edges, report);
	find_taken_labels(survey->cover, report);
}

static bool
has(const LedgerState *state, const char *id, Datum *checksum)
{
	int			node = ledger_graph_find(state->revisions, id);

	if (node < 0 || !state->revisions->nodes[node].applied)
		return false;
	*checksum = state->checksums[node];
	return true;
}

/* What is applied against what the history says is. */
void
ledger_find_state_faults(const LedgerSurvey *survey, const LedgerReport *report)
{
	const LedgerState *applied = survey->applied;
	const LedgerState *history = survey->history;
	Datum		checksum;

	for (int i = 0; i < applied->revisions->count; i++)
	{
		const char *id = applied->revisions->nodes[i].id;

		if (!has(history, id, &checksum))
			put(report, (LedgerFault) {"error", "not_in_history", id,
				"It is in purser.applied, but no event says so.",
				"Delete the row; if the revision is in force, use purser.stamp() then."});
		else if (!ledger_same_bytes(checksum, applied->checksums[i]))
			put(report, (LedgerFault) {"error", "other_checksum", id,
				"Its checksum in purser.applied is not that of the event which applied it.",
				"Compare the row with purser.event."});
	}
	for (int i = 0; i < history->revisions->count; i++)
	{
		const LedgerNode *node = &history->revisions->nodes[i];

		if (node->applied && !has(applied, node->id, &checksum))
			put(report, (LedgerFault) {"error", "not_applied", node->id,
				"The events say that it is in force, but it is not in purser.applied.",
				"If it is in force, use purser.stamp()."});
	}
}

/* What is not wrong, but wants a decision. */
void
ledger_find_warnings(const LedgerSurvey *survey, const LedgerReport *report)
{
	LedgerSet	ends = ledger_cover_heads(survey->cover);

	for (int i = 0; i < survey->graph->count; i++)
		if (survey->edited[i])
			put(report, (LedgerFault) {"warning", "edited_script", survey->graph->nodes[i].id,
				"Its upgrade script is not the one that was applied.",
				"Load the text that was applied, or use purser.accept()."});
	if (ends.count > 1)
		put(report, (LedgerFault) {"notice", "several_heads",
			survey->graph->nodes[ends.nodes[0]].id,
			psprintf("The heads are %s.", ledger_list_ids(survey->graph, ends)),
			"A revision with all of them as parents merges them."});
}
