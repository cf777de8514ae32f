/*
 * ledger_creates.c
 *		Which objects a script creates, told from its statements alone.
 *
 * Pure: whether they exist is ledger_presence.c's.  What the script makes and
 * then drops, renames or moves is left out, as are temporary objects and what
 * has no name of its own.  What functions and DO blocks create is not seen.
 */
#include "ledger.h"

#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/guc.h"

typedef struct Collector
{
	List	   *created;		/* of LedgerCreated */
	List	   *temporary;		/* RangeVars of temporary tables */
	const char *schema;			/* of the CREATE SCHEMA whose elements are collected, or NULL */
} Collector;

static void collect(Collector *collector, const Node *statement);

static bool
same_place(const RangeVar *a, const RangeVar *b)
{
	return strcmp(a->relname, b->relname) == 0 &&
		(a->schemaname == NULL || b->schemaname == NULL ||
		 strcmp(a->schemaname, b->schemaname) == 0);
}

static RangeVar *
place_of_names(List *names)
{
	RangeVar   *place = makeRangeVar(NULL, strVal(llast(names)), -1);

	if (list_length(names) > 1)
		place->schemaname = strVal(list_nth(names, list_length(names) - 2));
	return place;
}

static bool
is_temporary(const RangeVar *place)
{
	return place->relpersistence == RELPERSISTENCE_TEMP ||
		(place->schemaname && strcmp(place->schemaname, "pg_temp") == 0);
}

static LedgerCreated *
put(Collector *collector, ObjectType type, const RangeVar *place, bool optional)
{
	LedgerCreated *item;

	if (is_temporary(place))
	{
		collector->temporary = lappend(collector->temporary, unconstify(RangeVar *, place));
		return NULL;
	}
	item = palloc0(sizeof(LedgerCreated));
	item->type = type;
	item->place = makeRangeVar(place->schemaname ? place->schemaname :
							   unconstify(char *, collector->schema), place->relname, -1);
	item->optional = optional;
	collector->created = lappend(collector->created, item);
	return item;
}

/* A column, an index and the like: part of the table. */
static void
put_part(Collector *collector, ObjectType type, const RangeVar *table, const char *part,
		 bool optional)
{
	LedgerCreated *item;
	bool		own_table = false;
	ListCell   *cell;

	foreach(cell, collector->temporary)
		if (table->schemaname == NULL &&
			strcmp(((RangeVar *) lfirst(cell))->relname, table->relname) == 0)
			return;
	foreach(cell, collector->created)
	{
		const LedgerCreated *other = lfirst(cell);

		own_table = own_table || (other->place && !other->part && same_place(other->place, table));
	}
	item = part ? put(collector, type, table, optional) : NULL;
	if (item == NULL)
		return;
	item->part = part;
	item->own_table = own_table;
}

/* From here on names mean what this search_path makes of them; NULL: the default. */
static void
put_path(Collector *collector, const char *search_path)
{
	LedgerCreated *item = palloc0(sizeof(LedgerCreated));

	item->search_path = search_path;
	collector->created = lappend(collector->created, item);
}

/* Leave out what has this name; or only this part of it; or, by its schema, all in it. */
static void
forget(Collector *collector, const RangeVar *place, const char *part, bool is_schema)
{
	List	   *kept = NIL;
	ListCell   *cell;

	foreach(cell, collector->created)
	{
		LedgerCreated *item = lfirst(cell);
		bool		gone = item->place && same_place(item->place, place) &&
			(part == NULL || (item->part && strcmp(item->part, part) == 0));

		if (is_schema && item->place && item->place->schemaname)
			gone = gone || strcmp(item->place->schemaname, place->relname) == 0;
		if (!gone)
			kept = lappend(kept, item);
	}
	collector->created = kept;
}

/* The names in what a DROP or RENAME calls an object; NIL for a cast and the like. */
static List *
names_of_object(const Node *object)
{
	switch (nodeTag(object))
	{
		case T_List:
			return IsA(linitial((List *) object), String) &&
				IsA(llast((List *) object), String) ? (List *) object : NIL;
		case T_TypeName:
			return ((const TypeName *) object)->names;
		case T_ObjectWithArgs:
			return ((const ObjectWithArgs *) object)->objname;
		case T_String:
			return list_make1(unconstify(Node *, object));
		default:
			return NIL;
	}
}

/* An index goes by its own name, which is the part here. */
static void
forget_index(Collector *collector, const char *name)
{
	ListCell   *cell;

	foreach(cell, collector->created)
	{
		const LedgerCreated *item = lfirst(cell);

		if (item->place && item->type == OBJECT_INDEX && strcmp(item->part, name) == 0)
		{
			forget(collector, item->place, name, false);
			return;
		}
	}
}

