/*
 * bulk_source_window.c
 *		A source of windows over a stream, and which streams a file or a bytea
 *		is read through.
 *
 * The window is a part of a buffer.  To go on, it grows behind its end; when
 * the buffer is full, what the reader keeps is copied to the start of another
 * one.  Buffers that are left stay until release, since rows point into them;
 * one of them is kept for the next time.  For a row that is longer each buffer
 * is larger than the one before by a half, so that its bytes are copied a few
 * times at most.
 */
#include "bulk/bulk.h"

#include "bulk/bulk_settings.h"
#include "bulk/input/bulk_stream.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

/* A buffer that is larger is not kept for later. */
#define SPARE_BYTES		(4 * 1024 * 1024)

typedef struct WindowBuffer WindowBuffer;
struct WindowBuffer
{
	WindowBuffer *next;
	Size		room;
	char		bytes[FLEXIBLE_ARRAY_MEMBER];
};

typedef struct WindowSource
{
	BulkSource	base;			/* first, so that a source is one */
	BulkStream *stream;			/* the highest */
	BulkStream *lowest;
	bool		converts;		/* the highest is to another encoding */
	uint64		first;			/* offset of the first byte that the highest gives */
	MemoryContext memory;
	WindowBuffer *current;
	WindowBuffer *left;			/* that rows may point into */
	WindowBuffer *spare;
} WindowSource;

static WindowBuffer *
get_buffer(WindowSource *source, Size room)
{
	WindowBuffer *buffer = source->spare;

	if (buffer != NULL && buffer->room >= room)
		source->spare = NULL;
	else
	{
		buffer = MemoryContextAllocHuge(source->memory, offsetof(WindowBuffer, bytes) + room);
		buffer->room = room;
	}
	buffer->next = NULL;
	return buffer;
}

/* Room for the bytes that are kept and more. */
static Size
room_for(Size kept)
{
	if (kept > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a row of the input is too long"),
				 errdetail("A row can have at most %zu bytes.", MaxAllocSize)));
	return Max((Size) bulk_window, kept + kept / 2 + 1);
}

/* Have a buffer with the bytes that are kept and room behind them. */
static void
change_buffer(WindowSource *source, const char *from, Size kept)
{
	WindowBuffer *buffer = get_buffer(source, room_for(kept));

	if (kept > 0)
		memcpy(buffer->bytes, from, kept);
	if (source->current != NULL)
	{
		source->current->next = source->left;
		source->left = source->current;
	}
	source->current = buffer;
	source->base.data = buffer->bytes;
}

static void
window_more(BulkSource *base, Size keep)
{
	WindowSource *source = (WindowSource *) base;
	const char *from = base->data + keep;
	Size		room;
	Size		n;

	if (base->complete)
		return;
	base->len -= keep;
	base->offset += keep;
	base->data = from;
	room = source->current->bytes + source->current->room - (from + base->len);
	if (room <= source->current->room / 8)
	{
		change_buffer(source, from, base->len);
		room = source->current->room - base->len;
	}
	n = bulk_stream_read(source->stream, unconstify(char *, base->data) + base->len, room);
	base->len += n;
	base->complete = n == 0;
	base->consumed = source->lowest->consumed;
	if (source->converts)
		bulk_convert_forget(source->stream, base->offset - source->first);
}

static void
window_release(BulkSource *base)
{
	WindowSource *source = (WindowSource *) base;

	while (source->left != NULL)
	{
		WindowBuffer *buffer = source->left;

		source->left = buffer->next;
		if (buffer->room <= SPARE_BYTES && source->spare == NULL)
			source->spare = buffer;
		else
			pfree(buffer);
	}
}

static void
window_complain(BulkSource *base, const char *data, Size len)
{
	WindowSource *source = (WindowSource *) base;

	if (source->converts && data >= base->data && data < base->data + base->len)
		bulk_convert_complain(source->stream,
							  base->offset - source->first + (data - base->data), len);
}

static void
window_close(BulkSource *base)
{
	WindowSource *source = (WindowSource *) base;

	bulk_stream_close(source->stream);
	MemoryContextDelete(source->memory);
}

