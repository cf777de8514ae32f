/*
 * bulk_leaf.c
 *		Finds and inserts entries of a b-tree, for keys that come in its order.
 *
 * Most keys are on the leaf page of the key before, a little behind it.  So
 * that page stays pinned, and a key is looked for there first, from the place
 * of the last one on.  Where keys are dense, the page to the right is next; only
 * a key that is not there either is searched for from the root.  What a page
 * says is believed as long as it is locked, so it does not matter what others do
 * to it meanwhile: a key belongs to a page if an item there is below it, or all
 * of a page to the left was, and another item, or the page's high key, is not.
 *
 * The simple cases are done here.  All others are the caller's to do in the
 * server's way: equal keys over several pages, a page that is full, an equal
 * key where there must be none, an index of a version before 12.
 *
 * The pin keeps VACUUM from taking away rows that were found, as that of an
 * index scan does, until the next call or bulk_leaf_release().  Nobody may wait
 * for another transaction with it: VACUUM waits for the pin, and the other may
 * wait for VACUUM, which no one would notice.
 *
 * Called by bulk_probe.c and bulk_run.c.
 */
#include "bulk/bulk.h"
#include "bulk/write/bulk_leaf.h"
#include "bulk/conflict/bulk_prefetch.h"

#include "access/nbtree.h"
#include "access/nbtxlog.h"
#include "access/xloginsert.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"

/* Larger entries are left to the server, in bytes. */
#define LEAF_MAX_ENTRY	1024

/* After so many keys on a page the next one is looked for on the page to the right. */
#define LEAF_DENSE_KEYS	3

/* In the current memory context. */
void
bulk_leaf_begin(BulkLeaf *leaf, Relation heap, Relation index)
{
	bool		heapkeyspace;
	bool		allequalimage;

	memset(leaf, 0, sizeof(*leaf));
	leaf->heap = heap;
	leaf->index = index;
	leaf->buffer = InvalidBuffer;
	_bt_metaversion(index, &heapkeyspace, &allequalimage);
	if (!heapkeyspace)
		return;
	leaf->key = _bt_mkscankey(index, NULL);
	leaf->key->allequalimage = allequalimage;
	leaf->key->keysz = IndexRelationGetNumberOfKeyAttributes(index);
}

/* Nothing is pinned any more; the place in the index is forgotten. */
void
bulk_leaf_release(BulkLeaf *leaf)
{
	if (BufferIsValid(leaf->buffer))
		ReleaseBuffer(leaf->buffer);
	leaf->buffer = InvalidBuffer;
}

/* ---- the place of a key ---- */

static inline void
set_key(BulkLeaf *leaf, int i, Datum value, bool isnull)
{
	ScanKey		key = &leaf->key->scankeys[i];

	key->sk_argument = value;
	if (isnull)
		key->sk_flags |= SK_ISNULL;
	else
		key->sk_flags &= ~SK_ISNULL;
}

/* Below zero if the key is before the item on the page. */
static inline int32
compare(const BulkLeaf *leaf, Page page, OffsetNumber item)
{
	return _bt_compare(leaf->index, leaf->key, page, item);
}

