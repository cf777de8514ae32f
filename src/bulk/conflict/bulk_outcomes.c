/*
 * bulk_outcomes.c
 *		bulk_insert_outcomes: what became of each row, in the order of the input.
 *
 * The key of a row is that of the primary key, or of the arbiter if there is
 * none, in the row that is in the table after the load; so a row that was
 * skipped shows the key of the one in its way.
 *
 * By statement the key comes from RETURNING; it is not known for a row that was
 * not stored.
 *
 * Rows are sorted by their ordinal, as those of several partitions come mixed.
 * Where rows may be rejected, what is told of a batch waits until that is sure.
 */
#include "bulk/bulk.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_operator.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
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
	bool		waits;			/* rows may be told again */
	MemoryContext told_memory;
	HTAB	   *told;			/* rows that wait, by ordinal; NULL: none */

	/* Where rows go by statement. */
	bool		by_statement;
	KeyReceiver receiver;
	BulkReturning returning;
	MemoryContext key_memory;
	bool		has_key;		/* the row that is told next */
	Datum		key;			/* of it */
};

/* What was told of a row last. */
typedef struct ToldRow
{
	int64		ordinal;
	BulkOutcome outcome;
	bool		has_key;
	Datum		key;
} ToldRow;

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

/* To the result. */
static void
put_row(Outcomes *outcomes, const ToldRow *told)
{
	TupleTableSlot *row = ExecClearTuple(outcomes->row);

	row->tts_values[OUTCOME_ORDINAL] = Int64GetDatum(told->ordinal);
	row->tts_values[OUTCOME_NAME] = CStringGetTextDatum(outcome_names[told->outcome]);
	row->tts_values[OUTCOME_KEY] = told->key;
	memset(row->tts_isnull, false, OUTCOME_NATTS * sizeof(bool));
	row->tts_isnull[OUTCOME_KEY] = !told->has_key;
	tuplesort_puttupleslot(outcomes->sort, ExecStoreVirtualTuple(row));
}

static HTAB *
make_told(const Outcomes *outcomes)
{
	HASHCTL		control = {
		.keysize = sizeof(int64), .entrysize = sizeof(ToldRow), .hcxt = outcomes->told_memory
	};

	return hash_create("pg_purser outcomes", BULK_BATCH_ROWS, &control,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Keep it until it is sure. */
static void
wait_for(Outcomes *outcomes, const ToldRow *told)
{
	ToldRow    *last;
	bool		found;

	if (outcomes->told == NULL)
		outcomes->told = make_told(outcomes);
	last = hash_search(outcomes->told, &told->ordinal, HASH_ENTER, &found);
	last->outcome = told->outcome;
	/* A row that was in the table before it was refused has its key from there. */
	if (found && told->outcome == BULK_REJECTED && !told->has_key)
		return;
	last->has_key = told->has_key;
	if (told->has_key)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(outcomes->told_memory);

		last->key = PointerGetDatum(PG_DETOAST_DATUM_COPY(told->key));
		MemoryContextSwitchTo(oldcontext);
	}
}

static void
take_told(Outcomes *outcomes, const ToldRow *told)
{
	if (outcomes->waits)
		wait_for(outcomes, told);
	else
		put_row(outcomes, told);
}

static void
outcomes_row(BulkNote *note, const BulkPart *part, const BulkEntry *entry)
{
	Outcomes   *outcomes = (Outcomes *) note;
	TupleTableSlot *stored = bulk_entry_row(entry);
	ToldRow		told = {.ordinal = (int64) entry->position.row, .outcome = entry->outcome};
	MemoryContext oldcontext = MemoryContextSwitchTo(outcomes->memory);

	told.has_key = stored != NULL && outcomes->nkeys > 0;
	if (told.has_key)
		told.key = make_key(outcomes, part, stored);
	take_told(outcomes, &told);
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(outcomes->memory);
}

/* What was told of the rows is so for good. */
static void
outcomes_keep(BulkNote *note)
{
	Outcomes   *outcomes = (Outcomes *) note;
	HASH_SEQ_STATUS rows;
	const ToldRow *told;

	if (outcomes->told == NULL)
		return;
	hash_seq_init(&rows, outcomes->told);
	while ((told = hash_seq_search(&rows)) != NULL)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(outcomes->memory);

		put_row(outcomes, told);
		MemoryContextSwitchTo(oldcontext);
		MemoryContextReset(outcomes->memory);
	}
	MemoryContextReset(outcomes->told_memory);
	outcomes->told = NULL;
}

