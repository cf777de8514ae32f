/*
 * audit_judge.c
 *		What to do with an execution that has ended.
 *
 * Counts it, and lets each rule see it: N+1 and unbounded results for what
 * went to the client, a deep OFFSET, and else the screen with all that
 * follows from it. One cause makes one finding: rows that an OFFSET skipped
 * are not held against the scan below it.
 *
 * Called before the executor lets go of relations and plan state.
 */
#include "audit.h"

#include PURSER_QUERYJUMBLE_H
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "executor/instrument.h"
#include "nodes/execnodes.h"

#define MAX_FILTERS 1000		/* looked at in one plan */
#define FEWEST_DISCARDED 100	/* by a partition's scan, for it to be looked at */

/* The part of the source text that is this statement's. */
void
audit_statement_text(const QueryDesc *desc, const char **text, int *len)
{
	int			location = desc->plannedstmt->stmt_location;

	*len = desc->plannedstmt->stmt_len;
	*text = CleanQuerytext(desc->sourceText, &location, len);
}

static void
sighting_of(const AuditWatch *watch, AuditRule rule, AuditSighting *sighting)
{
	memset(sighting, 0, sizeof(AuditSighting));
	sighting->rule = rule;
	sighting->queryid = watch->queryid;
	sighting->userid = watch->userid;
	sighting->occurrences = 1;
	sighting->rows_read = audit_rows_read(watch);
	sighting->rows_returned = watch->rows_returned;
	audit_statement_text(watch->desc, &sighting->text, &sighting->text_len);
}

/* Is it a table that people made to last? */
static bool
is_user_table(const AuditWatch *watch, Oid relid)
{
	if (!OidIsValid(relid) || IsCatalogRelationOid(relid))
		return false;
	for (int i = 0; i < watch->nrels; i++)
	{
		if (watch->rels[i].table == relid)
			return watch->rels[i].rel->rd_rel->relpersistence != RELPERSISTENCE_TEMP;
	}
	return false;
}

static double
elapsed_ms(const AuditWatch *watch)
{
	return INSTR_TIME_GET_MILLISEC(watch->elapsed);
}

/* Time that a share of the rows took, if time was taken. */
static void
set_waste(AuditSighting *sighting, const AuditWatch *watch, double wasted, double all)
{
	if (!watch->timed || all <= 0)
		return;
	sighting->timed = 1;
	sighting->timed_ms = elapsed_ms(watch) * Min(wasted / all, 1.0);
}

/* The tables that rows were read from, and how many; partitions taken together. */
AuditSource *
audit_sources(const AuditWatch *watch, int *n)
{
	AuditSource *sources = palloc(sizeof(AuditSource) * Max(watch->nrels, 1));

	*n = 0;
	for (int i = 0; i < watch->nrels; i++)
	{
		const AuditRel *rel = &watch->rels[i];
		AuditColumns none = {0};
		Oid			owner;
		int			j = 0;

		if (rel->rows == 0)
			continue;
		owner = audit_index_owner(rel->table, &none);
		while (j < *n && sources[j].owner != owner)
			j++;
		if (j == *n)
			sources[(*n)++] = (AuditSource) {rel->table, owner, 0};
		sources[j].rows += rel->rows;
	}
	return sources;
}

/* ---- deep_offset ---- */

/* The rows that the OFFSET at the top of a plan really skipped. */
static int64
rows_skipped(const PlanState *top)
{
	const LimitState *limit = (const LimitState *) top;

	if (!IsA(top, LimitState) || limit->lstate == LIMIT_INITIAL)
		return 0;
	return Min(limit->offset, limit->position);
}

static bool
judge_offset(AuditWatch *watch)
{
	PlanState  *top = watch->desc->planstate;
	int64		skipped = rows_skipped(top);
	int64		ignored;
	AuditSighting sighting;

	if (skipped < audit_deep_offset)
		return false;
	sighting_of(watch, AUDIT_DEEP_OFFSET, &sighting);
	if (!audit_plan_order(top, watch->desc->plannedstmt->rtable, &sighting.relid,
						  &sighting.columns))
	{
		memset(&sighting.columns, 0, sizeof(AuditColumns));
		sighting.relid = audit_main_table(watch, &ignored);
	}
	if (!is_user_table(watch, sighting.relid))
		return false;
	sighting.relid = audit_index_owner(sighting.relid, &sighting.columns);
	sighting.numbers[0] = (double) skipped;
	sighting.numbers[1] = (double) watch->rows_returned;
	set_waste(&sighting, watch, (double) skipped, (double) (skipped + watch->rows_returned));
	audit_find(&sighting);
	audit_board_convict(watch, true);
	return true;
}

