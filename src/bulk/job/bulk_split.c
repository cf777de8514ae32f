/*
 * bulk_split.c
 *		Where a file may be cut into ranges: after ends of records.
 *
 * Whether a line end ends a record depends on all that stands before it: CSV
 * may hide it in quotes, COPY's text format behind a backslash.  So the file
 * is read once from its beginning, for nothing but these characters, and rows
 * and lines are counted on the way.  Bytes of characters of several bytes are
 * never taken for one of them in the encodings that a database may have, nor in
 * others, unless bulk_split_ambiguous says so.  In ndjson every newline ends a
 * line, and lines that are blank are no rows.
 *
 * Called by bulk_cut.c, and by the workers of a load: bulk_parallel_claim.c.
 */
#include "bulk/job/bulk_job.h"

#include "bulk/input/bulk_scan.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

/* Bytes of a window that are looked at together. */
#define SPLIT_CHUNK	((Size) 16 * 1024)

typedef struct Splitter
{
	BulkScan	scan;			/* for line ends alone */
	char		special;		/* what may hide a line end */
	bool		ndjson;
	bool		blank;			/* ndjson: the line is, so far */
	char		line_end;
	BulkPosition position;		/* of the next byte */
	uint64		size;			/* wanted, of a range, in bytes */
	List	   *borders;		/* of BulkPosition */
	uint64		last;			/* offset of the last border */
} Splitter;

static void
add_border(Splitter *splitter, BulkPosition position)
{
	BulkPosition *border = palloc(sizeof(BulkPosition));

	*border = position;
	splitter->borders = lappend(splitter->borders, border);
	splitter->last = position.offset;
}

/* How often the byte is there; in blocks of a fixed size, which compilers make vectors of. */
static uint64
count_bytes(const char *data, Size len, char byte)
{
	uint64		count = 0;
	Size		i = 0;

	for (; i + BULK_SCAN_BLOCK <= len; i += BULK_SCAN_BLOCK)
	{
		uint8		found = 0;

		for (int j = 0; j < BULK_SCAN_BLOCK; j++)
			found += data[i + j] == byte;
		count += found;
	}
	for (; i < len; i++)
		count += data[i] == byte;
	return count;
}

/* A border behind the line end, which is a record's, if the range is long enough. */
static void
take_line_end(Splitter *splitter, const char *stripe, int where)
{
	BulkPosition position = splitter->position;

	position.row++;
	splitter->position.row++;
	position.offset += where + 1;
	if (position.offset - splitter->last < splitter->size)
		return;
	position.line += count_bytes(stripe, where + 1, splitter->line_end);
	add_border(splitter, position);
}

/* Of what is white space in JSON? */
static bool
is_blank(const char *data, Size len)
{
	for (Size i = 0; i < len; i++)
		if (data[i] != ' ' && data[i] != '\t' && data[i] != '\r' && data[i] != '\n')
			return false;
	return true;
}

/* The line ends in front of the next byte. */
static void
end_line(Splitter *splitter)
{
	BulkPosition *position = &splitter->position;

	position->line++;
	if (!splitter->blank)
		position->row++;
	splitter->blank = true;
	if (position->offset - splitter->last >= splitter->size)
		add_border(splitter, *position);
}

static void
take_lines(Splitter *splitter, const char *data, Size len)
{
	while (len > 0)
	{
		const char *newline = memchr(data, '\n', len);
		Size		n = newline == NULL ? len : (Size) (newline + 1 - data);

		splitter->blank = splitter->blank && is_blank(data, n);
		splitter->position.offset += n;
		if (newline != NULL)
			end_line(splitter);
		data += n;
		len -= n;
	}
}

/* Of bytes behind which no line end is hidden: each ends a record. */
static void
take_plain(Splitter *splitter, const char *data, Size len)
{
	BulkPosition *position = &splitter->position;

	while (len > 0)
	{
		uint64		taken = position->offset - splitter->last;
		/* From where on a line end is a border. */
		uint64		from = splitter->size > taken ? splitter->size - taken - 1 : 0;
		const char *end = from < len ? memchr(data + from, splitter->line_end, len - from) : NULL;
		Size		n = end == NULL ? len : (Size) (end + 1 - data);
		uint64		lines = count_bytes(data, n, splitter->line_end);

		position->offset += n;
		position->line += lines;
		position->row += lines;
		if (end != NULL)
			add_border(splitter, *position);
		data += n;
		len -= n;
	}
}

static void
take_stripes(Splitter *splitter, const char *data, Size len)
{
	BulkScan   *scan = &splitter->scan;

	while (len > 0)
	{
		int			n = Min(len, BULK_SCAN_STRIPE);

		bulk_scan_stripe(scan, data, n);
		for (int i = 0; i < scan->count; i++)
		{
			int			where = scan->index[i] & BULK_SCAN_POSITION;

			if (data[where] == splitter->line_end)
				take_line_end(splitter, data, where);
		}
		splitter->position.line += count_bytes(data, n, splitter->line_end);
		splitter->position.offset += n;
		data += n;
		len -= n;
	}
}

