/*
 * bulk_json_row.h
 *		An object as a row of fields.
 */
#ifndef PURSER_BULK_JSON_ROW_H
#define PURSER_BULK_JSON_ROW_H

#include "bulk/input/bulk_json.h"

typedef struct BulkJsonKey BulkJsonKey;

typedef struct BulkJsonRow
{
	BulkReader *reader;
	BulkJsonKey *keys;			/* that there have been, in the order of their appearance */
	int			nkeys;
	int			max_keys;
	int			next_key;		/* the one expected next */
	BulkField	ignored;		/* for values of keys that are no column */
} BulkJsonRow;

extern void bulk_json_row_init(BulkJsonRow *row, BulkReader *reader);
extern void bulk_json_row_read(BulkJsonRow *row, BulkJsonScan *scan);

#endif							/* PURSER_BULK_JSON_ROW_H */
