/*
 * adopt_functions.c
 *		adopt(): the ledger's side of it, and its rows.
 */
#include "adopt.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "shared/owner_query.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(purser_adopt_0_1);

/* Ids of the applied revisions whose scripts begin so. */
static NameList
adopted_before(char *script_start)
{
	static OwnerQuery query = {
		.sql = "SELECT COALESCE(pg_catalog.array_agg(r.revision), '{}')"
		" FROM purser.revision r, purser.applied a"
		" WHERE a.revision OPERATOR(pg_catalog.=) r.revision"
		" AND pg_catalog.starts_with(r.upgrade, $1)",
		.nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		start = CStringGetTextDatum(script_start);
	NameList	ids;
	bool		isnull;

	shared_query_open(&query, &start, NULL);
	ids = shared_names_from_array(shared_query_datum(0, 1, &isnull), "adopted");
	shared_query_close();
	return ids;
}

/*
 * What was undone here and is still in the tool's table was not put back by the
 * tool, which does not know that it is gone.
 */
static void
check_not_undone(const AdoptHistory *history, const AdoptPlan *plan)
{
	static OwnerQuery query = {
		.sql = "SELECT r.id FROM pg_catalog.unnest($1) r(id), LATERAL (SELECT e.kind"
		" FROM purser.event e WHERE e.revision OPERATOR(pg_catalog.=) r.id"
		" ORDER BY e.id USING OPERATOR(pg_catalog.>) LIMIT 1) last"
		" WHERE last.kind OPERATOR(pg_catalog.=) 'downgrade' LIMIT 1",
		.nargs = 1, .argtypes = {TEXTARRAYOID}
	};
	NameList	ids = {0, palloc(sizeof(char *) * (plan->stamp.count + 1))};
	Datum		value;

	for (int i = 0; i < plan->stamp.count; i++)
		if (plan->add[plan->stamp.nodes[i]] == NULL)
			ids.items[ids.count++] =
				unconstify(char *, plan->graph->nodes[plan->stamp.nodes[i]].id);
	value = shared_names_to_array(ids);
	if (shared_query_open(&query, &value, NULL) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" was undone by the ledger after %s had applied it",
						shared_query_text(0, 1), history->tool->title),
				 errdetail("Table %s still says that it is applied.", history->name),
				 errhint("Make the tool's table say what is so, or use purser.stamp().")));
	shared_query_close();
}

static void
warn_of_strangers(const AdoptHistory *history, const AdoptPlan *plan)
{
	if (plan->strange.count > 0)
		ereport(WARNING,
				(errmsg("revisions of the ledger are built on nothing that is applied"),
				 errdetail("They are %s.", ledger_list_ids(plan->graph, plan->strange)),
				 errhint("purser.upgrade() would run them. If %s has, give them the ids that it "
						 "has for them, and adopt again.", history->tool->title)));
}

/* One row of the result; id and name may be NULL. */
static void
put_row(ReturnSetInfo *result, const char *action, const char *id, const char *name,
		const char *message)
{
	bool		nulls[4] = {false, id == NULL, name == NULL, false};
	Datum		values[4] = {
		CStringGetTextDatum(action),
		id ? CStringGetTextDatum(id) : (Datum) 0,
		name ? CStringGetTextDatum(name) : (Datum) 0,
		CStringGetTextDatum(message)
	};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
remove_gone(ReturnSetInfo *result, const AdoptPlan *plan, LedgerJournal *journal)
{
	for (int i = 0; i < plan->remove.count; i++)
	{
		LedgerRevision *revision = ledger_store_need(plan->graph->nodes[plan->remove.nodes[i]].id);

		put_row(result, "unstamp", revision->id, NULL, revision->message);
		if (journal == NULL)
			continue;
		ledger_step_stamp(journal, revision, false);
		ledger_store_remove(revision->id);
	}
}

/* Stamp what is to be in force, placeholders after they were stored. */
static void
stamp(ReturnSetInfo *result, const AdoptPlan *plan, LedgerJournal *journal)
{
	for (int i = 0; i < plan->stamp.count; i++)
	{
		int			node = plan->stamp.nodes[i];
		LedgerRevision *revision = plan->add[node];
		const AdoptEntry *entry = plan->entry_of[node];

		CHECK_FOR_INTERRUPTS();
		if (revision)
		{
			ledger_check_revision(revision);
			ledger_store_check_names(revision);
		}
		if (revision && journal)
			ledger_store_save(revision);
		if (revision == NULL)
			revision = ledger_store_need(plan->graph->nodes[node].id);
		put_row(result, plan->add[node] ? "add" : "stamp", revision->id,
				entry ? entry->name : NULL, revision->message);
		if (journal)
			ledger_step_stamp(journal, revision, true);
	}
}

static void
put_skipped(ReturnSetInfo *result, AdoptEntries entries)
{
	for (int i = 0; i < entries.count; i++)
		if (entries.items[i].skipped)
			put_row(result, "skip", NULL, entries.items[i].name, entries.items[i].skipped);
}

Datum
purser_adopt_0_1(PG_FUNCTION_ARGS)
{
	char	   *tool = shared_arg_text_or_null(fcinfo, 0);
	Oid			source = PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1);
	bool		dry_run = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	AdoptHistory history;
	AdoptEntries entries;
	LedgerGraph *graph;
	AdoptPlan  *plan;
	LedgerJournal *journal;
	NameList	adopted;

	InitMaterializedSRF(fcinfo, 0);
	ledger_begin_write("purser.adopt()");
	history = adopt_find(tool, source);
	adopt_lock(&history);
	adopted = adopted_before(adopt_script_start(&history));
	entries = adopt_read(&history, adopted);
	if (entries.count == 0 && adopted.count == 0)
		ereport(NOTICE,
				(errmsg("table %s has nothing to adopt", history.name)));
	graph = ledger_store_whole();
	ledger_graph_finish(graph);
	plan = adopt_plan(&history, graph, entries, adopted);
	check_not_undone(&history, plan);
	if (plan->stamp.count > 0)
		ledger_check_edited();
	journal = dry_run ? NULL : ledger_journal_open();
	remove_gone(result, plan, journal);
	stamp(result, plan, journal);
	put_skipped(result, entries);
	warn_of_strangers(&history, plan);
	return (Datum) 0;
}
