/*
 * audit_replan.c
 *		Planning a query again, as it is and with hypothetical indexes.
 *
 * The parameters are those of the run that was measured. Both plannings run in
 * an internal subtransaction, so that an error in one of them (something was
 * dropped meanwhile, a lock is not to be had at once) ends there and leaves
 * nothing behind. That needs a transaction in order and a snapshot, which are
 * there when an ExecutorRun has come to its end, though not always when an
 * ExecutorEnd is called: that may be part of a commit. What the user asked for,
 * a cancel, is passed on.
 *
 * Planning evaluates functions of constants. Where these belong to a procedural
 * language they could do anything, and the statements of one in SQL would be
 * counted and logged by others, so such queries are not planned again. Others
 * are not told either of the functions that planning calls once more.
 */
#include "audit/plan/audit_plan.h"
#include "audit/whatif/audit_what_if.h"

#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_language_d.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#define MOST_RELATIONS 30		/* of a query that is planned again */
#define LONGEST_LOCK_WAIT 1		/* in ms */

static bool replanning = false;

/* Is the planner at work for the audit? */
bool
audit_is_replanning(void)
{
	return replanning;
}

/* ---- may this be planned here? ---- */

static bool
is_foreign_function(Oid funcid, void *context pg_attribute_unused())
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	Form_pg_proc form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return true;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	result = form->provolatile != PROVOLATILE_VOLATILE && form->prolang != INTERNALlanguageId &&
		form->prolang != ClanguageId;
	ReleaseSysCache(tuple);
	return result;
}

typedef struct Survey
{
	int			relations;
} Survey;

/* Finds a function that planning could call and that others could notice. */
static bool
survey_walker(Node *node, Survey *survey)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		survey->relations += list_length(((Query *) node)->rtable);
		return survey->relations > MOST_RELATIONS ||
			query_tree_walker((Query *) node, survey_walker, survey, 0);
	}
	return check_functions_in_node(node, is_foreign_function, NULL) ||
		expression_tree_walker(node, survey_walker, survey);
}

/*
 * Has someone said how to plan it? pg_hint_plan looks up the names of all indexes
 * that the planner knows of, and does not survive one without a name.
 */
static bool
is_hinted(const char *text)
{
	const char *by_table = GetConfigOption("pg_hint_plan.enable_hint_table", true, false);

	return (by_table != NULL && strcmp(by_table, "on") == 0) ||
		(text != NULL && strstr(text, "/*+") != NULL) ||
		(debug_query_string != NULL && strstr(debug_query_string, "/*+") != NULL);
}

/* Is the query's tree at hand, and is this a place where it can be planned? */
bool
audit_can_replan(const AuditWatch *watch)
{
	return audit_tree_find(watch->queryid, watch->userid) != NULL &&
		IsTransactionState() && ActiveSnapshotSet() &&
		!IsParallelWorker() && !IsInParallelMode() && !replanning &&
		!is_hinted(watch->desc->sourceText);
}

/* ---- planning ---- */

/* Scribbles on the query. */
static double
plan_cost(const AuditWatch *watch, Query *query, int options, List *hypotheses)
{
	PlannedStmt *stmt;

	/* Others who count plannings by query need not count this one. */
	query->queryId = 0;
	audit_hypotheses_set(hypotheses);
	stmt = purser_planner(query, watch->desc->sourceText, options, watch->desc->params);
	audit_hypotheses_set(NIL);
	audit_hypotheses_find(hypotheses, stmt);
	return stmt->planTree->total_cost;
}

/* The two queries that an OR over two tables can be made into; 0: it has none. */
static double
split_cost(const AuditWatch *watch, const AuditTree *tree)
{
	double		cost = 0;

	for (int side = 0; side < 2; side++)
	{
		Query	   *half = audit_split_half(tree->query, side);

		if (half == NULL)
			return 0;
		cost += plan_cost(watch, half, tree->options, NIL);
	}
	return cost;
}

