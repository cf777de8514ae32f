/*
 * audit_rules.h
 *		The rules: what each is called, when it sees an execution, and its words.
 *
 * A rule is one file of this room: the function that decides, and an
 * AuditRuleSpec with all that others have to know about it. audit_rules.c lists
 * them; audit_judge.c says when each sees an execution.
 */
#ifndef PURSER_AUDIT_RULES_H
#define PURSER_AUDIT_RULES_H

#include "audit/plan/audit_plan.h"
#include "audit/store/audit_store.h"

#include "lib/stringinfo.h"

/* Of the rows read, for the others to be wasted. */
#define AUDIT_KEPT_AT_MOST 0.1

/* ---- names of what a finding is about: audit_names.c ---- */

typedef struct AuditNames
{
	char	   *table;			/* with its schema, quoted */
	char	   *column[AUDIT_MAX_COLUMNS];	/* as they are */
} AuditNames;

extern bool audit_names(const AuditFinding *finding, AuditNames *names);
extern void audit_append_columns(StringInfo out, const AuditFinding *finding,
								 const AuditNames *names, bool with_order);

/* ---- all of them: audit_rules.c ---- */

typedef struct AuditRuleSpec
{
	const char *name;
	int			least;			/* occurrences before a finding is shown */
	double		medium;			/* wasted by one occurrence, for more than low severity */
	double		(*weight) (const AuditFinding *finding);	/* that; NULL: the rows read */
	const char *numbers[AUDIT_NUMBERS]; /* names of the figures of evidence; NULL: not used */
	bool		(*is_mended) (const AuditFinding *finding); /* NULL: cannot be known */
	void		(*suggest) (StringInfo out, const AuditFinding *finding, const AuditNames *names);
} AuditRuleSpec;

extern int	audit_nrules(void);
extern const AuditRuleSpec *audit_rule(int rule);
extern bool audit_is_visible(const AuditFinding *finding);
extern const char *audit_severity(const AuditFinding *finding);
extern bool audit_rule_screen(int64 read, int64 returned);

/* ---- each, in its own file ---- */

extern const AuditRuleSpec audit_spec_missing_index;
extern const AuditRuleSpec audit_spec_unbounded_result;
extern const AuditRuleSpec audit_spec_deep_offset;
extern const AuditRuleSpec audit_spec_n_plus_one;

extern List *audit_measure_missing_index(const AuditWatch *watch);
extern void audit_judge_unbounded_result(const AuditWatch *watch);
extern bool audit_judge_deep_offset(AuditWatch *watch);
extern int64 audit_rows_skipped(const PlanState *top);

extern AuditRowHashes *audit_n_plus_one_scratch(void);
extern void audit_n_plus_one_statement(AuditWatch *watch);
extern void audit_n_plus_one_publish(void);
extern void audit_n_plus_one_forget(void);

#endif							/* PURSER_AUDIT_RULES_H */
