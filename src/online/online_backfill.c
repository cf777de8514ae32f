/*
 * online_backfill.c
 *		Runs a revision in batches: a transaction for each, until none is left.
 *
 * Each transaction takes the ledger's lock, then the lock of the backfill's row,
 * and only then looks at how far things are: any number of runners, one after
 * the other or at once, does each batch once.  Work happens in a subtransaction,
 * so that a batch which does not get its locks leaves a transaction that can
 * note it.
 */
#include "online.h"

#include "executor/instrument.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define COMMAND "purser.migrate()"

/* Waits, in milliseconds, after a batch that did not get its locks. */
#define FIRST_BACKOFF 50
#define LONGEST_BACKOFF 5000

/* How much the last batch counts in the rate that is shown. */
#define RATE_WEIGHT 0.3

typedef enum TurnEnd
{
	TURN_GO_ON,
	TURN_DONE,
	TURN_PAUSED,
	TURN_CANCELLED
} TurnEnd;

/* One session's run of one revision. */
typedef struct Runner
{
	const char *revision;
	bool		taking;			/* the turn puts this session on record as the runner, */
	bool		taken;			/* and that is committed */
	TurnEnd		end;			/* of the last turn */
	OnlineHold	hold;			/* before the next turn */
	int			size;			/* of the last batch that was tried */
	TimestampTz turned_at;		/* end of the last batch, or start */
	double		rows_per_second;
	TimestampTz failing_since;	/* 0: the last batch got its locks */
	long		backoff;		/* milliseconds */
} Runner;

/* Begins the backfill, or takes it over; nothing is done yet. */
static void
take(Runner *runner, const OnlineProgress *progress)
{
	OnlineBatchTask *task = online_batch_task(runner->revision);

	if (progress)
		online_progress_go_on(runner->revision);
	else
	{
		ledger_check_preconditions(task->revision);
		online_batch_begin(task);
	}
	runner->taking = true;
	runner->turned_at = GetCurrentTimestamp();
}

static void
set_rate(Runner *runner, uint64 rows)
{
	TimestampTz now = GetCurrentTimestamp();
	double		rate = rows * 1e6 / Max(now - runner->turned_at, 1);

	if (runner->rows_per_second > 0)
		rate = RATE_WEIGHT * rate + (1 - RATE_WEIGHT) * runner->rows_per_second;
	runner->rows_per_second = rate;
	runner->turned_at = now;
}

static void
run_batch(Runner *runner, const OnlineProgress *progress)
{
	OnlineBatchTask *task = online_batch_task(runner->revision);
	uint64		wal_before = pgWalUsage.wal_bytes;
	OnlineAdvance advance;

	runner->size = progress->batch_size;
	online_batch_run(task, progress, &advance);
	runner->hold = online_throttle_judge(pgWalUsage.wal_bytes - wal_before, advance.duration);
	set_rate(runner, advance.rows_passed);
	advance.rows_per_second = runner->rows_per_second;
	advance.throttled_by = runner->hold.by;
	advance.batch_size = online_next_size(progress->batch_size, task->batch->size,
										  advance.duration);
	online_progress_advance(runner->revision, &advance);
	runner->end = advance.last ? TURN_DONE : TURN_GO_ON;
}

/* With the ledger's lock: what there is to do now, and that. */
static void
take_turn(Runner *runner)
{
	OnlineProgress *progress;

	runner->hold = (OnlineHold) {0};
	runner->taking = false;
	runner->end = TURN_DONE;
	if (ledger_store_is_applied(runner->revision))
		return;
	progress = online_progress_lock(runner->revision);
	runner->end = TURN_GO_ON;
	if (progress && strcmp(progress->state, "paused") == 0)
		runner->end = TURN_PAUSED;
	else if (progress && strcmp(progress->state, "cancelled") == 0)
		runner->end = TURN_CANCELLED;
	else if (!runner->taken)
		take(runner, progress);
	else if (progress)
		run_batch(runner, progress);
	else
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the backfill of revision \"%s\" was given up", runner->revision),
				 errdetail("Another session stamped, replaced or removed the revision.")));
}

