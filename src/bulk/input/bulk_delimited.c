/*
 * bulk_delimited.c
 *		Splits windows of bytes into records and fields, by the rules of COPY.
 *
 * The scan says where fields end.  A field is a slice of the window; only
 * those with quotes or backslashes are looked at again, when the end of their
 * record is known.  The first line end settles the style, and another style is
 * an error, since it mostly means a quote that was left out.
 *
 * Every error that a record is to blame for is raised with the reader behind
 * that record already, so that resuming means to go on.  A record that does
 * not end, because of a quote that is never closed, is taken to be its first
 * line; one with a wrong line end reaches to the next newline (with CR as the
 * style: carriage return).
 *
 * Called by bulk_load.c through the reader that it makes.
 */
#include "bulk/input/bulk_delimited.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

static const char *
window_end(const BulkDelimited *reader)
{
	return reader->base.source->data + reader->base.source->len;
}

/* ---- windows ---- */

/* Scan anew from there on, as at the beginning of a record. */
static void
restart_at(BulkDelimited *reader, const char *place)
{
	bulk_scan_restart(&reader->scan);
	reader->next = place;
	reader->scanned = place;
	reader->entry = 0;
}

/* Ask for more, keeping the record.  Its fields may move with it. */
void
bulk_delimited_fetch(BulkDelimited *reader)
{
	BulkSource *source = reader->base.source;
	ptrdiff_t	moved;

	bulk_source_more(source, reader->record - source->data);
	moved = source->data - reader->record;
	for (int i = 0; i < Min(reader->nfields, reader->ncolumns); i++)
		reader->slots[i]->text += moved;
	reader->record += moved;
	reader->start += moved;
	reader->end += moved;
	reader->next += moved;
	reader->stripe += moved;
	reader->scanned += moved;
}

/* Is there a byte at *place?  Members that point into the window may move. */
static bool
is_there(BulkDelimited *reader, const char **place)
{
	while (*place == window_end(reader) && !reader->base.source->complete)
		bulk_delimited_fetch(reader);
	return *place < window_end(reader);
}

/* Is the record anything but plain ASCII in this stripe, up to there?  By blocks. */
static inline bool
is_odd(const BulkDelimited *reader, const char *to)
{
	const char *from = Max(reader->record, reader->stripe);
	uint64		odd = reader->scan.odd;

	if (odd == 0 || to <= from)
		return false;
	odd >>= (from - reader->stripe) / BULK_SCAN_BLOCK;
	odd <<= (from - reader->stripe) / BULK_SCAN_BLOCK;
	return (odd << (BULK_SCAN_BLOCKS - 1 - (to - 1 - reader->stripe) / BULK_SCAN_BLOCK)) != 0;
}

/* ---- records that are wrong ---- */

static inline char
newline_of(const BulkDelimited *reader)
{
	return reader->line_end == BULK_LINE_CR ? '\r' : '\n';
}

static void
count_lines(BulkDelimited *reader, const char *from, const char *to)
{
	while (from < to && (from = memchr(from, newline_of(reader), to - from)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		reader->line++;
		from++;
	}
}

/* Behind the record, which reaches to there: what it was made of is known. */
static void
settle(BulkDelimited *reader, const char *end, const char *next)
{
	if (end > reader->record && end < next && *end == '\n' && end[-1] == '\r')
		end--;
	reader->base.raw = reader->record;
	reader->base.raw_len = end - reader->record;
	count_lines(reader, reader->record, next);
	restart_at(reader, next);
	reader->settled = true;
}

/* The record ends at the next newline from there on, whatever else it has. */
static void
settle_at_newline(BulkDelimited *reader, const char **from)
{
	const char *newline = NULL;

	while (is_there(reader, from))
	{
		Size		len = window_end(reader) - *from;

		CHECK_FOR_INTERRUPTS();
		newline = memchr(*from, newline_of(reader), len);
		if (newline != NULL)
			break;
		*from += len;
	}
	if (newline != NULL)
		settle(reader, newline, newline + 1);
	else
		settle(reader, *from, *from);
}

static void
wrong_line_end(BulkDelimited *reader, BulkLineEnd found)
{
	const char *what = (found == BULK_LINE_LF) ? "newline" : "carriage return";

	settle_at_newline(reader, &reader->end);
	if (reader->csv)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("unquoted %s found in data", what),
				 errhint("Use a quoted CSV field to represent a %s.", what)));
	ereport(ERROR,
			(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
			 errmsg("literal %s found in data", what),
			 errhint("Use \"%s\" to represent a %s.",
					 (found == BULK_LINE_LF) ? "\\n" : "\\r", what)));
}

