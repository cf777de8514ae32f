/*
 * audit_idle.c
 *		Publishes the counts of a session that has gone idle.
 *
 * Counts wait in their backend for more of them. When the first one begins to
 * wait, a timer is set, unless it runs already. It goes off in a signal
 * handler, which may not publish; so it has the session do what a server does
 * with one that has been idle for long: catch up with invalidation messages.
 * That is a transaction of nothing, or, when the session is busy, any other,
 * and we publish as it commits. A session idle within a transaction catches up
 * without one: it publishes when its transaction ends.
 *
 * The timer is set once between two publications at most. The server clears
 * all timers after an error; then ours is set again as the transaction aborts.
 * Frames of runs that failed are left then too, by the same callback.
 */
#include "audit/capture/audit_capture.h"

#include <signal.h>

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/sinval.h"
#include "utils/timeout.h"

#define WAIT_MS 5000

static bool ready = false;
static TimeoutId timer;
static volatile sig_atomic_t due = false;

static void
timer_went_off(void)
{
	due = true;
	catchupInterruptPending = true;
	SetLatch(MyLatch);
}

static pg_noinline void
publish_due(void)
{
	due = false;
	if (audit_local_waits())
		audit_local_publish();
}

static pg_noinline void
transaction_aborts(void)
{
	audit_frames_fail(0);
	if (audit_local_waits())
		audit_idle_watch();
}

static void
transaction_ends(XactEvent event, void *arg pg_attribute_unused())
{
	if (likely(event == XACT_EVENT_COMMIT))
	{
		if (unlikely(audit_in_frame()))
			audit_frames_drop(NULL);
	}
	else if (likely(event == XACT_EVENT_PRE_COMMIT))
	{
		if (unlikely(due))
			publish_due();
	}
	else if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT)
		transaction_aborts();
}

/* Called as a statement starts, once. Parallel workers publish as they end. */
void
audit_idle_ready(void)
{
	RegisterXactCallback(transaction_ends, NULL);
	if (IsParallelWorker())
		return;
	timer = RegisterTimeout(USER_TIMEOUT, timer_went_off);
	ready = true;
}

/* Was a timer set before the clock was set back? */
static bool
is_far_off(TimestampTz end)
{
	return end - GetCurrentStatementStartTimestamp() > WAIT_MS * INT64CONST(1000);
}

/*
 * Counts wait to be published. With the time until they are saved, it must not
 * take longer than what a crash may lose.
 */
void
audit_idle_watch(void)
{
	int			wait = WAIT_MS;

	if (!ready || (get_timeout_active(timer) && !is_far_off(get_timeout_finish_time(timer))))
		return;
	if (audit_save_interval > 0)
		wait = Min(wait, audit_save_interval * 100);
	enable_timeout_after(timer, wait);
}
