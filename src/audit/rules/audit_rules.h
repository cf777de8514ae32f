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
#include "audit/whatif/audit_what_if.h"

#include "lib/stringinfo.h"

#pragma GCC visibility push(hidden)

/* Of the rows read, for the others to be wasted. */
#define AUDIT_KEPT_AT_MOST 0.1

/* ---- names of what a finding is about: audit_names.c ---- */

typedef struct AuditNames
{
	char	   *table;			/* with its schema, quoted */
	char	   *column[AUDIT_MAX_COLUMNS];	/* as they are */
} AuditNames;

extern char *audit_relation_name(Oid relid);
extern bool audit_names(const AuditFinding *finding, AuditNames *names);
extern void audit_keep_on_line(StringInfo out, int start);
extern void audit_append_columns(StringInfo out, const AuditFinding *finding,
								 const AuditNames *names, bool with_order);

/* ---- all of them: audit_rules.c ---- */

typedef struct AuditRuleSpec
{
	const char *name;
	AuditCause	cause;			/* that has its runs measured, when the rule needs that */
	int			least;			/* occurrences before a finding is shown */
	bool		measured;		/* needs rows of plan nodes */
	double		medium;			/* wasted by one occurrence, for more than low severity */
	double		(*weight) (const AuditFinding *finding);	/* that; NULL: the rows read */
	bool		by_table;		/* one finding for a table, whatever the columns */
	const char *numbers[AUDIT_NUMBERS]; /* names of the figures of evidence; NULL: not used */
	void		(*add_evidence) (StringInfo out, const AuditFinding *finding,
								 const AuditNames *names);	/* more of it; NULL: none */
	int			spared;			/* the figure, not shown, that was 0 and is negative once a later
								 * run as large was without; 0: no such */
	bool		(*is_mended) (const AuditFinding *finding); /* NULL: cannot be known */
	void		(*suggest) (StringInfo out, const AuditFinding *finding, const AuditNames *names);
	bool		suggests_text;	/* of the query, so for its readers only */
} AuditRuleSpec;

extern int	audit_nrules(void);
extern const AuditRuleSpec *audit_rule(int rule);
extern int	audit_rule_count(void);
extern uint64 audit_measured_rules(void);
extern bool audit_is_visible(const AuditFinding *finding);
extern const char *audit_severity(const AuditFinding *finding);
extern bool audit_rule_screen(int64 read, int64 returned);
extern bool audit_finding_is_mended(const AuditFinding *finding);

/* ---- what is proven by planning again: audit_prove.c ---- */

typedef enum AuditRemedy
{
	AUDIT_REMEDY_UNKNOWN,		/* the planner was not asked */
	AUDIT_REMEDY_AS_BEFORE,		/* it was, in an earlier run */
	AUDIT_REMEDY_REFUSED,
	AUDIT_REMEDY_TAKEN,
} AuditRemedy;

typedef struct AuditSuspect
{
	AuditSighting sighting;
	AuditHypothesis hypothesis; /* the index that would mend it */
	const AuditWrapped *remedy; /* what it serves, of one that is found in any case; and */
	AuditRemedy outcome;		/* what the planner said */
} AuditSuspect;

extern List *audit_prove(AuditWatch *watch);

/* ---- each, in its own file ---- */

extern void audit_hypothesize(AuditHypothesis *hypothesis, const AuditWrapped *wrapped,
							  Oid origin, Oid owner);
extern void audit_set_expression(AuditSighting *sighting, const AuditHypothesis *hypothesis);
extern void audit_suggest_trigrams(StringInfo out, const AuditNames *names, const char *key);

extern const AuditRuleSpec audit_spec_missing_index;
extern const AuditRuleSpec audit_spec_unbounded_result;
extern const AuditRuleSpec audit_spec_deep_offset;
extern const AuditRuleSpec audit_spec_n_plus_one;
extern const AuditRuleSpec audit_spec_wide_select;
extern const AuditRuleSpec audit_spec_unread_rows;
extern const AuditRuleSpec audit_spec_exact_count;
extern const AuditRuleSpec audit_spec_repeated_query;
extern const AuditRuleSpec audit_spec_row_by_row_write;
extern const AuditRuleSpec audit_spec_unparameterized;
extern const AuditRuleSpec audit_spec_discarded_rows;
extern const AuditRuleSpec audit_spec_join_fanout;
extern const AuditRuleSpec audit_spec_stale_statistics;
extern const AuditRuleSpec audit_spec_row_misestimate;
extern const AuditRuleSpec audit_spec_disk_spill;

extern List *audit_suspect_discarded_rows(const AuditWatch *watch);
extern List *audit_measure_discarded_rows(AuditWatch *watch);
extern bool audit_suspect_join_fanout(const AuditWatch *watch);
extern List *audit_measure_join_fanout(const AuditWatch *watch);
extern bool audit_suspect_row_misestimate(const AuditWatch *watch);
extern List *audit_measure_row_misestimate(const AuditWatch *watch);
extern List *audit_measure_disk_spill(const AuditWatch *watch, bool misestimated);

/* ---- one finding for one cause: audit_precedence.c ---- */

extern bool audit_is_overruled(const AuditSighting *sighting, const List *sightings);
extern List *audit_one_for_each_cause(List *sightings);
extern bool audit_yields(const AuditFinding *finding, const AuditFinding *other);
extern const AuditRuleSpec audit_spec_non_sargable;

extern List *audit_suspect_missing_index(const AuditWatch *watch);
extern List *audit_suspect_non_sargable(const AuditWatch *watch);
extern void audit_judge_unbounded_result(const AuditWatch *watch);
extern bool audit_judge_deep_offset(AuditWatch *watch);
extern void audit_judge_wide_select(AuditWatch *watch);
extern bool audit_judge_unread_rows(AuditWatch *watch);
extern bool audit_judge_exact_count(AuditWatch *watch);
extern int64 audit_rows_skipped(const PlanState *top);

/* Rules about what a session does; see session/audit_session.h. */
struct AuditChild;

extern bool audit_is_n_plus_one(int64 executions, int64 distinct);
extern void audit_judge_n_plus_one(struct AuditChild *child, const AuditWatch *watch);
extern void audit_n_plus_one_publish(struct AuditChild *child, const AuditWatch *watch);
extern void audit_n_plus_one_publish_all(void);
extern void audit_n_plus_one_numbers(double *numbers, int64 parent_rows, int64 executions,
									 int64 distinct);

extern void audit_judge_repeated_query(const AuditWatch *watch);
extern void audit_repeated_query_publish(void);
extern void audit_repeated_query_forget(void);

extern bool audit_row_by_row_goes_on;
extern void audit_row_by_row_interrupt(void);
extern void audit_judge_row_by_row_write(const AuditWatch *watch);
extern bool audit_row_by_row_target(const PlannedStmt *stmt, Oid *relid, int *kind);
extern void audit_row_by_row_numbers(double *numbers, int64 executions, int64 transactions,
									 int kind);
extern void audit_row_by_row_publish(void);
extern void audit_row_by_row_forget(void);

extern void audit_judge_unparameterized(const AuditWatch *watch);
extern void audit_unparameterized_forget(void);

#pragma GCC visibility pop

#endif							/* PURSER_AUDIT_RULES_H */
