/*
 * bulk_insert.c
 *		INSERT of rows that wait in a tuplestore, with ON CONFLICT.
 *
 *		INSERT INTO target (named columns) SELECT ... FROM the rows
 *
 * One statement for all rows, in the order of the input.  It has the columns
 * that any row names; for a row that lacks one of them the SELECT has the
 * column's default, as INSERT would have in a list of VALUES.  Only where each
 * row is to update the columns that it has, rows with different columns go into
 * statements of their own.
 *
 * Called by bulk_load.c and bulk_runs_write.c.
 */
#include "bulk/bulk.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "nodes/makefuncs.h"
#include "parser/parsetree.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteHandler.h"

/* What is inserted. */
typedef struct Insert
{
	BulkTarget *target;
	BulkContext *context;
	BulkRows   *rows;
	const BulkOptions *options;
	uint64	   *counts;
	int			shape;			/* of the rows; -1: all that there are */
} Insert;

/* ---- values ---- */

/* Does an INSERT into the view become one into its table? */
static bool
is_auto_updatable(Relation view, Query *query)
{
	if (view->trigdesc != NULL && view->trigdesc->trig_insert_instead_row)
		return false;
	for (int i = 0; view->rd_rules != NULL && i < view->rd_rules->numLocks; i++)
		if (view->rd_rules->rules[i]->event == CMD_INSERT &&
			view->rd_rules->rules[i]->isInstead)
			return false;
	return view_query_is_auto_updatable(query, true) == NULL;
}

/*
 * The expression that INSERT has for a column without a value: the column's
 * own default, or for a view that of the column under it.
 */
static Node *
default_of(Relation rel, AttrNumber attnum)
{
	Node	   *expr = build_column_default(rel, attnum);
	Query	   *query;
	TargetEntry *tle;
	RangeTblEntry *rte;
	Relation	under;

	if (expr != NULL || rel->rd_rel->relkind != RELKIND_VIEW)
		return expr;
	query = get_view_query(rel);
	if (!is_auto_updatable(rel, query))
		return NULL;
	tle = get_tle_by_resno(query->targetList, attnum);
	if (!IsA(tle->expr, Var))
		return NULL;
	rte = rt_fetch(linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex, query->rtable);
	under = relation_open(rte->relid, AccessShareLock);
	expr = default_of(under, ((Var *) tle->expr)->varattno);
	relation_close(under, NoLock);
	return expr;
}

static Node *
null_constant(void)
{
	A_Const    *constant = makeNode(A_Const);

	constant->isnull = true;
	constant->location = -1;
	return (Node *) constant;
}

/* What the SELECT has for the column. */
static Node *
make_value(const Insert *work, BulkStatement *statement, int column)
{
	const BulkRows *rows = work->rows;
	Node	   *value = bulk_syntax_source(rows, column + 1);
	Datum	   *lacking = palloc(Max(rows->nshapes, 1) * sizeof(Datum));
	int			nlacking = 0;
	Node	   *dflt;

	for (int i = 0; work->shape < 0 && i < rows->nshapes; i++)
		if (!rows->shapes[i][column])
			lacking[nlacking++] = Int32GetDatum(i);
	if (nlacking == 0)
		return value;
	dflt = default_of(work->target->rel, column + 1);
	dflt = dflt ? bulk_syntax_expression(&statement->expressions, dflt) : null_constant();
	return bulk_syntax_case(bulk_syntax_among(&statement->expressions,
											  bulk_syntax_source(rows, BULK_ROWS_SHAPE(rows)),
											  lacking, nlacking),
							dflt, value);
}

/* ---- on conflict ---- */

/* Do the rows of the statement name the column? */
static bool
is_named(const Insert *work, int column)
{
	return work->shape < 0 ? work->target->columns[column].named :
		work->rows->shapes[work->shape][column];
}

/* SET column = excluded.column */
static List *
make_assignments(const Insert *work, const BulkInference *inference)
{
	const BulkTarget *target = work->target;
	List	   *assignments = NIL;
	ListCell   *lc;

	foreach(lc, work->options->update_columns)
		assignments = lappend(assignments,
							  bulk_syntax_target(lfirst(lc),
												 bulk_syntax_column("excluded", lfirst(lc))));
	if (work->options->update_columns != NIL)
		return assignments;
	for (int i = 0; i < target->ncolumns; i++)
	{
		const char *name = target->columns[i].name;

		if (is_named(work, i) && !list_member_int(inference->columns, i))
			assignments = lappend(assignments,
								  bulk_syntax_target(name, bulk_syntax_column("excluded", name)));
	}
	return assignments;
}

static OnConflictClause *
make_on_conflict(const Insert *work, BulkStatement *statement)
{
	BulkInference inference = bulk_infer(work->target, work->options, &statement->expressions);
	OnConflictClause *clause = makeNode(OnConflictClause);

	clause->action = ONCONFLICT_NOTHING;
	clause->infer = inference.clause;
	clause->location = -1;
	if (work->options->on_conflict != BULK_CONFLICT_UPDATE)
		return clause;
	clause->targetList = make_assignments(work, &inference);
	/* An input of nothing but keys has nothing to update. */
	if (clause->targetList == NIL)
		return clause;
	clause->action = ONCONFLICT_UPDATE;
	statement->condition = work->options->update_where;
	if (statement->condition != NULL)
		clause->whereClause = bulk_syntax_condition(statement->condition);
	return clause;
}

