/*
 * bulk_writer.c
 *		Writes rows: constraints, batches, AFTER triggers.
 *
 * The order is that of CopyFrom.  Rows are collected and inserted many
 * at a time, unless something must see each row in place before the next one
 * comes: a part's checks and triggers which may look at the table
 * (bulk_sight.c), or the search for conflicts.  AFTER triggers are queued and
 * fire at the end of the load, as they do at the end of an INSERT.
 *
 * Each buffered row keeps its position in the input, so that an error which
 * shows up later, such as a duplicate key, names the right row.
 *
 * Called by bulk_load.c: begin, then slot and put for each row, then end; and
 * by bulk_batch*.c, for which rows are held until it says which to write.  The
 * buffered rows are written by bulk_flush.c, those that are held by bulk_hold.c.
 */
#include "bulk/bulk.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"

/* How much is buffered: more where conflicts are settled, by key. */
static void
set_limits(BulkWriter *writer)
{
	bool		settling = writer->options->on_conflict != BULK_CONFLICT_ERROR;

	writer->max_rows = settling ? BULK_CONFLICT_ROWS : BULK_BATCH_ROWS;
	writer->max_bytes = settling ? BULK_CONFLICT_BYTES : BULK_BATCH_BYTES;
	writer->order = palloc(writer->max_rows * sizeof(BulkPlace));
}

/* Transition tables: of UPDATE too, if there may be updates. */
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
}

static void
fire_before_statement(BulkTarget *target)
{
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
	writer->owner = CurrentResourceOwner;
	writer->batched = !bulk_sight_types(target);
	writer->note = options->note;
	set_limits(writer);
	begin_triggers(writer);
	if (options->rejects)
		writer->capture = bulk_capture_begin(writer);
	writer->route = bulk_route_begin(writer);
	if (writer->route == NULL)
		bulk_part_make(writer, target->rri);
	fire_before_statement(target);
}

/* An empty slot for the next row. */
TupleTableSlot *
bulk_writer_slot(BulkWriter *writer)
{
	if (writer->route != NULL)
		return bulk_route_slot(writer->route);
	return bulk_part_slot(writer, writer->parts[0]);
}

/* ---- rows ---- */

/* The row in the part's next slot is one to be written. */
static void
enter_row(BulkWriter *writer, BulkPart *part)
{
	BulkPlace  *place = &writer->order[writer->nbuffered++];
	BulkEntry  *entry = &part->entries[part->nentries];

	place->part = part;
	place->entry = part->nentries++;
	entry->position = writer->context->position;
	entry->set = writer->set;
}

/* The same, with no more to be done about it. */
void
bulk_writer_enter(BulkWriter *writer, BulkPart *part)
{
	enter_row(writer, part);
	if (writer->nbuffered == writer->max_rows)
		bulk_writer_write_out(writer);
}

static void
buffer_row(BulkWriter *writer, BulkPart *part, TupleTableSlot *slot)
{
	enter_row(writer, part);
	if (part->batched || (writer->note != NULL && writer->options->rejects))
		writer->bytes += bulk_tuple_keep(part->form, slot);
}

/* Fill generated columns, and check constraints.  routed: the row is in its partition. */
void
bulk_writer_check(ResultRelInfo *rri, EState *estate, TupleTableSlot *slot, bool routed)
{
	TupleConstr *constr = RelationGetDescr(rri->ri_RelationDesc)->constr;

	slot->tts_tableOid = RelationGetRelid(rri->ri_RelationDesc);
	if (constr != NULL && constr->has_generated_stored)
		ExecComputeStoredGenerated(rri, estate, slot, CMD_INSERT);
	if (constr != NULL && rri->ri_FdwRoutine == NULL)
		ExecConstraints(rri, slot, estate);
	if (rri->ri_RelationDesc->rd_rel->relispartition && !routed)
		ExecPartitionCheck(rri, slot, estate, true);
}

/* A trigger wants no row: that is neither an insert nor a skip. */
static void
suppress_row(BulkWriter *writer, BulkPart *part)
{
	BulkEntry  *entry = &part->entries[part->nentries];

	entry->position = writer->context->position;
	entry->outcome = BULK_SUPPRESSED;
	bulk_flush_finish(writer, part, entry);
}

/* Make the row what it will be in the table, and check it; false if a trigger wants none. */
static bool
complete_row(BulkWriter *writer, BulkPart *part, TupleTableSlot *slot)
{
	EState	   *estate = writer->target->estate;
	TriggerDesc *triggers = part->rri->ri_TrigDesc;
	bool		before_row = triggers != NULL && triggers->trig_insert_before_row;

	slot->tts_tableOid = RelationGetRelid(part->rri->ri_RelationDesc);
	if (before_row && !ExecBRInsertTriggers(estate, part->rri, slot))
		return false;
	/* Who was routed here belongs here, unless a trigger has changed it. */
	bulk_writer_check(part->rri, estate, slot, writer->route != NULL && !before_row);
	return true;
}

/* The part for the row whose columns were filled into the slot. */
static BulkPart *
find_part(BulkWriter *writer, TupleTableSlot *slot)
{
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(writer->target->rel);
	return writer->route == NULL ? writer->parts[0] : bulk_route_find(writer, slot);
}

/* The row, which is in the part's next slot, to the others. */
void
bulk_writer_take(BulkWriter *writer, BulkPart *part, TupleTableSlot *slot)
{
	if (complete_row(writer, part, slot))
	{
		buffer_row(writer, part, slot);
		if (!part->batched || writer->nbuffered == writer->max_rows ||
			writer->bytes >= writer->max_bytes)
			bulk_writer_write_out(writer);
	}
	else
	{
		suppress_row(writer, part);
		ItemPointerSetInvalid(&writer->last_tid);
	}
}

/* Take the row whose columns were filled into the slot. */
void
bulk_writer_put(BulkWriter *writer, TupleTableSlot *slot)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);
	BulkPart   *part = find_part(writer, slot);

	if (writer->route != NULL)
	{
		if (!part->batched)
			bulk_writer_flush(writer);
		slot = bulk_route_convert(writer, part, slot);
	}
	bulk_writer_take(writer, part, slot);
	MemoryContextSwitchTo(oldcontext);
}

/* Take the row to be written later; false if it must see the rows before it in place. */
bool
bulk_writer_hold(BulkWriter *writer, TupleTableSlot *slot)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);
	BulkPart   *part = find_part(writer, slot);
	bool		suppressed;

	if (part->batched)
	{
		if (writer->route != NULL)
			slot = bulk_route_convert(writer, part, slot);
		suppressed = !complete_row(writer, part, slot);
		buffer_row(writer, part, slot);
		if (suppressed)
			part->entries[part->nentries - 1].outcome = BULK_SUPPRESSED;
	}
	MemoryContextSwitchTo(oldcontext);
	return part->batched;
}

/* ---- the end ---- */

/* Write the rest and fire the triggers that come after. */
void
bulk_writer_end(BulkWriter *writer)
{
	EState	   *estate = writer->target->estate;

	bulk_writer_flush(writer);
	for (int i = 0; i < writer->nparts; i++)
		bulk_part_end(writer, writer->parts[i]);
	bulk_rebuild(writer->target);
	end_triggers(writer);
	ExecResetTupleTable(estate->es_tupleTable, false);
	if (writer->route != NULL)
		bulk_route_end(writer->route);
}
