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
has_before_row_trigger(const BulkPart *part)
{
	return part->rri->ri_TrigDesc != NULL && part->rri->ri_TrigDesc->trig_insert_before_row;
}

/* The part for the target itself. */
static BulkPart *
make_part(BulkWriter *writer)
{
	BulkPart   *part = palloc0(sizeof(BulkPart));
	Relation	rel = writer->target->rel;

	part->rri = writer->target->rri;
	part->entries = palloc0(BULK_BATCH_ROWS * sizeof(BulkEntry));
	/* In a table as new as this transaction there is no free space to find. */
	if (rel->rd_createSubid != InvalidSubTransactionId ||
		rel->rd_firstRelfilelocatorSubid != InvalidSubTransactionId)
		part->insert_options |= TABLE_INSERT_SKIP_FSM;
	part->conflict = bulk_conflict_begin(writer->target, writer->options);
	if (part->conflict == NULL)
		part->bistate = GetBulkInsertState();
	part->foreign = bulk_foreign_begin(part->rri);
	return part;
}

void
bulk_writer_begin(BulkWriter *writer, BulkTarget *target, BulkContext *context,
				  const struct BulkOptions *options)
{
	memset(writer, 0, sizeof(*writer));
	writer->target = target;
	writer->context = context;
	writer->options = options;
	writer->cid = GetCurrentCommandId(true);
	writer->owner = CurrentResourceOwner;
	writer->nparts = 1;
	writer->parts = palloc0(sizeof(BulkPart *));
	writer->parts[0] = make_part(writer);
	writer->batched = writer->parts[0]->conflict == NULL &&
		!has_before_row_trigger(writer->parts[0]) && !bulk_sight_checks(target);
	/* Who looks at the table wants to find the rows before. */
	if (target->rebuild && writer->batched)
		bulk_rebuild_set_aside(target);

	AfterTriggerBeginQuery();
	writer->transition = MakeTransitionCaptureState(target->rri->ri_TrigDesc,
													RelationGetRelid(target->rel), CMD_INSERT);
	if (options->rejects)
		writer->capture = bulk_capture_begin(writer);
	ExecBSInsertTriggers(target->estate, target->rri);
}

/* An empty slot for the next row. */
TupleTableSlot *
bulk_writer_slot(BulkWriter *writer)
{
	BulkPart   *part = writer->parts[0];
	BulkEntry  *entry = &part->entries[part->nentries];

	if (entry->slot == NULL)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);
		ResourceOwner owner = CurrentResourceOwner;

		CurrentResourceOwner = writer->owner;
		entry->slot = table_slot_create(part->rri->ri_RelationDesc, NULL);
		CurrentResourceOwner = owner;
		MemoryContextSwitchTo(oldcontext);
	}
	return ExecClearTuple(entry->slot);
}

/* The row is in the table and its indexes: queue its triggers, count it. */
static void
row_inserted(BulkWriter *writer, BulkPart *part, BulkEntry *entry, List *recheck)
{
	TriggerDesc *triggers = part->rri->ri_TrigDesc;

	if (part->foreign != NULL)
		part->rri->ri_TrigDesc = bulk_foreign_triggers(part->foreign, entry);
	ExecARInsertTriggers(writer->target->estate, part->rri, entry->slot, recheck,
						 writer->capture == NULL ? writer->transition : NULL);
	part->rri->ri_TrigDesc = triggers;
	if (writer->capture != NULL)
		bulk_capture_row(writer->capture, part, entry->slot);
	list_free(recheck);
	entry->outcome = BULK_INSERTED;
}

static List *
insert_index_entries(BulkWriter *writer, BulkPart *part, TupleTableSlot *slot)
{
	if (part->rri->ri_NumIndices == 0)
		return NIL;
	return purser_ExecInsertIndexTuples(part->rri, writer->target->estate, 0, slot, NIL, NULL);
}

/* The part's rows that are to be written: their numbers, and how many. */
static int
pending_rows(const BulkPart *part, int *numbers)
{
	int			n = 0;

	for (int i = 0; i < part->nentries; i++)
		if (part->entries[i].outcome == BULK_PENDING && !part->entries[i].held)
			numbers[n++] = i;
	return n;
}

