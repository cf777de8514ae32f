/*
 * audit_unbounded_result.c
 *		unbounded_result: a SELECT sends many rows, and nothing but the size of its
 *		tables bounds them.
 */
#include "audit/rules/audit_rules.h"

void
audit_judge_unbounded_result(const AuditWatch *watch)
{
	const Plan *plan = watch->desc->plannedstmt->planTree;
	AuditSighting sighting;
	AuditSource source;

	if (watch->rows_returned < audit_unbounded_rows || audit_plan_is_bounded(plan))
		return;
	/* Rows out of a function or a product of small tables say nothing of a table's size. */
	source = audit_largest_source(watch);
	if (source.rows < watch->rows_returned / 2 || !audit_is_user_table(watch, source.table))
		return;
	audit_sighting(watch, AUDIT_UNBOUNDED_RESULT, &sighting);
	sighting.relid = source.owner;
	sighting.bytes = watch->rows_returned * plan->plan_width;
	sighting.numbers[0] = (double) watch->rows_returned;
	sighting.numbers[1] = (double) plan->plan_width;
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
	.numbers = {"rows", "row_bytes"},
	.suggest = suggest
};
