/*
 * adopt_name.c
 *		Names and texts of another tool, made fit for the ledger.
 *
 * Pure.  What a tool's table holds is data: it must not get out of the one
 * comment that is a placeholder's script.
 */
#include "adopt.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

/* Hexadecimal digits that tell apart two names whose ids would be one. */
#define HASH_DIGITS 8

/* The name's hash, the same in every encoding. */
static char *
name_hash(const char *name)
{
	bytea	   *hash = DatumGetByteaPP(ledger_checksum(name));
	char	   *digits = palloc(HASH_DIGITS + 1);

	hex_encode(VARDATA_ANY(hash), HASH_DIGITS / 2, digits);
	digits[HASH_DIGITS] = '\0';
	return digits;
}

/*
 * The id of a revision for that name.  What an id may not contain becomes "_";
 * where that loses letters, or the rest is too long, a hash of the name ends it.
 */
char *
adopt_id(const char *name)
{
	StringInfoData id;
	bool		lost = false;

	initStringInfo(&id);
	for (const char *c = name; *c; c++)
	{
		bool		fits = strchr("_.", *c) || (*c >= '0' && *c <= '9') ||
			(*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z');

		/* One "_" for all of a run of letters outside ASCII. */
		if (IS_HIGHBIT_SET(*c) && c > name && IS_HIGHBIT_SET(c[-1]))
			continue;
		lost = lost || IS_HIGHBIT_SET(*c);
		appendStringInfoChar(&id, fits ? *c : '_');
	}
	if (lost || id.len > LEDGER_ID_MAX)
	{
		id.len = Min(id.len, LEDGER_ID_MAX - HASH_DIGITS - 1);
		id.data[id.len] = '\0';
		appendStringInfo(&id, "_%s", name_hash(name));
	}
	else if (ledger_name_fault(id.data))	/* it is empty, or a word that means something */
		appendStringInfoChar(&id, '_');
	return id.data;
}

/* Blanks for the characters that end a line, in place. */
char *
adopt_one_line(char *text)
{
	for (char *c = strpbrk(text, "\r\n"); c; c = strpbrk(c, "\r\n"))
		*c = ' ';
	return text;
}

/* The first line that says something; the entry's name when there is none. */
static char *
message_of(const AdoptEntry *entry)
{
	const char *line = entry->message ? entry->message : "";
	char	   *message;

	line += strspn(line, " \t\r\n");
	message = ledger_trimmed(line, line + strcspn(line, "\r\n"));
	if (message[0] == '\0')
		message = ledger_trimmed(entry->name, entry->name + strlen(entry->name));
	if (message[0] == '\0')
		message = entry->id;
	return adopt_one_line(message);
}

/* How the scripts of all placeholders begin that stand for this table's entries. */
char *
adopt_script_start(const AdoptHistory *history)
{
	return psprintf("-- adopted from table %s of ", history->name);
}

static char *
script_of(const AdoptHistory *history, const AdoptEntry *entry)
{
	StringInfoData script;

	initStringInfo(&script);
	appendStringInfo(&script, "%s%s: %s", adopt_script_start(history), history->tool->title,
					 entry->name);
	if (entry->applied_at)
		appendStringInfo(&script, ", applied %s", entry->applied_at);
	if (entry->applied_by)
		appendStringInfo(&script, " by %s", entry->applied_by);
	return adopt_one_line(script.data);
}

/* A revision that stands for the entry, for which there is no script; without parents yet. */
LedgerRevision *
adopt_placeholder(const AdoptHistory *history, const AdoptEntry *entry)
{
	LedgerRevision *revision = palloc0(sizeof(LedgerRevision));

	revision->id = entry->id;
	revision->message = message_of(entry);
	revision->upgrade = script_of(history, entry);
	revision->transactional = true;
	return revision;
}
