/*
 * bulk_execute.c
 *		Runs one ordinary statement, given as a raw parse tree, over the rows that
 *		wait in a tuplestore.
 *
 * It goes the whole way of a statement that the caller would have sent: parse
 * analysis, rewriting, planning and execution, as the caller.  So privileges,
 * row-level security, rules, views, partitions, foreign tables and other access
 * methods are the server's business, and so are the hooks of other extensions.
 *
 * While an INSERT runs, its scan of the rows tells between each two of them
 * what became of the first, by the counters that EXPLAIN ANALYZE reads, and
 * keeps the error context true.
 *
 * Called by bulk_insert.c and bulk_change.c.
 */
#include "bulk.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "parser/analyze.h"
#include "parser/parse_node.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

/* A statement over the rows; the tree is the caller's to set. */
BulkStatement *
bulk_statement_make(BulkTarget *target, BulkContext *context, BulkRows *rows)
{
	BulkStatement *statement = palloc0(sizeof(BulkStatement));

	statement->target = target;
	statement->context = context;
	statement->rows = rows;
	statement->dest = None_Receiver;
	statement->source.md.name = BULK_SOURCE;
	statement->source.md.tupdesc = rows->desc;
	statement->source.md.enrtype = ENR_NAMED_TUPLESTORE;
	statement->source.md.enrtuples = rows->nrows;
	statement->source.reldata = rows->store;
	statement->environment = create_queryEnv();
	register_ENR(statement->environment, &statement->source);
	return statement;
}

/* ---- from the tree to plans ---- */

/* What a parameter of ours stands for; NULL for one of the caller's text. */
static Node *
expand_parameter(ParseState *pstate, ParamRef *ref)
{
	BulkStatement *statement = pstate->p_ref_hook_state;
	Node	   *expression;

	if (ref->number >= 0)
		return NULL;
	expression = copyObject(list_nth(statement->expressions, -ref->number - 1));
	if (pstate->p_target_nsitem != NULL)
		ChangeVarNodes(expression, 1, pstate->p_target_nsitem->p_rtindex, 0);
	return expression;
}

static void
set_up_parser(ParseState *pstate, void *arg)
{
	pstate->p_paramref_hook = expand_parameter;
	pstate->p_ref_hook_state = arg;
}

/*
 * What views of statements show.  Positions of nodes are -1, but for those of
 * the condition, whose text therefore stands first.
 */
static char *
source_text(const BulkStatement *statement)
{
	return psprintf("%s/* %s %s */", statement->condition ? statement->condition : "",
					statement->context->verb,
					quote_identifier(RelationGetRelationName(statement->target->rel)));
}

/* The name of the target means what it did when it was opened and locked. */
static void
check_target(const BulkStatement *statement, const Query *query)
{
	const RangeTblEntry *rte = rt_fetch(query->resultRelation, query->rtable);

	if (rte->relid != RelationGetRelid(statement->target->rel))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("relation \"%s\" was renamed or replaced meanwhile",
						RelationGetRelationName(statement->target->rel))));
}

static PlannedStmt *
plan_query(Query *query, const char *text)
{
	PlannedStmt *plan;

	if (query->commandType != CMD_UTILITY)
		return purser_pg_plan_query(query, text);
	/* Of a rule: NOTIFY. */
	plan = makeNode(PlannedStmt);
	plan->commandType = CMD_UTILITY;
	plan->canSetTag = query->canSetTag;
	plan->utilityStmt = query->utilityStmt;
	plan->stmt_location = query->stmt_location;
	plan->stmt_len = query->stmt_len;
	return plan;
}

static void
set_for_planner(const char *setting, const char *value)
{
	(void) set_config_option(setting, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
							 0, false);
}

/*
 * Rows come in the order of their keys, and each is best found by itself.  The
 * planner, which cannot know that, would rather read the table, or the index,
 * from end to end for a few of its rows.
 */
static void
advise_planner(void)
{
	if (random_page_cost > seq_page_cost)
		set_for_planner("random_page_cost", psprintf("%g", seq_page_cost));
	set_for_planner("enable_mergejoin", "off");
	set_for_planner("enable_hashjoin", "off");
}

/* Analyze, rewrite and plan the tree. */
void
bulk_statement_plan(BulkStatement *statement)
{
	char	   *text = source_text(statement);
	RawStmt    *raw = makeNode(RawStmt);
	ErrorContextCallback callback = {
		.callback = bulk_syntax_error,
		.arg = unconstify(char *, statement->condition),
		.previous = error_context_stack
	};
	Query	   *query;
	int			nest_level;
	ListCell   *lc;

	raw->stmt = statement->tree;
	if (statement->condition != NULL)
		error_context_stack = &callback;
	query = parse_analyze_withcb(raw, text, set_up_parser, statement, statement->environment);
	error_context_stack = callback.previous;
	check_target(statement, query);
	nest_level = NewGUCNestLevel();
	if (statement->look_up)
		advise_planner();
	foreach(lc, pg_rewrite_query(query))
		statement->plans = lappend(statement->plans, plan_query(lfirst_node(Query, lc), text));
	AtEOXact_GUC(true, nest_level);
	statement->text = text;
}

