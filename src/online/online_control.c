/*
 * online_control.c
 *		SQL functions that pause, resume and cancel a backfill from another session.
 *
 * They take no lock of the ledger's, which the runner has most of the time: only
 * the row of the backfill, which waits for the batch under way.
 */
#include "online.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "shared/owner_query.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(purser_pause_backfill_0_1);
PG_FUNCTION_INFO_V1(purser_resume_backfill_0_1);
PG_FUNCTION_INFO_V1(purser_cancel_backfill_0_1);

/* True if the row changed, or is as it should be. */
static bool
change_state(const char *revision, const char *state, NameList from)
{
	static OwnerQuery query = {
		.sql = "UPDATE purser.backfill SET state = $2, error = NULL, throttled_by = NULL,"
		" updated_at = $4 WHERE revision OPERATOR(pg_catalog.=) $1"
		" AND state OPERATOR(pg_catalog.=) ANY ($3)",
		.writes = true, .nargs = 4, .argtypes = {TEXTOID, TEXTOID, TEXTARRAYOID, TIMESTAMPTZOID}
	};
	Datum		values[] = {
		CStringGetTextDatum(revision),
		CStringGetTextDatum(state),
		shared_names_to_array(from),
		TimestampTzGetDatum(GetCurrentTimestamp())
	};
	bool		changed = shared_query_open(&query, values, NULL) > 0;

	shared_query_close();
	return changed;
}

pg_noreturn static void
report_refusal(const char *revision, const char *verb)
{
	char	   *state = online_progress_state(revision);

	if (state == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no backfill of revision \"%s\"", revision),
				 errhint("It begins with CALL purser.migrate().")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot %s the backfill of revision \"%s\", which is %s", verb, revision,
					state)));
}

static Datum
control(FunctionCallInfo fcinfo, const char *verb, const char *state, NameList from)
{
	char	   *target = shared_arg_text(fcinfo, 0, "revision");
	char	   *command = psprintf("purser.%s_backfill()", verb);
	LedgerGraph *graph;
	const char *id;

	PreventCommandDuringRecovery(command);
	PreventCommandIfReadOnly(command);
	ledger_check_not_in_script(command);
	graph = ledger_store_graph();
	id = graph->nodes[ledger_resolve_revision(graph, target)].id;
	if (!change_state(id, state, from))
		report_refusal(id, verb);
	PG_RETURN_TEXT_P(cstring_to_text(id));
}

Datum
purser_pause_backfill_0_1(PG_FUNCTION_ARGS)
{
	static char *from[] = {"running", "paused", "failed"};

	return control(fcinfo, "pause", "paused", (NameList) {lengthof(from), from});
}

Datum
purser_resume_backfill_0_1(PG_FUNCTION_ARGS)
{
	static char *from[] = {"running", "paused", "cancelled", "failed"};

	return control(fcinfo, "resume", "running", (NameList) {lengthof(from), from});
}

Datum
purser_cancel_backfill_0_1(PG_FUNCTION_ARGS)
{
	static char *from[] = {"running", "paused", "cancelled", "failed"};

	return control(fcinfo, "cancel", "cancelled", (NameList) {lengthof(from), from});
}
