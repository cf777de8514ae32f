/*
 * online.h
 *		Migrations that commit as they go: CALL purser.migrate().
 *
 * Built on the ledger through ledger.h.  Where the ledger runs a plan in the
 * caller's transaction, this commits after each revision, and what a revision
 * under way has done is in a table, so that any crash leaves something to go
 * on with.
 */
#ifndef ONLINE_H
#define ONLINE_H

#include "ledger/ledger.h"

#include "fmgr.h"

/* ---- transactions of a procedure (online_transaction.c) ---- */

extern void online_require_nonatomic(FunctionCallInfo fcinfo, const char *command);
extern void online_begin(const char *command);
extern void online_commit(void);

#endif							/* ONLINE_H */
