/*
 * audit_join.c
 *		The joins at the top of a measured plan: which tables refer to which, and how
 *		often the rows of a parent were repeated.
 *
 * Columns that the joins' conditions make equal form a set. A parent is a table
 * with a unique column in a set; tables with other columns in that set are its
 * children. Rows of a table are those that its scan kept; an inner scan that ran
 * once for each row of a join is taken to have run once for each row of the
 * parent. Where a scan kept more rows of a child than found their parent, those
 * that did follow from how much the join with it grew. Semi-joins return no rows
 * of their inner side, so that is left out; what is neither a join nor a scan (a
 * subquery that groups) is a table without columns. Where a join has no condition
 * at all, a product is what was asked for.
 */
#include "audit/plan/audit_plan.h"

#include "executor/instrument.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#define MAX_TABLES 12
#define MAX_COLUMNS 48
#define MAX_PARAMS 24

typedef struct Table
{
	Index		rti;			/* 0: no table */
	double		rows;
	double		loops;
	double		width;			/* of its columns that are sent */
	bool		per_row;		/* ran once for each row of something else */
	bool		once;			/* each row was read once, by one process or another */
} Table;

typedef struct Column
{
	Index		rti;
	AttrNumber	attnum;
	int			set;			/* columns with one number are equal */
} Column;

/* A join: its outer tables begin with first, its inner ones with inner. */
typedef struct Step
{
	int			first;
	int			inner;
	int			end;
	double		rows;
	double		outer_rows;
	double		inner_rows;
} Step;

/* A value that a nested loop hands to its inner side. */
typedef struct LoopParam
{
	int			paramid;
	int			column;
} LoopParam;

typedef struct Joins
{
	const List *rtable;
	bool		remembered;		/* what comes next is below a Memoize that kept all */
	const AuditSizes *sizes;	/* NULL: not measured */
	int			ntables;
	Table		tables[MAX_TABLES];
	int			nsteps;
	Step		steps[MAX_TABLES];	/* each joins a table at least */
	int			ncolumns;
	Column		columns[MAX_COLUMNS];
	int			nparams;
	LoopParam	params[MAX_PARAMS];
} Joins;

/* ---- equal columns ---- */

/* The number of a column, -1 when there are too many. */
static int
column_number(Joins *joins, Index rti, AttrNumber attnum)
{
	int			i;

	for (i = 0; i < joins->ncolumns; i++)
	{
		if (joins->columns[i].rti == rti && joins->columns[i].attnum == attnum)
			return i;
	}
	if (i == MAX_COLUMNS)
		return -1;
	joins->columns[i] = (Column) {rti, attnum, i};
	joins->ncolumns++;
	return i;
}

/* The number of the column that an expression of a plan node is, -1 when it is none. */
static int
column_of(Joins *joins, const Plan *plan, Node *node)
{
	AuditPlanColumn origin;

	return audit_plan_column(plan, node, joins->rtable, &origin) ?
		column_number(joins, origin.rti, origin.attnum) : -1;
}

static void
unite(Joins *joins, int left, int right)
{
	int			from;
	int			to;

	if (left < 0 || right < 0)
		return;
	from = joins->columns[left].set;
	to = joins->columns[right].set;
	for (int i = 0; i < joins->ncolumns; i++)
	{
		if (joins->columns[i].set == from)
			joins->columns[i].set = to;
	}
}

/* Columns of both sides that a join's conditions compare for equality. */
static void
add_equalities(Joins *joins, const Plan *join, List *conditions)
{
	ListCell   *cell;

	foreach(cell, conditions)
	{
		const OpExpr *expr = lfirst(cell);
		int			left;
		int			right;

		if (!IsA(expr, OpExpr) || list_length(expr->args) != 2)
			continue;
		left = column_of(joins, join, linitial(expr->args));
		right = column_of(joins, join, lsecond(expr->args));
		if (left >= 0 && right >= 0 &&
			op_mergejoinable(expr->opno, exprType(linitial(expr->args))))
			unite(joins, left, right);
	}
}

static void
add_params(Joins *joins, const NestLoop *join)
{
	ListCell   *cell;

	foreach(cell, join->nestParams)
	{
		const NestLoopParam *param = lfirst(cell);
		int			column = column_of(joins, &join->join.plan, (Node *) param->paramval);

		if (column >= 0 && joins->nparams < MAX_PARAMS)
			joins->params[joins->nparams++] = (LoopParam) {param->paramno, column};
	}
}

/* ---- tables ---- */

static int
column_of_param(const Joins *joins, const Node *value)
{
	const Param *param;

	while (value != NULL && IsA(value, RelabelType))
		value = (const Node *) ((const RelabelType *) value)->arg;
	if (value == NULL || !IsA(value, Param))
		return -1;
	param = (const Param *) value;
	for (int i = 0; i < joins->nparams; i++)
	{
		if (param->paramkind == PARAM_EXEC && joins->params[i].paramid == param->paramid)
			return joins->params[i].column;
	}
	return -1;
}

