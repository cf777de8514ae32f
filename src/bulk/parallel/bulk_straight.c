/*
 * bulk_straight.c
 *		Rows that workers have made, straight into the heap.
 *
 * For a table where nothing else is to be done about a row: no indexes, no
 * triggers after it, nobody who wants to know what became of it.  Then rows need
 * no entries in the writer's buffers, which would take this process a third of
 * its time.
 *
 * Called by bulk_parallel.c.
 */
#include "bulk/bulk.h"

#include "access/tableam.h"
#include "executor/executor.h"

struct BulkStraight
{
	BulkWriter *writer;
	BulkPart   *part;
	TupleTableSlot *slots[BULK_BATCH_ROWS];
};

/* Is a row done with when it is in the heap? */
static bool
goes_straight(const BulkWriter *writer)
{
	const BulkPart *part = writer->route == NULL ? writer->parts[0] : NULL;
	const TriggerDesc *triggers;

	if (part == NULL || part->form == NULL || !part->batched || writer->transition != NULL ||
		writer->note != NULL)
		return false;
	triggers = part->rri->ri_TrigDesc;
	return part->indexes == NULL && part->conflict == NULL && part->foreign == NULL &&
		(triggers == NULL || !triggers->trig_insert_after_row);
}

/* NULL if rows have to take the way of others; in the query context. */
BulkStraight *
bulk_straight_begin(BulkWriter *writer)
{
	BulkStraight *straight;

	if (!goes_straight(writer))
		return NULL;
	straight = MemoryContextAlloc(writer->target->estate->es_query_cxt, sizeof(BulkStraight));
	straight->writer = writer;
	straight->part = writer->parts[0];
	/* A first slot opens the part's buffer, with what is kept of the last page. */
	(void) bulk_part_slot(writer, straight->part);
	for (int i = 0; i < BULK_BATCH_ROWS; i++)
		straight->slots[i] = bulk_part_make_slot(writer, straight->part);
	return straight;
}

/* The number-th tuple of a batch, from 0; it stays the caller's, and here until the next one. */
void
bulk_straight_set(BulkStraight *straight, int number, HeapTuple tuple)
{
	bulk_tuple_borrow(straight->slots[number], tuple);
}

/* Insert the tuples that were set, from the first on: rows first to last of the input. */
void
bulk_straight_insert(BulkStraight *straight, int n, const BulkPosition *first,
					 const BulkPosition *last)
{
	BulkWriter *writer = straight->writer;
	BulkPart   *part = straight->part;
	BulkContext *context = writer->context;
	EState	   *estate = writer->target->estate;
	MemoryContext oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));

	/* In an error it is not known which of the rows it is about. */
	context->position = *first;
	context->last_row = last->row;
	table_multi_insert(part->rri->ri_RelationDesc, straight->slots, n, writer->cid,
					   part->insert_options, part->bistate);
	MemoryContextSwitchTo(oldcontext);
	context->last_row = 0;
	writer->counts[BULK_INSERTED] += n;
}

void
bulk_straight_end(BulkStraight *straight)
{
	for (int i = 0; i < BULK_BATCH_ROWS; i++)
	{
		bulk_tuple_return(straight->slots[i]);
		ExecDropSingleTupleTableSlot(straight->slots[i]);
	}
	pfree(straight);
}
