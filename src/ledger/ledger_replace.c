/*
 * ledger_replace.c
 *		The graph as it is in force: which squashes stand for what they replace.
 *
 * Pure, between reading the graph and planning in it, and Django's rule: a
 * squash is used when all or none of what it replaces is applied.  Then its
 * node has the edges of the nodes that it stands for, and they are not in the
 * graph; otherwise it is not, and what needs it needs the ends of what it
 * replaces.  Repeatable revisions are not in the graph either, but listed
 * beside it, so that no planning of the lineage sees them.
 */
#include "ledger_graph.h"

#include "miscadmin.h"

/* What stands for a number, besides a node of the whole graph. */
#define NOTHING (-1)
#define ITS_MEMBERS (-2)

typedef struct Build
{
	LedgerGraph *whole;
	LedgerGraph *graph;
	LedgerReplacement *replacement;
	const bool *open;			/* squashes to leave out, or NULL */
	int		   *seen;			/* by node of the graph: the stamp of the last pass there */
	int			stamp;
} Build;

static bool
exists(const LedgerFamily *family, int number)
{
	return number < family->whole->count;
}

/* From the inside out: is the squash complete, and how much of it is in force? */
static void
judge(LedgerReplacement *replacement, int squash)
{
	const LedgerFamily *family = replacement->family;
	int			present = 0;
	int			some = 0;
	int			all = 0;
	int			kids = family->kid_start[squash + 1] - family->kid_start[squash];

	for (int k = 0; k < kids; k++)
	{
		int			kid = family->kids[family->kid_start[squash] + k];

		present += exists(family, kid);
		some += replacement->state[kid] == LEDGER_SOME;
		all += replacement->state[kid] == LEDGER_ALL;
	}
	replacement->complete[squash] = present == kids;
	if (family->whole->nodes[squash].applied || (present > 0 && all == kids))
		replacement->state[squash] = LEDGER_ALL;
	else if (present > 0 && (all > 0 || some > 0))
		replacement->state[squash] = LEDGER_SOME;
}

/* From the outside in: is the squash used, or hidden in one that is? */
static void
decide(const Build *build, int squash)
{
	LedgerReplacement *replacement = build->replacement;
	const LedgerFamily *family = replacement->family;
	int			around = family->container[squash];
	bool		in_force = replacement->state[squash] == LEDGER_ALL;

	for (int k = family->kid_start[squash]; k < family->kid_start[squash + 1]; k++)
	{
		if (in_force)
			replacement->state[family->kids[k]] = LEDGER_ALL;
		else if (replacement->state[family->kids[k]] != LEDGER_ALL)
			replacement->lacking[squash]++;
	}
	if (around >= 0 && replacement->stands[around] >= 0)
		replacement->stands[squash] = replacement->stands[around];
	else if (replacement->state[squash] != LEDGER_SOME && !(build->open && build->open[squash]))
		replacement->stands[squash] = squash;
	else if (!replacement->complete[squash])
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" can be neither used nor left out",
						family->whole->nodes[squash].id),
				 errdetail("Some of what it replaces is applied, and some is not in the ledger."),
				 errhint("Load what is missing.")));
}

static void
judge_all(const Build *build)
{
	LedgerReplacement *replacement = build->replacement;
	const LedgerFamily *family = replacement->family;

	for (int i = 0; i < family->whole->count; i++)
		if (family->whole->nodes[i].applied)
			replacement->state[i] = LEDGER_ALL;
	for (int i = 0; i < family->nsquashes; i++)
		judge(replacement, family->squashes[i]);
	for (int i = family->nsquashes - 1; i >= 0; i--)
		decide(build, family->squashes[i]);
}

/* The node of the whole graph that stands for a number. */
static int
host_of(const LedgerReplacement *replacement, int number)
{
	const LedgerFamily *family = replacement->family;
	int			around = family->container[number];

	if (around >= 0 && replacement->stands[around] >= 0)
		return replacement->stands[around];
	if (ledger_family_is_squash(family, number) && replacement->stands[number] < 0)
		return ITS_MEMBERS;
	return exists(family, number) ? number : NOTHING;
}

static void
place_nodes(Build *build)
{
	LedgerReplacement *replacement = build->replacement;

	for (int i = 0; i < build->whole->count; i++)
	{
		LedgerNode	node = build->whole->nodes[i];

		if (node.repeatable || host_of(replacement, i) != i)
			continue;
		node.applied = replacement->state[i] == LEDGER_ALL;
		replacement->node[i] = build->graph->count;
		ledger_graph_put(build->graph, &node);
	}
	for (int i = 0; i < replacement->family->count; i++)
	{
		int			host = host_of(replacement, i);

		if (host >= 0 && host != i)
			replacement->node[i] = replacement->node[host];
	}
}

