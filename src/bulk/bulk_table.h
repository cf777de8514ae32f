/*
 * bulk_table.h
 *		The table of a load: its columns, who may load what, and how fields
 *		become datums.
 */
#ifndef PURSER_BULK_TABLE_H
#define PURSER_BULK_TABLE_H

#include "bulk/input/bulk_input.h"

#include "access/attnum.h"
#include "fmgr.h"
#include "nodes/execnodes.h"
#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"

/* ---- columns ---- */

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

typedef struct BulkColumn BulkColumn;

/*
 * Reads the usual forms of a type by itself: len bytes, not terminated.  False
 * for any form that it does not know to the last bit, which then goes to the
 * type's input function; so it never fails and never differs.
 */
typedef bool (*BulkParse) (const BulkColumn *column, const char *text, int len, Datum *value);

struct BulkColumn
{
	const char *name;			/* NULL: dropped */
	int			name_len;
	AttrNumber	attnum;
	int32		typmod;
	int16		typlen;
	char		generated;		/* as in pg_attribute */
	char		identity;		/* as in pg_attribute */
	bool		named;			/* the input names it, and may */
	bool		is_key;			/* of update and delete */
	bool		check_null;		/* a domain: a null has to be checked too */
	bool		default_ready;	/* the two below are set: a row needed the default */
	bool		default_may_read;	/* the default may look at the table */
	bool		default_isnull; /* without an expression */
	Datum		default_value;	/* the same */
	ExprState  *defexpr;		/* NULL: the default is constant */
	BulkType	type;
	BulkType	element;		/* of an array */
	char		delimiter;		/* between the elements of an array */
	BulkParse	parse;			/* NULL: there is only the input function */
	FmgrInfo	input;
	Oid			ioparam;
	FunctionCallInfo call;		/* of input, with the arguments that stay */
	ExprState  *cast;			/* of datums, to the column's type; NULL: they are of it */
};

/* ---- the table: bulk_target.c ---- */

struct BulkOptions;
struct BulkSets;

/* The way that rows take into it. */
typedef enum BulkPath
{
	BULK_PATH_DIRECT,			/* bulk_writer.c */
	BULK_PATH_STATEMENT			/* bulk_statement.h */
} BulkPath;

typedef struct BulkTarget
{
	Relation	rel;
	BulkPath	path;
	EState	   *estate;
	ResultRelInfo *rri;			/* NULL with BULK_PATH_STATEMENT */
	RTEPermissionInfo *perminfo;
	int			ncolumns;		/* dropped ones included: index is attnum - 1 */
	BulkColumn *columns;
	int			nkeys;			/* of update and delete */
	int		   *keys;			/* indexes of columns */
	bool		rebuild;		/* indexes that can wait are built at the end */
	List	   *aside;			/* OIDs of those */
	int			nplaces;		/* a hash table of columns by name */
	int		   *places;
	char	   *scratch;		/* for terminated copies of the fields of one row */
	Size		scratch_used;
	ParamListInfo params;		/* what casts are of, by column; or NULL */
	bool		casts_may_read; /* one of them may look at the table */
	List	   *arbiters;		/* OIDs of the indexes whose conflicts are settled; NIL: all */
	Bitmapset  *key;			/* attnums of the columns in their keys */
	struct BulkSets *sets;		/* NULL unless rows in the way are updated */
} BulkTarget;

extern void bulk_target_open(BulkTarget *target, Oid relid, const struct BulkOptions *options);
extern BulkPath bulk_target_path(Relation rel, const struct BulkOptions *options);
extern bool bulk_path_is_table(Relation rel);
extern int	bulk_target_find(const BulkTarget *target, const char *name, int len);
extern const char *bulk_target_similar(const BulkTarget *target, const char *name, int len);
extern void bulk_target_name(BulkTarget *target, int column);
extern void bulk_target_require(BulkTarget *target, AclMode mode, Bitmapset *columns);
extern void bulk_target_close(BulkTarget *target);

/* ---- the indexes whose conflicts are settled: bulk_arbiter.c ---- */

extern void bulk_arbiter_choose(BulkTarget *target, const struct BulkOptions *options);
extern List *bulk_arbiter_of(const BulkTarget *target, const ResultRelInfo *rri);

/* ---- what is updated on conflict, and when: bulk_set.c, bulk_where.c ---- */

/* The columns that a row's update sets. */
typedef struct BulkSet
{
	Bitmapset  *columns;		/* as permission infos count them */
	bool	   *given;			/* by column: the row has it */
} BulkSet;

typedef struct BulkSets
{
	bool		chosen;			/* the caller named the columns */
	bool		by_row;			/* else each row may have others */
	Node	   *where;			/* over target and INNER_VAR, or NULL */
	BulkSet    *latest;
	List	   *known;			/* all that buffered rows may have */
	Bitmapset  *columns;		/* of all sets */
	MemoryContext memory;		/* of those that are known by row */
} BulkSets;

extern void bulk_set_begin(BulkTarget *target, const struct BulkOptions *options);
extern void bulk_set_part(BulkTarget *target, ResultRelInfo *rri);
extern void bulk_set_name(BulkTarget *target, const BulkColumn *column);
extern const BulkSet *bulk_set_of(BulkTarget *target, const BulkField *fields);
extern void bulk_set_forget(BulkTarget *target);
extern Node *bulk_where_parse(BulkTarget *target, const char *text);
extern bool bulk_where_has_subquery(const char *text);

/* ---- what may see rows of the same load: bulk_sight.c ---- */

extern bool bulk_sight_expression(Node *node);
extern bool bulk_sight_fires(const Trigger *trigger);
extern bool bulk_sight_rows(const ResultRelInfo *rri, bool update);
extern bool bulk_sight_types(const BulkTarget *target);
extern bool bulk_sight_defaults(const BulkTarget *target);

/* ---- fields to datums: bulk_coerce.c, bulk_parse*.c, bulk_cast.c, bulk_nested.c ---- */

extern void bulk_coerce_prepare(BulkTarget *target);
extern bool bulk_coerce_defaults(BulkTarget *target, const BulkField *fields);
extern void bulk_coerce_row(BulkTarget *target, BulkContext *context,
							const BulkField *fields, TupleTableSlot *slot);

extern bool bulk_cast_prepare(BulkTarget *target, BulkColumn *column, Oid type);
extern Datum bulk_cast_value(BulkTarget *target, const BulkColumn *column,
							 const BulkField *field, bool *isnull);

extern BulkParse bulk_parse_for(Oid input, int32 typmod);

extern void bulk_nested_prepare(BulkColumn *column, Oid typid);
extern Datum bulk_nested_coerce(BulkColumn *column, const BulkField *field);

#endif							/* PURSER_BULK_TABLE_H */
