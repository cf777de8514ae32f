/*
 * bulk_stream.c
 *		What all streams have in common, and those over bytes in memory.
 */
#include "bulk/bulk.h"

#include "bulk/bulk_settings.h"
#include "bulk/input/bulk_stream.h"
#include "miscadmin.h"

/* The only way to read a stream: what was peeked at comes first. */
Size
bulk_stream_read(BulkStream *stream, char *buffer, Size room)
{
	Size		n = Min(room, (Size) stream->nhead);

	CHECK_FOR_INTERRUPTS();
	if (n == 0)
		return stream->read(stream, buffer, room);
	memcpy(buffer, stream->head, n);
	stream->nhead -= n;
	memmove(stream->head, stream->head + n, stream->nhead);
	return n;
}

/* Have the first bytes in head, as far as there are any. */
void
bulk_stream_peek(BulkStream *stream)
{
	while (stream->nhead < BULK_MAGIC)
	{
		Size		n = stream->read(stream, stream->head + stream->nhead,
									 BULK_MAGIC - stream->nhead);

		if (n == 0)
			return;
		stream->nhead += n;
	}
}

/* With those below it. */
void
bulk_stream_close(BulkStream *stream)
{
	for (; stream != NULL; stream = stream->below)
		if (stream->close != NULL)
			stream->close(stream);
}

/* For a stream that has used up its chunk: the next one, or ended. */
void
bulk_stream_fill(BulkStream *below, BulkChunk *chunk)
{
	Size		left = chunk->len - chunk->pos;
	Size		room = Min(BULK_CHUNK - left, (Size) bulk_window);
	Size		n;

	memmove(chunk->bytes, chunk->bytes + chunk->pos, left);
	chunk->pos = 0;
	chunk->len = left;
	n = bulk_stream_read(below, chunk->bytes + left, room);
	chunk->len += n;
	chunk->ended = n == 0;
}

static uint64
place_of(const BulkStream *below, const BulkChunk *chunk)
{
	return below->consumed - below->nhead - (chunk->len - chunk->pos);
}

void
bulk_stream_damaged(BulkStream *below, const BulkChunk *chunk, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("could not decompress %s: %s", below->name, why),
			 errdetail("The damage was found before byte " UINT64_FORMAT
					   " of the compressed data.", place_of(below, chunk))));
}

void
bulk_stream_truncated(BulkStream *below, const BulkChunk *chunk)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("could not decompress %s: unexpected end of data", below->name),
			 errdetail("The compressed data is cut off after byte " UINT64_FORMAT ".",
					   place_of(below, chunk))));
}

/* For a library that was not there when the extension was built. */
pg_attribute_unused() void
bulk_stream_unsupported(const BulkStream *below, const char *method)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot decompress %s: pg_purser was built without %s", below->name, method)));
}

/* ---- memory ---- */

typedef struct MemoryStream
{
	BulkStream	base;			/* first, so that a stream is one */
	const char *data;
} MemoryStream;

static Size
memory_read(BulkStream *base, char *buffer, Size room)
{
	MemoryStream *stream = (MemoryStream *) base;
	Size		n = Min(room, (Size) (base->size - base->consumed));

	memcpy(buffer, stream->data + base->consumed, n);
	base->consumed += n;
	return n;
}

/* Over bytes that stay where they are. */
BulkStream *
bulk_stream_memory(const char *data, Size len)
{
	MemoryStream *stream = palloc0(sizeof(MemoryStream));

	stream->base.read = memory_read;
	stream->base.name = "the data";
	stream->base.size = len;
	stream->data = data;
	return &stream->base;
}

/* ---- bytes in memory before a stream ---- */

typedef struct PrefixStream
{
	BulkStream	base;			/* first, so that a stream is one */
	const char *data;
	Size		left;
} PrefixStream;

static Size
prefix_read(BulkStream *base, char *buffer, Size room)
{
	PrefixStream *stream = (PrefixStream *) base;
	Size		n = Min(room, stream->left);

	if (n == 0)
		return bulk_stream_read(base->below, buffer, room);
	memcpy(buffer, stream->data, n);
	stream->data += n;
	stream->left -= n;
	return n;
}

/* Bytes that stay where they are, then those of the stream below. */
BulkStream *
bulk_stream_prefix(const char *data, Size len, BulkStream *below)
{
	PrefixStream *stream = palloc0(sizeof(PrefixStream));

	stream->base.read = prefix_read;
	stream->base.below = below;
	stream->base.name = below->name;
	stream->data = data;
	stream->left = len;
	return &stream->base;
}
