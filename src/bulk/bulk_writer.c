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
 * by bulk_batch.c, for which rows are held until it says which to write.
 */
#include "bulk.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "foreign/fdwapi.h"

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

/* ---- the phases of a flush ---- */

static inline bool
is_inserted(const BulkEntry *entry)
{
	return entry->outcome == BULK_PENDING || entry->outcome == BULK_INSERTED;
}

/*
 * Rows of the part that are to be written, from the next one on: their slots and
 * their places among all, at most as many as a batch has.
 */
static int
pending_rows(BulkPart *part, int *next, TupleTableSlot **slots, int *places)
{
	int			n = 0;

	for (; *next < part->last && n < BULK_BATCH_ROWS; (*next)++)
	{
		BulkEntry  *entry = &part->entries[*next];

		if (entry->outcome != BULK_PENDING || entry->refused)
			continue;
		slots[n] = entry->slot;
		places[n++] = *next;
	}
	return n;
}

/* Of the rows that are, or will be, in the table: a row that was skipped needs no parent. */
static void
check_parents(BulkPart *part)
{
	int			first = 0;

	for (int i = 0; i <= part->nentries; i++)
	{
		if (i < part->nentries && is_inserted(&part->entries[i]))
			continue;
		if (i > first)
			bulk_foreign_check(part->foreign, &part->entries[first], i - first);
		first = i + 1;
	}
}

/* In an error it is not known which of the rows it is about. */
static void
tell_rows(BulkContext *context, const BulkEntry *first, const BulkEntry *last)
{
	context->position = first->position;
	context->last_row = last->position.row;
}

/* Rows to another server, as many at a time as it takes; it may leave some out. */
static void
insert_foreign(BulkWriter *writer, BulkPart *part, TupleTableSlot **slots, int *places, int n)
{
	const FdwRoutine *fdw = part->rri->ri_FdwRoutine;
	EState	   *estate = writer->target->estate;
	int			step;

	for (int i = 0; i < n; i += step)
	{
		BulkEntry  *first = &part->entries[places[i]];
		int			inserted;

		step = Min(Max(part->rri->ri_BatchSize, 1), n - i);
		inserted = step;
		tell_rows(writer->context, first, &part->entries[places[i + step - 1]]);
		if (step > 1)
			fdw->ExecForeignBatchInsert(estate, part->rri, &slots[i], NULL, &inserted);
		else if (fdw->ExecForeignInsert(estate, part->rri, slots[i], NULL) == NULL)
			inserted = 0;
		/* Of several it only tells how many, which are the first ones then. */
		for (int k = 0; k < step; k++)
		{
			BulkEntry  *entry = &part->entries[places[i + k]];

			entry->slot->tts_tableOid = RelationGetRelid(part->rri->ri_RelationDesc);
			entry->outcome = k < inserted ? BULK_INSERTED : BULK_SUPPRESSED;
		}
	}
	writer->context->last_row = 0;
}

/* Rows to the heap, all at once. */
static void
insert_rows(BulkWriter *writer, BulkPart *part, TupleTableSlot **slots, int *places, int n)
{
	Relation	rel = part->rri->ri_RelationDesc;
	MemoryContext oldcontext;

	tell_rows(writer->context, &part->entries[places[0]], &part->entries[places[n - 1]]);
	oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(writer->target->estate));
	if (n == 1)
		table_tuple_insert(rel, slots[0], writer->cid, part->insert_options, part->bistate);
	else
		table_multi_insert(rel, slots, n, writer->cid, part->insert_options, part->bistate);
	MemoryContextSwitchTo(oldcontext);
	writer->context->last_row = 0;
	for (int i = 0; i < n; i++)
		part->entries[places[i]].outcome = BULK_INSERTED;
}

/* The part's rows into the table, when it is known which may go there. */
static void
insert_pending(BulkWriter *writer, BulkPart *part)
{
	TupleTableSlot *slots[BULK_BATCH_ROWS];
	int			places[BULK_BATCH_ROWS];
	int			next = part->first;
	int			n;

	while ((n = pending_rows(part, &next, slots, places)) > 0)
	{
		if (part->rri->ri_FdwRoutine != NULL)
			insert_foreign(writer, part, slots, places, n);
		else
			insert_rows(writer, part, slots, places, n);
		if (part->indexes != NULL)
			bulk_index_insert(writer, part, places, n);
	}
}

