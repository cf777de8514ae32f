/*
 * audit_non_sargable.c
 *		non_sargable: a column has an index, and a condition on it throws rows away
 *		all the same, as it is written in a way that the index cannot serve.
 *
 * Raised only when planning the query again proves that it would be cheaper
 * with an index on what the condition compares; see audit_prove.c.
 */
#include "audit/rules/audit_rules.h"

#include "access/htup_details.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_namespace_d.h"
#include "catalog/pg_type_d.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Places of the figures that are not named as such. */
#define CAUSE 4
#define INDEX 5

#define PLAIN_WASTE 10			/* times audit_min_rows */
#define PLAIN_KEPT 0.01			/* of the rows scanned, at most */

static const char *const causes[] = {
	[AUDIT_WRAP_FUNCTION] = "function",
	[AUDIT_WRAP_EXPRESSION] = "expression",
	[AUDIT_WRAP_CAST] = "cast",
	[AUDIT_WRAP_LOSSY_CAST] = "cast",
	[AUDIT_WRAP_TYPE] = "type",
	[AUDIT_WRAP_COLLATION] = "collation",
	[AUDIT_WRAP_OTHER_COLLATION] = "collation",
	[AUDIT_WRAP_WILDCARD] = "wildcard",
	[AUDIT_WRAP_ENDING] = "wildcard",
	[AUDIT_WRAP_TABLES] = "or",
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

static bool
is_wildcard(AuditWrap cause)
{
	return cause == AUDIT_WRAP_WILDCARD || cause == AUDIT_WRAP_ENDING;
}

/* The column as an index in this collation names it; NULL when something is gone. */
static char *
collated_key(Oid relid, AttrNumber attnum, Oid collation)
{
	char	   *column = get_attname(relid, attnum, true);
	HeapTuple	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	Form_pg_collation form;
	char	   *schema;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_collation) GETSTRUCT(tuple);
	schema = form->collnamespace == PG_CATALOG_NAMESPACE ? NULL :
		get_namespace_name(form->collnamespace);
	name = quote_qualified_identifier(schema, NameStr(form->collname));
	ReleaseSysCache(tuple);
	return column == NULL ? NULL : psprintf("%s COLLATE %s", quote_identifier(column), name);
}

/*
 * What the words of a finding need beyond its figures; see also
 * audit_set_expression. A parent's places hold it.
 */
static void
set_particulars(AuditSighting *sighting, const AuditWrapped *wrapped, Oid relid)
{
	char	   *key = NULL;

	sighting->columns.operator[0] = wrapped->operator;
	sighting->columns.ranged[0] = OidIsValid(wrapped->operator);
	if (wrapped->cause == AUDIT_WRAP_OTHER_COLLATION)
	{
		key = collated_key(relid, wrapped->attnum, wrapped->collation);
		sighting->parent_queryid = wrapped->collation;
	}
	else if (wrapped->cause == AUDIT_WRAP_TYPE)
		sighting->parent_relid = exprType(wrapped->expression);
	sighting->parent_text = key != NULL ? key : "";
	sighting->parent_text_len = (int) strlen(sighting->parent_text);
}

/* The index that would serve a condition. */
void
audit_hypothesize(AuditHypothesis *hypothesis, const AuditWrapped *wrapped, Oid origin, Oid owner)
{
	hypothesis->origin = origin;
	hypothesis->owner = owner;
	hypothesis->n = 1;
	hypothesis->attnum[0] = wrapped->attnum;
	hypothesis->method = wrapped->method;
	hypothesis->opclass = wrapped->opclass;
	hypothesis->collation = wrapped->collation;
	hypothesis->evident = wrapped->evident;
	hypothesis->expression = wrapped->expression;
	hypothesis->keeps_apart = wrapped->keeps_apart;
}

static AuditSuspect *
new_suspect(const AuditWatch *watch, const AuditFilter *filter, const AuditWrapped *wrapped,
			const AuditColumns *columns, Oid owner)
{
	AuditSuspect *suspect = palloc0(sizeof(AuditSuspect));

	audit_sighting(watch, AUDIT_NON_SARGABLE, &suspect->sighting);
	suspect->sighting.relid = owner;
	suspect->sighting.columns = *columns;
	suspect->sighting.numbers[CAUSE] = wrapped->cause;
	suspect->sighting.numbers[INDEX] = wrapped->index;
	set_particulars(&suspect->sighting, wrapped, RelationGetRelid(filter->rel));
	audit_hypothesize(&suspect->hypothesis, wrapped, RelationGetRelid(filter->rel), owner);
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
			!audit_wrapped_column(filter, watch->desc->params, &wrapped))
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

