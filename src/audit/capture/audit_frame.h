/*
 * audit_frame.h
 *		Into the frame of a run and out of it, for the hooks; see audit_screen.c.
 *
 * Every statement comes through here, so it is inlined; what is rare is not.
 */
#ifndef PURSER_AUDIT_FRAME_H
#define PURSER_AUDIT_FRAME_H

#include "audit/capture/audit_capture.h"

#include "access/xact.h"
#include "executor/instrument.h"
#include "pgstat.h"

extern void audit_charge_outer_frames(const AuditWatch *watch, const AuditRel *rel);
extern void audit_add_temp_files(AuditWatch *watch, int64 written);
extern void audit_stop_clock(AuditWatch *watch);
extern void audit_exchange_reports(AuditWatch *watch);

/*
 * A rebuilt relcache entry may have lost its link to counters that are not
 * empty, which the first row read would restore, so restore it here.
 */
static inline AuditCounters
audit_counters_of(Relation rel)
{
	AuditCounters now = {0, 0};

	if (likely(pgstat_should_count_relation(rel)))
	{
		now.returned = PURSER_TUPLES_RETURNED(rel->pgstat_info);
		now.fetched = PURSER_TUPLES_FETCHED(rel->pgstat_info);
	}
	return now;
}

/*
 * Adds the rows in a pair of counters. A table's are kept apart by scan kind,
 * an index's are not: where plain and index-only scans share one index, its
 * entries returned stand for both.
 */
static inline void
audit_add_counters(AuditWatch *watch, AuditRel *rel, AuditCounters counters)
{
	int64		rows;

	if (rel->kinds & AUDIT_HEAP)
		rows = counters.returned + counters.fetched;
	else if (rel->kinds & AUDIT_INDEX_ONLY)
		rows = counters.returned;
	else
		rows = counters.fetched;
	rel->rows += rows;
	watch->rows_read += rows;
}

static inline void
audit_close_counters(AuditWatch *watch)
{
	AuditRel   *rel = watch->rels;

	for (int left = watch->nrels; left > 0; left--, rel++)
	{
		AuditCounters own = audit_counters_of(rel->rel);

		own.returned -= rel->start.returned + rel->nested.returned;
		own.fetched -= rel->start.fetched + rel->nested.fetched;
		if (unlikely(own.returned < 0 || own.fetched < 0))
		{
			own.returned = own.fetched = 0;
			watch->uncounted = true;
		}
		rel->own = own;
		audit_add_counters(watch, rel, own);
		if (unlikely(watch->outer != NULL) && (own.returned != 0 || own.fetched != 0))
			audit_charge_outer_frames(watch, rel);
	}
}

/* Parallel workers have handed theirs to the leader by now. */
static inline void
audit_close_temp_files(AuditWatch *watch)
{
	int64		written = pgBufferUsage.temp_blks_written - watch->temp_start;

	if (unlikely(written != 0))
		audit_add_temp_files(watch, written);
}

static inline void
audit_frame_enter(AuditWatch *watch)
{
	AuditRel   *rel = watch->rels;

	watch->outer = audit_top_frame;
	audit_top_frame = watch;
	watch->running = true;
	watch->level = GetCurrentTransactionNestLevel();
	watch->nruns++;
	if (unlikely(watch->parallel))
		audit_reports_begin(watch);
	watch->temp_start = pgBufferUsage.temp_blks_written;
	watch->temp_nested = 0;
	for (int left = watch->nrels; left > 0; left--, rel++)
	{
		rel->start = audit_counters_of(rel->rel);
		rel->nested.returned = rel->nested.fetched = 0;
	}
	if (unlikely(watch->timed))
		INSTR_TIME_SET_CURRENT(watch->started);
}

/* Leaves the frame of a run that has returned. */
static pg_attribute_always_inline void
audit_frame_exit(AuditWatch *watch)
{
	if (unlikely(audit_top_frame != watch))
		audit_frames_drop(watch);
	audit_top_frame = watch->outer;
	watch->running = false;
	if (unlikely(watch->timed))
		audit_stop_clock(watch);
	audit_close_counters(watch);
	audit_close_temp_files(watch);
	if (unlikely(watch->parallel || watch->fragment))
		audit_exchange_reports(watch);
}

#endif							/* PURSER_AUDIT_FRAME_H */
