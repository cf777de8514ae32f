/*
 * audit_trees.c
 *		The trees of queries whose next run will be measured.
 *
 * The planner scribbles on a query's tree, so a copy is taken before it does.
 * Copies live as long as their transaction, and are used as long as the
 * subtransaction goes on that they were planned in: as long, that is, as the locks
 * on their tables, so no copy is older than what it names.
 *
 * A statement whose plan is cached does not come by here. When one is convicted
 * that may be of this kind, this session's cached plans are marked invalid, so
 * that its next run is planned anew. In other sessions that hold a plan of it
 * the run is measured all the same, without a tree.
 */
#include "audit/store/audit_store.h"
#include "audit/whatif/audit_what_if.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "optimizer/planner.h"
#include "pgstat.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/timestamp.h"

#define TREES 4					/* kept at a time */
#define RECENT 16				/* plannings remembered whose plans are not kept */
#define REPLANS_A_MINUTE 20		/* of all that this session has cached */

static planner_hook_type prev_planner = NULL;
static AuditTree trees[TREES];
static int	next_tree = 0;
static uint64 recent[RECENT];
static unsigned int next_recent = 0;

static void
keep_tree(Query *query, int options, uint64 queryid)
{
	AuditTree  *tree = &trees[next_tree];
	MemoryContext oldcontext;

	next_tree = (next_tree + 1) % TREES;
	if (tree->query != NULL && tree->lxid == PURSER_MY_LXID)
		MemoryContextDelete(tree->context);
	tree->query = NULL;
	tree->context = AllocSetContextCreate(TopTransactionContext, "pg_purser query tree",
										  ALLOCSET_SMALL_SIZES);
	tree->queryid = queryid;
	tree->userid = GetUserId();
	tree->lxid = PURSER_MY_LXID;
	tree->subid = GetCurrentSubTransactionId();
	tree->options = options;
	oldcontext = MemoryContextSwitchTo(tree->context);
	tree->query = copyObject(query);
	MemoryContextSwitchTo(oldcontext);
}

/* Remembers plannings for one run: plain statements, and plans for given parameters. */
static void
note_kind(uint64 queryid, bool for_one_run)
{
	if (for_one_run)
	{
		recent[next_recent++ % RECENT] = queryid;
		return;
	}
	for (int i = 0; i < RECENT; i++)
	{
		if (recent[i] == queryid)
			recent[i] = 0;
	}
}

static void
note_planning(Query *query, int options, bool for_one_run)
{
	uint64		queryid = audit_planned_identifier((uint64) query->queryId);

	if (queryid == 0)
		return;
	note_kind(queryid, for_one_run);
	if (audit_board_is_due(queryid, GetUserId()))
		keep_tree(query, options, queryid);
}

static PlannedStmt *
next_planner(PURSER_PLANNER_PARAMS)
{
	return prev_planner != NULL ? prev_planner(PURSER_PLANNER_ARGS) :
		standard_planner(PURSER_PLANNER_ARGS);
}

static PlannedStmt *
audit_planner(PURSER_PLANNER_PARAMS)
{
	PlannedStmt *stmt;

	if (audit_is_replanning())
	{
		audit_hypotheses_enter();
		stmt = next_planner(PURSER_PLANNER_ARGS);
		audit_hypotheses_leave();
		return stmt;
	}
	if (audit_enabled && !IsParallelWorker() && audit_store_ready())
		note_planning(parse, cursorOptions,
					  boundParams != NULL || query_string == debug_query_string);
	return next_planner(PURSER_PLANNER_ARGS);
}

static bool
is_locked(const AuditTree *tree)
{
	return tree->lxid == PURSER_MY_LXID && SubTransactionIsActive(tree->subid);
}

/* The tree that a query of this transaction was planned from, NULL when it is not kept. */
const AuditTree *
audit_tree_find(uint64 queryid, Oid userid)
{
	for (int i = 1; i <= TREES; i++)
	{
		const AuditTree *tree = &trees[(next_tree + TREES - i) % TREES];

		if (tree->query != NULL && is_locked(tree) &&
			tree->queryid == queryid && tree->userid == userid)
			return tree;
	}
	return NULL;
}

/* Many convictions at once must not keep a session from using its plans. */
static bool
may_replan_all(void)
{
	static TimestampTz since = 0;
	static int	count = 0;
	TimestampTz now = GetCurrentStatementStartTimestamp();

	if (TimestampDifferenceExceeds(since, now, 60000))
	{
		since = now;
		count = 0;
	}
	return count++ < REPLANS_A_MINUTE;
}

/* A query is convicted: sees to it that this session plans its next run. */
void
audit_tree_want(uint64 queryid)
{
	for (int i = 0; i < RECENT; i++)
	{
		if (recent[i] == queryid)
			return;
	}
	if (may_replan_all())
		ResetPlanCache();
}

void
audit_install_planner(void)
{
	prev_planner = planner_hook;
	planner_hook = audit_planner;
}
