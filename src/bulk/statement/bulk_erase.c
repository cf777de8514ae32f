/*
 * bulk_erase.c
 *		DELETE by key without a statement: the rows of a plain table, each found in
 *		the unique b-tree of its key.
 *
 * Keys are kept until there are many, sorted, and looked up in the order of the
 * index, so that most are on the page of the one before (bulk_leaf.c).  All of
 * it is one command with one snapshot, as a DELETE would be.  What happens to a
 * row is what ExecDelete does: who waits for another transaction looks at what
 * that left, and at whether the row still has the key.
 *
 * Everything else goes by statement (bulk_change.c): other relations, rules,
 * policies, BEFORE ROW triggers, keys without such an index, SERIALIZABLE.
 *
 * Called by bulk_load.c.
 */
#include "bulk/conflict/bulk_conflict.h"
#include "bulk/write/bulk_order.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/index.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

/* Room for keys at first. */
#define ERASE_FIRST_KEYS	1024

typedef struct Key
{
	Datum		first;			/* its first column as an integer, if it can be sorted as such */
	Datum	   *values;
} Key;

struct BulkErase
{
	BulkTarget *target;
	BulkContext *context;
	ResultRelInfo *rri;
	BulkProbe	probe;
	TupleTableSlot *found;
	MemoryContext memory;		/* of the keys */
	int			nkeys;
	int			max_keys;
	Key		   *keys;
	bool		integers;
	bool		any;			/* there was a row in the input */
	Snapshot	snapshot;		/* NULL: the command has not begun */
	CommandId	cid;
	TransitionCaptureState *transition;
	uint64	   *counts;
};

/* ---- begin ---- */

/* Is a DELETE of the relation's rows only what is done here? */
static bool
is_plain(const BulkTarget *target)
{
	Relation	rel = target->rel;
	const TriggerDesc *triggers = rel->trigdesc;

	return !IsolationIsSerializable() && !IsCatalogRelation(rel) &&
		bulk_path_is_table(rel) && rel->rd_rules == NULL &&
		(triggers == NULL || !triggers->trig_delete_before_row) &&
		check_enable_rls(RelationGetRelid(rel), InvalidOid, false) != RLS_ENABLED &&
		!bulk_sight_types(target);
}

static void
open_result(BulkErase *erase)
{
	EState	   *estate = erase->target->estate;

	erase->rri = makeNode(ResultRelInfo);
	ExecInitResultRelation(estate, erase->rri, 1);
	purser_CheckValidResultRel(erase->rri, CMD_DELETE, ONCONFLICT_NONE, NIL);
}

/* For the target's rows by their keys; NULL if they have to go by statement. */
BulkErase *
bulk_erase_begin(BulkTarget *target, BulkContext *context)
{
	EState	   *estate = target->estate;
	BulkErase  *erase;
	Relation	index;
	IndexInfo  *info;
	Oid			indexid;

	if (!is_plain(target) || !OidIsValid(indexid = bulk_change_index(target, true)))
		return NULL;
	erase = palloc0(sizeof(BulkErase));
	erase->target = target;
	erase->context = context;
	open_result(erase);
	index = index_open(indexid, RowExclusiveLock);
	info = BuildIndexInfo(index);
	BuildSpeculativeIndexInfo(index, info);
	bulk_probe_begin(&erase->probe, target->rel, index, info, estate);
	erase->found = table_slot_create(target->rel, &estate->es_tupleTable);
	erase->memory = AllocSetContextCreate(CurrentMemoryContext, "pg_purser keys",
										  ALLOCSET_DEFAULT_SIZES);
	erase->integers = bulk_order_is_integer(&erase->probe.sort[0]);
	erase->counts = palloc0(BULK_NOUTCOMES * sizeof(uint64));
	return erase;
}

/* ---- sorting ---- */

static inline int
compare_columns(const Key *a, const Key *b, const BulkProbe *probe, int column)
{
	int			order = 0;

	for (int i = column; i < probe->nkeys && order == 0; i++)
		order = ApplySortComparator(a->values[i], false, b->values[i], false, &probe->sort[i]);
	return order;
}

static inline int
order_integers(const Key *a, const Key *b, const BulkProbe *probe)
{
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return compare_columns(a, b, probe, 1);
}

