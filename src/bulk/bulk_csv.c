/*
 * bulk_csv.c
 *		Reads CSV, by the rules of COPY, with a header line that names the columns.
 *
 * One pass over the input: lines are found and fields are split and unquoted
 * together.  An unquoted empty field is null, a quoted one the empty string.
 * Quotes may open anywhere in a field and hide delimiters and line ends.  The
 * first line end settles the style, and another style is an error, since it
 * mostly means a quote that was left out.  The one difference to COPY: \. has
 * no meaning, as a parameter ends by itself.
 *
 * Pure: it knows the sink, but neither tables nor catalogues.  Called by
 * bulk_load.c.
 */
#include "bulk.h"

#include "access/htup_details.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

/* How far to read in one field before interrupts are looked at again, in bytes. */
#define CSV_STRIDE	65536

typedef enum CsvLineEnd
{
	CSV_UNKNOWN,
	CSV_LF,
	CSV_CR,
	CSV_CRLF
} CsvLineEnd;

typedef struct CsvField
{
	Size		offset;			/* in the text of the record */
	bool		isnull;
} CsvField;

typedef struct CsvReader
{
	BulkReader	base;			/* first, so that a reader is one */
	BulkFormat	format;
	uint64		row;
	const char *start;			/* of the record */
	const char *cur;
	const char *end;
	uint64		line;			/* of cur */
	CsvLineEnd	line_end;

	/* The record: its fields' text, each with a zero byte at the end. */
	char	   *text;
	Size		used;
	Size		allocated;
	CsvField   *fields;
	int			nfields;

	/* The header, once it is read. */
	int			ncolumns;
	int		   *columns;
	char	  **names;
} CsvReader;

static const bool csv_special[256] = {[','] = true, ['"'] = true, ['\n'] = true, ['\r'] = true};

static void
append_text(CsvReader *reader, const char *data, Size len)
{
	if (reader->used + len > reader->allocated)
	{
		reader->allocated = Max(reader->allocated * 2, reader->used + len);
		reader->text = repalloc_huge(reader->text, reader->allocated);
	}
	memcpy(reader->text + reader->used, data, len);
	reader->used += len;
}

/* A record is never longer than its header, nor a header than a table can be wide. */
static void
add_field(CsvReader *reader, Size offset, bool isnull)
{
	if (reader->names == NULL && reader->nfields == MaxHeapAttributeNumber)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("CSV header line has more than %d fields", MaxHeapAttributeNumber)));
	if (reader->names != NULL && reader->nfields == reader->ncolumns)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("extra data after last expected column")));
	reader->fields[reader->nfields].offset = offset;
	reader->fields[reader->nfields].isnull = isnull;
	reader->nfields++;
}

/* Lines that end inside quotes, in the style of the input. */
static void
count_lines(CsvReader *reader, const char *from, const char *to)
{
	int			newline = (reader->line_end == CSV_CR) ? '\r' : '\n';

	while (from < to && (from = memchr(from, newline, to - from)) != NULL)
	{
		reader->line++;
		from++;
	}
}

/* Where to stop for interrupts, of which there are none now: a field may be of any size. */
static const char *
next_stop(const CsvReader *reader)
{
	CHECK_FOR_INTERRUPTS();
	return reader->cur + Min(reader->end - reader->cur, CSV_STRIDE);
}

/* Take what stands before the next quote, to which cur moves. */
static void
read_to_quote(CsvReader *reader)
{
	const char *quote = NULL;

	while (quote == NULL)
	{
		const char *stop = next_stop(reader);

		if (reader->cur == reader->end)
			ereport(ERROR,
					(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
					 errmsg("unterminated CSV quoted field")));
		quote = memchr(reader->cur, '"', stop - reader->cur);
		if (quote != NULL)
			stop = quote;
		count_lines(reader, reader->cur, stop);
		append_text(reader, reader->cur, stop - reader->cur);
		reader->cur = stop;
	}
}

/* From an opening quote to behind the one that closes. */
static void
read_quoted(CsvReader *reader)
{
	reader->cur++;
	for (;;)
	{
		read_to_quote(reader);
		reader->cur++;
		if (reader->cur == reader->end || *reader->cur != '"')
			return;
		append_text(reader, "\"", 1);
		reader->cur++;
	}
}

static void
wrong_line_end(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
			 errmsg("unquoted %s found in data", what),
			 errhint("Use a quoted CSV field to represent a %s.", what)));
}

static void
read_line_end(CsvReader *reader)
{
	CsvLineEnd	found = CSV_LF;

	if (*reader->cur++ == '\r')
	{
		found = CSV_CR;
		if (reader->line_end != CSV_CR && reader->line_end != CSV_LF &&
			reader->cur < reader->end && *reader->cur == '\n')
		{
			found = CSV_CRLF;
			reader->cur++;
		}
	}
	if (reader->line_end != CSV_UNKNOWN && reader->line_end != found)
		wrong_line_end(found == CSV_LF ? "newline" : "carriage return");
	reader->line_end = found;
	reader->line++;
}

/* One field; true if a delimiter follows, so that there is another one. */
static bool
read_field(CsvReader *reader)
{
	Size		offset = reader->used;
	bool		quoted = false;
	bool		more = false;

	for (;;)
	{
		const char *run = reader->cur;
		const char *stop = next_stop(reader);

		while (reader->cur < stop && !csv_special[(unsigned char) *reader->cur])
			reader->cur++;
		append_text(reader, run, reader->cur - run);
		if (reader->cur == reader->end)
			break;
		if (reader->cur == stop)
			continue;
		if (*reader->cur == '"')
		{
			quoted = true;
			read_quoted(reader);
			continue;
		}
		if (*reader->cur == ',')
		{
			more = true;
			reader->cur++;
		}
		else
			read_line_end(reader);
		break;
	}
	add_field(reader, offset, !quoted && reader->used == offset);
	append_text(reader, "", 1);
	return more;
}

