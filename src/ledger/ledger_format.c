/*
 * ledger_format.c
 *		The migration file format: header lines, then sections of SQL.
 *
 * Pure.  A line "-- purser: KEY VALUE" is a header; "-- purser: upgrade",
 * "downgrade" and "verify" begin a section, which reaches to the next such
 * line.  What this version does not know is refused, never skipped: a file
 * that asks for more than it gets would run wrongly.
 */
#include "ledger.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

typedef enum HeaderKey
{
	KEY_REVISION,
	KEY_PARENTS,
	KEY_MESSAGE,
	KEY_DEPENDS,
	KEY_LABELS,
	KEY_REPLACES,
	KEY_REQUIRES,
	KEY_TRANSACTIONAL,
	KEY_REPEATABLE,
	KEY_BATCH,
	KEY_UPGRADE,
	KEY_DOWNGRADE,
	KEY_VERIFY,
	KEY_COUNT
} HeaderKey;

static const char *const key_names[KEY_COUNT] = {
	"revision", "parents", "message", "depends", "labels", "replaces", "requires", "transactional",
	"repeatable", "batch", "upgrade", "downgrade", "verify"
};

#define FIRST_SECTION KEY_UPGRADE

typedef struct Parser
{
	LedgerRevision *revision;
	bool		seen[KEY_COUNT];
	HeaderKey	section;		/* KEY_COUNT: still in the header */
	const char *section_start;
} Parser;

/* Error context: the line, and the file where there is one. */
void
ledger_source_context(void *arg)
{
	LedgerSource *source = arg;

	if (source->file && source->line > 0)
		errcontext("line %d of migration file \"%s\"", source->line, source->file);
	else if (source->file)
		errcontext("migration file \"%s\"", source->file);
	else if (source->line > 0)
		errcontext("line %d of the migration", source->line);
}

static HeaderKey
find_key(const char *name)
{
	for (int key = 0; key < KEY_COUNT; key++)
		if (strcmp(name, key_names[key]) == 0)
			return key;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("migration header key \"%s\" is not supported", ledger_clipped(name)),
			 errhint("Supported are revision, parents, message, depends, labels, replaces, "
					 "requires, transactional, repeatable, batch, upgrade, downgrade and "
					 "verify.")));
	return KEY_COUNT;			/* keeps the compiler quiet */
}

/* Names between blanks or commas; "none" alone is the empty list. */
static NameList
split_names(const char *key, const char *value)
{
	NameList	names = {0, palloc(sizeof(char *) * (strlen(value) / 2 + 1))};

	if (strcmp(value, "none") == 0)
		return names;
	while (*(value += strspn(value, " \t,")))
	{
		size_t		length = strcspn(value, " \t,");

		names.items[names.count++] = pnstrdup(value, length);
		value += length;
	}
	if (names.count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("migration header \"%s\" names nothing", key),
				 errhint("An empty list is written \"none\".")));
	return names;
}

static void
require_value(const char *key, const char *value)
{
	if (value[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("migration header \"%s\" has no value", key)));
}

static void
end_section(Parser *parser, const char *end)
{
	char	   *body;

	if (parser->section == KEY_COUNT)
		return;
	body = pnstrdup(parser->section_start, end - parser->section_start);
	if (parser->section == KEY_UPGRADE)
		parser->revision->upgrade = body;
	else if (parser->section == KEY_DOWNGRADE)
		parser->revision->downgrade = body;
	else
		parser->revision->verify = body;
}

static bool
parse_yes_or_no(const char *key, const char *value)
{
	bool		yes = strcmp(value, "yes") == 0;

	if (!yes && strcmp(value, "no") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid value \"%s\" of migration header \"%s\"", ledger_clipped(value),
						key),
				 errhint("It is \"yes\" or \"no\".")));
	return yes;
}

static void
append_name(NameList *names, char *name)
{
	names->items = names->items ? repalloc(names->items, sizeof(char *) * (names->count + 1)) :
		palloc(sizeof(char *));
	names->items[names->count++] = name;
}

static void
set_header(LedgerRevision *revision, HeaderKey key, char *value)
{
	const char *name = key_names[key];

	require_value(name, value);
	switch (key)
	{
		case KEY_REVISION:
			revision->id = value;
			break;
		case KEY_MESSAGE:
			revision->message = value;
			break;
		case KEY_PARENTS:
			revision->parents = split_names(name, value);
			break;
		case KEY_DEPENDS:
			revision->depends_on = split_names(name, value);
			break;
		case KEY_LABELS:
			revision->labels = split_names(name, value);
			break;
		case KEY_REPLACES:
			revision->replaces = split_names(name, value);
			break;
		case KEY_REQUIRES:
			append_name(&revision->requires, value);
			break;
		case KEY_TRANSACTIONAL:
			revision->transactional = parse_yes_or_no(name, value);
			break;
		case KEY_REPEATABLE:
			revision->repeatable = parse_yes_or_no(name, value);
			break;
		default:
			revision->batch = value;
			break;
	}
}