/* Nothing hides a line end, neither in these bytes nor from before. */
static bool
is_plain(const Splitter *splitter, const char *data, Size len)
{
	return splitter->scan.inside == 0 && !splitter->scan.escaped &&
		memchr(data, splitter->special, len) == NULL;
}

static void
take_window(Splitter *splitter, const char *data, Size len)
{
	if (splitter->ndjson)
	{
		take_lines(splitter, data, len);
		return;
	}
	while (len > 0)
	{
		Size		n = Min(len, SPLIT_CHUNK);

		if (is_plain(splitter, data, n))
			take_plain(splitter, data, n);
		else
			take_stripes(splitter, data, n);
		data += n;
		len -= n;
	}
}

/*
 * Of the bytes that may hide a line end, one that a character of the file's
 * encoding may have as a later byte, of which the least are digits; zero if none.
 */
char
bulk_split_ambiguous(const BulkOptions *options)
{
	if (!PG_ENCODING_IS_CLIENT_ONLY(bulk_options_coding(options).encoding))
		return '\0';
	if (options->format_name == BULK_FORMAT_TEXT)
		return '\\';
	if (options->format_name != BULK_FORMAT_CSV)
		return '\0';
	if (options->format.quote >= '0')
		return options->format.quote;
	return options->format.escape >= '0' ? options->format.escape : '\0';
}

/* The byte that ends lines: a carriage return if near the beginning there is no newline. */
char
bulk_split_line_end(const BulkSource *source)
{
	if (memchr(source->data, '\n', source->len) == NULL &&
		memchr(source->data, '\r', source->len) != NULL)
		return '\r';
	return '\n';
}

static void
begin_splitter(Splitter *splitter, const BulkOptions *options, char line_end, BulkPosition start)
{
	const BulkFormat *format = &options->format;
	bool		csv = options->format_name == BULK_FORMAT_CSV;

	memset(splitter, 0, sizeof(*splitter));
	splitter->ndjson = options->format_name == BULK_FORMAT_NDJSON;
	splitter->blank = true;
	splitter->line_end = line_end;
	splitter->position = start;
	splitter->last = start.offset;
	splitter->special = csv ? format->quote : '\\';
	bulk_scan_begin(&splitter->scan, splitter->line_end, csv ? format->quote : '\0',
					csv ? format->escape : '\0');
}

/* Where the first record ends, which stays in the source's window. */
BulkPosition
bulk_split_header(BulkSource *source, const BulkOptions *options)
{
	Splitter	splitter;
	BulkPosition end;

	for (;;)
	{
		begin_splitter(&splitter, options, bulk_split_line_end(source), (BulkPosition) {0});
		take_window(&splitter, source->data, source->len);
		if (splitter.borders != NIL || source->complete)
			break;
		bulk_source_more(source, 0);
	}
	end = splitter.borders == NIL ? splitter.position :
		*(BulkPosition *) linitial(splitter.borders);
	/* The header is no row. */
	end.row = 0;
	return end;
}

/*
 * Where ranges of at least size bytes begin, and last where the input ends: a
 * list of BulkPosition.  start: the beginning of the first one; row and line
 * count those before a position.
 */
List *
bulk_split(BulkSource *source, const BulkOptions *options, BulkPosition start, uint64 size)
{
	Size		skip = start.offset - source->offset;
	Splitter	splitter;

	begin_splitter(&splitter, options, bulk_split_line_end(source), start);
	splitter.size = size;
	add_border(&splitter, start);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		take_window(&splitter, source->data + skip, source->len - skip);
		skip = 0;
		if (source->complete)
			break;
		bulk_source_more(source, source->len);
		bulk_source_release(source);
	}
	if (splitter.last < splitter.position.offset)
		add_border(&splitter, splitter.position);
	return splitter.borders;
}

/*
 * Where a range of at least size bytes ends: the source begins, with its first
 * window, where the range does, at start.
 */
BulkPosition
bulk_split_range(BulkSource *source, const BulkOptions *options, char line_end,
				 BulkPosition start, uint64 size)
{
	Splitter	splitter;
	BulkPosition end;

	begin_splitter(&splitter, options, line_end, start);
	splitter.size = size;
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		take_window(&splitter, source->data, source->len);
		if (splitter.borders != NIL || source->complete)
			break;
		bulk_source_more(source, source->len);
		bulk_source_release(source);
	}
	end = splitter.borders == NIL ? splitter.position :
		*(BulkPosition *) linitial(splitter.borders);
	list_free_deep(splitter.borders);
	return end;
}

/* How many rows the source has, at most: it may be said to end before its end. */
uint64
bulk_split_count(BulkSource *source, const BulkOptions *options, char line_end)
{
	Splitter	splitter;
	bool		ended = true;

	begin_splitter(&splitter, options, line_end, (BulkPosition) {0});
	splitter.size = PG_UINT64_MAX;
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		take_window(&splitter, source->data, source->len);
		if (source->len > 0)
			ended = source->data[source->len - 1] == line_end;
		if (source->complete)
			break;
		bulk_source_more(source, source->len);
		bulk_source_release(source);
	}
	return splitter.position.row + (ended ? 0 : 1);
}
