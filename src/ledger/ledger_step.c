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
 * deferred constraints fire, and the ledger must still be there.  Returns the
 * time it took in microseconds.
 */
int64
ledger_step_guard(const LedgerRevision *revision, void (*run) (void *arg), void *arg)
{
	ErrorContextCallback context = {error_context_stack, deferred_context, revision->id};
	Oid			extension = shared_extension_oid();
	int			settings = NewGUCNestLevel();
	instr_time	start;
	instr_time	duration;

	INSTR_TIME_SET_CURRENT(start);
	in_script = true;
	PG_TRY();
	{
		run(arg);
		AtEOXact_GUC(false, settings);
		error_context_stack = &context;
		ledger_fire_deferred();
	}
	PG_FINALLY();
	{
		in_script = false;
	}
	PG_END_TRY();
	error_context_stack = context.previous;
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
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

	ledger_script_run_whole(&script);
	if (scripts->direction == LEDGER_UPGRADE && verify.text)
		ledger_script_run_whole(&verify);
}

static void
record(LedgerJournal *journal, const LedgerRevision *revision, LedgerEvent *event, bool in_force)
{
	event->revision = revision->id;
	event->at = GetCurrentTimestamp();
	if (in_force)
		ledger_store_set_applied(revision->id, ledger_checksum(revision->upgrade));
	else
	{
		ledger_store_unset_applied(revision->id);
		ledger_backfill_restart(revision);
	}
	ledger_journal_write(journal, event);
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
		.script = up ? revision->upgrade : revision->downgrade
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

	if (step->direction == LEDGER_UPGRADE)
		ledger_backfill_check_idle(revision, "be run whole");
	step->revision = id;
	step->message = revision->message;
	step->duration = ledger_step_guard(revision, run_scripts, &scripts);
	ledger_step_record(journal, step->direction, revision, step->duration);
}
