/*
 * bulk_tree_child.c
 *		Which keys of a document hold children, of which table, and by which
 *		foreign key they reference their parent.
 *
 * Called by bulk_tree.c.
 */
#include "bulk/statement/bulk_tree.h"

#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* ---- foreign keys ---- */

static bool
has_columns(const ForeignKeyCacheInfo *fk, Oid relid, const List *names)
{
	ListCell   *lc;
	int			i = 0;

	if (fk->nkeys != list_length(names))
		return false;
	foreach(lc, names)
		if (get_attnum(relid, lfirst(lc)) != fk->conkey[i++])
			return false;
	return true;
}

static void
take_key(BulkTreeChild *child, const ForeignKeyCacheInfo *fk)
{
	child->nkeys = fk->nkeys;
	child->columns = palloc(fk->nkeys * sizeof(AttrNumber));
	child->referenced = palloc(fk->nkeys * sizeof(AttrNumber));
	memcpy(child->columns, fk->conkey, fk->nkeys * sizeof(AttrNumber));
	memcpy(child->referenced, fk->confkey, fk->nkeys * sizeof(AttrNumber));
}

/* Find the foreign key to the parent, on these columns if any are given; how many there are. */
static int
find_key(BulkTreeChild *child, Oid parent, const List *columns)
{
	Relation	rel = table_open(child->relid, AccessShareLock);
	int			found = 0;
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
	{
		const ForeignKeyCacheInfo *fk = lfirst(lc);

		if (fk->confrelid != parent ||
			(columns != NIL && !has_columns(fk, child->relid, columns)))
			continue;
		if (found++ == 0)
			take_key(child, fk);
	}
	table_close(rel, NoLock);
	return found;
}

static void
require_key(BulkTreeChild *child, Oid parent, const List *columns)
{
	int			found = find_key(child, parent, columns);

	if (found == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("table \"%s\" has no foreign key to table \"%s\"%s",
						get_rel_name(child->relid), get_rel_name(parent),
						columns ? " on exactly these columns" : ""),
				 errdetail("Key \"%s\" of the documents holds rows of \"%s\".",
						   child->key, get_rel_name(child->relid))));
	if (found > 1)
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_FUNCTION),
				 errmsg("table \"%s\" has several foreign keys to table \"%s\"",
						get_rel_name(child->relid), get_rel_name(parent)),
				 errhint("Give the columns of one as \"foreign_key\" of key \"%s\" in the argument "
						 "\"children\".", child->key)));
}

/* ---- what the caller says ---- */

static void
wrong_child(const char *key, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("key \"%s\" of the argument \"children\" %s", key, why)));
}

static Oid
read_table(const char *key, const JsonbValue *value)
{
	char	   *name;

	if (value == NULL || value->type != jbvString)
		wrong_child(key, "must be a table's name, or an object with one as \"table\"");
	name = pnstrdup(value->val.string.val, value->val.string.len);
	return DatumGetObjectId(DirectFunctionCall1(regclassin, CStringGetDatum(name)));
}

static List *
read_columns(const char *key, const JsonbValue *value)
{
	List	   *columns = NIL;
	JsonbIterator *it;
	JsonbValue	element;

	if (value == NULL)
		return NIL;
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		wrong_child(key, "must have an array of column names as \"foreign_key\"");
	it = JsonbIteratorInit(value->val.binary.data);
	(void) JsonbIteratorNext(&it, &element, true);
	while (JsonbIteratorNext(&it, &element, true) == WJB_ELEM)
	{
		if (element.type != jbvString)
			wrong_child(key, "must have an array of column names as \"foreign_key\"");
		columns = lappend(columns, pnstrdup(element.val.string.val, element.val.string.len));
	}
	return columns;
}

static JsonbValue *
look_up(JsonbContainer *object, const char *key)
{
	return getKeyJsonValueFromContainer(object, key, strlen(key), NULL);
}

static void
check_words(const char *child, JsonbContainer *object)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbValue	key;

	(void) JsonbIteratorNext(&it, &key, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		char	   *word = pnstrdup(key.val.string.val, key.val.string.len);

		if (strcmp(word, "table") != 0 && strcmp(word, "foreign_key") != 0 &&
			strcmp(word, "children") != 0)
			wrong_child(child, "can only have \"table\", \"foreign_key\" and \"children\"");
		(void) JsonbIteratorNext(&it, &key, true);
	}
}

static BulkTreeChild *
read_child(Oid parent, const char *key, const JsonbValue *value, JsonbContainer *all)
{
	BulkTreeChild *child = palloc0(sizeof(BulkTreeChild));
	JsonbContainer *object = NULL;
	JsonbValue *below = NULL;

	child->key = key;
	if (value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data))
		object = value->val.binary.data;
	if (object != NULL)
	{
		check_words(key, object);
		below = look_up(object, "children");
	}
	if (below != NULL && (below->type != jbvBinary ||
						  !JsonContainerIsObject(below->val.binary.data)))
		wrong_child(key, "must have an object as \"children\"");
	child->relid = read_table(key, object ? look_up(object, "table") : value);
	/* A table that references itself has the same children all the way down. */
	child->children = below ? below->val.binary.data : child->relid == parent ? all : NULL;
	require_key(child, parent, object ? read_columns(key, look_up(object, "foreign_key")) : NIL);
	return child;
}

/* The children of the table that the caller names. */
List *
bulk_tree_named(Oid relid, JsonbContainer *children)
{
	List	   *list = NIL;
	JsonbIterator *it;
	JsonbValue	value;

	if (children == NULL)
		return NIL;
	it = JsonbIteratorInit(children);
	(void) JsonbIteratorNext(&it, &value, true);
	while (JsonbIteratorNext(&it, &value, true) == WJB_KEY)
	{
		char	   *key = pnstrdup(value.val.string.val, value.val.string.len);

		(void) JsonbIteratorNext(&it, &value, true);
		list = lappend(list, read_child(relid, key, &value, children));
	}
	return list;
}

/* ---- what the catalogue says ---- */

/* The child of that name, if there is a table of it beside the parent's that references it. */
BulkTreeChild *
bulk_tree_find(Oid relid, const char *key)
{
	BulkTreeChild *child = palloc0(sizeof(BulkTreeChild));
	char		relkind;

	child->key = key;
	child->relid = get_relname_relid(key, get_rel_namespace(relid));
	relkind = OidIsValid(child->relid) ? get_rel_relkind(child->relid) : '\0';
	if ((relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE) ||
		find_key(child, relid, NIL) == 0)
		return NULL;
	require_key(child, relid, NIL);
	return child;
}

/* The child that the key holds, NULL if it holds none. */
const BulkTreeChild *
bulk_tree_child(const BulkTreeLevel *level, const char *key, int len)
{
	ListCell   *lc;

	foreach(lc, level->children)
	{
		const BulkTreeChild *child = lfirst(lc);

		if (strncmp(child->key, key, len) == 0 && child->key[len] == '\0')
			return child;
	}
	return NULL;
}