/* ---- by statement ---- */

static void
outcomes_told(BulkNote *note, uint64 row, BulkOutcome outcome)
{
	Outcomes   *outcomes = (Outcomes *) note;
	ToldRow		told = {.ordinal = (int64) row, .outcome = outcome};
	MemoryContext oldcontext = MemoryContextSwitchTo(outcomes->memory);

	told.has_key = outcomes->has_key && outcome != BULK_REJECTED;
	told.key = outcomes->key;
	take_told(outcomes, &told);
	outcomes->has_key = false;
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(outcomes->memory);
	MemoryContextReset(outcomes->key_memory);
}

/* The key of the row of which is told next. */
static bool
receive_key(TupleTableSlot *slot, DestReceiver *self)
{
	Outcomes   *outcomes = ((KeyReceiver *) self)->outcomes;
	MemoryContext oldcontext;

	if (outcomes->nkeys == 0)
		return true;
	slot_getallattrs(slot);
	MemoryContextReset(outcomes->key_memory);
	oldcontext = MemoryContextSwitchTo(outcomes->key_memory);
	outcomes->key = json_of_key(outcomes, slot->tts_values, slot->tts_isnull);
	outcomes->has_key = true;
	MemoryContextSwitchTo(oldcontext);
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
prepare_keys(Outcomes *outcomes)
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
	outcomes->key_memory = AllocSetContextCreate(CurrentMemoryContext, "bulk key",
												 ALLOCSET_SMALL_SIZES);
}

/* A note that collects rows of the result. */
static Outcomes *
begin_outcomes(TupleDesc tupdesc, bool waits)
{
	Outcomes   *outcomes = palloc0(sizeof(Outcomes));
	AttrNumber	attnum = OUTCOME_ORDINAL + 1;
	Oid			less = Int8LessOperator;
	Oid			collation = InvalidOid;
	bool		nulls_first = false;

	outcomes->note.begin = outcomes_begin;
	outcomes->note.row = outcomes_row;
	outcomes->note.keep = outcomes_keep;
	prepare_keys(outcomes);
	outcomes->waits = waits;
	outcomes->told_memory = AllocSetContextCreate(CurrentMemoryContext, "bulk outcomes that wait",
												  ALLOCSET_DEFAULT_SIZES);
	outcomes->memory = AllocSetContextCreate(CurrentMemoryContext, "bulk outcome",
											 ALLOCSET_DEFAULT_SIZES);
	outcomes->row = MakeSingleTupleTableSlot(tupdesc, &TTSOpsVirtual);
	outcomes->sort = tuplesort_begin_heap(tupdesc, 1, &attnum, &less, &collation, &nulls_first,
										  work_mem, NULL, TUPLESORT_NONE);
	return outcomes;
}

/* Rows that a statement leaves out, as their key comes again. */
static void
put_skipped(Outcomes *outcomes, int64 from, int64 to, Tuplestorestate *store)
{
	Datum		values[OUTCOME_NATTS] = {0};
	bool		isnull[OUTCOME_NATTS] = {[OUTCOME_KEY] = true};

	if (from >= to || !outcomes->by_statement)
		return;
	values[OUTCOME_NAME] = CStringGetTextDatum(outcome_names[BULK_SKIPPED]);
	for (int64 ordinal = from; ordinal < to; ordinal++)
	{
		CHECK_FOR_INTERRUPTS();
		values[OUTCOME_ORDINAL] = Int64GetDatum(ordinal);
		tuplestore_putvalues(store, outcomes->row->tts_tupleDescriptor, values, isnull);
	}
	pfree(DatumGetPointer(values[OUTCOME_NAME]));
}

static void
return_outcomes(Outcomes *outcomes, Tuplestorestate *store)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(outcomes->row->tts_tupleDescriptor,
													&TTSOpsMinimalTuple);
	int64		last = 0;
	bool		isnull;

	tuplesort_performsort(outcomes->sort);
	while (tuplesort_gettupleslot(outcomes->sort, true, false, slot, NULL))
	{
		int64		ordinal = DatumGetInt64(slot_getattr(slot, OUTCOME_ORDINAL + 1, &isnull));

		CHECK_FOR_INTERRUPTS();
		put_skipped(outcomes, last + 1, ordinal, store);
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
	outcomes = begin_outcomes(result->setDesc, options->rejects);
	options->note = &outcomes->note;
	(void) bulk_load(relid, input, options);
	return_outcomes(outcomes, result->setResult);
	return (Datum) 0;
}