#define ST_SORT sort_by_values
#define ST_ELEMENT_TYPE Key
#define ST_COMPARE(a, b, probe) compare_columns(a, b, probe, 0)
#define ST_COMPARE_ARG_TYPE const BulkProbe
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_by_integers
#define ST_ELEMENT_TYPE Key
#define ST_COMPARE(a, b, probe) order_integers(a, b, probe)
#define ST_COMPARE_ARG_TYPE const BulkProbe
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* ---- one row ---- */

static void
refuse_own(const BulkErase *erase, const TM_FailureData *failure)
{
	if (failure->cmax != erase->cid)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("tuple to be deleted was already modified by an operation triggered by "
						"the current command"),
				 errhint("Consider using an AFTER trigger instead of a BEFORE trigger to "
						 "propagate changes to other rows.")));
}

/* Does the row that was found still have the key? */
static bool
has_key(BulkErase *erase, const Key *key)
{
	const BulkProbe *probe = &erase->probe;

	for (int i = 0; i < probe->nkeys; i++)
	{
		bool		isnull;
		AttrNumber	attnum = probe->info->ii_IndexAttrNumbers[i];
		Datum		value = slot_getattr(erase->found, attnum, &isnull);

		if (isnull ||
			ApplySortComparator(value, false, key->values[i], false, &probe->sort[i]) != 0)
			return false;
	}
	return true;
}

/* Lock what another transaction made of the row; false if that is not ours to delete. */
static bool
follow(BulkErase *erase, const Key *key, ItemPointer tid)
{
	TM_FailureData failure;
	TM_Result	result = table_tuple_lock(erase->target->rel, tid, erase->snapshot, erase->found,
										  erase->cid, LockTupleExclusive, LockWaitBlock,
										  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);

	if (result == TM_SelfModified)
		refuse_own(erase, &failure);
	else if (result != TM_Ok && result != TM_Deleted)
		elog(ERROR, "unexpected table_tuple_lock status: %u", result);
	if (result != TM_Ok || !has_key(erase, key))
		return false;
	*tid = erase->found->tts_tid;
	return true;
}

/*
 * Delete the row, or what became of it meanwhile; false if it is not there any
 * more.  Whoever has to wait has nothing of the index pinned (bulk_leaf.c).
 */
static bool
delete_row(BulkErase *erase, const Key *key, ItemPointer tid)
{
	bool		wait = false;

	for (;;)
	{
		TM_FailureData failure;
		TM_Result	result = purser_table_tuple_delete(erase->target->rel, tid, erase->cid,
													   erase->snapshot, wait, &failure);

		if (result == TM_BeingModified || result == TM_Updated)
		{
			bulk_probe_unpin(&erase->probe);
			wait = true;
		}
		switch (result)
		{
			case TM_BeingModified:
				break;
			case TM_Ok:
				return true;
			case TM_SelfModified:
				refuse_own(erase, &failure);
				return false;
			case TM_Deleted:
				bulk_refuse_concurrent(result);
				return false;
			case TM_Updated:
				bulk_refuse_concurrent(result);
				if (!follow(erase, key, tid))
					return false;
				break;
			default:
				elog(ERROR, "unrecognized table_tuple_delete status: %u", result);
		}
	}
}

/* The row of the key, if there is one. */
static void
erase_key(BulkErase *erase, const Key *key)
{
	static const bool isnull[INDEX_MAX_KEYS] = {false};
	EState	   *estate = erase->target->estate;
	ItemPointerData tid;

	if (!bulk_probe_find(&erase->probe, key->values, isnull, erase->found))
	{
		erase->counts[BULK_SKIPPED]++;
		return;
	}
	tid = erase->found->tts_tid;
	if (!delete_row(erase, key, &tid))
	{
		erase->counts[BULK_SKIPPED]++;
		return;
	}
	erase->counts[BULK_DELETED]++;
	ExecARDeleteTriggers(estate, erase->rri, &tid, NULL, erase->transition, false);
	ResetPerTupleExprContext(estate);
}

/* ---- the command ---- */

static void
begin_command(BulkErase *erase)
{
	TriggerDesc *triggers = erase->rri->ri_TrigDesc;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	UpdateActiveSnapshotCommandId();
	erase->snapshot = RegisterSnapshot(GetActiveSnapshot());
	erase->cid = GetCurrentCommandId(true);
	AfterTriggerBeginQuery();
	erase->transition = MakeTransitionCaptureState(triggers, RelationGetRelid(erase->target->rel),
												   CMD_DELETE);
	ExecBSDeleteTriggers(erase->target->estate, erase->rri);
	PopActiveSnapshot();
}