/* The record's first line is what is wrong; the next one may be right. */
static void
settle_first_line(BulkDelimited *reader)
{
	reader->end = reader->record;
	settle_at_newline(reader, &reader->end);
}

static void
too_long(BulkDelimited *reader)
{
	settle_first_line(reader);
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("record is longer than %zu bytes", MaxAllocSize),
			 errhint("A quote may be missing.")));
}

/* ---- records ---- */

/* Make the next index that is not empty; false at the end of the input. */
static bool
next_index(BulkDelimited *reader)
{
	BulkSource *source = reader->base.source;

	do
	{
		Size		len;

		CHECK_FOR_INTERRUPTS();
		reader->odd |= is_odd(reader, reader->scanned);
		if (!is_there(reader, &reader->scanned))
			return false;
		if (reader->scanned - reader->record >= (ptrdiff_t) MaxAllocSize)
			too_long(reader);
		len = source->data + source->len - reader->scanned;
		len = Min(len, BULK_SCAN_STRIPE);
		reader->stripe = reader->scanned;
		reader->scanned += len;
		reader->entry = 0;
		bulk_scan_stripe(&reader->scan, reader->stripe, len);
	} while (reader->scan.count == 0);
	return true;
}

/* The null string, or the default's: what an unquoted field with that text is. */
static BulkFieldKind
marker_kind(const BulkDelimited *reader, const char *text, int len, int column)
{
	const BulkFormat *format = &reader->format;

	if (len == format->null_len && memcmp(text, format->null, len) == 0)
		return (format->force_not_null && column >= 0 && format->force_not_null[column]) ?
			BULK_TEXT : BULK_NULL;
	if (len == format->dflt_len && memcmp(text, format->dflt, len) == 0)
		return BULK_MISSING;
	return BULK_TEXT;
}

/* The field from start to end is of the record. */
static inline void
add_field(BulkDelimited *reader, int n, const char *start, const char *end, uint16 flags)
{
	BulkField  *field = reader->slots[Min(n, reader->ncolumns)];

	field->text = start;
	field->len = end - start;
	field->kind = BULK_TEXT;
	if (unlikely(flags != 0))
	{
		reader->flags |= flags;
		if (n < reader->ncolumns)
			reader->special[reader->nspecial++] = n;
	}
	else if (field->len == reader->format.null_len || field->len == reader->format.dflt_len)
		field->kind = marker_kind(reader, start, field->len,
								  reader->columns[Min(n, reader->ncolumns)]);
}

/* Split what is indexed; true if the record ends there. */
static bool
split_index(BulkDelimited *reader)
{
	const uint16 *entry = reader->scan.index + reader->entry;
	const uint16 *stop = reader->scan.index + reader->scan.count;
	const char *start = reader->start;
	const char *end = start;
	char		delimiter = reader->format.delimiter;
	int			n = reader->nfields;
	bool		found = false;

	while (entry < stop && !found)
	{
		end = reader->stripe + (*entry & BULK_SCAN_POSITION);
		add_field(reader, n++, start, end, *entry++ & BULK_SCAN_FLAGS);
		start = end + 1;
		found = (*end != delimiter);
	}
	reader->entry = entry - reader->scan.index;
	reader->start = start;
	reader->end = end;
	reader->nfields = n;
	return found;
}

/* From a line end to behind it. */
static void
take_line_end(BulkDelimited *reader)
{
	BulkLineEnd found = (*reader->end == '\n') ? BULK_LINE_LF : BULK_LINE_CR;

	reader->next = reader->end + 1;
	if (found == BULK_LINE_CR &&
		(reader->line_end == BULK_LINE_UNKNOWN || reader->line_end == BULK_LINE_CRLF) &&
		is_there(reader, &reader->next) && *reader->next == '\n')
	{
		found = BULK_LINE_CRLF;
		reader->next++;
		if (reader->entry == reader->scan.count)
			(void) next_index(reader);
		reader->entry++;
	}
	if (reader->line_end == BULK_LINE_UNKNOWN)
		reader->line_end = found;
	else if (reader->line_end != found)
		wrong_line_end(reader, found);
}

