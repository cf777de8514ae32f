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

#include "executor/tuptable.h"

struct BulkSender
{
	shm_mq_handle *queue;
	BulkPack	pack;			/* behind the message */
};

/* For rows of the table; in the current memory context. */
BulkSender *
bulk_sender_begin(shm_mq_handle *queue, Relation rel)
{
	BulkSender *sender = palloc0(sizeof(BulkSender));

	sender->queue = queue;
	bulk_pack_begin(&sender->pack, rel, sizeof(BulkMessage));
	return sender;
}

BulkMessage *
bulk_sender_message(BulkSender *sender)
{
	return (BulkMessage *) sender->pack.bytes;
}

/* Rows are of this range from now on, and their positions count from base. */
void
bulk_sender_range(BulkSender *sender, const BulkClaim *claim, BulkPosition base)
{
	BulkMessage *message = bulk_sender_message(sender);

	memset(message, 0, sizeof(BulkMessage));
	message->range = claim->number;
	message->base = base;
	bulk_pack_empty(&sender->pack);
}

/* Add a row to the message. */
void
bulk_sender_put(BulkSender *sender, const BulkPosition *position, TupleTableSlot *slot)
{
	bulk_pack_put(&sender->pack, position->row, position->line, slot);
}

/* Is it time to send? */
bool
bulk_sender_full(const BulkSender *sender)
{
	return bulk_pack_full(&sender->pack);
}

/* Send the rows; false if nobody wants them.  bytes: of the file, that were read so far. */
bool
bulk_sender_send(BulkSender *sender, uint64 bytes)
{
	BulkPack   *pack = &sender->pack;
	BulkMessage *message = bulk_sender_message(sender);
	shm_mq_result result;

	message->bytes = bytes;
	message->nrows = pack->nrows;
	result = shm_mq_send(sender->queue, pack->used, pack->bytes, false, true);
	bulk_pack_empty(pack);
	return result == SHM_MQ_SUCCESS;
}
