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
 * A watch belongs to its query's context: the context's reset callback takes
 * it back for another query, and after an error, when nobody calls ExecutorEnd,
 * does what is left to do. So there are never more than were open at a time.
 *
 * A run that ends by an error leaves its frame behind. It is taken off the
 * stack as the transaction or subtransaction that it was begun in aborts, before
 * that lets go of relations, or when its query's context goes, whichever is
 * first; one whose error was caught by other means is dropped when the frame
 * below is left or the transaction ends.
 *
 * Each statement comes through here several times; what is rare stands in
 * functions that are not inlined, so that the others save no registers for it.
 */
#include "audit/capture/audit_frame.h"
#include "audit/store/audit_store.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "pgstat.h"
#include "utils/memutils.h"

AuditWatch *audit_open_watches = NULL;
AuditWatch *audit_top_frame = NULL;
static AuditWatch *free_watches = NULL;

/* Adds the rows that a worker read. */
void
audit_add_rows(AuditWatch *watch, AuditRel *rel, const AuditCounters *counters)
{
	audit_add_counters(watch, rel, *counters);
}

/* ---- collecting the relations of a plan ---- */

/* Space for more than the watch has in itself; it goes with the query's context. */
static pg_noinline void
enlarge(AuditWatch *watch)
{
	Size		size = sizeof(AuditRel) * watch->nrels;
	AuditRel   *larger = MemoryContextAlloc(watch->estate->es_query_cxt, size * 4);

	memcpy(larger, watch->rels, size);
	watch->rels = larger;
	watch->space *= 4;
}

static inline void
collect(AuditWatch *watch, Relation rel, Oid table, uint8 kind)
{
	AuditRel   *entry = &watch->rels[watch->nrels++];

	entry->rel = rel;
	entry->table = table;
	entry->kinds = kind;
	entry->rows = 0;
}

static inline void
collect_index(AuditWatch *watch, Relation index, uint8 kind)
{
	if (index != NULL)
		collect(watch, index, index->rd_index->indrelid, kind);
}

/* What a node scans by itself. */
static inline void
collect_scan(AuditWatch *watch, PlanState *state)
{
	Relation	rel;

	switch (nodeTag(state))
	{
		case T_IndexScanState:
			collect_index(watch, ((IndexScanState *) state)->iss_RelationDesc, AUDIT_INDEX);
			break;
		case T_IndexOnlyScanState:
			collect_index(watch, ((IndexOnlyScanState *) state)->ioss_RelationDesc,
						  AUDIT_INDEX_ONLY);
			break;
		case T_SeqScanState:
		case T_SampleScanState:
		case T_BitmapHeapScanState:
		case T_TidRangeScanState:
			rel = ((ScanState *) state)->ss_currentRelation;
			if (rel != NULL)
				collect(watch, rel, RelationGetRelid(rel), AUDIT_HEAP);
			break;
		default:
			break;
	}
}

static bool
collect_walker(PlanState *state, AuditWatch *watch)
{
	if (unlikely(watch->nrels == watch->space))
		enlarge(watch);
	collect_scan(watch, state);
	return planstate_tree_walker(state, collect_walker, watch);
}

/*
 * Has the node any child at all? Of those that scan none hides its children
 * elsewhere, nor does what makes the one row of an INSERT.
 */
static inline bool
is_single_node(const PlanState *state)
{
	return (IsA(state, IndexScanState) || IsA(state, SeqScanState) ||
			IsA(state, IndexOnlyScanState) ||
			(IsA(state, ResultState) && outerPlanState(state) == NULL)) &&
		state->initPlan == NIL && state->subPlan == NIL;
}

/* The relations of a plan; the plans of most short queries are single nodes, or write by one. */
static inline void
collect_plan(AuditWatch *watch, PlanState *top)
{
	if (IsA(top, ModifyTableState) && top->initPlan == NIL && top->subPlan == NIL)
		top = outerPlanState(top);
	if (is_single_node(top))
		collect_scan(watch, top);
	else
		collect_walker(top, watch);
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

/* ---- what a frame counted ---- */

/* Takes the frame's own reads off all the frames below. */
pg_noinline void
audit_charge_outer_frames(const AuditWatch *watch, const AuditRel *rel)
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

pg_noinline void
audit_add_temp_files(AuditWatch *watch, int64 written)
{
	int64		own = written - watch->temp_nested;

	watch->temp_blocks += own;
	for (AuditWatch *outer = watch->outer; outer != NULL; outer = outer->outer)
		outer->temp_nested += own;
}

pg_noinline void
audit_stop_clock(AuditWatch *watch)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_ACCUM_DIFF(watch->elapsed, now, watch->started);
}

