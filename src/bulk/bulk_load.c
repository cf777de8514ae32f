/*
 * bulk_load.c
 *		One load from start to end: pulls rows from the reader, has them coerced
 *		and hands them to the writer.
 *
 * Where parallel workers make the rows, bulk_parallel.c takes them in place of
 * this file.
 *
 * Called by bulk_functions.c.  All state is in the caller's memory, none of it
 * static: a trigger may well start another load.
 */
#include "bulk/bulk_load.h"

#include "bulk/parallel/bulk_parallel.h"
#include "executor/executor.h"
#include "miscadmin.h"

/* The fields make a row: take it. */
static void
take_row(BulkLoad *load)
{
	BulkTarget *target = &load->target;
	EState	   *estate = target->estate;
	MemoryContext oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
	TupleTableSlot *slot;
	bool		looks;

	if (load->rows != NULL)
	{
		/* Kept for the statement. */
		bulk_rows_make(load->rows, &load->context, load->context.position.row,
					   load->reader->fields);
		if (load->erase != NULL)
			bulk_erase_put(load->erase, load->rows->slot);
		else
			bulk_rows_put(load->rows, load->context.position.row);
		MemoryContextSwitchTo(oldcontext);
		return;
	}
	looks = bulk_coerce_defaults(target, load->reader->fields);
	if (looks)
		bulk_writer_flush(&load->writer);
	slot = bulk_writer_slot(&load->writer);
	bulk_coerce_row(target, &load->context, load->reader->fields, slot);
	load->writer.set = bulk_set_of(target, load->reader->fields);
	bulk_writer_put(&load->writer, slot);
	/* If all rows do, no batch gets full, and what they point into would stay. */
	if (looks)
		bulk_writer_write_out(&load->writer);
	MemoryContextSwitchTo(oldcontext);
}

/* No row is on its way: what they pointed into may go. */
static void
finish_batch(BulkLoad *load)
{
	if (load->reader->source != NULL)
		bulk_source_release(load->reader->source);
	bulk_set_forget(&load->target);
	bulk_progress_advance(&load->progress, load->reader, load->writer.counts);
}

static void
read_rows(BulkLoad *load)
{
	BulkReader *reader = load->reader;

	while (reader->next(reader))
	{
		CHECK_FOR_INTERRUPTS();
		take_row(load);
		ResetPerTupleExprContext(load->target.estate);
		if (load->writer.nbuffered == 0)
			finish_batch(load);
	}
	memset(&load->context.position, 0, sizeof(BulkPosition));
}

/* The same, if nothing is to be done about a row but to insert it. */
static void
read_straight(BulkLoad *load, BulkStraight *straight)
{
	BulkTarget *target = &load->target;
	BulkReader *reader = load->reader;

	while (reader->next(reader))
	{
		MemoryContext oldcontext;
		bool		looks;
		bool		written;

		CHECK_FOR_INTERRUPTS();
		oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(target->estate));
		looks = bulk_coerce_defaults(target, reader->fields);
		if (looks)
			bulk_straight_flush(straight);
		bulk_coerce_row(target, &load->context, reader->fields, bulk_straight_slot(straight));
		written = bulk_straight_put(straight);
		MemoryContextSwitchTo(oldcontext);
		ResetPerTupleExprContext(target->estate);
		/* If all rows look, no batch gets full; those that were taken point into nothing. */
		if (written || looks)
			finish_batch(load);
	}
	memset(&load->context.position, 0, sizeof(BulkPosition));
	bulk_straight_flush(straight);
	bulk_straight_end(straight);
}

/* The same by statement, when bad rows do not stop the load. */
static void
read_runs(BulkLoad *load, uint64 *counts)
{
	BulkRuns   *runs = bulk_runs_begin(load->reader, load->rows, load->rejects, load->options,
									   counts);

	while (bulk_runs_next(runs))
		bulk_progress_advance(&load->progress, load->reader, counts);
	memset(&load->context.position, 0, sizeof(BulkPosition));
}

/* The same directly. */
static void
read_batches(BulkLoad *load)
{
	BulkBatch  *batch = bulk_batch_begin(load->reader, &load->writer, load->rejects);

	while (bulk_batch_next(batch))
		bulk_progress_advance(&load->progress, load->reader, load->writer.counts);
	memset(&load->context.position, 0, sizeof(BulkPosition));
}

static void
begin_rejects(BulkLoad *load, const BulkInput *input)
{
	load->rejects = bulk_rejects_begin(&load->target, &load->context, load->options);
	if (input->retry != NULL)
		bulk_rejects_resume(load->rejects, input->retry->load_id);
	if (input->load_id != 0)
		bulk_rejects_join(load->rejects, input->load_id, input->rejected);
}

