/*
 * ledger_offline.c
 *		script(): what an upgrade or a downgrade runs, as a file for psql.
 *
 * The file needs no extension where it runs.  What upgrade() does around a
 * step it does in SQL: settings and roles put back, deferred constraints
 * checked; and where there is a ledger, it records the step there.  It reads
 * the ledger only, so it works on a standby and for readers.
 */
#include "ledger.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(purser_script_0_1);

typedef struct Offline
{
	StringInfoData out;
	LedgerDirection direction;
	bool		inside;			/* a transaction is open */
} Offline;

/* How psql must be set to read the file as it is written. */
static const char psql_settings[] =
	"\\set ON_ERROR_STOP on\n"
	"\\set ON_ERROR_ROLLBACK off\n"
	"\\set AUTOCOMMIT on\n"
	"\\set SINGLELINE off\n";

/*
 * What a step may change, to be put back after it.  As at the end of a step of
 * upgrade(), deferred constraints are checked, on tables that this transaction
 * wrote to, and then as they were declared; SET CONSTRAINTS ALL would hold for
 * constraints to come, too.  It knows only names, so a deferred one that shares
 * its name with another stays immediate.
 */
static const char session_facts[] =
	"-- What the session has, and how each revision gives it back.\n"
	"SELECT pg_catalog.to_regprocedure('purser.record_step(text,text)')\n"
	"        IS NOT NULL AS purser_ledger,\n"
	"    session_user AS purser_user, pg_catalog.current_setting('role') AS purser_role,\n"
	"    pg_catalog.json_object_agg(name, setting) AS purser_settings\n"
	"FROM pg_catalog.pg_settings WHERE context IN ('user', 'superuser') AND name NOT IN\n"
	"    ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable') \\gset\n"
	"SELECT $purser$SET SESSION AUTHORIZATION :\"purser_user\"; SET ROLE :\"purser_role\";\n"
	"SELECT pg_catalog.count(pg_catalog.set_config(s.name, o.value, false)) AS purser_restored\n"
	"FROM pg_catalog.pg_settings s, pg_catalog.json_each_text(:'purser_settings') o\n"
	"WHERE o.key OPERATOR(pg_catalog.=) s.name AND o.value OPERATOR(pg_catalog.<>) s.setting\n"
	"$purser$ AS purser_restore, $purser$\n"
	"SELECT 'SET CONSTRAINTS ' OPERATOR(pg_catalog.||) pg_catalog.string_agg(name, ', ')\n"
	"        OPERATOR(pg_catalog.||) ' IMMEDIATE',\n"
	"    'SET CONSTRAINTS ' OPERATOR(pg_catalog.||) pg_catalog.string_agg(name, ', ')\n"
	"        FILTER (WHERE deferred) OPERATOR(pg_catalog.||) ' DEFERRED'\n"
	"FROM (SELECT pg_catalog.format('%I.%I', n.nspname, c.conname) AS name,\n"
	"        NOT EXISTS (SELECT FROM pg_catalog.pg_constraint d\n"
	"            WHERE d.conname OPERATOR(pg_catalog.=) c.conname AND NOT d.condeferred\n"
	"            AND d.connamespace OPERATOR(pg_catalog.=) c.connamespace) AS deferred\n"
	"    FROM pg_catalog.pg_constraint c\n"
	"    JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.connamespace\n"
	"    WHERE c.condeferrable AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')\n"
	"        AND (pg_catalog.current_setting('track_counts') OPERATOR(pg_catalog.=) 'off'\n"
	"            OR EXISTS (SELECT FROM (VALUES (c.conrelid), (c.confrelid)) t (id)\n"
	"            WHERE pg_catalog.pg_stat_get_xact_tuples_inserted(t.id)\n"
	"                OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_updated(t.id)\n"
	"                OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_deleted(t.id)\n"
	"                OPERATOR(pg_catalog.>) 0))) c\n"
	"$purser$ AS purser_check \\gset\n";

static void
go_inside(Offline *offline)
{
	if (!offline->inside)
		appendStringInfoString(&offline->out, "BEGIN;\n");
	offline->inside = true;
}

static void
go_outside(Offline *offline)
{
	if (offline->inside)
		appendStringInfoString(&offline->out, "COMMIT;\n");
	offline->inside = false;
}

/* Times may be written with line ends between their parts; a comment ends there. */
static char *
in_one_line(const char *text)
{
	char	   *line = pstrdup(text);

	for (char *at = line; *at; at++)
		if (*at == '\n' || *at == '\r')
			*at = ' ';
	return line;
}

static void
write_head(Offline *offline, const char *target, int steps)
{
	int			encoding = pg_get_client_encoding();

	appendStringInfo(&offline->out, "-- %s \"%s\": %d revision%s, for psql -X -f\n",
					 ledger_direction_name(offline->direction), in_one_line(target), steps,
					 steps == 1 ? "" : "s");
	if (steps == 0)
		return;
	appendStringInfoString(&offline->out, psql_settings);
	if (encoding != PG_SQL_ASCII)
		appendStringInfo(&offline->out, "SET client_encoding = '%s';\n",
						 pg_encoding_to_char(encoding));
	appendStringInfo(&offline->out, "SET standard_conforming_strings = %s;\n",
					 PURSER_STANDARD_STRINGS ? "on" : "off");
	go_inside(offline);
	appendStringInfoString(&offline->out, session_facts);
}

