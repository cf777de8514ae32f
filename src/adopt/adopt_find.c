/*
 * adopt_find.c
 *		Which tool, and which table holds its history.
 *
 * A table that the caller names is taken as it is.  Else it is looked for by
 * name: along the search path, in "public", in the schema of the tool's own.
 */
#include "adopt.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

static bool
lists(const AdoptTable *table, const char *column)
{
	for (int i = 0; i < ADOPT_COLUMNS_MAX && table->columns[i]; i++)
		if (strcmp(table->columns[i], column) == 0)
			return true;
	return false;
}

/* A column that the tool's table has and this one has not, NULL when there is none. */
static const char *
missing_column(const AdoptTable *table, Oid relation)
{
	for (int i = 0; i < ADOPT_COLUMNS_MAX && table->columns[i]; i++)
		if (get_attnum(relation, table->columns[i]) <= 0)
			return table->columns[i];
	return NULL;
}

/* A column that the tool's table has not, NULL when there is none. */
static const char *
surplus_column(const AdoptTable *table, Oid relation)
{
	Relation	rel = try_relation_open(relation, AccessShareLock);
	const char *surplus = NULL;

	for (int i = 0; rel && i < RelationGetNumberOfAttributes(rel) && surplus == NULL; i++)
	{
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(rel), i);

		if (!column->attisdropped && !lists(table, NameStr(column->attname)))
			surplus = pstrdup(NameStr(column->attname));
	}
	if (rel)
		relation_close(rel, AccessShareLock);
	return surplus;
}

static Oid
beside(Oid relation, const char *name)
{
	return name ? get_relname_relid(name, get_rel_namespace(relation)) : InvalidOid;
}

/* Is this a table of that tool, as far as its columns and neighbours tell? */
static bool
fits(const AdoptTool *tool, Oid relation)
{
	return missing_column(&tool->history, relation) == NULL &&
		!(tool->exact && surplus_column(&tool->history, relation)) &&
		!(tool->sign && !OidIsValid(beside(relation, tool->sign)));
}

static char *
column_list(const AdoptTable *table)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < ADOPT_COLUMNS_MAX && table->columns[i]; i++)
		appendStringInfo(&list, "%s\"%s\"", i ? ", " : "", table->columns[i]);
	return list.data;
}

static char *
full_name(Oid relation)
{
	char	   *schema = get_namespace_name(get_rel_namespace(relation));
	char	   *name = get_rel_name(relation);

	if (schema == NULL || name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	return adopt_one_line(quote_qualified_identifier(schema, name));
}

static void
check_columns(const AdoptTool *tool, const AdoptTable *table, Oid relation, bool exact)
{
	const char *missing = missing_column(table, relation);
	const char *surplus = exact ? surplus_column(table, relation) : NULL;

	if (missing == NULL && surplus == NULL)
		return;
	ereport(ERROR,
			(errcode(missing ? ERRCODE_UNDEFINED_COLUMN : ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("table %s does not look like a table of %s", full_name(relation),
					tool->title),
			 missing ? errdetail("It has no column \"%s\"; the columns to read are %s.", missing,
								 column_list(table)) :
			 errdetail("It has a column \"%s\"; the columns to read are %s.", surplus,
					   column_list(table)),
			 errhint("It may be another tool's, or one of a version that is not known.")));
}

/* The first table of the tool's name on the way; the first that fits, if it must. */
static Oid
look_for(const AdoptTool *tool, bool must_fit)
{
	List	   *schemas = fetch_search_path(false);
	ListCell   *cell;

	schemas = lappend_oid(schemas, get_namespace_oid("public", true));
	if (tool->schema)
		schemas = lappend_oid(schemas, get_namespace_oid(tool->schema, true));
	foreach(cell, schemas)
	{
		Oid			relation = get_relname_relid(tool->history.name, lfirst_oid(cell));

		if (OidIsValid(relation) && (!must_fit || fits(tool, relation)))
			return relation;
	}
	return InvalidOid;
}

static AdoptHistory
history_of(const AdoptTool *tool, Oid relation)
{
	AdoptHistory history = {tool, relation, beside(relation, tool->beside.name), NULL};

	history.name = full_name(relation);
	check_columns(tool, &tool->history, relation, tool->exact);
	if (OidIsValid(history.beside))
		check_columns(tool, &tool->beside, history.beside, false);
	else if (tool->beside.name && tool->beside_sql == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s has no table \"%s\" beside it", history.name,
						tool->beside.name),
				 errdetail("The history of %s is in both.", tool->title)));
	return history;
}

