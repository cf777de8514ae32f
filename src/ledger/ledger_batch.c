/*
 * ledger_batch.c
 *		How a revision's header says that its statement is cut into batches.
 *
 * "table NAME key COLUMN size ROWS", where the size may be left out.  Names are
 * written as in SQL: folded to lower case unless quoted, the table with its
 * schema or without.  Pure: whether there is such a table is seen when it runs.
 */
#include "ledger.h"

#include "parser/scansup.h"

/* Rows of the first batch where the header names none, and the most it may name. */
#define DEFAULT_SIZE 1000
#define SIZE_MAX_ROWS 1000000000

pg_noreturn static void
fail(const char *text, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid batches \"%s\"", ledger_clipped(text)),
			 errdetail("%s", detail),
			 errhint("Batches are written \"table NAME key COLUMN size ROWS\".")));
}

static const char *
skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

/* The rest after the word, which blanks must follow; NULL when another stands there. */
static const char *
skip_word(const char *at, const char *word)
{
	size_t		length = strlen(word);

	if (pg_strncasecmp(at, word, length) != 0 || strchr(" \t", at[length]) == NULL)
		return NULL;
	return at[length] ? skip_blanks(at + length) : NULL;
}

/* A name in double quotes; *at is the first of them. */
static char *
quoted_name(const char *text, const char **at)
{
	const char *from = *at + 1;
	char	   *name = palloc(strlen(from) + 1);
	char	   *to = name;

	for (;; from++)
	{
		if (*from == '\0')
			fail(text, "A quoted name has no end.");
		if (*from == '"' && *++from != '"')
			break;
		*to++ = *from;
	}
	*to = '\0';
	*at = from;
	return name;
}

static char *
plain_name(const char **at)
{
	const char *from = *at;

	while (**at && strchr(" \t.\"", **at) == NULL)
		(*at)++;
	return downcase_truncate_identifier(from, *at - from, false);
}

static char *
read_name(const char *text, const char **at)
{
	char	   *name = **at == '"' ? quoted_name(text, at) : plain_name(at);

	if (name[0] == '\0')
		fail(text, "A name is missing.");
	truncate_identifier(name, strlen(name), false);
	return name;
}

static int
read_size(const char *text, const char *at)
{
	char	   *end;
	long		size;

	errno = 0;
	size = strtol(at, &end, 10);
	if (end == at || *skip_blanks(end) || errno || size < 1 || size > SIZE_MAX_ROWS)
		fail(text, "The size is a number of rows, from 1 to 1000000000.");
	return size;
}

/* What the text says; an error if it says nothing sensible. */
LedgerBatch *
ledger_parse_batch(const char *text)
{
	LedgerBatch *batch = palloc0(sizeof(LedgerBatch));
	const char *at = skip_word(skip_blanks(text), "table");

	if (at == NULL)
		fail(text, "The word \"table\" and a name are missing.");
	batch->table = read_name(text, &at);
	if (*at == '.')
	{
		at++;
		batch->schema = batch->table;
		batch->table = read_name(text, &at);
	}
	at = skip_word(skip_blanks(at), "key");
	if (at == NULL)
		fail(text, "The word \"key\" and a name do not follow the table's name.");
	batch->key = read_name(text, &at);
	at = skip_blanks(at);
	batch->size = DEFAULT_SIZE;
	if (*at)
	{
		at = skip_word(at, "size");
		if (at == NULL)
			fail(text, "The word \"size\" and a number do not follow the key's name.");
		batch->size = read_size(text, at);
	}
	return batch;
}
