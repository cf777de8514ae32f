/*
 * bulk_parallel.c
 *		The leader of a load with parallel workers: starts them, takes the rows
 *		that they send and hands them to the writer.
 *
 * The workers are those of the server's parallel queries: they share the
 * transaction, its snapshot, locks, role and settings, so that they see what
 * this session sees.  The rows are written here, in parallel mode, which
 * forbids inserting to workers alone; whatever it forbids to the leader too
 * is kept away by bulk_parallel_check.c.
 *
 * Rows are taken in the order of the file.  A worker whose turn has not come
 * goes on until its queue is full.
 *
 * Called by bulk_load.c.
 */
#include "bulk/parallel/bulk_parallel.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "bulk/input/bulk_delimited.h"
#include "bulk/job/bulk_job.h"
#include "bulk/bulk_settings.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/wait_event.h"

/* A worker as the leader sees it. */
typedef struct WorkerQueue
{
	shm_mq_handle *queue;
	const BulkMessage *message; /* received, and not taken; or NULL */
	bool		closed;
} WorkerQueue;

typedef struct Leader
{
	BulkLoad   *load;
	const BulkFileCall *call;
	ParallelContext *parallel;
	BulkShared *shared;
	BulkShared	plan;			/* before there is shared memory */
	const char *header;
	List	   *numbers;		/* of BulkNumbers */
	BulkPosition start;			/* of the first row */
	int			nqueues;
	WorkerQueue *queues;
	BulkStraight *straight;		/* NULL: rows take the way of others */
} Leader;

/* ---- the beginning of the file ---- */

static BulkLineEnd
line_style(const char *data, Size len)
{
	if (len > 1 && data[len - 1] == '\n' && data[len - 2] == '\r')
		return BULK_LINE_CRLF;
	if (len > 0 && data[len - 1] == '\n')
		return BULK_LINE_LF;
	return len > 0 && data[len - 1] == '\r' ? BULK_LINE_CR : BULK_LINE_UNKNOWN;
}

/* Find out where the rows begin, and how lines end. */
static void
read_beginning(Leader *leader)
{
	const BulkOptions *options = leader->load->options;
	BulkCoding	raw = {BULK_COMPRESSION_NONE, GetDatabaseEncoding()};
	BulkSource *source = bulk_source_file(leader->call->path, &raw);
	BulkShared *plan = &leader->plan;
	BulkPosition end;

	bulk_source_more(source, 0);
	end = bulk_split_header(source, options);
	plan->file_size = source->size;
	plan->line_end = bulk_split_line_end(source);
	plan->line_style = line_style(source->data, end.offset);
	if (options->format.header != BULK_HEADER_NONE && options->format_name != BULK_FORMAT_NDJSON)
	{
		leader->start = end;
		leader->header = memcpy(palloc(end.offset), source->data, end.offset);
		plan->header_len = end.offset;
		plan->header_lines = end.line;
	}
	bulk_source_close(source);
}

/* Which columns the file names, if that is known from its beginning. */
static void
name_columns(const Leader *leader)
{
	BulkLoad   *load = leader->load;
	BulkCoding	coding = bulk_options_coding(load->options);
	BulkInput	input = {0};
	BulkReader *reader;

	if (load->options->format_name == BULK_FORMAT_NDJSON)
		return;
	coding.compression = BULK_COMPRESSION_NONE;
	input.source = bulk_source_bytes(leader->header, leader->plan.header_len, &coding);
	reader = bulk_load_reader(load, &input);
	(void) reader->next(reader);
	bulk_source_close(input.source);
	memset(&load->context.position, 0, sizeof(BulkPosition));
}

/* ---- starting ---- */

static void
put_chunk(ParallelContext *parallel, uint64 key, const void *data, Size size)
{
	void	   *chunk = shm_toc_allocate(parallel->toc, size);

	memcpy(chunk, data, size);
	shm_toc_insert(parallel->toc, key, chunk);
}

static void
estimate(const Leader *leader)
{
	shm_toc_estimator *estimator = &leader->parallel->estimator;

	shm_toc_estimate_chunk(estimator, sizeof(BulkShared));
	shm_toc_estimate_chunk(estimator, strlen(leader->call->path) + 1);
	shm_toc_estimate_chunk(estimator, VARSIZE(leader->call->arguments));
	shm_toc_estimate_chunk(estimator, Max(leader->plan.header_len, 1));
	shm_toc_estimate_chunk(estimator, mul_size(leader->parallel->nworkers, BULK_QUEUE_BYTES));
	shm_toc_estimate_chunk(estimator, bulk_numbers_size(leader->numbers));
	shm_toc_estimate_keys(estimator, 6);
}

