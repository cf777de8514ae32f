/*
 * bulk_attempt.c
 *		One try: a subtransaction that is kept, or rolled back with all that the
 *		executor holds in it.
 *
 * Invariant: between attempts no slot and no bulk insert state holds a buffer.
 * Pins belong to the resource owner of the subtransaction, so they are let go
 * while it is still there, at either end.  Slots that the executor made, and
 * tables that it opened for triggers, stay; they go over to the owner of the load.
 *
 * Every error ends the attempt before it goes on, also one that ends the load:
 * nobody else would end a subtransaction of ours.
 *
 * Called by bulk_batch_try.c and bulk_runs.c.
 */
#include "bulk/bulk.h"

#include "access/heapam.h"
#include "access/tupdesc.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "utils/relcache.h"

static void
hand_over(const BulkAttempt *attempt, TupleDesc tupdesc)
{
	if (tupdesc == NULL || tupdesc->tdrefcount < 0)
		return;
	CurrentResourceOwner = attempt->owner;
	IncrTupleDescRefCount(tupdesc);
	CurrentResourceOwner = attempt->own;
	DecrTupleDescRefCount(tupdesc);
}

/* Tables that were opened for triggers which fire for rows of partitions. */
static void
hand_over_tables(const BulkAttempt *attempt)
{
	List	   *tables = attempt->writer->target->estate->es_trig_target_relations;

	for (int i = attempt->ntables; i < list_length(tables); i++)
	{
		Relation	rel = ((ResultRelInfo *) list_nth(tables, i))->ri_RelationDesc;

		CurrentResourceOwner = attempt->owner;
		RelationIncrementReferenceCount(rel);
		CurrentResourceOwner = attempt->own;
		RelationDecrementReferenceCount(rel);
	}
}

/* The resource owner is that of the subtransaction. */
static void
unpin(const BulkAttempt *attempt)
{
	const BulkWriter *writer = attempt->writer;
	List	   *slots;

	/* An executor that a statement started has ended, or its resources went with the error. */
	if (writer == NULL)
		return;
	slots = writer->target->estate->es_tupleTable;
	hand_over_tables(attempt);
	for (int i = 0; i < list_length(slots); i++)
	{
		TupleTableSlot *slot = list_nth(slots, i);

		ExecClearTuple(slot);
		if (i >= attempt->nslots && !bms_is_member(i, writer->owned))
			hand_over(attempt, slot->tts_tupleDescriptor);
	}
	for (int i = 0; i < writer->nparts; i++)
		if (writer->parts[i]->bistate != NULL)
			ReleaseBulkInsertStatePin(writer->parts[i]->bistate);
}

/* In the current memory context, which stays. */
void
bulk_attempt_begin(BulkAttempt *attempt)
{
	attempt->memory = CurrentMemoryContext;
	attempt->owner = CurrentResourceOwner;
	if (attempt->writer != NULL)
	{
		EState	   *estate = attempt->writer->target->estate;

		attempt->nslots = list_length(estate->es_tupleTable);
		attempt->ntables = list_length(estate->es_trig_target_relations);
	}
	BeginInternalSubTransaction(NULL);
	attempt->own = CurrentResourceOwner;
	attempt->open = true;
	MemoryContextSwitchTo(attempt->memory);
}

static void
leave(BulkAttempt *attempt)
{
	attempt->open = false;
	MemoryContextSwitchTo(attempt->memory);
	CurrentResourceOwner = attempt->owner;
}

void
bulk_attempt_keep(BulkAttempt *attempt)
{
	unpin(attempt);
	ReleaseCurrentSubTransaction();
	leave(attempt);
}

/* Undo it all after an error, in PG_CATCH(); the error, in memory. */
ErrorData *
bulk_attempt_abandon(BulkAttempt *attempt, MemoryContext memory)
{
	ErrorData  *error;

	MemoryContextSwitchTo(memory);
	error = CopyErrorData();
	FlushErrorState();
	/* Wherever the error came from: slots were filled in the name of the subtransaction. */
	CurrentResourceOwner = attempt->own;
	unpin(attempt);
	RollbackAndReleaseCurrentSubTransaction();
	leave(attempt);
	if (attempt->writer != NULL)
		ResetPerTupleExprContext(attempt->writer->target->estate);
	return error;
}