/* ---- the statement ---- */

static Node *
make_insert(const Insert *work, BulkStatement *statement)
{
	BulkTarget *target = work->target;
	InsertStmt *insert = makeNode(InsertStmt);
	List	   *values = NIL;

	for (int i = 0; i < target->ncolumns; i++)
	{
		if (!is_named(work, i))
			continue;
		insert->cols = lappend(insert->cols, bulk_syntax_target(target->columns[i].name, NULL));
		values = lappend(values, make_value(work, statement, i));
	}
	/* Conditions name the table by its own name, unless that is the other one's. */
	insert->relation = bulk_syntax_relation(target->rel,
											strcmp(RelationGetRelationName(target->rel),
												   "excluded") == 0 ? "target" : NULL);
	insert->selectStmt = bulk_syntax_select(values);
	insert->override = OVERRIDING_NOT_SET;
	if (work->options->on_conflict != BULK_CONFLICT_ERROR)
		insert->onConflictClause = make_on_conflict(work, statement);
	if (statement->note != NULL && statement->returning->columns == NIL)
		purser_set_returning(insert, list_make1(bulk_syntax_target(NULL, null_constant())));
	else if (statement->returning != NULL)
		purser_set_returning(insert, bulk_syntax_returning(statement->returning->columns));
	return (Node *) insert;
}

/* What became of the rows; the executor does not tell what foreign servers skipped. */
static void
count_rows(const BulkStatement *statement, uint64 *counts)
{
	const OnConflictClause *clause = ((InsertStmt *) statement->tree)->onConflictClause;
	uint64		inserted = statement->processed - statement->updated;

	counts[BULK_INSERTED] += inserted;
	counts[BULK_UPDATED] += statement->updated;
	counts[BULK_UNCHANGED] += statement->unchanged;
	if (clause == NULL || clause->action != ONCONFLICT_NOTHING)
		return;
	if (statement->target->rel->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
		counts[BULK_SKIPPED] += statement->rows->nrows - inserted;
	else
		counts[BULK_SKIPPED] += statement->conflicts;
}

static BulkStatement *
plan_insert(const Insert *work)
{
	BulkStatement *statement = bulk_statement_make(work->target, work->context, work->rows);

	statement->updates = work->options->on_conflict == BULK_CONFLICT_UPDATE;
	statement->note = work->options->note;
	statement->returning = work->options->returning;
	if (statement->note != NULL)
		statement->returning = statement->note->returning;
	if (statement->returning != NULL)
		statement->dest = statement->returning->dest;
	statement->tree = make_insert(work, statement);
	bulk_statement_plan(statement);
	return statement;
}

/* Rows of one shape. */
static void
insert_shape(BulkRows *rows pg_attribute_unused(), int shape, void *arg)
{
	Insert		work = *(Insert *) arg;
	BulkStatement *statement;

	work.shape = shape;
	statement = plan_insert(&work);
	bulk_statement_run(statement);
	count_rows(statement, work.counts);
}

/*
 * Are rows with different columns to go into different statements?  In csv and text
 * all rows have the same ones, some with the marker of a default.
 */
bool
bulk_insert_by_shape(const BulkOptions *options)
{
	return options->on_conflict == BULK_CONFLICT_UPDATE && options->update_columns == NIL &&
		options->format_name != BULK_FORMAT_CSV && options->format_name != BULK_FORMAT_TEXT;
}

/* Raises the error that the statement would raise before its first row, for the named columns. */
void
bulk_insert_check(BulkTarget *target, BulkContext *context, const BulkOptions *options)
{
	BulkRows   *rows = bulk_rows_begin(target);
	Insert		work = {
		.target = target,
		.context = context,
		.rows = rows,
		.options = options,
		.shape = -1
	};

	(void) plan_insert(&work);
	bulk_rows_end(rows);
}

/* By what two of the rows would update the same row; NULL: none would, or it cannot be told. */
BulkKeys *
bulk_insert_keys(BulkTarget *target, BulkContext *context, BulkRows *rows,
				 const BulkOptions *options)
{
	Insert		work = {
		.target = target,
		.context = context,
		.rows = rows,
		.options = options,
		.shape = -1
	};

	if (options->on_conflict != BULK_CONFLICT_UPDATE)
		return NULL;
	return bulk_infer_keys(target, rows, plan_insert(&work)->plans);
}

/* Insert the rows. */
void
bulk_insert_rows(BulkTarget *target, BulkContext *context, BulkRows *rows,
				 const BulkOptions *options, uint64 *counts)
{
	Insert		work = {
		.target = target,
		.context = context,
		.rows = rows,
		.options = options,
		.counts = counts,
		.shape = -1
	};
	BulkStatement *statement = plan_insert(&work);
	BulkKeys   *keys = NULL;

	if (options->on_conflict == BULK_CONFLICT_UPDATE && rows->positions == NULL)
		keys = bulk_infer_keys(target, rows, statement->plans);
	if (keys != NULL)
		counts[BULK_SKIPPED] += bulk_last_of_key(rows, keys, target->estate);
	if (bulk_insert_by_shape(options) && rows->nshapes > 1)
	{
		if (options->returning != NULL)
			options->returning->unordered = true;
		bulk_rows_by_shape(rows, insert_shape, &work);
		return;
	}
	bulk_statement_run(statement);
	count_rows(statement, counts);
}
