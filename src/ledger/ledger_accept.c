/*
 * ledger_accept.c
 *		Scripts that were edited after they were applied.
 *
 * What is applied has the checksum of the upgrade script that ran.  Another
 * text may be loaded, but nothing is applied on top of it until somebody says
 * that it is as good: purser.accept().  Repeatable revisions are exempt, as
 * another text of theirs means to run them again.
 */
#include "ledger.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "shared/owner_query.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(purser_accept_0_1);

/* What convert_to() makes of a script is then what ledger_checksum() takes. */
const char *
ledger_checksum_encoding(void)
{
	return pg_encoding_to_char(GetDatabaseEncoding() == PG_SQL_ASCII ? PG_SQL_ASCII : PG_UTF8);
}

/* Raise an error if the upgrade script of an applied revision is not the one that was applied. */
void
ledger_check_edited(void)
{
	static OwnerQuery query = {
		.sql = "SELECT r.revision FROM purser.applied a JOIN purser.revision r"
		" ON r.revision OPERATOR(pg_catalog.=) a.revision"
		" WHERE NOT r.repeatable AND a.checksum OPERATOR(pg_catalog.<>)"
		" pg_catalog.sha256(pg_catalog.convert_to(r.upgrade, $1::pg_catalog.name))"
		" ORDER BY r.ordinal",
		.nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(ledger_checksum_encoding())};
	uint64		rows = shared_query_open(&query, values, NULL);
	LedgerGraph *edited = ledger_graph_create(rows);
	LedgerSet	all = {rows, palloc(sizeof(int) * (rows + 1))};

	for (uint64 row = 0; row < rows; row++)
	{
		LedgerNode	node = {.id = shared_query_text(row, 1)};

		ledger_graph_put(edited, &node);
		all.nodes[row] = row;
	}
	shared_query_close();
	if (rows > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("scripts were edited after they were applied"),
				 errdetail_plural("The upgrade script of %s is not the one that was applied.",
								  "The upgrade scripts of %s are not the ones that were applied.",
								  rows, ledger_list_ids(edited, all)),
				 errhint("Load the text that was applied, or use purser.accept() if the new one "
						 "leads to the same.")));
}

/* From now on, the text that is there counts as the one that was applied. */
static void
accept_text(const char *id)
{
	LedgerRevision *revision = ledger_store_need(id);
	LedgerEvent event = {.kind = "accept", .revision = id, .at = GetCurrentTimestamp(),
	.duration = -1, .script = revision->upgrade};

	ledger_store_set_checksum(id, ledger_checksum(revision->upgrade));
	ledger_journal_write(ledger_journal_open(), &event);
}

Datum
purser_accept_0_1(PG_FUNCTION_ARGS)
{
	char	   *target = shared_arg_text(fcinfo, 0, "revision");
	LedgerGraph *graph;
	const char *id;
	Datum		checksum;

	ledger_begin_write("purser.accept()");
	graph = ledger_store_graph();
	id = graph->whole->nodes[ledger_resolve_any(graph, target)].id;
	if (!ledger_store_checksum(id, &checksum))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" is not applied", id),
				 errdetail("Only a script that was applied can be accepted in another form.")));
	if (!ledger_same_bytes(checksum, ledger_checksum(ledger_store_need(id)->upgrade)))
		accept_text(id);
	PG_RETURN_TEXT_P(cstring_to_text(id));
}
