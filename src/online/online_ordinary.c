/*
 * online_ordinary.c
 *		Runs a segment of ordinary statements: one transaction, done or not begun.
 *
 * Before it begins it looks who holds locks that it will want, and waits for
 * them without standing in the queue, where all others would queue up behind.
 * In the queue it stands for purser.lock_timeout only; then everything is
 * rolled back, and it begins anew.
 */
#include "online.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#define COMMAND "purser.migrate()"

typedef struct Attempt
{
	OnlineWork *work;
	OnlineSegment segment;
	LedgerJournal *journal;
	bool		last;			/* the revision is complete with it */
	List	   *locks;
} Attempt;

/* Repeat what the statements before end set, in this transaction's settings. */
void
online_run_settings(const OnlineWork *work, int end)
{
	for (int i = 0; i < end; i++)
	{
		const Node *node = work->parsed->statements[i].raw->stmt;

		/* SET TRANSACTION was for the transaction that it was in. */
		if (IsA(node, VariableSetStmt) &&
			((const VariableSetStmt *) node)->kind != VAR_SET_MULTI)
			ledger_script_run(work->parsed, i, i + 1);
	}
}

/* To the end of the current level of settings. */
void
online_set_timeout(int milliseconds)
{
	char		value[16];

	snprintf(value, sizeof(value), "%d", milliseconds);
	(void) set_config_option("lock_timeout", value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* The strong locks that the segment will take on what is there now. */
static void
collect_locks(void *arg)
{
	Attempt    *attempt = arg;
	const OnlineWork *work = attempt->work;
	int			settings = NewGUCNestLevel();

	online_run_settings(work, attempt->segment.first);
	for (int i = attempt->segment.first; i < attempt->segment.end; i++)
	{
		const Node *node = work->parsed->statements[i].raw->stmt;

		if (IsA(node, VariableSetStmt) &&
			((const VariableSetStmt *) node)->kind != VAR_SET_MULTI)
			ledger_script_run(work->parsed, i, i + 1);
		attempt->locks = list_concat(attempt->locks, online_strong_locks(node));
	}
	AtEOXact_GUC(false, settings);
}

static void
run_scripts(void *arg)
{
	Attempt    *attempt = arg;
	const OnlineWork *work = attempt->work;
	LedgerScript verify = {work->revision->id, "verify", work->revision->verify};

	online_set_timeout(online_lock_timeout);
	online_run_settings(work, attempt->segment.first);
	ledger_script_run(work->parsed, attempt->segment.first, attempt->segment.end);
	if (verify.text && work->direction == LEDGER_UPGRADE && attempt->last)
		ledger_script_run_whole(&verify);
}

/* The statements, and in the same transaction how far we are. */
static void
run_segment(void *arg)
{
	Attempt    *attempt = arg;
	OnlineWork *work = attempt->work;
	LedgerUnderway *underway = work->underway;
	int64		duration = ledger_step_guard(work->revision, run_scripts, attempt);

	if (attempt->last)
	{
		ledger_step_record(attempt->journal, work->direction, work->revision,
						   underway->spent + duration);
		return;
	}
	underway->spent += duration;
	underway->next = attempt->segment.end + 1;
	underway->attempts = 0;
	ledger_underway_save(underway);
}

/* Try once, to the end of its transaction: NULL when it is done, or when it has to wait. */
static ErrorData *
attempt_segment(Attempt *attempt, OnlineWait *wait, bool *done)
{
	OnlineWork *work = attempt->work;
	LedgerUnderway before = *work->underway;
	ErrorData  *error;

	*done = false;
	online_begin(COMMAND);
	online_check_own(work);
	attempt->locks = NIL;
	attempt->journal = ledger_journal_open();
	error = online_try(collect_locks, attempt);
	/* A setting may be of something that the segment makes; all else it will say itself. */
	if (error && error->sqlerrcode != ERRCODE_QUERY_CANCELED)
		error = NULL;
	if (error == NULL && online_must_wait(wait, attempt->locks))
	{
		online_commit();
		return NULL;
	}
	if (error == NULL)
		error = online_try(run_segment, attempt);
	if (error == NULL)
	{
		*done = true;
		online_commit();
		return NULL;
	}
	*work->underway = before;
	if (online_wait_failed(wait, error, attempt->locks))
		error = NULL;
	online_rollback();
	return error;
}

/* True when the revision is complete. */
bool
online_run_ordinary(OnlineWork *work, OnlineSegment segment)
{
	OnlineWait	wait = {.revision = work->revision->id, .since = GetCurrentTimestamp()};
	Attempt		attempt = {.work = work, .segment = segment,
	.last = online_is_last(work, segment)};
	MemoryContext round = AllocSetContextCreate(work->context, "migration attempt",
												ALLOCSET_DEFAULT_SIZES);
	bool		done = false;

	while (!done)
	{
		ErrorData  *error;

		MemoryContextReset(round);
		MemoryContextSwitchTo(round);
		error = attempt_segment(&attempt, &wait, &done);
		if (error)
			online_fail(work, error);
		if (!done)
			online_wait(&wait, work);
	}
	MemoryContextSwitchTo(work->context);
	MemoryContextDelete(round);
	return attempt.last;
}
