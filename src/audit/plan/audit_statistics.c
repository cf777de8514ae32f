/*
 * audit_statistics.c
 *		What ANALYZE knows of a table, and whether that is still true.
 *
 * Reads the catalogs and the counters of changes, which may be gone at any time;
 * waits for no lock. Values are compared by functions of the server alone, so
 * that nobody's code runs here.
 */
#include "audit/plan/audit_plan.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext.h"
#include "miscadmin.h"
#include "nodes/pathnodes.h"
#include "pgstat.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/pgstat_internal.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

#define STALE_SHARE 0.2			/* of the rows, changed since ANALYZE */
#define STALE_ROWS 100

/* The rows of a table as the catalog has it, negative when nobody ever counted. */
static double
known_rows(Oid relid, char *kind)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	double		rows;

	if (!HeapTupleIsValid(tuple))
		return 0;
	rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
	*kind = ((Form_pg_class) GETSTRUCT(tuple))->relkind;
	ReleaseSysCache(tuple);
	return rows;
}

/* Has ANALYZE never seen one of these columns, or, without columns, the table? */
bool
audit_statistics_are_missing(Oid relid, const AuditColumns *columns)
{
	char		kind = RELKIND_RELATION;
	double		rows = known_rows(relid, &kind);

	for (int i = 0; i < columns->n; i++)
	{
		if (!SearchSysCacheExists3(STATRELATTINH, ObjectIdGetDatum(relid),
								   Int16GetDatum(columns->attnum[i]),
								   BoolGetDatum(kind == RELKIND_PARTITIONED_TABLE)))
			return true;
	}
	return columns->n == 0 && rows < 0;
}

/* The rows of a table that were changed since ANALYZE, as far as that was published. */
static double
rows_changed(Oid relid)
{
	PgStat_EntryRef *ref = pgstat_get_entry_ref(PGSTAT_KIND_RELATION, MyDatabaseId, relid, false,
												NULL);
	double		changed;

	if (ref == NULL || !pgstat_lock_entry_shared(ref, true))
		return 0;
	changed = (double)
		PURSER_MODS_SINCE_ANALYZE(&((PgStatShared_Relation *) ref->shared_stats)->stats);
	pgstat_unlock_entry(ref);
	return changed;
}

/* Were so many rows changed since ANALYZE that it says little of them? */
bool
audit_statistics_are_stale(Oid relid)
{
	char		kind;
	double		rows = Max(known_rows(relid, &kind), 0);

	return rows_changed(relid) >= Max(rows * STALE_SHARE, STALE_ROWS);
}

static bool
keys_cover(const int2vector *keys, const AuditColumns *columns)
{
	for (int i = 0; i < columns->n; i++)
	{
		int			j = 0;

		while (j < keys->dim1 && keys->values[j] != columns->attnum[i])
			j++;
		if (j == keys->dim1)
			return false;
	}
	return true;
}

/* Are there statistics of these columns together? */
bool
audit_statistics_cover(Oid relid, const AuditColumns *columns)
{
	Relation	catalog = table_open(StatisticExtRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		covered = false;

	ScanKeyInit(&key, Anum_pg_statistic_ext_stxrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, StatisticExtRelidIndexId, true, NULL, 1, &key);
	while (!covered && HeapTupleIsValid(tuple = systable_getnext(scan)))
		covered = keys_cover(&((Form_pg_statistic_ext) GETSTRUCT(tuple))->stxkeys, columns);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return covered;
}

/* ---- one condition ---- */

/* The value that a condition compares with, false when it is not known. */
bool
audit_given_value(Node *node, ParamListInfo params, Datum *value, bool *isnull)
{
	const ParamExternData *param;

	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (node != NULL && IsA(node, Const))
	{
		*value = ((Const *) node)->constvalue;
		*isnull = ((Const *) node)->constisnull;
		return true;
	}
	if (node == NULL || !IsA(node, Param) || ((Param *) node)->paramkind != PARAM_EXTERN ||
		params == NULL || params->paramFetch != NULL ||
		((Param *) node)->paramid > params->numParams)
		return false;
	param = &params->params[((Param *) node)->paramid - 1];
	if (param->ptype != ((Param *) node)->paramtype)
		return false;
	*value = param->value;
	*isnull = param->isnull;
	return true;
}

/*
 * The share of a table's rows for which "column = value" holds by itself, as the
 * planner would expect with the value known to it; negative when that cannot
 * be said.
 */
double
audit_equality_selectivity(Relation rel, const AuditClause *clause, ParamListInfo params)
{
	VariableStatData data = {0};
	RelOptInfo	table = {0};
	Datum		value;
	bool		isnull;
	Oid			collation;
	double		selectivity;

	if (clause->attnum == 0 || !clause->is_equality ||
		get_opcode(clause->operator) >= FirstGenbkiObjectId ||
		!audit_given_value(clause->value, params, &value, &isnull))
		return -1;
	data.statsTuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(RelationGetRelid(rel)),
									  Int16GetDatum(clause->attnum), BoolGetDatum(false));
	if (!HeapTupleIsValid(data.statsTuple))
		return -1;
	table.tuples = rel->rd_rel->reltuples;
	data.rel = &table;
	data.vartype = data.atttype = clause->type;
	data.atttypmod = -1;
	data.acl_ok = true;
	collation = TupleDescAttr(RelationGetDescr(rel), clause->attnum - 1)->attcollation;
	selectivity = var_eq_const(&data, clause->operator, collation, value, isnull, true, false);
	ReleaseSysCache(data.statsTuple);
	return selectivity;
}
