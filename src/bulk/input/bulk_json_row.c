/*
 * bulk_json_row.c
 *		An object as a row of fields.
 *
 * Objects of one input tend to have the same keys in the same order.  So the
 * keys are remembered as they stand in the input, with quotes and colon, each
 * with its column; the one that came after the last key in an earlier row is
 * compared first, and usually is it.
 */
#include "bulk/input/bulk_json_row.h"

#include "miscadmin.h"

/* Longest key that is remembered, in bytes as it stands in the input. */
#define LONGEST_KEY 128
/* Keys that stand for no column and are remembered. */
#define EXTRA_KEYS 32
/* How many keys may be left out of a row before the next one is looked up. */
#define FAR_AHEAD 8

/* Compared by its first 16 bytes at once, and then by the rest. */
struct BulkJsonKey
{
	uint64		word[2];
	uint64		mask[2];
	char		text[LONGEST_KEY];
	int			len;
	int			column;			/* -1: ignored */
};

void
bulk_json_row_init(BulkJsonRow *row, BulkReader *reader)
{
	row->reader = reader;
	row->max_keys = reader->schema->ncolumns + EXTRA_KEYS;
	row->keys = MemoryContextAllocZero(reader->load_memory, row->max_keys * sizeof(BulkJsonKey));
}

static inline bool
is_key(const BulkJsonKey *key, const char *c, const char *end)
{
	uint64		word[2];

	if (end - c < Max((int) sizeof(word), key->len))
		return false;
	memcpy(word, c, sizeof(word));
	if (((word[0] ^ key->word[0]) & key->mask[0]) != 0 ||
		((word[1] ^ key->word[1]) & key->mask[1]) != 0)
		return false;
	return key->len <= (int) sizeof(word) ||
		memcmp(c + sizeof(word), key->text + sizeof(word), key->len - sizeof(word)) == 0;
}

/* Number of the remembered key at c, from expected on; -1 if there is none near. */
static int
find_near(const BulkJsonRow *row, int expected, int near, const char *c, const char *end)
{
	for (int i = 0; i < Min(near, row->nkeys); i++)
	{
		int			n = (expected + i) % row->nkeys;

		if (is_key(&row->keys[n], c, end))
			return n;
	}
	return -1;
}

/*
 * Remember the key that begins at c and whose colon has just been passed; but
 * not with a line end in between, as lines have to be counted.
 */
static void
remember(BulkJsonRow *row, const char *c, int len, int column)
{
	BulkJsonKey *key = &row->keys[row->nkeys];
	unsigned char mask[sizeof(key->mask)] = {0};

	if (row->nkeys == row->max_keys || len > LONGEST_KEY || memchr(c, '\n', len) != NULL)
		return;
	memcpy(key->text, c, len);
	memset(mask, 0xff, Min(len, (int) sizeof(mask)));
	memcpy(key->mask, mask, sizeof(mask));
	memcpy(key->word, key->text, sizeof(key->word));
	key->len = len;
	key->column = column;
	row->next_key = ++row->nkeys;
}

/* The column for a key that was not expected; pos moves behind the colon. */
static int
look_up_key(BulkJsonRow *row, BulkJsonScan *scan, int position)
{
	BulkReader *reader = row->reader;
	Size		start = scan->pos - scan->row;
	BulkField	name;
	int			column;
	int			known;

	bulk_json_string(scan, &name);
	if (bulk_json_peek(scan, &scan->pos) != ':')
		bulk_json_fail(scan, JSON_EXPECTED_COLON);
	scan->pos++;
	known = find_near(row, row->next_key, row->nkeys, scan->row + start, scan->pos);
	if (known >= 0)
	{
		row->next_key = known + 1;
		return row->keys[known].column;
	}
	bulk_source_verify(scan->source, name.text, name.len);
	column = reader->schema->find(reader->schema, name.text, name.len, position);
	remember(row, scan->row + start, scan->pos - (scan->row + start), column);
	return column;
}

/* The field for the key at *c, which moves behind the colon. */
static inline BulkField *
read_key(BulkJsonRow *row, BulkJsonScan *scan, const char **c, int position)
{
	int			n = row->next_key;
	int			column;

	if (likely(n < row->nkeys && is_key(&row->keys[n], *c, scan->end)))
		row->next_key = n + 1;
	else
		n = find_near(row, n, FAR_AHEAD, *c, scan->end);
	if (likely(n >= 0))
	{
		*c += row->keys[n].len;
		row->next_key = n + 1;
		column = row->keys[n].column;
	}
	else
	{
		scan->pos = *c;
		column = look_up_key(row, scan, position);
		*c = scan->pos;
	}
	return column < 0 ? &row->ignored : &row->reader->fields[column];
}

static inline const char *
read_string(BulkJsonScan *scan, const char *c, BulkField *field)
{
	const char *text = c + 1;
	const char *end = bulk_json_special(text, scan->end, scan->vector);

	if (likely(end < scan->end && *end == '"'))
	{
		field->kind = BULK_JSON_STRING;
		field->text = text;
		field->len = end - text;
		return end + 1;
	}
	scan->pos = c;
	bulk_json_string(scan, field);
	return scan->pos;
}

static inline const char *
read_number(BulkJsonScan *scan, const char *c, BulkField *field)
{
	const char *end = bulk_json_match_number(c, scan->end, scan->vector);

	if (likely(end != NULL))
	{
		field->kind = BULK_TEXT;
		field->text = c;
		field->len = end - c;
		return end;
	}
	scan->pos = c;
	bulk_json_number(scan, field);
	return scan->pos;
}

/* The value at c, whose first byte is given, and return what is behind it. */
static inline const char *
read_value(BulkJsonScan *scan, const char *c, int first, BulkField *field)
{
	if (first == '"')
		return read_string(scan, c, field);
	if ((first >= '0' && first <= '9') || first == '-')
		return read_number(scan, c, field);
	scan->pos = c;
	if (first == '{' || first == '[')
		bulk_json_nested(scan, field);
	else
		bulk_json_word(scan, field);
	return scan->pos;
}

/* The object at pos. */
void
bulk_json_row_read(BulkJsonRow *row, BulkJsonScan *scan)
{
	const char *c = scan->pos + 1;
	int			first = bulk_json_peek(scan, &c);
	int			position = 0;

	memset(row->reader->fields, 0, row->reader->schema->ncolumns * sizeof(BulkField));
	row->next_key = 0;
	while (first != '}')
	{
		BulkField  *field;

		CHECK_FOR_INTERRUPTS();
		if (unlikely(first != '"'))
		{
			scan->pos = c;
			bulk_json_fail(scan, position == 0 ? JSON_EXPECTED_OBJECT_FIRST : JSON_EXPECTED_STRING);
		}
		field = read_key(row, scan, &c, position++);
		first = bulk_json_peek(scan, &c);
		c = read_value(scan, c, first, field);
		first = bulk_json_peek(scan, &c);
		if (first == ',')
		{
			c++;
			first = bulk_json_peek(scan, &c);
			if (likely(first == '"'))
				continue;
			scan->pos = c;
			bulk_json_fail(scan, JSON_EXPECTED_STRING);
		}
		if (unlikely(first != '}'))
		{
			scan->pos = c;
			bulk_json_fail(scan, JSON_EXPECTED_OBJECT_NEXT);
		}
	}
	scan->pos = c + 1;
}
