/*
 * audit_missing_index.c
 *		missing_index: a scan's filter throws away what an index would have spared.
 */
#include "audit/rules/audit_rules.h"

#define MAX_FILTERS 1000		/* looked at in one plan */
#define FEWEST_DISCARDED 100	/* by a partition's scan, for it to be looked at */
#define SMALL_TABLE 100			/* rows for each loop that an index cannot better */

static AuditSighting *
same_advice(List *sightings, Oid relid, const AuditColumns *columns)
{
	ListCell   *cell;

	foreach(cell, sightings)
	{
		AuditSighting *sighting = lfirst(cell);

		if (sighting->relid == relid &&
			sighting->columns.n == columns->n &&
			memcmp(sighting->columns.attnum, columns->attnum, sizeof(columns->attnum)) == 0)
			return sighting;
	}
	return NULL;
}

/* What filters threw away, by the index that would have spared it: partitions add up. */
static List *
advice_of(const AuditWatch *watch)
{
	List	   *sightings = NIL;
	int			looked_at = 0;
	ListCell   *cell;

	foreach(cell, audit_plan_filters(watch->desc->planstate))
	{
		const AuditFilter *filter = lfirst(cell);
		AuditSighting *sighting;
		AuditColumns columns;
		Oid			owner;

		if (filter->scanned - filter->kept < FEWEST_DISCARDED || looked_at++ > MAX_FILTERS ||
			!audit_index_advice(filter, &columns))
			continue;
		owner = audit_index_owner(RelationGetRelid(filter->rel), &columns);
		sighting = same_advice(sightings, owner, &columns);
		if (sighting == NULL)
		{
			sighting = palloc(sizeof(AuditSighting));
			audit_sighting(watch, AUDIT_MISSING_INDEX, sighting);
			sighting->relid = owner;
			sighting->columns = columns;
			sightings = lappend(sightings, sighting);
		}
		sighting->numbers[0] += filter->scanned;
		sighting->numbers[1] += filter->kept;
		sighting->numbers[2] += filter->loops;
	}
	return sightings;
}

/* Does one filter throw away most of what its scan reads? */
static bool
is_wasteful(const AuditSighting *sighting)
{
	double		scanned = sighting->numbers[0];
	double		kept = sighting->numbers[1];

	return scanned - kept >= (double) audit_min_rows && kept <= scanned * AUDIT_KEPT_AT_MOST &&
		scanned >= SMALL_TABLE * Max(sighting->numbers[2], 1.0);
}

/* A run that was measured: an AuditSighting for each index that it proves missing. */
List *
audit_measure_missing_index(const AuditWatch *watch)
{
	List	   *proven = NIL;
	ListCell   *cell;

	foreach(cell, advice_of(watch))
	{
		AuditSighting *sighting = lfirst(cell);
		double		scanned = sighting->numbers[0];

		if (!is_wasteful(sighting))
			continue;
		audit_sighting_waste(sighting, watch, scanned - sighting->numbers[1],
							 (double) sighting->rows_read);
		sighting->rows_read = (int64) scanned;
		proven = lappend(proven, sighting);
	}
	return proven;
}

/* ---- its words ---- */

/* Is the index there by now? */
static bool
is_mended(const AuditFinding *finding)
{
	return audit_index_exists(finding->key.relid, &finding->columns);
}

static void
suggest(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	appendStringInfo(out, "CREATE INDEX ON %s (", names->table);
	audit_append_columns(out, finding, names, false);
	appendStringInfoChar(out, ')');
}

const AuditRuleSpec audit_spec_missing_index = {
	.name = "missing_index",
	.least = 2,
	.measured = true,
	.medium = 10000,
	.numbers = {"rows_scanned", "rows_kept", "loops"},
	.is_mended = is_mended,
	.suggest = suggest
};
