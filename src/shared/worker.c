/*
 * worker.c
 *		Runs a function of this library in a background worker, as the caller.
 *
 * A segment of dynamic shared memory, mapped while the caller waits, holds who
 * the worker acts as, the settings, the task's payload, and a queue on which
 * the worker's messages come back in the form of the wire protocol.  When the
 * caller lets go of the segment, whatever the reason, the worker is ended.
 */
#include "worker.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "libpq/pqmq.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "storage/shm_toc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#define LIBRARY "$libdir/" PURSER_EXTENSION
#define WORKER_MAGIC 0x70757277
#define QUEUE_SIZE 16384

/* What the worker sends last: without it, it died. */
#define MESSAGE_DONE 'X'

enum
{
	KEY_HEADER,
	KEY_SETTINGS,
	KEY_PAYLOAD,
	KEY_QUEUE
};

typedef struct WorkerHeader
{
	Oid			database;
	WorkerSettings settings;	/* without its state, which is under KEY_SETTINGS */
	Size		payload_size;
	char		function[NAMEDATALEN];
} WorkerHeader;

struct Worker
{
	dsm_segment *segment;
	shm_mq_handle *queue;
	BackgroundWorkerHandle *handle;
	WorkerTask	task;
	void	   *payload;		/* in the segment */
};

/* ---- the caller's side ---- */

/* The caller's identity and settings, in the current memory context. */
WorkerSettings *
shared_worker_settings(void)
{
	WorkerSettings *settings = palloc(sizeof(WorkerSettings));

	settings->authenticated_user = GetAuthenticatedUserId();
	settings->session_user = GetSessionUserId();
	settings->session_superuser = GetSessionUserIsSuperuser();
	settings->role = GetCurrentRoleId();
	settings->size = EstimateGUCStateSpace();
	settings->state = palloc(settings->size);
	SerializeGUCState(settings->size, settings->state);
	return settings;
}

static dsm_segment *
create_segment(const WorkerTask *task, shm_toc **toc)
{
	shm_toc_estimator estimator;
	Size		size;
	dsm_segment *segment;

	shm_toc_initialize_estimator(&estimator);
	shm_toc_estimate_chunk(&estimator, sizeof(WorkerHeader));
	shm_toc_estimate_chunk(&estimator, task->settings->size);
	shm_toc_estimate_chunk(&estimator, task->size);
	shm_toc_estimate_chunk(&estimator, QUEUE_SIZE);
	shm_toc_estimate_keys(&estimator, 4);
	size = shm_toc_estimate(&estimator);
	segment = dsm_create(size, 0);
	*toc = shm_toc_create(WORKER_MAGIC, dsm_segment_address(segment), size);
	return segment;
}

static void *
put(shm_toc *toc, uint64 key, const void *content, Size size)
{
	void	   *place = shm_toc_allocate(toc, size);

	memcpy(place, content, size);
	shm_toc_insert(toc, key, place);
	return place;
}

static Worker *
fill_segment(const WorkerTask *task)
{
	WorkerHeader header = {.database = MyDatabaseId, .settings = *task->settings,
	.payload_size = task->size};
	Worker	   *worker = MemoryContextAllocZero(TopMemoryContext, sizeof(Worker));
	shm_mq	   *queue;
	shm_toc    *toc;

	strlcpy(header.function, task->function, NAMEDATALEN);
	worker->task = *task;
	worker->segment = create_segment(task, &toc);
	put(toc, KEY_HEADER, &header, sizeof(header));
	put(toc, KEY_SETTINGS, task->settings->state, task->settings->size);
	worker->payload = put(toc, KEY_PAYLOAD, task->payload, task->size);
	queue = shm_mq_create(shm_toc_allocate(toc, QUEUE_SIZE), QUEUE_SIZE);
	shm_toc_insert(toc, KEY_QUEUE, queue);
	shm_mq_set_receiver(queue, MyProc);
	worker->queue = shm_mq_attach(queue, worker->segment, NULL);
	return worker;
}

