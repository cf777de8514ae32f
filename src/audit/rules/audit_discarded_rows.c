/*
 * audit_discarded_rows.c
 *		discarded_rows: a query reads far more than it keeps, where no index on columns
 *		would have spared it.
 */
#include "audit/rules/audit_rules.h"

#include <math.h>

#include "catalog/pg_collation_d.h"
#include "catalog/pg_operator_d.h"
#include "utils/builtins.h"

#define FEWEST_DISCARDED 100	/* by a partition's scan, for it to be looked at */
#define SMALL_TABLE 100			/* rows for each loop that nothing can better */
/* Of the figures of evidence; the kind is not shown. */
#define COSTS 3
#define KIND 5

static AuditSuspect *
new_suspect(const AuditWatch *watch, const AuditDiscard *discard, const AuditColumns *columns,
			Oid owner)
{
	AuditSuspect *suspect = palloc0(sizeof(AuditSuspect));
	AuditSighting *sighting = &suspect->sighting;

	audit_sighting(watch, AUDIT_DISCARDED_ROWS, sighting);
	sighting->relid = owner;
	sighting->columns = *columns;
	sighting->numbers[COSTS] = sighting->numbers[COSTS + 1] = NAN;
	sighting->numbers[KIND] = discard->kind;
	if (discard->remedy == NULL)
		return suspect;
	audit_hypothesize(&suspect->hypothesis, discard->remedy, RelationGetRelid(discard->rel), owner);
	suspect->remedy = discard->remedy;
	sighting->columns.operator[0] = discard->remedy->operator;
	sighting->columns.ranged[0] = OidIsValid(discard->remedy->operator);
	return suspect;
}

/* The suspect for a table; what its partitions threw away adds up. */
static AuditSuspect *
suspect_for(List **suspects, const AuditWatch *watch, const AuditDiscard *discard)
{
	AuditColumns columns = discard->columns;
	Oid			owner = audit_index_owner(RelationGetRelid(discard->rel), &columns);
	AuditSuspect *suspect;
	ListCell   *cell;

	foreach(cell, *suspects)
	{
		suspect = lfirst(cell);
		if (suspect->sighting.relid == owner)
			return suspect->sighting.numbers[KIND] == discard->kind ? suspect : NULL;
	}
	suspect = new_suspect(watch, discard, &columns, owner);
	*suspects = lappend(*suspects, suspect);
	return suspect;
}

static bool
is_wasteful(const AuditSighting *sighting)
{
	double		scanned = sighting->numbers[0];
	double		kept = sighting->numbers[1];

	return scanned - kept >= (double) audit_min_rows && kept <= scanned * AUDIT_KEPT_AT_MOST &&
		scanned >= SMALL_TABLE * Max(sighting->numbers[2], 1.0);
}

/* A run that was measured: an AuditSuspect for each table whose rows it threw away. */
static List *
collect(const AuditWatch *watch)
{
	List	   *suspects = NIL;
	List	   *wasteful = NIL;
	ListCell   *cell;

	foreach(cell, audit_plan_discards(watch->desc->planstate))
	{
		const AuditDiscard *discard = lfirst(cell);
		AuditSuspect *suspect;

		if (discard->scanned - discard->kept < FEWEST_DISCARDED ||
			!audit_is_user_table(watch, RelationGetRelid(discard->rel)))
			continue;
		suspect = suspect_for(&suspects, watch, discard);
		if (suspect == NULL)
			continue;
		suspect->sighting.numbers[0] += discard->scanned;
		suspect->sighting.numbers[1] += discard->kept;
		suspect->sighting.numbers[2] += discard->loops;
	}
	foreach(cell, suspects)
	{
		AuditSuspect *suspect = lfirst(cell);

		if (is_wasteful(&suspect->sighting))
			wasteful = lappend(wasteful, suspect);
	}
	return wasteful;
}

/* Those for which there may be an index: what does the planner say of it? */
List *
audit_suspect_discarded_rows(const AuditWatch *watch)
{
	List	   *suspects = NIL;
	ListCell   *cell;

	foreach(cell, collect(watch))
	{
		if (((const AuditSuspect *) lfirst(cell))->remedy != NULL)
			suspects = lappend(suspects, lfirst(cell));
	}
	return suspects;
}

/* ---- what the planner said ---- */

static const AuditSuspect *
remedy_for(const List *remedies, const AuditSighting *sighting)
{
	ListCell   *cell;

	foreach(cell, remedies)
	{
		const AuditSuspect *remedy = lfirst(cell);

		if (remedy->sighting.relid == sighting->relid &&
			remedy->sighting.columns.attnum[0] == sighting->columns.attnum[0])
			return remedy;
	}
	return NULL;
}

