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
#include "audit/govern/audit_govern.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "utils/timestamp.h"

#define WAYS AUDIT_BOARD_WAYS
#define SLOTS (AUDIT_BOARD_BUCKETS * WAYS)
#define SAMPLE 100				/* runs of a convicted query for one measured */
#define MAX_MISSES 16			/* measured runs that did not show it again, in a row */
#define MAX_FOUND 6
#define MAX_HITS 8				/* tables of one query */

#define KEPT 0x80				/* for a rule that needs no measuring */

/* Wasteful runs that no finding has counted yet, by what they read much from. */
typedef struct Hits
{
	Oid			table;			/* for partitions, the partitioned table; 0: free */
	int64		runs;
	int64		rows_read;
	int64		rows_returned;
} Hits;

/* A finding, and what a further run has to show to add to it. */
typedef struct Found
{
	AuditFindingKey key;
	uint8		causes;
} Found;

typedef struct Slot
{
	pg_atomic_uint32 runs;		/* since the conviction */
	uint8		convicted;		/* causes not measured yet, */
	uint8		proven;			/* for which findings exist, */
	uint8		acquitted;		/* measured, nothing found */
	bool		answered;		/* has a what-if come to its end? */
	int			misses;
	TimestampTz replanned;		/* what-if was tried, 0: never */
	int			nfound;
	Found		found[MAX_FOUND];
	Hits		hits[MAX_HITS]; /* of waste */
	int64		suspected[AUDIT_NCAUSES];	/* runs that no finding has counted yet */
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

	for (int i = first; i < first + WAYS; i++)
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
matters_little(const Slot *slot)
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
	for (int i = first; i < first + WAYS; i++)
	{
		if (pg_atomic_read_u64(&board->keys[i]) == 0)
		{
			best = i;
			break;
		}
		if (matters_little(&board->slots[i]) && !matters_little(&board->slots[best]))
			best = i;
	}
	memset(&board->slots[best], 0, sizeof(Slot));
	pg_atomic_init_u32(&board->slots[best].runs, 0);
	pg_atomic_write_u64(&board->keys[best], key);
	return best;
}

/* Has the slot not changed hands since the query started? */
static bool
is_slot_of(AuditBoard *board, const AuditWatch *watch)
{
	return pg_atomic_read_u64(&board->keys[watch->slot]) ==
		audit_board_key(watch->queryid, watch->userid);
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

/* Puts a query on the board so that its runs get timed, for a rule that needs no measuring. */
void
audit_board_keep(const AuditWatch *watch)
{
	AuditBoard *board = audit_store_board();

	if (watch->slot >= 0)
		return;
	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_EXCLUSIVE);
	board->slots[take_slot(board, audit_board_key(watch->queryid, watch->userid))].proven |= KEPT;
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
}

/* A run shows something that is to be measured; it counts unless what it is about is allowed. */
static void
convict(Slot *slot, uint8 causes, bool counts)
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
	Slot	   *slot;

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
		const Found *found = &slot->found[i];

		if ((found->causes & causes) != 0 && (audit_rule_bit(found->key.rule) & allowed) == 0)
			audit_find_again_locked(&found->key, watch, slot->nfound == 1);
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

/* Likewise for other causes, of whose runs only the number is known. */
static void
add_suspected(const Slot *slot, uint8 causes, AuditSighting *sighting)
{
	int64		runs = 0;

	for (int i = 0; i < AUDIT_NCAUSES; i++)
	{
		if (causes & AUDIT_BIT(i))
			runs = Max(runs, slot->suspected[i]);
	}
	sighting->occurrences += runs;
	sighting->rows_read += runs * sighting->rows_read;
	sighting->rows_returned += runs * sighting->rows_returned;
	sighting->bytes += runs * sighting->bytes;
}

/* What a further run has to show to count: what this one did, best that which the rule is about. */
static uint8
causes_of(const AuditSighting *sighting, uint8 shown)
{
	uint8		own = shown & AUDIT_BIT(audit_rule(sighting->rule)->cause);

	return own != 0 ? own : shown;
}

static void
note_found(Slot *slot, AuditSighting *sighting, uint8 shown)
{
	uint8		causes = causes_of(sighting, shown);

	if (causes & AUDIT_BIT(AUDIT_CAUSE_WASTE))
		add_hits(slot, sighting);
	else
		add_suspected(slot, causes, sighting);
	if (causes == 0 || slot->nfound == MAX_FOUND)
		return;
	slot->found[slot->nfound].key = audit_finding_key(sighting);
	slot->found[slot->nfound++].causes = causes;
}

/* The causes that a measured run showed are judged anew. */
static void
forget_causes(Slot *slot, uint8 causes)
{
	int			kept = 0;

	for (int i = 0; i < slot->nfound; i++)
	{
		if ((slot->found[i].causes & causes) == 0)
			slot->found[kept++] = slot->found[i];
	}
	slot->nfound = kept;
	slot->convicted &= ~causes;
	slot->proven &= ~causes;
	slot->acquitted &= ~causes;
}

