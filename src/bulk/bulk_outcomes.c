/*
 * bulk_outcomes.c
 *		bulk_insert_outcomes: what became of each row, in the order of the input.
 *
 * The key of a row is that of the primary key, or of the arbiter if there is
 * none, in the row that is in the table after the load; so a row that was
 * skipped shows the key of the one in its way.
 *
 * By statement the key comes from RETURNING; it is not known for a row that was
 * not stored.  What is told there is kept in memory until no rollback can make it
 * untrue.
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
#include "utils/datum.h"
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

/* So many that were told are taken at once. */
#define OUTCOMES_AT_ONCE	1000

/* What was told of a row. */
typedef struct ToldRow
{
	uint64		row;
	BulkOutcome outcome;
	Datum		key;			/* of json, in the memory of those that wait; 0: none */
} ToldRow;

typedef struct Outcomes Outcomes;

/* Takes the keys of rows that a statement stores. */
typedef struct KeyReceiver
{
	DestReceiver receiver;		/* first, so that a receiver is one */
	Outcomes   *outcomes;
} KeyReceiver;

struct Outcomes
{
	BulkNote	note;			/* first, so that a note is its outcomes */
	Tuplesortstate *sort;
	TupleTableSlot *row;		/* of the result */
	int			nkeys;
	Relation	rel;			/* the target */
	AttrNumber *keys;			/* in it */
	TupleDesc	key_desc;
	MemoryContext memory;		/* of one row */

	/* By statement: rows that wait. */
	bool		by_statement;
	KeyReceiver receiver;
	BulkReturning returning;
	Datum		key;			/* of the row that is told next; 0: none */
	MemoryContext told_memory;
	ToldRow    *told;
	int			ntold;
	int			max_told;
	int			nsettled;		/* of these, in any case */
};

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

	outcomes->by_statement = target->path == BULK_PATH_STATEMENT;
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
		outcomes->returning.columns =
			lappend(outcomes->returning.columns,
					pstrdup(NameStr(TupleDescAttr(tupdesc, attnum - 1)->attname)));
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

/* {"column": value, ...} */
static Datum
json_of_key(const Outcomes *outcomes, Datum *values, bool *isnull)
{
	HeapTuple	tuple;
	Datum		json;

	tuple = heap_form_tuple(outcomes->key_desc, values, isnull);
	json = DirectFunctionCall1(row_to_json, HeapTupleGetDatum(tuple));
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(TextDatumGetCString(json)));
}

static Datum
make_key(const Outcomes *outcomes, const BulkPart *part, TupleTableSlot *row)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];

	for (int i = 0; i < outcomes->nkeys; i++)
		values[i] = slot_getattr(row, key_in_part(outcomes, part, i), &isnull[i]);
	return json_of_key(outcomes, values, isnull);
}

/* ---- rows ---- */

/* A row of the result, in the slot; key: 0 for none. */
static TupleTableSlot *
make_row(const Outcomes *outcomes, uint64 ordinal, BulkOutcome outcome, Datum key)
{
	TupleTableSlot *row = ExecClearTuple(outcomes->row);

	memset(row->tts_isnull, false, OUTCOME_NATTS * sizeof(bool));
	row->tts_values[OUTCOME_ORDINAL] = Int64GetDatum((int64) ordinal);
	row->tts_values[OUTCOME_NAME] = CStringGetTextDatum(outcome_names[outcome]);
	row->tts_values[OUTCOME_KEY] = key;
	row->tts_isnull[OUTCOME_KEY] = key == (Datum) 0;
	return ExecStoreVirtualTuple(row);
}

static void
outcomes_row(BulkNote *note, const BulkPart *part, const BulkEntry *entry)
{
	Outcomes   *outcomes = (Outcomes *) note;
	TupleTableSlot *stored = bulk_entry_row(entry);
	MemoryContext oldcontext = MemoryContextSwitchTo(outcomes->memory);
	Datum		key = (Datum) 0;

	if (stored != NULL && outcomes->nkeys > 0)
		key = make_key(outcomes, part, stored);
	tuplesort_puttupleslot(outcomes->sort, make_row(outcomes, entry->position.row,
													entry->outcome, key));
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(outcomes->memory);
}

/* ---- by statement ---- */

/* Rows that wait go to the others; outside of any subtransaction that may be rolled back. */
static void
take_told(Outcomes *outcomes)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(outcomes->memory);

	for (int i = 0; i < outcomes->ntold; i++)
	{
		const ToldRow *told = &outcomes->told[i];

		tuplesort_puttupleslot(outcomes->sort,
							   make_row(outcomes, told->row, told->outcome, told->key));
		MemoryContextReset(outcomes->memory);
	}
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(outcomes->told_memory);
	outcomes->ntold = outcomes->nsettled = 0;
}

