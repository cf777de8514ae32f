/*
 * ledger_run.c
 *		Goes through a plan: each step's scripts, then its rows in the ledger.
 *
 * All in the caller's transaction: an error anywhere undoes scripts and rows
 * together.  The scripts run as the caller, with the caller's settings, which
 * are put back after each step.  Callers hold no snapshot of the ledger: it is
 * read after the lock was taken.
 */
#include "ledger.h"

#include "miscadmin.h"
#include "portability/instr_time.h"
#include "shared/owner_query.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* A user's script is running in this session. */
static bool in_script = false;

/*
 * To be called first by everything that changes the ledger: may it, now?
 * Then waits until no other transaction does.
 */
void
ledger_begin_write(const char *command)
{
	PreventCommandDuringRecovery(command);
	PreventCommandIfReadOnly(command);
	if (in_script)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("cannot execute %s while a migration script runs", command),
				 errdetail("The ledger is in the middle of a step.")));
	ledger_lock();
}

static void
deferred_context(void *arg)
{
	errcontext("deferred constraints at the end of revision \"%s\"", (const char *) arg);
}

static void
run_scripts(LedgerDirection direction, const LedgerRevision *revision)
{
	bool		up = direction == LEDGER_UPGRADE;
	LedgerScript script = {revision->id, up ? "upgrade" : "downgrade",
	up ? revision->upgrade : revision->downgrade};
	LedgerScript verify = {revision->id, "verify", revision->verify};
	ErrorContextCallback context = {error_context_stack, deferred_context, revision->id};
	int			settings;

	/* The plan had one; a script before this step may have taken it away. */
	if (script.text == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the downgrade script of revision \"%s\" is gone", revision->id)));

	settings = NewGUCNestLevel();
	ledger_script_run(&script);
	if (up && verify.text)
		ledger_script_run(&verify);
	AtEOXact_GUC(false, settings);

	error_context_stack = &context;
	ledger_fire_deferred();
	error_context_stack = context.previous;
}

/*
 * A script builds on what the revisions before it did.  Where another session
 * ran some of them after this transaction's snapshot was taken, the script
 * would find their tables, but not their rows.
 */
static void
check_snapshot(void)
{
	if (!ledger_journal_is_visible())
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to a concurrent change of the ledger"),
				 errdetail("Scripts would run with a snapshot that was taken before it."),
				 errhint("Repeat the transaction.")));
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

static void
record(LedgerJournal *journal, LedgerDirection direction, const LedgerRevision *revision,
	   int64 duration)
{
	bool		up = direction == LEDGER_UPGRADE;
	LedgerEvent event = {
		.kind = up ? "upgrade" : "downgrade",
		.revision = revision->id,
		.at = GetCurrentTimestamp(),
		.duration = duration,
		.script = up ? revision->upgrade : revision->downgrade
	};

	if (up)
		ledger_store_set_applied(revision->id, ledger_checksum(revision->upgrade));
	else
		ledger_store_unset_applied(revision->id);
	ledger_journal_write(journal, &event);
}

/* Fills in the step but for its number. */
static void
run_step(LedgerJournal *journal, const char *id, LedgerStep *step)
{
	Oid			extension = shared_extension_oid();
	LedgerRevision *revision = ledger_store_need(id);
	instr_time	start;
	instr_time	duration;

	INSTR_TIME_SET_CURRENT(start);
	in_script = true;
	PG_TRY();
	{
		run_scripts(step->direction, revision);
	}
	PG_FINALLY();
	{
		in_script = false;
	}
	PG_END_TRY();
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);

	check_extension(extension, id);
	step->revision = id;
	step->message = revision->message;
	step->duration = INSTR_TIME_GET_MICROSEC(duration);
	record(journal, step->direction, revision, step->duration);
}

/* Upgrade or downgrade; done() hears of each step while its memory is there. */
void
ledger_run(LedgerDirection direction, const char *target, LedgerStepDone done, void *arg)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext step_context = AllocSetContextCreate(caller, "ledger step",
													   ALLOCSET_DEFAULT_SIZES);
	LedgerStep	step = {.direction = direction};
	LedgerGraph *graph;
	LedgerSet	plan;
	LedgerJournal *journal = NULL;

	ledger_begin_write(direction == LEDGER_UPGRADE ? "purser.upgrade()" : "purser.downgrade()");
	graph = ledger_store_graph();
	plan = ledger_plan(graph, direction, target);
	if (plan.count > 0)
	{
		journal = ledger_journal_open();
		check_snapshot();
		ledger_check_deferred();
	}
	for (int i = 0; i < plan.count; i++)
	{
		MemoryContextSwitchTo(step_context);
		step.number = i + 1;
		run_step(journal, graph->nodes[plan.nodes[i]].id, &step);
		done(arg, &step);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(step_context);
	}
	MemoryContextDelete(step_context);
}