static void
try_split(const AuditWatch *watch, const AuditTree *tree, List *hypotheses, AuditCosts *costs)
{
	ListCell   *cell;

	costs->split = 0;
	foreach(cell, hypotheses)
	{
		AuditHypothesis *hypothesis = lfirst(cell);

		if (!hypothesis->split)
			continue;
		costs->split = split_cost(watch, tree);
		hypothesis->used = costs->split > 0;
		break;
	}
}

/* With names that mean the same to all who read it, whatever their search_path. */
static char *
text_of(const AuditHypothesis *hypothesis)
{
	List	   *names = deparse_context_for(get_rel_name(hypothesis->origin), hypothesis->origin);
	int			level = NewGUCNestLevel();
	char	   *text;

	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	text = deparse_expression(hypothesis->expression, names, false, false);
	AtEOXact_GUC(true, level);
	return text;
}

/* An index that a policy keeps from being used is not worth its words. */
static void
describe(AuditHypothesis *hypothesis, const Query *query, MemoryContext context)
{
	Node	   *owners;

	if (hypothesis->expression == NULL || (hypothesis->used == 0 && query->hasRowSecurity))
		return;
	hypothesis->indexable = !contain_mutable_functions(hypothesis->expression);
	owners = audit_hypothesis_expression(hypothesis, hypothesis->owner);
	hypothesis->hash = owners == NULL ? 0 : audit_expression_hash(owners);
	hypothesis->text = MemoryContextStrdup(context, text_of(hypothesis));
}

static bool
plan_both(const AuditWatch *watch, List *hypotheses, AuditCosts *costs, MemoryContext context)
{
	const AuditTree *tree = audit_tree_find(watch->queryid, watch->userid);
	Survey		survey = {0};
	ListCell   *cell;

	if (survey_walker((Node *) tree->query, &survey))
		return false;
	costs->before = plan_cost(watch, copyObject(tree->query), tree->options, NIL);
	costs->after = plan_cost(watch, copyObject(tree->query), tree->options, hypotheses);
	try_split(watch, tree, hypotheses, costs);
	foreach(cell, hypotheses)
		describe(lfirst(cell), tree->query, context);
	return true;
}

/* Errors that are not the planning's own: cancels, and conflicts with recovery. */
static bool
is_for_user(const ErrorData *error)
{
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_TO_CATEGORY(ERRCODE_QUERY_CANCELED) ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_T_R_SERIALIZATION_FAILURE);
}

static void
begin_replanning(void)
{
	replanning = true;
	object_access_hook = NULL;
	LockTimeout = LONGEST_LOCK_WAIT;
}

/* Before the subtransaction ends, as that can fail. */
static void
end_replanning(int lock_timeout, object_access_hook_type access_hook)
{
	replanning = false;
	object_access_hook = access_hook;
	LockTimeout = lock_timeout;
	audit_hypotheses_set(NIL);
}

/*
 * Plans a query as it is and with hypothetical indexes, in which it sets how
 * far they are used. False when that could not be done. Only where
 * audit_can_replan() says so.
 */
bool
audit_replan(const AuditWatch *watch, List *hypotheses, AuditCosts *costs)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	int			lock_timeout = LockTimeout;
	MemoryContext context = AllocSetContextCreate(caller, "pg_purser what-if",
												  ALLOCSET_DEFAULT_SIZES);
	volatile bool done = false;
	ErrorData  *volatile error = NULL;
	object_access_hook_type access_hook = object_access_hook;

	/* A transaction that commits is fit to begin subtransactions, not to see them fail. */
	BeginInternalSubTransaction(NULL);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		begin_replanning();
		done = plan_both(watch, hypotheses, costs, caller);
		end_replanning(lock_timeout, access_hook);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		end_replanning(lock_timeout, access_hook);
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		done = false;
	}
	PG_END_TRY();
	ReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	MemoryContextDelete(context);
	if (error != NULL && is_for_user(error))
		ReThrowError(error);
	return done;
}
