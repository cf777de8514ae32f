/*
 * bulk_target.c
 *		Opens the table that is loaded, and says who may load what into it.
 *
 * A load must do what INSERT would.  So here are the checks that parser and
 * executor do for it: read-only transactions, privileges on each column that
 * the input names, generated and identity columns; and those for UPDATE and
 * DELETE by key.  What goes by statement is checked again by the server; here
 * it is refused before the input is read.
 *
 * Invariant: the relation stays open, and locked as by INSERT, while the
 * target is; so DDL on it from within the load fails, as it does for INSERT.
 * Called by bulk_load.c.
 */
#include "bulk/bulk.h"

#include "access/relation.h"
#include "access/sysattr.h"
#include "catalog/catalog.h"
#include "catalog/pg_namespace.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/parse_relation.h"
#include "port/pg_bitutils.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* By name, INSERT reaches a table through its schema only; an OID must be no way around. */
static void
check_schema(Relation rel)
{
	Oid			schema = RelationGetNamespace(rel);

	if (!purser_may_use_schema(schema))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_SCHEMA, get_namespace_name(schema));
}

/* Logical decoding of catalogue tables has no place for speculative insertion. */
static void
check_conflict(Relation rel, const BulkOptions *options)
{
	if (IsCatalogRelation(rel) || RelationIsUsedAsCatalogTable(rel))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("on_conflict \"%s\" is not supported on catalog table \"%s\"",
						options->on_conflict == BULK_CONFLICT_SKIP ? "skip" : "update",
						RelationGetRelationName(rel))));
}

/* Raises an error unless the caller has what perminfo asks for. */
static void
check_privileges(BulkTarget *target, RTEPermissionInfo *perminfo)
{
	purser_ExecCheckPermissions(target->estate->es_range_table, list_make1(perminfo));
}

/* For the arbiter's columns SELECT is needed, as in ON CONFLICT (columns). */
static void
require_select(RTEPermissionInfo *perminfo, Relation rel, const List *names)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		AttrNumber	attnum = attnameAttNum(rel, lfirst(lc), false);

		if (attnum == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist",
							(char *) lfirst(lc), RelationGetRelationName(rel))));
		perminfo->requiredPerms |= ACL_SELECT;
		perminfo->selectedCols = bms_add_member(perminfo->selectedCols,
												attnum - FirstLowInvalidHeapAttributeNumber);
	}
}

static inline OnConflictAction
on_conflict_action(const BulkOptions *options)
{
	switch (options->on_conflict)
	{
		case BULK_CONFLICT_SKIP:
			return ONCONFLICT_NOTHING;
		case BULK_CONFLICT_UPDATE:
			return ONCONFLICT_UPDATE;
		default:
			return ONCONFLICT_NONE;
	}
}

static AclMode
required_privilege(const BulkOptions *options)
{
	switch (options->verb)
	{
		case BULK_UPDATE:
			return ACL_UPDATE;
		case BULK_DELETE:
			return ACL_DELETE;
		default:
			return ACL_INSERT;
	}
}

/* Names of the columns by which update and delete find rows: as given, or the primary key. */
static List *
find_keys(Relation rel, const BulkOptions *options)
{
	Bitmapset  *columns;
	List	   *names = NIL;
	int			member = -1;

	if (options->verb == BULK_INSERT || options->key_columns != NIL)
		return options->key_columns;
	columns = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	if (columns == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("relation \"%s\" has no primary key", RelationGetRelationName(rel)),
				 errhint("Give the argument \"key_columns\".")));
	while ((member = bms_next_member(columns, member)) >= 0)
	{
		AttrNumber	attnum = member + FirstLowInvalidHeapAttributeNumber;
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);

		names = lappend(names, pstrdup(NameStr(att->attname)));
	}
	return names;
}

