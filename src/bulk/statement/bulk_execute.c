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
#include "bulk/bulk.h"

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

	statement->rows->started = false;
	raw->stmt = statement->tree;
	if (statement->condition != NULL)
		error_context_stack = &callback;
	query = parse_analyze_withcb(raw, text, set_up_parser, statement, statement->environment);
	error_context_stack = callback.previous;
	check_target(statement, query);
	nest_level = NewGUCNestLevel();
	if (statement->look_up)
		advise_planner();
	/* Of a run there may be many. */
	if (statement->rows->positions != NULL)
		set_for_planner("jit", "off");
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

/* What the counters say of the row that the INSERT has just done with. */
static BulkOutcome
outcome_of_row(const BulkStatement *statement)
{
	const OnConflictClause *clause = ((InsertStmt *) statement->tree)->onConflictClause;
	const ModifyTableState *modify = statement->modify;
	bool		stored = modify->ps.state->es_processed > statement->seen_processed;
	bool		conflict = modify->ps.instrument->ntuples2 > statement->seen_conflicts;

	if (stored)
		return conflict ? BULK_UPDATED : BULK_INSERTED;
	if (modify->ps.instrument->nfiltered1 > statement->seen_unchanged)
		return BULK_UNCHANGED;
	if (clause == NULL || clause->action != ONCONFLICT_NOTHING)
		return BULK_SUPPRESSED;
	if (conflict && statement->updates)
		return BULK_UNCHANGED;
	/* The executor does not tell what foreign servers skipped. */
	if (conflict || statement->target->rel->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
		return BULK_SKIPPED;
	return BULK_SUPPRESSED;
}

/* Count the row that the INSERT has just done with. */
static void
settle_row(BulkStatement *statement)
{
	const ModifyTableState *modify = statement->modify;
	BulkOutcome outcome = outcome_of_row(statement);

	if (outcome == BULK_UPDATED)
		statement->updated++;
	if (statement->note != NULL && statement->rows->present > 0)
		statement->note->told(statement->note, statement->context->position.row, outcome);
	statement->seen_processed = modify->ps.state->es_processed;
	statement->seen_conflicts = modify->ps.instrument->ntuples2;
	statement->seen_unchanged = modify->ps.instrument->nfiltered1;
}

/* The statement is at the row of that ordinal; 0: at none, or it is not known. */
static void
note_row(BulkStatement *statement, uint64 ordinal)
{
	BulkRows   *rows = statement->rows;
	BulkPosition *position = &statement->context->position;

	rows->present = ordinal;
	memset(position, 0, sizeof(BulkPosition));
	if (ordinal > 0 && rows->positions != NULL)
		*position = rows->positions[ordinal - 1];
	else
		position->row = ordinal;
	if (statement->returning != NULL)
		statement->returning->row = position->row;
}

/* In place of the scan's own function. */
static TupleTableSlot *
next_row(PlanState *scan)
{
	BulkStatement *statement = (BulkStatement *) get_ENR(scan->state->es_queryEnv, BULK_SOURCE);
	BulkRows   *rows = statement->rows;
	TupleTableSlot *slot;

	rows->started = true;
	if (statement->counts_rows)
		settle_row(statement);
	slot = statement->next_row(scan);
	if (statement->names_rows)
		note_row(statement, TupIsNull(slot) ? 0 :
				 bulk_rows_number(rows, ((ScanState *) scan)->ss_ScanTupleSlot,
								  BULK_ROWS_ORDINAL(rows)));
	return slot;
}

/* Does the node take up one of our rows only when it has done with the one before? */
static bool
is_row_by_row(PlanState *state)
{
	while (state != NULL && (IsA(state, NestLoopState) || IsA(state, ResultState)))
		state = outerPlanState(state);
	return state != NULL && IsA(state, NamedTuplestoreScanState);
}

/*
 * Is an error about the row that was read last?  Not where the executor may
 * collect rows before it sends them on, to foreign tables; with RETURNING it does
 * not.  Of updates and deletes it depends on the plan; so all or none of them
 * name rows, unless bad rows are looked for.
 */
static bool
names_rows(const BulkStatement *statement, const QueryDesc *desc)
{
	char		relkind = statement->target->rel->rd_rel->relkind;
	const OnConflictClause *clause;

	if (desc->operation != CMD_INSERT)
		return statement->rows->positions != NULL &&
			is_row_by_row(outerPlanState(&statement->modify->ps));
	/* Foreign servers have no ON CONFLICT DO UPDATE. */
	clause = ((InsertStmt *) statement->tree)->onConflictClause;
	return (relkind != RELKIND_FOREIGN_TABLE && relkind != RELKIND_PARTITIONED_TABLE) ||
		statement->returning != NULL ||
		(clause != NULL && clause->action == ONCONFLICT_UPDATE);
}

/* Watch the scan of the rows; tag: the plan is that of the statement, not of a rule. */
static void
watch(BulkStatement *statement, QueryDesc *desc, bool tag)
{
	bool		modifies;

	statement->modify = NULL;
	statement->rows->present = 0;
	modifies = tag && find_modify(desc->planstate, statement);
	statement->names_rows = modifies && names_rows(statement, desc);
	statement->counts_rows = statement->names_rows && desc->operation == CMD_INSERT;
	if (desc->operation != CMD_INSERT)
		statement->modify = NULL;
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
	if (statement->counts_rows)
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

	statement->rows->started = false;
	ExecutorStart(desc, 0);
	watch(statement, desc, plan->canSetTag);
	purser_ExecutorRun(desc);
	if (plan->canSetTag)
		take_counts(statement, desc);
	/* Triggers that fire at the end of a statement are about no row of ours. */
	note_row(statement, 0);
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
