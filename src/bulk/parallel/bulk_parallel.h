/*
 * bulk_parallel.h
 *		Parallel workers that make rows of a file, for a load that writes them.
 *
 * Workers claim ranges of the file, one after another, and send the rows of
 * each as heap tuples through a queue.  The load takes them in the order of
 * the file, so that it does what it would do alone: rows, entries, triggers
 * and the first error are the same.
 */
#ifndef PURSER_BULK_PARALLEL_H
#define PURSER_BULK_PARALLEL_H

#include "bulk/bulk_load.h"

#include "access/htup.h"
#include "storage/condition_variable.h"
#include "storage/shm_mq.h"
#include "storage/shm_toc.h"
#include "storage/spin.h"

/* A range of the file that a worker has to itself. */
typedef struct BulkClaim
{
	uint64		number;			/* from 0, in the order of the file */
	BulkPosition start;
	uint64		end;			/* offset behind it */
} BulkClaim;

/* In shared memory; what has no lock named is set before the workers start. */
typedef struct BulkShared
{
	Oid			relid;
	Oid			function;		/* that was called, with the arguments in the table of contents */
	int			encoding;		/* of the file */
	uint64		file_size;		/* in bytes */
	uint64		range_size;		/* at least, in bytes */
	char		line_end;		/* the byte that ends lines */
	int			line_style;		/* a BulkLineEnd: how the first line ends */
	Size		header_len;		/* of the header, in bytes and lines */
	uint64		header_lines;

	slock_t		mutex;			/* of what follows */
	bool		scanning;		/* a worker looks for the end of the next range */
	BulkPosition next;			/* where that begins */
	uint64		nclaimed;
	bool		claimed_all;
	uint64		nfailing;		/* who is in the range before that number may tell its error */
	bool		stopped;		/* no more rows are wanted */
	ConditionVariable scanned;
	ConditionVariable allowed;	/* to fail */
} BulkShared;

/* Chunks in the table of contents. */
#define BULK_KEY_SHARED		1
#define BULK_KEY_PATH		2
#define BULK_KEY_ARGUMENTS	3
#define BULK_KEY_HEADER		4
#define BULK_KEY_QUEUES		5
#define BULK_KEY_NUMBERS	6

/* Of each queue, in bytes. */
#define BULK_QUEUE_BYTES	((Size) 1024 * 1024)

/* ---- messages: bulk_parallel_send.c ---- */

/* Rows of one range; these come behind it, packed. */
typedef struct BulkMessage
{
	uint64		range;			/* number */
	BulkPosition base;			/* that the rows' positions count from */
	uint64		bytes;			/* of the file that were read for them */
	int32		nrows;
	bool		last;			/* of the range */
	bool		data_end;		/* the input ends here, whatever comes */
	bool		failed;			/* the next row is bad: the sender waits for leave to tell */
} BulkMessage;

typedef struct BulkSender BulkSender;

extern BulkSender *bulk_sender_begin(shm_mq_handle *queue, Relation rel);
extern void bulk_sender_range(BulkSender *sender, const BulkClaim *claim, BulkPosition base);
extern void bulk_sender_put(BulkSender *sender, const BulkPosition *position,
							TupleTableSlot *slot);
extern bool bulk_sender_full(const BulkSender *sender);
extern BulkMessage *bulk_sender_message(BulkSender *sender);
extern bool bulk_sender_send(BulkSender *sender, uint64 bytes);

/* ---- ranges: bulk_parallel_claim.c ---- */

extern void bulk_claim_init(BulkShared *shared, BulkPosition start);
extern bool bulk_claim_next(BulkShared *shared, const char *path, const BulkOptions *options,
							BulkClaim *claim);
extern bool bulk_claim_wait_to_fail(BulkShared *shared, uint64 range);
extern void bulk_claim_allow_to_fail(BulkShared *shared, uint64 range);
extern void bulk_claim_stop(BulkShared *shared);

/* ---- whether workers may do it: bulk_parallel_check.c ---- */

extern char *bulk_parallel_obstacle(const BulkLoad *load);
extern char *bulk_parallel_default_obstacle(const BulkLoad *load, List **numbers);

/* ---- numbers of sequences: bulk_parallel_numbers.c ---- */

typedef struct BulkNumbers BulkNumbers;
typedef struct BulkGivers BulkGivers;

extern Node *bulk_numbers_find(const BulkTarget *target, int column, List **all);
extern void bulk_numbers_take(List *all, uint64 nrows);
extern Size bulk_numbers_size(const List *all);
extern void bulk_numbers_write(const List *all, char *chunk);
extern BulkGivers *bulk_numbers_begin(BulkTarget *target, const char *chunk);
extern void bulk_numbers_give(BulkGivers *givers, uint64 row);

/* ---- the leader: bulk_parallel.c ---- */

extern bool bulk_parallel_rows(BulkLoad *load, const BulkFileCall *call);

/* ---- a worker: bulk_parallel_worker.c ---- */

#define BULK_WORKER_MAIN	"bulk_parallel_worker"

extern PGDLLEXPORT void bulk_parallel_worker(dsm_segment *segment, shm_toc *toc);

#endif							/* PURSER_BULK_PARALLEL_H */