static void
make_queues(Leader *leader)
{
	int			n = leader->parallel->nworkers;
	char	   *chunk = shm_toc_allocate(leader->parallel->toc, n * BULK_QUEUE_BYTES);

	leader->queues = palloc0(n * sizeof(WorkerQueue));
	for (int i = 0; i < n; i++)
	{
		shm_mq	   *queue = shm_mq_create(chunk + i * BULK_QUEUE_BYTES, BULK_QUEUE_BYTES);

		shm_mq_set_receiver(queue, MyProc);
		leader->queues[i].queue = shm_mq_attach(queue, leader->parallel->seg, NULL);
	}
	shm_toc_insert(leader->parallel->toc, BULK_KEY_QUEUES, chunk);
}

static void
put_numbers(ParallelContext *parallel, const List *numbers)
{
	char	   *chunk = shm_toc_allocate(parallel->toc, bulk_numbers_size(numbers));

	bulk_numbers_write(numbers, chunk);
	shm_toc_insert(parallel->toc, BULK_KEY_NUMBERS, chunk);
}

static void
fill_shared(Leader *leader)
{
	ParallelContext *parallel = leader->parallel;
	BulkLoad   *load = leader->load;

	leader->shared = shm_toc_allocate(parallel->toc, sizeof(BulkShared));
	*leader->shared = leader->plan;
	leader->shared->relid = RelationGetRelid(load->target.rel);
	leader->shared->function = leader->call->function;
	leader->shared->encoding = bulk_options_coding(load->options).encoding;
	leader->shared->range_size = bulk_range;
	bulk_claim_init(leader->shared, leader->start);
	shm_toc_insert(parallel->toc, BULK_KEY_SHARED, leader->shared);
	put_chunk(parallel, BULK_KEY_PATH, leader->call->path, strlen(leader->call->path) + 1);
	put_chunk(parallel, BULK_KEY_ARGUMENTS, leader->call->arguments,
			  VARSIZE(leader->call->arguments));
	put_chunk(parallel, BULK_KEY_HEADER, leader->plan.header_len > 0 ? leader->header : "",
			  Max(leader->plan.header_len, 1));
	put_numbers(parallel, leader->numbers);
}

/* As many as are wanted, but not more than ranges. */
static int
worker_count(const Leader *leader)
{
	uint64		nranges = (leader->plan.file_size - leader->start.offset) / bulk_range + 1;

	return Min((uint64) leader->load->options->workers, nranges);
}

static void
tell_missing(int launched, int wanted)
{
	if (launched < wanted)
		ereport(NOTICE,
				(errmsg("loading with %d of %d workers", launched, wanted),
				 errdetail("The server has no more parallel workers now."),
				 errhint("To have more, increase max_parallel_workers and max_worker_processes.")));
}

/* What cannot be had in parallel mode. */
static void
take_numbers(const Leader *leader)
{
	BulkCoding	raw = {BULK_COMPRESSION_NONE, GetDatabaseEncoding()};
	BulkSource *source;

	(void) GetCurrentTransactionId();
	(void) GetCurrentCommandId(true);
	if (leader->numbers == NIL || max_parallel_workers == 0)
		return;
	source = bulk_source_range(leader->call->path, &raw, leader->start.offset,
							   leader->plan.file_size);
	bulk_source_more(source, 0);
	bulk_numbers_take(leader->numbers,
					  bulk_split_count(source, leader->load->options, leader->plan.line_end));
	bulk_source_close(source);
}

/* Enter parallel mode and start workers; false, and out of it, if there are none. */
static bool
start_workers(Leader *leader)
{
	int			wanted = worker_count(leader);
	ParallelContext *parallel;

	take_numbers(leader);
	EnterParallelMode();
	/* No more queues than there can be workers. */
	parallel = CreateParallelContext("pg_purser", BULK_WORKER_MAIN,
									 Min(wanted, max_parallel_workers));
	leader->parallel = parallel;
	/* A worker tells itself where in the file its error is. */
	parallel->error_context_stack = leader->load->context.callback.previous;
	estimate(leader);
	InitializeParallelDSM(parallel);
	if (parallel->nworkers > 0)
	{
		fill_shared(leader);
		make_queues(leader);
		LaunchParallelWorkers(parallel);
	}
	tell_missing(parallel->nworkers_launched, wanted);
	leader->nqueues = parallel->nworkers_launched;
	for (int i = 0; i < leader->nqueues; i++)
		shm_mq_set_handle(leader->queues[i].queue, parallel->worker[i].bgwhandle);
	if (leader->nqueues > 0)
		return true;
	DestroyParallelContext(parallel);
	ExitParallelMode();
	return false;
}