static void
add_lookups(Joins *joins, Table *table, List *clauses)
{
	ListCell   *cell;

	foreach(cell, clauses)
	{
		const AuditClause *clause = lfirst(cell);
		int			column = column_of_param(joins, clause->value);

		if (clause->attnum == 0 || !clause->is_equality || column < 0)
			continue;
		table->per_row = true;
		unite(joins, column_number(joins, table->rti, clause->attnum), column);
	}
}

/* Did a Memoize keep all that it was asked for? */
static bool
keeps_all(PlanState *state)
{
	const MemoizeState *memoize = (const MemoizeState *) state;

	return IsA(state, MemoizeState) && state->worker_instrument == NULL &&
		memoize->stats.cache_evictions == 0 && memoize->stats.cache_overflows == 0;
}

static int
processes_of(PlanState *state)
{
	return 1 + (state->worker_instrument != NULL ? state->worker_instrument->num_workers : 0);
}

static bool
add_table(Joins *joins, PlanState *state)
{
	AuditNodeRows rows = audit_node_rows(state);
	AuditScope	scope;
	List	   *index_conditions;
	Table	   *table;

	if (joins->ntables == MAX_TABLES)
		return false;
	table = &joins->tables[joins->ntables++];
	memset(table, 0, sizeof(Table));
	table->rows = rows.all;
	table->loops = rows.loops;
	if (!audit_scan_scope(state->plan, &scope, &index_conditions))
		return true;
	table->rti = scope.scanrelid;
	add_lookups(joins, table, audit_clauses(&scope, index_conditions));
	add_lookups(joins, table, audit_clauses(&scope, state->plan->qual));
	/* Each process has read all of it. */
	if (state->worker_instrument != NULL && !state->plan->parallel_aware && !table->per_row)
		table->rows = rows.each;
	table->once = joins->remembered || (!table->per_row && rows.loops <= processes_of(state));
	return true;
}

/* ---- the tree of joins ---- */

static bool add_tree(Joins *joins, PlanState *state, int depth);

/* Does a join pair all rows of its sides: a product on purpose? */
static bool
is_product(PlanState *state)
{
	return IsA(state, NestLoopState) && ((const Join *) state->plan)->joinqual == NIL &&
		((const NestLoop *) state->plan)->nestParams == NIL &&
		audit_node_rows(outerPlanState(state)).all > 1 &&
		audit_node_rows(innerPlanState(state)).each > 1;
}

/* The rows that a side of a join has, however often they are read. */
static double
side_rows(PlanState *state)
{
	while (IsA(state, HashState) || IsA(state, SortState) || IsA(state, MaterialState))
		state = outerPlanState(state);
	return audit_node_rows(state).all;
}

/* Both sides have been added. */
static void
add_step(Joins *joins, PlanState *state, int first, int inner)
{
	if (joins->nsteps < MAX_TABLES)
		joins->steps[joins->nsteps++] = (Step) {
			first, inner, joins->ntables, audit_node_rows(state).all,
			side_rows(outerPlanState(state)), side_rows(innerPlanState(state))
		};
}

static bool
add_join(Joins *joins, PlanState *state, int depth)
{
	const Join *join = (const Join *) state->plan;
	int			first = joins->ntables;
	int			inner;

	if (!add_tree(joins, outerPlanState(state), depth))
		return false;
	inner = joins->ntables;
	if (join->jointype == JOIN_SEMI || join->jointype == JOIN_ANTI)
		return true;
	if (join->jointype != JOIN_INNER && join->jointype != JOIN_LEFT &&
		join->jointype != JOIN_RIGHT && join->jointype != JOIN_FULL)
		return false;
	if (is_product(state))
		return false;
	add_equalities(joins, state->plan, join->joinqual);
	if (IsA(join, HashJoin))
		add_equalities(joins, state->plan, ((const HashJoin *) join)->hashclauses);
	else if (IsA(join, MergeJoin))
		add_equalities(joins, state->plan, ((const MergeJoin *) join)->mergeclauses);
	else
		add_params(joins, (const NestLoop *) join);
	if (!add_tree(joins, innerPlanState(state), depth))
		return false;
	add_step(joins, state, first, inner);
	return true;
}

static bool
add_tree(Joins *joins, PlanState *state, int depth)
{
	joins->remembered = false;
	for (; state != NULL && depth < AUDIT_PLAN_DEPTH; depth++)
	{
		joins->remembered |= keeps_all(state);
		switch (nodeTag(state->plan))
		{
			case T_HashJoin:
			case T_MergeJoin:
			case T_NestLoop:
				return add_join(joins, state, depth + 1);
			case T_Hash:
			case T_Sort:
			case T_IncrementalSort:
			case T_Material:
			case T_Memoize:
			case T_Gather:
			case T_GatherMerge:
				state = outerPlanState(state);
				break;
			default:
				return add_table(joins, state);
		}
	}
	return false;
}

static Table *
table_of(Joins *joins, Index rti)
{
	for (int i = 0; i < joins->ntables; i++)
	{
		if (joins->tables[i].rti == rti)
			return &joins->tables[i];
	}
	return NULL;
}

