/*
 * bulk_run.c
 *		Entries of one btree index that wait to be inserted in key order.
 *
 * An entry at a random place of a large index costs a way through cold pages.
 * In key order the pages of one entry are still warm for the next.  So entries
 * are formed when their row is in the heap, kept, sorted by the index's own
 * sort support, and inserted by what btinsert itself calls with an entry that
 * it has formed.
 *
 * An item is the entry with a key to sort by: the first column's value, or its
 * abbreviation.  Where these compare as integers, the key is made to compare
 * as an unsigned one.  Only for equal keys the entries themselves are compared.
 * Entries whose first column is null all have the same place, and large ones
 * may be too large for the index: these are inserted at once.
 *
 * Called by bulk_index.c, which owns the memory.
 */
#include "bulk/bulk.h"
#include "bulk/write/bulk_leaf.h"
#include "bulk/write/bulk_order.h"

#include "access/nbtree.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/sortsupport.h"

/* Items that there is room for at first. */
#define RUN_FIRST_ITEMS		1024

/* Entries larger than this are not kept, in bytes. */
#define RUN_MAX_ENTRY		1024

/* Items after which it is decided whether it pays to collect them. */
#define RUN_TRIAL			1000

/* Memory for entries is taken by blocks of this size. */
#define RUN_BLOCK			((Size) 128 * 1024)

typedef struct RunItem
{
	Datum		key;
	IndexTuple	entry;			/* in a unique index, its row's position stands before it */
} RunItem;

struct BulkRun
{
	Relation	heap;
	Relation	index;
	IndexInfo  *info;
	bool		unique;
	bool		integers;		/* keys compare as unsigned integers */
	int			nkeys;
	SortSupport keys;
	int			nitems;
	int			max_items;
	int			marked;			/* items before the present attempt */
	RunItem    *items;
	int			ndescents;		/* items whose key is below that of the one before */
	bool		judged;			/* whether it pays */
	bool		inserting;		/* items are out of the order in which they came */
};

/* ---- order ---- */

static Datum
entry_value(const BulkRun *run, IndexTuple entry, int attnum, bool *isnull)
{
	return index_getattr(entry, attnum, RelationGetDescr(run->index), isnull);
}

/* Entries with equal keys in their items. */
static int
compare_entries(const RunItem *a, const RunItem *b, BulkRun *run)
{
	bool		anull;
	bool		bnull;

	for (int i = run->keys[0].abbrev_converter == NULL ? 1 : 0; i < run->nkeys; i++)
	{
		Datum		avalue = entry_value(run, a->entry, i + 1, &anull);
		Datum		bvalue = entry_value(run, b->entry, i + 1, &bnull);
		int			order = i == 0 ?
			ApplySortAbbrevFullComparator(avalue, anull, bvalue, bnull, &run->keys[i]) :
			ApplySortComparator(avalue, anull, bvalue, bnull, &run->keys[i]);

		if (order != 0)
			return order;
	}
	/* Of two rows with the same key the later one is the duplicate. */
	if (run->unique)
	{
		uint64		arow = ((BulkPosition *) a->entry)[-1].row;
		uint64		brow = ((BulkPosition *) b->entry)[-1].row;

		return arow < brow ? -1 : arow > brow;
	}
	return ItemPointerCompare(&a->entry->t_tid, &b->entry->t_tid);
}

static inline int
compare_integers(const RunItem *a, const RunItem *b, BulkRun *run)
{
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return compare_entries(a, b, run);
}

static inline int
compare_values(const RunItem *a, const RunItem *b, BulkRun *run)
{
	int			order = ApplySortComparator(a->key, false, b->key, false, &run->keys[0]);

	return order != 0 ? order : compare_entries(a, b, run);
}

