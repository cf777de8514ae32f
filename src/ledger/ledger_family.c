/*
 * ledger_family.c
 *		Which squash replaces which revisions: a forest.
 *
 * Pure.  Two squashes have nothing in common, or one contains the other, by
 * naming it or by naming all that it replaces; so each revision has at most
 * one innermost squash, its container.  What a squash names may be gone from
 * the ledger: such ids get numbers after those of the revisions.
 */
#include "ledger_graph.h"

#include "miscadmin.h"

/* One squash and all that it replaces, through squashes that it replaces. */
typedef struct Extent
{
	int			squash;
	int			leaves;			/* that are no squashes themselves */
	int			size;			/* leaves and squashes */
} Extent;

typedef struct Walk
{
	const LedgerFamily *family;
	int			stamp;
	int		   *seen;			/* the stamp of the last walk that came here */
	int		   *from;			/* the squash by which it came */
	int		   *found;			/* what it found */
} Walk;

/* One more name; the list of somebody else is copied before it grows. */
void
ledger_names_append(NameList *names, const char *name)
{
	/* Room is for the next power of two. */
	if ((names->count & (names->count - 1)) == 0)
	{
		char	  **items = palloc(sizeof(char *) * Max(2 * names->count, 1));

		if (names->count > 0)
			memcpy(items, names->items, sizeof(char *) * names->count);
		names->items = items;
	}
	names->items[names->count++] = unconstify(char *, name);
}

bool
ledger_family_is_squash(const LedgerFamily *family, int number)
{
	return number < family->whole->count &&
		family->named_start[number] < family->named_start[number + 1];
}

/* The number of an id that is a revision's, or that a squash names; or -1. */
int
ledger_family_find(const LedgerFamily *family, const char *id)
{
	int			number = ledger_graph_find(family->whole, id);

	if (number < 0)
	{
		number = ledger_graph_find(family->gone, id);
		if (number >= 0)
			number += family->whole->count;
	}
	return number;
}

static int
number_of(LedgerFamily *family, const LedgerNode *squash, const char *id)
{
	LedgerNode	gone = {.id = id};
	int			number = ledger_family_find(family, id);

	if (number >= 0 && number < family->whole->count && family->whole->nodes[number].repeatable)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("revision \"%s\" cannot replace repeatable revision \"%s\"",
						squash->id, id)));
	if (number >= 0)
		return number;
	ledger_graph_put(family->gone, &gone);
	return family->whole->count + family->gone->count - 1;
}

/* Give numbers to what each squash names. */
static void
resolve_names(LedgerFamily *family)
{
	const LedgerGraph *whole = family->whole;
	size_t		names = 0;
	int			next = 0;

	for (int i = 0; i < whole->count; i++)
		names += whole->nodes[i].replaces.count;
	family->named_start = palloc_extended(sizeof(int) * (whole->count + 1), MCXT_ALLOC_HUGE);
	family->named = palloc_extended(sizeof(int) * (names + 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < whole->count; i++)
	{
		const LedgerNode *node = &whole->nodes[i];

		family->named_start[i] = next;
		family->nsquashes += node->replaces.count > 0;
		for (int k = 0; k < node->replaces.count; k++)
			family->named[next++] = number_of(family, node, node->replaces.items[k]);
	}
	family->named_start[whole->count] = next;
	family->count = whole->count + family->gone->count;
}

pg_noreturn static void
report_circle(const Walk *walk, int squash, int last)
{
	LedgerSet	circle = {0, palloc(sizeof(int) * (walk->family->whole->count + 1))};

	for (int at = last; at != squash; at = walk->from[at])
		circle.nodes[circle.count++] = at;
	circle.nodes[circle.count++] = squash;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			 errmsg("revision \"%s\" replaces itself", walk->family->whole->nodes[squash].id),
			 errdetail("Each of these is replaced by the next, and the last by the first: %s.",
					   ledger_list_ids(walk->family->whole, circle))));
}

/* All that the squash replaces, at any depth, into walk->found. */
static Extent
walk_squash(Walk *walk, int squash)
{
	const LedgerFamily *family = walk->family;
	Extent		extent = {squash, 0, 0};

	walk->stamp++;
	for (int done = -1; done < extent.size; done++)
	{
		int			by = done < 0 ? squash : walk->found[done];

		if (!ledger_family_is_squash(family, by))
			continue;
		for (int k = family->named_start[by]; k < family->named_start[by + 1]; k++)
		{
			int			member = family->named[k];

			if (member == squash)
				report_circle(walk, squash, by);
			if (walk->seen[member] == walk->stamp)
				continue;
			walk->seen[member] = walk->stamp;
			walk->from[member] = by;
			walk->found[extent.size++] = member;
			extent.leaves += !ledger_family_is_squash(family, member);
		}
	}
	return extent;
}

static int
compare_extents(const void *a, const void *b)
{
	const Extent *first = a;
	const Extent *second = b;

	if (first->leaves != second->leaves)
		return first->leaves < second->leaves ? -1 : 1;
	if (first->size != second->size)
		return first->size < second->size ? -1 : 1;
	return first->squash < second->squash ? -1 : 1;
}

