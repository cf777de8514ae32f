/*
 * bulk_split.c
 *		Where a file may be cut into ranges: after ends of records.
 *
 * Whether a line end ends a record depends on all that stands before it: CSV
 * may hide it in quotes, COPY's text format behind a backslash.  So the file
 * is read once from its beginning, for nothing but these characters, and rows
 * and lines are counted on the way.  Bytes of characters of several bytes are
 * never taken for one of them in the encodings that a database may have.
 *
 * Called by bulk_call.c.
 */
#include "bulk_job.h"

#include "miscadmin.h"

typedef struct Splitter
{
	const BulkFormat *format;
	bool		quotes;			/* CSV */
	bool		backslashes;	/* text */
	char		line_end;
	bool		quoted;
	bool		escaped;		/* the next byte stands for itself */
	BulkPosition position;		/* of the next byte */
	uint64		size;			/* wanted, of a range, in bytes */
	List	   *borders;		/* of BulkPosition */
	uint64		last;			/* offset of the last border */
} Splitter;

static void
add_border(Splitter *splitter)
{
	BulkPosition *border = palloc(sizeof(BulkPosition));

	*border = splitter->position;
	splitter->borders = lappend(splitter->borders, border);
	splitter->last = border->offset;
}

/* Take a byte that may mean something. */
static void
take_special(Splitter *splitter, char byte)
{
	if (byte == splitter->line_end)
		splitter->position.line++;
	if (splitter->escaped)
	{
		splitter->escaped = false;
		return;
	}
	if (splitter->quotes && byte == splitter->format->escape && splitter->quoted &&
		byte != splitter->format->quote)
		splitter->escaped = true;
	else if (splitter->quotes && byte == splitter->format->quote)
		splitter->quoted = !splitter->quoted;
	else if (splitter->backslashes && byte == '\\')
		splitter->escaped = true;
	else if (byte == splitter->line_end && !splitter->quoted)
	{
		splitter->position.row++;
		if (splitter->position.offset - splitter->last >= splitter->size)
			add_border(splitter);
	}
}

static void
take_window(Splitter *splitter, const char *data, Size len)
{
	bool		special[256] = {0};
	uint64		start = splitter->position.offset;

	special[(unsigned char) splitter->line_end] = true;
	if (splitter->quotes)
	{
		special[(unsigned char) splitter->format->quote] = true;
		special[(unsigned char) splitter->format->escape] = true;
	}
	if (splitter->backslashes)
		special['\\'] = true;
	for (Size i = 0; i < len; i++)
	{
		if (likely(!special[(unsigned char) data[i]] && !splitter->escaped))
			continue;
		splitter->position.offset = start + i + 1;
		if (special[(unsigned char) data[i]])
			take_special(splitter, data[i]);
		else
			splitter->escaped = false;
	}
	splitter->position.offset = start + len;
}

/* The byte that ends lines: a carriage return only where no newline comes at all near the beginning. */
static char
find_line_end(const BulkSource *source)
{
	if (memchr(source->data, '\n', source->len) == NULL &&
		memchr(source->data, '\r', source->len) != NULL)
		return '\r';
	return '\n';
}

static Splitter
make_splitter(const BulkSource *source, const BulkOptions *options, BulkPosition start)
{
	Splitter	splitter = {
		.format = &options->format,
		.quotes = options->format_name == BULK_FORMAT_CSV,
		.backslashes = options->format_name == BULK_FORMAT_TEXT,
		.line_end = find_line_end(source),
		.position = start,
		.last = start.offset
	};

	return splitter;
}

/* Where the first record ends, which stays in the source's window. */
BulkPosition
bulk_split_header(BulkSource *source, const BulkOptions *options)
{
	Splitter	splitter;
	BulkPosition end;

	for (;;)
	{
		splitter = make_splitter(source, options, (BulkPosition) {0});
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
	Splitter	splitter = make_splitter(source, options, start);
	Size		skip = start.offset - source->offset;

	splitter.size = size;
	add_border(&splitter);
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
		add_border(&splitter);
	return splitter.borders;
}
