/*
 * audit_row_misestimate.c
 *		row_misestimate: a scan puts out other numbers of rows than the planner expected,
 *		though ANALYZE has seen the table; stale_statistics where it has not.
 *
 * The cause is looked for in the conditions of the scan. Each "column = value" by
 * itself is put to the statistics as they are: where the rows of one alone would
 * be too few, that column is at fault; where all are plausible and their product
 * is not, the columns are correlated; where the product with the values known is
 * right, the plan was made without knowing the values. Other conditions are not
 * judged, but for one that stands alone. Where ANALYZE could not have missed the
 * rows that one condition has found, the statistics are older than these.
 */
#include "audit/rules/audit_rules.h"

#include "commands/defrem.h"
#include "nodes/execnodes.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* The figures of evidence. */
#define ESTIMATED 0
#define ACTUAL 1
#define CAUSE 3					/* not shown, nor are these: */
#define VERSION 4				/* of the statistics */
#define MEND 5					/* of SKEWED columns the target, of expressions their hash; 0: runs
								 * tell whether it is mended */

typedef enum Cause
{
	NOTHING_KNOWN,
	CORRELATED,					/* columns */
	SKEWED,						/* one column: its value is commoner than statistics say */
	VALUE_UNKNOWN,				/* to the planner: a generic plan */
	EXPRESSION,					/* has no statistics */
} Cause;

/* The conditions of a scan, by what can be said of them. */
typedef struct Conditions
{
	AuditScope	scope;
	List	   *nodes;
	List	   *clauses;		/* of AuditClause, as many */
	AuditColumns columns;		/* that conditions compare with something */
	bool		has_params;
} Conditions;

static bool
add_column(AuditColumns *columns, AttrNumber attnum)
{
	for (int i = 0; i < columns->n; i++)
	{
		if (columns->attnum[i] == attnum)
			return true;
	}
	if (columns->n == AUDIT_MAX_COLUMNS)
		return false;
	columns->attnum[columns->n++] = attnum;
	return true;
}

static void
read_conditions(const PlanState *scan, Conditions *conditions)
{
	List	   *index_conditions;
	ListCell   *cell;

	memset(conditions, 0, sizeof(Conditions));
	audit_scan_scope(scan->plan, &conditions->scope, &index_conditions);
	conditions->nodes = list_concat_copy(index_conditions, scan->plan->qual);
	conditions->clauses = audit_clauses(&conditions->scope, conditions->nodes);
	foreach(cell, conditions->clauses)
	{
		const AuditClause *clause = lfirst(cell);

		if (clause->attnum != 0)
			add_column(&conditions->columns, clause->attnum);
		if (clause->value != NULL && !IsA(clause->value, Const))
			conditions->has_params = true;
	}
}

/* ---- causes ---- */

/* The column whose condition alone makes too few rows plausible; 0: none, negative: unknown. */
static int
column_at_fault(const AuditEstimate *estimate, const Conditions *conditions, ParamListInfo params,
				double *product)
{
	double		rows = Max(estimate->rel->rd_rel->reltuples, 1);
	ListCell   *cell;

	*product = rows;
	foreach(cell, conditions->clauses)
	{
		const AuditClause *clause = lfirst(cell);
		double		share = audit_equality_selectivity(estimate->rel, clause, params);

		if (share < 0)
			return -1;
		if (share * rows * audit_misestimate / 2 < estimate->actual)
			return clause->attnum;
		*product *= share;
	}
	return 0;
}

/* One condition that is no "column = value". */
static Cause
cause_of_single(const Conditions *conditions, AuditColumns *columns)
{
	const AuditClause *clause = linitial(conditions->clauses);
	Bitmapset  *attnums = NULL;
	int			number = -1;

	if (clause->attnum != 0)
		return clause->value != NULL && IsA(clause->value, Const) ? SKEWED : NOTHING_KNOWN;
	pull_varattnos(linitial(conditions->nodes), conditions->scope.scanrelid, &attnums);
	while ((number = bms_next_member(attnums, number)) >= 0)
	{
		if (number + FirstLowInvalidHeapAttributeNumber > 0)
			add_column(columns, number + FirstLowInvalidHeapAttributeNumber);
	}
	return columns->n > 0 ? EXPRESSION : NOTHING_KNOWN;
}

