/*
 * bulk_source_gzip.c
 *		What a gzip file unpacks to: its members one after another.
 *
 * Memory is zlib's own window beside a chunk of the file, whatever the file
 * unpacks to.  It is allocated here, so that an error exit frees it.
 */
#include "bulk/bulk.h"

#include "bulk/input/bulk_stream.h"
#include "miscadmin.h"

#ifdef PURSER_WITH_ZLIB
#include <zlib.h>

/* Window bits of zlib, and that a gzip header is expected. */
#define GZIP_WINDOW	(MAX_WBITS + 16)

typedef struct GzipStream
{
	BulkStream	base;			/* first, so that a stream is one */
	BulkChunk	chunk;
	z_stream	inflate;
	bool		inside;			/* a member that has not ended */
	bool		begun;			/* there was one */
	bool		padded;			/* zero bytes came behind the last member */
} GzipStream;

static void *
gzip_alloc(void *memory, unsigned int items, unsigned int size)
{
	return MemoryContextAllocExtended(memory, (Size) items * size,
									  MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
}

static void
gzip_free(void *memory pg_attribute_unused(), void *address)
{
	pfree(address);
}

/* Go to the next member; false at the end.  Files from tapes are padded with zero bytes. */
static bool
enter_member(GzipStream *stream)
{
	BulkStream *below = stream->base.below;
	BulkChunk  *chunk = &stream->chunk;

	for (;;)
	{
		if (chunk->pos == chunk->len)
			bulk_stream_fill(below, chunk);
		if (chunk->ended || !stream->begun || chunk->bytes[chunk->pos] != '\0')
			break;
		stream->padded = true;
		chunk->pos++;
	}
	if (chunk->ended && !stream->begun)
		bulk_stream_truncated(below, chunk);
	if (chunk->ended)
		return false;
	if (stream->padded)
		bulk_stream_damaged(below, chunk, "unexpected data after its end");
	(void) inflateReset(&stream->inflate);
	stream->inside = stream->begun = true;
	return true;
}

/* Unpack from the chunk into the buffer; how many bytes that gave. */
static Size
unpack(GzipStream *stream, char *buffer, Size room)
{
	BulkChunk  *chunk = &stream->chunk;
	z_stream   *inflater = &stream->inflate;
	int			status;

	inflater->next_in = (Bytef *) chunk->bytes + chunk->pos;
	inflater->avail_in = chunk->len - chunk->pos;
	inflater->next_out = (Bytef *) buffer;
	inflater->avail_out = Min(room, PG_INT32_MAX);
	status = inflate(inflater, Z_NO_FLUSH);
	chunk->pos = chunk->len - inflater->avail_in;
	if (status == Z_STREAM_END)
		stream->inside = false;
	else if (status == Z_MEM_ERROR)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	else if (status != Z_OK && status != Z_BUF_ERROR)
		bulk_stream_damaged(stream->base.below, chunk,
							inflater->msg ? inflater->msg : zError(status));
	return (char *) inflater->next_out - buffer;
}

static Size
gzip_read(BulkStream *base, char *buffer, Size room)
{
	GzipStream *stream = (GzipStream *) base;
	BulkChunk  *chunk = &stream->chunk;

	for (;;)
	{
		Size		n;

		CHECK_FOR_INTERRUPTS();
		if (!stream->inside && !enter_member(stream))
			return 0;
		n = unpack(stream, buffer, room);
		if (n > 0)
			return n;
		if (!stream->inside || chunk->pos < chunk->len)
			continue;
		bulk_stream_fill(base->below, chunk);
		if (chunk->ended)
			bulk_stream_truncated(base->below, chunk);
	}
}

BulkStream *
bulk_stream_gzip(BulkStream *below)
{
	GzipStream *stream = palloc0(sizeof(GzipStream));

	stream->base.read = gzip_read;
	stream->base.below = below;
	stream->base.name = below->name;
	stream->chunk.bytes = palloc(BULK_CHUNK);
	stream->inflate.zalloc = gzip_alloc;
	stream->inflate.zfree = gzip_free;
	stream->inflate.opaque = CurrentMemoryContext;
	if (inflateInit2(&stream->inflate, GZIP_WINDOW) != Z_OK)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	return &stream->base;
}

#else

BulkStream *
bulk_stream_gzip(BulkStream *below)
{
	bulk_stream_unsupported(below, "zlib");
	return NULL;
}

#endif