static void
forget_object(Collector *collector, ObjectType type, const Node *object)
{
	bool		is_part = type == OBJECT_TRIGGER || type == OBJECT_POLICY || type == OBJECT_RULE;
	List	   *names = list_copy(names_of_object(object));
	const char *part = NULL;

	if (is_part && list_length(names) > 1)
	{
		part = strVal(llast(names));
		names = list_truncate(names, list_length(names) - 1);
	}
	if (names == NIL)
		return;
	if (type == OBJECT_INDEX)
		forget_index(collector, strVal(llast(names)));
	else
		forget(collector, place_of_names(names), part, type == OBJECT_SCHEMA);
}

static void
forget_dropped(Collector *collector, const DropStmt *drop)
{
	ListCell   *cell;

	foreach(cell, drop->objects)
		forget_object(collector, drop->removeType, lfirst(cell));
}

static void
forget_renamed(Collector *collector, const RenameStmt *rename)
{
	if (rename->relation && rename->renameType == OBJECT_INDEX)
		forget_index(collector, rename->relation->relname);
	else if (rename->relation)
		forget(collector, rename->relation, rename->subname, false);
	else if (rename->renameType == OBJECT_SCHEMA)
		forget(collector, makeRangeVar(NULL, rename->subname, -1), NULL, true);
	else if (rename->object)
		forget_object(collector, rename->renameType, rename->object);
}

static void
forget_moved(Collector *collector, const AlterObjectSchemaStmt *move)
{
	if (move->relation)
		forget(collector, move->relation, NULL, false);
	else if (move->object)
		forget_object(collector, move->objectType, move->object);
}

static void
collect_alter_table(Collector *collector, const AlterTableStmt *alter)
{
	ListCell   *cell;

	foreach(cell, alter->cmds)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);

		if (command->subtype == AT_AddColumn)
			put_part(collector, OBJECT_COLUMN, alter->relation,
					 ((ColumnDef *) command->def)->colname, command->missing_ok);
		else if (command->subtype == AT_AddConstraint)
			put_part(collector, OBJECT_TABCONSTRAINT, alter->relation,
					 ((Constraint *) command->def)->conname, false);
		else if (command->subtype == AT_DropColumn || command->subtype == AT_DropConstraint)
			forget(collector, alter->relation, command->name, false);
	}
}

static void
collect_function(Collector *collector, const CreateFunctionStmt *create)
{
	LedgerCreated *item = put(collector, create->is_procedure ? OBJECT_PROCEDURE : OBJECT_FUNCTION,
							  place_of_names(create->funcname), create->replace);
	ListCell   *cell;

	if (item == NULL)
		return;
	foreach(cell, create->parameters)
	{
		FunctionParameter *parameter = lfirst_node(FunctionParameter, cell);

		if (parameter->mode != FUNC_PARAM_OUT && parameter->mode != FUNC_PARAM_TABLE)
			item->arguments = lappend(item->arguments, parameter->argType);
	}
}

static void
collect_schema(Collector *collector, const CreateSchemaStmt *create)
{
	Collector	inside = *collector;
	ListCell   *cell;

	inside.schema = create->schemaname;
	if (inside.schema == NULL && create->authrole->roletype == ROLESPEC_CSTRING)
		inside.schema = create->authrole->rolename;
	if (inside.schema == NULL)
		return;
	put(collector, OBJECT_SCHEMA, makeRangeVar(NULL, unconstify(char *, inside.schema), -1),
		create->if_not_exists);
	inside.created = collector->created;
	foreach(cell, create->schemaElts)
		collect(&inside, lfirst(cell));
	collector->created = inside.created;
}

/* A constant text among the arguments of a function, or NULL. */
static const char *
text_argument(const FuncCall *call, int number)
{
	const A_Const *argument = list_nth(call->args, number);

	if (!IsA(argument, A_Const) || argument->isnull || !IsA(&argument->val, String))
		return NULL;
	return strVal(&argument->val);
}

/* SELECT INTO; and set_config('search_path', ...), as pg_dump writes it. */
static void
collect_select(Collector *collector, const SelectStmt *select)
{
	ListCell   *cell;

	if (select->intoClause)
		put(collector, OBJECT_TABLE, select->intoClause->rel, false);
	foreach(cell, select->targetList)
	{
		const FuncCall *call = (const FuncCall *) lfirst_node(ResTarget, cell)->val;
		const char *name;

		if (!IsA(call, FuncCall) || list_length(call->args) != 3 ||
			strcmp(strVal(llast(call->funcname)), "set_config") != 0)
			continue;
		name = text_argument(call, 0);
		if (name && pg_strcasecmp(name, "search_path") == 0 && text_argument(call, 1))
			put_path(collector, text_argument(call, 1));
	}
}

static void
collect_setting(Collector *collector, VariableSetStmt *set)
{
	if (set->kind == VAR_RESET_ALL ||
		(set->name && pg_strcasecmp(set->name, "search_path") == 0))
		put_path(collector, ExtractSetVariableArgs(set));
}

