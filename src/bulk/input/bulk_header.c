/*
 * bulk_header.c
 *		The beginning of delimited input: a byte order mark, the delimiter if it
 *		is to be sniffed, and the header line; from these, which column each
 *		field of a record is for.
 *
 * Called by bulk_delimited.c before the first record.
 */
#include "bulk/input/bulk_delimited.h"

#include "access/htup_details.h"
#include "mb/pg_wchar.h"

static const char *
header_line(const BulkDelimited *reader)
{
	return reader->csv ? "CSV header line" : "header line";
}

/* Spreadsheets write one; it is no part of the first name. */
static void
skip_byte_order_mark(BulkDelimited *reader)
{
	BulkSource *source = reader->base.source;

	while (source->len < 3 && !source->complete)
		bulk_delimited_fetch(reader);
	if (GetDatabaseEncoding() == PG_UTF8 && source->offset == 0 && source->len >= 3 &&
		memcmp(source->data, "\xEF\xBB\xBF", 3) == 0)
	{
		reader->next = reader->scanned = source->data + 3;
		reader->record = reader->next;
	}
}

/* For input that may not be what the caller said. */
static const char *
hint_at_header(const BulkDelimited *reader)
{
	const BulkSource *source = reader->base.source;
	Size		len = source->data + source->len - reader->next;
	char		first = bulk_context_first(reader->next, Min(len, BULK_SCAN_STRIPE));
	char		delimiter = reader->format.delimiter;

	if (first == '[' || first == '{')
		return "For JSON data, set the argument \"format\" to \"json\".";
	return psprintf(delimiter == ',' || delimiter == '\t' ?
					"The first line of %s data must name the columns, separated by %s." :
					"The first line of %s data must name the columns, separated by \"%.1s\".",
					reader->csv ? "CSV" : "text",
					delimiter == ',' ? "commas" : delimiter == '\t' ? "tabs" : &delimiter);
}

/* ---- reading it ---- */

/* Read the first line into the fields, which are for no columns; false if there is none. */
static bool
read_line(BulkDelimited *reader, BulkField *fields)
{
	reader->ncolumns = MaxHeapAttributeNumber;
	for (int i = 0; i <= reader->ncolumns; i++)
	{
		reader->columns[i] = -1;
		reader->slots[i] = &fields[i];
	}
	return bulk_delimited_read(reader);
}

/* The names are those of the schema. */
static int
use_all(BulkDelimited *reader)
{
	BulkSchema *schema = reader->base.schema;
	int			n = schema->all(schema, reader->columns, reader->names);

	bulk_delimited_use(reader, n);
	return n;
}

static void
use_name(BulkDelimited *reader, int i, const BulkField *field)
{
	BulkSchema *schema = reader->base.schema;

	if (field->len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("field %d of the %s is empty", i + 1, header_line(reader))));
	reader->names[i] = pnstrdup(field->text, field->len);
	reader->columns[i] = schema->find(schema, field->text, field->len, i);
	for (int j = 0; j < i; j++)
		if (reader->columns[j] == reader->columns[i] && reader->columns[i] >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("column \"%s\" specified more than once", reader->names[i])));
}

/* Each field names the column of those below it. */
static void
use_names(BulkDelimited *reader, const BulkField *fields)
{
	int			n = reader->nfields;

	if (n > MaxHeapAttributeNumber)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("%s has more than %d fields", header_line(reader),
						MaxHeapAttributeNumber)));
	for (int i = 0; i < n; i++)
		use_name(reader, i, &fields[i]);
	bulk_delimited_use(reader, n);
}

/* What COPY says of a header that must match. */
static void
check_names(BulkDelimited *reader, const BulkField *fields)
{
	int			got = reader->nfields;
	int			expected = use_all(reader);

	if (got != expected)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("wrong number of fields in header line: got %d, expected %d",
						got, expected)));
	for (int i = 0; i < expected; i++)
	{
		const char *name = reader->names[i];
		const char *got_name = psprintf(fields[i].kind == BULK_NULL ? "null value (\"%.*s\")" :
										"\"%.*s\"", fields[i].len, fields[i].text);

		if (fields[i].kind == BULK_NULL || fields[i].len != (int) strlen(name) ||
			memcmp(fields[i].text, name, fields[i].len) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
					 errmsg("column name mismatch in header line field %d: got %s, expected \"%s\"",
							i + 1, got_name, name)));
	}
}

/* Do all fields name columns, each another one? */
static bool
are_names(BulkDelimited *reader, const BulkField *fields)
{
	BulkSchema *schema = reader->base.schema;

	if (reader->nfields > schema->ncolumns)
		return false;
	for (int i = 0; i < reader->nfields; i++)
	{
		if (!schema->has(schema, fields[i].text, fields[i].len))
			return false;
		for (int j = 0; j < i; j++)
			if (fields[j].len == fields[i].len &&
				memcmp(fields[j].text, fields[i].text, fields[i].len) == 0)
				return false;
	}
	return true;
}

static void
read_header(BulkDelimited *reader, BulkField *fields)
{
	BulkHeader	header = reader->format.header;

	if (header == BULK_HEADER_NAMES)
		reader->base.context->hint = hint_at_header(reader);
	if (header == BULK_HEADER_NONE)
		(void) use_all(reader);
	else if (!read_line(reader, fields))
		reader->ended = true;
	else if (header == BULK_HEADER_MATCH)
		check_names(reader, fields);
	else if (header == BULK_HEADER_NAMES ||
			 (header == BULK_HEADER_SNIFF && are_names(reader, fields)))
		use_names(reader, fields);
	else
	{
		if (header == BULK_HEADER_SNIFF)
			bulk_delimited_return(reader);
		(void) use_all(reader);
	}
	reader->base.context->hint = NULL;
}

/* Read what comes before the records. */
void
bulk_header_read(BulkDelimited *reader)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(reader->base.load_memory);
	int			room = MaxHeapAttributeNumber + 1;
	BulkField  *fields = palloc0(room * sizeof(BulkField));

	reader->columns = palloc(room * sizeof(int));
	reader->names = palloc(room * sizeof(char *));
	reader->slots = palloc(room * sizeof(BulkField *));
	reader->special = palloc(room * sizeof(int));
	skip_byte_order_mark(reader);
	if (reader->format.delimiter == '\0')
		reader->format.delimiter = bulk_sniff_delimiter(reader);
	bulk_scan_begin(&reader->scan, reader->format.delimiter,
					reader->csv ? reader->format.quote : '\0', reader->format.escape);
	read_header(reader, fields);
	pfree(fields);
	MemoryContextSwitchTo(oldcontext);
}
