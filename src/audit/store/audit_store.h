/*
 * audit_store.h
 *		The memory shared by all: counts of queries, convicted queries, findings.
 */
#ifndef PURSER_AUDIT_STORE_H
#define PURSER_AUDIT_STORE_H

#include "audit/capture/audit_capture.h"

#include "datatype/timestamp.h"
#include "storage/lwlock.h"

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

typedef struct AuditQueryCounts
{
	int64		calls;
	int64		unfinished;		/* calls that ended in an error or were abandoned */
	int64		uncounted;		/* calls whose rows_read is incomplete */
	int64		rows_read;
	int64		rows_returned;
	int64		rows_estimated; /* by the planner, of SELECTs that finished */
	int64		rows_skipped;	/* by OFFSET */
	int64		temp_blocks;	/* temporary blocks written */
	int64		measured;		/* calls that were instrumented */
	int64		rows_discarded; /* by filters of scans, in these */
} AuditQueryCounts;

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

/* ---- the block, its locks, counts of queries: audit_store.c ---- */

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
extern void audit_store_add_counts(const AuditQueryKey *key, const AuditQueryCounts *add);
extern void audit_store_get_counts(const void *entry, AuditQueryCounts *counts);

/* ---- convicted queries: audit_board.c ---- */

extern Size audit_board_size(void);
extern void audit_board_init(AuditBoard *board);
extern void audit_board_clear(AuditBoard *board);
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

extern int	audit_board_look(uint64 queryid, Oid userid, bool *due);
extern void audit_board_keep(const AuditWatch *watch);
extern void audit_board_convict(const AuditWatch *watch, uint8 causes);
extern void audit_board_suspect(const AuditWatch *watch, uint8 causes);
extern void audit_board_measured(const AuditWatch *watch, List *sightings, uint8 causes);
extern void audit_board_retry(int slot);
extern bool audit_board_is_due(uint64 queryid, Oid userid);
extern bool audit_board_claim_replan(const AuditWatch *watch);
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
extern bool audit_find_numbers(const AuditSighting *sighting, double *numbers);
extern void audit_find_again_locked(const AuditFindingKey *key, const AuditWatch *watch,
									bool only);
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

#endif							/* PURSER_AUDIT_STORE_H */
