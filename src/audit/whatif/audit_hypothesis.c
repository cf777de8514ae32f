/*
 * audit_hypothesis.c
 *		Hypothetical indexes: shown to the planner, and found again in its plan.
 *
 * What the planner is told is what get_relation_info would read off a b-tree
 * freshly built: size from the rows and widths that the planner assumes for
 * the table itself, and the height that such a tree has. The indexes' OIDs are
 * out of a range that no object of a database can have; only the plan that is
 * thrown away holds them.
 */
#include "audit/plan/audit_plan.h"
#include "audit/whatif/audit_what_if.h"

#include <math.h>

#include PURSER_RELATION_HOOK_H
#include "access/amapi.h"
#include "access/htup_details.h"
#include "access/itup.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "catalog/pg_am_d.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#define FIRST_OID 9000			/* of the hypotheses: not given to anything but in development */
#define LEAF_FILL (BTREE_DEFAULT_FILLFACTOR / 100.0)
#define INNER_FILL (BTREE_NONLEAF_FILLFACTOR / 100.0)
#define PAGE_BYTES (BLCKSZ - SizeOfPageHeaderData - MAXALIGN(sizeof(BTPageOpaqueData)))

static purser_relation_hook_type prev_relation_hook = NULL;
static List *current = NIL;

/* ---- one index, as the planner sees it ---- */

/* A column's number in another table of the same family, 0 when it has none. */
static AttrNumber
map_column(Oid from, Oid to, AttrNumber attnum)
{
	char	   *name;

	if (from == to)
		return attnum;
	name = get_attname(from, attnum, true);
	return name == NULL ? InvalidAttrNumber : get_attnum(to, name);
}

typedef struct ColumnMap
{
	Oid			from;
	Oid			to;
	bool		failed;
} ColumnMap;

static bool
map_expression_walker(Node *node, ColumnMap *map)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		var->varattno = map_column(map->from, map->to, var->varattno);
		map->failed |= var->varattno == InvalidAttrNumber;
		return false;
	}
	return expression_tree_walker(node, map_expression_walker, map);
}

/* The key columns as expressions of the planner's relation; NIL when one is missing. */
static List *
key_expressions(const AuditHypothesis *hypothesis, const RelOptInfo *rel, Relation table)
{
	Oid			relid = RelationGetRelid(table);
	List	   *keys = NIL;

	if (hypothesis->expression != NULL)
	{
		Node	   *key = copyObject(hypothesis->expression);
		ColumnMap	map = {hypothesis->origin, relid, false};

		map_expression_walker(key, &map);
		if (rel->relid != 1)
			ChangeVarNodes(key, 1, rel->relid, 0);
		return map.failed ? NIL : list_make1(key);
	}
	for (int i = 0; i < hypothesis->n; i++)
	{
		AttrNumber	attnum = map_column(hypothesis->origin, relid, hypothesis->attnum[i]);
		Form_pg_attribute attribute;

		if (attnum <= 0)
			return NIL;
		attribute = TupleDescAttr(RelationGetDescr(table), attnum - 1);
		keys = lappend(keys, makeVar(rel->relid, attnum, attribute->atttypid,
									 attribute->atttypmod, attribute->attcollation, 0));
	}
	return keys;
}

static double
key_width(const Node *key, Oid relid)
{
	int32		width = 0;

	if (IsA(key, Var))
		width = get_attavgwidth(relid, ((const Var *) key)->varattno);
	if (width <= 0)
		width = get_typavgwidth(exprType(key), exprTypmod(key));
	return width;
}

