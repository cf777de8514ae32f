/*
 * audit_session.h
 *		What this session did lately: results, lookups, writes, loops in functions.
 *
 * All of it is in the backend's own memory, of fixed size. Whether something
 * is a finding is for the rules to say.
 */
#ifndef PURSER_AUDIT_SESSION_H
#define PURSER_AUDIT_SESSION_H

#include "audit/plan/audit_plan.h"
#include "audit/store/audit_store.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "datatype/timestamp.h"
#include "nodes/plannodes.h"
#include "parser/parsetree.h"
#include "storage/lock.h"

#pragma GCC visibility push(hidden)

/* ---- a statement has ended: audit_session.c ---- */

extern void audit_session_statement(AuditWatch *watch);

/* Could repeated_query want it? Outside of a transaction block it has to read much. */
static inline bool
audit_may_be_repeated(const AuditWatch *watch)
{
	return watch->nrels > 0 &&
		(unlikely(watch->rows_read * audit_repeated_query >= audit_min_rows) ||
		 IsTransactionBlock());
}

extern void audit_session_publish(void);
extern void audit_session_forget(void);
extern bool audit_in_window(TimestampTz since);

/* ---- results of several rows: audit_parents.c ---- */

/* Where a column of a result comes from, as far as the parser could tell. */
typedef struct AuditOrigin
{
	Oid			relid;
	AttrNumber	attnum;
	char		name[NAMEDATALEN];	/* in the result */
} AuditOrigin;

typedef struct AuditParent
{
	uint64		queryid;		/* 0: free */
	uint64		run;			/* tells runs of one query apart */
	const QueryDesc *open;		/* a cursor with more rows to come */
	Oid			userid;
	int64		rows;
	LocalTransactionId lxid;
	TimestampTz active;			/* its start, or that of the latest child's */
	int			text_len;
	char		text[AUDIT_TEXT_BYTES];
	AuditOrigin origins[AUDIT_TAP_COLUMNS]; /* for each bit of the hashes' columns */
	AuditRowHashes *hashes;
} AuditParent;

/* Where a value is in a result. */
typedef struct AuditPlace
{
	uint32		columns;		/* a bit for each */
	int			row;			/* the first */
	int			times;
} AuditPlace;

extern bool audit_have_parents;
extern AuditRowHashes *audit_parent_hashes(const AuditWatch *watch);
extern void audit_parent_piece(const AuditWatch *watch, uint64 rows);
extern void audit_parent_whole(const AuditWatch *watch);
extern bool audit_parents_alive(void);
extern AuditParent *audit_parent_of(const AuditWatch *watch, uint32 hash, AuditPlace *place);
extern void audit_parents_forget(void);

/* ---- lookups with values out of them: audit_children.c ---- */

#define AUDIT_SEEN 256			/* different values remembered of a child */

typedef struct AuditChild
{
	uint64		queryid;		/* 0: free */
	uint64		parent_run;
	AuditParent *parent;
	Oid			relid;
	AttrNumber	attnum;
	uint32		columns;		/* of the parent's result, that held all values so far */
	bool		links_known;
	uint32		linked;			/* of these columns, those that belong to the child's */
	bool		telling;		/* so are its values */
	bool		in_block;		/* the latest was in a transaction block */
	LocalTransactionId lxid;	/* of the latest */
	uint64		changes;		/* that this session had made */
	int			last_row;		/* of the parent, looked up by the latest */
	int64		executions;
	int64		misses;			/* lookups of values that no result has */
	int64		distinct;
	int64		in_order;		/* for a row behind that of the one before */
	int64		rows_read;
	int64		rows_returned;
	TimestampTz first;
	TimestampTz last;
	bool		found;
	int64		published;		/* of these executions, what the finding has */
	int64		published_read;
	int64		published_returned;
	double		published_ms;
	uint32		seen[AUDIT_SEEN];	/* hashes of values, filled from the start */
} AuditChild;

extern bool audit_look_at_child(const AuditWatch *watch);
extern bool audit_lookup_hash(const AuditLookup *lookup, ParamListInfo params, uint32 *hash,
							  bool *telling);
extern void audit_children_of(const AuditParent *parent, void (*action) (AuditChild *child));
extern bool audit_child_found_besides(const AuditChild *child);
extern void audit_children_drop(AuditChild *child);
extern void audit_children_forget_query(uint64 queryid);
extern void audit_children_forget(void);

/* ---- loops within one statement of the client: audit_loops.c ---- */

#define AUDIT_LOOP_SEEN 32

typedef struct AuditLoop
{
	uint64		queryid;		/* 0: free */
	TimestampTz call;			/* start of the client's statement, which tells it from others */
	Oid			userid;
	AuditRule	rule;			/* n_plus_one or row_by_row_write */
	Oid			relid;			/* what it looks up, or writes */
	AttrNumber	attnum;
	int			kind;			/* of a write; see audit_row_by_row_write.c */
	int64		executions;
	int64		looked;			/* executions whose values were looked at */
	int64		distinct;		/* of these */
	int64		rows_read;
	int64		rows_returned;
	bool		found;
	int64		published;		/* of these executions, what the finding has */
	int64		published_read;
	int64		published_returned;
	uint32		seen[AUDIT_LOOP_SEEN];
} AuditLoop;

extern void audit_look_at_loop(const AuditWatch *watch);
extern void audit_loops_publish(void);
extern void audit_loops_forget(void);

/* ---- what this session changed: audit_changes.c ---- */

#define AUDIT_CHANGE_TABLES 32	/* a power of two */

typedef struct AuditChanges
{
	uint64		made;			/* the latest one's number */
	uint64		of_all;			/* the latest that may be of any table */
	uint64		of_table[AUDIT_CHANGE_TABLES];
} AuditChanges;

extern AuditChanges audit_changes;

static inline uint64 *
audit_latest_change(Oid relid)
{
	return &audit_changes.of_table[relid & (AUDIT_CHANGE_TABLES - 1)];
}

/* A statement changed rows, or could have. */
static inline void
audit_note_change(const PlannedStmt *stmt)
{
	audit_changes.made++;
	purser_foreach_target(index, stmt)
	{
		const RangeTblEntry *target = rt_fetch(index, stmt->rtable);

		/* The partitions that rows went to are not in the plan. */
		if (target->inh || target->relkind == RELKIND_PARTITIONED_TABLE)
			audit_changes.of_all = audit_changes.made;
		else
			*audit_latest_change(target->relid) = audit_changes.made;
	}
}

extern bool audit_changed_since(const AuditWatch *watch, uint64 change);
extern void audit_note_failures(void);

/* ---- texts of statements: audit_text.c ---- */

extern uint32 audit_text_hash(const QueryDesc *desc);
extern bool audit_text_has_literal(const QueryDesc *desc);

#pragma GCC visibility pop

#endif							/* PURSER_AUDIT_SESSION_H */
