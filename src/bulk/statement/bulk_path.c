/*
 * bulk_path.c
 *		Which way rows go into a relation: directly, or by an ordinary statement.
 *
 * The direct writer is for what it handles just as INSERT does.  Whatever the
 * rewriter, a view, a foreign server, another access method or another
 * extension has a hand in goes by statement; what INSERT refuses is refused.
 *
 * Called by bulk_target.c.
 */
#include "bulk/bulk.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_trigger.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteDefine.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

/* What messages call the verbs: in a sentence, before a relation's name. */
static const struct
{
	const char *phrase;
	const char *context;
}			verbs[] = {
	[BULK_INSERT] = {"bulk insert into", "bulk_insert into"},
	[BULK_UPDATE] = {"bulk update", "bulk_update of"},
	[BULK_DELETE] = {"bulk delete from", "bulk_delete from"}
};

const char *
bulk_verb_context(BulkVerb verb)
{
	return verbs[verb].context;
}

static void
check_kind(Relation rel, const BulkOptions *options)
{
	char		relkind = rel->rd_rel->relkind;

	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE &&
		relkind != RELKIND_VIEW && relkind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot %s relation \"%s\"", verbs[options->verb].phrase,
						RelationGetRelationName(rel)),
				 errdetail_relkind_not_supported(relkind)));
	if (RELATION_IS_OTHER_TEMP(rel))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot access temporary tables of other sessions")));
}

/* A rule that would rewrite such a statement of this session. */
static bool
has_rule(Relation rel, CmdType event)
{
	char		other_role = (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA) ?
		RULE_FIRES_ON_ORIGIN : RULE_FIRES_ON_REPLICA;

	if (rel->rd_rules == NULL)
		return false;
	for (int i = 0; i < rel->rd_rules->numLocks; i++)
	{
		const RewriteRule *rule = rel->rd_rules->rules[i];

		if (rule->event == event && rule->enabled != RULE_DISABLED &&
			rule->enabled != other_role)
			return true;
	}
	return false;
}

/* ---- tables of other extensions ---- */

/* A column of another extension's table of tables, and what it has for ours. */
typedef struct Listed
{
	const char *column;
	RegProcedure equal;
	Datum		value;
} Listed;

/* Has the other extension's table such a row?  False if it is not as expected. */
static bool
has_row(const char *schema, const char *table, const Listed *listed, int nlisted)
{
	Oid			namespace = get_namespace_oid(schema, true);
	Oid			relid = OidIsValid(namespace) ? get_relname_relid(table, namespace) : InvalidOid;
	ScanKeyData keys[2];
	Relation	rel;
	SysScanDesc scan;
	bool		found;

	if (!OidIsValid(relid) || get_rel_relkind(relid) != RELKIND_RELATION)
		return false;
	for (int i = 0; i < nlisted; i++)
	{
		AttrNumber	attnum = get_attnum(relid, listed[i].column);

		if (attnum <= 0)
			return false;
		ScanKeyInit(&keys[i], attnum, BTEqualStrategyNumber, listed[i].equal, listed[i].value);
	}
	rel = table_open(relid, AccessShareLock);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, nlisted, keys);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* A distributed table of Citus, which keeps the rows on other servers. */
static bool
is_distributed(Relation rel)
{
	Listed		listed[] = {
		{"logicalrelid", F_OIDEQ, ObjectIdGetDatum(RelationGetRelid(rel))}
	};

	return OidIsValid(get_extension_oid("citus", true)) &&
		has_row("pg_catalog", "pg_dist_partition", listed, lengthof(listed));
}

/* A hypertable of TimescaleDB, which keeps the rows in chunks. */
static bool
is_hypertable(Relation rel)
{
	char	   *schema = get_namespace_name(RelationGetNamespace(rel));
	Listed		listed[] = {
		{"schema_name", F_NAMEEQ, CStringGetDatum(schema)},
		{"table_name", F_NAMEEQ, CStringGetDatum(RelationGetRelationName(rel))}
	};

	return OidIsValid(get_extension_oid("timescaledb", true)) &&
		has_row("_timescaledb_catalog", "hypertable", listed, lengthof(listed));
}

/* ---- the way ---- */

/* A statement trigger before UPDATE OF columns, which must be told them before the first row. */
static bool
has_trigger_of_columns(Relation rel)
{
	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &rel->trigdesc->triggers[i];

		if (!TRIGGER_FOR_ROW(trigger->tgtype) && TRIGGER_FOR_BEFORE(trigger->tgtype) &&
			TRIGGER_FOR_UPDATE(trigger->tgtype) && trigger->tgnattr > 0)
			return true;
	}
	return false;
}

/* An update on conflict that is more than the direct writer knows. */
static bool
needs_statement(Relation rel, const BulkOptions *options)
{
	if (options->on_conflict != BULK_CONFLICT_UPDATE)
		return false;
	return (options->update_columns == NIL && has_trigger_of_columns(rel)) ||
		(options->update_where != NULL && bulk_where_has_subquery(options->update_where));
}

/* Is it a table whose rows are in a heap of its own, and nowhere else? */
bool
bulk_path_is_table(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_RELATION &&
		rel->rd_tableam == GetHeapamTableAmRoutine() && !is_distributed(rel) &&
		!is_hypertable(rel);
}

/* Where rows go; an error for a relation that takes none. */
BulkPath
bulk_target_path(Relation rel, const BulkOptions *options)
{
	bool		partitioned = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;

	check_kind(rel, options);
	if (options->verb != BULK_INSERT || options->returning != NULL)
		return BULK_PATH_STATEMENT;
	if ((partitioned ? is_distributed(rel) || is_hypertable(rel) : !bulk_path_is_table(rel)) ||
		has_rule(rel, CMD_INSERT) ||
		(options->on_conflict != BULK_CONFLICT_ERROR && has_rule(rel, CMD_UPDATE)) ||
		check_enable_rls(RelationGetRelid(rel), InvalidOid, false) == RLS_ENABLED ||
		needs_statement(rel, options))
		return BULK_PATH_STATEMENT;
	return BULK_PATH_DIRECT;
}
