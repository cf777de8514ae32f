/*
 * bulk_tree.c
 *		bulk_insert_tree: documents into a table, and the objects nested in them
 *		into the tables that reference it.
 *
 * A level is inserted as a whole before the levels below it, so each table has
 * one INSERT for each place in the documents where its rows are found.  The
 * documents are in memory, as jsonb, and so are the keys that children need.
 */
#include "bulk/statement/bulk_tree.h"
#include "shared/arguments.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(purser_bulk_insert_tree_0_1);

enum
{
	ARG_TARGET,
	ARG_DATA,
	ARG_CHILDREN
};

/* Rows that were inserted into a table, in the order in which tables were first met. */
typedef struct TableCount
{
	Oid			relid;
	uint64		inserted;
} TableCount;

typedef struct Tree
{
	List	   *counts;
} Tree;

/* ---- rows of a level ---- */

static void
add_row(BulkTreeLevel *level, uint64 *room, JsonbContainer *object, uint64 parent)
{
	if (level->nrows == *room)
	{
		*room = Max(*room * 2, 64);
		level->rows = level->rows == NULL ?
			MemoryContextAllocHuge(CurrentMemoryContext, *room * sizeof(BulkTreeRow)) :
			repalloc_huge(level->rows, *room * sizeof(BulkTreeRow));
	}
	level->rows[level->nrows].object = object;
	level->rows[level->nrows].parent = parent;
	level->nrows++;
}

static void
wrong_value(const char *key)
{
	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("data must be a JSON array of objects")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the value of key \"%s\" must be an array of objects, or an object", key)));
}

/* The objects of an array become rows; key is that of the array, NULL for the documents. */
static void
add_rows(BulkTreeLevel *level, uint64 *room, JsonbContainer *array, const char *key, uint64 parent)
{
	JsonbIterator *it = JsonbIteratorInit(array);
	JsonbValue	value;

	(void) JsonbIteratorNext(&it, &value, true);
	while (JsonbIteratorNext(&it, &value, true) == WJB_ELEM)
	{
		CHECK_FOR_INTERRUPTS();
		if (value.type != jbvBinary || !JsonContainerIsObject(value.val.binary.data))
			wrong_value(key);
		add_row(level, room, value.val.binary.data, parent);
	}
}

static void
add_children(BulkTreeLevel *level, uint64 *room, const JsonbValue *value, uint64 parent)
{
	if (value == NULL || value->type == jbvNull)
		return;
	if (value->type != jbvBinary)
		wrong_value(level->child->key);
	if (!level->above->stored[parent - 1])
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("row " UINT64_FORMAT " of table \"%s\" has children, but was not stored",
						parent, get_rel_name(level->above->relid))));
	if (JsonContainerIsObject(value->val.binary.data))
		add_row(level, room, value->val.binary.data, parent);
	else
		add_rows(level, room, value->val.binary.data, level->child->key, parent);
}

/* ---- children of a level ---- */

static bool
is_known(const List *names, const char *name, int len)
{
	ListCell   *lc;

	foreach(lc, names)
		if (strncmp(lfirst(lc), name, len) == 0 && ((char *) lfirst(lc))[len] == '\0')
			return true;
	return false;
}

/* Of the keys that are no column and that the caller does not name, those that are tables. */
static void
find_children(BulkTreeLevel *level)
{
	List	   *known = NIL;

	for (uint64 i = 0; i < level->nrows; i++)
	{
		JsonbIterator *it = JsonbIteratorInit(level->rows[i].object);
		JsonbValue	key;

		CHECK_FOR_INTERRUPTS();
		(void) JsonbIteratorNext(&it, &key, true);
		while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
		{
			int			len = key.val.string.len;
			char	   *name;
			BulkTreeChild *child = NULL;

			if (!is_known(known, key.val.string.val, len) &&
				bulk_tree_child(level, key.val.string.val, len) == NULL)
			{
				name = pnstrdup(key.val.string.val, len);
				known = lappend(known, name);
				if (get_attnum(level->relid, name) == InvalidAttrNumber)
					child = bulk_tree_find(level->relid, name);
				if (child != NULL)
					level->children = lappend(level->children, child);
			}
			(void) JsonbIteratorNext(&it, &key, true);
		}
	}
}

