/*
 * audit_index.c
 *		The index that would have served a filter, out of the catalogs.
 *
 * Columns compared for equality come first, then one range. A column is
 * advised only when what was measured proves it selective: where all
 * conditions of the filter are served, the measured share is theirs; where
 * some are not (a function, OR, <>), the share may be those others' doing,
 * and the planner's statistics must vouch for each column.
 *
 * Columns that an existing index begins with are not advised again, whatever
 * the access method: its operator classes decide. Called at the end of a
 * measured run, with the table still open and locked, and for each finding
 * that is read, without; nothing here raises when something goes away at the
 * same time.
 */
#include "audit/plan/audit_plan.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/partition.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_index.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_statistic.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define FEW_VALUES 10			/* a column with fewer is not selective */
#define FEW_ROWS 100			/* that a further key column need not spare */
#define WIDEST_KEY 600			/* average bytes of a column; a b-tree entry holds 2700 */

typedef struct Candidate
{
	const AuditClause *clause;
	double		rarity;			/* one in so many rows has the value; 0: unknown */
} Candidate;

typedef struct Candidates
{
	ParamListInfo params;
	int			n;
	Candidate	at[AUDIT_MAX_COLUMNS];
} Candidates;

/* Different values in a column as ANALYZE saw it, 0 when it has not. */
double
audit_distinct_values(Relation rel, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(RelationGetRelid(rel)),
										Int16GetDatum(attnum), BoolGetDatum(false));
	double		distinct;

	if (!HeapTupleIsValid(tuple))
		return 0;
	distinct = ((Form_pg_statistic) GETSTRUCT(tuple))->stadistinct;
	ReleaseSysCache(tuple);
	if (distinct < 0)
		distinct = -distinct * Max(rel->rd_rel->reltuples, 0);
	return distinct;
}

static bool
is_key_column(Relation rel, const AuditClause *clause)
{
	return clause->attnum > 0 && getBaseType(clause->type) != BOOLOID &&
		get_attavgwidth(RelationGetRelid(rel), clause->attnum) <= WIDEST_KEY;
}

/* How rare the value asked for is: by itself if it is known, else as the average one. */
static double
rarity_of(Relation rel, const AuditClause *clause, ParamListInfo params)
{
	double		share = audit_equality_selectivity(rel, clause, params);

	if (share < 0)
		return audit_distinct_values(rel, clause->attnum);
	return 1 / Max(share, 1 / Max(rel->rd_rel->reltuples, 1.0));
}

static void
add_candidate(Candidates *candidates, Relation rel, const AuditClause *clause)
{
	for (int i = 0; i < candidates->n; i++)
	{
		if (candidates->at[i].clause->attnum == clause->attnum)
			return;
	}
	if (candidates->n == AUDIT_MAX_COLUMNS)
		return;
	candidates->at[candidates->n].clause = clause;
	candidates->at[candidates->n++].rarity = rarity_of(rel, clause, candidates->params);
}

static void
add_equalities(Candidates *candidates, Relation rel, List *clauses)
{
	ListCell   *cell;

	foreach(cell, clauses)
	{
		const AuditClause *clause = lfirst(cell);

		if (is_key_column(rel, clause) && clause->is_equality)
			add_candidate(candidates, rel, clause);
	}
}

static const AuditClause *
first_range(Relation rel, List *clauses)
{
	ListCell   *cell;

	foreach(cell, clauses)
	{
		const AuditClause *clause = lfirst(cell);

		if (is_key_column(rel, clause) && !clause->is_equality)
			return clause;
	}
	return NULL;
}

static bool
all_served(List *clauses)
{
	ListCell   *cell;

	foreach(cell, clauses)
	{
		if (((const AuditClause *) lfirst(cell))->attnum == 0)
			return false;
	}
	return true;
}

/* Drops columns whose values are not known to be rare. */
static void
drop_unproven(Candidates *candidates)
{
	int			kept = 0;

	for (int i = 0; i < candidates->n; i++)
	{
		if (candidates->at[i].rarity >= FEW_VALUES)
			candidates->at[kept++] = candidates->at[i];
	}
	candidates->n = kept;
}

