/*
 * audit_extent.c
 *		How long and how wide tables are, by what is known without reading them.
 */
#include "audit/plan/audit_plan.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

/* Rows as the last ANALYZE or VACUUM left them in the catalog; -1 when there was none. */
static double
catalog_rows(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	double		rows;

	if (!HeapTupleIsValid(tuple))
		return -1;
	rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
	ReleaseSysCache(tuple);
	return rows;
}

/*
 * Rows of a table, or of all partitions of a partitioned table: -1 when not
 * known. Takes no lock on what it looks at; what is gone has no rows.
 */
double
audit_table_rows(Oid owner)
{
	double		sum = -1;
	ListCell   *cell;

	if (get_rel_relkind(owner) != RELKIND_PARTITIONED_TABLE)
		return catalog_rows(owner);
	foreach(cell, find_all_inheritors(owner, NoLock, NULL))
	{
		double		rows = catalog_rows(lfirst_oid(cell));

		if (rows >= 0 && get_rel_relkind(lfirst_oid(cell)) != RELKIND_PARTITIONED_TABLE)
			sum = Max(sum, 0) + rows;
	}
	return sum;
}

/* Pages as VACUUM left them in the catalog, which costs no look at the file; else the file's. */
static double
toast_pages(Relation toast)
{
	return toast->rd_rel->relpages > 0 ? (double) toast->rd_rel->relpages :
		(double) RelationGetNumberOfBlocks(toast);
}

/* Bytes of a table's TOAST, shared out to its rows. */
static double
toast_bytes_of_row(const AuditRel *rel)
{
	Relation	table = RelationIdGetRelation(rel->table);
	Relation	toast = NULL;
	double		rows;
	double		bytes = 0;

	if (table == NULL)
		return 0;
	if (OidIsValid(table->rd_rel->reltoastrelid))
		toast = RelationIdGetRelation(table->rd_rel->reltoastrelid);
	rows = table->rd_rel->reltuples > 0 ? (double) table->rd_rel->reltuples : (double) rel->rows;
	if (toast != NULL)
	{
		bytes = toast_pages(toast) * BLCKSZ;
		RelationClose(toast);
	}
	RelationClose(table);
	return bytes / Max(rows, 1.0);
}

/*
 * Bytes that a row of the tables read keeps in TOAST, on average: those of the
 * widest. The executor's locks on the tables hold for their TOAST tables too.
 */
double
audit_toasted_width(const AuditWatch *watch)
{
	double		widest = 0;

	for (int i = 0; i < watch->nrels; i++)
	{
		if (watch->rels[i].rows > 0 && OidIsValid(watch->rels[i].table))
			widest = Max(widest, toast_bytes_of_row(&watch->rels[i]));
	}
	return widest;
}

/* The columns of a table, but for dropped ones. */
List *
audit_table_columns(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	List	   *columns = NIL;
	int			natts;

	if (!HeapTupleIsValid(tuple))
		return NIL;
	natts = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	for (int i = 1; i <= natts; i++)
	{
		tuple = SearchSysCacheAttNum(relid, (AttrNumber) i);
		if (!HeapTupleIsValid(tuple))
			continue;
		columns = lappend_int(columns, i);
		ReleaseSysCache(tuple);
	}
	return columns;
}