/* ---- watches ---- */

/* The run of the top frame ended by an error: neither allocates nor takes a lock. */
static void
fail_frame(AuditWatch *watch)
{
	audit_top_frame = watch->outer;
	watch->running = false;
	if (watch->closed)
		return;
	if (!watch->finishing)
	{
		watch->rows_returned += (int64) watch->estate->es_processed;
		if (watch->straight)
			watch->rows_sent += (int64) watch->estate->es_processed;
	}
	if (watch->weighed)
		audit_wire_close(watch);
	if (watch->timed)
		audit_stop_clock(watch);
	audit_close_counters(watch);
	audit_close_temp_files(watch);
	watch->uncounted |= watch->parallel;
}

/* A query's context goes away, and with it a watch that was not left or not closed. */
static pg_noinline void
abandon(AuditWatch *watch)
{
	while (watch->running)
		fail_frame(audit_top_frame);
	if (watch->closed)
		return;
	audit_watch_close(watch);
	if (watch->nruns == 0 || watch->fragment || watch->judged)
		return;
	if (watch->timed && watch->slot >= 0)
		audit_board_retry(watch->slot);
	audit_local_add_unfinished(watch);
}

/* Reset callback of the query's context. */
static void
watch_released(void *arg)
{
	AuditWatch *watch = arg;

	if (unlikely(!watch->closed || watch->running))
		abandon(watch);
	watch->next = free_watches;
	free_watches = watch;
}

static pg_noinline void
make_watch(void)
{
	free_watches = MemoryContextAlloc(TopMemoryContext, sizeof(AuditWatch));
	free_watches->next = NULL;
	free_watches->callback.func = watch_released;
	free_watches->callback.arg = free_watches;
}

AuditWatch *
audit_watch_open(QueryDesc *desc, uint64 queryid, Oid userid)
{
	AuditWatch *watch;

	if (unlikely(free_watches == NULL))
		make_watch();
	watch = free_watches;
	free_watches = watch->next;
	memset(&watch->nruns, 0, offsetof(AuditWatch, running) - offsetof(AuditWatch, nruns));
	memset(&watch->running, 0, offsetof(AuditWatch, inline_rels) - offsetof(AuditWatch, running));
	watch->desc = desc;
	watch->estate = desc->estate;
	watch->queryid = queryid;
	watch->userid = userid;
	watch->parallel = desc->plannedstmt->parallelModeNeeded && !IsParallelWorker();
	MemoryContextRegisterResetCallback(watch->estate->es_query_cxt, &watch->callback);
	watch->next = audit_open_watches;
	audit_open_watches = watch;

	watch->rels = watch->inline_rels;
	watch->space = AUDIT_INLINE_RELS;
	collect_plan(watch, desc->planstate);
	if (watch->nrels > 1)
		make_unique(watch);
	return watch;
}

/* ---- frames ---- */

/* What workers report to their leader at the end of a frame. */
pg_noinline void
audit_exchange_reports(AuditWatch *watch)
{
	if (watch->fragment)
	{
		audit_reports_send(watch);
		audit_local_publish();
	}
	else
		audit_reports_collect(watch);
}

/*
 * Drops the frames above one, or all of them: those of runs whose errors were
 * caught without a subtransaction.
 */
pg_noinline void
audit_frames_drop(const AuditWatch *above)
{
	for (; audit_top_frame != NULL && audit_top_frame != above;
		 audit_top_frame = audit_top_frame->outer)
		audit_top_frame->running = false;
}

/* A transaction or subtransaction of this nesting level aborts, and the runs begun in it. */
void
audit_frames_fail(int level)
{
	while (audit_top_frame != NULL && audit_top_frame->level >= level)
		fail_frame(audit_top_frame);
}

static void
subxact_ended(SubXactEvent event, SubTransactionId id pg_attribute_unused(),
			  SubTransactionId parent pg_attribute_unused(), void *arg pg_attribute_unused())
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		audit_frames_fail(GetCurrentTransactionNestLevel());
}

/* Called once, as a statement starts. The end of transactions comes by audit_idle.c. */
void
audit_frames_ready(void)
{
	RegisterSubXactCallback(subxact_ended, NULL);
}

/* ---- sums ---- */

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
