/*
 * audit.h
 *		What the files of the audit share. No other module includes it.
 *
 * The way of a query through the files:
 *
 *	audit_hooks.c	executor hooks: opens a watch, runs frames, closes it
 *	audit_screen.c	the watch: rows read, from the counters that pgstat keeps
 *	audit_tap.c		hashes of the first rows that a client gets
 *	audit_judge.c	what to do with a finished watch: screen, board, findings
 *	audit_plan.c	facts out of the plan tree of a measured query
 *	audit_index.c	the index that would serve, out of the catalogs
 *	audit_rules.c	decisions over numbers, nothing else
 *	audit_nplus1.c	parents, children, and what links them
 *	audit_local.c	counts not yet published by this backend
 *	audit_store.c	the memory shared by all, and its tables (audit_table.c)
 *	audit_board.c	convicted queries: who is to be measured, and when
 *	audit_finds.c	the findings in the store
 *	audit_workers.c	what parallel workers report to their leader
 *	audit_suggest.c	the words of a finding
 *	audit_views.c	the SQL functions behind the views
 */
#ifndef PURSER_AUDIT_H
#define PURSER_AUDIT_H

#include "pg_purser.h"

#include "datatype/timestamp.h"
#include "executor/execdesc.h"
#include "portability/instr_time.h"
#include "storage/lwlock.h"
#include "utils/rel.h"

/* Settings; see audit.c. */
extern bool audit_enabled;
extern int	audit_min_rows;
extern int	audit_unbounded_rows;
extern int	audit_deep_offset;
extern int	audit_n_plus_one;
extern int	audit_n_plus_one_window;
extern int	audit_max_queries;
extern int	audit_max_findings;

#define AUDIT_TEXT_BYTES 1024	/* of a statement's text that a finding keeps, with the final 0 */
#define AUDIT_MAX_COLUMNS 4		/* columns that a finding names */
#define AUDIT_NUMBERS 4			/* figures of evidence in a finding */

typedef enum AuditRule
{
	AUDIT_MISSING_INDEX,
	AUDIT_UNBOUNDED_RESULT,
	AUDIT_DEEP_OFFSET,
	AUDIT_N_PLUS_ONE,
} AuditRule;

typedef enum AuditSeverity
{
	AUDIT_LOW,
	AUDIT_MEDIUM,
	AUDIT_HIGH,
} AuditSeverity;

/* Which counters of a relation count rows read: those of the nodes that scan it. */
#define AUDIT_HEAP 0x01			/* a table: rows of sequential and bitmap scans */
#define AUDIT_INDEX 0x02		/* an index: rows that plain scans fetched */
#define AUDIT_INDEX_ONLY 0x04	/* an index: entries that index-only scans got */

/* A pair of a relation's counters. */
typedef struct AuditCounters
{
	int64		returned;
	int64		fetched;
} AuditCounters;

/* One relation that a query scans. */
typedef struct AuditRel
{
	Relation	rel;			/* open from ExecutorStart to ExecutorEnd */
	Oid			table;			/* the table itself, or the index's table */
	uint8		kinds;			/* AUDIT_HEAP, ... */
	AuditCounters start;		/* at entry to the frame that runs */
	AuditCounters nested;		/* of what follows, read by frames within */
	AuditCounters own;			/* read by the latest frame alone */
	int64		rows;			/* read by this query alone, all frames */
} AuditRel;

#define AUDIT_INLINE_RELS 2

/*
 * The watch over one execution, from ExecutorStart to ExecutorEnd. Lives in
 * the query's own context, whose reset callback unlinks it after an error.
 */
typedef struct AuditWatch
{
	struct AuditWatch *next;	/* list of open watches, latest first */
	struct AuditWatch *outer;	/* frame below on the stack, while running */
	QueryDesc  *desc;
	MemoryContextCallback callback;
	uint64		queryid;
	Oid			userid;
	int			slot;			/* on the board, -1 when not convicted */
	int			nruns;
	bool		closed;			/* nothing more to do for the callback */
	bool		fragment;		/* a parallel worker's part of a plan */
	bool		parallel;		/* may have workers */
	bool		uncounted;		/* rows_read is incomplete */
	bool		to_client;		/* a top-level SELECT, all of its rows sent to the client */
	bool		tapped;			/* audit_tap.c has hashes of its rows */
	bool		timed;			/* instrumented on the board's behalf */
	instr_time	started;		/* of the latest frame, when timed */
	instr_time	elapsed;		/* in all frames, when timed */
	uint64		lost_reports;	/* of workers, before this frame */
	int64		rows_returned;
	int			nrels;
	AuditRel   *rels;
	AuditRel	inline_rels[AUDIT_INLINE_RELS];
} AuditWatch;

/* A set of columns, in key order. */
typedef struct AuditColumns
{
	int			n;
	AttrNumber	attnum[AUDIT_MAX_COLUMNS];
	uint8		descending[AUDIT_MAX_COLUMNS];	/* of an order */
	uint8		ranged[AUDIT_MAX_COLUMNS];	/* of an index: by a range, not for equality, */
	Oid			operator[AUDIT_MAX_COLUMNS];	/* with this operator */
} AuditColumns;

