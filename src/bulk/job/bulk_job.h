/*
 * bulk_job.h
 *		Loads of files in ranges, each in a transaction of its own.
 */
#ifndef PURSER_BULK_JOB_H
#define PURSER_BULK_JOB_H

#include "bulk/bulk.h"

#include "shared/worker.h"

/* ---- what was asked for: bulk_job.c ---- */

typedef struct BulkJob
{
	int64		load_id;
	Oid			relid;
	char	   *path;
	Oid			function;		/* whose arguments say how: purser.load */
	BulkOptions *options;
	bool		finished;
} BulkJob;

/* Rows so far, and ranges. */
typedef struct BulkJobCounts
{
	int64		inserted;
	int64		updated;
	int64		skipped;
	int64		rejected;
	int64		ranges;
	int64		finished;		/* of these */
} BulkJobCounts;

extern void bulk_job_add(BulkJob *job, Jsonb *arguments, const List *columns);
extern BulkJob *bulk_job_read(int64 load_id, Oid function);
extern void bulk_job_allow(int64 load_id, int64 max_rejects);
extern void bulk_job_check_rejects(const BulkJob *job);
extern void bulk_job_finish(const BulkJob *job);
extern BulkJobCounts bulk_job_counts(const BulkJob *job);

/* ---- arguments that outlive the call: bulk_arguments.c ---- */

extern Jsonb *bulk_arguments_to_json(FunctionCallInfo fcinfo, int first);
extern BulkOptions *bulk_arguments_options(Oid function, Jsonb *arguments);

/* ---- where a file may be cut: bulk_split.c ---- */

extern char bulk_split_ambiguous(const BulkOptions *options);
extern BulkPosition bulk_split_header(BulkSource *source, const BulkOptions *options);
extern List *bulk_split(BulkSource *source, const BulkOptions *options, BulkPosition start,
						uint64 size);
extern char bulk_split_line_end(const BulkSource *source);
extern BulkPosition bulk_split_range(BulkSource *source, const BulkOptions *options, char line_end,
									 BulkPosition start, uint64 size);
extern uint64 bulk_split_count(BulkSource *source, const BulkOptions *options, char line_end);

/* ---- the file: bulk_cut.c ---- */

extern void bulk_cut_check(const BulkOptions *options);
extern BulkSource *bulk_cut_header(const BulkJob *job);
extern List *bulk_cut_columns(const BulkJob *job);
extern List *bulk_cut(const BulkJob *job, uint64 size, int nworkers);

/* ---- ranges: bulk_range.c ---- */

/* What a range's load is doing, for the error context. */
#define BULK_RANGE_VERB	"load into"

extern void bulk_range_add(int64 load_id, const List *borders);
extern bool bulk_range_load_next(const BulkJob *job, const BulkProgress *progress);
extern Worker *bulk_range_start_worker(const BulkJob *job, const BulkProgress *progress,
									   const WorkerSettings *settings);

extern PGDLLEXPORT void bulk_range_worker(void *payload, Size size);

#endif							/* PURSER_BULK_JOB_H */
