/*
 * audit_capture.h
 *		The watch over one execution, and what is counted for it.
 */
#ifndef PURSER_AUDIT_CAPTURE_H
#define PURSER_AUDIT_CAPTURE_H

#include "audit/audit.h"

#include "access/skey.h"
#include "access/stratnum.h"
#include "executor/execdesc.h"
#include "portability/instr_time.h"
#include "utils/rel.h"

#pragma GCC visibility push(hidden)

/* Which counters of a relation count rows read: those of the nodes that scan it. */
#define AUDIT_HEAP 0x01			/* a table: rows of sequential and bitmap scans */
#define AUDIT_INDEX 0x02		/* an index: rows that plain scans fetched */
#define AUDIT_INDEX_ONLY 0x04	/* an index: entries that index-only scans got */

/* A pair of a relation's counters. */
typedef struct AuditCounters
{
	int64		returned;
	int64		fetched;
} AuditCounters;

/* One relation that a query scans. */
typedef struct AuditRel
{
	Relation	rel;			/* open from ExecutorStart to ExecutorEnd */
	Oid			table;			/* the table itself, or the index's table */
	uint8		kinds;			/* AUDIT_HEAP, ... */
	AuditCounters start;		/* at entry to the frame that runs */
	AuditCounters nested;		/* of what follows, read by frames within */
	AuditCounters own;			/* read by the latest frame alone */
	int64		rows;			/* read by this query alone, all frames */
} AuditRel;

#define AUDIT_INLINE_RELS 2
#define AUDIT_MOST_ROWS 1e12	/* taken of one estimate, so that sums keep within an int64 */

/*
 * The watch over one execution, from ExecutorStart to ExecutorEnd. It is used
 * again when the query's context has gone, whose reset callback takes it back
 * and also closes it after an error.
 */
typedef struct AuditWatch
{
	struct AuditWatch *next;	/* list of open watches, latest first; of free ones */
	struct AuditWatch *outer;	/* frame below on the stack, while running */
	QueryDesc  *desc;
	MemoryContextCallback callback;
	uint64		queryid;
	Oid			userid;
	int			slot;			/* on the board, -1 when not convicted */
	AuditRel   *rels;
	instr_time	started;		/* of the latest frame, when timed */
	uint64		lost_reports;	/* of workers, before this frame */
	int64		temp_start;		/* blocks of temporary files written, at entry to the frame */
	EState	   *estate;			/* in the query's context */
	int			level;			/* of subtransactions, at entry to the frame */
	/* From here up to inline_rels all is 0 when a watch opens. */
	int			nruns;
	int			nrels;
	int			space;			/* for relations */
	int64		rows_read;		/* by this query alone, of all relations */
	int64		rows_returned;
	int64		rows_sent;		/* straight to the client */
	int64		rows_weighed;	/* of these, the rows that audit_wire.c counted */
	int64		bytes_sent;		/* with them */
	int64		temp_nested;	/* blocks written since temp_start by frames within */
	int64		temp_blocks;	/* written by this query alone, all frames */
	bool		running;		/* its frame is on the stack */
	bool		finishing;		/* the frame is that of ExecutorFinish */
	bool		closed;			/* taken off the list of open watches */
	bool		fragment;		/* a parallel worker's part of a plan */
	bool		parallel;		/* may have workers */
	bool		uncounted;		/* rows_read is incomplete */
	bool		to_client;		/* a top-level SELECT, all of its rows sent to the client */
	bool		from_client;	/* a statement of the client's, not one within another */
	bool		simple;			/* its receiver, gone by the end, was the simple protocol's */
	bool		straight;		/* the latest frame's rows go straight to the client */
	bool		weighed;		/* audit_wire.c counts what this run sends */
	bool		tapped;			/* audit_tap.c has hashes of its rows */
	bool		timed;			/* instrumented on the audit's behalf */
	bool		sized;			/* audit_sizes.c takes the sizes of the rows of this run */
	bool		judged;			/* the rules have seen it */
	bool		paged;			/* a client got rows of it piece by piece */
	bool		at_end;			/* its rows came to an end */
	bool		put_off;		/* not judged by its measures: the next run will be planned anew */
	bool		proved;			/* the measured rules have decided: */
	List	   *proofs;			/* AuditSighting */
	List	   *remedies;		/* AuditSuspect: advice for what is found in any case */
	List	   *proven;			/* AuditSighting, of all rules that measure */
	instr_time	elapsed;		/* in all frames, when timed */
	struct AuditSizes *sizes;	/* of the values sent, when audit_sizes.c takes them */
	AuditRel	inline_rels[AUDIT_INLINE_RELS];
} AuditWatch;

/* ---- audit_identity.c ---- */

extern uint64 audit_planned_identifier(uint64 own);
extern uint64 audit_started_identifier(uint64 own);

/* ---- rows read: audit_screen.c ---- */

extern AuditWatch *audit_open_watches;	/* latest first */
extern AuditWatch *audit_top_frame;

extern AuditWatch *audit_watch_open(QueryDesc *desc, uint64 queryid, Oid userid);
extern void audit_frames_ready(void);
extern void audit_frames_fail(int level);
extern void audit_frames_drop(const AuditWatch *above);
extern void audit_add_rows(AuditWatch *watch, AuditRel *rel, const AuditCounters *counters);
extern Oid	audit_main_table(const AuditWatch *watch, int64 *rows);

