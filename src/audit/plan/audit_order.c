/*
 * audit_order.c
 *		The top of a plan: whether something bounds the result, and by which columns
 *		it is ordered.
 */
#include "audit/plan/audit_plan.h"

#include "access/stratnum.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/*
 * Does something other than the size of its tables bound the result: a
 * LIMIT, or grouping?
 */
bool
audit_plan_is_bounded(const Plan *plan)
{
	for (int depth = 0; plan != NULL && depth < AUDIT_PLAN_DEPTH; depth++)
	{
		switch (nodeTag(plan))
		{
			case T_Limit:
			case T_Agg:
			case T_Group:
			case T_Unique:
			case T_SetOp:
				return true;
			case T_LockRows:
			case T_Result:
			case T_ProjectSet:
			case T_Sort:
			case T_IncrementalSort:
			case T_Material:
			case T_Gather:
			case T_GatherMerge:
			case T_WindowAgg:
				plan = plan->lefttree;
				break;
			default:
				return false;
		}
	}
	return false;
}

/* What a node that sorts, or merges what is sorted, goes by. */
typedef struct SortKeys
{
	const Plan *plan;
	int			n;
	const AttrNumber *column;	/* of its target list */
	const Oid  *operator;
} SortKeys;

static bool
sort_order(const SortKeys *keys, const List *rtable, Oid *relid, AuditColumns *columns)
{
	if (keys->n > AUDIT_MAX_COLUMNS)
		return false;
	for (int i = 0; i < keys->n; i++)
	{
		const TargetEntry *entry = list_nth(keys->plan->targetlist, keys->column[i] - 1);
		TypeCacheEntry *type;
		AuditPlanColumn origin;

		if (!audit_plan_origin(keys->plan, keys->column[i], rtable, &origin) ||
			(i > 0 && origin.relid != *relid))
			return false;
		*relid = origin.relid;
		columns->attnum[i] = origin.attnum;
		type = lookup_type_cache(exprType((Node *) entry->expr), TYPECACHE_BTREE_OPFAMILY);
		columns->descending[i] = get_op_opfamily_strategy(keys->operator[i], type->btree_opf) ==
			BTGreaterStrategyNumber;
	}
	columns->n = keys->n;
	return columns->n > 0;
}

static SortKeys
keys_of_sort(const Sort *sort)
{
	return (SortKeys) {&sort->plan, sort->numCols, sort->sortColIdx, sort->sortOperators};
}

static SortKeys
keys_of_merge(const MergeAppend *merge)
{
	return (SortKeys) {&merge->plan, merge->numCols, merge->sortColIdx, merge->sortOperators};
}

static bool
is_bound(const List *clauses, AttrNumber attnum)
{
	ListCell   *cell;

	foreach(cell, clauses)
	{
		const AuditClause *clause = lfirst(cell);

		if (clause->attnum == attnum && clause->is_equality)
			return true;
	}
	return false;
}

/* The order of an index: its columns, but for those that the query holds to one value. */
static bool
index_order(Relation index, ScanDirection direction, const List *clauses, AuditColumns *columns)
{
	Form_pg_index form = index->rd_index;

	columns->n = 0;
	for (int i = 0; i < form->indnkeyatts && columns->n < AUDIT_MAX_COLUMNS; i++)
	{
		AttrNumber	attnum = form->indkey.values[i];
		bool		descending = (index->rd_indoption[i] & INDOPTION_DESC) != 0;

		if (attnum <= 0)
			return false;
		if (is_bound(clauses, attnum))
			continue;
		columns->attnum[columns->n] = attnum;
		columns->descending[columns->n++] = descending != ScanDirectionIsBackward(direction);
	}
	return columns->n > 0;
}

static bool
scan_order(const PlanState *state, Oid *relid, AuditColumns *columns)
{
	AuditScope		scope;
	List	   *conditions;
	Relation	index;
	ScanDirection direction;

	if (IsA(state, IndexScanState))
	{
		index = ((const IndexScanState *) state)->iss_RelationDesc;
		direction = ((const IndexScan *) state->plan)->indexorderdir;
	}
	else if (IsA(state, IndexOnlyScanState))
	{
		index = ((const IndexOnlyScanState *) state)->ioss_RelationDesc;
		direction = ((const IndexOnlyScan *) state->plan)->indexorderdir;
	}
	else
		return false;
	if (index == NULL || !audit_scan_scope(state->plan, &scope, &conditions))
		return false;
	*relid = index->rd_index->indrelid;
	return index_order(index, direction, audit_clauses(&scope, conditions), columns);
}

/*
 * The columns that the rows under a Limit are ordered by, when they are plain
 * columns of one table.
 */
bool
audit_plan_order(const PlanState *state, const List *rtable, Oid *relid, AuditColumns *columns)
{
	for (int depth = 0; state != NULL && depth < AUDIT_PLAN_DEPTH; depth++)
	{
		SortKeys	keys;

		switch (nodeTag(state->plan))
		{
			case T_Sort:
			case T_IncrementalSort:
				keys = keys_of_sort((const Sort *) state->plan);
				return sort_order(&keys, rtable, relid, columns);
			case T_MergeAppend:
				keys = keys_of_merge((const MergeAppend *) state->plan);
				return sort_order(&keys, rtable, relid, columns);
			case T_IndexScan:
			case T_IndexOnlyScan:
				return scan_order(state, relid, columns);
			case T_Limit:
			case T_LockRows:
			case T_Result:
			case T_GatherMerge:
			case T_NestLoop:
				state = outerPlanState(state);
				break;
			default:
				return false;
		}
	}
	return false;
}
