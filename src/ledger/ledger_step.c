/*
 * ledger_step.c
 *		One step: a revision's scripts, then its rows in the ledger.
 *
 * The scripts run as the caller, with the caller's settings, which are put back
 * at the end.  An error undoes scripts and rows together.
 */
#include "ledger.h"

#include "portability/instr_time.h"
#include "shared/owner_query.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

/* A user's script is running in this session. */
static bool in_script = false;

void
ledger_check_not_in_script(const char *command)
{
	if (in_script)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("cannot execute %s while a migration script runs", command),
				 errdetail("The ledger is in the middle of a step.")));
}

static void
deferred_context(void *arg)
{
	errcontext("deferred constraints at the end of revision \"%s\"", (const char *) arg);
}

/* The script that the step runs; it points into the revision. */
LedgerScript
ledger_step_script(LedgerDirection direction, const LedgerRevision *revision)
{
	bool		up = direction == LEDGER_UPGRADE;
	LedgerScript script = {revision->id, up ? "upgrade" : "downgrade",
	up ? revision->upgrade : revision->downgrade};

	if (script.text == NULL && revision->repeatable)
		script.text = "";
	/* The plan had one; a script before this step may have taken it away. */
	if (script.text == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the downgrade script of revision \"%s\" is gone", revision->id)));
	return script;
}

/* A script may do anything that its caller may, but not drop the ledger under us. */
static void
check_extension(Oid extension, const char *revision)
{
	if (shared_extension_oid() != extension)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("a script of revision \"%s\" drops extension \"%s\"",
						revision, PURSER_EXTENSION),
				 errdetail("The ledger that records the step would be gone.")));
}

/*
 * Let run(arg) run code of the revision: settings are put back after it,
 * deferred constraints fire, with the caller's settings, which are put back
 * once more, and the ledger must still be there.  Returns the time it took in
 * microseconds.
 */
int64
ledger_step_guard(const LedgerRevision *revision, void (*run) (void *arg), void *arg)
{
	ErrorContextCallback context = {error_context_stack, deferred_context, revision->id};
	Oid			extension = shared_extension_oid();
	int			settings = NewGUCNestLevel();
	instr_time	start;
	instr_time	duration;

	shared_owner_forget();
	INSTR_TIME_SET_CURRENT(start);
	in_script = true;
	PG_TRY();
	{
		int			fired_settings;

		run(arg);
		AtEOXact_GUC(false, settings);
		error_context_stack = &context;
		fired_settings = NewGUCNestLevel();
		ledger_fire_deferred();
		AtEOXact_GUC(false, fired_settings);
	}
	PG_FINALLY();
	{
		in_script = false;
	}
	PG_END_TRY();
	error_context_stack = context.previous;
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	shared_owner_keep();
	check_extension(extension, revision->id);
	return INSTR_TIME_GET_MICROSEC(duration);
}

typedef struct StepScripts
{
	LedgerDirection direction;
	const LedgerRevision *revision;
} StepScripts;

static void
run_scripts(void *arg)
{
	StepScripts *scripts = arg;
	LedgerScript script = ledger_step_script(scripts->direction, scripts->revision);
	LedgerScript verify = {script.revision, "verify", scripts->revision->verify};

	if (scripts->direction == LEDGER_UPGRADE)
		ledger_check_preconditions(scripts->revision);
	ledger_script_run_whole(&script);
	if (scripts->direction == LEDGER_UPGRADE && verify.text)
		ledger_script_run_whole(&verify);
}

static void
record_one(LedgerJournal *journal, const LedgerRevision *revision, LedgerEvent *event,
		   bool in_force)
{
	event->revision = revision->id;
	event->at = GetCurrentTimestamp();
	if (journal->any_underway)
		ledger_underway_remove(revision->id);
	if (in_force)
		ledger_store_set_applied(revision->id, ledger_checksum(revision->upgrade));
	else
	{
		ledger_store_unset_applied(revision->id);
		ledger_backfill_restart(revision);
	}
	ledger_journal_write(journal, event);
}

