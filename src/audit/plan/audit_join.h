/*
 * audit_join.h
 *		The joins at the top of a measured plan (audit_join.c), for what their tables
 *		are to each other (audit_fanout.c).
 */
#ifndef PURSER_AUDIT_JOIN_H
#define PURSER_AUDIT_JOIN_H

#include "audit/plan/audit_plan.h"

#include "executor/execdesc.h"

#define AUDIT_JOIN_TABLES 12
#define AUDIT_JOIN_COLUMNS 48
#define AUDIT_JOIN_PARAMS 24

typedef struct AuditJoinTable
{
	Index		rti;			/* 0: no table */
	double		rows;
	double		loops;
	double		width;			/* of its columns that are sent */
	bool		per_row;		/* ran once for each row of something else */
	bool		once;			/* each row was read once, by one process or another */
} AuditJoinTable;

typedef struct AuditJoinColumn
{
	Index		rti;
	AttrNumber	attnum;
	int			set;			/* columns with one number are equal */
} AuditJoinColumn;

/* A join: its outer tables begin with first, its inner ones with inner. */
typedef struct AuditJoinStep
{
	int			first;
	int			inner;
	int			end;
	double		rows;
	double		outer_rows;
	double		inner_rows;
} AuditJoinStep;

/* A value that a nested loop hands to its inner side. */
typedef struct AuditLoopParam
{
	int			paramid;
	int			column;
} AuditLoopParam;

typedef struct AuditJoins
{
	const List *rtable;
	bool		remembered;		/* what comes next is below a Memoize that kept all */
	int			ntables;
	AuditJoinTable tables[AUDIT_JOIN_TABLES];
	int			nsteps;
	AuditJoinStep steps[AUDIT_JOIN_TABLES];	/* each joins a table at least */
	int			ncolumns;
	AuditJoinColumn columns[AUDIT_JOIN_COLUMNS];
	int			nparams;
	AuditLoopParam	params[AUDIT_JOIN_PARAMS];
} AuditJoins;

extern bool audit_joins_read(AuditJoins *joins, const QueryDesc *desc);

#endif							/* PURSER_AUDIT_JOIN_H */
