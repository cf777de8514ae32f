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
 * knows only those before it: bulk_input.h, bulk_table.h, bulk_write.h,
 * bulk_statement.h.
 *
 * Memory: whatever lives as long as the load is in the executor state's query
 * context.  Nothing grows with the number of rows.
 */
#ifndef PURSER_BULK_H
#define PURSER_BULK_H

#include "bulk/input/bulk_input.h"
#include "bulk/bulk_table.h"
#include "bulk/statement/bulk_statement.h"
#include "bulk/write/bulk_write.h"
#include "bulk/reject/bulk_reject.h"

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

typedef enum BulkVerb
{
	BULK_INSERT,
	BULK_UPDATE,
	BULK_DELETE
} BulkVerb;

extern const char *bulk_verb_context(BulkVerb verb);

/* What becomes of secondary indexes. */
typedef enum BulkIndexes
{
	BULK_INDEXES_KEEP,			/* rows are entered as they come */
	BULK_INDEXES_REBUILD,		/* they are built at the end */
	BULK_INDEXES_AUTO			/* whichever should be faster */
} BulkIndexes;

/* More than any server has. */
#define BULK_MAX_WORKERS	1024

/* Lists are of char *. */
typedef struct BulkOptions
{
	const char *function;		/* that was called, for messages */
	BulkVerb	verb;			/* set by the function, unless it has such an argument */
	List	   *key_columns;	/* update, delete: NIL is the primary key */
	BulkReturning *returning;	/* insert: who takes the stored rows, or NULL */

	BulkFormatName format_name;
	BulkFormat	format;			/* by column members are filled when the target is open */
	int			encoding;		/* of a file or bytea; -1: the client's, as for COPY */
	BulkCompression compression;	/* of a file or bytea */
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

	int			workers;		/* that are wanted */
	bool		worker;			/* this is one: rows are made here and written elsewhere */
	BulkNote   *note;			/* to be told what became of each row, or NULL */
} BulkOptions;

extern BulkOptions *bulk_options_from_call(FunctionCallInfo fcinfo);
extern BulkCoding bulk_options_coding(const BulkOptions *options);
extern void bulk_options_check_text(const BulkOptions *options);
extern const char *bulk_format_name(BulkFormatName format);
extern const char *bulk_conflict_name(BulkConflictAction action);
extern const char *bulk_verb_word(BulkVerb verb);

/* ---- indexes built at the end: bulk_rebuild.c ---- */

extern bool bulk_rebuild_wanted(Oid relid, BulkIndexes indexes, uint64 input);
extern void bulk_rebuild_set_aside(BulkTarget *target);
extern void bulk_rebuild(BulkTarget *target);
extern void bulk_analyze(Oid relid);

/* ---- files of the server: bulk_file.c ---- */

extern void bulk_file_check_privilege(void);
extern BulkFormatName bulk_format_of_path(const char *path);

/* ---- how far it is: bulk_progress.c ---- */

typedef struct BulkProgress
{
	bool		active;			/* not within another command that reports */
	Oid			relid;
	bool		file;
	uint64		size;			/* of the input, in bytes; 0 if not known */
	int64		started;		/* TimestampTz */
	int64		load_id;		/* of a load in ranges, else 0 */
	int			session;		/* process that called for it */
	uint64		bytes;			/* told last */
	uint64		rows;			/* told last */
} BulkProgress;

struct BulkInput;

extern void bulk_progress_begin(BulkProgress *progress, Oid relid, const struct BulkInput *input);
extern void bulk_progress_begin_job(BulkProgress *progress, Oid relid, int64 load_id);
extern void bulk_progress_advance(BulkProgress *progress, const BulkReader *reader,
								  const uint64 *counts);
extern void bulk_progress_tell(BulkProgress *progress, uint64 bytes, const uint64 *counts);
extern void bulk_progress_end_range(BulkProgress *progress);
extern void bulk_progress_end(BulkProgress *progress);

/* ---- all of it: bulk_load.c ---- */

/* All values of one column. */
typedef struct BulkArray
{
	Oid			type;			/* of the argument; unknown: a literal */
	bool		isnull;
	Datum		value;
} BulkArray;

typedef struct BulkArrays
{
	int			narrays;		/* as many as options->columns */
	BulkArray	items[FLEXIBLE_ARRAY_MEMBER];
} BulkArrays;

extern BulkReader *bulk_arrays_reader(const BulkReader *base, BulkTarget *target,
									  const BulkArrays *arrays);

/* What parallel workers have to know to read the input. */
typedef struct BulkFileCall
{
	const char *path;
	Oid			function;		/* that was called */
	Jsonb	   *arguments;		/* by name */
} BulkFileCall;

typedef struct BulkInput BulkInput;
struct BulkInput
{
	const char *verb;			/* for the error context; NULL: "bulk_insert into" */
	BulkSource *source;
	Jsonb	   *jsonb;			/* in place of it */
	BulkPosition start;			/* of the source, in the file that it is a range of */
	int64		load_id;		/* of a load that has one already, else 0 */
	uint64		rejected;		/* of that load, in other ranges */
	const BulkProgress *job;	/* of that load as a whole, else NULL */
	BulkArrays *arrays;			/* in place of it */
	const struct BulkRetry *retry;	/* or rows that were rejected before */
	const BulkFileCall *file;	/* if workers are wanted, else NULL */

	/* Makes the reader; NULL: the one for the format, or for jsonb. */
	BulkReader *(*open) (const BulkReader *base, const BulkInput *input,
						 const BulkTarget *target);
};

/* ---- types and what is in them: bulk_type.c ---- */

typedef struct BulkTypeSearch
{
	bool		(*type) (Oid typid);	/* is this one looked for?  NULL: none is */
	bool		(*check) (Node *expression);	/* is this check of a domain? */
} BulkTypeSearch;

extern bool bulk_type_find(Oid typid, const BulkTypeSearch *search);

/* ---- the argument "data": bulk_data.c ---- */

extern BulkInput bulk_data_input(FunctionCallInfo fcinfo, int number, const BulkOptions *options);
extern void bulk_data_close(const BulkInput *input);

/* ---- arrays of keys: bulk_scalars.c ---- */

extern void bulk_scalars_input(BulkInput *input, const BulkOptions *options);
extern BulkReader *bulk_scalars_reader(const BulkReader *base, const BulkInput *input,
									   const BulkTarget *target);

typedef struct BulkResult
{
	uint64		counts[BULK_NOUTCOMES];
	int64		load_id;		/* 0: none */
} BulkResult;

/* What bulk_load() is doing, for the error context, of a file. */
#define BULK_LOAD_VERB	"bulk_load into"

extern BulkResult bulk_load(Oid relid, const BulkInput *input, const BulkOptions *options);
extern void bulk_load_check(Oid relid, const BulkInput *input, const BulkOptions *options);
extern Datum bulk_make_result(FunctionCallInfo fcinfo, const BulkResult *result);

/* ---- what became of each row: bulk_outcomes.c ---- */

extern Datum bulk_outcomes_return(FunctionCallInfo fcinfo, Oid relid, const BulkInput *input,
								  BulkOptions *options);

#endif							/* PURSER_BULK_H */