#define ST_SORT sort_integers
#define ST_ELEMENT_TYPE RunItem
#define ST_COMPARE(a, b, run) compare_integers(a, b, run)
#define ST_COMPARE_ARG_TYPE BulkRun
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_values
#define ST_ELEMENT_TYPE RunItem
#define ST_COMPARE(a, b, run) compare_values(a, b, run)
#define ST_COMPARE_ARG_TYPE BulkRun
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* Of a value of the first column, which is not null. */
static Datum
sort_key(const BulkRun *run, Datum value)
{
	SortSupport first = &run->keys[0];
	Datum		key = value;

	if (first->abbrev_converter != NULL)
		key = first->abbrev_converter(value, first);
	return run->integers ? bulk_order_integer(first, key) : key;
}

/* ---- which indexes ---- */

static void
prepare_key(BulkRun *run, int i)
{
	SortSupport key = &run->keys[i];
	int16		options = run->index->rd_indoption[i];

	key->ssup_cxt = CurrentMemoryContext;
	key->ssup_collation = run->index->rd_indcollation[i];
	key->ssup_nulls_first = (options & INDOPTION_NULLS_FIRST) != 0;
	key->ssup_attno = i + 1;
	key->abbreviate = i == 0;
	purser_PrepareSortSupportFromIndexRel(run->index, (options & INDOPTION_DESC) != 0, key);
}

/*
 * A run for the index, in the current memory context; NULL if its entries must
 * not wait, as they have to be looked at again later, or if to sort them would
 * cost as many comparisons as to insert them, by a comparison that is slow.
 */
BulkRun *
bulk_run_begin(Relation heap, Relation index, IndexInfo *info)
{
	BulkRun    *run;

	if (index->rd_rel->relam != BTREE_AM_OID || !info->ii_ReadyForInserts ||
		info->ii_ExclusionOps != NULL || (info->ii_Unique && !index->rd_index->indimmediate))
		return NULL;
	run = palloc0(sizeof(BulkRun));
	run->heap = heap;
	run->index = index;
	run->info = info;
	run->unique = info->ii_Unique;
	run->nkeys = info->ii_NumIndexKeyAttrs;
	run->keys = palloc0(run->nkeys * sizeof(SortSupportData));
	for (int i = 0; i < run->nkeys; i++)
		prepare_key(run, i);
	if (run->keys[0].abbrev_converter == NULL &&
		!TupleDescAttr(RelationGetDescr(index), 0)->attbyval)
		return NULL;
	run->integers = bulk_order_is_integer(&run->keys[0]);
	return run;
}

/* ---- entries ---- */

/* Does the index want an entry for the row? */
static bool
is_indexed(BulkRun *run, TupleTableSlot *slot, EState *estate)
{
	IndexInfo  *info = run->info;
	ExprContext *econtext = GetPerTupleExprContext(estate);

	econtext->ecxt_scantuple = slot;
	if (info->ii_Predicate == NIL)
		return true;
	if (info->ii_PredicateState == NULL)
		info->ii_PredicateState = ExecPrepareQual(info->ii_Predicate, estate);
	return ExecQual(info->ii_PredicateState, econtext);
}

static void
insert_entry(BulkRun *run, IndexTuple entry)
{
	_bt_doinsert(run->index, entry, run->unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false,
				 run->heap);
}

/* A copy of the entry, and of the position if it may be asked for, that lasts. */
static IndexTuple
keep_entry(const BulkRun *run, BulkRunMemory *memory, IndexTuple entry,
		   const BulkPosition *position)
{
	Size		size = IndexTupleSize(entry);
	Size		before = run->unique ? sizeof(BulkPosition) : 0;
	char	   *place;

	StaticAssertStmt(sizeof(BulkPosition) == MAXALIGN(sizeof(BulkPosition)),
					 "an entry after a position is aligned");
	if (memory->left < before + size)
	{
		memory->next = MemoryContextAlloc(memory->context, RUN_BLOCK);
		memory->left = RUN_BLOCK;
	}
	place = memory->next;
	memory->next += before + size;
	memory->left -= before + size;
	if (run->unique)
		memcpy(place, position, sizeof(BulkPosition));
	memcpy(place + before, entry, size);
	return (IndexTuple) (place + before);
}