/* ---- taking rows ---- */

/* Look what the worker has sent. */
static void
receive(WorkerQueue *queue)
{
	Size		size;
	void	   *data;
	shm_mq_result result = shm_mq_receive(queue->queue, &size, &data, true);

	if (result == SHM_MQ_SUCCESS)
		queue->message = data;
	else
		queue->closed = result == SHM_MQ_DETACHED;
}

/* The worker with the next message of the range; NULL if all are gone. */
static WorkerQueue *
wait_for(Leader *leader, uint64 range)
{
	for (;;)
	{
		bool		all_closed = true;

		for (int i = 0; i < leader->nqueues; i++)
		{
			WorkerQueue *queue = &leader->queues[i];

			if (queue->message == NULL && !queue->closed)
				receive(queue);
			if (queue->message != NULL && queue->message->range == range)
				return queue;
			all_closed = all_closed && queue->closed;
		}
		if (all_closed)
			return NULL;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, -1, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* The message's rows to the writer. */
static void
borrow_rows(BulkLoad *load, const BulkMessage *message, char *place)
{
	for (int i = 0; i < message->nrows; i++)
	{
		BulkPackedRow *row;

		CHECK_FOR_INTERRUPTS();
		place = bulk_pack_next(place, &row);
		load->context.position.row = message->base.row + row->row;
		load->context.position.line = message->base.line + row->line;
		bulk_borrow_row(&load->writer, &row->tuple);
		ResetPerTupleExprContext(load->target.estate);
	}
	bulk_writer_write_out(&load->writer);
}

static void
take_rows(Leader *leader, const BulkMessage *message)
{
	BulkLoad   *load = leader->load;
	char	   *place = (char *) message + MAXALIGN(sizeof(BulkMessage));

	CHECK_FOR_INTERRUPTS();
	if (leader->straight == NULL)
		borrow_rows(load, message, place);
	else if (message->nrows > 0)
		bulk_straight_insert(leader->straight, place, message->nrows, &message->base);
	ResetPerTupleExprContext(load->target.estate);
	memset(&load->context.position, 0, sizeof(BulkPosition));
	bulk_progress_tell(&load->progress, message->bytes, load->writer.counts);
}

/* Take all rows, range by range; the number of ranges. */
static uint64
take_ranges(Leader *leader)
{
	uint64		range = 0;
	bool		data_end = false;
	WorkerQueue *queue;

	while (!data_end && (queue = wait_for(leader, range)) != NULL)
	{
		const BulkMessage *message = queue->message;
		bool		last = message->last;

		take_rows(leader, message);
		data_end = message->data_end;
		if (message->failed)
			bulk_claim_allow_to_fail(leader->shared, range);
		queue->message = NULL;
		if (last)
			range++;
	}
	if (data_end)
		bulk_claim_stop(leader->shared);
	return range;
}

/* ---- ending ---- */

static void
end_workers(Leader *leader, uint64 nranges)
{
	bool		complete;

	for (int i = 0; i < leader->parallel->nworkers; i++)
		shm_mq_detach(leader->queues[i].queue);
	/* Raises the error of a worker, if there is one. */
	WaitForParallelWorkersToFinish(leader->parallel);
	complete = leader->shared->stopped ||
		(leader->shared->claimed_all && leader->shared->nclaimed == nranges);
	DestroyParallelContext(leader->parallel);
	ExitParallelMode();
	if (!complete)
		elog(ERROR, "parallel workers ended before their input");
}

static bool
refuse(const char *reason)
{
	ereport(NOTICE,
			(errmsg("loading without workers"),
			 errdetail_internal("%s", reason)));
	return false;
}

/*
 * Load all rows of the file with the workers that are wanted.  False if there
 * cannot be any: then nothing has been done.
 */
bool
bulk_parallel_rows(BulkLoad *load, const BulkFileCall *call)
{
	Leader		leader = {.load = load, .call = call};
	const char *obstacle = bulk_parallel_obstacle(load);

	if (obstacle != NULL)
		return refuse(obstacle);
	read_beginning(&leader);
	name_columns(&leader);
	obstacle = bulk_parallel_default_obstacle(load, &leader.numbers);
	if (obstacle != NULL)
		return refuse(obstacle);
	if (!start_workers(&leader))
		return false;
	leader.straight = bulk_straight_begin(&load->writer);
	end_workers(&leader, take_ranges(&leader));
	if (leader.straight != NULL)
		bulk_straight_end(leader.straight);
	return true;
}
