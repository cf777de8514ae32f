/*
 * ledger_script.c
 *		Runs one script of a revision, statement by statement, as the caller.
 *
 * The whole script is parsed first, so that what can never work is refused
 * before anything has run.  Each statement is analysed just before it runs and
 * so sees what the ones before it did.  An error keeps its own message and
 * code; its context says where in the script it came from.
 */
#include "ledger.h"

#include "commands/defrem.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "tcop/dest.h"

/* Most characters of a line that a syntax error shows before and after its place. */
#define SHOWN_MAX 200

/* Where we are, for the error context. */
typedef struct Position
{
	const LedgerScript *script;
	int			statement;		/* from 1; 0 while the script is parsed */
	int			line;			/* of its first word, from 1 */
	const char *counted;		/* lines are counted up to here */
	int			counted_line;
} Position;

/*
 * Point the error at its line alone, or at the part of it around the place,
 * where the cursor is a character of the script; returns the line's number.
 */
static int
show_line(const char *text, int cursor)
{
	const char *at = text;
	const char *start = text;	/* what is shown, */
	int			column = 1;		/* and where the cursor is in that */
	int			line = 1;

	for (; cursor > 1 && *at; cursor--)
	{
		if (*at == '\n')
		{
			line++;
			start = at + 1;
			column = 0;
		}
		at += pg_mblen(at);
		if (column++ == SHOWN_MAX)
		{
			start += pg_mblen(start);
			column--;
		}
	}
	errposition(0);
	internalerrposition(column);
	internalerrquery(pnstrdup(start, at - start +
							  pg_mbcharcliplen(at, strcspn(at, "\r\n"), SHOWN_MAX)));
	return line;
}

static void
script_context(void *arg)
{
	Position   *position = arg;
	const LedgerScript *script = position->script;
	int			cursor = geterrposition();

	/* Without a statement, a cursor is one in the script: a syntax error. */
	if (position->statement == 0 && cursor > 0)
		errcontext("line %d of the %s script of revision \"%s\"",
				   show_line(script->text, cursor), script->section, script->revision);
	else if (position->statement == 0)
		errcontext("%s script of revision \"%s\"", script->section, script->revision);
	else
		errcontext("statement %d, on line %d, of the %s script of revision \"%s\"",
				   position->statement, position->line, script->section, script->revision);
}

/* Skip blanks and comments; nested comments as the server's scanner has them. */
static const char *
skip_to_word(const char *text)
{
	for (;;)
	{
		text += strspn(text, " \t\n\r\f\v");
		if (text[0] == '-' && text[1] == '-')
			text += strcspn(text, "\n\r");
		else if (text[0] == '/' && text[1] == '*')
		{
			int			depth = 0;

			do
			{
				if (text[0] == '/' && text[1] == '*')
					depth++, text += 2;
				else if (text[0] == '*' && text[1] == '/')
					depth--, text += 2;
				else
					text++;
			} while (depth > 0 && *text);
		}
		else
			return text;
	}
}

/* The text of one statement, from its first word; notes its line. */
static char *
statement_text(Position *position, const RawStmt *raw)
{
	const char *start = position->script->text + Max(raw->stmt_location, 0);
	const char *end = raw->stmt_len > 0 ? start + raw->stmt_len : start + strlen(start);

	start = skip_to_word(start);
	for (; position->counted < start; position->counted++)
		if (*position->counted == '\n')
			position->counted_line++;
	position->line = position->counted_line;
	return pnstrdup(start, end - start);
}

static void
refuse(const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("a migration script cannot contain %s", what),
			 errhint("%s", hint)));
}

/* As the server takes it: the last mention counts. */
static bool
is_option_on(const List *options, const char *name)
{
	bool		on = false;
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, name) == 0)
			on = defGetBoolean(option);
	}
	return on;
}

static bool
detaches_concurrently(const AlterTableStmt *alter)
{
	ListCell   *cell;

	foreach(cell, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);

		if (command->subtype == AT_DetachPartition &&
			((PartitionCmd *) command->def)->concurrent)
			return true;
	}
	return false;
}

static const char *
reindex_outside(const ReindexStmt *reindex)
{
	if (is_option_on(reindex->params, "concurrently"))
		return "REINDEX CONCURRENTLY";
	if (reindex->kind != REINDEX_OBJECT_INDEX && reindex->kind != REINDEX_OBJECT_TABLE)
		return "REINDEX of a schema or a database";
	return NULL;
}

