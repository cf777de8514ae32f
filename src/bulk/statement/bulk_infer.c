/*
 * bulk_infer.c
 *		The unique index that an upsert by statement is about: how ON CONFLICT
 *		names it, and by what two rows of the input have the same key in it.
 *
 * Called by bulk_insert.c.
 */
#include "bulk/bulk.h"

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

static Oid
find_by_name(Relation rel, const char *name)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		bool		found = strcmp(RelationGetRelationName(index), name) == 0;

		index_close(index, NoLock);
		if (found)
			return lfirst_oid(lc);
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("relation \"%s\" has no unique constraint or index \"%s\"",
					RelationGetRelationName(rel), name)));
}

/* For update: the primary key, or the only unique index. */
static Oid
find_by_default(Relation rel)
{
	Oid			chosen = InvalidOid;
	int			found = 0;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		bool		primary = index->rd_index->indisprimary;

		if (primary || (index->rd_index->indisunique && index->rd_index->indisvalid))
		{
			chosen = lfirst_oid(lc);
			found++;
		}
		index_close(index, NoLock);
		if (primary)
			return chosen;
	}
	if (found != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("cannot tell by which key the rows of relation \"%s\" are to be updated",
						RelationGetRelationName(rel)),
				 found == 0 ?
				 errdetail("The relation has no primary key and no unique index.") :
				 errdetail("The relation has no primary key and several unique indexes."),
				 errhint("Name the key in conflict_columns or conflict_index.")));
	return chosen;
}

/* For an index that is no constraint's: all that ON CONFLICT infers one from. */
static void
describe_index(InferClause *clause, Relation index, Relation rel, List **expressions)
{
	List	   *all = RelationGetIndexExpressions(index);
	ListCell   *expression = list_head(all);
	List	   *predicate = RelationGetIndexPredicate(index);

	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		IndexElem  *element = makeNode(IndexElem);
		AttrNumber	attnum = index->rd_index->indkey.values[i];

		if (attnum != InvalidAttrNumber)
			element->name = get_attname(RelationGetRelid(rel), attnum, false);
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
infer_index(BulkInference *inference, Relation rel, const char *name, List **expressions)
{
	Oid			relid = name ? find_by_name(rel, name) : find_by_default(rel);
	Relation	index = index_open(relid, AccessShareLock);

	if (OidIsValid(get_index_constraint(relid)))
		inference->clause->conname = pstrdup(RelationGetRelationName(index));
	else
		describe_index(inference->clause, index, rel, expressions);
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		AttrNumber	attnum = index->rd_index->indkey.values[i];

		if (attnum != InvalidAttrNumber)
			inference->columns = lappend_int(inference->columns, attnum - 1);
	}
	index_close(index, NoLock);
}

static void
infer_columns(BulkInference *inference, const BulkTarget *target, const List *names)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		IndexElem  *element = makeNode(IndexElem);

		element->name = lfirst(lc);
		inference->clause->indexElems = lappend(inference->clause->indexElems, element);
		inference->columns = lappend_int(inference->columns,
									   bulk_target_find(target, element->name,
														strlen(element->name)));
	}
}

/* What the options say of the index; without a clause if any conflict counts. */
BulkInference
bulk_infer(const BulkTarget *target, const BulkOptions *options, List **expressions)
{
	BulkInference inference = {0};

	if (options->on_conflict == BULK_CONFLICT_SKIP && options->conflict_columns == NIL &&
		options->conflict_index == NULL)
		return inference;
	inference.clause = makeNode(InferClause);
	inference.clause->location = -1;
	if (options->conflict_columns != NIL)
		infer_columns(&inference, target, options->conflict_columns);
	else
		infer_index(&inference, target->rel, options->conflict_index, expressions);
	return inference;
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
		  List **expressions)
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
	expr = linitial(*expressions);
	*expressions = list_delete_first(*expressions);
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
	List	   *expressions = RelationGetIndexExpressions(index);
	List	   *predicate = RelationGetIndexPredicate(index);

	for (int i = 0; i < nkeys; i++)
	{
		Expr	   *value = key_value(target, rows, index, i, &expressions);

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

/* The node that inserts: the topmost, or below that of another extension. */
static ModifyTable *
find_modify(Plan *plan)
{
	while (plan != NULL && IsA(plan, CustomScan))
	{
		List	   *below = ((CustomScan *) plan)->custom_plans;

		plan = below != NIL ? linitial(below) : NULL;
	}
	return plan != NULL && IsA(plan, ModifyTable) ? (ModifyTable *) plan : NULL;
}

/*
 * The key of a row by the index that the planner took; NULL if it cannot be
 * told from the rows alone, because a part of it is a default or another
 * relation's expression.
 */
BulkKeys *
bulk_infer_keys(const BulkTarget *target, const BulkRows *rows, const List *plans)
{
	BulkKeys   *keys = NULL;
	ListCell   *lc;

	foreach(lc, plans)
	{
		PlannedStmt *plan = lfirst_node(PlannedStmt, lc);
		ModifyTable *modify = plan->canSetTag ? find_modify(plan->planTree) : NULL;
		Relation	index;

		if (modify == NULL || modify->arbiterIndexes == NIL)
			continue;
		index = index_open(linitial_oid(modify->arbiterIndexes), AccessShareLock);
		keys = keys_of_index(target, rows, index);
		index_close(index, NoLock);
	}
	return keys;
}