/* The turn, under settings of its own; to be run by online_try. */
static void
turn(void *arg)
{
	int			settings = NewGUCNestLevel();

	online_set_timeout(online_lock_timeout);
	take_turn(arg);
	AtEOXact_GUC(true, settings);
}

/* Commits; a serialization failure that shows only now is returned. */
static ErrorData *
try_commit(void)
{
	MemoryContext caller = CurrentMemoryContext;
	ErrorData  *volatile error = NULL;

	PG_TRY();
	{
		online_commit();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		if (error->sqlerrcode != ERRCODE_T_R_SERIALIZATION_FAILURE)
			ReThrowError(error);
	}
	PG_END_TRY();
	return error;
}

/* Is it worth trying the batch again? */
static bool
may_pass(Runner *runner, const ErrorData *error)
{
	TimestampTz now = GetCurrentTimestamp();

	if (error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE &&
		error->sqlerrcode != ERRCODE_T_R_DEADLOCK_DETECTED &&
		error->sqlerrcode != ERRCODE_T_R_SERIALIZATION_FAILURE)
		return false;
	if (runner->failing_since == 0)
	{
		runner->failing_since = now;
		runner->backoff = FIRST_BACKOFF;
	}
	else
		runner->backoff = Min(runner->backoff * 2, LONGEST_BACKOFF);
	return online_lock_patience == 0 ||
		now - runner->failing_since <= (int64) online_lock_patience * 1000;
}

/* After an error, in a new transaction: note it, and wait or give up. */
static void
take_failure(Runner *runner, ErrorData *error)
{
	if (!may_pass(runner, error))
	{
		online_progress_fail(runner->revision, error->message);
		online_commit();
		ReThrowError(error);
	}
	ereport(DEBUG1,
			(errmsg_internal("backfill of revision \"%s\" tries again in %ld ms: %s",
							 runner->revision, runner->backoff, error->message)));
	runner->end = TURN_GO_ON;
	runner->hold = (OnlineHold) {.milliseconds = runner->backoff};
	if (runner->size > 0)
		online_progress_hold(runner->revision, "locks", Max(runner->size / 2, 1));
}

pg_noreturn static void
report_cancelled(const Runner *runner)
{
	if (!runner->taken)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the backfill of revision \"%s\" is cancelled", runner->revision),
				 errhint("purser.resume_backfill() lets it go on; purser.stamp() gives it up, or "
						 "declares it done.")));
	ereport(ERROR,
			(errcode(ERRCODE_QUERY_CANCELED),
			 errmsg("the backfill of revision \"%s\" was cancelled", runner->revision),
			 errdetail("What its batches did is committed."),
			 errhint("purser.resume_backfill() and then CALL purser.migrate() go on from there.")));
}

/* One transaction; if it fails, another that notes it. */
static void
run_turn(Runner *runner)
{
	ErrorData  *error = online_try(turn, runner);

	if (error)
		online_rollback();
	else
		error = try_commit();
	if (error == NULL)
	{
		runner->failing_since = 0;
		runner->taken = runner->taken || runner->taking;
		return;
	}
	online_begin(COMMAND);
	take_failure(runner, error);
	online_commit();
}

/* The wait after a turn, in which nothing is held. */
static void
wait_for_next(Runner *runner)
{
	if (runner->end == TURN_CANCELLED)
		report_cancelled(runner);
	if (runner->end == TURN_PAUSED)
	{
		ereport(NOTICE,
				(errmsg("the backfill of revision \"%s\" is paused", runner->revision),
				 errhint("purser.resume_backfill() lets it go on.")));
		online_wait_while_paused(runner->revision);
	}
	if (runner->end == TURN_GO_ON)
		online_throttle_wait(runner->revision, &runner->hold);
}

/*
 * The whole revision, from where it is.  In a transaction that online_begin
 * began, and which is ended.
 */
void
online_backfill_run(const char *id)
{
	Runner		runner = {.revision = id};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "backfill batch",
												  ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		MemoryContextSwitchTo(context);
		run_turn(&runner);
		wait_for_next(&runner);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(context);
		if (runner.end == TURN_DONE)
			break;
		online_begin(COMMAND);
	}
	MemoryContextDelete(context);
}