/* Why the estimate was wrong; "columns" are those that the advice is about. */
static Cause
cause_of(const AuditEstimate *estimate, const Conditions *conditions, ParamListInfo params,
		 AuditColumns *columns)
{
	double		product;
	int			fault;

	*columns = conditions->columns;
	if (conditions->clauses == NIL)
		return NOTHING_KNOWN;
	fault = column_at_fault(estimate, conditions, params, &product);
	if (fault < 0)
		return list_length(conditions->clauses) == 1 ? cause_of_single(conditions, columns) :
			NOTHING_KNOWN;
	if (fault > 0)
	{
		memset(columns, 0, sizeof(AuditColumns));
		add_column(columns, (AttrNumber) fault);
		return SKEWED;
	}
	if (!audit_is_misestimated(product, estimate->actual, estimate->loops))
		return conditions->has_params ? VALUE_UNKNOWN : NOTHING_KNOWN;
	if (columns->n < 2 || audit_statistics_cover(RelationGetRelid(estimate->rel), columns))
		return NOTHING_KNOWN;
	return CORRELATED;
}

/* Are there rows that ANALYZE cannot have seen, by what one condition has found? */
static bool
is_contradicted(const AuditEstimate *estimate, const Conditions *conditions, ParamListInfo params)
{
	ListCell   *cell;

	if (estimate->actual <= estimate->estimated)
		return false;
	foreach(cell, conditions->clauses)
	{
		if (audit_statistics_contradict(estimate->rel, lfirst(cell), params, estimate->actual))
			return true;
	}
	return false;
}

static bool
are_stale(const AuditEstimate *estimate, const Conditions *conditions, ParamListInfo params)
{
	return audit_statistics_are_missing(RelationGetRelid(estimate->rel), &conditions->columns) ||
		audit_statistics_are_stale(estimate->rel) ||
		is_contradicted(estimate, conditions, params);
}

/* The hash of what a condition computes of the table, 0 where that is not plain. */
static uint32
expression_of(const Conditions *conditions)
{
	const OpExpr *expr = linitial(conditions->nodes);
	Node	   *side = NULL;

	if (!IsA(expr, OpExpr) || list_length(expr->args) != 2)
		return 0;
	if (audit_is_independent(lsecond(expr->args)))
		side = linitial(expr->args);
	else if (audit_is_independent(linitial(expr->args)))
		side = lsecond(expr->args);
	if (side == NULL || conditions->scope.index_columns != NIL)
		return 0;
	side = copyObject(side);
	ChangeVarNodes(side, (int) conditions->scope.scanrelid, 1, 0);
	return audit_expression_hash(side);
}

/* ---- sightings ---- */

/* What will tell that it is mended. */
static double
mend_of(Cause cause, Oid relid, const Conditions *conditions, const AuditColumns *columns)
{
	if (cause == SKEWED)
		return audit_statistics_target(relid, columns->attnum[0]);
	if (cause == EXPRESSION)
		return expression_of(conditions);
	return cause == VALUE_UNKNOWN ? 0 : 1;
}

static AuditSighting *
sighting_of(const AuditWatch *watch, const AuditEstimate *estimate)
{
	Oid			relid = RelationGetRelid(estimate->rel);
	AuditSighting *sighting;
	Conditions	conditions;
	AuditColumns columns;
	Cause		cause = NOTHING_KNOWN;
	bool		stale;

	read_conditions(estimate->scan, &conditions);
	columns = conditions.columns;
	stale = are_stale(estimate, &conditions, watch->desc->params);
	if (!stale)
		cause = cause_of(estimate, &conditions, watch->desc->params, &columns);
	if (!stale && cause == NOTHING_KNOWN)
		return NULL;
	sighting = palloc(sizeof(AuditSighting));
	audit_sighting(watch, stale ? AUDIT_STALE_STATISTICS : AUDIT_ROW_MISESTIMATE, sighting);
	sighting->columns = columns;
	sighting->relid = audit_index_owner(relid, &sighting->columns);
	sighting->numbers[ESTIMATED] = estimate->estimated;
	sighting->numbers[ACTUAL] = estimate->actual;
	sighting->numbers[2] = estimate->loops;
	sighting->numbers[CAUSE] = cause;
	sighting->numbers[VERSION] = audit_statistics_version(sighting->relid, &sighting->columns);
	sighting->numbers[MEND] = mend_of(cause, relid, &conditions, &columns);
	return sighting;
}

static bool
is_seen(const List *sightings, Oid relid)
{
	ListCell   *cell;

	foreach(cell, sightings)
	{
		if (((const AuditSighting *) lfirst(cell))->relid == relid)
			return true;
	}
	return false;
}

