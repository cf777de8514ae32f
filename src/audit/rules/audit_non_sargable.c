/*
 * audit_non_sargable.c
 *		non_sargable: a column has an index, and a condition on it throws rows away
 *		all the same, as it is written in a way that the index cannot serve.
 *
 * Raised only when planning the query again proves that it would be cheaper
 * with an index on what the condition compares; see audit_prove.c.
 */
#include "audit/rules/audit_rules.h"

#include "catalog/pg_type_d.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Places of the figures that are not named as such. */
#define CAUSE 4
#define INDEX 5

static const char *const causes[] = {
	[AUDIT_WRAP_FUNCTION] = "function",
	[AUDIT_WRAP_EXPRESSION] = "expression",
	[AUDIT_WRAP_CAST] = "cast",
	[AUDIT_WRAP_LOSSY_CAST] = "cast",
	[AUDIT_WRAP_TYPE] = "type",
	[AUDIT_WRAP_COLLATION] = "collation",
};

static AuditSuspect *
same_condition(List *suspects, const AuditColumns *columns, Oid owner)
{
	ListCell   *cell;

	foreach(cell, suspects)
	{
		AuditSuspect *suspect = lfirst(cell);

		if (suspect->sighting.relid == owner &&
			suspect->sighting.columns.attnum[0] == columns->attnum[0])
			return suspect;
	}
	return NULL;
}

static AuditSuspect *
new_suspect(const AuditWatch *watch, const AuditFilter *filter, const AuditWrapped *wrapped,
			const AuditColumns *columns, Oid owner)
{
	AuditSuspect *suspect = palloc0(sizeof(AuditSuspect));
	AuditHypothesis *hypothesis = &suspect->hypothesis;

	audit_sighting(watch, AUDIT_NON_SARGABLE, &suspect->sighting);
	suspect->sighting.relid = owner;
	suspect->sighting.columns = *columns;
	suspect->sighting.numbers[CAUSE] = wrapped->cause;
	suspect->sighting.numbers[INDEX] = wrapped->index;
	hypothesis->origin = RelationGetRelid(filter->rel);
	hypothesis->owner = owner;
	hypothesis->n = 1;
	hypothesis->attnum[0] = wrapped->attnum;
	hypothesis->opclass = wrapped->opclass;
	hypothesis->expression = wrapped->expression;
	hypothesis->keeps_apart = wrapped->keeps_apart;
	return suspect;
}

/* What filters threw away, by the column that was wrapped: partitions add up. */
static List *
collect(const AuditWatch *watch)
{
	List	   *suspects = NIL;
	ListCell   *cell;

	foreach(cell, audit_plan_filters(watch->desc->planstate))
	{
		const AuditFilter *filter = lfirst(cell);
		AuditSuspect *suspect;
		AuditWrapped wrapped;
		AuditColumns columns = {.n = 1};
		Oid			owner;

		if (!audit_is_user_table(watch, RelationGetRelid(filter->rel)) ||
			!audit_wrapped_column(filter, &wrapped))
			continue;
		columns.attnum[0] = wrapped.attnum;
		owner = audit_index_owner(RelationGetRelid(filter->rel), &columns);
		suspect = same_condition(suspects, &columns, owner);
		if (suspect == NULL)
		{
			suspect = new_suspect(watch, filter, &wrapped, &columns, owner);
			suspects = lappend(suspects, suspect);
		}
		suspect->sighting.numbers[0] += filter->scanned;
		suspect->sighting.numbers[1] += filter->kept;
	}
	return suspects;
}

/* A run that was measured: an AuditSuspect for each column whose index cannot serve. */
List *
audit_suspect_non_sargable(const AuditWatch *watch)
{
	List	   *wasteful = NIL;
	ListCell   *cell;

	foreach(cell, collect(watch))
	{
		AuditSuspect *suspect = lfirst(cell);
		AuditSighting *sighting = &suspect->sighting;
		double		scanned = sighting->numbers[0];
		double		discarded = scanned - sighting->numbers[1];

		if (discarded < (double) audit_min_rows ||
			sighting->numbers[1] > scanned * AUDIT_KEPT_AT_MOST)
			continue;
		audit_sighting_waste(sighting, watch, discarded, (double) sighting->rows_read);
		sighting->rows_read = (int64) scanned;
		wasteful = lappend(wasteful, suspect);
	}
	return wasteful;
}

/*
 * An index on the expression would do. The finding keeps it where others have
 * their parent's text and its query's identifier; one that is too long for that
 * is not kept, as a part of it is none.
 */
void
audit_set_expression(AuditSighting *sighting, const AuditHypothesis *hypothesis)
{
	if (strlen(hypothesis->text) >= AUDIT_TEXT_BYTES)
		return;
	sighting->parent_text = hypothesis->text;
	sighting->parent_text_len = (int) strlen(hypothesis->text);
	sighting->parent_queryid = hypothesis->hash;
}

/* ---- its words ---- */

/* Is the index there by now? */
static bool
is_mended(const AuditFinding *finding)
{
	return finding->parent_text[0] != '\0' &&
		audit_expression_is_indexed(finding->key.relid, (uint32) finding->parent_queryid);
}


static void
add_evidence(StringInfo out, const AuditFinding *finding,
			 const AuditNames *names pg_attribute_unused())
{
	char	   *index = get_rel_name((Oid) finding->numbers[INDEX]);

	appendStringInfo(out, ", \"cause\": \"%s\"", causes[(int) finding->numbers[CAUSE]]);
	if (index != NULL)
	{
		appendStringInfoString(out, ", \"index\": ");
		escape_json(out, index);
	}
}

static void
suggest(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	const char *column = quote_identifier(names->column[0]);
	Oid			type = get_atttype(finding->key.relid, finding->columns.attnum[0]);
	AuditWrap	cause = (AuditWrap) finding->numbers[CAUSE];

	if (cause == AUDIT_WRAP_COLLATION)
		appendStringInfo(out, "CREATE INDEX ON %s (%s %s)", names->table, column,
						 type == BPCHAROID ? "bpchar_pattern_ops" : "text_pattern_ops");
	else if (cause == AUDIT_WRAP_TYPE || cause == AUDIT_WRAP_CAST)
		appendStringInfo(out, "Cast the value, not the column: WHERE %s = $1::%s", column,
						 format_type_extended(type, -1, FORMAT_TYPE_ALLOW_INVALID));
	else if (finding->parent_text[0] != '\0')
		appendStringInfo(out, "CREATE INDEX ON %s ((%s))", names->table, finding->parent_text);
	else
		appendStringInfo(out, "Compare the column itself with a range: "
						 "WHERE %s >= $1 AND %s < $2", column, column);
}

const AuditRuleSpec audit_spec_non_sargable = {
	.name = "non_sargable",
	.least = 2,
	.medium = 10000,
	.numbers = {"rows_scanned", "rows_kept", "cost_before", "cost_after"},
	.measured = true,
	.add_evidence = add_evidence,
	.is_mended = is_mended,
	.suggest = suggest,
	.suggests_text = true
};
