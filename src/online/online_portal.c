/*
 * online_portal.c
 *		Runs a parse tree of ours as the server runs a statement's.
 *
 * As the caller, with triggers, rules and row security; planned with its values
 * each time, as one plan does not suit every range.
 */
#include "online.h"

#include <limits.h>

#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

/* A list of PlannedStmt; the tree is used up. */
List *
online_plan_tree(RawStmt *tree, const char *source, ParamListInfo values)
{
	Oid		   *types = palloc(sizeof(Oid) * values->numParams);
	List	   *queries;

	for (int i = 0; i < values->numParams; i++)
		types[i] = values->params[i].ptype;
	queries = pg_analyze_and_rewrite_fixedparams(tree, source, types, values->numParams, NULL);
	return pg_plan_queries(queries, source, CURSOR_OPT_PARALLEL_OK, values);
}

/* Returns how many rows it changed or gave to the receiver. */
uint64
online_run_tree(RawStmt *tree, const char *source, ParamListInfo values,
				DestReceiver *receiver)
{
	CommandTag	tag = CreateCommandTag(tree->stmt);
	List	   *plans = online_plan_tree(tree, source, values);
	Portal		portal = CreateNewPortal();
	QueryCompletion completion;

	InitializeQueryCompletion(&completion);
	portal->visible = false;
	PortalDefineQuery(portal, NULL, source, tag, plans, NULL);
	PortalStart(portal, values, 0, InvalidSnapshot);
	(void) purser_PortalRun(portal, false, receiver, &completion);
	PortalDrop(portal, false);
	return completion.nprocessed;
}
