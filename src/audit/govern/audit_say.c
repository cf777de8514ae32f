/*
 * audit_say.c
 *		Tells the client what a rule has found, or fails its statement.
 *
 * A notice is sent as the rule decides; an error waits until all rules have
 * seen the execution (audit_say_end). No statement fails by a change that could
 * not be tried: that is sent as a notice. Nothing is said of what runs with the
 * rights of a role that the client does not have, or within the server's own
 * operations: so a setting harms nobody but the one who sets it.
 */
#include "audit/govern/audit_govern.h"
#include "audit/session/audit_session.h"

#include <math.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "tcop/pquery.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"
#include "utils/timestamp.h"

/* A class of its own, so that a test suite can tell these errors from all others. */
#define ERRCODE_AUDIT_FINDING MAKE_SQLSTATE('P', 'U', '0', '0', '1')

#define REMEMBERED 64			/* things said that are not said again */

typedef struct Speech
{
	const char *rule;
	char	   *schema;			/* NULL without a table */
	char	   *table;
	char	   *detail;
	char	   *hint;
} Speech;

typedef struct Said
{
	AuditRule	rule;
	uint64		queryid;		/* 0: free */
	Oid			relid;
	LocalTransactionId lxid;
	TimestampTz last;
} Said;

static Said said[REMEMBERED];
static Speech *failure = NULL;	/* of the execution that is judged */

/* ---- may it be said ---- */

static bool
may_speak(const AuditSighting *sighting)
{
	if (!audit_policy_speaks() || sighting->text == NULL || sighting->occurrences == 0 ||
		sighting->silent)
		return false;
	if (InSecurityRestrictedOperation() || !audit_suppressions_ready(false))
		return false;
	return has_privs_of_role(GetOuterUserId(), sighting->userid);
}

/*
 * Has the same been said in this transaction, or a moment ago? Each time counts
 * as a moment, so that a loop is heard of once.
 */
static bool
was_said(const AuditSighting *sighting)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();
	Said	   *entry = &said[0];
	bool		recent;

	for (int i = 0; i < REMEMBERED; i++)
	{
		if (said[i].queryid == sighting->queryid && said[i].rule == sighting->rule &&
			said[i].relid == sighting->relid)
		{
			entry = &said[i];
			break;
		}
		if (said[i].last < entry->last)
			entry = &said[i];
	}
	recent = entry->queryid == sighting->queryid && entry->rule == sighting->rule &&
		entry->relid == sighting->relid &&
		(entry->lxid == PURSER_MY_LXID ||
		 audit_in_window(entry->last));
	*entry = (Said) {sighting->rule, sighting->queryid, sighting->relid, PURSER_MY_LXID, now};
	return recent;
}

/* EXPLAIN ANALYZE is how one looks at a query that is found: it should not fail. */
static bool
in_explain(void)
{
	const PlannedStmt *statement;

	if (ActivePortal == NULL || ActivePortal->stmts == NIL)
		return false;
	statement = linitial_node(PlannedStmt, ActivePortal->stmts);
	return statement->utilityStmt != NULL && IsA(statement->utilityStmt, ExplainStmt);
}

/* ---- the words ---- */

/* The finding that this sighting alone would make, for the rule's own words. */
static AuditFinding *
finding_of(const AuditSighting *sighting)
{
	AuditFinding *finding = palloc0(sizeof(AuditFinding));

	finding->key = audit_finding_key(sighting);
	finding->columns = sighting->columns;
	finding->occurrences = sighting->occurrences;
	finding->rows_read = sighting->rows_read;
	finding->rows_returned = sighting->rows_returned;
	finding->bytes = sighting->bytes;
	memcpy(finding->numbers, sighting->numbers, sizeof(finding->numbers));
	finding->nested = sighting->nested;
	finding->parent_queryid = sighting->parent_queryid;
	finding->parent_relid = sighting->parent_relid;
	finding->parent_attnum = sighting->parent_attnum;
	if (sighting->parent_text != NULL)
		(void) audit_keep_text(finding->parent_text, sighting->parent_text,
							   sighting->parent_text_len);
	return finding;
}

static char *
detail_of(const AuditSighting *sighting, const AuditFinding *finding, const AuditNames *names)
{
	const char *const *figures = audit_rule(sighting->rule)->numbers;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "Table %s", names->table);
	if (finding->columns.n > 0)
	{
		appendStringInfoString(&out, " (");
		audit_append_columns(&out, finding, names, false);
		appendStringInfoChar(&out, ')');
	}
	for (int i = 0; i < AUDIT_NUMBERS && figures[i] != NULL; i++)
	{
		if (isfinite(sighting->numbers[i]))
			appendStringInfo(&out, "%s %s %.0f", i == 0 ? ":" : ",", figures[i],
							 sighting->numbers[i]);
	}
	appendStringInfoChar(&out, '.');
	if (sighting->unproven)
		appendStringInfoString(&out, " Whether this would help has not been tried.");
	/* The place of a parent's text may hold an expression. */
	if (sighting->parent_text != NULL && !audit_rule(sighting->rule)->suggests_text)
		appendStringInfo(&out, "\nParent query: %s", finding->parent_text);
	return out.data;
}

/* NULL when what it is about has been dropped. */
static Speech *
speech_of(const AuditSighting *sighting)
{
	AuditFinding *finding = finding_of(sighting);
	AuditNames	names;
	Speech	   *speech;
	StringInfoData hint;

	if (!audit_names(finding, &names))
		return NULL;
	initStringInfo(&hint);
	audit_rule(sighting->rule)->suggest(&hint, finding, &names);
	speech = palloc(sizeof(Speech));
	speech->rule = audit_rule(sighting->rule)->name;
	speech->schema = get_namespace_name(get_rel_namespace(sighting->relid));
	speech->table = get_rel_name(sighting->relid);
	speech->detail = detail_of(sighting, finding, &names);
	speech->hint = hint.data;
	return speech;
}

static void
speak(int elevel, const Speech *speech)
{
	ereport(elevel,
			(errcode(ERRCODE_AUDIT_FINDING),
			 errmsg("query violates audit rule \"%s\"", speech->rule),
			 errdetail_internal("%s", speech->detail),
			 errhint("%s", speech->hint),
			 speech->schema ? err_generic_string(PG_DIAG_SCHEMA_NAME, speech->schema) : 0,
			 speech->table ? err_generic_string(PG_DIAG_TABLE_NAME, speech->table) : 0));
}

/* ---- from the rules ---- */

/* Before the rules see an execution: one that broke off may have left its failure. */
void
audit_say_begin(void)
{
	failure = NULL;
}

/*
 * A rule has found something that is wanted. The first failure is kept to be
 * raised; what else is found in the same execution is said before it.
 */
void
audit_say(const AuditSighting *sighting)
{
	AuditRuleSet bit = audit_rule_bit(sighting->rule);
	bool		fails = (audit_error_rules & bit) != 0 && !sighting->unproven;
	Speech	   *speech;

	if (((audit_notice_rules | audit_error_rules) & bit) == 0 || !may_speak(sighting))
		return;
	fails = fails && failure == NULL && !in_explain();
	if (!fails && was_said(sighting))
		return;
	speech = speech_of(sighting);
	if (speech == NULL)
		return;
	if (fails)
		failure = speech;
	else
		speak(NOTICE, speech);
}

/* All rules have seen the execution. */
void
audit_say_end(void)
{
	const Speech *speech = failure;

	failure = NULL;
	if (speech != NULL)
		speak(ERROR, speech);
}
