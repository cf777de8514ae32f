/*
 * online_transaction.c
 *		The transactions that a procedure of ours begins and commits.
 *
 * Each begins with the ledger's lock and a snapshot taken after it, so that it
 * sees all that the runner before did.
 */
#include "online.h"

#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/snapmgr.h"

/* Raise an error if the call may not commit: inside a function or a transaction block. */
void
online_require_nonatomic(FunctionCallInfo fcinfo, const char *command)
{
	if (fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("%s cannot run inside a transaction block or a function", command),
				 errdetail("It commits after each revision."),
				 errhint("Call it by itself, with the driver's autocommit on; "
						 "purser.upgrade() runs in the caller's transaction.")));
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
