/*
 * audit_unbounded_result.c
 *		unbounded_result: a SELECT sends many rows, and nothing but the size of its
 *		tables bounds them.
 *
 * That is so when most of a table is sent; or when a part of it is, and both
 * have grown since the query was first seen. A part that stays as it is may be
 * one of the batches that somebody goes through a table by, or a list that does
 * not grow: it is noted, as a finding that has not occurred yet.
 */
#include "audit/rules/audit_rules.h"

#define MOST 0.5				/* of a table */
#define GROWN 1.2				/* times what was there when the query was first seen */

enum
{
	ROWS,
	ROW_BYTES,
	TABLE_ROWS,
	FIRST_ROWS,
	FIRST_TABLE_ROWS,
};

/* Have table and result grown since the first time? Keeps in mind what was then. */
static bool
has_grown(AuditSighting *sighting)
{
	double	   *now = sighting->numbers;
	double		before[AUDIT_NUMBERS];

	if (!audit_find_numbers(sighting, before))
		memcpy(before, now, sizeof(before));
	now[FIRST_ROWS] = before[FIRST_ROWS];
	now[FIRST_TABLE_ROWS] = before[FIRST_TABLE_ROWS];
	return now[ROWS] >= now[FIRST_ROWS] * GROWN &&
		now[TABLE_ROWS] >= now[FIRST_TABLE_ROWS] * GROWN;
}

/* Rows of the table; what was read of it where nobody has counted them. */
static double
rows_of(const AuditSource *source)
{
	double		rows = audit_table_rows(source->owner);

	return rows >= 0 ? rows : (double) source->rows;
}

static double
bytes_of_row(const AuditWatch *watch)
{
	return watch->sizes != NULL ? audit_sizes_of_row(watch->sizes) :
		(double) watch->desc->plannedstmt->planTree->plan_width;
}

void
audit_judge_unbounded_result(const AuditWatch *watch)
{
	double		rows = (double) watch->rows_returned;
	AuditSighting sighting;
	AuditSource source;

	if (watch->rows_returned < audit_unbounded_rows ||
		audit_plan_is_bounded(watch->desc->plannedstmt->planTree))
		return;
	/* Rows out of a function or a product of small tables say nothing of a table's size. */
	source = audit_largest_source(watch);
	if (source.rows < watch->rows_returned / 2 || !audit_is_user_table(watch, source.table))
		return;
	audit_sighting(watch, AUDIT_UNBOUNDED_RESULT, &sighting);
	sighting.relid = source.owner;
	sighting.numbers[ROWS] = sighting.numbers[FIRST_ROWS] = rows;
	sighting.numbers[ROW_BYTES] = bytes_of_row(watch);
	sighting.numbers[TABLE_ROWS] = sighting.numbers[FIRST_TABLE_ROWS] = rows_of(&source);
	sighting.bytes = (int64) (rows * sighting.numbers[ROW_BYTES]);
	if (!has_grown(&sighting) && rows < sighting.numbers[TABLE_ROWS] * MOST)
		sighting.occurrences = sighting.rows_read = sighting.rows_returned = sighting.bytes = 0;
	sighting.silent = audit_is_overruled(&sighting, watch->proven);
	audit_find(&sighting);
}

/* ---- its words ---- */

static double
weight(const AuditFinding *finding)
{
	return (double) finding->rows_returned / (double) Max(finding->occurrences, 1);
}

static void
suggest(StringInfo out, const AuditFinding *finding pg_attribute_unused(),
		const AuditNames *names)
{
	appendStringInfo(out, "Add a LIMIT, or read %s in batches with a cursor.", names->table);
}

const AuditRuleSpec audit_spec_unbounded_result = {
	.name = "unbounded_result",
	.least = 2,
	.medium = 10000,
	.weight = weight,
	.numbers = {"rows", "row_bytes", "table_rows", "first_rows", "first_table_rows"},
	.suggest = suggest
};