/* The nodes of the graph that an edge of the whole graph leads to. */
static LedgerSet
resolve(const Build *build, const LedgerNode *from, const char *id)
{
	LedgerReplacement *replacement = build->replacement;
	int			number = ledger_family_find(replacement->family, id);
	LedgerSet	set = {1, NULL};

	if (number >= 0 && exists(replacement->family, number) &&
		build->whole->nodes[number].repeatable)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("revision \"%s\" cannot need repeatable revision \"%s\"", from->id, id),
				 errdetail("Repeatable revisions run after all others.")));
	if (number < 0 || host_of(replacement, number) == NOTHING)
		ledger_report_missing(from->id, id, from->file);
	if (replacement->node[number] < 0)
		return replacement->exits[number];
	set.nodes = &replacement->node[number];
	return set;
}

static void
unmark_needed(Build *build, const LedgerNode *from, NameList names, int own)
{
	for (int i = 0; i < names.count; i++)
	{
		LedgerSet	needed = resolve(build, from, names.items[i]);

		for (int k = 0; k < needed.count; k++)
			if (needed.nodes[k] != own)
				build->seen[needed.nodes[k]] = 0;
	}
}

/* Mark where the squash may end: its direct members, and the ends of squashes in it. */
static LedgerSet
mark_ends(Build *build, int squash)
{
	LedgerReplacement *replacement = build->replacement;
	const LedgerFamily *family = replacement->family;
	LedgerSet	ends = {0, NULL};
	int			capacity = 0;

	for (int k = family->kid_start[squash]; k < family->kid_start[squash + 1]; k++)
		capacity += 1 + replacement->exits[family->kids[k]].count;
	ends.nodes = palloc(sizeof(int) * (capacity + 1));
	for (int k = family->kid_start[squash]; k < family->kid_start[squash + 1]; k++)
	{
		int			kid = family->kids[k];
		LedgerSet	inner = replacement->exits[kid];

		if (replacement->node[kid] >= 0)
			ends.nodes[ends.count++] = replacement->node[kid];
		for (int i = 0; i < inner.count; i++)
			ends.nodes[ends.count++] = inner.nodes[i];
	}
	for (int i = 0; i < ends.count; i++)
		build->seen[ends.nodes[i]] = build->stamp;
	return ends;
}

/* A squash out of use ends where no other member needs the member. */
static void
find_exits(Build *build, int squash)
{
	LedgerReplacement *replacement = build->replacement;
	LedgerSet  *exits = &replacement->exits[squash];
	LedgerSet	members = ledger_family_inside(replacement->family, squash);
	LedgerSet	ends;

	build->stamp++;
	ends = mark_ends(build, squash);
	for (int i = 0; i < members.count; i++)
	{
		const LedgerNode *member = &build->whole->nodes[members.nodes[i]];
		int			own = replacement->node[members.nodes[i]];

		if (own < 0)
			continue;
		unmark_needed(build, member, member->parents, own);
		unmark_needed(build, member, member->depends_on, own);
	}
	exits->nodes = palloc(sizeof(int) * (ends.count + 1));
	for (int i = 0; i < ends.count; i++)
		if (build->seen[ends.nodes[i]] == build->stamp)
			exits->nodes[exits->count++] = ends.nodes[i];
	pfree(members.nodes);
	pfree(ends.nodes);
}

static void
add_edges(Build *build, NameList *to, const LedgerNode *from, NameList names)
{
	for (int i = 0; i < names.count; i++)
	{
		LedgerSet	needed = resolve(build, from, names.items[i]);

		for (int k = 0; k < needed.count; k++)
		{
			if (build->seen[needed.nodes[k]] == build->stamp)
				continue;
			build->seen[needed.nodes[k]] = build->stamp;
			ledger_names_append(to, build->graph->nodes[needed.nodes[k]].id);
		}
	}
}

static bool
has_name(NameList names, const char *name)
{
	for (int i = 0; i < names.count; i++)
		if (strcmp(names.items[i], name) == 0)
			return true;
	return false;
}

static void
add_labels(LedgerNode *to, NameList labels)
{
	for (int i = 0; i < labels.count; i++)
		if (!has_name(to->labels, labels.items[i]))
			ledger_names_append(&to->labels, labels.items[i]);
}

/* Edges and labels of a node: its own, then those of what it stands for. */
static void
fill_node(Build *build, int node, int own, LedgerSet hidden)
{
	LedgerNode *to = &build->graph->nodes[node];
	const LedgerNode *nodes = build->whole->nodes;

	build->seen[node] = ++build->stamp;
	to->parents.count = to->depends_on.count = to->labels.count = 0;
	add_edges(build, &to->parents, to, nodes[own].parents);
	for (int i = 0; i < hidden.count; i++)
		add_edges(build, &to->parents, &nodes[hidden.nodes[i]], nodes[hidden.nodes[i]].parents);
	add_edges(build, &to->depends_on, to, nodes[own].depends_on);
	add_labels(to, nodes[own].labels);
	for (int i = 0; i < hidden.count; i++)
	{
		const LedgerNode *from = &nodes[hidden.nodes[i]];

		add_edges(build, &to->depends_on, from, from->depends_on);
		add_labels(to, from->labels);
	}
}

