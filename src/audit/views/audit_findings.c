/*
 * audit_findings.c
 *		The SQL function behind the view findings.
 *
 * The store is copied under its lock; names are looked up afterwards.
 */
#include "audit/views/audit_views.h"
#include "audit/govern/audit_govern.h"

#include <math.h>

#include "catalog/pg_type_d.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#define FINDING_COLUMNS 17

PG_FUNCTION_INFO_V1(purser_audit_findings_0_1);

/* The findings of this database that more than chance has raised. */
static List *
copy_findings(void)
{
	AuditTable *findings = audit_store_findings();
	List	   *copies = NIL;
	AuditFinding *finding;
	int			position = 0;

	audit_store_lock(AUDIT_LOCK_FINDINGS, LW_SHARED);
	while ((finding = audit_table_next(findings, &position)) != NULL)
	{
		AuditFinding *copy;

		if (finding->key.dbid != MyDatabaseId ||
			!audit_is_visible(finding))
			continue;
		copy = palloc(sizeof(AuditFinding));
		memcpy(copy, finding, sizeof(AuditFinding));
		copies = lappend(copies, copy);
	}
	audit_store_unlock(AUDIT_LOCK_FINDINGS);
	return copies;
}

static Datum
column_names(const AuditFinding *finding, const AuditNames *names, bool *isnull)
{
	Datum		datums[AUDIT_MAX_COLUMNS];
	int			n = finding->columns.n;

	for (int i = 0; i < n; i++)
		datums[i] = CStringGetTextDatum(names->column[i]);
	*isnull = n == 0;
	return n == 0 ? (Datum) 0 :
		PointerGetDatum(construct_array(datums, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* The time that timed occurrences wasted, for all of them, to the microsecond. */
static double
wasted_ms(const AuditFinding *finding)
{
	double		each = finding->timed_ms / (double) finding->timed;

	return rint(each * (double) finding->occurrences * 1000.0) / 1000.0;
}

/* Does another finding that is shown speak of the same cause? */
static bool
is_overruled(const AuditFinding *finding, const List *findings)
{
	ListCell   *cell;

	foreach(cell, findings)
	{
		if (audit_yields(finding, lfirst(cell)) && !audit_finding_is_mended(lfirst(cell)))
			return true;
	}
	return false;
}

/* Costs that the settings of a session make infinite are no JSON. */
static void
append_number(StringInfo out, const char *name, double value)
{
	if (isfinite(value))
		appendStringInfo(out, "%s\"%s\": %.0f", out->len > 1 ? ", " : "", name, value);
}

static void
append_parent(StringInfo out, const AuditFinding *finding)
{
	if (finding->parent_queryid != 0)
		appendStringInfo(out, ", \"parent_queryid\": " INT64_FORMAT,
						 (int64) finding->parent_queryid);
	appendStringInfo(out, ", \"%s\": ", finding->nested ? "nested" : "parent_query");
	escape_json(out, finding->parent_text);
}

/* The latest sighting's figures; "with_text" is for those who may read statements. */
static Datum
evidence(const AuditFinding *finding, const AuditNames *names, bool with_text)
{
	const AuditRuleSpec *spec = audit_rule(finding->key.rule);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	/* A loop has no result that its values came from. */
	for (int i = 0; i < AUDIT_NUMBERS && spec->numbers[i] != NULL; i++)
		if (!finding->nested || strcmp(spec->numbers[i], "parent_rows") != 0)
			append_number(&out, spec->numbers[i], finding->numbers[i]);
	if (spec->add_evidence != NULL)
		spec->add_evidence(&out, finding, names);
	/* The place of a parent's text may hold an expression. */
	if (with_text && !spec->suggests_text && (finding->parent_queryid != 0 || finding->nested))
		append_parent(&out, finding);
	appendStringInfoChar(&out, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
}

static Datum
suggestion(const AuditFinding *finding, const AuditNames *names)
{
	StringInfoData out;

	initStringInfo(&out);
	audit_rule(finding->key.rule)->suggest(&out, finding, names);
	return CStringGetTextDatum(out.data);
}

static void
put_finding(ReturnSetInfo *rsinfo, const AuditFinding *finding, const AuditNames *names)
{
	Datum		values[FINDING_COLUMNS];
	bool		nulls[FINDING_COLUMNS] = {0};
	bool		readable = audit_may_read_statement(finding->key.userid);
	int			i = 0;

	values[i++] = CStringGetTextDatum(audit_rule(finding->key.rule)->name);
	values[i++] = CStringGetTextDatum(audit_severity(finding));
	nulls[i] = !readable;
	values[i++] = Int64GetDatum((int64) finding->key.queryid);
	values[i++] = CStringGetTextDatum(readable ? finding->text : "<insufficient privilege>");
	values[i++] = ObjectIdGetDatum(finding->key.relid);
	values[i] = column_names(finding, names, &nulls[i]);
	i++;
	values[i++] = Int64GetDatum(finding->occurrences);
	values[i++] = Int64GetDatum(finding->rows_read);
	values[i++] = Int64GetDatum(finding->rows_returned);
	nulls[i] = finding->bytes == 0;
	values[i++] = Int64GetDatum(finding->bytes);
	nulls[i] = finding->timed == 0;
	values[i] = nulls[i] ? (Datum) 0 : Float8GetDatum(wasted_ms(finding));
	i++;
	values[i++] = evidence(finding, names, readable);
	nulls[i] = !readable && audit_rule(finding->key.rule)->suggests_text &&
		finding->parent_text[0] != '\0';
	values[i++] = suggestion(finding, names);
	values[i++] = CStringGetTextDatum(finding->application_name);
	values[i] = audit_role_name(finding->key.userid, &nulls[i]);
	i++;
	values[i++] = TimestampTzGetDatum(finding->first_seen);
	values[i++] = TimestampTzGetDatum(finding->last_seen);
	Assert(i == FINDING_COLUMNS);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

Datum
purser_audit_findings_0_1(PG_FUNCTION_ARGS)
{
	List	   *findings;
	ListCell   *cell;

	audit_check_store();
	InitMaterializedSRF(fcinfo, 0);
	audit_local_publish();
	(void) audit_suppressions_ready(true);
	findings = copy_findings();
	foreach(cell, findings)
	{
		const AuditFinding *finding = lfirst(cell);
		AuditNames	names;

		CHECK_FOR_INTERRUPTS();
		/* What was dropped is nothing to mend, nor what has been mended. */
		if (audit_names(finding, &names) && !audit_finding_is_mended(finding) &&
			!audit_is_hidden(finding) && !is_overruled(finding, findings))
			put_finding((ReturnSetInfo *) fcinfo->resultinfo, finding, &names);
	}
	return (Datum) 0;
}
