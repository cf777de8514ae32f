/*
 * audit_unique.c
 *		Which columns tell every row of a table from all others.
 *
 * Reads the catalogs only, so it needs no lock on the table and waits for none.
 */
#include "audit/plan/audit_plan.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_index.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/syscache.h"

bool
audit_is_not_null(Oid relid, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid),
										Int16GetDatum(attnum));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull;
	ReleaseSysCache(tuple);
	return result;
}

/* The key columns of an index that holds each combination once, and no NULL; else NIL. */
static List *
unique_columns(HeapTuple tuple, TupleDesc desc)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	List	   *columns = NIL;

	if (!form->indisunique || !form->indisvalid || !form->indimmediate ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, desc))
		return NIL;
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		AttrNumber	attnum = form->indkey.values[i];

		if (attnum <= 0 || !audit_is_not_null(form->indrelid, attnum))
			return NIL;
		columns = lappend_int(columns, attnum);
	}
	return columns;
}

static bool
has_column(const AuditColumns *columns, AttrNumber attnum)
{
	for (int i = 0; i < columns->n; i++)
	{
		if (columns->attnum[i] == attnum)
			return true;
	}
	return false;
}

static bool
has_all(const AuditColumns *columns, const List *attnums)
{
	ListCell   *cell;

	foreach(cell, attnums)
	{
		if (!has_column(columns, (AttrNumber) lfirst_int(cell)))
			return false;
	}
	return true;
}

/*
 * The unique key of a table to find in "among", NULL for any: the primary key
 * if it will do, else the key of fewest columns. NIL without one.
 */
static List *
search_keys(Oid relid, const AuditColumns *among)
{
	Relation	catalog = table_open(IndexRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *best = NIL;
	bool		primary = false;

	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, IndexIndrelidIndexId, true, NULL, 1, &key);
	while (!primary && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		List	   *columns = unique_columns(tuple, RelationGetDescr(catalog));

		if (columns == NIL || (among != NULL && !has_all(among, columns)))
			continue;
		primary = ((Form_pg_index) GETSTRUCT(tuple))->indisprimary;
		if (primary || best == NIL || list_length(columns) < list_length(best))
			best = columns;
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return best;
}

/* Do no two rows of the table have the same values in these columns? */
bool
audit_is_unique_order(Oid relid, const AuditColumns *columns)
{
	return search_keys(relid, columns) != NIL;
}

/* The columns of the primary key, or of another one without NULLs; NIL without any. */
List *
audit_key_columns(Oid relid)
{
	return search_keys(relid, NULL);
}
