/*
 * audit_judge.c
 *		What to do with an execution that has ended.
 *
 * Counts it, and lets the rules see it: those that look at one execution at
 * once, those that need its plan nodes measured only when it shows a cause for
 * that. One cause makes one finding: rows that an OFFSET skipped, a count counted
 * or a client left unread are not held against what is below it; for the rest
 * see audit_precedence.c.
 *
 * Every statement comes through here, so what a rule does stands behind a test
 * of a few instructions that hardly any statement passes.
 *
 * Called once for an execution, before the executor lets go of relations and
 * plan state; raises what purser.audit_error asks for, and nothing else.
 */
#include "audit/govern/audit_govern.h"
#include "audit/session/audit_session.h"
#include "audit/whatif/audit_what_if.h"

#include "executor/execdesc.h"
#include "nodes/execnodes.h"

static bool
is_wasteful(const AuditWatch *watch)
{
	return !watch->uncounted && audit_rule_screen(watch->rows_read, watch->rows_returned);
}

/* What this execution shows, as far as it can be seen without measuring: bits of AuditCause. */
static uint8
causes_shown(const AuditWatch *watch)
{
	int64		read = watch->rows_read;
	uint8		causes = 0;

	if (is_wasteful(watch))
		causes |= AUDIT_BIT(AUDIT_CAUSE_WASTE);
	if (watch->rows_returned >= audit_min_rows && audit_suspect_join_fanout(watch))
		causes |= AUDIT_BIT(AUDIT_CAUSE_FANOUT);
	if (read >= audit_misestimate_rows && audit_suspect_row_misestimate(watch))
		causes |= AUDIT_BIT(AUDIT_CAUSE_ESTIMATE);
	if (watch->temp_blocks >= Max(audit_spill / (BLCKSZ / 1024), 1))
		causes |= AUDIT_BIT(AUDIT_CAUSE_SPILL);
	return causes;
}

/* What a measured run proves, as AuditSighting, but for "estimates" of rows. */
static List *
measure(AuditWatch *watch, uint8 causes, const List *estimates)
{
	List	   *sightings = NIL;

	if (causes & AUDIT_BIT(AUDIT_CAUSE_WASTE))
		sightings = list_concat_copy(audit_prove(watch), audit_measure_discarded_rows(watch));
	if (causes & AUDIT_BIT(AUDIT_CAUSE_FANOUT))
		sightings = list_concat(sightings, audit_measure_join_fanout(watch));
	if (causes & AUDIT_BIT(AUDIT_CAUSE_SPILL))
		sightings = list_concat(sightings, audit_measure_disk_spill(watch, estimates != NIL));
	return sightings;
}

/*
 * A run in which all is allowed says nothing of others of the same query. What
 * is measured without being on the board, since the session speaks or because
 * of others, is found at once.
 */
static void
judge_measured(AuditWatch *watch, uint8 causes, uint8 open)
{
	List	   *estimates = audit_measure_row_misestimate(watch);
	List	   *proven = measure(watch, causes, estimates);
	List	   *wanted;
	ListCell   *cell;

	if (watch->slot >= 0)
		audit_board_spared(watch, open & AUDIT_BIT(AUDIT_CAUSE_ESTIMATE), estimates);
	if (open & AUDIT_BIT(AUDIT_CAUSE_ESTIMATE))
		proven = list_concat(proven, estimates);
	proven = watch->proven = audit_one_for_each_cause(proven);
	wanted = audit_not_allowed(proven);
	if (watch->slot >= 0)
		audit_board_measured(watch, wanted, proven == NIL || wanted != NIL ? causes : 0);
	else
	{
		foreach(cell, wanted)
			audit_find_wanted(lfirst(cell));
	}
	foreach(cell, wanted)
		audit_say(lfirst(cell));
}

/*
 * Is the run as good as not measured, since what it seems to prove could only be
 * tried in one that is planned anew?
 */
static bool
is_put_off(AuditWatch *watch, uint8 causes)
{
	if (causes & AUDIT_BIT(AUDIT_CAUSE_WASTE))
		(void) audit_prove(watch);
	return watch->put_off;
}