/* The executor's view of the table: a range table of one, and the indexes. */
static void
open_for_executor(BulkTarget *target, const BulkOptions *options, const List *keys)
{
	EState	   *estate = target->estate;
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *nsitem;

	nsitem = addRangeTableEntryForRelation(pstate, target->rel, RowExclusiveLock,
										   NULL, false, false);
	target->perminfo = purser_nsitem_perminfo(nsitem);
	target->perminfo->requiredPerms = required_privilege(options);
	/* Whatever role a trigger may set before the last column is named. */
	target->perminfo->checkAsUser = GetUserId();
	require_select(target->perminfo, target->rel, options->conflict_columns);
	require_select(target->perminfo, target->rel, keys);

	purser_ExecInitRangeTable(estate, pstate->p_rtable, purser_pstate_perminfos(pstate),
							  bms_make_singleton(1));
	/* Before any column is named, this asks for the privilege on at least one. */
	check_privileges(target, target->perminfo);
	target->path = bulk_target_path(target->rel, options);

	estate->es_snapshot = RegisterSnapshot(GetActiveSnapshot());
	if (target->path == BULK_PATH_STATEMENT)
		return;
	target->rri = makeNode(ResultRelInfo);
	ExecInitResultRelation(estate, target->rri, 1);
	purser_CheckValidResultRel(target->rri, CMD_INSERT, on_conflict_action(options), NIL);
	ExecOpenIndices(target->rri, options->on_conflict != BULK_CONFLICT_ERROR || options->rejects);
}

static void
fill_columns(BulkTarget *target)
{
	TupleDesc	tupdesc = RelationGetDescr(target->rel);

	target->ncolumns = tupdesc->natts;
	target->columns = palloc0(Max(tupdesc->natts, 1) * sizeof(BulkColumn));
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);
		BulkColumn *column = &target->columns[i];

		if (att->attisdropped)
			continue;
		column->name = pstrdup(NameStr(att->attname));
		column->name_len = strlen(column->name);
		column->attnum = att->attnum;
		column->typmod = att->atttypmod;
		column->typlen = att->attlen;
		column->generated = att->attgenerated;
		column->identity = att->attidentity;
		bulk_nested_prepare(column, att->atttypid);
	}
}

/*
 * Where to look for a name first: open addressing over the columns' indexes,
 * -1 where there is none.  At most half of the places are taken.
 */
static void
index_names(BulkTarget *target)
{
	target->nplaces = pg_nextpower2_32(Max(target->ncolumns, 1) * 2);
	target->places = palloc(target->nplaces * sizeof(int));
	memset(target->places, -1, target->nplaces * sizeof(int));
	for (int i = 0; i < target->ncolumns; i++)
	{
		const BulkColumn *column = &target->columns[i];
		uint32		place;

		if (column->name == NULL)
			continue;
		place = hash_bytes((const unsigned char *) column->name, column->name_len);
		while (target->places[place % target->nplaces] >= 0)
			place++;
		target->places[place % target->nplaces] = i;
	}
}

/* Note the columns by which rows are found. */
static void
set_keys(BulkTarget *target, const List *names)
{
	ListCell   *lc;

	target->keys = palloc(Max(list_length(names), 1) * sizeof(int));
	foreach(lc, names)
	{
		int			column = bulk_target_find(target, lfirst(lc), strlen(lfirst(lc)));

		if (target->columns[column].is_key)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("column \"%s\" specified more than once", (char *) lfirst(lc))));
		target->columns[column].is_key = true;
		target->keys[target->nkeys++] = column;
	}
}

/* A column that differs from the name in case, or in blanks around it, only; or NULL. */
const char *
bulk_target_similar(const BulkTarget *target, const char *name, int len)
{
	for (; len > 0 && name[0] == ' '; len--)
		name++;
	while (len > 0 && name[len - 1] == ' ')
		len--;
	for (int i = 0; i < target->ncolumns; i++)
		if (target->columns[i].name != NULL && target->columns[i].name_len == len &&
			pg_strncasecmp(target->columns[i].name, name, len) == 0)
			return target->columns[i].name;
	return NULL;
}

/*
 * Open the table for the load.  All of the target's memory is in the query
 * context of its executor state.
 */
