/*
 * bulk_leaf.h
 *		A place in a b-tree, for keys that come in its order: bulk_leaf.c.
 */
#ifndef PURSER_BULK_LEAF_H
#define PURSER_BULK_LEAF_H

#include "access/itup.h"
#include "storage/buf.h"
#include "storage/itemptr.h"
#include "storage/off.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

/* Entries of one key that are given at once. */
#define BULK_LEAF_ENTRIES	16

typedef struct BulkLeaf
{
	Relation	heap;
	Relation	index;
	struct BTScanInsertData *key;	/* NULL: the index is not for this */
	Buffer		buffer;			/* the leaf page of the last key, pinned; or invalid */
	OffsetNumber place;			/* where that key is on it, or would be */
	int			nkeys;			/* that were on that page */
} BulkLeaf;

extern void bulk_leaf_begin(BulkLeaf *leaf, Relation heap, Relation index);
extern int	bulk_leaf_find(BulkLeaf *leaf, const Datum *values, const bool *isnull,
						   Snapshot snapshot, ItemPointerData *rows);
extern bool bulk_leaf_insert(BulkLeaf *leaf, IndexTuple entry, bool unique);
extern void bulk_leaf_release(BulkLeaf *leaf);

#endif							/* PURSER_BULK_LEAF_H */
