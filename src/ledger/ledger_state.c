/*
 * ledger_state.c
 *		What is in force after a history: replays events, resolves the result.
 *
 * Pure.  upgrade and stamp put a revision in force, downgrade and unstamp take
 * it out, accept changes the checksum that it is in force with; other kinds
 * of event leave the state as it is.
 */
#include "ledger.h"

#include "utils/datum.h"
#include "utils/memutils.h"

/* Everything that it will hold is in the current memory context. */
LedgerState *
ledger_state_create(void)
{
	LedgerState *state = palloc0(sizeof(LedgerState));

	state->context = CurrentMemoryContext;
	state->revisions = ledger_graph_create(0);
	state->capacity = state->revisions->capacity;
	state->checksums = palloc0(sizeof(Datum) * state->capacity);
	return state;
}

/* The node of the id, made if need be. */
static int
need_node(LedgerState *state, const char *id)
{
	int			index = ledger_graph_find(state->revisions, id);
	LedgerNode	node = {0};
	int			before = state->capacity;

	if (index >= 0)
		return index;
	node.id = pstrdup(id);
	ledger_graph_put(state->revisions, &node);
	state->capacity = state->revisions->capacity;
	if (state->capacity > before)
	{
		state->checksums = repalloc_huge(state->checksums, sizeof(Datum) * state->capacity);
		memset(state->checksums + before, 0, sizeof(Datum) * (state->capacity - before));
	}
	return state->revisions->count - 1;
}

/* The revision is in force, with this checksum. */
void
ledger_state_set(LedgerState *state, const char *id, Datum checksum)
{
	MemoryContext caller = MemoryContextSwitchTo(state->context);
	int			node = need_node(state, id);

	if (state->checksums[node])
		pfree(DatumGetPointer(state->checksums[node]));
	state->checksums[node] = checksum ? datumCopy(checksum, false, -1) : (Datum) 0;
	state->revisions->nodes[node].applied = true;
	MemoryContextSwitchTo(caller);
}

void
ledger_state_replay(LedgerState *state, const LedgerRecord *record)
{
	int			node = ledger_graph_find(state->revisions, record->revision);
	bool		in_force = node >= 0 && state->revisions->nodes[node].applied;

	if (strcmp(record->kind, "upgrade") == 0 || strcmp(record->kind, "stamp") == 0 ||
		(strcmp(record->kind, "accept") == 0 && in_force))
		ledger_state_set(state, record->revision, record->checksum);
	else if (in_force && (strcmp(record->kind, "downgrade") == 0 ||
						  strcmp(record->kind, "unstamp") == 0))
		state->revisions->nodes[node].applied = false;
}

/* Two values of type bytea, or none. */
bool
ledger_same_bytes(Datum a, Datum b)
{
	bytea	   *left = a ? DatumGetByteaPP(a) : NULL;
	bytea	   *right = b ? DatumGetByteaPP(b) : NULL;

	if (left == NULL || right == NULL)
		return left == right;
	return VARSIZE_ANY_EXHDR(left) == VARSIZE_ANY_EXHDR(right) &&
		memcmp(VARDATA_ANY(left), VARDATA_ANY(right), VARSIZE_ANY_EXHDR(left)) == 0;
}

bool
ledger_state_has(const LedgerState *state, const char *id)
{
	int			node = ledger_graph_find(state->revisions, id);

	return node >= 0 && state->revisions->nodes[node].applied;
}

/* Marks the nodes of the graph that stand for the id; false: it is unknown. */
static bool
mark_node(const LedgerGraph *graph, const char *id, bool *marks)
{
	const LedgerReplacement *replacement = graph->replacement;
	int			number = replacement ? ledger_family_find(replacement->family, id) :
		ledger_graph_find(graph, id);
	int			node = replacement && number >= 0 ? replacement->node[number] : number;
	LedgerSet	members;

	if (number < 0)
		return false;
	if (node >= 0)
		marks[node] = true;
	if (node >= 0 || graph->whole->nodes[number].repeatable)
		return true;
	/* A squash out of use was in force with all that it replaces. */
	members = ledger_family_inside(replacement->family, number);
	for (int i = 0; i < members.count; i++)
		if (replacement->node[members.nodes[i]] >= 0)
			marks[replacement->node[members.nodes[i]]] = true;
	return true;
}

/*
 * The nodes of the graph that were in force; an error that names what it does
 * not have.  Repeatable revisions, which have no place in it, are left out.
 */
