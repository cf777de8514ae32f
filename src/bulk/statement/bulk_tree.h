/*
 * bulk_tree.h
 *		Documents with children in them: what the files of bulk_insert_tree share.
 *
 * The tree is loaded level by level.  A level is the rows of one table; where
 * they have children, the keys that these reference come back from the insert
 * and are kept by the rows' ordinals.
 */
#ifndef PURSER_BULK_TREE_H
#define PURSER_BULK_TREE_H

#include "bulk/bulk.h"

typedef struct BulkTreeLevel BulkTreeLevel;

/* What a key of a level's objects holds. */
typedef struct BulkTreeChild
{
	const char *key;
	Oid			relid;
	JsonbContainer *children;	/* what the caller says of those below, or NULL */
	int			nkeys;			/* of the foreign key */
	AttrNumber *columns;		/* of the child, that reference */
	AttrNumber *referenced;		/* of the parent */
} BulkTreeChild;

typedef struct BulkTreeRow
{
	JsonbContainer *object;
	uint64		parent;			/* ordinal in the level above, from 1 */
} BulkTreeRow;

struct BulkTreeLevel
{
	BulkTreeLevel *above;		/* NULL: the documents themselves */
	const BulkTreeChild *child; /* as which it hangs there */
	Oid			relid;
	uint64		nrows;
	BulkTreeRow *rows;
	List	   *children;		/* of BulkTreeChild */
	List	   *kept;			/* attnums of the columns that children reference */
	bool	   *stored;			/* by row */
	Datum	   *values;			/* by row, then as kept */
	bool	   *nulls;
	MemoryContext memory;
};

/* bulk_tree_child.c */
extern List *bulk_tree_named(Oid relid, JsonbContainer *children);
extern BulkTreeChild *bulk_tree_find(Oid relid, const char *key);
extern const BulkTreeChild *bulk_tree_child(const BulkTreeLevel *level, const char *key, int len);

/* bulk_tree_level.c */
extern uint64 bulk_tree_load(BulkTreeLevel *level);

#endif							/* PURSER_BULK_TREE_H */
