/*
 * bulk_rows.c
 *		Rows that wait in a tuplestore for the statement over them.
 *
 * The store is in memory up to work_mem and in a temporary file beyond; only
 * the shapes grow with the input, one for each distinct set of columns.
 *
 * Called by bulk_load.c, and by all that read the rows.
 */
#include "bulk/bulk.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/hsearch.h"

/* What a shape's entry has behind its key, which is the columns that it names. */
static int *
number_of(const BulkRows *rows, void *entry)
{
	return (int *) ((char *) entry + MAXALIGN(rows->target->ncolumns));
}

static TupleDesc
make_desc(const BulkTarget *target)
{
	TupleDesc	columns = RelationGetDescr(target->rel);
	TupleDesc	desc = CreateTemplateTupleDesc(target->ncolumns + 2);

	for (int i = 0; i < target->ncolumns; i++)
	{
		Form_pg_attribute att = TupleDescAttr(columns, i);
		char		name[NAMEDATALEN];

		/* Names of ours, whatever those of the target are. */
		snprintf(name, sizeof(name), "c%d", i + 1);
		if (att->attisdropped)
			TupleDescInitEntry(desc, i + 1, name, INT4OID, -1, 0);
		else
		{
			TupleDescInitEntry(desc, i + 1, name, att->atttypid, att->atttypmod, att->attndims);
			TupleDescInitEntryCollation(desc, i + 1, att->attcollation);
		}
	}
	TupleDescInitEntry(desc, target->ncolumns + 1, "ordinal", INT8OID, -1, 0);
	TupleDescInitEntry(desc, target->ncolumns + 2, "shape", INT4OID, -1, 0);
	purser_TupleDescFinalize(desc);
	return desc;
}

/* No rows yet; in the memory of the target's executor state. */
BulkRows *
bulk_rows_begin(BulkTarget *target)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(target->estate->es_query_cxt);
	BulkRows   *rows = palloc0(sizeof(BulkRows));
	HASHCTL		info = {0};

	rows->target = target;
	rows->desc = make_desc(target);
	rows->slot = MakeSingleTupleTableSlot(rows->desc, &TTSOpsVirtual);
	rows->stored = MakeSingleTupleTableSlot(rows->desc, &TTSOpsMinimalTuple);
	rows->store = tuplestore_begin_heap(false, false, work_mem);
	rows->maxshapes = 16;
	rows->shapes = palloc(rows->maxshapes * sizeof(bool *));
	rows->shape = palloc0(Max(target->ncolumns, 1) * sizeof(bool));
	rows->last_shape = -1;
	info.keysize = Max(target->ncolumns, 1) * sizeof(bool);
	info.entrysize = MAXALIGN(info.keysize) + sizeof(int);
	info.hcxt = CurrentMemoryContext;
	rows->numbers = hash_create("shapes of rows", 16, &info,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	MemoryContextSwitchTo(oldcontext);
	return rows;
}

static int
new_shape(BulkRows *rows, void *entry)
{
	if (rows->nshapes == rows->maxshapes)
	{
		rows->maxshapes *= 2;
		rows->shapes = repalloc(rows->shapes, rows->maxshapes * sizeof(bool *));
	}
	rows->shapes[rows->nshapes] = entry;
	*number_of(rows, entry) = rows->nshapes;
	return rows->nshapes++;
}

/* The number of the shape of the row; most often it is that of the row before. */
static int
find_shape(BulkRows *rows, const BulkField *fields)
{
	int			ncolumns = rows->target->ncolumns;
	void	   *entry;
	bool		found;

	for (int i = 0; i < ncolumns; i++)
		rows->shape[i] = fields[i].kind != BULK_MISSING;
	if (rows->last_shape >= 0 &&
		memcmp(rows->shapes[rows->last_shape], rows->shape, ncolumns * sizeof(bool)) == 0)
		return rows->last_shape;
	entry = hash_search(rows->numbers, rows->shape, HASH_ENTER, &found);
	return found ? *number_of(rows, entry) : new_shape(rows, entry);
}

/* A key column must be there; a null is, and matches nothing. */
static void
check_keys(const BulkTarget *target, const BulkField *fields)
{
	for (int i = 0; i < target->nkeys; i++)
		if (fields[target->keys[i]].kind == BULK_MISSING)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("row has no value for key column \"%s\"",
							target->columns[target->keys[i]].name)));
}

/* Make the row of the fields, in the slot. */
void
bulk_rows_make(BulkRows *rows, BulkContext *context, uint64 ordinal, const BulkField *fields)
{
	int			i = rows->target->ncolumns;

	check_keys(rows->target, fields);
	ExecClearTuple(rows->slot);
	bulk_coerce_row(rows->target, context, fields, rows->slot);
	rows->last_shape = find_shape(rows, fields);
	rows->slot->tts_values[i] = Int64GetDatum((int64) ordinal);
	rows->slot->tts_isnull[i] = false;
	rows->slot->tts_values[i + 1] = Int32GetDatum(rows->last_shape);
	rows->slot->tts_isnull[i + 1] = false;
	ExecStoreVirtualTuple(rows->slot);
}

/* Store the row that is in the slot. */
void
bulk_rows_put(BulkRows *rows, uint64 ordinal)
{
	tuplestore_puttupleslot(rows->store, rows->slot);
	ExecClearTuple(rows->slot);
	rows->last_ordinal = ordinal;
	rows->nrows++;
}

/* The ordinal of a stored row, or the number of its shape. */
int64
bulk_rows_number(BulkRows *rows, TupleTableSlot *slot, AttrNumber attnum)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, attnum, &isnull);

	return attnum == BULK_ROWS_ORDINAL(rows) ? DatumGetInt64(value) : DatumGetInt32(value);
}

void
bulk_rows_end(BulkRows *rows)
{
	if (rows->store != NULL)
		tuplestore_end(rows->store);
	ExecDropSingleTupleTableSlot(rows->slot);
	ExecDropSingleTupleTableSlot(rows->stored);
	hash_destroy(rows->numbers);
}
