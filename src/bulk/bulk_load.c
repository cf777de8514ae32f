/*
 * bulk_load.c
 *		One load from start to end: pulls rows from the reader, has them coerced
 *		and hands them to the writer.
 *
 * Where parallel workers make the rows, bulk_parallel.c takes them in place of
 * this file; the workers use its way from names to columns.
 *
 * Called by bulk_functions.c.  All state is in the caller's memory, none of it
 * static: a trigger may well start another load.
 */
#include "bulk/bulk_load.h"

#include "bulk/parallel/bulk_parallel.h"
#include "access/htup_details.h"
#include "executor/executor.h"
#include "miscadmin.h"

/* ---- what the reader asks ---- */

static void
refuse_name(BulkLoad *load, const char *name, int len)
{
	const char *similar = bulk_target_similar(&load->target, name, len);

	if (similar != NULL)
		load->context.hint = NULL;	/* the form of the input is right */
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of relation \"%s\" does not exist",
					bulk_context_clip(name, len), RelationGetRelationName(load->target.rel)),
			 similar == NULL ? 0 :
			 errhint("Names are compared exactly, and there is a column \"%s\".", similar)));
}

static int
load_find(BulkSchema *schema, const char *name, int len, int position)
{
	BulkLoad   *load = (BulkLoad *) schema;
	KnownName  *known;
	int			column;

	/* Before the first row, names are those of all rows. */
	if (load->rejects != NULL && load->context.position.row == 0)
		bulk_rejects_name(load->rejects, name, len);
	if (position < load->nknown)
	{
		known = &load->known[position];
		if (known->len == len && memcmp(known->name, name, len) == 0)
			return known->column;
	}

	column = bulk_target_find(&load->target, name, len);
	if (column < 0)
	{
		if (load->options->ignore_unknown)
			return -1;
		refuse_name(load, name, len);
	}
	bulk_target_name(&load->target, column);
	if (position < load->target.ncolumns && position <= load->nknown)
	{
		known = &load->known[position];
		known->name = load->target.columns[column].name;
		known->len = len;
		known->column = column;
		load->nknown = Max(load->nknown, position + 1);
	}
	return column;
}

/* Those that the caller lists, or all that a value can be given for, as COPY has it. */
static int
load_all(BulkSchema *schema, int *columns, const char **names)
{
	BulkLoad   *load = (BulkLoad *) schema;
	BulkTarget *target = &load->target;
	ListCell   *lc;
	int			n = 0;

	foreach(lc, load->options->columns)
	{
		const char *name = lfirst(lc);
		int			column = load_find(schema, name, strlen(name), n);

		for (int i = 0; i < n; i++)
			if (columns[i] == column && column >= 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("column \"%s\" specified more than once", name)));
		if (names != NULL)
			names[n] = name;
		columns[n++] = column;
	}
	if (load->options->columns != NIL)
		return n;
	for (int i = 0; i < target->ncolumns; i++)
	{
		if (target->columns[i].name == NULL || target->columns[i].generated)
			continue;
		bulk_target_name(target, i);
		if (load->rejects != NULL && load->context.position.row == 0)
			bulk_rejects_name(load->rejects, target->columns[i].name,
							  target->columns[i].name_len);
		if (names != NULL)
			names[n] = target->columns[i].name;
		columns[n++] = i;
	}
	return n;
}

static bool
load_has(BulkSchema *schema, const char *name, int len)
{
	return bulk_target_find(&((BulkLoad *) schema)->target, name, len) >= 0;
}

static const char *
load_name(BulkSchema *schema, int column)
{
	return ((BulkLoad *) schema)->target.columns[column].name;
}

/* ---- the reader ---- */

/* Marks by column from names; NULL for none. */
static bool *
mark_columns(BulkLoad *load, const List *names, const char *option)
{
	bool	   *marks;
	ListCell   *lc;

	if (names == NIL)
		return NULL;
	marks = palloc0(load->target.ncolumns * sizeof(bool));
	foreach(lc, names)
	{
		const char *name = lfirst(lc);
		int			column = bulk_target_find(&load->target, name, strlen(name));

		if (column < 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist",
							name, RelationGetRelationName(load->target.rel)),
					 errdetail("The option \"%s\" names it.", option)));
		marks[column] = true;
	}
	return marks;
}