/* The last record, without a line end. */
static void
take_input_end(BulkDelimited *reader)
{
	if (reader->scan.inside != 0)
	{
		settle_first_line(reader);
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("unterminated CSV quoted field")));
	}
	reader->end = reader->scanned;
	reader->next = reader->scanned;
	add_field(reader, reader->nfields, reader->start, reader->end, reader->scan.flags);
	reader->nfields++;
	bulk_scan_restart(&reader->scan);
}

/* To the record's end, and behind it. */
static void
split_record(BulkDelimited *reader)
{
	bool		found;

	reader->start = reader->record;
	reader->nspecial = 0;
	reader->flags = 0;
	reader->odd = false;

	while (!(found = split_index(reader)) && next_index(reader))
		;
	if (found)
		take_line_end(reader);
	else
		take_input_end(reader);
	reader->odd |= is_odd(reader, reader->next);
	reader->base.raw = reader->record;
	reader->base.raw_len = reader->end - reader->record;
	if (reader->flags & BULK_SCAN_INNER)
		count_lines(reader, reader->record, reader->end);
	reader->line++;
	reader->settled = true;
}

/*
 * Read the next record into the slots; false at the end of the input.  All
 * that can be wrong with it is found here, but for the number of its fields.
 */
bool
bulk_delimited_read(BulkDelimited *reader)
{
	BulkSource *source = reader->base.source;
	BulkPosition *position = &reader->base.context->position;

	reader->settled = false;
	reader->record = reader->next;
	reader->nfields = 0;
	if (reader->ended || !is_there(reader, &reader->next))
		return false;
	position->row = reader->begun ? ++reader->row : 0;
	position->line = reader->line;
	position->offset = source->offset + (reader->record - source->data);

	split_record(reader);
	if (reader->odd)
		bulk_source_verify(source, reader->record, reader->next - reader->record);
	for (int i = 0; i < reader->nspecial; i++)
	{
		int			n = reader->special[i];

		reader->decode(reader, reader->slots[n], reader->columns[n]);
	}
	return !reader->ended;
}

/* The record that was read last, the first of all, is to be read again. */
void
bulk_delimited_return(BulkDelimited *reader)
{
	reader->line = 1;
	reader->line_end = BULK_LINE_UNKNOWN;
	restart_at(reader, reader->record);
}

/* ---- the reader ---- */

/* Which columns the fields of a record are for is set: from now on they go there. */
void
bulk_delimited_use(BulkDelimited *reader, int ncolumns)
{
	reader->ncolumns = ncolumns;
	reader->columns[ncolumns] = -1;
	for (int i = 0; i <= ncolumns; i++)
		reader->slots[i] = (reader->columns[i] < 0) ? &reader->ignored :
			&reader->base.fields[reader->columns[i]];
}

static void
check_count(const BulkDelimited *reader)
{
	if (reader->nfields > reader->ncolumns &&
		(reader->ncolumns > 0 || reader->base.raw_len > 0))
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("extra data after last expected column")));
	if (reader->nfields < reader->ncolumns)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("missing data for column \"%s\"", reader->names[reader->nfields])));
}

static bool
delimited_next(BulkReader *base)
{
	BulkDelimited *reader = (BulkDelimited *) base;

	if (!reader->begun)
	{
		bulk_header_read(reader);
		reader->begun = true;
	}
	if (!bulk_delimited_read(reader))
		return false;
	check_count(reader);
	return true;
}

static bool
delimited_resume(BulkReader *base)
{
	BulkDelimited *reader = (BulkDelimited *) base;

	return reader->begun && reader->settled;
}

/* What both formats have in common; the delimiter may have to be sniffed yet. */
BulkDelimited *
bulk_delimited_reader(const BulkReader *base, const BulkFormat *format)
{
	BulkDelimited *reader = MemoryContextAllocZero(base->load_memory, sizeof(BulkDelimited));

	reader->base = *base;
	reader->base.next = delimited_next;
	reader->base.resume = delimited_resume;
	reader->format = *format;
	if (format->dflt == NULL)
		reader->format.dflt_len = -1;
	reader->line = 1;
	reader->record = reader->start = reader->end = base->source->data;
	reader->stripe = base->source->data;
	restart_at(reader, base->source->data);
	return reader;
}