/* ---- OR over two tables ---- */

static double
rows_of(const AuditSource *sources, int n, Oid relid)
{
	double		rows = 0;

	for (int i = 0; i < n; i++)
	{
		if (sources[i].table == relid || sources[i].owner == relid)
			rows += (double) sources[i].rows;
	}
	return rows;
}

/* An index that begins with the column of a table that the query scans, 0 without one. */
static Oid
index_of(const AuditWatch *watch, Oid relid, AttrNumber attnum)
{
	for (int i = 0; i < watch->nrels; i++)
	{
		if (RelationGetRelid(watch->rels[i].rel) == relid)
			return audit_index_on(watch->rels[i].rel, attnum);
	}
	return InvalidOid;
}

/* The OR of a query over two of its tables, held against the one that gave more rows. */
static AuditSuspect *
suspect_or(const AuditWatch *watch)
{
	const AuditTree *tree = audit_tree_find(watch->queryid, watch->userid);
	AuditSuspect *suspect;
	AuditSighting *sighting;
	AuditSource *sources;
	AuditSplit	split;
	int			n;
	int			side;

	if (tree == NULL || !audit_split_find(tree->query, &split))
		return NULL;
	sources = audit_sources(watch, &n);
	side = rows_of(sources, n, split.relid[1]) > rows_of(sources, n, split.relid[0]);
	if (!audit_is_user_table(watch, split.relid[side]))
		return NULL;
	suspect = palloc0(sizeof(AuditSuspect));
	sighting = &suspect->sighting;
	audit_sighting(watch, AUDIT_NON_SARGABLE, sighting);
	sighting->relid = split.relid[side];
	sighting->columns.n = 1;
	sighting->columns.attnum[0] = split.attnum[side];
	sighting->parent_relid = split.relid[1 - side];
	sighting->parent_attnum = split.attnum[1 - side];
	sighting->parent_text = "";
	sighting->numbers[0] = rows_of(sources, n, sighting->relid);
	sighting->numbers[1] = Min(sighting->numbers[0], (double) watch->rows_returned);
	sighting->numbers[CAUSE] = AUDIT_WRAP_TABLES;
	sighting->numbers[INDEX] = index_of(watch, sighting->relid, split.attnum[side]);
	suspect->hypothesis.method = BTREE_AM_OID;
	suspect->hypothesis.split = true;
	return suspect;
}

/* ---- both ---- */

/* What is so plain that it stands where it cannot be planned. */
static bool
is_plain(const AuditSighting *sighting)
{
	return sighting->numbers[0] >= PLAIN_WASTE * (double) audit_min_rows &&
		sighting->numbers[1] <= sighting->numbers[0] * PLAIN_KEPT;
}