/* How many columns a row may name in all, so that lists have room. */
static void
check_columns(const BulkLoad *load)
{
	if (list_length(load->options->columns) > MaxHeapAttributeNumber)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" names more than %d columns", "columns",
						MaxHeapAttributeNumber)));
}

/* Where rows stay as long as they may be needed. */
static MemoryContext
row_memory(const BulkLoad *load)
{
	EState	   *estate = load->target.estate;

	if (load->rejects == NULL)
		return GetPerTupleMemoryContext(estate);
	return AllocSetContextCreate(estate->es_query_cxt, "pg_purser batch", ALLOCSET_DEFAULT_SIZES);
}

static BulkMakeReader
reader_maker(BulkFormatName format)
{
	switch (format)
	{
		case BULK_FORMAT_CSV:
			return bulk_csv_reader;
		case BULK_FORMAT_TEXT:
			return bulk_text_reader;
		default:
			return bulk_json_reader;
	}
}

/* In the current memory context, which has to last as long. */
BulkReader *
bulk_load_reader(BulkLoad *load, const BulkInput *input)
{
	BulkFormat	format = load->options->format;
	BulkReader	base = {
		.source = input->source,
		.schema = &load->schema,
		.context = &load->context,
		.load_memory = CurrentMemoryContext,
		.row_memory = row_memory(load)
	};
	BulkMakeReader make = reader_maker(load->options->format_name);

	base.fields = palloc0(Max(load->target.ncolumns, 1) * sizeof(BulkField));
	format.force_null = mark_columns(load, load->options->force_null, "force_null");
	format.force_not_null = mark_columns(load, load->options->force_not_null, "force_not_null");
	check_columns(load);
	if (input->open != NULL)
		return input->open(&base, input, &load->target);
	if (input->jsonb != NULL)
		return bulk_jsonb_reader(&base, input->jsonb);
	if (input->arrays != NULL)
		return bulk_arrays_reader(&base, &load->target, input->arrays);
	if (input->retry != NULL)
		return bulk_retry_reader(&base, &format, make, input->retry);
	return make(&base, &format);
}

void
bulk_load_schema(BulkLoad *load)
{
	load->schema.ncolumns = load->target.ncolumns;
	load->schema.find = load_find;
	load->schema.has = load_has;
	load->schema.all = load_all;
	load->schema.name = load_name;
	load->known = palloc0(Max(load->target.ncolumns, 1) * sizeof(KnownName));
}

/* ---- rows ---- */

/* The fields make a row: take it. */
static void
take_row(BulkLoad *load)
{
	BulkTarget *target = &load->target;
	EState	   *estate = target->estate;
	MemoryContext oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
	TupleTableSlot *slot;

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
	if (bulk_coerce_defaults(target, load->reader->fields))
		bulk_writer_flush(&load->writer);
	slot = bulk_writer_slot(&load->writer);
	bulk_coerce_row(target, &load->context, load->reader->fields, slot);
	load->writer.set = bulk_set_of(target, load->reader->fields);
	bulk_writer_put(&load->writer, slot);
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
		bool		written;

		CHECK_FOR_INTERRUPTS();
		oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(target->estate));
		if (bulk_coerce_defaults(target, reader->fields))
			bulk_straight_flush(straight);
		bulk_coerce_row(target, &load->context, reader->fields, bulk_straight_slot(straight));
		written = bulk_straight_put(straight);
		MemoryContextSwitchTo(oldcontext);
		ResetPerTupleExprContext(target->estate);
		if (written)
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
 * Raises the error that a load of rows with the columns of the options would
 * raise before its first row.
 */
void
bulk_load_check(Oid relid, const BulkOptions *options, const char *verb)
{
	BulkLoad   *load = palloc0(sizeof(BulkLoad));
	BulkInput	input = {.verb = verb, .source = bulk_source_memory("", 0)};
	MemoryContext oldcontext;

	load->options = options;
	bulk_target_open(&load->target, relid, options);
	bulk_context_push(&load->context, verb, pstrdup(RelationGetRelationName(load->target.rel)));
	oldcontext = MemoryContextSwitchTo(load->target.estate->es_query_cxt);
	bulk_load_schema(load);
	load->reader = bulk_load_reader(load, &input);
	(void) load->reader->next(load->reader);
	if (load->target.path == BULK_PATH_STATEMENT)
		bulk_insert_check(&load->target, &load->context, options);
	MemoryContextSwitchTo(oldcontext);
	bulk_context_pop(&load->context);
	bulk_target_close(&load->target);
	pfree(load);
}
