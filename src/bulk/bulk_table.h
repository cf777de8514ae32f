/*
 * bulk_table.h
 *		The table of a load: its columns, who may load what, and how fields
 *		become datums.
 */
#ifndef PURSER_BULK_TABLE_H
#define PURSER_BULK_TABLE_H

#include "bulk/bulk_input.h"

#include "access/attnum.h"
#include "fmgr.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

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
	BulkParse	parse;			/* NULL: there is only the input function */
	FmgrInfo	input;
	Oid			ioparam;
};

/* ---- the table: bulk_target.c ---- */

struct BulkOptions;

typedef struct BulkTarget
{
	Relation	rel;
	EState	   *estate;
	ResultRelInfo *rri;
	RTEPermissionInfo *perminfo;
	int			ncolumns;		/* dropped ones included: index is attnum - 1 */
	BulkColumn *columns;
	bool		rebuild;		/* indexes that can wait are built at the end */
	List	   *aside;			/* OIDs of those */
	int			nplaces;		/* a hash table of columns by name */
	int		   *places;
} BulkTarget;

extern void bulk_target_open(BulkTarget *target, Oid relid, const struct BulkOptions *options);
extern int	bulk_target_find(const BulkTarget *target, const char *name, int len);
extern void bulk_target_name(BulkTarget *target, int column);
extern void bulk_target_close(BulkTarget *target);

/* ---- what may see rows of the same load: bulk_sight.c ---- */

extern bool bulk_sight_expression(Node *node);
extern bool bulk_sight_checks(const BulkTarget *target);

/* ---- fields to datums: bulk_coerce.c, bulk_parse*.c, bulk_nested.c ---- */

extern void bulk_coerce_prepare(BulkTarget *target);
extern bool bulk_coerce_defaults(BulkTarget *target, const BulkField *fields);
extern void bulk_coerce_row(BulkTarget *target, BulkContext *context,
							const BulkField *fields, TupleTableSlot *slot);

extern BulkParse bulk_parse_for(Oid input, int32 typmod);

extern void bulk_nested_prepare(BulkColumn *column, Oid typid);
extern Datum bulk_nested_coerce(BulkColumn *column, const BulkField *field);

#endif							/* PURSER_BULK_TABLE_H */
