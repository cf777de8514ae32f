/*
 * audit_unread_rows.c
 *		unread_rows: a client reads the first rows of a cursor or portal and drops
 *		it, after the server has sorted or hashed many for it.
 *
 * The server has been told no limit, so that it made all rows ready, by a plan
 * for all of them.
 */
#include "audit/rules/audit_rules.h"

enum
{
	ROWS_READ,
	ROWS_LEFT,
	ESTIMATED,
};

/* An estimate does not take the place of what was counted before. */
static void
keep_counted(AuditSighting *sighting)
{
	double		before[AUDIT_NUMBERS];

	if (sighting->numbers[ESTIMATED] != 0 && audit_find_numbers(sighting, before) &&
		before[ESTIMATED] == 0)
		memcpy(sighting->numbers, before, sizeof(before));
}

/* True if it is found: then the rows left are not held against the scan below. */
bool
audit_judge_unread_rows(AuditWatch *watch)
{
	AuditMade	made;
	AuditSource source;
	AuditSighting sighting;
	double		left;

	if (!watch->paged || watch->at_end || !audit_plan_made(watch->desc->planstate, &made))
		return false;
	left = made.rows - (double) watch->rows_returned;
	if (left < (double) audit_unread_rows || made.worked < (double) audit_unread_rows ||
		(double) watch->rows_returned > made.rows * AUDIT_KEPT_AT_MOST)
		return false;
	source = audit_largest_source(watch);
	if (!audit_is_user_table(watch, source.table))
		return false;
	audit_sighting(watch, AUDIT_UNREAD_ROWS, &sighting);
	sighting.relid = source.owner;
	sighting.numbers[ROWS_READ] = (double) watch->rows_returned;
	sighting.numbers[ROWS_LEFT] = left;
	sighting.numbers[ESTIMATED] = made.counted ? 0 : 1;
	keep_counted(&sighting);
	audit_sighting_waste(&sighting, watch, left, made.rows);
	audit_find(&sighting);
	audit_board_keep(watch);
	return true;
}

/* ---- its words ---- */

static double
weight(const AuditFinding *finding)
{
	return finding->numbers[ROWS_LEFT];
}

static void
suggest(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	appendStringInfo(out, "Say how many rows of %s are needed: add LIMIT %.0f, or as many as the "
					 "client reads at most, so that the server need not make the others.",
					 names->table, Max(finding->numbers[ROWS_READ], 1.0));
}

const AuditRuleSpec audit_spec_unread_rows = {
	.name = "unread_rows",
	.least = 2,
	.medium = 100000,
	.weight = weight,
	.numbers = {"rows_read", "rows_left", "estimated"},
	.suggest = suggest
};
