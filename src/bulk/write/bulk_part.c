/*
 * bulk_part.c
 *		The tables that rows go into, each with its buffer.
 *
 * The target is the only part, or its partitions are, made when a first row
 * goes there.  A part stays until the end of the load; its buffer may be closed
 * when many others are open, and is opened again for the next row.
 *
 * Called by bulk_writer.c and bulk_route.c.
 */
#include "bulk/bulk.h"

/* Of the keys of parents that are known, over all parts, in bytes. */
#define KNOWN_MEMORY	((Size) 16 * 1024 * 1024)

#include "access/heapam.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "foreign/fdwapi.h"

/* Buffers that stay open, as for COPY. */
#define BULK_OPEN_PARTS		32

/* Room in a buffer that was just opened, in rows. */
#define BULK_FIRST_ENTRIES	16

/* With foreign tables, who looks for a conflict would have to ask the other side. */
static void
check_conflicts(const BulkPart *part, const struct BulkOptions *options)
{
	if (options->on_conflict != BULK_CONFLICT_ERROR && part->rri->ri_FdwRoutine != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot resolve conflicts in foreign table \"%s\"",
						RelationGetRelationName(part->rri->ri_RelationDesc)),
				 errhint("Only the on_conflict \"error\" works with foreign partitions.")));
}

/* What ExecOpenIndices was not asked for when the partition was opened. */
static void
prepare_conflicts(BulkWriter *writer, BulkPart *part)
{
	ResultRelInfo *rri = part->rri;

	check_conflicts(part, writer->options);
	if ((writer->options->on_conflict != BULK_CONFLICT_ERROR || writer->options->rejects) &&
		rri != writer->target->rri)
		for (int i = 0; i < rri->ri_NumIndices; i++)
			if (rri->ri_IndexRelationInfo[i]->ii_Unique &&
				!rri->ri_IndexRelationDescs[i]->rd_index->indisexclusion)
				BuildSpeculativeIndexInfo(rri->ri_IndexRelationDescs[i],
										  rri->ri_IndexRelationInfo[i]);
	part->conflict = bulk_conflict_begin(writer, part);
}

/* In a table as new as this transaction there is no free space to find. */
static int
insert_options(Relation rel)
{
	if (rel->rd_createSubid != InvalidSubTransactionId ||
		rel->rd_firstRelfilelocatorSubid != InvalidSubTransactionId)
		return TABLE_INSERT_SKIP_FSM;
	return 0;
}

static void
add_part(BulkWriter *writer, BulkPart *part)
{
	if (writer->nparts == writer->max_parts)
	{
		writer->max_parts = Max(2 * writer->max_parts, 4);
		writer->parts = writer->parts == NULL ?
			palloc(writer->max_parts * sizeof(BulkPart *)) :
			repalloc(writer->parts, writer->max_parts * sizeof(BulkPart *));
	}
	writer->parts[writer->nparts++] = part;
}

/* Where rows may be rejected, AFTER ROW triggers do not wait for the end of the load. */
static bool
fires_early(const BulkWriter *writer, const ResultRelInfo *rri)
{
	return writer->options->rejects && rri->ri_TrigDesc != NULL &&
		rri->ri_TrigDesc->trig_insert_after_row;
}

/* May indexes wait until the end?  Who looks at the table wants to find the rows before. */
static bool
can_rebuild(const BulkWriter *writer, const BulkPart *part)
{
	const BulkTarget *target = writer->target;

	return target->rebuild && part->batched && part->conflict == NULL &&
		!fires_early(writer, part->rri) && !target->casts_may_read &&
		!bulk_sight_defaults(target);
}

/* A part for the table; in the query context. */
BulkPart *
bulk_part_make(BulkWriter *writer, ResultRelInfo *rri)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);
	BulkPart   *part = palloc0(sizeof(BulkPart));

	part->rri = rri;
	part->tupdesc = CreateTupleDescCopyConstr(RelationGetDescr(rri->ri_RelationDesc));
	part->insert_options = insert_options(rri->ri_RelationDesc);
	part->form = bulk_tuple_prepare(rri->ri_RelationDesc);
	prepare_conflicts(writer, part);
	part->batched = writer->batched && !bulk_sight_rows(rri, writer->target->sets != NULL) &&
		(part->conflict == NULL ||
		 (bulk_conflict_batched(part->conflict) && !writer->options->rejects));
	if (can_rebuild(writer, part))
		bulk_rebuild_set_aside(writer->target);
	if (part->conflict == NULL)
		part->indexes = bulk_index_begin(rri);
	part->foreign = bulk_foreign_begin(rri);
	add_part(writer, part);
	MemoryContextSwitchTo(oldcontext);
	return part;
}

