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
#include "utils/typcache.h"

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

/* What is neither the same for all times nor about the row alone, no index can hold. */
static bool
is_outward_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) || IsA(node, SubPlan) || IsA(node, AlternativeSubPlan))
		return true;
	if (IsA(node, Var))
		return ((Var *) node)->varattno <= 0;
	return expression_tree_walker(node, is_outward_walker, context);
}

static AuditDiscardKind
kind_of_any(Node *condition, ParamListInfo params)
{
	bool		given = params != NULL && params->paramFetch == NULL && params->numParams > 0;

	return given || is_outward_walker(condition, NULL) ||
		!audit_expression_is_immutable(condition) ? AUDIT_DISCARD_OUTWARD :
		AUDIT_DISCARD_CONDITION;
}

/* A side that is computed from columns, when an index can be about it. */
static AuditDiscardKind
kind_of_expression(Node *side)
{
	return is_outward_walker(side, NULL) ? AUDIT_DISCARD_OUTWARD :
		audit_expression_is_immutable(side) ? AUDIT_DISCARD_EXPRESSION : AUDIT_DISCARD_MUTABLE;
}

/* What is too short for trigrams, no index can look up. */
static AuditDiscardKind
kind_of_pattern(const OpExpr *expr, ParamListInfo params)
{
	AuditPattern pattern;

	if (has_prefix(expr))
		return AUDIT_DISCARD_PREFIX;
	return audit_pattern(expr, params, &pattern) && pattern.is_vague ?
		kind_of_any((Node *) expr, params) : AUDIT_DISCARD_PATTERN;
}

/* An expression with a value that is none of the table's, or something else. */
static AuditDiscardKind
kind_of_computed(const OpExpr *expr, ParamListInfo params)
{
	Node	   *left = linitial(expr->args);
	Node	   *right = lsecond(expr->args);
	AuditPattern pattern;

	if (audit_pattern(expr, params, &pattern) && pattern.is_vague)
		return kind_of_any((Node *) expr, params);
	if (audit_is_independent(right))
		return kind_of_expression(left);
	return audit_is_independent(left) ? kind_of_expression(right) :
		kind_of_any((Node *) expr, params);
}

static AuditDiscardKind
kind_of_comparison(const AuditScope *scope, const OpExpr *expr, ParamListInfo params)
{
	Node	   *left = linitial(expr->args);
	const Var  *column = audit_clause_column(scope, left);

	if (list_length(expr->args) != 2)
		return kind_of_expression(left);
	if (column == NULL && audit_clause_column(scope, lsecond(expr->args)) == NULL)
		return kind_of_computed(expr, params);
	if (column == NULL)
		return kind_of_any((Node *) expr, params);
	if (is_pattern(expr->opno) && audit_is_independent(lsecond(expr->args)))
		return kind_of_pattern(expr, params);
	if (gin_knows(expr->opno, column->vartype) && audit_is_independent(lsecond(expr->args)))
		return AUDIT_DISCARD_CONTAINS;
	return kind_of_any((Node *) expr, params);
}

