/*
 * audit_hooks.c
 *		The executor hooks, and nothing else: when to watch, and in which order.
 *
 * Nothing here or below raises an error into the user's query, but the one that
 * purser.audit_error asks for, where the query could raise one itself; the frame
 * of a run is left on every way out. Hooks installed before ours are called
 * within ours, so what they read counts as the query's.
 */
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
#include "utils/backend_status.h"
#include "utils/portal.h"

static ExecutorStart_hook_type prev_ExecutorStart = NULL;
static ExecutorRun_hook_type prev_ExecutorRun = NULL;
static ExecutorFinish_hook_type prev_ExecutorFinish = NULL;
static ExecutorEnd_hook_type prev_ExecutorEnd = NULL;

/* A worker's part of its leader's plan, as opposed to a statement of a function in it. */
static bool
is_fragment(void)
{
	return IsParallelWorker() && !audit_in_frame();
}

static bool
is_watched(int eflags)
{
	if (!audit_enabled || (eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
		return false;
	if (MyBackendType == B_WAL_SENDER || MyBackendType == B_AUTOVAC_WORKER)
		return false;
	return audit_store_ready();
}

/* Are the statements of this session watched, as far as its settings go? */
bool
audit_is_watching(void)
{
	return is_watched(0) && IsQueryIdEnabled() && pgstat_track_counts;
}

/*
 * The query's identifier, 0 without one. Before 18 the query of a cursor or
 * of CREATE TABLE AS has none; it goes by that of the statement around it.
 */
static uint64
query_identifier(const QueryDesc *desc)
{
	uint64		queryid = (uint64) desc->plannedstmt->queryId;

	if (queryid == 0 && !audit_in_frame())
		queryid = (uint64) pgstat_get_my_query_id();
	return queryid;
}

static void
audit_ExecutorStart(QueryDesc *queryDesc, int eflags)
{
	bool		watched = is_watched(eflags);
	bool		fragment = watched && is_fragment();
	uint64		queryid = 0;
	bool		due = false;
	int			slot = -1;
	AuditWatch *watch;

	if (watched && !fragment)
	{
		audit_local_ready();
		queryid = query_identifier(queryDesc);
		watched = queryid != 0;
	}
	if (queryid != 0)
	{
		slot = audit_board_look(queryid, GetUserId(), &due);
		due |= audit_policy_speaks() && audit_policy_measures();
		if (due)
			queryDesc->instrument_options |= INSTRUMENT_ROWS;
	}

	if (prev_ExecutorStart)
		prev_ExecutorStart(queryDesc, eflags);
	else
		standard_ExecutorStart(queryDesc, eflags);

	if (!watched)
		return;
	watch = audit_watch_open(queryDesc, queryid, fragment);
	watch->slot = slot;
	watch->timed = due;
}

/*
 * Is this run the whole of a client's own SELECT, not a page of a cursor? What
 * EXECUTE returns comes to the client by way of a tuplestore.
 */
static bool
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

/* Nothing is left to run of the plan, as far as one can know. */
static bool
came_to_end(const QueryDesc *desc, ScanDirection direction, uint64 count)
{
	return ScanDirectionIsForward(direction) &&
		(count == 0 || desc->estate->es_processed < count);
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
 * Notes whether a run was a page of a client's portal: a cursor's FETCH, whose
 * rows go to a tuplestore, or a row limit of the protocol. Functions' cursors
 * have receivers of their own.
 */
static void
note_page(AuditWatch *watch, ScanDirection direction, uint64 count)
{
	const QueryDesc *desc = watch->desc;
	CommandDest dest = desc->dest->mydest;

	if (!ScanDirectionIsForward(direction))
		return;
	if (count == 0 || desc->estate->es_processed < count)
		watch->at_end = true;
	if (desc->operation == CMD_SELECT && !audit_in_frame() &&
		(dest == DestRemote || dest == DestRemoteExecute || dest == DestTuplestore))
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
	return !audit_in_frame() && ActivePortal != NULL && desc->dest->mydest != DestSPI &&
		list_member_ptr(ActivePortal->stmts, desc->plannedstmt);
}

/* Puts the tap before rows that go to the client, all at once or in pieces. */
static bool
open_tap(AuditWatch *watch, ScanDirection direction)
{
	watch->tapped = watch->from_client && watch->desc->operation == CMD_SELECT &&
		ScanDirectionIsForward(direction) && audit_tap_wanted(watch);
	if (watch->tapped)
		audit_tap_open(watch->desc, audit_parent_hashes(watch));
	return watch->tapped;
}

/* What is to be known of a run before it begins; are its rows tapped? */
static bool
begin_run(AuditWatch *watch, ScanDirection direction, uint64 count)
{
	if (watch->fragment)
		return false;
	watch->to_client = watch->nruns == 0 && sends_whole_result(watch->desc, direction, count);
	watch->from_client = watch->to_client || is_from_client(watch->desc);
	watch->simple = watch->desc->dest->mydest == DestRemote;
	return open_tap(watch, direction);
}

static void
run_watched(AuditWatch *watch, PURSER_RUN_PARAMS)
{
	volatile bool finished = false;
	bool		tapping = begin_run(watch, direction, count);
	/* Wide rows put a query on the board; what it sends is measured from then on. */
	bool		sizing = tapping && watch->to_client &&
		(watch->slot >= 0 || audit_policy_speaks());

	if (sizing)
		audit_sizes_open(watch);
	audit_frame_enter(watch);
	PG_TRY();
	{
		if (prev_ExecutorRun)
			prev_ExecutorRun(PURSER_RUN_ARGS);
		else
			standard_ExecutorRun(PURSER_RUN_ARGS);
		finished = true;
	}
	PG_FINALLY();
	{
		audit_frame_exit(watch, finished);
		watch->rows_returned += queryDesc->estate->es_processed;
		if (sizing)
			audit_sizes_close(watch);
		if (tapping)
			audit_tap_close(queryDesc);
	}
	PG_END_TRY();
	if (watch->timed && came_to_end(queryDesc, direction, count))
		audit_judge_early(watch);
	if (tapping && !watch->to_client)
		audit_parent_piece(watch, queryDesc->estate->es_processed);
	if (!watch->to_client)
		note_page(watch, direction, count);
	if (audit_policy_speaks() && completes_message(watch, count))
		audit_judge(watch);
}

static void
audit_ExecutorRun(PURSER_RUN_PARAMS)
{
	AuditWatch *watch = audit_watch_find(queryDesc);

	if (watch != NULL)
		run_watched(watch, PURSER_RUN_ARGS);
	else if (prev_ExecutorRun)
		prev_ExecutorRun(PURSER_RUN_ARGS);
	else
		standard_ExecutorRun(PURSER_RUN_ARGS);
}

/*
 * A plan reads on in ExecutorFinish only when it has data-modifying CTEs left
 * to complete. All else that runs here are triggers, whose queries have
 * watches of their own.
 */
static void
audit_ExecutorFinish(QueryDesc *queryDesc)
{
	AuditWatch *watch = audit_watch_find(queryDesc);
	bool		finished = false;

	if (watch == NULL || queryDesc->estate->es_auxmodifytables == NIL)
	{
		if (prev_ExecutorFinish)
			prev_ExecutorFinish(queryDesc);
		else
			standard_ExecutorFinish(queryDesc);
		return;
	}

	audit_frame_enter(watch);
	PG_TRY();
	{
		if (prev_ExecutorFinish)
			prev_ExecutorFinish(queryDesc);
		else
			standard_ExecutorFinish(queryDesc);
		finished = true;
	}
	PG_FINALLY();
	{
		audit_frame_exit(watch, finished);
	}
	PG_END_TRY();
}

/* Relations and plan state are still there for the judgement; afterwards they are not. */
static void
audit_ExecutorEnd(QueryDesc *queryDesc)
{
	AuditWatch *watch = audit_watch_find(queryDesc);

	if (watch != NULL)
	{
		audit_watch_unlink(watch);
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
