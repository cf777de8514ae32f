/*
 * audit_stale_statistics.c
 *		stale_statistics: rows were misestimated, and ANALYZE has not seen what is there.
 *		Raised by audit_row_misestimate.c.
 */
#include "audit/rules/audit_rules.h"

#define VERSION 4				/* of the statistics; a figure that is not shown */

/* Has ANALYZE seen the table since? */
static bool
is_mended(const AuditFinding *finding)
{
	return !audit_statistics_are_missing(finding->key.relid, &finding->columns) &&
		audit_statistics_version(finding->key.relid, &finding->columns) !=
		finding->numbers[VERSION];
}

static double
weight(const AuditFinding *finding)
{
	return finding->numbers[1];
}

static void
suggest(StringInfo out, const AuditFinding *finding pg_attribute_unused(),
		const AuditNames *names)
{
	appendStringInfo(out, "ANALYZE %s", names->table);
}

const AuditRuleSpec audit_spec_stale_statistics = {
	.name = "stale_statistics",
	.measured = true,
	.cause = AUDIT_CAUSE_ESTIMATE,
	.least = 2,
	.medium = 10000,
	.weight = weight,
	.numbers = {"rows_estimated", "rows_actual", "loops"},
	.is_mended = is_mended,
	.suggest = suggest
};
