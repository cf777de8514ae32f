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

#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "utils/resowner.h"

/* Limits of what is buffered, those of COPY; larger where conflicts are settled, by key. */
#define BULK_BATCH_ROWS		1000
#define BULK_BATCH_BYTES	65535
#define BULK_CONFLICT_ROWS	30000
#define BULK_CONFLICT_BYTES	(4 * 1024 * 1024)

/* What became of a row. */
typedef enum BulkOutcome
{
	BULK_PENDING = 0,
	BULK_INSERTED,
	BULK_UPDATED,
	BULK_DELETED,
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
	List	   *recheck;		/* indexes whose constraint has to be looked at again, later */
	bool		borrowed;		/* the slot's tuple is not its own */
	ItemPointerData old;		/* of a row that was updated: where it was */
	const BulkSet *set;			/* what an update of the row in its way sets */
	TupleTableSlot *stored;		/* the row that is in the table in its place, if wanted */
	bool		suspect;		/* held, and likely to be refused */
	bool		refused;		/* held, and not to be written */
	int			refusal;		/* number of the unique index that refuses it, from 1; 0: unknown */
	int			rival;			/* which row that is held has its key; -1: one in the table */
	bool		has_parents;	/* all that bulk_foreign.c can check are there, and locked */
} BulkEntry;

/* A table that rows go into: the target itself, or a partition of it. */
typedef struct BulkPart
{
	ResultRelInfo *rri;
	bool		batched;		/* else all is written before and after each of its rows */
	struct BulkInsertStateData *bistate;	/* NULL when inserting row by row, speculatively */
	int			insert_options;
	struct BulkForm *form;		/* NULL: rows are left to their slots */
	int			nentries;
	int			max_entries;	/* that there is room for; 0: the buffer is closed */
	TupleDesc	tupdesc;		/* for slots; not counted, as the relation's own is */
	BulkEntry  *entries;		/* slots made when first needed */
	int			first;			/* of the entries that are to be written now */
	int			last;			/* behind them */
	struct BulkIndexSet *indexes;	/* NULL: there are none, or conflicts are settled */
	struct BulkConflict *conflict;	/* NULL: a conflict is an error */
	struct BulkForeign *foreign;	/* NULL: foreign keys are left to their triggers */
} BulkPart;

/* Where a buffered row is. */
typedef struct BulkPlace
{
	BulkPart   *part;
	int			entry;
} BulkPlace;

/* Where bulk_run.c keeps entries; no context: there are none. */
typedef struct BulkRunMemory
{
	MemoryContext context;
	char	   *next;			/* free */
	Size		left;			/* in bytes */
} BulkRunMemory;

typedef struct BulkWriter BulkWriter;

/* Someone who wants to know what became of each row. */
typedef struct BulkNote BulkNote;
struct BulkNote
{
	/* The target is open: ask for what privileges the rest needs.  NULL: none. */
	void		(*begin) (BulkNote *note, BulkTarget *target);

	/*
	 * A row was settled.  entry->outcome says how, bulk_entry_row() which row is
	 * now in the table, or was refused; part is NULL if there is none.  Rows come
	 * in the order of the input, but for those that are suppressed or rejected,
	 * which may come before others; entry->position tells.
	 */
	void		(*row) (BulkNote *note, const BulkPart *part, const BulkEntry *entry);

	/*
	 * By statement: the receiver of the keys of rows that are stored, and then
	 * what became of the row of that number in the input.
	 */
	struct BulkReturning *returning;
	void		(*told) (BulkNote *note, uint64 row, BulkOutcome outcome);

	/*
	 * With rejects: what was told is so for good.  Until then a row may be told
	 * again, and only the last time counts.  Outside of any attempt; NULL: not asked for.
	 */
	void		(*keep) (BulkNote *note);
};

