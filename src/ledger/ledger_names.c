/*
 * ledger_names.c
 *		Does a revision fit among the others: are its names free, is what it needs there?
 *
 * Each is a look at an index or two, so that adding a revision costs the same
 * whether there are ten or ten thousand.
 */
#include "ledger.h"

#include "catalog/pg_type.h"
#include "shared/owner_query.h"
#include "utils/builtins.h"

/* Is one of two revisions a squash of the other, the first not stored yet? */
static bool
are_squashed_together(const LedgerRevision *revision, const char *other)
{
	LedgerGraph *whole = ledger_store_whole();
	LedgerNode	node = {.id = revision->id, .replaces = revision->replaces};

	ledger_graph_put(whole, &node);
	return ledger_is_inside(whole, revision->id, other) ||
		ledger_is_inside(whole, other, revision->id);
}

/*
 * Ids and labels are one space of names: a label may not be taken in it, but a
 * squash may have the labels of what it replaces.
 */
void
ledger_store_check_names(const LedgerRevision *revision)
{
	static OwnerQuery query = {
		.sql = "SELECT r.revision, true FROM purser.revision r"
		" WHERE r.revision OPERATOR(pg_catalog.<>) $1"
		" AND r.revision OPERATOR(pg_catalog.=) ANY ($2)"
		" UNION ALL SELECT r.revision, r.labels OPERATOR(pg_catalog.&&) ARRAY[$1]"
		" FROM purser.revision r"
		" WHERE r.revision OPERATOR(pg_catalog.<>) $1 AND r.labels OPERATOR(pg_catalog.<>) '{}'"
		" AND r.labels OPERATOR(pg_catalog.&&) (ARRAY[$1] OPERATOR(pg_catalog.||) $2)",
		.indexed = true, .nargs = 2, .argtypes = {TEXTOID, TEXTARRAYOID}
	};
	Datum		values[] = {
		CStringGetTextDatum(revision->id),
		shared_names_to_array(revision->labels)
	};
	uint64		count = shared_query_open(&query, values, NULL);
	char	  **owners = palloc(sizeof(char *) * (count + 1));
	bool	   *is_id = palloc(count + 1);

	for (uint64 row = 0; row < count; row++)
	{
		bool		isnull;

		owners[row] = shared_query_text(row, 1);
		is_id[row] = DatumGetBool(shared_query_value(row, 2, &isnull));
	}
	shared_query_close();
	for (uint64 i = 0; i < count; i++)
		if (is_id[i] || !are_squashed_together(revision, owners[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("the id or a label of revision \"%s\" is taken by revision \"%s\"",
							revision->id, owners[i]),
					 errdetail("A label may belong to one revision only, and may not be an id.")));
}

/*
 * Is the revision, which is new, nothing but one more that needs some of the
 * others?  No if something is missing, or a squash plays a part.
 */
bool
ledger_store_is_simple(const LedgerRevision *revision)
{
	static OwnerQuery query = {
		.sql = "SELECT FROM pg_catalog.unnest($1 OPERATOR(pg_catalog.||) $2) AS n(id)"
		" WHERE NOT EXISTS (SELECT FROM purser.revision r"
		" WHERE r.revision OPERATOR(pg_catalog.=) n.id AND NOT r.repeatable)"
		" UNION ALL SELECT FROM purser.revision s WHERE s.replaces OPERATOR(pg_catalog.<>) '{}'"
		" AND s.replaces OPERATOR(pg_catalog.&&) ARRAY[$3] LIMIT 1",
		.indexed = true, .nargs = 3, .argtypes = {TEXTARRAYOID, TEXTARRAYOID, TEXTOID}
	};
	Datum		values[] = {
		shared_names_to_array(revision->parents),
		shared_names_to_array(revision->depends_on),
		CStringGetTextDatum(revision->id)
	};
	bool		simple = revision->replaces.count == 0;

	if (simple)
	{
		simple = shared_query_open(&query, values, NULL) == 0;
		shared_query_close();
	}
	return simple;
}
