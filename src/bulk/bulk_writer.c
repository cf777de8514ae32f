/*
 * bulk_writer.c
 *		Puts rows into the table: constraints, batches, indexes, triggers.
 *
 * What COPY FROM does for a plain table.  Rows are collected and inserted many
 * at a time, unless something must see each row in place before the next one
 * comes: BEFORE ROW triggers and volatile checks, which may look at the table,
 * and the search for conflicts.  AFTER triggers are queued and fire at the end of the load, as
 * they do at the end of an INSERT.
 *
 * Each buffered row keeps its position in the input, so that an error which
 * shows up later, such as a duplicate key, names the right row.
 *
 * Called by bulk_load.c: begin, then slot and put for each row, then end.
 */
#include "bulk.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"

static bool
has_before_row_trigger(const BulkTarget *target)
{
	return target->rri->ri_TrigDesc != NULL && target->rri->ri_TrigDesc->trig_insert_before_row;
}

void
bulk_writer_begin(BulkWriter *writer, BulkTarget *target, BulkContext *context,
				  const BulkOptions *options)
{
	Relation	rel = target->rel;

	memset(writer, 0, sizeof(*writer));
	writer->target = target;
	writer->context = context;
	writer->cid = GetCurrentCommandId(true);
	/* In a table as new as this transaction there is no free space to find. */
	if (rel->rd_createSubid != InvalidSubTransactionId ||
		rel->rd_firstRelfilelocatorSubid != InvalidSubTransactionId)
		writer->insert_options |= TABLE_INSERT_SKIP_FSM;
	writer->conflict = bulk_conflict_begin(target, options);
	writer->batched = writer->conflict == NULL && !has_before_row_trigger(target) &&
		!bulk_sight_checks(target);
	if (writer->conflict == NULL)
		writer->bistate = GetBulkInsertState();

	AfterTriggerBeginQuery();
	writer->transition = MakeTransitionCaptureState(target->rri->ri_TrigDesc,
													RelationGetRelid(rel), CMD_INSERT);
	ExecBSInsertTriggers(target->estate, target->rri);
}

/* An empty slot for the next row. */
TupleTableSlot *
bulk_writer_slot(BulkWriter *writer)
{
	TupleTableSlot **slot = &writer->slots[writer->nbuffered];

	if (*slot == NULL)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);

		*slot = table_slot_create(writer->target->rel, NULL);
		MemoryContextSwitchTo(oldcontext);
	}
	return ExecClearTuple(*slot);
}

/* The row is in the table and its indexes: queue its triggers, count it. */
static void
row_inserted(BulkWriter *writer, TupleTableSlot *slot, List *recheck)
{
	ExecARInsertTriggers(writer->target->estate, writer->target->rri, slot, recheck,
						 writer->transition);
	list_free(recheck);
	writer->inserted++;
}

static List *
insert_index_entries(BulkWriter *writer, TupleTableSlot *slot)
{
	if (writer->target->rri->ri_NumIndices == 0)
		return NIL;
	return purser_ExecInsertIndexTuples(writer->target->rri, writer->target->estate, 0, slot,
										NIL, NULL);
}

/* Write out what is buffered. */
void
bulk_writer_flush(BulkWriter *writer)
{
	EState	   *estate = writer->target->estate;
	BulkContext *context = writer->context;
	BulkPosition reading = context->position;
	int			nrows = writer->nbuffered;
	MemoryContext oldcontext;

	if (nrows == 0)
		return;

	/* In here, it is not known which row an error is about. */
	context->position = writer->positions[0];
	context->last_row = writer->positions[nrows - 1].row;
	oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
	table_multi_insert(writer->target->rel, writer->slots, nrows, writer->cid,
					   writer->insert_options, writer->bistate);
	MemoryContextSwitchTo(estate->es_query_cxt);
	context->last_row = 0;

	for (int i = 0; i < nrows; i++)
	{
		context->position = writer->positions[i];
		row_inserted(writer, writer->slots[i], insert_index_entries(writer, writer->slots[i]));
		ExecClearTuple(writer->slots[i]);
	}

	MemoryContextSwitchTo(oldcontext);
	context->position = reading;
	writer->nbuffered = 0;
	writer->bytes = 0;
}

static void
buffer_row(BulkWriter *writer, TupleTableSlot *slot)
{
	/* Off the per-row memory. */
	ExecMaterializeSlot(slot);
	writer->bytes += ExecFetchSlotHeapTuple(slot, false, NULL)->t_len;
	writer->positions[writer->nbuffered++] = writer->context->position;
	if (writer->nbuffered == BULK_BATCH_ROWS || writer->bytes >= BULK_BATCH_BYTES)
		bulk_writer_flush(writer);
}

static void
insert_row(BulkWriter *writer, TupleTableSlot *slot)
{
	List	   *recheck = NIL;

	if (writer->conflict == NULL)
	{
		table_tuple_insert(writer->target->rel, slot, writer->cid, writer->insert_options,
						   writer->bistate);
		recheck = insert_index_entries(writer, slot);
	}
	else if (!bulk_conflict_insert(writer->conflict, writer->target, slot, writer->cid, &recheck))
	{
		writer->skipped++;
		return;
	}
	row_inserted(writer, slot, recheck);
}

/* Take the row whose columns were filled into the slot. */
void
bulk_writer_put(BulkWriter *writer, TupleTableSlot *slot)
{
	BulkTarget *target = writer->target;
	EState	   *estate = target->estate;
	TupleConstr *constr = RelationGetDescr(target->rel)->constr;
	MemoryContext oldcontext = MemoryContextSwitchTo(estate->es_query_cxt);

	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(target->rel);
	if (has_before_row_trigger(target) && !ExecBRInsertTriggers(estate, target->rri, slot))
	{
		/* The trigger wants no row: that is neither an insert nor a skip. */
		MemoryContextSwitchTo(oldcontext);
		return;
	}
	slot->tts_tableOid = RelationGetRelid(target->rel);
	if (constr != NULL && constr->has_generated_stored)
		ExecComputeStoredGenerated(target->rri, estate, slot, CMD_INSERT);
	if (constr != NULL)
		ExecConstraints(target->rri, slot, estate);
	if (target->rel->rd_rel->relispartition)
		ExecPartitionCheck(target->rri, slot, estate, true);

	if (writer->batched)
		buffer_row(writer, slot);
	else
		insert_row(writer, slot);
	MemoryContextSwitchTo(oldcontext);
}

/* Write the rest and fire the triggers that come after. */
void
bulk_writer_end(BulkWriter *writer)
{
	EState	   *estate = writer->target->estate;

	bulk_writer_flush(writer);
	if (writer->bistate != NULL)
		FreeBulkInsertState(writer->bistate);
	for (int i = 0; i < BULK_BATCH_ROWS && writer->slots[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(writer->slots[i]);
	table_finish_bulk_insert(writer->target->rel, writer->insert_options);

	ExecASInsertTriggers(estate, writer->target->rri, writer->transition);
	AfterTriggerEndQuery(estate);
	ExecResetTupleTable(estate->es_tupleTable, false);
}
