/*
 * bulk_reject.c
 *		Rows that were rejected: collected, counted against the limit, and put
 *		into purser.reject many at a time.
 *
 * Invariant: they are written outside of any attempt, so that no rollback of
 * other rows takes them away.  A load without rejects writes nothing at all and
 * has no id.
 *
 * Called by bulk_intake.c, bulk_batch.c, bulk_runs.c and bulk_load.c.
 */
#include "bulk/bulk.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* When so many are collected, or so many bytes, they are written, and no more rows are read. */
#define REJECTS_AT_ONCE	1000
#define REJECTS_BYTES	((Size) 4 * 1024 * 1024)

/* Of a longer row only the rest is kept, in bytes: it must fit into an array with others. */
#define REJECTS_RAW		((Size) 512 * 1024 * 1024)

/* Longest value that is kept beside the raw row, in bytes. */
#define REJECTS_VALUE	1000

struct BulkRejects
{
	BulkTarget *target;
	BulkContext *context;
	const BulkOptions *options;
	List	   *names;			/* of the input's columns, in order */
	uint64		count;			/* of the load */
	int64		load_id;		/* 0: none yet */
	bool		noted;			/* purser.load has what the load wants */
	bool		in_ranges;		/* others write under this id, too */
	uint64		before;			/* rejected by the ranges that are in */
	const char *role;			/* whose rows they are */
	MemoryContext memory;		/* of those that are collected */
	int			ncollected;
	int			allocated;
	BulkReject *collected;
};

/* In the current memory context. */
BulkRejects *
bulk_rejects_begin(BulkTarget *target, BulkContext *context, const struct BulkOptions *options)
{
	BulkRejects *rejects = palloc0(sizeof(BulkRejects));

	rejects->target = target;
	rejects->context = context;
	rejects->options = options;
	rejects->role = GetUserNameFromId(GetUserId(), false);
	rejects->memory = AllocSetContextCreate(CurrentMemoryContext, "pg_purser rejects",
											ALLOCSET_DEFAULT_SIZES);
	return rejects;
}

/* The load goes on with one whose rejects it takes. */
void
bulk_rejects_resume(BulkRejects *rejects, int64 load_id)
{
	rejects->load_id = load_id;
	rejects->noted = true;
}

/*
 * The load is a range of one that has an id, of which before rows were rejected:
 * another range may have written its rejects already.
 */
void
bulk_rejects_join(BulkRejects *rejects, int64 load_id, uint64 before)
{
	rejects->load_id = load_id;
	rejects->in_ranges = true;
	rejects->before = before;
}

/* The input has a column of this name; to be called for each, in their order. */
void
bulk_rejects_name(BulkRejects *rejects, const char *name, int len)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(GetMemoryChunkContext(rejects));

	rejects->names = lappend(rejects->names, pnstrdup(name, len));
	MemoryContextSwitchTo(oldcontext);
}

/* ---- one row ---- */

static bool
is_text(const char *data, Size len)
{
	return pg_verify_mbstr(GetDatabaseEncoding(), data, len, true);
}

/* A message, which may quote what is no text. */
static const char *
as_text(const char *string)
{
	char	   *copy;

	if (string == NULL)
		return NULL;
	copy = pstrdup(string);
	if (!is_text(copy, strlen(copy)))
		for (char *c = copy; *c; c++)
			if (IS_HIGHBIT_SET(*c))
				*c = '?';
	return copy;
}

/* What stood in the column that did not fit; NULL: nothing, or it cannot be shown. */
static const char *
describe_value(const BulkContext *context)
{
	const BulkField *field = context->field;
	int			len;

	if (context->column == NULL || field == NULL || field->kind <= BULK_NULL ||
		field->kind == BULK_DATUM || !is_text(field->text, field->len))
		return NULL;
	if (field->len <= REJECTS_VALUE)
		return pnstrdup(field->text, field->len);
	len = pg_mbcliplen(field->text, field->len, REJECTS_VALUE);
	return psprintf("%.*s...", len, field->text);
}

static const char *
describe_relation(const ErrorData *error)
{
	if (error->table_name == NULL)
		return NULL;
	if (error->schema_name == NULL)
		return as_text(error->table_name);
	return as_text(quote_qualified_identifier(error->schema_name, error->table_name));
}

