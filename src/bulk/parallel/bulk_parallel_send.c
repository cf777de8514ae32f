/*
 * bulk_parallel_send.c
 *		Rows on their way from a worker to the leader.
 *
 * A message is about what the writer takes as a batch: the leader writes its
 * rows from where they lie in the queue, and lets go of it then.
 *
 * Called by bulk_parallel_worker.c.
 */
#include "bulk/parallel/bulk_parallel.h"

#include "access/htup_details.h"
#include "executor/tuptable.h"
#include "utils/memutils.h"

struct BulkSender
{
	shm_mq_handle *queue;
	Relation	rel;
	BulkForm   *form;			/* NULL: tuples are formed by the server */
	Size		room;
	Size		used;
	Size		tuple_bytes;
	char	   *bytes;			/* the message */
};

/* For rows of the table; in the current memory context. */
BulkSender *
bulk_sender_begin(shm_mq_handle *queue, Relation rel)
{
	BulkSender *sender = palloc0(sizeof(BulkSender));

	sender->queue = queue;
	sender->rel = rel;
	sender->form = bulk_tuple_describe(RelationGetDescr(rel));
	sender->room = 2 * BULK_BATCH_BYTES;
	sender->bytes = palloc0(sender->room);
	return sender;
}

BulkMessage *
bulk_sender_message(BulkSender *sender)
{
	return (BulkMessage *) sender->bytes;
}

/* Rows are of this range from now on, and their positions count from base. */
void
bulk_sender_range(BulkSender *sender, const BulkClaim *claim, BulkPosition base)
{
	BulkMessage *message = bulk_sender_message(sender);

	memset(message, 0, sizeof(BulkMessage));
	message->range = claim->number;
	message->base = base;
	sender->used = MAXALIGN(sizeof(BulkMessage));
	sender->tuple_bytes = 0;
}

/* Room for a row, zeroed. */
static BulkSentRow *
add_row(BulkSender *sender, Size tuple_len)
{
	Size		size = BULK_SENT_ROW_SIZE(tuple_len);
	BulkSentRow *row;

	if (sender->used + size > sender->room)
	{
		sender->room = Max(2 * sender->room, sender->used + size);
		sender->bytes = repalloc_huge(sender->bytes, sender->room);
	}
	row = (BulkSentRow *) (sender->bytes + sender->used);
	memset(row, 0, size);
	sender->used += size;
	sender->tuple_bytes += tuple_len;
	bulk_sender_message(sender)->nrows++;
	return row;
}

/* A row that bulk_tuple.c leaves to the server. */
static BulkSentRow *
add_formed(BulkSender *sender, TupleTableSlot *slot)
{
	HeapTuple	tuple = heap_form_tuple(slot->tts_tupleDescriptor, slot->tts_values,
										slot->tts_isnull);
	BulkSentRow *row = add_row(sender, tuple->t_len);

	row->tuple.t_len = tuple->t_len;
	row->tuple.t_tableOid = slot->tts_tableOid;
	ItemPointerSetInvalid(&row->tuple.t_self);
	memcpy((char *) &row->tuple + HEAPTUPLESIZE, tuple->t_data, tuple->t_len);
	heap_freetuple(tuple);
	return row;
}

/* Add a row to the message. */
void
bulk_sender_put(BulkSender *sender, const BulkPosition *position, TupleTableSlot *slot)
{
	Size		size = sender->form == NULL ? 0 : bulk_tuple_size(sender->form, slot);
	BulkSentRow *row;

	if (size == 0)
		row = add_formed(sender, slot);
	else
	{
		row = add_row(sender, size - HEAPTUPLESIZE);
		bulk_tuple_write(sender->form, slot, size, &row->tuple);
	}
	row->row = position->row;
	row->line = position->line;
}

/* Is it time to send? */
bool
bulk_sender_full(const BulkSender *sender)
{
	return ((const BulkMessage *) sender->bytes)->nrows == BULK_BATCH_ROWS ||
		sender->tuple_bytes >= BULK_BATCH_BYTES;
}

/* Send the rows; false if nobody wants them.  bytes: of the file, that were read so far. */
bool
bulk_sender_send(BulkSender *sender, uint64 bytes)
{
	BulkMessage *message = bulk_sender_message(sender);
	shm_mq_result result;

	message->bytes = bytes;
	result = shm_mq_send(sender->queue, sender->used, sender->bytes, false, true);
	message->nrows = 0;
	sender->used = MAXALIGN(sizeof(BulkMessage));
	sender->tuple_bytes = 0;
	return result == SHM_MQ_SUCCESS;
}