static AuditDiscardKind
kind_of_remedy(const AuditWrapped *wrapped)
{
	switch (wrapped->cause)
	{
		case AUDIT_WRAP_WILDCARD:
		case AUDIT_WRAP_ENDING:
			return AUDIT_DISCARD_PATTERN;
		case AUDIT_WRAP_COLLATION:
			return AUDIT_DISCARD_PREFIX;
		case AUDIT_WRAP_CONTENT:
			return AUDIT_DISCARD_CONTAINS;
		default:
			return AUDIT_DISCARD_KEY;
	}
}

/*
 * Of an expression that it has no statistics of, the planner guesses what a
 * condition keeps, and may refuse an index that it would take once ANALYZE has
 * seen the expression; but for patterns without a trigram.
 */
static bool
may_yet_serve(const AuditSuspect *remedy)
{
	const AuditHypothesis *hypothesis = &remedy->hypothesis;
	bool		has_keys = remedy->remedy->evident ||
		kind_of_remedy(remedy->remedy) != AUDIT_DISCARD_PATTERN;

	return has_keys && hypothesis->expression != NULL && hypothesis->indexable &&
		strlen(hypothesis->text) < AUDIT_TEXT_BYTES &&
		!audit_expression_has_statistics(hypothesis->owner, hypothesis->hash);
}

/* Advice that the planner would follow, or none that it would not. */
static void
apply(AuditSighting *sighting, const AuditSuspect *remedy)
{
	double		known[AUDIT_NUMBERS];

	switch (remedy->outcome)
	{
		case AUDIT_REMEDY_TAKEN:
			sighting->numbers[KIND] = kind_of_remedy(remedy->remedy);
			sighting->numbers[COSTS] = remedy->sighting.numbers[COSTS];
			sighting->numbers[COSTS + 1] = remedy->sighting.numbers[COSTS + 1];
			if (remedy->hypothesis.expression != NULL)
				audit_set_expression(sighting, &remedy->hypothesis);
			break;
		case AUDIT_REMEDY_AS_BEFORE:
			if (!audit_find_numbers(sighting, known))
				break;
			sighting->numbers[KIND] = known[KIND];
			audit_find_expression(sighting);
			break;
		case AUDIT_REMEDY_REFUSED:
			if (may_yet_serve(remedy))
			{
				sighting->numbers[KIND] = kind_of_remedy(remedy->remedy);
				sighting->unproven = true;
				audit_set_expression(sighting, &remedy->hypothesis);
			}
			else if (sighting->numbers[KIND] != AUDIT_DISCARD_MUTABLE)
				sighting->numbers[KIND] = AUDIT_DISCARD_OUTWARD;
			break;
		case AUDIT_REMEDY_UNKNOWN:
			break;
	}
}

/* A run that was measured: an AuditSighting for each table whose rows it threw away. */
List *
audit_measure_discarded_rows(AuditWatch *watch)
{
	List	   *sightings = NIL;
	ListCell   *cell;

	(void) audit_prove(watch);
	foreach(cell, collect(watch))
	{
		AuditSighting *sighting = &((AuditSuspect *) lfirst(cell))->sighting;
		const AuditSuspect *remedy = remedy_for(watch->remedies, sighting);

		if (remedy != NULL)
			apply(sighting, remedy);
		audit_sighting_waste(sighting, watch, sighting->numbers[0] - sighting->numbers[1],
							 (double) sighting->rows_read);
		sighting->rows_read = (int64) sighting->numbers[0];
		sightings = lappend(sightings, sighting);
	}
	return sightings;
}

/* ---- its words ---- */

static AuditDiscardKind
kind_of(const AuditFinding *finding)
{
	if (!isfinite(finding->numbers[KIND]))
		return finding->columns.n > 0 ? AUDIT_DISCARD_EXPRESSION : AUDIT_DISCARD_OUTWARD;
	return (AuditDiscardKind) finding->numbers[KIND];
}

/* Does an index begin with the column and know the operator? */
static bool
is_indexed(Oid relid, AttrNumber attnum, Oid operator)
{
	AuditColumns column = {.n = 1, .attnum = {attnum}, .operator = {operator}};

	return audit_index_exists(relid, &column);
}

static bool
prefix_is_indexed(Oid relid, AttrNumber attnum)
{
	return is_indexed(relid, attnum, TextPatternGreaterEqualOperator) ||
		is_indexed(relid, attnum, BpcharPatternGreaterEqualOperator) ||
		audit_collation_is_indexed(relid, attnum, C_COLLATION_OID);
}

/* Are the indexes on the columns there by now? What is no index cannot be known. */
static bool
columns_are_indexed(const AuditFinding *finding, AuditDiscardKind kind)
{
	if (kind != AUDIT_DISCARD_ALTERNATIVES && kind != AUDIT_DISCARD_PATTERN &&
		kind != AUDIT_DISCARD_PREFIX && kind != AUDIT_DISCARD_CONTAINS)
		return false;
	for (int i = 0; i < finding->columns.n; i++)
	{
		if (!is_indexed(finding->key.relid, finding->columns.attnum[i],
						finding->columns.operator[i]) &&
			(kind != AUDIT_DISCARD_PREFIX ||
			 !prefix_is_indexed(finding->key.relid, finding->columns.attnum[i])))
			return false;
	}
	return finding->columns.n > 0;
}

