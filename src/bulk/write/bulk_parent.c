/*
 * bulk_parent.c
 *		The table that a foreign key refers to: finds and locks the parent of a
 *		row through the unique index behind the constraint.
 *
 * What RI_FKey_check()'s query does with SELECT ... FOR KEY SHARE, without a
 * query.  Row-level security does not bind that query either; it runs as the
 * parent's owner, so if even the owner may not read and lock the table, it is
 * left to the trigger to say so.
 *
 * Called by bulk_foreign.c.
 */
#include "bulk/bulk.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "executor/executor.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

struct BulkParent
{
	Relation	rel;
	Relation	index;
	bool		takes_null;		/* a key with a null in it needs no parent */
	int			nkeys;
	int			places[INDEX_MAX_KEYS]; /* of the index's columns in the constraint's key */
	ScanKeyData keys[INDEX_MAX_KEYS];
	TupleTableSlot *slot;
	TupleTableSlot *locked;
	Snapshot	snapshot;
	IndexScanDesc scan;
};

/* ---- opening ---- */

static bool
owner_may_lock(Relation rel)
{
	AclMode		needed = ACL_SELECT | ACL_UPDATE;

	return pg_class_aclmask(RelationGetRelid(rel), rel->rd_rel->relowner, needed,
							ACLMASK_ALL) == needed;
}

/* The index and the kind of match of the constraint. */
static bool
read_constraint(Oid constraint, Oid *index, bool *takes_null)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	*index = form->conindid;
	*takes_null = form->confmatchtype == FKCONSTR_MATCH_SIMPLE;
	ReleaseSysCache(tuple);
	return OidIsValid(*index);
}

/* Make the scan key of an index column from the constraint's operator; false if it does not fit. */
static bool
prepare_key(BulkParent *parent, Relation child, const ForeignKeyCacheInfo *info, int column)
{
	AttrNumber	attnum = parent->index->rd_index->indkey.values[column];
	int			place = 0;
	int			strategy;
	Oid			left;
	Oid			right;

	while (place < info->nkeys && info->confkey[place] != attnum)
		place++;
	if (place == info->nkeys ||
		!op_in_opfamily(info->conpfeqop[place], parent->index->rd_opfamily[column]))
		return false;
	get_op_opfamily_properties(info->conpfeqop[place], parent->index->rd_opfamily[column],
							   false, &strategy, &left, &right);
	if (strategy != BTEqualStrategyNumber ||
		right != TupleDescAttr(RelationGetDescr(child), info->conkey[place] - 1)->atttypid)
		return false;
	parent->places[column] = place;
	ScanKeyEntryInitialize(&parent->keys[column], 0, column + 1, BTEqualStrategyNumber, right,
						   parent->index->rd_indcollation[column],
						   get_opcode(info->conpfeqop[place]), (Datum) 0);
	return true;
}

static bool
prepare_keys(BulkParent *parent, Relation child, const ForeignKeyCacheInfo *info)
{
	parent->nkeys = IndexRelationGetNumberOfKeyAttributes(parent->index);
	if (parent->index->rd_rel->relam != BTREE_AM_OID || parent->nkeys != info->nkeys)
		return false;
	for (int i = 0; i < parent->nkeys; i++)
		if (!prepare_key(parent, child, info, i))
			return false;
	return true;
}

/*
 * Open the table that the constraint of the child refers to; NULL if its rows
 * cannot be found here as the trigger would.
 */
BulkParent *
bulk_parent_open(Relation child, const ForeignKeyCacheInfo *info)
{
	BulkParent *parent = palloc0(sizeof(BulkParent));
	Oid			index;

	/* Rows of the load itself may be parents, which only the trigger can see. */
	if (info->confrelid == RelationGetRelid(child) ||
		!read_constraint(info->conoid, &index, &parent->takes_null))
		return NULL;
	parent->rel = table_open(info->confrelid, RowShareLock);
	if (parent->rel->rd_rel->relkind == RELKIND_RELATION && owner_may_lock(parent->rel))
	{
		parent->index = index_open(index, RowShareLock);
		if (prepare_keys(parent, child, info))
		{
			parent->slot = table_slot_create(parent->rel, NULL);
			parent->locked = table_slot_create(parent->rel, NULL);
			return parent;
		}
		index_close(parent->index, NoLock);
	}
	table_close(parent->rel, NoLock);
	return NULL;
}

void
bulk_parent_close(BulkParent *parent)
{
	ExecDropSingleTupleTableSlot(parent->slot);
	ExecDropSingleTupleTableSlot(parent->locked);
	index_close(parent->index, NoLock);
	table_close(parent->rel, NoLock);
}

bool
bulk_parent_takes_null(const BulkParent *parent)
{
	return parent->takes_null;
}

/* ---- rows ---- */

/*
 * Look for parents from here on: see all that is committed by now, or at the
 * higher isolation levels what the transaction sees.
 */
void
bulk_parent_begin(BulkParent *parent)
{
	parent->snapshot = RegisterSnapshot(GetTransactionSnapshot());
	parent->scan = purser_index_beginscan(parent->rel, parent->index, parent->snapshot,
										  parent->nkeys, 0);
}

void
bulk_parent_end(BulkParent *parent)
{
	index_endscan(parent->scan);
	UnregisterSnapshot(parent->snapshot);
	parent->scan = NULL;
	parent->snapshot = NULL;
}

/* The row that was found, still there and locked as it was found? */
static bool
lock_row(BulkParent *parent)
{
	TM_FailureData failure;
	bool		locked;

	locked = table_tuple_lock(parent->rel, &parent->slot->tts_tid, parent->snapshot,
							  parent->locked, GetCurrentCommandId(false), LockTupleKeyShare,
							  LockWaitBlock, 0, &failure) == TM_Ok;
	ExecClearTuple(parent->locked);
	return locked;
}

/* Find and lock the parent of the row; false if that is not certain. */
bool
bulk_parent_lock(BulkParent *parent, TupleTableSlot *child, const AttrNumber *columns)
{
	bool		locked = false;

	for (int i = 0; i < parent->nkeys; i++)
	{
		bool		isnull;

		parent->keys[i].sk_argument = slot_getattr(child, columns[parent->places[i]], &isnull);
		Assert(!isnull);
	}
	index_rescan(parent->scan, parent->keys, parent->nkeys, NULL, 0);
	if (index_getnext_slot(parent->scan, ForwardScanDirection, parent->slot))
		locked = lock_row(parent);
	ExecClearTuple(parent->slot);
	return locked;
}