static void
forget_runs(Slot *slot, uint8 causes)
{
	if (causes & AUDIT_BIT(AUDIT_CAUSE_WASTE))
		memset(slot->hits, 0, sizeof(slot->hits));
	for (int i = 0; i < AUDIT_NCAUSES; i++)
	{
		if (causes & AUDIT_BIT(i))
			slot->suspected[i] = 0;
	}
}

/*
 * A run was measured that showed these causes: "sightings" (AuditSighting) is
 * what it proves, perhaps nothing. Of what it did not show it proves nothing
 * either way, and the next one is measured instead.
 */
void
audit_board_measured(const AuditWatch *watch, List *sightings, uint8 causes)
{
	AuditBoard *board = audit_store_board();
	Slot	   *slot = &board->slots[watch->slot];
	ListCell   *cell;

	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_EXCLUSIVE);
	if (is_slot_of(board, watch))
	{
		if ((slot->convicted & ~causes) != 0 && ++slot->misses < MAX_MISSES)
			pg_atomic_write_u32(&slot->runs, 0);
		forget_causes(slot, causes);
		foreach(cell, sightings)
		{
			note_found(slot, lfirst(cell), causes);
			slot->proven |= causes_of(lfirst(cell), causes);
		}
		slot->acquitted |= causes & ~slot->proven;
		forget_runs(slot, causes);
	}
	foreach(cell, sightings)
		audit_find_locked(lfirst(cell));
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
}

static bool
is_among(const AuditFindingKey *key, List *sightings)
{
	ListCell   *cell;

	foreach(cell, sightings)
	{
		AuditFindingKey other = audit_finding_key(lfirst(cell));

		if (memcmp(&other, key, sizeof(other)) == 0)
			return true;
	}
	return false;
}

/*
 * A run is without what rules of these causes find, but for "sightings"
 * (AuditSighting): the query's findings of such rules are mended, as long as no
 * later run proves them again.
 */
void
audit_board_spared(const AuditWatch *watch, uint8 causes, List *sightings)
{
	AuditBoard *board = audit_store_board();
	Slot	   *slot = &board->slots[watch->slot];
	int			kept = 0;
	uint8		proven = 0;

	/* Without the lock: nothing was found. */
	if (slot->nfound == 0 || (causes == AUDIT_BIT(AUDIT_CAUSE_SPILL) &&
							  (slot->proven & causes) == 0))
		return;
	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_EXCLUSIVE);
	if (is_slot_of(board, watch))
	{
		for (int i = 0; i < slot->nfound; i++)
		{
			const Found *found = &slot->found[i];
			const AuditRuleSpec *spec = audit_rule(found->key.rule);

			if (spec->spared > 0 && (AUDIT_BIT(spec->cause) & causes) != 0 &&
				!is_among(&found->key, sightings) &&
				audit_find_spared_locked(&found->key, watch, spec->spared))
				continue;
			proven |= found->causes;
			slot->found[kept++] = *found;
		}
		slot->nfound = kept;
		slot->proven &= proven | KEPT | ~causes;
	}
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
}

/* Has a what-if said whether the query's waste can be mended? What is allowed was not noted. */
static bool
has_verdict(const Slot *slot)
{
	return slot->answered &&
		((slot->proven | slot->acquitted) & AUDIT_BIT(AUDIT_CAUSE_WASTE)) != 0;
}

/* Is it time to ask what-if about this query? If so, the answer is the caller's to find. */
bool
audit_board_claim_replan(const AuditWatch *watch)
{
	AuditBoard *board = audit_store_board();
	TimestampTz now = GetCurrentStatementStartTimestamp();
	bool		claimed = false;
	Slot	   *slot;

	if (audit_what_if_interval < 0)
		return false;
	/* What is said of the first run is to be proven, too. */
	if (watch->slot < 0)
		return audit_policy_speaks();
	slot = &board->slots[watch->slot];
	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_EXCLUSIVE);
	if (is_slot_of(board, watch))
		claimed = slot->replanned == 0 || (audit_policy_speaks() && !has_verdict(slot)) ||
			audit_is_apart(slot->replanned, now, audit_what_if_interval * INT64CONST(1000));
	if (claimed)
		slot->replanned = now;
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
	return claimed;
}

/* The what-if that was claimed has an answer, which holds for later runs. */
void
audit_board_answered(const AuditWatch *watch)
{
	AuditBoard *board = audit_store_board();

	if (watch->slot < 0)
		return;
	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_EXCLUSIVE);
	if (is_slot_of(board, watch))
		board->slots[watch->slot].answered = true;
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
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
	AuditFindingKey key = audit_finding_key(sighting);
	int			verdict = -1;
	const Slot *slot;

	if (watch->slot < 0)
		return verdict;
	slot = &board->slots[watch->slot];
	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_SHARED);
	if (has_verdict(slot))
	{
		verdict = 0;
		for (int i = 0; i < slot->nfound && verdict == 0; i++)
			verdict = columns_found(&slot->found[i].key, &key);
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