/* Is there by now what would serve? */
static bool
is_mended(const AuditFinding *finding)
{
	if (finding->parent_text[0] != '\0')
		return audit_expression_is_indexed(finding->key.relid, (uint32) finding->parent_queryid,
										   finding->columns.operator[0]);
	return columns_are_indexed(finding, kind_of(finding));
}

/* An index on the expression that is compared, else on each column, for what they say. */
static void
suggest_indexes(StringInfo out, const AuditFinding *finding, const AuditNames *names,
				const char *using, const char *opclass)
{
	if (finding->parent_text[0] != '\0')
	{
		appendStringInfo(out, "CREATE INDEX ON %s%s ((%s)%s)", names->table, using,
						 finding->parent_text, opclass);
		return;
	}
	for (int i = 0; i < finding->columns.n; i++)
		appendStringInfo(out, "%sCREATE INDEX ON %s%s (%s%s)", i > 0 ? "; " : "",
						 names->table, using, quote_identifier(names->column[i]), opclass);
}

/* Where an index is on offer, but not on what. */
static void
suggest_other(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	appendStringInfoString(out, "Compare the column itself, or create an index on the "
						   "expression that the condition makes of ");
	audit_append_columns(out, finding, names, false);
}

static void
suggest_pattern(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	audit_suggest_trigrams(out, names, finding->parent_text[0] != '\0' ?
						   psprintf("(%s)", finding->parent_text) :
						   quote_identifier(names->column[0]));
}

static void
suggest_member(StringInfo out, const char *table, const char *column)
{
	int			statement;

	appendStringInfo(out, "CREATE INDEX ON %s USING gin (%s)", table, column);
	statement = out->len;
	appendStringInfo(out, " -- then WHERE %s @> ARRAY[$1]", column);
	audit_keep_on_line(out, statement);
}

/* Conditions that only other ones could spare. */
static void
suggest_outward(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	appendStringInfo(out, "Put a condition on %s that an index can look up: none serves this one",
					 names->table);
	if (finding->columns.n > 0)
	{
		appendStringInfoString(out, ", on ");
		audit_append_columns(out, finding, names, false);
	}
	appendStringInfoChar(out, '.');
}

/* Without costs the planner would not take it before it knows the expression's values. */
static void
suggest_analyze(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	if (finding->parent_text[0] != '\0' && isnan(finding->numbers[COSTS]))
		appendStringInfo(out, "; ANALYZE %s", names->table);
}

static void
suggest(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	switch (kind_of(finding))
	{
		case AUDIT_DISCARD_EXPRESSION:
			suggest_other(out, finding, names);
			break;
		case AUDIT_DISCARD_MUTABLE:
			appendStringInfoString(out, "Compare the column itself: no index can be on what the "
								   "condition makes of ");
			audit_append_columns(out, finding, names, false);
			appendStringInfoString(out, ", as it is not immutable.");
			break;
		case AUDIT_DISCARD_OUTWARD:
			suggest_outward(out, finding, names);
			break;
		case AUDIT_DISCARD_MEMBER:
			suggest_member(out, names->table, quote_identifier(names->column[0]));
			break;
		case AUDIT_DISCARD_KEY:
		case AUDIT_DISCARD_ALTERNATIVES:
			suggest_indexes(out, finding, names, "", "");
			break;
		case AUDIT_DISCARD_PATTERN:
			suggest_pattern(out, finding, names);
			break;
		case AUDIT_DISCARD_PREFIX:
			suggest_indexes(out, finding, names, "", " text_pattern_ops");
			break;
		case AUDIT_DISCARD_CONTAINS:
			suggest_indexes(out, finding, names, " USING gin", "");
			break;
		case AUDIT_DISCARD_JOIN:
			appendStringInfo(out, "Join %s by columns that are equal, or put a narrower "
							 "condition on it.", names->table);
			break;
		case AUDIT_DISCARD_GROUPS:
			appendStringInfo(out, "Put conditions on rows of %s before they are grouped, or keep "
							 "the groups' figures in a table.", names->table);
			break;
		case AUDIT_DISCARD_DUPLICATES:
			appendStringInfo(out, "Read the distinct values from a table of their own rather than "
							 "out of all rows of %s.", names->table);
			break;
		case AUDIT_DISCARD_CONDITION:
			appendStringInfo(out, "If the condition is always the same: CREATE INDEX ON %s (...) "
							 "WHERE the condition.", names->table);
			break;
	}
	suggest_analyze(out, finding, names);
}

const AuditRuleSpec audit_spec_discarded_rows = {
	.name = "discarded_rows",
	.measured = true,
	.cause = AUDIT_CAUSE_WASTE,
	.least = 2,
	.medium = 10000,
	.numbers = {"rows_scanned", "rows_kept", "loops", "cost_before", "cost_after"},
	.is_mended = is_mended,
	.suggest = suggest,
	.suggests_text = true
};
