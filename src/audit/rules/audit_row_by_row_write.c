/*
 * audit_row_by_row_write.c
 *		row_by_row_write: rows written one by one that could be sent at once.
 *
 * A loop is one statement that writes one row, over and over in one
 * transaction. Outside of one, an import looks much like an application that
 * serves many users by one session; there a loop has to be ALONE_FACTOR times
 * as long, without any other statement in between, at a rate that only a
 * program has, and it may neither be an upsert nor add to what is in the row.
 *
 * Most writes are no part of a loop, and pay only for a place to be counted in.
 */
#include "audit/rules/audit_rules.h"
#include "audit/session/audit_session.h"

#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "nodes/plannodes.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define LOOPS 8
#define ALONE_FACTOR 5
#define PUBLISH_EACH 128		/* executions of a found loop */

/* What a finding keeps beside its named figures. */
#define KIND 2

typedef enum AuditWriteKind
{
	WRITE_INSERT,
	WRITE_UPSERT,
	WRITE_UPDATE,
	WRITE_RELATIVE_UPDATE,		/* from what is in the row */
	WRITE_DELETE,
} AuditWriteKind;

typedef struct Loop
{
	uint64		queryid;		/* 0: free */
	Oid			userid;
	LocalTransactionId lxid;	/* of the latest */
	TimestampTz first;
	TimestampTz last;
	int64		executions;
	int64		transactions;
	int64		rows_read;
	SubTransactionId subid;		/* of the latest, from the second on */
	bool		found;
	/* What follows is set when it is found. */
	Oid			relid;
	int			kind;
	int64		published;
	int64		published_read;
	double		published_ms;
} Loop;

static Loop loops[LOOPS];		/* in one transaction; the places in use are the first ones */
static int	nloops = 0;
static bool have_found = false; /* is one of them found? */
static LocalTransactionId loops_lxid = InvalidLocalTransactionId;	/* that transaction */
static Loop alone;				/* in transactions of their own */
bool		audit_row_by_row_goes_on = false;	/* the client's latest write may be in "alone" */

/* ---- findings ---- */

void
audit_row_by_row_numbers(double *numbers, int64 executions, int64 transactions, int kind)
{
	numbers[0] = (double) executions;
	numbers[1] = (double) transactions;
	numbers[KIND] = kind;
}

static void
publish(Loop *loop, const AuditWatch *watch)
{
	double		saved = (double) (loop->last - loop->first) / 1000.0 *
		(double) (loop->executions - 1) / (double) loop->executions;
	AuditSighting sighting = {
		.rule = AUDIT_ROW_BY_ROW_WRITE,
		.queryid = loop->queryid,
		.userid = loop->userid,
		.relid = loop->relid,
		.occurrences = loop->published == 0 ? 1 : 0,
		.rows_read = loop->rows_read - loop->published_read,
		.rows_returned = loop->executions - loop->published,
		.timed = loop->published == 0 ? 1 : 0,
		.timed_ms = saved - loop->published_ms,
	};

	if (loop->published == loop->executions)
		return;
	audit_row_by_row_numbers(sighting.numbers, loop->executions, loop->transactions, loop->kind);
	if (watch != NULL)
		audit_statement_text(watch->desc, &sighting.text, &sighting.text_len);
	audit_find(&sighting);
	loop->published = loop->executions;
	loop->published_read = loop->rows_read;
	loop->published_ms = saved;
}

static pg_noinline void
publish_loops(void)
{
	for (int i = 0; i < nloops; i++)
	{
		if (loops[i].found)
			publish(&loops[i], NULL);
	}
}

void
audit_row_by_row_publish(void)
{
	if (have_found)
		publish_loops();
	if (alone.found)
		publish(&alone, NULL);
}

void
audit_row_by_row_forget(void)
{
	nloops = 0;
	have_found = false;
	memset(&alone, 0, sizeof(alone));
	audit_row_by_row_goes_on = false;
}

/* ---- decisions ---- */

/* Does an UPDATE set anything from what is in the row? */
static bool
is_relative(const Plan *rows)
{
	ListCell   *cell;

	foreach(cell, rows->targetlist)
	{
		const TargetEntry *target = lfirst(cell);

		if (!target->resjunk && contain_var_clause((Node *) target->expr))
			return true;
	}
	return false;
}

/*
 * What a statement that wrote a row writes to, and how; false when rows that
 * are sent together could not take its place: MERGE, INSERT of what a query
 * finds, writes in more than one table, or in a table that does not last.
 */
