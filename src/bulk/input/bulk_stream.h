/*
 * bulk_stream.h
 *		What sources are made of: bytes in order, each stream made from the one
 *		below it (a file, what it unpacks to, that in the database's encoding).
 *
 * Only for bulk_source*.c.  The errors of a stream are about the input as a
 * whole, never about a row: they are of SQLSTATEs that no row can be rejected
 * for, and asking again raises them again.
 */
#ifndef PURSER_BULK_STREAM_H
#define PURSER_BULK_STREAM_H

#include "bulk/input/bulk_input.h"

/* Bytes to look at to know a compressed stream. */
#define BULK_MAGIC	4

/* How much a stream takes at a time from the one below it, at most. */
#define BULK_CHUNK	65536

typedef struct BulkStream BulkStream;
struct BulkStream
{
	/* Between 1 and room bytes into the buffer; 0 at the end. */
	Size		(*read) (BulkStream *stream, char *buffer, Size room);
	void		(*close) (BulkStream *stream);	/* NULL: nothing to close */
	BulkStream *below;			/* NULL: it is the lowest */
	const char *name;			/* of the lowest, for errors: file "..." */
	uint64		size;			/* of the lowest, 0 if not known */
	uint64		consumed;		/* bytes that were read from it */
	char		head[BULK_MAGIC];	/* the first bytes, given out first */
	int			nhead;
};

/* A part of a stream's bytes that waits to be used. */
typedef struct BulkChunk
{
	char	   *bytes;			/* BULK_CHUNK of them */
	Size		pos;
	Size		len;
	bool		ended;			/* the stream below has no more */
} BulkChunk;

extern Size bulk_stream_read(BulkStream *stream, char *buffer, Size room);
extern void bulk_stream_peek(BulkStream *stream);
extern void bulk_stream_close(BulkStream *stream);
extern void bulk_stream_fill(BulkStream *below, BulkChunk *chunk);
extern void bulk_stream_damaged(BulkStream *below, const BulkChunk *chunk, const char *why);
extern void bulk_stream_truncated(BulkStream *below, const BulkChunk *chunk);
extern void bulk_stream_unsupported(const BulkStream *below, const char *method);

extern BulkStream *bulk_stream_file(const char *path, uint64 from, uint64 to);
extern BulkStream *bulk_stream_memory(const char *data, Size len);
extern BulkStream *bulk_stream_prefix(const char *data, Size len, BulkStream *below);
extern BulkStream *bulk_stream_gzip(BulkStream *below);
extern BulkStream *bulk_stream_zstd(BulkStream *below);

/* ---- to the database's encoding ---- */

extern bool bulk_convert_needed(int encoding);
extern BulkStream *bulk_stream_convert(BulkStream *below, int encoding);
extern void bulk_convert_forget(BulkStream *stream, uint64 offset);
extern void bulk_convert_complain(BulkStream *stream, uint64 offset, Size len);

#endif							/* PURSER_BULK_STREAM_H */
