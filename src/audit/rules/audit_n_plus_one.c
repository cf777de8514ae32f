/*
 * audit_n_plus_one.c
 *		The N+1 rule: one query's result, looked up row by row by another.
 *
 * Parents are the latest results of several rows that went to this session's
 * client, with hashes of their values. A child is a top-level SELECT with a
 * condition `column = value` whose value is in a parent's result. When one
 * query does that for at least audit_n_plus_one rows, with values of one and
 * the same column of the result and mostly different ones, it is found. The
 * values are what tells an N+1 from a pool of workers that run one query
 * again and again.
 *
 * A parent and its children belong together while they are in one
 * transaction, or no pause between them is longer than
 * audit_n_plus_one_window (statement starts; no clock is read).
 *
 * All of this is in the backend's own memory, of fixed size.
 */
#include "audit/rules/audit_rules.h"

#include "access/xact.h"
#include "catalog/catalog.h"
#include "miscadmin.h"
#include "nodes/params.h"
#include "nodes/primnodes.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define PARENTS 6
#define CHILDREN 16
#define LOOKUPS 4				/* conditions looked at in a child */
#define SEEN 256				/* different values remembered of a child */
#define PUBLISH_EACH 32			/* executions of a found child */
#define DISTINCT_AT_LEAST 0.8	/* of an N+1's lookups */
#define FOUND_AT_LEAST 0.8		/* of the values looked up, in the parent's rows */

typedef struct Parent
{
	uint64		queryid;		/* 0: free */
	uint64		run;			/* tells runs of one query apart */
	Oid			userid;
	int64		rows;
	LocalTransactionId lxid;
	TimestampTz active;			/* its start, or that of the latest child's */
	int			text_len;
	char		text[AUDIT_TEXT_BYTES];
	AuditRowHashes *hashes;
} Parent;

typedef struct Child
{
	uint64		queryid;		/* 0: free */
	uint64		parent_run;
	Parent	   *parent;
	Oid			relid;
	AttrNumber	attnum;
	uint32		columns;		/* of the parent's result, that held all values so far */
	int64		executions;
	int64		misses;			/* lookups of values that no result has */
	int64		distinct;
	int64		rows_read;
	int64		rows_returned;
	TimestampTz first;
	TimestampTz last;
	bool		found;
	int64		published;		/* of these executions, what the finding has */
	int64		published_read;
	int64		published_returned;
	double		published_ms;
	uint32		seen[SEEN];		/* hashes of values, filled from the start */
} Child;

static Parent parents[PARENTS];
static Child children[CHILDREN];
static AuditRowHashes *scratch = NULL;	/* what the next parent's rows go to */
static uint64 runs = 0;
static bool have_parents = false;	/* some may be alive; once dead, they stay dead */

/* Where the tap puts a result, before it is known whether it is a parent. */
AuditRowHashes *
audit_n_plus_one_scratch(void)
{
	if (scratch == NULL)
		scratch = MemoryContextAllocZero(TopMemoryContext, audit_row_hashes_size());
	return scratch;
}

static bool
is_alive(const Parent *parent)
{
	return parent->queryid != 0 &&
		(parent->lxid == PURSER_MY_LXID ||
		 GetCurrentStatementStartTimestamp() - parent->active <=
		 audit_n_plus_one_window * INT64CONST(1000));
}

/* ---- decisions ---- */

/*
 * Do so many lookups, with so many different values out of a parent's
 * result, make an N+1? More lookups than the parent had rows are something
 * else.
 */
static bool
is_series(int64 executions, int64 distinct, int64 parent_rows, int64 threshold)
{
	return executions >= threshold && executions <= parent_rows &&
		(double) distinct >= (double) executions * DISTINCT_AT_LEAST;
}

/*
 * Are the lookups for the parent's rows, or for values of all kinds, of which
 * some are the parent's by chance? Only the rows noted of a parent are known.
 */
static bool
is_from_parent(int64 hits, int64 misses, int64 parent_rows, int64 noted)
{
	double		known = Min((double) noted / (double) Max(parent_rows, 1), 1.0);

	return (double) hits >= (double) (hits + misses) * known * FOUND_AT_LEAST;
}

/* ---- findings ---- */