static AdoptHistory
find_for_tool(const AdoptTool *tool, Oid source)
{
	if (!OidIsValid(source))
		source = look_for(tool, false);
	if (!OidIsValid(source))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("no history of %s was found", tool->title),
				 errdetail("There is no table \"%s\" in the search path or in schema \"%s\".",
						   tool->history.name, tool->schema ? tool->schema : "public"),
				 errhint("Name the table as the argument \"source\".")));
	return history_of(tool, source);
}

/* The one tool whose history is there; one table is one tool's. */
static AdoptHistory
find_any(void)
{
	StringInfoData found;
	const AdoptTool *tool = NULL;
	Oid			table = InvalidOid;
	List	   *seen = NIL;

	initStringInfo(&found);
	for (int i = 0; i < adopt_tools_count; i++)
	{
		Oid			relation = look_for(&adopt_tools[i], true);

		if (!OidIsValid(relation) || list_member_oid(seen, relation))
			continue;
		seen = lappend_oid(seen, relation);
		tool = &adopt_tools[i];
		table = relation;
		appendStringInfo(&found, "%s\"%s\" (table %s)", found.len ? ", " : "", tool->name,
						 full_name(relation));
	}
	if (list_length(seen) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("no history of another migration tool was found"),
				 errhint("Name the tool and its table, as arguments \"tool\" and \"source\".")));
	if (list_length(seen) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are histories of several tools"),
				 errdetail("They are %s.", found.data),
				 errhint("Name the tool to adopt.")));
	return history_of(tool, table);
}

/* The tool whose table this is, by its columns. */
static AdoptHistory
find_by_table(Oid source)
{
	for (int i = 0; i < adopt_tools_count; i++)
		if (fits(&adopt_tools[i], source))
			return history_of(&adopt_tools[i], source);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("table %s is not the history of a known tool", full_name(source)),
			 errhint("Name the tool, to see what its table should look like.")));
}

/* The tool of those that give their tables this name; told by the table's columns. */
static AdoptHistory
find_by_table_name(const char *name, Oid source)
{
	const AdoptTool *tool = NULL;

	for (int i = 0; i < adopt_tools_count; i++)
	{
		Oid			relation = source;

		if (strcmp(adopt_tools[i].history.name, name) != 0)
			continue;
		tool = &adopt_tools[i];
		if (!OidIsValid(source))
			relation = look_for(tool, true);
		if (OidIsValid(relation) && fits(tool, relation))
			return history_of(tool, relation);
	}
	return find_for_tool(tool, source);
}

static char *
tool_list(void)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < adopt_tools_count; i++)
		appendStringInfo(&list, "%s\"%s\"", i ? ", " : "", adopt_tools[i].name);
	return list.data;
}

/* Where the history is; tool NULL: of the one that is there.  source: its table, if valid. */
AdoptHistory
adopt_find(const char *tool, Oid source)
{
	if (OidIsValid(source))
		(void) full_name(source);	/* it exists */
	if (tool == NULL || strcmp(tool, "auto") == 0)
		return OidIsValid(source) ? find_by_table(source) : find_any();
	for (int i = 0; i < adopt_tools_count; i++)
		if (strcmp(tool, adopt_tools[i].name) == 0)
			return find_for_tool(&adopt_tools[i], source);
	if (strcmp(tool, "schema_migrations") == 0)
		return find_by_table_name(tool, source);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("tool \"%s\" is not known", ledger_clipped(tool)),
			 errhint("The tools are %s. \"schema_migrations\" is the one of three whose table "
					 "looks so, and \"auto\" the one whose history is there.",
					 tool_list())));
}
