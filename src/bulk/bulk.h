/*
 * bulk.h
 *		Many rows into one table, in one call.
 *
 * The way of the data:
 *
 *		source  -->  reader  -->  coercion  -->  writer
 *		bytes        fields       datums         heap, indexes, triggers
 *
 * bulk_load.c pulls: it asks the reader for a row, has it coerced into a slot
 * and hands that to the writer.  The headers follow the same way, and each
 * knows only those before it: bulk_input.h, bulk_table.h, bulk_write.h.
 *
 * Memory: whatever lives as long as the load is in the executor state's query
 * context.  Nothing grows with the number of rows.
 */
#ifndef PURSER_BULK_H
#define PURSER_BULK_H

#include "bulk/bulk_input.h"
#include "bulk/bulk_table.h"
#include "bulk/bulk_write.h"
#include "bulk/bulk_reject.h"

/* ---- what the caller wants: bulk_options.c ---- */

typedef enum BulkFormatName
{
	BULK_FORMAT_JSON,
	BULK_FORMAT_NDJSON,
	BULK_FORMAT_CSV,
	BULK_FORMAT_TEXT
} BulkFormatName;

typedef enum BulkConflictAction
{
	BULK_CONFLICT_ERROR,
	BULK_CONFLICT_SKIP,
	BULK_CONFLICT_UPDATE
} BulkConflictAction;

/* What becomes of secondary indexes. */
typedef enum BulkIndexes
{
	BULK_INDEXES_KEEP,			/* rows are entered as they come */
	BULK_INDEXES_REBUILD,		/* they are built at the end */
	BULK_INDEXES_AUTO			/* whichever should be faster */
} BulkIndexes;

/* Lists are of char *. */
typedef struct BulkOptions
{
	BulkFormatName format_name;
	BulkFormat	format;			/* by column members are filled when the target is open */
	int			encoding;		/* of the input; -1: the database's */
	bool		ignore_unknown; /* names of no column */
	List	   *columns;		/* that a row has, in order; NIL: by header, or all */
	List	   *force_null;
	List	   *force_not_null;

	BulkConflictAction on_conflict;
	List	   *conflict_columns;	/* NIL: not said */
	const char *conflict_index; /* of an index or constraint, or NULL */
	List	   *update_columns; /* NIL: all that the input names */
	const char *update_where;	/* an expression, or NULL */

	const Jsonb *given;			/* the options of the format as they were given, or NULL */

	bool		rejects;
	int64		max_rejects;	/* -1: no limit */

	BulkIndexes indexes;
	bool		analyze;		/* after the load */
} BulkOptions;

extern BulkOptions *bulk_options_from_call(FunctionCallInfo fcinfo);
extern const char *bulk_format_name(BulkFormatName format);
extern const char *bulk_conflict_name(BulkConflictAction action);

/* ---- indexes built at the end: bulk_rebuild.c ---- */

extern bool bulk_rebuild_wanted(Oid relid, BulkIndexes indexes, uint64 input);
extern void bulk_rebuild_set_aside(BulkTarget *target);
extern void bulk_rebuild(BulkTarget *target);
extern void bulk_analyze(Oid relid);

/* ---- all of it: bulk_load.c ---- */

typedef struct BulkInput
{
	BulkSource *source;
	Jsonb	   *jsonb;			/* in place of it */
	const struct BulkRetry *retry;	/* or rows that were rejected before */
} BulkInput;

typedef struct BulkResult
{
	uint64		counts[BULK_NOUTCOMES];
	int64		load_id;		/* 0: none */
} BulkResult;

extern BulkResult bulk_load(Oid relid, const BulkInput *input, const BulkOptions *options);
extern Datum bulk_make_result(FunctionCallInfo fcinfo, const BulkResult *result);

#endif							/* PURSER_BULK_H */
