/*
 * bulk.h
 *		Many rows into one table, in one call.
 *
 * The way of the data:
 *
 *		reader  -->  sink  -->  coercion  -->  writer
 *
 * A reader (csv, json, jsonb) knows nothing of tables: it asks the sink which
 * column a name stands for, fills in the fields of a row and pushes the row.
 * The sink (bulk_load.c) has the row coerced into a slot and hands that to the
 * writer, which owns batches, indexes, triggers and the conflict policy.
 *
 * Memory: whatever lives as long as the load is in the executor state's query
 * context.  Readers run in the per-row context, which the sink resets after
 * each row that was pushed.  Nothing grows with the number of rows.
 */
#ifndef PURSER_BULK_H
#define PURSER_BULK_H

#include "pg_purser.h"

#include "access/attnum.h"
#include "fmgr.h"
#include "nodes/execnodes.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

/* ---- where the load stands: bulk_context.c ---- */

/* Both count from 1; 0 means that there is none. */
typedef struct BulkPosition
{
	uint64		row;			/* ordinal of the data row */
	uint64		line;			/* line of the input where the row begins */
} BulkPosition;

typedef enum BulkFieldKind
{
	BULK_MISSING = 0,			/* not in the row: the column's default */
	BULK_NULL,
	BULK_TEXT,					/* what the type's input function takes */
	BULK_JSON_STRING,			/* the string without quotes and escapes */
	BULK_JSON_ARRAY,			/* JSON text */
	BULK_JSON_OBJECT			/* JSON text */
} BulkFieldKind;

typedef struct BulkField
{
	BulkFieldKind kind;
	char	   *text;			/* unless missing or null */
} BulkField;

/* What the error context tells; each step keeps it up to date. */
typedef struct BulkContext
{
	const char *relation;
	BulkPosition position;
	uint64		last_row;		/* with a batch: its last row, else 0 */
	const char *column;			/* being coerced, or NULL */
	const BulkField *field;		/* its input */
	const char *hint;			/* for errors in the form of the input, or NULL */
	ErrorContextCallback callback;
} BulkContext;

extern void bulk_context_push(BulkContext *context, const char *relation);
extern void bulk_context_pop(BulkContext *context);
extern char *bulk_context_clip(const char *text, int len);
extern char bulk_context_first(const char *data, int len);

/* ---- readers: bulk_csv.c, bulk_json.c, bulk_jsonb.c ---- */

/*
 * What a reader talks to.  It sets context->position when a row begins, asks
 * for each name's column (position: ordinal of the name in its row, a hint;
 * an unknown name is an error), fills fields[column] and calls push.
 */
typedef struct BulkSink BulkSink;
struct BulkSink
{
	int			(*column) (BulkSink *sink, const char *name, int len, int position);
	void		(*push) (BulkSink *sink);
	BulkField  *fields;
	BulkContext *context;
	MemoryContext load_memory;	/* for what must outlive the row */
};

extern void bulk_csv_read(BulkSink *sink, const char *data, int len);
extern void bulk_json_read(BulkSink *sink, const char *data, int len);
extern void bulk_jsonb_read(BulkSink *sink, Jsonb *data);
extern void bulk_json_refuse_data(const char *what, const char *hint);
extern void bulk_json_refuse_element(const char *what);

/* ---- the table: bulk_target.c ---- */

/* How the JSON of a column's value becomes a datum. */
typedef enum BulkShape
{
	BULK_SCALAR,				/* as the text of the value */
	BULK_SHAPE_JSON,			/* json, jsonb: as JSON */
	BULK_SHAPE_ARRAY,
	BULK_SHAPE_COMPOSITE
} BulkShape;

typedef struct BulkType
{
	Oid			oid;
	BulkShape	shape;
	FmgrInfo   *populate;		/* composite: json_populate_record, on first use */
} BulkType;

typedef struct BulkColumn
{
	const char *name;			/* NULL: dropped */
	int			name_len;
	AttrNumber	attnum;
	int32		typmod;
	char		generated;		/* as in pg_attribute */
	char		identity;		/* as in pg_attribute */
	bool		named;			/* the input names it, and may */
	bool		check_null;		/* a domain: a null has to be checked too */
	bool		default_ready;	/* the two below are set: a row needed the default */
	bool		default_may_read;	/* the default may look at the table */
	ExprState  *defexpr;		/* NULL: the default is null */
	BulkType	type;
	BulkType	element;		/* of an array */
	char		delimiter;		/* between the elements of an array */
	FmgrInfo	input;
	Oid			ioparam;
} BulkColumn;

