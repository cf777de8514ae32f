/*
 * audit_store.h
 *		The memory shared by all: counts of queries, convicted queries, findings.
 */
#ifndef PURSER_AUDIT_STORE_H
#define PURSER_AUDIT_STORE_H

#include "audit/capture/audit_capture.h"

#include "datatype/timestamp.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/lwlock.h"

#pragma GCC visibility push(hidden)

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
	double		numbers[AUDIT_NUMBERS]; /* named by the rule; NaN: as before */
	bool		unproven;		/* whether the planner would use it has not been tried */
	bool		silent;			/* found, but another one of this execution is what is said */
	bool		nested;			/* the parent is the client's statement that this ran in */
	uint64		parent_queryid;
	Oid			parent_relid;	/* the column that values came from, if it is known */
	AttrNumber	parent_attnum;
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
	double		numbers[AUDIT_NUMBERS]; /* of the latest sighting; NaN: unknown */
	uint64		parent_queryid;
	Oid			parent_relid;	/* the column that values came from, if it is known */
	AttrNumber	parent_attnum;
	bool		nested;			/* the parent is the client's statement that this ran in */
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

/* Nothing but int64: they are added up one by one. */
typedef struct AuditQueryCounts
{
	int64		calls;
	int64		unfinished;		/* calls that ended in an error or were abandoned */
	int64		uncounted;		/* calls whose rows_read is incomplete */
	int64		rows_read;
	int64		rows_returned;
	int64		rows_estimated; /* by the planner, of SELECTs that finished */
	int64		rows_skipped;	/* by OFFSET */
	int64		rows_sent;		/* straight to the client */
	int64		rows_weighed;	/* of these, the rows whose bytes were counted */
	int64		bytes_sent;		/* of those */
	int64		unread;			/* calls whose portal ended before its rows did */
	int64		rows_unread;	/* left in these */
	int64		temp_blocks;	/* temporary blocks written */
	int64		measured;		/* calls that were instrumented */
	int64		rows_discarded; /* by filters of scans, in these */
	int64		fanout_rows;	/* of joins that repeat a parent's rows, in these */
	int64		parent_rows;	/* that they repeat */
} AuditQueryCounts;

/* Rows that measured calls discarded at one kind of node. */
typedef struct AuditRemoved
{
	uint64		place;			/* what and where, see audit_removed.c; 0: free */
	int64		rows;
} AuditRemoved;

#define AUDIT_REMOVED 8			/* places of a query; the last is for all others */
#define AUDIT_REMOVED_ELSEWHERE PG_UINT64_MAX	/* its place */

/* ---- tables of fixed size: audit_table.c ---- */

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

/* ---- the block, its locks: audit_store.c ---- */

typedef enum AuditLock
{
	AUDIT_LOCK_SAVE,			/* the file */
	AUDIT_LOCK_QUERIES,
	AUDIT_LOCK_FINDINGS,		/* the board's details too */
	AUDIT_LOCK_WORKERS,
	AUDIT_NLOCKS,
} AuditLock;

typedef struct AuditBoard AuditBoard;
typedef struct AuditSaving AuditSaving;
typedef struct AuditSaver AuditSaver;

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
extern AuditSaving *audit_store_saving(void);
extern AuditSaver *audit_store_saver(void);
extern uint64 audit_store_generation(void);
extern void audit_store_reset(void);

/* ---- counts of queries: audit_queries.c ---- */

extern Size audit_query_entry_size(void);
extern void audit_store_add_counts(const AuditQueryKey *key, const AuditQueryCounts *add,
								   const AuditRemoved *removed);
extern void audit_store_get_counts(const void *entry, AuditQueryCounts *counts,
								   AuditRemoved *removed);

/* ---- convicted queries: audit_board.c ---- */

/* What an execution shows that a measured run may prove: bits, by number. */
typedef enum AuditCause
{
	AUDIT_CAUSE_WASTE,			/* reads much for little */
	AUDIT_CAUSE_FANOUT,			/* returns more rows than a table it joins has given */
	AUDIT_CAUSE_ESTIMATE,		/* other numbers of rows than planned */
	AUDIT_CAUSE_SPILL,			/* writes temporary files */
	AUDIT_NCAUSES,
} AuditCause;

