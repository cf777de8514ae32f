/*
 * bulk_load.c
 *		One load from start to end, and the sink between reader and writer.
 *
 * Called by bulk_functions.c.  All state is on the stack or in the executor
 * state's memory, none of it static: a trigger may well start another load.
 */
#include "bulk.h"

#include "executor/executor.h"
#include "miscadmin.h"

/* Which column a name is for; objects tend to have the same keys in the same order. */
typedef struct KnownName
{
	const char *name;
	int			len;
	int			column;
} KnownName;

typedef struct BulkLoad
{
	BulkSink	sink;			/* first, so that a sink is its load */
	BulkContext context;
	BulkTarget	target;
	BulkWriter	writer;
	int			nknown;
	KnownName  *known;			/* at most one per column, by position in the row */
} BulkLoad;

static int
load_column(BulkSink *sink, const char *name, int len, int position)
{
	BulkLoad   *load = (BulkLoad *) sink;
	KnownName  *known;
	int			column;

	if (position < load->nknown)
	{
		known = &load->known[position];
		if (known->len == len && memcmp(known->name, name, len) == 0)
			return known->column;
	}

	column = bulk_target_column(&load->target, name, len);
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

/* The fields make a row: take it, and forget its memory. */
static void
load_push(BulkSink *sink)
{
	BulkLoad   *load = (BulkLoad *) sink;
	EState	   *estate = load->target.estate;
	TupleTableSlot *slot;

	CHECK_FOR_INTERRUPTS();
	if (bulk_coerce_defaults(&load->target, sink->fields))
		bulk_writer_flush(&load->writer);
	slot = bulk_writer_slot(&load->writer);
	bulk_coerce_row(&load->target, &load->context, sink->fields, slot);
	bulk_writer_put(&load->writer, slot);

	memset(sink->fields, 0, load->target.ncolumns * sizeof(BulkField));
	memset(&load->context.position, 0, sizeof(BulkPosition));
	ResetPerTupleExprContext(estate);
}

static void
prepare_sink(BulkLoad *load)
{
	MemoryContext memory = load->target.estate->es_query_cxt;
	int			ncolumns = Max(load->target.ncolumns, 1);

	load->sink.column = load_column;
	load->sink.push = load_push;
	load->sink.context = &load->context;
	load->sink.load_memory = memory;
	load->sink.fields = MemoryContextAllocZero(memory, ncolumns * sizeof(BulkField));
	load->known = MemoryContextAllocZero(memory, ncolumns * sizeof(KnownName));
}

static void
read_input(BulkLoad *load, const BulkInput *input)
{
	EState	   *estate = load->target.estate;
	MemoryContext oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));

	if (input->jsonb != NULL)
		bulk_jsonb_read(&load->sink, input->jsonb);
	else
		input->read(&load->sink, input->data, input->len);
	MemoryContextSwitchTo(oldcontext);
	memset(&load->context.position, 0, sizeof(BulkPosition));
}

/* Load the input into the table. */
BulkResult
bulk_load(Oid relid, const BulkInput *input, const BulkOptions *options)
{
	BulkLoad   *load = palloc0(sizeof(BulkLoad));
	BulkResult	result;
	MemoryContext oldcontext;

	bulk_target_open(&load->target, relid, options);
	bulk_context_push(&load->context, pstrdup(RelationGetRelationName(load->target.rel)));
	oldcontext = MemoryContextSwitchTo(load->target.estate->es_query_cxt);
	bulk_writer_begin(&load->writer, &load->target, &load->context, options);
	prepare_sink(load);
	read_input(load, input);
	bulk_writer_end(&load->writer);
	MemoryContextSwitchTo(oldcontext);
	bulk_context_pop(&load->context);
	bulk_target_close(&load->target);

	result.inserted = load->writer.inserted;
	result.skipped = load->writer.skipped;
	pfree(load);
	return result;
}