/* What a run adds to a finding. */
typedef struct AuditSighting
{
	AuditRule	rule;
	uint64		queryid;
	Oid			userid;
	Oid			relid;
	AuditColumns columns;
	int64		occurrences;
	int64		rows_read;
	int64		rows_returned;
	int64		bytes;
	int64		timed;			/* of the occurrences */
	double		timed_ms;		/* what those wasted, in ms */
	double		numbers[AUDIT_NUMBERS]; /* meaning by rule, see audit_views.c */
	uint64		parent_queryid;
	const char *text;			/* not terminated */
	int			text_len;
	const char *parent_text;	/* likewise, NULL without one */
	int			parent_text_len;
} AuditSighting;

/* Identity of a finding; compared as bytes, so no holes. */
typedef struct AuditFindingKey
{
	uint64		queryid;
	Oid			dbid;
	Oid			userid;			/* who ran it: the text is for that role */
	Oid			relid;
	int16		rule;
	int16		attnum[AUDIT_MAX_COLUMNS];
	int16		unused;
} AuditFindingKey;

/* A finding in the store; all fields are under the findings lock. */
typedef struct AuditFinding
{
	AuditFindingKey key;
	AuditColumns columns;
	int64		occurrences;
	int64		rows_read;
	int64		rows_returned;
	int64		bytes;
	int64		timed;			/* of the occurrences */
	double		timed_ms;		/* what those wasted, in ms */
	double		numbers[AUDIT_NUMBERS]; /* of the latest sighting */
	uint64		parent_queryid;
	TimestampTz first_seen;
	TimestampTz last_seen;
	char		application_name[NAMEDATALEN];
	char		text[AUDIT_TEXT_BYTES];
	char		parent_text[AUDIT_TEXT_BYTES];
} AuditFinding;

/* Identity and counts of a query in the store; the counts are atomic. */
typedef struct AuditQueryKey
{
	uint64		queryid;
	Oid			dbid;
	Oid			userid;
} AuditQueryKey;

typedef struct AuditQueryCounts
{
	int64		calls;
	int64		unfinished;		/* calls that ended in an error or were abandoned */
	int64		uncounted;		/* calls whose rows_read is incomplete */
	int64		rows_read;
	int64		rows_returned;
} AuditQueryCounts;

/* audit_hooks.c */
extern void audit_install_hooks(void);
extern bool audit_is_watching(void);

/* audit_screen.c */
extern AuditWatch *audit_watch_open(QueryDesc *desc, uint64 queryid, bool fragment);
extern AuditWatch *audit_watch_find(QueryDesc *desc);
extern void audit_watch_unlink(AuditWatch *watch);
extern bool audit_in_frame(void);
extern void audit_frame_enter(AuditWatch *watch);
extern void audit_frame_exit(AuditWatch *watch, bool finished);
extern void audit_add_rows(AuditRel *rel, const AuditCounters *counters);
extern int64 audit_rows_read(const AuditWatch *watch);
extern Oid	audit_main_table(const AuditWatch *watch, int64 *rows);

/* audit_tap.c */
typedef struct AuditRowHashes AuditRowHashes;
extern bool audit_tap_wanted(const AuditWatch *watch);
extern void audit_tap_open(QueryDesc *desc, AuditRowHashes *into);
extern void audit_tap_close(QueryDesc *desc);
extern bool audit_value_hash(Oid type, Datum value, uint32 *hash);
extern uint32 audit_row_hashes_find(const AuditRowHashes *hashes, uint32 hash);
extern Size audit_row_hashes_size(void);
extern int	audit_row_hashes_rows(const AuditRowHashes *hashes);

/* audit_judge.c */
typedef struct AuditSource
{
	Oid			table;
	Oid			owner;			/* the table, or what it is a partition of */
	int64		rows;
} AuditSource;

extern AuditSource *audit_sources(const AuditWatch *watch, int *n);
extern void audit_judge(AuditWatch *watch);
extern void audit_statement_text(const QueryDesc *desc, const char **text, int *len);

/* audit_plan.c */
typedef struct AuditClause
{
	AttrNumber	attnum;			/* 0: not "column op value" in a way that an index serves */
	Oid			type;			/* of the column */
	Oid			operator;		/* with the column on its left */
	bool		is_equality;	/* else a range */
	Node	   *value;			/* the other side, NULL for = ANY */
} AuditClause;

/* A scan whose filter threw rows away, in measured numbers over all loops. */
typedef struct AuditFilter
{
	Relation	rel;
	double		scanned;
	double		kept;
	double		loops;
	List	   *index_clauses;	/* of AuditClause: what an index did already */
	List	   *filter_clauses; /* of AuditClause: what was left to the filter */
} AuditFilter;

extern List *audit_plan_filters(PlanState *top);
extern bool audit_plan_is_bounded(const Plan *top);
extern bool audit_plan_order(const PlanState *state, const List *rtable, Oid *relid,
							 AuditColumns *columns);
