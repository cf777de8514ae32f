/*
 * audit_session.c
 *		Shows each statement that has ended to what remembers this session.
 *
 * An execution counts for n_plus_one or for repeated_query, never for both.
 */
#include "audit/rules/audit_rules.h"
#include "audit/session/audit_session.h"

#include "access/xact.h"
#include "nodes/plannodes.h"

/* Is it so recent that what comes now may belong to it? */
bool
audit_in_window(TimestampTz since)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();

	return now == since || !audit_is_apart(since, now, audit_n_plus_one_window);
}

static inline void
look_at_read(AuditWatch *watch)
{
	bool		is_child = unlikely(audit_have_parents) && audit_look_at_child(watch);

	if (!is_child && audit_may_be_repeated(watch))
		audit_judge_repeated_query(watch);
	if (unlikely(watch->tapped))
		audit_parent_whole(watch);
}

/* The client's own statement. */
static inline void
look_at_client(AuditWatch *watch, bool writes)
{
	if (writes)
		audit_judge_row_by_row_write(watch);
	else
	{
		/* What reads no table (currval, a sign of life) may be part of the loop. */
		if (unlikely(audit_row_by_row_goes_on) && watch->nrels > 0)
			audit_row_by_row_interrupt();
		look_at_read(watch);
	}
	if (unlikely(audit_unparameterized))
		audit_judge_unparameterized(watch);
}

/* A statement has ended; nothing here or below raises an error. */
void
audit_session_statement(AuditWatch *watch)
{
	const PlannedStmt *stmt = watch->desc->plannedstmt;
	bool		writes = stmt->commandType != CMD_SELECT || stmt->hasModifyingCTE;
	MemoryContext oldcontext = MemoryContextSwitchTo(watch->estate->es_query_cxt);

	if (writes)
		audit_note_change(stmt);
	if (watch->from_client)
		look_at_client(watch, writes);
	else
		audit_look_at_loop(watch);
	MemoryContextSwitchTo(oldcontext);
}

/* Before the store is read, and now and then. */
void
audit_session_publish(void)
{
	audit_n_plus_one_publish_all();
	audit_repeated_query_publish();
	audit_row_by_row_publish();
	audit_loops_publish();
}

void
audit_session_forget(void)
{
	audit_children_forget();
	audit_parents_forget();
	audit_repeated_query_forget();
	audit_row_by_row_forget();
	audit_loops_forget();
	audit_unparameterized_forget();
}
