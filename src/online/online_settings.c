/*
 * online_settings.c
 *		Settings of migrations that commit as they go.
 *
 * Whoever migrates sets them: they slow down or speed up the caller's own work.
 */
#include "online.h"

#include <limits.h>

#include "utils/guc.h"

int			online_lock_timeout = 2000;
int			online_lock_patience = 600000;
int			online_backfill_target = 200;
int			online_backfill_min_size = 10;
int			online_backfill_max_size = 100000;
int			online_backfill_max_lag = 0;
int			online_backfill_max_wal = 0;
int			online_backfill_pause = 0;

static void
define_int(const char *name, const char *description, int *variable, int least, int flags)
{
	DefineCustomIntVariable(name, description, NULL, variable, *variable, least, INT_MAX / 2,
							PGC_USERSET, flags, NULL, NULL, NULL);
}

void
online_init(void)
{
	define_int("purser.lock_timeout",
			   "Longest time that migrate() stands in the queue for a lock, where others queue up "
			   "behind it; 0 for any.",
			   &online_lock_timeout, 0, GUC_UNIT_MS);
	define_int("purser.lock_patience",
			   "Time after which migrate() gives up trying to get its locks; 0 for never.",
			   &online_lock_patience, 0, GUC_UNIT_MS);
	define_int("purser.backfill_target",
			   "Time that a batch of a backfill should take; 0 keeps the size of batches.",
			   &online_backfill_target, 0, GUC_UNIT_MS);
	define_int("purser.backfill_min_size",
			   "Rows of a backfill's smallest batch, as long as it gets its locks.",
			   &online_backfill_min_size, 1, 0);
	define_int("purser.backfill_max_size", "Rows of a backfill's largest batch.",
			   &online_backfill_max_size, 1, 0);
	define_int("purser.backfill_max_lag",
			   "WAL that a standby may still have to replay when a batch begins; 0 for any.",
			   &online_backfill_max_lag, 0, GUC_UNIT_MB);
	define_int("purser.backfill_max_wal",
			   "WAL that a backfill may write in a second; 0 for any.",
			   &online_backfill_max_wal, 0, GUC_UNIT_MB);
	define_int("purser.backfill_pause", "Time between two batches of a backfill.",
			   &online_backfill_pause, 0, GUC_UNIT_MS);
}