extern List *audit_plan_lookups(const PlannedStmt *stmt, int max);

/* One `column = value` of a scan, for the N+1 rule. */
typedef struct AuditLookup
{
	Oid			relid;
	AttrNumber	attnum;
	Node	   *value;			/* Const or external Param */
} AuditLookup;

/* audit_index.c */
extern bool audit_index_advice(const AuditFilter *filter, AuditColumns *columns);
extern bool audit_index_exists(Oid relid, const AuditColumns *columns);
extern Oid	audit_index_owner(Oid relid, AuditColumns *columns);

/* audit_rules.c */
extern bool audit_rule_screen(int64 read, int64 returned, int64 min_rows);
extern bool audit_rule_filter(double scanned, double kept, double loops, int64 min_rows);
extern bool audit_rule_enough(double expected, double kept);
extern bool audit_rule_visible(AuditRule rule, int64 occurrences);
extern AuditSeverity audit_rule_severity(AuditRule rule, int64 occurrences, int64 rows);
extern bool audit_rule_n_plus_one(int64 executions, int64 distinct, int64 parent_rows,
								  int64 threshold);
extern bool audit_rule_from_parent(int64 hits, int64 misses, int64 parent_rows, int64 noted);
extern const char *audit_rule_name(AuditRule rule);
extern const char *audit_severity_name(AuditSeverity severity);

/* audit_nplus1.c */
extern AuditRowHashes *audit_nplus1_scratch(void);
extern void audit_nplus1_statement(AuditWatch *watch);
extern void audit_nplus1_publish(void);
extern void audit_nplus1_forget(void);

/* audit_local.c */
extern void audit_local_ready(void);
extern void audit_local_add(const AuditWatch *watch, bool finished);
extern void audit_local_publish(void);
extern void audit_local_forget(void);

/* audit_table.c */
typedef struct AuditTable AuditTable;
extern Size audit_table_size(int capacity, Size entry_size);
extern void audit_table_init(AuditTable *table, int capacity, Size key_size, Size entry_size);
extern void *audit_table_find(AuditTable *table, const void *key);
extern void *audit_table_insert(AuditTable *table, const void *key);
extern void audit_table_evict(AuditTable *table, double (*usefulness) (const void *entry));
extern void audit_table_clear(AuditTable *table);
extern void *audit_table_next(AuditTable *table, int *position);
extern void audit_table_fill(const AuditTable *table, int64 *used, int64 *capacity,
							 int64 *evicted);

/* audit_store.c */
typedef enum AuditLock
{
	AUDIT_LOCK_QUERIES,
	AUDIT_LOCK_FINDINGS,		/* the board's details too */
	AUDIT_LOCK_WORKERS,
	AUDIT_NLOCKS,
} AuditLock;

typedef struct AuditBoard AuditBoard;
typedef struct AuditReports AuditReports;

extern void audit_store_init(void);
extern bool audit_store_ready(void);
extern bool audit_store_is_shared(void);
extern bool audit_store_is_preloaded(void);
extern void audit_store_lock(AuditLock lock, LWLockMode mode);
extern void audit_store_unlock(AuditLock lock);
extern AuditTable *audit_store_queries(void);
extern AuditTable *audit_store_findings(void);
extern AuditBoard *audit_store_board(void);
extern AuditReports *audit_store_reports(void);
extern uint64 audit_store_generation(void);
extern void audit_store_reset(void);
extern void audit_store_add_counts(const AuditQueryKey *key, const AuditQueryCounts *add);
extern void audit_store_get_counts(const void *entry, AuditQueryCounts *counts);

/* audit_board.c */
extern Size audit_board_size(void);
extern void audit_board_init(AuditBoard *board);
extern void audit_board_clear(AuditBoard *board);
extern int	audit_board_look(uint64 queryid, Oid userid, bool *due);
extern void audit_board_convict(AuditWatch *watch, bool found);
extern void audit_board_measured(const AuditWatch *watch, List *sightings, bool wasteful);
extern void audit_board_retry(int slot);

/* audit_finds.c */
extern void audit_find(const AuditSighting *sighting);
extern void audit_find_locked(const AuditSighting *sighting);
extern void audit_find_again_locked(const AuditFindingKey *key, const AuditWatch *watch,
									bool only);
extern AuditFindingKey audit_finding_key(const AuditSighting *sighting);

/* audit_suggest.c */
typedef struct AuditNames
{
	char	   *table;			/* with its schema, quoted */
	char	   *column[AUDIT_MAX_COLUMNS];	/* as they are */
} AuditNames;

extern bool audit_names(const AuditFinding *finding, AuditNames *names);
extern char *audit_suggestion(const AuditFinding *finding, const AuditNames *names);
extern char *audit_evidence(const AuditFinding *finding, bool with_text);

/* audit_workers.c */
extern Size audit_reports_size(void);
extern void audit_reports_clear(AuditReports *reports);
extern void audit_reports_begin(AuditWatch *watch);
extern void audit_reports_send(const AuditWatch *watch);
extern void audit_reports_collect(AuditWatch *watch);

#endif							/* PURSER_AUDIT_H */
