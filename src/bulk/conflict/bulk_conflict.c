/*
 * bulk_conflict.c
 *		Settles conflicts: on_conflict 'skip' and 'update', for the rows of one
 *		part.
 *
 * Where there are probes for all arbiters, a batch is settled at once
 * (bulk_settle.c).  Here is what is always right, row by row, as INSERT ... ON
 * CONFLICT does it: look for a row in the way, insert speculatively, look again
 * while inserting into the indexes, and start over if someone else was quicker.
 *
 * The rows of a load are taken as if each were a statement of its own: of those
 * with the same key the first wins with skip, the last with update.
 *
 * Called by bulk_writer.c.
 */
#include "bulk/conflict/bulk_conflict.h"

#include "access/sysattr.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_am.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* ---- begin ---- */

static inline bool
is_constraint(const IndexInfo *info)
{
	return info->ii_Unique || info->ii_ExclusionOps != NULL;
}

static inline bool
is_arbiter(const BulkConflict *conflict, Relation index)
{
	return conflict->arbiters == NIL ||
		list_member_oid(conflict->arbiters, RelationGetRelid(index));
}

static bool
can_conflict(const ResultRelInfo *rri)
{
	for (int i = 0; i < rri->ri_NumIndices; i++)
		if (is_constraint(rri->ri_IndexRelationInfo[i]))
			return true;
	return false;
}

/* Only immediate b-trees can be probed; the others are left to the executor. */
static bool
can_probe(Relation index, const IndexInfo *info)
{
	return info->ii_ExclusionOps == NULL && index->rd_rel->relam == BTREE_AM_OID &&
		index->rd_index->indimmediate && index->rd_index->indisvalid;
}

/* A probe for each arbiter, if each can have one. */
static void
make_probes(BulkConflict *conflict, const ResultRelInfo *rri, EState *estate)
{
	conflict->probes = palloc0(rri->ri_NumIndices * sizeof(BulkProbe));
	conflict->batched = true;
	for (int i = 0; i < rri->ri_NumIndices; i++)
	{
		Relation	index = rri->ri_IndexRelationDescs[i];
		IndexInfo  *info = rri->ri_IndexRelationInfo[i];

		if (!is_constraint(info))
			continue;
		if (!is_arbiter(conflict, index))
			conflict->ordered = true;
		else if (can_probe(index, info))
			bulk_probe_begin(&conflict->probes[conflict->nprobes++], rri->ri_RelationDesc,
							 index, info, estate);
		else
			conflict->batched = false;
	}
	/* Which of several rows would be the one to update? */
	if (conflict->update && conflict->nprobes > 1)
		conflict->batched = false;
}

/* The part with all indexes but that of the first probe. */
static void
set_others(BulkConflict *conflict, const ResultRelInfo *rri)
{
	ResultRelInfo *others = &conflict->others;

	*others = *rri;
	others->ri_NumIndices = 0;
	others->ri_IndexRelationDescs = palloc(rri->ri_NumIndices * sizeof(Relation));
	others->ri_IndexRelationInfo = palloc(rri->ri_NumIndices * sizeof(IndexInfo *));
	for (int i = 0; i < rri->ri_NumIndices; i++)
	{
		if (rri->ri_IndexRelationDescs[i] == conflict->probes[0].index)
			continue;
		others->ri_IndexRelationDescs[others->ri_NumIndices] = rri->ri_IndexRelationDescs[i];
		others->ri_IndexRelationInfo[others->ri_NumIndices++] = rri->ri_IndexRelationInfo[i];
	}
}

/*
 * The columns of the first probe's key, as sets of the target's columns have
 * them.  None if an update could change the key without setting one of them.
 */
static Bitmapset *
columns_of_key(const BulkConflict *conflict)
{
	const BulkProbe *probe = &conflict->probes[0];
	Bitmapset  *columns = NULL;

	if (conflict->nprobes != 1 || probe->info->ii_Expressions != NIL || probe->predicate != NULL)
		return NULL;
	for (int i = 0; i < probe->nkeys; i++)
	{
		AttrNumber	attnum = probe->info->ii_IndexAttrNumbers[i];

		if (TupleDescAttr(RelationGetDescr(probe->heap), attnum - 1)->attgenerated)
			return NULL;
		if (conflict->map != NULL)
			attnum = conflict->map->attnums[attnum - 1];
		columns = bms_add_member(columns, attnum - FirstLowInvalidHeapAttributeNumber);
	}
	return columns;
}

