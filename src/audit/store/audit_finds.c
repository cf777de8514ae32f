/*
 * audit_finds.c
 *		The findings in the store: one for each rule, query, role and object.
 *
 * Works under AUDIT_LOCK_FINDINGS. Text is taken only when a finding is made, or
 * anew where some tags are suppressed: it must not carry one of these;
 * names of tables and columns never are: the views look them up, so they are
 * always current. Times are those of statement starts, which are there
 * already.
 */
#include "audit/govern/audit_govern.h"

#include <math.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

AuditFindingKey
audit_finding_key(const AuditSighting *sighting)
{
	AuditFindingKey key;

	memset(&key, 0, sizeof(key));
	key.queryid = sighting->queryid;
	key.dbid = MyDatabaseId;
	key.userid = sighting->userid;
	key.relid = sighting->relid;
	key.rule = (int16) sighting->rule;
	if (audit_rule(sighting->rule)->by_table)
		return key;
	for (int i = 0; i < sighting->columns.n; i++)
		key.attnum[i] = sighting->columns.attnum[i];
	return key;
}

/* A finding that one run alone saw, or that wasted little, can go first. */
static double
finding_usefulness(const void *entry)
{
	const AuditFinding *finding = entry;
	double		visible = audit_is_visible(finding) ? 1e15 : 0;

	return visible + (double) finding->rows_read;
}

static void
copy_text(char *to, const char *from, int len)
{
	to[audit_keep_text(to, from, len)] = '\0';
}

static void
take_texts(AuditFinding *finding, const AuditSighting *sighting)
{
	copy_text(finding->text, sighting->text, sighting->text_len);
	if (sighting->parent_text != NULL)
	{
		finding->nested = sighting->nested;
		finding->parent_queryid = sighting->parent_queryid;
		finding->parent_relid = sighting->parent_relid;
		finding->parent_attnum = sighting->parent_attnum;
		copy_text(finding->parent_text, sighting->parent_text, sighting->parent_text_len);
	}
}

/* Does it have the expression that a run which could not be planned again lacked? */
static bool
is_more(const AuditFinding *finding, const AuditSighting *sighting)
{
	return sighting->parent_text_len > 0 && finding->parent_text[0] == '\0';
}

static AuditFinding *
insert_finding(const AuditFindingKey *key)
{
	AuditTable *findings = audit_store_findings();
	AuditFinding *finding = audit_table_insert(findings, key);

	if (finding == NULL)
	{
		audit_table_evict(findings, finding_usefulness);
		finding = audit_table_insert(findings, key);
	}
	return finding;
}

static AuditFinding *
new_finding(const AuditFindingKey *key, const AuditSighting *sighting)
{
	AuditFinding *finding = insert_finding(key);

	if (finding == NULL)
		return NULL;
	finding->columns = sighting->columns;
	memcpy(finding->numbers, sighting->numbers, sizeof(finding->numbers));
	finding->first_seen = GetCurrentStatementStartTimestamp();
	strlcpy(finding->application_name, application_name ? application_name : "",
			sizeof(finding->application_name));
	take_texts(finding, sighting);
	return finding;
}

void
audit_find_locked(const AuditSighting *sighting)
{
	AuditFindingKey key = audit_finding_key(sighting);
	AuditFinding *finding = audit_table_find(audit_store_findings(), &key);

	/* Without its text it was a finding already, but is gone: evicted or reset. */
	if (finding == NULL && sighting->text != NULL)
		finding = new_finding(&key, sighting);
	else if (finding != NULL && sighting->text != NULL &&
			 (audit_suppressions_by_tag() || is_more(finding, sighting)))
		take_texts(finding, sighting);
	if (finding == NULL)
		return;
	finding->occurrences += sighting->occurrences;
	finding->rows_read += sighting->rows_read;
	finding->rows_returned += sighting->rows_returned;
	finding->bytes += sighting->bytes;
	finding->timed += sighting->timed;
	finding->timed_ms += sighting->timed_ms;
	finding->columns = sighting->columns;
	for (int i = 0; i < AUDIT_NUMBERS; i++)
	{
		if (!isnan(sighting->numbers[i]))
			finding->numbers[i] = sighting->numbers[i];
	}
	finding->last_seen = GetCurrentStatementStartTimestamp();
}

