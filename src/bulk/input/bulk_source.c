/*
 * bulk_source.c
 *		The input as a window of bytes: a parameter in memory, which is one
 *		window; and what all sources have in common.
 */
#include "bulk/bulk.h"

#include "mb/pg_wchar.h"

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

/*
 * For a reader that has found where its row ends: raise the server's error
 * unless the bytes, which are in the window, are valid in the database's
 * encoding.
 */
void
bulk_source_verify(BulkSource *source, const char *data, Size len)
{
	int			encoding = GetDatabaseEncoding();

	if (!source->verify || pg_verify_mbstr(encoding, data, len, true))
		return;
	if (source->complain != NULL)
		source->complain(source, data, len);
	(void) pg_verify_mbstr(encoding, data, len, false);
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