void
bulk_target_open(BulkTarget *target, Oid relid, const struct BulkOptions *options)
{
	MemoryContext oldcontext;
	List	   *keys;

	memset(target, 0, sizeof(*target));
	target->rel = try_relation_open(relid, RowExclusiveLock);
	if (target->rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	check_schema(target->rel);
	if (options->on_conflict != BULK_CONFLICT_ERROR)
		check_conflict(target->rel, options);
	if (!target->rel->rd_islocaltemp)
		PreventCommandIfReadOnly(options->function);
	if (!options->worker)
		PreventCommandIfParallelMode(options->function);

	target->estate = CreateExecutorState();
	oldcontext = MemoryContextSwitchTo(target->estate->es_query_cxt);
	keys = find_keys(target->rel, options);
	open_for_executor(target, options, keys);
	fill_columns(target);
	index_names(target);
	set_keys(target, keys);
	bulk_coerce_prepare(target);
	if (target->path == BULK_PATH_DIRECT)
	{
		bulk_arbiter_choose(target, options);
		bulk_set_begin(target, options);
	}
	MemoryContextSwitchTo(oldcontext);
}

/* A value for a column that only the server gives values to. */
static void
refuse_value(const BulkTarget *target, const BulkColumn *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_GENERATED_ALWAYS),
			 target->nkeys > 0 ?
			 errmsg("column \"%s\" can only be updated to DEFAULT", column->name) :
			 errmsg("cannot insert a non-DEFAULT value into column \"%s\"", column->name),
			 column->generated ?
			 errdetail("Column \"%s\" is a generated column.", column->name) :
			 errdetail("Column \"%s\" is an identity column defined as GENERATED ALWAYS.",
					   column->name)));
}

/* Of the columns, as permission infos count them, the caller must be allowed more. */
void
bulk_target_require(BulkTarget *target, AclMode mode, Bitmapset *columns)
{
	RTEPermissionInfo *asked = copyObject(target->perminfo);

	asked->requiredPerms = mode;
	if (mode == ACL_SELECT)
		asked->selectedCols = columns;
	else if (mode == ACL_UPDATE)
		asked->updatedCols = columns;
	else
		asked->insertedCols = columns;
	check_privileges(target, asked);
}

/* Raises an error unless the caller may write the column. */
static void
check_column(BulkTarget *target, const BulkColumn *column)
{
	int			bit = column->attnum - FirstLowInvalidHeapAttributeNumber;
	MemoryContext oldcontext = MemoryContextSwitchTo(target->estate->es_query_cxt);

	bulk_target_require(target, target->perminfo->requiredPerms & (ACL_INSERT | ACL_UPDATE),
						bms_make_singleton(bit));
	bulk_set_name(target, column);
	/* Kept, as errors show the values of those columns even without SELECT. */
	target->perminfo->insertedCols = bms_add_member(target->perminfo->insertedCols, bit);
	MemoryContextSwitchTo(oldcontext);
}

/* The input names the column: may it, and may the caller? */
void
bulk_target_name(BulkTarget *target, int number)
{
	BulkColumn *column = &target->columns[number];

	if (column->named)
		return;
	if (!column->is_key)
	{
		if ((target->perminfo->requiredPerms & ACL_DELETE) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					 errmsg("column \"%s\" is not a key column", column->name),
					 errhint("The rows of a bulk delete consist of the key columns.")));
		if (column->generated || column->identity == ATTRIBUTE_IDENTITY_ALWAYS)
			refuse_value(target, column);
		check_column(target, column);
	}
	column->named = true;
}

/* Index of the column of that name; -1 if there is none. */
int
bulk_target_find(const BulkTarget *target, const char *name, int len)
{
	uint32		place = hash_bytes((const unsigned char *) name, len);

	for (; target->places[place % target->nplaces] >= 0; place++)
	{
		int			i = target->places[place % target->nplaces];
		const BulkColumn *column = &target->columns[i];

		if (column->name_len == len && memcmp(column->name, name, len) == 0)
			return i;
	}
	return -1;
}

/* Close it; the lock stays until the transaction ends. */
void
bulk_target_close(BulkTarget *target)
{
	EState	   *estate = target->estate;

	ExecCloseResultRelations(estate);
	ExecCloseRangeTableRelations(estate);
	UnregisterSnapshot(estate->es_snapshot);
	FreeExecutorState(estate);
	relation_close(target->rel, NoLock);
}
