/*
 * online_throttle.c
 *		How large the next batch is, and how long it waits.
 *
 * Waits happen between transactions: no lock and no snapshot is held, others
 * may use the ledger, and who pauses or cancels is heard.
 */
#include "online.h"

#include <limits.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "shared/owner_query.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Longest sleep, in milliseconds, before the state is looked at again. */
#define SLICE 200

#define MEGABYTE (1024.0 * 1024.0)

/*
 * Towards the time that a batch should take, or back to the wanted size when
 * there is no such time; at most by half or twice.
 */
int
online_next_size(int size, int wanted, int64 microseconds)
{
	double		factor = Max((double) wanted / size, 1);
	double		next;

	if (online_backfill_target > 0)
		factor = online_backfill_target * 1000.0 / Max(microseconds, 1);
	next = size * Min(Max(factor, 0.5), 2.0);
	next = Min(Max(next, online_backfill_min_size), online_backfill_max_size);
	return Max((int) next, 1);
}

/* Megabytes of WAL that the slowest standby has not replayed; 0 without one. */
static double
replication_lag(void)
{
	static OwnerQuery query = {
		.sql = "SELECT pg_catalog.max(pg_catalog.pg_wal_lsn_diff("
		"pg_catalog.pg_current_wal_lsn(), replay_lsn))::pg_catalog.float8"
		" FROM pg_catalog.pg_stat_replication"
	};
	bool		isnull;
	double		bytes;

	shared_query_open(&query, NULL, NULL);
	bytes = DatumGetFloat8(shared_query_datum(0, 1, &isnull));
	if (isnull)
		bytes = 0;
	shared_query_close();
	return bytes / MEGABYTE;
}

static bool
lags(void)
{
	return online_backfill_max_lag > 0 && replication_lag() > online_backfill_max_lag;
}

/* What holds back the batch after one that took this long and wrote this much. */
OnlineHold
online_throttle_judge(uint64 wal_bytes, int64 microseconds)
{
	OnlineHold	hold = {.milliseconds = online_backfill_pause};

	if (online_backfill_max_wal > 0)
	{
		double		due = wal_bytes / MEGABYTE / online_backfill_max_wal * 1000.0;
		double		wait = due - microseconds / 1000.0;

		if (wait > hold.milliseconds)
		{
			hold.milliseconds = Min(wait, INT_MAX);
			hold.by = "WAL rate";
		}
	}
	hold.lag = lags();
	if (hold.lag)
		hold.by = "replication lag";
	return hold;
}

static void
nap(long milliseconds)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

static bool
is_in_state(const char *revision, const char *state)
{
	char	   *now;
	bool		is;

	PushActiveSnapshot(GetTransactionSnapshot());
	now = online_progress_state(revision);
	is = now && strcmp(now, state) == 0;
	online_commit();
	return is;
}

static bool
still_lags(void)
{
	bool		still;

	PushActiveSnapshot(GetTransactionSnapshot());
	still = lags();
	online_commit();
	return still;
}

/* Returns early when the backfill is paused, cancelled or given up. */
void
online_throttle_wait(const char *revision, const OnlineHold *hold)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), hold->milliseconds);
	bool		lag = hold->lag;

	for (;;)
	{
		long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);

		if (left <= 0 && !lag)
			return;
		nap(lag ? SLICE : Min(left, SLICE));
		if (left > SLICE || lag)
		{
			if (!is_in_state(revision, "running"))
				return;
			lag = lag && still_lags();
		}
	}
}

void
online_wait_while_paused(const char *revision)
{
	while (is_in_state(revision, "paused"))
		nap(SLICE);
}
