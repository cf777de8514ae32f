/*
 * ledger_cover.c
 *		What squashes cover, in a ledger that may be unsound.
 *
 * Pure.  Where ledger_family.c and ledger_replace.c raise errors, this makes no
 * assumption on how squashes overlap: what is in force, or is one with what,
 * follows from what each of them names.
 */
#include "ledger.h"

static void
number_names(LedgerCover *cover)
{
	const LedgerGraph *graph = cover->graph;
	size_t		names = 0;
	int			next = 0;

	for (int i = 0; i < graph->count; i++)
		names += graph->nodes[i].replaces.count;
	cover->gone = ledger_graph_create(0);
	cover->named_start = palloc_extended(sizeof(int) * (graph->count + 1), MCXT_ALLOC_HUGE);
	cover->named = palloc_extended(sizeof(int) * (names + 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < graph->count; i++)
	{
		NameList	replaced = graph->nodes[i].replaces;

		cover->named_start[i] = next;
		for (int k = 0; k < replaced.count; k++)
		{
			LedgerNode	gone = {.id = replaced.items[k]};
			int			number = ledger_cover_find(cover, gone.id);

			if (number < 0)
			{
				ledger_graph_put(cover->gone, &gone);
				number = graph->count + cover->gone->count - 1;
			}
			cover->named[next++] = number;
		}
	}
	cover->named_start[graph->count] = next;
	cover->count = graph->count + cover->gone->count;
}

/* For each number, which revisions name it. */
static void
turn_round(LedgerCover *cover)
{
	int			names = cover->named_start[cover->graph->count];
	int		   *start = palloc0(sizeof(int) * (cover->count + 2));

	/* Count into the slot after next, sum up, and filling shifts by one. */
	for (int k = 0; k < names; k++)
		start[cover->named[k] + 2]++;
	for (int i = 2; i <= cover->count + 1; i++)
		start[i] += start[i - 1];
	cover->naming = palloc_extended(sizeof(int) * (names + 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < cover->graph->count; i++)
		for (int k = cover->named_start[i]; k < cover->named_start[i + 1]; k++)
			cover->naming[start[cover->named[k] + 1]++] = i;
	cover->naming_start = start;
}

static void
put_in_force(LedgerCover *cover, LedgerSet *news, int number)
{
	if (cover->in_force[number])
		return;
	cover->in_force[number] = true;
	news->nodes[news->count++] = number;
}

/* A squash is in force with all that it names, and all that it names with it. */
static void
find_in_force(LedgerCover *cover)
{
	LedgerSet	news = {0, palloc(sizeof(int) * (cover->count + 1))};
	int		   *lacking = palloc(sizeof(int) * (cover->graph->count + 1));

	cover->in_force = palloc0(cover->count + 1);
	for (int i = 0; i < cover->graph->count; i++)
	{
		lacking[i] = cover->named_start[i + 1] - cover->named_start[i];
		if (cover->graph->nodes[i].applied)
			put_in_force(cover, &news, i);
	}
	for (int done = 0; done < news.count; done++)
	{
		int			number = news.nodes[done];

		for (int k = cover->naming_start[number]; k < cover->naming_start[number + 1]; k++)
			if (--lacking[cover->naming[k]] == 0)
				put_in_force(cover, &news, cover->naming[k]);
		if (number < cover->graph->count)
			for (int k = cover->named_start[number]; k < cover->named_start[number + 1]; k++)
				put_in_force(cover, &news, cover->named[k]);
	}
	pfree(news.nodes);
	pfree(lacking);
}

static int
find_root(int *root, int number)
{
	while (root[number] != number)
	{
		root[number] = root[root[number]];
		number = root[number];
	}
	return number;
}

/* One group for each revision, with all that it names, and so on. */
static void
find_groups(LedgerCover *cover)
{
	cover->group = palloc_extended(sizeof(int) * (cover->count + 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < cover->count; i++)
		cover->group[i] = i;
	for (int i = 0; i < cover->graph->count; i++)
		for (int k = cover->named_start[i]; k < cover->named_start[i + 1]; k++)
			cover->group[find_root(cover->group, cover->named[k])] = find_root(cover->group, i);
	for (int i = 0; i < cover->count; i++)
		cover->group[i] = find_root(cover->group, i);
}

LedgerCover *
ledger_cover_make(const LedgerGraph *graph)
{
	LedgerCover *cover = palloc0(sizeof(LedgerCover));

	cover->graph = graph;
	number_names(cover);
	turn_round(cover);
	find_in_force(cover);
	find_groups(cover);
	return cover;
}

/* The number of a revision, or of an id that one replaces; or -1. */
int
ledger_cover_find(const LedgerCover *cover, const char *id)
{
	int			number = ledger_graph_find(cover->graph, id);
	int			gone = number < 0 ? ledger_graph_find(cover->gone, id) : -1;

	return gone < 0 ? number : cover->graph->count + gone;
}

/* The node for a number: itself, or one that replaces what is gone. */
int
ledger_cover_node(const LedgerCover *cover, int number)
{
	return number < cover->graph->count ? number : cover->naming[cover->naming_start[number]];
}

/* Marks the number, and all that it names, directly or through others. */
static bool *
mark_inside(const LedgerCover *cover, int number)
{
	bool	   *marks = palloc0(cover->count + 1);
	int		   *found = palloc(sizeof(int) * (cover->count + 1));
	int			count = 0;

	found[count++] = number;
	marks[number] = true;
	for (int done = 0; done < count; done++)
	{
		int			by = found[done];

		if (by >= cover->graph->count)
			continue;
		for (int k = cover->named_start[by]; k < cover->named_start[by + 1]; k++)
		{
			if (!marks[cover->named[k]])
				found[count++] = cover->named[k];
			marks[cover->named[k]] = true;
		}
	}
	pfree(found);
	return marks;
}

/* Does the revision replace the other one, or all that this one replaces? */
bool
ledger_cover_replaces(const LedgerCover *cover, int outer, int inner)
{
	bool	   *in_outer;
	bool	   *in_inner;
	bool		replaces = true;

	if (cover->group[outer] != cover->group[inner])
		return false;
	in_outer = mark_inside(cover, outer);
	in_inner = mark_inside(cover, inner);
	for (int i = 0; i < cover->count; i++)
	{
		bool		is_squash = i < cover->graph->count &&
			cover->named_start[i] < cover->named_start[i + 1];

		replaces = replaces && (is_squash || !in_inner[i] || in_outer[i]);
	}
	pfree(in_outer);
	pfree(in_inner);
	return replaces;
}

/*
 * Where lineages end, a squash and what it replaces taken as one: of each such
 * group the last revision that no other replaces.  Repeatable ones stand beside.
 */
LedgerSet
ledger_cover_heads(const LedgerCover *cover)
{
	const LedgerGraph *graph = cover->graph;
	bool	   *goes_on = palloc0(cover->count + 1);
	int		   *last = palloc_extended(sizeof(int) * (cover->count + 1), MCXT_ALLOC_HUGE);
	LedgerSet	set = {0, palloc(sizeof(int) * (graph->count + 1))};

	memset(last, -1, sizeof(int) * (cover->count + 1));
	for (int i = 0; i < graph->count; i++)
	{
		const LedgerNode *node = &graph->nodes[i];
		int			group = cover->group[i];
		bool		is_replaced = cover->naming_start[i] < cover->naming_start[i + 1];

		for (int k = 0; k < node->parents.count; k++)
		{
			int			parent = ledger_cover_find(cover, node->parents.items[k]);

			if (parent >= 0 && cover->group[parent] != group)
				goes_on[cover->group[parent]] = true;
		}
		if (!node->repeatable && (last[group] < 0 || !is_replaced))
			last[group] = i;
	}
	for (int i = 0; i < graph->count; i++)
		if (last[cover->group[i]] == i && !goes_on[cover->group[i]])
			set.nodes[set.count++] = i;
	return set;
}