/* ---- unbounded_result ---- */

/* The table that most rows were read from. */
static AuditSource
largest_source(const AuditWatch *watch)
{
	AuditSource largest = {InvalidOid, InvalidOid, 0};
	int			n;
	AuditSource *sources = audit_sources(watch, &n);

	for (int i = 0; i < n; i++)
	{
		if (sources[i].rows > largest.rows)
			largest = sources[i];
	}
	return largest;
}

static void
judge_size(const AuditWatch *watch)
{
	const Plan *plan = watch->desc->plannedstmt->planTree;
	AuditSighting sighting;
	AuditSource source;

	if (watch->rows_returned < audit_unbounded_rows || audit_plan_is_bounded(plan))
		return;
	/* Rows out of a function or a product of small tables say nothing of a table's size. */
	source = largest_source(watch);
	if (source.rows < watch->rows_returned / 2 || !is_user_table(watch, source.table))
		return;
	sighting_of(watch, AUDIT_UNBOUNDED_RESULT, &sighting);
	sighting.relid = source.owner;
	sighting.bytes = watch->rows_returned * plan->plan_width;
	sighting.numbers[0] = (double) watch->rows_returned;
	sighting.numbers[1] = (double) plan->plan_width;
	audit_find(&sighting);
}

/* ---- missing_index ---- */

static AuditSighting *
same_advice(List *sightings, Oid relid, const AuditColumns *columns)
{
	ListCell   *cell;

	foreach(cell, sightings)
	{
		AuditSighting *sighting = lfirst(cell);

		if (sighting->relid == relid &&
			sighting->columns.n == columns->n &&
			memcmp(sighting->columns.attnum, columns->attnum, sizeof(columns->attnum)) == 0)
			return sighting;
	}
	return NULL;
}

/* What filters threw away, by the index that would have spared it: partitions add up. */
static List *
advice_of(const AuditWatch *watch)
{
	List	   *sightings = NIL;
	int			looked_at = 0;
	ListCell   *cell;

	foreach(cell, audit_plan_filters(watch->desc->planstate))
	{
		const AuditFilter *filter = lfirst(cell);
		AuditSighting *sighting;
		AuditColumns columns;
		Oid			owner;

		if (filter->scanned - filter->kept < FEWEST_DISCARDED || looked_at++ > MAX_FILTERS ||
			!audit_index_advice(filter, &columns))
			continue;
		owner = audit_index_owner(RelationGetRelid(filter->rel), &columns);
		sighting = same_advice(sightings, owner, &columns);
		if (sighting == NULL)
		{
			sighting = palloc(sizeof(AuditSighting));
			sighting_of(watch, AUDIT_MISSING_INDEX, sighting);
			sighting->relid = owner;
			sighting->columns = columns;
			sightings = lappend(sightings, sighting);
		}
		sighting->numbers[0] += filter->scanned;
		sighting->numbers[1] += filter->kept;
		sighting->numbers[2] += filter->loops;
	}
	return sightings;
}

static void
judge_measured(const AuditWatch *watch, bool wasteful)
{
	List	   *proven = NIL;
	ListCell   *cell;

	if (wasteful)
	{
		foreach(cell, advice_of(watch))
		{
			AuditSighting *sighting = lfirst(cell);
			double		scanned = sighting->numbers[0];
			double		kept = sighting->numbers[1];

			if (!audit_rule_filter(scanned, kept, sighting->numbers[2], audit_min_rows))
				continue;
			set_waste(sighting, watch, scanned - kept, (double) sighting->rows_read);
			sighting->rows_read = (int64) scanned;
			proven = lappend(proven, sighting);
		}
	}
	audit_board_measured(watch, proven, wasteful);
}

static void
judge_rows(AuditWatch *watch)
{
	bool		wasteful = !watch->uncounted &&
		audit_rule_screen(audit_rows_read(watch), watch->rows_returned, audit_min_rows);

	if (watch->slot >= 0 && watch->desc->planstate->instrument != NULL)
		judge_measured(watch, wasteful);
	else if (wasteful)
		audit_board_convict(watch, false);
}

/* ---- all rules ---- */

void
audit_judge(AuditWatch *watch)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(watch->desc->estate->es_query_cxt);

	audit_local_add(watch, true);
	if (watch->to_client)
	{
		audit_nplus1_statement(watch);
		judge_size(watch);
	}
	if (!judge_offset(watch))
		judge_rows(watch);
	MemoryContextSwitchTo(oldcontext);
}
