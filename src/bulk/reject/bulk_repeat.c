/*
 * bulk_repeat.c
 *		Which rows of a run have a key that came before in it?
 *
 * One statement cannot change the same row twice, so such a row goes into the
 * next one.
 *
 * Called by bulk_runs_read.c.
 */
#include "bulk/bulk.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/sortsupport.h"

typedef struct RepeatItem
{
	int			number;			/* of the row */
	Datum	   *values;
	bool	   *nulls;
} RepeatItem;

typedef struct Repeats
{
	BulkRows   *rows;
	const BulkKeys *keys;
	SortSupportData *sort;
	int			nitems;
	RepeatItem *items;			/* of rows that have a key */
} Repeats;

/* By key, then by number. */
static int
compare_items(const void *a, const void *b, void *arg)
{
	const RepeatItem *left = a;
	const RepeatItem *right = b;
	const Repeats *repeats = arg;

	for (int i = 0; i < repeats->keys->nkeys; i++)
	{
		int			order = ApplySortComparator(left->values[i], left->nulls[i],
												right->values[i], right->nulls[i],
												&repeats->sort[i]);

		if (order != 0)
			return order;
	}
	return left->number - right->number;
}

static bool
is_same_key(const RepeatItem *left, const RepeatItem *right, const Repeats *repeats)
{
	for (int i = 0; i < repeats->keys->nkeys; i++)
		if (ApplySortComparator(left->values[i], left->nulls[i], right->values[i],
								right->nulls[i], &repeats->sort[i]) != 0)
			return false;
	return true;
}

/* The key of the row; it lasts, with what it points to, as long as the current memory context. */
static void
add_item(Repeats *repeats, MinimalTuple tuple, int number)
{
	const BulkKeys *keys = repeats->keys;
	ExprContext *context = GetPerTupleExprContext(repeats->rows->target->estate);
	RepeatItem *item = &repeats->items[repeats->nitems];

	ExecStoreMinimalTuple(tuple, repeats->rows->stored, false);
	context->ecxt_scantuple = repeats->rows->stored;
	if (keys->applies != NULL && !ExecQual(keys->applies, context))
		return;
	item->number = number;
	item->values = palloc(keys->nkeys * sizeof(Datum));
	item->nulls = palloc(keys->nkeys * sizeof(bool));
	for (int i = 0; i < keys->nkeys; i++)
	{
		item->values[i] = ExecEvalExpr(keys->values[i], context, &item->nulls[i]);
		if (item->nulls[i] && !keys->nulls_equal)
			return;
	}
	repeats->nitems++;
}

static void
prepare(Repeats *repeats, int count)
{
	const BulkKeys *keys = repeats->keys;

	repeats->items = MemoryContextAllocHuge(CurrentMemoryContext,
											Max(count, 1) * sizeof(RepeatItem));
	repeats->sort = palloc0(keys->nkeys * sizeof(SortSupportData));
	for (int i = 0; i < keys->nkeys; i++)
	{
		repeats->sort[i].ssup_cxt = CurrentMemoryContext;
		repeats->sort[i].ssup_collation = keys->collations[i];
		PrepareSortSupportFromOrderingOp(keys->less[i], &repeats->sort[i]);
	}
}

/*
 * For each row the number of the last one before it that has its key, or -1.  In
 * the current memory context, where the caller may leave all of it.
 */
void
bulk_repeat_find(BulkRows *rows, const BulkKeys *keys, const MinimalTuple *tuples, int *before,
				 int count)
{
	Repeats		repeats = {.rows = rows, .keys = keys};

	prepare(&repeats, count);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		rows->present = i + 1;
		before[i] = -1;
		add_item(&repeats, tuples[i], i);
	}
	rows->present = 0;
	ExecClearTuple(rows->stored);
	qsort_arg(repeats.items, repeats.nitems, sizeof(RepeatItem), compare_items, &repeats);
	for (int i = 1; i < repeats.nitems; i++)
		if (is_same_key(&repeats.items[i - 1], &repeats.items[i], &repeats))
			before[repeats.items[i].number] = repeats.items[i - 1].number;
}