static bool
launch(Worker *worker)
{
	BackgroundWorker entry = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = BGW_NEVER_RESTART,
		.bgw_notify_pid = MyProcPid,
		.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(worker->segment))
	};
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	bool		registered;

	snprintf(entry.bgw_name, BGW_MAXLEN, PURSER_EXTENSION " worker for process %d", MyProcPid);
	snprintf(entry.bgw_type, BGW_MAXLEN, PURSER_EXTENSION " worker");
	strlcpy(entry.bgw_library_name, LIBRARY, sizeof(entry.bgw_library_name));
	strlcpy(entry.bgw_function_name, "shared_worker_main", sizeof(entry.bgw_function_name));
	registered = RegisterDynamicBackgroundWorker(&entry, &worker->handle);
	MemoryContextSwitchTo(caller);
	return registered;
}

/* The segment goes: the caller is done, failed, or ends. */
static void
let_go(dsm_segment *segment pg_attribute_unused(), Datum arg)
{
	Worker	   *worker = (Worker *) DatumGetPointer(arg);

	if (worker->handle)
	{
		TerminateBackgroundWorker(worker->handle);
		pfree(worker->handle);
	}
	pfree(worker);
}

/*
 * To be called in a transaction; the worker ends with it at the latest.  NULL
 * if the server has no place for another one.
 */
Worker *
shared_worker_try_start(const WorkerTask *task)
{
	Worker	   *worker;

	if (!IsUnderPostmaster)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("background workers cannot be started in single-user mode")));
	worker = fill_segment(task);
	on_dsm_detach(worker->segment, let_go, PointerGetDatum(worker));
	if (!launch(worker))
	{
		dsm_detach(worker->segment);
		return NULL;
	}
	shm_mq_set_handle(worker->queue, worker->handle);
	return worker;
}

/* The same, where it cannot do without. */
Worker *
shared_worker_start(const WorkerTask *task)
{
	Worker	   *worker = shared_worker_try_start(task);

	if (worker == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("could not start a background worker"),
				 errdetail("All of the server's places for background workers are taken."),
				 errhint("Try again later, or increase max_worker_processes.")));
	return worker;
}

/* Say what the worker said; an error of its becomes ours. */
static void
relay(StringInfo message)
{
	ErrorData	error;

	pq_parse_errornotice(message, &error);
	/* Its end is not ours. */
	error.elevel = Min(error.elevel, ERROR);
	ThrowErrorData(&error);
}

/* Hand on what the worker has said so far; true when that was the last. */
static bool
receive_some(Worker *worker)
{
	for (;;)
	{
		StringInfoData message;
		shm_mq_result result;
		Size		size;
		void	   *data;
		char		type;

		result = shm_mq_receive(worker->queue, &size, &data, true);
		if (result == SHM_MQ_WOULD_BLOCK)
			return false;
		if (result != SHM_MQ_SUCCESS)
			ereport(ERROR,
					(errcode(ERRCODE_SYSTEM_ERROR),
					 errmsg("a background worker ended unexpectedly"),
					 errdetail("Its process may have been terminated, or could not be started."),
					 errhint("The server's log says more.")));
		initStringInfo(&message);
		appendBinaryStringInfo(&message, data, size);
		type = pq_getmsgbyte(&message);
		if (type == MESSAGE_DONE)
			return true;
		if (type == 'E' || type == 'N')
			relay(&message);
		pfree(message.data);
	}
}

