/*
 * ledger_presence.c
 *		Is a revision's work there already?  upgrade() with fake_initial.
 *
 * Looks at the catalogue, as the caller and with the script's own search_path,
 * for what ledger_creates.c says that the script creates.
 */
#include "ledger.h"

#include "access/attnum.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/policy.h"
#include "commands/trigger.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "rewrite/rewriteSupport.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* What of the script was found, for the message. */
typedef struct Findings
{
	int			present;
	int			missing;
	bool		in_the_way;		/* something present that CREATE would not go around */
	StringInfoData present_list;
	StringInfoData missing_list;
} Findings;

/* Where CREATE puts an object; InvalidOid when there is no such schema. */
static Oid
creation_schema(const char *schema)
{
	List	   *path;

	if (schema)
		return get_namespace_oid(schema, true);
	path = fetch_search_path(false);
	return path ? linitial_oid(path) : InvalidOid;
}

static Oid
find_relation(const RangeVar *place)
{
	Oid			schema = creation_schema(place->schemaname);

	return OidIsValid(schema) ? get_relname_relid(place->relname, schema) : InvalidOid;
}

static bool
function_exists(const LedgerCreated *item)
{
	Oid			schema = creation_schema(item->place->schemaname);
	ObjectWithArgs *function = makeNode(ObjectWithArgs);

	if (!OidIsValid(schema))
		return false;
	function->objname = list_make2(makeString(get_namespace_name(schema)),
								   makeString(item->place->relname));
	function->objargs = item->arguments;
	return OidIsValid(LookupFuncWithArgs(OBJECT_ROUTINE, function, true));
}

static bool
part_exists(const LedgerCreated *item)
{
	Oid			table = item->own_table ? find_relation(item->place) :
		RangeVarGetRelid(item->place, NoLock, true);

	if (!OidIsValid(table))
		return false;
	switch (item->type)
	{
		case OBJECT_INDEX:
			return OidIsValid(get_relname_relid(item->part, get_rel_namespace(table)));
		case OBJECT_COLUMN:
			return get_attnum(table, item->part) != InvalidAttrNumber;
		case OBJECT_TABCONSTRAINT:
			return OidIsValid(get_relation_constraint_oid(table, item->part, true));
		case OBJECT_TRIGGER:
			return OidIsValid(get_trigger_oid(table, item->part, true));
		case OBJECT_POLICY:
			return OidIsValid(get_relation_policy_oid(table, item->part, true));
		default:
			return OidIsValid(get_rewrite_oid(table, item->part, true));
	}
}

static bool
exists(const LedgerCreated *item)
{
	const RangeVar *place = item->place;

	if (item->part)
		return part_exists(item);
	switch (item->type)
	{
		case OBJECT_SCHEMA:
			return OidIsValid(get_namespace_oid(place->relname, true));
		case OBJECT_EXTENSION:
			return OidIsValid(get_extension_oid(place->relname, true));
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
			return function_exists(item);
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			return SearchSysCacheExists2(TYPENAMENSP, PointerGetDatum(place->relname),
										 ObjectIdGetDatum(creation_schema(place->schemaname)));
		default:
			return OidIsValid(find_relation(place));
	}
}

static const char *
type_name(ObjectType type)
{
	static const struct
	{
		ObjectType	type;
		const char *name;
	}			names[] = {
		{OBJECT_TABLE, "table"},
		{OBJECT_FOREIGN_TABLE, "foreign table"},
		{OBJECT_VIEW, "view"},
		{OBJECT_MATVIEW, "materialized view"},
		{OBJECT_SEQUENCE, "sequence"},
		{OBJECT_INDEX, "index"},
		{OBJECT_COLUMN, "column"},
		{OBJECT_TABCONSTRAINT, "constraint"},
		{OBJECT_TRIGGER, "trigger"},
		{OBJECT_POLICY, "policy"},
		{OBJECT_RULE, "rule"},
		{OBJECT_FUNCTION, "function"},
		{OBJECT_PROCEDURE, "procedure"},
		{OBJECT_SCHEMA, "schema"},
		{OBJECT_EXTENSION, "extension"},
		{OBJECT_DOMAIN, "domain"}
	};

	for (size_t i = 0; i < lengthof(names); i++)
		if (names[i].type == type)
			return names[i].name;
	return "type";
}

static void
list_item(StringInfo list, int count, const LedgerCreated *item)
{
	const RangeVar *place = item->place;

	if (count > LEDGER_LIST_MAX)
		return;
	appendStringInfoString(list, count > 1 ? ", " : "");
	if (count == LEDGER_LIST_MAX)
		appendStringInfoString(list, "...");
	else if (item->part)
		appendStringInfo(list, "%s \"%s\" on \"%s\"", type_name(item->type), item->part,
						 place->relname);
	else if (place->schemaname)
		appendStringInfo(list, "%s \"%s.%s\"", type_name(item->type), place->schemaname,
						 place->relname);
	else
		appendStringInfo(list, "%s \"%s\"", type_name(item->type), place->relname);
}

static void
note(Findings *findings, const LedgerCreated *item)
{
	if (exists(item))
	{
		list_item(&findings->present_list, ++findings->present, item);
		findings->in_the_way = findings->in_the_way || !item->optional;
	}
	else
		list_item(&findings->missing_list, ++findings->missing, item);
}

/* Are the objects that the script creates there?  An error when only some are. */
bool
ledger_is_there(const LedgerScript *script)
{
	Findings	findings = {0};
	int			settings = NewGUCNestLevel();
	ListCell   *cell;

	initStringInfo(&findings.present_list);
	initStringInfo(&findings.missing_list);
	foreach(cell, ledger_script_creates(ledger_script_parse(script)))
	{
		const LedgerCreated *item = lfirst(cell);

		if (item->place)
			note(&findings, item);
		else
			(void) set_config_option("search_path", item->search_path, PGC_USERSET, PGC_S_SESSION,
									 GUC_ACTION_SAVE, true, 0, false);
	}
	AtEOXact_GUC(false, settings);
	if (findings.in_the_way && findings.missing > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("some of the objects that revision \"%s\" creates are there, and some "
						"are not", script->revision),
				 errdetail("There: %s.  Missing: %s.", findings.present_list.data,
						   findings.missing_list.data),
				 errhint("Create what is missing, or use purser.stamp() if the database is "
						 "where the revision leads nevertheless.")));
	return findings.present > 0 && findings.missing == 0;
}
