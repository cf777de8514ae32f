/*
 * bulk_load.h
 *		What a load consists of, for those who take part in one: bulk_load.c, and
 *		bulk_parallel*.c.
 */
#ifndef PURSER_BULK_LOAD_H
#define PURSER_BULK_LOAD_H

#include "bulk/bulk.h"

/* Which column a name is for; objects tend to have the same keys in the same order. */
typedef struct KnownName
{
	const char *name;
	int			len;
	int			column;
} KnownName;

typedef struct BulkLoad
{
	BulkSchema	schema;			/* first, so that a schema is its load */
	const BulkOptions *options;
	BulkContext context;
	BulkTarget	target;
	BulkReader *reader;
	BulkWriter	writer;			/* not of a worker */
	BulkRows   *rows;			/* in place of it with BULK_PATH_STATEMENT */
	BulkErase  *erase;			/* and in place of both, to delete from a plain table */
	BulkProgress progress;		/* not of a worker */
	BulkRejects *rejects;		/* NULL: a bad row is an error */
	int			nknown;
	KnownName  *known;			/* at most one per column, by position in the row */
} BulkLoad;

extern void bulk_load_schema(BulkLoad *load);
extern BulkReader *bulk_load_reader(BulkLoad *load, const BulkInput *input);

#endif							/* PURSER_BULK_LOAD_H */
