/*
 * audit_identity.c
 *		The identifier that a query goes by.
 *
 * Before 18 the server gives none to the query of a cursor or of CREATE TABLE AS.
 * Outside of a frame the latter goes by that of the statement around it. That of
 * DECLARE holds the cursor's name, and drivers name each cursor anew; so the
 * query of a cursor goes by the identifier that it has from 18 on, its own. It
 * is taken as the cursor is planned, since its portal does not know of DECLARE.
 */
#include "audit/capture/audit_capture.h"

#include PURSER_QUERYJUMBLE_H
#include "access/xact.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "storage/proc.h"
#include "tcop/pquery.h"
#include "utils/backend_status.h"
#include "utils/portal.h"

/* A cursor that has been planned, and is started next. */
typedef struct Declared
{
	uint64		queryid;		/* 0: none */
	LocalTransactionId lxid;
	TimestampTz statement;		/* its start */
} Declared;

static Declared declared;

/* The query of the DECLARE that the client is running, NULL when it is something else. */
static Query *
declared_query(void)
{
	const PlannedStmt *statement;
	Node	   *declare;

	if (ActivePortal == NULL || ActivePortal->stmts == NIL)
		return NULL;
	statement = linitial_node(PlannedStmt, ActivePortal->stmts);
	declare = statement->utilityStmt;
	if (declare == NULL || !IsA(declare, DeclareCursorStmt))
		return NULL;
	return castNode(Query, ((DeclareCursorStmt *) declare)->query);
}

/* Others must not take the query for one that has an identifier, so it gets none to keep. */
static void
note_declared(Query *query)
{
	uint64		before = (uint64) query->queryId;

	(void) PURSER_JUMBLE_QUERY(query, ActivePortal->sourceText);
	declared.queryid = (uint64) query->queryId;
	declared.lxid = PURSER_MY_LXID;
	declared.statement = GetCurrentStatementStartTimestamp();
	query->queryId = before;
}

/* The identifier of a query that is planned, and has "own" by the server; 0 without one. */
uint64
audit_planned_identifier(uint64 own)
{
	Query	   *query;

	if (own != 0 || audit_in_frame())
		return own;
	query = IsQueryIdEnabled() ? declared_query() : NULL;
	if (query == NULL)
		return (uint64) pgstat_get_my_query_id();
	note_declared(query);
	return declared.queryid;
}

/* Likewise, of one that is started. */
uint64
audit_started_identifier(uint64 own)
{
	uint64		queryid = declared.queryid;

	if (own != 0 || audit_in_frame())
		return own;
	declared.queryid = 0;
	if (queryid != 0 && declared.lxid == PURSER_MY_LXID &&
		declared.statement == GetCurrentStatementStartTimestamp())
		return queryid;
	return (uint64) pgstat_get_my_query_id();
}
