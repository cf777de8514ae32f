/*
 * audit_allow.c
 *		Is a finding wanted? The one place that is asked.
 *
 * No, when a comment of the statement allows it or a suppression is for it.
 * Then it is neither kept nor said. Nobody who asks holds a lock.
 */
#include "audit/govern/audit_govern.h"

#include "tcop/pquery.h"
#include "utils/portal.h"

static void
add_text(AuditMatter *matter, const char *text, int len)
{
	if (text != NULL && matter->ntexts < AUDIT_TEXTS)
		matter->texts[matter->ntexts++] = (AuditText) {text, len};
}

/*
 * The statement that the client sent and that runs this one: it says EXECUTE,
 * EXPLAIN or CALL, or calls the function that this one is in.
 */
static void
add_client_text(AuditMatter *matter)
{
	const char *text;
	int			len;

	if (ActivePortal == NULL || ActivePortal->stmts == NIL || ActivePortal->sourceText == NULL)
		return;
	audit_part_of_text(ActivePortal->sourceText,
					   linitial_node(PlannedStmt, ActivePortal->stmts), &text, &len);
	add_text(matter, text, len);
}

/* The rules that the texts' comments allow. */
static AuditRuleSet
allowed_by_comment(const AuditMatter *matter)
{
	AuditRuleSet rules = 0;

	for (int i = 0; i < matter->ntexts; i++)
		rules |= audit_comment_allows(matter->texts[i]);
	return rules;
}

bool
audit_is_allowed(const AuditSighting *sighting)
{
	AuditMatter matter = {
		.rules = audit_rule_bit(sighting->rule),
		.queryid = sighting->queryid,
		.userid = sighting->userid,
		.relid = sighting->relid,
	};

	/* Without its text it adds to a finding that has been asked about. */
	if (sighting->text == NULL)
		return false;
	add_text(&matter, sighting->text, sighting->text_len);
	add_text(&matter, sighting->parent_text, sighting->parent_text_len);
	add_client_text(&matter);
	if ((allowed_by_comment(&matter) & matter.rules) != 0)
		return true;
	return audit_suppressions_ready(false) && audit_is_suppressed(&matter);
}

/* Those of a list of AuditSighting that are wanted. */
List *
audit_not_allowed(List *sightings)
{
	List	   *wanted = NIL;
	ListCell   *cell;

	foreach(cell, sightings)
	{
		if (!audit_is_allowed(lfirst(cell)))
			wanted = lappend(wanted, lfirst(cell));
	}
	return wanted;
}

/* Has a finding been suppressed since it was kept? The suppressions are ready. */
bool
audit_is_hidden(const AuditFinding *finding)
{
	AuditMatter matter = {
		.rules = audit_rule_bit(finding->key.rule),
		.queryid = finding->key.queryid,
		.userid = finding->key.userid,
		.relid = finding->key.relid,
	};

	add_text(&matter, finding->text, (int) strlen(finding->text));
	add_text(&matter, finding->parent_text, (int) strlen(finding->parent_text));
	return audit_is_suppressed(&matter);
}

/*
 * The rules that may not count this run, by what its comments say. Cheap
 * without comments, for runs that are only counted.
 */
AuditRuleSet
audit_allowed_rules(const AuditWatch *watch)
{
	AuditMatter matter = {
		.queryid = watch->queryid,
		.userid = watch->userid,
	};
	AuditText	own;
	bool		has_comment = false;

	audit_statement_text(watch->desc, &own.start, &own.len);
	add_text(&matter, own.start, own.len);
	add_client_text(&matter);
	for (int i = 0; i < matter.ntexts; i++)
		has_comment |= audit_has_comment(matter.texts[i]);
	if (!has_comment)
		return 0;
	(void) audit_suppressions_ready(false);
	return allowed_by_comment(&matter) | audit_suppressed_by_tag(&matter);
}
