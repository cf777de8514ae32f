/*
 * audit_children.c
 *		Lookups of this session's client by values that it got before.
 *
 * A child is a top-level SELECT with a condition `column = value` whose value
 * is in the result of a parent. It is counted for each column of the parent
 * apart. Lookups belong together while they are in one transaction, or, where
 * the client uses none, while it changes nothing in between: jobs that are
 * worked off, each in a transaction of its own, are no series.
 */
#include "audit/rules/audit_rules.h"
#include "audit/session/audit_session.h"

#include "access/xact.h"
#include "catalog/catalog.h"
#include "nodes/params.h"
#include "nodes/primnodes.h"
#include "storage/proc.h"

#define CHILDREN 16
#define LOOKUPS 4				/* conditions looked at in a child */
#define SHARE_OF_ONE 5			/* rows for each with one and the same value, at least */

static AuditChild children[CHILDREN];

void
audit_children_drop(AuditChild *child)
{
	if (child->found)
		audit_n_plus_one_publish(child, NULL);
	child->queryid = 0;
	child->found = false;
}

/* For each child of a parent, or of all with NULL. */
void
audit_children_of(const AuditParent *parent, void (*action) (AuditChild *child))
{
	for (int i = 0; i < CHILDREN; i++)
	{
		if (children[i].queryid != 0 && (parent == NULL || children[i].parent == parent))
			action(&children[i]);
	}
}

/* Does another series of the same query and parent have a finding? That is the same N+1. */
bool
audit_child_found_besides(const AuditChild *child)
{
	for (int i = 0; i < CHILDREN; i++)
	{
		if (&children[i] != child && children[i].found &&
			children[i].queryid == child->queryid && children[i].parent_run == child->parent_run)
			return true;
	}
	return false;
}

/* Executions that have a finding of another rule are not counted here. */
void
audit_children_forget_query(uint64 queryid)
{
	for (int i = 0; i < CHILDREN; i++)
	{
		if (children[i].queryid == queryid && !children[i].found)
			children[i].queryid = 0;
	}
}

void
audit_children_forget(void)
{
	for (int i = 0; i < CHILDREN; i++)
	{
		children[i].queryid = 0;
		children[i].found = false;
	}
}

static AuditChild *
child_for(const AuditWatch *watch, const AuditLookup *lookup, AuditParent *parent, uint32 columns)
{
	AuditChild *oldest = &children[0];

	for (int i = 0; i < CHILDREN; i++)
	{
		AuditChild *child = &children[i];

		if (child->queryid == watch->queryid && child->parent == parent &&
			child->parent_run == parent->run && child->relid == lookup->relid &&
			child->attnum == lookup->attnum && (child->columns & columns) != 0)
			return child;
		if (child->queryid == 0 ? oldest->queryid != 0 :
			(oldest->queryid != 0 && child->last < oldest->last))
			oldest = child;
	}

	if (oldest->queryid != 0)
		audit_children_drop(oldest);
	memset(oldest, 0, offsetof(AuditChild, seen));
	oldest->queryid = watch->queryid;
	oldest->parent = parent;
	oldest->parent_run = parent->run;
	oldest->relid = lookup->relid;
	oldest->attnum = lookup->attnum;
	oldest->columns = columns;
	return oldest;
}

static bool
seen_before(AuditChild *child, uint32 hash)
{
	int			n = (int) Min(child->distinct, AUDIT_SEEN);

	for (int i = 0; i < n; i++)
	{
		if (child->seen[i] == hash)
			return true;
	}
	if (n < AUDIT_SEEN)
		child->seen[n] = hash;
	return false;
}

/* Is this lookup part of the same work as the one before? */
static bool
is_continued(const AuditChild *child)
{
	if (child->executions == 0 || child->lxid == PURSER_MY_LXID)
		return true;
	return !child->in_block && !IsTransactionBlock() &&
		child->changes == audit_changes.made;
}

static void
begin_anew(AuditChild *child)
{
	AuditChild	kept = *child;

	if (child->found)
		audit_n_plus_one_publish(child, NULL);
	memset(child, 0, offsetof(AuditChild, seen));
	child->queryid = kept.queryid;
	child->parent = kept.parent;
	child->parent_run = kept.parent_run;
	child->relid = kept.relid;
	child->attnum = kept.attnum;
	child->columns = kept.columns;
	child->links_known = kept.links_known;
	child->linked = kept.linked;
}

/*
 * A value that is in several rows is looked up for each of them, which is no
 * repetition; unless it is most of what there is.
 */
