/*
 * bulk_writer.c
 *		Puts rows into the table: constraints, batches, indexes, triggers.
 *
 * What COPY FROM does for a plain table.  Rows are collected and inserted many
 * at a time, unless something must see each row in place before the next one
 * comes: BEFORE ROW triggers and volatile checks, which may look at the table.
 * Where conflicts are to be settled, bulk_conflict.c does what is done with the
 * rows.  AFTER triggers are queued and fire at the end of the load, as they do
 * at the end of an INSERT.
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
	part->tupdesc = CreateTupleDescCopyConstr(RelationGetDescr(rel));
	/* In a table as new as this transaction there is no free space to find. */
	if (rel->rd_createSubid != InvalidSubTransactionId ||
		rel->rd_firstRelfilelocatorSubid != InvalidSubTransactionId)
		part->insert_options |= TABLE_INSERT_SKIP_FSM;
	part->conflict = bulk_conflict_begin(writer, part);
	if (part->conflict == NULL)
		part->bistate = GetBulkInsertState();
	part->foreign = bulk_foreign_begin(part->rri);
	return part;
}

/* Whether rows may wait for each other, and how many. */
static void
set_limits(BulkWriter *writer)
{
	const BulkPart *part = writer->parts[0];
	bool		settling = part->conflict != NULL;

	writer->batched = !has_before_row_trigger(part) && !bulk_sight_checks(writer->target) &&
		(!settling || bulk_conflict_batched(part->conflict));
	writer->max_rows = settling ? BULK_CONFLICT_ROWS : BULK_BATCH_ROWS;
	writer->max_bytes = settling ? BULK_CONFLICT_BYTES : BULK_BATCH_BYTES;
	if (!writer->batched)
		writer->max_rows = 1;
	for (int i = 0; i < writer->nparts; i++)
		writer->parts[i]->entries = palloc0(writer->max_rows * sizeof(BulkEntry));
}

/* Statement triggers and transition tables: of UPDATE too, if there may be updates. */
static void
begin_triggers(BulkWriter *writer)
{
	BulkTarget *target = writer->target;
	TriggerDesc *triggers = target->rri->ri_TrigDesc;
	Oid			relid = RelationGetRelid(target->rel);

	AfterTriggerBeginQuery();
	writer->transition = MakeTransitionCaptureState(triggers, relid, CMD_INSERT);
	if (target->sets != NULL)
		writer->update_transition = MakeTransitionCaptureState(triggers, relid, CMD_UPDATE);
	ExecBSInsertTriggers(target->estate, target->rri);
	if (target->sets != NULL)
		ExecBSUpdateTriggers(target->estate, target->rri);
}

static void
end_triggers(BulkWriter *writer)
{
	BulkTarget *target = writer->target;

	if (target->sets != NULL)
	{
		target->perminfo->updatedCols = target->sets->columns;
		ExecASUpdateTriggers(target->estate, target->rri, writer->update_transition);
	}
	ExecASInsertTriggers(target->estate, target->rri, writer->transition);
	AfterTriggerEndQuery(target->estate);
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
	writer->note = options->note;
	begin_triggers(writer);
	writer->nparts = 1;
	writer->parts = palloc0(sizeof(BulkPart *));
	writer->parts[0] = make_part(writer);
	set_limits(writer);
	/* Who looks at the table wants to find the rows before. */
	if (target->rebuild && writer->batched && writer->parts[0]->conflict == NULL)
		bulk_rebuild_set_aside(target);
}

/*
 * A slot for rows of the part.  The resource owner would remember the
 * relation's own descriptor once for each, and take longer for each.
 */
TupleTableSlot *
bulk_writer_make_slot(BulkWriter *writer, const BulkPart *part)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);
	const TupleTableSlotOps *ops = table_slot_callbacks(part->rri->ri_RelationDesc);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(part->tupdesc, ops);

	MemoryContextSwitchTo(oldcontext);
	return slot;
}

/* An empty slot for the next row. */
TupleTableSlot *
bulk_writer_slot(BulkWriter *writer)
{
	BulkPart   *part = writer->parts[0];
	BulkEntry  *entry = &part->entries[part->nentries];

	if (entry->slot == NULL)
	{
		entry->slot = bulk_writer_make_slot(writer, part);
		part->nslots++;
	}
	return ExecClearTuple(entry->slot);
}