typedef struct BulkTarget
{
	Relation	rel;
	EState	   *estate;
	ResultRelInfo *rri;
	RTEPermissionInfo *perminfo;
	int			ncolumns;		/* dropped ones included: index is attnum - 1 */
	BulkColumn *columns;
	int			nplaces;		/* a hash table of columns by name */
	int		   *places;
} BulkTarget;

/*
 * What the caller wants done with rows that conflict.  Columns: the arbiter's
 * names, or NIL for every unique index and exclusion constraint.
 */
typedef struct BulkOptions
{
	bool		skip_conflicts;
	List	   *conflict_columns;	/* of char * */
} BulkOptions;

extern void bulk_target_open(BulkTarget *target, Oid relid, const BulkOptions *options);
extern int	bulk_target_column(BulkTarget *target, const char *name, int len);
extern void bulk_target_close(BulkTarget *target);

/* ---- what may see rows of the same load: bulk_sight.c ---- */

extern bool bulk_sight_expression(Node *node);
extern bool bulk_sight_checks(const BulkTarget *target);

/* ---- fields to datums: bulk_coerce.c, bulk_nested.c ---- */

extern void bulk_coerce_prepare(BulkTarget *target);
extern bool bulk_coerce_defaults(BulkTarget *target, const BulkField *fields);
extern void bulk_coerce_row(BulkTarget *target, BulkContext *context,
							const BulkField *fields, TupleTableSlot *slot);

extern void bulk_nested_prepare(BulkColumn *column, Oid typid);
extern Datum bulk_nested_coerce(BulkColumn *column, const BulkField *field);

/* ---- rows to the table: bulk_writer.c, bulk_conflict.c ---- */

/* Limits of a batch, those of COPY. */
#define BULK_BATCH_ROWS		1000
#define BULK_BATCH_BYTES	65535

typedef struct BulkConflict
{
	List	   *arbiters;		/* index OIDs; NIL: all */
	TupleTableSlot *slot;		/* to look at the row in the way */
} BulkConflict;

typedef struct BulkWriter
{
	BulkTarget *target;
	BulkContext *context;
	BulkConflict *conflict;		/* NULL: a conflict is an error */
	struct TransitionCaptureState *transition;
	CommandId	cid;
	int			insert_options;
	struct BulkInsertStateData *bistate;	/* NULL when inserting speculatively */
	bool		batched;		/* else row by row, through slots[0] */
	int			nbuffered;
	Size		bytes;			/* of the buffered rows */
	TupleTableSlot *slots[BULK_BATCH_ROWS]; /* made when first needed */
	BulkPosition positions[BULK_BATCH_ROWS];
	uint64		inserted;
	uint64		skipped;
} BulkWriter;

extern void bulk_writer_begin(BulkWriter *writer, BulkTarget *target, BulkContext *context,
							  const BulkOptions *options);
extern TupleTableSlot *bulk_writer_slot(BulkWriter *writer);
extern void bulk_writer_put(BulkWriter *writer, TupleTableSlot *slot);
extern void bulk_writer_flush(BulkWriter *writer);
extern void bulk_writer_end(BulkWriter *writer);

extern BulkConflict *bulk_conflict_begin(BulkTarget *target, const BulkOptions *options);
extern bool bulk_conflict_insert(BulkConflict *conflict, BulkTarget *target,
								 TupleTableSlot *slot, CommandId cid, List **recheck);

/* ---- all of it: bulk_load.c ---- */

typedef struct BulkInput
{
	void		(*read) (BulkSink *sink, const char *data, int len);
	const char *data;
	int			len;
	Jsonb	   *jsonb;			/* in place of the three above */
} BulkInput;

typedef struct BulkResult
{
	uint64		inserted;
	uint64		skipped;
} BulkResult;

extern BulkResult bulk_load(Oid relid, const BulkInput *input, const BulkOptions *options);

#endif							/* PURSER_BULK_H */