static bool
is_expected_again(const AuditChild *child, const AuditPlace *place)
{
	return place->times > 1 &&
		place->times * SHARE_OF_ONE <= audit_row_hashes_rows(child->parent->hashes);
}

/* Counts a lookup, and says whether it belongs to an N+1. */
static bool
count(AuditChild *child, const AuditWatch *watch, uint32 hash, const AuditPlace *place)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();

	if (!is_continued(child))
		begin_anew(child);
	if (child->executions >= child->parent->rows)
		return false;
	if (child->executions == 0)
		child->first = now;
	child->in_order += child->executions == 0 || place->row > child->last_row;
	child->last_row = place->row;
	child->last = now;
	child->lxid = PURSER_MY_LXID;
	child->in_block = IsTransactionBlock();
	child->changes = audit_changes.made;
	child->parent->active = now;
	child->executions++;
	child->distinct += !seen_before(child, hash);
	child->rows_read += watch->rows_read;
	child->rows_returned += watch->rows_returned;
	audit_judge_n_plus_one(child, watch);
	return child->found || is_expected_again(child, place);
}

static bool
is_cast(const Node *node)
{
	const FuncExpr *call = (const FuncExpr *) node;

	return IsA(node, FuncExpr) && list_length(call->args) == 1 &&
		(call->funcformat == COERCE_IMPLICIT_CAST || call->funcformat == COERCE_EXPLICIT_CAST);
}

/* The value of a parameter, false when it is null or cannot be had. */
static bool
param_value(const Param *param, ParamListInfo params, ParamExternData *value)
{
	int			id = param->paramid;

	if (params == NULL || id < 1 || id > params->numParams)
		return false;
	/* A speculative fetch raises no error. */
	*value = params->paramFetch != NULL ? *params->paramFetch(params, id, true, value) :
		params->params[id - 1];
	return OidIsValid(value->ptype) && !value->isnull;
}

/* The hash of what a lookup looks for; false when that is no key. */
bool
audit_lookup_hash(const AuditLookup *lookup, ParamListInfo params, uint32 *hash, bool *telling)
{
	const Node *node = lookup->value;
	ParamExternData value;

	while (is_cast(node))
		node = linitial(((const FuncExpr *) node)->args);
	if (IsA(node, Const))
	{
		const Const *constant = (const Const *) node;

		value.ptype = constant->consttype;
		value.value = constant->constvalue;
		if (constant->constisnull)
			return false;
	}
	else if (!IsA(node, Param) || !param_value((const Param *) node, params, &value))
		return false;
	if (!audit_value_hash(value.ptype, value.value, hash))
		return false;
	*telling = audit_value_is_telling(value.ptype, value.value);
	return true;
}

/* The value is in no result: what the same query looked up before may have been there by chance. */
static void
count_miss(const AuditWatch *watch, const AuditLookup *lookup)
{
	for (int i = 0; i < CHILDREN; i++)
	{
		if (children[i].queryid == watch->queryid && children[i].relid == lookup->relid &&
			children[i].attnum == lookup->attnum)
			children[i].misses++;
	}
}

/* A lookup in a partition is one in the partitioned table. */
static void
set_owner(AuditLookup *lookup)
{
	AuditColumns column = {.n = 1, .attnum = {lookup->attnum}};

	lookup->relid = audit_index_owner(lookup->relid, &column);
	lookup->attnum = column.attnum[0];
}

/* Is the statement, which reads only, part of an N+1? */
bool
audit_look_at_child(const AuditWatch *watch)
{
	ListCell   *cell;
	bool		found = false;

	if (!audit_parents_alive())
		return false;
	foreach(cell, audit_plan_lookups(watch->desc->plannedstmt, LOOKUPS))
	{
		AuditLookup *lookup = lfirst(cell);
		uint32		hash;
		bool		telling;
		AuditPlace	place = {0};
		AuditParent *parent;
		AuditChild *child;

		if (IsCatalogRelationOid(lookup->relid) ||
			!audit_lookup_hash(lookup, watch->desc->params, &hash, &telling))
			continue;
		set_owner(lookup);
		parent = audit_parent_of(watch, hash, &place);
		if (parent == NULL)
		{
			count_miss(watch, lookup);
			continue;
		}
		child = child_for(watch, lookup, parent, place.columns);
		child->columns &= place.columns;
		child->telling = telling;
		found |= count(child, watch, hash, &place);
	}
	return found;
}