bool
audit_row_by_row_target(const PlannedStmt *stmt, Oid *relid, int *kind)
{
	const ModifyTable *modify = (const ModifyTable *) stmt->planTree;
	const Plan *rows;

	if (!IsA(modify, ModifyTable) || stmt->hasModifyingCTE)
		return false;
	rows = modify->plan.lefttree;
	switch (stmt->commandType)
	{
		case CMD_INSERT:
			if (!IsA(rows, Result) || rows->lefttree != NULL ||
				((const Result *) rows)->resconstantqual != NULL)
				return false;
			*kind = modify->onConflictAction != ONCONFLICT_NONE ? WRITE_UPSERT : WRITE_INSERT;
			break;
		case CMD_UPDATE:
			*kind = is_relative(rows) ? WRITE_RELATIVE_UPDATE : WRITE_UPDATE;
			break;
		case CMD_DELETE:
			*kind = WRITE_DELETE;
			break;
		default:
			return false;
	}
	*relid = rt_fetch(modify->nominalRelation, stmt->rtable)->relid;
	return OidIsValid(*relid) && !IsCatalogRelationOid(*relid) &&
		get_rel_persistence(*relid) != RELPERSISTENCE_TEMP;
}

/* A write that may be the first of a loop; most are not. */
static inline void
begin_anew(Loop *loop, const AuditWatch *watch, LocalTransactionId lxid)
{
	loop->queryid = watch->queryid;
	loop->userid = watch->userid;
	loop->lxid = lxid;
	loop->first = loop->last = GetCurrentStatementStartTimestamp();
	loop->executions = loop->transactions = 1;
	loop->rows_read = watch->rows_read;
	loop->subid = InvalidSubTransactionId;
	loop->found = false;
}

/* What is rolled back has not been written: a loop that wrote in there begins anew. */
static void
subxact_ended(SubXactEvent event, SubTransactionId id,
			  SubTransactionId parent pg_attribute_unused(), void *arg pg_attribute_unused())
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	for (int i = nloops - 1; i >= 0; i--)
	{
		if (!loops[i].found && loops[i].subid >= id)
			loops[i] = loops[--nloops];
	}
}

static void
note_rollbacks(void)
{
	static bool registered = false;

	if (!registered)
		RegisterSubXactCallback(subxact_ended, NULL);
	registered = true;
}

/* One that goes on with it. */
static pg_noinline void
count(Loop *loop, const AuditWatch *watch, LocalTransactionId lxid)
{
	loop->transactions += loop->lxid != lxid;
	loop->lxid = lxid;
	loop->subid = GetCurrentSubTransactionId();
	loop->last = GetCurrentStatementStartTimestamp();
	loop->executions++;
	loop->rows_read += watch->rows_read;
	if (loop->found && loop->executions - loop->published >= PUBLISH_EACH)
		publish(loop, watch);
}

static inline bool
is_of(const Loop *loop, const AuditWatch *watch)
{
	return loop->queryid == watch->queryid && loop->userid == watch->userid;
}

/* The loop has been long enough for a finding. */
static void
find(Loop *loop, const AuditWatch *watch)
{
	loop->found = true;
	loop->published = loop->published_read = 0;
	loop->published_ms = 0;
	publish(loop, watch);
}

/* Loops of an earlier transaction are over. */
static inline void
begin_transaction(LocalTransactionId lxid)
{
	if (unlikely(have_found))
		publish_loops();
	have_found = false;
	nloops = 0;
	loops_lxid = lxid;
}

/* A place for one more: the one that was not used for longest if there is none free. */
static pg_noinline Loop *
oldest_loop(void)
{
	Loop	   *oldest = &loops[0];

	for (Loop *loop = loops + 1; loop < loops + LOOPS; loop++)
	{
		if (loop->last < oldest->last)
			oldest = loop;
	}
	if (oldest->found)
		publish(oldest, NULL);
	return oldest;
}

/* Within one transaction, among other statements. */
static inline void
look_at_transaction(const AuditWatch *watch, LocalTransactionId lxid)
{
	Loop	   *loop;

	if (loops_lxid != lxid)
		begin_transaction(lxid);
	for (loop = loops; loop < loops + nloops; loop++)
	{
		if (is_of(loop, watch))
			break;
	}
	if (loop == loops + nloops)
	{
		if (unlikely(nloops == LOOPS))
			loop = oldest_loop();
		else
			nloops++;
		begin_anew(loop, watch, lxid);
		return;
	}
	note_rollbacks();
	count(loop, watch, lxid);
	if (loop->executions == audit_row_by_row_write &&
		audit_row_by_row_target(watch->desc->plannedstmt, &loop->relid, &loop->kind))
	{
		find(loop, watch);
		have_found = true;
	}
}

