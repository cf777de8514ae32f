/*
 * ledger.h
 *		The ledger: its tables, history, scripts, steps and runs.
 *
 * Each file says at its head what it owns, and whether it is pure (no catalogue,
 * no tables).  ledger_script.c alone runs a user's scripts, ledger_precondition.c
 * a user's queries.  The pure part is declared in ledger_graph.h.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "ledger_graph.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "storage/lock.h"

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

/* ---- the tables (ledger_store.c, ledger_names.c, ledger_applied.c) ---- */

/* Advisory locks of a database, by their second key. */
typedef enum LedgerLock
{
	LEDGER_LOCK_CHANGE = 1,		/* changes the ledger, to the end of the transaction */
	LEDGER_LOCK_WORKER,			/* runs a statement outside of transactions, in a worker */
	LEDGER_LOCK_RUNNER			/* is inside of purser.migrate() */
} LedgerLock;

extern void ledger_lock_tag(LOCKTAG *tag, LedgerLock lock);
extern void ledger_lock(void);
extern LedgerGraph *ledger_store_whole(void);
extern LedgerGraph *ledger_store_graph(void);
extern int64 *ledger_rows_of_nodes(const LedgerGraph *graph, uint64 rows);
extern bool ledger_store_has_squashes(void);
extern LedgerRevision *ledger_store_fetch(const char *id);
extern LedgerRevision *ledger_store_need(const char *id);
extern void ledger_store_save(const LedgerRevision *revision);
extern void ledger_store_remove(const char *id);
extern void ledger_store_check_names(const LedgerRevision *revision);
extern bool ledger_store_is_simple(const LedgerRevision *revision);
extern bool ledger_store_is_applied(const char *id);
extern bool ledger_store_is_done(const char *id, LedgerDirection direction);
extern void ledger_store_set_applied(const char *id, Datum checksum);
extern void ledger_store_unset_applied(const char *id);
extern bool ledger_store_checksum(const char *id, Datum *checksum);
extern void ledger_store_set_checksum(const char *id, Datum checksum);

/* ---- the one head (ledger_head.c) ---- */

extern char *ledger_head_known(void);
extern void ledger_head_note(const LedgerGraph *graph, const char *id);
extern void ledger_head_forget(void);

/* ---- the history (ledger_journal.c) ---- */