/* NULL when the query is not watched. */
static inline AuditWatch *
audit_watch_find(const QueryDesc *desc)
{
	AuditWatch *watch = audit_open_watches;

	while (watch != NULL && unlikely(watch->desc != desc))
		watch = watch->next;
	return watch;
}

/* Takes a watch off the list of open ones. */
static inline void
audit_watch_close(AuditWatch *watch)
{
	AuditWatch **link = &audit_open_watches;

	while (unlikely(*link != watch))
		link = &(*link)->next;
	*link = watch->next;
	watch->closed = true;
}

static inline bool
audit_in_frame(void)
{
	return audit_top_frame != NULL;
}

/* ---- rows sent: audit_tap.c ---- */

#define AUDIT_TAP_COLUMNS 16	/* noted of a row */

typedef struct AuditRowHashes AuditRowHashes;
extern bool audit_tap_wanted(const AuditWatch *watch);

/* Do the keys hold all columns of a unique index to one value each? */
static inline bool
audit_is_unique_lookup(Relation index, const ScanKeyData *keys, int nkeys)
{
	if (index == NULL || !index->rd_index->indisunique || nkeys < index->rd_index->indnkeyatts)
		return false;
	for (const ScanKeyData *key = keys; key < keys + nkeys; key++)
	{
		if (key->sk_strategy != BTEqualStrategyNumber ||
			(key->sk_flags & (SK_ROW_HEADER | SK_SEARCHARRAY)) != 0)
			return false;
	}
	return true;
}

extern void audit_tap_open(QueryDesc *desc, AuditRowHashes *into);
extern void audit_tap_close(QueryDesc *desc);
extern bool audit_value_hash(Oid type, Datum value, uint32 *hash);
extern bool audit_value_is_telling(Oid type, Datum value);
extern uint32 audit_row_hashes_find(const AuditRowHashes *hashes, uint32 hash, int *row,
									int *times);
extern int	audit_row_hashes_distinct(const AuditRowHashes *hashes, uint32 columns);
extern Size audit_row_hashes_size(void);
extern void audit_row_hashes_clear(AuditRowHashes *hashes);
extern int	audit_row_hashes_rows(const AuditRowHashes *hashes);
extern bool audit_row_hashes_full(const AuditRowHashes *hashes);
extern int	audit_row_hashes_columns(const AuditRowHashes *hashes, const AttrNumber **columns);

/* ---- bytes on the wire: audit_wire.c ---- */

extern int	audit_wire_rest;	/* runs of single rows before the next that is counted */
extern bool audit_wire_wanted_of_any(const AuditWatch *watch);
extern void audit_wire_open(void);
extern void audit_wire_close(AuditWatch *watch);

/*
 * Are the bytes to be counted of a run that sends its rows straight to the client?
 * What reads a table and is not tapped returns one row at most.
 */
static inline bool
audit_wire_wanted(const AuditWatch *watch)
{
	if (watch->tapped || watch->nrels == 0 || unlikely(audit_wire_rest == 0))
		return audit_wire_wanted_of_any(watch);
	audit_wire_rest--;
	return false;
}

/* ---- bytes of values: audit_sizes.c ---- */

/* Bytes of the values of some rows of a result, column by column. */
typedef struct AuditSizes
{
	int			ncolumns;
	int64		seen;			/* rows sent */
	int64		rows;			/* of these, measured */
	int64		bytes[FLEXIBLE_ARRAY_MEMBER];	/* in those, of each column */
} AuditSizes;

extern void audit_sizes_open(AuditWatch *watch);
extern void audit_sizes_close(AuditWatch *watch);
extern double audit_sizes_of_row(const AuditSizes *sizes);

/* ---- parallel workers: audit_workers.c ---- */

typedef struct AuditReports AuditReports;

extern Size audit_reports_size(void);
extern void audit_reports_clear(AuditReports *reports);
extern void audit_reports_begin(AuditWatch *watch);
extern void audit_reports_send(const AuditWatch *watch);
extern void audit_reports_collect(AuditWatch *watch);

/* ---- counts of this backend: audit_local.c ---- */

extern void audit_local_ready(void);
extern void audit_local_add(const AuditWatch *watch);
extern void audit_local_add_unfinished(const AuditWatch *watch);
extern void audit_local_publish(void);
extern void audit_local_forget(void);
extern bool audit_local_waits(void);

/* ---- figures that few executions have: audit_figures.c ---- */

struct AuditQueryCounts;
extern void audit_add_figures(const AuditWatch *watch, struct AuditQueryCounts *counts);

/* ---- rows discarded, node by node: audit_removed.c ---- */

struct AuditRemoved;
extern int64 audit_removed_add(const AuditWatch *watch);
extern bool audit_removed_full(void);
extern const struct AuditRemoved *audit_removed_of(uint64 queryid, Oid userid);
extern void audit_removed_forget(void);
extern bool audit_removed_name(uint64 place, const char **node, const char **by, Oid *relid);

/* ---- sessions that go idle: audit_idle.c ---- */

extern void audit_idle_ready(void);
extern void audit_idle_watch(void);

#pragma GCC visibility pop

#endif							/* PURSER_AUDIT_CAPTURE_H */
