/*
 * audit_suggest.c
 *		The words of a finding: its evidence as JSON, its suggestion as SQL.
 *
 * Names are looked up when a finding is read, so they are those of today.
 */
#include "audit.h"

#include "access/htup_details.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/*
 * Looks up the names of the table and the columns that the finding is about;
 * false when one is gone. Others may drop it at any time, so names are looked
 * up once, here.
 */
bool
audit_names(const AuditFinding *finding, AuditNames *names)
{
	Oid			relid = finding->key.relid;
	char	   *schema = get_namespace_name(get_rel_namespace(relid));
	char	   *table = get_rel_name(relid);

	if (schema == NULL || table == NULL)
		return false;
	names->table = quote_qualified_identifier(schema, table);
	for (int i = 0; i < finding->columns.n; i++)
	{
		HeapTuple	tuple = SearchSysCacheAttNum(relid, finding->columns.attnum[i]);

		if (!HeapTupleIsValid(tuple))
			return false;
		names->column[i] = pstrdup(NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname));
		ReleaseSysCache(tuple);
	}
	return true;
}

static void
append_columns(StringInfo out, const AuditFinding *finding, const AuditNames *names,
			   bool with_order)
{
	for (int i = 0; i < finding->columns.n; i++)
	{
		appendStringInfo(out, "%s%s%s", i > 0 ? ", " : "",
						 quote_identifier(names->column[i]),
						 with_order && finding->columns.descending[i] ? " DESC" : "");
	}
}

/* A row comparison goes one way for all of its columns. */
static bool
one_direction(const AuditColumns *columns)
{
	for (int i = 1; i < columns->n; i++)
	{
		if (columns->descending[i] != columns->descending[0])
			return false;
	}
	return columns->n > 0;
}

static void
suggest_keyset(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	appendStringInfoString(out, "Instead of OFFSET, start each page after the last row of the page "
						   "before");
	if (!one_direction(&finding->columns))
	{
		appendStringInfoString(out, ", by its values of the ORDER BY columns.");
		return;
	}
	appendStringInfoString(out, ", by columns that are unique together: WHERE (");
	append_columns(out, finding, names, false);
	appendStringInfo(out, ") %s (", finding->columns.descending[0] ? "<" : ">");
	for (int i = 0; i < finding->columns.n; i++)
		appendStringInfo(out, "%s$%d", i > 0 ? ", " : "", i + 1);
	appendStringInfoString(out, ") ORDER BY ");
	append_columns(out, finding, names, true);
	appendStringInfo(out, " LIMIT n");
}

/* What to do about it. */
char *
audit_suggestion(const AuditFinding *finding, const AuditNames *names)
{
	StringInfoData out;

	initStringInfo(&out);
	switch ((AuditRule) finding->key.rule)
	{
		case AUDIT_MISSING_INDEX:
			appendStringInfo(&out, "CREATE INDEX ON %s (", names->table);
			append_columns(&out, finding, names, false);
			appendStringInfoChar(&out, ')');
			break;
		case AUDIT_UNBOUNDED_RESULT:
			appendStringInfo(&out, "Add a LIMIT, or read %s in batches with a cursor.",
							 names->table);
			break;
		case AUDIT_DEEP_OFFSET:
			suggest_keyset(&out, finding, names);
			break;
		case AUDIT_N_PLUS_ONE:
			appendStringInfo(&out, "Read all rows at once: join %s to the parent query, or use "
							 "WHERE ", names->table);
			append_columns(&out, finding, names, false);
			appendStringInfoString(&out, " = ANY ($1)");
			break;
	}
	return out.data;
}

/* ---- evidence ---- */

static void
append_number(StringInfo out, const char *name, double value)
{
	appendStringInfo(out, "%s\"%s\": %.0f", out->len > 1 ? ", " : "", name, value);
}

static void
append_parent(StringInfo out, const AuditFinding *finding)
{
	appendStringInfo(out, ", \"parent_queryid\": " INT64_FORMAT ", \"parent_query\": ",
					 (int64) finding->parent_queryid);
	escape_json(out, finding->parent_text);
}

/* The latest sighting's figures; "with_text" is for those who may read statements. */
char *
audit_evidence(const AuditFinding *finding, bool with_text)
{
	const double *numbers = finding->numbers;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	switch ((AuditRule) finding->key.rule)
	{
		case AUDIT_MISSING_INDEX:
			append_number(&out, "rows_scanned", numbers[0]);
			append_number(&out, "rows_kept", numbers[1]);
			append_number(&out, "loops", numbers[2]);
			break;
		case AUDIT_UNBOUNDED_RESULT:
			append_number(&out, "rows", numbers[0]);
			append_number(&out, "row_bytes", numbers[1]);
			break;
		case AUDIT_DEEP_OFFSET:
			append_number(&out, "rows_skipped", numbers[0]);
			append_number(&out, "rows_returned", numbers[1]);
			break;
		case AUDIT_N_PLUS_ONE:
			append_number(&out, "parent_rows", numbers[0]);
			append_number(&out, "executions", numbers[1]);
			append_number(&out, "distinct_values", numbers[2]);
			if (with_text)
				append_parent(&out, finding);
			break;
	}
	appendStringInfoChar(&out, '}');
	return out.data;
}