/* Is the loop so fast that no user waits between two of its statements? */
static bool
is_fast(const Loop *loop)
{
	return (loop->last - loop->first) * audit_row_by_row_write <=
		audit_n_plus_one_window * INT64CONST(1000) * loop->executions;
}

/* One statement after another, each in a transaction of its own. */
static inline void
look_at_row(const AuditWatch *watch, LocalTransactionId lxid)
{
	if (alone.lxid == lxid)
	{
		if (alone.queryid != 0)
			audit_row_by_row_interrupt();
		return;
	}
	audit_row_by_row_goes_on = true;
	if (!is_of(&alone, watch) || !audit_in_window(alone.last))
	{
		if (unlikely(alone.found))
			publish(&alone, NULL);
		begin_anew(&alone, watch, lxid);
		return;
	}
	count(&alone, watch, lxid);
	if (alone.executions == (int64) audit_row_by_row_write * ALONE_FACTOR && is_fast(&alone) &&
		audit_row_by_row_target(watch->desc->plannedstmt, &alone.relid, &alone.kind) &&
		alone.kind != WRITE_UPSERT && alone.kind != WRITE_RELATIVE_UPDATE)
		find(&alone, watch);
}

/* The client has run something else, which ends the loop outside of a transaction. */
pg_noinline void
audit_row_by_row_interrupt(void)
{
	if (alone.found)
		publish(&alone, NULL);
	alone.queryid = 0;
	alone.found = audit_row_by_row_goes_on = false;
}

/* The client's statement has ended, which is no mere read. */
void
audit_judge_row_by_row_write(const AuditWatch *watch)
{
	LocalTransactionId lxid = PURSER_MY_LXID;

	if (watch->desc->operation == CMD_SELECT && watch->nrels == 0)
		return;
	if (watch->desc->operation == CMD_SELECT || watch->rows_returned != 1)
	{
		audit_row_by_row_interrupt();
		return;
	}
	if (IsTransactionBlock())
		look_at_transaction(watch, lxid);
	look_at_row(watch, lxid);
}

/* ---- its words ---- */

/* Rows sent, for which one statement would do; a loop in the server costs no round trips. */
static double
weight(const AuditFinding *finding)
{
	return finding->numbers[0] / (finding->nested ? 10 : 1);
}

static void
suggest_statement(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	static const char *const forms[] = {
		[WRITE_INSERT] = "INSERT INTO %s SELECT ...",
		[WRITE_UPSERT] = "INSERT INTO %s SELECT ... ON CONFLICT ...",
		[WRITE_UPDATE] = "UPDATE %s SET ... FROM ...",
		[WRITE_RELATIVE_UPDATE] = "UPDATE %s SET ... FROM ...",
		[WRITE_DELETE] = "DELETE FROM %s USING ...",
	};

	appendStringInfoString(out, "One statement in place of the loop: ");
	appendStringInfo(out, forms[(int) finding->numbers[KIND]], names->table);
}

static void
suggest(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	static const char *const calls[] = {
		[WRITE_INSERT] = "bulk_insert(%s, $1)",
		[WRITE_UPSERT] = "bulk_insert(%s, $1, on_conflict => 'update')",
		[WRITE_UPDATE] = "bulk_update(%s, $1)",
		[WRITE_DELETE] = "bulk_delete(%s, $1)",
	};
	int			kind = (int) finding->numbers[KIND];

	if (finding->nested)
		suggest_statement(out, finding, names);
	else if (kind == WRITE_RELATIVE_UPDATE)
		appendStringInfo(out, "UPDATE %s SET ... FROM unnest ($1, $2) -- keys, and what to add",
						 names->table);
	else
	{
		appendStringInfoString(out, "SELECT * FROM purser.");
		appendStringInfo(out, calls[kind], quote_literal_cstr(names->table));
		if (finding->numbers[1] > 1)
			appendStringInfoString(out, " -- or at least one transaction around all rows");
	}
}

const AuditRuleSpec audit_spec_row_by_row_write = {
	.name = "row_by_row_write",
	.least = 1,
	.medium = 1000,
	.weight = weight,
	.numbers = {"executions", "transactions"},
	.suggest = suggest
};
