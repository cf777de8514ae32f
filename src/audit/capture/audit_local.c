/*
 * audit_local.c
 *		Counts that this backend has not published yet.
 *
 * A small open hash table in the backend's own memory takes the counts of
 * each execution, so that a statement touches no shared memory. It is
 * published every PUBLISH_CALLS executions, by a statement that starts
 * PUBLISH_MS after the last time, before this session reads the views, a while
 * after the session has gone idle (audit_idle.c), and at the backend's exit.
 * After an error nothing may be published or allocated, so there is room for
 * more failures than calls between two publications; a failure beyond that is
 * not counted.
 */
#include "audit/session/audit_session.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"

#define SLOTS 512				/* a power of two */
#define PUBLISH_CALLS 256
#define PUBLISH_MS 1000

typedef struct Slot
{
	uint64		queryid;		/* 0: free */
	Oid			userid;
	AuditQueryCounts counts;
} Slot;

static Slot slots[SLOTS];
static int	used[SLOTS];		/* positions of slots in use */
static int	nused = 0;
static int	ncalls = 0;			/* since the last publication */
static Slot *latest = &slots[0];	/* of the query that ended last; empty after a publication */
static uint64 generation = 0;	/* of the store that the counts are for */
static TimestampTz published = 0;
static bool idle_watched = false;	/* since the last publication */

static void
publish_at_exit(int code pg_attribute_unused(), Datum arg pg_attribute_unused())
{
	audit_local_publish();
	audit_saver_published(true);
}

static inline uint32
first_position(uint64 queryid, Oid userid)
{
	return ((uint32) (queryid ^ (queryid >> 32)) + userid) & (SLOTS - 1);
}

static inline bool
is_of(const Slot *slot, const AuditWatch *watch)
{
	return slot->queryid == watch->queryid && slot->userid == watch->userid;
}

static pg_noinline Slot *
find_slot(uint64 queryid, Oid userid)
{
	uint32		position = first_position(queryid, userid);

	for (int tries = 0; tries < SLOTS; tries++, position++)
	{
		Slot	   *slot = &slots[position & (SLOTS - 1)];

		if (slot->queryid == queryid && slot->userid == userid)
			return slot;
		if (slot->queryid == 0)
		{
			slot->queryid = queryid;
			slot->userid = userid;
			used[nused++] = position & (SLOTS - 1);
			return slot;
		}
	}
	return NULL;
}

/* Called once, as a statement starts: after an error nothing could be registered. */
void
audit_local_ready(void)
{
	before_shmem_exit(publish_at_exit, (Datum) 0);
	generation = audit_store_generation();
	audit_frames_ready();
	audit_idle_ready();
}

/* Are there counts that are not published? */
bool
audit_local_waits(void)
{
	return ncalls > 0;
}

/* Adds one execution to the latest slot, which is made the query's if need be. */
static pg_attribute_always_inline bool
add(const AuditWatch *watch)
{
	if (!is_of(latest, watch))
	{
		Slot	   *slot = &slots[first_position(watch->queryid, watch->userid)];

		if (unlikely(!is_of(slot, watch)))
			slot = find_slot(watch->queryid, watch->userid);
		if (unlikely(slot == NULL))
			return false;
		latest = slot;
	}
	latest->counts.calls++;
	latest->counts.rows_read += watch->rows_read;
	latest->counts.rows_returned += watch->rows_returned;
	latest->counts.rows_sent += watch->rows_sent;
	if (unlikely(watch->uncounted || watch->temp_blocks != 0))
	{
		latest->counts.uncounted += watch->uncounted;
		latest->counts.temp_blocks += watch->temp_blocks;
	}
	if (unlikely(watch->rows_weighed != 0))
	{
		latest->counts.rows_weighed += watch->rows_weighed;
		latest->counts.bytes_sent += watch->bytes_sent;
	}
	ncalls++;
	return true;
}

/*
 * What is there for each execution that ended; the plan state still is too. Is
 * there no room for more?
 */
static inline bool
add_figures(const AuditWatch *watch)
{
	const PlanState *top = watch->desc->planstate;

	if (watch->desc->operation == CMD_SELECT)
		latest->counts.rows_estimated += (int64) Min(top->plan->plan_rows, AUDIT_MOST_ROWS);
	if (likely(!IsA(top, LimitState) && top->instrument == NULL && !watch->paged))
		return false;
	audit_add_figures(watch, &latest->counts);
	return audit_removed_full();
}

static pg_noinline void
watch_idle(void)
{
	audit_idle_watch();
	idle_watched = true;
}

static pg_noinline void
publish_within(MemoryContext context)
{
	MemoryContext caller = MemoryContextSwitchTo(context);

	audit_local_publish();
	MemoryContextSwitchTo(caller);
}

/* Counts one execution; a latest publication in the future, by a clock set back, is long ago. */
void
audit_local_add(const AuditWatch *watch)
{
	if (!add(watch))
		return;
	if (unlikely(add_figures(watch) || ncalls >= PUBLISH_CALLS) ||
		unlikely((uint64) (GetCurrentStatementStartTimestamp() - published) >
				 PUBLISH_MS * UINT64CONST(1000)))
		publish_within(watch->estate->es_query_cxt);
	else if (unlikely(!idle_watched))
		watch_idle();
}

/* One that did not come to its end: does nothing but that. */
void
audit_local_add_unfinished(const AuditWatch *watch)
{
	if (add(watch))
		latest->counts.unfinished++;
}

void
audit_local_forget(void)
{
	for (int i = 0; i < nused; i++)
		memset(&slots[used[i]], 0, sizeof(Slot));
	nused = ncalls = 0;
	audit_removed_forget();
	idle_watched = false;
	generation = audit_store_generation();
}

void
audit_local_publish(void)
{
	published = GetCurrentStatementStartTimestamp();
	audit_session_publish();
	if (generation != audit_store_generation())
	{
		audit_local_forget();
		return;
	}
	for (int i = 0; i < nused; i++)
	{
		const Slot *slot = &slots[used[i]];
		AuditQueryKey key = {slot->queryid, MyDatabaseId, slot->userid};

		audit_store_add_counts(&key, &slot->counts,
							   audit_removed_of(slot->queryid, slot->userid));
	}
	audit_local_forget();
	audit_saver_published(false);
}
