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

#include "access/attnum.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "shared/worker.h"
#include "utils/timestamp.h"

/* ---- settings (online_settings.c) ---- */

extern int	online_lock_timeout;	/* milliseconds, 0: none */
extern int	online_lock_patience;	/* milliseconds, 0: for ever */
extern int	online_backfill_target;
extern int	online_backfill_min_size;
extern int	online_backfill_max_size;
extern int	online_backfill_max_lag;
extern int	online_backfill_max_wal;
extern int	online_backfill_pause;

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
extern void online_check_reachable(const Node *statement);
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

/* ---- the key of a table that is cut (online_key.c) ---- */

typedef struct OnlineKey
{
	Oid			relation;
	char	   *schema;
	char	   *table;
	char	   *column;
	AttrNumber	number;
	Oid			type;			/* that the operators compare */
	bool		cast;			/* the column is of another one */
	Oid			collation;
	Oid			less;			/* operators */
	Oid			less_equal;
	Oid			greater;
	struct FmgrInfo *compare;
} OnlineKey;

extern OnlineKey *online_key_find(const LedgerBatch *batch);
extern char *online_key_relation(const OnlineKey *key);
extern char *online_key_type(const OnlineKey *key);
extern char *online_key_write(const OnlineKey *key, Datum value);
extern Datum online_key_read(const OnlineKey *key, const char *text);
extern int	online_key_compare(const OnlineKey *key, Datum a, Datum b);

/* ---- ranges of keys (online_keyset.c) ---- */

/* Keys above from and up to to, as text; from is NULL for all that are up to it. */
typedef struct OnlineRange
{
	const char *from;
	const char *to;
} OnlineRange;

struct Node;
struct List;
struct ParamListInfoData;
extern struct Node *online_range_condition(const OnlineKey *key, struct List *reference,
										   const OnlineRange *range);
extern struct ParamListInfoData *online_range_values(const OnlineKey *key,
													 const OnlineRange *range, int64 offset);
extern char *online_keyset_greatest(const OnlineKey *key, bool only);
extern char *online_keyset_next(const OnlineKey *key, bool only, const OnlineRange *range,
								int size);
extern int64 online_keyset_estimate(const OnlineKey *key, bool only);

/* ---- the statement that is cut (online_cut.c) ---- */

typedef struct OnlineCut
{
	const LedgerParsed *parsed; /* its one statement, */
	struct List *reference;		/* what that calls the table, */
	bool		only;			/* and whether without the tables that inherit from it */
} OnlineCut;

extern OnlineCut online_cut_prepare(const LedgerParsed *parsed, const OnlineKey *key);
extern struct RawStmt *online_cut_to_range(const OnlineCut *cut, const OnlineKey *key,
										   const OnlineRange *range);

/* ---- parse trees of ours (online_portal.c) ---- */

struct _DestReceiver;
extern uint64 online_run_tree(struct RawStmt *tree, const char *source,
							  struct ParamListInfoData *values, struct _DestReceiver *receiver);
extern struct List *online_plan_tree(struct RawStmt *tree, const char *source,
									 struct ParamListInfoData *values);

/* ---- the table purser.backfill (online_progress.c) ---- */

typedef struct OnlineProgress
{
	char	   *state;
	char	   *relation;
	char	   *key;
	char	   *key_type;
	char	   *position;		/* NULL: no batch is done */
	char	   *upper_bound;	/* NULL: nothing is to be done */
	int			batch_size;
	int64		duration;		/* microseconds */
} OnlineProgress;

/* What a batch adds to it. */
typedef struct OnlineAdvance
{
	const char *position;
	uint64		rows_done;
	uint64		rows_passed;
	int			batch_size;		/* of the next one */
	double		rows_per_second;
	const char *throttled_by;	/* NULL: nothing */
	int64		duration;		/* microseconds */
	bool		last;
} OnlineAdvance;

extern OnlineProgress *online_progress_lock(const char *revision);
extern char *online_progress_state(const char *revision);
extern void online_progress_begin(const char *revision, const OnlineProgress *progress,
								  int64 rows_estimate);
extern void online_progress_go_on(const char *revision);
extern void online_progress_advance(const char *revision, const OnlineAdvance *advance);
extern void online_progress_hold(const char *revision, const char *throttled_by, int batch_size);
extern void online_progress_fail(const char *revision, const char *error);

/* ---- one batch (online_batch.c) ---- */

/* A revision, and how its statement is cut, as the catalogue has it now. */
typedef struct OnlineBatchTask
{
	const LedgerRevision *revision;
	const LedgerBatch *batch;
	OnlineKey  *key;
	OnlineCut	cut;
} OnlineBatchTask;

extern OnlineBatchTask *online_batch_task(const char *revision);
extern void online_batch_begin(const OnlineBatchTask *task);
extern void online_batch_run(const OnlineBatchTask *task, const OnlineProgress *progress,
							 OnlineAdvance *advance);

/* ---- pace (online_throttle.c) ---- */

/* Why, and for how long, the next batch waits. */
typedef struct OnlineHold
{
	const char *by;				/* as shown, NULL: nothing worth showing */
	bool		lag;			/* until the standbys have caught up */
	int64		milliseconds;
} OnlineHold;

extern int	online_next_size(int size, int wanted, int64 microseconds);
extern OnlineHold online_throttle_judge(uint64 wal_bytes, int64 microseconds);
extern void online_throttle_wait(const char *revision, const OnlineHold *hold);
extern void online_wait_while_paused(const char *revision);

/* ---- the run (online_backfill.c) ---- */

extern void online_backfill_run(const char *revision);

#endif							/* ONLINE_H */
