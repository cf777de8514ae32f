/*
 * audit_plan.h
 *		Facts out of plan trees and catalogs.
 */
#ifndef PURSER_AUDIT_PLAN_H
#define PURSER_AUDIT_PLAN_H

#include "audit/capture/audit_capture.h"

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
extern bool audit_is_volatile(Node *node);
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
	List	   *conditions;		/* the filter itself */
} AuditFilter;

extern List *audit_plan_filters(PlanState *top);

/* ---- conditions that an index cannot serve: audit_wrapped.c ---- */

typedef enum AuditCause
{
	AUDIT_CAUSE_FUNCTION,
	AUDIT_CAUSE_EXPRESSION,
	AUDIT_CAUSE_CAST,			/* that the query asks for */
	AUDIT_CAUSE_LOSSY_CAST,		/* likewise; many values become one */
	AUDIT_CAUSE_TYPE,			/* a cast that the other side's type brings about */
	AUDIT_CAUSE_COLLATION,
} AuditCause;

typedef struct AuditWrapped
{
	AuditCause	cause;
	AttrNumber	attnum;
	Oid			index;			/* that begins with the column */
	Node	   *expression;		/* around it, its table being number 1; NULL: the column */
	Oid			opclass;		/* of the index that would serve; 0: the type's own */
	bool		keeps_apart;	/* the expression has about as many values as the column */
} AuditWrapped;

extern bool audit_wrapped_column(const AuditFilter *filter, AuditWrapped *wrapped);

/* ---- expressions that indexes are on: audit_expression.c ---- */

extern uint32 audit_expression_hash(Node *expression);
extern bool audit_expression_is_indexed(Oid relid, uint32 hash);

/* ---- the top of a plan: audit_order.c ---- */

#define AUDIT_PLAN_DEPTH 100	/* of a plan that is followed downwards */

extern bool audit_plan_is_bounded(const Plan *top);
extern bool audit_plan_order(const PlanState *state, const List *rtable, Oid *relid,
							 AuditColumns *columns);

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

/* ---- indexes: audit_index.c ---- */

extern bool audit_index_advice(const AuditFilter *filter, AuditColumns *columns);
extern double audit_distinct_values(Relation rel, AttrNumber attnum);
extern bool audit_index_exists(Oid relid, const AuditColumns *columns);
extern Oid	audit_index_owner(Oid relid, AuditColumns *columns);

#endif							/* PURSER_AUDIT_PLAN_H */
