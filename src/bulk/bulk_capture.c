/*
 * bulk_capture.c
 *		Rows for transition tables, while they may still be rolled back.
 *
 * A transition table is no part of a subtransaction: what went into it stays.
 * So rows of an attempt are kept aside, and go there when the attempt is kept.
 *
 * Called by bulk_writer.c and bulk_batch.c.
 */
#include "bulk.h"

#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/memutils.h"

typedef struct CapturedRow
{
	BulkPart   *part;
	HeapTuple	tuple;
} CapturedRow;

struct BulkCapture
{
	BulkWriter *writer;
	MemoryContext memory;		/* of the rows of this attempt */
	List	   *rows;
};

/* A trigger for each row that sees a transition table would see it before it is complete. */
static void
refuse_row_triggers(Relation rel, const TriggerDesc *triggers)
{
	for (int i = 0; i < triggers->numtriggers; i++)
		if (triggers->triggers[i].tgnewtable != NULL &&
			TRIGGER_FOR_ROW(triggers->triggers[i].tgtype))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot reject rows of table \"%s\"", RelationGetRelationName(rel)),
					 errdetail("Row trigger \"%s\" has a transition table.",
							   triggers->triggers[i].tgname)));
}

/* NULL if there are no transition tables; in the current memory context. */
BulkCapture *
bulk_capture_begin(BulkWriter *writer)
{
	BulkCapture *capture;

	if (writer->transition == NULL || !writer->transition->tcs_insert_new_table)
		return NULL;
	refuse_row_triggers(writer->target->rel, writer->target->rri->ri_TrigDesc);
	capture = palloc0(sizeof(BulkCapture));
	capture->writer = writer;
	capture->memory = AllocSetContextCreate(CurrentMemoryContext, "pg_purser captured rows",
											ALLOCSET_DEFAULT_SIZES);
	return capture;
}

void
bulk_capture_row(BulkCapture *capture, BulkPart *part, TupleTableSlot *slot)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(capture->memory);
	CapturedRow *row = palloc(sizeof(CapturedRow));

	row->part = part;
	row->tuple = ExecCopySlotHeapTuple(slot);
	capture->rows = lappend(capture->rows, row);
	MemoryContextSwitchTo(oldcontext);
}

/* Without the triggers that were queued already. */
static void
capture_row(BulkWriter *writer, const CapturedRow *row, TupleTableSlot *slot)
{
	ResultRelInfo *rri = row->part->rri;
	TriggerDesc *triggers = rri->ri_TrigDesc;

	ExecForceStoreHeapTuple(row->tuple, slot, false);
	rri->ri_TrigDesc = NULL;
	ExecARInsertTriggers(writer->target->estate, rri, slot, NIL, writer->transition);
	rri->ri_TrigDesc = triggers;
}

/* The attempt will be kept. */
void
bulk_capture_keep(BulkCapture *capture)
{
	ListCell   *lc;

	foreach(lc, capture->rows)
	{
		const CapturedRow *row = lfirst(lc);
		TupleTableSlot *slot =
			MakeSingleTupleTableSlot(RelationGetDescr(row->part->rri->ri_RelationDesc),
									 &TTSOpsHeapTuple);

		capture_row(capture->writer, row, slot);
		ExecDropSingleTupleTableSlot(slot);
	}
	bulk_capture_forget(capture);
}

/* The attempt was not. */
void
bulk_capture_forget(BulkCapture *capture)
{
	capture->rows = NIL;
	MemoryContextReset(capture->memory);
}