/* "open": the causes that are not accounted for by what is at the top. */
static pg_noinline void
judge_nodes(AuditWatch *watch, uint8 open)
{
	uint8		causes = causes_shown(watch) & open;
	bool		measured = watch->desc->planstate->instrument != NULL && !is_put_off(watch, causes);

	if (watch->slot >= 0 && (causes & AUDIT_BIT(AUDIT_CAUSE_SPILL)) == 0)
		audit_board_spared(watch, AUDIT_BIT(AUDIT_CAUSE_SPILL), NIL);
	if (measured)
		judge_measured(watch, causes, open);
	if (causes == 0)
		return;
	if (watch->slot < 0 && !watch->put_off)
		audit_tree_want(watch->queryid);
	if (!measured)
		audit_board_suspect(watch, causes);
	else if (watch->slot < 0)
		audit_board_convict(watch, causes);
	if (watch->put_off && watch->slot >= 0)
		audit_board_retry(watch->slot);
}

/* Could it show a cause at all, or prove one? What it takes for each, at least. */
static inline bool
is_small(const AuditWatch *watch)
{
	return watch->rows_read < Min(audit_min_rows, audit_misestimate_rows) &&
		watch->rows_returned < audit_min_rows && watch->temp_blocks == 0 &&
		watch->desc->planstate->instrument == NULL;
}

/*
 * Rows that make the search below not the cause; says what may be one all the same:
 * a count spills nothing, so what did is a sort or a hash table below it.
 */
static inline uint8
judge_top(AuditWatch *watch)
{
	PlanState  *top = watch->desc->planstate;

	if (IsA(top, LimitState) && audit_judge_deep_offset(watch))
		return 0;
	if (IsA(top, AggState) && audit_judge_exact_count(watch))
		return AUDIT_BIT(AUDIT_CAUSE_SPILL);
	if (unlikely(watch->paged) && audit_judge_unread_rows(watch))
		return 0;
	return AUDIT_BIT(AUDIT_NCAUSES) - 1;
}

/*
 * A measured run has ended, or sent a page of its rows to the client, perhaps the
 * last one. ExecutorEnd may come as part of the commit, when nothing can be
 * planned any more, so what needs planning is decided here, as soon as the waste
 * shows.
 */
void
audit_judge_early(AuditWatch *watch)
{
	MemoryContext oldcontext;

	if (watch->desc->planstate->instrument == NULL || !is_wasteful(watch))
		return;
	oldcontext = MemoryContextSwitchTo(watch->desc->estate->es_query_cxt);
	audit_prove(watch);
	MemoryContextSwitchTo(oldcontext);
}

/* A read that neither begins nor goes on with anything that this session may be found to do? */
static inline bool
stands_alone(const AuditWatch *watch)
{
	const PlannedStmt *stmt = watch->desc->plannedstmt;

	return likely(watch->from_client && !watch->tapped) && stmt->commandType == CMD_SELECT &&
		!stmt->hasModifyingCTE && !audit_have_parents && !audit_row_by_row_goes_on &&
		!audit_unparameterized && !audit_may_be_repeated(watch);
}

static pg_noinline void
judge_closely(AuditWatch *watch)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(watch->estate->es_query_cxt);
	uint8		open;

	if (audit_policy_speaks())
		audit_say_begin();
	audit_local_add(watch);
	if (!stands_alone(watch))
		audit_session_statement(watch);
	open = judge_top(watch);
	if (open != 0 && unlikely(!is_small(watch)))
		judge_nodes(watch, open);
	/* After what can silence it. */
	if (watch->to_client)
	{
		if (unlikely(watch->rows_returned >= audit_unbounded_rows))
			audit_judge_unbounded_result(watch);
		if (unlikely(watch->rows_returned > 1))
			audit_judge_wide_select(watch);
	}
	MemoryContextSwitchTo(oldcontext);
	if (audit_policy_speaks())
		audit_say_end();
}

/* Is there nothing in it that a rule about single executions asks for, as in most of one row? */
static inline bool
is_dull(const AuditWatch *watch)
{
	const PlanState *top = watch->desc->planstate;

	return watch->rows_returned <= 1 &&
		watch->rows_read < Min(audit_min_rows, audit_misestimate_rows) &&
		watch->temp_blocks == 0 && top->instrument == NULL && !watch->paged &&
		!IsA(top, LimitState) && !IsA(top, AggState) && !audit_policy_speaks();
}

void
audit_judge(AuditWatch *watch)
{
	watch->judged = true;
	if (unlikely(!is_dull(watch)))
	{
		judge_closely(watch);
		return;
	}
	audit_local_add(watch);
	if (!stands_alone(watch))
		audit_session_statement(watch);
}
