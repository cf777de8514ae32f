/*
 * audit_board.c
 *		The board of convicted queries: who is to be measured, and when.
 *
 * A query that read much for little is put on the board. Its next run is
 * measured (rows of each plan node), after that every SAMPLE-th. What a
 * measured run proves becomes findings, and the query is known as found;
 * where it proves nothing, the query is acquitted and only sampled on. A query
 * is one for each role that runs it, as findings are.
 *
 * The board is asked at the start of every statement, so that asking takes no
 * lock: the keys are atomic words, one cache line's worth for each bucket.
 * Everything else in a slot is under AUDIT_LOCK_FINDINGS, but for the counter
 * of runs, which is atomic. A reader that meets a slot while it changes hands
 * measures one run too many or too few, no more.
 */
#include "audit/rules/audit_rules.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "utils/timestamp.h"

#define BUCKETS 256			/* a power of two */
#define WAYS 4
#define SLOTS (BUCKETS * WAYS)
#define SAMPLE 100				/* runs of a convicted query for one measured */
#define MAX_MISSES 16			/* measured runs that were not wasteful, in a row */
#define MAX_FOUND 4
#define MAX_HITS 8				/* tables of one query */

typedef enum SlotState
{
	CONVICTED,					/* not measured yet */
	FOUND,						/* findings exist */
	ACQUITTED,					/* measured, nothing found */
} SlotState;

/* Wasteful runs that no finding has counted yet, by what they read much from. */
typedef struct Hits
{
	Oid			table;			/* for partitions, the partitioned table; 0: free */
	int64		runs;
	int64		rows_read;
	int64		rows_returned;
} Hits;

typedef struct Slot
{
	pg_atomic_uint32 runs;		/* since the conviction */
	SlotState	state;
	int			misses;
	TimestampTz replanned;		/* what-if, 0: never */
	int			nfound;
	AuditFindingKey found[MAX_FOUND];	/* which further runs add to */
	Hits		hits[MAX_HITS];
} Slot;

struct AuditBoard
{
	pg_atomic_uint64 keys[SLOTS];
	Slot		slots[SLOTS];
};

Size
audit_board_size(void)
{
	return sizeof(AuditBoard);
}

void
audit_board_init(AuditBoard *board)
{
	memset(board->slots, 0, sizeof(board->slots));
	for (int i = 0; i < SLOTS; i++)
	{
		pg_atomic_init_u64(&board->keys[i], 0);
		pg_atomic_init_u32(&board->slots[i].runs, 0);
	}
}

void
audit_board_clear(AuditBoard *board)
{
	for (int i = 0; i < SLOTS; i++)
		pg_atomic_write_u64(&board->keys[i], 0);
}

/* One word for a query of this database and a role; never 0. */
static inline uint64
board_key(uint64 queryid, Oid userid)
{
	uint64		who = ((uint64) MyDatabaseId << 32) | userid;
	uint64		key = queryid ^ (who * UINT64CONST(0x9E3779B97F4A7C15));

	return key == 0 ? 1 : key;
}

static inline int
first_slot(uint64 key)
{
	return (int) ((key ^ (key >> 32)) & (BUCKETS - 1)) * WAYS;
}

static inline int
find_slot(AuditBoard *board, uint64 key)
{
	int			first = first_slot(key);

	for (int i = first; i < first + WAYS; i++)
	{
		if (pg_atomic_read_u64(&board->keys[i]) == key)
			return i;
	}
	return -1;
}

/* The query's slot, -1 when it is not on the board; is this run to be measured? */
int
audit_board_look(uint64 queryid, Oid userid, bool *due)
{
	AuditBoard *board = audit_store_board();
	int			slot = find_slot(board, board_key(queryid, userid));

	if (slot >= 0)
		*due = pg_atomic_fetch_add_u32(&board->slots[slot].runs, 1) % SAMPLE == 0;
	return slot;
}

/* Will the query's next run be measured? */
bool
audit_board_is_due(uint64 queryid, Oid userid)
{
	AuditBoard *board = audit_store_board();
	int			slot = find_slot(board, board_key(queryid, userid));

	return slot >= 0 && pg_atomic_read_u32(&board->slots[slot].runs) % SAMPLE == 0;
}

/* The slot for a key, taken from the query of its bucket that matters least if need be. */
static int
take_slot(AuditBoard *board, uint64 key)
{
	int			first = first_slot(key);
	int			best = find_slot(board, key);

	if (best >= 0)
		return best;
	best = first;
	for (int i = first; i < first + WAYS; i++)
	{
		if (pg_atomic_read_u64(&board->keys[i]) == 0)
		{
			best = i;
			break;
		}
		if (board->slots[i].state == ACQUITTED && board->slots[best].state != ACQUITTED)
			best = i;
	}
	memset(&board->slots[best], 0, sizeof(Slot));
	pg_atomic_init_u32(&board->slots[best].runs, 0);
	pg_atomic_write_u64(&board->keys[best], key);
	return best;
}

/* What a run read less than a finding needs from is not what it wasted. */
static void
note_hit(Slot *slot, const AuditSource *sources, int n, int64 rows_returned)
{
	for (int i = 0; i < n; i++)
	{
		Hits	   *hits = slot->hits;
		Hits	   *end = slot->hits + MAX_HITS;

		if (sources[i].rows < audit_min_rows)
			continue;
		while (hits < end && OidIsValid(hits->table) && hits->table != sources[i].owner)
			hits++;
		if (hits == end)
			continue;
		hits->table = sources[i].owner;
		hits->runs++;
		hits->rows_read += sources[i].rows;
		hits->rows_returned += rows_returned;
	}
}

