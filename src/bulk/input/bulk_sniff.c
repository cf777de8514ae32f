/*
 * bulk_sniff.c
 *		Guesses the delimiter from the first lines.
 *
 * Of comma, semicolon, tab and vertical bar, it is the one that makes all
 * fields of the first line name columns; else the one of which each line has
 * the same number; else the one that the first line has most of.  Of several,
 * the one with the most fields wins.
 *
 * Called by bulk_header.c.
 */
#include "bulk/input/bulk_delimited.h"

/* How much to look at: lines, and bytes of them. */
#define SNIFF_LINES	20
#define SNIFF_BYTES	65536

static const char candidates[] = {',', ';', '\t', '|'};

#define NCANDIDATES ((int) sizeof(candidates))

typedef struct Sniff
{
	int			nlines;
	int			first[NCANDIDATES]; /* how many there are in the first line */
	int			present[NCANDIDATES];	/* in the present one */
	bool		regular[NCANDIDATES];	/* in each line as many */
} Sniff;

static bool
is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

/* Keeps *quoted; what is behind a backslash in text is no delimiter. */
static const char *
next_bare(const BulkDelimited *reader, const char *c, const char *end, bool *quoted)
{
	for (; c < end; c++)
	{
		if (reader->csv && *c == reader->format.quote)
			*quoted = !*quoted;
		else if (!reader->csv && *c == '\\' && c + 1 < end)
			c++;
		else if (!*quoted)
			return c;
	}
	return end;
}

static void
end_line(Sniff *sniff)
{
	for (int i = 0; i < NCANDIDATES; i++)
	{
		if (sniff->nlines == 0)
			sniff->first[i] = sniff->present[i];
		sniff->regular[i] &= (sniff->first[i] == sniff->present[i]);
		sniff->present[i] = 0;
	}
	sniff->nlines++;
}

static void
count_candidates(const BulkDelimited *reader, const char *end, Sniff *sniff)
{
	bool		quoted = false;
	const char *line = reader->next;
	const char *c = next_bare(reader, line, end, &quoted);

	while (c < end && sniff->nlines < SNIFF_LINES)
	{
		for (int i = 0; i < NCANDIDATES; i++)
			sniff->present[i] += (*c == candidates[i]);
		if (is_line_end(*c))
		{
			if (c > line)
				end_line(sniff);
			line = c + 1;
		}
		c = next_bare(reader, c + 1, end, &quoted);
	}
	if (sniff->nlines == 0)
		end_line(sniff);
}

/* Is the text a name, perhaps in quotes? */
static bool
is_name(const BulkDelimited *reader, const char *text, const char *end)
{
	BulkSchema *schema = reader->base.schema;

	if (reader->csv && end - text >= 2 && *text == reader->format.quote &&
		end[-1] == reader->format.quote)
	{
		text++;
		end--;
	}
	return schema->has(schema, text, end - text);
}

/* Do all fields of the first line name columns, with that delimiter? */
static bool
makes_names(const BulkDelimited *reader, const char *end, char delimiter)
{
	bool		quoted = false;
	const char *field = reader->next;
	const char *c = next_bare(reader, field, end, &quoted);

	while (c < end && !is_line_end(*c))
	{
		if (*c == delimiter)
		{
			if (!is_name(reader, field, c))
				return false;
			field = c + 1;
		}
		c = next_bare(reader, c + 1, end, &quoted);
	}
	return is_name(reader, field, c);
}

/* How much speaks for the candidate. */
static int
score(const BulkDelimited *reader, const char *end, const Sniff *sniff, int i)
{
	int			count = Min(sniff->first[i], SNIFF_BYTES);

	if (count == 0 || (reader->csv && candidates[i] == reader->format.quote))
		return 0;
	if (makes_names(reader, end, candidates[i]))
		return 3 * SNIFF_BYTES + count;
	return (sniff->regular[i] ? SNIFF_BYTES : 0) + count;
}

/* The delimiter; the format's usual one if there is no sign of any. */
char
bulk_sniff_delimiter(BulkDelimited *reader)
{
	BulkSource *source = reader->base.source;
	Sniff		sniff = {.regular = {true, true, true, true}};
	char		delimiter = reader->csv ? ',' : '\t';
	int			best = 0;
	const char *end;

	while (source->len < SNIFF_BYTES && !source->complete)
		bulk_delimited_fetch(reader);
	end = reader->next + Min(source->data + source->len - reader->next, SNIFF_BYTES);
	count_candidates(reader, end, &sniff);
	for (int i = 0; i < NCANDIDATES; i++)
	{
		int			found = score(reader, end, &sniff, i);

		if (found > best)
		{
			best = found;
			delimiter = candidates[i];
		}
	}
	return delimiter;
}
