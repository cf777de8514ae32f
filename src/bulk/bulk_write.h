/*
 * bulk_write.h
 *		Rows into the table: batches, partitions, indexes, conflicts, triggers.
 *
 * A row that was made goes to the buffer of the part that it belongs to.  When
 * enough are buffered, all parts are flushed: rows that conflict are settled,
 * the rest goes to the heap many at a time, to the indexes, and to the trigger
 * queue.
 */
#ifndef PURSER_BULK_WRITE_H
#define PURSER_BULK_WRITE_H

#include "bulk/bulk_table.h"

#include "nodes/execnodes.h"
#include "utils/resowner.h"

/* Limits of what is buffered, those of COPY. */
#define BULK_BATCH_ROWS		1000
#define BULK_BATCH_BYTES	65535

/* What became of a row. */
typedef enum BulkOutcome
{
	BULK_PENDING = 0,
	BULK_INSERTED,
	BULK_UPDATED,
	BULK_UNCHANGED,				/* in conflict, and the update's condition is not true */
	BULK_SKIPPED,
	BULK_REJECTED,
	BULK_SUPPRESSED,			/* a trigger wanted no row */
	BULK_NOUTCOMES
} BulkOutcome;

/* A row on its way. */
typedef struct BulkEntry
{
	TupleTableSlot *slot;		/* of the part's row type, materialized */
	BulkPosition position;
	const char *raw;			/* only if rows may be rejected */
	Size		raw_len;
	BulkOutcome outcome;
	bool		held;			/* not to be written with the others that are pending */
	bool		suspect;		/* held, and likely to be refused */
	bool		has_parents;	/* all that bulk_foreign.c can check are there, and locked */
} BulkEntry;

/* A table that rows go into: the target itself, or a partition of it. */
typedef struct BulkPart
{
	ResultRelInfo *rri;
	struct BulkInsertStateData *bistate;	/* NULL when inserting row by row, speculatively */
	int			insert_options;
	int			nentries;
	BulkEntry  *entries;		/* BULK_BATCH_ROWS of them, slots made when first needed */
	struct BulkConflict *conflict;	/* NULL: a conflict is an error */
	struct BulkForeign *foreign;	/* NULL: foreign keys are left to their triggers */
} BulkPart;

typedef struct BulkWriter
{
	BulkTarget *target;
	BulkContext *context;
	const struct BulkOptions *options;
	struct TransitionCaptureState *transition;
	CommandId	cid;
	bool		batched;		/* else each row is flushed by itself */
	int			nparts;
	BulkPart  **parts;
	int			nbuffered;		/* in all parts */
	Size		bytes;			/* of these */
	uint64		counts[BULK_NOUTCOMES];
	ItemPointerData last_tid;	/* of the row that was settled last */
	ResourceOwner owner;		/* of what stays until the load ends */
	struct BulkCapture *capture;	/* rejects and transition tables: rows of this attempt */
} BulkWriter;

extern void bulk_writer_begin(BulkWriter *writer, BulkTarget *target, BulkContext *context,
							  const struct BulkOptions *options);
extern TupleTableSlot *bulk_writer_slot(BulkWriter *writer);
extern void bulk_writer_put(BulkWriter *writer, TupleTableSlot *slot);
extern void bulk_writer_flush(BulkWriter *writer);
extern void bulk_writer_settle(BulkWriter *writer, const BulkEntry *entry);
extern void bulk_writer_end(BulkWriter *writer);

/* In place of put and flush when rows may be rejected: they are held, and written in runs. */
extern bool bulk_writer_hold(BulkWriter *writer, TupleTableSlot *slot);
extern BulkPart *bulk_writer_part(BulkWriter *writer, int number);
extern BulkEntry *bulk_writer_entry(BulkWriter *writer, int number);
extern void bulk_writer_inspect(BulkWriter *writer, int from);
extern void bulk_writer_write(BulkWriter *writer, int from, int to);
extern void bulk_writer_clear(BulkWriter *writer);
extern void bulk_writer_discard(BulkWriter *writer);

/* ---- transition tables of loads with rejects: bulk_capture.c ---- */

typedef struct BulkCapture BulkCapture;

extern BulkCapture *bulk_capture_begin(BulkWriter *writer);
extern void bulk_capture_row(BulkCapture *capture, BulkPart *part, TupleTableSlot *slot);
extern void bulk_capture_keep(BulkCapture *capture);
extern void bulk_capture_forget(BulkCapture *capture);

/* ---- bulk_conflict.c ---- */

typedef struct BulkConflict
{
	List	   *arbiters;		/* index OIDs; NIL: all */
	TupleTableSlot *slot;		/* to look at the row in the way */
} BulkConflict;

extern BulkConflict *bulk_conflict_begin(BulkTarget *target, const struct BulkOptions *options);
extern bool bulk_conflict_insert(BulkConflict *conflict, BulkTarget *target,
								 TupleTableSlot *slot, CommandId cid, List **recheck);

/* ---- foreign keys: bulk_foreign.c, bulk_parent.c ---- */

typedef struct BulkForeign BulkForeign;

extern BulkForeign *bulk_foreign_begin(ResultRelInfo *rri);
extern void bulk_foreign_check(BulkForeign *foreign, BulkEntry *entries, int nentries);
extern TriggerDesc *bulk_foreign_triggers(const BulkForeign *foreign, const BulkEntry *entry);
extern void bulk_foreign_forget(BulkForeign *foreign);
extern void bulk_foreign_end(BulkForeign *foreign);

typedef struct BulkParent BulkParent;

extern BulkParent *bulk_parent_open(Relation child, const ForeignKeyCacheInfo *info);
extern bool bulk_parent_takes_null(const BulkParent *parent);
extern void bulk_parent_begin(BulkParent *parent);
extern bool bulk_parent_lock(BulkParent *parent, TupleTableSlot *child, const AttrNumber *columns);
extern void bulk_parent_end(BulkParent *parent);
extern void bulk_parent_close(BulkParent *parent);

#endif							/* PURSER_BULK_WRITE_H */
