/*
 * bulk_statement.h
 *		The other way of rows into a relation: they wait in a tuplestore until
 *		all are there, and ordinary statements over it do the rest.
 *
 * For relations that the direct writer is not for, and for the verbs other
 * than insert.
 */
#ifndef PURSER_BULK_STATEMENT_H
#define PURSER_BULK_STATEMENT_H

#include "bulk/write/bulk_write.h"

#include "executor/execdesc.h"
#include "nodes/parsenodes.h"
#include "tcop/dest.h"
#include "utils/queryenvironment.h"
#include "utils/tuplestore.h"

/* ---- the rows in wait: bulk_rows.c ---- */

/* By what two rows are of the same key. */
typedef struct BulkKeys
{
	int			nkeys;
	ExprState **values;			/* over a row's columns */
	Oid		   *less;			/* operators */
	Oid		   *collations;
	ExprState  *applies;		/* rows for which this is not true have no key; or NULL */
	bool		nulls_equal;	/* else a row with a null in its key has none */
	bool		look_up;		/* rows without a key are of no use, and order is free */
} BulkKeys;

/*
 * A row has all columns of the target, at their places, and after them its
 * ordinal in the input and the number of its shape: which columns it names.
 */
typedef struct BulkRows
{
	BulkTarget *target;
	TupleDesc	desc;
	TupleTableSlot *slot;		/* the row that is being made */
	TupleTableSlot *stored;		/* a row of the store */
	Tuplestorestate *store;
	int64		nrows;			/* in the store */
	int			nshapes;
	int			maxshapes;
	bool	  **shapes;			/* by number, then column: is it named? */
	bool	   *shape;			/* of the row that is being made */
	struct HTAB *numbers;		/* of shapes */
	int			last_shape;
	uint64		last_ordinal;

	/*
	 * Of the rows of a run, by ordinal from 1; no key comes twice among them.
	 * NULL: these are all rows, and the ordinal is the number in the input.
	 */
	const BulkPosition *positions;

	/* While a statement runs. */
	uint64		present;		/* ordinal of the row it is at; 0: none, or it cannot be told */
	bool		started;		/* it has begun to read them */
} BulkRows;

/* Attribute numbers of what follows the target's columns. */
#define BULK_ROWS_ORDINAL(rows) ((rows)->target->ncolumns + 1)
#define BULK_ROWS_SHAPE(rows) ((rows)->target->ncolumns + 2)
#define BULK_ROWS_NATTS(rows) ((rows)->target->ncolumns + 2)

extern BulkRows *bulk_rows_begin(BulkTarget *target);
extern void bulk_rows_make(BulkRows *rows, BulkContext *context, uint64 ordinal,
						   const BulkField *fields);
extern void bulk_rows_put(BulkRows *rows, uint64 ordinal);
extern int64 bulk_rows_number(BulkRows *rows, TupleTableSlot *slot, AttrNumber attnum);
extern void bulk_rows_end(BulkRows *rows);

/* ---- the same key more than once: bulk_last.c ---- */

extern BulkKeys *bulk_keys_make(int nkeys);
extern uint64 bulk_last_of_key(BulkRows *rows, const BulkKeys *keys, EState *estate);

/* Called once for each shape, while the store has only its rows. */
typedef void (*BulkShapeAction) (BulkRows *rows, int shape, void *arg);

extern void bulk_rows_by_shape(BulkRows *rows, BulkShapeAction action, void *arg);

/* ---- raw parse trees: bulk_syntax.c ---- */

/* The name of the tuplestore, in trees and as their only other relation. */
#define BULK_SOURCE "purser_rows"

extern Node *bulk_syntax_column(const char *relation, const char *column);
extern Node *bulk_syntax_source(const BulkRows *rows, AttrNumber attnum);
extern Node *bulk_syntax_expression(List **expressions, Node *expression);
extern Node *bulk_syntax_operator(Oid operator, Node *left, Node *right);
extern Node *bulk_syntax_among(List **expressions, Node *number, Datum *values, int nvalues);
extern Node *bulk_syntax_case(Node *condition, Node *then, Node *otherwise);
extern ResTarget *bulk_syntax_target(const char *name, Node *value);
extern RangeVar *bulk_syntax_relation(Relation rel, const char *alias);
extern List *bulk_syntax_returning(const List *columns);
extern List *bulk_syntax_from(void);
extern Node *bulk_syntax_select(List *values);
extern void bulk_syntax_error(void *condition);
extern Node *bulk_syntax_condition(const char *text);

