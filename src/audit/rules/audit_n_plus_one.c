/*
 * audit_n_plus_one.c
 *		n_plus_one: one query's result, looked up row by row by another.
 *
 * When one query looks up at least audit_n_plus_one values of one and the same
 * column of a result, most of them different, it is found. The values are
 * what tells an N+1 from a pool of workers that run one query again and
 * again. Small numbers are in every table that counts its rows; where that is
 * all that links the two columns, more of the result has to be looked up, and
 * in its order. A loop within a function is judged by audit_loops.c, and has
 * its words here.
 */
#include "audit/rules/audit_rules.h"
#include "audit/session/audit_session.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define PUBLISH_EACH 32			/* executions of a found child */
#define DISTINCT_AT_LEAST 0.8	/* of an N+1's lookups */
#define FOUND_AT_LEAST 0.8		/* of the values looked up, in the parent's rows */

/* Of what nothing but equal numbers links: */
#define UNLINKED_FACTOR 2		/* times as many lookups */
#define IN_ORDER_AT_LEAST 0.9	/* of them in the order of the rows */
#define LOOKED_UP_AT_LEAST 0.8	/* of the rows */

/* ---- decisions ---- */

/* Are the values mostly different? */
bool
audit_is_n_plus_one(int64 executions, int64 distinct)
{
	return (double) distinct >= (double) executions * DISTINCT_AT_LEAST;
}

/*
 * Likewise, of a column of the parent whose rows share values: as different as
 * those are.
 */
static bool
varies(const AuditChild *child, int noted)
{
	double		share;

	if (audit_is_n_plus_one(child->executions, child->distinct))
		return true;
	if (child->distinct < audit_n_plus_one)
		return false;
	share = (double) audit_row_hashes_distinct(child->parent->hashes, child->columns) /
		(double) Max(noted, 1);
	return (double) child->distinct >= (double) child->executions * share * DISTINCT_AT_LEAST;
}

/*
 * Are the lookups for the parent's rows, or for values of all kinds, of which
 * some are the parent's by chance? Only the rows noted of a parent are known.
 */
static bool
is_from_parent(int64 hits, int64 misses, int64 parent_rows, int64 noted)
{
	double		known = Min((double) noted / (double) Max(parent_rows, 1), 1.0);

	return (double) hits >= (double) (hits + misses) * known * FOUND_AT_LEAST;
}

/* Do so many lookups follow a parent's rows so closely that it is no chance? */
static bool
follows_rows(int64 executions, int64 in_order, int64 noted, int64 threshold)
{
	return executions >= threshold * UNLINKED_FACTOR &&
		(double) in_order >= (double) executions * IN_ORDER_AT_LEAST &&
		(double) executions >= (double) noted * LOOKED_UP_AT_LEAST;
}

/* Of the parent's columns that held all values, the first; one that is linked, if there is one. */
static const AuditOrigin *
origin_of(const AuditChild *child)
{
	uint32		columns = child->columns & child->linked;
	int			bit = 0;

	if (columns == 0)
		columns = child->columns;
	while (bit < AUDIT_TAP_COLUMNS - 1 && (columns & (((uint32) 1) << bit)) == 0)
		bit++;
	return &child->parent->origins[bit];
}

/* Looks up once which of the parent's columns that are left belong to the child's. */
static void
know_links(AuditChild *child)
{
	for (int bit = 0; bit < AUDIT_TAP_COLUMNS; bit++)
	{
		uint32		column = ((uint32) 1) << bit;
		const AuditOrigin *origin = &child->parent->origins[bit];

		if ((child->columns & column) != 0 &&
			audit_columns_linked(child->relid, child->attnum, origin->relid, origin->attnum,
								 origin->name))
			child->linked |= column;
	}
	child->links_known = true;
}

static bool
is_linked(AuditChild *child)
{
	if (!child->links_known)
		know_links(child);
	return child->telling || (child->linked & child->columns) != 0;
}

/* ---- findings ---- */

void
audit_n_plus_one_numbers(double *numbers, int64 parent_rows, int64 executions, int64 distinct)
{
	numbers[0] = (double) executions;
	numbers[1] = (double) distinct;
	numbers[2] = (double) parent_rows;
}

