/*
 * audit_verdict.c
 *		What became of convicted queries: what a measured run has proven, which
 *		runs count for it, and the answers of what-if, which hold for later runs.
 */
#include "audit/store/audit_board.h"

#include "access/xact.h"

#define MAX_MISSES 16			/* measured runs that did not show it again, in a row */

/* Gives a finding the wasteful runs that came before it and read much of its table. */
static void
add_hits(const AuditSlot *slot, AuditSighting *sighting)
{
	for (int i = 0; i < AUDIT_BOARD_HITS; i++)
	{
		const AuditHits *hits = &slot->hits[i];

		if (hits->table != sighting->relid)
			continue;
		sighting->occurrences += hits->runs;
		sighting->rows_read += hits->rows_read;
		sighting->rows_returned += hits->rows_returned;
	}
}

/* Likewise for other causes, of whose runs only the number is known. */
static void
add_suspected(const AuditSlot *slot, uint8 causes, AuditSighting *sighting)
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
note_found(AuditSlot *slot, AuditSighting *sighting, uint8 shown)
{
	uint8		causes = causes_of(sighting, shown);

	if (causes & AUDIT_BIT(AUDIT_CAUSE_WASTE))
		add_hits(slot, sighting);
	else
		add_suspected(slot, causes, sighting);
	if (causes == 0 || slot->nfound == AUDIT_BOARD_FOUND)
		return;
	slot->found[slot->nfound].key = audit_finding_key(sighting);
	slot->found[slot->nfound++].causes = causes;
}

/* The causes that a measured run showed are judged anew. */
static void
forget_causes(AuditSlot *slot, uint8 causes)
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
forget_runs(AuditSlot *slot, uint8 causes)
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
	AuditSlot  *slot = &board->slots[watch->slot];
	ListCell   *cell;

	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_EXCLUSIVE);
	if (audit_is_slot_of(board, watch))
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
	AuditSlot  *slot = &board->slots[watch->slot];
	int			kept = 0;
	uint8		proven = 0;

	/* Without the lock: nothing was found. */
	if (slot->nfound == 0 || (causes == AUDIT_BIT(AUDIT_CAUSE_SPILL) &&
							  (slot->proven & causes) == 0))
		return;
	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_EXCLUSIVE);
	if (audit_is_slot_of(board, watch))
	{
		for (int i = 0; i < slot->nfound; i++)
		{
			const AuditFound *found = &slot->found[i];
			const AuditRuleSpec *spec = audit_rule(found->key.rule);

			if (spec->spared > 0 && (AUDIT_BIT(spec->cause) & causes) != 0 &&
				!is_among(&found->key, sightings) &&
				audit_find_spared_locked(&found->key, watch, spec->spared))
				continue;
			proven |= found->causes;
			slot->found[kept++] = *found;
		}
		slot->nfound = kept;
		slot->proven &= proven | AUDIT_BOARD_KEPT | ~causes;
	}
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
}

/* Has a what-if said whether the query's waste can be mended? What is allowed was not noted. */
static bool
has_verdict(const AuditSlot *slot)
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
	AuditSlot  *slot;

	if (audit_what_if_interval < 0)
		return false;
	/* What is said of the first run is to be proven, too. */
	if (watch->slot < 0)
		return audit_policy_speaks();
	slot = &board->slots[watch->slot];
	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_EXCLUSIVE);
	if (audit_is_slot_of(board, watch))
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
	if (audit_is_slot_of(board, watch))
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
	const AuditSlot *slot;

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