static void
keep_keys(BulkTreeLevel *level)
{
	ListCell   *lc;

	foreach(lc, level->children)
	{
		const BulkTreeChild *child = lfirst(lc);

		for (int i = 0; i < child->nkeys; i++)
			level->kept = list_append_unique_int(level->kept, child->referenced[i]);
	}
}

/* ---- the tree ---- */

static void
count_rows(Tree *tree, Oid relid, uint64 inserted)
{
	TableCount *count;
	ListCell   *lc;

	foreach(lc, tree->counts)
	{
		count = lfirst(lc);
		if (count->relid == relid)
		{
			count->inserted += inserted;
			return;
		}
	}
	count = palloc(sizeof(TableCount));
	count->relid = relid;
	count->inserted = inserted;
	tree->counts = lappend(tree->counts, count);
}

static void load_level(Tree *tree, BulkTreeLevel *level, JsonbContainer *children);

static void
load_below(Tree *tree, BulkTreeLevel *above, const BulkTreeChild *child)
{
	BulkTreeLevel level = {
		.above = above,
		.child = child,
		.relid = child->relid,
		.memory = CurrentMemoryContext
	};
	uint64		room = 0;

	for (uint64 i = 0; i < above->nrows; i++)
		add_children(&level, &room,
					 getKeyJsonValueFromContainer(above->rows[i].object, child->key,
												  strlen(child->key), NULL), i + 1);
	if (level.nrows > 0)
		load_level(tree, &level, child->children);
}

static void
load_level(Tree *tree, BulkTreeLevel *level, JsonbContainer *children)
{
	ListCell   *lc;

	check_stack_depth();
	level->children = bulk_tree_named(level->relid, children);
	find_children(level);
	keep_keys(level);
	count_rows(tree, level->relid, bulk_tree_load(level));
	foreach(lc, level->children)
		load_below(tree, level, lfirst(lc));
}

/* ---- the call ---- */

/* The documents, from text, json or jsonb. */
static Jsonb *
get_documents(FunctionCallInfo fcinfo)
{
	Jsonb	   *data;

	if (get_fn_expr_argtype(fcinfo->flinfo, ARG_DATA) == JSONBOID)
		data = PG_GETARG_JSONB_P(ARG_DATA);
	else
	{
		char	   *json = text_to_cstring(PG_GETARG_TEXT_PP(ARG_DATA));

		data = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
		pfree(json);
	}
	if (!JB_ROOT_IS_ARRAY(data) || JB_ROOT_IS_SCALAR(data))
		wrong_value(NULL);
	return data;
}

static JsonbContainer *
get_children(FunctionCallInfo fcinfo)
{
	Jsonb	   *children;

	if (PG_ARGISNULL(ARG_CHILDREN))
		return NULL;
	children = PG_GETARG_JSONB_P(ARG_CHILDREN);
	if (!JB_ROOT_IS_OBJECT(children))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a JSON object", "children")));
	return &children->root;
}

static void
return_counts(FunctionCallInfo fcinfo, const Tree *tree)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, tree->counts)
	{
		const TableCount *count = lfirst(lc);
		Datum		values[] = {
			ObjectIdGetDatum(count->relid), Int64GetDatum((int64) count->inserted)
		};
		bool		nulls[] = {false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* bulk_insert_tree(target regclass, data, children jsonb) */
Datum
purser_bulk_insert_tree_0_1(PG_FUNCTION_ARGS)
{
	Tree		tree = {NIL};
	BulkTreeLevel level = {.memory = CurrentMemoryContext};
	uint64		room = 0;

	shared_arg_require(fcinfo, ARG_TARGET, "target");
	shared_arg_require(fcinfo, ARG_DATA, "data");
	level.relid = PG_GETARG_OID(ARG_TARGET);
	add_rows(&level, &room, &get_documents(fcinfo)->root, NULL, 0);
	load_level(&tree, &level, get_children(fcinfo));
	return_counts(fcinfo, &tree);
	return (Datum) 0;
}