/* Between two items, of which low is before the key: the first that is not; limit if none is. */
static OffsetNumber
first_not_below(const BulkLeaf *leaf, Page page, int low, int limit)
{
	int			step = 1;
	int			high;

	while (low + step < limit && compare(leaf, page, low + step) > 0)
	{
		low += step;
		step *= 2;
	}
	high = Min(low + step, limit);
	while (high - low > 1)
	{
		int			middle = low + (high - low) / 2;

		if (compare(leaf, page, middle) > 0)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/*
 * Find the place of the key on the locked page; false if it is not there.
 * After a search from the root the page is not too far to the right; a split
 * only moves keys to the right, so that still holds if it was not locked since.
 */
static bool
find_place(BulkLeaf *leaf, bool searched)
{
	Page		page = BufferGetPage(leaf->buffer);
	BTPageOpaque opaque = BTPageGetOpaque(page);
	int			first = P_FIRSTDATAKEY(opaque);
	int			limit = PageGetMaxOffsetNumber(page) + 1;
	int			low = (int) leaf->place - 1;

	if (!P_ISLEAF(opaque) || P_IGNORE(opaque) || P_INCOMPLETE_SPLIT(opaque))
		return false;
	if (low < first || low >= limit || compare(leaf, page, low) <= 0)
	{
		low = first;
		if (low < limit && compare(leaf, page, low) <= 0)
		{
			leaf->place = low;
			return searched;
		}
		if (low >= limit)
			return false;
	}
	leaf->place = first_not_below(leaf, page, low, limit);
	return leaf->place < limit || P_RIGHTMOST(opaque) || compare(leaf, page, P_HIKEY) < 0;
}

/*
 * Go on from the locked page to its right sibling, if the keys are so close to
 * each other that the key is probably there, and it is behind all of the page.
 * So it is not too far to the right then either.
 */
static bool
step_right(BulkLeaf *leaf, int access)
{
	Page		page = BufferGetPage(leaf->buffer);
	BTPageOpaque opaque = BTPageGetOpaque(page);

	if (leaf->nkeys < LEAF_DENSE_KEYS || !P_ISLEAF(opaque) || P_IGNORE(opaque) ||
		P_INCOMPLETE_SPLIT(opaque) || P_RIGHTMOST(opaque) || compare(leaf, page, P_HIKEY) <= 0)
		return false;
	leaf->buffer = _bt_relandgetbuf(leaf->index, leaf->buffer, opaque->btpo_next, access);
	leaf->place = InvalidOffsetNumber;
	leaf->nkeys = 0;
	/* Much of it will be looked at. */
	bulk_prefetch(BufferGetPage(leaf->buffer), BLCKSZ);
	return true;
}

/* Lock the page that the key is on, if that is the last one or the next; else none. */
static bool
lock_near(BulkLeaf *leaf, int access)
{
	if (!BufferIsValid(leaf->buffer))
		return false;
	_bt_lockbuf(leaf->index, leaf->buffer, access);
	if (find_place(leaf, false) || (step_right(leaf, access) && find_place(leaf, true)))
		return true;
	_bt_relbuf(leaf->index, leaf->buffer);
	return false;
}

/* Search for the page that the key is on from the root, and lock it; else none. */
static bool
search_page(BulkLeaf *leaf, int access, Snapshot snapshot)
{
	leaf->place = InvalidOffsetNumber;
	leaf->nkeys = 0;
	if (access == BT_READ)
		pgstat_count_index_scan(leaf->index);
	purser_bt_search_leaf(leaf->index, leaf->heap, leaf->key, &leaf->buffer, snapshot);
	if (!BufferIsValid(leaf->buffer))
		return false;
	if (access == BT_WRITE)
	{
		_bt_unlockbuf(leaf->index, leaf->buffer);
		_bt_lockbuf(leaf->index, leaf->buffer, BT_WRITE);
	}
	if (find_place(leaf, true))
		return true;
	_bt_relbuf(leaf->index, leaf->buffer);
	leaf->buffer = InvalidBuffer;
	return false;
}

/* Lock the page that the key is on, and find its place there; false if that is not so simple. */
static bool
lock_place(BulkLeaf *leaf, int access, Snapshot snapshot)
{
	if (!lock_near(leaf, access) && !search_page(leaf, access, snapshot))
		return false;
	leaf->nkeys++;
	return true;
}

/* ---- find ---- */

/* The rows of one entry, behind the n that are there; false if there is no room. */
static bool
take_rows(IndexTuple entry, ItemPointerData *rows, int *n)
{
	int			more = BTreeTupleIsPosting(entry) ? BTreeTupleGetNPosting(entry) : 1;

	if (*n + more > BULK_LEAF_ENTRIES)
		return false;
	memcpy(rows + *n, BTreeTupleIsPosting(entry) ? BTreeTupleGetPosting(entry) : &entry->t_tid,
		   more * sizeof(ItemPointerData));
	*n += more;
	return true;
}

/* The rows of all entries of the key; -1 if they are not all on the page, or too many. */
static int
take_entries(const BulkLeaf *leaf, ItemPointerData *rows)
{
	Page		page = BufferGetPage(leaf->buffer);
	OffsetNumber last = PageGetMaxOffsetNumber(page);
	OffsetNumber item = leaf->place;
	int			n = 0;

	for (; item <= last && compare(leaf, page, item) == 0; item++)
	{
		ItemId		id = PageGetItemId(page, item);

		if (!ItemIdIsDead(id) && !take_rows((IndexTuple) PageGetItem(page, id), rows, &n))
			return -1;
	}
	if (item > last && item > leaf->place && !P_RIGHTMOST(BTPageGetOpaque(page)) &&
		compare(leaf, page, P_HIKEY) >= 0)
		return -1;
	return n;
}

/*
 * Where rows with the key may be in the heap: at most BULK_LEAF_ENTRIES, and
 * their number; or -1 if that has to be found out by an index scan.
 */
int
bulk_leaf_find(BulkLeaf *leaf, const Datum *values, const bool *isnull, Snapshot snapshot,
			   ItemPointerData *rows)
{
	int			n;

	if (leaf->key == NULL)
		return -1;
	for (int i = 0; i < leaf->key->keysz; i++)
		set_key(leaf, i, values[i], isnull[i]);
	leaf->key->scantid = NULL;
	if (!lock_place(leaf, BT_READ, snapshot))
		return -1;
	n = take_entries(leaf, rows);
	_bt_unlockbuf(leaf->index, leaf->buffer);
	return n;
}

/* ---- insert ---- */

/* The key of the entry; false if it has a null. */
static bool
set_key_of(BulkLeaf *leaf, IndexTuple entry)
{
	bool		complete = true;

	for (int i = 0; i < leaf->key->keysz; i++)
	{
		bool		isnull;
		Datum		value = index_getattr(entry, i + 1, RelationGetDescr(leaf->index), &isnull);

		set_key(leaf, i, value, isnull);
		complete &= !isnull;
	}
	return complete;
}

/* Is there room for the entry, and nothing equal? */
static bool
can_take(const BulkLeaf *leaf, IndexTuple entry)
{
	Page		page = BufferGetPage(leaf->buffer);

	return PageGetFreeSpace(page) >= MAXALIGN(IndexTupleSize(entry)) &&
		(leaf->place > PageGetMaxOffsetNumber(page) || compare(leaf, page, leaf->place) != 0);
}

/* What _bt_insertonpg does with an entry for which the page has room. */
static void
put_entry(BulkLeaf *leaf, IndexTuple entry)
{
	Page		page = BufferGetPage(leaf->buffer);
	xl_btree_insert insert = {.offnum = leaf->place};
	XLogRecPtr	lsn;

	START_CRIT_SECTION();
	if (PageAddItem(page, (void *) entry, MAXALIGN(IndexTupleSize(entry)), leaf->place, false,
					false) == InvalidOffsetNumber)
		elog(PANIC, "failed to add new item to block %u in index \"%s\"",
			 BufferGetBlockNumber(leaf->buffer), RelationGetRelationName(leaf->index));
	MarkBufferDirty(leaf->buffer);
	if (RelationNeedsWAL(leaf->index))
	{
		XLogBeginInsert();
		XLogRegisterData((char *) &insert, SizeOfBtreeInsert);
		XLogRegisterBuffer(0, leaf->buffer, REGBUF_STANDARD);
		XLogRegisterBufData(0, (char *) entry, IndexTupleSize(entry));
		lsn = XLogInsert(RM_BTREE_ID, XLOG_BTREE_INSERT_LEAF);
		PageSetLSN(page, lsn);
	}
	else
		purser_set_fake_lsn(leaf->index, page);
	END_CRIT_SECTION();
	leaf->place++;
}

/*
 * Insert the entry.  False if it has not been, and is left to _bt_doinsert.
 * If it must be unique, it is inserted only if there is none with its key, and
 * nothing stays pinned if there is one; otherwise none can be in its way.
 */
bool
bulk_leaf_insert(BulkLeaf *leaf, IndexTuple entry, bool unique)
{
	bool		taken;

	if (leaf->key == NULL || IndexTupleSize(entry) > LEAF_MAX_ENTRY)
		return false;
	if (!set_key_of(leaf, entry) && unique)
		return false;
	leaf->key->scantid = unique ? NULL : &entry->t_tid;
	if (!lock_place(leaf, BT_WRITE, NULL))
		return false;
	CheckForSerializableConflictIn(leaf->index, NULL, BufferGetBlockNumber(leaf->buffer));
	taken = can_take(leaf, entry);
	if (taken)
		put_entry(leaf, entry);
	_bt_unlockbuf(leaf->index, leaf->buffer);
	if (!taken && unique)
		bulk_leaf_release(leaf);
	return taken;
}
