/*
 * online_transaction.c
 *		The transactions that a procedure of ours begins and ends.
 *
 * Each begins with the ledger's lock and a snapshot taken after it, so that it
 * sees all that the runner before did.  Between them nothing is held but the
 * runner's lock, which belongs to the session: a worker's CREATE INDEX
 * CONCURRENTLY waits for the snapshots of those who wait for the ledger's
 * lock, so we must not keep that while we wait for the worker.
 */
#include "online.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

/* Raise an error if the call may not commit: inside a function or a transaction block. */
void
online_require_nonatomic(FunctionCallInfo fcinfo, const char *command)
{
	if (fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic || IsSubTransaction())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("%s cannot run inside a transaction block or a function", command),
				 errdetail("It commits after each revision."),
				 errhint("Call it by itself, with the driver's autocommit on; "
						 "purser.upgrade() runs in the caller's transaction.")));
}

static void
runner_context(void *arg pg_attribute_unused())
{
	errcontext("while waiting for another session that runs purser.migrate()");
}

/* One migrate() at a time; waits without a snapshot, and without any other lock. */
void
online_take_runner_lock(const char *command)
{
	ErrorContextCallback context = {error_context_stack, runner_context, NULL};
	LOCKTAG		tag;

	PreventCommandDuringRecovery(command);
	PreventCommandIfReadOnly(command);
	SPI_commit();
	ledger_lock_tag(&tag, LEDGER_LOCK_RUNNER);
	error_context_stack = &context;
	(void) LockAcquire(&tag, ExclusiveLock, true, false);
	error_context_stack = context.previous;
}

void
online_release_runner_lock(void)
{
	LOCKTAG		tag;

	ledger_lock_tag(&tag, LEDGER_LOCK_RUNNER);
	LockRelease(&tag, ExclusiveLock, true);
}

/* The transaction is there already; makes it one that may change the ledger. */
void
online_begin(const char *command)
{
	ledger_begin_write(command);
	PushActiveSnapshot(GetTransactionSnapshot());
}

/* Commits what online_begin began; the next transaction has neither lock nor snapshot. */
void
online_commit(void)
{
	PopActiveSnapshot();
	SPI_commit();
}

/* Undoes what online_begin began; the next transaction has neither lock nor snapshot. */
void
online_rollback(void)
{
	PopActiveSnapshot();
	SPI_rollback();
}

/*
 * Run a function in a subtransaction.  NULL, or the error that undid it, in the
 * current memory context; then the transaction is as it was before.
 */
ErrorData *
online_try(void (*run) (void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		run(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}
