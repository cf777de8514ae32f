/*
 * audit_join.c
 *		The joins at the top of a measured plan: their tables, with the rows that each
 *		scan kept, and which columns their conditions make equal.
 *
 * Semi-joins return no rows of their inner side, so that is left out; what is
 * neither a join nor a scan (a subquery that groups) is a table without columns.
 * Where a join has no condition at all, a product is what was asked for.
 */
#include "audit/plan/audit_join.h"

#include "executor/instrument.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"

/* ---- equal columns ---- */

/* The number of a column, -1 when there are too many. */
static int
column_number(AuditJoins *joins, Index rti, AttrNumber attnum)
{
	int			i;

	for (i = 0; i < joins->ncolumns; i++)
	{
		if (joins->columns[i].rti == rti && joins->columns[i].attnum == attnum)
			return i;
	}
	if (i == AUDIT_JOIN_COLUMNS)
		return -1;
	joins->columns[i] = (AuditJoinColumn) {rti, attnum, i};
	joins->ncolumns++;
	return i;
}

/* The number of the column that an expression of a plan node is, -1 when it is none. */
static int
column_of(AuditJoins *joins, const Plan *plan, Node *node)
{
	AuditPlanColumn origin;

	return audit_plan_column(plan, node, joins->rtable, &origin) ?
		column_number(joins, origin.rti, origin.attnum) : -1;
}

static void
unite(AuditJoins *joins, int left, int right)
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
add_equalities(AuditJoins *joins, const Plan *join, List *conditions)
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
add_params(AuditJoins *joins, const NestLoop *join)
{
	ListCell   *cell;

	foreach(cell, join->nestParams)
	{
		const NestLoopParam *param = lfirst(cell);
		int			column = column_of(joins, &join->join.plan, (Node *) param->paramval);

		if (column >= 0 && joins->nparams < AUDIT_JOIN_PARAMS)
			joins->params[joins->nparams++] = (AuditLoopParam) {param->paramno, column};
	}
}

/* ---- tables ---- */

static int
column_of_param(const AuditJoins *joins, const Node *value)
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
add_lookups(AuditJoins *joins, AuditJoinTable *table, List *clauses)
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
add_table(AuditJoins *joins, PlanState *state)
{
	AuditNodeRows rows = audit_node_rows(state);
	AuditScope	scope;
	List	   *index_conditions;
	AuditJoinTable *table;

	if (joins->ntables == AUDIT_JOIN_TABLES)
		return false;
	table = &joins->tables[joins->ntables++];
	memset(table, 0, sizeof(AuditJoinTable));
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

static bool add_tree(AuditJoins *joins, PlanState *state, int depth);

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
add_step(AuditJoins *joins, PlanState *state, int first, int inner)
{
	if (joins->nsteps < AUDIT_JOIN_TABLES)
		joins->steps[joins->nsteps++] = (AuditJoinStep) {
			first, inner, joins->ntables, audit_node_rows(state).all,
			side_rows(outerPlanState(state)), side_rows(innerPlanState(state))
		};
}

static bool
add_join(AuditJoins *joins, PlanState *state, int depth)
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
add_tree(AuditJoins *joins, PlanState *state, int depth)
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

/* Reads the joins off a measured plan; false when there is something else among them. */
bool
audit_joins_read(AuditJoins *joins, const QueryDesc *desc)
{
	memset(joins, 0, sizeof(AuditJoins));
	joins->rtable = desc->plannedstmt->rtable;
	return add_tree(joins, desc->planstate, 0);
}
