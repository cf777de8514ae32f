/*
 * audit_volatile.c
 *		Is an expression, or a whole plan, one whose result changes by itself?
 */
#include "audit/plan/audit_plan.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "utils/syscache.h"

/* What a function is; one that is gone, which its users may outlive, can be anything. */
static char
volatility(Oid funcid)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	char		result;

	if (!HeapTupleIsValid(tuple))
		return PROVOLATILE_VOLATILE;
	result = ((Form_pg_proc) GETSTRUCT(tuple))->provolatile;
	ReleaseSysCache(tuple);
	return result;
}

static bool
is_volatile_function(Oid funcid, void *context pg_attribute_unused())
{
	return volatility(funcid) == PROVOLATILE_VOLATILE;
}

static bool
is_mutable_function(Oid funcid, void *context pg_attribute_unused())
{
	return volatility(funcid) != PROVOLATILE_IMMUTABLE;
}

/* A cast whose functions cannot be looked up any more. */
static bool
is_broken_cast(Node *node)
{
	const CoerceViaIO *coercion = (const CoerceViaIO *) node;

	return IsA(node, CoerceViaIO) &&
		(!SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(coercion->resulttype)) ||
		 !SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(exprType((Node *) coercion->arg))));
}

/*
 * The server's own contain_volatile_functions raises an error when a function
 * or a type was dropped since the plan was made.
 */
static bool
volatile_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, NextValueExpr) || is_broken_cast(node))
		return true;
	return check_functions_in_node(node, is_volatile_function, context) ||
		expression_tree_walker(node, volatile_walker, context);
}

bool
audit_expression_is_volatile(Node *node)
{
	return volatile_walker(node, NULL);
}

static bool
mutable_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, NextValueExpr) || IsA(node, SQLValueFunction) || is_broken_cast(node))
		return true;
	return check_functions_in_node(node, is_mutable_function, context) ||
		expression_tree_walker(node, mutable_walker, context);
}

/* Can an index be about it, as far as its functions go? */
bool
audit_expression_is_immutable(Node *node)
{
	return !mutable_walker(node, NULL);
}

/* Expressions of a node, other than those that an index or a sort key is about. */
static bool
node_is_volatile(const Plan *plan)
{
	if (volatile_walker((Node *) plan->targetlist, NULL) ||
		volatile_walker((Node *) plan->qual, NULL))
		return true;
	switch (nodeTag(plan))
	{
		case T_FunctionScan:
			return volatile_walker((Node *) ((const FunctionScan *) plan)->functions, NULL);
		case T_Result:
			return volatile_walker(((const Result *) plan)->resconstantqual, NULL);
		case T_NestLoop:
		case T_MergeJoin:
		case T_HashJoin:
			return volatile_walker((Node *) ((const Join *) plan)->joinqual, NULL);
		case T_SampleScan:
		case T_ForeignScan:
		case T_CustomScan:
			return true;
		default:
			return false;
	}
}

static bool
state_walker(PlanState *state, void *context)
{
	return node_is_volatile(state->plan) || planstate_tree_walker(state, state_walker, context);
}

/* Tables of other servers change without this one's knowledge, so they are volatile too. */
bool
audit_plan_is_volatile(PlanState *top)
{
	return state_walker(top, NULL);
}
