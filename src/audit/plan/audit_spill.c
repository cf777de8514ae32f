/*
 * audit_spill.c
 *		Nodes of a measured plan that wrote temporary files, and the work_mem with which
 *		they would not have.
 *
 * The memory is counted as each kind of node counts its own: rows, times what a
 * row takes in memory, which can be several times what it takes on disk.
 */
#include "audit/plan/audit_plan.h"

#include <math.h>

#include "access/htup_details.h"
#include "executor/executor.h"
#include "executor/hashjoin.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "utils/tuplesort.h"
#include "utils/tuplestore.h"

#define CHUNK 16				/* what the allocator adds to a row, at most */
#define ROW_HEADER MAXALIGN(SizeofMinimalTupleHeader)
#define SORT_SLOT 24			/* of a row in the array that is sorted */
#define DISK_HEADER 4			/* of a row on disk; of its own header 10 bytes are left out */
#define HASH_SLOT 24			/* of a group in the array that finds it */
#define MARGIN 1.2

typedef struct SpillSearch
{
	bool		but_hashes;
	AuditSpill	spill;
} SpillSearch;

/* The next power of two: arrays of hash tables have such sizes. */
static double
slots_for(double rows)
{
	return exp2(ceil(log2(Max(rows, 1024))));
}

static double
row_in_memory(double bytes)
{
	return CHUNK + ROW_HEADER + MAXALIGN((int64) bytes);
}

/* ---- sorts ---- */

static double
sort_disk(SortState *state)
{
	TuplesortInstrumentation stats;
	double		disk = 0;

	if (state->sort_Done && state->tuplesortstate != NULL)
	{
		tuplesort_get_stats((Tuplesortstate *) state->tuplesortstate, &stats);
		if (stats.spaceType == SORT_SPACE_TYPE_DISK)
			disk = (double) stats.spaceUsed;
	}
	for (int i = 0; state->shared_info != NULL && i < state->shared_info->num_workers; i++)
	{
		const TuplesortInstrumentation *worker = &state->shared_info->sinstrument[i];

		if (worker->sortMethod != SORT_TYPE_STILL_IN_PROGRESS &&
			worker->spaceType == SORT_SPACE_TYPE_DISK)
			disk = Max(disk, (double) worker->spaceUsed);
	}
	return disk * 1024;
}

static double
sort_memory(SortState *state, double disk)
{
	double		rows = audit_node_rows(outerPlanState(state)).most;
	double		row;

	if (disk == 0 || rows < 1)
		return disk;
	row = disk / rows;
	if (state->datumSort)
	{
		bool		by_value = TupleDescAttr(ExecGetResultType(outerPlanState(state)), 0)->attbyval;

		return rows * (SORT_SLOT + (by_value ? 0 : row_in_memory(row - DISK_HEADER)));
	}
	return rows * (SORT_SLOT + row_in_memory(row - DISK_HEADER + 10 - ROW_HEADER));
}

static double
group_disk(const IncrementalSortInfo *info)
{
	return 1024.0 * Max((double) info->fullsortGroupInfo.maxDiskSpaceUsed,
						(double) info->prefixsortGroupInfo.maxDiskSpaceUsed);
}

/* Of the largest group; its rows are not counted, so their planned width has to do. */
static double
incremental_sort_memory(IncrementalSortState *state, double *disk)
{
	double		width = state->ss.ps.plan->plan_width;

	*disk = group_disk(&state->incsort_info);
	for (int i = 0; state->shared_info != NULL && i < state->shared_info->num_workers; i++)
		*disk = Max(*disk, group_disk(&state->shared_info->sinfo[i]));
	return *disk / (width + DISK_HEADER) * (SORT_SLOT + row_in_memory(width));
}

/* ---- hash tables ---- */

/* The batches that a hash join wrote; 1: all in memory. */
static int
hash_batches(HashJoinState *state)
{
	const HashState *hash = (const HashState *) innerPlanState(state);
	int			batches = 1;

	if (state->hj_HashTable != NULL)
		batches = state->hj_HashTable->nbatch;
	if (hash->hinstrument != NULL)
		batches = Max(batches, hash->hinstrument->nbatch);
	for (int i = 0; hash->shared_info != NULL && i < hash->shared_info->num_workers; i++)
		batches = Max(batches, hash->shared_info->hinstrument[i].nbatch);
	return batches;
}