/* Pages and height of a b-tree that was just built. */
static void
set_size(IndexOptInfo *index, const RelOptInfo *rel, List *keys, Oid relid)
{
	double		width = sizeof(IndexTupleData);
	double		pages;
	double		level;
	double		fanout;
	ListCell   *cell;

	foreach(cell, keys)
		width += key_width(lfirst(cell), relid);
	width = MAXALIGN((Size) width) + sizeof(ItemIdData);
	level = ceil(Max(rel->tuples, 1.0) / Max(floor(PAGE_BYTES * LEAF_FILL / width), 1.0));
	fanout = Max(floor(PAGE_BYTES * INNER_FILL / width), 2.0);
	pages = 1 + level;
	index->tree_height = 0;
	while (level > 1)
	{
		level = ceil(level / fanout);
		pages += level;
		index->tree_height++;
	}
	index->pages = (BlockNumber) Min(pages, MaxBlockNumber);
	index->tuples = rel->tuples;
}

static void
set_method(IndexOptInfo *index)
{
	const IndexAmRoutine *method = GetIndexAmRoutineByAmId(BTREE_AM_OID, false);

	index->relam = BTREE_AM_OID;
	index->amcanorderbyop = method->amcanorderbyop;
	index->amoptionalkey = method->amoptionalkey;
	index->amsearcharray = method->amsearcharray;
	index->amsearchnulls = method->amsearchnulls;
	index->amcanparallel = method->amcanparallel;
	index->amhasgettuple = true;
	index->amhasgetbitmap = true;
	index->amcanmarkpos = true;
	index->amcostestimate = method->amcostestimate;
}

/* Fills what there is for each key column; false when a type has no order. */
static bool
set_columns(IndexOptInfo *index, List *keys, Oid first_class)
{
	int			n = list_length(keys);

	index->ncolumns = index->nkeycolumns = n;
	index->indexkeys = palloc0(sizeof(int) * n);
	index->indexcollations = palloc0(sizeof(Oid) * n);
	index->opfamily = palloc0(sizeof(Oid) * n);
	index->opcintype = palloc0(sizeof(Oid) * n);
	index->sortopfamily = index->opfamily;
	index->reverse_sort = palloc0(sizeof(bool) * n);
	index->nulls_first = palloc0(sizeof(bool) * n);
	index->opclassoptions = palloc0(sizeof(bytea *) * n);
	index->canreturn = palloc0(sizeof(bool) * n);
	for (int i = 0; i < n; i++)
	{
		Node	   *key = list_nth(keys, i);
		Oid			opclass = i == 0 && OidIsValid(first_class) ? first_class :
			GetDefaultOpClass(exprType(key), BTREE_AM_OID);

		if (!OidIsValid(opclass))
			return false;
		if (IsA(key, Var))
			index->indexkeys[i] = ((Var *) key)->varattno;
		else
			index->indexprs = lappend(index->indexprs, key);
		index->indexcollations[i] = exprCollation(key);
		index->opfamily[i] = get_opclass_family(opclass);
		index->opcintype[i] = get_opclass_input_type(opclass);
		index->canreturn[i] = true;
		index->indextlist = lappend(index->indextlist,
									makeTargetEntry((Expr *) key, i + 1, NULL, false));
	}
	return true;
}

static void
add_index(RelOptInfo *rel, Relation table, const AuditHypothesis *hypothesis, Oid oid)
{
	List	   *keys = key_expressions(hypothesis, rel, table);
	IndexOptInfo *index = makeNode(IndexOptInfo);

	if (keys == NIL || !set_columns(index, keys, hypothesis->opclass))
		return;
	index->indexoid = oid;
	index->hypothetical = true;
	index->immediate = true;
	index->reltablespace = rel->reltablespace;
	index->rel = rel;
	set_method(index);
	set_size(index, rel, keys, RelationGetRelid(table));
	rel->indexlist = lcons(index, rel->indexlist);
}

/* ---- the planner asks about a table ---- */

static bool
is_about(const AuditHypothesis *hypothesis, Oid relid)
{
	AuditColumns none = {0};

	return relid == hypothesis->origin ||
		(get_rel_relispartition(relid) && audit_index_owner(relid, &none) == hypothesis->owner);
}

