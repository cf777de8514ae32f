/*
 * bulk_arbiter.c
 *		The unique index that an upsert by statement is about: how ON CONFLICT
 *		names it, and by what two rows of the input have the same key in it.
 *
 * Called by bulk_insert.c.
 */
#include "bulk.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "access/sysattr.h"
#include "catalog/dependency.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"

/* ---- which index ---- */

static bool
is_meant(Relation index, const char *name)
{
	return name == NULL ? index->rd_index->indisprimary :
		strcmp(RelationGetRelationName(index), name) == 0;
}

/* The index of that name, or the primary key's; open. */
static Relation
open_index(Relation rel, const char *name)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (is_meant(index, name))
			return index;
		index_close(index, AccessShareLock);
	}
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("relation \"%s\" has no primary key", RelationGetRelationName(rel)),
				 errhint("Name the conflict_columns or the conflict_index.")));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("index \"%s\" of relation \"%s\" does not exist", name,
					RelationGetRelationName(rel))));
}

/* For an index that is no constraint's: all that ON CONFLICT infers one from. */
static void
describe_index(InferClause *clause, Relation index, Relation rel, List **expressions)
{
	ListCell   *expression = list_head(RelationGetIndexExpressions(index));
	List	   *all = RelationGetIndexExpressions(index);
	List	   *predicate = RelationGetIndexPredicate(index);

	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		IndexElem  *element = makeNode(IndexElem);
		AttrNumber	attnum = index->rd_index->indkey.values[i];

		if (attnum != InvalidAttrNumber)
			element->name = pstrdup(NameStr(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attname));
		else
		{
			element->expr = bulk_syntax_expression(expressions, lfirst(expression));
			expression = lnext(all, expression);
		}
		clause->indexElems = lappend(clause->indexElems, element);
	}
	if (predicate != NIL)
		clause->whereClause = bulk_syntax_expression(expressions,
													 (Node *) make_ands_explicit(predicate));
}

static void
infer_index(BulkArbiter *arbiter, Relation rel, const char *name, List **expressions)
{
	Relation	index = open_index(rel, name);

	if (OidIsValid(get_index_constraint(RelationGetRelid(index))))
		arbiter->clause->conname = pstrdup(RelationGetRelationName(index));
	else
		describe_index(arbiter->clause, index, rel, expressions);
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		AttrNumber	attnum = index->rd_index->indkey.values[i];

		if (attnum != InvalidAttrNumber)
			arbiter->columns = lappend_int(arbiter->columns, attnum - 1);
	}
	index_close(index, NoLock);
}

static void
infer_columns(BulkArbiter *arbiter, const BulkTarget *target, const List *names)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		IndexElem  *element = makeNode(IndexElem);

		element->name = lfirst(lc);
		arbiter->clause->indexElems = lappend(arbiter->clause->indexElems, element);
		arbiter->columns = lappend_int(arbiter->columns,
									   bulk_target_find(target, element->name,
														strlen(element->name)));
	}
}

/* What the options say of the index; without a clause if any conflict counts. */
BulkArbiter
bulk_arbiter(const BulkTarget *target, const BulkOptions *options, List **expressions)
{
	BulkArbiter arbiter = {0};

	if (options->on_conflict == BULK_CONFLICT_SKIP && options->conflict_columns == NIL &&
		options->conflict_index == NULL)
		return arbiter;
	arbiter.clause = makeNode(InferClause);
	arbiter.clause->location = -1;
	if (options->conflict_columns != NIL)
		infer_columns(&arbiter, target, options->conflict_columns);
	else
		infer_index(&arbiter, target->rel, options->conflict_index, expressions);
	return arbiter;
}

/* ---- keys of rows ---- */

