/*
 * audit_saver.c
 *		The process that saves the store now and then, and what does without it.
 *
 * Preloaded, a background worker saves while the server runs, and the
 * postmaster as it ends, when all backends have published their counts. Where
 * the library is not preloaded, the session that makes the shared segment
 * starts the worker; as the server ends, the worker saves, and each session that
 * ends later does so again. Where there is no place for the worker, a session
 * that publishes its counts tries again once in a while, and then saves itself.
 *
 * The worker has no database and takes part in no transaction, so it runs on a
 * standby as well.
 */
#include "audit/store/audit_save.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#define RESTART_SECONDS 10

struct AuditSaver
{
	pg_atomic_uint32 pid;		/* of the worker, 0: there is none */
	pg_atomic_uint32 ending;	/* the worker was told to end, as with the server */
	pg_atomic_uint64 tried;		/* when a session last did the worker's work */
};

extern PGDLLEXPORT void audit_saver_main(Datum arg);

Size
audit_saver_size(void)
{
	return sizeof(AuditSaver);
}

void
audit_saver_init(AuditSaver *saver)
{
	pg_atomic_init_u32(&saver->pid, 0);
	pg_atomic_init_u32(&saver->ending, 0);
	pg_atomic_init_u64(&saver->tried, (uint64) GetCurrentTimestamp());
}

/* ---- the worker ---- */

static void
saver_gone(int code pg_attribute_unused(), Datum arg pg_attribute_unused())
{
	pg_atomic_write_u32(&audit_store_saver()->pid, 0);
}

/* False if there is one already. */
static bool
become_saver(void)
{
	AuditSaver *saver = audit_store_saver();
	uint32		none = 0;

	if (!pg_atomic_compare_exchange_u32(&saver->pid, &none, (uint32) MyProcPid))
		return false;
	before_shmem_exit(saver_gone, (Datum) 0);
	pg_atomic_write_u32(&saver->ending, 0);
	return true;
}

static void
wait_to_save(TimestampTz since)
{
	long		left = -1;
	int			events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;

	if (audit_save_interval > 0)
	{
		TimestampTz next = TimestampTzPlusMilliseconds(since, audit_save_pause());

		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next);
		left = Min(left, audit_save_pause());	/* the clock may have been set back */
		events |= WL_TIMEOUT;
	}
	(void) WaitLatch(MyLatch, events, left, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
}

void
audit_saver_main(Datum arg pg_attribute_unused())
{
	TimestampTz since = GetCurrentTimestamp();

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	if (!audit_store_ready() || !audit_store_is_shared() || !become_saver())
		proc_exit(0);
	while (!ShutdownRequestPending)
	{
		wait_to_save(since);
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		if (audit_save_interval > 0 &&
			audit_is_apart(since, GetCurrentTimestamp(), audit_save_pause()))
		{
			audit_save();
			since = GetCurrentTimestamp();
		}
	}
	(void) pg_atomic_exchange_u32(&audit_store_saver()->ending, 1);
	if (audit_save_interval > 0 && !audit_store_is_preloaded())
		audit_save();
	proc_exit(1);				/* and start anew, unless the server ends */
}

static void
describe_worker(BackgroundWorker *worker)
{
	memset(worker, 0, sizeof(BackgroundWorker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS;
	worker->bgw_start_time = BgWorkerStart_PostmasterStart;
	worker->bgw_restart_time = RESTART_SECONDS;
	snprintf(worker->bgw_name, BGW_MAXLEN, PURSER_EXTENSION " audit saver");
	snprintf(worker->bgw_type, BGW_MAXLEN, PURSER_EXTENSION " audit saver");
	strlcpy(worker->bgw_library_name, PURSER_EXTENSION, sizeof(worker->bgw_library_name));
	strlcpy(worker->bgw_function_name, "audit_saver_main", sizeof(worker->bgw_function_name));
}

/* The library is being preloaded. */
void
audit_saver_register(void)
{
	BackgroundWorker worker;

	describe_worker(&worker);
	RegisterBackgroundWorker(&worker);
}

static bool
try_start(void)
{
	BackgroundWorker worker;

	describe_worker(&worker);
	worker.bgw_restart_time = BGW_NEVER_RESTART;	/* sessions see to that */
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

/* This session has made the segment. */
void
audit_saver_start(void)
{
	if (audit_save_interval > 0)
		(void) try_start();
}

/* ---- sessions ---- */

/* Is it this session's turn to do the worker's work? */
static bool
is_due(AuditSaver *saver)
{
	uint64		tried = pg_atomic_read_u64(&saver->tried);
	TimestampTz now = GetCurrentStatementStartTimestamp();

	return audit_is_apart((TimestampTz) tried, now, audit_save_pause()) &&
		pg_atomic_compare_exchange_u64(&saver->tried, &tried, (uint64) now);
}

/*
 * This backend has published its counts. What it published before the worker
 * was told to end is in what that saves last.
 */
void
audit_saver_published(bool at_exit)
{
	AuditSaver *saver = audit_store_saver();
	bool		alone = at_exit && !audit_store_is_preloaded();

	if (!audit_store_is_shared() || audit_save_interval == 0 || IsParallelWorker())
		return;
	if (alone && pg_atomic_read_u32(&saver->ending) != 0)
		audit_save();
	else if (pg_atomic_read_u32(&saver->pid) == 0 && is_due(saver) &&
			 (at_exit || audit_store_is_preloaded() || !try_start()))
		audit_save();
}