static void
set_raw(BulkReject *reject, const BulkEntry *entry, const BulkTarget *target,
		const BulkField *fields)
{
	char	   *raw;

	if (entry->raw != NULL && entry->raw_len <= REJECTS_RAW)
	{
		raw = MemoryContextAllocHuge(CurrentMemoryContext, entry->raw_len + 1);
		memcpy(raw, entry->raw, entry->raw_len);
		reject->raw_len = entry->raw_len;
	}
	else
	{
		raw = fields != NULL ? bulk_raw_from_fields(target, fields) : NULL;
		reject->raw_len = raw != NULL ? strlen(raw) : 0;
	}
	reject->raw = raw;
	reject->is_text = raw != NULL && is_text(raw, reject->raw_len);
}

/* load_id: of a load in ranges, some of which may be in; else 0 */
void
bulk_rejects_refuse(int64 limit, int64 load_id, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("more rows were rejected than max_rejects (" INT64_FORMAT ") allows", limit),
			 errdetail("%s", detail),
			 load_id == 0 ?
			 errhint("Nothing was loaded, and nothing was put into purser.reject. "
					 "With a higher max_rejects, the bad rows can be looked at there.") :
			 errhint("Ranges that were in before stay, with their rows in purser.reject. "
					 "To go on with a higher limit, give it to "
					 "CALL purser.load(load_id => " INT64_FORMAT ", max_rejects => ...).",
					 load_id)));
}

static void
check_limit(const BulkRejects *rejects, const ErrorData *error)
{
	int64		limit = rejects->options->max_rejects;

	if (limit >= 0 && rejects->before + rejects->count > (uint64) limit)
		bulk_rejects_refuse(limit, rejects->in_ranges ? rejects->load_id : 0,
							psprintf("The last one: %s", error->message));
}

static BulkReject *
next_reject(BulkRejects *rejects)
{
	if (rejects->ncollected == rejects->allocated)
	{
		Size		size;

		rejects->allocated = Max(2 * rejects->allocated, 64);
		size = rejects->allocated * sizeof(BulkReject);
		rejects->collected = rejects->collected == NULL ?
			MemoryContextAlloc(GetMemoryChunkContext(rejects), size) :
			repalloc(rejects->collected, size);
	}
	return &rejects->collected[rejects->ncollected++];
}

/*
 * Take a row and what was wrong with it.  If the row has no text of its own, it
 * is made from its fields.
 */
void
bulk_rejects_add(BulkRejects *rejects, const BulkEntry *entry, const BulkField *fields,
				 const ErrorData *error)
{
	const BulkContext *context = rejects->context;
	MemoryContext oldcontext = MemoryContextSwitchTo(rejects->memory);
	BulkReject *reject;

	rejects->count++;
	check_limit(rejects, error);
	reject = next_reject(rejects);
	reject->position = entry->position;
	reject->position.row += context->start.row;
	if (reject->position.line > 0)
		reject->position.line += context->start.line;
	set_raw(reject, entry, rejects->target, fields);
	reject->column = as_text(context->column != NULL ? context->column : error->column_name);
	reject->value = describe_value(context);
	reject->sqlstate = pstrdup(unpack_sql_state(error->sqlerrcode));
	reject->message = as_text(error->message);
	reject->detail = as_text(error->detail);
	reject->hint = as_text(error->hint);
	reject->constraint = as_text(error->constraint_name);
	reject->relation = describe_relation(error);
	MemoryContextSwitchTo(oldcontext);
}

/* ---- many rows ---- */

/* Are there so many that they should be written before more come? */
bool
bulk_rejects_are_full(const BulkRejects *rejects)
{
	return rejects->ncollected >= REJECTS_AT_ONCE ||
		MemoryContextMemAllocated(rejects->memory, false) >= REJECTS_BYTES;
}

/* Put what was collected into the table. */
void
bulk_rejects_write(BulkRejects *rejects)
{
	if (rejects->ncollected == 0)
		return;
	if (!rejects->noted)
		rejects->load_id = bulk_store_load(rejects->load_id, rejects->target, rejects->options,
										   rejects->role, rejects->names);
	rejects->noted = true;
	bulk_store_rejects(rejects->load_id, rejects->role, rejects->collected,
					   rejects->ncollected);
	rejects->ncollected = 0;
	MemoryContextReset(rejects->memory);
}

/* 0 if none was rejected. */
int64
bulk_rejects_load_id(const BulkRejects *rejects)
{
	return rejects->count > 0 ? rejects->load_id : 0;
}
