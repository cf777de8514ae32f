/*
 * bulk_flush.c
 *		Buffered rows into their tables: the phases of a flush.
 *
 * All parts go through the same phases: conflicts, parents, the heap or the
 * foreign table, entries for indexes.  Then the rows, in the order of the input
 * over all parts, queue their AFTER triggers and are counted.
 *
 * Called by bulk_writer.c; for rows that are held by bulk_hold.c.
 */
#include "bulk/bulk.h"

#include "access/tableam.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "foreign/fdwapi.h"

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
void
bulk_flush_part(BulkWriter *writer, BulkPart *part)
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
	bulk_flush_part(writer, part);
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
void
bulk_flush_empty(BulkEntry *entry)
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
void
bulk_flush_triggers(BulkWriter *writer, BulkPart *part, BulkEntry *entry)
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
void
bulk_flush_tell(BulkWriter *writer, const BulkPart *part, const BulkEntry *entry)
{
	bulk_writer_settle(writer, entry);
	if (writer->note != NULL)
		writer->note->row(writer->note, part, entry);
}

/* Likewise, and make it empty. */
void
bulk_flush_finish(BulkWriter *writer, const BulkPart *part, BulkEntry *entry)
{
	bulk_flush_tell(writer, part, entry);
	bulk_flush_empty(entry);
}

/* Rows in the order of the input: triggers, counts; then the buffers are empty. */
static void
finish_rows(BulkWriter *writer)
{
	for (int i = 0; i < writer->nbuffered; i++)
	{
		BulkPart   *part = writer->order[i].part;
		BulkEntry  *entry = &part->entries[writer->order[i].entry];

		bulk_flush_triggers(writer, part, entry);
		bulk_flush_finish(writer, part, entry);
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