/* Bytes of a column that is sent: as measured, else its average among all rows of its table. */
static double
column_width(const AuditSizes *sizes, const TargetEntry *entry, const AuditPlanColumn *column)
{
	int32		average = 0;

	if (sizes != NULL && sizes->rows > 0 && entry->resno <= sizes->ncolumns)
		return (double) sizes->bytes[entry->resno - 1] / (double) sizes->rows;
	if (column != NULL)
		average = get_attavgwidth(column->relid, column->attnum);
	if (average > 0)
		return average;
	return get_typavgwidth(exprType((Node *) entry->expr), exprTypmod((Node *) entry->expr));
}

/* Adds up the widths of the columns that are sent; the total. */
static double
add_widths(Joins *joins, const Plan *top)
{
	double		width = 0;
	ListCell   *cell;

	foreach(cell, top->targetlist)
	{
		const TargetEntry *entry = lfirst(cell);
		AuditPlanColumn origin;
		Table	   *table;
		bool		found;
		double		bytes;

		if (entry->resjunk)
			continue;
		found = audit_plan_column(top, (Node *) entry->expr, joins->rtable, &origin);
		bytes = column_width(joins->sizes, entry, found ? &origin : NULL);
		table = found ? table_of(joins, origin.rti) : NULL;
		if (table != NULL)
			table->width += bytes;
		width += bytes;
	}
	return width;
}

/* ---- parents and children ---- */

static bool
is_unique(const Joins *joins, const Column *column)
{
	return audit_is_unique(rt_fetch(column->rti, joins->rtable)->relid, column->attnum);
}

/* The rows of a table that differ: each of the parent's rows had it scanned once. */
static double
rows_of(const Table *table, const Table *parent)
{
	if (table != parent && table->per_row && table->loops > parent->rows)
		return table->rows / table->loops * parent->rows;
	return table->rows;
}

/* Those of a child that found their parent: as many as make the join with it grow. */
static double
child_rows(const Joins *joins, const Table *child, const Table *parent)
{
	int			place = (int) (child - joins->tables);
	int			other = (int) (parent - joins->tables);
	double		rows = rows_of(child, parent);

	for (int i = 0; i < joins->nsteps; i++)
	{
		const Step *step = &joins->steps[i];
		double		side = other < step->inner ? step->outer_rows : step->inner_rows;

		if (Min(place, other) >= step->first && Max(place, other) < step->end &&
			(place < step->inner) != (other < step->inner) && side > 0)
			rows = Min(rows, parent->rows * step->rows / side);
	}
	return rows;
}

/* Adds a child to a parent's fan-out. */
static void
add_child(Joins *joins, const Column *column, double rows, AuditFanout *fanout)
{
	fanout->separate_rows += rows;
	if (fanout->children++ > 0 && rows <= fanout->child_rows)
		return;
	fanout->child_rows = rows;
	fanout->child = rt_fetch(column->rti, joins->rtable)->relid;
	fanout->child_column = column->attnum;
}

/* Is a table, by one of its columns that is not unique, a child of what a unique column is of? */
static const Column *
reference_to(Joins *joins, const Table *table, const Column *key)
{
	for (int i = 0; i < joins->ncolumns; i++)
	{
		const Column *column = &joins->columns[i];

		if (column->set == key->set && column->rti == table->rti && column->rti != key->rti &&
			!is_unique(joins, column))
			return column;
	}
	return NULL;
}

/* The children of one unique column; false when it has none. */
static bool
fanout_of(Joins *joins, const Column *key, AuditFanout *fanout)
{
	const Table *parent = table_of(joins, key->rti);

	if (parent == NULL || parent->rows < 1 || parent->width == 0 || !is_unique(joins, key))
		return false;
	memset(fanout, 0, sizeof(AuditFanout));
	for (int i = 0; i < joins->ntables; i++)
	{
		const Table *table = &joins->tables[i];
		const Column *column = reference_to(joins, table, key);

		if (column != NULL)
			add_child(joins, column, child_rows(joins, table, parent), fanout);
		else
			fanout->separate_rows += rows_of(table, parent);
	}
	fanout->parent = rt_fetch(key->rti, joins->rtable)->relid;
	fanout->parent_rows = parent->rows;
	fanout->parent_is_once = parent->once;
	fanout->parent_width = parent->width;
	return fanout->children > 0;
}

/* The parent with the most children, of those that a plan's joins repeat. */
bool
audit_plan_fanout(const AuditWatch *watch, AuditFanout *fanout)
{
	PlanState  *top = watch->desc->planstate;
	Joins		joins;
	double		width;

	memset(&joins, 0, sizeof(joins));
	memset(fanout, 0, sizeof(AuditFanout));
	joins.rtable = watch->desc->plannedstmt->rtable;
	joins.sizes = watch->sizes;
	if (!add_tree(&joins, top, 0) || joins.ntables < 2)
		return false;
	width = add_widths(&joins, top->plan);
	for (int i = 0; i < joins.ncolumns; i++)
	{
		AuditFanout candidate;

		if (fanout_of(&joins, &joins.columns[i], &candidate) &&
			candidate.children > fanout->children)
			*fanout = candidate;
	}
	fanout->rows = (double) watch->rows_returned;
	fanout->width = width;
	return fanout->children > 0;
}