static void
grow_items(BulkRun *run, BulkRunMemory *memory)
{
	run->max_items = run->max_items == 0 ? RUN_FIRST_ITEMS : 2 * run->max_items;
	if (run->items == NULL)
		run->items = MemoryContextAlloc(memory->context, run->max_items * sizeof(RunItem));
	else
		run->items = repalloc_huge(run->items, run->max_items * sizeof(RunItem));
}

static void
add_item(BulkRun *run, IndexTuple entry, BulkRunMemory *memory)
{
	RunItem    *item;
	bool		isnull;

	if (run->nitems == run->max_items)
		grow_items(run, memory);
	item = &run->items[run->nitems++];
	item->entry = entry;
	item->key = sort_key(run, entry_value(run, entry, 1, &isnull));
	if (run->nitems == 1)
		return;
	if (run->integers ? item->key < item[-1].key :
		ApplySortComparator(item->key, false, item[-1].key, false, &run->keys[0]) < 0)
		run->ndescents++;
}

/*
 * An entry for the row, which is in the heap: kept for later, or inserted at
 * once.  The current memory context is one that is reset soon.
 */
void
bulk_run_add(BulkRun *run, TupleTableSlot *slot, EState *estate, const BulkPosition *position,
			 BulkRunMemory *memory)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];
	IndexTuple	entry;

	if (!is_indexed(run, slot, estate))
		return;
	FormIndexDatum(run->info, slot, estate, values, isnull);
	entry = index_form_tuple(RelationGetDescr(run->index), values, isnull);
	entry->t_tid = slot->tts_tid;
	if (isnull[0] || IndexTupleSize(entry) > RUN_MAX_ENTRY)
		insert_entry(run, entry);
	else
		add_item(run, keep_entry(run, memory, entry, position), memory);
}

/* ---- what to do with them ---- */

/*
 * Is it of use to go on collecting?  Not if the keys come in order anyway, as
 * those of a serial column do, and not if they all have the same abbreviation.
 */
bool
bulk_run_pays(BulkRun *run)
{
	SortSupport first = &run->keys[0];

	if (run->judged || run->nitems < RUN_TRIAL)
		return true;
	run->judged = true;
	if (run->ndescents < run->nitems / 16)
		return false;
	return first->abbrev_converter == NULL || !first->abbrev_abort(run->nitems, first);
}

/* Insert all entries, in order; the memory of them may be reset then. */
void
bulk_run_insert(BulkRun *run, BulkContext *context)
{
	BulkLeaf	leaf;

	run->inserting = true;
	if (run->integers)
		sort_integers(run->items, run->nitems, run);
	else
		sort_values(run->items, run->nitems, run);
	memset(&context->position, 0, sizeof(BulkPosition));
	bulk_leaf_begin(&leaf, run->heap, run->index);
	for (int i = 0; i < run->nitems; i++)
	{
		IndexTuple	entry = run->items[i].entry;

		CHECK_FOR_INTERRUPTS();
		if (run->unique)
			context->position = ((BulkPosition *) entry)[-1];
		if (!bulk_leaf_insert(&leaf, entry, run->unique))
			insert_entry(run, entry);
	}
	bulk_leaf_release(&leaf);
	bulk_run_forget(run);
}

/* Leave the entries, and their memory. */
void
bulk_run_forget(BulkRun *run)
{
	run->nitems = run->max_items = run->marked = 0;
	run->items = NULL;
	run->ndescents = 0;
	run->inserting = false;
}

/* Was there an error in between?  Then it is not known any more which items are whose. */
bool
bulk_run_is_broken(const BulkRun *run)
{
	return run->inserting;
}

/* Items from here on are those of an attempt. */
void
bulk_run_mark(BulkRun *run)
{
	run->marked = run->nitems;
}

/* Leave the entries of the attempt; if all were inserted in it, those from before are there. */
void
bulk_run_rollback(BulkRun *run)
{
	run->nitems = run->marked;
}
