/*
 * fuzz_json.c
 *		Reads any bytes as a JSON array or as JSON lines: in one window, then in
 *		windows of all sizes, with vectors and without.  All that comes out must
 *		be the same: rows, errors, and where they were.  And what is read without
 *		an error must be JSON to the server's own parser, and the other way round.
 *
 * The first two bytes of the input choose the options, the rest is read.
 */
#include "fuzz_server.h"

#include "bulk/input/bulk_input.h"
#include "bulk/input/bulk_scan.h"
#include "common/jsonapi.h"
#include "mb/pg_wchar.h"

#define NCOLUMNS	4
#define NOPTIONS	2

/* ---- columns a to d; other keys are ignored, but e is an error ---- */

static int
schema_find(BulkSchema *schema, const char *name, int len, int position pg_attribute_unused())
{
	if (len > 0 && *name == 'e')
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("no such column")));
	return (len == 1 && *name >= 'a' && *name < 'a' + schema->ncolumns) ? *name - 'a' : -1;
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

static void
source_more(BulkSource *base, Size keep)
{
	FuzzSource *source = (FuzzSource *) base;
	Size		kept = base->len - keep;
	Size		step = source->len - source->given;
	char	   *window;

	source->seed = source->seed * 1103515245 + 12345;
	step = Min(step, 1 + (source->seed >> 16) % ((source->seed >> 24) % 4 ? 9 : 500));
	window = palloc(kept + step);
	memcpy(window, base->data + keep, kept);
	memcpy(window + kept, source->input + source->given, step);
	source->given += step;
	base->data = window;
	base->offset += keep;
	base->len = kept + step;
	base->complete = (source->given == source->len);
}

static void
source_open(FuzzSource *source, const char *input, Size len, unsigned seed)
{
	*source = (FuzzSource) {.base.more = source_more, .input = input, .len = len, .seed = seed};
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
	char		data[1024 * 1024];
	Size		len;
	Size		before_raw;		/* of a bad row that was the last one so far, else zero */
	int			malformed;		/* errors that are about JSON */
	int			others;
} Log;

static void
put(Log *log, const void *data, Size len)
{
	if (log->len + len > sizeof(log->data))
		return;
	memcpy(log->data + log->len, data, len);
	log->len += len;
}

static void
put_fields(Log *log, const BulkField *fields)
{
	for (int i = 0; i < NCOLUMNS; i++)
	{
		put(log, &fields[i].kind, sizeof(fields[i].kind));
		if (fields[i].kind < BULK_TEXT)
			continue;
		put(log, &fields[i].len, sizeof(fields[i].len));
		put(log, fields[i].text, fields[i].len);
	}
}

/* A raw row must be what the input has where the row is said to be. */
static void
put_row(Log *log, const BulkReader *reader, const FuzzSource *source)
{
	const BulkPosition *position = &reader->context->position;

	put(log, position, sizeof(*position));
	if (position->offset + reader->raw_len > source->len ||
		memcmp(source->input + position->offset, reader->raw, reader->raw_len) != 0)
		abort();
	log->before_raw = log->len;
	put(log, &reader->raw_len, sizeof(reader->raw_len));
}

/* ---- one reading ---- */

typedef struct Reading
{
	const char *input;
	Size		len;
	bool		lines;
	bool		verify;
	BulkScanMethod method;
	unsigned	seed;
} Reading;

static void
put_error(Log *log)
{
	put(log, &fuzz_sqlstate, sizeof(fuzz_sqlstate));
	if (fuzz_sqlstate == ERRCODE_UNDEFINED_COLUMN ||
		fuzz_sqlstate == ERRCODE_INVALID_PARAMETER_VALUE)
		log->others++;
	else
		log->malformed++;
}

/* False when reading is over. */
static bool
step(BulkReader *reader, const FuzzSource *source, Log *log)
{
	if (sigsetjmp(fuzz_raised, 0) != 0)
	{
		put_error(log);
		if (!reader->resume(reader))
			return false;
		put_row(log, reader, source);
		return true;
	}
	if (!reader->next(reader))
	{
		/* Of a rest that cannot be told apart, as much is given as was in the window. */
		if (log->before_raw > 0)
			log->len = log->before_raw;
		return false;
	}
	put_row(log, reader, source);
	put_fields(log, reader->fields);
	log->before_raw = 0;
	return true;
}

static void
run(const Reading *reading, Log *log)
{
	BulkFormat	format = {.lines = reading->lines};
	FuzzSource	source;
	BulkSchema	schema = {.ncolumns = NCOLUMNS, .find = schema_find};
	BulkContext context = {0};
	BulkField	fields[NCOLUMNS] = {{0}};
	BulkReader	base = {.source = &source.base, .schema = &schema, .context = &context,
		.fields = fields};
	BulkReader *reader;
	Size		steps = 0;

	log->len = log->before_raw = 0;
	log->malformed = log->others = 0;
	bulk_scan_method = reading->method;
	source_open(&source, reading->input, reading->len, reading->seed);
	source.base.verify = reading->verify;
	reader = bulk_json_reader(&base, &format);
	while (step(reader, &source, log))
		if (steps++ > reading->len)
			abort();
	fuzz_free_all();
}

/* ---- the server's own parser ---- */

static bool
is_json(const char *text, Size len)
{
	JsonSemAction actions = {0};
	JsonLexContext *lex = purser_makeJsonLexContext(NULL, text, len, PG_UTF8, true);

	return pg_parse_json(lex, &actions) == JSON_SUCCESS;
}

/* Is each line that is not blank? */
static bool
are_json(const char *text, Size len)
{
	const char *end = text + len;

	while (text < end)
	{
		const char *newline = memchr(text, '\n', end - text);
		const char *line_end = newline ? newline : end;

		if (strspn(text, " \t\r") < (size_t) (line_end - text) && !is_json(text, line_end - text))
			return false;
		text = line_end + 1;
	}
	return true;
}

static void
check_verdict(const Reading *reading, const Log *log)
{
	char	   *text = pnstrdup(reading->input, reading->len);	/* for strspn */
	bool		right;

	if (strlen(text) < reading->len ||
		pg_encoding_verifymbstr(PG_UTF8, text, reading->len) != (int) reading->len)
		return;
	right = reading->lines ? are_json(text, reading->len) : is_json(text, reading->len);
	if (right ? log->malformed > 0 : (log->malformed == 0 && log->others == 0))
		abort();
}

extern int	LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static Log	expected;
	static Log	found;
	static const BulkScanMethod methods[] = {BULK_SCAN_SCALAR, BULK_SCAN_AUTO};
	Reading		reading = {.input = (const char *) data + NOPTIONS, .len = size - NOPTIONS};

	if (size < NOPTIONS)
		return 0;
	reading.lines = data[0] & 1;
	reading.verify = true;
	reading.method = BULK_SCAN_SCALAR;
	run(&reading, &expected);
	check_verdict(&reading, &expected);
	for (int i = 0; i < (int) lengthof(methods); i++)
		for (unsigned seed = 0; seed < 3; seed++)
		{
			reading.method = methods[i];
			reading.seed = seed * (data[1] + 1u) * 7919;
			run(&reading, &found);
			if (found.len != expected.len || memcmp(found.data, expected.data, found.len) != 0)
				abort();
		}
	return 0;
}
