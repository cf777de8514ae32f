/*
 * bulk_parallel_worker.c
 *		A parallel worker of a load: claims ranges of the file, makes their rows
 *		and sends them.
 *
 * Of a table without partitions it also computes generated columns and checks
 * constraints.  It writes nothing.  A bad row's error waits until the rows
 * before it are taken, so that the error told is the one of the first bad row.
 *
 * Started by bulk_parallel.c.
 */
#include "bulk/parallel/bulk_parallel.h"

#include "access/parallel.h"
#include "bulk/input/bulk_delimited.h"
#include "bulk/job/bulk_job.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/memutils.h"

typedef struct RowMaker
{
	BulkLoad	load;
	BulkShared *shared;
	const char *path;
	const char *header;
	BulkSender *sender;
	TupleTableSlot *slot;
	BulkGivers *givers;
	MemoryContext memory;		/* of a range */
	BulkClaim	claim;
	BulkSource *source;			/* of the claim; NULL: not open */
} RowMaker;

/* ---- the rows of a range ---- */

static void
begin_range(RowMaker *maker)
{
	BulkLoad   *load = &maker->load;
	const BulkClaim *claim = &maker->claim;
	BulkSlice	slice = {
		.path = maker->path,
		.from = claim->start.offset,
		.to = claim->end,
		.header = maker->header,
		.header_len = maker->shared->header_len
	};
	BulkCoding	coding = bulk_options_coding(load->options);
	BulkInput	input = {0};

	bulk_sender_range(maker->sender, claim, claim->start);
	input.source = maker->source = bulk_source_headed(&slice, &coding);
	load->reader = bulk_load_reader(load, &input);
	if (load->options->format_name != BULK_FORMAT_NDJSON)
		((BulkDelimited *) load->reader)->line_end = maker->shared->line_style;
	load->context.start = claim->start;
	load->context.start.line -= maker->shared->header_lines;
	bulk_sender_message(maker->sender)->base = load->context.start;
}

/* Make the row of the fields, and put it to the others. */
static void
make_row(RowMaker *maker)
{
	BulkLoad   *load = &maker->load;
	BulkTarget *target = &load->target;
	MemoryContext oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(target->estate));
	TupleTableSlot *slot = ExecClearTuple(maker->slot);

	bulk_numbers_give(maker->givers,
					  load->context.start.row + load->context.position.row - 1);
	(void) bulk_coerce_defaults(target, load->reader->fields);
	bulk_coerce_row(target, &load->context, load->reader->fields, slot);
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(target->rel);
	if (target->rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		bulk_writer_check(target->rri, target->estate, slot, false);
	bulk_sender_put(maker->sender, &load->context.position, slot);
	MemoryContextSwitchTo(oldcontext);
}

/* Send what there is; false if the leader wants no more. */
static bool
send_rows(RowMaker *maker)
{
	uint64		bytes = maker->claim.start.offset;

	if (maker->source != NULL)
	{
		bytes += maker->source->consumed;
		bulk_source_release(maker->source);
	}
	return bulk_sender_send(maker->sender, bytes);
}

/* Make and send the rows of the claim; false if the leader wants no more. */
static bool
make_rows(RowMaker *maker)
{
	BulkReader *reader;
	BulkMessage *message;

	begin_range(maker);
	reader = maker->load.reader;
	while (reader->next(reader))
	{
		CHECK_FOR_INTERRUPTS();
		make_row(maker);
		ResetPerTupleExprContext(maker->load.target.estate);
		if (bulk_sender_full(maker->sender) && !send_rows(maker))
			return false;
	}
	message = bulk_sender_message(maker->sender);
	message->last = true;
	message->data_end = maker->load.options->format_name == BULK_FORMAT_TEXT &&
		((BulkDelimited *) reader)->ended;
	return send_rows(maker);
}

/* ---- errors ---- */

/* The rows before the bad one go first; false if nobody wants to know. */
static bool
announce_failure(RowMaker *maker)
{
	bulk_sender_message(maker->sender)->failed = true;
	return send_rows(maker) &&
		bulk_claim_wait_to_fail(maker->shared, maker->claim.number);
}

/* As make_rows, with errors at their turn. */
static bool
make_rows_in_turn(RowMaker *maker)
{
	MemoryContext memory = CurrentMemoryContext;
	volatile bool more = false;

	PG_TRY();
	{
		more = make_rows(maker);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(memory);
		error = CopyErrorData();
		FlushErrorState();
		if (announce_failure(maker))
			ReThrowError(error);
	}
	PG_END_TRY();
	return more;
}

/* ---- from start to end ---- */

static BulkOptions *
read_options(const BulkShared *shared, shm_toc *toc)
{
	Jsonb	   *arguments = shm_toc_lookup(toc, BULK_KEY_ARGUMENTS, false);
	BulkOptions *options = bulk_arguments_options(shared->function, arguments);

	options->worker = true;
	options->encoding = shared->encoding;
	return options;
}

static shm_mq_handle *
attach_queue(dsm_segment *segment, shm_toc *toc)
{
	char	   *queues = shm_toc_lookup(toc, BULK_KEY_QUEUES, false);
	shm_mq	   *queue = (shm_mq *) (queues + ParallelWorkerNumber * BULK_QUEUE_BYTES);

	shm_mq_set_sender(queue, MyProc);
	return shm_mq_attach(queue, segment, NULL);
}

static RowMaker *
begin_worker(dsm_segment *segment, shm_toc *toc)
{
	RowMaker   *maker = palloc0(sizeof(RowMaker));
	BulkLoad   *load = &maker->load;
	shm_mq_handle *queue = attach_queue(segment, toc);

	maker->shared = shm_toc_lookup(toc, BULK_KEY_SHARED, false);
	maker->path = shm_toc_lookup(toc, BULK_KEY_PATH, false);
	maker->header = shm_toc_lookup(toc, BULK_KEY_HEADER, false);
	load->options = read_options(maker->shared, toc);
	bulk_target_open(&load->target, maker->shared->relid, load->options);
	bulk_context_push(&load->context, BULK_LOAD_VERB,
					  pstrdup(RelationGetRelationName(load->target.rel)));
	bulk_load_schema(load);
	maker->givers = bulk_numbers_begin(&load->target,
									   shm_toc_lookup(toc, BULK_KEY_NUMBERS, false));
	maker->sender = bulk_sender_begin(queue, load->target.rel);
	maker->slot = MakeSingleTupleTableSlot(RelationGetDescr(load->target.rel), &TTSOpsVirtual);
	maker->memory = AllocSetContextCreate(CurrentMemoryContext, "pg_purser range",
										  ALLOCSET_DEFAULT_SIZES);
	return maker;
}

/* Make rows until no range is left. */
void
bulk_parallel_worker(dsm_segment *segment, shm_toc *toc)
{
	RowMaker   *maker = begin_worker(segment, toc);
	MemoryContext oldcontext = MemoryContextSwitchTo(maker->memory);
	bool		more = true;

	while (more && bulk_claim_next(maker->shared, maker->path, maker->load.options,
								   &maker->claim))
	{
		more = make_rows_in_turn(maker);
		if (maker->source != NULL)
			bulk_source_close(maker->source);
		maker->source = NULL;
		MemoryContextReset(maker->memory);
		memset(&maker->load.context.position, 0, sizeof(BulkPosition));
	}
	MemoryContextSwitchTo(oldcontext);
	bulk_context_pop(&maker->load.context);
	ExecDropSingleTupleTableSlot(maker->slot);
	bulk_target_close(&maker->load.target);
}