/* The row is in the table and its indexes: queue its triggers. */
void
bulk_writer_inserted(BulkWriter *writer, BulkPart *part, BulkEntry *entry, List *recheck)
{
	TriggerDesc *triggers = part->rri->ri_TrigDesc;

	if (part->foreign != NULL)
		part->rri->ri_TrigDesc = bulk_foreign_triggers(part->foreign, entry);
	ExecARInsertTriggers(writer->target->estate, part->rri, entry->slot, recheck,
						 writer->transition);
	part->rri->ri_TrigDesc = triggers;
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

/* All rows of the part to the heap, then one by one to the indexes and triggers. */
static void
insert_many(BulkWriter *writer, BulkPart *part)
{
	EState	   *estate = writer->target->estate;
	BulkContext *context = writer->context;
	TupleTableSlot *slots[BULK_BATCH_ROWS];
	MemoryContext oldcontext;

	for (int i = 0; i < part->nentries; i++)
		slots[i] = part->entries[i].slot;

	/* In here, it is not known which row an error is about. */
	context->position = part->entries[0].position;
	context->last_row = part->entries[part->nentries - 1].position.row;
	oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
	table_multi_insert(part->rri->ri_RelationDesc, slots, part->nentries, writer->cid,
					   part->insert_options, part->bistate);
	MemoryContextSwitchTo(oldcontext);
	context->last_row = 0;

	for (int i = 0; i < part->nentries; i++)
	{
		BulkEntry  *entry = &part->entries[i];

		context->position = entry->position;
		bulk_writer_inserted(writer, part, entry, insert_index_entries(writer, part, entry->slot));
	}
}

/* The only row, at once. */
static void
insert_one(BulkWriter *writer, BulkPart *part)
{
	BulkEntry  *entry = &part->entries[0];

	writer->context->position = entry->position;
	table_tuple_insert(part->rri->ri_RelationDesc, entry->slot, writer->cid,
					   part->insert_options, part->bistate);
	bulk_writer_inserted(writer, part, entry, insert_index_entries(writer, part, entry->slot));
}

/* The entry was settled: count it, tell who wants to know, and make it empty. */
static void
finish_entry(BulkWriter *writer, const BulkPart *part, BulkEntry *entry)
{
	writer->counts[entry->outcome]++;
	if (writer->note != NULL)
		writer->note->row(writer->note, part, entry);
	entry->outcome = BULK_PENDING;
	ExecClearTuple(entry->slot);
	if (entry->stored != NULL)
		ExecClearTuple(entry->stored);
}

static void
flush_part(BulkWriter *writer, BulkPart *part)
{
	if (part->nentries == 0)
		return;
	if (part->foreign != NULL)
		bulk_foreign_check(part->foreign, part->entries, part->nentries);
	if (part->conflict != NULL)
		bulk_conflict_settle(writer, part);
	else if (writer->batched)
		insert_many(writer, part);
	else
		insert_one(writer, part);
	for (int i = 0; i < part->nentries; i++)
		finish_entry(writer, part, &part->entries[i]);
	part->nentries = 0;
}

/* Write out what is buffered. */
void
bulk_writer_flush(BulkWriter *writer)
{
	BulkPosition reading = writer->context->position;
	MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);

	for (int i = 0; i < writer->nparts; i++)
		flush_part(writer, writer->parts[i]);
	MemoryContextSwitchTo(oldcontext);
	writer->context->position = reading;
	writer->nbuffered = 0;
	writer->bytes = 0;
	bulk_set_forget(writer->target);
}

static void
buffer_row(BulkWriter *writer, BulkPart *part, TupleTableSlot *slot)
{
	BulkEntry  *entry = &part->entries[part->nentries++];

	entry->position = writer->context->position;
	entry->set = writer->set;
	writer->nbuffered++;
	if (writer->batched)
	{
		/* Off the per-row memory. */
		ExecMaterializeSlot(slot);
		writer->bytes += ExecFetchSlotHeapTuple(slot, false, NULL)->t_len;
	}
	if (writer->nbuffered == writer->max_rows || writer->bytes >= writer->max_bytes)
		bulk_writer_flush(writer);
}

/* A trigger wants no row.  With such triggers nothing is buffered before it. */
static void
suppress_row(BulkWriter *writer, BulkPart *part)
{
	BulkEntry  *entry = &part->entries[part->nentries];

	entry->position = writer->context->position;
	entry->outcome = BULK_SUPPRESSED;
	finish_entry(writer, part, entry);
}

/* Take the row whose columns were filled into the slot. */
void
bulk_writer_put(BulkWriter *writer, TupleTableSlot *slot)
{
	BulkPart   *part = writer->parts[0];
	Relation	rel = part->rri->ri_RelationDesc;
	EState	   *estate = writer->target->estate;
	TupleConstr *constr = RelationGetDescr(rel)->constr;
	MemoryContext oldcontext = MemoryContextSwitchTo(estate->es_query_cxt);

	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(rel);
	if (has_before_row_trigger(part) && !ExecBRInsertTriggers(estate, part->rri, slot))
	{
		/* The trigger wants no row: that is neither an insert nor a skip. */
		suppress_row(writer, part);
		MemoryContextSwitchTo(oldcontext);
		return;
	}
	slot->tts_tableOid = RelationGetRelid(rel);
	if (constr != NULL && constr->has_generated_stored)
		ExecComputeStoredGenerated(part->rri, estate, slot, CMD_INSERT);
	if (constr != NULL)
		ExecConstraints(part->rri, slot, estate);
	if (rel->rd_rel->relispartition)
		ExecPartitionCheck(part->rri, slot, estate, true);
	buffer_row(writer, part, slot);
	MemoryContextSwitchTo(oldcontext);
}

static void
end_part(BulkPart *part)
{
	if (part->bistate != NULL)
		FreeBulkInsertState(part->bistate);
	if (part->foreign != NULL)
		bulk_foreign_end(part->foreign);
	bulk_conflict_end(part);
	for (int i = 0; i < part->nslots; i++)
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
	end_triggers(writer);
	ExecResetTupleTable(estate->es_tupleTable, false);
}