/* Rarest values first; stable, and columns without statistics last. */
static void
order_candidates(Candidates *candidates)
{
	for (int i = 1; i < candidates->n; i++)
	{
		Candidate	moved = candidates->at[i];
		int			j = i;

		for (; j > 0 && candidates->at[j - 1].rarity < moved.rarity; j--)
			candidates->at[j] = candidates->at[j - 1];
		candidates->at[j] = moved;
	}
}

/* Do the columns so far, by the rows expected of them, do what the filter did? */
static bool
is_enough(double expected, double kept)
{
	return expected <= Max(FEW_ROWS, kept * 2);
}

/*
 * Leaves as many columns as it takes to find what the filter kept; true when
 * more would help. A value that is common helps none that is rare.
 */
static bool
cut_candidates(Candidates *candidates, const AuditFilter *filter)
{
	double		loops = Max(filter->loops, 1.0);
	double		expected = filter->scanned / loops;

	for (int i = 0; i < candidates->n; i++)
	{
		double		rarity = candidates->at[i].rarity;

		if (rarity > 0 && rarity < FEW_VALUES && i > 0)
		{
			candidates->n = i;
			return true;
		}
		expected /= Max(rarity, 1.0);
		if (is_enough(expected, filter->kept / loops))
		{
			candidates->n = i + 1;
			return false;
		}
	}
	return true;
}

/* The columns of the index to advise, equalities first; none when nothing is proven. */
static void
choose_columns(const AuditFilter *filter, Candidates *chosen)
{
	bool		proven = all_served(filter->filter_clauses);
	const AuditClause *range = NULL;

	chosen->n = 0;
	add_equalities(chosen, filter->rel, filter->filter_clauses);
	if (proven)
		range = first_range(filter->rel, filter->filter_clauses);
	else
		drop_unproven(chosen);
	if (chosen->n == 0 && range == NULL)
		return;
	add_equalities(chosen, filter->rel, filter->index_clauses);
	if (range == NULL)
		range = first_range(filter->rel, filter->index_clauses);
	order_candidates(chosen);
	if (cut_candidates(chosen, filter) && range != NULL)
		add_candidate(chosen, filter->rel, range);
}

/*
 * Can this class of an index serve the condition on a column, at this place
 * in the key? A b-tree serves a range only behind the equalities.
 */
static bool
serves(Oid opclass, const AuditColumns *columns, int column, bool is_last)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	Form_pg_opclass form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_opclass) GETSTRUCT(tuple);
	result = (is_last || !columns->ranged[column] || form->opcmethod != BTREE_AM_OID) &&
		op_in_opfamily(columns->operator[column], form->opcfamily);
	ReleaseSysCache(tuple);
	return result;
}

/* Does this index begin with these columns, in classes that know their operators? */
static bool
index_covers(HeapTuple tuple, TupleDesc desc, const void *wanted)
{
	const AuditColumns *columns = wanted;
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	oidvector  *classes;
	bool		isnull;
	int			found = 0;

	if (!form->indisvalid || form->indnkeyatts < columns->n ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, desc))
		return false;
	classes = (oidvector *) DatumGetPointer(heap_getattr(tuple, Anum_pg_index_indclass, desc,
														 &isnull));
	for (int i = 0; i < columns->n; i++)
	{
		for (int j = 0; j < columns->n; j++)
		{
			if (form->indkey.values[i] == columns->attnum[j] &&
				serves(classes->values[i], columns, j, i == columns->n - 1))
				found++;
		}
	}
	return found == columns->n;
}

/* Is this an index of the first column alone, whose values are all different? */
static bool
index_is_unique(HeapTuple tuple, TupleDesc desc, const void *column)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);

	return form->indisvalid && form->indisunique && form->indnkeyatts == 1 &&
		form->indkey.values[0] == *(const AttrNumber *) column &&
		heap_attisnull(tuple, Anum_pg_index_indpred, desc);
}

/*
 * Does one of a table's indexes pass the test? Reads the catalog only, so it
 * needs no lock on the table and waits for none; where the table or an index is
 * gone, there is none.
 */
