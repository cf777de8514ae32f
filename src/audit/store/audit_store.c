/*
 * audit_store.c
 *		The memory of the audit: where it is, what is in it, its locks.
 *
 * One block of fixed size: the board of convicted queries, the reports of
 * parallel workers, the counts of queries and the findings. It lives
 *	- in the main shared memory when the library is preloaded;
 *	- from PostgreSQL 17, in a named dynamic segment when it is not, made by
 *	  the first session that loads the library;
 *	- else in the backend's own memory, and the audit sees that session alone.
 * The shared ones are saved in a file: audit_save.c.
 *
 * Locks: one for each table and one for the workers' reports. Counts of
 * queries are added under the shared lock, atomically; entries come and go
 * under the exclusive one. Whoever holds one of these locks does nothing but
 * copy numbers and bytes. Only writers of the file wait for one another.
 */
#include "audit/store/audit_save.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/memutils.h"
#ifdef PURSER_HAVE_NAMED_DSM
#include "storage/dsm_registry.h"
#endif

#define STORE_NAME "pg_purser_audit_4"	/* the number changes with the layout */
#define TRANCHE_NAME "pg_purser_audit"

typedef struct Store
{
	int			tranche;		/* all but the generation are constant */
	Size		reports;		/* offsets from the start of the store */
	Size		queries;
	Size		findings;
	Size		board;
	Size		saving;
	Size		saver;
	LWLock		locks[AUDIT_NLOCKS];
	pg_atomic_uint64 generation;	/* changes with each reset */
} Store;

static Store *store = NULL;
static bool shared = false;
static bool preloaded = false;

static shmem_request_hook_type prev_shmem_request = NULL;
static shmem_startup_hook_type prev_shmem_startup = NULL;

/* ---- making the store ---- */

static Size
store_layout(Store *layout)
{
	Size		size = CACHELINEALIGN(sizeof(Store));

	layout->board = size;
	size = add_size(size, MAXALIGN(audit_board_size()));
	layout->saving = size;
	size = add_size(size, MAXALIGN(audit_saving_size()));
	layout->saver = size;
	size = add_size(size, MAXALIGN(audit_saver_size()));
	layout->reports = size;
	size = add_size(size, MAXALIGN(audit_reports_size()));
	layout->queries = size;
	size = add_size(size, MAXALIGN(audit_table_size(audit_max_queries, audit_query_entry_size())));
	layout->findings = size;
	return add_size(size, audit_table_size(audit_max_findings, sizeof(AuditFinding)));
}

static void
store_fill(Store *new_store)
{
	store_layout(new_store);
	new_store->tranche = purser_new_tranche(TRANCHE_NAME);
	for (int i = 0; i < AUDIT_NLOCKS; i++)
		LWLockInitialize(&new_store->locks[i], new_store->tranche);
	pg_atomic_init_u64(&new_store->generation, 1);

	store = new_store;
	audit_board_init(audit_store_board());
	audit_saving_init(audit_store_saving());
	audit_saver_init(audit_store_saver());
	audit_reports_clear(audit_store_reports());
	audit_table_init(audit_store_queries(), audit_max_queries, sizeof(AuditQueryKey),
					 audit_query_entry_size());
	audit_table_init(audit_store_findings(), audit_max_findings, sizeof(AuditFindingKey),
					 sizeof(AuditFinding));
}

static void
audit_shmem_request(void)
{
	Store		layout;

	if (prev_shmem_request)
		prev_shmem_request();
	RequestAddinShmemSpace(store_layout(&layout));
}

/*
 * The postmaster ends, and all others have ended and published before; after a
 * crash, what they left behind is not to be trusted.
 */
static void
save_at_end(int code, Datum arg pg_attribute_unused())
{
	if (code == 0 && audit_save_interval > 0)
		audit_save();
}