/* The column of the relation, a view or the table itself, that is this one of the table. */
static AttrNumber
column_over(Oid relid, Oid table, AttrNumber attnum)
{
	AttrNumber	result = InvalidAttrNumber;
	Relation	rel;
	Query	   *query;
	RangeTblEntry *rte;
	ListCell   *lc;

	if (relid == table)
		return attnum;
	if (get_rel_relkind(relid) != RELKIND_VIEW)
		return InvalidAttrNumber;
	rel = relation_open(relid, AccessShareLock);
	query = get_view_query(rel);
	rte = rt_fetch(linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex, query->rtable);
	attnum = column_over(rte->relid, table, attnum);
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (IsA(tle->expr, Var) && ((Var *) tle->expr)->varattno == attnum && attnum > 0)
			result = tle->resno;
	}
	relation_close(rel, AccessShareLock);
	return result;
}

/* Do all rows name the column? */
static bool
is_always_named(const BulkRows *rows, AttrNumber attnum)
{
	for (int i = 0; i < rows->nshapes; i++)
		if (attnum <= 0 || !rows->shapes[i][attnum - 1])
			return false;
	return true;
}

/* The key column or expression, over a row; NULL if not all rows have it. */
static Expr *
key_value(const BulkTarget *target, const BulkRows *rows, Relation index, int number,
		  ListCell **expression)
{
	AttrNumber	attnum = index->rd_index->indkey.values[number];
	Oid			table = index->rd_index->indrelid;
	Form_pg_attribute att;
	Bitmapset  *used = NULL;
	Node	   *expr;
	int			member = -1;

	if (attnum != InvalidAttrNumber)
	{
		attnum = column_over(RelationGetRelid(target->rel), table, attnum);
		if (!is_always_named(rows, attnum))
			return NULL;
		att = TupleDescAttr(rows->desc, attnum - 1);
		return (Expr *) makeVar(1, attnum, att->atttypid, att->atttypmod, att->attcollation, 0);
	}
	expr = lfirst(*expression);
	*expression = lnext(RelationGetIndexExpressions(index), *expression);
	pull_varattnos(expr, 1, &used);
	while ((member = bms_next_member(used, member)) >= 0)
		if (table != RelationGetRelid(target->rel) ||
			!is_always_named(rows, member + FirstLowInvalidHeapAttributeNumber))
			return NULL;
	return expression_planner((Expr *) expr);
}

static BulkKeys *
keys_of_index(const BulkTarget *target, const BulkRows *rows, Relation index)
{
	int			nkeys = index->rd_index->indnkeyatts;
	BulkKeys   *keys = bulk_keys_make(nkeys);
	ListCell   *expression = list_head(RelationGetIndexExpressions(index));
	List	   *predicate = RelationGetIndexPredicate(index);

	for (int i = 0; i < nkeys; i++)
	{
		Expr	   *value = key_value(target, rows, index, i, &expression);

		if (value == NULL)
			return NULL;
		keys->values[i] = ExecInitExpr(value, NULL);
		keys->less[i] = get_opfamily_member(index->rd_opfamily[i], index->rd_opcintype[i],
											index->rd_opcintype[i], BTLessStrategyNumber);
		keys->collations[i] = index->rd_indcollation[i];
	}
	if (predicate != NIL && index->rd_index->indrelid != RelationGetRelid(target->rel))
		return NULL;
	if (predicate != NIL)
		keys->applies = ExecInitQual((List *) expression_planner((Expr *) predicate), NULL);
	keys->nulls_equal = index->rd_index->indnullsnotdistinct;
	return keys;
}

/*
 * The key of a row by the index that the planner took; NULL if it cannot be
 * told from the rows alone, because a part of it is a default or another
 * relation's expression.
 */
BulkKeys *
bulk_arbiter_keys(const BulkTarget *target, const BulkRows *rows, const List *plans)
{
	BulkKeys   *keys = NULL;
	ListCell   *lc;

	foreach(lc, plans)
	{
		PlannedStmt *plan = lfirst_node(PlannedStmt, lc);
		ModifyTable *modify = (ModifyTable *) plan->planTree;
		Relation	index;

		if (!plan->canSetTag || modify == NULL || !IsA(modify, ModifyTable) ||
			modify->arbiterIndexes == NIL)
			continue;
		index = index_open(linitial_oid(modify->arbiterIndexes), AccessShareLock);
		keys = keys_of_index(target, rows, index);
		index_close(index, NoLock);
	}
	return keys;
}
