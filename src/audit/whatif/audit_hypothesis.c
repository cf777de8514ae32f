/*
 * audit_hypothesis.c
 *		Hypothetical indexes, as they are shown to the planner.
 *
 * What the planner is told is what get_relation_info would read off an index
 * freshly built: size from the rows and widths that the planner assumes for
 * the table itself, and the height that a b-tree has; of GIN, the planner makes
 * up the rest by itself where an index is hypothetical. The indexes' OIDs are
 * out of a range that no object of a database can have; only the plan that is
 * thrown away holds them. Planning can run functions, whose own statements are
 * planned meanwhile, perhaps for a cache: these do not see them.
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
#include "catalog/pg_statistic.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

#define POSTING_BYTES 2.5		/* of one row in the list of a trigram, on average */
#define LEAF_FILL (BTREE_DEFAULT_FILLFACTOR / 100.0)
#define INNER_FILL (BTREE_NONLEAF_FILLFACTOR / 100.0)
#define PAGE_BYTES (BLCKSZ - SizeOfPageHeaderData - MAXALIGN(sizeof(BTPageOpaqueData)))

static purser_relation_hook_type prev_relation_hook = NULL;
static get_index_stats_hook_type prev_stats_hook = NULL;
static List *current = NIL;
static int	depth = 0;			/* of calls of the planner since "current" was set */

/* ---- one index, as the planner sees it ---- */

/* Without pg_trgm there is no index of trigrams. */
bool
audit_hypothesis_can_be_tried(const AuditHypothesis *hypothesis)
{
	return hypothesis->method == BTREE_AM_OID || OidIsValid(hypothesis->opclass);
}

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

/* The expression with the columns of another table of the family; NULL when it lacks one. */
Node *
audit_hypothesis_expression(const AuditHypothesis *hypothesis, Oid relid)
{
	Node	   *expression = copyObject(hypothesis->expression);
	ColumnMap	map = {hypothesis->origin, relid, false};

	map_expression_walker(expression, &map);
	return map.failed ? NULL : expression;
}

