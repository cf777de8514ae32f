/*
 * ledger_history.c
 *		Which revisions a range of the history shows, newest first.
 *
 * Pure.  A squash in use is followed by what it stands for; one that is not
 * comes before the revision where it ends.  Repeatable revisions belong to no
 * range, and come first where all is shown.
 */
#include "ledger_graph.h"

/* Lists of nodes of the whole graph, by a node of the graph. */
typedef struct Shelves
{
	int		   *first;			/* -1: empty */
	int		   *next;
} Shelves;

static Shelves
make_shelves(const LedgerGraph *graph)
{
	Shelves		shelves = {palloc(sizeof(int) * (graph->count + 1)),
	palloc(sizeof(int) * (graph->whole->count + 1))};

	memset(shelves.first, -1, sizeof(int) * (graph->count + 1));
	return shelves;
}

static void
put_on(Shelves *shelves, int shelf, int node)
{
	shelves->next[node] = shelves->first[shelf];
	shelves->first[shelf] = node;
}

static void
take_all(const Shelves *shelves, int shelf, LedgerSet *set)
{
	for (int node = shelves->first[shelf]; node >= 0; node = shelves->next[node])
		set->nodes[set->count++] = node;
}

/* What is shown above each node, and with it and below. */
static void
fill_shelves(const LedgerGraph *graph, Shelves *above, Shelves *below)
{
	const LedgerReplacement *replacement = graph->replacement;

	for (int i = 0; i < graph->whole->count; i++)
	{
		int			node = replacement->node[i];

		if (node < 0 && replacement->exits[i].count > 0)
			put_on(above, replacement->exits[i].nodes[0], i);
		else if (node >= 0 && ledger_replaced_by(graph, i))
			put_on(below, node, i);
	}
}

/* Nodes of the whole graph: those between two targets, or all without a range. */
LedgerSet
ledger_history_range(LedgerGraph *graph, const char *range)
{
	const char *sides[2] = {"", ""};
	LedgerGraph *fit;
	LedgerSet	nodes;
	LedgerSet	set = {0, palloc(sizeof(int) * (graph->whole->count + 1))};
	Shelves		above;
	Shelves		below;

	if (range)
		ledger_split_range(range, sides);
	fit = ledger_fit_targets(graph, sides, 2);
	nodes = ledger_plan_range(fit, sides);
	if (fit->replacement == NULL)
		return nodes;
	above = make_shelves(fit);
	below = make_shelves(fit);
	fill_shelves(fit, &above, &below);
	for (int k = fit->repeatables->count - 1; k >= 0 && range == NULL; k--)
		set.nodes[set.count++] = ledger_graph_find(fit->whole, fit->repeatables->nodes
												   [fit->repeatables->order[k]].id);
	for (int i = 0; i < nodes.count; i++)
	{
		take_all(&above, nodes.nodes[i], &set);
		set.nodes[set.count++] = ledger_graph_find(fit->whole, fit->nodes[nodes.nodes[i]].id);
		take_all(&below, nodes.nodes[i], &set);
	}
	return set;
}