static void
audit_shmem_startup(void)
{
	Store		layout;
	Store	   *block;
	bool		found;

	if (prev_shmem_startup)
		prev_shmem_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	block = ShmemInitStruct(STORE_NAME, store_layout(&layout), &found);
	if (!found)
		store_fill(block);
	LWLockRelease(AddinShmemInitLock);
	store = block;
	shared = true;
	purser_register_tranche(store->tranche, TRANCHE_NAME);
	if (!IsUnderPostmaster)
	{
		audit_load();
		on_shmem_exit(save_at_end, (Datum) 0);
	}
}

#ifdef PURSER_HAVE_NAMED_DSM
static void
store_fill_segment(PURSER_DSM_INIT_PARAMS)
{
	store_fill(ptr);
	audit_load();
}

static void
store_attach(void)
{
	Store		layout;
	bool		found;

	store = purser_named_dsm(STORE_NAME, store_layout(&layout), store_fill_segment, &found);
	shared = true;
	purser_register_tranche(store->tranche, TRANCHE_NAME);
	if (!found)
		audit_saver_start();
}
#endif

static void
store_make_local(void)
{
	Store		layout;

	store_fill(MemoryContextAllocZero(TopMemoryContext, store_layout(&layout)));
	purser_register_tranche(store->tranche, TRANCHE_NAME);
}

/*
 * Called when the library is loaded, so that a failure to get memory fails
 * the LOAD and never a query.
 */
void
audit_store_init(void)
{
	if (process_shared_preload_libraries_in_progress)
	{
		preloaded = true;
		prev_shmem_request = shmem_request_hook;
		shmem_request_hook = audit_shmem_request;
		prev_shmem_startup = shmem_startup_hook;
		shmem_startup_hook = audit_shmem_startup;
		audit_saver_register();
		return;
	}
#ifdef PURSER_HAVE_NAMED_DSM
	if (IsUnderPostmaster)
	{
		store_attach();
		return;
	}
#endif
	store_make_local();
}

/* ---- getting at it ---- */

bool
audit_store_ready(void)
{
	return store != NULL;
}

bool
audit_store_is_shared(void)
{
	return shared;
}

/* Made at server start, so that every session has it? */
bool
audit_store_is_preloaded(void)
{
	return preloaded;
}

void
audit_store_lock(AuditLock lock, LWLockMode mode)
{
	LWLockAcquire(&store->locks[lock], mode);
	if (mode == LW_EXCLUSIVE && (lock == AUDIT_LOCK_QUERIES || lock == AUDIT_LOCK_FINDINGS))
		audit_save_changed();
}

void
audit_store_unlock(AuditLock lock)
{
	LWLockRelease(&store->locks[lock]);
}

AuditTable *
audit_store_queries(void)
{
	return (AuditTable *) ((char *) store + store->queries);
}

AuditTable *
audit_store_findings(void)
{
	return (AuditTable *) ((char *) store + store->findings);
}

AuditBoard *
audit_store_board(void)
{
	return (AuditBoard *) ((char *) store + store->board);
}

AuditReports *
audit_store_reports(void)
{
	return (AuditReports *) ((char *) store + store->reports);
}

AuditSaving *
audit_store_saving(void)
{
	return (AuditSaving *) ((char *) store + store->saving);
}

AuditSaver *
audit_store_saver(void)
{
	return (AuditSaver *) ((char *) store + store->saver);
}

uint64
audit_store_generation(void)
{
	return pg_atomic_read_u64(&store->generation);
}

/*
 * Forgets all findings and counts, those of other databases and those that
 * are saved too. What backends have not published yet belongs to the old
 * generation: they drop it.
 */
void
audit_store_reset(void)
{
	audit_store_lock(AUDIT_LOCK_SAVE, LW_EXCLUSIVE);
	audit_save_forget();
	audit_store_lock(AUDIT_LOCK_QUERIES, LW_EXCLUSIVE);
	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_EXCLUSIVE);
	pg_atomic_fetch_add_u64(&store->generation, 1);
	audit_table_clear(audit_store_queries());
	audit_table_clear(audit_store_findings());
	audit_board_clear(audit_store_board());
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
	audit_store_unlock(AUDIT_LOCK_QUERIES);
	audit_store_unlock(AUDIT_LOCK_SAVE);
}
