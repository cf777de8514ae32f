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
 * that its next run is planned anew. Other sessions that hold a plan of it do so,
 * once, when the run that is to be measured is theirs.
 *
 * A session that speaks keeps the trees of all that it plans, as it is to prove
 * what it says of a first run.
 */
#include "audit/govern/audit_govern.h"
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

#define TREES 16				/* kept at a time */
#define RECENT 16				/* plannings remembered whose plans are not kept */
#define WANTED 64				/* queries remembered that were put off until they are planned */
#define REPLANS_A_MINUTE 20		/* of all that this session has cached */

static planner_hook_type prev_planner = NULL;
static AuditTree trees[TREES];
static int	next_tree = 0;
static uint64 recent[RECENT];
static unsigned int next_recent = 0;

/* The place for a tree: a loop that plans one query again and again takes up one. */
static AuditTree *
place_for(uint64 queryid)
{
	AuditTree  *tree;

	for (int i = 0; i < TREES; i++)
	{
		tree = &trees[i];
		if (tree->queryid == queryid && tree->userid == GetUserId() &&
			tree->lxid == PURSER_MY_LXID && tree->subid == GetCurrentSubTransactionId())
			return tree;
	}
	tree = &trees[next_tree];
	next_tree = (next_tree + 1) % TREES;
	return tree;
}

static void
keep_tree(Query *query, int options, uint64 queryid)
{
	AuditTree  *tree = place_for(queryid);
	MemoryContext oldcontext;

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
	if (audit_board_is_due(queryid, GetUserId()) ||
		(audit_policy_speaks() && audit_policy_measures()))
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

	if (audit_is_apart(since, now, 60000))
	{
		since = now;
		count = 0;
	}
	return count++ < REPLANS_A_MINUTE;
}

/* Is it only for want of its tree that a query cannot be planned again? */
bool
audit_tree_is_missing(const AuditWatch *watch)
{
	return audit_tree_find(watch->queryid, watch->userid) == NULL && !IsInParallelMode();
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

/*
 * A query was to be planned again, but its run was not planned: sees to it that the
 * next one is. Once in a session, as that may not help; false when it may not.
 */
bool
audit_tree_want_once(uint64 queryid)
{
	static uint64 wanted[WANTED];
	static unsigned int next_wanted = 0;

	for (int i = 0; i < WANTED; i++)
	{
		if (wanted[i] == queryid)
			return false;
	}
	if (!may_replan_all())
		return false;
	wanted[next_wanted++ % WANTED] = queryid;
	ResetPlanCache();
	return true;
}

void
audit_install_planner(void)
{
	prev_planner = planner_hook;
	planner_hook = audit_planner;
}
