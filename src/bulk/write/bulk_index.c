/*
 * bulk_index.c
 *		Entries for the rows of a part in its indexes.
 *
 * Small loads, and indexes other than those that bulk_run.c knows to sort, get
 * their entries at once, row by row, as from INSERT.  When a part has seen some
 * rows, its other indexes collect entries over many batches; those whose keys
 * turn out to come in order are given back.  Where conflicts are resolved
 * nothing is collected, as the search for them needs the entries.  Where rows
 * may be rejected, unique indexes get their entries at once, since it must be
 * known of each row in its turn; and if triggers fire for rows, all do.  What is
 * collected is inserted when it takes too much memory, when something may look
 * at the table, and before triggers fire at the end.
 *
 * Until then other sessions do not see the rows, and this one has no
 * opportunity to look; a key that is inserted elsewhere meanwhile is found
 * when the entry is inserted, as if the row had come then.
 *
 * Called by bulk_writer.c.
 */
#include "bulk/bulk.h"

#include "executor/executor.h"

/* Rows of a part whose entries are inserted at once before any are collected. */
#define INDEX_FIRST_ROWS	1000

/* What collected entries may take, of all indexes, in bytes. */
#define INDEX_MEMORY		((Size) 24 * 1024 * 1024)

struct BulkIndexSet
{
	ResultRelInfo *rri;
	uint64		nrows;			/* that the part has seen, while nothing is collected */
	bool		collect;
	BulkRun   **runs;			/* by number of the index; NULL: entries go there at once */
	ResultRelInfo direct;		/* the part with only these indexes */
};

static void
set_direct(BulkIndexSet *indexes)
{
	const ResultRelInfo *rri = indexes->rri;
	ResultRelInfo *direct = &indexes->direct;

	direct->ri_NumIndices = 0;
	for (int i = 0; i < rri->ri_NumIndices; i++)
	{
		int			n = direct->ri_NumIndices;

		if (indexes->runs[i] != NULL)
			continue;
		direct->ri_IndexRelationDescs[n] = rri->ri_IndexRelationDescs[i];
		direct->ri_IndexRelationInfo[n] = rri->ri_IndexRelationInfo[i];
		direct->ri_NumIndices++;
	}
}

/* In the current memory context; NULL if there are no indexes. */
BulkIndexSet *
bulk_index_begin(ResultRelInfo *rri)
{
	BulkIndexSet *indexes;

	if (rri->ri_NumIndices == 0)
		return NULL;
	indexes = palloc0(sizeof(BulkIndexSet));
	indexes->rri = rri;
	indexes->runs = palloc0(rri->ri_NumIndices * sizeof(BulkRun *));
	indexes->direct = *rri;
	indexes->direct.ri_IndexRelationDescs = palloc(rri->ri_NumIndices * sizeof(Relation));
	indexes->direct.ri_IndexRelationInfo = palloc(rri->ri_NumIndices * sizeof(IndexInfo *));
	set_direct(indexes);
	return indexes;
}

/* May entries for rows of the part wait? */
static bool
may_wait(const BulkWriter *writer, const BulkPart *part)
{
	const TriggerDesc *triggers = part->rri->ri_TrigDesc;

	if (!part->batched || part->conflict != NULL)
		return false;
	if (!writer->options->rejects)
		return true;
	return writer->holds && (triggers == NULL || !triggers->trig_insert_after_row ||
							 (part->foreign != NULL && bulk_foreign_is_all(part->foreign)));
}

/* From here on, collect where that can be done. */
static void
start_collecting(BulkWriter *writer, BulkIndexSet *indexes)
{
	const ResultRelInfo *rri = indexes->rri;

	indexes->collect = true;
	for (int i = 0; i < rri->ri_NumIndices; i++)
		if (!writer->options->rejects || !rri->ri_IndexRelationInfo[i]->ii_Unique)
			indexes->runs[i] = bulk_run_begin(rri->ri_RelationDesc, rri->ri_IndexRelationDescs[i],
										  rri->ri_IndexRelationInfo[i]);
	set_direct(indexes);
	if (writer->collected.context == NULL)
		writer->collected.context = AllocSetContextCreate(writer->target->estate->es_query_cxt,
														  "pg_purser index entries",
														  ALLOCSET_DEFAULT_SIZES);
}