static bool
read_record(CsvReader *reader)
{
	if (reader->cur == reader->end)
		return false;
	reader->used = 0;
	reader->nfields = 0;
	while (read_field(reader))
		;
	return true;
}

/* For input that may not be CSV with a header; to be asked where it begins. */
static const char *
hint_at_header(const CsvReader *reader)
{
	char		first = bulk_context_first(reader->cur, reader->end - reader->cur);

	return (first == '[' || first == '{') ?
		"For JSON data, set the argument \"format\" to \"json\"." :
		"The first line of CSV data must name the columns, separated by commas.";
}

/* Which column each field is for. */
static void
read_header(CsvReader *reader)
{
	BulkReader *base = &reader->base;
	MemoryContext oldcontext;

	base->context->position.line = reader->line;
	base->context->hint = hint_at_header(reader);
	if (!read_record(reader))
		return;				/* and no row will follow */

	oldcontext = MemoryContextSwitchTo(base->load_memory);
	reader->ncolumns = reader->nfields;
	reader->columns = palloc(reader->ncolumns * sizeof(int));
	reader->names = palloc(reader->ncolumns * sizeof(char *));
	for (int i = 0; i < reader->ncolumns; i++)
	{
		char	   *name = reader->text + reader->fields[i].offset;

		if (*name == '\0')
			ereport(ERROR,
					(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
					 errmsg("field %d of the CSV header line is empty", i + 1)));
		reader->names[i] = pstrdup(name);
		reader->columns[i] = base->schema->find(base->schema, name, strlen(name), i);
		for (int j = 0; j < i; j++)
			if (reader->columns[j] == reader->columns[i] && reader->columns[i] >= 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("column \"%s\" specified more than once", name)));
	}
	MemoryContextSwitchTo(oldcontext);
	base->context->hint = NULL;
}

static void
name_all(CsvReader *reader)
{
	BulkReader *base = &reader->base;

	reader->columns = MemoryContextAlloc(base->load_memory, base->schema->ncolumns * sizeof(int));
	reader->ncolumns = base->schema->all(base->schema, reader->columns);
	reader->names = MemoryContextAllocZero(base->load_memory, reader->ncolumns * sizeof(char *));
	for (int i = 0; i < reader->ncolumns; i++)
		reader->names[i] = reader->columns[i] < 0 ? "?" :
			(char *) base->schema->name(base->schema, reader->columns[i]);
}

static void
fill_fields(CsvReader *reader)
{
	if (reader->nfields < reader->ncolumns)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("missing data for column \"%s\"", reader->names[reader->nfields])));
	for (int i = 0; i < reader->nfields; i++)
	{
		BulkField  *field;

		if (reader->columns[i] < 0)
			continue;
		field = &reader->base.fields[reader->columns[i]];
		field->kind = reader->fields[i].isnull ? BULK_NULL : BULK_TEXT;
		field->text = MemoryContextStrdup(reader->base.row_memory,
										  reader->text + reader->fields[i].offset);
		field->len = strlen(field->text);
	}
}

/* A byte order mark, which spreadsheets write, is no part of the first name. */
static void
skip_byte_order_mark(CsvReader *reader)
{
	if (GetDatabaseEncoding() == PG_UTF8 && reader->end - reader->cur >= 3 &&
		memcmp(reader->cur, "\xEF\xBB\xBF", 3) == 0)
		reader->cur += 3;
}

static void
set_raw(CsvReader *reader)
{
	const char *end = reader->cur;

	while (end > reader->start && (end[-1] == '\n' || end[-1] == '\r'))
		end--;
	reader->base.raw = reader->start;
	reader->base.raw_len = end - reader->start;
}

static bool
csv_next(BulkReader *base)
{
	CsvReader  *reader = (CsvReader *) base;
	BulkPosition *position = &base->context->position;

	if (reader->row == 0)
	{
		skip_byte_order_mark(reader);
		if (reader->format.header == BULK_HEADER_NONE)
			name_all(reader);
		else
			read_header(reader);
	}
	if (reader->cur == reader->end)
		return false;
	position->row = ++reader->row;
	position->line = reader->line;
	position->offset = reader->cur - base->source->data;
	reader->start = reader->cur;
	memset(base->fields, 0, base->schema->ncolumns * sizeof(BulkField));
	read_record(reader);
	set_raw(reader);
	fill_fields(reader);
	return true;
}

static bool
csv_resume(BulkReader *base)
{
	CsvReader  *reader = (CsvReader *) base;
	const char *newline;

	if (reader->cur == reader->start || reader->cur[-1] != '\n')
	{
		newline = memchr(reader->cur, '\n', reader->end - reader->cur);
		reader->cur = newline == NULL ? reader->end : newline + 1;
		reader->line++;
	}
	set_raw(reader);
	return true;
}

BulkReader *
bulk_csv_reader(const BulkReader *base, const BulkFormat *format)
{
	CsvReader  *reader = MemoryContextAllocZero(base->load_memory, sizeof(CsvReader));

	reader->base = *base;
	reader->format = *format;
	reader->base.next = csv_next;
	reader->base.resume = csv_resume;
	reader->cur = base->source->data;
	reader->end = reader->cur + base->source->len;
	reader->line = 1;
	reader->allocated = 1024;
	reader->text = MemoryContextAlloc(base->load_memory, reader->allocated);
	reader->fields = MemoryContextAlloc(base->load_memory,
										MaxHeapAttributeNumber * sizeof(CsvField));
	return &reader->base;
}
