/*
 * bulk_capture.c
 *		Rows for transition tables, while they may still be rolled back.
 *
 * A transition table is no part of a subtransaction: what went into it stays.
 * So rows of an attempt are kept aside, and go there when the attempt is kept.
 *
 * Of an update the old row is only known by its place: it stays there at least
 * as long as the transaction.
 *
 * A trigger for each row that has a transition table would see a part of it, as
 * it fires with its run.  There each row is a statement of its own, which has
 * transition tables of its own.
 *
 * Called by bulk_writer.c, bulk_overwrite.c and the files of bulk_batch.h.
 */
#include "bulk/bulk.h"

#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/memutils.h"

typedef struct CapturedRow
{
	BulkPart   *part;
	ItemPointerData old;		/* of an update; else invalid */
	HeapTuple	tuple;
} CapturedRow;

struct BulkCapture
{
	BulkWriter *writer;
	MemoryContext memory;		/* of the rows of this attempt */
	List	   *rows;
	bool		each;			/* each row is a statement of its own */
	struct TransitionCaptureState *inserted;	/* of the present one; NULL: none */
	struct TransitionCaptureState *updated; /* likewise */
};

static bool
has_tables(const struct TransitionCaptureState *transition)
{
	return transition != NULL &&
		(transition->tcs_insert_new_table || transition->tcs_update_old_table ||
		 transition->tcs_update_new_table);
}

/* Does a trigger for each row see a transition table? */
static bool
has_row_trigger(const TriggerDesc *triggers)
{
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (TRIGGER_FOR_ROW(trigger->tgtype) &&
			(trigger->tgnewtable != NULL || trigger->tgoldtable != NULL))
			return true;
	}
	return false;
}

/* NULL if there are no transition tables; in the current memory context. */
BulkCapture *
bulk_capture_begin(BulkWriter *writer)
{
	BulkCapture *capture;

	if (!has_tables(writer->transition) && !has_tables(writer->update_transition))
		return NULL;
	capture = palloc0(sizeof(BulkCapture));
	capture->writer = writer;
	capture->each = has_row_trigger(writer->target->rri->ri_TrigDesc);
	capture->memory = AllocSetContextCreate(CurrentMemoryContext, "pg_purser captured rows",
											ALLOCSET_DEFAULT_SIZES);
	return capture;
}

/* ---- rows that are statements of their own ---- */

bool
bulk_capture_is_each(const BulkCapture *capture)
{
	return capture != NULL && capture->each;
}

/* Before such a row. */
void
bulk_capture_begin_row(BulkCapture *capture)
{
	const BulkTarget *target = capture->writer->target;
	TriggerDesc *triggers = target->rri->ri_TrigDesc;
	Oid			relid = RelationGetRelid(target->rel);

	AfterTriggerBeginQuery();
	capture->inserted = MakeTransitionCaptureState(triggers, relid, CMD_INSERT);
	if (target->sets != NULL)
		capture->updated = MakeTransitionCaptureState(triggers, relid, CMD_UPDATE);
}

/* After it: its triggers fire. */
void
bulk_capture_end_row(BulkCapture *capture)
{
	capture->inserted = capture->updated = NULL;
	AfterTriggerEndQuery(capture->writer->target->estate);
}

/* What the server is to capture by itself for the row's own triggers; update: of one in the way. */
struct TransitionCaptureState *
bulk_capture_own(const BulkCapture *capture, bool update)
{
	return update ? capture->updated : capture->inserted;
}

/* ---- rows of an attempt ---- */

/* A row that was inserted, or by update put in the place of the one at old. */
void
bulk_capture_row(BulkCapture *capture, BulkPart *part, const ItemPointerData *old,
				 TupleTableSlot *slot)
{
	const BulkWriter *writer = capture->writer;
	MemoryContext oldcontext;
	CapturedRow *row;

	if (!has_tables(old != NULL ? writer->update_transition : writer->transition))
		return;
	oldcontext = MemoryContextSwitchTo(capture->memory);
	row = palloc0(sizeof(CapturedRow));
	row->part = part;
	if (old != NULL)
		row->old = *old;
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
	if (ItemPointerIsValid(&row->old))
	{
		ExecARUpdateTriggers(writer->target->estate, rri, NULL, NULL,
							 unconstify(ItemPointerData *, &row->old), NULL, slot, NIL,
							 writer->update_transition, false);
		/* It must not hold a buffer in the next attempt. */
		ExecClearTuple(rri->ri_TrigOldSlot);
	}
	else
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
	capture->inserted = capture->updated = NULL;
	MemoryContextReset(capture->memory);
}