/* A run that was measured: an AuditSighting for each table whose rows were misestimated. */
List *
audit_measure_row_misestimate(const AuditWatch *watch)
{
	List	   *sightings = NIL;
	ListCell   *cell;

	foreach(cell, audit_plan_estimates(watch))
	{
		const AuditEstimate *estimate = lfirst(cell);
		AuditSighting *sighting;

		if (!audit_is_user_table(watch, RelationGetRelid(estimate->rel)))
			continue;
		sighting = sighting_of(watch, estimate);
		if (sighting != NULL && !is_seen(sightings, sighting->relid))
			sightings = lappend(sightings, sighting);
	}
	return sightings;
}

/*
 * Are rows far from what the plan expected, as far as it can be seen without
 * measuring: those of the result, and those that index and bitmap scans have read?
 */
bool
audit_suspect_row_misestimate(const AuditWatch *watch)
{
	const Plan *plan = watch->desc->plannedstmt->planTree;
	int64		read = 0;

	/* Of a table's two counters that of rows fetched is for bitmap scans. */
	if ((double) watch->rows_returned > plan->plan_rows &&
		audit_is_misestimated(plan->plan_rows, (double) watch->rows_returned, 1))
		return true;
	for (int i = 0; i < watch->nrels; i++)
	{
		if ((watch->rels[i].kinds & AUDIT_HEAP) == 0)
			read += watch->rels[i].rows;
		else
			read += watch->rels[i].own.fetched;
	}
	if (read < audit_misestimate_rows)
		return false;
	return audit_is_misestimated(Min(audit_plan_index_rows(plan), (double) read),
								 (double) read, 1);
}

/* ---- its words ---- */

/* Is what was suggested there by now? */
static bool
is_mended(const AuditFinding *finding)
{
	Oid			relid = finding->key.relid;
	double		mend = finding->numbers[MEND];

	switch ((Cause) finding->numbers[CAUSE])
	{
		case CORRELATED:
			return audit_statistics_cover(relid, &finding->columns);
		case SKEWED:
			return audit_statistics_target(relid, finding->columns.attnum[0]) > mend &&
				audit_statistics_version(relid, &finding->columns) != finding->numbers[VERSION];
		case EXPRESSION:
			return mend > 0 && audit_expression_has_statistics(relid, (uint32) mend);
		default:
			return false;
	}
}

static double
weight(const AuditFinding *finding)
{
	double		off = finding->numbers[ACTUAL] - finding->numbers[ESTIMATED];

	return Max(off, -off) * finding->numbers[2];
}

static void
suggest_statistics(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	char	   *table = get_rel_name(finding->key.relid);
	char	   *columns = names->column[0];
	char	   *name;

	for (int i = 1; i < finding->columns.n; i++)
		columns = psprintf("%s_%s", columns, names->column[i]);
	name = makeObjectName(table != NULL ? table : "t", columns, "stat");
	appendStringInfo(out, "CREATE STATISTICS %s (dependencies, ndistinct, mcv) ON ",
					 quote_identifier(name));
	audit_append_columns(out, finding, names, false);
	appendStringInfo(out, " FROM %s; ANALYZE %s", names->table, names->table);
}

static void
suggest(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	switch ((Cause) finding->numbers[CAUSE])
	{
		case CORRELATED:
			suggest_statistics(out, finding, names);
			break;
		case SKEWED:
			appendStringInfo(out, "ALTER TABLE %s ALTER COLUMN %s SET STATISTICS 1000; ANALYZE %s",
							 names->table, quote_identifier(names->column[0]), names->table);
			break;
		case VALUE_UNKNOWN:
			appendStringInfoString(out, "SET plan_cache_mode = 'force_custom_plan'");
			break;
		case EXPRESSION:
			appendStringInfoString(out, "CREATE STATISTICS on the expression that the condition "
								   "makes of ");
			audit_append_columns(out, finding, names, false);
			appendStringInfo(out, ", then ANALYZE %s", names->table);
			break;
		case NOTHING_KNOWN:
			break;
	}
}

const AuditRuleSpec audit_spec_row_misestimate = {
	.name = "row_misestimate",
	.measured = true,
	.cause = AUDIT_CAUSE_ESTIMATE,
	.least = 2,
	.medium = 10000,
	.weight = weight,
	.numbers = {"rows_estimated", "rows_actual", "loops"},
	.spared = MEND,
	.is_mended = is_mended,
	.suggest = suggest
};