/* The condition, with the part's column numbers. */
static ExprState *
prepare_where(const BulkTarget *target, Relation part)
{
	List	   *where = list_make1(target->sets->where);

	if (part != target->rel)
	{
		where = map_partition_varattnos(where, 1, part, target->rel);
		where = map_partition_varattnos(where, INNER_VAR, part, target->rel);
	}
	return ExecPrepareQual(where, target->estate);
}

/* What updates need beside the arbiters. */
static void
prepare_update(BulkConflict *conflict, BulkWriter *writer, const BulkPart *part)
{
	BulkTarget *target = writer->target;
	Relation	rel = part->rri->ri_RelationDesc;
	TriggerDesc *triggers = part->rri->ri_TrigDesc;
	bool		before = triggers != NULL && triggers->trig_update_before_row;
	Node	   *where = target->sets->where;

	/* The executor asks for INSERT only, in early versions. */
	CheckCmdReplicaIdentity(rel, CMD_UPDATE);
	bulk_set_part(target, part->rri);
	if (part->rri != target->rri)
		conflict->map = purser_build_attrmap(RelationGetDescr(target->rel), RelationGetDescr(rel));
	if (where != NULL)
		conflict->where = prepare_where(target, rel);
	conflict->lock = before || where != NULL;
	/* These may look at the table, and at the rows before. */
	if (before || (where != NULL && bulk_sight_expression(where)))
		conflict->batched = false;
	conflict->keep = writer->note != NULL || writer->update_transition != NULL ||
		(triggers != NULL && triggers->trig_update_after_row);
	conflict->key = columns_of_key(conflict);
	conflict->updated = table_slot_create(rel, &target->estate->es_tupleTable);
}

/* Nobody else can write into the table before we are done. */
static bool
is_alone(Relation rel)
{
	return rel->rd_islocaltemp || rel->rd_createSubid != InvalidSubTransactionId ||
		CheckRelationLockedByMe(rel, ShareRowExclusiveLock, true);
}

/* NULL if conflicts are errors, or if there cannot be any. */
BulkConflict *
bulk_conflict_begin(BulkWriter *writer, const BulkPart *part)
{
	BulkTarget *target = writer->target;
	BulkConflict *conflict;

	if (writer->options->on_conflict == BULK_CONFLICT_ERROR ||
		(target->arbiters == NIL && !can_conflict(part->rri)))
		return NULL;
	conflict = palloc0(sizeof(BulkConflict));
	conflict->update = target->sets != NULL;
	conflict->arbiters = bulk_arbiter_of(target, part->rri);
	conflict->alone = is_alone(part->rri->ri_RelationDesc);
	conflict->existing = table_slot_create(part->rri->ri_RelationDesc,
										   &target->estate->es_tupleTable);
	conflict->memory = AllocSetContextCreate(CurrentMemoryContext, "bulk conflicts",
											 ALLOCSET_DEFAULT_SIZES);
	make_probes(conflict, part->rri, target->estate);
	set_others(conflict, part->rri);
	if (conflict->update)
		prepare_update(conflict, writer, part);
	return conflict;
}

/* Can many rows be settled at once?  Else they must come one by one. */
bool
bulk_conflict_batched(const BulkConflict *conflict)
{
	return conflict->batched;
}

/* ---- row by row ---- */

/* What touching a row came to is an error where the transaction's snapshot must hold. */
void
bulk_refuse_concurrent(TM_Result result)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 result == TM_Deleted ?
				 errmsg("could not serialize access due to concurrent delete") :
				 errmsg("could not serialize access due to concurrent update")));
}

/*
 * At the higher isolation levels a row that our snapshot does not see must not
 * decide what we do, unless it is our own.
 */