bool
audit_any_index(Oid relid, AuditIndexTest test, const void *wanted)
{
	Relation	catalog = table_open(IndexRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, IndexIndrelidIndexId, true, NULL, 1, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
		found = test(tuple, RelationGetDescr(catalog), wanted);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

/* Does a valid index cover these columns of a table? */
bool
audit_index_exists(Oid relid, const AuditColumns *columns)
{
	return audit_any_index(relid, index_covers, columns);
}

typedef struct Collated
{
	AttrNumber	attnum;
	Oid			collation;
} Collated;

/* Does a valid index begin with the column, in this collation? */
static bool
has_collation(HeapTuple tuple, TupleDesc desc, const void *wanted)
{
	const Collated *column = wanted;
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	oidvector  *collations;
	bool		isnull;

	if (!form->indisvalid || form->indkey.values[0] != column->attnum ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, desc))
		return false;
	collations = (oidvector *) DatumGetPointer(heap_getattr(tuple, Anum_pg_index_indcollation,
															desc, &isnull));
	return collations->values[0] == column->collation;
}

bool
audit_collation_is_indexed(Oid relid, AttrNumber attnum, Oid collation)
{
	Collated	column = {attnum, collation};

	return audit_any_index(relid, has_collation, &column);
}

/* Are all values of a column different, by an index? */
bool
audit_is_unique(Oid relid, AttrNumber attnum)
{
	return audit_any_index(relid, index_is_unique, &attnum);
}

static bool
is_advisable(Relation rel)
{
	return rel->rd_rel->relpersistence != RELPERSISTENCE_TEMP && !IsCatalogRelation(rel) &&
		(rel->rd_rel->relkind == RELKIND_RELATION || rel->rd_rel->relkind == RELKIND_MATVIEW);
}

static void
add_column(AuditColumns *columns, const AuditClause *clause)
{
	columns->attnum[columns->n] = clause->attnum;
	columns->ranged[columns->n] = !clause->is_equality;
	columns->operator[columns->n++] = clause->operator;
}

/* The one column of an OR that no index serves, while indexes serve the others. */
static bool
unserved_arm(const AuditFilter *filter, List *arms, AuditColumns *columns)
{
	List	   *clauses = audit_clauses(&filter->scope, arms);
	bool		any_served = false;
	ListCell   *cell;

	columns->n = 0;
	if (!all_served(clauses))
		return false;
	foreach(cell, clauses)
	{
		const AuditClause *clause = lfirst(cell);
		AuditColumns own = {0};

		add_column(&own, clause);
		if (audit_index_exists(RelationGetRelid(filter->rel), &own))
			any_served = true;
		else if (!is_key_column(filter->rel, clause) ||
				 (columns->n > 0 && columns->attnum[0] != clause->attnum))
			return false;
		else
			*columns = own;
	}
	return any_served && columns->n > 0;
}

/* The index that an OR lacks, for the planner to look up each of its sides. */
static bool
arm_advice(const AuditFilter *filter, AuditColumns *columns)
{
	ListCell   *cell;

	foreach(cell, filter->conditions)
	{
		Node	   *node = lfirst(cell);

		if (is_orclause(node) && unserved_arm(filter, ((BoolExpr *) node)->args, columns))
			return list_length(filter->conditions) == 1 ||
				audit_distinct_values(filter->rel, columns->attnum[0]) >= FEW_VALUES;
	}
	return false;
}

/* The index to advise for a filter that wastes; false when there is none. */
bool
audit_index_advice(const AuditFilter *filter, ParamListInfo params, AuditColumns *columns)
{
	Candidates	chosen = {.params = params};

	if (!is_advisable(filter->rel))
		return false;
	choose_columns(filter, &chosen);
	memset(columns, 0, sizeof(AuditColumns));
	if (chosen.n == 0)
		return arm_advice(filter, columns);
	for (int i = 0; i < chosen.n; i++)
		add_column(columns, chosen.at[i].clause);
	return !audit_index_exists(RelationGetRelid(filter->rel), columns);
}

/*
 * The table to put an index on: for a partition, the partitioned table at the
 * top, whose numbers of the columns may differ.
 */
Oid
audit_index_owner(Oid relid, AuditColumns *columns)
{
	List	   *ancestors;
	Oid			top;

	if (!get_rel_relispartition(relid))
		return relid;
	ancestors = get_partition_ancestors(relid);
	if (ancestors == NIL)
		return relid;
	top = llast_oid(ancestors);
	for (int i = 0; i < columns->n; i++)
	{
		char	   *name = get_attname(relid, columns->attnum[i], true);
		AttrNumber	attnum = name == NULL ? InvalidAttrNumber : get_attnum(top, name);

		if (attnum == InvalidAttrNumber)
			return relid;
		columns->attnum[i] = attnum;
	}
	return top;
}