/* The outermost squash so far that contains it, or itself. */
static int
find_root(int *root, int number)
{
	int			top = number;

	while (root[top] != top)
		top = root[top];
	while (root[number] != top)
	{
		int			next = root[number];

		root[number] = top;
		number = next;
	}
	return top;
}

pg_noreturn static void
report_overlap(const LedgerFamily *family, int a, int b)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("revisions \"%s\" and \"%s\" replace the same revisions",
					family->whole->nodes[Min(a, b)].id, family->whole->nodes[Max(a, b)].id),
			 errdetail("Of two squashes that have a revision in common, one must replace all "
					   "that the other replaces, and more.")));
}

/* What making the forest needs besides the forest. */
typedef struct Forest
{
	LedgerFamily *family;
	Walk		walk;
	int		   *root;			/* of each number, on the way to the outermost */
	int		   *leaves;			/* of each squash */
	int		   *hits;			/* leaves of the squash at hand in each root, else 0 */
	int		   *touched;		/* the roots where that is not 0 */
} Forest;

/* The squash becomes the container of what stood alone, and of squashes wholly in it. */
static void
contain(Forest *forest, const Extent *extent)
{
	LedgerFamily *family = forest->family;
	int			ntouched = 0;

	for (int i = 0; i < extent->size; i++)
	{
		int			member = forest->walk.found[i];
		int			top;

		if (ledger_family_is_squash(family, member))
			continue;
		top = find_root(forest->root, member);
		if (top == member)
			family->container[member] = forest->root[member] = extent->squash;
		else if (forest->hits[top]++ == 0)
			forest->touched[ntouched++] = top;
	}
	for (int i = 0; i < ntouched; i++)
	{
		int			inner = forest->touched[i];
		bool		is_named = forest->walk.seen[inner] == forest->walk.stamp;

		if (forest->hits[inner] != forest->leaves[inner] ||
			(extent->leaves == forest->leaves[inner] && !is_named))
			report_overlap(family, inner, extent->squash);
		family->container[inner] = forest->root[inner] = extent->squash;
		forest->hits[inner] = 0;
	}
	forest->leaves[extent->squash] = extent->leaves;
}

/* Squashes before what contains them. */
static Extent *
sorted_extents(Forest *forest)
{
	LedgerFamily *family = forest->family;
	Extent	   *extents = palloc(sizeof(Extent) * (family->nsquashes + 1));
	int			count = 0;

	for (int i = 0; i < family->whole->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (ledger_family_is_squash(family, i))
			extents[count++] = walk_squash(&forest->walk, i);
	}
	qsort(extents, count, sizeof(Extent), compare_extents);
	return extents;
}

/* What each squash contains directly: of i, kids[kid_start[i]] .. kids[kid_start[i + 1] - 1]. */
static void
list_kids(LedgerFamily *family)
{
	int		   *next = palloc0(sizeof(int) * (family->whole->count + 2));

	/* Count into the slot after next, sum up, and filling shifts by one. */
	for (int i = 0; i < family->count; i++)
		if (family->container[i] >= 0)
			next[family->container[i] + 2]++;
	for (int i = 2; i <= family->whole->count + 1; i++)
		next[i] += next[i - 1];
	family->kids = palloc(sizeof(int) * (next[family->whole->count + 1] + 1));
	for (int i = 0; i < family->count; i++)
		if (family->container[i] >= 0)
			family->kids[next[family->container[i] + 1]++] = i;
	family->kid_start = next;
}

/* Errors where squashes overlap or replace each other. */
LedgerFamily *
ledger_family_make(const LedgerGraph *whole)
{
	LedgerFamily *family = palloc0(sizeof(LedgerFamily));
	Forest		forest = {.family = family};
	Extent	   *extents;
	size_t		bytes;

	family->whole = whole;
	family->gone = ledger_graph_create(0);
	resolve_names(family);
	bytes = sizeof(int) * (family->count + 1);
	family->container = palloc(bytes);
	memset(family->container, -1, bytes);
	forest.walk = (Walk) {family, 0, palloc0(bytes), palloc(bytes), palloc(bytes)};
	forest.root = palloc(bytes);
	forest.leaves = palloc0(bytes);
	forest.hits = palloc0(bytes);
	forest.touched = palloc(bytes);
	for (int i = 0; i < family->count; i++)
		forest.root[i] = i;

	extents = sorted_extents(&forest);
	family->squashes = palloc(sizeof(int) * (family->nsquashes + 1));
	for (int i = 0; i < family->nsquashes; i++)
	{
		Extent		extent = walk_squash(&forest.walk, extents[i].squash);

		contain(&forest, &extent);
		family->squashes[i] = extent.squash;
	}
	list_kids(family);
	return family;
}

/* All that lies in the squash, at any depth, and is in the ledger. */
LedgerSet
ledger_family_inside(const LedgerFamily *family, int squash)
{
	LedgerSet	set = {0, palloc(sizeof(int) * (family->count + 1))};

	for (int done = -1; done < set.count; done++)
	{
		int			by = done < 0 ? squash : set.nodes[done];

		if (ledger_family_is_squash(family, by))
			for (int k = family->kid_start[by]; k < family->kid_start[by + 1]; k++)
				if (family->kids[k] < family->whole->count)
					set.nodes[set.count++] = family->kids[k];
	}
	return set;
}
