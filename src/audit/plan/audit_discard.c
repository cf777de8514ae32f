/*
 * audit_discard.c
 *		Rows that a measured plan threw away where no b-tree on a column would have
 *		spared them, and by what.
 */
#include "audit/plan/audit_plan.h"

#include "catalog/pg_am_d.h"
#include "catalog/pg_operator_d.h"
#include "commands/defrem.h"
#include "executor/instrument.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* ---- conditions of a scan ---- */

static bool
is_like(Oid operator)
{
	return operator == OID_TEXT_LIKE_OP || operator == OID_BPCHAR_LIKE_OP ||
		operator == OID_NAME_LIKE_OP;
}

static bool
is_pattern(Oid operator)
{
	return is_like(operator) || operator == OID_TEXT_ICLIKE_OP ||
		operator == OID_BPCHAR_ICLIKE_OP || operator == OID_TEXT_REGEXEQ_OP ||
		operator == OID_BPCHAR_REGEXEQ_OP || operator == OID_TEXT_ICREGEXEQ_OP ||
		operator == OID_BPCHAR_ICREGEXEQ_OP;
}

/* Does a LIKE pattern begin with characters that stand for themselves? */
static bool
has_prefix(const OpExpr *expr)
{
	const Const *pattern = lsecond(expr->args);
	char	   *like;

	if (!is_like(expr->opno) || !IsA(pattern, Const) || pattern->constisnull)
		return false;
	like = TextDatumGetCString(pattern->constvalue);
	return like[0] != '\0' && like[0] != '%' && like[0] != '_';
}

static bool
gin_knows(Oid operator, Oid type)
{
	Oid			opclass = GetDefaultOpClass(type, GIN_AM_OID);

	return OidIsValid(opclass) && op_in_opfamily(operator, get_opclass_family(opclass));
}

static AuditDiscardKind
kind_of_comparison(const AuditScope *scope, const OpExpr *expr)
{
	const Var  *column;

	if (list_length(expr->args) != 2)
		return AUDIT_DISCARD_EXPRESSION;
	column = audit_clause_column(scope, linitial(expr->args));
	if (column == NULL && audit_clause_column(scope, lsecond(expr->args)) == NULL)
		return AUDIT_DISCARD_EXPRESSION;
	if (column == NULL)
		return AUDIT_DISCARD_CONDITION;
	if (is_pattern(expr->opno) && audit_is_independent(lsecond(expr->args)))
		return has_prefix(expr) ? AUDIT_DISCARD_PREFIX : AUDIT_DISCARD_PATTERN;
	if (gin_knows(expr->opno, column->vartype))
		return AUDIT_DISCARD_CONTAINS;
	return AUDIT_DISCARD_CONDITION;
}

static bool
all_served(List *clauses)
{
	ListCell   *cell;

	foreach(cell, clauses)
	{
		if (((const AuditClause *) lfirst(cell))->attnum == 0)
			return false;
	}
	return true;
}

static AuditDiscardKind
kind_of_condition(const AuditScope *scope, Node *node)
{
	if (IsA(node, OpExpr))
		return kind_of_comparison(scope, (const OpExpr *) node);
	if (is_orclause(node) && all_served(audit_clauses(scope, ((BoolExpr *) node)->args)))
		return AUDIT_DISCARD_ALTERNATIVES;
	return AUDIT_DISCARD_CONDITION;
}

/* The columns that a condition looks at; of an index-only scan they are not known. */
static void
set_columns(AuditColumns *columns, const AuditScope *scope, Node *node)
{
	Bitmapset  *attnums = NULL;
	int			number = -1;

	pull_varattnos(node, scope->scanrelid, &attnums);
	while ((number = bms_next_member(attnums, number)) >= 0 && columns->n < AUDIT_MAX_COLUMNS)
	{
		AttrNumber	attnum = number + FirstLowInvalidHeapAttributeNumber;

		if (attnum > 0)
			columns->attnum[columns->n++] = attnum;
	}
}

static void
set_operator(AuditColumns *columns, AttrNumber attnum, Oid operator)
{
	for (int i = 0; i < columns->n; i++)
	{
		if (columns->attnum[i] == attnum)
			columns->operator[i] = operator;
	}
}

/* The operators that an index would have to know, where it is plain which. */
static void
set_operators(AuditColumns *columns, const AuditScope *scope, Node *node)
{
	ListCell   *cell;

	if (IsA(node, OpExpr) && columns->n == 1)
		set_operator(columns, columns->attnum[0], ((OpExpr *) node)->opno);
	if (!is_orclause(node))
		return;
	foreach(cell, audit_clauses(scope, ((BoolExpr *) node)->args))
	{
		const AuditClause *arm = lfirst(cell);

		set_operator(columns, arm->attnum, arm->operator);
	}
}

/* Patterns on a column that has an index are for non_sargable to judge. */
static bool
is_judged_elsewhere(const AuditDiscard *discard)
{
	return discard->kind == AUDIT_DISCARD_PATTERN && discard->columns.n == 1 &&
		OidIsValid(audit_index_on(discard->rel, discard->columns.attnum[0]));
}

