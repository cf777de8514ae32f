/*
 * bulk_pack.c
 *		Rows as heap tuples, one behind another, until they are written.
 *
 * They are about what the writer takes as a batch.  A worker sends them as they
 * lie; a load that needs to know nothing more of its rows keeps them so.
 *
 * Called by bulk_straight.c and bulk_parallel_send.c.
 */
#include "bulk/bulk.h"

#include "access/htup_details.h"

/* Bytes that there is room for at first. */
#define PACK_ROOM	8192

/* For rows of the table, behind so many bytes of something else; in the current memory context. */
void
bulk_pack_begin(BulkPack *pack, Relation rel, Size head)
{
	memset(pack, 0, sizeof(*pack));
	pack->form = bulk_tuple_describe(RelationGetDescr(rel));
	pack->head = MAXALIGN(head);
	pack->room = PACK_ROOM;
	pack->bytes = palloc(pack->room);
	bulk_pack_empty(pack);
}

/* Forget the rows. */
void
bulk_pack_empty(BulkPack *pack)
{
	pack->used = pack->head;
	pack->tuple_bytes = 0;
	pack->nrows = 0;
}

/* Room for a row, zeroed. */
static BulkPackedRow *
add_row(BulkPack *pack, Size tuple_len)
{
	Size		size = BULK_PACKED_SIZE(tuple_len);
	BulkPackedRow *row;

	if (pack->used + size > pack->room)
	{
		pack->room = Max(2 * pack->room, pack->used + size);
		pack->bytes = repalloc_huge(pack->bytes, pack->room);
	}
	row = (BulkPackedRow *) (pack->bytes + pack->used);
	memset(row, 0, size);
	pack->used += size;
	pack->tuple_bytes += tuple_len;
	pack->nrows++;
	return row;
}

/* A row that bulk_tuple.c leaves to the server. */
static BulkPackedRow *
add_formed(BulkPack *pack, TupleTableSlot *slot)
{
	HeapTuple	tuple = heap_form_tuple(slot->tts_tupleDescriptor, slot->tts_values,
										slot->tts_isnull);
	BulkPackedRow *row = add_row(pack, tuple->t_len);

	row->tuple.t_len = tuple->t_len;
	row->tuple.t_tableOid = slot->tts_tableOid;
	ItemPointerSetInvalid(&row->tuple.t_self);
	memcpy((char *) &row->tuple + HEAPTUPLESIZE, tuple->t_data, tuple->t_len);
	heap_freetuple(tuple);
	return row;
}

/* Add the row, which was so many rows and lines behind where the pack counts from. */
void
bulk_pack_put(BulkPack *pack, uint32 nrows, uint32 nlines, TupleTableSlot *slot)
{
	Size		size = pack->form == NULL ? 0 : bulk_tuple_size(pack->form, slot);
	BulkPackedRow *row;

	if (size == 0)
		row = add_formed(pack, slot);
	else
	{
		row = add_row(pack, size - HEAPTUPLESIZE);
		bulk_tuple_write(pack->form, slot, size, &row->tuple);
	}
	row->row = nrows;
	row->line = nlines;
}

/* Is it a batch? */
bool
bulk_pack_full(const BulkPack *pack)
{
	return pack->nrows == BULK_BATCH_ROWS || pack->tuple_bytes >= BULK_BATCH_BYTES;
}
