/*
 * audit_unseen.c
 *		Rows that ANALYZE would have seen, had they been there: does what was read
 *		contradict the statistics of a column?
 *
 * ANALYZE looks at 300 rows for each value that it keeps. A value of which so
 * many rows are in a table that dozens are in every such sample is in the list of
 * common values then, with about the share it has, unless the list is full of
 * commoner ones; and rows beyond all values known are rarer than one in the sample.
 * What is otherwise came after ANALYZE, whatever was counted of changes.
 *
 * Values are compared by the condition's own operator, as the statement did.
 */
#include "audit/plan/audit_plan.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "utils/attoptcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define ROWS_A_VALUE 300		/* that ANALYZE looks at, for each it keeps */
#define SURE_BEYOND 20			/* rows in the sample: never seen by chance once in 10^8 times */
#define SURE 50					/* likewise, where shares are compared */
#define EQUAL_FACTOR 5			/* between the shares of one value */
#define OTHER_FACTOR 3			/* and between other shares */
#define WIDEST 1024				/* bytes of a value that ANALYZE keeps */

/* What the statistics know of the values for which a condition holds. */
typedef struct Known
{
	int			ncommon;		/* common values, */
	double		rarest;			/* share of the rarest */
	double		all_common;		/* and of all */
	double		common;			/* of those for which it holds */
	bool		is_common;		/* it holds for one at least */
	int			nbounds;		/* of the histogram, */
	int			met;			/* of these, it holds for */
	double		nulls;
} Known;

typedef struct Comparison
{
	FmgrInfo	function;
	Oid			collation;
	Datum		value;
} Comparison;

static bool
holds(Comparison *comparison, Datum known)
{
	return DatumGetBool(FunctionCall2Coll(&comparison->function, comparison->collation, known,
										  comparison->value));
}

static void
read_common(Known *known, HeapTuple statistics, Comparison *comparison)
{
	AttStatsSlot slot;

	if (!get_attstatsslot(&slot, statistics, STATISTIC_KIND_MCV, InvalidOid,
						  ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
		return;
	known->ncommon = Min(slot.nvalues, slot.nnumbers);
	for (int i = 0; i < known->ncommon; i++)
	{
		known->all_common += slot.numbers[i];
		known->rarest = slot.numbers[i];
		if (holds(comparison, slot.values[i]))
		{
			known->common += slot.numbers[i];
			known->is_common = true;
		}
	}
	free_attstatsslot(&slot);
}

static void
read_histogram(Known *known, HeapTuple statistics, Comparison *comparison)
{
	AttStatsSlot slot;

	if (!get_attstatsslot(&slot, statistics, STATISTIC_KIND_HISTOGRAM, InvalidOid,
						  ATTSTATSSLOT_VALUES))
		return;
	known->nbounds = slot.nvalues;
	for (int i = 0; i < slot.nvalues; i++)
		known->met += holds(comparison, slot.values[i]) ? 1 : 0;
	free_attstatsslot(&slot);
}

/* Does ANALYZE keep values of the type as of any other, and were none too wide? */
static bool
is_kept(Oid type, HeapTuple statistics)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Oid			analyze;

	if (!HeapTupleIsValid(tuple))
		return false;
	analyze = ((Form_pg_type) GETSTRUCT(tuple))->typanalyze;
	ReleaseSysCache(tuple);
	return (!OidIsValid(analyze) || analyze == F_ARRAY_TYPANALYZE) &&
		((Form_pg_statistic) GETSTRUCT(statistics))->stawidth < WIDEST / 2;
}

/* Has the number of values in the column been set by hand? */
static bool
values_are_set(Oid relid, AttrNumber attnum)
{
	const AttributeOpts *options = get_attribute_options(relid, attnum);

	return options != NULL && options->n_distinct != 0;
}

/* The largest share of the rows that the statistics leave to a range. */
static double
range_share(const Known *known)
{
	double		others = Max(1 - known->all_common - known->nulls, 0);

	if (known->met == 0)
		return known->common;
	return known->common + others * (known->met + 1) / Max(known->nbounds - 1, 1);
}

static bool
contradicts_range(const Known *known, double share, double sampled)
{
	double		most = range_share(known);

	if (known->ncommon == 0 && known->nbounds == 0)
		return false;
	if (most <= 0)
		return share * sampled >= SURE_BEYOND;
	return share * sampled >= SURE && share >= most * OTHER_FACTOR;
}

static bool
contradicts_equality(const Known *known, double share, double sampled, int target)
{
	if (share * sampled < SURE)
		return false;
	return known->is_common || known->ncommon < target || share >= known->rarest * OTHER_FACTOR;
}

/* Reads the statistics of a column by the condition; false where they say nothing of it. */
static bool
read_known(Relation rel, const AuditClause *clause, Datum value, Known *known)
{
	HeapTuple	statistics = SearchSysCache3(STATRELATTINH,
											 ObjectIdGetDatum(RelationGetRelid(rel)),
											 Int16GetDatum(clause->attnum), BoolGetDatum(false));
	Comparison	comparison;
	bool		kept;

	if (!HeapTupleIsValid(statistics))
		return false;
	memset(known, 0, sizeof(Known));
	kept = is_kept(clause->type, statistics);
	if (kept)
	{
		fmgr_info(get_opcode(clause->operator), &comparison.function);
		comparison.collation =
			TupleDescAttr(RelationGetDescr(rel), clause->attnum - 1)->attcollation;
		comparison.value = value;
		known->nulls = ((Form_pg_statistic) GETSTRUCT(statistics))->stanullfrac;
		read_common(known, statistics, &comparison);
		if (!clause->is_equality)
			read_histogram(known, statistics, &comparison);
	}
	ReleaseSysCache(statistics);
	return kept;
}

/*
 * A condition "column op value" holds for at least so many rows of the table: is
 * that what ANALYZE cannot have seen?
 */
bool
audit_statistics_contradict(Relation rel, const AuditClause *clause, ParamListInfo params,
							double rows)
{
	Oid			relid = RelationGetRelid(rel);
	int			target;
	double		share;
	double		sampled;
	Datum		value;
	bool		isnull;
	Known		known;

	if (clause->attnum == 0 || get_opcode(clause->operator) >= FirstGenbkiObjectId)
		return false;
	target = audit_statistics_target(relid, clause->attnum);
	share = Min(rows / Max(audit_rows_by_now(rel), 1), 1);
	sampled = Min((double) ROWS_A_VALUE * target, rel->rd_rel->reltuples);
	if (share * sampled < SURE_BEYOND || values_are_set(relid, clause->attnum) ||
		!audit_computed_value(clause->value, params, &value, &isnull) || isnull ||
		!read_known(rel, clause, value, &known))
		return false;
	if (clause->is_equality)
		return share >= EQUAL_FACTOR * audit_value_selectivity(rel, clause, value, false) &&
			contradicts_equality(&known, share, sampled, target);
	return contradicts_range(&known, share, sampled);
}
