/*
 * ledger_revision.c
 *		What a revision may look like, whichever way it comes in.
 *
 * Pure: knows neither tables nor files.  Everything that is stored passed
 * ledger_check_revision, so that exporting a revision and loading the text
 * again gives the same revision: no script holds a line that the file format
 * would take for its own, line ends are LF, and nothing trails.
 */
#include "ledger.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

static const char *const reserved[] = {"head", "heads", "base", "current", "none"};

/* Does the word stand for something else than an id or a label? */
bool
ledger_is_reserved(const char *word)
{
	for (size_t i = 0; i < lengthof(reserved); i++)
		if (strcmp(word, reserved[i]) == 0)
			return true;
	return false;
}

/* The complaint about a name, or NULL when it may be an id or a label. */
const char *
ledger_name_fault(const char *name)
{
	size_t		length = strlen(name);

	if (length == 0)
		return "It is empty.";
	if (length > LEDGER_ID_MAX)
		return psprintf("It is longer than %d characters.", LEDGER_ID_MAX);
	if (strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.") != length)
		return "Only letters A to Z and a to z, digits, underscores and dots may be used.";
	if (ledger_is_reserved(name))
		return "The word has a meaning as a target.";
	return NULL;
}

/* The text as a message quotes it: its beginning only, when it is long. */
const char *
ledger_clipped(const char *text)
{
	size_t		length = strlen(text);

	if (length <= LEDGER_QUOTE_MAX)
		return text;
	return psprintf("%.*s...", pg_mbcliplen(text, length, LEDGER_QUOTE_MAX), text);
}

/* Raise an error unless the name may be an id, a label or a tag. */
void
ledger_check_name(const char *what, const char *name)
{
	const char *fault = ledger_name_fault(name);

	if (fault)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid %s \"%s\"", what, ledger_clipped(name)),
				 errdetail("%s", fault)));
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Each name valid, none twice, none the revision itself. */
static void
check_names(const char *what, NameList names, const char *own_id)
{
	char	  **sorted;

	if (names.count == 0)
		return;
	sorted = palloc(sizeof(char *) * names.count);
	for (int i = 0; i < names.count; i++)
	{
		ledger_check_name(what, names.items[i]);
		if (strcmp(names.items[i], own_id) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("revision \"%s\" names itself as %s", own_id, what)));
		sorted[i] = names.items[i];
	}
	qsort(sorted, names.count, sizeof(char *), compare_names);
	for (int i = 1; i < names.count; i++)
		if (strcmp(sorted[i - 1], sorted[i]) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("revision \"%s\" names %s \"%s\" twice", own_id, what, sorted[i])));
	pfree(sorted);
}

/* A copy of start .. end without blanks at either end. */
char *
ledger_trimmed(const char *start, const char *end)
{
	while (start < end && strchr(" \t\r\n", *start))
		start++;
	while (end > start && strchr(" \t\r\n", end[-1]))
		end--;
	return pnstrdup(start, end - start);
}

/* The text without blanks at either end; it must be one line of a file. */
static char *
check_line(const char *what, const char *text)
{
	char	   *line = ledger_trimmed(text, text + strlen(text));

	if (line[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of a revision must not be empty", what)));
	if (strpbrk(line, "\r\n"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of a revision must be one line", what)));
	return line;
}

/* A repeatable revision stands beside the lineage; batches are transactions of their own. */
static void
check_kind(const LedgerRevision *revision)
{
	if (revision->repeatable && (revision->parents.count || revision->replaces.count))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("repeatable revision \"%s\" cannot have parents or replace others",
						revision->id),
				 errhint("It may depend on revisions.")));
	if (revision->repeatable && (revision->batch || !revision->transactional))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("repeatable revision \"%s\" must run in one transaction",
						revision->id)));
}

/*
 * Does the line belong to the file format: "-- purser:", with any blanks
 * between?  Then *rest is what follows the colon.
 */
bool
ledger_is_directive(const char *line, const char **rest)
{
	line += strspn(line, " \t");
	if (strncmp(line, "--", 2) != 0)
		return false;
	line += 2 + strspn(line + 2, " \t");
	if (pg_strncasecmp(line, "purser", 6) != 0)
		return false;
	line += 6 + strspn(line + 6, " \t");
	if (*line != ':')
		return false;
	*rest = line + 1;
	return true;
}

/* LF line ends, no blanks at the end; NULL stays NULL. */
char *
ledger_clean_script(const char *script)
{
	char	   *clean;
	char	   *to;

	if (script == NULL)
		return NULL;
	clean = to = palloc(strlen(script) + 1);
	for (const char *from = script; *from; from++)
	{
		while (*from == '\n' && to > clean && to[-1] == '\r')
			to--;
		*to++ = *from;
	}
	while (to > clean && strchr(" \t\r\n", to[-1]))
		to--;
	*to = '\0';
	return clean;
}

static char *
check_script(const char *section, const char *script)
{
	char	   *clean = ledger_clean_script(script);
	const char *rest;
	int			number = 1;

	for (const char *line = clean; line; number++)
	{
		if (ledger_is_directive(line, &rest))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("line %d of the %s script begins with \"-- purser:\"", number, section),
					 errdetail("Such lines separate the sections of a migration file."),
					 errhint("To load a whole migration file, use purser.load_revision().")));
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return clean;
}

/* Raise an error unless the revision is sound by itself; tidies its texts. */
void
ledger_check_revision(LedgerRevision *revision)
{
	ledger_check_name("revision id", revision->id);
	revision->message = check_line("the message", revision->message);
	check_names("parent", revision->parents, revision->id);
	check_names("dependency", revision->depends_on, revision->id);
	check_names("label", revision->labels, revision->id);
	check_names("replaced revision", revision->replaces, revision->id);
	for (int i = 0; i < revision->requires.count; i++)
	{
		revision->requires.items[i] = check_line("a precondition", revision->requires.items[i]);
		(void) ledger_parse_requirement(revision->requires.items[i]);
	}
	if (revision->batch)
	{
		revision->batch = check_line("the batches", revision->batch);
		(void) ledger_parse_batch(revision->batch);
	}
	check_kind(revision);
	revision->upgrade = check_script("upgrade", revision->upgrade);
	revision->downgrade = check_script("downgrade", revision->downgrade);
	revision->verify = check_script("verify", revision->verify);
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_names(NameList a, NameList b)
{
	if (a.count != b.count)
		return false;
	for (int i = 0; i < a.count; i++)
		if (strcmp(a.items[i], b.items[i]) != 0)
			return false;
	return true;
}

bool
ledger_same_revision(const LedgerRevision *a, const LedgerRevision *b)
{
	return same_text(a->id, b->id) && same_text(a->message, b->message) &&
		same_names(a->parents, b->parents) && same_names(a->depends_on, b->depends_on) &&
		same_names(a->labels, b->labels) && same_names(a->replaces, b->replaces) &&
		same_names(a->requires, b->requires) && same_text(a->upgrade, b->upgrade) &&
		same_text(a->downgrade, b->downgrade) && same_text(a->verify, b->verify) &&
		a->transactional == b->transactional && a->repeatable == b->repeatable &&
		same_text(a->batch, b->batch);
}

/* Twelve hexadecimal digits, as Alembic makes them. */
char *
ledger_random_id(void)
{
	uint8		bytes[6];
	char	   *id = palloc(2 * sizeof(bytes) + 1);

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a random revision id")));
	for (size_t i = 0; i < sizeof(bytes); i++)
		sprintf(id + 2 * i, "%02x", bytes[i]);
	return id;
}