/* A scan whose filter has a condition that no b-tree on a column serves. */
static AuditDiscard *
filter_discard(const AuditFilter *filter)
{
	AuditDiscard *discard = NULL;
	ListCell   *clause;
	ListCell   *condition;

	forboth(clause, filter->filter_clauses, condition, filter->conditions)
	{
		if (((const AuditClause *) lfirst(clause))->attnum != 0)
			continue;
		discard = palloc0(sizeof(AuditDiscard));
		discard->kind = kind_of_condition(&filter->scope, lfirst(condition));
		set_columns(&discard->columns, &filter->scope, lfirst(condition));
		set_operators(&discard->columns, &filter->scope, lfirst(condition));
		discard->rel = filter->rel;
		discard->scanned = filter->scanned;
		discard->kept = filter->kept;
		discard->loops = filter->loops;
		break;
	}
	return discard != NULL && !is_judged_elsewhere(discard) ? discard : NULL;
}

/* ---- other nodes ---- */

static AuditDiscard *
node_discard(AuditDiscardKind kind, PlanState *source, double scanned, double kept)
{
	AuditDiscard *discard = palloc0(sizeof(AuditDiscard));

	discard->kind = kind;
	discard->rel = audit_node_table(source);
	discard->scanned = scanned;
	discard->kept = kept;
	discard->loops = 1;
	return discard->rel != NULL ? discard : NULL;
}

/*
 * Pairs of rows that a join made only to throw them away, by its conditions. They
 * are held against the larger of its sides.
 */
static AuditDiscard *
pairs_rejected(PlanState *state, double scanned, double kept)
{
	double		outer = audit_node_rows(outerPlanState(state)).all;
	double		inner = audit_node_rows(innerPlanState(state)).each;
	AuditDiscard *discard = node_discard(AUDIT_DISCARD_JOIN, outer > inner ?
										 outerPlanState(state) : innerPlanState(state),
										 scanned, kept);

	if (discard != NULL)
		discard->loops = Min(outer, inner);
	return discard;
}

/* What joins, and groups by their HAVING, throw away. */
static AuditDiscard *
rejected_by(PlanState *state)
{
	double		kept = audit_node_rows(state).all;
	double		scanned = kept + audit_node_rejected(state);

	if (IsA(state, NestLoopState) || IsA(state, MergeJoinState) || IsA(state, HashJoinState))
		return pairs_rejected(state, scanned, kept);
	if (IsA(state, AggState) && state->plan->qual != NIL)
		return node_discard(AUDIT_DISCARD_GROUPS, outerPlanState(state), scanned, kept);
	return NULL;
}

static bool
discards_walker(PlanState *state, List **discards)
{
	AuditDiscard *discard = state->instrument != NULL ? rejected_by(state) : NULL;

	if (discard != NULL)
		*discards = lappend(*discards, discard);
	return planstate_tree_walker(state, discards_walker, discards);
}

static bool
removes_duplicates(PlanState *state)
{
	const AggState *agg = (const AggState *) state;

	return IsA(state, UniqueState) ||
		(IsA(state, AggState) && agg->numtrans == 0 && state->plan->qual == NIL &&
		 ((const Agg *) state->plan)->numCols > 0);
}

/* DISTINCT at the top of a plan, perhaps in steps. */
static AuditDiscard *
duplicates(PlanState *state)
{
	PlanState  *lowest = NULL;
	double		kept = audit_node_rows(state).all;

	for (int depth = 0; state != NULL && depth < AUDIT_PLAN_DEPTH; depth++)
	{
		if (removes_duplicates(state))
		{
			if (lowest == NULL)
				kept = audit_node_rows(state).all;
			lowest = state;
		}
		else if (!IsA(state, SortState) && !IsA(state, IncrementalSortState) &&
				 !IsA(state, GatherState) && !IsA(state, GatherMergeState) &&
				 !IsA(state, LimitState) && !IsA(state, ResultState))
			break;
		state = outerPlanState(state);
	}
	if (lowest == NULL || IsA(outerPlanState(lowest), AppendState) ||
		IsA(outerPlanState(lowest), MergeAppendState))
		return NULL;
	return node_discard(AUDIT_DISCARD_DUPLICATES, outerPlanState(lowest),
						audit_node_rows(outerPlanState(lowest)).all, kept);
}

/* An AuditDiscard for each place of a measured plan that may have thrown rows away. */
List *
audit_plan_discards(PlanState *top)
{
	List	   *discards = NIL;
	AuditDiscard *discard;
	ListCell   *cell;

	foreach(cell, audit_plan_filters(top))
	{
		discard = filter_discard(lfirst(cell));
		if (discard != NULL)
			discards = lappend(discards, discard);
	}
	discards_walker(top, &discards);
	discard = duplicates(top);
	return discard != NULL ? lappend(discards, discard) : discards;
}
