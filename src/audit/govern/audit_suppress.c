/*
 * audit_suppress.c
 *		The SQL functions that write the table purser.suppressions.
 *
 * Rows are written as the extension's owner: who may suppress is who may
 * execute suppress(). They name tables and roles, as these outlive their ids.
 */
#include "audit/govern/audit_govern.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "shared/arguments.h"
#include "shared/owner_query.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(purser_suppress_0_1);
PG_FUNCTION_INFO_V1(purser_unsuppress_0_1);
PG_FUNCTION_INFO_V1(purser_suppressions_changed_0_1);

enum
{
	ARG_RULE,
	ARG_QUERY,
	ARG_RELATION,
	ARG_ROLE,
	ARG_TAG,
	ARG_UNTIL,
	ARG_REASON,
	ARG_BY,						/* not of the function: who calls it */
	NVALUES,
};

static Datum
rule_value(const char *rule)
{
	AuditRuleSet rules = audit_rules_named(rule);

	if (rules == 0 || rules == AUDIT_ALL_RULES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no audit rule \"%s\"", rule),
				 errhint("The rules are %s; null stands for all of them.", audit_rule_names())));
	return CStringGetTextDatum(rule);
}

/* The name that findings will have it by. */
static Datum
relation_value(Oid relid)
{
	char		kind = get_rel_relkind(relid);
	char	   *name = audit_relation_name(relid);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE &&
		kind != RELKIND_MATVIEW && kind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is not a table", name),
				 errhint("Findings are about the tables that a query reads.")));
	return CStringGetTextDatum(name);
}

static Datum
role_value(const char *role)
{
	(void) get_role_oid(role, false);
	return CStringGetTextDatum(role);
}

static Datum
tag_value(const char *tag)
{
	if (tag[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", "tag")));
	return CStringGetTextDatum(tag);
}

static Datum
until_value(TimestampTz until)
{
	if (until <= GetCurrentStatementStartTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is in the past", "until")));
	return TimestampTzGetDatum(until);
}

/* Checks the arguments, and makes columns of those that are not null. */
static void
take_arguments(FunctionCallInfo fcinfo, Datum *values)
{
	if (!PG_ARGISNULL(ARG_QUERY))
		values[ARG_QUERY] = PG_GETARG_DATUM(ARG_QUERY);
	if (!PG_ARGISNULL(ARG_RELATION))
		values[ARG_RELATION] = relation_value(PG_GETARG_OID(ARG_RELATION));
	if (!PG_ARGISNULL(ARG_UNTIL))
		values[ARG_UNTIL] = until_value(PG_GETARG_TIMESTAMPTZ(ARG_UNTIL));
	values[ARG_REASON] = PG_GETARG_DATUM(ARG_REASON);
	if (!PG_ARGISNULL(ARG_RULE))
		values[ARG_RULE] = rule_value(shared_arg_text(fcinfo, ARG_RULE, "rule"));
	if (!PG_ARGISNULL(ARG_ROLE))
		values[ARG_ROLE] = role_value(shared_arg_text(fcinfo, ARG_ROLE, "role"));
	if (!PG_ARGISNULL(ARG_TAG))
		values[ARG_TAG] = tag_value(shared_arg_text(fcinfo, ARG_TAG, "tag"));
}

Datum
purser_suppress_0_1(PG_FUNCTION_ARGS)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO purser.suppressions"
		" (rule, query, relation, role, tag, until, reason, suppressed_by)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
		.writes = true, .nargs = NVALUES,
		.argtypes = {TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, TEXTOID}
	};
	Datum		values[NVALUES] = {0};
	char		nulls[NVALUES + 1];
	int64		id;
	bool		isnull;

	shared_arg_require(fcinfo, ARG_REASON, "reason");
	take_arguments(fcinfo, values);
	values[ARG_BY] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	for (int i = 0; i < NVALUES; i++)
		nulls[i] = i < ARG_BY && PG_ARGISNULL(i) ? 'n' : ' ';
	nulls[NVALUES] = '\0';
	shared_query_open(&query, values, nulls);
	id = DatumGetInt64(shared_query_datum(0, 1, &isnull));
	shared_query_close();
	PG_RETURN_INT64(id);
}

Datum
purser_unsuppress_0_1(PG_FUNCTION_ARGS)
{
	static OwnerQuery query = {
		.sql = "DELETE FROM purser.suppressions WHERE id OPERATOR(pg_catalog.=) $1 RETURNING id",
		.writes = true, .nargs = 1, .argtypes = {INT8OID}
	};
	Datum		values[1];
	uint64		deleted;

	shared_arg_require(fcinfo, 0, "id");
	values[0] = PG_GETARG_DATUM(0);
	deleted = shared_query_open(&query, values, NULL);
	shared_query_close();
	if (deleted == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("suppression " INT64_FORMAT " does not exist", PG_GETARG_INT64(0)),
				 errhint("The suppressions are in purser.suppressions.")));
	PG_RETURN_VOID();
}

/* Trigger of the table: whoever has a copy of it must make a new one. */
Datum
purser_suppressions_changed_0_1(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be called as a trigger")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	return PointerGetDatum(NULL);
}
