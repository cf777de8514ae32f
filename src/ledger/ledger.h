/*
 * ledger.h
 *		Versioned schema changes: revisions, their graph, plans, runs, history.
 *
 * Pure parts (no catalogue, no tables): ledger_revision.c, ledger_format.c,
 * ledger_graph.c, ledger_target.c, ledger_plan.c.  ledger_store.c and
 * ledger_journal.c alone touch the tables; ledger_script.c alone runs a user's
 * code.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "pg_purser.h"

#include "datatype/timestamp.h"
#include "shared/arguments.h"

/* Longest revision id or label, in bytes. */
#define LEDGER_ID_MAX 64

/* Shortest prefix that stands for an id. */
#define LEDGER_PREFIX_MIN 4

/* What some editors put before a text in UTF-8. */
#define LEDGER_BYTE_ORDER_MARK "\xEF\xBB\xBF"

/* Most bytes of a text of the user's that a message quotes. */
#define LEDGER_QUOTE_MAX 100

/* Most ids that one message lists. */
#define LEDGER_LIST_MAX 10

typedef enum LedgerDirection
{
	LEDGER_UPGRADE,
	LEDGER_DOWNGRADE
} LedgerDirection;

/* ---- a revision (ledger_revision.c) ---- */

typedef struct LedgerRevision
{
	char	   *id;
	char	   *message;
	NameList	parents;
	NameList	depends_on;
	NameList	labels;
	NameList	replaces;		/* ids that this one is a squash of */
	NameList	requires;		/* preconditions, each "KIND what" */
	char	   *upgrade;
	char	   *downgrade;		/* NULL: cannot be undone */
	char	   *verify;			/* NULL: none */
	bool		transactional;	/* its statements may share one transaction */
	bool		repeatable;		/* run again whenever its text changes */
	char	   *batch;			/* how to cut it into batches, NULL: not at all */
} LedgerRevision;

extern void ledger_check_revision(LedgerRevision *revision);
extern bool ledger_same_revision(const LedgerRevision *a, const LedgerRevision *b);
extern bool ledger_is_directive(const char *line, const char **rest);
extern char *ledger_clean_script(const char *script);
extern char *ledger_trimmed(const char *start, const char *end);
extern const char *ledger_clipped(const char *text);
extern char *ledger_random_id(void);

/* ---- revisions in batches (ledger_batch.c, ledger_backfill.c) ---- */

/* How a revision's one statement is cut into batches. */
typedef struct LedgerBatch
{
	char	   *schema;			/* NULL: by the search_path */
	char	   *table;
	char	   *key;			/* the column along which it is cut */
	int			size;			/* rows of the first batch */
} LedgerBatch;

extern LedgerBatch *ledger_parse_batch(const char *text);
extern void ledger_backfill_check_idle(const LedgerRevision *revision, const char *what);
extern void ledger_backfill_forget(NameList ids);
extern void ledger_backfill_restart(const LedgerRevision *revision);

/* ---- the file format (ledger_format.c) ---- */

/* Where a migration's text comes from, for the context of an error. */
typedef struct LedgerSource
{
	const char *file;			/* NULL: not from a file */
	int			line;			/* 0: none in particular */
} LedgerSource;

extern LedgerRevision *ledger_parse(const char *text, LedgerSource *source);
extern char *ledger_write(const LedgerRevision *revision);
extern void ledger_source_context(void *arg);

/* ---- the graph (ledger_graph.c) ---- */

typedef struct LedgerNode
{
	const char *id;
	const char *file;			/* the file it is being loaded from, or NULL */
	NameList	parents;
	NameList	depends_on;
	NameList	labels;
	NameList	replaces;
	bool		applied;
	bool		irreversible;
	bool		repeatable;
} LedgerNode;

/*
 * Revisions in load order, and the edges to what each one needs.  The fields
 * after the first group are there once ledger_graph_finish has returned.
 */
typedef struct LedgerGraph
{
	int			count;
	int			capacity;
	LedgerNode *nodes;
	int			nslots;			/* a power of two, the size of the id hash */
	int		   *slots;			/* index of a node, -1 when free */

	int		   *up_start;		/* node i needs up[up_start[i] .. up_start[i + 1] - 1]: */
	int		   *up;				/* its parents first, then what it depends on */
	int		   *order;			/* what is needed comes first; ties in load order */
} LedgerGraph;

/* Indexes of nodes. */
typedef struct LedgerSet
{
	int			count;
	int		   *nodes;
} LedgerSet;

extern LedgerGraph *ledger_graph_create(int capacity);
extern LedgerNode *ledger_graph_put(LedgerGraph *graph, const LedgerNode *node);
extern void ledger_graph_finish(LedgerGraph *graph);
extern int	ledger_graph_find(const LedgerGraph *graph, const char *id);
pg_noreturn extern void ledger_report_missing(const char *id, const char *needed,
											  const char *file);
extern bool *ledger_marks(const LedgerGraph *graph, LedgerSet set);
extern void ledger_mark_needed(const LedgerGraph *graph, bool *marks);
extern void ledger_mark_needing(const LedgerGraph *graph, bool *marks);
extern LedgerSet ledger_graph_heads(const LedgerGraph *graph);
extern LedgerSet ledger_current_heads(const LedgerGraph *graph);
extern char *ledger_list_ids(const LedgerGraph *graph, LedgerSet set);

