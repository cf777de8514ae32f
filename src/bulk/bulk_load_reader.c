/*
 * bulk_load_reader.c
 *		The reader of a load: which one, what it is told of the target, and which
 *		column a name is for.
 *
 * Called by bulk_load.c and, in parallel workers, by bulk_parallel_worker.c.
 */
#include "bulk/bulk_load.h"

#include "access/htup_details.h"
#include "executor/executor.h"

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
