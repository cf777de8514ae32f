/*
 * audit_loops.c
 *		Statements that run again and again within one statement of the client.
 *
 * That is what a loop in a function, a DO block or a trigger looks like: one
 * query, many times, all with the same start of the client's statement. Until
 * it has run as often as a client's series would have to, it is only counted;
 * then the values of some lookups are looked at. Such a loop costs no round
 * trips, so it has to be LOOP_FACTOR times as long as a client's.
 *
 * Writes of triggers are left out: to write for each row is what they are
 * for. So are locking reads, which are mostly checks of foreign keys.
 */
#include "audit/rules/audit_rules.h"
#include "audit/session/audit_session.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "parser/parsetree.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/fmgrprotos.h"
#include "utils/portal.h"

#define BUCKETS 8				/* a power of two */
#define WAYS 4
#define LOOP_FACTOR 10
#define LOOKUPS 4				/* conditions looked at */

static AuditLoop loops[BUCKETS * WAYS];

/* ---- findings ---- */

/*
 * The client's statement that the loop is in, if the role ran it; false when
 * that cannot be known. A DO block may have taken on the role in its middle;
 * then it is the session user's.
 */
static bool
call_text(Oid userid, const char **text, int *len)
{
	const AuditWatch *call = ActivePortal != NULL && ActivePortal->queryDesc != NULL ?
		audit_watch_find(ActivePortal->queryDesc) : NULL;

	if (userid != GetOuterUserId())
		return false;
	if (call != NULL && call->userid == userid && ActivePortal->sourceText == debug_query_string)
	{
		audit_statement_text(call->desc, text, len);
		return true;
	}
	*text = debug_query_string != NULL ? debug_query_string : "";
	*len = (int) strlen(*text);
	if (ActivePortal != NULL && ActivePortal->stmts != NIL &&
		ActivePortal->sourceText == debug_query_string)
		audit_part_of_text(*text, linitial_node(PlannedStmt, ActivePortal->stmts), text, len);
	return userid == GetSessionUserId();
}

/*
 * What the client sent, which the loop is in. A function that runs as its
 * owner has findings for its owner, who may not read what its caller sent.
 */
static void
set_call(AuditSighting *sighting)
{
	if (call_text(sighting->userid, &sighting->parent_text, &sighting->parent_text_len))
		sighting->parent_queryid = (uint64) pgstat_get_my_query_id();
	else
	{
		sighting->parent_text = "<insufficient privilege>";
		sighting->parent_text_len = (int) strlen(sighting->parent_text);
	}
}

/* Adds to the finding what this loop did since the last time; makes it, with a watch. */
static void
publish(AuditLoop *loop, const AuditWatch *watch)
{
	AuditSighting sighting = {
		.rule = loop->rule,
		.queryid = loop->queryid,
		.userid = loop->userid,
		.relid = loop->relid,
		.occurrences = loop->published == 0 ? 1 : 0,
		.rows_read = loop->rows_read - loop->published_read,
		.rows_returned = loop->rows_returned - loop->published_returned,
		.nested = true,
	};

	if (loop->rule == AUDIT_N_PLUS_ONE)
	{
		sighting.columns.n = 1;
		sighting.columns.attnum[0] = loop->attnum;
		audit_n_plus_one_numbers(sighting.numbers, 0, loop->executions,
								 loop->executions * loop->distinct / Max(loop->looked, 1));
	}
	else
		audit_row_by_row_numbers(sighting.numbers, loop->executions, 1, loop->kind);
	if (watch != NULL)
	{
		audit_statement_text(watch->desc, &sighting.text, &sighting.text_len);
		set_call(&sighting);
	}
	audit_find(&sighting);
	loop->published = loop->executions;
	loop->published_read = loop->rows_read;
	loop->published_returned = loop->rows_returned;
}

void
audit_loops_publish(void)
{
	for (int i = 0; i < BUCKETS * WAYS; i++)
	{
		if (loops[i].found && loops[i].published < loops[i].executions)
			publish(&loops[i], NULL);
	}
}

void
audit_loops_forget(void)
{
	memset(loops, 0, sizeof(loops));
}

/* ---- counting ---- */

