/*
 * audit_screen.c
 *		The watch over one execution: rows read, without instrumentation.
 *
 * Owns the list of open watches and the stack of running frames. pgstat
 * counts the rows that scans read, for each relation of this backend; a frame
 * (one ExecutorRun, or an ExecutorFinish that reads) takes the difference
 * between exit and entry. Several portals may be open at once, so a watch is
 * found by its QueryDesc; frames are a true stack, since they nest as C calls
 * do. What a frame reads is taken off every frame below it that counts the
 * same relation, so each query gets its own rows alone.
 *
 * pgstat empties these counters only between statements, never in a frame;
 * should one go backwards all the same, the watch is marked uncounted.
 * Without track_counts there are no counters and all is quiet.
 *
 * A watch lives in its query's context. After an error nobody calls
 * ExecutorEnd, and the context's reset callback takes its place.
 */
#include "audit/store/audit_store.h"

#include "access/parallel.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "pgstat.h"
#include "utils/memutils.h"

static AuditWatch *open_watches = NULL;
static AuditWatch *top_frame = NULL;

/*
 * A rebuilt relcache entry may have lost its link to counters that are not
 * empty, which the first row read would restore, so restore it here.
 */
static inline AuditCounters
counters_of(Relation rel)
{
	AuditCounters now = {0, 0};

	if (pgstat_should_count_relation(rel))
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
void
audit_add_rows(AuditRel *rel, const AuditCounters *counters)
{
	if (rel->kinds & AUDIT_HEAP)
		rel->rows += counters->returned + counters->fetched;
	else if (rel->kinds & AUDIT_INDEX_ONLY)
		rel->rows += counters->returned;
	else
		rel->rows += counters->fetched;
}

/* ---- collecting the relations of a plan ---- */

typedef struct Collector
{
	AuditWatch *watch;
	int			space;
} Collector;

static void
collect(Collector *collector, Relation rel, Oid table, uint8 kind)
{
	AuditWatch *watch = collector->watch;
	AuditRel   *entry;

	if (rel == NULL)
		return;
	if (watch->nrels == collector->space)
	{
		AuditRel   *larger = palloc(sizeof(AuditRel) * collector->space * 4);

		memcpy(larger, watch->rels, sizeof(AuditRel) * watch->nrels);
		watch->rels = larger;
		collector->space *= 4;
	}
	entry = &watch->rels[watch->nrels++];
	entry->rel = rel;
	entry->table = table;
	entry->kinds = kind;
	entry->rows = 0;
}

static bool
collect_walker(PlanState *state, Collector *collector)
{
	switch (nodeTag(state))
	{
		case T_IndexScanState:
			{
				Relation	index = ((IndexScanState *) state)->iss_RelationDesc;

				if (index != NULL)
					collect(collector, index, index->rd_index->indrelid, AUDIT_INDEX);
				break;
			}
		case T_IndexOnlyScanState:
			{
				Relation	index = ((IndexOnlyScanState *) state)->ioss_RelationDesc;

				if (index != NULL)
					collect(collector, index, index->rd_index->indrelid, AUDIT_INDEX_ONLY);
				break;
			}
		case T_SeqScanState:
		case T_SampleScanState:
		case T_BitmapHeapScanState:
		case T_TidRangeScanState:
			{
				Relation	rel = ((ScanState *) state)->ss_currentRelation;

				if (rel != NULL)
					collect(collector, rel, RelationGetRelid(rel), AUDIT_HEAP);
				break;
			}
		default:
			break;
	}
	return planstate_tree_walker(state, collect_walker, collector);
}

static int
compare_rels(const void *a, const void *b)
{
	uintptr_t	left = (uintptr_t) ((const AuditRel *) a)->rel;
	uintptr_t	right = (uintptr_t) ((const AuditRel *) b)->rel;

	return left < right ? -1 : (left > right ? 1 : 0);
}

/* Each relation once, in the order of their addresses; find_rel relies on it. */
static void
make_unique(AuditWatch *watch)
{
	int			kept = 0;

	qsort(watch->rels, watch->nrels, sizeof(AuditRel), compare_rels);
	for (int i = 1; i < watch->nrels; i++)
	{
		if (watch->rels[i].rel == watch->rels[kept].rel)
			watch->rels[kept].kinds |= watch->rels[i].kinds;
		else
			watch->rels[++kept] = watch->rels[i];
	}
	watch->nrels = kept + 1;
}

static AuditRel *
find_rel(AuditWatch *watch, Relation rel)
{
	AuditRel	key = {.rel = rel};

	return bsearch(&key, watch->rels, watch->nrels, sizeof(AuditRel), compare_rels);
}

/* ---- watches ---- */

/* Reset callback: the query's context goes away, with or without ExecutorEnd. */
static void
watch_released(void *arg)
{
	AuditWatch *watch = arg;

	if (watch->closed)
		return;
	audit_watch_unlink(watch);
	if (watch->nruns == 0 || watch->fragment)
		return;
	if (watch->timed)
		audit_board_retry(watch->slot);
	audit_local_add(watch, false);
}

AuditWatch *
audit_watch_open(QueryDesc *desc, uint64 queryid, bool fragment)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(desc->estate->es_query_cxt);
	AuditWatch *watch = palloc(sizeof(AuditWatch));
	Collector	collector = {watch, AUDIT_INLINE_RELS};

	memset(watch, 0, offsetof(AuditWatch, inline_rels));
	watch->desc = desc;
	watch->queryid = queryid;
	watch->userid = GetUserId();
	watch->fragment = fragment;
	watch->parallel = desc->plannedstmt->parallelModeNeeded && !IsParallelWorker();
	watch->rels = watch->inline_rels;
	collect_walker(desc->planstate, &collector);
	if (watch->nrels > 1)
		make_unique(watch);

	watch->callback.func = watch_released;
	watch->callback.arg = watch;
	MemoryContextRegisterResetCallback(desc->estate->es_query_cxt, &watch->callback);
	watch->next = open_watches;
	open_watches = watch;
	MemoryContextSwitchTo(oldcontext);
	return watch;
}

