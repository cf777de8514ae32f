/*
 * audit_policy.c
 *		The settings audit_notice and audit_error: which rules speak, which fail a
 *		statement.
 */
#include "audit/govern/audit_govern.h"

#include "nodes/pg_list.h"
#include "utils/guc.h"
#include "utils/plancache.h"
#include "utils/varlena.h"

#define ALL_RULES "all"

AuditRuleSet audit_notice_rules = 0;
AuditRuleSet audit_error_rules = 0;
bool		audit_policy_set = false;

static char *notice_list = NULL;
static char *error_list = NULL;

/* The rule of this name, all of them for "all", none when there is none. */
AuditRuleSet
audit_rules_named(const char *name)
{
	if (pg_strcasecmp(name, ALL_RULES) == 0)
		return AUDIT_ALL_RULES;
	for (int i = 0; i < audit_rule_count(); i++)
	{
		if (pg_strcasecmp(name, audit_rule(i)->name) == 0)
			return audit_rule_bit(i);
	}
	return 0;
}

/* All names, for hints. */
char *
audit_rule_names(void)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < audit_rule_count(); i++)
		appendStringInfo(&out, "%s%s", i > 0 ? ", " : "", audit_rule(i)->name);
	return out.data;
}

/* The rules of a list of names; false, with the reason told, when one is none. */
static bool
add_rules(List *names, AuditRuleSet *rules)
{
	ListCell   *cell;

	foreach(cell, names)
	{
		AuditRuleSet named = audit_rules_named(lfirst(cell));

		if (named == 0)
		{
			GUC_check_errdetail("There is no audit rule \"%s\".", (char *) lfirst(cell));
			GUC_check_errhint("The rules are %s; \"%s\" stands for all of them.",
							  audit_rule_names(), ALL_RULES);
			return false;
		}
		*rules |= named;
	}
	return true;
}

static bool
parse_list(const char *value, AuditRuleSet *rules)
{
	char	   *list = pstrdup(value);
	List	   *names;
	bool		is_valid = SplitIdentifierString(list, ',', &names);

	*rules = 0;
	if (is_valid)
		is_valid = add_rules(names, rules);
	else
		GUC_check_errdetail("List syntax is invalid.");
	list_free(names);
	pfree(list);
	return is_valid;
}

static bool
rules_check(char **newval, void **extra, GucSource source pg_attribute_unused())
{
	AuditRuleSet rules;
	AuditRuleSet *kept;

	if (!parse_list(*newval, &rules))
		return false;
	kept = purser_guc_malloc(sizeof(AuditRuleSet));
	if (kept == NULL)
		return false;
	*kept = rules;
	*extra = kept;
	return true;
}

/*
 * A session that begins to measure all its runs plans them anew, so that it can
 * try what would mend them (audit_trees.c).
 */
static void
assign(AuditRuleSet *rules, AuditRuleSet named)
{
	bool		measured = audit_policy_measures();

	*rules = named;
	audit_policy_set = (audit_notice_rules | audit_error_rules) != 0;
	if (!measured && audit_policy_measures())
		ResetPlanCache();
}

static void
notice_assign(const char *newval pg_attribute_unused(), void *extra)
{
	assign(&audit_notice_rules, *(AuditRuleSet *) extra);
}

static void
error_assign(const char *newval pg_attribute_unused(), void *extra)
{
	assign(&audit_error_rules, *(AuditRuleSet *) extra);
}

/*
 * For everybody to set: what a statement reads is its own role's to know, and
 * audit_say.c leaves alone what runs with the rights of others.
 */
void
audit_policy_define(void)
{
	DefineCustomStringVariable("purser.audit_notice",
							   "Audit rules that tell the client at once what they find.", NULL,
							   &notice_list, "", PGC_USERSET, GUC_LIST_INPUT,
							   rules_check, notice_assign, NULL);
	DefineCustomStringVariable("purser.audit_error",
							   "Audit rules that fail the statement they find.", NULL,
							   &error_list, "", PGC_USERSET, GUC_LIST_INPUT,
							   rules_check, error_assign, NULL);
}

/*
 * Is every run to be measured, as a rule that needs it is to speak of the first,
 * or one that is silent beside such a rule?
 */
bool
audit_policy_measures(void)
{
	return ((audit_notice_rules | audit_error_rules) &
			(audit_measured_rules() | audit_rule_bit(AUDIT_UNBOUNDED_RESULT))) != 0;
}
