/*
 * audit_board.h
 *		What the board keeps of a convicted query, for the files that own it:
 *		audit_board.c (who is measured, and when), audit_verdict.c (what came of it).
 */
#ifndef PURSER_AUDIT_BOARD_H
#define PURSER_AUDIT_BOARD_H

#include "audit/govern/audit_govern.h"

#include "port/atomics.h"
#include "utils/timestamp.h"

#define AUDIT_BOARD_SLOTS (AUDIT_BOARD_BUCKETS * AUDIT_BOARD_WAYS)
#define AUDIT_BOARD_FOUND 6
#define AUDIT_BOARD_HITS 8		/* tables of one query */
#define AUDIT_BOARD_KEPT 0x80	/* for a rule that needs no measuring */

/* Wasteful runs that no finding has counted yet, by what they read much from. */
typedef struct AuditHits
{
	Oid			table;			/* for partitions, the partitioned table; 0: free */
	int64		runs;
	int64		rows_read;
	int64		rows_returned;
} AuditHits;

/* A finding, and what a further run has to show to add to it. */
typedef struct AuditFound
{
	AuditFindingKey key;
	uint8		causes;
} AuditFound;

/* "convicted", "proven" and "acquitted" are bits of AuditCause, and AUDIT_BOARD_KEPT. */
typedef struct AuditSlot
{
	pg_atomic_uint32 runs;		/* since the conviction */
	uint8		convicted;		/* causes not measured yet, */
	uint8		proven;			/* for which findings exist, */
	uint8		acquitted;		/* measured, nothing found */
	bool		answered;		/* has a what-if come to its end? */
	int			misses;
	TimestampTz replanned;		/* what-if was tried, 0: never */
	int			nfound;
	AuditFound	found[AUDIT_BOARD_FOUND];
	AuditHits	hits[AUDIT_BOARD_HITS]; /* of waste */
	int64		suspected[AUDIT_NCAUSES];	/* runs that no finding has counted yet */
} AuditSlot;

struct AuditBoard
{
	pg_atomic_uint64 keys[AUDIT_BOARD_SLOTS];
	AuditSlot	slots[AUDIT_BOARD_SLOTS];
};

/* Has the slot not changed hands since the query started? */
static inline bool
audit_is_slot_of(AuditBoard *board, const AuditWatch *watch)
{
	return pg_atomic_read_u64(&board->keys[watch->slot]) ==
		audit_board_key(watch->queryid, watch->userid);
}

#endif
