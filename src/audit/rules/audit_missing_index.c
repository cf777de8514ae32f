/*
 * audit_missing_index.c
 *		missing_index: a scan's filter throws away what an index would have spared.
 */
#include "audit/rules/audit_rules.h"

#include "catalog/pg_am_d.h"

#define MAX_FILTERS 1000		/* looked at in one plan */
#define FEWEST_DISCARDED 100	/* by a partition's scan, for it to be looked at */
#define SMALL_TABLE 100			/* rows for each loop that an index cannot better */

static AuditSuspect *
same_advice(List *suspects, Oid relid, const AuditColumns *columns)
{
	ListCell   *cell;

	foreach(cell, suspects)
	{
		AuditSuspect *suspect = lfirst(cell);
		const AuditSighting *sighting = &suspect->sighting;

		if (sighting->relid == relid &&
			sighting->columns.n == columns->n &&
			memcmp(sighting->columns.attnum, columns->attnum, sizeof(columns->attnum)) == 0)
			return suspect;
	}
	return NULL;
}

static AuditSuspect *
new_suspect(const AuditWatch *watch, Oid owner, const AuditColumns *columns)
{
	AuditSuspect *suspect = palloc0(sizeof(AuditSuspect));

	audit_sighting(watch, AUDIT_MISSING_INDEX, &suspect->sighting);
	suspect->sighting.relid = owner;
	suspect->sighting.columns = *columns;
	suspect->hypothesis.origin = owner;
	suspect->hypothesis.owner = owner;
	suspect->hypothesis.n = columns->n;
	suspect->hypothesis.method = BTREE_AM_OID;
	suspect->hypothesis.evident = true;
	memcpy(suspect->hypothesis.attnum, columns->attnum, sizeof(columns->attnum));
	return suspect;
}

/* What filters threw away, by the index that would have spared it: partitions add up. */
static List *
advice_of(const AuditWatch *watch)
{
	List	   *suspects = NIL;
	int			looked_at = 0;
	ListCell   *cell;

	foreach(cell, audit_plan_filters(watch->desc->planstate))
	{
		const AuditFilter *filter = lfirst(cell);
		AuditSuspect *suspect;
		AuditColumns columns;
		Oid			owner;

		if (filter->scanned - filter->kept < FEWEST_DISCARDED || looked_at++ > MAX_FILTERS ||
			!audit_index_advice(filter, watch->desc->params, &columns))
			continue;
		owner = audit_index_owner(RelationGetRelid(filter->rel), &columns);
		suspect = same_advice(suspects, owner, &columns);
		if (suspect == NULL)
		{
			suspect = new_suspect(watch, owner, &columns);
			suspects = lappend(suspects, suspect);
		}
		suspect->sighting.numbers[0] += filter->scanned;
		suspect->sighting.numbers[1] += filter->kept;
		suspect->sighting.numbers[2] += filter->loops;
	}
	return suspects;
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

/* A run that was measured: an AuditSuspect for each index that seems to be missing. */
List *
audit_suspect_missing_index(const AuditWatch *watch)
{
	List	   *wasteful = NIL;
	ListCell   *cell;

	foreach(cell, advice_of(watch))
	{
		AuditSuspect *suspect = lfirst(cell);
		AuditSighting *sighting = &suspect->sighting;
		double		scanned = sighting->numbers[0];

		if (!is_wasteful(sighting))
			continue;
		audit_sighting_waste(sighting, watch, scanned - sighting->numbers[1],
							 (double) sighting->rows_read);
		sighting->rows_read = (int64) scanned;
		wasteful = lappend(wasteful, suspect);
	}
	return wasteful;
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
	.numbers = {"rows_scanned", "rows_kept", "loops", "cost_before", "cost_after"},
	.is_mended = is_mended,
	.suggest = suggest
};
