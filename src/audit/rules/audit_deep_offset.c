/*
 * audit_deep_offset.c
 *		deep_offset: OFFSET really skips many rows, page after page.
 */
#include "audit/rules/audit_rules.h"

#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* The rows that the OFFSET at the top of a plan really skipped. */
int64
audit_rows_skipped(const PlanState *top)
{
	const LimitState *limit = (const LimitState *) top;

	if (!IsA(top, LimitState) || limit->lstate == LIMIT_INITIAL)
		return 0;
	return Min(limit->offset, limit->position);
}

/* True if it is found: then the rows skipped are not held against the scan below it. */
bool
audit_judge_deep_offset(AuditWatch *watch)
{
	PlanState  *top = watch->desc->planstate;
	int64		skipped = audit_rows_skipped(top);
	int64		ignored;
	AuditSighting sighting;

	if (skipped < audit_deep_offset)
		return false;
	audit_sighting(watch, AUDIT_DEEP_OFFSET, &sighting);
	if (!audit_plan_order(top, watch->desc->plannedstmt->rtable, &sighting.relid,
						  &sighting.columns))
	{
		memset(&sighting.columns, 0, sizeof(AuditColumns));
		sighting.relid = audit_main_table(watch, &ignored);
	}
	if (!audit_is_lasting_table(sighting.relid))
		return false;
	sighting.relid = audit_index_owner(sighting.relid, &sighting.columns);
	sighting.numbers[0] = (double) skipped;
	sighting.numbers[1] = (double) watch->rows_returned;
	audit_sighting_waste(&sighting, watch, (double) skipped,
						 (double) (skipped + watch->rows_returned));
	audit_find(&sighting);
	audit_board_keep(watch);
	return true;
}

/* ---- its words ---- */

/* A column of the order that tells every row from the next. */
typedef struct KeyColumn
{
	const char *name;			/* quoted */
	bool		descending;
} KeyColumn;

/*
 * The columns of the order and, where they do not tell every row from the
 * next, those of the table's key that are not among them. These take the
 * direction of the last, so that one index serves.
 */
static KeyColumn *
complete_order(const AuditFinding *finding, const AuditNames *names, int *n)
{
	const AuditColumns *order = &finding->columns;
	Oid			relid = finding->key.relid;
	List	   *key = audit_is_unique_order(relid, order) ? NIL : audit_key_columns(relid);
	KeyColumn  *columns = palloc(sizeof(KeyColumn) * (order->n + list_length(key)));
	bool		descending = order->descending[order->n - 1];
	ListCell   *cell;

	*n = 0;
	for (int i = 0; i < order->n; i++)
	{
		columns[(*n)++] = (KeyColumn) {quote_identifier(names->column[i]), order->descending[i]};
		key = list_delete_int(key, order->attnum[i]);
	}
	foreach(cell, key)
	{
		const char *name = get_attname(relid, (AttrNumber) lfirst_int(cell), true);

		if (name != NULL)
			columns[(*n)++] = (KeyColumn) {quote_identifier(name), descending};
	}
	return columns;
}

/* A row comparison goes one way for all of its columns. */
static bool
one_direction(const KeyColumn *columns, int n)
{
	for (int i = 1; i < n; i++)
	{
		if (columns[i].descending != columns[0].descending)
			return false;
	}
	return true;
}

static const char *
comparison(const KeyColumn *column)
{
	return column->descending ? "<" : ">";
}

static void
append_row_comparison(StringInfo out, const KeyColumn *columns, int n)
{
	appendStringInfoChar(out, '(');
	for (int i = 0; i < n; i++)
		appendStringInfo(out, "%s%s", i > 0 ? ", " : "", columns[i].name);
	appendStringInfo(out, ") %s (", comparison(columns));
	for (int i = 0; i < n; i++)
		appendStringInfo(out, "%s$%d", i > 0 ? ", " : "", i + 1);
	appendStringInfoChar(out, ')');
}

/* Past the last row in its last column; or level with it there, and so on for those before. */
static void
append_mixed_comparison(StringInfo out, const KeyColumn *columns, int n)
{
	for (int i = 0; i < n; i++)
	{
		appendStringInfoString(out, i > 0 ? " OR (" : "(");
		for (int j = 0; j < i; j++)
			appendStringInfo(out, "%s = $%d AND ", columns[j].name, j + 1);
		appendStringInfo(out, "%s %s $%d)", columns[i].name, comparison(&columns[i]), i + 1);
	}
}

static void
append_nullable(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	const char *separator = ". NULLs need a page of their own: ";

	for (int i = 0; i < finding->columns.n; i++)
	{
		if (audit_is_not_null(finding->key.relid, finding->columns.attnum[i]))
			continue;
		appendStringInfo(out, "%s%s", separator, quote_identifier(names->column[i]));
		separator = ", ";
	}
}

static void
suggest(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	int			n;
	KeyColumn  *columns;

	appendStringInfoString(out, "Instead of OFFSET, start each page after the last row of the page "
						   "before, by ");
	if (finding->columns.n == 0)
	{
		appendStringInfoString(out, "its values of the ORDER BY columns.");
		return;
	}
	columns = complete_order(finding, names, &n);
	appendStringInfo(out, "columns that are unique together%s: WHERE ",
					 n == finding->columns.n &&
					 !audit_is_unique_order(finding->key.relid, &finding->columns) ?
					 " (these may not be, and the table has no key to add)" : "");
	if (one_direction(columns, n))
		append_row_comparison(out, columns, n);
	else
		append_mixed_comparison(out, columns, n);
	appendStringInfoString(out, " ORDER BY ");
	for (int i = 0; i < n; i++)
		appendStringInfo(out, "%s%s%s", i > 0 ? ", " : "", columns[i].name,
						 columns[i].descending ? " DESC" : "");
	appendStringInfoString(out, " LIMIT n");
	append_nullable(out, finding, names);
}

const AuditRuleSpec audit_spec_deep_offset = {
	.name = "deep_offset",
	.least = 2,
	.medium = 10000,
	.numbers = {"rows_skipped", "rows_returned"},
	.suggest = suggest
};