/* Adds to the finding what this child did since the last time; makes it, with a watch. */
void
audit_n_plus_one_publish(AuditChild *child, const AuditWatch *watch)
{
	const AuditParent *parent = child->parent;
	const AuditOrigin *origin = origin_of(child);
	double		span = (double) (child->last - child->first) / 1000.0;
	double		saved = span * (double) (child->executions - 1) / (double) child->executions;
	AuditSighting sighting = {
		.rule = AUDIT_N_PLUS_ONE,
		.queryid = child->queryid,
		.relid = child->relid,
		.columns = {.n = 1, .attnum = {child->attnum}},
		.occurrences = child->published == 0 ? 1 : 0,
		.rows_read = child->rows_read - child->published_read,
		.rows_returned = child->rows_returned - child->published_returned,
		.timed = child->published == 0 ? 1 : 0,
		.timed_ms = saved - child->published_ms,
		.userid = parent->userid,
		.parent_queryid = parent->queryid,
		.parent_relid = origin->relid,
		.parent_attnum = origin->attnum,
		.parent_text = parent->text,
		.parent_text_len = parent->text_len,
	};

	if (child->published == child->executions)
		return;
	audit_n_plus_one_numbers(sighting.numbers, parent->rows, child->executions, child->distinct);
	if (watch != NULL)
		audit_statement_text(watch->desc, &sighting.text, &sighting.text_len);
	audit_find(&sighting);
	child->published = child->executions;
	child->published_read = child->rows_read;
	child->published_returned = child->rows_returned;
	child->published_ms = saved;
}

static void
publish_found(AuditChild *child)
{
	if (child->found)
		audit_n_plus_one_publish(child, NULL);
}

void
audit_n_plus_one_publish_all(void)
{
	audit_children_of(NULL, publish_found);
}

/* A child has been executed once more. */
void
audit_judge_n_plus_one(AuditChild *child, const AuditWatch *watch)
{
	int64		noted;

	if (child->found)
	{
		if (child->executions - child->published >= PUBLISH_EACH)
			audit_n_plus_one_publish(child, watch);
		return;
	}
	noted = audit_row_hashes_rows(child->parent->hashes);
	if (child->executions < audit_n_plus_one || !varies(child, (int) noted) ||
		!is_from_parent(child->executions, child->misses, child->parent->rows, noted))
		return;
	if (!is_linked(child) &&
		!follows_rows(child->executions, child->in_order, noted, audit_n_plus_one))
		return;
	/* One query may look up by two columns of the parent; that is one N+1. */
	if (audit_child_found_besides(child))
		return;
	child->found = true;
	audit_n_plus_one_publish(child, watch);
}

/* ---- its words ---- */

/* Executions, of which one would do. */
static double
weight(const AuditFinding *finding)
{
	return finding->numbers[0] / (finding->nested ? 10 : 1);
}

/* The same as a join, where the column of the parent's table is known. */
static void
append_join(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	Oid			parent = finding->parent_relid;
	char	   *table = OidIsValid(parent) ? get_rel_name(parent) : NULL;
	char	   *column = OidIsValid(parent) ?
		get_attname(parent, finding->parent_attnum, true) : NULL;
	const char *child;

	if (table == NULL || column == NULL)
		return;
	child = parent == finding->key.relid ? "other" : get_rel_name(finding->key.relid);
	if (child == NULL)
		return;
	appendStringInfo(out, " -- or, in the parent query: JOIN %s%s ON %s.%s = ", names->table,
					 parent == finding->key.relid ? " other" : "", quote_identifier(child),
					 quote_identifier(names->column[0]));
	appendStringInfo(out, "%s.%s", quote_identifier(table), quote_identifier(column));
}

static void
suggest(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	int			statement;

	appendStringInfo(out, "SELECT * FROM %s WHERE ", names->table);
	audit_append_columns(out, finding, names, false);
	appendStringInfoString(out, " = ANY ($1)");
	statement = out->len;
	if (finding->nested)
		appendStringInfo(out, " -- or one statement in place of the loop, with JOIN %s",
						 names->table);
	else
		append_join(out, finding, names);
	audit_keep_on_line(out, statement);
}

const AuditRuleSpec audit_spec_n_plus_one = {
	.name = "n_plus_one",
	.least = 1,
	.medium = 50,
	.weight = weight,
	.numbers = {"executions", "distinct_values", "parent_rows"},
	.suggest = suggest
};
