/*
 * audit_plan.h
 *		Facts out of plan trees and catalogs.
 */
#ifndef PURSER_AUDIT_PLAN_H
#define PURSER_AUDIT_PLAN_H

#include "audit/capture/audit_capture.h"

#include "access/htup.h"
#include "access/tupdesc.h"

/* ---- conditions of a scan: audit_clause.c ---- */

/* Where the columns of a scan's conditions come from. */
typedef struct AuditScope
{
	Index		scanrelid;
	const List *index_columns;	/* target list of an index-only scan */
} AuditScope;

typedef struct AuditClause
{
	AttrNumber	attnum;			/* 0: not "column op value" in a way that an index serves */
	Oid			type;			/* of the column */
	Oid			operator;		/* with the column on its left */
	bool		is_equality;	/* else a range */
	Node	   *value;			/* the other side, NULL for = ANY */
} AuditClause;

extern bool audit_scan_scope(const Plan *plan, AuditScope *scope, List **index_conditions);
extern List *audit_clauses(const AuditScope *scope, List *conditions);
extern bool audit_is_independent(Node *value);
extern const Var *audit_clause_column(const AuditScope *scope, Node *node);

/* ---- filters of a measured plan: audit_filter.c ---- */

/* A scan whose filter threw rows away, in measured numbers over all loops. */
typedef struct AuditFilter
{
	Relation	rel;
	double		scanned;
	double		kept;
	double		loops;
	List	   *index_clauses;	/* of AuditClause: what an index did already */
	List	   *filter_clauses; /* of AuditClause: what was left to the filter */
	AuditScope	scope;
	List	   *conditions;		/* of the filter, as many as filter_clauses */
} AuditFilter;

extern List *audit_plan_filters(PlanState *top);

/* ---- rows of one node of a measured plan: audit_node.c ---- */

typedef struct AuditNodeRows
{
	double		all;			/* put out, by all processes and loops */
	double		loops;			/* 0: never run, or not measured */
	double		each;			/* in a loop, on average */
	double		most;			/* likewise, of the process that had most */
} AuditNodeRows;

extern double audit_node_tuples(const PlanState *state);
extern double audit_node_loops(const PlanState *state);
extern AuditNodeRows audit_node_rows(PlanState *state);
extern double audit_node_rejected(PlanState *state);
extern Relation audit_node_table(PlanState *state);

/* ---- joins of a measured plan: audit_join.c, audit_fanout.c ---- */

/* Rows of a parent that a join has repeated, once for each of the child's. */
typedef struct AuditFanout
{
	Oid			parent;
	Oid			child;			/* with the most rows */
	AttrNumber	child_column;	/* that refers to the parent */
	int			children;
	double		rows;			/* of the join */
	double		parent_rows;
	bool		parent_is_once; /* each of these is another row */
	double		child_rows;
	double		separate_rows;	/* that a query for each table would return */
	double		parent_width;	/* bytes of its columns that are sent */
	double		width;			/* of all columns that are sent */
} AuditFanout;

extern bool audit_plan_fanout(const AuditWatch *watch, AuditFanout *fanout);

/* ---- estimates of a measured plan: audit_estimate.c ---- */

/* A scan that put out other numbers of rows than planned, where it matters. */
typedef struct AuditEstimate
{
	PlanState  *scan;
	Relation	rel;
	double		estimated;		/* in a loop */
	double		actual;
	double		loops;
} AuditEstimate;

extern double audit_plan_index_rows(const Plan *plan);
extern List *audit_plan_estimates(const AuditWatch *watch);
extern bool audit_is_misestimated(double estimated, double actual, double loops);

/* ---- what ANALYZE knows: audit_statistics.c ---- */

extern bool audit_statistics_are_missing(Oid relid, const AuditColumns *columns);
extern bool audit_statistics_are_stale(Relation rel);
extern bool audit_statistics_cover(Oid relid, const AuditColumns *columns);
extern double audit_equality_selectivity(Relation rel, const AuditClause *clause,
										 ParamListInfo params);
extern double audit_value_selectivity(Relation rel, const AuditClause *clause, Datum value,
									  bool isnull);
extern double audit_statistics_version(Oid relid, const AuditColumns *columns);
extern int	audit_statistics_target(Oid relid, AttrNumber attnum);
extern double audit_rows_by_now(Relation rel);

/* ---- what a condition compares with: audit_value.c ---- */

extern bool audit_given_value(Node *node, ParamListInfo params, Datum *value, bool *isnull);
extern bool audit_computed_value(Node *node, ParamListInfo params, Datum *value, bool *isnull);

/* ---- rows that ANALYZE would have seen: audit_unseen.c ---- */

