/*
 * bulk_outcomes.c
 *		bulk_insert_outcomes: what became of each row, in the order of the input.
 *
 * The key of a row is that of the primary key, or of the arbiter if there is
 * none, in the row that is in the table after the load; so a row that was
 * skipped shows the key of the one in its way.
 *
 * Rows are sorted by their ordinal, as those of several partitions come mixed.
 */
#include "bulk.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_operator.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonfuncs.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"
#include "utils/tuplestore.h"

/* Attributes of a result row. */
enum
{
	OUTCOME_ORDINAL,
	OUTCOME_NAME,
	OUTCOME_KEY,
	OUTCOME_NATTS
};

typedef struct Outcomes
{
	BulkNote	note;			/* first, so that a note is its outcomes */
	Tuplesortstate *sort;
	TupleTableSlot *row;		/* of the result */
	int			nkeys;
	Relation	rel;			/* the target */
	AttrNumber *keys;			/* in it */
	TupleDesc	key_desc;
	MemoryContext memory;		/* of one row */
} Outcomes;

static const char *const outcome_names[BULK_NOUTCOMES] = {
	[BULK_PENDING] = "pending",
	[BULK_INSERTED] = "inserted",
	[BULK_UPDATED] = "updated",
	[BULK_UNCHANGED] = "unchanged",
	[BULK_SKIPPED] = "skipped",
	[BULK_REJECTED] = "rejected",
	[BULK_SUPPRESSED] = "suppressed"
};

/* ---- the key ---- */

/* Attnums, as permission infos count, of the primary key; else of the arbiter; else none. */
static Bitmapset *
key_columns(const BulkTarget *target)
{
	Bitmapset  *key = RelationGetIndexAttrBitmap(target->rel, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	int			attnum = -1;

	if (key != NULL)
		return key;
	while ((attnum = bms_next_member(target->key, attnum)) >= 0)
		key = bms_add_member(key, attnum - FirstLowInvalidHeapAttributeNumber);
	return key;
}

static void
outcomes_begin(BulkNote *note, BulkTarget *target)
{
	Outcomes   *outcomes = (Outcomes *) note;
	TupleDesc	tupdesc = RelationGetDescr(target->rel);
	Bitmapset  *key = key_columns(target);
	int			bit = -1;

	if (bms_is_empty(key))
		return;
	bulk_target_require(target, ACL_SELECT, key);
	outcomes->rel = target->rel;
	outcomes->keys = palloc(bms_num_members(key) * sizeof(AttrNumber));
	outcomes->key_desc = CreateTemplateTupleDesc(bms_num_members(key));
	while ((bit = bms_next_member(key, bit)) >= 0)
	{
		AttrNumber	attnum = bit + FirstLowInvalidHeapAttributeNumber;

		outcomes->keys[outcomes->nkeys++] = attnum;
		TupleDescCopyEntry(outcomes->key_desc, outcomes->nkeys, tupdesc, attnum);
	}
	BlessTupleDesc(outcomes->key_desc);
}

/* The column of the key in the part, which may be a partition with columns in another order. */
static AttrNumber
key_in_part(const Outcomes *outcomes, const BulkPart *part, int i)
{
	Relation	rel = part->rri->ri_RelationDesc;

	if (rel == outcomes->rel)
		return outcomes->keys[i];
	return get_attnum(RelationGetRelid(rel),
					  NameStr(TupleDescAttr(outcomes->key_desc, i)->attname));
}

/* {"column": value, ...} of the row */
static Datum
make_key(const Outcomes *outcomes, const BulkPart *part, TupleTableSlot *row)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];
	HeapTuple	tuple;
	Datum		json;

	for (int i = 0; i < outcomes->nkeys; i++)
		values[i] = slot_getattr(row, key_in_part(outcomes, part, i), &isnull[i]);
	tuple = heap_form_tuple(outcomes->key_desc, values, isnull);
	json = DirectFunctionCall1(row_to_json, HeapTupleGetDatum(tuple));
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(TextDatumGetCString(json)));
}

/* ---- rows ---- */

static void
outcomes_row(BulkNote *note, const BulkPart *part, const BulkEntry *entry)
{
	Outcomes   *outcomes = (Outcomes *) note;
	TupleTableSlot *stored = bulk_entry_row(entry);
	TupleTableSlot *row = ExecClearTuple(outcomes->row);
	MemoryContext oldcontext = MemoryContextSwitchTo(outcomes->memory);

	row->tts_values[OUTCOME_ORDINAL] = Int64GetDatum((int64) entry->position.row);
	row->tts_values[OUTCOME_NAME] = CStringGetTextDatum(outcome_names[entry->outcome]);
	memset(row->tts_isnull, false, OUTCOME_NATTS * sizeof(bool));
	row->tts_isnull[OUTCOME_KEY] = stored == NULL || outcomes->nkeys == 0;
	if (!row->tts_isnull[OUTCOME_KEY])
		row->tts_values[OUTCOME_KEY] = make_key(outcomes, part, stored);
	tuplesort_puttupleslot(outcomes->sort, ExecStoreVirtualTuple(row));
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(outcomes->memory);
}

/* A note that collects rows of the result. */
static Outcomes *
begin_outcomes(TupleDesc tupdesc)
{
	Outcomes   *outcomes = palloc0(sizeof(Outcomes));
	AttrNumber	attnum = OUTCOME_ORDINAL + 1;
	Oid			less = Int8LessOperator;
	Oid			collation = InvalidOid;
	bool		nulls_first = false;

	outcomes->note.begin = outcomes_begin;
	outcomes->note.row = outcomes_row;
	outcomes->memory = AllocSetContextCreate(CurrentMemoryContext, "bulk outcome",
											 ALLOCSET_DEFAULT_SIZES);
	outcomes->row = MakeSingleTupleTableSlot(tupdesc, &TTSOpsVirtual);
	outcomes->sort = tuplesort_begin_heap(tupdesc, 1, &attnum, &less, &collation, &nulls_first,
										  work_mem, NULL, TUPLESORT_NONE);
	return outcomes;
}

static void
return_outcomes(Outcomes *outcomes, Tuplestorestate *store)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(outcomes->row->tts_tupleDescriptor,
													&TTSOpsMinimalTuple);

	tuplesort_performsort(outcomes->sort);
	while (tuplesort_gettupleslot(outcomes->sort, true, false, slot, NULL))
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(store, slot);
	}
	tuplesort_end(outcomes->sort);
	ExecDropSingleTupleTableSlot(slot);
	ExecDropSingleTupleTableSlot(outcomes->row);
}

/* Load, and return a row for each row of the input. */
Datum
bulk_outcomes_return(FunctionCallInfo fcinfo, Oid relid, const BulkInput *input,
					 BulkOptions *options)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Outcomes   *outcomes;

	InitMaterializedSRF(fcinfo, 0);
	outcomes = begin_outcomes(result->setDesc);
	options->note = &outcomes->note;
	(void) bulk_load(relid, input, options);
	return_outcomes(outcomes, result->setResult);
	return (Datum) 0;
}