void
bulk_conflict_check_visible(BulkWriter *writer, const BulkPart *part)
{
	TupleTableSlot *slot = part->conflict->existing;
	Datum		xmin;
	bool		isnull;

	if (!IsolationUsesXactSnapshot() ||
		table_tuple_satisfies_snapshot(part->rri->ri_RelationDesc, slot,
									   writer->target->estate->es_snapshot))
		return;
	xmin = slot_getsysattr(slot, MinTransactionIdAttributeNumber, &isnull);
	if (!TransactionIdIsCurrentTransactionId(DatumGetTransactionId(xmin)))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update")));
}

/* Keep the row that is in the table in the entry's place, for those who asked. */
void
bulk_conflict_keep(BulkWriter *writer, const BulkPart *part, BulkEntry *entry,
				   TupleTableSlot *row)
{
	if (writer->note == NULL)
		return;
	if (entry->stored == NULL)
		entry->stored = bulk_part_make_slot(writer, part);
	ExecCopySlot(entry->stored, row);
	ExecMaterializeSlot(entry->stored);
}

/* A row is in the way: true if the entry is settled by that. */
static bool
meet(BulkWriter *writer, BulkPart *part, BulkEntry *entry, ItemPointer in_the_way)
{
	BulkConflict *conflict = part->conflict;
	bool		settled = true;

	if (!conflict->update && writer->note == NULL && !IsolationUsesXactSnapshot())
	{
		entry->outcome = BULK_SKIPPED;
		return true;
	}
	if (!table_tuple_fetch_row_version(part->rri->ri_RelationDesc, in_the_way, SnapshotAny,
									   conflict->existing))
		elog(ERROR, "failed to fetch the conflicting row");
	if (conflict->update)
		settled = bulk_overwrite(writer, part, entry);
	else
	{
		bulk_conflict_check_visible(writer, part);
		bulk_conflict_keep(writer, part, entry, conflict->existing);
		entry->outcome = BULK_SKIPPED;
	}
	ExecClearTuple(conflict->existing);
	return settled;
}

/* Insert; false if another row turned out to be quicker, and ours is undone. */
static bool
insert_speculatively(BulkWriter *writer, BulkPart *part, BulkEntry *entry)
{
	Relation	rel = part->rri->ri_RelationDesc;
	TransactionId xid = GetCurrentTransactionId();
	uint32		token = SpeculativeInsertionLockAcquire(xid);
	bool		lost = false;

	table_tuple_insert_speculative(rel, entry->slot, writer->cid, 0, NULL, token);
	entry->recheck = purser_ExecInsertIndexTuples(part->rri, writer->target->estate,
												  EIIT_NO_DUPE_ERROR, entry->slot,
												  part->conflict->arbiters, &lost);
	table_tuple_complete_speculative(rel, entry->slot, token, !lost);
	SpeculativeInsertionLockRelease(xid);
	if (lost)
	{
		list_free(entry->recheck);
		entry->recheck = NIL;
		return false;
	}
	entry->outcome = BULK_INSERTED;
	return true;
}

/* Settle one entry, whatever the arbiters. */
void
bulk_conflict_row(BulkWriter *writer, BulkPart *part, BulkEntry *entry)
{
	ItemPointerData in_the_way;
	ItemPointerData none;
	bool		settled;

	ItemPointerSetInvalid(&none);
	writer->context->position = entry->position;
	do
	{
		CHECK_FOR_INTERRUPTS();
		if (purser_ExecCheckIndexConstraints(part->rri, entry->slot, writer->target->estate,
											 &in_the_way, &none, part->conflict->arbiters))
			settled = insert_speculatively(writer, part, entry);
		else
			settled = meet(writer, part, entry, &in_the_way);
	} while (!settled);
}

/* Settle all entries of the part. */
void
bulk_conflict_settle(BulkWriter *writer, BulkPart *part)
{
	if (part->batched && part->nentries > 1)
		bulk_settle_batch(writer, part);
	else
		for (int i = 0; i < part->nentries; i++)
			bulk_conflict_row(writer, part, &part->entries[i]);
}
