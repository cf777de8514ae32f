/*
 * audit_board.c
 *		The board of convicted queries: who is to be measured, and when.
 *
 * A query is put on the board for what one of its runs showed (AuditCause). Its
 * next run is measured (rows of each plan node), after that every SAMPLE-th. What
 * a measured run proves becomes findings; of what it shows without proving
 * anything the query is acquitted, and only sampled on. A query is one for each
 * role that runs it, as findings are.
 *
 * The board is asked at the start of every statement, so that asking takes no
 * lock: the keys are atomic words, one cache line's worth for each bucket.
 * Everything else in a slot is under AUDIT_LOCK_FINDINGS, but for the counter
 * of runs, which is atomic. A reader that meets a slot while it changes hands
 * measures one run too many or too few, no more.
 */
#include "audit/store/audit_board.h"

#define SAMPLE 100				/* runs of a convicted query for one measured */

Size
audit_board_size(void)
{
	return sizeof(AuditBoard);
}

void
audit_board_init(AuditBoard *board)
{
	memset(board->slots, 0, sizeof(board->slots));
	for (int i = 0; i < AUDIT_BOARD_SLOTS; i++)
	{
		pg_atomic_init_u64(&board->keys[i], 0);
		pg_atomic_init_u32(&board->slots[i].runs, 0);
	}
}

void
audit_board_clear(AuditBoard *board)
{
	for (int i = 0; i < AUDIT_BOARD_SLOTS; i++)
		pg_atomic_write_u64(&board->keys[i], 0);
}

pg_atomic_uint64 *audit_board_keys = NULL;

/* Called before this backend's first statement that is watched. */
void
audit_board_attach(void)
{
	audit_board_keys = audit_store_board()->keys;
}

/* The slot of a key that is looked up in a bucket which is not empty, -1 without one. */
pg_noinline int
audit_board_find(const pg_atomic_uint64 *keys, uint64 key)
{
	int			first = audit_board_bucket(key);

	for (int i = first; i < first + AUDIT_BOARD_WAYS; i++)
	{
		if (pg_atomic_read_u64((pg_atomic_uint64 *) &keys[i]) == key)
			return i;
	}
	return -1;
}

static inline int
find_slot(AuditBoard *board, uint64 key)
{
	return audit_board_find(board->keys, key);
}

/* A query on the board starts: is this run to be measured? */
bool
audit_board_take_turn(int slot)
{
	return pg_atomic_fetch_add_u32(&audit_store_board()->slots[slot].runs, 1) % SAMPLE == 0;
}

/* Will the query's next run be measured? */
bool
audit_board_is_due(uint64 queryid, Oid userid)
{
	AuditBoard *board = audit_store_board();
	uint64		key = audit_board_key(queryid, userid);
	int			slot;

	/* As in audit_board_look(), which may not be ready for this session's first planning. */
	if (likely(pg_atomic_read_u64(&board->keys[audit_board_bucket(key)]) == 0))
		return false;
	slot = find_slot(board, key);
	return slot >= 0 && pg_atomic_read_u32(&board->slots[slot].runs) % SAMPLE == 0;
}

static bool
matters_little(const AuditSlot *slot)
{
	return (slot->convicted | slot->proven) == 0;
}

/* The slot for a key, taken from the query of its bucket that matters least if need be. */
static int
take_slot(AuditBoard *board, uint64 key)
{
	int			first = audit_board_bucket(key);
	int			best = find_slot(board, key);

	if (best >= 0)
		return best;
	best = first;
	for (int i = first; i < first + AUDIT_BOARD_WAYS; i++)
	{
		if (pg_atomic_read_u64(&board->keys[i]) == 0)
		{
			best = i;
			break;
		}
		if (matters_little(&board->slots[i]) && !matters_little(&board->slots[best]))
			best = i;
	}
	memset(&board->slots[best], 0, sizeof(AuditSlot));
	pg_atomic_init_u32(&board->slots[best].runs, 0);
	pg_atomic_write_u64(&board->keys[best], key);
	return best;
}

/* What a run read less than a finding needs from is not what it wasted. */
static void
note_hit(AuditSlot *slot, const AuditSource *sources, int n, int64 rows_returned)
{
	for (int i = 0; i < n; i++)
	{
		AuditHits  *hits = slot->hits;
		AuditHits  *end = slot->hits + AUDIT_BOARD_HITS;

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

/* Puts a query on the board so that its runs get timed, for a rule that needs no measuring. */
void
audit_board_keep(const AuditWatch *watch)
{
	AuditBoard *board = audit_store_board();

	if (watch->slot >= 0)
		return;
	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_EXCLUSIVE);
	board->slots[take_slot(board, audit_board_key(watch->queryid, watch->userid))].proven |=
		AUDIT_BOARD_KEPT;
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
}

/* A run shows something that is to be measured; it counts unless what it is about is allowed. */
static void
convict(AuditSlot *slot, uint8 causes, bool counts)
{
	if ((causes & ~slot->convicted) != 0)
	{
		slot->convicted |= causes;
		slot->misses = 0;
		pg_atomic_write_u32(&slot->runs, 0);
	}
	for (int i = 0; counts && i < AUDIT_NCAUSES; i++)
		slot->suspected[i] += (causes & AUDIT_BIT(i)) != 0;
}

/*
 * A run that was measured for another reason shows these causes: what there is
 * to find in it is found, but for a what-if the next one has to be planned anew.
 */
void
audit_board_convict(const AuditWatch *watch, uint8 causes)
{
	AuditBoard *board = audit_store_board();
	uint64		key = audit_board_key(watch->queryid, watch->userid);

	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_EXCLUSIVE);
	convict(&board->slots[take_slot(board, key)], causes, false);
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
}

/*
 * A run that was not measured shows these causes. Adds to what the board, or the
 * findings of this query, count.
 */
void
audit_board_suspect(const AuditWatch *watch, uint8 causes)
{
	AuditBoard *board = audit_store_board();
	AuditSource *sources = NULL;
	int			nsources = 0;
	AuditRuleSet allowed;
	bool		counts;
	uint8		open = causes;
	AuditSlot  *slot;

	if (watch->slot >= 0)
	{
		/* Without the lock: nothing to add where there is nothing to find. */
		slot = &board->slots[watch->slot];
		if ((causes & ~slot->acquitted) == 0)
			return;
		open &= ~slot->proven;
	}
	/* Looks into the catalogs, so not under the lock. */
	allowed = audit_allowed_rules(watch);
	counts = (allowed & audit_measured_rules()) == 0;
	if (counts && (open & AUDIT_BIT(AUDIT_CAUSE_WASTE)) != 0)
		sources = audit_sources(watch, &nsources);
	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_EXCLUSIVE);
	slot = &board->slots[take_slot(board, audit_board_key(watch->queryid, watch->userid))];
	open = causes & ~(slot->proven | slot->acquitted);
	convict(slot, open, counts);
	if (open & AUDIT_BIT(AUDIT_CAUSE_WASTE))
		note_hit(slot, sources, nsources, watch->rows_returned);
	for (int i = 0; i < slot->nfound; i++)
	{
		const AuditFound *found = &slot->found[i];

		if ((found->causes & causes) != 0 && (audit_rule_bit(found->key.rule) & allowed) == 0)
			audit_find_again_locked(&found->key, watch, slot->nfound == 1);
	}
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
}

/* The run that was to be measured did not come to its end: take the next. */
void
audit_board_retry(int slot)
{
	pg_atomic_write_u32(&audit_store_board()->slots[slot].runs, 0);
}