/* Room for one more row. */
static void
grow_buffer(BulkPart *part)
{
	int			old = part->max_entries;

	if (old == 0 && part->conflict == NULL && part->rri->ri_FdwRoutine == NULL)
		part->bistate = GetBulkInsertState();
	part->max_entries = Max(2 * old, BULK_FIRST_ENTRIES);
	if (old == 0)
		part->entries = palloc(part->max_entries * sizeof(BulkEntry));
	else
		part->entries = repalloc(part->entries, part->max_entries * sizeof(BulkEntry));
	memset(part->entries + old, 0, (part->max_entries - old) * sizeof(BulkEntry));
}

/*
 * A slot for rows of the part.  The resource owner would remember the
 * relation's own descriptor once for each, and take longer for each.
 */
TupleTableSlot *
bulk_part_make_slot(BulkWriter *writer, const BulkPart *part)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);
	TupleTableSlot *slot = bulk_tuple_slot(part->form, part->rri->ri_RelationDesc, part->tupdesc);

	MemoryContextSwitchTo(oldcontext);
	return slot;
}

/* An empty slot for the part's next row. */
TupleTableSlot *
bulk_part_slot(BulkWriter *writer, BulkPart *part)
{
	BulkEntry  *entry;

	if (part->nentries == part->max_entries || part->entries[part->nentries].slot == NULL)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(writer->target->estate->es_query_cxt);

		if (part->nentries == part->max_entries)
			grow_buffer(part);
		entry = &part->entries[part->nentries];
		if (entry->slot == NULL)
			entry->slot = bulk_part_make_slot(writer, part);
		MemoryContextSwitchTo(oldcontext);
	}
	return ExecClearTuple(part->entries[part->nentries].slot);
}

static void
drop_slots(BulkEntry *entry)
{
	ExecDropSingleTupleTableSlot(entry->slot);
	if (entry->stored != NULL)
		ExecDropSingleTupleTableSlot(entry->stored);
}

/* Close the buffer, which is empty. */
static void
close_buffer(const BulkWriter *writer, BulkPart *part)
{
	ResourceOwner owner = CurrentResourceOwner;

	if (part->max_entries == 0)
		return;
	if (part->bistate != NULL)
		FreeBulkInsertState(part->bistate);
	part->bistate = NULL;
	CurrentResourceOwner = writer->owner;
	for (int i = 0; i < part->max_entries && part->entries[i].slot != NULL; i++)
		drop_slots(&part->entries[i]);
	CurrentResourceOwner = owner;
	pfree(part->entries);
	part->entries = NULL;
	part->max_entries = 0;
	if (part->rri->ri_FdwRoutine == NULL)
		table_finish_bulk_insert(part->rri->ri_RelationDesc, part->insert_options);
}

/* When the known parents' keys of all parts take too much, forget them. */
static void
bound_known(BulkWriter *writer)
{
	Size		size = 0;

	for (int i = 0; i < writer->nparts; i++)
		if (writer->parts[i]->foreign != NULL)
			size += bulk_foreign_size(writer->parts[i]->foreign);
	for (int i = 0; size > KNOWN_MEMORY && i < writer->nparts; i++)
		if (writer->parts[i]->foreign != NULL)
			bulk_foreign_forget(writer->parts[i]->foreign);
}

/* When too many buffers are open, close those of the oldest parts; all are empty. */
void
bulk_part_trim(BulkWriter *writer)
{
	int			nopen = 0;

	for (int i = writer->nparts - 1; i >= 0; i--)
	{
		BulkPart   *part = writer->parts[i];

		if (part->max_entries == 0)
			continue;
		if (++nopen <= BULK_OPEN_PARTS)
			continue;
		close_buffer(writer, part);
		if (part->foreign != NULL)
			bulk_foreign_forget(part->foreign);
	}
	bound_known(writer);
}

void
bulk_part_end(const BulkWriter *writer, BulkPart *part)
{
	close_buffer(writer, part);
	if (part->foreign != NULL)
		bulk_foreign_end(part->foreign);
}
