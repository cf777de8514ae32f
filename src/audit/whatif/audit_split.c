/*
 * audit_split.c
 *		A query with an OR over two tables, as two queries with one side of it each.
 *
 * Such an OR can be looked up in no table: it is judged only when rows of both
 * are joined. Each side alone can be looked up before the join. The OR is looked
 * for where rows that fail it are dropped: in WHERE, and in the conditions of
 * inner joins, of the query itself and of its subqueries.
 */
#include "audit/plan/audit_plan.h"
#include "audit/whatif/audit_what_if.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"

/* "column op value" of a table: sets which, false for anything else. */
static bool
read_arm(Node *arm, Index *rti, AttrNumber *attnum)
{
	List	   *args = IsA(arm, OpExpr) ? ((OpExpr *) arm)->args :
		IsA(arm, ScalarArrayOpExpr) ? ((ScalarArrayOpExpr *) arm)->args : NIL;
	List	   *vars;
	const Var  *var;

	if (list_length(args) != 2 || checkExprHasSubLink(arm))
		return false;
	vars = pull_vars_of_level(arm, 0);
	if (list_length(vars) != 1)
		return false;
	var = linitial(vars);
	*rti = var->varno;
	*attnum = var->varattno;
	return *attnum > 0;
}

/* Is it an OR over two tables? Says which, and which columns its sides compare first. */
static bool
read_or(const Query *query, const BoolExpr *or, AuditSplit *split)
{
	ListCell   *cell;

	memset(split, 0, sizeof(AuditSplit));
	foreach(cell, or->args)
	{
		Index		rti;
		AttrNumber	attnum;
		int			side;

		if (!read_arm(lfirst(cell), &rti, &attnum) ||
			rt_fetch(rti, query->rtable)->rtekind != RTE_RELATION)
			return false;
		side = split->rti[0] == 0 || split->rti[0] == rti ? 0 : 1;
		if (split->rti[side] != 0 && split->rti[side] != rti)
			return false;
		if (split->rti[side] == 0)
		{
			split->rti[side] = rti;
			split->relid[side] = rt_fetch(rti, query->rtable)->relid;
			split->attnum[side] = attnum;
		}
	}
	return split->rti[1] != 0;
}

static BoolExpr *
find_in_condition(const Query *query, Node *condition, AuditSplit *split)
{
	ListCell   *cell;

	if (condition == NULL || !IsA(condition, BoolExpr))
		return NULL;
	if (is_orclause(condition))
		return read_or(query, (BoolExpr *) condition, split) ? (BoolExpr *) condition : NULL;
	if (!is_andclause(condition))
		return NULL;
	foreach(cell, ((BoolExpr *) condition)->args)
	{
		BoolExpr   *found = find_in_condition(query, lfirst(cell), split);

		if (found != NULL)
			return found;
	}
	return NULL;
}

static BoolExpr *
find_in_joins(const Query *query, Node *node, AuditSplit *split)
{
	BoolExpr   *found = NULL;
	ListCell   *cell;

	if (node == NULL)
		return NULL;
	if (IsA(node, JoinExpr) && ((JoinExpr *) node)->jointype == JOIN_INNER)
	{
		JoinExpr   *join = (JoinExpr *) node;

		found = find_in_condition(query, join->quals, split);
		if (found == NULL)
			found = find_in_joins(query, join->larg, split);
		return found != NULL ? found : find_in_joins(query, join->rarg, split);
	}
	if (!IsA(node, FromExpr))
		return NULL;
	found = find_in_condition(query, ((FromExpr *) node)->quals, split);
	foreach(cell, ((FromExpr *) node)->fromlist)
	{
		if (found == NULL)
			found = find_in_joins(query, lfirst(cell), split);
	}
	return found;
}

/* The first OR over two tables in a query that only reads, NULL when there is none. */
static BoolExpr *
find_or(const Query *query, AuditSplit *split)
{
	BoolExpr   *found;
	ListCell   *cell;

	/* A UNION can lock no rows. */
	if (query->commandType != CMD_SELECT || query->rowMarks != NIL)
		return NULL;
	found = find_in_joins(query, (Node *) query->jointree, split);
	foreach(cell, query->rtable)
	{
		const RangeTblEntry *entry = lfirst(cell);

		if (found == NULL && entry->rtekind == RTE_SUBQUERY)
			found = find_or(entry->subquery, split);
	}
	return found;
}

/* Is there an OR over two tables? */
bool
audit_split_find(const Query *query, AuditSplit *split)
{
	return find_or(query, split) != NULL;
}

/* A copy of the query with one side of the OR alone; NULL when there is no such OR. */
Query *
audit_split_half(const Query *query, int side)
{
	Query	   *half = (Query *) copyObject(query);
	AuditSplit	split;
	BoolExpr   *or = find_or(half, &split);
	List	   *arms = NIL;
	ListCell   *cell;

	if (or == NULL)
		return NULL;
	foreach(cell, or->args)
	{
		Index		rti;
		AttrNumber	attnum;

		if (read_arm(lfirst(cell), &rti, &attnum) && rti == split.rti[side])
			arms = lappend(arms, lfirst(cell));
	}
	or->args = arms;
	return half;
}