LedgerSet
ledger_state_resolve(const LedgerState *state, const LedgerGraph *graph, const char *target)
{
	const LedgerGraph *was = state->revisions;
	LedgerSet	set = {0, palloc(sizeof(int) * (graph->count + 1))};
	LedgerSet	unknown = {0, palloc(sizeof(int) * (was->count + 1))};
	bool	   *marks = palloc0(graph->count + 1);

	for (int i = 0; i < was->count; i++)
		if (was->nodes[i].applied && !mark_node(graph, was->nodes[i].id, marks))
			unknown.nodes[unknown.count++] = i;
	for (int i = 0; i < graph->count; i++)
		if (marks[i])
			set.nodes[set.count++] = i;
	if (unknown.count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("target \"%s\" needs revisions that are not in the ledger any more",
						ledger_clipped(target)),
				 errdetail("In force then, and unknown now: %s.",
						   ledger_list_ids(was, unknown))));
	return set;
}

/* How much of each squash was in force; by number. */
static LedgerExtentState *
find_extents(const LedgerState *state, const LedgerFamily *family)
{
	LedgerExtentState *extents = palloc0(sizeof(LedgerExtentState) * (family->count + 1));

	for (int i = 0; i < state->revisions->count; i++)
	{
		int			number = ledger_family_find(family, state->revisions->nodes[i].id);

		if (number >= 0 && state->revisions->nodes[i].applied)
			extents[number] = LEDGER_ALL;
	}
	for (int i = 0; i < family->nsquashes; i++)
	{
		int			squash = family->squashes[i];
		int			kids = family->kid_start[squash + 1] - family->kid_start[squash];
		int			all = 0;
		int			none = 0;

		for (int k = 0; k < kids; k++)
		{
			LedgerExtentState extent = extents[family->kids[family->kid_start[squash] + k]];

			all += extent == LEDGER_ALL;
			none += extent == LEDGER_NONE;
		}
		if (extents[squash] != LEDGER_ALL && none < kids)
			extents[squash] = all == kids ? LEDGER_ALL : LEDGER_SOME;
	}
	return extents;
}

/* Marks the squashes in use of which the state had a part only: the way goes by that. */
void
ledger_state_open(const LedgerState *state, const LedgerGraph *graph, bool *open)
{
	const LedgerReplacement *replacement = graph->replacement;
	const LedgerFamily *family = replacement->family;
	LedgerExtentState *extents = find_extents(state, family);

	for (int i = family->nsquashes - 1; i >= 0; i--)
	{
		int			squash = family->squashes[i];
		int			around = family->container[squash];

		if (around >= 0 && extents[around] == LEDGER_ALL)
			extents[squash] = LEDGER_ALL;
		if (extents[squash] != LEDGER_SOME || replacement->stands[squash] < 0)
			continue;
		if (!replacement->complete[squash])
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("there is no way into the middle of revision \"%s\"",
							family->whole->nodes[squash].id),
					 errdetail("Some of what it replaces was in force then, and not all of that "
							   "is in the ledger any more.")));
		open[squash] = true;
	}
}

/* What of a state no other of it needs. */
LedgerSet
ledger_state_heads(const LedgerGraph *graph, LedgerSet state)
{
	bool	   *needed = palloc0(graph->count + 1);
	LedgerSet	heads = {0, palloc(sizeof(int) * (state.count + 1))};

	for (int i = 0; i < state.count; i++)
		for (int e = graph->up_start[state.nodes[i]]; e < graph->up_start[state.nodes[i] + 1]; e++)
			needed[graph->up[e]] = true;
	for (int i = 0; i < state.count; i++)
		if (!needed[state.nodes[i]])
			heads.nodes[heads.count++] = state.nodes[i];
	return heads;
}

/* Those of the state for which it does not hold that marks[node] == wanted. */
static LedgerSet
exceptions(LedgerSet state, const bool *marks, bool wanted)
{
	LedgerSet	set = {0, palloc(sizeof(int) * (state.count + 1))};

	for (int i = 0; i < state.count; i++)
		if (marks[state.nodes[i]] != wanted)
			set.nodes[set.count++] = state.nodes[i];
	return set;
}

/* Marks what came into force since the state; an error when undoing it does not lead there. */
bool *
ledger_mark_since(const LedgerGraph *graph, LedgerSet state, const char *target)
{
	bool	   *then = ledger_marks(graph, state);
	bool	   *applied = palloc0(graph->count + 1);
	bool	   *marks = palloc0(graph->count + 1);
	LedgerSet	lost;
	LedgerSet	dragged;

	for (int i = 0; i < graph->count; i++)
	{
		applied[i] = graph->nodes[i].applied;
		marks[i] = applied[i] && !then[i];
	}
	lost = exceptions(state, applied, true);
	if (lost.count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot downgrade to \"%s\": not all that was in force then is applied",
						ledger_clipped(target)),
				 errdetail("Not applied now: %s.", ledger_list_ids(graph, lost)),
				 errhint("Apply it with purser.upgrade('%s') first.", ledger_clipped(target))));
	ledger_mark_needing(graph, marks);
	dragged = exceptions(state, marks, false);
	if (dragged.count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot downgrade to \"%s\" and keep what was in force then",
						ledger_clipped(target)),
				 errdetail("These need revisions that were not: %s.",
						   ledger_list_ids(graph, dragged))));
	return marks;
}
