/*
 * online.h
 *		Migrations that commit as they go: CALL purser.migrate().
 *
 * Built on the ledger through ledger.h.  Where the ledger runs a plan in the
 * caller's transaction, this commits after each revision, and inside of a
 * revision where its statements do not share a transaction; how far it came is
 * in purser.underway, so that any crash leaves something to go on with.
 *
 * A script is cut into segments: statements that share a transaction, in this
 * session, or one statement outside of any transaction, in a worker.
 */
#ifndef ONLINE_H
#define ONLINE_H

#include "ledger/ledger.h"

#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "shared/worker.h"
#include "utils/timestamp.h"

/* ---- settings (online.c) ---- */

extern int	online_lock_timeout;	/* milliseconds, 0: none */
extern int	online_lock_patience;	/* milliseconds, 0: for ever */

/* ---- transactions of a procedure (online_transaction.c) ---- */

extern void online_require_nonatomic(FunctionCallInfo fcinfo, const char *command);
extern void online_take_runner_lock(const char *command);
extern void online_release_runner_lock(void);
extern void online_begin(const char *command);
extern void online_commit(void);
extern void online_rollback(void);
extern ErrorData *online_try(void (*run) (void *arg), void *arg);

/* ---- the plan (online_plan.c) ---- */

/* What to go through, as planned at the beginning. */
typedef struct OnlinePlan
{
	LedgerDirection direction;
	NameList	ids;
	int64		last_event;		/* of the history, when the plan was known to fit */
} OnlinePlan;

extern OnlinePlan *online_make_plan(LedgerDirection direction, const char *target);
extern bool online_plan_wants(OnlinePlan *plan, int i, const LedgerJournal *journal);

/* ---- one revision (online_revision.c) ---- */

/* A revision on its way. */
typedef struct OnlineWork
{
	MemoryContext context;		/* lasts as long as the revision */
	LedgerDirection direction;
	int			step;
	int			steps;
	LedgerRevision *revision;
	LedgerScript script;
	LedgerParsed *parsed;
	LedgerUnderway *underway;
} OnlineWork;

extern void online_run_revision(OnlinePlan *plan, int i);

/* ---- segments (online_segment.c, online_ordinary.c, online_outside.c) ---- */

/* The statements first .. end - 1, counted from 0. */
typedef struct OnlineSegment
{
	int			first;
	int			end;
	bool		outside;		/* it is one statement, and no transaction takes it */
} OnlineSegment;

extern OnlineSegment online_next_segment(const OnlineWork *work);
extern bool online_is_last(const OnlineWork *work, OnlineSegment segment);
extern void online_check_own(OnlineWork *work);
pg_noreturn extern void online_fail(OnlineWork *work, ErrorData *error);
extern void online_run_settings(const OnlineWork *work, int end);
extern void online_set_timeout(int milliseconds);
extern bool online_run_ordinary(OnlineWork *work, OnlineSegment segment);
extern void online_run_outside(OnlineWork *work, OnlineSegment segment);

/* ---- statements outside of transactions (online_statement.c, online_name.c) ---- */

typedef enum OnlineKind
{
	ONLINE_BUILD_INDEX,
	ONLINE_DROP_INDEX,
	ONLINE_REINDEX,				/* concurrently */
	ONLINE_DETACH,
	ONLINE_CREATE,				/* a database, tablespace or subscription */
	ONLINE_DROP,
	ONLINE_REPEAT				/* can simply be run again */
} OnlineKind;

extern OnlineKind online_kind(const Node *statement);
extern bool online_is_outside(const LedgerStatement *statement);
extern bool online_may_queue(const Node *statement);
extern RangeVar *online_detached(const AlterTableStmt *alter);
extern char *online_object(const Node *statement);
extern NameList online_existing(const Node *statement, const char *object);
extern bool online_is_done(const Node *statement, const char *object, NameList existing);
extern char *online_choose_index_name(const IndexStmt *statement);

/* ---- the worker (online_worker.c) ---- */

/* One statement for a worker; the strings follow, each with its null byte. */
typedef struct OnlineTask
{
	bool		run;			/* or only remove what a dead attempt left */
	bool		resumed;		/* it was begun before */
	int			nexisting;
	Size		text;			/* offsets of the strings */
	Size		object;			/* empty: none */
	Size		existing;
} OnlineTask;

extern OnlineTask *online_make_task(const OnlineWork *work, const LedgerStatement *statement,
									Size *size);
extern PGDLLEXPORT void online_worker(void *payload, Size size);
extern NameList online_dead_reindexes(void);

/* ---- locks (online_locks.c, online_wait.c) ---- */

/* A lock that keeps others out of a relation. */
typedef struct OnlineLock
{
	Oid			relation;
	LOCKMODE	mode;
} OnlineLock;

extern List *online_strong_locks(const Node *statement);

/* How long we have waited for the locks of a segment. */
typedef struct OnlineWait
{
	const char *revision;
	TimestampTz since;
	int			rounds;			/* that we had to wait after */
	int			looks;			/* after which we did not even try */
	int			attempts;		/* that failed in the queue */
	NameList	blockers;		/* process ids; "0" is a prepared transaction */
	char	   *who;			/* what they do, for a message; NULL: nobody is known */
} OnlineWait;

extern bool online_must_wait(OnlineWait *wait, List *locks);
extern bool online_wait_failed(OnlineWait *wait, const ErrorData *error, List *locks);
extern void online_wait(OnlineWait *wait, OnlineWork *work);

#endif							/* ONLINE_H */