/* Adds to the finding what this child did since the last time. */
static void
publish(Child *child, const AuditWatch *watch)
{
	const Parent *parent = child->parent;
	double		span = (double) (child->last - child->first) / 1000.0;
	double		saved = span * (double) (child->executions - 1) / (double) child->executions;
	AuditSighting sighting = {
		.rule = AUDIT_N_PLUS_ONE,
		.queryid = child->queryid,
		.relid = child->relid,
		.columns = {.n = 1, .attnum = {child->attnum}},
		.occurrences = child->published == 0 ? 1 : 0,
		.rows_read = child->rows_read - child->published_read,
		.rows_returned = child->rows_returned - child->published_returned,
		.timed = child->published == 0 ? 1 : 0,
		.timed_ms = saved - child->published_ms,
		.numbers = {(double) parent->rows, (double) child->executions,
		(double) child->distinct},
		.userid = parent->userid,
		.parent_queryid = parent->queryid,
		.parent_text = parent->text,
		.parent_text_len = parent->text_len,
	};

	if (watch != NULL)
		audit_statement_text(watch->desc, &sighting.text, &sighting.text_len);
	audit_find(&sighting);
	child->published = child->executions;
	child->published_read = child->rows_read;
	child->published_returned = child->rows_returned;
	child->published_ms = saved;
}

/* Before the store is read, and now and then. */
void
audit_n_plus_one_publish(void)
{
	for (int i = 0; i < CHILDREN; i++)
	{
		if (children[i].found && children[i].published < children[i].executions)
			publish(&children[i], NULL);
	}
}

static void
drop_child(Child *child)
{
	if (child->found && child->published < child->executions)
		publish(child, NULL);
	child->queryid = 0;
	child->found = false;
}

void
audit_n_plus_one_forget(void)
{
	for (int i = 0; i < CHILDREN; i++)
	{
		children[i].queryid = 0;
		children[i].found = false;
	}
	for (int i = 0; i < PARENTS; i++)
		parents[i].queryid = 0;
}

/* ---- children ---- */

static Child *
child_for(const AuditWatch *watch, const AuditLookup *lookup, Parent *parent)
{
	Child	   *oldest = &children[0];

	for (int i = 0; i < CHILDREN; i++)
	{
		Child	   *child = &children[i];

		if (child->queryid == watch->queryid && child->parent == parent &&
			child->parent_run == parent->run && child->relid == lookup->relid &&
			child->attnum == lookup->attnum)
			return child;
		if (child->queryid == 0 ? oldest->queryid != 0 :
			(oldest->queryid != 0 && child->last < oldest->last))
			oldest = child;
	}

	drop_child(oldest);
	memset(oldest, 0, offsetof(Child, seen));
	oldest->queryid = watch->queryid;
	oldest->parent = parent;
	oldest->parent_run = parent->run;
	oldest->relid = lookup->relid;
	oldest->attnum = lookup->attnum;
	return oldest;
}

static bool
seen_before(Child *child, uint32 hash)
{
	int			n = (int) Min(child->distinct, SEEN);

	for (int i = 0; i < n; i++)
	{
		if (child->seen[i] == hash)
			return true;
	}
	if (n < SEEN)
		child->seen[n] = hash;
	return false;
}

/* One query may look up by two columns of the parent; that is one N+1. */
static bool
found_by_other_column(const Child *child)
{
	for (int i = 0; i < CHILDREN; i++)
	{
		if (&children[i] != child && children[i].found &&
			children[i].queryid == child->queryid && children[i].parent_run == child->parent_run)
			return true;
	}
	return false;
}

static void
count_child(Child *child, const AuditWatch *watch, uint32 hash, uint32 columns)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();

	if (child->executions > 0 && (child->columns & columns) == 0 && !child->found)
	{
		/* Values of another column than before: what was counted is no series. */
		child->executions = child->misses = child->distinct = 0;
		child->rows_read = child->rows_returned = 0;
	}
	if (child->executions == 0)
	{
		child->columns = columns;
		child->first = now;
	}
	child->columns &= columns;
	if (child->columns == 0 || child->executions > child->parent->rows)
		return;

	child->last = now;
	child->parent->active = now;
	child->executions++;
	child->distinct += !seen_before(child, hash);
	child->rows_read += audit_rows_read(watch);
	child->rows_returned += watch->rows_returned;

	if (child->found)
	{
		if (child->executions - child->published >= PUBLISH_EACH)
			publish(child, watch);
	}
	else if (is_series(child->executions, child->distinct, child->parent->rows,
								   audit_n_plus_one) &&
			 is_from_parent(child->executions, child->misses, child->parent->rows,
									audit_row_hashes_rows(child->parent->hashes)) &&
			 !found_by_other_column(child))
	{
		child->found = true;
		publish(child, watch);
	}
}