AuditWatch *
audit_watch_find(QueryDesc *desc)
{
	for (AuditWatch *watch = open_watches; watch != NULL; watch = watch->next)
	{
		if (watch->desc == desc)
			return watch;
	}
	return NULL;
}

void
audit_watch_unlink(AuditWatch *watch)
{
	AuditWatch **link = &open_watches;

	while (*link != NULL && *link != watch)
		link = &(*link)->next;
	if (*link != NULL)
		*link = watch->next;
	watch->closed = true;
}

/* ---- frames ---- */

bool
audit_in_frame(void)
{
	return top_frame != NULL;
}

void
audit_frame_enter(AuditWatch *watch)
{
	watch->outer = top_frame;
	top_frame = watch;
	watch->nruns++;
	if (watch->parallel)
		audit_reports_begin(watch);
	watch->temp_start = pgBufferUsage.temp_blks_written;
	watch->temp_nested = 0;
	for (int i = 0; i < watch->nrels; i++)
	{
		AuditRel   *rel = &watch->rels[i];

		rel->start = counters_of(rel->rel);
		rel->nested.returned = rel->nested.fetched = 0;
	}
	if (watch->timed)
		INSTR_TIME_SET_CURRENT(watch->started);
}

/* Takes the frame's own reads off all the frames below. */
static void
charge_outer_frames(const AuditWatch *watch, const AuditRel *rel)
{
	for (AuditWatch *outer = watch->outer; outer != NULL; outer = outer->outer)
	{
		AuditRel   *entry = find_rel(outer, rel->rel);

		if (entry != NULL)
		{
			entry->nested.returned += rel->own.returned;
			entry->nested.fetched += rel->own.fetched;
		}
	}
}

static void
close_counters(AuditWatch *watch)
{
	for (int i = 0; i < watch->nrels; i++)
	{
		AuditRel   *rel = &watch->rels[i];
		AuditCounters now = counters_of(rel->rel);

		rel->own.returned = now.returned - rel->start.returned - rel->nested.returned;
		rel->own.fetched = now.fetched - rel->start.fetched - rel->nested.fetched;
		if (rel->own.returned < 0 || rel->own.fetched < 0)
		{
			rel->own.returned = rel->own.fetched = 0;
			watch->uncounted = true;
		}
		audit_add_rows(rel, &rel->own);
		if (watch->outer != NULL && (rel->own.returned != 0 || rel->own.fetched != 0))
			charge_outer_frames(watch, rel);
	}
}

/* Temporary blocks of parallel workers are added to the leader's as they end. */
static void
close_temp(AuditWatch *watch)
{
	int64		written = pgBufferUsage.temp_blks_written - watch->temp_start;

	if (written == 0)
		return;
	watch->temp_blocks += written - watch->temp_nested;
	if (watch->outer != NULL)
		watch->outer->temp_nested += written;
}

/*
 * Leaves the frame, also on the way out of an error; then it may neither
 * allocate nor take a lock. Frames above that were not left are dropped.
 */
void
audit_frame_exit(AuditWatch *watch, bool finished)
{
	top_frame = watch->outer;
	if (watch->timed)
	{
		instr_time	now;

		INSTR_TIME_SET_CURRENT(now);
		INSTR_TIME_ACCUM_DIFF(watch->elapsed, now, watch->started);
	}

	close_counters(watch);
	close_temp(watch);
	if (!finished)
		watch->uncounted |= watch->parallel;
	else if (watch->fragment)
	{
		audit_reports_send(watch);
		audit_local_publish();
	}
	else if (watch->parallel)
		audit_reports_collect(watch);
}

/* ---- sums ---- */

int64
audit_rows_read(const AuditWatch *watch)
{
	int64		sum = 0;

	for (int i = 0; i < watch->nrels; i++)
		sum += watch->rels[i].rows;
	return sum;
}

/* The table that most rows were read from, InvalidOid without one. */
Oid
audit_main_table(const AuditWatch *watch, int64 *rows)
{
	Oid			table = InvalidOid;

	*rows = 0;
	for (int i = 0; i < watch->nrels; i++)
	{
		if (watch->rels[i].rows > *rows)
		{
			*rows = watch->rels[i].rows;
			table = watch->rels[i].table;
		}
	}
	return table;
}
