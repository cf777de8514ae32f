/*
 * audit_hooks.c
 *		The executor hooks, and nothing else: when to watch, and in which order.
 *
 * Nothing here or below raises an error into the user's query, but the one that
 * purser.audit_error asks for, where the query could raise one itself; the frame
 * of a run is left on every way out. Hooks installed before ours are called
 * within ours, so what they read counts as the query's.
 */
#include "audit/capture/audit_frame.h"
#include "audit/govern/audit_govern.h"
#include "audit/session/audit_session.h"

#include PURSER_QUERYJUMBLE_H
#include "access/parallel.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "utils/portal.h"

static ExecutorStart_hook_type prev_ExecutorStart = NULL;
static ExecutorRun_hook_type prev_ExecutorRun = NULL;
static ExecutorFinish_hook_type prev_ExecutorFinish = NULL;
static ExecutorEnd_hook_type prev_ExecutorEnd = NULL;

static bool ready = false;		/* this backend can watch; stays so */

/* Asked until the answer is yes, at a statement's start. */
static pg_noinline bool
get_ready(void)
{
	if (MyBackendType == B_WAL_SENDER || MyBackendType == B_AUTOVAC_WORKER ||
		!audit_store_ready())
		return false;
	audit_local_ready();
	audit_board_attach();
	ready = true;
	return true;
}