/* Objects that are parts of a table, but columns and constraints. */
static bool
collect_part(Collector *collector, const Node *statement)
{
	if (IsA(statement, IndexStmt))
	{
		const IndexStmt *create = (const IndexStmt *) statement;

		put_part(collector, OBJECT_INDEX, create->relation, create->idxname,
				 create->if_not_exists);
	}
	else if (IsA(statement, CreateTrigStmt))
	{
		const CreateTrigStmt *create = (const CreateTrigStmt *) statement;

		put_part(collector, OBJECT_TRIGGER, create->relation, create->trigname, create->replace);
	}
	else if (IsA(statement, CreatePolicyStmt))
	{
		const CreatePolicyStmt *create = (const CreatePolicyStmt *) statement;

		put_part(collector, OBJECT_POLICY, create->table, create->policy_name, false);
	}
	else if (IsA(statement, RuleStmt))
	{
		const RuleStmt *create = (const RuleStmt *) statement;

		put_part(collector, OBJECT_RULE, create->relation, create->rulename, create->replace);
	}
	else
		return false;
	return true;
}

static bool
collect_type(Collector *collector, const Node *statement)
{
	if (IsA(statement, CompositeTypeStmt))
		put(collector, OBJECT_TYPE, ((const CompositeTypeStmt *) statement)->typevar, false);
	else if (IsA(statement, CreateEnumStmt))
		put(collector, OBJECT_TYPE,
			place_of_names(((const CreateEnumStmt *) statement)->typeName), false);
	else if (IsA(statement, CreateRangeStmt))
		put(collector, OBJECT_TYPE,
			place_of_names(((const CreateRangeStmt *) statement)->typeName), false);
	else if (IsA(statement, CreateDomainStmt))
		put(collector, OBJECT_DOMAIN,
			place_of_names(((const CreateDomainStmt *) statement)->domainname), false);
	else if (IsA(statement, DefineStmt) && ((const DefineStmt *) statement)->kind == OBJECT_TYPE)
		put(collector, OBJECT_TYPE,
			place_of_names(((const DefineStmt *) statement)->defnames), false);
	else
		return false;
	return true;
}

static bool
collect_relation(Collector *collector, const Node *statement)
{
	if (IsA(statement, CreateStmt) || IsA(statement, CreateForeignTableStmt))
	{
		const CreateStmt *create = (const CreateStmt *) statement;

		put(collector, IsA(statement, CreateStmt) ? OBJECT_TABLE : OBJECT_FOREIGN_TABLE,
			create->relation, create->if_not_exists);
	}
	else if (IsA(statement, CreateTableAsStmt))
	{
		const CreateTableAsStmt *create = (const CreateTableAsStmt *) statement;

		put(collector, create->objtype, create->into->rel, create->if_not_exists);
	}
	else if (IsA(statement, ViewStmt))
		put(collector, OBJECT_VIEW, ((const ViewStmt *) statement)->view,
			((const ViewStmt *) statement)->replace);
	else if (IsA(statement, CreateSeqStmt))
		put(collector, OBJECT_SEQUENCE, ((const CreateSeqStmt *) statement)->sequence,
			((const CreateSeqStmt *) statement)->if_not_exists);
	else
		return false;
	return true;
}

static void
collect(Collector *collector, const Node *statement)
{
	if (collect_relation(collector, statement) || collect_part(collector, statement) ||
		collect_type(collector, statement))
		return;
	if (IsA(statement, CreateFunctionStmt))
		collect_function(collector, (const CreateFunctionStmt *) statement);
	else if (IsA(statement, CreateSchemaStmt))
		collect_schema(collector, (const CreateSchemaStmt *) statement);
	else if (IsA(statement, CreateExtensionStmt))
		put(collector, OBJECT_EXTENSION,
			makeRangeVar(NULL, ((const CreateExtensionStmt *) statement)->extname, -1),
			((const CreateExtensionStmt *) statement)->if_not_exists);
	else if (IsA(statement, AlterTableStmt))
		collect_alter_table(collector, (const AlterTableStmt *) statement);
	else if (IsA(statement, SelectStmt))
		collect_select(collector, (const SelectStmt *) statement);
	else if (IsA(statement, VariableSetStmt))
		collect_setting(collector, (VariableSetStmt *) unconstify(Node *, statement));
	else if (IsA(statement, DropStmt))
		forget_dropped(collector, (const DropStmt *) statement);
	else if (IsA(statement, RenameStmt))
		forget_renamed(collector, (const RenameStmt *) statement);
	else if (IsA(statement, AlterObjectSchemaStmt))
		forget_moved(collector, (const AlterObjectSchemaStmt *) statement);
}

/* LedgerCreated in the order of the script, in the current memory context. */
List *
ledger_script_creates(const LedgerParsed *parsed)
{
	Collector	collector = {NIL, NIL, NULL};

	for (int i = 0; i < parsed->count; i++)
		collect(&collector, parsed->statements[i].raw->stmt);
	return collector.created;
}
