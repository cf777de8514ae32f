/*
 * ledger_head.c
 *		The one head, known without a look at every revision.
 *
 * The newest revision that is not repeatable says in only_head whether it is the
 * one head of all there are, none of them a squash.  That follows from the one
 * before it: ledger_store_save passes it on to a revision that has that one as a
 * parent.  Whatever else changes the lineage takes it back, and the next one who
 * wants the head reads the graph and puts it in again.  Rows that are not the
 * newest say nothing: what was true when they were saved may be no more.
 * Repeatable revisions are no heads and stand in nobody's way.
 */
#include "ledger.h"

#include "catalog/pg_type.h"
#include "shared/owner_query.h"
#include "utils/builtins.h"

/* The id of the newest revision if it is known to be the one head, else NULL. */
char *
ledger_head_known(void)
{
	static OwnerQuery query = {
		.sql = "SELECT revision FROM (SELECT r.revision, r.only_head FROM purser.revision r"
		" WHERE NOT r.repeatable ORDER BY r.ordinal USING OPERATOR(pg_catalog.>) LIMIT 1) AS newest"
		" WHERE only_head",
		.indexed = true
	};
	char	   *id = NULL;

	if (shared_query_open(&query, NULL, NULL) > 0)
		id = shared_query_text(0, 1);
	shared_query_close();
	return id;
}

/* The graph has this one head: note that, where it is the newest revision. */
void
ledger_head_note(const LedgerGraph *graph, const char *id)
{
	static OwnerQuery query = {
		.sql = "UPDATE purser.revision SET only_head = true"
		" WHERE revision OPERATOR(pg_catalog.=) $1 AND ordinal OPERATOR(pg_catalog.=)"
		" (SELECT pg_catalog.max(l.ordinal) FROM purser.revision l WHERE NOT l.repeatable)",
		.writes = true, .indexed = true, .nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(id)};

	/* Which revisions a squash hides, and so the heads, depends on what is applied. */
	for (int i = 0; i < graph->whole->count; i++)
		if (graph->whole->nodes[i].replaces.count > 0)
			return;
	shared_query_open(&query, values, NULL);
	shared_query_close();
}

/* Something else than one more revision on top changed: nothing is known. */
void
ledger_head_forget(void)
{
	static OwnerQuery query = {
		.sql = "UPDATE purser.revision SET only_head = false WHERE only_head"
		" AND ordinal OPERATOR(pg_catalog.=)"
		" (SELECT pg_catalog.max(l.ordinal) FROM purser.revision l WHERE NOT l.repeatable)",
		.writes = true, .indexed = true
	};

	shared_query_open(&query, NULL, NULL);
	shared_query_close();
}