/* What an extension does with tables of its own is not for its users to mend. */
static bool
is_of_extension(Oid relid)
{
	return OidIsValid(getExtensionOfObject(RelationRelationId, relid));
}

static bool
is_of(const AuditLoop *loop, const AuditWatch *watch)
{
	return loop->queryid == watch->queryid && loop->userid == watch->userid &&
		loop->call == GetCurrentStatementStartTimestamp();
}

static AuditLoop *
loop_for(const AuditWatch *watch, AuditRule rule)
{
	AuditLoop  *first = &loops[((watch->queryid ^ (watch->queryid >> 32)) & (BUCKETS - 1)) * WAYS];
	AuditLoop  *oldest = first;

	for (AuditLoop *loop = first; loop < first + WAYS; loop++)
	{
		if (is_of(loop, watch))
			return loop;
		if (loop->call < oldest->call ||
			(loop->call == oldest->call && loop->executions < oldest->executions))
			oldest = loop;
	}
	if (oldest->found && oldest->published < oldest->executions)
		publish(oldest, NULL);
	memset(oldest, 0, offsetof(AuditLoop, seen));
	oldest->queryid = watch->queryid;
	oldest->userid = watch->userid;
	oldest->call = GetCurrentStatementStartTimestamp();
	oldest->rule = rule;
	return oldest;
}

static bool
seen_before(AuditLoop *loop, uint32 hash)
{
	for (int i = 0; i < loop->distinct; i++)
	{
		if (loop->seen[i] == hash)
			return true;
	}
	loop->seen[loop->distinct] = hash;
	return false;
}

/* Notes the value that the query looks up, by the first condition that has one. */
static void
look_at_value(AuditLoop *loop, const AuditWatch *watch)
{
	ListCell   *cell;

	foreach(cell, audit_plan_lookups(watch->desc->plannedstmt, LOOKUPS))
	{
		AuditLookup *lookup = lfirst(cell);
		AuditColumns column = {.n = 1, .attnum = {lookup->attnum}};
		uint32		hash;
		bool		telling;

		if (IsCatalogRelationOid(lookup->relid) ||
			!audit_lookup_hash(lookup, watch->desc->params, &hash, &telling))
			continue;
		loop->relid = audit_index_owner(lookup->relid, &column);
		loop->attnum = column.attnum[0];
		loop->looked++;
		loop->distinct += !seen_before(loop, hash);
		return;
	}
}

static void
count_lookup(const AuditWatch *watch)
{
	AuditLoop  *loop = loop_for(watch, AUDIT_N_PLUS_ONE);

	loop->executions++;
	loop->rows_read += watch->rows_read;
	loop->rows_returned += watch->rows_returned;
	if (loop->found)
		return;
	if (loop->executions >= audit_n_plus_one && loop->looked < AUDIT_LOOP_SEEN)
		look_at_value(loop, watch);
	if (loop->executions == (int64) audit_n_plus_one * LOOP_FACTOR && loop->looked > 0 &&
		audit_is_n_plus_one(loop->looked, loop->distinct) && !is_of_extension(loop->relid))
	{
		loop->found = true;
		publish(loop, watch);
	}
}

static void
count_write(const AuditWatch *watch)
{
	AuditLoop  *loop = loop_for(watch, AUDIT_ROW_BY_ROW_WRITE);

	loop->executions++;
	loop->rows_read += watch->rows_read;
	loop->rows_returned++;
	if (loop->executions == (int64) audit_row_by_row_write * LOOP_FACTOR &&
		audit_row_by_row_target(watch->desc->plannedstmt, &loop->relid, &loop->kind) &&
		!is_of_extension(loop->relid))
	{
		loop->found = true;
		publish(loop, watch);
	}
}

/* A statement within another has ended. */
void
audit_look_at_loop(const AuditWatch *watch)
{
	const PlannedStmt *stmt = watch->desc->plannedstmt;

	if (IsParallelWorker())
		return;
	if (stmt->commandType == CMD_SELECT)
	{
		if (watch->nrels > 0 && stmt->rowMarks == NIL && !stmt->hasModifyingCTE)
			count_lookup(watch);
	}
	else if (watch->desc->estate->es_processed == 1 &&
			 DatumGetInt32(pg_trigger_depth(NULL)) == 0)
		count_write(watch);
}