/* The part's rows into the table, or what is to become of them. */
static void
write_part(BulkWriter *writer, BulkPart *part)
{
	if (part->conflict != NULL)
		bulk_conflict_settle(writer, part);
	if (part->foreign != NULL)
		check_parents(part);
	if (part->conflict != NULL)
		return;
	part->first = 0;
	part->last = part->nentries;
	insert_pending(writer, part);
}

static void
queue_insert(BulkWriter *writer, BulkPart *part, BulkEntry *entry)
{
	TriggerDesc *triggers = part->rri->ri_TrigDesc;

	if (part->foreign != NULL)
		part->rri->ri_TrigDesc = bulk_foreign_triggers(part->foreign, entry);
	ExecARInsertTriggers(writer->target->estate, part->rri, entry->slot, entry->recheck,
						 writer->capture == NULL ? writer->transition :
						 bulk_capture_own(writer->capture, false));
	part->rri->ri_TrigDesc = triggers;
	if (writer->capture != NULL)
		bulk_capture_row(writer->capture, part, NULL, entry->slot);
}

/* What became of the row is known for good. */
void
bulk_writer_settle(BulkWriter *writer, const BulkEntry *entry)
{
	const TupleTableSlot *row;

	writer->counts[entry->outcome]++;
	row = entry->outcome == BULK_UPDATED ? entry->stored : entry->slot;
	if (row == NULL)
		return;
	writer->last_relid = row->tts_tableOid;
	writer->last_tid = row->tts_tid;
}

/* The entry's place is for another row. */
static void
empty_entry(BulkEntry *entry)
{
	entry->outcome = BULK_PENDING;
	entry->suspect = entry->refused = false;
	entry->refusal = 0;
	list_free(entry->recheck);
	entry->recheck = NIL;
	if (entry->borrowed)
		bulk_tuple_return(entry->slot);
	entry->borrowed = false;
	ExecClearTuple(entry->slot);
	if (entry->stored != NULL)
		ExecClearTuple(entry->stored);
}

/* What fires after the row, at the end of the load. */
static void
queue_triggers(BulkWriter *writer, BulkPart *part, BulkEntry *entry)
{
	writer->context->position = entry->position;
	if (entry->outcome == BULK_INSERTED)
		queue_insert(writer, part, entry);
	else if (entry->outcome == BULK_UPDATED)
		bulk_overwrite_triggers(writer, part, entry);
	list_free(entry->recheck);
	entry->recheck = NIL;
}

/* The entry was settled: count it, and tell who wants to know. */
static void
tell_entry(BulkWriter *writer, const BulkPart *part, const BulkEntry *entry)
{
	bulk_writer_settle(writer, entry);
	if (writer->note != NULL)
		writer->note->row(writer->note, part, entry);
}

/* Likewise, and make it empty. */
static void
finish_entry(BulkWriter *writer, const BulkPart *part, BulkEntry *entry)
{
	tell_entry(writer, part, entry);
	empty_entry(entry);
}

/* Rows in the order of the input: triggers, counts; then the buffers are empty. */
static void
finish_rows(BulkWriter *writer)
{
	for (int i = 0; i < writer->nbuffered; i++)
	{
		BulkPart   *part = writer->order[i].part;
		BulkEntry  *entry = &part->entries[writer->order[i].entry];

		queue_triggers(writer, part, entry);
		finish_entry(writer, part, entry);
		part->nentries = 0;
	}
	writer->nbuffered = 0;
	writer->bytes = 0;
}

/* Write out what is buffered; entries for indexes may be collected only. */
static void
write_buffers(BulkWriter *writer)
{
	BulkPosition reading = writer->context->position;
	MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);

	for (int i = 0; i < writer->nparts; i++)
		if (writer->parts[i]->nentries > 0)
			write_part(writer, writer->parts[i]);
	finish_rows(writer);
	bulk_part_trim(writer);
	MemoryContextSwitchTo(oldcontext);
	writer->context->position = reading;
}

/* Write out the rows that were taken, whose memory may go then. */
void
bulk_writer_write_out(BulkWriter *writer)
{
	if (writer->nbuffered > 0)
		write_buffers(writer);
}

