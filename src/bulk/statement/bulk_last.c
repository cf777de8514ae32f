/*
 * bulk_last.c
 *		The same key more than once in one input: the last row stands for it.
 *
 * Rows whose keys come in strictly ascending order, as they do in most inputs,
 * are compared with the one before and left as they are.  Others are sorted, in
 * work_mem and on disk beyond it, and put back in the order of the input, or
 * left in the order of their keys, in which they are looked up fastest.
 *
 * Called by bulk_insert.c and bulk_change.c.
 */
#include "bulk/bulk.h"

#include "catalog/pg_operator.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/sortsupport.h"
#include "utils/tuplesort.h"

/* Room for the key of a row; all else is unset. */
BulkKeys *
bulk_keys_make(int nkeys)
{
	BulkKeys   *keys = palloc0(sizeof(BulkKeys));

	keys->nkeys = nkeys;
	keys->values = palloc0(nkeys * sizeof(ExprState *));
	keys->less = palloc0(nkeys * sizeof(Oid));
	keys->collations = palloc0(nkeys * sizeof(Oid));
	return keys;
}

/* The work on a store of rows. */
typedef struct Keyed
{
	BulkRows   *rows;
	const BulkKeys *keys;
	EState	   *estate;
	TupleDesc	desc;			/* of rows with their keys behind them */
	TupleTableSlot *slot;		/* of such a row */
	SortSupportData *sort;		/* for each key */
} Keyed;

/* Evaluate the key of the stored row into the slot's last columns; false if it has none. */
static bool
make_key(Keyed *keyed, TupleTableSlot *stored)
{
	const BulkKeys *keys = keyed->keys;
	ExprContext *context = GetPerTupleExprContext(keyed->estate);
	Datum	   *values = keyed->slot->tts_values;
	bool	   *nulls = keyed->slot->tts_isnull;
	int			natts = BULK_ROWS_NATTS(keyed->rows);

	ResetPerTupleExprContext(keyed->estate);
	context->ecxt_scantuple = stored;
	slot_getallattrs(stored);
	ExecClearTuple(keyed->slot);
	memcpy(values, stored->tts_values, natts * sizeof(Datum));
	memcpy(nulls, stored->tts_isnull, natts * sizeof(bool));
	if (keys->applies != NULL && !ExecQual(keys->applies, context))
		return false;
	for (int i = 0; i < keys->nkeys; i++)
	{
		values[natts + i] = ExecEvalExprSwitchContext(keys->values[i], context,
													  &nulls[natts + i]);
		if (nulls[natts + i] && !keys->nulls_equal)
			return false;
	}
	ExecStoreVirtualTuple(keyed->slot);
	return true;
}

static int
compare_keys(const Keyed *keyed, const TupleTableSlot *a, const TupleTableSlot *b)
{
	int			natts = BULK_ROWS_NATTS(keyed->rows);

	for (int i = natts; i < natts + keyed->keys->nkeys; i++)
	{
		int			order = ApplySortComparator(a->tts_values[i], a->tts_isnull[i],
												b->tts_values[i], b->tts_isnull[i],
												&keyed->sort[i - natts]);

		if (order != 0)
			return order;
	}
	return 0;
}

static void
prepare(Keyed *keyed)
{
	const BulkKeys *keys = keyed->keys;
	int			natts = BULK_ROWS_NATTS(keyed->rows);

	keyed->desc = CreateTemplateTupleDesc(natts + keys->nkeys);
	for (int i = 0; i < natts; i++)
		TupleDescCopyEntry(keyed->desc, i + 1, keyed->rows->desc, i + 1);
	for (int i = 0; i < keys->nkeys; i++)
	{
		Node	   *expr = (Node *) keys->values[i]->expr;

		TupleDescInitEntry(keyed->desc, natts + i + 1, "key", exprType(expr), exprTypmod(expr), 0);
	}
	purser_TupleDescFinalize(keyed->desc);
	keyed->slot = MakeSingleTupleTableSlot(keyed->desc, &TTSOpsVirtual);
	keyed->sort = palloc0(keys->nkeys * sizeof(SortSupportData));
	for (int i = 0; i < keys->nkeys; i++)
	{
		keyed->sort[i].ssup_cxt = CurrentMemoryContext;
		keyed->sort[i].ssup_collation = keys->collations[i];
		PrepareSortSupportFromOrderingOp(keys->less[i], &keyed->sort[i]);
	}
}