/* Hand on the messages of all workers, as they come, until the last ones. */
static void
receive_all(const List *workers)
{
	List	   *waiting = list_copy(workers);

	for (;;)
	{
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		foreach(lc, waiting)
			if (receive_some(lfirst(lc)))
				waiting = foreach_delete_current(waiting, lc);
		if (waiting == NIL)
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, -1,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

static void
wait_for_end(const List *workers)
{
	ListCell   *lc;

	HOLD_INTERRUPTS();
	foreach(lc, workers)
		WaitForBackgroundWorkerShutdown(((Worker *) lfirst(lc))->handle);
	RESUME_INTERRUPTS();
}

/*
 * Wait until all of the workers are done.  On any error, of one of them or a
 * cancel of ours, all have ended when the error goes on.
 */
void
shared_worker_finish_all(const List *workers)
{
	ListCell   *lc;

	PG_TRY();
	{
		receive_all(workers);
	}
	PG_CATCH();
	{
		foreach(lc, workers)
			TerminateBackgroundWorker(((Worker *) lfirst(lc))->handle);
		wait_for_end(workers);
		PG_RE_THROW();
	}
	PG_END_TRY();
	wait_for_end(workers);
	foreach(lc, workers)
	{
		Worker	   *worker = lfirst(lc);

		memcpy(worker->task.payload, worker->payload, worker->task.size);
		dsm_detach(worker->segment);
	}
}

/* The same for one. */
void
shared_worker_finish(Worker *worker)
{
	shared_worker_finish_all(list_make1(worker));
}

/* ---- the worker's side ---- */

/* Become who the caller is, with the caller's settings. */
static void
take_settings(const WorkerHeader *header, void *state)
{
	const WorkerSettings *settings = &header->settings;

	StartTransactionCommand();
	SetSessionAuthorization(settings->session_user, settings->session_superuser);
	if (OidIsValid(settings->role))
		SetCurrentRoleId(settings->role, superuser_arg(settings->role));
	/* Values that the caller has are taken as they are. */
	InitializingParallelWorker = true;
	RestoreGUCState(state);
	InitializingParallelWorker = false;
	/* The order in which that restored these two is the server's. */
	SetSessionAuthorization(settings->session_user, settings->session_superuser);
	if (OidIsValid(settings->role))
		SetCurrentRoleId(settings->role, superuser_arg(settings->role));
	CommitTransactionCommand();
}

static void
redirect_messages(dsm_segment *segment, shm_toc *toc)
{
	shm_mq	   *queue = shm_toc_lookup(toc, KEY_QUEUE, false);

	shm_mq_set_sender(queue, MyProc);
	pq_redirect_to_shm_mq(segment, shm_mq_attach(queue, segment, NULL));
}

/* Locks of relations that the function took for the session: the server expects none here. */
static void
release_locks(int code pg_attribute_unused(), Datum arg pg_attribute_unused())
{
	LockReleaseAll(DEFAULT_LOCKMETHOD, true);
}

void
shared_worker_main(Datum handle)
{
	dsm_segment *segment;
	shm_toc    *toc;
	WorkerHeader *header;
	WorkerFunction function;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	CurrentMemoryContext = AllocSetContextCreate(TopMemoryContext, "pg_purser worker",
												 ALLOCSET_DEFAULT_SIZES);
	/* Without a resource owner the mapping lasts as long as the process. */
	segment = dsm_attach(DatumGetUInt32(handle));
	toc = segment ? shm_toc_attach(WORKER_MAGIC, dsm_segment_address(segment)) : NULL;
	if (toc == NULL)
		proc_exit(0);			/* the caller is gone */
	redirect_messages(segment, toc);
	header = shm_toc_lookup(toc, KEY_HEADER, false);
	/* Registered before the server's own, and so called after the transaction has ended. */
	before_shmem_exit(release_locks, (Datum) 0);
	BackgroundWorkerInitializeConnectionByOid(header->database,
											  header->settings.authenticated_user,
											  PURSER_WORKER_FLAGS);
	SetClientEncoding(GetDatabaseEncoding());
	take_settings(header, shm_toc_lookup(toc, KEY_SETTINGS, false));
	function = (WorkerFunction) load_external_function(LIBRARY, header->function, true, NULL);
	function(shm_toc_lookup(toc, KEY_PAYLOAD, false), header->payload_size);
	pq_putemptymessage(MESSAGE_DONE);
}