/* Rows that say the same as others do, of squashes and what they replace. */
static void
record_set(LedgerJournal *journal, LedgerSet set, bool in_force)
{
	for (int i = 0; i < set.count; i++)
	{
		LedgerRevision *revision = ledger_store_need(journal->graph->whole->nodes[set.nodes[i]].id);
		LedgerEvent event = {
			.kind = in_force ? "stamp" : "unstamp",
			.duration = -1,
			.script = in_force ? revision->upgrade : NULL
		};

		record_one(journal, revision, &event, in_force);
	}
}

/* The revision's row and event, then those of the rows that go with it. */
static void
record(LedgerJournal *journal, const LedgerRevision *revision, LedgerEvent *event, bool in_force)
{
	if (journal->graph == NULL && ledger_store_has_squashes())
	{
		MemoryContext caller = MemoryContextSwitchTo(journal->context);

		journal->graph = ledger_store_graph();
		MemoryContextSwitchTo(caller);
	}
	record_one(journal, revision, event, in_force);
	if (journal->graph)
		record_set(journal, ledger_recorded_with(journal->graph, revision->id, in_force), in_force);
}

/* The run goes by this graph: record what it takes to be in force. */
void
ledger_step_settle(LedgerJournal *journal, LedgerGraph *graph)
{
	journal->graph = graph;
	record_set(journal, ledger_unrecorded(graph), true);
}

/* The revision leaves the ledger: its own row goes, while others say what is in force. */
void
ledger_step_unrecord(LedgerJournal *journal, const char *id)
{
	LedgerEvent event = {.kind = "unstamp", .duration = -1};

	record_one(journal, ledger_store_need(id), &event, false);
}

/* The revision's scripts ran: it is in force from now on, or is not any more. */
void
ledger_step_record(LedgerJournal *journal, LedgerDirection direction,
				   const LedgerRevision *revision, int64 duration)
{
	bool		up = direction == LEDGER_UPGRADE;
	LedgerEvent event = {
		.kind = ledger_direction_name(direction),
		.duration = duration,
		.script = ledger_step_script(direction, revision).text
	};

	record(journal, revision, &event, up);
}

/* State that the revision is in force, or not any more, without running it. */
void
ledger_step_stamp(LedgerJournal *journal, const LedgerRevision *revision, bool in_force)
{
	LedgerEvent event = {
		.kind = in_force ? "stamp" : "unstamp",
		.duration = -1,
		.script = in_force ? revision->upgrade : NULL
	};

	ledger_backfill_restart(revision);
	record(journal, revision, &event, in_force);
}

/* The whole revision in the caller's transaction; fills in the step but for its number. */
void
ledger_step_run(LedgerJournal *journal, const char *id, LedgerStep *step)
{
	LedgerRevision *revision = ledger_store_need(id);
	StepScripts scripts = {step->direction, revision};

	if (!revision->transactional)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the statements of revision \"%s\" do not share a transaction", id),
				 errhint("CALL purser.migrate() runs each in its own.")));
	if (journal->any_underway)
		ledger_underway_check_step(revision);
	if (step->direction == LEDGER_UPGRADE)
	{
		ledger_backfill_check_idle(revision, "be run whole");
		ledger_backfill_restart(revision);
	}
	step->revision = id;
	step->message = revision->message;
	step->duration = ledger_step_guard(revision, run_scripts, &scripts);
	ledger_step_record(journal, step->direction, revision, step->duration);
}

/* Stamps a revision whose work is there already, in place of the step; else returns false. */
bool
ledger_step_fake(LedgerJournal *journal, const char *id, LedgerStep *step)
{
	LedgerRevision *revision = ledger_store_need(id);
	LedgerScript script = ledger_step_script(LEDGER_UPGRADE, revision);

	if (!ledger_is_there(&script))
		return false;
	step->revision = id;
	step->message = revision->message;
	step->stamped = true;
	ledger_step_stamp(journal, revision, true);
	return true;
}