/* "value = ANY (column)", which GIN serves when it is written as "column @> ARRAY[value]" */
static bool
is_member(const AuditScope *scope, const ScalarArrayOpExpr *any)
{
	const Var  *column = audit_clause_column(scope, lsecond(any->args));
	Oid			element;

	if (column == NULL || !any->useOr || !audit_is_independent(linitial(any->args)) ||
		!gin_knows(OID_ARRAY_CONTAINS_OP, column->vartype))
		return false;
	element = get_base_element_type(column->vartype);
	return OidIsValid(element) &&
		any->opno == lookup_type_cache(element, TYPECACHE_EQ_OPR)->eq_opr;
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
kind_of_condition(const AuditScope *scope, Node *node, ParamListInfo params)
{
	if (IsA(node, OpExpr))
		return kind_of_comparison(scope, (const OpExpr *) node, params);
	if (IsA(node, ScalarArrayOpExpr) && is_member(scope, (const ScalarArrayOpExpr *) node))
		return AUDIT_DISCARD_MEMBER;
	if (is_orclause(node) && all_served(audit_clauses(scope, ((BoolExpr *) node)->args)))
		return AUDIT_DISCARD_ALTERNATIVES;
	return kind_of_any(node, params);
}

/* The columns that a condition looks at. */
static void
set_columns(AuditColumns *columns, const AuditScope *scope, Node *node)
{
	Bitmapset  *attnums = NULL;
	int			number = -1;
	ListCell   *cell;

	foreach(cell, pull_var_clause(node, PVC_RECURSE_PLACEHOLDERS))
	{
		const Var  *column = audit_clause_column(scope, lfirst(cell));

		if (column != NULL)
			attnums = bms_add_member(attnums, column->varattno);
	}
	while ((number = bms_next_member(attnums, number)) >= 0 && columns->n < AUDIT_MAX_COLUMNS)
		columns->attnum[columns->n++] = (AttrNumber) number;
}

static bool
is_wildcard(const Node *condition, ParamListInfo params)
{
	AuditPattern pattern;

	return IsA(condition, OpExpr) && audit_pattern((const OpExpr *) condition, params, &pattern);
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
is_judged_elsewhere(const AuditDiscard *discard, const Node *condition, ParamListInfo params)
{
	return (discard->kind == AUDIT_DISCARD_PATTERN || is_wildcard(condition, params)) &&
		discard->columns.n == 1 &&
		OidIsValid(audit_index_on(discard->rel, discard->columns.attnum[0]));
}

/* The condition to speak of: one that an index would serve, else the first. */
static Node *
worst_condition(const AuditFilter *filter, ParamListInfo params, AuditWrapped **wrapped)
{
	Node	   *first = NULL;
	AuditWrapped found;
	ListCell   *clause;
	ListCell   *condition;

	*wrapped = NULL;
	forboth(clause, filter->filter_clauses, condition, filter->conditions)
	{
		if (((const AuditClause *) lfirst(clause))->attnum != 0 ||
			audit_wrapped_is_served(filter, lfirst(condition), params))
			continue;
		if (audit_wrapped_alone(filter, lfirst(condition), params, &found))
		{
			*wrapped = palloc(sizeof(AuditWrapped));
			**wrapped = found;
			return lfirst(condition);
		}
		if (first == NULL)
			first = lfirst(condition);
	}
	return first;
}

/* A scan whose filter has a condition that no b-tree on a column serves. */
static AuditDiscard *
filter_discard(const AuditFilter *filter, ParamListInfo params)
{
	AuditWrapped *wrapped;
	Node	   *condition = worst_condition(filter, params, &wrapped);
	AuditDiscard *discard;

	if (condition == NULL)
		return NULL;
	discard = palloc0(sizeof(AuditDiscard));
	set_columns(&discard->columns, &filter->scope, condition);
	discard->kind = discard->columns.n == 0 ? kind_of_any(condition, params) :
		kind_of_condition(&filter->scope, condition, params);
	set_operators(&discard->columns, &filter->scope, condition);
	discard->rel = filter->rel;
	discard->scanned = filter->scanned;
	discard->kept = filter->kept;
	discard->loops = filter->loops;
	/* What wraps a column that has an index is for non_sargable to judge too. */
	if (wrapped != NULL && !OidIsValid(wrapped->index) && discard->columns.n == 1)
		discard->remedy = wrapped;
	return is_judged_elsewhere(discard, condition, params) ? NULL : discard;
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
		discard = filter_discard(lfirst(cell), top->state->es_param_list_info);
		if (discard != NULL)
			discards = lappend(discards, discard);
	}
	discards_walker(top, &discards);
	discard = duplicates(top);
	return discard != NULL ? lappend(discards, discard) : discards;
}
