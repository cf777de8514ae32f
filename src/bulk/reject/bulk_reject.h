/*
 * bulk_reject.h
 *		Loads that bad rows do not stop: batches in subtransactions, and the
 *		rows that are put aside in purser.reject.
 */
#ifndef PURSER_BULK_REJECT_H
#define PURSER_BULK_REJECT_H

#include "bulk/statement/bulk_statement.h"

struct BulkOptions;

/* ---- what was put aside: bulk_reject.c ---- */

typedef struct BulkRejects BulkRejects;

extern BulkRejects *bulk_rejects_begin(BulkTarget *target, BulkContext *context,
									   const struct BulkOptions *options);
extern void bulk_rejects_name(BulkRejects *rejects, const char *name, int len);
extern void bulk_rejects_resume(BulkRejects *rejects, int64 load_id);
extern void bulk_rejects_join(BulkRejects *rejects, int64 load_id, uint64 before);
extern void bulk_rejects_refuse(int64 limit, int64 load_id, const char *detail);
extern void bulk_rejects_add(BulkRejects *rejects, const BulkEntry *entry,
							 const BulkField *fields, const ErrorData *error);
extern bool bulk_rejects_are_full(const BulkRejects *rejects);
extern void bulk_rejects_write(BulkRejects *rejects);
extern int64 bulk_rejects_load_id(const BulkRejects *rejects);

/* ---- bulk_blame.c ---- */

extern bool bulk_blame_row(int sqlerrcode);

/* ---- bulk_raw.c ---- */

extern char *bulk_raw_from_fields(const BulkTarget *target, const BulkField *fields);

/* ---- tables: bulk_reject_store.c ---- */

/* A bad row, as it will be in the table. */
typedef struct BulkReject
{
	BulkPosition position;
	const char *raw;
	Size		raw_len;
	bool		is_text;		/* raw is valid in the database's encoding */
	const char *column;			/* these may be NULL */
	const char *value;
	const char *sqlstate;
	const char *message;
	const char *detail;
	const char *hint;
	const char *constraint;
	const char *relation;
} BulkReject;

extern int64 bulk_store_load(int64 load_id, const BulkTarget *target,
							 const struct BulkOptions *options, const char *role,
							 const List *columns);
extern void bulk_store_rejects(int64 load_id, const char *role, const BulkReject *rejects,
							   int count);

/* ---- one try: bulk_attempt.c ---- */

typedef struct BulkAttempt
{
	BulkWriter *writer;			/* NULL: rows go by statement */
	MemoryContext memory;		/* the caller's */
	ResourceOwner owner;		/* the caller's */
	ResourceOwner own;			/* of the subtransaction */
	int			nslots;			/* of the executor's, before it */
	int			ntables;		/* likewise, opened for triggers */
	bool		open;
} BulkAttempt;

extern void bulk_attempt_begin(BulkAttempt *attempt);
extern void bulk_attempt_keep(BulkAttempt *attempt);
extern ErrorData *bulk_attempt_abandon(BulkAttempt *attempt, MemoryContext memory);

/* ---- rows that unique constraints refuse: bulk_taken.c ---- */

typedef struct BulkTaken BulkTaken;

extern BulkTaken *bulk_taken_begin(BulkWriter *writer);
extern void bulk_taken_rows(BulkTaken *probe, int from);
extern bool bulk_taken_by_index(BulkWriter *writer, ResultRelInfo *rri, Relation index,
								TupleTableSlot *slot);
extern void bulk_taken_refuse(BulkTaken *probe, int number);
extern ErrorData *bulk_taken_error(BulkTaken *probe, int number, MemoryContext memory);

/* ---- their keys in one index: bulk_taken_probe.c ---- */

extern void bulk_taken_probe(BulkWriter *writer, BulkPart *part, int number, int from);

/* ---- all rows: bulk_batch.c ---- */

typedef struct BulkBatch BulkBatch;

extern BulkBatch *bulk_batch_begin(BulkReader *reader, BulkWriter *writer, BulkRejects *rejects);
extern bool bulk_batch_next(BulkBatch *batch);

/* ---- the same by statement: bulk_runs.c ---- */

typedef struct BulkRuns BulkRuns;

extern BulkRuns *bulk_runs_begin(BulkReader *reader, BulkRows *rows, BulkRejects *rejects,
								 const struct BulkOptions *options, uint64 *counts);
extern bool bulk_runs_next(BulkRuns *runs);

/* ---- rows that were put aside, once more: bulk_retry.c ---- */

typedef struct BulkRetry
{
	int64		load_id;
	const char *role;
} BulkRetry;

typedef BulkReader *(*BulkMakeReader) (const BulkReader *base, const BulkFormat *format);

extern BulkReader *bulk_retry_reader(const BulkReader *base, const BulkFormat *format,
									 BulkMakeReader make, const BulkRetry *retry);
extern void bulk_retry_end(const BulkRetry *retry);

#endif							/* PURSER_BULK_REJECT_H */
