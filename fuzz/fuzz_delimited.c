/*
 * fuzz_delimited.c
 *		Reads any bytes as CSV or COPY's text: by the scalar scan and in one
 *		window, then by each other variant and in windows of all sizes.  All that
 *		comes out must be the same: rows, errors, and where they were.
 *
 * The first four bytes of the input choose the options, the rest is read.
 */
#include "fuzz_server.h"

#include "bulk/input/bulk_input.h"
#include "bulk/input/bulk_scan.h"

#define NCOLUMNS	3
#define NOPTIONS	4

static const char *const column_names[NCOLUMNS] = {"a", "b", "c"};

/* ---- a table of three columns ---- */

static bool
schema_has(BulkSchema *schema, const char *name, int len)
{
	return len == 1 && *name >= 'a' && *name < 'a' + schema->ncolumns;
}

static int
schema_find(BulkSchema *schema, const char *name, int len, int position pg_attribute_unused())
{
	if (schema_has(schema, name, len))
		return *name - 'a';
	if (len > 0 && *name == 'u')
		return -1;
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("no such column")));
}

static int
schema_all(BulkSchema *schema, int *columns, const char **names)
{
	for (int i = 0; i < schema->ncolumns; i++)
	{
		columns[i] = i;
		names[i] = column_names[i];
	}
	return schema->ncolumns;
}

/* ---- a source whose windows are blocks of their own ---- */

typedef struct FuzzSource
{
	BulkSource	base;
	const char *input;
	Size		len;
	Size		given;			/* bytes of input in this window and those before */
	unsigned	seed;			/* zero: all at once */
} FuzzSource;

/* What was given out before is freed with everything else. */
static void
source_more(BulkSource *base, Size keep)
{
	FuzzSource *source = (FuzzSource *) base;
	Size		step = source->len - source->given;
	char	   *window;

	source->seed = source->seed * 1103515245 + 12345;
	step = Min(step, 1 + (source->seed >> 16) % ((source->seed >> 24) % 4 ? 9 : 5000));
	window = palloc(base->len - keep + step);
	memcpy(window, base->data + keep, base->len - keep);
	memcpy(window + base->len - keep, source->input + source->given, step);
	source->given += step;
	base->data = window;
	base->offset += keep;
	base->len += step - keep;
	base->complete = (source->given == source->len);
}

static void
source_open(FuzzSource *source, const char *input, Size len, unsigned seed)
{
	memset(source, 0, sizeof(*source));
	source->input = input;
	source->len = len;
	source->seed = seed;
	source->base.more = source_more;
	source->base.data = palloc(0);
	if (seed == 0)
	{
		source->base.data = memcpy(palloc(len), input, len);
		source->base.len = source->given = len;
		source->base.complete = true;
	}
}

/* ---- what came out ---- */

typedef struct Log
{
	char	   *data;
	Size		len;
	Size		room;
} Log;

static void
put(Log *log, const void *data, Size len)
{
	if (log->len + len > log->room)
	{
		log->room = 2 * (log->len + len);
		log->data = realloc(log->data, log->room);
	}
	memcpy(log->data + log->len, data, len);
	log->len += len;
}

static void
put_fields(Log *log, const BulkField *fields)
{
	for (int i = 0; i < NCOLUMNS; i++)
	{
		put(log, &fields[i].kind, sizeof(fields[i].kind));
		if (fields[i].kind == BULK_TEXT)
		{
			put(log, &fields[i].len, sizeof(fields[i].len));
			put(log, fields[i].text, fields[i].len);
		}
	}
}

/* A raw row must be what the input has where the row is said to be. */
static void
put_row(Log *log, const BulkReader *reader, const FuzzSource *source)
{
	const BulkPosition *position = &reader->context->position;

	put(log, position, sizeof(*position));
	put(log, &reader->raw_len, sizeof(reader->raw_len));
	if (position->offset + reader->raw_len > source->len ||
		memcmp(source->input + position->offset, reader->raw, reader->raw_len) != 0)
		abort();
}

/* ---- one reading ---- */

typedef struct Reading
{
	const unsigned char *options;
	const char *input;
	Size		len;
	BulkScanMethod method;
	unsigned	seed;
} Reading;

static BulkFormat
format_of(const unsigned char *options)
{
	static bool force[NCOLUMNS] = {false, true, true};
	bool		csv = options[0] & 1;
	BulkFormat	format = {
		.header = (options[0] >> 1) % (BULK_HEADER_SNIFF + 1),
		.delimiter = ",;\t|, \0\0"[options[1] % 8],
		.quote = "\"\"\"'"[options[1] >> 3 & 3],
		.null = options[2] & 1 ? "" : "\\N",
		.dflt = options[2] & 2 ? "D" : NULL,
		.dflt_len = 1,
		.force_null = options[2] & 4 ? force : NULL,
		.force_not_null = options[2] & 8 ? force : NULL
	};

	format.escape = csv ? (options[1] >> 5 & 1 ? '\\' : format.quote) : '\0';
	format.null_len = strlen(format.null);
	return format;
}

/* False when reading is over. */
static bool
step(BulkReader *reader, const FuzzSource *source, Log *log)
{
	if (sigsetjmp(fuzz_raised, 0) != 0)
	{
		put(log, &fuzz_sqlstate, sizeof(fuzz_sqlstate));
		put(log, fuzz_message, strlen(fuzz_message));
		if (reader->resume(reader))
		{
			put_row(log, reader, source);
			return true;
		}
		put(log, &reader->context->position.line, sizeof(uint64));
		return false;
	}
	if (!reader->next(reader))
		return false;
	put_row(log, reader, source);
	put_fields(log, reader->fields);
	return true;
}

static void
run(const Reading *reading, Log *log)
{
	BulkFormat	format = format_of(reading->options);
	FuzzSource	source;
	BulkSchema	schema = {.ncolumns = NCOLUMNS, .find = schema_find, .has = schema_has,
		.all = schema_all};
	BulkContext context = {0};
	BulkField	fields[NCOLUMNS] = {{0}};
	BulkReader	base = {.source = &source.base, .schema = &schema, .context = &context,
		.fields = fields};
	BulkReader *reader;
	Size		steps = 0;

	log->len = 0;
	bulk_scan_method = reading->method;
	source_open(&source, reading->input, reading->len, reading->seed);
	source.base.verify = reading->options[3] & 1;
	reader = (reading->options[0] & 1) ? bulk_csv_reader(&base, &format) :
		bulk_text_reader(&base, &format);
	while (step(reader, &source, log))
		if (steps++ > reading->len)
			abort();
	fuzz_free_all();
}

extern int	LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static Log	expected;
	static Log	found;
	Reading		reading = {data, (const char *) data + NOPTIONS, size - NOPTIONS,
		BULK_SCAN_SCALAR, 0};

	if (size < NOPTIONS)
		return 0;
	run(&reading, &expected);
	for (int method = BULK_SCAN_SCALAR; method <= BULK_SCAN_NEON; method++)
	{
		if (!bulk_scan_available(method))
			continue;
		reading.method = method;
		for (unsigned seed = 0; seed < 3; seed++)
		{
			reading.seed = seed * (data[3] + 1u) * 7919;
			run(&reading, &found);
			if (found.len != expected.len ||
				memcmp(found.data, expected.data, found.len) != 0)
				abort();
		}
	}
	return 0;
}
