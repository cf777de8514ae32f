/*
 * bulk_rebuild.c
 *		Secondary indexes built anew at the end of a load, in place of an entry
 *		for each row; and ANALYZE after it.
 *
 * Building an index sorts once and writes each page once, and the server may
 * use parallel workers for it; but it reads the whole table.  So it pays where
 * much comes into a table that had little.  The load leaves such indexes alone
 * and then has each made by what REINDEX uses, in the same transaction, so that
 * a rollback leaves them as they were.  Nobody else may write into the table
 * meanwhile, and from the first index on, until the transaction ends, nobody
 * else can plan a query over it.
 *
 * Only indexes that enforce nothing: not unique ones, exclusion constraints or
 * a replica identity.  Called by bulk_load.c.
 */
#include "bulk/bulk.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/catalog.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/rel.h"

/*
 * An entry for a row costs about so many times what a row costs when the index
 * is built, where that decides: see docs/bulk-speed.md for the measurement.
 */
#define ENTRY_COST 2

/* Is it faster to build the table's indexes after input of that size, in bytes? */
static bool
pays(Relation rel, uint64 input)
{
	uint64		present = (uint64) RelationGetNumberOfBlocks(rel) * BLCKSZ;

	return input * ENTRY_COST > present + input;
}

static void
check_owner(Relation rel)
{
	if (!purser_owns_relation(RelationGetRelid(rel)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table \"%s\" to rebuild its indexes",
						RelationGetRelationName(rel)),
				 errhint("Leave out the argument \"indexes\", or set it to \"keep\".")));
}

/*
 * Decide before the table is opened for the load: whether its indexes are to
 * be built at the end.  Then it is locked against other writers.
 */
bool
bulk_rebuild_wanted(Oid relid, BulkIndexes indexes, uint64 input)
{
	Relation	rel;
	bool		wanted;

	/* On a standby there is no such lock; the load says what is wrong. */
	if (indexes == BULK_INDEXES_KEEP || RecoveryInProgress())
		return false;
	rel = try_table_open(relid, AccessShareLock);
	/* Whatever is wrong with it, the load says better. */
	if (rel == NULL || rel->rd_rel->relkind != RELKIND_RELATION)
	{
		if (rel != NULL)
			table_close(rel, AccessShareLock);
		return false;
	}
	if (indexes == BULK_INDEXES_REBUILD)
		check_owner(rel);
	wanted = indexes == BULK_INDEXES_REBUILD ||
		(purser_owns_relation(relid) && pays(rel, input));
	table_close(rel, NoLock);
	if (wanted)
		LockRelationOid(relid, ShareRowExclusiveLock);
	return wanted;
}

static bool
may_wait(Relation rel, Relation index)
{
	Form_pg_index form = index->rd_index;

	return !form->indisunique && !form->indisexclusion && !form->indisreplident &&
		form->indisvalid && form->indisready && !IsCatalogRelation(rel);
}

/* Take the indexes that can wait out of those that rows are entered into. */
void
bulk_rebuild_set_aside(BulkTarget *target)
{
	ResultRelInfo *rri = target->rri;
	int			kept = 0;

	for (int i = 0; i < rri->ri_NumIndices; i++)
	{
		Relation	index = rri->ri_IndexRelationDescs[i];

		if (may_wait(target->rel, index))
		{
			target->aside = lappend_oid(target->aside, RelationGetRelid(index));
			index_close(index, NoLock);
			continue;
		}
		rri->ri_IndexRelationDescs[kept] = index;
		rri->ri_IndexRelationInfo[kept++] = rri->ri_IndexRelationInfo[i];
	}
	rri->ri_NumIndices = kept;
}

/* Build them; the rows are in the table. */
void
bulk_rebuild(BulkTarget *target)
{
	ListCell   *lc;

	foreach(lc, target->aside)
		purser_reindex_index(lfirst_oid(lc), target->rel->rd_rel->relpersistence);
}

/* ANALYZE the table, which the load has closed. */
void
bulk_analyze(Oid relid)
{
	VacuumStmt *analyze = makeNode(VacuumStmt);

	analyze->is_vacuumcmd = false;
	analyze->rels = list_make1(makeVacuumRelation(NULL, relid, NIL));
	ExecVacuum(make_parsestate(NULL), analyze, false);
}
