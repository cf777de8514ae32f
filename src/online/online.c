/*
 * online.c
 *		Start-up of the online part: its settings.
 */
#include "online.h"

#include <limits.h>

#include "utils/guc.h"

int			online_lock_timeout = 2000;
int			online_lock_patience = 600000;

void
online_init(void)
{
	DefineCustomIntVariable("purser.lock_timeout",
							"Longest time that migrate() stands in the queue for a lock.",
							"Others queue up behind it. Then it steps back and tries again; "
							"0: it never steps back.",
							&online_lock_timeout, online_lock_timeout, 0, INT_MAX, PGC_USERSET,
							GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("purser.lock_patience",
							"Time after which migrate() gives up trying to get its locks.",
							"0: never.",
							&online_lock_patience, online_lock_patience, 0, INT_MAX, PGC_USERSET,
							GUC_UNIT_MS, NULL, NULL, NULL);
}