/* A run that was measured: an AuditSuspect for each column whose index cannot serve. */
List *
audit_suspect_non_sargable(const AuditWatch *watch)
{
	List	   *suspects = collect(watch);
	AuditSuspect *or = suspect_or(watch);
	List	   *wasteful = NIL;
	ListCell   *cell;

	if (or != NULL)
		suspects = lappend(suspects, or);
	foreach(cell, suspects)
	{
		AuditSuspect *suspect = lfirst(cell);
		AuditSighting *sighting = &suspect->sighting;
		double		scanned = sighting->numbers[0];
		double		discarded = scanned - sighting->numbers[1];

		if (discarded < (double) audit_min_rows ||
			sighting->numbers[1] > scanned * AUDIT_KEPT_AT_MOST)
			continue;
		suspect->hypothesis.evident &= is_plain(sighting);
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
	Oid			relid = finding->key.relid;
	AttrNumber	attnum = finding->columns.attnum[0];
	AuditWrap	cause = (AuditWrap) finding->numbers[CAUSE];

	if (cause == AUDIT_WRAP_OTHER_COLLATION)
		return audit_collation_is_indexed(relid, attnum, (Oid) finding->parent_queryid);
	if (finding->parent_text[0] != '\0')
		return audit_expression_is_indexed(relid, (uint32) finding->parent_queryid,
										   finding->columns.operator[0]);
	if (cause == AUDIT_WRAP_COLLATION &&
		audit_collation_is_indexed(relid, attnum, C_COLLATION_OID))
		return true;
	return OidIsValid(finding->columns.operator[0]) &&
		audit_index_exists(relid, &finding->columns);
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

static char *
type_name(Oid type)
{
	return format_type_extended(type, -1, FORMAT_TYPE_ALLOW_INVALID | FORMAT_TYPE_TYPEMOD_GIVEN);
}

static void
suggest_type(StringInfo out, const AuditFinding *finding, const char *column)
{
	char	   *type = type_name(get_atttype(finding->key.relid, finding->columns.attnum[0]));

	if (finding->numbers[CAUSE] == AUDIT_WRAP_TYPE && OidIsValid(finding->parent_relid))
		appendStringInfo(out, "Pass the value as %s, not as %s", type,
						 type_name(finding->parent_relid));
	else
		appendStringInfoString(out, "Cast the value, not the column");
	appendStringInfo(out, ": WHERE %s = $1::%s", column, type);
}

/* What can look up a pattern without a beginning. */
void
audit_suggest_trigrams(StringInfo out, const AuditNames *names, const char *key)
{
	bool		installed = OidIsValid(audit_trigram_opclass());

	if (installed || audit_trigram_is_available())
		appendStringInfo(out, "%sCREATE INDEX ON %s USING gin (%s %s)",
						 installed ? "" : "CREATE EXTENSION IF NOT EXISTS pg_trgm; ",
						 names->table, key, audit_trigram_name());
	else
		appendStringInfo(out, "With pg_trgm installed on this server: CREATE INDEX ON %s "
						 "USING gin (%s gin_trgm_ops)", names->table, key);
}

/* The column, or the expression that is matched. */
static const char *
key_of(const AuditFinding *finding, const AuditNames *names)
{
	return finding->parent_text[0] != '\0' ? psprintf("(%s)", finding->parent_text) :
		quote_identifier(names->column[0]);
}

static void
suggest_reverse(StringInfo out, const char *table, const char *key)
{
	int			statement;

	appendStringInfo(out, "CREATE INDEX ON %s (reverse(%s) text_pattern_ops)", table, key);
	statement = out->len;
	appendStringInfo(out, " -- then WHERE reverse(%s) LIKE reverse($1) || '%%', "
					 "for values that end in $1", key);
	audit_keep_on_line(out, statement);
}

static void
suggest_wildcard(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	const char *key = key_of(finding, names);

	if (finding->numbers[CAUSE] == AUDIT_WRAP_ENDING && !OidIsValid(audit_trigram_opclass()) &&
		!audit_trigram_is_available())
		suggest_reverse(out, names->table, key);
	else
		audit_suggest_trigrams(out, names, key);
}

static void
suggest_split(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	char	   *other = audit_relation_name(finding->parent_relid);
	char	   *column = get_attname(finding->parent_relid, finding->parent_attnum, true);

	appendStringInfoString(out, "Ask for each side of the OR by a query of its own");
	if (other != NULL && column != NULL)
		appendStringInfo(out, ": SELECT ... WHERE (the condition on %s.%s) UNION "
						 "SELECT ... WHERE (the condition on %s.%s)", names->table,
						 quote_identifier(names->column[0]), other, quote_identifier(column));
}

static void
suggest_index(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	const char *column = quote_identifier(names->column[0]);

	if (finding->numbers[CAUSE] == AUDIT_WRAP_COLLATION)
		appendStringInfo(out, "CREATE INDEX ON %s (%s %s)", names->table, key_of(finding, names),
						 get_atttype(finding->key.relid, finding->columns.attnum[0]) == BPCHAROID ?
						 "bpchar_pattern_ops" : "text_pattern_ops");
	else if (finding->numbers[CAUSE] == AUDIT_WRAP_OTHER_COLLATION)
		appendStringInfo(out, "CREATE INDEX ON %s (%s)", names->table, finding->parent_text);
	else if (finding->parent_text[0] != '\0')
		appendStringInfo(out, "CREATE INDEX ON %s ((%s))", names->table, finding->parent_text);
	else
		appendStringInfo(out, "Compare the column itself with a range: "
						 "WHERE %s >= $1 AND %s < $2", column, column);
}

static void
suggest(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	AuditWrap	cause = (AuditWrap) finding->numbers[CAUSE];

	if (cause == AUDIT_WRAP_TYPE || cause == AUDIT_WRAP_CAST)
		suggest_type(out, finding, quote_identifier(names->column[0]));
	else if (cause == AUDIT_WRAP_TABLES)
		suggest_split(out, finding, names);
	else if (is_wildcard(cause))
		suggest_wildcard(out, finding, names);
	else
		suggest_index(out, finding, names);
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
