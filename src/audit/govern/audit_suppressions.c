/*
 * audit_suppressions.c
 *		What this backend knows of the table purser.suppressions.
 *
 * The table is the truth. A copy of it is made when there is something to ask
 * it, and is good until the table's relcache entry is invalidated, which a
 * trigger sees to. It is read as catalogs are, without the executor, so from
 * within a query of any kind; a query never waits for its lock.
 */
#include "audit/govern/audit_govern.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "shared/owner_query.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Columns of the table; those after them are for people. */
enum
{
	COLUMN_ID,
	COLUMN_RULE,
	COLUMN_QUERY,
	COLUMN_RELATION,
	COLUMN_ROLE,
	COLUMN_TAG,
	COLUMN_UNTIL,
	COLUMNS_READ,
	COLUMNS_MAX = 32,
};

/* One row; NULL (or no bit, for a rule that is gone) where it is for none in particular. */
typedef struct Suppression
{
	AuditRuleSet rules;
	bool		any_query;
	uint64		queryid;
	char	   *relation;		/* with its schema, quoted */
	char	   *role;
	char	   *tag;
	TimestampTz until;
} Suppression;

static MemoryContext context = NULL;	/* of the copy */
static List *copy = NIL;
static Oid	table_oid = InvalidOid;
static bool valid = false;
static uint64 changes = 0;		/* of the table, as far as heard of */
static bool have_tags = false;

/* Without the table, any new relation could be it. */
static void
relation_changed(Datum arg pg_attribute_unused(), Oid relid)
{
	if (!OidIsValid(relid) || !OidIsValid(table_oid) || relid == table_oid)
	{
		valid = false;
		changes++;
	}
}

/* The table, if the extension is in this database: others may have made one of that name. */
static Oid
find_table(void)
{
	Oid			extension = shared_extension_oid();
	Oid			schema = get_namespace_oid(PURSER_SCHEMA, true);
	Oid			relid;

	if (!OidIsValid(extension) || !OidIsValid(schema))
		return InvalidOid;
	relid = get_relname_relid("suppressions", schema);
	if (!OidIsValid(relid) || getExtensionOfObject(RelationRelationId, relid) != extension)
		return InvalidOid;
	return relid;
}

static char *
text_or_null(const Datum *values, const bool *nulls, int column)
{
	return nulls[column] ? NULL : TextDatumGetCString(values[column]);
}

static void
take_row(const Datum *values, const bool *nulls)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	Suppression *suppression = palloc(sizeof(Suppression));
	char	   *rule = text_or_null(values, nulls, COLUMN_RULE);

	suppression->rules = rule == NULL ? AUDIT_ALL_RULES : audit_rules_named(rule);
	suppression->any_query = nulls[COLUMN_QUERY];
	suppression->queryid = nulls[COLUMN_QUERY] ? 0 : (uint64) DatumGetInt64(values[COLUMN_QUERY]);
	suppression->relation = text_or_null(values, nulls, COLUMN_RELATION);
	suppression->role = text_or_null(values, nulls, COLUMN_ROLE);
	suppression->tag = text_or_null(values, nulls, COLUMN_TAG);
	suppression->until = nulls[COLUMN_UNTIL] ? DT_NOEND :
		DatumGetTimestampTz(values[COLUMN_UNTIL]);
	have_tags |= suppression->tag != NULL;
	copy = lappend(copy, suppression);
	MemoryContextSwitchTo(oldcontext);
}

static void
read_rows(Relation table)
{
	SysScanDesc scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	Datum		values[COLUMNS_MAX];
	bool		nulls[COLUMNS_MAX];
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		heap_deform_tuple(tuple, RelationGetDescr(table), values, nulls);
		take_row(values, nulls);
	}
	systable_endscan(scan);
}

/* The table with a lock on it; NULL when it is gone, or locked and we do not wait. */
static Relation
open_table(Oid relid, bool wait)
{
	Relation	table;

	if (wait)
		return try_table_open(relid, AccessShareLock);
	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return NULL;
	table = try_table_open(relid, NoLock);
	if (table == NULL)
		UnlockRelationOid(relid, AccessShareLock);
	return table;
}

static void
empty_copy(void)
{
	static bool registered = false;

	if (!registered)
	{
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
		registered = true;
	}
	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "purser suppressions",
										ALLOCSET_SMALL_SIZES);
	MemoryContextReset(context);
	copy = NIL;
	have_tags = false;
}

/* False when the table is there, but cannot be read now. */
static bool
load(bool wait)
{
	Relation	table;

	empty_copy();
	table_oid = find_table();
	if (!OidIsValid(table_oid))
		return true;
	table = open_table(table_oid, wait);
	if (table == NULL)
		return false;
	if (RelationGetDescr(table)->natts >= COLUMNS_READ &&
		RelationGetDescr(table)->natts <= COLUMNS_MAX)
		read_rows(table);
	table_close(table, AccessShareLock);
	return true;
}

/*
 * Makes the copy, if there is none; false when it cannot be made now. Then
 * nothing is known to be suppressed, and nothing should be said. A query does
 * not "wait" for a lock on the table.
 */
bool
audit_suppressions_ready(bool wait)
{
	uint64		before = changes;

	if (valid)
		return true;
	if (!IsTransactionState() || IsAbortedTransactionBlockState() || !load(wait))
		return false;
	/* What changed meanwhile is for the next time. */
	valid = changes == before;
	return true;
}

/* Is any of them for a tag? As far as the copy knows. */
bool
audit_suppressions_by_tag(void)
{
	return have_tags;
}

/* ---- is this one of them ---- */

static bool
is_role(const char *role, Oid userid)
{
	const char *name = GetUserNameFromId(userid, true);

	return name != NULL && strcmp(name, role) == 0;
}

static bool
is_relation(const char *relation, Oid relid)
{
	const char *name = audit_relation_name(relid);

	return name != NULL && strcmp(name, relation) == 0;
}

static bool
has_tag(const char *tag, const AuditMatter *matter)
{
	for (int i = 0; i < matter->ntexts; i++)
	{
		if (audit_comment_has_tag(matter->texts[i], tag))
			return true;
	}
	return false;
}

/* But for the rule and the relation. */
static bool
is_for(const Suppression *suppression, const AuditMatter *matter)
{
	return (suppression->any_query || suppression->queryid == matter->queryid) &&
		suppression->until > GetCurrentStatementStartTimestamp() &&
		(suppression->role == NULL || is_role(suppression->role, matter->userid)) &&
		(suppression->tag == NULL || has_tag(suppression->tag, matter));
}

bool
audit_is_suppressed(const AuditMatter *matter)
{
	ListCell   *cell;

	foreach(cell, copy)
	{
		const Suppression *suppression = lfirst(cell);

		if ((suppression->rules & matter->rules) != 0 && is_for(suppression, matter) &&
			(suppression->relation == NULL || is_relation(suppression->relation, matter->relid)))
			return true;
	}
	return false;
}

/* The rules that are suppressed for a tag of the statement, whatever they find it to read. */
AuditRuleSet
audit_suppressed_by_tag(const AuditMatter *matter)
{
	AuditRuleSet rules = 0;
	ListCell   *cell;

	foreach(cell, copy)
	{
		const Suppression *suppression = lfirst(cell);

		if (suppression->tag != NULL && suppression->relation == NULL &&
			is_for(suppression, matter))
			rules |= suppression->rules;
	}
	return rules;
}