static void
begin_rows(BulkLoad *load)
{
	if (load->target.path == BULK_PATH_STATEMENT)
	{
		load->rows = bulk_rows_begin(&load->target);
		if (load->options->verb == BULK_DELETE && load->rejects == NULL)
			load->erase = bulk_erase_begin(&load->target, &load->context);
	}
	else
		bulk_writer_begin(&load->writer, &load->target, &load->context, load->options);
}

/* All rows are there: bring them in, and count. */
static void
end_rows(BulkLoad *load, uint64 *counts)
{
	if (load->rows == NULL)
	{
		bulk_writer_end(&load->writer);
		memcpy(counts, load->writer.counts, sizeof(load->writer.counts));
		return;
	}
	if (load->rejects != NULL)
		;						/* they went in runs */
	else if (load->erase != NULL)
		bulk_erase_end(load->erase, counts);
	else if (load->options->verb == BULK_INSERT)
		bulk_insert_rows(&load->target, &load->context, load->rows, load->options, counts);
	else
		bulk_change_rows(&load->target, &load->context, load->rows, load->options, counts);
	bulk_rows_end(load->rows);
}

static void
begin_note(BulkLoad *load)
{
	BulkNote   *note = load->options->note;

	if (note != NULL && note->begin != NULL)
		note->begin(note, &load->target);
}

/* Load the input into the table. */
BulkResult
bulk_load(Oid relid, const BulkInput *input, const BulkOptions *options)
{
	BulkLoad   *load = palloc0(sizeof(BulkLoad));
	BulkResult	result = {0};
	MemoryContext oldcontext;
	BulkStraight *straight;
	bool		rebuild = bulk_rebuild_wanted(relid, options->indexes,
											  input->source ? input->source->size : 0);

	load->options = options;
	bulk_target_open(&load->target, relid, options);
	begin_note(load);
	bulk_context_push(&load->context,
					  input->verb ? input->verb : bulk_verb_context(options->verb),
					  pstrdup(RelationGetRelationName(load->target.rel)));
	load->context.start = input->start;
	oldcontext = MemoryContextSwitchTo(load->target.estate->es_query_cxt);
	load->target.rebuild = rebuild;
	bulk_load_schema(load);
	if (options->rejects)
		begin_rejects(load, input);
	load->reader = bulk_load_reader(load, input);
	begin_rows(load);
	bulk_progress_begin(&load->progress, relid, input);
	if (input->file != NULL && bulk_parallel_rows(load, input->file))
		;						/* workers have read them */
	else if (load->rejects != NULL && load->rows != NULL)
		read_runs(load, result.counts);
	else if (load->rejects != NULL)
		read_batches(load);
	else if (load->rows == NULL && (straight = bulk_straight_begin(&load->writer)) != NULL)
		read_straight(load, straight);
	else
		read_rows(load);
	end_rows(load, result.counts);
	if (input->job != NULL)
		bulk_progress_end_range(&load->progress);
	else
		bulk_progress_end(&load->progress);
	if (input->retry != NULL)
		bulk_retry_end(input->retry);
	if (load->rejects != NULL)
		result.load_id = bulk_rejects_load_id(load->rejects);
	MemoryContextSwitchTo(oldcontext);
	bulk_context_pop(&load->context);
	bulk_target_close(&load->target);
	if (options->analyze)
		bulk_analyze(relid);

	pfree(load);
	return result;
}

/*
 * Raises the error that a load with these options would raise before its first
 * row; the input has none.
 */
void
bulk_load_check(Oid relid, const BulkInput *input, const BulkOptions *options)
{
	BulkLoad   *load = palloc0(sizeof(BulkLoad));
	MemoryContext oldcontext;

	load->options = options;
	bulk_target_open(&load->target, relid, options);
	bulk_context_push(&load->context, input->verb,
					  pstrdup(RelationGetRelationName(load->target.rel)));
	oldcontext = MemoryContextSwitchTo(load->target.estate->es_query_cxt);
	bulk_load_schema(load);
	load->reader = bulk_load_reader(load, input);
	(void) load->reader->next(load->reader);
	if (load->target.path == BULK_PATH_STATEMENT)
		bulk_insert_check(&load->target, &load->context, options);
	MemoryContextSwitchTo(oldcontext);
	bulk_context_pop(&load->context);
	bulk_target_close(&load->target);
	pfree(load);
}