/* The same, and their entries for indexes, so that whoever looks finds them. */
void
bulk_writer_flush(BulkWriter *writer)
{
	bulk_writer_write_out(writer);
	bulk_index_flush(writer);
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
		write_buffers(writer);
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
	finish_entry(writer, part, entry);
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
			write_buffers(writer);
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

/* ---- rows that may be rejected ---- */

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

/* The part of the row that was held as the number-th, from 0. */
BulkPart *
bulk_writer_part(BulkWriter *writer, int number)
{
	return writer->order[number].part;
}

/* The row that was held as the number-th, from 0. */
BulkEntry *
bulk_writer_entry(BulkWriter *writer, int number)
{
	const BulkPlace *place = &writer->order[number];

	return &place->part->entries[place->entry];
}

/* Find the entries of each part with the rows from number from to before number to. */
static void
find_entries(BulkWriter *writer, int from, int to)
{
	for (int i = 0; i < writer->nparts; i++)
		writer->parts[i]->first = writer->parts[i]->last = 0;
	for (int i = from; i < to; i++)
	{
		const BulkPlace *place = &writer->order[i];

		if (place->part->last == 0)
			place->part->first = place->entry;
		place->part->last = place->entry + 1;
	}
}

/* Look for the parents of rows from number from on; those that lack one are suspect. */
void
bulk_writer_inspect(BulkWriter *writer, int from)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);

	find_entries(writer, from, writer->nbuffered);
	for (int i = 0; i < writer->nparts; i++)
	{
		BulkPart   *part = writer->parts[i];

		if (part->foreign != NULL && part->last > 0)
			bulk_foreign_check(part->foreign, &part->entries[part->first],
							   part->last - part->first);
	}
	for (int i = from; i < writer->nbuffered; i++)
	{
		BulkEntry  *entry = bulk_writer_entry(writer, i);

		entry->suspect |= bulk_writer_part(writer, i)->foreign != NULL && !entry->has_parents;
	}
	MemoryContextSwitchTo(oldcontext);
}

/*
 * Look again for the parents of rows from number from to before number to, if
 * what fired after rows before them may have changed some; false if not.
 */
bool
bulk_writer_inspect_again(BulkWriter *writer, int from, int to)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);
	bool		looked = false;

	find_entries(writer, from, to);
	for (int i = 0; i < writer->nparts; i++)
	{
		BulkPart   *part = writer->parts[i];

		if (part->foreign == NULL || part->last == 0 || !bulk_foreign_outdated(part->foreign))
			continue;
		bulk_foreign_check(part->foreign, &part->entries[part->first], part->last - part->first);
		looked = true;
	}
	MemoryContextSwitchTo(oldcontext);
	return looked;
}

/* No command has run since the given one that could have changed parents. */
void
bulk_writer_follow(BulkWriter *writer, CommandId command)
{
	for (int i = 0; i < writer->nparts; i++)
		if (writer->parts[i]->foreign != NULL)
			bulk_foreign_follow(writer->parts[i]->foreign, command);
}

/* Write rows from number from to before number to; they were inspected. */
void
bulk_writer_write(BulkWriter *writer, int from, int to)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);

	find_entries(writer, from, to);
	/* What an attempt before had made of them was rolled back. */
	for (int i = from; i < to; i++)
		if (bulk_writer_entry(writer, i)->outcome == BULK_INSERTED)
			bulk_writer_entry(writer, i)->outcome = BULK_PENDING;
	for (int i = 0; i < writer->nparts; i++)
		if (writer->parts[i]->last > 0)
			insert_pending(writer, writer->parts[i]);
	for (int i = from; i < to; i++)
		if (bulk_writer_entry(writer, i)->outcome == BULK_INSERTED)
			queue_triggers(writer, bulk_writer_part(writer, i), bulk_writer_entry(writer, i));
	MemoryContextSwitchTo(oldcontext);
}

/* The rows that are held are settled. */
void
bulk_writer_clear(BulkWriter *writer)
{
	for (int i = 0; i < writer->nbuffered; i++)
		if (bulk_writer_entry(writer, i)->outcome != BULK_REJECTED)
			tell_entry(writer, bulk_writer_part(writer, i), bulk_writer_entry(writer, i));
	bulk_writer_discard(writer);
	bulk_part_trim(writer);
}

/* Forget the rows that are buffered. */
void
bulk_writer_discard(BulkWriter *writer)
{
	for (int i = 0; i < writer->nbuffered; i++)
	{
		empty_entry(bulk_writer_entry(writer, i));
		bulk_writer_part(writer, i)->nentries = 0;
	}
	writer->nbuffered = 0;
	writer->bytes = 0;
}

/* The attempt in which the rows were written or inspected was rolled back. */
void
bulk_writer_forget(BulkWriter *writer)
{
	for (int i = 0; i < writer->nparts; i++)
	{
		BulkPart   *part = writer->parts[i];

		if (part->foreign == NULL)
			continue;
		bulk_foreign_forget(part->foreign);
		for (int k = 0; k < part->nentries; k++)
			part->entries[k].has_parents = false;
	}
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
