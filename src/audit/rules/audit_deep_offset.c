/*
 * audit_deep_offset.c
 *		deep_offset: OFFSET really skips many rows, page after page.
 */
#include "audit/rules/audit_rules.h"

#include "nodes/execnodes.h"

/* The rows that the OFFSET at the top of a plan really skipped. */
int64
audit_rows_skipped(const PlanState *top)
{
	const LimitState *limit = (const LimitState *) top;

	if (!IsA(top, LimitState) || limit->lstate == LIMIT_INITIAL)
		return 0;
	return Min(limit->offset, limit->position);
}

/* True if it is found: then the rows skipped are not held against the scan below it. */
bool
audit_judge_deep_offset(AuditWatch *watch)
{
	PlanState  *top = watch->desc->planstate;
	int64		skipped = audit_rows_skipped(top);
	int64		ignored;
	AuditSighting sighting;

	if (skipped < audit_deep_offset)
		return false;
	audit_sighting(watch, AUDIT_DEEP_OFFSET, &sighting);
	if (!audit_plan_order(top, watch->desc->plannedstmt->rtable, &sighting.relid,
						  &sighting.columns))
	{
		memset(&sighting.columns, 0, sizeof(AuditColumns));
		sighting.relid = audit_main_table(watch, &ignored);
	}
	if (!audit_is_user_table(watch, sighting.relid))
		return false;
	sighting.relid = audit_index_owner(sighting.relid, &sighting.columns);
	sighting.numbers[0] = (double) skipped;
	sighting.numbers[1] = (double) watch->rows_returned;
	audit_sighting_waste(&sighting, watch, (double) skipped,
						 (double) (skipped + watch->rows_returned));
	audit_find(&sighting);
	audit_board_convict(watch, true);
	return true;
}

/* ---- its words ---- */

/* A row comparison goes one way for all of its columns. */
static bool
one_direction(const AuditColumns *columns)
{
	for (int i = 1; i < columns->n; i++)
	{
		if (columns->descending[i] != columns->descending[0])
			return false;
	}
	return columns->n > 0;
}

static void
suggest(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	appendStringInfoString(out, "Instead of OFFSET, start each page after the last row of the page "
						   "before");
	if (!one_direction(&finding->columns))
	{
		appendStringInfoString(out, ", by its values of the ORDER BY columns.");
		return;
	}
	appendStringInfoString(out, ", by columns that are unique together: WHERE (");
	audit_append_columns(out, finding, names, false);
	appendStringInfo(out, ") %s (", finding->columns.descending[0] ? "<" : ">");
	for (int i = 0; i < finding->columns.n; i++)
		appendStringInfo(out, "%s$%d", i > 0 ? ", " : "", i + 1);
	appendStringInfoString(out, ") ORDER BY ");
	audit_append_columns(out, finding, names, true);
	appendStringInfo(out, " LIMIT n");
}

const AuditRuleSpec audit_spec_deep_offset = {
	.name = "deep_offset",
	.least = 2,
	.medium = 10000,
	.numbers = {"rows_skipped", "rows_returned"},
	.suggest = suggest
};
