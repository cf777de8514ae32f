/*
 * online_key.c
 *		The column along which a table is cut into batches.
 *
 * Its order is that of the type's default btree operator class under the
 * column's collation, whichever index serves it, so that an index which is
 * replaced while a backfill is under way does not change what a position means.
 * Positions are kept as text that no setting changes.
 */
#include "online.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/relation.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

pg_noreturn static void
refuse_key(const OnlineKey *key, int code, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(code),
			 errmsg("cannot cut table \"%s\" into batches by column \"%s\"", key->table,
					key->column),
			 errdetail("%s", detail), errhint("%s", hint)));
}

static void
check_relation(Relation relation)
{
	char		kind = relation->rd_rel->relkind;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot cut \"%s\" into batches", RelationGetRelationName(relation)),
				 errdetail("It is not a table.")));
}

static void
find_column(OnlineKey *key, Relation relation)
{
	Form_pg_attribute attribute;

	key->number = get_attnum(key->relation, key->column);
	if (key->number == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", key->column,
						key->table)));
	if (key->number < 0)
		refuse_key(key, ERRCODE_FEATURE_NOT_SUPPORTED, "It is a system column.",
				   "Name a column of the table's own.");
	attribute = TupleDescAttr(RelationGetDescr(relation), key->number - 1);
	if (!purser_is_never_null(RelationGetDescr(relation), key->number - 1))
		refuse_key(key, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
				   "The column may be null, and no batch would hold such rows.",
				   "Name a column that is NOT NULL, such as the primary key.");
	if (attribute->attgenerated)
		refuse_key(key, ERRCODE_FEATURE_NOT_SUPPORTED,
				   "The column is generated, and may move when its row is changed.",
				   "Name a column that stays as it is.");
	key->type = attribute->atttypid;
	key->collation = attribute->attcollation;
}

/* Operators and comparison of the column's type; returns their family. */
static Oid
find_order(OnlineKey *key)
{
	TypeCacheEntry *order = lookup_type_cache(key->type, TYPECACHE_BTREE_OPFAMILY |
											  TYPECACHE_LT_OPR | TYPECACHE_GT_OPR |
											  TYPECACHE_CMP_PROC_FINFO);
	Oid			type = order->btree_opintype;

	if (!OidIsValid(order->lt_opr) || !OidIsValid(order->gt_opr) ||
		!OidIsValid(order->cmp_proc) || type == RECORDOID)
		refuse_key(key, ERRCODE_FEATURE_NOT_SUPPORTED,
				   "The column's type has no btree order that batches can follow.",
				   "Name another column.");
	key->less = order->lt_opr;
	key->greater = order->gt_opr;
	key->less_equal = get_opfamily_member(order->btree_opf, type, type,
										  BTLessEqualStrategyNumber);
	key->compare = &order->cmp_proc_finfo;
	if (IsPolymorphicType(type))
		type = getBaseType(key->type);
	key->cast = type != key->type;
	key->type = type;
	return order->btree_opf;
}

static bool
index_serves(const OnlineKey *key, Oid family, Oid id)
{
	Relation	index = index_open(id, AccessShareLock);
	Form_pg_index form = index->rd_index;
	bool		serves = form->indisvalid && form->indislive &&
		index->rd_rel->relam == BTREE_AM_OID &&
		form->indkey.values[0] == key->number &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL) &&
		index->rd_opfamily[0] == family && index->rd_indcollation[0] == key->collation;

	index_close(index, AccessShareLock);
	return serves;
}

static void
check_index(const OnlineKey *key, Relation relation, Oid family)
{
	List	   *indexes = RelationGetIndexList(relation);
	ListCell   *cell;

	foreach(cell, indexes)
		if (index_serves(key, family, lfirst_oid(cell)))
			return;
	refuse_key(key, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			   "No index serves it: each batch would read the whole table.",
			   "It takes a valid btree index that begins with the column, is not partial, and has "
			   "the default order and collation of the column.");
}

/* The key that the header names; an error when the table cannot be cut by it. */
OnlineKey *
online_key_find(const LedgerBatch *batch)
{
	RangeVar   *name = makeRangeVar(batch->schema, batch->table, -1);
	Relation	relation = relation_openrv(name, AccessShareLock);
	OnlineKey  *key = palloc0(sizeof(OnlineKey));

	check_relation(relation);
	key->relation = RelationGetRelid(relation);
	key->schema = get_namespace_name(RelationGetNamespace(relation));
	key->table = pstrdup(RelationGetRelationName(relation));
	key->column = batch->key;
	find_column(key, relation);
	check_index(key, relation, find_order(key));
	relation_close(relation, NoLock);
	return key;
}

/* The table's name, whatever the search_path. */
char *
online_key_relation(const OnlineKey *key)
{
	return quote_qualified_identifier(key->schema, key->table);
}

/* What decides the order of the keys. */
char *
online_key_type(const OnlineKey *key)
{
	char	   *type = format_type_be_qualified(key->type);
	char	   *collation;

	if (!OidIsValid(key->collation))
		return type;
	collation = get_collation_name(key->collation);
	return psprintf("%s COLLATE %s", type,
					collation ? quote_identifier(collation) : "?");
}

/* Settings under which values become text and come back the same. */
static int
plain_settings(void)
{
	static const char *const settings[][2] = {
		{"datestyle", "ISO"}, {"intervalstyle", "postgres"}, {"extra_float_digits", "3"},
		{"lc_monetary", "C"}, {"search_path", "pg_catalog"}
	};
	int			level = NewGUCNestLevel();

	for (size_t i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

Datum
online_key_read(const OnlineKey *key, const char *text)
{
	int			level = plain_settings();
	Oid			function;
	Oid			parameter;
	Datum		value;

	getTypeInputInfo(key->type, &function, &parameter);
	value = OidInputFunctionCall(function, unconstify(char *, text), parameter, -1);
	AtEOXact_GUC(true, level);
	return value;
}

/* The value as text; an error if that does not read back as the same value. */
char *
online_key_write(const OnlineKey *key, Datum value)
{
	int			level = plain_settings();
	Oid			function;
	bool		varlena;
	char	   *text;

	getTypeOutputInfo(key->type, &function, &varlena);
	text = OidOutputFunctionCall(function, value);
	AtEOXact_GUC(true, level);
	if (online_key_compare(key, value, online_key_read(key, text)) != 0)
		refuse_key(key, ERRCODE_FEATURE_NOT_SUPPORTED,
				   "The text of a value of its type stands for another value.",
				   "Name another column.");
	return text;
}

int
online_key_compare(const OnlineKey *key, Datum a, Datum b)
{
	return DatumGetInt32(FunctionCall2Coll(key->compare, key->collation, a, b));
}
