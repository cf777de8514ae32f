/*
 * bulk_arbiter.c
 *		Which indexes say that a row is in the way: the arbiters.
 *
 * They are named by their columns or by their own name; without either, skip
 * takes all unique indexes and exclusion constraints, and update the primary
 * key or the only unique index.  As for ON CONFLICT, SELECT is needed on the
 * columns that they are about.
 *
 * Called by bulk_target.c for the target, and by bulk_conflict.c for each part.
 */
#include "bulk/bulk.h"

#include "access/genam.h"
#include "access/sysattr.h"
#include "catalog/index.h"
#include "catalog/partition.h"
#include "optimizer/optimizer.h"
#include "parser/parse_relation.h"

/* An index of the target, while the arbiters are chosen. */
typedef struct Candidate
{
	Relation	index;
	IndexInfo  *info;
} Candidate;

typedef struct Candidates
{
	int			count;
	Candidate  *items;
} Candidates;

static Candidates
open_candidates(Relation rel)
{
	List	   *oids = RelationGetIndexList(rel);
	Candidates	all = {0, palloc0((list_length(oids) + 1) * sizeof(Candidate))};
	ListCell   *lc;

	foreach(lc, oids)
	{
		Candidate  *candidate = &all.items[all.count++];

		candidate->index = index_open(lfirst_oid(lc), RowExclusiveLock);
		candidate->info = BuildIndexInfo(candidate->index);
	}
	list_free(oids);
	return all;
}

/* The locks stay, as for INSERT. */
static void
close_candidates(Candidates *all)
{
	for (int i = 0; i < all->count; i++)
		index_close(all->items[i].index, NoLock);
	pfree(all->items);
}

static bool
is_unique(const Candidate *candidate)
{
	return candidate->index->rd_index->indisvalid && candidate->info->ii_Unique &&
		candidate->info->ii_ExclusionOps == NULL;
}

static Bitmapset *
key_columns(const IndexInfo *info)
{
	Bitmapset  *columns = NULL;

	for (int i = 0; i < info->ii_NumIndexKeyAttrs; i++)
		if (info->ii_IndexAttrNumbers[i] > 0)
			columns = bms_add_member(columns, info->ii_IndexAttrNumbers[i]);
	return columns;
}

/* Take the index for an arbiter; its columns and those it computes with must be readable. */
static void
add_arbiter(BulkTarget *target, const Candidate *candidate)
{
	Bitmapset  *plain = key_columns(candidate->info);
	Bitmapset  *read = NULL;
	int			attnum = -1;

	target->arbiters = lappend_oid(target->arbiters, RelationGetRelid(candidate->index));
	target->key = bms_add_members(target->key, plain);
	while ((attnum = bms_next_member(plain, attnum)) >= 0)
		read = bms_add_member(read, attnum - FirstLowInvalidHeapAttributeNumber);
	pull_varattnos((Node *) candidate->info->ii_Expressions, 1, &read);
	pull_varattnos((Node *) candidate->info->ii_Predicate, 1, &read);
	bulk_target_require(target, ACL_SELECT, read);
}

/* The unique indexes on exactly these columns; several may be. */
static void
choose_by_columns(BulkTarget *target, const Candidates *all, const List *names)
{
	Bitmapset  *wanted = NULL;
	ListCell   *lc;

	foreach(lc, names)
		wanted = bms_add_member(wanted, attnameAttNum(target->rel, lfirst(lc), false));
	for (int i = 0; i < all->count; i++)
	{
		const Candidate *candidate = &all->items[i];

		if (is_unique(candidate) && candidate->info->ii_Expressions == NIL &&
			candidate->info->ii_Predicate == NIL &&
			bms_equal(key_columns(candidate->info), wanted))
			add_arbiter(target, candidate);
	}
	if (target->arbiters == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("there is no unique constraint or index on exactly these conflict columns"),
				 errhint("Create one; if it is partial or on an expression, "
						 "name it in the argument \"conflict_index\".")));
}

static void
check_named(const Candidate *candidate, bool update)
{
	const char *name = RelationGetRelationName(candidate->index);

	if (!candidate->index->rd_index->indisvalid)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" is not valid", name)));
	if (update && candidate->info->ii_ExclusionOps != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("exclusion constraint \"%s\" cannot be used with on_conflict \"update\"",
						name),
				 errdetail("Several rows may be in the way of one.")));
	if (!candidate->info->ii_Unique && candidate->info->ii_ExclusionOps == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("index \"%s\" is not unique", name)));
}

static void
choose_by_name(BulkTarget *target, const Candidates *all, const char *name, bool update)
{
	for (int i = 0; i < all->count; i++)
	{
		const Candidate *candidate = &all->items[i];

		if (strcmp(RelationGetRelationName(candidate->index), name) != 0)
			continue;
		check_named(candidate, update);
		add_arbiter(target, candidate);
		return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("table \"%s\" has no unique constraint or index \"%s\"",
					RelationGetRelationName(target->rel), name)));
}

/* For update: the primary key, or the only unique index. */
static void
choose_by_default(BulkTarget *target, const Candidates *all)
{
	const Candidate *chosen = NULL;
	int			found = 0;

	for (int i = 0; i < all->count; i++)
	{
		const Candidate *candidate = &all->items[i];

		if (!is_unique(candidate))
			continue;
		if (candidate->index->rd_index->indisprimary)
		{
			add_arbiter(target, candidate);
			return;
		}
		chosen = candidate;
		found++;
	}
	if (found != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("cannot tell by which key the rows of table \"%s\" are to be updated",
						RelationGetRelationName(target->rel)),
				 found == 0 ?
				 errdetail("The table has no primary key and no unique index.") :
				 errdetail("The table has no primary key and several unique indexes."),
				 found == 0 ?
				 errhint("Create a unique index on the columns of the key.") :
				 errhint("Name one of them in conflict_columns or conflict_index.")));
	add_arbiter(target, chosen);
}

/* Find the arbiters that the options mean, and the columns of their keys. */
void
bulk_arbiter_choose(BulkTarget *target, const struct BulkOptions *options)
{
	bool		update = options->on_conflict == BULK_CONFLICT_UPDATE;
	Candidates	all;

	if (options->on_conflict == BULK_CONFLICT_ERROR)
		return;
	all = open_candidates(target->rel);
	if (options->conflict_columns != NIL)
		choose_by_columns(target, &all, options->conflict_columns);
	else if (options->conflict_index != NULL)
		choose_by_name(target, &all, options->conflict_index, update);
	else if (update)
		choose_by_default(target, &all);
	close_candidates(&all);
}

/* The target's arbiters as the relation has them, which may be a partition of it. */
List *
bulk_arbiter_of(const BulkTarget *target, const ResultRelInfo *rri)
{
	List	   *arbiters = NIL;

	if (rri == target->rri)
		return target->arbiters;
	for (int i = 0; i < rri->ri_NumIndices; i++)
	{
		Oid			index = RelationGetRelid(rri->ri_IndexRelationDescs[i]);
		ListCell   *lc;

		foreach(lc, get_partition_ancestors(index))
			if (list_member_oid(target->arbiters, lfirst_oid(lc)))
				arbiters = lappend_oid(arbiters, index);
	}
	if (list_length(arbiters) != list_length(target->arbiters))
		elog(ERROR, "could not find the arbiter indexes of partition \"%s\"",
			 RelationGetRelationName(rri->ri_RelationDesc));
	return arbiters;
}
