/*
 * audit_statistics.c
 *		What ANALYZE knows of a table, and whether that is still true.
 *
 * Reads the catalogs and the counters of changes, which may be gone at any time;
 * waits for no lock. Values are compared by functions of the server alone, so
 * that nobody's code runs here.
 */
#include "audit/plan/audit_plan.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "nodes/pathnodes.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/pgstat_internal.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

#define STALE_SHARE 0.2			/* of the rows, changed since ANALYZE */
#define STALE_ROWS 100
#define STALE_PAGES 64			/* a table may have been extended by, without rows in them */
#define SAME_SIZE 0.05			/* difference in pages */

/* A table as the catalog has it. */
typedef struct KnownSize
{
	char		kind;
	double		rows;			/* negative when nobody ever counted */
	double		pages;
	AttrNumber	natts;
} KnownSize;

/* What was counted since, as far as it was published. */
typedef struct Changes
{
	double		rows;			/* changed since ANALYZE */
	double		dead;
	bool		analyzed_last;	/* no VACUUM came after ANALYZE */
} Changes;

static KnownSize
known_size(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	KnownSize	size = {RELKIND_RELATION, 0, 0, 0};
	Form_pg_class form;

	if (!HeapTupleIsValid(tuple))
		return size;
	form = (Form_pg_class) GETSTRUCT(tuple);
	size.kind = form->relkind;
	size.rows = form->reltuples;
	size.pages = form->relpages;
	size.natts = form->relnatts;
	ReleaseSysCache(tuple);
	return size;
}

/* The rows that a table has by now: as many to a page as when they were counted. */
double
audit_rows_by_now(Relation rel)
{
	KnownSize	size = known_size(RelationGetRelid(rel));

	if (size.rows <= 0 || size.pages <= 0)
		return Max(size.rows, 0);
	return size.rows * RelationGetNumberOfBlocks(rel) / size.pages;
}

/* Has ANALYZE never seen one of these columns, or, without columns, the table? */
bool
audit_statistics_are_missing(Oid relid, const AuditColumns *columns)
{
	KnownSize	size = known_size(relid);

	for (int i = 0; i < columns->n; i++)
	{
		if (!SearchSysCacheExists3(STATRELATTINH, ObjectIdGetDatum(relid),
								   Int16GetDatum(columns->attnum[i]),
								   BoolGetDatum(size.kind == RELKIND_PARTITIONED_TABLE)))
			return true;
	}
	return columns->n == 0 && size.rows < 0;
}

/*
 * A number that is another one once ANALYZE has seen the first of the columns, or
 * without columns the table's first that has statistics; 0 without statistics.
 */
double
audit_statistics_version(Oid relid, const AuditColumns *columns)
{
	KnownSize	size = known_size(relid);
	bool		inherited = size.kind == RELKIND_PARTITIONED_TABLE;
	AttrNumber	attnum = columns->n > 0 ? columns->attnum[0] : 1;
	AttrNumber	last = columns->n > 0 ? attnum : size.natts;
	TransactionId version = InvalidTransactionId;

	for (; attnum <= last && version == InvalidTransactionId; attnum++)
	{
		HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid),
											Int16GetDatum(attnum), BoolGetDatum(inherited));

		if (!HeapTupleIsValid(tuple))
			continue;
		version = HeapTupleHeaderGetRawXmin(tuple->t_data);
		ReleaseSysCache(tuple);
	}
	return version;
}

/* How many values ANALYZE is to keep of a column. */
int
audit_statistics_target(Oid relid, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attnum));
	int			target = -1;
	bool		isnull;
	Datum		datum;

	if (!HeapTupleIsValid(tuple))
		return default_statistics_target;
	datum = SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attstattarget, &isnull);
	if (!isnull)
		target = PURSER_STATISTICS_TARGET(datum);
	ReleaseSysCache(tuple);
	return target >= 0 ? target : default_statistics_target;
}

static Changes
published_changes(Oid relid)
{
	PgStat_EntryRef *ref = pgstat_get_entry_ref(PGSTAT_KIND_RELATION, MyDatabaseId, relid, false,
												NULL);
	Changes		changes = {0};
	const PgStat_StatTabEntry *entry;

	if (ref == NULL || !pgstat_lock_entry_shared(ref, true))
		return changes;
	entry = &((PgStatShared_Relation *) ref->shared_stats)->stats;
	changes.rows = (double) PURSER_MODS_SINCE_ANALYZE(entry);
	changes.dead = (double) PURSER_DEAD_TUPLES(entry);
	changes.analyzed_last = PURSER_LAST_ANALYZE(entry) >= PURSER_LAST_VACUUM(entry) &&
		PURSER_LAST_ANALYZE(entry) > 0;
	pgstat_unlock_entry(ref);
	return changes;
}

/* The rows that this backend has changed and not published yet. */
static double
pending_changes(Relation rel)
{
	const PgStat_TableStatus *pending;
	double		changed;

	if (!pgstat_should_count_relation(rel))
		return 0;
	pending = rel->pgstat_info;
	changed = (double) PURSER_CHANGED_TUPLES(pending);
	for (const PgStat_TableXactStatus *trans = pending->trans; trans != NULL; trans = trans->upper)
		changed += (double) (trans->tuples_inserted + trans->tuples_updated +
							 trans->tuples_deleted);
	return changed;
}

/*
 * Were so many rows changed since ANALYZE that it says little of them? Changes
 * that are published after ANALYZE may have come before it: a table that is as
 * large as it found it, with few dead rows, is the one it saw. Changes that others
 * have not published show in the size.
 */
bool
audit_statistics_are_stale(Relation rel)
{
	KnownSize	size = known_size(RelationGetRelid(rel));
	Changes		changes = published_changes(RelationGetRelid(rel));
	double		pages = RelationGetNumberOfBlocks(rel);
	double		rows = Max(size.rows, 0);
	double		enough = Max(rows * STALE_SHARE, STALE_ROWS);

	if (changes.analyzed_last && changes.dead < enough / 2 &&
		fabs(pages - size.pages) <= size.pages * SAME_SIZE)
		return false;
	if (pages > size.pages * (1 + STALE_SHARE / 2))
		changes.rows += pending_changes(rel);
	return changes.rows >= enough || pages > size.pages * (1 + STALE_SHARE) + STALE_PAGES;
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

/*
 * The share of a table's rows for which "column = value" holds by itself, as the
 * planner would expect it; negative when that cannot be said.
 */
double
audit_value_selectivity(Relation rel, const AuditClause *clause, Datum value, bool isnull)
{
	VariableStatData data = {0};
	RelOptInfo	table = {0};
	Oid			collation;
	double		selectivity;

	if (get_opcode(clause->operator) >= FirstGenbkiObjectId)
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

/* Likewise, with the value known to the planner. */
double
audit_equality_selectivity(Relation rel, const AuditClause *clause, ParamListInfo params)
{
	Datum		value;
	bool		isnull;

	if (clause->attnum == 0 || !clause->is_equality ||
		!audit_given_value(clause->value, params, &value, &isnull))
		return -1;
	return audit_value_selectivity(rel, clause, value, isnull);
}
