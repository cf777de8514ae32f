/*
 * audit_discarded_rows.c
 *		discarded_rows: a query reads far more than it keeps, where no index on columns
 *		would have spared it.
 */
#include "audit/rules/audit_rules.h"

#include "catalog/pg_collation_d.h"
#include "catalog/pg_operator_d.h"
#include "utils/builtins.h"

#define FEWEST_DISCARDED 100	/* by a partition's scan, for it to be looked at */
#define SMALL_TABLE 100			/* rows for each loop that nothing can better */
#define KIND 3					/* of the figures of evidence: not shown */

/* The sighting for a table; what its partitions threw away adds up. */
static AuditSighting *
sighting_for(List **sightings, const AuditWatch *watch, const AuditDiscard *discard)
{
	AuditColumns columns = discard->columns;
	Oid			owner = audit_index_owner(RelationGetRelid(discard->rel), &columns);
	AuditSighting *sighting;
	ListCell   *cell;

	foreach(cell, *sightings)
	{
		sighting = lfirst(cell);
		if (sighting->relid == owner)
			return sighting->numbers[KIND] == discard->kind ? sighting : NULL;
	}
	sighting = palloc(sizeof(AuditSighting));
	audit_sighting(watch, AUDIT_DISCARDED_ROWS, sighting);
	sighting->relid = owner;
	sighting->columns = columns;
	sighting->numbers[KIND] = discard->kind;
	*sightings = lappend(*sightings, sighting);
	return sighting;
}

static bool
is_wasteful(const AuditSighting *sighting)
{
	double		scanned = sighting->numbers[0];
	double		kept = sighting->numbers[1];

	return scanned - kept >= (double) audit_min_rows && kept <= scanned * AUDIT_KEPT_AT_MOST &&
		scanned >= SMALL_TABLE * Max(sighting->numbers[2], 1.0);
}

/* A run that was measured: an AuditSighting for each table whose rows it threw away. */
List *
audit_measure_discarded_rows(const AuditWatch *watch)
{
	List	   *sightings = NIL;
	List	   *proven = NIL;
	ListCell   *cell;

	foreach(cell, audit_plan_discards(watch->desc->planstate))
	{
		const AuditDiscard *discard = lfirst(cell);
		AuditSighting *sighting;

		if (discard->scanned - discard->kept < FEWEST_DISCARDED ||
			!audit_is_user_table(watch, RelationGetRelid(discard->rel)))
			continue;
		sighting = sighting_for(&sightings, watch, discard);
		if (sighting == NULL)
			continue;
		sighting->numbers[0] += discard->scanned;
		sighting->numbers[1] += discard->kept;
		sighting->numbers[2] += discard->loops;
	}
	foreach(cell, sightings)
	{
		AuditSighting *sighting = lfirst(cell);

		if (!is_wasteful(sighting))
			continue;
		audit_sighting_waste(sighting, watch, sighting->numbers[0] - sighting->numbers[1],
							 (double) sighting->rows_read);
		sighting->rows_read = (int64) sighting->numbers[0];
		proven = lappend(proven, sighting);
	}
	return proven;
}

/* ---- its words ---- */

/* Does an index begin with the column and know the operator? */
static bool
is_indexed(Oid relid, AttrNumber attnum, Oid operator)
{
	AuditColumns column = {.n = 1, .attnum = {attnum}, .operator = {operator}};

	return audit_index_exists(relid, &column);
}

static bool
prefix_is_indexed(Oid relid, AttrNumber attnum)
{
	return is_indexed(relid, attnum, TextPatternGreaterEqualOperator) ||
		is_indexed(relid, attnum, BpcharPatternGreaterEqualOperator) ||
		audit_collation_is_indexed(relid, attnum, C_COLLATION_OID);
}

/* Are the suggested indexes there by now? What is no index cannot be known. */
static bool
is_mended(const AuditFinding *finding)
{
	AuditDiscardKind kind = (AuditDiscardKind) finding->numbers[KIND];

	if (kind != AUDIT_DISCARD_ALTERNATIVES && kind != AUDIT_DISCARD_PATTERN &&
		kind != AUDIT_DISCARD_PREFIX && kind != AUDIT_DISCARD_CONTAINS)
		return false;
	for (int i = 0; i < finding->columns.n; i++)
	{
		if (!is_indexed(finding->key.relid, finding->columns.attnum[i],
						finding->columns.operator[i]) &&
			(kind != AUDIT_DISCARD_PREFIX ||
			 !prefix_is_indexed(finding->key.relid, finding->columns.attnum[i])))
			return false;
	}
	return finding->columns.n > 0;
}

/* An index on each column, for what they say. */
static void
suggest_indexes(StringInfo out, const AuditFinding *finding, const AuditNames *names,
				const char *using, const char *opclass)
{
	for (int i = 0; i < finding->columns.n; i++)
		appendStringInfo(out, "%sCREATE INDEX ON %s%s (%s%s)", i > 0 ? "; " : "",
						 names->table, using, quote_identifier(names->column[i]), opclass);
}

static void
suggest(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	AuditDiscardKind kind = (AuditDiscardKind) finding->numbers[KIND];

	if (finding->columns.n == 0 && kind < AUDIT_DISCARD_JOIN)
		kind = AUDIT_DISCARD_CONDITION;
	switch (kind)
	{
		case AUDIT_DISCARD_EXPRESSION:
			appendStringInfoString(out, "Compare the column itself, or create an index on the "
								   "expression that the condition makes of ");
			audit_append_columns(out, finding, names, false);
			break;
		case AUDIT_DISCARD_ALTERNATIVES:
			suggest_indexes(out, finding, names, "", "");
			break;
		case AUDIT_DISCARD_PATTERN:
			appendStringInfoString(out, "CREATE EXTENSION IF NOT EXISTS pg_trgm; ");
			suggest_indexes(out, finding, names, " USING gin", " gin_trgm_ops");
			break;
		case AUDIT_DISCARD_PREFIX:
			suggest_indexes(out, finding, names, "", " text_pattern_ops");
			break;
		case AUDIT_DISCARD_CONTAINS:
			suggest_indexes(out, finding, names, " USING gin", "");
			break;
		case AUDIT_DISCARD_JOIN:
			appendStringInfo(out, "Join %s by columns that are equal, or put a narrower "
							 "condition on it.", names->table);
			break;
		case AUDIT_DISCARD_GROUPS:
			appendStringInfo(out, "Put conditions on rows of %s before they are grouped, or keep "
							 "the groups' figures in a table.", names->table);
			break;
		case AUDIT_DISCARD_DUPLICATES:
			appendStringInfo(out, "Read the distinct values from a table of their own rather than "
							 "out of all rows of %s.", names->table);
			break;
		case AUDIT_DISCARD_CONDITION:
			appendStringInfo(out, "If the condition is always the same: CREATE INDEX ON %s (...) "
							 "WHERE the condition.", names->table);
			break;
	}
}

const AuditRuleSpec audit_spec_discarded_rows = {
	.name = "discarded_rows",
	.measured = true,
	.cause = AUDIT_CAUSE_WASTE,
	.least = 2,
	.medium = 10000,
	.numbers = {"rows_scanned", "rows_kept", "loops"},
	.is_mended = is_mended,
	.suggest = suggest
};
