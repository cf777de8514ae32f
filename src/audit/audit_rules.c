/*
 * audit_rules.c
 *		The decisions of the audit, over numbers and nothing else.
 *
 * A finding needs to be selective (little is kept of what is read), large
 * (in rows) and recurring (more than one run).
 */
#include "audit.h"

#define KEPT_AT_MOST 0.1		/* of the rows read, for them to be wasted */
#define SMALL_TABLE 100			/* rows for each loop that an index cannot better */
#define FEW_ROWS 100			/* that a further key column need not spare */
#define DISTINCT_AT_LEAST 0.8	/* of an N+1's lookups */
#define FOUND_AT_LEAST 0.8		/* of the values looked up, in the parent's rows */

/* Does a whole query read much for little? */
bool
audit_rule_screen(int64 read, int64 returned, int64 min_rows)
{
	return read >= min_rows && (double) returned <= (double) read * KEPT_AT_MOST;
}

/* Does one filter throw away most of what its scan reads? Figures are of all loops. */
bool
audit_rule_filter(double scanned, double kept, double loops, int64 min_rows)
{
	return scanned - kept >= (double) min_rows && kept <= scanned * KEPT_AT_MOST &&
		scanned >= SMALL_TABLE * Max(loops, 1.0);
}

/* Do the columns so far, by the rows expected of them, do what the filter did? */
bool
audit_rule_enough(double expected, double kept)
{
	return expected <= Max(FEW_ROWS, kept * 2);
}

/* One run proves nothing; an N+1 has recurred by the time that it is found. */
bool
audit_rule_visible(AuditRule rule, int64 occurrences)
{
	return occurrences >= (rule == AUDIT_N_PLUS_ONE ? 1 : 2);
}

/* By the rows wasted in one occurrence. */
AuditSeverity
audit_rule_severity(AuditRule rule, int64 occurrences, int64 rows)
{
	double		each = (double) rows / (double) Max(occurrences, 1);
	double		medium = rule == AUDIT_N_PLUS_ONE ? 50 : 10000;

	if (each >= medium * 10)
		return AUDIT_HIGH;
	return each >= medium ? AUDIT_MEDIUM : AUDIT_LOW;
}

/*
 * Do so many lookups, with so many different values out of a parent's
 * result, make an N+1? More lookups than the parent had rows are something
 * else.
 */
bool
audit_rule_n_plus_one(int64 executions, int64 distinct, int64 parent_rows, int64 threshold)
{
	return executions >= threshold && executions <= parent_rows &&
		(double) distinct >= (double) executions * DISTINCT_AT_LEAST;
}

/*
 * Are the lookups for the parent's rows, or for values of all kinds, of which
 * some are the parent's by chance? Only the rows noted of a parent are known.
 */
bool
audit_rule_from_parent(int64 hits, int64 misses, int64 parent_rows, int64 noted)
{
	double		known = Min((double) noted / (double) Max(parent_rows, 1), 1.0);

	return (double) hits >= (double) (hits + misses) * known * FOUND_AT_LEAST;
}

const char *
audit_rule_name(AuditRule rule)
{
	switch (rule)
	{
		case AUDIT_MISSING_INDEX:
			return "missing_index";
		case AUDIT_UNBOUNDED_RESULT:
			return "unbounded_result";
		case AUDIT_DEEP_OFFSET:
			return "deep_offset";
		case AUDIT_N_PLUS_ONE:
			return "n_plus_one";
	}
	return NULL;
}

const char *
audit_severity_name(AuditSeverity severity)
{
	static const char *const names[] = {"low", "medium", "high"};

	return names[severity];
}