/* Rows of the part to the heap, then one by one to the indexes and triggers. */
static void
insert_many(BulkWriter *writer, BulkPart *part)
{
	EState	   *estate = writer->target->estate;
	BulkContext *context = writer->context;
	TupleTableSlot *slots[BULK_BATCH_ROWS];
	int			numbers[BULK_BATCH_ROWS];
	int			n = pending_rows(part, numbers);
	MemoryContext oldcontext;

	if (n == 0)
		return;
	for (int i = 0; i < n; i++)
		slots[i] = part->entries[numbers[i]].slot;

	/* In here, it is not known which row an error is about. */
	context->position = part->entries[numbers[0]].position;
	context->last_row = part->entries[numbers[n - 1]].position.row;
	oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
	table_multi_insert(part->rri->ri_RelationDesc, slots, n, writer->cid,
					   part->insert_options, part->bistate);
	MemoryContextSwitchTo(oldcontext);
	context->last_row = 0;

	for (int i = 0; i < n; i++)
	{
		BulkEntry  *entry = &part->entries[numbers[i]];

		context->position = entry->position;
		row_inserted(writer, part, entry, insert_index_entries(writer, part, entry->slot));
	}
}

/* The only row, at once. */
static void
insert_one(BulkWriter *writer, BulkPart *part)
{
	BulkEntry  *entry = &part->entries[0];
	List	   *recheck = NIL;

	writer->context->position = entry->position;
	if (part->conflict == NULL)
	{
		table_tuple_insert(part->rri->ri_RelationDesc, entry->slot, writer->cid,
						   part->insert_options, part->bistate);
		recheck = insert_index_entries(writer, part, entry->slot);
	}
	else if (!bulk_conflict_insert(part->conflict, writer->target, entry->slot, writer->cid,
								   &recheck))
	{
		entry->outcome = BULK_SKIPPED;
		return;
	}
	row_inserted(writer, part, entry, recheck);
}

static void
check_parents(BulkWriter *writer)
{
	for (int i = 0; i < writer->nparts; i++)
	{
		BulkPart   *part = writer->parts[i];

		if (part->foreign != NULL && part->nentries > 0)
			bulk_foreign_check(part->foreign, part->entries, part->nentries);
	}
}

/* Write those of the part's rows that are not held. */
static void
write_part(BulkWriter *writer, BulkPart *part)
{
	if (part->nentries == 0)
		return;
	if (writer->batched)
		insert_many(writer, part);
	else
		insert_one(writer, part);
}

/* What became of the row is known for good. */
void
bulk_writer_settle(BulkWriter *writer, const BulkEntry *entry)
{
	writer->counts[entry->outcome]++;
	if (entry->slot != NULL)
		writer->last_tid = entry->slot->tts_tid;
}

/* The rows that are buffered are settled. */
void
bulk_writer_clear(BulkWriter *writer)
{
	for (int i = 0; i < writer->nparts; i++)
		for (int k = 0; k < writer->parts[i]->nentries; k++)
			if (writer->parts[i]->entries[k].outcome != BULK_REJECTED)
				bulk_writer_settle(writer, &writer->parts[i]->entries[k]);
	bulk_writer_discard(writer);
}

/* Forget the rows that are buffered. */
void
bulk_writer_discard(BulkWriter *writer)
{
	for (int i = 0; i < writer->nparts; i++)
	{
		BulkPart   *part = writer->parts[i];

		for (int k = 0; k < part->nentries; k++)
		{
			part->entries[k].outcome = BULK_PENDING;
			part->entries[k].held = part->entries[k].suspect = false;
			ExecClearTuple(part->entries[k].slot);
		}
		part->nentries = 0;
	}
	writer->nbuffered = 0;
	writer->bytes = 0;
}

/* Write out what is buffered. */
void
bulk_writer_flush(BulkWriter *writer)
{
	BulkPosition reading = writer->context->position;
	MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);

	check_parents(writer);
	for (int i = 0; i < writer->nparts; i++)
		write_part(writer, writer->parts[i]);
	MemoryContextSwitchTo(oldcontext);
	writer->context->position = reading;
	bulk_writer_clear(writer);
}

/* The part of the row that was held as the number-th, from 0. */
BulkPart *
bulk_writer_part(BulkWriter *writer, int number pg_attribute_unused())
{
	return writer->parts[0];
}

/* The row that was held as the number-th, from 0. */
BulkEntry *
bulk_writer_entry(BulkWriter *writer, int number)
{
	return &writer->parts[0]->entries[number];
}

/* Hold all rows but those from number from to before number to. */
static void
hold_others(BulkWriter *writer, int from, int to)
{
	for (int i = 0; i < writer->nbuffered; i++)
		bulk_writer_entry(writer, i)->held = i < from || i >= to;
}