/* The caller has asked whether it is allowed, and will say it. */
void
audit_find_wanted(const AuditSighting *sighting)
{
	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_EXCLUSIVE);
	audit_find_locked(sighting);
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
}

/* Keeps and says what an execution adds to a finding, unless it is allowed. */
void
audit_find(const AuditSighting *sighting)
{
	if (audit_is_allowed(sighting))
		return;
	audit_find_wanted(sighting);
	audit_say(sighting);
}

/* The figures of a finding so far; false without one. */
bool
audit_find_numbers(const AuditSighting *sighting, double *numbers)
{
	AuditFindingKey key = audit_finding_key(sighting);
	AuditFinding *finding;

	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_SHARED);
	finding = audit_table_find(audit_store_findings(), &key);
	if (finding != NULL)
		memcpy(numbers, finding->numbers, sizeof(finding->numbers));
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
	return finding != NULL;
}

/* The expression of a finding, for a sighting of it that has not written it down itself. */
void
audit_find_expression(AuditSighting *sighting)
{
	AuditFindingKey key = audit_finding_key(sighting);
	char	   *text = palloc0(AUDIT_TEXT_BYTES);
	const AuditFinding *finding;

	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_SHARED);
	finding = audit_table_find(audit_store_findings(), &key);
	if (finding != NULL && finding->parent_text[0] != '\0')
	{
		memcpy(text, finding->parent_text, AUDIT_TEXT_BYTES);
		sighting->parent_text = text;
		sighting->parent_queryid = finding->parent_queryid;
		sighting->parent_relid = finding->parent_relid;
	}
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
	sighting->parent_text_len = (int) strlen(text);
}

/*
 * A run that was not measured did again what a finding is about. Its rows are
 * those of the finding's table, its bytes the usual ones; a partition's rows
 * count for the partitioned table, when there is no other finding that they
 * could belong to.
 */
void
audit_find_again_locked(const AuditFindingKey *key, const AuditWatch *watch, bool only)
{
	AuditFinding *finding = audit_table_find(audit_store_findings(), key);
	int64		rows = 0;

	if (finding == NULL)
		return;
	for (int i = 0; i < watch->nrels; i++)
	{
		if (watch->rels[i].table == key->relid)
			rows += watch->rels[i].rows;
	}
	if (rows == 0 && only)
		rows = watch->rows_read;
	finding->bytes += finding->bytes / Max(finding->occurrences, 1);
	finding->occurrences++;
	finding->rows_read += rows;
	finding->rows_returned += watch->rows_returned;
	finding->last_seen = GetCurrentStatementStartTimestamp();
}

/*
 * A run was without what a finding is about: marks that in the figure, if that is
 * free, and if it read half as much as those that were with it, or more.
 */
bool
audit_find_spared_locked(const AuditFindingKey *key, const AuditWatch *watch, int figure)
{
	AuditFinding *finding = audit_table_find(audit_store_findings(), key);

	if (finding == NULL || finding->numbers[figure] != 0 ||
		watch->rows_read < finding->rows_read / Max(finding->occurrences, 1) / 2)
		return false;
	finding->numbers[figure] = -1;
	return true;
}

/* A finding as it was saved; one that is there already is newer. */
void
audit_find_restore(const AuditFinding *saved)
{
	AuditFinding *finding;

	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_EXCLUSIVE);
	if (audit_table_find(audit_store_findings(), &saved->key) == NULL)
	{
		finding = insert_finding(&saved->key);
		if (finding != NULL)
			memcpy(finding, saved, sizeof(AuditFinding));
	}
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
}