/* Who acts, and the last event so far: the next one is chained to it. */
typedef struct LedgerJournal
{
	int64		last_id;
	Datum		last_hash;		/* bytea */
	char	   *client_address; /* NULL on a local socket */
	bool		any_underway;	/* purser.migrate() has left some revision half done */
	LedgerGraph *graph;			/* that the run goes by; NULL: not read yet */
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

/* A row of the history. */
typedef struct LedgerRecord
{
	int64		id;
	const char *kind;
	const char *revision;
	TimestampTz at;
	const char *role;
	const char *session_role;
	const char *application_name;
	const char *client_address; /* NULL on a local socket */
	bool		timed;
	int64		duration;		/* microseconds, if timed */
	bool		has_checksum;
	Datum		checksum;		/* bytea, as the next two */
	Datum		previous_hash;
	Datum		hash;
	bool		foreign;		/* holds what is never written: times without end, days */
} LedgerRecord;

extern LedgerJournal *ledger_journal_open(void);
extern bool ledger_journal_is_visible(void);
extern void ledger_journal_write(LedgerJournal *journal, const LedgerEvent *event);
extern Datum ledger_checksum(const char *script);
extern Datum ledger_record_hash(const LedgerRecord *record);

/* ---- the history, read back (ledger_events.c) ---- */

/* The record and what it points to is gone when this returns. */
typedef void (*LedgerRecordSeen) (void *arg, const LedgerRecord *record);

extern void ledger_events_read(int64 last, bool of_statement, LedgerRecordSeen seen, void *arg);

/* ---- what was in force (ledger_state.c) ---- */

typedef struct LedgerState
{
	LedgerGraph *revisions;		/* without edges; applied: it is in force */
	Datum	   *checksums;		/* of node i, when it is; bytea */
	int			capacity;		/* of checksums */
	MemoryContext context;		/* holds the above */
} LedgerState;

extern LedgerState *ledger_state_create(void);
extern void ledger_state_set(LedgerState *state, const char *id, Datum checksum);
extern void ledger_state_replay(LedgerState *state, const LedgerRecord *record);
extern bool ledger_state_has(const LedgerState *state, const char *id);
extern LedgerSet ledger_state_resolve(const LedgerState *state, const LedgerGraph *graph,
									  const char *target);
extern void ledger_state_open(const LedgerState *state, const LedgerGraph *graph, bool *open);
extern LedgerSet ledger_state_heads(const LedgerGraph *graph, LedgerSet state);
extern bool *ledger_mark_since(const LedgerGraph *graph, LedgerSet state, const char *target);
extern bool ledger_same_bytes(Datum a, Datum b);

/* ---- tags and times (ledger_tag.c, ledger_range.c) ---- */

extern bool ledger_is_position(const char *target);
extern LedgerState *ledger_position_state(const char *text);
extern LedgerTarget ledger_resolve_position(const LedgerGraph *graph, const char *text);

/* ---- what is wrong (ledger_cover.c, ledger_faults.c, ledger_chain.c) ---- */

/* Which revision names which as replaced; numbers as in a family, whose rules may be broken. */
typedef struct LedgerCover
{
	const LedgerGraph *graph;
	LedgerGraph *gone;			/* node i has the number graph->count + i */
	int			count;			/* of numbers */
	int		   *named_start;	/* node i names named[named_start[i] .. [i + 1] - 1] */
	int		   *named;
	int		   *naming_start;	/* what names number i */
	int		   *naming;
	bool	   *in_force;		/* applied, or by what it replaces or is replaced by */
	int		   *group;			/* the same for what replaces or is replaced by each other */
} LedgerCover;

extern LedgerCover *ledger_cover_make(const LedgerGraph *graph);
extern int	ledger_cover_find(const LedgerCover *cover, const char *id);
extern int	ledger_cover_node(const LedgerCover *cover, int number);
extern bool ledger_cover_replaces(const LedgerCover *cover, int outer, int inner);
extern LedgerSet ledger_cover_heads(const LedgerCover *cover);

typedef struct LedgerFault
{
	const char *severity;		/* error, warning or notice */
	const char *kind;
	const char *subject;		/* a revision, a label, an event or a tag */
	const char *detail;
	const char *hint;			/* or NULL */
} LedgerFault;

typedef struct LedgerReport
{
	void		(*put) (void *arg, const LedgerFault *fault);
	void	   *arg;
} LedgerReport;

/* The ledger as it is, sound or not. */
typedef struct LedgerSurvey
{
	LedgerGraph *graph;			/* not finished: its edges may lead nowhere */
	LedgerCover *cover;
	bool	   *edited;			/* of node i: its upgrade script is not the one applied */
	NameList	gone;			/* applied, but not in the graph */
	LedgerState *applied;		/* what purser.applied says */
	LedgerState *history;		/* what the events say */
} LedgerSurvey;

extern void ledger_find_graph_faults(const LedgerSurvey *survey, const LedgerReport *report);
extern void ledger_find_state_faults(const LedgerSurvey *survey, const LedgerReport *report);
extern void ledger_find_warnings(const LedgerSurvey *survey, const LedgerReport *report);

/* The history so far: the next record must follow on it. */
typedef struct LedgerChain
{
	int64		last_id;
	Datum		last_hash;		/* bytea */
	MemoryContext context;		/* holds it */
	const LedgerReport *report;
} LedgerChain;

extern LedgerChain *ledger_chain_create(const LedgerReport *report);
extern void ledger_chain_add(LedgerChain *chain, const LedgerRecord *record);

/* ---- preconditions (ledger_requires.c, ledger_precondition.c) ---- */

typedef enum LedgerNeed
{
	LEDGER_NEEDS_RELATION,
	LEDGER_NEEDS_TABLE,
	LEDGER_NEEDS_VIEW,
	LEDGER_NEEDS_INDEX,
	LEDGER_NEEDS_SEQUENCE,
	LEDGER_NEEDS_COLUMN,
	LEDGER_NEEDS_TYPE,
	LEDGER_NEEDS_FUNCTION,
	LEDGER_NEEDS_SCHEMA,
	LEDGER_NEEDS_EXTENSION,
	LEDGER_NEEDS_ROLE,
	LEDGER_NEEDS_SETTING,
	LEDGER_NEEDS_QUERY
} LedgerNeed;

typedef struct LedgerRequirement
{
	const char *text;			/* as written */
	LedgerNeed	kind;
	const char *what;			/* what follows the kind */
	struct List *name;			/* its parts, as String nodes, where it is but a name */
	struct TypeName *type;
	struct ObjectWithArgs *function;
} LedgerRequirement;

extern LedgerRequirement ledger_parse_requirement(const char *line);
extern void ledger_check_preconditions(const LedgerRevision *revision);

/* ---- edited scripts (ledger_accept.c) ---- */

extern const char *ledger_checksum_encoding(void);
extern void ledger_check_edited(void);

/* ---- revisions under way (ledger_underway.c) ---- */

/* How far purser.migrate() came with a revision: a row of purser.underway. */
typedef struct LedgerUnderway
{
	const char *revision;
	LedgerDirection direction;
	Datum		checksum;		/* bytea */
	int			statements;
	int			next;			/* the first statement that is not done, from 1 */
	bool		started;		/* it may be half done */
	const char *object;			/* what it makes or drops, or NULL */
	NameList	existing;		/* what was there before it was begun */
	const char *statement;		/* its text, may be cut off */
	const char *phase;
	int			attempts;
	NameList	blockers;		/* process ids */
	const char *error;			/* NULL: none */
	int64		spent;			/* microseconds */
	int			step;
	int			steps;
	int			runner_pid;
} LedgerUnderway;

extern LedgerUnderway *ledger_underway_fetch(const char *id);
extern bool ledger_underway_is_partial(const LedgerUnderway *underway);
extern void ledger_underway_save(const LedgerUnderway *underway);
extern void ledger_underway_remove(const char *id);
extern void ledger_underway_check_neighbours(const LedgerRevision *revision);
extern void ledger_underway_check_step(const LedgerRevision *revision);
extern void ledger_underway_replace(const LedgerRevision *old, const LedgerRevision *new);
extern void ledger_underway_give_up(const char *id);
extern NameList ledger_underway_list(void);

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

struct List;
struct Node;
extern bool ledger_is_option_on(const struct List *options, const char *name);
extern const char *ledger_runs_outside(const struct Node *statement);
extern LedgerParsed *ledger_script_parse(const LedgerScript *script);
extern void ledger_script_run(const LedgerParsed *parsed, int first, int end);
extern void ledger_script_call(const LedgerParsed *parsed, int i, void (*run) (void *arg),
							   void *arg);
extern void ledger_script_run_whole(const LedgerScript *script);

/* ---- what a script creates (ledger_creates.c, ledger_presence.c) ---- */

typedef struct LedgerCreated
{
	int			type;			/* ObjectType */
	struct RangeVar *place;		/* its name, or that of its table; NULL: a search_path */
	const char *part;			/* its name within the table, or NULL */
	bool		own_table;		/* the script creates the table, too */
	struct List *arguments;		/* types of a function's input */
	bool		optional;		/* IF NOT EXISTS, OR REPLACE */
	const char *search_path;	/* holds for what follows */
} LedgerCreated;

extern struct List *ledger_script_creates(const LedgerParsed *parsed);
extern bool ledger_is_there(const LedgerScript *script);

/* ---- steps (ledger_step.c, ledger_deferred.c) ---- */

typedef struct LedgerStep
{
	int			number;			/* from 1 */
	LedgerDirection direction;
	const char *revision;
	const char *message;
	bool		stamped;		/* its work was there already: nothing ran */
	int64		duration;		/* microseconds, of what ran */
} LedgerStep;

extern void ledger_check_not_in_script(const char *command);
extern LedgerScript ledger_step_script(LedgerDirection direction, const LedgerRevision *revision);
extern int64 ledger_step_guard(const LedgerRevision *revision, void (*run) (void *arg), void *arg);
extern void ledger_step_record(LedgerJournal *journal, LedgerDirection direction,
							   const LedgerRevision *revision, int64 duration);
extern void ledger_step_stamp(LedgerJournal *journal, const LedgerRevision *revision,
							  bool in_force);
extern void ledger_step_settle(LedgerJournal *journal, LedgerGraph *graph);
extern void ledger_step_unrecord(LedgerJournal *journal, const char *id);
extern void ledger_step_run(LedgerJournal *journal, const char *id, LedgerStep *step);
extern bool ledger_step_fake(LedgerJournal *journal, const char *id, LedgerStep *step);
extern void ledger_check_deferred(void);
extern void ledger_fire_deferred(void);

/* ---- runs (ledger_run.c) ---- */

typedef void (*LedgerStepDone) (void *arg, const LedgerStep *step);

extern void ledger_begin_write(const char *command);
extern void ledger_check_snapshot(void);
extern void ledger_run(LedgerDirection direction, const char *target, bool fake_initial,
					   LedgerStepDone done, void *arg);
extern LedgerDirection ledger_parse_direction(const char *text);
extern const char *ledger_direction_name(LedgerDirection direction);

/* ---- loading (ledger_load.c) ---- */

extern void ledger_add(LedgerRevision *revision);

/* ---- files for psql (ledger_psql.c) ---- */

extern void ledger_psql_quote(StringInfo out, const char *text);
extern void ledger_psql_statement(StringInfo out, const char *text);

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

/* ---- squashing (ledger_squash_range.c, ledger_combine.c) ---- */

extern LedgerSet ledger_squash_range(const LedgerGraph *graph, int from, int to);
extern LedgerRevision *ledger_combine(LedgerRevision *const *members, int count);

#endif							/* LEDGER_H */
