/*
 * bulk_set.c
 *		What the update of a row in the way sets: which columns, and when.
 *
 * With update_columns these are set, to what the row to be inserted has: its
 * values, and defaults where it has none.  Without, each row sets the columns
 * that it has itself, less those of the arbiter's key.  UPDATE is needed on
 * all of them.
 *
 * Rows with the same columns share one BulkSet.  They are found again by
 * comparing, the latest first, as rows tend to be alike.
 */
#include "bulk/bulk.h"

#include "access/sysattr.h"
#include "catalog/pg_attribute.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "parser/parse_relation.h"
#include "utils/memutils.h"

/* How many sets are remembered when no row needs them any more. */
#define SETS_TO_KEEP	64

static inline int
permission_bit(const BulkColumn *column)
{
	return column->attnum - FirstLowInvalidHeapAttributeNumber;
}

static void
check_settable(const BulkTarget *target, const char *name, int number)
{
	const BulkColumn *column = &target->columns[number];

	if (number < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						name, RelationGetRelationName(target->rel)),
				 errdetail("The argument \"%s\" names it.", "update_columns")));
	if (column->generated || column->identity == ATTRIBUTE_IDENTITY_ALWAYS)
		ereport(ERROR,
				(errcode(ERRCODE_GENERATED_ALWAYS),
				 errmsg("column \"%s\" can only be updated to DEFAULT", name),
				 column->generated ?
				 errdetail("Column \"%s\" is a generated column.", name) :
				 errdetail("Column \"%s\" is an identity column defined as GENERATED ALWAYS.",
						   name)));
}

/* The one set that the caller chose. */
static void
choose_columns(BulkTarget *target, const List *names)
{
	BulkSet    *set = palloc0(sizeof(BulkSet));
	ListCell   *lc;

	foreach(lc, names)
	{
		const char *name = lfirst(lc);
		int			number = bulk_target_find(target, name, strlen(name));

		check_settable(target, name, number);
		set->columns = bms_add_member(set->columns, permission_bit(&target->columns[number]));
	}
	target->sets->latest = set;
	target->sets->columns = target->perminfo->updatedCols = set->columns;
	bulk_target_require(target, ACL_UPDATE, set->columns);
}

/* All columns that any row could set. */
static Bitmapset *
all_settable(const BulkTarget *target)
{
	Bitmapset  *all = NULL;

	for (int i = 0; i < target->ncolumns; i++)
		if (target->columns[i].name != NULL && !target->columns[i].generated)
			all = bms_add_member(all, permission_bit(&target->columns[i]));
	return all;
}

/* Prepare for updates, if there are to be any. */
void
bulk_set_begin(BulkTarget *target, const struct BulkOptions *options)
{
	BulkSets   *sets;

	if (options->on_conflict != BULK_CONFLICT_UPDATE)
		return;
	sets = target->sets = palloc0(sizeof(BulkSets));
	sets->chosen = options->update_columns != NIL;
	sets->by_row = options->format_name == BULK_FORMAT_JSON ||
		options->format_name == BULK_FORMAT_NDJSON;
	sets->memory = AllocSetContextCreate(CurrentMemoryContext, "bulk sets",
										 ALLOCSET_SMALL_SIZES);
	if (sets->chosen)
		choose_columns(target, options->update_columns);
	if (options->update_where != NULL)
		sets->where = bulk_where_parse(target, options->update_where);
}

/*
 * Have it found out which of the part's generated columns depend on what is
 * set.  The executor does that once, so it is done for all columns that any row
 * may set.
 */
void
bulk_set_part(BulkTarget *target, ResultRelInfo *rri)
{
	TupleConstr *constr = RelationGetDescr(rri->ri_RelationDesc)->constr;

	if (constr == NULL || !constr->has_generated_stored)
		return;
	if (!target->sets->chosen)
		target->perminfo->updatedCols = all_settable(target);
	purser_init_generated(rri, target->estate);
	target->perminfo->updatedCols = target->sets->columns;
}

/* The input names a column: it is one that updates set, so the caller must be allowed to. */
void
bulk_set_name(BulkTarget *target, const BulkColumn *column)
{
	BulkSets   *sets = target->sets;

	if (sets == NULL || sets->chosen || bms_is_member(column->attnum, target->key))
		return;
	bulk_target_require(target, ACL_UPDATE, bms_make_singleton(permission_bit(column)));
	sets->columns = bms_add_member(sets->columns, permission_bit(column));
	target->perminfo->updatedCols = sets->columns;
}

static inline bool
is_given(const BulkTarget *target, const BulkField *fields, int i)
{
	if (target->sets->by_row)
		return fields[i].kind != BULK_MISSING;
	return target->columns[i].named;
}

static bool
has_given(const BulkTarget *target, const BulkField *fields, const BulkSet *set)
{
	for (int i = 0; i < target->ncolumns; i++)
		if (set->given[i] != is_given(target, fields, i))
			return false;
	return true;
}

static BulkSet *
make_set(BulkTarget *target, const BulkField *fields)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(target->sets->memory);
	BulkSet    *set = palloc0(sizeof(BulkSet));

	set->given = palloc(Max(target->ncolumns, 1) * sizeof(bool));
	for (int i = 0; i < target->ncolumns; i++)
	{
		const BulkColumn *column = &target->columns[i];

		set->given[i] = is_given(target, fields, i);
		if (set->given[i] && !bms_is_member(column->attnum, target->key))
			set->columns = bms_add_member(set->columns, permission_bit(column));
	}
	target->sets->known = lappend(target->sets->known, set);
	MemoryContextSwitchTo(oldcontext);
	return set;
}

/* The columns that the update sets which the row makes; NULL if there are no updates. */
const BulkSet *
bulk_set_of(BulkTarget *target, const BulkField *fields)
{
	BulkSets   *sets = target->sets;
	ListCell   *lc;

	if (sets == NULL)
		return NULL;
	if (sets->latest != NULL &&
		(sets->chosen || !sets->by_row || has_given(target, fields, sets->latest)))
		return sets->latest;
	foreach(lc, sets->known)
		if (has_given(target, fields, lfirst(lc)))
			return sets->latest = lfirst(lc);
	return sets->latest = make_set(target, fields);
}

/* No row is buffered: forget the sets if they became many. */
void
bulk_set_forget(BulkTarget *target)
{
	BulkSets   *sets = target->sets;

	if (sets == NULL || list_length(sets->known) <= SETS_TO_KEEP)
		return;
	sets->known = NIL;
	sets->latest = NULL;
	MemoryContextReset(sets->memory);
}
