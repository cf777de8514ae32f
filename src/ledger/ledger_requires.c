/*
 * ledger_requires.c
 *		Preconditions of a revision: "KIND WHAT", taken apart and checked.
 *
 * Pure: whether what they ask for is there, ledger_precondition.c finds out.
 */
#include "ledger.h"

#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/varlena.h"

typedef struct KindName
{
	const char *word;
	int			least;			/* parts of its name; 0: it has none */
	int			most;
} KindName;

static const KindName kinds[] = {
	[LEDGER_NEEDS_RELATION] = {"relation", 1, 3},
	[LEDGER_NEEDS_TABLE] = {"table", 1, 3},
	[LEDGER_NEEDS_VIEW] = {"view", 1, 3},
	[LEDGER_NEEDS_INDEX] = {"index", 1, 3},
	[LEDGER_NEEDS_SEQUENCE] = {"sequence", 1, 3},
	[LEDGER_NEEDS_COLUMN] = {"column", 2, 4},
	[LEDGER_NEEDS_TYPE] = {"type", 0, 0},
	[LEDGER_NEEDS_FUNCTION] = {"function", 0, 0},
	[LEDGER_NEEDS_SCHEMA] = {"schema", 1, 1},
	[LEDGER_NEEDS_EXTENSION] = {"extension", 1, 1},
	[LEDGER_NEEDS_ROLE] = {"role", 1, 1},
	[LEDGER_NEEDS_SETTING] = {"setting", 0, 0},
	[LEDGER_NEEDS_QUERY] = {"query", 0, 0}
};

static void
requires_context(void *arg)
{
	errposition(0);				/* it is one in a text of ours */
	errcontext("precondition \"%s\"", ledger_clipped(arg));
}

static LedgerNeed
find_kind(const char *word)
{
	for (size_t kind = 0; kind < lengthof(kinds); kind++)
		if (strcmp(word, kinds[kind].word) == 0)
			return kind;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid kind of precondition \"%s\"", ledger_clipped(word)),
			 errhint("The kinds are relation, table, view, index, sequence, column, type, "
					 "function, schema, extension, role, setting and query.")));
	return LEDGER_NEEDS_QUERY;	/* keeps the compiler quiet */
}

pg_noreturn static void
invalid_name(const LedgerRequirement *requirement)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid %s \"%s\" of a precondition", kinds[requirement->kind].word,
					ledger_clipped(requirement->what)),
			 requirement->kind == LEDGER_NEEDS_COLUMN ?
			 errhint("A column is written TABLE.COLUMN or SCHEMA.TABLE.COLUMN.") : 0));
}

static void
split_name(LedgerRequirement *requirement)
{
	int			parts;

	if (!SplitIdentifierString(pstrdup(requirement->what), '.', &requirement->name))
		invalid_name(requirement);
	parts = list_length(requirement->name);
	if (parts < kinds[requirement->kind].least || parts > kinds[requirement->kind].most)
		invalid_name(requirement);
	for (int i = 0; i < parts; i++)
		list_nth_cell(requirement->name, i)->ptr_value =
			makeString(list_nth(requirement->name, i));
}

/* The grammar has no entry for a function alone, but one for what can be dropped. */
static void
parse_function(LedgerRequirement *requirement)
{
	List	   *statements = raw_parser(psprintf("DROP ROUTINE %s", requirement->what),
										RAW_PARSE_DEFAULT);
	DropStmt   *drop = (DropStmt *) linitial_node(RawStmt, statements)->stmt;

	if (list_length(statements) != 1 || !IsA(drop, DropStmt) ||
		list_length(drop->objects) != 1 || drop->missing_ok || drop->behavior != DROP_RESTRICT)
		invalid_name(requirement);
	requirement->function = linitial_node(ObjectWithArgs, drop->objects);
}

static void
parse_type(LedgerRequirement *requirement)
{
	requirement->type = linitial_node(TypeName, raw_parser(requirement->what,
														   RAW_PARSE_TYPE_NAME));
	if (requirement->type->setof)
		invalid_name(requirement);
}

static void
parse_query(const LedgerRequirement *requirement)
{
	List	   *statements = raw_parser(requirement->what, RAW_PARSE_DEFAULT);

	if (list_length(statements) != 1 ||
		!IsA(linitial_node(RawStmt, statements)->stmt, SelectStmt))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the query of a precondition must be one SELECT")));
}

/* Takes the line apart; an error when it is not a precondition. */
LedgerRequirement
ledger_parse_requirement(const char *line)
{
	size_t		length = strcspn(line, " \t");
	ErrorContextCallback context = {error_context_stack, requires_context,
	unconstify(char *, line)};
	LedgerRequirement requirement = {.text = line};

	error_context_stack = &context;
	requirement.kind = find_kind(pnstrdup(line, length));
	requirement.what = ledger_trimmed(line + length, line + strlen(line));
	if (requirement.what[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("precondition \"%s\" does not say what is needed",
						ledger_clipped(line))));
	if (kinds[requirement.kind].most > 0)
		split_name(&requirement);
	else if (requirement.kind == LEDGER_NEEDS_FUNCTION)
		parse_function(&requirement);
	else if (requirement.kind == LEDGER_NEEDS_TYPE)
		parse_type(&requirement);
	else if (requirement.kind == LEDGER_NEEDS_QUERY)
		parse_query(&requirement);
	error_context_stack = context.previous;
	return requirement;
}