/* ---- what becomes of the rows ---- */

static bool
find_scan(PlanState *state, void *statement)
{
	if (state == NULL)
		return false;
	if (IsA(state, NamedTuplestoreScanState))
	{
		((BulkStatement *) statement)->scan = state;
		return true;
	}
	return planstate_tree_walker(state, find_scan, statement);
}

/* The node that inserts: the topmost, or below that of another extension. */
static bool
find_modify(PlanState *state, void *statement)
{
	if (state == NULL)
		return false;
	if (IsA(state, ModifyTableState))
	{
		((BulkStatement *) statement)->modify = (ModifyTableState *) state;
		return true;
	}
	return planstate_tree_walker(state, find_modify, statement);
}

/* Count the row that the statement has just done with. */
static void
settle_row(BulkStatement *statement)
{
	uint64		processed = statement->modify->ps.state->es_processed;
	uint64		conflicts = statement->modify->ps.instrument->ntuples2;

	if (processed > statement->seen_processed && conflicts > statement->seen_conflicts)
		statement->updated++;
	statement->seen_processed = processed;
	statement->seen_conflicts = conflicts;
}

/* Tell others which row is being inserted; none after the last one. */
static void
note_row(BulkStatement *statement, bool any)
{
	TupleTableSlot *slot = ((ScanState *) statement->scan)->ss_ScanTupleSlot;
	uint64		ordinal = 0;

	if (any)
		ordinal = bulk_rows_number(statement->rows, slot, BULK_ROWS_ORDINAL(statement->rows));
	if (statement->returning != NULL)
		statement->returning->row = ordinal;
	statement->context->position.row = ordinal;
}

/* In place of the scan's own function. */
static TupleTableSlot *
next_row(PlanState *scan)
{
	BulkStatement *statement = (BulkStatement *) get_ENR(scan->state->es_queryEnv, BULK_SOURCE);
	TupleTableSlot *slot;

	settle_row(statement);
	slot = statement->next_row(scan);
	note_row(statement, !TupIsNull(slot));
	return slot;
}

/*
 * Watch the rows of an INSERT.  Where the executor may collect rows before it
 * sends them on, to foreign tables, the row that was read last is not the one
 * that an error is about, and none is named; with RETURNING it does not.
 */
static void
watch(BulkStatement *statement, QueryDesc *desc)
{
	char		relkind = statement->target->rel->rd_rel->relkind;

	statement->modify = NULL;
	if (desc->operation != CMD_INSERT || !find_modify(desc->planstate, statement))
		return;
	if ((relkind == RELKIND_FOREIGN_TABLE || relkind == RELKIND_PARTITIONED_TABLE) &&
		statement->returning == NULL)
		return;
	if (!find_scan(desc->planstate, statement))
		return;
	statement->next_row = statement->scan->ExecProcNodeReal;
	ExecSetExecProcNode(statement->scan, next_row);
}

/* ---- execution ---- */

static void
take_counts(BulkStatement *statement, QueryDesc *desc)
{
	statement->processed = desc->estate->es_processed;
	if (statement->modify == NULL)
		return;
	settle_row(statement);
	statement->conflicts = statement->modify->ps.instrument->ntuples2;
	statement->unchanged = statement->modify->ps.instrument->nfiltered1;
}

static void
run_query(BulkStatement *statement, PlannedStmt *plan)
{
	DestReceiver *dest = plan->canSetTag ? statement->dest : None_Receiver;
	QueryDesc  *desc = CreateQueryDesc(plan, statement->text, GetActiveSnapshot(),
									   InvalidSnapshot, dest, NULL, statement->environment,
									   plan->canSetTag ? INSTRUMENT_ROWS : 0);

	ExecutorStart(desc, 0);
	if (plan->canSetTag)
		watch(statement, desc);
	purser_ExecutorRun(desc);
	if (plan->canSetTag)
		take_counts(statement, desc);
	/* Triggers that fire at the end of a statement are about no row of ours. */
	statement->context->position.row = 0;
	ExecutorFinish(desc);
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
}

/* Run the plans, as a query within the one that called us. */
void
bulk_statement_run(BulkStatement *statement)
{
	ListCell   *lc;

	PushActiveSnapshot(GetTransactionSnapshot());
	foreach(lc, statement->plans)
	{
		PlannedStmt *plan = lfirst_node(PlannedStmt, lc);

		CommandCounterIncrement();
		UpdateActiveSnapshotCommandId();
		if (plan->utilityStmt != NULL)
			ProcessUtility(plan, statement->text, true, PROCESS_UTILITY_QUERY, NULL,
						   statement->environment, None_Receiver, NULL);
		else
			run_query(statement, plan);
	}
	PopActiveSnapshot();
	CommandCounterIncrement();
}