/* Delete the rows of the keys that were kept. */
static void
erase_keys(BulkErase *erase)
{
	BulkPosition reading = erase->context->position;
	MemoryContext oldcontext = MemoryContextSwitchTo(erase->target->estate->es_query_cxt);

	/* As by statement, errors from here on are about no row of the input. */
	memset(&erase->context->position, 0, sizeof(BulkPosition));
	if (erase->snapshot == NULL)
		begin_command(erase);
	PushActiveSnapshot(erase->snapshot);
	if (erase->integers)
		sort_by_integers(erase->keys, erase->nkeys, &erase->probe);
	else
		sort_by_values(erase->keys, erase->nkeys, &erase->probe);
	bulk_probe_open(&erase->probe, erase->snapshot);
	for (int i = 0; i < erase->nkeys; i++)
	{
		if (i > 0 && compare_columns(&erase->keys[i - 1], &erase->keys[i], &erase->probe, 0) == 0)
			erase->counts[BULK_SKIPPED]++;
		else
			erase_key(erase, &erase->keys[i]);
	}
	ExecClearTuple(erase->found);
	bulk_probe_close(&erase->probe);
	PopActiveSnapshot();
	MemoryContextReset(erase->memory);
	erase->nkeys = erase->max_keys = 0;
	erase->keys = NULL;
	erase->context->position = reading;
	MemoryContextSwitchTo(oldcontext);
}

/* ---- keys ---- */

static void
grow(BulkErase *erase)
{
	if (erase->keys == NULL)
	{
		erase->max_keys = ERASE_FIRST_KEYS;
		erase->keys = MemoryContextAlloc(erase->memory, erase->max_keys * sizeof(Key));
		return;
	}
	erase->max_keys *= 2;
	erase->keys = repalloc_huge(erase->keys, erase->max_keys * sizeof(Key));
}

/* The key of the row in the slot; false if it has a null, which nothing equals. */
static bool
take_key(BulkErase *erase, const TupleTableSlot *slot, Key *key)
{
	const BulkProbe *probe = &erase->probe;

	for (int i = 0; i < probe->nkeys; i++)
		if (slot->tts_isnull[probe->info->ii_IndexAttrNumbers[i] - 1])
			return false;
	key->values = MemoryContextAlloc(erase->memory, probe->nkeys * sizeof(Datum));
	for (int i = 0; i < probe->nkeys; i++)
	{
		int			column = probe->info->ii_IndexAttrNumbers[i] - 1;
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(probe->heap), column);
		MemoryContext oldcontext = MemoryContextSwitchTo(erase->memory);

		key->values[i] = datumCopy(slot->tts_values[column], att->attbyval, att->attlen);
		MemoryContextSwitchTo(oldcontext);
	}
	if (erase->integers)
		key->first = bulk_order_integer(&probe->sort[0], key->values[0]);
	return true;
}

/* Take the row whose columns are in the slot. */
void
bulk_erase_put(BulkErase *erase, const TupleTableSlot *slot)
{
	erase->any = true;
	if (erase->nkeys == erase->max_keys)
		grow(erase);
	if (take_key(erase, slot, &erase->keys[erase->nkeys]))
		erase->nkeys++;
	else
		erase->counts[BULK_SKIPPED]++;
	if (erase->nkeys == erase->max_keys &&
		MemoryContextMemAllocated(erase->memory, false) > (Size) work_mem * 1024)
		erase_keys(erase);
}

/* There are no more. */
void
bulk_erase_end(BulkErase *erase, uint64 *counts)
{
	EState	   *estate = erase->target->estate;

	if (erase->any)
	{
		erase_keys(erase);
		PushActiveSnapshot(erase->snapshot);
		ExecASDeleteTriggers(estate, erase->rri, erase->transition);
		AfterTriggerEndQuery(estate);
		PopActiveSnapshot();
		UnregisterSnapshot(erase->snapshot);
		CommandCounterIncrement();
	}
	index_close(erase->probe.index, NoLock);
	ExecResetTupleTable(estate->es_tupleTable, false);
	memcpy(counts, erase->counts, BULK_NOUTCOMES * sizeof(uint64));
}
