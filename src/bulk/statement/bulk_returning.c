/*
 * bulk_returning.c
 *		Rows that an INSERT returns, in the order of the input.
 *
 * They mostly come in this order, and are passed on.  Where rows of each shape
 * have a statement of their own, they are sorted by their ordinals first, in
 * work_mem and on disk beyond it.
 *
 * Called by bulk_functions.c.
 */
#include "bulk/bulk.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/tuplesort.h"

struct BulkOrdered
{
	DestReceiver receiver;		/* first, so that a receiver is one */
	BulkReturning returning;
	DestReceiver *store;		/* where rows are to go */
	MemoryContext memory;		/* as long as all statements */
	TupleDesc	desc;			/* of the rows */
	Tuplesortstate *sort;		/* of rows with their ordinals behind them; or NULL */
	TupleTableSlot *row;		/* of such a row */
};

static void
begin_sort(BulkOrdered *ordered, TupleDesc desc)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(ordered->memory);
	AttrNumber	attnum = desc->natts + 1;
	Oid			less = Int8LessOperator;
	Oid			collation = InvalidOid;
	bool		nulls_first = false;
	TupleDesc	sorted = CreateTemplateTupleDesc(attnum);

	ordered->desc = CreateTupleDescCopy(desc);
	for (int i = 1; i < attnum; i++)
		TupleDescCopyEntry(sorted, i, desc, i);
	TupleDescInitEntry(sorted, attnum, "ordinal", INT8OID, -1, 0);
	purser_TupleDescFinalize(sorted);
	ordered->row = MakeSingleTupleTableSlot(sorted, &TTSOpsVirtual);
	ordered->sort = tuplesort_begin_heap(sorted, 1, &attnum, &less, &collation, &nulls_first,
										 work_mem, NULL, TUPLESORT_NONE);
	MemoryContextSwitchTo(oldcontext);
}

/* A statement begins to return rows. */
static void
start(DestReceiver *self, int operation, TupleDesc desc)
{
	BulkOrdered *ordered = (BulkOrdered *) self;

	if (!ordered->returning.unordered)
		ordered->store->rStartup(ordered->store, operation, desc);
	else if (ordered->sort == NULL)
		begin_sort(ordered, desc);
}

static bool
receive(TupleTableSlot *slot, DestReceiver *self)
{
	BulkOrdered *ordered = (BulkOrdered *) self;
	TupleTableSlot *row = ordered->row;
	int			natts;

	if (!ordered->returning.unordered)
		return ordered->store->receiveSlot(slot, ordered->store);
	natts = ordered->desc->natts;
	slot_getallattrs(slot);
	ExecClearTuple(row);
	memcpy(row->tts_values, slot->tts_values, natts * sizeof(Datum));
	memcpy(row->tts_isnull, slot->tts_isnull, natts * sizeof(bool));
	row->tts_values[natts] = Int64GetDatum((int64) ordered->returning.row);
	row->tts_isnull[natts] = false;
	tuplesort_puttupleslot(ordered->sort, ExecStoreVirtualTuple(row));
	ExecClearTuple(row);
	return true;
}

static void
finish(DestReceiver *self)
{
	BulkOrdered *ordered = (BulkOrdered *) self;

	if (!ordered->returning.unordered)
		ordered->store->rShutdown(ordered->store);
}

static void
destroy(DestReceiver *self pg_attribute_unused())
{
}

/* Rows are to go to the store; in the current memory context. */
BulkOrdered *
bulk_ordered_begin(DestReceiver *store)
{
	BulkOrdered *ordered = palloc0(sizeof(BulkOrdered));

	ordered->receiver.receiveSlot = receive;
	ordered->receiver.rStartup = start;
	ordered->receiver.rShutdown = finish;
	ordered->receiver.rDestroy = destroy;
	ordered->receiver.mydest = DestNone;
	ordered->returning.dest = &ordered->receiver;
	ordered->store = store;
	ordered->memory = CurrentMemoryContext;
	return ordered;
}

BulkReturning *
bulk_ordered_returning(BulkOrdered *ordered)
{
	return &ordered->returning;
}

/* All statements have run: rows that were not in order go to the store now. */
void
bulk_ordered_end(BulkOrdered *ordered)
{
	DestReceiver *store = ordered->store;
	TupleTableSlot *sorted;
	TupleTableSlot *slot;

	if (ordered->sort == NULL)
		return;
	sorted = MakeSingleTupleTableSlot(ordered->row->tts_tupleDescriptor, &TTSOpsMinimalTuple);
	slot = MakeSingleTupleTableSlot(ordered->desc, &TTSOpsVirtual);
	store->rStartup(store, CMD_INSERT, ordered->desc);
	tuplesort_performsort(ordered->sort);
	while (tuplesort_gettupleslot(ordered->sort, true, false, sorted, NULL))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(sorted);
		ExecClearTuple(slot);
		memcpy(slot->tts_values, sorted->tts_values, ordered->desc->natts * sizeof(Datum));
		memcpy(slot->tts_isnull, sorted->tts_isnull, ordered->desc->natts * sizeof(bool));
		(void) store->receiveSlot(ExecStoreVirtualTuple(slot), store);
	}
	store->rShutdown(store);
	ExecDropSingleTupleTableSlot(sorted);
	ExecDropSingleTupleTableSlot(slot);
	ExecDropSingleTupleTableSlot(ordered->row);
	tuplesort_end(ordered->sort);
}