/* line .. end is a directive whose words begin at rest; next is the line after it. */
static void
take_directive(Parser *parser, const char *line, const char *rest, const char *end,
			   const char *next)
{
	char	   *words = ledger_trimmed(rest, end);
	size_t		length = strcspn(words, " \t");
	char	   *name = pnstrdup(words, length);
	char	   *value = ledger_trimmed(words + length, words + strlen(words));
	HeaderKey	key = find_key(name);

	if (parser->seen[key] && key != KEY_REQUIRES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("migration header \"%s\" appears twice", name)));
	parser->seen[key] = true;

	if (key == KEY_REPEATABLE && value[0] == '\0')
		value = pstrdup("yes");
	if (key < FIRST_SECTION)
	{
		if (parser->section != KEY_COUNT)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("migration header \"%s\" comes after the first section", name)));
		set_header(parser->revision, key, value);
		return;
	}

	if (value[0] != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("unexpected text \"%s\" after \"-- purser: %s\"",
						ledger_clipped(value), name)));
	end_section(parser, line);
	parser->section = key;
	parser->section_start = next;
}

/* Before the first section there may only be blank lines and comments. */
static void
take_header_text(const char *line, const char *end)
{
	char	   *text = ledger_trimmed(line, end);

	if (text[0] != '\0' && strncmp(text, "--", 2) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("this is not a migration: text before the line \"-- purser: upgrade\""),
				 errhint("A migration begins with \"-- purser: revision ID\".")));
	pfree(text);
}

static void
check_complete(const Parser *parser)
{
	static const HeaderKey needed[] = {KEY_REVISION, KEY_PARENTS, KEY_MESSAGE, KEY_UPGRADE};

	for (size_t i = 0; i < lengthof(needed); i++)
		if (!parser->seen[needed[i]] &&
			!(needed[i] == KEY_PARENTS && parser->revision->repeatable))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("this is not a migration: it has no line \"-- purser: %s\"",
							key_names[needed[i]]),
					 needed[i] == KEY_PARENTS ?
					 errhint("A revision without parents has \"-- purser: parents none\".") : 0));
}

/* Errors carry the line; the result is checked by ledger_check_revision. */
LedgerRevision *
ledger_parse(const char *text, LedgerSource *source)
{
	Parser		parser = {.revision = palloc0(sizeof(LedgerRevision)), .section = KEY_COUNT};
	ErrorContextCallback context = {error_context_stack, ledger_source_context, source};

	parser.revision->transactional = true;
	error_context_stack = &context;
	if (strncmp(text, LEDGER_BYTE_ORDER_MARK, 3) == 0)
		text += 3;
	for (const char *line = text; *line;)
	{
		const char *end = line + strcspn(line, "\n");
		const char *next = *end ? end + 1 : end;
		const char *rest;

		source->line++;
		if (ledger_is_directive(line, &rest))
			take_directive(&parser, line, rest, end, next);
		else if (parser.section == KEY_COUNT)
			take_header_text(line, end);
		line = next;
	}
	end_section(&parser, text + strlen(text));
	source->line = 0;
	check_complete(&parser);
	ledger_check_revision(parser.revision);
	error_context_stack = context.previous;
	return parser.revision;
}

static void
write_names(StringInfo out, const char *key, NameList names)
{
	appendStringInfo(out, "-- purser: %s", key);
	for (int i = 0; i < names.count; i++)
		appendStringInfo(out, " %s", names.items[i]);
	appendStringInfoString(out, names.count ? "\n" : " none\n");
}

static void
write_section(StringInfo out, const char *key, const char *script)
{
	if (script == NULL)
		return;
	appendStringInfo(out, "-- purser: %s\n%s", key, script);
	if (script[0] != '\0')
		appendStringInfoChar(out, '\n');
}

/* The text that ledger_parse takes back as the same revision. */
char *
ledger_write(const LedgerRevision *revision)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "-- purser: revision %s\n", revision->id);
	write_names(&out, "parents", revision->parents);
	if (revision->depends_on.count)
		write_names(&out, "depends", revision->depends_on);
	if (revision->labels.count)
		write_names(&out, "labels", revision->labels);
	if (revision->replaces.count)
		write_names(&out, "replaces", revision->replaces);
	for (int i = 0; i < revision->requires.count; i++)
		appendStringInfo(&out, "-- purser: requires %s\n", revision->requires.items[i]);
	if (!revision->transactional)
		appendStringInfoString(&out, "-- purser: transactional no\n");
	if (revision->repeatable)
		appendStringInfoString(&out, "-- purser: repeatable\n");
	if (revision->batch)
		appendStringInfo(&out, "-- purser: batch %s\n", revision->batch);
	appendStringInfo(&out, "-- purser: message %s\n", revision->message);
	write_section(&out, "upgrade", revision->upgrade);
	write_section(&out, "downgrade", revision->downgrade);
	write_section(&out, "verify", revision->verify);
	return out.data;
}