struct BulkWriter
{
	BulkTarget *target;
	BulkContext *context;
	const struct BulkOptions *options;
	struct TransitionCaptureState *transition;
	struct TransitionCaptureState *update_transition;
	BulkNote   *note;			/* NULL: nobody */
	const BulkSet *set;			/* of the row that is put next */
	CommandId	cid;
	bool		batched;		/* else no part is */
	bool		holds;			/* rows are held, and written in runs */
	int			max_rows;		/* of a batch */
	Size		max_bytes;		/* likewise */
	int			nparts;
	int			max_parts;		/* that there is room for */
	BulkPart  **parts;
	struct BulkRoute *route;	/* to partitions; NULL: the target is the only part */
	int			nbuffered;		/* in all parts */
	BulkPlace  *order;			/* of these, as in the input */
	BulkRunMemory collected;	/* entries for indexes, of rows that were flushed */
	Size		bytes;			/* of these */
	uint64		counts[BULK_NOUTCOMES];
	Oid			last_relid;		/* where the row that was settled last is */
	ItemPointerData last_tid;	/* likewise; invalid if it is in no table */
	ResourceOwner owner;		/* of what stays until the load ends */
	Bitmapset  *owned;			/* slots of the executor's, by number, that belong to it surely */
	struct BulkCapture *capture;	/* rejects and transition tables: rows of this attempt */
};

extern void bulk_writer_begin(BulkWriter *writer, BulkTarget *target, BulkContext *context,
							  const struct BulkOptions *options);
extern TupleTableSlot *bulk_writer_slot(BulkWriter *writer);
extern void bulk_writer_put(BulkWriter *writer, TupleTableSlot *slot);
extern void bulk_writer_flush(BulkWriter *writer);
extern void bulk_writer_settle(BulkWriter *writer, const BulkEntry *entry);
extern void bulk_writer_end(BulkWriter *writer);
extern void bulk_writer_check(ResultRelInfo *rri, EState *estate, TupleTableSlot *slot,
							  bool routed);
extern void bulk_writer_take(BulkWriter *writer, BulkPart *part, TupleTableSlot *slot);
extern void bulk_writer_enter(BulkWriter *writer, BulkPart *part);
extern void bulk_writer_write_out(BulkWriter *writer);

extern bool bulk_writer_hold(BulkWriter *writer, TupleTableSlot *slot);

/* ---- buffered rows into their tables: bulk_flush.c ---- */

extern void bulk_flush_part(BulkWriter *writer, BulkPart *part);
extern void bulk_flush_triggers(BulkWriter *writer, BulkPart *part, BulkEntry *entry);
extern void bulk_flush_tell(BulkWriter *writer, const BulkPart *part, const BulkEntry *entry);
extern void bulk_flush_finish(BulkWriter *writer, const BulkPart *part, BulkEntry *entry);
extern void bulk_flush_empty(BulkEntry *entry);

/* ---- rows that are held, as they may be rejected, and written in runs: bulk_hold.c ---- */

extern BulkPart *bulk_writer_part(BulkWriter *writer, int number);
extern BulkEntry *bulk_writer_entry(BulkWriter *writer, int number);
extern void bulk_writer_inspect(BulkWriter *writer, int from);
extern bool bulk_writer_inspect_again(BulkWriter *writer, int from, int to);
extern void bulk_writer_follow(BulkWriter *writer, CommandId command);
extern void bulk_writer_write(BulkWriter *writer, int from, int to);
extern void bulk_writer_clear(BulkWriter *writer);
extern void bulk_writer_discard(BulkWriter *writer);
extern void bulk_writer_forget(BulkWriter *writer);

/* ---- rows that workers have made: bulk_borrow.c ---- */

extern void bulk_borrow_row(BulkWriter *writer, HeapTuple tuple);

/* ---- parts: bulk_part.c ---- */

