/*
 * audit_removed.c
 *		Rows that the nodes of a measured plan threw away: by which kind of node, by
 *		what, and of which table, in EXPLAIN's words.
 *
 * A query has a few places for them, in the store for good, and in this backend
 * from a measured execution to the next publication. Whoever comes when they
 * are taken shares the last one. Partitions count for their partitioned table,
 * temporary tables for none, as each session has its own.
 */
#include "audit/plan/audit_plan.h"
#include "audit/store/audit_store.h"

#include "catalog/pg_class.h"
#include "executor/instrument.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"

#define MAX_WAITING 16			/* queries */

/* Places keep a kind's position, so it is for good: new ones go to the end. */
typedef struct Kind
{
	NodeTag		tag;
	bool		scan;			/* may have a relation */
	const char *name;
	const char *first;			/* Instrumentation.nfiltered1 */
	const char *second;			/* nfiltered2 */
} Kind;

static const Kind kinds[] = {
	{T_SeqScanState, true, "Seq Scan", "Filter", NULL},
	{T_SampleScanState, true, "Sample Scan", "Filter", NULL},
	{T_IndexScanState, true, "Index Scan", "Filter", "Index Recheck"},
	{T_IndexOnlyScanState, true, "Index Only Scan", "Filter", "Index Recheck"},
	{T_BitmapHeapScanState, true, "Bitmap Heap Scan", "Filter", "Index Recheck"},
	{T_TidScanState, true, "Tid Scan", "Filter", NULL},
	{T_TidRangeScanState, true, "Tid Range Scan", "Filter", NULL},
	{T_ForeignScanState, true, "Foreign Scan", "Filter", NULL},
	{T_CustomScanState, true, "Custom Scan", "Filter", NULL},
	{T_SubqueryScanState, false, "Subquery Scan", "Filter", NULL},
	{T_FunctionScanState, false, "Function Scan", "Filter", NULL},
	{T_TableFuncScanState, false, "Table Function Scan", "Filter", NULL},
	{T_ValuesScanState, false, "Values Scan", "Filter", NULL},
	{T_CteScanState, false, "CTE Scan", "Filter", NULL},
	{T_NamedTuplestoreScanState, false, "Named Tuplestore Scan", "Filter", NULL},
	{T_WorkTableScanState, false, "WorkTable Scan", "Filter", NULL},
	{T_NestLoopState, false, "Nested Loop", "Join Filter", "Filter"},
	{T_MergeJoinState, false, "Merge Join", "Join Filter", "Filter"},
	{T_HashJoinState, false, "Hash Join", "Join Filter", "Filter"},
	{T_AggState, false, "Aggregate", "Filter", NULL},
	{T_GroupState, false, "Group", "Filter", NULL},
	{T_WindowAggState, false, "WindowAgg", "Filter", NULL},
	{T_ModifyTableState, false, "ModifyTable", "Conflict Filter", NULL},
};

#define LAST_READER 7			/* of the kinds whose rows count as read */

typedef struct Waiting
{
	uint64		queryid;
	Oid			userid;
	AuditRemoved removed[AUDIT_REMOVED];
} Waiting;

static Waiting waiting[MAX_WAITING];
static int	nwaiting = 0;

/* ---- places ---- */

static uint64
place_of(int kind, bool second, Oid relid)
{
	return ((uint64) relid << 32) | ((uint64) (kind + 1) << 1) | second;
}

/* What a place is for, in EXPLAIN's words; false for the last, which is for all others. */
bool
audit_removed_name(uint64 place, const char **node, const char **by, Oid *relid)
{
	uint64		kind = ((place & PG_UINT32_MAX) >> 1) - 1;

	if (place == AUDIT_REMOVED_ELSEWHERE || kind >= lengthof(kinds))
		return false;
	*node = kinds[kind].name;
	*by = (place & 1) != 0 ? kinds[kind].second : kinds[kind].first;
	*relid = (Oid) (place >> 32);
	return *by != NULL;
}

static void
add_removed(AuditRemoved *removed, uint64 place, double rows)
{
	int			i = 0;

	while (i < AUDIT_REMOVED - 1 && removed[i].place != 0 && removed[i].place != place)
		i++;
	removed[i].place = i < AUDIT_REMOVED - 1 ? place : AUDIT_REMOVED_ELSEWHERE;
	removed[i].rows += (int64) rows;
}

/* ---- a measured plan ---- */

typedef struct Walk
{
	AuditRemoved *removed;
	double		read;			/* of these, by scans of tables */
} Walk;

static Oid
owner_of(Relation rel)
{
	AuditColumns none = {0};

	if (rel == NULL || rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		return InvalidOid;
	return rel->rd_rel->relispartition ? audit_index_owner(RelationGetRelid(rel), &none) :
		RelationGetRelid(rel);
}

static void
note_node(Walk *walk, PlanState *state, int kind)
{
	double		first = state->instrument->nfiltered1;
	double		second = kinds[kind].second != NULL ? state->instrument->nfiltered2 : 0;
	Oid			relid = InvalidOid;

	if (first <= 0 && second <= 0)
		return;
	if (kinds[kind].scan)
		relid = owner_of(((ScanState *) state)->ss_currentRelation);
	else if (IsA(state, ModifyTableState))
		relid = owner_of(((ModifyTableState *) state)->rootResultRelInfo->ri_RelationDesc);
	if (first > 0)
		add_removed(walk->removed, place_of(kind, false, relid), first);
	if (second > 0)
		add_removed(walk->removed, place_of(kind, true, relid), second);
	if (kind < LAST_READER)
		walk->read += first + second;
}

static bool
removed_walker(PlanState *state, Walk *walk)
{
	for (int i = 0; state->instrument != NULL && i < (int) lengthof(kinds); i++)
	{
		if (nodeTag(state) == kinds[i].tag)
			note_node(walk, state, i);
	}
	return planstate_tree_walker(state, removed_walker, walk);
}

/* Notes what a measured plan threw away; the part of it that counts as read. */
int64
audit_removed_add(const AuditWatch *watch)
{
	Walk		walk = {NULL, 0};
	int			i = 0;

	while (i < nwaiting &&
		   (waiting[i].queryid != watch->queryid || waiting[i].userid != watch->userid))
		i++;
	if (i == MAX_WAITING)
		return 0;
	if (i == nwaiting)
	{
		memset(&waiting[i], 0, sizeof(Waiting));
		waiting[i].queryid = watch->queryid;
		waiting[i].userid = watch->userid;
		nwaiting++;
	}
	walk.removed = waiting[i].removed;
	removed_walker(watch->desc->planstate, &walk);
	return (int64) walk.read;
}

/* ---- until they are published ---- */

/* Is there no room for another query? Then they are to be published. */
bool
audit_removed_full(void)
{
	return nwaiting == MAX_WAITING;
}

/* What waits to be published of a query, NULL if nothing does. */
const AuditRemoved *
audit_removed_of(uint64 queryid, Oid userid)
{
	for (int i = 0; i < nwaiting; i++)
	{
		if (waiting[i].queryid == queryid && waiting[i].userid == userid)
			return waiting[i].removed;
	}
	return NULL;
}

void
audit_removed_forget(void)
{
	nwaiting = 0;
}