static const char *
repack_outside(const PurserRepackStmt *repack)
{
	if (repack->relation == NULL)
		return "CLUSTER or REPACK of all tables";
	if (is_option_on(repack->params, "concurrently"))
		return "REPACK CONCURRENTLY";
	return NULL;
}

static bool
moves_database(const AlterDatabaseStmt *alter)
{
	ListCell   *cell;

	foreach(cell, alter->options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, "tablespace") == 0)
			return true;
	return false;
}

/*
 * What the statement is called, if the server never runs it inside a
 * transaction; NULL if it does, or if that depends on the catalogue.
 */
static const char *
what_runs_outside(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_VacuumStmt:
			return ((const VacuumStmt *) statement)->is_vacuumcmd ? "VACUUM" : NULL;
		case T_IndexStmt:
			return ((const IndexStmt *) statement)->concurrent ? "CREATE INDEX CONCURRENTLY" : NULL;
		case T_DropStmt:
			return ((const DropStmt *) statement)->concurrent ? "DROP INDEX CONCURRENTLY" : NULL;
		case T_ReindexStmt:
			return reindex_outside((const ReindexStmt *) statement);
		case T_AlterTableStmt:
			return detaches_concurrently((const AlterTableStmt *) statement) ?
				"ALTER TABLE ... DETACH PARTITION CONCURRENTLY" : NULL;
		case T_PURSER_REPACK:
			return repack_outside((const PurserRepackStmt *) statement);
		case T_AlterSystemStmt:
			return "ALTER SYSTEM";
		case T_CreatedbStmt:
			return "CREATE DATABASE";
		case T_DropdbStmt:
			return "DROP DATABASE";
		case T_AlterDatabaseStmt:
			return moves_database((const AlterDatabaseStmt *) statement) ?
				"ALTER DATABASE ... SET TABLESPACE" : NULL;
		case T_CreateTableSpaceStmt:
			return "CREATE TABLESPACE";
		case T_DropTableSpaceStmt:
			return "DROP TABLESPACE";
		case T_DiscardStmt:
			return ((const DiscardStmt *) statement)->target == DISCARD_ALL ? "DISCARD ALL" : NULL;
		default:
			return NULL;
	}
}

static void
check_statement(const RawStmt *raw)
{
	const char *outside = what_runs_outside(raw->stmt);

	if (outside)
		refuse(outside,
			   "It cannot run inside a transaction.  Run it by hand, as a revision of its own, "
			   "and record that with purser.stamp().");
	if (IsA(raw->stmt, TransactionStmt))
		refuse("transaction control statements",
			   "A revision is applied as a whole, in the transaction of the caller.");
	if (IsA(raw->stmt, CopyStmt) && ((CopyStmt *) raw->stmt)->filename == NULL)
		refuse("COPY from or to the client",
			   "Use INSERT, or COPY with a file on the server.");
}

static void
run_statement(const char *text)
{
	SPIExecuteOptions options = {.dest = None_Receiver};
	int			code = SPI_execute_extended(text, &options);

	if (code < 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a migration script cannot run this statement: %s",
						SPI_result_code_string(code))));
}

/* Memory: all in the current context, which the caller resets. */
void
ledger_script_run(const LedgerScript *script)
{
	Position	position = {.script = script, .counted = script->text, .counted_line = 1};
	ErrorContextCallback context = {error_context_stack, script_context, &position};
	List	   *statements;
	char	  **texts;
	int		   *lines;
	bool		standard_strings = PURSER_STANDARD_STRINGS;

	error_context_stack = &context;
	statements = raw_parser(script->text, RAW_PARSE_DEFAULT);
	texts = palloc(sizeof(char *) * (list_length(statements) + 1));
	lines = palloc(sizeof(int) * (list_length(statements) + 1));
	for (int i = 0; i < list_length(statements); i++)
	{
		RawStmt    *raw = list_nth_node(RawStmt, statements, i);

		texts[i] = statement_text(&position, raw);
		lines[i] = position.line;
		position.statement = i + 1;
		check_statement(raw);
	}

	SPI_connect();
	for (int i = 0; i < list_length(statements); i++)
	{
		CHECK_FOR_INTERRUPTS();
		position.statement = i + 1;
		position.line = lines[i];
		/* The statements were told apart by how strings are written. */
		if (PURSER_STANDARD_STRINGS != standard_strings)
			refuse("a change of standard_conforming_strings",
				   "Set it before the migration, or write such strings as E'...'.");
		run_statement(texts[i]);
	}
	SPI_finish();
	error_context_stack = context.previous;
}
