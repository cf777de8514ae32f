/*
 * bulk_plan.c
 *		Plans of statements that call a bulk function with a large parameter.
 *
 * Drivers send a parameter with an unnamed statement, for which the server
 * makes a custom plan: the value becomes a constant of the plan, and is copied
 * twice for it.  There is nothing to be gained from that here.  So such a
 * statement is planned without the values, as a generic plan is; the executor
 * passes them as they came.
 *
 * The hook is there as soon as the library is loaded: at the server's start if
 * it is preloaded, else from the first call of one of its functions on.
 */
#include "bulk/bulk_settings.h"

#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/planner.h"
#include "utils/lsyscache.h"

/* Parameters from here on are worth looking into the statement, in bytes. */
#define LARGE_PARAMETER	(64 * 1024)

/* What the names of bulk functions begin with. */
#define PREFIX "bulk_"

static planner_hook_type prev_planner = NULL;

static bool
is_large(const ParamExternData *param)
{
	return !param->isnull && OidIsValid(param->ptype) && get_typlen(param->ptype) == -1 &&
		VARSIZE_ANY(DatumGetPointer(param->value)) >= LARGE_PARAMETER;
}

static bool
has_large_parameter(ParamListInfo params)
{
	if (params == NULL)
		return false;
	for (int i = 0; i < params->numParams; i++)
	{
		ParamExternData buffer;
		const ParamExternData *param = &params->params[i];

		if (params->paramFetch != NULL)
			param = params->paramFetch(params, i + 1, true, &buffer);
		if (is_large(param))
			return true;
	}
	return false;
}

static bool
is_bulk_function(Oid function, Oid schema)
{
	char	   *name;

	if (get_func_namespace(function) != schema)
		return false;
	name = get_func_name(function);
	return name != NULL && strncmp(name, PREFIX, strlen(PREFIX)) == 0;
}

static bool
calls_bulk_function(Node *node, void *schema)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && is_bulk_function(((FuncExpr *) node)->funcid, *(Oid *) schema))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, calls_bulk_function, schema, 0);
	return expression_tree_walker(node, calls_bulk_function, schema);
}

static PlannedStmt *
plan_statement(PURSER_PLANNER_PARAMS)
{
	if (has_large_parameter(boundParams))
	{
		Oid			schema = get_namespace_oid(PURSER_SCHEMA, true);

		if (calls_bulk_function((Node *) parse, &schema))
			boundParams = NULL;
	}
	return prev_planner != NULL ? prev_planner(PURSER_PLANNER_ARGS) :
		standard_planner(PURSER_PLANNER_ARGS);
}

void
bulk_install_planner(void)
{
	prev_planner = planner_hook;
	planner_hook = plan_statement;
}