/* Labels of a squash out of use are found where it ends, but for those of what it replaces. */
static void
pass_labels_on(Build *build, int squash)
{
	const LedgerNode *nodes = build->whole->nodes;
	LedgerSet	members = ledger_family_inside(build->replacement->family, squash);
	int			end = build->replacement->exits[squash].nodes[0];

	for (int i = 0; i < nodes[squash].labels.count; i++)
	{
		NameList	label = {1, &nodes[squash].labels.items[i]};
		bool		is_theirs = false;

		for (int k = 0; k < members.count && !is_theirs; k++)
			is_theirs = has_name(nodes[members.nodes[k]].labels, label.items[0]);
		if (!is_theirs)
			add_labels(&build->graph->nodes[end], label);
	}
	pfree(members.nodes);
}

static void
fill_nodes(Build *build)
{
	LedgerReplacement *replacement = build->replacement;
	LedgerFamily *family = replacement->family;

	for (int i = 0; i < build->whole->count; i++)
	{
		LedgerSet	hidden = {0, NULL};

		if (build->whole->nodes[i].repeatable || host_of(replacement, i) != i)
			continue;
		if (replacement->stands[i] == i)
			hidden = ledger_family_inside(family, i);
		fill_node(build, replacement->node[i], i, hidden);
		if (hidden.nodes)
			pfree(hidden.nodes);
	}
	for (int i = 0; i < family->nsquashes; i++)
		if (replacement->exits[family->squashes[i]].count > 0)
			pass_labels_on(build, family->squashes[i]);
}

/* The repeatable revisions in a graph of their own, with the edges between them. */
static void
list_repeatables(Build *build)
{
	LedgerGraph *graph = build->graph;
	LedgerGraph *repeatables = ledger_graph_create(0);

	for (int i = 0; i < build->whole->count; i++)
		if (build->whole->nodes[i].repeatable)
			ledger_graph_put(repeatables, &build->whole->nodes[i]);
	for (int i = 0; i < repeatables->count; i++)
	{
		LedgerNode *node = &repeatables->nodes[i];
		NameList	needed = node->depends_on;
		NameList	lineage = {0, NULL};
		NameList	beside = {0, NULL};

		build->stamp++;
		for (int k = 0; k < needed.count; k++)
		{
			NameList	one = {1, &needed.items[k]};

			if (ledger_graph_find(repeatables, needed.items[k]) >= 0)
				ledger_names_append(&beside, needed.items[k]);
			else
				add_edges(build, &lineage, node, one);
		}
		graph->nodes[graph->count + i] = *node;
		graph->nodes[graph->count + i].depends_on = lineage;
		node->depends_on = beside;
	}
	ledger_graph_finish(repeatables);
	graph->repeatables = repeatables;
}

static LedgerReplacement *
make_replacement(const LedgerGraph *whole)
{
	LedgerReplacement *replacement = palloc0(sizeof(LedgerReplacement));
	size_t		count;

	replacement->family = ledger_family_make(whole);
	count = replacement->family->count + 1;
	replacement->state = palloc0(sizeof(LedgerExtentState) * count);
	replacement->complete = palloc0(sizeof(bool) * count);
	replacement->exits = palloc0(sizeof(LedgerSet) * count);
	replacement->lacking = palloc0(sizeof(int) * count);
	replacement->stands = palloc(sizeof(int) * count);
	replacement->node = palloc(sizeof(int) * count);
	memset(replacement->stands, -1, sizeof(int) * count);
	memset(replacement->node, -1, sizeof(int) * count);
	return replacement;
}

static bool
is_plain(const LedgerGraph *whole)
{
	for (int i = 0; i < whole->count; i++)
		if (whole->nodes[i].replaces.count > 0 || whole->nodes[i].repeatable)
			return false;
	return true;
}

/*
 * The finished graph to plan in.  open, if given, has a flag for each revision:
 * a squash that is not to stand for what it replaces, all of which is there.
 */
LedgerGraph *
ledger_replace(LedgerGraph *whole, const bool *open)
{
	Build		build = {.whole = whole, .open = open};

	whole->whole = whole;
	if (is_plain(whole))
	{
		ledger_graph_finish(whole);
		return whole;
	}
	CHECK_FOR_INTERRUPTS();
	build.replacement = make_replacement(whole);
	build.graph = ledger_graph_create(whole->count);
	build.graph->whole = whole;
	build.graph->replacement = build.replacement;
	build.seen = palloc0(sizeof(int) * (whole->count + 1));
	judge_all(&build);
	place_nodes(&build);
	for (int i = 0; i < build.replacement->family->nsquashes; i++)
		if (build.replacement->stands[build.replacement->family->squashes[i]] < 0)
			find_exits(&build, build.replacement->family->squashes[i]);
	fill_nodes(&build);
	list_repeatables(&build);
	ledger_graph_finish(build.graph);
	return build.graph;
}