static inline bool
is_watched(int eflags)
{
	return audit_enabled && (eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0 &&
		(likely(ready) || get_ready());
}

/* Are the statements of this session watched, as far as its settings go? */
bool
audit_is_watching(void)
{
	return is_watched(0) && IsQueryIdEnabled() && pgstat_track_counts;
}

/* A worker's part of its leader's plan, as opposed to a statement of a function in it. */
static inline bool
is_fragment(void)
{
	return unlikely(IsParallelWorker()) && !audit_in_frame();
}

/* The query's identifier, 0 without one. */
static inline uint64
query_identifier(const QueryDesc *desc)
{
	uint64		queryid = (uint64) desc->plannedstmt->queryId;

	return likely(queryid != 0) ? queryid : audit_started_identifier(queryid);
}

static inline void
next_ExecutorStart(QueryDesc *queryDesc, int eflags)
{
	if (prev_ExecutorStart)
		prev_ExecutorStart(queryDesc, eflags);
	else
		standard_ExecutorStart(queryDesc, eflags);
}

static pg_noinline void
start_fragment(QueryDesc *queryDesc, int eflags)
{
	AuditWatch *watch;

	next_ExecutorStart(queryDesc, eflags);
	watch = audit_watch_open(queryDesc, 0, GetUserId());
	watch->fragment = true;
	watch->slot = -1;
}

static void
start_watched(QueryDesc *queryDesc, int eflags, uint64 queryid)
{
	Oid			userid = GetUserId();
	int			slot = audit_board_look(queryid, userid);
	bool		due = unlikely(slot >= 0) && audit_board_take_turn(slot);
	AuditWatch *watch;

	due |= audit_policy_speaks() && audit_policy_measures();
	if (unlikely(due))
		queryDesc->instrument_options |= INSTRUMENT_ROWS;
	next_ExecutorStart(queryDesc, eflags);
	watch = audit_watch_open(queryDesc, queryid, userid);
	watch->slot = slot;
	watch->timed = due;
}

static void
audit_ExecutorStart(QueryDesc *queryDesc, int eflags)
{
	bool		watched = is_watched(eflags);
	uint64		queryid;

	if (unlikely(watched && is_fragment()))
		start_fragment(queryDesc, eflags);
	else if (watched && (queryid = query_identifier(queryDesc)) != 0)
		start_watched(queryDesc, eflags, queryid);
	else
		next_ExecutorStart(queryDesc, eflags);
}

/*
 * Is this run the whole of a client's own SELECT, not a page of a cursor? What
 * EXECUTE returns comes to the client by way of a tuplestore.
 */
static inline bool
sends_whole_result(const QueryDesc *desc, ScanDirection direction, uint64 count)
{
	CommandDest dest = desc->dest->mydest;

	if (desc->operation != CMD_SELECT ||
		(dest != DestRemote && dest != DestRemoteExecute && dest != DestTuplestore))
		return false;
	if (count != 0 || !ScanDirectionIsForward(direction) || audit_in_frame())
		return false;
	/* Portals of cursors have a name and can be seen; EXECUTE's cannot be seen. */
	return ActivePortal != NULL &&
		(ActivePortal->name[0] == '\0' || !ActivePortal->visible);
}

/*
 * Is this the last run of a SELECT that an Execute message runs? Its portal is
 * closed after the client has been told that it is complete, when the next
 * statement comes or the transaction ends: too late to speak.
 */
static bool
completes_message(const AuditWatch *watch, uint64 count)
{
	const QueryDesc *desc = watch->desc;

	return desc->dest->mydest == DestRemoteExecute && desc->operation == CMD_SELECT &&
		!watch->judged && !audit_in_frame() &&
		(count == 0 || desc->estate->es_processed < count);
}

/*
 * Do a run's rows go to the client, perhaps a page of them: a cursor's FETCH, by
 * way of a tuplestore, or a row limit of the protocol? Functions' cursors have
 * receivers of their own.
 */
static bool
is_for_client(const QueryDesc *desc)
{
	CommandDest dest = desc->dest->mydest;

	return desc->operation == CMD_SELECT && !audit_in_frame() &&
		(dest == DestRemote || dest == DestRemoteExecute || dest == DestTuplestore);
}

/* Can this run of a measured plan be judged: is it the last one, or one that none may follow? */
static bool
is_time_to_judge(const QueryDesc *desc, ScanDirection direction, uint64 count)
{
	return ScanDirectionIsForward(direction) &&
		(count == 0 || desc->estate->es_processed < count || is_for_client(desc));
}

/* Notes whether a run of a SELECT was a page of a client's portal. */
static pg_noinline void
note_page(AuditWatch *watch, ScanDirection direction, uint64 count)
{
	const QueryDesc *desc = watch->desc;

	if (!ScanDirectionIsForward(direction))
		return;
	if (count == 0 || desc->estate->es_processed < count)
		watch->at_end = true;
	if (is_for_client(desc))
		watch->paged = true;
}

/*
 * Is it a statement of the client's own? Then it is what the portal at work
 * was made for; statements of functions come by way of SPI, or have a portal
 * that is about something else.
 */
static bool
is_from_client(const QueryDesc *desc)
{
	if (audit_in_frame() || ActivePortal == NULL || desc->dest->mydest == DestSPI ||
		ActivePortal->stmts == NIL)
		return false;
	return likely(linitial(ActivePortal->stmts) == desc->plannedstmt) ||
		list_member_ptr(ActivePortal->stmts, desc->plannedstmt);
}

/*
 * Puts the tap before rows that go to the client, all at once or in pieces. Wide
 * rows put a query on the board; what it sends is measured from then on.
 */
static pg_noinline void
open_tap(AuditWatch *watch)
{
	watch->tapped = true;
	audit_tap_open(watch->desc, audit_parent_hashes(watch));
	watch->sized = watch->to_client && (watch->slot >= 0 || audit_policy_speaks());
	if (watch->sized)
		audit_sizes_open(watch);
}

/*
 * Do the rows go out as the executor makes them? Those of EXECUTE, FETCH and
 * RETURNING are collected first, and sent later.
 */
static inline bool
sends_straight(const QueryDesc *desc)
{
	return desc->dest->mydest == DestRemote || desc->dest->mydest == DestRemoteExecute;
}

static pg_noinline void
close_tap(AuditWatch *watch)
{
	if (watch->sized)
		audit_sizes_close(watch);
	audit_tap_close(watch->desc);
}

/* The most frequent plan by far, whose one row is worth no tap. */
static inline bool
is_plain_lookup(const PlanState *top)
{
	const IndexScanState *scan = (const IndexScanState *) top;

	return IsA(top, IndexScanState) &&
		audit_is_unique_lookup(scan->iss_RelationDesc, scan->iss_ScanKeys, scan->iss_NumScanKeys);
}

/* What is to be known of a run before it begins. */
static inline void
begin_run(AuditWatch *watch, ScanDirection direction, uint64 count)
{
	watch->to_client = watch->nruns == 0 && sends_whole_result(watch->desc, direction, count);
	watch->from_client = watch->to_client || is_from_client(watch->desc);
	watch->simple = watch->desc->dest->mydest == DestRemote;
	watch->tapped = watch->sized = watch->straight = watch->weighed = false;
	if (!watch->from_client || watch->desc->operation != CMD_SELECT)
		return;
	if (!is_plain_lookup(watch->desc->planstate) && ScanDirectionIsForward(direction) &&
		audit_tap_wanted(watch))
		open_tap(watch);
	watch->straight = sends_straight(watch->desc);
	watch->weighed = watch->straight && audit_wire_wanted(watch);
	if (unlikely(watch->weighed))
		audit_wire_open();
}

static inline void
next_ExecutorRun(PURSER_RUN_PARAMS)
{
	if (prev_ExecutorRun)
		prev_ExecutorRun(PURSER_RUN_ARGS);
	else
		standard_ExecutorRun(PURSER_RUN_ARGS);
}

/* May there be more of its rows, before this run or after it? */
static inline bool
is_page(const AuditWatch *watch)
{
	return !watch->to_client && watch->desc->operation == CMD_SELECT;
}

/* What only some runs leave to do. */
static pg_noinline void
end_special_run(AuditWatch *watch, ScanDirection direction, uint64 count)
{
	if (watch->weighed)
		audit_wire_close(watch);
	if (watch->tapped)
		close_tap(watch);
	if (watch->timed && is_time_to_judge(watch->desc, direction, count))
		audit_judge_early(watch);
	if (watch->tapped && !watch->to_client)
		audit_parent_piece(watch, watch->desc->estate->es_processed);
	if (is_page(watch))
		note_page(watch, direction, count);
	if (audit_policy_speaks() && completes_message(watch, count))
		audit_judge(watch);
}

/* After an error none of what follows the run is done; see audit_frames_fail(). */
static void
audit_ExecutorRun(PURSER_RUN_PARAMS)
{
	AuditWatch *watch = audit_watch_find(queryDesc);

	if (unlikely(watch == NULL))
	{
		next_ExecutorRun(PURSER_RUN_ARGS);
		return;
	}

	if (likely(!watch->fragment))
		begin_run(watch, direction, count);
	audit_frame_enter(watch);
	next_ExecutorRun(PURSER_RUN_ARGS);
	audit_frame_exit(watch);
	watch->rows_returned += (int64) queryDesc->estate->es_processed;
	if (watch->straight)
		watch->rows_sent += (int64) queryDesc->estate->es_processed;
	if (unlikely(watch->tapped || watch->timed || watch->weighed || is_page(watch)) ||
		audit_policy_speaks())
		end_special_run(watch, direction, count);
}

static inline void
next_ExecutorFinish(QueryDesc *queryDesc)
{
	if (prev_ExecutorFinish)
		prev_ExecutorFinish(queryDesc);
	else
		standard_ExecutorFinish(queryDesc);
}

static pg_noinline void
finish_modifying(QueryDesc *queryDesc)
{
	AuditWatch *watch = audit_watch_find(queryDesc);

	if (watch == NULL)
	{
		next_ExecutorFinish(queryDesc);
		return;
	}
	watch->finishing = true;
	audit_frame_enter(watch);
	next_ExecutorFinish(queryDesc);
	audit_frame_exit(watch);
}

/*
 * A plan reads on in ExecutorFinish only when it has data-modifying CTEs left
 * to complete. All else that runs here are triggers, whose queries have
 * watches of their own.
 */
static void
audit_ExecutorFinish(QueryDesc *queryDesc)
{
	if (unlikely(queryDesc->estate->es_auxmodifytables != NIL))
		finish_modifying(queryDesc);
	else
		next_ExecutorFinish(queryDesc);
}

/* Relations and plan state are still there for the judgement; afterwards they are not. */
static void
audit_ExecutorEnd(QueryDesc *queryDesc)
{
	AuditWatch *watch = audit_watch_find(queryDesc);

	if (likely(watch != NULL))
	{
		audit_watch_close(watch);
		if (watch->nruns > 0 && !watch->fragment && !watch->judged)
			audit_judge(watch);
	}

	if (prev_ExecutorEnd)
		prev_ExecutorEnd(queryDesc);
	else
		standard_ExecutorEnd(queryDesc);
}

void
audit_install_hooks(void)
{
	prev_ExecutorStart = ExecutorStart_hook;
	ExecutorStart_hook = audit_ExecutorStart;
	prev_ExecutorRun = ExecutorRun_hook;
	ExecutorRun_hook = audit_ExecutorRun;
	prev_ExecutorFinish = ExecutorFinish_hook;
	ExecutorFinish_hook = audit_ExecutorFinish;
	prev_ExecutorEnd = ExecutorEnd_hook;
	ExecutorEnd_hook = audit_ExecutorEnd;
}
