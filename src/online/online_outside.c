/*
 * online_outside.c
 *		Runs a statement that no transaction takes: in a worker, while we wait.
 *
 * That it was begun, and what was there before, is committed first.  While the
 * worker runs this session holds no snapshot, no transaction id and no lock but
 * the runner's.
 */
#include "online.h"

#include "portability/instr_time.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define COMMAND "purser.migrate()"

typedef struct Attempt
{
	OnlineWork *work;
	const LedgerStatement *statement;
	OnlineWait	wait;
	List	   *locks;
	OnlineTask *task;
	Size		size;
	WorkerSettings *settings;
} Attempt;

/* All that the worker needs to know, with the settings that the script made before. */
static void
prepare(void *arg)
{
	Attempt    *attempt = arg;
	OnlineWork *work = attempt->work;
	LedgerUnderway *underway = work->underway;
	const Node *node = attempt->statement->raw->stmt;
	int			settings = NewGUCNestLevel();

	/* The script may set its own. */
	online_set_timeout(online_may_queue(node) ? online_lock_timeout : 0);
	online_run_settings(work, underway->next - 1);
	online_check_reachable(node);
	if (!underway->started)
	{
		MemoryContext round = MemoryContextSwitchTo(work->context);

		underway->object = online_object(node);
		underway->existing = online_existing(node, underway->object);
		MemoryContextSwitchTo(round);
	}
	attempt->locks = online_may_queue(node) ? online_strong_locks(node) : NIL;
	attempt->task = online_make_task(work, attempt->statement, &attempt->size);
	attempt->settings = shared_worker_settings();
	AtEOXact_GUC(false, settings);
}

/* Commit that the statement is begun; false when it has to wait for locks. */
static bool
begin_statement(Attempt *attempt)
{
	OnlineWork *work = attempt->work;
	ErrorData  *error;

	online_begin(COMMAND);
	online_check_own(work);
	error = online_try(prepare, attempt);
	if (error)
	{
		online_rollback();
		online_fail(work, error);
	}
	if (online_must_wait(&attempt->wait, attempt->locks))
	{
		online_commit();
		return false;
	}
	work->underway->started = true;
	work->underway->attempts = attempt->wait.attempts;
	ledger_underway_save(work->underway);
	online_commit();
	return true;
}

static void
wait_for_worker(void *arg)
{
	Attempt    *attempt = arg;
	WorkerTask	task = {"online_worker", attempt->settings, attempt->task, attempt->size};
	Worker	   *worker = shared_worker_start(&task);

	/* What looked up a name may have left a snapshot, for which the worker would wait. */
	InvalidateCatalogSnapshot();
	shared_worker_finish(worker);
}

static void
run_worker(void *arg)
{
	Attempt    *attempt = arg;
	OnlineWork *work = attempt->work;

	ledger_script_call(work->parsed, work->underway->next - 1, wait_for_worker, attempt);
}

static void
record_done(OnlineWork *work)
{
	LedgerUnderway *underway = work->underway;

	online_begin(COMMAND);
	online_check_own(work);
	underway->next++;
	underway->started = false;
	underway->object = NULL;
	underway->existing.count = 0;
	underway->attempts = 0;
	ledger_underway_save(underway);
	online_commit();
}

/* The statement failed for good: what it left is removed, and it is not begun any more. */
static void
record_failure(Attempt *attempt, ErrorData *error)
{
	OnlineWork *work = attempt->work;
	ErrorData  *second;

	/* Who cancels wants no more of it; the next run finds what is left. */
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		return;
	/* What it left is known by what was there before, whichever attempt it was. */
	attempt->task->run = false;
	attempt->task->resumed = true;
	second = online_try(run_worker, attempt);
	online_begin(COMMAND);
	online_check_own(work);
	if (second == NULL)
		work->underway->started = false;
	ledger_underway_save(work->underway);
	online_commit();
}

/* Once; true when it is done. */
static bool
run_statement(Attempt *attempt)
{
	OnlineWork *work = attempt->work;
	instr_time	start;
	instr_time	duration;
	ErrorData  *error;

	if (!begin_statement(attempt))
		return false;
	INSTR_TIME_SET_CURRENT(start);
	error = online_try(run_worker, attempt);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	work->underway->spent += INSTR_TIME_GET_MICROSEC(duration);
	if (error == NULL)
	{
		record_done(work);
		return true;
	}
	if (online_may_queue(attempt->statement->raw->stmt))
	{
		bool		again;

		online_begin(COMMAND);
		again = online_wait_failed(&attempt->wait, error, attempt->locks);
		online_commit();
		if (again)
			return false;
	}
	record_failure(attempt, error);
	online_fail(work, error);
}

void
online_run_outside(OnlineWork *work, OnlineSegment segment)
{
	Attempt		attempt = {.work = work, .statement = &work->parsed->statements[segment.first]};
	MemoryContext round = AllocSetContextCreate(work->context, "migration attempt",
												ALLOCSET_DEFAULT_SIZES);

	attempt.wait.revision = work->revision->id;
	attempt.wait.since = GetCurrentTimestamp();
	MemoryContextSwitchTo(round);
	while (!run_statement(&attempt))
	{
		online_wait(&attempt.wait, work);
		MemoryContextReset(round);
	}
	MemoryContextSwitchTo(work->context);
	MemoryContextDelete(round);
}
