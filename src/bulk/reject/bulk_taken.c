/*
 * bulk_taken.c
 *		Rows of a batch that unique and exclusion constraints will refuse, found
 *		before anything is written.
 *
 * What is found is a suspicion: the row is tried by itself, when all rows
 * before it are settled, and looked up again then.  But if nothing else can
 * happen to rows of the part, it is noted which row is in the way: then the
 * suspect need not be tried once that one is in the table.  Deferrable
 * constraints are checked later, and not here.
 *
 * Called by bulk_batch_inspect.c and bulk_batch_write.c.
 */
#include "bulk/bulk.h"

#include "access/genam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"

struct BulkTaken
{
	BulkWriter *writer;
};

BulkTaken *
bulk_taken_begin(BulkWriter *writer)
{
	BulkTaken  *probe = MemoryContextAlloc(writer->target->estate->es_query_cxt,
										   sizeof(BulkTaken));

	probe->writer = writer;
	return probe;
}

static bool
is_checked_at_once(Relation index, const IndexInfo *info)
{
	return (info->ii_Unique || info->ii_ExclusionOps != NULL) &&
		info->ii_ReadyForInserts && index->rd_index->indimmediate;
}

/*
 * Is a row of the part refused for sure when its key is taken?  Not if another
 * index may have refused it before, or if triggers may make room for it.
 */
static bool
is_decisive(const BulkPart *part)
{
	const ResultRelInfo *rri = part->rri;
	const TriggerDesc *triggers = rri->ri_TrigDesc;

	if (triggers != NULL && triggers->trig_insert_after_row &&
		(part->foreign == NULL || !bulk_foreign_is_all(part->foreign)))
		return false;
	for (int i = 0; i < rri->ri_NumIndices; i++)
	{
		const IndexInfo *info = rri->ri_IndexRelationInfo[i];

		if (info->ii_ExclusionOps != NULL || info->ii_Expressions != NIL ||
			info->ii_Predicate != NIL)
			return false;
	}
	return true;
}

/* Does a row in the table have what the index wants only once? */
bool
bulk_taken_by_index(BulkWriter *writer, ResultRelInfo *rri, Relation index, TupleTableSlot *slot)
{
	ItemPointerData in_the_way;
	ItemPointerData none;
	List	   *arbiters = list_make1_oid(RelationGetRelid(index));
	bool		taken;

	ItemPointerSetInvalid(&none);
	taken = !purser_ExecCheckIndexConstraints(rri, slot, writer->target->estate, &in_the_way,
											  &none, arbiters);
	list_free(arbiters);
	return taken;
}

/* What is not decisive is a suspicion. */
static void
forget_refusals(BulkWriter *writer, const BulkPart *part, int from)
{
	for (int i = from; i < writer->nbuffered; i++)
		if (bulk_writer_part(writer, i) == part)
			bulk_writer_entry(writer, i)->refusal = 0;
}

/* Mark rows from number from on that will be refused. */
void
bulk_taken_rows(BulkTaken *probe, int from)
{
	BulkWriter *writer = probe->writer;
	MemoryContext oldcontext =
		MemoryContextSwitchTo(GetPerTupleMemoryContext(writer->target->estate));

	for (int i = 0; i < writer->nparts; i++)
	{
		ResultRelInfo *rri = writer->parts[i]->rri;

		for (int k = 0; k < rri->ri_NumIndices; k++)
			if (writer->parts[i]->nentries > 0 &&
				is_checked_at_once(rri->ri_IndexRelationDescs[k], rri->ri_IndexRelationInfo[k]))
				bulk_taken_probe(writer, writer->parts[i], k, from);
		if (!is_decisive(writer->parts[i]))
			forget_refusals(writer, writer->parts[i], from);
	}
	MemoryContextSwitchTo(oldcontext);
}

/* ---- one row ---- */

/* The error that the insertion into the index would raise; in the current memory context. */
static ErrorData *
make_error(BulkWriter *writer, ResultRelInfo *rri, int number, TupleTableSlot *slot)
{
	Relation	index = rri->ri_IndexRelationDescs[number];
	Relation	rel = rri->ri_RelationDesc;
	ErrorData  *error = palloc0(sizeof(ErrorData));
	Datum		values[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];
	char	   *key;

	GetPerTupleExprContext(writer->target->estate)->ecxt_scantuple = slot;
	FormIndexDatum(rri->ri_IndexRelationInfo[number], slot, writer->target->estate,
				   values, isnull);
	key = BuildIndexValueDescription(index, values, isnull);
	error->elevel = ERROR;
	error->sqlerrcode = ERRCODE_UNIQUE_VIOLATION;
	error->message = psprintf(_("duplicate key value violates unique constraint \"%s\""),
							  RelationGetRelationName(index));
	if (key != NULL)
		error->detail = psprintf(_("Key %s already exists."), key);
	error->schema_name = get_namespace_name(RelationGetNamespace(rel));
	error->table_name = pstrdup(RelationGetRelationName(rel));
	error->constraint_name = pstrdup(RelationGetRelationName(index));
	error->assoc_context = CurrentMemoryContext;
	return error;
}

/* Of a row whose refusal is known; in the given memory context. */
ErrorData *
bulk_taken_error(BulkTaken *probe, int number, MemoryContext memory)
{
	BulkWriter *writer = probe->writer;
	const BulkEntry *entry = bulk_writer_entry(writer, number);
	MemoryContext oldcontext = MemoryContextSwitchTo(memory);
	ErrorData  *error = make_error(writer, bulk_writer_part(writer, number)->rri,
								   entry->refusal - 1, entry->slot);

	MemoryContextSwitchTo(oldcontext);
	return error;
}

/* Raise an error if a unique constraint refuses the row. */
void
bulk_taken_refuse(BulkTaken *probe, int number)
{
	BulkWriter *writer = probe->writer;
	ResultRelInfo *rri = bulk_writer_part(writer, number)->rri;
	BulkEntry  *entry = bulk_writer_entry(writer, number);
	MemoryContext oldcontext =
		MemoryContextSwitchTo(GetPerTupleMemoryContext(writer->target->estate));

	writer->context->position = entry->position;
	for (int k = 0; k < rri->ri_NumIndices; k++)
	{
		Relation	index = rri->ri_IndexRelationDescs[k];
		const IndexInfo *info = rri->ri_IndexRelationInfo[k];

		if (is_checked_at_once(index, info) && info->ii_ExclusionOps == NULL &&
			bulk_taken_by_index(writer, rri, index, entry->slot))
			ThrowErrorData(make_error(writer, rri, k, entry->slot));
	}
	MemoryContextSwitchTo(oldcontext);
}
