/*
 * bulk_settle.c
 *		Settles the conflicts of a batch at once.
 *
 * The rows are sorted by their keys, so that those with the same key stand
 * together, the index is read in its order, and two sessions come to the same
 * keys in the same order.  One look is taken for each key.  A row in the way is
 * left or updated at once; the rows without one go to the table together, as
 * in a load without conflicts: with updates after each chunk of keys, while what
 * the look has read of the index is still in the processor's caches.
 *
 * Someone else may insert one of the keys after the look.  Then the insertion
 * raises a unique violation; so it is done in a subtransaction, which is
 * undone, and the rows are settled one by one (bulk_conflict.c).  The same
 * happens where updates must come in the order of the input because of another
 * unique constraint.
 *
 * Triggers are queued by bulk_flush.c, after all this and outside of the
 * subtransaction: what was queued in one that fails would stay.
 *
 * Called by bulk_conflict.c.
 */
#include "bulk/conflict/bulk_settle.h"

#include "bulk/conflict/bulk_prefetch.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/* Keys between whose search and insertion the pages of the index stay in the caches. */
#define CHUNK_KEYS	128

/* How far ahead memory is asked for, in keys. */
#define PREFETCH_KEYS	6

/* ---- update: there is one arbiter ---- */

/* The first row of those with one key; it is left pending if the row in its way changes. */
static void
update_or_insert(SettleBatch *batch, BulkProbe *probe, const SettleKey *key)
{
	BulkWriter *writer = batch->writer;
	SettleCase *one = &batch->cases[key->number];
	MemoryContext oldcontext;

	writer->context->position = one->entry->position;
	if (!bulk_probe_find(probe, key->values, key->isnull, batch->conflict->existing))
	{
		bulk_settle_add(batch, one);
		return;
	}
	oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);
	(void) bulk_overwrite(writer, batch->part, one->entry);
	MemoryContextSwitchTo(oldcontext);
}

/* ---- insertion ---- */

/* Into the index of the first arbiter. */
static void
insert_key(BulkProbe *probe, EState *estate, const SettleCase *one)
{
	TupleTableSlot *slot = one->entry->slot;

	if (!bulk_probe_insert_key(probe, one->key->values, one->key->isnull, &slot->tts_tid))
		bulk_probe_insert(probe, estate, slot, false);
}

/* Into the indexes; first that of the first arbiter, in the order of its keys. */
static void
insert_entries(SettleBatch *batch)
{
	EState	   *estate = batch->writer->target->estate;
	BulkConflict *conflict = batch->conflict;
	BulkProbe  *probe = &conflict->probes[0];
	MemoryContext oldcontext = MemoryContextSwitchTo(estate->es_query_cxt);

	bulk_probe_open(probe, &probe->dirty);
	for (int i = 0; i < batch->ninserts; i++)
	{
		SettleCase *one = batch->inserts[i];
		ResultRelInfo *rri = batch->part->rri;

		CHECK_FOR_INTERRUPTS();
		batch->writer->context->position = one->entry->position;
		if (one->key != NULL)
		{
			rri = &conflict->others;
			insert_key(probe, estate, one);
		}
		if (conflict->ordered || conflict->nprobes > 1)
			bulk_probe_unpin(probe);
		if (rri->ri_NumIndices > 0)
			one->entry->recheck = purser_ExecInsertIndexTuples(rri, estate, 0, one->entry->slot,
															   NIL, NULL);
	}
	bulk_probe_close(probe);
	MemoryContextSwitchTo(oldcontext);
}

/* Those to be inserted, to the heap at once and then to the indexes, in the order of their keys. */
static void
insert_rows(SettleBatch *batch)
{
	BulkWriter *writer = batch->writer;
	BulkPart   *part = batch->part;
	BulkContext *context = writer->context;
	TupleTableSlot **slots = palloc(batch->ninserts * sizeof(TupleTableSlot *));

	for (int i = 0; i < batch->ninserts; i++)
		slots[i] = batch->inserts[i]->entry->slot;
	/* In here, it is not known which row an error is about. */
	context->position = part->entries[0].position;
	context->last_row = part->entries[part->nentries - 1].position.row;
	table_multi_insert(part->rri->ri_RelationDesc, slots, batch->ninserts, writer->cid,
					   part->insert_options, NULL);
	context->last_row = 0;

	insert_entries(batch);
	for (int i = 0; i < batch->ninserts; i++)
		batch->inserts[i]->entry->outcome = BULK_INSERTED;
}

static void
set_keys(SettleBatch *batch)
{
	for (int i = 0; i < batch->nkeys; i++)
		batch->cases[batch->keys[i].number].key = &batch->keys[i];
}

/* Rows without a key conflict with nothing; they come last, in the order of the input. */
static void
add_keyless(SettleBatch *batch)
{
	for (int i = 0; i < batch->ncases; i++)
		if (batch->cases[i].key == NULL && batch->cases[i].entry->outcome == BULK_PENDING)
			bulk_settle_add(batch, &batch->cases[i]);
}

static void
insert_batch(SettleBatch *batch)
{
	if (batch->ninserts > 0)
		insert_rows(batch);
}

/* ---- update and insertion, in turns ---- */

static inline const BulkEntry *
entry_of_key(const SettleBatch *batch, int key)
{
	return batch->cases[batch->keys[key].number].entry;
}

/*
 * Rows come in the order of their keys, which is no order in memory.  So what
 * leads to a row, and the row, is asked for step by step, some keys before.
 */
