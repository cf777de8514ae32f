/*
 * bulk_hold.c
 *		Rows that may be rejected: they are held, looked at, and written in runs.
 *
 * Called by bulk_batch*.c, which takes runs back that fail.
 */
#include "bulk/bulk.h"

#include "executor/executor.h"

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
			bulk_flush_part(writer, writer->parts[i]);
	for (int i = from; i < to; i++)
		if (bulk_writer_entry(writer, i)->outcome == BULK_INSERTED)
			bulk_flush_triggers(writer, bulk_writer_part(writer, i), bulk_writer_entry(writer, i));
	MemoryContextSwitchTo(oldcontext);
}

/* The rows that are held are settled. */
void
bulk_writer_clear(BulkWriter *writer)
{
	for (int i = 0; i < writer->nbuffered; i++)
		if (bulk_writer_entry(writer, i)->outcome != BULK_REJECTED)
			bulk_flush_tell(writer, bulk_writer_part(writer, i), bulk_writer_entry(writer, i));
	bulk_writer_discard(writer);
	bulk_part_trim(writer);
}

/* Forget the rows that are buffered. */
void
bulk_writer_discard(BulkWriter *writer)
{
	for (int i = 0; i < writer->nbuffered; i++)
	{
		bulk_flush_empty(bulk_writer_entry(writer, i));
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
