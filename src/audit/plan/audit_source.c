/*
 * audit_source.c
 *		The tables that a query read, and how much of each.
 */
#include "audit/plan/audit_plan.h"

#include "access/htup_details.h"
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "utils/syscache.h"

/* Is it a table that people made to last? */
bool
audit_is_user_table(const AuditWatch *watch, Oid relid)
{
	if (!OidIsValid(relid) || IsCatalogRelationOid(relid))
		return false;
	for (int i = 0; i < watch->nrels; i++)
	{
		if (watch->rels[i].table == relid)
			return watch->rels[i].rel->rd_rel->relpersistence != RELPERSISTENCE_TEMP;
	}
	return false;
}

/* The same by the catalog: a partition that a column comes from need not have been read. */
bool
audit_is_lasting_table(Oid relid)
{
	HeapTuple	tuple;
	bool		result;

	if (!OidIsValid(relid) || IsCatalogRelationOid(relid))
		return false;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_class) GETSTRUCT(tuple))->relpersistence != RELPERSISTENCE_TEMP;
	ReleaseSysCache(tuple);
	return result;
}

/* The tables that rows were read from, and how many; partitions taken together. */
AuditSource *
audit_sources(const AuditWatch *watch, int *n)
{
	AuditSource *sources = palloc(sizeof(AuditSource) * Max(watch->nrels, 1));

	*n = 0;
	for (int i = 0; i < watch->nrels; i++)
	{
		const AuditRel *rel = &watch->rels[i];
		AuditColumns none = {0};
		Oid			owner;
		int			j = 0;

		if (rel->rows == 0)
			continue;
		owner = audit_index_owner(rel->table, &none);
		while (j < *n && sources[j].owner != owner)
			j++;
		if (j == *n)
			sources[(*n)++] = (AuditSource) {rel->table, owner, 0};
		sources[j].rows += rel->rows;
	}
	return sources;
}

/* The table that most rows were read from. */
AuditSource
audit_largest_source(const AuditWatch *watch)
{
	AuditSource largest = {InvalidOid, InvalidOid, 0};
	int			n;
	AuditSource *sources = audit_sources(watch, &n);

	for (int i = 0; i < n; i++)
	{
		if (sources[i].rows > largest.rows)
			largest = sources[i];
	}
	return largest;
}
