/*
 * ledger_check.c
 *		check_ledger(): all that is wrong with the ledger, as rows.
 *
 * Takes no lock and works on a standby: everything is read as the calling
 * statement sees it, so that the history and what is applied are of one moment.
 */
#include "ledger.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "shared/owner_query.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(purser_check_ledger_0_1);

static void
put_fault(void *arg, const LedgerFault *fault)
{
	ReturnSetInfo *result = arg;
	bool		nulls[5] = {false};
	Datum		values[5] = {
		CStringGetTextDatum(fault->severity),
		CStringGetTextDatum(fault->kind),
		CStringGetTextDatum(fault->subject),
		CStringGetTextDatum(fault->detail),
		(Datum) 0
	};

	if (fault->hint)
		values[4] = CStringGetTextDatum(fault->hint);
	else
		nulls[4] = true;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static NameList
names_column(uint64 row, int column)
{
	bool		isnull;

	return shared_names_from_array(shared_query_datum(row, column, &isnull), "names");
}

/* One row of read_revisions: a revision, what is applied, or both. */
static void
add_revision(LedgerSurvey *survey, uint64 row)
{
	LedgerNode	node = {.id = shared_query_text(row, 1)};
	char	   *applied = shared_query_text(row, 7);
	bool		isnull;

	if (applied)
		ledger_state_set(survey->applied, applied, shared_query_datum(row, 8, &isnull));
	if (node.id == NULL)
	{
		survey->gone.items[survey->gone.count++] = applied;
		return;
	}
	node.parents = names_column(row, 2);
	node.depends_on = names_column(row, 3);
	node.labels = names_column(row, 4);
	node.replaces = names_column(row, 5);
	node.repeatable = DatumGetBool(shared_query_datum(row, 6, &isnull));
	node.applied = applied != NULL;
	ledger_graph_put(survey->graph, &node);
	survey->edited[survey->graph->count - 1] = DatumGetBool(shared_query_datum(row, 9, &isnull));
}

static void
read_revisions(LedgerSurvey *survey)
{
	static OwnerQuery query = {
		.sql = "SELECT r.revision, r.parents, r.depends_on, r.labels, r.replaces, r.repeatable,"
		" a.revision, a.checksum, NOT r.repeatable AND a.checksum OPERATOR(pg_catalog.<>)"
		" pg_catalog.sha256(pg_catalog.convert_to(r.upgrade, $1::pg_catalog.name))"
		" FROM purser.revision r FULL JOIN purser.applied a"
		" ON a.revision OPERATOR(pg_catalog.=) r.revision"
		" ORDER BY r.ordinal, a.revision",
		.of_statement = true, .nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(ledger_checksum_encoding())};
	uint64		rows = shared_query_open(&query, values, NULL);

	survey->graph = ledger_graph_create(rows);
	survey->edited = palloc0(sizeof(bool) * (rows + 1));
	survey->gone.items = palloc_extended(sizeof(char *) * (rows + 1), MCXT_ALLOC_HUGE);
	survey->applied = ledger_state_create();
	for (uint64 row = 0; row < rows; row++)
		add_revision(survey, row);
	shared_query_close();
}

typedef struct History
{
	LedgerChain *chain;
	LedgerState *state;
} History;

static void
take_record(void *arg, const LedgerRecord *record)
{
	History    *history = arg;

	ledger_chain_add(history->chain, record);
	ledger_state_replay(history->state, record);
}

/* Reports what is wrong with it; returns the state that it leads to. */
static LedgerState *
read_history(const LedgerReport *report, int64 *last_id)
{
	History		history = {ledger_chain_create(report), ledger_state_create()};

	ledger_events_read(PG_INT64_MAX, true, take_record, &history);
	*last_id = history.chain->last_id;
	return history.state;
}

static void
check_tags(int64 last_event, const LedgerReport *report)
{
	static OwnerQuery query = {
		.sql = "SELECT t.name, t.event_id::pg_catalog.text FROM purser.tag t"
		" WHERE t.event_id OPERATOR(pg_catalog.>) $1 OR t.event_id OPERATOR(pg_catalog.<) 0"
		" ORDER BY t.name",
		.of_statement = true, .nargs = 1, .argtypes = {INT8OID}
	};
	Datum		values[] = {Int64GetDatum(last_event)};
	uint64		rows = shared_query_open(&query, values, NULL);

	for (uint64 row = 0; row < rows; row++)
	{
		LedgerFault fault = {"error", "tag_without_event", shared_query_text(row, 1),
			psprintf("It marks event %s, which does not exist.", shared_query_text(row, 2)),
		"Events were removed, or the tag was changed; purser.untag() takes it away."};

		report->put(report->arg, &fault);
	}
	shared_query_close();
}

Datum
purser_check_ledger_0_1(PG_FUNCTION_ARGS)
{
	LedgerReport report = {put_fault, fcinfo->resultinfo};
	LedgerSurvey survey = {0};
	int64		last_event;

	InitMaterializedSRF(fcinfo, 0);
	/* One moment, and now: an older snapshot would show what is ours, but not what it builds on. */
	PushActiveSnapshot(GetLatestSnapshot());
	read_revisions(&survey);
	survey.cover = ledger_cover_make(survey.graph);
	ledger_find_graph_faults(&survey, &report);
	survey.history = read_history(&report, &last_event);
	ledger_find_state_faults(&survey, &report);
	check_tags(last_event, &report);
	ledger_find_warnings(&survey, &report);
	PopActiveSnapshot();
	return (Datum) 0;
}