/* The key columns as expressions of the planner's relation; NIL when one is missing. */
static List *
key_expressions(const AuditHypothesis *hypothesis, const RelOptInfo *rel, Relation table)
{
	Oid			relid = RelationGetRelid(table);
	List	   *keys = NIL;

	if (hypothesis->expression != NULL)
	{
		Node	   *key = audit_hypothesis_expression(hypothesis, relid);

		if (key != NULL && rel->relid != 1)
			ChangeVarNodes(key, 1, rel->relid, 0);
		return key == NULL ? NIL : list_make1(key);
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
set_tree_size(IndexOptInfo *index, const RelOptInfo *rel, List *keys, Oid relid)
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
}

/* Of what is made of a column, its width is the best guess. */
static double
content_width(Node *key, Oid relid)
{
	List	   *columns = pull_var_clause(key, 0);

	return key_width(columns == NIL ? key : linitial(columns), relid);
}

/* Pages of a GIN index; a text has about as many trigrams as letters. */
static void
set_entries_size(IndexOptInfo *index, const RelOptInfo *rel, List *keys, Oid relid)
{
	double		width = content_width(linitial(keys), relid);
	double		bytes = Max(rel->tuples, 1.0) * width * POSTING_BYTES;

	index->pages = (BlockNumber) Min(2 + ceil(bytes / PAGE_BYTES), MaxBlockNumber);
}

static void
set_size(IndexOptInfo *index, const RelOptInfo *rel, List *keys, Oid relid)
{
	if (index->relam == GIN_AM_OID)
		set_entries_size(index, rel, keys, relid);
	else
		set_tree_size(index, rel, keys, relid);
	index->tuples = rel->tuples;
}

static void
set_method(IndexOptInfo *index, Oid relam)
{
	const IndexAmRoutine *method = GetIndexAmRoutineByAmId(relam, false);

	index->relam = relam;
	index->amcanorderbyop = method->amcanorderbyop;
	index->amoptionalkey = method->amoptionalkey;
	index->amsearcharray = method->amsearcharray;
	index->amsearchnulls = method->amsearchnulls;
	index->amcanparallel = method->amcanparallel;
	index->amhasgettuple = method->amgettuple != NULL;
	index->amhasgetbitmap = method->amgetbitmap != NULL;
	index->amcanmarkpos = method->ammarkpos != NULL;
	index->amcostestimate = method->amcostestimate;
	if (method->amcanorder)
		index->sortopfamily = index->opfamily;
}

/* Fills what there is for each key column; false when a type has no order. */
static bool
set_columns(IndexOptInfo *index, List *keys, const AuditHypothesis *hypothesis)
{
	int			n = list_length(keys);

	index->ncolumns = index->nkeycolumns = n;
	index->indexkeys = palloc0(sizeof(int) * n);
	index->indexcollations = palloc0(sizeof(Oid) * n);
	index->opfamily = palloc0(sizeof(Oid) * n);
	index->opcintype = palloc0(sizeof(Oid) * n);
	index->reverse_sort = palloc0(sizeof(bool) * n);
	index->nulls_first = palloc0(sizeof(bool) * n);
	index->opclassoptions = palloc0(sizeof(bytea *) * n);
	index->canreturn = palloc0(sizeof(bool) * n);
	for (int i = 0; i < n; i++)
	{
		Node	   *key = list_nth(keys, i);
		Oid			opclass = i == 0 && OidIsValid(hypothesis->opclass) ? hypothesis->opclass :
			GetDefaultOpClass(exprType(key), BTREE_AM_OID);

		if (!OidIsValid(opclass))
			return false;
		if (IsA(key, Var))
			index->indexkeys[i] = ((Var *) key)->varattno;
		else
			index->indexprs = lappend(index->indexprs, key);
		index->indexcollations[i] = i == 0 && OidIsValid(hypothesis->collation) ?
			hypothesis->collation : exprCollation(key);
		index->opfamily[i] = get_opclass_family(opclass);
		index->opcintype[i] = get_opclass_input_type(opclass);
		index->canreturn[i] = hypothesis->method == BTREE_AM_OID;
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

	if (keys == NIL || !set_columns(index, keys, hypothesis))
		return;
	index->indexoid = oid;
	index->hypothetical = true;
	index->immediate = true;
	index->reltablespace = rel->reltablespace;
	index->rel = rel;
	set_method(index, hypothesis->method);
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
	Oid			oid = AUDIT_HYPOTHESIS_OID;
	ListCell   *cell;

	foreach(cell, current)
	{
		const AuditHypothesis *hypothesis = lfirst(cell);

		if (table->rd_rel->relam == HEAP_TABLE_AM_OID && !hypothesis->split &&
			audit_hypothesis_can_be_tried(hypothesis) &&
			is_about(hypothesis, relid))
			add_index(rel, table, hypothesis, oid);
		oid++;
	}
	table_close(table, NoLock);
}

static void
audit_relation_hook(PURSER_RELATION_PARAMS)
{
	if (prev_relation_hook)
		prev_relation_hook(PURSER_RELATION_ARGS);
	if (current != NIL && depth == 1 && OidIsValid(PURSER_RELATION_ID))
		add_hypotheses(rel, PURSER_RELATION_ID);
}

/* The statistics of a column, as far as they hold for values made of it one by one. */
static HeapTuple
derived_statistics(Oid relid, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCacheCopy3(STATRELATTINH, ObjectIdGetDatum(relid),
											Int16GetDatum(attnum), BoolGetDatum(false));
	Form_pg_statistic form;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_statistic) GETSTRUCT(tuple);
	form->stakind1 = form->stakind2 = form->stakind3 = form->stakind4 = form->stakind5 = 0;
	return tuple;
}

static bool
audit_stats_hook(PlannerInfo *root, Oid index, AttrNumber column, VariableStatData *data)
{
	if (index >= AUDIT_HYPOTHESIS_OID &&
		index < AUDIT_HYPOTHESIS_OID + (Oid) list_length(current) && data->rel != NULL)
	{
		const AuditHypothesis *hypothesis = list_nth(current, index - AUDIT_HYPOTHESIS_OID);
		Oid			relid = planner_rt_fetch(data->rel->relid, root)->relid;

		if (hypothesis->expression != NULL && hypothesis->keeps_apart)
		{
			data->statsTuple = derived_statistics(relid, map_column(hypothesis->origin, relid,
																	hypothesis->attnum[0]));
			data->freefunc = heap_freetuple;
		}
		return true;
	}
	return prev_stats_hook != NULL && prev_stats_hook(root, index, column, data);
}

/* The indexes that the planner is to see when it is called next; NIL ends it. */
void
audit_hypotheses_set(List *hypotheses)
{
	current = hypotheses;
	depth = 0;
}

/* A call of the planner begins, or ends without an error. */
void
audit_hypotheses_enter(void)
{
	depth++;
}

void
audit_hypotheses_leave(void)
{
	depth--;
}

void
audit_install_hypotheses(void)
{
	prev_relation_hook = purser_relation_hook;
	purser_relation_hook = audit_relation_hook;
	prev_stats_hook = get_index_stats_hook;
	get_index_stats_hook = audit_stats_hook;
}
