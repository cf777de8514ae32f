/*
 * ledger_combine.c
 *		Several revisions as one: scripts in order, the other fields merged.
 *
 * Pure but for parsing.  The combined scripts must do what the single ones
 * did, one after the other; where a script's meaning hangs on being a step of
 * its own, it is refused.  After each step settings are put back, so scripts
 * that change them cannot be combined.  The verify script of each but the last
 * holds between the steps and maybe not at the end, so it moves to its place
 * between the upgrade scripts.
 */
#include "ledger.h"

#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"

pg_noreturn static void
refuse(const LedgerRevision *member, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("revision \"%s\" cannot be part of a squash", member->id),
			 errdetail("%s", why)));
}

static void
check_members(LedgerRevision *const *members, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (members[i]->repeatable)
			refuse(members[i], "It is repeatable.");
		if (members[i]->batch)
			refuse(members[i], "It runs in batches.");
		if (members[i]->transactional != members[0]->transactional)
			refuse(members[i], "It is not transactional and others of the range are, or the "
				   "other way round.");
	}
}

/* Does the statement change settings, which would last longer in a longer script? */
static bool
changes_settings(const LedgerStatement *statement)
{
	const Node *tree = statement->raw->stmt;

	if (IsA(tree, VariableSetStmt) || IsA(tree, ConstraintsSetStmt) || IsA(tree, DiscardStmt))
		return true;
	for (const char *at = statement->text; *at; at++)
		if (pg_strncasecmp(at, "set_config", 10) == 0)
			return true;
	return false;
}

/* The script's statements may share a script with others; does its last one end with one? */
static bool
check_script(const LedgerRevision *member, const char *section, const char *text)
{
	LedgerScript script = {member->id, section, text};
	LedgerParsed *parsed = ledger_script_parse(&script);

	for (int i = 0; i < parsed->count; i++)
	{
		const LedgerStatement *statement = &parsed->statements[i];

		if (statement->outside)
			refuse(member, psprintf("Its %s script contains %s, which cannot run inside a "
									"transaction.", section, statement->outside));
		if (changes_settings(statement))
			refuse(member, psprintf("Its %s script changes settings (statement %d, on line %d), "
									"which are put back at the end of a revision.",
									section, i + 1, statement->line));
	}
	return parsed->count == 0 || parsed->statements[parsed->count - 1].raw->stmt_len > 0;
}

/* A script of the member after what is there, under a comment that names it. */
static void
append_script(StringInfo to, const LedgerRevision *member, const char *section, const char *text)
{
	bool		ends = check_script(member, section, text);

	appendStringInfo(to, "%s-- %s of %s: %s\n", to->len ? "\n" : "", section, member->id,
					 member->message);
	if (text[0] == '\0')
		return;
	appendStringInfo(to, "%s\n", text);
	if (!ends)
		appendStringInfoString(to, ";\n");
}

static void
add_names(NameList *to, NameList names)
{
	to->items = to->items ? repalloc(to->items, sizeof(char *) * (to->count + names.count + 1)) :
		palloc(sizeof(char *) * (names.count + 1));
	for (int i = 0; i < names.count; i++)
	{
		bool		is_there = false;

		for (int k = 0; k < to->count && !is_there; k++)
			is_there = strcmp(to->items[k], names.items[i]) == 0;
		if (!is_there)
			to->items[to->count++] = names.items[i];
	}
}

static char *
combine_upgrades(LedgerRevision *const *members, int count)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < count; i++)
	{
		append_script(&text, members[i], "upgrade", members[i]->upgrade);
		if (members[i]->verify && i < count - 1)
			append_script(&text, members[i], "verify", members[i]->verify);
	}
	return text.data;
}

/* NULL when one of them cannot be undone. */
static char *
combine_downgrades(LedgerRevision *const *members, int count)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = count - 1; i >= 0; i--)
	{
		if (members[i]->downgrade == NULL)
			return NULL;
		append_script(&text, members[i], "downgrade", members[i]->downgrade);
	}
	return text.data;
}

static char *
last_verify(const LedgerRevision *last)
{
	StringInfoData text;

	if (last->verify == NULL)
		return NULL;
	initStringInfo(&text);
	append_script(&text, last, "verify", last->verify);
	return text.data;
}

/* Members in order of applying; what is not said of the result is the caller's to fill in. */
LedgerRevision *
ledger_combine(LedgerRevision *const *members, int count)
{
	LedgerRevision *revision = palloc0(sizeof(LedgerRevision));

	check_members(members, count);
	revision->parents = members[0]->parents;
	revision->transactional = members[0]->transactional;
	for (int i = 0; i < count; i++)
	{
		NameList	id = {1, &members[i]->id};

		add_names(&revision->replaces, id);
		add_names(&revision->depends_on, members[i]->depends_on);
		add_names(&revision->labels, members[i]->labels);
		add_names(&revision->requires, members[i]->requires);
	}
	revision->upgrade = combine_upgrades(members, count);
	revision->downgrade = combine_downgrades(members, count);
	revision->verify = last_verify(members[count - 1]);
	return revision;
}
