/*
 * audit_what_if.h
 *		What the planner would do if there were another index.
 *
 * A query's tree is kept when it is planned for a run that will be measured
 * (audit_trees.c). It is planned again, twice, at the end of that run: as it
 * is, and with hypothetical indexes (audit_hypothesis.c, found again in the
 * plan by audit_hypothesis_use.c). Neither plan is executed, and neither goes
 * through the plan cache (audit_replan.c).
 */
#ifndef PURSER_AUDIT_WHAT_IF_H
#define PURSER_AUDIT_WHAT_IF_H

#include "audit/capture/audit_capture.h"

#include "nodes/plannodes.h"

/*
 * What would mend a query: an index that does not exist, on columns of a table
 * or on one expression; or two queries in place of one.
 */
typedef struct AuditHypothesis
{
	Oid			origin;			/* the table whose numbers of columns these are */
	Oid			owner;			/* the same, or what it is a partition of */
	int			n;
	AttrNumber	attnum[AUDIT_MAX_COLUMNS];
	Oid			method;			/* BTREE_AM_OID or GIN_AM_OID */
	Oid			opclass;		/* of the first column; 0: the type's own */
	Oid			collation;		/* likewise; 0: the column's own */
	bool		split;			/* no index: a query for each side of an OR over two tables */
	bool		evident;		/* stands where it cannot be planned */
	Node	   *expression;		/* around the column, in its place; its table is number 1 */
	bool		keeps_apart;	/* it has about as many values as the column */
	int			used;			/* out: leading columns that the plan searches by */
	bool		indexable;		/* out: the expression is immutable */
	char	   *text;			/* out: the expression in SQL */
	uint32		hash;			/* out: of the expression, with the owner's columns */
} AuditHypothesis;

typedef struct AuditCosts
{
	double		before;
	double		after;			/* with the indexes */
	double		split;			/* of the two queries, as things are; 0: cannot be split */
} AuditCosts;

/* ---- trees of queries that are to be measured: audit_trees.c ---- */

extern void audit_install_planner(void);
/* What the planner was given. */
typedef struct AuditTree
{
	uint64		queryid;
	Oid			userid;
	LocalTransactionId lxid;	/* the transaction that it lives in, */
	SubTransactionId subid;		/* and the subtransaction that it serves */
	MemoryContext context;
	Query	   *query;			/* NULL: none */
	int			options;		/* CURSOR_OPT_... */
} AuditTree;

extern const AuditTree *audit_tree_find(uint64 queryid, Oid userid);
extern bool audit_tree_is_missing(const AuditWatch *watch);
extern void audit_tree_want(uint64 queryid);
extern bool audit_tree_want_once(uint64 queryid);

/* ---- hypothetical indexes: audit_hypothesis.c ---- */

extern void audit_install_hypotheses(void);
extern bool audit_hypothesis_can_be_tried(const AuditHypothesis *hypothesis);
extern Node *audit_hypothesis_expression(const AuditHypothesis *hypothesis, Oid relid);
extern void audit_hypotheses_set(List *hypotheses);
extern void audit_hypotheses_enter(void);
extern void audit_hypotheses_leave(void);

/* ---- found in a plan: audit_hypothesis_use.c ---- */

#define AUDIT_HYPOTHESIS_OID 9000	/* of the first: given to objects only in development */

extern void audit_hypotheses_find(List *hypotheses, const PlannedStmt *stmt);

/* ---- an OR over two tables: audit_split.c ---- */

typedef struct AuditSplit
{
	Index		rti[2];			/* in the query that has the OR */
	Oid			relid[2];
	AttrNumber	attnum[2];		/* compared first */
} AuditSplit;

extern bool audit_split_find(const Query *query, AuditSplit *split);
extern Query *audit_split_half(const Query *query, int side);

/* ---- planning again: audit_replan.c ---- */

extern bool audit_can_replan(const AuditWatch *watch);
extern bool audit_replan(const AuditWatch *watch, List *hypotheses, AuditCosts *costs);
extern bool audit_is_replanning(void);

#endif							/* PURSER_AUDIT_WHAT_IF_H */
