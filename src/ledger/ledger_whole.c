/*
 * ledger_whole.c
 *		Is the ledger sound, whichever squashes come to be used?
 *
 * Pure.  What is applied decides which squash is used, and that differs from
 * one database to the next; so what is loaded must be without a cycle whether
 * a squash is one node or many.  It is, if no squash has a cycle among what it
 * contains directly, each taken as one node, and neither has the outside: any
 * other cycle would show there too.
 */
#include "ledger_graph.h"

/* How many squashes are around each number. */
static int *
find_depths(const LedgerFamily *family)
{
	int		   *depth = palloc0(sizeof(int) * (family->count + 1));

	for (int i = family->nsquashes - 1; i >= 0; i--)
		for (int k = family->kid_start[family->squashes[i]];
			 k < family->kid_start[family->squashes[i] + 1]; k++)
			depth[family->kids[k]] = depth[family->squashes[i]] + 1;
	return depth;
}

static const char *
id_of(const LedgerFamily *family, int number)
{
	int			count = family->whole->count;

	return number < count ? family->whole->nodes[number].id :
		family->gone->nodes[number - count].id;
}

/*
 * Lift both ends of an edge to where they lie in the same squash, or in none;
 * one that lies in the other is an error.
 */
static void
lift(const LedgerFamily *family, const int *depth, int *from, int *to)
{
	int			needing = *from;
	int			needed = *to;

	while (depth[*from] > depth[*to])
		*from = family->container[*from];
	while (depth[*to] > depth[*from])
		*to = family->container[*to];
	if (*from == *to)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("revision \"%s\" cannot need revision \"%s\", which %s",
						id_of(family, needing), id_of(family, needed),
						depth[needing] < depth[needed] ? "it replaces" : "replaces it"),
				 errhint("What comes before a squash is what comes before the first of the "
						 "revisions that it replaces.")));
	while (family->container[*from] != family->container[*to])
	{
		*from = family->container[*from];
		*to = family->container[*to];
	}
}

/* The edges of a node, lifted, as edges of the graph that has all numbers as nodes. */
static void
add_lifted(const LedgerFamily *family, const int *depth, LedgerGraph *lifted, int node,
		   NameList names)
{
	const LedgerNode *needing = &family->whole->nodes[node];

	for (int i = 0; i < names.count; i++)
	{
		int			from = node;
		int			to = ledger_family_find(family, names.items[i]);

		if (to < 0)
			ledger_report_missing(needing->id, names.items[i], needing->file);
		lift(family, depth, &from, &to);
		ledger_names_append(&lifted->nodes[from].parents, id_of(family, to));
	}
}

static void
check_cycles(const LedgerFamily *family)
{
	const LedgerGraph *whole = family->whole;
	LedgerGraph *lifted = ledger_graph_create(family->count);
	int		   *depth = find_depths(family);

	for (int i = 0; i < family->count; i++)
	{
		LedgerNode	node = {.id = id_of(family, i)};

		ledger_graph_put(lifted, &node);
	}
	for (int i = 0; i < whole->count; i++)
	{
		add_lifted(family, depth, lifted, i, whole->nodes[i].parents);
		add_lifted(family, depth, lifted, i, whole->nodes[i].depends_on);
	}
	ledger_graph_finish(lifted);
}

static bool
is_complete(const LedgerFamily *family, int squash)
{
	for (int k = family->kid_start[squash]; k < family->kid_start[squash + 1]; k++)
		if (family->kids[k] >= family->whole->count)
			return false;
	return true;
}

/* A copy in which nothing is applied. */
static LedgerGraph
without_applied(const LedgerGraph *whole)
{
	LedgerGraph bare = *whole;

	bare.nodes = palloc_extended(sizeof(LedgerNode) * (whole->count + 1), MCXT_ALLOC_HUGE);
	memcpy(bare.nodes, whole->nodes, sizeof(LedgerNode) * whole->count);
	for (int i = 0; i < whole->count; i++)
		bare.nodes[i].applied = false;
	return bare;
}

/*
 * Raise an error unless all revisions fit together; leaves the graph as it is,
 * and returns what it is in force.
 */
LedgerGraph *
ledger_check_whole(const LedgerGraph *whole)
{
	LedgerGraph *as_applied = palloc(sizeof(LedgerGraph));

	*as_applied = *whole;
	check_cycles(ledger_family_make(whole));
	return ledger_replace(as_applied, NULL);
}

/* Squashes that are not in the graph come after the last node where they end. */
static void
add_squashes(const LedgerGraph *graph, LedgerSet *set)
{
	const LedgerReplacement *replacement = graph->replacement;
	const LedgerFamily *family = replacement->family;
	int			count = graph->count;
	int		   *place = palloc(sizeof(int) * (count + 1));
	int		   *first = palloc(sizeof(int) * (count + 1));
	int		   *next = palloc(sizeof(int) * (family->whole->count + 1));

	memset(first, -1, sizeof(int) * (count + 1));
	for (int k = 0; k < count; k++)
		place[graph->order[k]] = k;
	for (int i = family->nsquashes - 1; i >= 0; i--)
	{
		LedgerSet	exits = replacement->exits[family->squashes[i]];
		int			last = -1;

		for (int k = 0; k < exits.count; k++)
			last = Max(last, place[exits.nodes[k]]);
		if (last < 0)
			continue;
		next[family->squashes[i]] = first[last];
		first[last] = family->squashes[i];
	}
	for (int k = 0; k < count; k++)
	{
		set->nodes[set->count++] = ledger_graph_find(family->whole,
													 graph->nodes[graph->order[k]].id);
		for (int squash = first[k]; squash >= 0; squash = next[squash])
			set->nodes[set->count++] = squash;
	}
}

/* All nodes of the whole graph, what is needed first, and a squash after what it replaces. */
LedgerSet
ledger_load_order(const LedgerGraph *whole)
{
	LedgerGraph bare = without_applied(whole);
	LedgerFamily *family = ledger_family_make(&bare);
	LedgerSet	set = {0, palloc(sizeof(int) * (whole->count + 1))};
	bool	   *open = palloc0(whole->count + 1);
	bool	   *is_in = palloc0(whole->count + 1);
	LedgerGraph *graph;

	for (int i = 0; i < family->nsquashes; i++)
		open[family->squashes[i]] = is_complete(family, family->squashes[i]);
	graph = ledger_replace(&bare, open);
	if (graph == &bare)
	{
		memcpy(set.nodes, graph->order, sizeof(int) * graph->count);
		set.count = graph->count;
		return set;
	}
	add_squashes(graph, &set);
	for (int i = 0; i < set.count; i++)
		is_in[set.nodes[i]] = true;
	/* Repeatable ones, and what is left of those that squashes replaced. */
	for (int i = 0; i < whole->count; i++)
		if (!is_in[i] && !whole->nodes[i].repeatable)
			set.nodes[set.count++] = i;
	for (int k = 0; k < graph->repeatables->count; k++)
		set.nodes[set.count++] = ledger_graph_find(whole, graph->repeatables->nodes
												   [graph->repeatables->order[k]].id);
	return set;
}

/* Does the squash replace the revision, directly or through another one? */
bool
ledger_is_inside(const LedgerGraph *whole, const char *id, const char *squash)
{
	LedgerFamily *family = ledger_family_make(whole);
	int			outer = ledger_family_find(family, squash);
	int			number = ledger_family_find(family, id);

	for (number = family->container[number]; number >= 0; number = family->container[number])
		if (number == outer)
			return true;
	return false;
}
