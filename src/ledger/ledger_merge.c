/*
 * ledger_merge.c
 *		merge_heads(): one revision on top of several heads.
 */
#include "ledger.h"

#include "miscadmin.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(purser_merge_heads_0_1);

/* The heads that the targets name, each once, in the order of the graph; all without targets. */
static LedgerSet
heads_to_merge(LedgerGraph *graph, const NameList *targets)
{
	LedgerSet	heads = ledger_graph_heads(graph);
	bool	   *is_head = ledger_marks(graph, heads);
	bool	   *chosen = palloc0(graph->count + 1);

	for (int i = 0; targets && i < targets->count; i++)
	{
		const char *text = targets->items[i];
		bool		is_hidden = ledger_fit_targets(graph, &text, 1) != graph;
		LedgerTarget target = {.text = text, .base = is_hidden};

		CHECK_FOR_INTERRUPTS();
		if (!is_hidden)
			target = ledger_resolve_place(graph, text);
		if (target.base)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("target \"%s\" is not a head", ledger_clipped(target.text))));
		for (int k = 0; k < target.revisions.count; k++)
		{
			int			node = target.revisions.nodes[k];

			if (!is_head[node])
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("revision \"%s\" is not a head", graph->nodes[node].id),
						 errhint("purser.add_revision() takes any revisions as parents.")));
			chosen[node] = true;
		}
	}
	return ledger_filtered(heads, targets ? chosen : NULL);
}

static NameList
ids_of(const LedgerGraph *graph, LedgerSet set)
{
	NameList	names = {set.count, palloc(sizeof(char *) * (set.count + 1))};

	for (int i = 0; i < set.count; i++)
		names.items[i] = pstrdup(graph->nodes[set.nodes[i]].id);
	return names;
}

Datum
purser_merge_heads_0_1(PG_FUNCTION_ARGS)
{
	LedgerRevision revision = {
		.message = shared_arg_text(fcinfo, 0, "message"),
		.id = shared_arg_text_or_null(fcinfo, 2),
		.labels = shared_arg_names(fcinfo, 3, "labels"),
		.upgrade = "",
		.downgrade = "",
		.transactional = true
	};
	NameList	targets = shared_arg_names(fcinfo, 1, "targets");
	LedgerGraph *graph;
	LedgerSet	heads;

	ledger_begin_write("purser.merge_heads()");
	graph = ledger_store_graph();
	heads = heads_to_merge(graph, PG_ARGISNULL(1) ? NULL : &targets);
	if (heads.count < 2)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is nothing to merge"),
				 heads.count ?
				 errdetail("It would have one parent, %s.", ledger_list_ids(graph, heads)) :
				 errdetail("It would have no parent.")));
	revision.parents = ids_of(graph, heads);
	ledger_add(&revision);
	PG_RETURN_TEXT_P(cstring_to_text(revision.id));
}
