/*
 * bulk_straight.c
 *		Rows straight into the heap.
 *
 * For a table where nothing else is to be done about a row: no indexes, no row
 * triggers, nobody who wants to know what became of it.  Then rows need no
 * entries in the writer's buffers, which would take the leader of workers a
 * third of its time, and a load without them a tenth.
 *
 * Called by bulk_load.c for rows that are made here, and by bulk_parallel.c for
 * those that workers have made.
 */
#include "bulk/bulk.h"

#include "access/tableam.h"
#include "executor/executor.h"

struct BulkStraight
{
	BulkWriter *writer;
	BulkPart   *part;
	TupleTableSlot *row;		/* that is being made */
	BulkPosition base;			/* that the pack counts from */
	BulkPack	pack;			/* of rows that were made */
	int			nslots;			/* of these, made when first needed */
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
		(triggers == NULL ||
		 (!triggers->trig_insert_before_row && !triggers->trig_insert_after_row));
}

/* NULL if rows have to take the way of others; in the query context. */
BulkStraight *
bulk_straight_begin(BulkWriter *writer)
{
	MemoryContext oldcontext;
	BulkStraight *straight;

	if (!goes_straight(writer))
		return NULL;
	oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);
	straight = palloc0(sizeof(BulkStraight));
	straight->writer = writer;
	straight->part = writer->parts[0];
	straight->row = MakeSingleTupleTableSlot(straight->part->tupdesc, &TTSOpsVirtual);
	bulk_pack_begin(&straight->pack, writer->target->rel, 0);
	/* A first slot opens the part's buffer, with what is kept of the last page. */
	(void) bulk_part_slot(writer, straight->part);
	MemoryContextSwitchTo(oldcontext);
	return straight;
}

/* ---- into the heap ---- */

static void
insert_slots(BulkStraight *straight, int n)
{
	BulkWriter *writer = straight->writer;
	BulkPart   *part = straight->part;
	EState	   *estate = writer->target->estate;
	MemoryContext oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));

	table_multi_insert(part->rri->ri_RelationDesc, straight->slots, n, writer->cid,
					   part->insert_options, part->bistate);
	MemoryContextSwitchTo(oldcontext);
	writer->counts[BULK_INSERTED] += n;
}

static inline void
locate(BulkPosition *position, const BulkPosition *base, const BulkPackedRow *row)
{
	position->row = base->row + row->row;
	position->line = base->line + row->line;
}

/* Insert the packed rows, at least one, which count from the base; they stay the caller's. */
void
bulk_straight_insert(BulkStraight *straight, char *rows, int n, const BulkPosition *base)
{
	BulkContext *context = straight->writer->context;
	BulkPosition reading = context->position;
	BulkPosition last = {0};
	BulkPackedRow *row = (BulkPackedRow *) rows;

	/* In an error it is not known which of the rows it is about. */
	memset(&context->position, 0, sizeof(BulkPosition));
	locate(&context->position, base, row);
	for (int i = 0; i < n; i++)
	{
		rows = bulk_pack_next(rows, &row);
		if (i == straight->nslots)
			straight->slots[straight->nslots++] = bulk_part_make_slot(straight->writer,
																	  straight->part);
		bulk_tuple_borrow(straight->slots[i], &row->tuple);
	}
	locate(&last, base, row);
	context->last_row = last.row;
	insert_slots(straight, n);
	context->last_row = 0;
	context->position = reading;
}

/* ---- rows that are made here ---- */

/* An empty slot for the next row. */
TupleTableSlot *
bulk_straight_slot(BulkStraight *straight)
{
	return ExecClearTuple(straight->row);
}

/* Insert the rows that were taken, whose memory may go then. */
void
bulk_straight_flush(BulkStraight *straight)
{
	BulkPack   *pack = &straight->pack;

	if (pack->nrows > 0)
		bulk_straight_insert(straight, pack->bytes, pack->nrows, &straight->base);
	bulk_pack_empty(pack);
}

/* Take the row whose columns were filled into the slot; true if it was the last of a batch. */
bool
bulk_straight_put(BulkStraight *straight)
{
	const BulkPosition *position = &straight->writer->context->position;
	BulkPack   *pack = &straight->pack;

	ExecStoreVirtualTuple(straight->row);
	bulk_writer_check(straight->part->rri, straight->writer->target->estate, straight->row, false);
	if (pack->nrows == 0)
		straight->base = *position;
	bulk_pack_put(pack, position->row - straight->base.row, position->line - straight->base.line,
				  straight->row);
	if (!bulk_pack_full(pack))
		return false;
	bulk_straight_flush(straight);
	return true;
}

/* ---- the end ---- */

/* No rows are left. */
void
bulk_straight_end(BulkStraight *straight)
{
	for (int i = 0; i < straight->nslots; i++)
	{
		bulk_tuple_return(straight->slots[i]);
		ExecDropSingleTupleTableSlot(straight->slots[i]);
	}
	ExecDropSingleTupleTableSlot(straight->row);
	pfree(straight->pack.bytes);
	pfree(straight);
}
