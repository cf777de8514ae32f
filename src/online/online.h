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

#include "access/attnum.h"
#include "fmgr.h"

/* ---- transactions of a procedure (online_transaction.c) ---- */

extern void online_require_nonatomic(FunctionCallInfo fcinfo, const char *command);
extern void online_begin(const char *command);
extern void online_commit(void);
extern void online_rollback(void);

/* ---- settings (online_settings.c) ---- */

extern int	online_backfill_target;
extern int	online_backfill_min_size;
extern int	online_backfill_max_size;
extern int	online_backfill_max_lag;
extern int	online_backfill_max_wal;
extern int	online_backfill_pause;
extern int	online_backfill_patience;

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
typedef struct OnlineTask
{
	const LedgerRevision *revision;
	const LedgerBatch *batch;
	OnlineKey  *key;
	OnlineCut	cut;
} OnlineTask;

extern OnlineTask *online_batch_task(const char *revision);
extern void online_batch_begin(const OnlineTask *task);
extern void online_batch_run(const OnlineTask *task, const OnlineProgress *progress,
							 OnlineAdvance *advance);

/* ---- pace (online_throttle.c) ---- */

/* Why, and for how long, the next batch waits. */
typedef struct OnlineHold
{
	const char *by;				/* as shown, NULL: nothing worth showing */
	bool		lag;			/* until the standbys have caught up */
	int64		milliseconds;
} OnlineHold;

extern int	online_next_size(int size, int64 microseconds);
extern OnlineHold online_throttle_judge(uint64 wal_bytes, int64 microseconds);
extern void online_throttle_wait(const char *revision, const OnlineHold *hold);
extern void online_wait_while_paused(const char *revision);

/* ---- the run (online_backfill.c) ---- */

extern void online_backfill_run(const char *revision, LedgerStep *step);

#endif							/* ONLINE_H */
