/*
 * online_name.c
 *		The name that the server gives to an index without one.
 *
 * Chosen before the build, so that what a dead build left can be found.
 */
#include "online.h"

#include "catalog/namespace.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "parser/parse_target.h"
#include "utils/lsyscache.h"

static bool
contains(const List *names, const char *name)
{
	ListCell   *cell;

	foreach(cell, names)
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	return false;
}

/* The column's name, or what stands for its expression; numbered if it is not the first. */
static char *
column_name(const List *before, IndexElem *element)
{
	const char *name = element->indexcolname ? element->indexcolname : element->name;
	char	   *numbered;

	if (name == NULL && element->expr)
		name = FigureIndexColname(element->expr);
	if (name == NULL)
		name = "expr";
	numbered = pstrdup(name);
	for (int i = 1; contains(before, numbered); i++)
	{
		char	   *number = psprintf("%d", i);
		int			room = NAMEDATALEN - 1 - strlen(number);

		numbered = psprintf("%.*s%s", pg_mbcliplen(name, strlen(name), room), name, number);
	}
	return numbered;
}

/* NULL when there is no such table. */
char *
online_choose_index_name(const IndexStmt *statement)
{
	Oid			table = RangeVarGetRelid(statement->relation, NoLock, true);
	List	   *names = NIL;
	StringInfoData columns;
	ListCell   *cell;

	if (!OidIsValid(table))
		return NULL;
	initStringInfo(&columns);
	foreach(cell, statement->indexParams)
	{
		char	   *name = column_name(names, lfirst_node(IndexElem, cell));

		names = lappend(names, name);
		if (columns.len >= NAMEDATALEN)
			continue;
		if (columns.len > 0)
			appendStringInfoChar(&columns, '_');
		appendStringInfoString(&columns, name);
	}
	return ChooseRelationName(get_rel_name(table), columns.data, "idx",
							  get_rel_namespace(table), false);
}
