/*
 * audit_rules.c
 *		The list of the rules, and what is decided alike for all.
 *
 * A finding needs to be selective (little is kept of what is read), large (in
 * rows) and recurring (more than one run).
 */
#include "audit/rules/audit_rules.h"

static const AuditRuleSpec *const specs[] = {
	[AUDIT_MISSING_INDEX] = &audit_spec_missing_index,
	[AUDIT_UNBOUNDED_RESULT] = &audit_spec_unbounded_result,
	[AUDIT_DEEP_OFFSET] = &audit_spec_deep_offset,
	[AUDIT_N_PLUS_ONE] = &audit_spec_n_plus_one,
	[AUDIT_WIDE_SELECT] = &audit_spec_wide_select,
	[AUDIT_UNREAD_ROWS] = &audit_spec_unread_rows,
	[AUDIT_EXACT_COUNT] = &audit_spec_exact_count,
	[AUDIT_REPEATED_QUERY] = &audit_spec_repeated_query,
	[AUDIT_ROW_BY_ROW_WRITE] = &audit_spec_row_by_row_write,
	[AUDIT_UNPARAMETERIZED] = &audit_spec_unparameterized,
	[AUDIT_DISCARDED_ROWS] = &audit_spec_discarded_rows,
	[AUDIT_JOIN_FANOUT] = &audit_spec_join_fanout,
	[AUDIT_STALE_STATISTICS] = &audit_spec_stale_statistics,
	[AUDIT_ROW_MISESTIMATE] = &audit_spec_row_misestimate,
	[AUDIT_DISK_SPILL] = &audit_spec_disk_spill,
	[AUDIT_NON_SARGABLE] = &audit_spec_non_sargable,
};

int
audit_nrules(void)
{
	return lengthof(specs);
}

/* A rule by its AuditRule, as keys of findings have it. */
const AuditRuleSpec *
audit_rule(int rule)
{
	return specs[rule];
}

int
audit_rule_count(void)
{
	return lengthof(specs);
}

/* Those that need a run to be measured, a bit for each. */
uint64
audit_measured_rules(void)
{
	uint64		rules = 0;

	for (int i = 0; i < (int) lengthof(specs); i++)
		rules |= specs[i]->measured ? UINT64CONST(1) << i : 0;
	return rules;
}

/* Did it recur? */
bool
audit_is_visible(const AuditFinding *finding)
{
	return finding->occurrences >= specs[finding->key.rule]->least;
}

/* By what one occurrence wastes: low, medium or high. */
const char *
audit_severity(const AuditFinding *finding)
{
	const AuditRuleSpec *spec = specs[finding->key.rule];
	double		each = spec->weight != NULL ? spec->weight(finding) :
		(double) finding->rows_read / (double) Max(finding->occurrences, 1);

	if (each >= spec->medium * 10)
		return "high";
	return each >= spec->medium ? "medium" : "low";
}

/* Has what the finding is about been mended since, as far as that can be known? */
bool
audit_finding_is_mended(const AuditFinding *finding)
{
	const AuditRuleSpec *spec = specs[finding->key.rule];

	if (spec->spared > 0 && finding->numbers[spec->spared] < 0)
		return true;
	return spec->is_mended != NULL && spec->is_mended(finding);
}

/* Does a whole query read much for little? */
bool
audit_rule_screen(int64 read, int64 returned)
{
	return read >= audit_min_rows && (double) returned <= (double) read * AUDIT_KEPT_AT_MOST;
}
