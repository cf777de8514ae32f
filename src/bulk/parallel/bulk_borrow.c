/*
 * bulk_borrow.c
 *		Rows that workers have made, into the writer's buffers.
 *
 * They come as heap tuples of the target's row type, and belong to the sender
 * until the writer has written them.  For the only part they were checked, and
 * are the part's rows as they are; in partitions they are checked here, and
 * converted if the partition's rows are others.
 *
 * Called by bulk_parallel.c.
 */
#include "bulk/bulk.h"

#include "executor/executor.h"

/* The tuple itself as the part's next row. */
static void
enter_borrowed(BulkWriter *writer, BulkPart *part, HeapTuple tuple)
{
	TupleTableSlot *slot = bulk_part_slot(writer, part);

	part->entries[part->nentries].borrowed = true;
	bulk_tuple_borrow(slot, tuple);
	if (writer->route != NULL)
		bulk_writer_check(part->rri, writer->target->estate, slot, true);
	slot->tts_tableOid = RelationGetRelid(part->rri->ri_RelationDesc);
	bulk_writer_enter(writer, part);
}

/* Will a tuple of the target's row type be one of the part's row as it is? */
static bool
takes_tuples(const BulkWriter *writer, BulkPart *part)
{
	const TupleConstr *constr = RelationGetDescr(part->rri->ri_RelationDesc)->constr;

	if (writer->route == NULL)
		return true;
	return part->batched && part->form != NULL &&
		(constr == NULL || !constr->has_generated_stored) &&
		purser_ExecGetRootToChildMap(part->rri, writer->target->estate) == NULL;
}

/* Take the row; its tuple stays where it is until bulk_writer_write_out. */
void
bulk_borrow_row(BulkWriter *writer, HeapTuple tuple)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);
	TupleTableSlot *slot = NULL;
	BulkPart   *part;

	if (writer->route == NULL)
		part = writer->parts[0];
	else
	{
		slot = bulk_route_tuple_slot(writer->route);
		ExecStoreHeapTuple(tuple, slot, false);
		part = bulk_route_find(writer, slot);
	}
	if (takes_tuples(writer, part))
		enter_borrowed(writer, part, tuple);
	else
		bulk_writer_take(writer, part, bulk_route_convert(writer, part, slot));
	MemoryContextSwitchTo(oldcontext);
}