/* Look for the parents of rows from number from on; those that lack one are suspect. */
void
bulk_writer_inspect(BulkWriter *writer, int from)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);

	hold_others(writer, from, writer->nbuffered);
	check_parents(writer);
	for (int i = from; i < writer->nbuffered; i++)
	{
		BulkEntry  *entry = bulk_writer_entry(writer, i);

		entry->suspect |= bulk_writer_part(writer, i)->foreign != NULL && !entry->has_parents;
	}
	MemoryContextSwitchTo(oldcontext);
}

/* Write rows from number from to before number to; they were inspected. */
void
bulk_writer_write(BulkWriter *writer, int from, int to)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);

	hold_others(writer, from, to);
	/* What an attempt before had made of them was rolled back. */
	for (int i = from; i < to; i++)
		if (bulk_writer_entry(writer, i)->outcome != BULK_REJECTED)
			bulk_writer_entry(writer, i)->outcome = BULK_PENDING;
	for (int i = 0; i < writer->nparts; i++)
		write_part(writer, writer->parts[i]);
	MemoryContextSwitchTo(oldcontext);
}

/* Off the per-row memory. */
static Size
keep_row(TupleTableSlot *slot)
{
	ExecMaterializeSlot(slot);
	return ExecFetchSlotHeapTuple(slot, false, NULL)->t_len;
}

static void
buffer_row(BulkWriter *writer, BulkPart *part, TupleTableSlot *slot)
{
	part->entries[part->nentries++].position = writer->context->position;
	writer->nbuffered++;
	if (writer->batched)
		writer->bytes += keep_row(slot);
}

/* Make the row what it will be in the table, and check it; false if a trigger wants none. */
static bool
complete_row(BulkWriter *writer, BulkPart *part, TupleTableSlot *slot)
{
	Relation	rel = part->rri->ri_RelationDesc;
	EState	   *estate = writer->target->estate;
	TupleConstr *constr = RelationGetDescr(rel)->constr;

	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(rel);
	if (has_before_row_trigger(part) && !ExecBRInsertTriggers(estate, part->rri, slot))
		return false;
	slot->tts_tableOid = RelationGetRelid(rel);
	if (constr != NULL && constr->has_generated_stored)
		ExecComputeStoredGenerated(part->rri, estate, slot, CMD_INSERT);
	if (constr != NULL)
		ExecConstraints(part->rri, slot, estate);
	if (rel->rd_rel->relispartition)
		ExecPartitionCheck(part->rri, slot, estate, true);
	return true;
}

/* Take the row whose columns were filled into the slot. */
void
bulk_writer_put(BulkWriter *writer, TupleTableSlot *slot)
{
	BulkPart   *part = writer->parts[0];
	MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);

	if (complete_row(writer, part, slot))
		buffer_row(writer, part, slot);
	else
	{
		/* The trigger wants no row: that is neither an insert nor a skip. */
		writer->counts[BULK_SUPPRESSED]++;
		ItemPointerSetInvalid(&writer->last_tid);
	}
	if (!writer->batched || writer->nbuffered == BULK_BATCH_ROWS ||
		writer->bytes >= BULK_BATCH_BYTES)
		bulk_writer_flush(writer);
	MemoryContextSwitchTo(oldcontext);
}

/* Take the row to be written later; false if it must see the rows before it in place. */
bool
bulk_writer_hold(BulkWriter *writer, TupleTableSlot *slot)
{
	BulkPart   *part = writer->parts[0];
	MemoryContext oldcontext;

	if (!writer->batched)
		return false;
	oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);
	(void) complete_row(writer, part, slot);
	buffer_row(writer, part, slot);
	MemoryContextSwitchTo(oldcontext);
	return true;
}

static void
end_part(BulkPart *part)
{
	if (part->bistate != NULL)
		FreeBulkInsertState(part->bistate);
	if (part->foreign != NULL)
		bulk_foreign_end(part->foreign);
	for (int i = 0; i < BULK_BATCH_ROWS && part->entries[i].slot != NULL; i++)
		ExecDropSingleTupleTableSlot(part->entries[i].slot);
	table_finish_bulk_insert(part->rri->ri_RelationDesc, part->insert_options);
}

/* Write the rest and fire the triggers that come after. */
void
bulk_writer_end(BulkWriter *writer)
{
	EState	   *estate = writer->target->estate;

	bulk_writer_flush(writer);
	for (int i = 0; i < writer->nparts; i++)
		end_part(writer->parts[i]);
	bulk_rebuild(writer->target);
	ExecASInsertTriggers(estate, writer->target->rri, writer->transition);
	AfterTriggerEndQuery(estate);
	ExecResetTupleTable(estate->es_tupleTable, false);
}
