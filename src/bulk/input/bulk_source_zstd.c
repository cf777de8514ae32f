/*
 * bulk_source_zstd.c
 *		What a zstd file unpacks to: its frames one after another.
 *
 * Memory is the window that the frame asks for, at most the 128 MB that the
 * library allows by itself, whatever the file unpacks to.
 */
#include "bulk/bulk.h"

#include "bulk/input/bulk_stream.h"
#include "miscadmin.h"

#ifdef PURSER_WITH_ZSTD
#include <zstd.h>

typedef struct ZstdStream
{
	BulkStream	base;			/* first, so that a stream is one */
	BulkChunk	chunk;
	ZSTD_DCtx  *context;
	bool		inside;			/* a frame that has not ended */
	MemoryContextCallback callback;
} ZstdStream;

/* The library has its memory from malloc: at the end, or at an error exit, it goes with ours. */
static void
zstd_free(void *arg)
{
	ZSTD_freeDCtx(((ZstdStream *) arg)->context);
}

/* Unpack from the chunk into the buffer; how many bytes that gave. */
static Size
unpack(ZstdStream *stream, char *buffer, Size room)
{
	BulkChunk  *chunk = &stream->chunk;
	ZSTD_inBuffer in = {chunk->bytes, chunk->len, chunk->pos};
	ZSTD_outBuffer out = {buffer, room, 0};
	size_t		status = ZSTD_decompressStream(stream->context, &out, &in);

	chunk->pos = in.pos;
	if (ZSTD_isError(status))
		bulk_stream_damaged(stream->base.below, chunk, ZSTD_getErrorName(status));
	stream->inside = status != 0;
	return out.pos;
}

static Size
zstd_read(BulkStream *base, char *buffer, Size room)
{
	ZstdStream *stream = (ZstdStream *) base;
	BulkChunk  *chunk = &stream->chunk;

	for (;;)
	{
		Size		n = 0;

		CHECK_FOR_INTERRUPTS();
		if (stream->inside || chunk->pos < chunk->len)
			n = unpack(stream, buffer, room);
		if (n > 0)
			return n;
		if (chunk->pos < chunk->len)
			continue;
		bulk_stream_fill(base->below, chunk);
		if (chunk->ended && stream->inside)
			bulk_stream_truncated(base->below, chunk);
		if (chunk->ended)
			return 0;
	}
}

BulkStream *
bulk_stream_zstd(BulkStream *below)
{
	ZstdStream *stream = palloc0(sizeof(ZstdStream));

	stream->base.read = zstd_read;
	stream->base.below = below;
	stream->base.name = below->name;
	stream->inside = true;		/* an empty file has no frame, which it must have */
	stream->chunk.bytes = palloc(BULK_CHUNK);
	stream->context = ZSTD_createDCtx();
	if (stream->context == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	stream->callback.func = zstd_free;
	stream->callback.arg = stream;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &stream->callback);
	return &stream->base;
}

#else

BulkStream *
bulk_stream_zstd(BulkStream *below)
{
	bulk_stream_unsupported(below, "libzstd");
	return NULL;
}

#endif
