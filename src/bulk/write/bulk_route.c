/*
 * bulk_route.c
 *		Finds the partition that a row belongs to.
 *
 * Through the executor's tuple routing, as INSERT and COPY do: partitions are
 * opened when a first row goes there, with their triggers, indexes and, of
 * foreign tables, connections.  Rows are read in the target's row type and
 * converted to that of their partition.
 *
 * Invariant: a partition's ri_CopyMultiInsertBuffer, which is for whoever
 * loads it, points to its part.
 *
 * Called by bulk_writer.c.
 */
#include "bulk/bulk.h"

#include "access/tableam.h"
#include "access/tupconvert.h"
#include "executor/execPartition.h"
#include "executor/executor.h"
#include "utils/partcache.h"

struct BulkRoute
{
	ModifyTableState *state;	/* only what routing looks at */
	PartitionTupleRouting *routing;
	TupleTableSlot *slot;		/* for rows as they are read */
	List	   *keys;			/* expressions of the key, to be tried; NIL: none */
	TupleTableSlot *tuple_slot; /* for rows that come as tuples */
};

/* NULL if the target has no partitions; in the current memory context. */
BulkRoute *
bulk_route_begin(BulkWriter *writer)
{
	BulkTarget *target = writer->target;
	BulkRoute  *route;

	if (target->rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return NULL;
	route = palloc0(sizeof(BulkRoute));
	route->state = makeNode(ModifyTableState);
	route->state->ps.state = target->estate;
	route->state->operation = CMD_INSERT;
	route->state->mt_nrels = 1;
	route->state->resultRelInfo = target->rri;
	route->state->rootResultRelInfo = target->rri;
	route->state->mt_transition_capture = writer->transition;
	route->routing = ExecSetupPartitionTupleRouting(target->estate, target->rel);
	route->slot = table_slot_create(target->rel, &target->estate->es_tupleTable);
	if (writer->options->rejects)
		route->keys = ExecPrepareExprList(RelationGetPartitionKey(target->rel)->partexprs,
										  target->estate);
	route->tuple_slot = MakeSingleTupleTableSlot(RelationGetDescr(target->rel), &TTSOpsHeapTuple);
	return route;
}

/* An empty slot of the target's row type. */
TupleTableSlot *
bulk_route_slot(BulkRoute *route)
{
	return ExecClearTuple(route->slot);
}

/* One for heap tuples. */
TupleTableSlot *
bulk_route_tuple_slot(BulkRoute *route)
{
	return ExecClearTuple(route->tuple_slot);
}

/* An error in the key must leave nothing that outlives a subtransaction: let it come before. */
static void
try_keys(const BulkRoute *route, EState *estate, TupleTableSlot *slot)
{
	ExprContext *econtext = GetPerTupleExprContext(estate);
	ListCell   *lc;
	bool		isnull;

	econtext->ecxt_scantuple = slot;
	foreach(lc, route->keys)
		(void) ExecEvalExprSwitchContext(lfirst(lc), econtext, &isnull);
}

static ResultRelInfo *
find_partition(BulkWriter *writer, TupleTableSlot *slot)
{
	BulkRoute  *route = writer->route;
	BulkTarget *target = writer->target;
	ResultRelInfo *rri = ExecFindPartition(route->state, target->rri, route->routing, slot,
										   target->estate);

	if (rri->ri_CopyMultiInsertBuffer == NULL)
		rri->ri_CopyMultiInsertBuffer =
			(struct CopyMultiInsertBuffer *) bulk_part_make(writer, rri);
	return rri;
}

/*
 * The part for the row; an error if no partition takes it.  What is opened for
 * it outlives the subtransaction that there may be.
 */
BulkPart *
bulk_route_find(BulkWriter *writer, TupleTableSlot *slot)
{
	EState	   *estate = writer->target->estate;
	ResourceOwner owner = CurrentResourceOwner;
	int			nslots = list_length(estate->es_tupleTable);
	ResultRelInfo *rri;

	try_keys(writer->route, estate, slot);
	CurrentResourceOwner = writer->owner;
	rri = find_partition(writer, slot);
	CurrentResourceOwner = owner;
	for (int i = nslots; i < list_length(estate->es_tupleTable); i++)
		writer->owned = bms_add_member(writer->owned, i);
	return (BulkPart *) rri->ri_CopyMultiInsertBuffer;
}

/* The row in a slot of the part; its values stay where they are. */
TupleTableSlot *
bulk_route_convert(BulkWriter *writer, BulkPart *part, TupleTableSlot *slot)
{
	TupleConversionMap *map = purser_ExecGetRootToChildMap(part->rri, writer->target->estate);
	TupleTableSlot *own = bulk_part_slot(writer, part);
	int			natts = slot->tts_tupleDescriptor->natts;

	if (map != NULL)
		return execute_attr_map_slot(map->attrMap, slot, own);
	slot_getallattrs(slot);
	memcpy(own->tts_values, slot->tts_values, natts * sizeof(Datum));
	memcpy(own->tts_isnull, slot->tts_isnull, natts * sizeof(bool));
	return ExecStoreVirtualTuple(own);
}

/* Close the partitions, when their triggers have fired. */
void
bulk_route_end(BulkRoute *route)
{
	ExecDropSingleTupleTableSlot(route->tuple_slot);
	ExecCleanupTupleRouting(route->state, route->routing);
}