/*
 * A run that was not measured wasted rows. Adds to what the board, or the
 * findings of this query, count; "found" puts a query on the board only so
 * that its runs get timed, for a rule that needs no measuring.
 */
void
audit_board_convict(AuditWatch *watch, bool found)
{
	AuditBoard *board = audit_store_board();
	AuditSource *sources = NULL;
	int			nsources = 0;
	Slot	   *slot = NULL;

	if (watch->slot >= 0)
	{
		/* Without the lock: nothing to add where there is nothing to find. */
		slot = &board->slots[watch->slot];
		if (found || slot->state == ACQUITTED)
			return;
	}
	/* Looks into the catalogs, so not under the lock. */
	if (!found && (slot == NULL || slot->state == CONVICTED))
		sources = audit_sources(watch, &nsources);
	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_EXCLUSIVE);
	slot = &board->slots[take_slot(board, board_key(watch->queryid, watch->userid))];
	if (found)
		slot->state = FOUND;
	else if (slot->state == CONVICTED)
		note_hit(slot, sources, nsources, watch->rows_returned);
	else
	{
		for (int i = 0; i < slot->nfound; i++)
			audit_find_again_locked(&slot->found[i], watch, slot->nfound == 1);
	}
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
}

/* Gives a finding the wasteful runs that came before it and read much of its table. */
static void
add_hits(const Slot *slot, AuditSighting *sighting)
{
	for (int i = 0; i < MAX_HITS; i++)
	{
		const Hits *hits = &slot->hits[i];

		if (hits->table != sighting->relid)
			continue;
		sighting->occurrences += hits->runs;
		sighting->rows_read += hits->rows_read;
		sighting->rows_returned += hits->rows_returned;
	}
}

/*
 * A run was measured: "sightings" (AuditSighting) is what it proves, perhaps
 * nothing. A run that wasted nothing proves nothing either way, and the next
 * one is measured instead.
 */
void
audit_board_measured(const AuditWatch *watch, List *sightings, bool wasteful)
{
	AuditBoard *board = audit_store_board();
	Slot	   *slot = &board->slots[watch->slot];
	ListCell   *cell;

	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_EXCLUSIVE);
	if (pg_atomic_read_u64(&board->keys[watch->slot]) == board_key(watch->queryid, watch->userid))
	{
		if (!wasteful && slot->state == CONVICTED && ++slot->misses < MAX_MISSES)
			pg_atomic_write_u32(&slot->runs, 0);
		else if (wasteful)
			slot->state = sightings != NIL ? FOUND : ACQUITTED;
		if (wasteful)
			slot->nfound = 0;
		foreach(cell, sightings)
		{
			AuditSighting *sighting = lfirst(cell);

			add_hits(slot, sighting);
			if (slot->nfound < MAX_FOUND)
				slot->found[slot->nfound++] = audit_finding_key(sighting);
		}
		if (wasteful)
			memset(slot->hits, 0, sizeof(slot->hits));
	}
	foreach(cell, sightings)
		audit_find_locked(lfirst(cell));
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
}

/* Is it time to ask what-if about this query? If so, the answer is the caller's to find. */
bool
audit_board_claim_replan(const AuditWatch *watch)
{
	AuditBoard *board = audit_store_board();
	Slot	   *slot = &board->slots[watch->slot];
	TimestampTz now = GetCurrentStatementStartTimestamp();
	bool		claimed = false;

	if (audit_what_if_interval < 0)
		return false;
	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_EXCLUSIVE);
	if (pg_atomic_read_u64(&board->keys[watch->slot]) == board_key(watch->queryid, watch->userid))
		claimed = slot->replanned == 0 ||
			TimestampDifferenceExceeds(slot->replanned, now, audit_what_if_interval * 1000);
	if (claimed)
		slot->replanned = now;
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
	return claimed;
}

/* Is this what was found, or the first columns of it? Says how many. */
static int
columns_found(const AuditFindingKey *found, const AuditFindingKey *key)
{
	int			n = 0;

	if (found->rule != key->rule || found->relid != key->relid)
		return 0;
	while (n < AUDIT_MAX_COLUMNS && found->attnum[n] != 0 && found->attnum[n] == key->attnum[n])
		n++;
	return n < AUDIT_MAX_COLUMNS && found->attnum[n] != 0 ? 0 : n;
}

/*
 * What the latest what-if of the query made of a sighting: the number of its
 * columns that became a finding, 0 when it became none, -1 without a what-if.
 */
int
audit_board_verdict(const AuditWatch *watch, const AuditSighting *sighting)
{
	AuditBoard *board = audit_store_board();
	const Slot *slot = &board->slots[watch->slot];
	AuditFindingKey key = audit_finding_key(sighting);
	int			verdict = -1;

	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_SHARED);
	if (slot->replanned != 0 && slot->state != CONVICTED)
	{
		verdict = 0;
		for (int i = 0; i < slot->nfound && verdict == 0; i++)
			verdict = columns_found(&slot->found[i], &key);
	}
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
	return verdict;
}

/* The run that was to be measured did not come to its end: take the next. */
void
audit_board_retry(int slot)
{
	pg_atomic_write_u32(&audit_store_board()->slots[slot].runs, 0);
}