extern bool audit_statistics_contradict(Relation rel, const AuditClause *clause,
										ParamListInfo params, double rows);

/* ---- temporary files of a measured plan: audit_spill.c ---- */

typedef struct AuditSpill
{
	int			nodes;
	double		work_mem;		/* kB, with which none would have spilled */
} AuditSpill;

extern AuditSpill audit_plan_spill(PlanState *top, bool but_hashes);
extern bool audit_node_spilled(PlanState *state);

/* ---- patterns without a beginning: audit_pattern.c ---- */

typedef struct AuditPattern
{
	Oid			operator;
	bool		is_ending;		/* LIKE '%x': says only how a value ends */
	bool		is_vague;		/* too short to be looked up by trigrams */
	int			letters;		/* that stand together in the pattern, at most */
} AuditPattern;

extern bool audit_pattern(const OpExpr *condition, ParamListInfo params, AuditPattern *pattern);

/* ---- pg_trgm: audit_trigram.c ---- */

#define AUDIT_TRIGRAM 3			/* letters */

extern Oid	audit_trigram_opclass(void);
extern bool audit_trigram_is_available(void);
extern char *audit_trigram_name(void);

/* ---- conditions that an index cannot serve: audit_wrapped.c ---- */

typedef enum AuditWrap
{
	AUDIT_WRAP_FUNCTION,
	AUDIT_WRAP_EXPRESSION,
	AUDIT_WRAP_CAST,			/* that the query asks for */
	AUDIT_WRAP_LOSSY_CAST,		/* likewise; many values become one */
	AUDIT_WRAP_TYPE,			/* a cast that the other side's type brings about */
	AUDIT_WRAP_COLLATION,		/* a pattern, where the index is not in the order of bytes */
	AUDIT_WRAP_OTHER_COLLATION, /* another one than the index has */
	AUDIT_WRAP_WILDCARD,		/* a pattern without a beginning */
	AUDIT_WRAP_ENDING,			/* likewise; only an end */
	AUDIT_WRAP_TABLES,			/* OR over two tables */
	AUDIT_WRAP_CONTENT,			/* nothing: an operator that GIN alone knows */
} AuditWrap;

typedef struct AuditWrapped
{
	AuditWrap	cause;
	AttrNumber	attnum;
	Oid			index;			/* that begins with the column */
	Node	   *expression;		/* around it, its table being number 1; NULL: the column */
	Oid			method;			/* BTREE_AM_OID or GIN_AM_OID */
	Oid			opclass;		/* of the index that would serve; 0: the type's own */
	Oid			collation;		/* likewise; 0: the column's own */
	Oid			operator;		/* that such an index knows; 0: unknown */
	bool		keeps_apart;	/* the expression has about as many values as the column */
	bool		evident;		/* an index serves such conditions for all that is known */
} AuditWrapped;

extern bool audit_wrapped_column(const AuditFilter *filter, ParamListInfo params,
								 AuditWrapped *wrapped);
extern bool audit_wrapped_alone(const AuditFilter *filter, Node *condition, ParamListInfo params,
								AuditWrapped *wrapped);
extern bool audit_wrapped_is_served(const AuditFilter *filter, Node *condition,
									ParamListInfo params);
extern Oid	audit_index_on(Relation rel, AttrNumber attnum);

/* ---- expressions that indexes are on: audit_expression.c ---- */

extern uint32 audit_expression_hash(Node *expression);
extern bool audit_expression_has_statistics(Oid relid, uint32 hash);
extern bool audit_expression_is_indexed(Oid relid, uint32 hash, Oid operator);

/* ---- rows thrown away for no lack of an index: audit_discard.c ---- */

typedef enum AuditDiscardKind
{
	AUDIT_DISCARD_CONDITION,	/* something else, about nothing but the row */
	AUDIT_DISCARD_OUTWARD,		/* something else: no index can hold the condition */
	AUDIT_DISCARD_EXPRESSION,	/* compares what is computed from columns */
	AUDIT_DISCARD_MUTABLE,		/* likewise, but not the same for ever */
	AUDIT_DISCARD_KEY,			/* likewise: a b-tree on the expression serves */
	AUDIT_DISCARD_MEMBER,		/* value = ANY (column) */
	AUDIT_DISCARD_ALTERNATIVES, /* column = value OR column = value */
	AUDIT_DISCARD_PATTERN,		/* LIKE '%x', regular expressions */
	AUDIT_DISCARD_PREFIX,		/* LIKE 'x%' */
	AUDIT_DISCARD_CONTAINS,		/* an operator that GIN knows */
	AUDIT_DISCARD_JOIN,			/* pairs of a join */
	AUDIT_DISCARD_GROUPS,		/* HAVING */
	AUDIT_DISCARD_DUPLICATES,	/* DISTINCT */
} AuditDiscardKind;