static bool
next_stored(BulkRows *rows)
{
	CHECK_FOR_INTERRUPTS();
	return tuplestore_gettupleslot(rows->store, true, false, rows->stored);
}

/* Does each key follow the one before? */
static bool
are_ascending(Keyed *keyed)
{
	TupleTableSlot *before = MakeSingleTupleTableSlot(keyed->desc, &TTSOpsMinimalTuple);
	bool		ascending = true;

	tuplestore_rescan(keyed->rows->store);
	while (ascending && next_stored(keyed->rows))
	{
		if (!make_key(keyed, keyed->rows->stored))
			continue;
		if (!TTS_EMPTY(before))
			ascending = compare_keys(keyed, before, keyed->slot) < 0;
		ExecCopySlot(before, keyed->slot);
		slot_getallattrs(before);
	}
	ExecDropSingleTupleTableSlot(before);
	return ascending;
}

/* Of rows with their keys: by key, and in the order of the input for each key. */
static Tuplesortstate *
begin_sort(const Keyed *keyed)
{
	int			nkeys = keyed->keys->nkeys;
	AttrNumber *attnums = palloc((nkeys + 1) * sizeof(AttrNumber));
	Oid		   *less = palloc((nkeys + 1) * sizeof(Oid));
	Oid		   *collations = palloc((nkeys + 1) * sizeof(Oid));
	bool	   *nulls_first = palloc0((nkeys + 1) * sizeof(bool));

	for (int i = 0; i < nkeys; i++)
	{
		attnums[i] = BULK_ROWS_NATTS(keyed->rows) + i + 1;
		less[i] = keyed->keys->less[i];
		collations[i] = keyed->keys->collations[i];
	}
	attnums[nkeys] = BULK_ROWS_ORDINAL(keyed->rows);
	less[nkeys] = Int8LessOperator;
	collations[nkeys] = InvalidOid;
	return tuplesort_begin_heap(keyed->desc, nkeys + 1, attnums, less, collations, nulls_first,
								work_mem, NULL, TUPLESORT_NONE);
}

/* Of rows alone, by one of our two columns. */
static Tuplesortstate *
begin_plain_sort(const BulkRows *rows, AttrNumber first)
{
	AttrNumber	attnums[2] = {first, BULK_ROWS_ORDINAL(rows)};
	Oid			less[2] = {first == BULK_ROWS_SHAPE(rows) ? Int4LessOperator : Int8LessOperator,
	Int8LessOperator};
	Oid			collations[2] = {InvalidOid, InvalidOid};
	bool		nulls_first[2] = {false, false};

	return tuplesort_begin_heap(rows->desc, first == BULK_ROWS_SHAPE(rows) ? 2 : 1, attnums, less,
								collations, nulls_first, work_mem, NULL, TUPLESORT_NONE);
}

/* Take over a row, without its key: into the sort, or the store if there is none. */
static void
put_plain(BulkRows *rows, Tuplesortstate *sort, const TupleTableSlot *slot)
{
	int			natts = BULK_ROWS_NATTS(rows);

	ExecClearTuple(rows->slot);
	memcpy(rows->slot->tts_values, slot->tts_values, natts * sizeof(Datum));
	memcpy(rows->slot->tts_isnull, slot->tts_isnull, natts * sizeof(bool));
	ExecStoreVirtualTuple(rows->slot);
	if (sort != NULL)
		tuplesort_puttupleslot(sort, rows->slot);
	else
	{
		tuplestore_puttupleslot(rows->store, rows->slot);
		rows->nrows++;
	}
	ExecClearTuple(rows->slot);
}

/* The rows of the sort go into the store. */
static void
fill_store(BulkRows *rows, Tuplesortstate *sort)
{
	tuplesort_performsort(sort);
	while (tuplesort_gettupleslot(sort, true, false, rows->stored, NULL))
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(rows->store, rows->stored);
		rows->nrows++;
	}
	ExecClearTuple(rows->stored);
	tuplesort_end(sort);
}

