/*
 * adopt.h
 *		Taking over the history that another migration tool keeps.
 *
 * A tool is one row of a table (adopt_tools.c): what its history looks like,
 * and a fixed query that makes entries of it.  All else is common: finding the
 * table (adopt_find.c), reading it (adopt_read.c), names and texts
 * (adopt_name.c), what the ledger lacks (adopt_plan.c), writing that down
 * (adopt_functions.c).  Names and plan are pure.
 */
#ifndef ADOPT_H
#define ADOPT_H

#include "ledger/ledger.h"

#include "fmgr.h"

/* Most columns of a table that a tool's query reads. */
#define ADOPT_COLUMNS_MAX 10

/* ---- tools (adopt_tools.c) ---- */

/* A table of a tool's; the query sees these columns, all of type text. */
typedef struct AdoptTable
{
	const char *name;			/* NULL: there is none */
	const char *columns[ADOPT_COLUMNS_MAX];
} AdoptTable;

typedef struct AdoptTool
{
	const char *name;			/* as an argument */
	const char *title;			/* as its makers write it */
	const char *schema;			/* where its tables are, if not in the search path */
	AdoptTable	history;		/* in the query: history */
	AdoptTable	beside;			/* in the same schema; in the query: beside */
	const char *sign;			/* a table beside it that tells this tool from another */
	bool		exact;			/* its history has no other columns */
	bool		heads_move;		/* its history keeps heads only: a new one replaces its parent */
	bool		forgets;		/* entries may go while what they did stays */
	const char *sql;			/* entries in order, in the columns of adopt_read.c */
	const char *beside_sql;		/* problems that it tells of, if there; NULL: sql needs it */
	const char *hint;			/* what to do about a problem */
} AdoptTool;

extern const AdoptTool adopt_tools[];
extern const int adopt_tools_count;

/* ---- where a history is (adopt_find.c) ---- */

typedef struct AdoptHistory
{
	const AdoptTool *tool;
	Oid			table;
	Oid			beside;			/* invalid: there is none */
	char	   *name;			/* of the table, with its schema, quoted, in one line */
} AdoptHistory;

extern AdoptHistory adopt_find(const char *tool, Oid source);

/* ---- what is in it (adopt_read.c) ---- */

typedef struct AdoptEntry
{
	char	   *name;			/* what the tool calls it */
	char	   *id;				/* of its revision */
	char	   *lineage;		/* entries of one follow on each other; NULL: on nothing */
	char	   *message;		/* what the tool says of it, NULL: nothing */
	char	   *applied_at;		/* NULL: not known */
	char	   *applied_by;		/* NULL: not known */
	NameList	needs;			/* names of other entries */
	bool		implies;		/* all that its revision needs is in force too */
	char	   *skipped;		/* why it becomes no revision, NULL: it does */
} AdoptEntry;

typedef struct AdoptEntries
{
	int			count;
	AdoptEntry *items;
} AdoptEntries;

extern void adopt_lock(const AdoptHistory *history);
extern AdoptEntries adopt_read(const AdoptHistory *history, NameList adopted);

/* ---- names and texts (adopt_name.c) ---- */

extern char *adopt_id(const char *name);
extern char *adopt_one_line(char *text);
extern char *adopt_script_start(const AdoptHistory *history);
extern LedgerRevision *adopt_placeholder(const AdoptHistory *history, const AdoptEntry *entry);

/* ---- what the ledger lacks (adopt_plan.c) ---- */

typedef struct AdoptPlan
{
	LedgerGraph *graph;			/* as it will be, with those to remove */
	const AdoptEntry **entry_of;	/* by node; NULL: the tool has none */
	LedgerRevision **add;		/* by node; NULL: it is there */
	LedgerSet	stamp;			/* in order of applying */
	LedgerSet	remove;			/* placeholders to unstamp and forget, the last first */
	LedgerSet	strange;		/* not applied, nor built on what is, while placeholders are made */
} AdoptPlan;

extern AdoptPlan *adopt_plan(const AdoptHistory *history, LedgerGraph *graph,
							 AdoptEntries entries, NameList adopted);

#endif							/* ADOPT_H */