/* Give indexes back for which it does not pay. */
static void
judge_runs(BulkWriter *writer, BulkIndexSet *indexes)
{
	for (int i = 0; i < indexes->rri->ri_NumIndices; i++)
	{
		BulkRun    *run = indexes->runs[i];

		if (run == NULL || bulk_run_pays(run))
			continue;
		bulk_run_insert(run, writer->context);
		indexes->runs[i] = NULL;
	}
	set_direct(indexes);
}

static void
insert_entries(BulkWriter *writer, BulkIndexSet *indexes, BulkEntry *entry)
{
	EState	   *estate = writer->target->estate;
	MemoryContext oldcontext;

	if (indexes->direct.ri_NumIndices > 0)
		entry->recheck = purser_ExecInsertIndexTuples(&indexes->direct, estate, 0, entry->slot,
													  NIL, NULL);
	if (!indexes->collect)
		return;
	oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
	for (int i = 0; i < indexes->rri->ri_NumIndices; i++)
		if (indexes->runs[i] != NULL)
			bulk_run_add(indexes->runs[i], entry->slot, estate, &entry->position,
						 &writer->collected);
	MemoryContextSwitchTo(oldcontext);
}

/* Entries for rows of the part that are in the heap: those at these places. */
void
bulk_index_insert(BulkWriter *writer, BulkPart *part, const int *places, int nplaces)
{
	BulkIndexSet *indexes = part->indexes;

	if (!indexes->collect && indexes->nrows >= INDEX_FIRST_ROWS && may_wait(writer, part))
		start_collecting(writer, indexes);
	indexes->nrows += nplaces;
	for (int i = 0; i < nplaces; i++)
	{
		BulkEntry  *entry = &part->entries[places[i]];

		writer->context->position = entry->position;
		insert_entries(writer, indexes, entry);
	}
	if (!indexes->collect)
		return;
	judge_runs(writer, indexes);
	if (MemoryContextMemAllocated(writer->collected.context, false) > INDEX_MEMORY)
		bulk_index_flush(writer);
}

/* ---- what was collected ---- */

static void
forget_memory(BulkWriter *writer)
{
	MemoryContextReset(writer->collected.context);
	writer->collected.left = 0;
}

/* Insert what was collected. */
void
bulk_index_flush(BulkWriter *writer)
{
	BulkPosition reading = writer->context->position;

	if (writer->collected.context == NULL)
		return;
	for (int p = 0; p < writer->nparts; p++)
	{
		BulkIndexSet *indexes = writer->parts[p]->indexes;

		for (int i = 0; indexes != NULL && i < indexes->rri->ri_NumIndices; i++)
			if (indexes->runs[i] != NULL)
				bulk_run_insert(indexes->runs[i], writer->context);
	}
	forget_memory(writer);
	writer->context->position = reading;
}

/* Do it with each run that waits. */
static void
for_all_runs(BulkWriter *writer, void (*step) (BulkRun *run))
{
	if (writer->collected.context == NULL)
		return;
	for (int p = 0; p < writer->nparts; p++)
	{
		BulkIndexSet *indexes = writer->parts[p]->indexes;

		for (int i = 0; indexes != NULL && i < indexes->rri->ri_NumIndices; i++)
			if (indexes->runs[i] != NULL)
				step(indexes->runs[i]);
	}
}

/* An attempt begins: what is collected by now is of rows that stay. */
void
bulk_index_mark(BulkWriter *writer)
{
	for_all_runs(writer, bulk_run_mark);
}

/* The attempt was rolled back: forget what was collected in it, for rows that are not there. */
void
bulk_index_rollback(BulkWriter *writer)
{
	for_all_runs(writer, bulk_run_rollback);
}

/* Did inserting what was collected fail?  Then entries of rows that stay are lost. */
bool
bulk_index_is_broken(const BulkWriter *writer)
{
	for (int p = 0; p < writer->nparts; p++)
	{
		const BulkIndexSet *indexes = writer->parts[p]->indexes;

		for (int i = 0; indexes != NULL && i < indexes->rri->ri_NumIndices; i++)
			if (indexes->runs[i] != NULL && bulk_run_is_broken(indexes->runs[i]))
				return true;
	}
	return false;
}

/* After a rollback of the rows for which entries were collected: there is nothing to insert. */
void
bulk_index_forget(BulkWriter *writer)
{
	if (writer->collected.context == NULL)
		return;
	for_all_runs(writer, bulk_run_forget);
	forget_memory(writer);
}
