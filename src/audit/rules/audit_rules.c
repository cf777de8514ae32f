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

/* Does a whole query read much for little? */
bool
audit_rule_screen(int64 read, int64 returned)
{
	return read >= audit_min_rows && (double) returned <= (double) read * AUDIT_KEPT_AT_MOST;
}