/* A table that workers share may use the memory of all of them; each has its part of the rows. */
static double
hash_join_memory(HashJoinState *state)
{
	PlanState  *inner = outerPlanState(innerPlanState(state));
	AuditNodeRows rows = audit_node_rows(inner);
	double		most = innerPlanState(state)->plan->parallel_aware ? rows.each : rows.most;
	double		row = HJTUPLE_OVERHEAD + ROW_HEADER + MAXALIGN(inner->plan->plan_width);

	most = Max(most, inner->plan->plan_rows);
	return most * row + slots_for(most) * sizeof(void *);
}

static double
agg_disk(const AggState *state)
{
	double		disk = (double) state->hash_disk_used;

	for (int i = 0; state->shared_info != NULL && i < state->shared_info->num_workers; i++)
		disk = Max(disk, (double) state->shared_info->sinstrument[i].hash_disk_used);
	return disk;
}

static double
agg_memory(AggState *state)
{
	double		groups = audit_node_rows(&state->ss.ps).most +
		audit_node_rejected(&state->ss.ps) / Max(audit_node_rows(&state->ss.ps).loops, 1);
	double		row = Max(state->hashentrysize,
						  HASH_SLOT + row_in_memory(state->ss.ps.plan->plan_width));

	return groups * row + slots_for(groups / 0.9) * HASH_SLOT;
}

/* ---- rows kept to be read again ---- */

static double
store_memory(Tuplestorestate *store, const Plan *source)
{
	if (store == NULL || tuplestore_in_memory(store))
		return 0;
	return (double) tuplestore_tuple_count(store) *
		(sizeof(void *) + row_in_memory(source->plan_width));
}

/* The first scan of a CTE keeps the rows for all. */
static double
cte_memory(CteScanState *state)
{
	return state->leader != state ? 0 :
		store_memory(state->cte_table, state->cteplanstate->plan);
}

/* ---- all of them ---- */

static bool
is_hash(const PlanState *state)
{
	return IsA(state, HashJoinState) || IsA(state, AggState);
}

/* Did a node that holds a hash table write files? */
bool
audit_node_spilled(PlanState *state)
{
	if (IsA(state, HashJoinState))
		return hash_batches((HashJoinState *) state) > 1;
	return IsA(state, AggState) && agg_disk((const AggState *) state) > 0;
}

/* Bytes of memory that the node lacked, 0 when it wrote no files. */
static double
memory_wanted(PlanState *state)
{
	double		disk;
	double		memory;

	switch (nodeTag(state))
	{
		case T_SortState:
			disk = sort_disk((SortState *) state);
			return sort_memory((SortState *) state, disk);
		case T_IncrementalSortState:
			memory = incremental_sort_memory((IncrementalSortState *) state, &disk);
			return disk > 0 ? memory : 0;
		case T_HashJoinState:
			memory = hash_join_memory((HashJoinState *) state);
			return audit_node_spilled(state) ? memory / hash_mem_multiplier : 0;
		case T_AggState:
			memory = agg_memory((AggState *) state);
			return audit_node_spilled(state) ? memory / hash_mem_multiplier : 0;
		case T_MaterialState:
			return store_memory(((MaterialState *) state)->tuplestorestate, state->plan);
		case T_CteScanState:
			return cte_memory((CteScanState *) state);
		default:
			return 0;
	}
}

static bool
spill_walker(PlanState *state, SpillSearch *search)
{
	double		wanted = 0;

	if (!search->but_hashes || !is_hash(state))
		wanted = memory_wanted(state) * MARGIN / 1024;
	if (wanted > 0)
	{
		/* It did spill, whatever was counted. */
		wanted = Max(wanted, work_mem * MARGIN);
		search->spill.nodes++;
		search->spill.work_mem = Max(search->spill.work_mem, wanted);
	}
	return planstate_tree_walker(state, spill_walker, search);
}

/* The nodes of a plan that spilled; of those with hash tables only if they are asked for. */
AuditSpill
audit_plan_spill(PlanState *top, bool but_hashes)
{
	SpillSearch search = {but_hashes, {0, 0}};

	spill_walker(top, &search);
	return search.spill;
}