/* Sorted by key, a row is the last of its key if the next one has another. */
static void
put_last_ones(Keyed *keyed, Tuplesortstate *by_key, Tuplesortstate *survivors)
{
	TupleTableSlot *slots[2];
	int			now = 0;

	slots[0] = MakeSingleTupleTableSlot(keyed->desc, &TTSOpsMinimalTuple);
	slots[1] = MakeSingleTupleTableSlot(keyed->desc, &TTSOpsMinimalTuple);
	while (tuplesort_gettupleslot(by_key, true, true, slots[now], NULL))
	{
		TupleTableSlot *before = slots[1 - now];

		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slots[now]);
		if (!TTS_EMPTY(before) && compare_keys(keyed, before, slots[now]) != 0)
			put_plain(keyed->rows, survivors, before);
		now = 1 - now;
	}
	if (!TTS_EMPTY(slots[1 - now]))
		put_plain(keyed->rows, survivors, slots[1 - now]);
	ExecDropSingleTupleTableSlot(slots[0]);
	ExecDropSingleTupleTableSlot(slots[1]);
}

static void
sort_and_refill(Keyed *keyed)
{
	BulkRows   *rows = keyed->rows;
	Tuplesortstate *by_key = begin_sort(keyed);
	Tuplesortstate *survivors = NULL;

	if (!keyed->keys->look_up)
		survivors = begin_plain_sort(rows, BULK_ROWS_ORDINAL(rows));
	tuplestore_rescan(rows->store);
	while (next_stored(rows))
	{
		if (make_key(keyed, rows->stored))
			tuplesort_puttupleslot(by_key, keyed->slot);
		else if (survivors != NULL)
			put_plain(rows, survivors, rows->stored);
	}
	tuplestore_clear(rows->store);
	rows->nrows = 0;
	tuplesort_performsort(by_key);
	put_last_ones(keyed, by_key, survivors);
	tuplesort_end(by_key);
	if (survivors != NULL)
		fill_store(rows, survivors);
}

/* Leave only the last row of each key; how many went. */
uint64
bulk_last_of_key(BulkRows *rows, const BulkKeys *keys, EState *estate)
{
	Keyed		keyed = {.rows = rows, .keys = keys, .estate = estate};
	int64		before = rows->nrows;

	prepare(&keyed);
	if (!are_ascending(&keyed))
		sort_and_refill(&keyed);
	ExecDropSingleTupleTableSlot(keyed.slot);
	return before - rows->nrows;
}

/* What a statement needs goes with it; there may be as many as rows. */
static void
act(BulkRows *rows, int shape, BulkShapeAction action, void *arg)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "statement of one shape",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(memory);

	action(rows, shape, arg);
	MemoryContextSwitchTo(oldcontext);
	MemoryContextDelete(memory);
}

/* A store of its own for each statement, as their scans leave read pointers behind. */
static void
renew_store(BulkRows *rows)
{
	tuplestore_end(rows->store);
	rows->store = tuplestore_begin_heap(false, false, work_mem);
	rows->nrows = 0;
}

/* Do the action for the rows of each shape, in the order that shapes first came in. */
void
bulk_rows_by_shape(BulkRows *rows, BulkShapeAction action, void *arg)
{
	Tuplesortstate *sort;
	int			shape = -1;

	if (rows->nshapes <= 1)
	{
		if (rows->nrows > 0)
			action(rows, 0, arg);
		return;
	}

	sort = begin_plain_sort(rows, BULK_ROWS_SHAPE(rows));
	tuplestore_rescan(rows->store);
	while (next_stored(rows))
		tuplesort_puttupleslot(sort, rows->stored);
	tuplesort_performsort(sort);
	renew_store(rows);
	while (tuplesort_gettupleslot(sort, true, true, rows->stored, NULL))
	{
		int			next = bulk_rows_number(rows, rows->stored, BULK_ROWS_SHAPE(rows));

		CHECK_FOR_INTERRUPTS();
		if (next != shape && rows->nrows > 0)
		{
			act(rows, shape, action, arg);
			renew_store(rows);
		}
		shape = next;
		tuplestore_puttupleslot(rows->store, rows->stored);
		rows->nrows++;
	}
	tuplesort_end(sort);
	if (rows->nrows > 0)
		act(rows, shape, action, arg);
}