#define AUDIT_BIT(cause) (1 << (cause))

#define AUDIT_BOARD_BUCKETS 256	/* a power of two */
#define AUDIT_BOARD_WAYS 4

extern Size audit_board_size(void);
extern void audit_board_init(AuditBoard *board);
extern void audit_board_clear(AuditBoard *board);
extern pg_atomic_uint64 *audit_board_keys;	/* in the store, as this backend sees it */
extern void audit_board_attach(void);
extern int	audit_board_find(const pg_atomic_uint64 *keys, uint64 key);
extern bool audit_board_take_turn(int slot);
extern void audit_board_keep(const AuditWatch *watch);
extern void audit_board_convict(const AuditWatch *watch, uint8 causes);
extern void audit_board_suspect(const AuditWatch *watch, uint8 causes);
extern void audit_board_retry(int slot);
extern bool audit_board_is_due(uint64 queryid, Oid userid);

/* One word for a query of this database and a role; never 0. */
static inline uint64
audit_board_key(uint64 queryid, Oid userid)
{
	uint64		who = ((uint64) MyDatabaseId << 32) | userid;
	uint64		key = queryid ^ (who * UINT64CONST(0x9E3779B97F4A7C15));

	return key == 0 ? 1 : key;
}

/* The first slot of a key's bucket. */
static inline int
audit_board_bucket(uint64 key)
{
	return (int) ((key ^ (key >> 32)) & (AUDIT_BOARD_BUCKETS - 1)) * AUDIT_BOARD_WAYS;
}

/*
 * The query's slot, -1 when it is not on the board. Buckets fill from their
 * start, so that most are seen to be empty at once.
 */
static inline int
audit_board_look(uint64 queryid, Oid userid)
{
	uint64		key = audit_board_key(queryid, userid);

	if (likely(pg_atomic_read_u64(&audit_board_keys[audit_board_bucket(key)]) == 0))
		return -1;
	return audit_board_find(audit_board_keys, key);
}

/* ---- what became of them: audit_verdict.c ---- */

extern void audit_board_measured(const AuditWatch *watch, List *sightings, uint8 causes);
extern void audit_board_spared(const AuditWatch *watch, uint8 causes, List *sightings);
extern bool audit_board_claim_replan(const AuditWatch *watch);
extern void audit_board_answered(const AuditWatch *watch);
extern int	audit_board_verdict(const AuditWatch *watch, const AuditSighting *sighting);

/* ---- what an execution adds to a finding: audit_sighting.c ---- */

extern int	audit_keep_text(char *to, const char *from, int len);
extern void audit_part_of_text(const char *source, const PlannedStmt *stmt, const char **text,
							   int *len);
extern void audit_statement_text(const QueryDesc *desc, const char **text, int *len);
extern void audit_sighting(const AuditWatch *watch, AuditRule rule, AuditSighting *sighting);
extern void audit_sighting_waste(AuditSighting *sighting, const AuditWatch *watch,
								 double wasted, double all);

/* ---- findings: audit_finds.c ---- */

extern void audit_find(const AuditSighting *sighting);
extern void audit_find_wanted(const AuditSighting *sighting);
extern void audit_find_locked(const AuditSighting *sighting);
extern void audit_find_expression(AuditSighting *sighting);
extern bool audit_find_numbers(const AuditSighting *sighting, double *numbers);
extern void audit_find_again_locked(const AuditFindingKey *key, const AuditWatch *watch,
									bool only);
extern bool audit_find_spared_locked(const AuditFindingKey *key, const AuditWatch *watch,
									 int figure);
extern AuditFindingKey audit_finding_key(const AuditSighting *sighting);
extern void audit_find_restore(const AuditFinding *saved);

/* ---- the file: audit_save.c and audit_saver.c; more in audit_save.h ---- */

extern Size audit_saving_size(void);
extern void audit_saving_init(AuditSaving *saving);
extern void audit_save_changed(void);
extern void audit_save_forget(void);
extern TimestampTz audit_save_time(void);
extern Size audit_saver_size(void);
extern void audit_saver_init(AuditSaver *saver);
extern void audit_saver_published(bool at_exit);

#pragma GCC visibility pop

#endif							/* PURSER_AUDIT_STORE_H */