extern BulkPart *bulk_part_make(BulkWriter *writer, ResultRelInfo *rri);
extern TupleTableSlot *bulk_part_slot(BulkWriter *writer, BulkPart *part);
extern TupleTableSlot *bulk_part_make_slot(BulkWriter *writer, const BulkPart *part);
extern void bulk_part_trim(BulkWriter *writer);
extern void bulk_part_end(const BulkWriter *writer, BulkPart *part);

/* ---- rows that last: bulk_tuple.c ---- */

typedef struct BulkForm BulkForm;

extern BulkForm *bulk_tuple_describe(TupleDesc tupdesc);
extern BulkForm *bulk_tuple_prepare(Relation rel);
extern TupleTableSlot *bulk_tuple_slot(const BulkForm *form, Relation rel, TupleDesc tupdesc);
extern Size bulk_tuple_keep(const BulkForm *form, TupleTableSlot *slot);
extern Size bulk_tuple_size(const BulkForm *form, const TupleTableSlot *slot);
extern void bulk_tuple_write(const BulkForm *form, const TupleTableSlot *slot, Size size,
							 HeapTuple tuple);
extern void bulk_tuple_borrow(TupleTableSlot *slot, HeapTuple tuple);
extern void bulk_tuple_return(TupleTableSlot *slot);

/* ---- rows one behind another: bulk_pack.c ---- */

/* The tuple's data are right behind it. */
typedef struct BulkPackedRow
{
	uint32		row;			/* its position, counted from the pack's base */
	uint32		line;
	HeapTupleData tuple;
} BulkPackedRow;

#define BULK_PACKED_SIZE(tuple_len) \
	MAXALIGN(offsetof(BulkPackedRow, tuple) + HEAPTUPLESIZE + (tuple_len))

typedef struct BulkPack
{
	BulkForm   *form;			/* NULL: tuples are formed by the server */
	char	   *bytes;
	Size		head;			/* of these, before the first row */
	Size		used;			/* likewise, in all */
	Size		room;
	Size		tuple_bytes;
	int			nrows;
} BulkPack;

extern void bulk_pack_begin(BulkPack *pack, Relation rel, Size head);
extern void bulk_pack_empty(BulkPack *pack);
extern void bulk_pack_put(BulkPack *pack, uint32 nrows, uint32 nlines, TupleTableSlot *slot);
extern bool bulk_pack_full(const BulkPack *pack);

/* The row at the place; the place behind it. */
static inline char *
bulk_pack_next(char *place, BulkPackedRow **row)
{
	*row = (BulkPackedRow *) place;
	(*row)->tuple.t_data = (HeapTupleHeader) ((char *) &(*row)->tuple + HEAPTUPLESIZE);
	return place + BULK_PACKED_SIZE((*row)->tuple.t_len);
}

/* ---- rows straight into the heap: bulk_straight.c ---- */

typedef struct BulkStraight BulkStraight;

extern BulkStraight *bulk_straight_begin(BulkWriter *writer);
extern void bulk_straight_insert(BulkStraight *straight, char *rows, int n,
								 const BulkPosition *base);
extern TupleTableSlot *bulk_straight_slot(BulkStraight *straight);
extern bool bulk_straight_put(BulkStraight *straight);
extern void bulk_straight_flush(BulkStraight *straight);
extern void bulk_straight_end(BulkStraight *straight);

/* ---- the part that a row belongs to: bulk_route.c ---- */

typedef struct BulkRoute BulkRoute;

extern BulkRoute *bulk_route_begin(BulkWriter *writer);
extern TupleTableSlot *bulk_route_slot(BulkRoute *route);
extern TupleTableSlot *bulk_route_tuple_slot(BulkRoute *route);
extern BulkPart *bulk_route_find(BulkWriter *writer, TupleTableSlot *slot);
extern TupleTableSlot *bulk_route_convert(BulkWriter *writer, BulkPart *part,
										  TupleTableSlot *slot);
extern void bulk_route_end(BulkRoute *route);

