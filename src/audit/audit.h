/*
 * audit.h
 *		What every file of the audit knows: settings, rules, columns.
 *
 * The rooms, in the order in which a query comes through them:
 *
 *	capture/	the watch over one execution: rows read, rows sent, workers
 *	plan/		facts out of plan trees and catalogs
 *	store/		the memory shared by all: counts, convicted queries, findings
 *	session/	what this session did lately: results, lookups, writes, loops
 *	whatif/		planning a query again, with indexes that do not exist
 *	rules/		one file for each rule: when it is raised, and its words
 *	govern/		which findings are wanted, and which are told at once
 *	views/		the SQL functions behind the views
 *
 * Here: audit.c (start), audit_hooks.c (executor hooks), audit_judge.c (which
 * rules see a finished execution). No other module includes these headers.
 */
#ifndef PURSER_AUDIT_H
#define PURSER_AUDIT_H

#include "pg_purser.h"

#include "access/attnum.h"
#include "datatype/timestamp.h"

/* What is declared so is reached without the global offset table; likewise in each room. */
#pragma GCC visibility push(hidden)

/* Settings; see audit.c. */
extern bool audit_enabled;
extern int	audit_min_rows;
extern int	audit_unbounded_rows;
extern int	audit_deep_offset;
extern int	audit_wide_bytes;
extern int	audit_wide_row_bytes;
extern int	audit_unread_rows;
extern int	audit_exact_count;
extern int	audit_n_plus_one;
extern int	audit_n_plus_one_window;
extern int	audit_repeated_query;
extern int	audit_row_by_row_write;
extern bool audit_unparameterized;
extern int	audit_join_fanout;
extern int	audit_fanout_size;
extern int	audit_misestimate;
extern int	audit_misestimate_rows;
extern int	audit_misestimate_time;
extern int	audit_spill;
extern int	audit_max_work_mem;
extern int	audit_what_if_interval;
extern int	audit_min_gain;
extern int	audit_max_queries;
extern int	audit_max_findings;
extern int	audit_save_interval;

#define AUDIT_TEXT_BYTES 1024	/* of a statement's text that a finding keeps, with the final 0 */
#define AUDIT_MAX_COLUMNS 4		/* columns that a finding names */
#define AUDIT_NUMBERS 6			/* figures of evidence in a finding */

typedef enum AuditRule
{
	AUDIT_MISSING_INDEX,
	AUDIT_UNBOUNDED_RESULT,
	AUDIT_DEEP_OFFSET,
	AUDIT_N_PLUS_ONE,
	AUDIT_WIDE_SELECT,
	AUDIT_UNREAD_ROWS,
	AUDIT_EXACT_COUNT,
	AUDIT_REPEATED_QUERY,
	AUDIT_ROW_BY_ROW_WRITE,
	AUDIT_UNPARAMETERIZED,
	AUDIT_DISCARDED_ROWS,
	AUDIT_JOIN_FANOUT,
	AUDIT_STALE_STATISTICS,
	AUDIT_ROW_MISESTIMATE,
	AUDIT_DISK_SPILL,
	AUDIT_NON_SARGABLE,
} AuditRule;

/* A set of columns, in key order. */
typedef struct AuditColumns
{
	int			n;
	AttrNumber	attnum[AUDIT_MAX_COLUMNS];
	uint8		descending[AUDIT_MAX_COLUMNS];	/* of an order */
	uint8		ranged[AUDIT_MAX_COLUMNS];	/* of an index: by a range, not for equality, */
	Oid			operator[AUDIT_MAX_COLUMNS];	/* with this operator */
} AuditColumns;

/*
 * Are two times at least so far apart? A clock that has been set back makes then
 * the future, which must not be waited for.
 */
static inline bool
audit_is_apart(TimestampTz then, TimestampTz now, int64 ms)
{
	return (now > then ? now - then : then - now) >= ms * 1000;
}

/* ---- executor hooks: audit_hooks.c ---- */

extern void audit_install_hooks(void);
extern bool audit_is_watching(void);

/* ---- a finished execution: audit_judge.c ---- */

struct AuditWatch;

extern void audit_judge(struct AuditWatch *watch);
extern void audit_judge_early(struct AuditWatch *watch);

#pragma GCC visibility pop

#endif							/* PURSER_AUDIT_H */