/* The hash of what a lookup looks for; false when that is no key. */
static bool
lookup_hash(const AuditLookup *lookup, ParamListInfo params, uint32 *hash)
{
	if (IsA(lookup->value, Const))
	{
		const Const *constant = (const Const *) lookup->value;

		return !constant->constisnull &&
			audit_value_hash(constant->consttype, constant->constvalue, hash);
	}
	else
	{
		int			id = ((const Param *) lookup->value)->paramid;
		const ParamExternData *param;

		if (params == NULL || params->paramFetch != NULL || id < 1 || id > params->numParams)
			return false;
		param = &params->params[id - 1];
		return !param->isnull && audit_value_hash(param->ptype, param->value, hash);
	}
}

/* The latest parent whose result had the value, and in which columns. */
static Parent *
parent_of(const AuditWatch *watch, uint32 hash, uint32 *columns)
{
	Parent	   *best = NULL;

	for (int i = 0; i < PARENTS; i++)
	{
		Parent	   *parent = &parents[i];
		uint32		found;

		if (!is_alive(parent) || parent->queryid == watch->queryid ||
			parent->userid != watch->userid || (best != NULL && best->run > parent->run))
			continue;
		found = audit_row_hashes_find(parent->hashes, hash);
		if (found != 0)
		{
			best = parent;
			*columns = found;
		}
	}
	return best;
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

static void
look_at_child(const AuditWatch *watch)
{
	ListCell   *cell;

	foreach(cell, audit_plan_lookups(watch->desc->plannedstmt, LOOKUPS))
	{
		AuditLookup *lookup = lfirst(cell);
		uint32		hash;
		uint32		columns = 0;
		Parent	   *parent;

		if (IsCatalogRelationOid(lookup->relid) ||
			!lookup_hash(lookup, watch->desc->params, &hash))
			continue;
		set_owner(lookup);
		parent = parent_of(watch, hash, &columns);
		if (parent == NULL)
			count_miss(watch, lookup);
		else
			count_child(child_for(watch, lookup, parent), watch, hash, columns);
	}
}

/* ---- parents ---- */

static bool
any_alive(void)
{
	for (int i = 0; i < PARENTS; i++)
	{
		if (is_alive(&parents[i]))
			return true;
	}
	have_parents = false;
	return false;
}

static Parent *
parent_slot(uint64 queryid)
{
	Parent	   *oldest = &parents[0];

	for (int i = 0; i < PARENTS; i++)
	{
		if (parents[i].queryid == queryid)
			return &parents[i];
		if (parents[i].queryid == 0 ? oldest->queryid != 0 :
			(oldest->queryid != 0 && parents[i].active < oldest->active))
			oldest = &parents[i];
	}
	return oldest;
}

/* Keeps a result for children to come, in place of this query's last or of the oldest. */
static void
keep_parent(const AuditWatch *watch)
{
	Parent	   *parent = parent_slot(watch->queryid);
	AuditRowHashes *emptied = parent->hashes;
	const char *text;
	int			len;

	for (int i = 0; i < CHILDREN; i++)
	{
		if (children[i].queryid != 0 && children[i].parent == parent)
			drop_child(&children[i]);
	}
	audit_statement_text(watch->desc, &text, &len);
	parent->queryid = watch->queryid;
	parent->run = ++runs;
	parent->userid = watch->userid;
	parent->rows = watch->rows_returned;
	parent->lxid = PURSER_MY_LXID;
	parent->active = GetCurrentStatementStartTimestamp();
	parent->text_len = audit_keep_text(parent->text, text, len);
	parent->hashes = scratch;
	have_parents = true;
	scratch = emptied;
}

/* A statement of the client has ended: is it a child, is it a parent? */
void
audit_n_plus_one_statement(AuditWatch *watch)
{
	if (have_parents && any_alive())
		look_at_child(watch);
	if (watch->tapped && watch->rows_returned >= audit_n_plus_one)
		keep_parent(watch);
}

/* ---- its words ---- */

/* Executions, of which one would do. */
static double
weight(const AuditFinding *finding)
{
	return finding->numbers[1];
}

static void
suggest(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	appendStringInfo(out, "Read all rows at once: join %s to the parent query, or use WHERE ",
					 names->table);
	audit_append_columns(out, finding, names, false);
	appendStringInfoString(out, " = ANY ($1)");
}

const AuditRuleSpec audit_spec_n_plus_one = {
	.name = "n_plus_one",
	.least = 1,
	.medium = 50,
	.weight = weight,
	.numbers = {"parent_rows", "executions", "distinct_values"},
	.suggest = suggest
};