typedef struct AuditDiscard
{
	AuditDiscardKind kind;
	Relation	rel;
	AuditColumns columns;		/* that the conditions look at */
	AuditWrapped *remedy;		/* an index that might serve; NULL: none is known */
	double		scanned;
	double		kept;
	double		loops;
} AuditDiscard;

extern List *audit_plan_discards(PlanState *top);

#define AUDIT_PLAN_DEPTH 100	/* of a plan that is followed downwards */

/* ---- where columns come from: audit_origin.c ---- */

typedef struct AuditPlanColumn
{
	Index		rti;			/* in the range table */
	Oid			relid;
	AttrNumber	attnum;
} AuditPlanColumn;

extern bool audit_plan_origin(const Plan *plan, AttrNumber resno, const List *rtable,
							  AuditPlanColumn *origin);
extern bool audit_plan_column(const Plan *plan, Node *node, const List *rtable,
							  AuditPlanColumn *origin);

/* ---- the top of a plan: audit_order.c ---- */

extern bool audit_plan_is_bounded(const Plan *top);
extern bool audit_plan_order(const PlanState *state, const List *rtable, Oid *relid,
							 AuditColumns *columns);

/* ---- a count at the top of a plan: audit_count.c ---- */

typedef struct AuditCount
{
	int64		counted;		/* the count itself */
	bool		restricted;		/* by conditions or a join: not of a whole table */
} AuditCount;

extern bool audit_plan_count(const PlanState *top, const List *rtable, AuditCount *count);

/* ---- rows made before they are asked for: audit_made.c ---- */

typedef struct AuditMade
{
	double		rows;			/* of the result, made or yet to be made */
	double		worked;			/* rows that were sorted, hashed or kept for it */
	bool		counted;		/* rows is no estimate */
} AuditMade;

extern bool audit_plan_made(const PlanState *top, AuditMade *made);

/* ---- lookups: audit_lookup.c ---- */

/* One `column = value` of a scan. */
typedef struct AuditLookup
{
	Oid			relid;
	AttrNumber	attnum;
	Node	   *value;			/* Const or external Param */
} AuditLookup;

extern List *audit_plan_lookups(const PlannedStmt *stmt, int max);

/* ---- tables that were read: audit_source.c ---- */

typedef struct AuditSource
{
	Oid			table;
	Oid			owner;			/* the table, or what it is a partition of */
	int64		rows;
} AuditSource;

extern AuditSource *audit_sources(const AuditWatch *watch, int *n);
extern AuditSource audit_largest_source(const AuditWatch *watch);
extern bool audit_is_user_table(const AuditWatch *watch, Oid relid);
extern bool audit_is_lasting_table(Oid relid);

/* ---- sizes of tables: audit_extent.c ---- */

extern double audit_table_rows(Oid owner);
extern double audit_toasted_width(const AuditWatch *watch);
extern List *audit_table_columns(Oid relid);

/* ---- orders that tell every row from the next: audit_unique.c ---- */

extern bool audit_is_not_null(Oid relid, AttrNumber attnum);
extern bool audit_is_unique_order(Oid relid, const AuditColumns *columns);
extern List *audit_key_columns(Oid relid);

/* ---- columns that belong together: audit_link.c ---- */

extern bool audit_columns_linked(Oid relid, AttrNumber attnum, Oid other,
								 AttrNumber other_attnum, const char *result_name);

/* ---- results that change by themselves: audit_volatile.c ---- */

extern bool audit_expression_is_volatile(Node *node);
extern bool audit_expression_is_immutable(Node *node);
extern bool audit_plan_is_volatile(PlanState *top);

/* ---- indexes: audit_index.c ---- */

typedef bool (*AuditIndexTest) (HeapTuple tuple, TupleDesc desc, const void *wanted);

extern bool audit_any_index(Oid relid, AuditIndexTest test, const void *wanted);
extern bool audit_index_advice(const AuditFilter *filter, ParamListInfo params,
							   AuditColumns *columns);
extern double audit_distinct_values(Relation rel, AttrNumber attnum);
extern bool audit_index_exists(Oid relid, const AuditColumns *columns);
extern bool audit_collation_is_indexed(Oid relid, AttrNumber attnum, Oid collation);
extern bool audit_is_unique(Oid relid, AttrNumber attnum);
extern Oid	audit_index_owner(Oid relid, AuditColumns *columns);

#endif							/* PURSER_AUDIT_PLAN_H */