/* ---- indexes: bulk_index.c, bulk_run.c ---- */

typedef struct BulkIndexSet BulkIndexSet;

extern BulkIndexSet *bulk_index_begin(ResultRelInfo *rri);
extern void bulk_index_insert(BulkWriter *writer, BulkPart *part,
							  const int *places, int nplaces);
extern void bulk_index_flush(BulkWriter *writer);
extern void bulk_index_forget(BulkWriter *writer);
extern void bulk_index_mark(BulkWriter *writer);
extern void bulk_index_rollback(BulkWriter *writer);
extern bool bulk_index_is_broken(const BulkWriter *writer);

typedef struct BulkRun BulkRun;

extern BulkRun *bulk_run_begin(Relation heap, Relation index, IndexInfo *info);
extern void bulk_run_add(BulkRun *run, TupleTableSlot *slot, EState *estate,
						 const BulkPosition *position, BulkRunMemory *memory);
extern bool bulk_run_pays(BulkRun *run);
extern void bulk_run_insert(BulkRun *run, BulkContext *context);
extern void bulk_run_forget(BulkRun *run);
extern bool bulk_run_is_broken(const BulkRun *run);
extern void bulk_run_mark(BulkRun *run);
extern void bulk_run_rollback(BulkRun *run);

/* ---- transition tables of loads with rejects: bulk_capture.c ---- */

typedef struct BulkCapture BulkCapture;

extern BulkCapture *bulk_capture_begin(BulkWriter *writer);
extern bool bulk_capture_is_each(const BulkCapture *capture);
extern void bulk_capture_begin_row(BulkCapture *capture);
extern void bulk_capture_end_row(BulkCapture *capture);
extern struct TransitionCaptureState *bulk_capture_own(const BulkCapture *capture, bool update);
extern void bulk_capture_row(BulkCapture *capture, BulkPart *part, const ItemPointerData *old,
							 TupleTableSlot *slot);
extern void bulk_capture_keep(BulkCapture *capture);
extern void bulk_capture_forget(BulkCapture *capture);

/*
 * The row that is in the table after the entry was settled, if wanted and any; of
 * one that was rejected, the row as it was made, if it was; else NULL.
 */
static inline TupleTableSlot *
bulk_entry_row(const BulkEntry *entry)
{
	if (entry->outcome == BULK_INSERTED)
		return entry->slot;
	if (entry->outcome == BULK_REJECTED)
		return entry->slot != NULL && !TTS_EMPTY(entry->slot) ? entry->slot : NULL;
	return entry->stored != NULL && !TTS_EMPTY(entry->stored) ? entry->stored : NULL;
}

/* ---- conflicts: bulk_conflict.c, bulk_overwrite.c ---- */

extern struct BulkConflict *bulk_conflict_begin(BulkWriter *writer, const BulkPart *part);
extern bool bulk_conflict_batched(const struct BulkConflict *conflict);
extern void bulk_conflict_settle(BulkWriter *writer, BulkPart *part);
extern void bulk_overwrite_triggers(BulkWriter *writer, BulkPart *part, BulkEntry *entry);

/* ---- foreign keys: bulk_foreign.c, bulk_parent.c ---- */

typedef struct BulkForeign BulkForeign;

extern BulkForeign *bulk_foreign_begin(ResultRelInfo *rri);
extern Size bulk_foreign_size(const BulkForeign *foreign);
extern bool bulk_foreign_outdated(const BulkForeign *foreign);
extern void bulk_foreign_follow(BulkForeign *foreign, CommandId command);
extern void bulk_foreign_check(BulkForeign *foreign, BulkEntry *entries, int nentries);
extern TriggerDesc *bulk_foreign_triggers(const BulkForeign *foreign, const BulkEntry *entry);
extern bool bulk_foreign_may_change(const TriggerDesc *triggers);
extern bool bulk_foreign_is_all(const BulkForeign *foreign);
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