/* ---- running them: bulk_execute.c ---- */

/* Who takes the rows that an INSERT stored. */
typedef struct BulkReturning
{
	DestReceiver *dest;
	List	   *columns;		/* names of those that are wanted; NIL: all */
	uint64		row;			/* ordinal of the one that is being given */
	bool		unordered;		/* they do not come in the order of the input */
} BulkReturning;

typedef struct BulkStatement
{
	EphemeralNamedRelationData source;	/* first, so that a source is its statement */
	BulkTarget *target;
	BulkContext *context;
	BulkRows   *rows;
	Node	   *tree;			/* raw: an INSERT, UPDATE or DELETE */
	List	   *expressions;	/* analyzed, that parameters of the tree stand for */
	const char *condition;		/* text of the caller's in the tree, or NULL */
	DestReceiver *dest;			/* for rows returned */
	BulkReturning *returning;	/* to be told of the row, or NULL */
	BulkNote   *note;			/* to be told what became of it, or NULL */
	bool		look_up;		/* each row is best found by itself, in an index */
	bool		updates;		/* rows in the way, unless there is nothing to set */

	QueryEnvironment *environment;
	List	   *plans;			/* set by bulk_statement_plan(), and so is the text */
	const char *text;

	/* while an INSERT runs: its scan of the rows, and the counters before the present row */
	PlanState  *scan;
	ExecProcNodeMtd next_row;
	bool		names_rows;		/* what happens is about the row that was read last */
	bool		counts_rows;	/* likewise, for an INSERT */
	ModifyTableState *modify;
	uint64		seen_processed;
	uint64		seen_conflicts;
	uint64		seen_unchanged;

	uint64		processed;		/* rows that the statement counts */
	uint64		conflicts;
	uint64		unchanged;
	uint64		updated;		/* of those in conflict */
} BulkStatement;

extern BulkStatement *bulk_statement_make(BulkTarget *target, BulkContext *context,
										  BulkRows *rows);
extern void bulk_statement_plan(BulkStatement *statement);
extern void bulk_statement_run(BulkStatement *statement);

/* ---- insert: bulk_insert.c, bulk_infer.c ---- */

typedef struct BulkInference
{
	InferClause *clause;		/* NULL: any conflict counts */
	List	   *columns;		/* of its key: indexes of the target's columns */
} BulkInference;

extern BulkInference bulk_infer(const BulkTarget *target, const struct BulkOptions *options,
								List **expressions);
extern BulkKeys *bulk_infer_keys(const BulkTarget *target, const BulkRows *rows,
								   const List *plans);
extern bool bulk_insert_by_shape(const struct BulkOptions *options);
extern void bulk_insert_check(BulkTarget *target, BulkContext *context,
							  const struct BulkOptions *options);
extern BulkKeys *bulk_insert_keys(BulkTarget *target, BulkContext *context, BulkRows *rows,
								  const struct BulkOptions *options);
extern void bulk_insert_rows(BulkTarget *target, BulkContext *context, BulkRows *rows,
							 const struct BulkOptions *options, uint64 *counts);

/* ---- rows back in the order of the input: bulk_returning.c ---- */

typedef struct BulkOrdered BulkOrdered;

extern BulkOrdered *bulk_ordered_begin(DestReceiver *store);
extern BulkReturning *bulk_ordered_returning(BulkOrdered *ordered);
extern void bulk_ordered_end(BulkOrdered *ordered);

/* ---- update and delete: bulk_change.c ---- */

extern Oid	bulk_change_index(const BulkTarget *target, bool whole);
extern BulkKeys *bulk_change_keys(const BulkTarget *target, const BulkRows *rows);
extern void bulk_change_rows(BulkTarget *target, BulkContext *context, BulkRows *rows,
							 const struct BulkOptions *options, uint64 *counts);

/* ---- delete without a statement: bulk_erase.c ---- */

typedef struct BulkErase BulkErase;

extern BulkErase *bulk_erase_begin(BulkTarget *target, BulkContext *context);
extern void bulk_erase_put(BulkErase *erase, const TupleTableSlot *slot);
extern void bulk_erase_end(BulkErase *erase, uint64 *counts);

/* ---- runs of rows without a key twice: bulk_repeat.c ---- */

extern void bulk_repeat_find(BulkRows *rows, const BulkKeys *keys, const MinimalTuple *tuples,
							 int *before, int count);

#endif							/* PURSER_BULK_STATEMENT_H */
