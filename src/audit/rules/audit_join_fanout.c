/*
 * audit_join_fanout.c
 *		join_fanout: a join sends the rows of a parent again and again.
 *
 * Two children of one parent, which know nothing of each other, multiply: that is
 * found from a low factor on. One child repeats but the parent's columns: that is
 * found only when these are most of what is sent, many times over.
 */
#include "audit/rules/audit_rules.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define SINGLE 5				/* times the factor and the size, for a single child */

/* The figures of evidence. */
#define ROWS 0
#define SEPARATE 2
#define CHILDREN 4				/* not shown, as what follows */

/*
 * Does the result have so many rows more than a table it was joined of that it
 * is worth a look? Called for large results only.
 */
bool
audit_suspect_join_fanout(const AuditWatch *watch)
{
	double		limit = (double) watch->rows_returned / audit_join_fanout;

	if (!watch->to_client || watch->nrels < 2 ||
		audit_plan_is_bounded(watch->desc->plannedstmt->planTree))
		return false;
	for (int i = 0; i < watch->nrels; i++)
	{
		if (watch->rels[i].rows > 0 && (double) watch->rels[i].rows <= limit)
			return true;
	}
	return false;
}

/* Bytes that are sent and need not be. */
static double
repeated_bytes(const AuditFanout *fanout)
{
	if (fanout->children > 1)
		return (fanout->rows - fanout->separate_rows) * fanout->width;
	return (fanout->rows - fanout->parent_rows) * fanout->parent_width;
}

static bool
is_found(const AuditFanout *fanout)
{
	double		factor = fanout->rows / fanout->parent_rows;
	double		size = audit_fanout_size * 1024.0;

	if (fanout->children > 1)
		return repeated_bytes(fanout) >= size &&
			fanout->rows >= fanout->separate_rows * audit_join_fanout;
	/* The child's rows, each once; parents without any come along with an outer join. */
	return repeated_bytes(fanout) >= size * SINGLE &&
		fanout->rows <= fanout->child_rows + fanout->parent_rows &&
		factor >= audit_join_fanout * SINGLE && fanout->parent_width * 2 >= fanout->width;
}

/* A run that was measured and has returned many rows of a join. */
List *
audit_measure_join_fanout(const AuditWatch *watch)
{
	AuditSighting *sighting;
	AuditFanout fanout;

	if (!audit_plan_fanout(watch, &fanout) || !is_found(&fanout) ||
		!audit_is_user_table(watch, fanout.child) || !audit_is_user_table(watch, fanout.parent))
		return NIL;
	sighting = palloc(sizeof(AuditSighting));
	audit_sighting(watch, AUDIT_JOIN_FANOUT, sighting);
	sighting->relid = fanout.child;
	sighting->columns.n = 1;
	sighting->columns.attnum[0] = fanout.child_column;
	sighting->bytes = (int64) repeated_bytes(&fanout);
	sighting->numbers[ROWS] = fanout.rows;
	sighting->numbers[1] = fanout.parent_rows;
	sighting->numbers[SEPARATE] = fanout.separate_rows;
	sighting->numbers[3] = (double) sighting->bytes;
	sighting->numbers[CHILDREN] = fanout.children;
	audit_sighting_waste(sighting, watch, repeated_bytes(&fanout), fanout.rows * fanout.width);
	return list_make1(sighting);
}

/* ---- its words ---- */

/* The rows that are too many, or the parents that come again. */
static double
weight(const AuditFinding *finding)
{
	return finding->numbers[ROWS] - (finding->numbers[CHILDREN] > 1 ?
									 finding->numbers[SEPARATE] : 0);
}

static void
suggest(StringInfo out, const AuditFinding *finding pg_attribute_unused(),
		const AuditNames *names)
{
	appendStringInfo(out, "Read %s by a query of its own (selectinload, prefetch_related): "
					 "SELECT * FROM %s WHERE %s = ANY ($1)", names->table, names->table,
					 quote_identifier(names->column[0]));
}

const AuditRuleSpec audit_spec_join_fanout = {
	.name = "join_fanout",
	.measured = true,
	.cause = AUDIT_CAUSE_FANOUT,
	.least = 2,
	.medium = 10000,
	.weight = weight,
	.numbers = {"rows_returned", "parent_rows", "separate_rows", "repeated_bytes"},
	.suggest = suggest
};
