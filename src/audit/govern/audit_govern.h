/*
 * audit_govern.h
 *		Who wants to hear of a finding at once, and who does not want to see it at all.
 *
 * Nothing here is asked before a rule has decided: comments are parsed, and the
 * table of suppressions read, only when there is something to say.
 */
#ifndef PURSER_AUDIT_GOVERN_H
#define PURSER_AUDIT_GOVERN_H

#include "audit/rules/audit_rules.h"

#include "miscadmin.h"

#pragma GCC visibility push(hidden)

/* A set of rules: a bit for each AuditRule. */
typedef uint64 AuditRuleSet;

#define AUDIT_ALL_RULES PG_UINT64_MAX
#define audit_rule_bit(rule) (UINT64CONST(1) << (rule))

/* ---- the settings audit_notice and audit_error: audit_policy.c ---- */

extern AuditRuleSet audit_notice_rules;
extern AuditRuleSet audit_error_rules;
extern bool audit_policy_set;	/* is a rule in either? */

extern void audit_policy_define(void);
extern AuditRuleSet audit_rules_named(const char *name);
extern char *audit_rule_names(void);
extern bool audit_policy_measures(void);

/*
 * May this session's statements be spoken of at all? Workers of all kinds have
 * no client. Asked for each statement.
 */
static inline bool
audit_policy_speaks(void)
{
	return unlikely(audit_policy_set) && MyBackendType == B_BACKEND;
}

/* ---- comments at the ends of a statement: audit_comment.c ---- */

typedef struct AuditText
{
	const char *start;
	int			len;
} AuditText;

extern AuditText audit_tail_comment(AuditText text);
extern bool audit_has_comment(AuditText text);
extern AuditRuleSet audit_comment_allows(AuditText text);
extern bool audit_comment_has_tag(AuditText text, const char *tag);

/* ---- the table suppressions, as this backend knows it: audit_suppressions.c ---- */

#define AUDIT_TEXTS 3			/* statement, parent, the client's own */

/* What a suppression may be for. */
typedef struct AuditMatter
{
	AuditRuleSet rules;			/* the rule, or several */
	uint64		queryid;
	Oid			userid;
	Oid			relid;
	int			ntexts;
	AuditText	texts[AUDIT_TEXTS];
} AuditMatter;

extern bool audit_suppressions_ready(bool wait);
extern bool audit_suppressions_by_tag(void);
extern bool audit_is_suppressed(const AuditMatter *matter);
extern AuditRuleSet audit_suppressed_by_tag(const AuditMatter *matter);

/* ---- is a finding wanted: audit_allow.c ---- */

extern bool audit_is_allowed(const AuditSighting *sighting);
extern List *audit_not_allowed(List *sightings);
extern bool audit_is_hidden(const AuditFinding *finding);
extern AuditRuleSet audit_allowed_rules(const AuditWatch *watch);

/* ---- to the client: audit_say.c ---- */

extern void audit_say_begin(void);
extern void audit_say(const AuditSighting *sighting);
extern void audit_say_end(void);

#pragma GCC visibility pop

#endif							/* PURSER_AUDIT_GOVERN_H */