static inline void
prefetch_ahead(const SettleBatch *batch, int key)
{
	if (key + 3 * PREFETCH_KEYS < batch->nkeys)
		bulk_prefetch(entry_of_key(batch, key + 3 * PREFETCH_KEYS), sizeof(BulkEntry));
	if (key + 2 * PREFETCH_KEYS < batch->nkeys)
		bulk_prefetch_slot(entry_of_key(batch, key + 2 * PREFETCH_KEYS)->slot);
	if (key + PREFETCH_KEYS < batch->nkeys)
		bulk_prefetch_row(entry_of_key(batch, key + PREFETCH_KEYS)->slot);
}

/*
 * Of rows with the same key the first goes with the batch; the others are left
 * pending, those behind the chunk too.  Returns where the next chunk begins.
 */
static int
update_chunk(SettleBatch *batch, BulkProbe *probe, int from)
{
	int			limit = Min(from + CHUNK_KEYS, batch->nkeys);
	int			next;

	for (int i = from; i < limit; i = next)
	{
		next = bulk_settle_end_of_run(probe, batch->keys, i, batch->nkeys);
		prefetch_ahead(batch, i);
		update_or_insert(batch, probe, &batch->keys[i]);
		from = next;
	}
	ExecClearTuple(batch->conflict->existing);
	return from;
}

/* By chunks, so that what an insertion touches was just read. */
static void
update_and_insert_batch(SettleBatch *batch)
{
	BulkProbe  *probe = &batch->conflict->probes[0];
	int			next = 0;

	set_keys(batch);
	while (next < batch->nkeys)
	{
		bulk_probe_open(probe, &probe->dirty);
		next = update_chunk(batch, probe, next);
		bulk_probe_close(probe);
		insert_batch(batch);
		batch->ninserts = 0;
	}
	add_keyless(batch);
	insert_batch(batch);
}

/* ---- the subtransaction ---- */

/* Make all rows pending again. */
static void
forget_outcomes(SettleBatch *batch)
{
	for (int i = 0; i < batch->ncases; i++)
	{
		batch->cases[i].entry->outcome = BULK_PENDING;
		batch->cases[i].entry->recheck = NIL;
	}
	batch->ninserts = 0;
}

/*
 * An error in the subtransaction: undo it.  What is not about a constraint
 * that order or other sessions may decide goes on to the caller.
 */
static void
undo(SettleBatch *batch, ResourceOwner inner)
{
	ErrorData  *error = CopyErrorData();

	FlushErrorState();
	/* The row looked at is pinned in there. */
	CurrentResourceOwner = inner;
	ExecClearTuple(batch->conflict->existing);
	bulk_probe_forget(&batch->conflict->probes[0]);
	RollbackAndReleaseCurrentSubTransaction();
	if (error->sqlerrcode != ERRCODE_UNIQUE_VIOLATION &&
		error->sqlerrcode != ERRCODE_EXCLUSION_VIOLATION)
		ReThrowError(error);
	FreeErrorData(error);
	batch->writer->context->last_row = 0;
}

/* Do it; false if a constraint stood against it, and nothing of it is left. */
static bool
try_to(void (*work) (SettleBatch *batch), SettleBatch *batch)
{
	MemoryContext oldcontext = CurrentMemoryContext;
	ResourceOwner outer = CurrentResourceOwner;
	ResourceOwner inner;
	volatile bool done = false;

	BeginInternalSubTransaction(NULL);
	inner = CurrentResourceOwner;
	MemoryContextSwitchTo(oldcontext);
	PG_TRY();
	{
		work(batch);
		ReleaseCurrentSubTransaction();
		done = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(oldcontext);
		undo(batch, inner);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(oldcontext);
	CurrentResourceOwner = outer;
	return done;
}

/* ---- all of it ---- */

static void
begin_batch(SettleBatch *batch, BulkWriter *writer, BulkPart *part)
{
	batch->writer = writer;
	batch->part = part;
	batch->conflict = part->conflict;
	batch->ncases = part->nentries;
	batch->cases = palloc0(batch->ncases * sizeof(SettleCase));
	for (int i = 0; i < batch->ncases; i++)
		batch->cases[i].entry = &part->entries[i];
	batch->inserts = palloc(batch->ncases * sizeof(SettleCase *));
	batch->keys = palloc(batch->ncases * sizeof(SettleKey));
	batch->nkeys = bulk_settle_sort(batch, &part->conflict->probes[0], batch->keys);
}

/*
 * At once, in a subtransaction unless nothing can come between look and
 * insertion; false if nothing is settled by that.
 */
static bool
attempt(void (*work) (SettleBatch *batch), SettleBatch *batch)
{
	const BulkConflict *conflict = batch->conflict;

	if (!conflict->alone || conflict->ordered)
		return try_to(work, batch);
	work(batch);
	return true;
}

static void
settle_together(SettleBatch *batch)
{
	bool		done;

	if (batch->conflict->update)
		done = attempt(update_and_insert_batch, batch);
	else
	{
		bulk_settle_skip(batch);
		set_keys(batch);
		add_keyless(batch);
		done = batch->ninserts == 0 || attempt(insert_batch, batch);
	}
	if (!done)
		forget_outcomes(batch);
}

/* The rows that are left, in the order of the input. */
static void
settle_rest(SettleBatch *batch)
{
	for (int i = 0; i < batch->ncases; i++)
		if (batch->cases[i].entry->outcome == BULK_PENDING)
			bulk_conflict_row(batch->writer, batch->part, batch->cases[i].entry);
}

/* Settle all entries of a part that has probes for its arbiters. */
void
bulk_settle_batch(BulkWriter *writer, BulkPart *part)
{
	SettleBatch		batch = {0};
	MemoryContext oldcontext;

	MemoryContextReset(part->conflict->memory);
	oldcontext = MemoryContextSwitchTo(part->conflict->memory);
	begin_batch(&batch, writer, part);
	settle_together(&batch);
	MemoryContextSwitchTo(oldcontext);
	settle_rest(&batch);
}
