/*
 * bulk_source.c
 *		The input as a window of bytes: a parameter in memory, which is one
 *		window; and what all sources have in common.
 */
#include "bulk.h"

/* A source over len bytes that stay where they are. */
BulkSource *
bulk_source_memory(const char *data, Size len)
{
	BulkSource *source = palloc0(sizeof(BulkSource));

	source->data = data;
	source->len = len;
	source->complete = true;
	source->size = len;
	return source;
}

/* For a reader whose row does not end in the window: see BulkSource. */
void
bulk_source_more(BulkSource *source, Size keep)
{
	if (source->more != NULL)
		source->more(source, keep);
}

/* What was given out before the present window may go. */
void
bulk_source_release(BulkSource *source)
{
	if (source->release != NULL)
		source->release(source);
}

void
bulk_source_close(BulkSource *source)
{
	if (source->close != NULL)
		source->close(source);
}