static void
add_hypotheses(RelOptInfo *rel, Oid relid)
{
	Relation	table = table_open(relid, NoLock);
	Oid			oid = FIRST_OID;
	ListCell   *cell;

	foreach(cell, current)
	{
		if (table->rd_rel->relam == HEAP_TABLE_AM_OID && is_about(lfirst(cell), relid))
			add_index(rel, table, lfirst(cell), oid);
		oid++;
	}
	table_close(table, NoLock);
}

static void
audit_relation_hook(PURSER_RELATION_PARAMS)
{
	if (prev_relation_hook)
		prev_relation_hook(PURSER_RELATION_ARGS);
	if (current != NIL && OidIsValid(PURSER_RELATION_ID))
		add_hypotheses(rel, PURSER_RELATION_ID);
}

/* The indexes that the planner is to see from now on; NIL ends it. */
void
audit_hypotheses_set(List *hypotheses)
{
	current = hypotheses;
}

void
audit_install_hypotheses(void)
{
	prev_relation_hook = purser_relation_hook;
	purser_relation_hook = audit_relation_hook;
}

/* ---- found in a plan ---- */

/* The last column of an index that its conditions compare. */
static bool
last_column_walker(Node *node, int *last)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		if (((Var *) node)->varno == INDEX_VAR)
			*last = Max(*last, ((Var *) node)->varattno);
		return false;
	}
	return expression_tree_walker(node, last_column_walker, last);
}

static void
note_use(List *hypotheses, Oid indexid, List *conditions)
{
	AuditHypothesis *hypothesis;

	if (indexid < FIRST_OID || indexid >= FIRST_OID + (Oid) list_length(hypotheses))
		return;
	hypothesis = list_nth(hypotheses, indexid - FIRST_OID);
	last_column_walker((Node *) conditions, &hypothesis->used);
}

static void search_plan(List *hypotheses, const Plan *plan, int depth);

static void
search_plans(List *hypotheses, List *plans, int depth)
{
	ListCell   *cell;

	foreach(cell, plans)
		search_plan(hypotheses, lfirst(cell), depth);
}

static void
search_plan(List *hypotheses, const Plan *plan, int depth)
{
	if (plan == NULL || depth > AUDIT_PLAN_DEPTH)
		return;
	depth++;
	switch (nodeTag(plan))
	{
		case T_IndexScan:
			note_use(hypotheses, ((const IndexScan *) plan)->indexid,
					 ((const IndexScan *) plan)->indexqual);
			break;
		case T_IndexOnlyScan:
			note_use(hypotheses, ((const IndexOnlyScan *) plan)->indexid,
					 ((const IndexOnlyScan *) plan)->indexqual);
			break;
		case T_BitmapIndexScan:
			note_use(hypotheses, ((const BitmapIndexScan *) plan)->indexid,
					 ((const BitmapIndexScan *) plan)->indexqual);
			break;
		case T_Append:
			search_plans(hypotheses, ((const Append *) plan)->appendplans, depth);
			break;
		case T_MergeAppend:
			search_plans(hypotheses, ((const MergeAppend *) plan)->mergeplans, depth);
			break;
		case T_BitmapAnd:
			search_plans(hypotheses, ((const BitmapAnd *) plan)->bitmapplans, depth);
			break;
		case T_BitmapOr:
			search_plans(hypotheses, ((const BitmapOr *) plan)->bitmapplans, depth);
			break;
		case T_SubqueryScan:
			search_plan(hypotheses, ((const SubqueryScan *) plan)->subplan, depth);
			break;
		case T_CustomScan:
			search_plans(hypotheses, ((const CustomScan *) plan)->custom_plans, depth);
			break;
		default:
			break;
	}
	search_plan(hypotheses, plan->lefttree, depth);
	search_plan(hypotheses, plan->righttree, depth);
}

/* Sets in each hypothesis how many of its columns the plan searches by. */
void
audit_hypotheses_find(List *hypotheses, const PlannedStmt *stmt)
{
	search_plan(hypotheses, stmt->planTree, 0);
	search_plans(hypotheses, stmt->subplans, 0);
}