static void
outcomes_settle(BulkNote *note, bool kept)
{
	Outcomes   *outcomes = (Outcomes *) note;

	outcomes->key = (Datum) 0;
	if (kept)
		take_told(outcomes);
	else
		outcomes->ntold = outcomes->nsettled;
}

static void
outcomes_told(BulkNote *note, uint64 row, BulkOutcome outcome)
{
	Outcomes   *outcomes = (Outcomes *) note;

	if (outcomes->ntold == outcomes->max_told)
	{
		outcomes->max_told *= 2;
		outcomes->told = repalloc_huge(outcomes->told, outcomes->max_told * sizeof(ToldRow));
	}
	outcomes->told[outcomes->ntold++] = (ToldRow) {row, outcome, outcomes->key};
	outcomes->key = (Datum) 0;
	if (outcome == BULK_REJECTED)
		outcomes->nsettled = outcomes->ntold;
	if (!note->in_runs && outcomes->ntold >= OUTCOMES_AT_ONCE)
		take_told(outcomes);
}

/* The key of the row of which is told next. */
static bool
receive_key(TupleTableSlot *slot, DestReceiver *self)
{
	Outcomes   *outcomes = ((KeyReceiver *) self)->outcomes;
	MemoryContext oldcontext;
	Datum		key;

	if (outcomes->nkeys == 0)
		return true;
	slot_getallattrs(slot);
	oldcontext = MemoryContextSwitchTo(outcomes->memory);
	key = json_of_key(outcomes, slot->tts_values, slot->tts_isnull);
	MemoryContextSwitchTo(outcomes->told_memory);
	outcomes->key = datumCopy(key, false, -1);
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(outcomes->memory);
	return true;
}

static void
start_keys(DestReceiver *self pg_attribute_unused(), int operation pg_attribute_unused(),
		   TupleDesc desc pg_attribute_unused())
{
}

static void
end_keys(DestReceiver *self pg_attribute_unused())
{
}

static void
begin_told(Outcomes *outcomes)
{
	DestReceiver *receiver = &outcomes->receiver.receiver;

	receiver->receiveSlot = receive_key;
	receiver->rStartup = start_keys;
	receiver->rShutdown = end_keys;
	receiver->rDestroy = end_keys;
	receiver->mydest = DestNone;
	outcomes->receiver.outcomes = outcomes;
	outcomes->returning.dest = receiver;
	outcomes->note.returning = &outcomes->returning;
	outcomes->note.told = outcomes_told;
	outcomes->note.settle = outcomes_settle;
	outcomes->max_told = OUTCOMES_AT_ONCE;
	outcomes->told = palloc(outcomes->max_told * sizeof(ToldRow));
	outcomes->told_memory = AllocSetContextCreate(CurrentMemoryContext, "bulk outcomes",
												  ALLOCSET_DEFAULT_SIZES);
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
	begin_told(outcomes);
	outcomes->memory = AllocSetContextCreate(CurrentMemoryContext, "bulk outcome",
											 ALLOCSET_DEFAULT_SIZES);
	outcomes->row = MakeSingleTupleTableSlot(tupdesc, &TTSOpsVirtual);
	outcomes->sort = tuplesort_begin_heap(tupdesc, 1, &attnum, &less, &collation, &nulls_first,
										  work_mem, NULL, TUPLESORT_NONE);
	return outcomes;
}

/* Rows that a statement leaves out, as their key comes again. */
static void
return_skipped(Outcomes *outcomes, uint64 from, uint64 to, Tuplestorestate *store)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(outcomes->memory);

	for (uint64 ordinal = from; outcomes->by_statement && ordinal < to; ordinal++)
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(store, make_row(outcomes, ordinal, BULK_SKIPPED, (Datum) 0));
		MemoryContextReset(outcomes->memory);
	}
	MemoryContextSwitchTo(oldcontext);
}

static void
return_outcomes(Outcomes *outcomes, Tuplestorestate *store)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(outcomes->row->tts_tupleDescriptor,
													&TTSOpsMinimalTuple);
	uint64		last = 0;
	bool		isnull;

	take_told(outcomes);
	tuplesort_performsort(outcomes->sort);
	while (tuplesort_gettupleslot(outcomes->sort, true, false, slot, NULL))
	{
		uint64		ordinal = DatumGetInt64(slot_getattr(slot, OUTCOME_ORDINAL + 1, &isnull));

		CHECK_FOR_INTERRUPTS();
		return_skipped(outcomes, last + 1, ordinal, store);
		tuplestore_puttupleslot(store, slot);
		last = ordinal;
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
