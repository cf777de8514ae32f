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

/* Does the text before the place have a COPY FROM STDIN, whose data would follow? */
static bool
follows_copy(const char *text, const char *place)
{
	for (; text < place; text++)
		if (pg_strncasecmp(text, "from stdin", 10) == 0)
			return true;
	return false;
}

/* Scripts written for psql hold what the server does not know. */
static void
hint_at_psql(const char *text, const char *place)
{
	if (geterrcode() != ERRCODE_SYNTAX_ERROR)
		return;
	if (follows_copy(text, place))
		errhint("Lines of data after COPY FROM STDIN are for psql.  Use INSERT, or COPY with a "
				"file on the server.");
	else if (*place == '\\' || *place == ':')
		errhint("Commands and variables of psql are not SQL.  Put what they stand for into the "
				"script.");
}

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
	hint_at_psql(text, at);
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

/* What no script may contain, whoever runs it. */
static void
check_statement(const RawStmt *raw)
{
	if (IsA(raw->stmt, TransactionStmt))
		refuse("transaction control statements",
			   "A revision is applied as a whole, in the transaction of the caller.");
	if (IsA(raw->stmt, DiscardStmt) && ((DiscardStmt *) raw->stmt)->target == DISCARD_ALL)
		refuse("DISCARD ALL", "It would drop what the migration itself uses.");
	if (IsA(raw->stmt, CopyStmt) && ((CopyStmt *) raw->stmt)->filename == NULL)
		refuse("COPY from or to the client",
			   "Use INSERT, or COPY with a file on the server.");
}

static LedgerStatement
make_statement(Position *position, const RawStmt *raw)
{
	LedgerStatement statement = {.text = statement_text(position, raw), .raw = raw,
	.outside = ledger_runs_outside(raw->stmt)};

	statement.line = position->line;
	return statement;
}

/*
 * The statements of a script, in the current memory context; an error for what
 * none may contain.  The script must last as long as the result.
 */
LedgerParsed *
ledger_script_parse(const LedgerScript *script)
{
	LedgerParsed *parsed = palloc(sizeof(LedgerParsed));
	Position	position = {.script = script, .counted = script->text, .counted_line = 1};
	ErrorContextCallback context = {error_context_stack, script_context, &position};
	List	   *statements;

	error_context_stack = &context;
	statements = raw_parser(script->text, RAW_PARSE_DEFAULT);
	parsed->script = script;
	parsed->standard_strings = PURSER_STANDARD_STRINGS;
	parsed->count = list_length(statements);
	parsed->statements = palloc(sizeof(LedgerStatement) * (parsed->count + 1));
	for (int i = 0; i < parsed->count; i++)
	{
		RawStmt    *raw = list_nth_node(RawStmt, statements, i);

		parsed->statements[i] = make_statement(&position, raw);
		position.statement = i + 1;
		check_statement(raw);
	}
	error_context_stack = context.previous;
	return parsed;
}

/* Raise an error if a statement of the script cannot share a transaction. */
static void
check_inside(const LedgerParsed *parsed, Position *position)
{
	for (int i = 0; i < parsed->count; i++)
	{
		position->statement = i + 1;
		position->line = parsed->statements[i].line;
		if (parsed->statements[i].outside)
			refuse(parsed->statements[i].outside,
				   "It cannot run inside a transaction: CALL purser.migrate() runs it outside.");
	}
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

/* Runs the statements first .. end - 1, counted from 0. */
void
ledger_script_run(const LedgerParsed *parsed, int first, int end)
{
	Position	position = {.script = parsed->script};
	ErrorContextCallback context = {error_context_stack, script_context, &position};

	error_context_stack = &context;
	SPI_connect();
	for (int i = first; i < end; i++)
	{
		CHECK_FOR_INTERRUPTS();
		position.statement = i + 1;
		position.line = parsed->statements[i].line;
		/* The statements were told apart by how strings are written. */
		if (PURSER_STANDARD_STRINGS != parsed->standard_strings)
			refuse("a change of standard_conforming_strings",
				   "Set it before the migration, or write such strings as E'...'.");
		run_statement(parsed->statements[i].text);
	}
	SPI_finish();
	error_context_stack = context.previous;
}

/* Run a function as statement i, counted from 0: what it raises says which one it was. */
void
ledger_script_call(const LedgerParsed *parsed, int i, void (*run) (void *arg), void *arg)
{
	Position	position = {.script = parsed->script, .statement = i + 1,
	.line = parsed->statements[i].line};
	ErrorContextCallback context = {error_context_stack, script_context, &position};

	error_context_stack = &context;
	run(arg);
	error_context_stack = context.previous;
}

/* Parses and runs a whole script, in the caller's transaction. */
void
ledger_script_run_whole(const LedgerScript *script)
{
	LedgerParsed *parsed = ledger_script_parse(script);
	Position	position = {.script = script};
	ErrorContextCallback context = {error_context_stack, script_context, &position};

	error_context_stack = &context;
	check_inside(parsed, &position);
	error_context_stack = context.previous;
	ledger_script_run(parsed, 0, parsed->count);
}