/* ---- targets (ledger_target.c) ---- */

typedef struct LedgerTarget
{
	const char *text;			/* as written */
	int			steps;			/* +N or -N; 0: the set below */
	LedgerSet	revisions;		/* empty: the base */
} LedgerTarget;

extern LedgerTarget ledger_resolve_target(const LedgerGraph *graph, const char *text,
										  const char *hint);
extern int	ledger_resolve_revision(const LedgerGraph *graph, const char *text);

/* ---- plans (ledger_plan.c) ---- */

/* What a stamp changes. */
typedef struct LedgerStampPlan
{
	LedgerSet	add;
	LedgerSet	remove;
	LedgerSet	idle;			/* neither in force nor to be: what they have begun is given up */
} LedgerStampPlan;

extern LedgerSet ledger_plan(const LedgerGraph *graph, LedgerDirection direction,
							 const char *target);
extern LedgerStampPlan ledger_plan_stamp(const LedgerGraph *graph, const char *target, bool purge);
extern LedgerSet ledger_plan_range(const LedgerGraph *graph, const char *range);

/* ---- the tables (ledger_store.c) ---- */

extern void ledger_lock(void);
extern LedgerGraph *ledger_store_graph(void);
extern LedgerRevision *ledger_store_fetch(const char *id);
extern LedgerRevision *ledger_store_need(const char *id);
extern void ledger_store_save(const LedgerRevision *revision);
extern void ledger_store_remove(const char *id);
extern void ledger_store_check_names(const LedgerRevision *revision);
extern void ledger_store_check_needed(const LedgerRevision *revision);
extern bool ledger_store_is_applied(const char *id);
extern void ledger_store_set_applied(const char *id, Datum checksum);
extern void ledger_store_unset_applied(const char *id);

/* ---- the history (ledger_journal.c) ---- */

/* Who acts, and the last event so far: the next one is chained to it. */
typedef struct LedgerJournal
{
	int64		last_id;
	Datum		last_hash;		/* bytea */
	char	   *client_address; /* NULL on a local socket */
	MemoryContext context;		/* holds the above */
} LedgerJournal;

typedef struct LedgerEvent
{
	const char *kind;
	const char *revision;
	TimestampTz at;
	int64		duration;		/* microseconds; -1: none */
	const char *script;			/* the script that ran or was stamped, NULL: none */
} LedgerEvent;

extern LedgerJournal *ledger_journal_open(void);
extern bool ledger_journal_is_visible(void);
extern void ledger_journal_write(LedgerJournal *journal, const LedgerEvent *event);
extern Datum ledger_checksum(const char *script);

/* ---- scripts (ledger_script.c, ledger_outside.c) ---- */

typedef struct LedgerScript
{
	const char *revision;
	const char *section;		/* upgrade, downgrade or verify */
	const char *text;
} LedgerScript;

typedef struct LedgerStatement
{
	char	   *text;			/* from its first word */
	int			line;			/* of that word in the script, from 1 */
	const struct RawStmt *raw;
	const char *outside;		/* what it is called, if no transaction block takes it; or NULL */
} LedgerStatement;

typedef struct LedgerParsed
{
	const LedgerScript *script;
	bool		standard_strings;	/* as the parser took it */
	int			count;
	LedgerStatement *statements;
} LedgerParsed;

struct Node;
extern const char *ledger_runs_outside(const struct Node *statement);
extern LedgerParsed *ledger_script_parse(const LedgerScript *script);
extern void ledger_script_run(const LedgerParsed *parsed, int first, int end);
extern void ledger_script_run_whole(const LedgerScript *script);

/* ---- steps (ledger_step.c, ledger_deferred.c) ---- */

typedef struct LedgerStep
{
	int			number;			/* from 1 */
	LedgerDirection direction;
	const char *revision;
	const char *message;
	int64		duration;		/* microseconds */
} LedgerStep;

extern void ledger_check_not_in_script(const char *command);
extern LedgerScript ledger_step_script(LedgerDirection direction, const LedgerRevision *revision);
extern int64 ledger_step_guard(const LedgerRevision *revision, void (*run) (void *arg), void *arg);
extern void ledger_step_record(LedgerJournal *journal, LedgerDirection direction,
							   const LedgerRevision *revision, int64 duration);
extern void ledger_step_stamp(LedgerJournal *journal, const LedgerRevision *revision,
							  bool in_force);
extern void ledger_step_run(LedgerJournal *journal, const char *id, LedgerStep *step);
extern void ledger_check_deferred(void);
extern void ledger_fire_deferred(void);

/* ---- runs (ledger_run.c) ---- */

typedef void (*LedgerStepDone) (void *arg, const LedgerStep *step);

extern void ledger_begin_write(const char *command);
extern void ledger_check_snapshot(void);
extern void ledger_run(LedgerDirection direction, const char *target, LedgerStepDone done,
					   void *arg);
extern LedgerDirection ledger_parse_direction(const char *text);
extern const char *ledger_direction_name(LedgerDirection direction);

/* ---- files (ledger_files.c) ---- */

typedef struct LedgerFile
{
	char	   *path;
	LedgerRevision *revision;
} LedgerFile;

typedef struct LedgerFiles
{
	int			count;
	LedgerFile *items;
} LedgerFiles;

extern LedgerFiles ledger_read_directory(const char *path);

#endif							/* LEDGER_H */
