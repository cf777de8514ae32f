/*
 * ledger_squash.c
 *		SQL function that writes one revision in the place of a range of them.
 */
#include "ledger.h"

#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(purser_squash_0_1);

/* One end of the range; a revision of the graph as it is in force. */
static int
resolve_end(const LedgerGraph *graph, const char *text)
{
	int			aside = ledger_find_aside(graph, text);

	if (aside >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("revision \"%s\" cannot begin or end a range to squash",
						graph->whole->nodes[aside].id),
				 ledger_replaced_by(graph, aside) ?
				 errdetail("It is replaced by revision \"%s\".",
						   ledger_replaced_by(graph, aside)) :
				 graph->whole->nodes[aside].repeatable ? errdetail("It is repeatable.") :
				 errdetail("It replaces revisions of which only some are applied.")));
	return ledger_resolve_revision(graph, text);
}

/* The ids of needed revisions that are no members themselves, nor inside of one. */
static NameList
outside_of(const LedgerGraph *graph, LedgerSet range, NameList needed)
{
	NameList	left = {0, palloc(sizeof(char *) * (needed.count + 1))};
	bool	   *in_range = ledger_marks(graph, range);

	for (int i = 0; i < needed.count; i++)
	{
		int			node = ledger_graph_find(graph, needed.items[i]);

		if (node < 0)
			node = graph->replacement->node[ledger_family_find(graph->replacement->family,
															   needed.items[i])];
		if (node < 0 || !in_range[node])
			left.items[left.count++] = needed.items[i];
	}
	return left;
}

/* What is both a parent and a dependency is a parent. */
static NameList
without(NameList names, NameList others)
{
	NameList	left = {0, palloc(sizeof(char *) * (names.count + 1))};

	for (int i = 0; i < names.count; i++)
	{
		bool		found = false;

		for (int k = 0; k < others.count && !found; k++)
			found = strcmp(names.items[i], others.items[k]) == 0;
		if (!found)
			left.items[left.count++] = names.items[i];
	}
	return left;
}

static LedgerRevision *
squash(const LedgerGraph *graph, int from, int to)
{
	LedgerSet	range = ledger_squash_range(graph, from, to);
	LedgerRevision **members = palloc(sizeof(LedgerRevision *) * range.count);
	LedgerRevision *revision;

	for (int i = 0; i < range.count; i++)
		members[i] = ledger_store_need(graph->nodes[range.nodes[i]].id);
	revision = ledger_combine(members, range.count);
	revision->depends_on = without(outside_of(graph, range, revision->depends_on),
								   revision->parents);
	return revision;
}

Datum
purser_squash_0_1(PG_FUNCTION_ARGS)
{
	char	   *from = shared_arg_text(fcinfo, 0, "from");
	char	   *to = shared_arg_text(fcinfo, 1, "to");
	char	   *message = shared_arg_text(fcinfo, 2, "message");
	LedgerRevision *revision;
	LedgerGraph *graph;

	ledger_begin_write("purser.squash()");
	graph = ledger_store_graph();
	revision = squash(graph, resolve_end(graph, from), resolve_end(graph, to));
	revision->message = message;
	revision->id = shared_arg_text_or_null(fcinfo, 3);
	ledger_add(revision);
	PG_RETURN_TEXT_P(cstring_to_text(revision->id));
}