/* psql would read, and the server take, what follows in another way than it was written. */
static void
check_setting(const LedgerParsed *parsed, const char *name)
{
	if (pg_strcasecmp(name, "standard_conforming_strings") == 0 ||
		pg_strcasecmp(name, "client_encoding") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot write a file for psql of a script that sets %s", name),
				 errdetail("The %s script of revision \"%s\" does.", parsed->script->section,
						   parsed->script->revision),
				 errhint("Leave this setting to the session.")));
}

/* Settings that pg_settings does not list, as they belong to no module. */
static void
put_back_own_settings(Offline *offline, const LedgerParsed *parsed)
{
	for (int i = 0; i < parsed->count; i++)
	{
		const VariableSetStmt *set = (const VariableSetStmt *) parsed->statements[i].raw->stmt;

		if (!IsA(set, VariableSetStmt) || set->name == NULL)
			continue;
		check_setting(parsed, set->name);
		if (strchr(set->name, '.'))
			appendStringInfo(&offline->out,
							 "SELECT pg_catalog.set_config(%s, NULL, false)"
							 " AS purser_restored \\gset\n",
							 quote_literal_cstr(set->name));
	}
}

/* A statement with the comments before it. */
static char *
statement_slice(const LedgerParsed *parsed, int i, const char *start)
{
	const RawStmt *raw = parsed->statements[i].raw;
	const char *text = parsed->script->text;
	const char *end = raw->stmt_len > 0 ? text + Max(raw->stmt_location, 0) + raw->stmt_len :
		text + strlen(text);

	return ledger_trimmed(start + strspn(start, "; \t\n\r\f\v"), end);
}

static void
write_script(Offline *offline, const LedgerParsed *parsed, bool transactional)
{
	const char *start = parsed->script->text;

	for (int i = 0; i < parsed->count; i++)
	{
		const RawStmt *raw = parsed->statements[i].raw;

		if (parsed->statements[i].outside || !transactional)
			go_outside(offline);
		else
			go_inside(offline);
		ledger_psql_statement(&offline->out, statement_slice(parsed, i, start));
		start = parsed->script->text + Max(raw->stmt_location, 0) + raw->stmt_len;
	}
}

static bool
leaves_transaction(const LedgerParsed *parsed)
{
	for (int i = 0; i < parsed->count; i++)
		if (parsed->statements[i].outside)
			return true;
	return false;
}

/* What upgrade() does at the end of a step. */
static void
write_end(Offline *offline, const LedgerParsed *parsed, const LedgerParsed *verify)
{
	go_inside(offline);
	appendStringInfoString(&offline->out, ":purser_restore \\gset\n");
	put_back_own_settings(offline, parsed);
	put_back_own_settings(offline, verify);
	appendStringInfoString(&offline->out, ":purser_check \\gexec\n:purser_restore \\gset\n");
}

static void
write_record(Offline *offline, const LedgerRevision *revision)
{
	go_inside(offline);
	appendStringInfoString(&offline->out, "\\if :purser_ledger\nSELECT purser.load_revision(");
	ledger_psql_quote(&offline->out, ledger_write(revision));
	appendStringInfo(&offline->out, ") AS purser_revision \\gset\n"
					 "SELECT purser.record_step('%s', '%s') AS purser_revision \\gset\n\\endif\n",
					 ledger_direction_name(offline->direction), revision->id);
}

/*
 * Where it can be undone, the step is recorded first: that takes the ledger's
 * lock, and refuses a step that is not the next one, before anything runs.
 */
static void
write_revision(Offline *offline, const LedgerRevision *revision)
{
	bool		verifies = offline->direction == LEDGER_UPGRADE && revision->verify;
	LedgerScript script = ledger_step_script(offline->direction, revision);
	LedgerScript verify = {script.revision, "verify", verifies ? revision->verify : ""};
	LedgerParsed *parsed = ledger_script_parse(&script);
	LedgerParsed *verified = ledger_script_parse(&verify);
	bool		whole = revision->transactional && !leaves_transaction(parsed) &&
		!leaves_transaction(verified);

	appendStringInfo(&offline->out, "\n-- %s %s: %s\n", ledger_direction_name(offline->direction),
					 revision->id, revision->message);
	for (int i = 0; i < revision->requires.count; i++)
		appendStringInfo(&offline->out, "-- requires %s\n", revision->requires.items[i]);
	if (whole)
		write_record(offline, revision);
	write_script(offline, parsed, revision->transactional);
	if (verifies)
		appendStringInfo(&offline->out, "-- verify %s\n", revision->id);
	write_script(offline, verified, revision->transactional);
	write_end(offline, parsed, verified);
	if (!whole)
		write_record(offline, revision);
}

Datum
purser_script_0_1(PG_FUNCTION_ARGS)
{
	Offline		offline = {
		.direction = ledger_parse_direction(shared_arg_text(fcinfo, 0, "direction"))
	};
	char	   *target = shared_arg_text(fcinfo, 1, "target");
	LedgerGraph *graph = ledger_store_graph();
	LedgerSet	plan = ledger_is_range(target) ?
		ledger_plan_between(&graph, offline.direction, target) :
		ledger_plan_steps(&graph, offline.direction, target);
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext step_context = AllocSetContextCreate(caller, "ledger offline step",
													   ALLOCSET_DEFAULT_SIZES);

	initStringInfo(&offline.out);
	write_head(&offline, target, plan.count);
	for (int i = 0; i < plan.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(step_context);
		write_revision(&offline, ledger_store_need(graph->nodes[plan.nodes[i]].id));
		MemoryContextSwitchTo(caller);
		MemoryContextReset(step_context);
	}
	go_outside(&offline);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(offline.out.data, offline.out.len));
}