/* By the first bytes; zstd has skippable frames beside the usual ones. */
static BulkCompression
find_compression(BulkStream *stream)
{
	const char *head = stream->head;

	bulk_stream_peek(stream);
	if (stream->nhead >= 3 && memcmp(head, "\x1F\x8B\x08", 3) == 0)
		return BULK_COMPRESSION_GZIP;
	if (stream->nhead < BULK_MAGIC)
		return BULK_COMPRESSION_NONE;
	if (memcmp(head, "\x28\xB5\x2F\xFD", 4) == 0 ||
		((head[0] & 0xF0) == 0x50 && memcmp(head + 1, "\x2A\x4D\x18", 3) == 0))
		return BULK_COMPRESSION_ZSTD;
	return BULK_COMPRESSION_NONE;
}

static BulkStream *
unpacked(BulkStream *below, BulkCompression compression)
{
	if (compression == BULK_COMPRESSION_AUTO)
		compression = find_compression(below);
	if (compression == BULK_COMPRESSION_GZIP)
		return bulk_stream_gzip(below);
	if (compression == BULK_COMPRESSION_ZSTD)
		return bulk_stream_zstd(below);
	return below;
}

static WindowSource *
new_source(void)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "purser bulk source",
												 ALLOCSET_DEFAULT_SIZES);
	WindowSource *source = MemoryContextAllocZero(memory, sizeof(WindowSource));

	source->memory = memory;
	source->base.more = window_more;
	source->base.release = window_release;
	source->base.complain = window_complain;
	source->base.close = window_close;
	source->base.verify = true;
	return source;
}

/* Read the stream through those that the coding asks for. */
static BulkSource *
finish_source(WindowSource *source, BulkStream *lowest, const BulkCoding *coding)
{
	source->lowest = lowest;
	source->base.size = lowest->size;
	source->first = source->base.offset;
	source->stream = unpacked(lowest, coding->compression);
	source->base.compressed = source->stream != lowest;
	source->converts = bulk_convert_needed(coding->encoding);
	if (source->converts)
		source->stream = bulk_stream_convert(source->stream, coding->encoding);
	change_buffer(source, NULL, 0);
	return &source->base;
}

/* A source over a file of the server. */
BulkSource *
bulk_source_file(const char *path, const BulkCoding *coding)
{
	return bulk_source_range(path, coding, 0, 0);
}

/*
 * The same, over the bytes from from up to to, which is zero for all of the
 * file.  A range is never compressed.
 */
BulkSource *
bulk_source_range(const char *path, const BulkCoding *coding, uint64 from, uint64 to)
{
	WindowSource *source = new_source();
	MemoryContext oldcontext = MemoryContextSwitchTo(source->memory);
	BulkCoding	own = *coding;

	if (to > 0)
		own.compression = BULK_COMPRESSION_NONE;

	source->base.file = true;
	source->base.offset = from;
	finish_source(source, bulk_stream_file(pstrdup(path), from, to), &own);
	MemoryContextSwitchTo(oldcontext);
	return &source->base;
}

/* The range, which is not compressed, behind its header; offset 0 is where that begins. */
BulkSource *
bulk_source_headed(const BulkSlice *slice, const BulkCoding *coding)
{
	WindowSource *source;
	MemoryContext oldcontext;
	BulkCoding	own = *coding;
	BulkStream *file;

	if (slice->header_len == 0)
		return bulk_source_range(slice->path, coding, slice->from, slice->to);
	source = new_source();
	oldcontext = MemoryContextSwitchTo(source->memory);
	own.compression = BULK_COMPRESSION_NONE;
	source->base.file = true;
	file = bulk_stream_file(pstrdup(slice->path), slice->from, slice->to);
	finish_source(source, bulk_stream_prefix(slice->header, slice->header_len, file), &own);
	source->lowest = file;
	MemoryContextSwitchTo(oldcontext);
	return &source->base;
}

/* A source over len bytes that stay where they are, and may be compressed. */
BulkSource *
bulk_source_bytes(const char *data, Size len, const BulkCoding *coding)
{
	WindowSource *source = new_source();
	MemoryContext oldcontext = MemoryContextSwitchTo(source->memory);
	BulkStream *lowest = bulk_stream_memory(data, len);

	finish_source(source, lowest, coding);
	MemoryContextSwitchTo(oldcontext);
	if (source->stream == lowest)
	{
		BulkSource *plain = bulk_source_memory(data, len);

		bulk_source_close(&source->base);
		plain->verify = true;
		return plain;
	}
	return &source->base;
}
