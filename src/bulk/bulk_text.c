/*
 * bulk_text.c
 *		Reads COPY's text format.
 *
 * Called by bulk_load.c.
 */
#include "bulk.h"

BulkReader *
bulk_text_reader(const BulkReader *base pg_attribute_unused(),
				 const BulkFormat *format pg_attribute_unused())
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("transitional")));
}
