/*
 * bulk_cut.c
 *		The file of a load in ranges: whether it can be cut, what its header names,
 *		and where the ranges begin.
 *
 * Called by bulk_call.c.
 */
#include "bulk/job/bulk_job.h"

#include "access/htup_details.h"
#include "mb/pg_wchar.h"

/*
 * Size of a range in bytes, unless it is given: so that each worker has several,
 * and all end at about the same time, but not so small that commits count.
 */
#define LEAST_RANGE		((uint64) 2 * 1024 * 1024)
#define LARGEST_RANGE	((uint64) 16 * 1024 * 1024)
#define RANGES_EACH		8

/* A schema that takes down the names it is asked for, in place of a table's columns. */
typedef struct NameTaker
{
	BulkSchema	schema;			/* first, so that a schema is one */
	List	   *names;
} NameTaker;

static int
take_name(BulkSchema *schema, const char *name, int len, int position)
{
	NameTaker  *taker = (NameTaker *) schema;

	taker->names = lappend(taker->names, pnstrdup(name, len));
	return position;
}

/* Of those that are not known yet. */
static bool
has_name(BulkSchema *schema pg_attribute_unused(), const char *name pg_attribute_unused(),
		 int len pg_attribute_unused())
{
	return true;
}

/* The names in a header line. */
static List *
read_header(const BulkOptions *options, BulkSource *line)
{
	NameTaker	taker = {
		.schema.ncolumns = MaxHeapAttributeNumber,
		.schema.find = take_name,
		.schema.has = has_name
	};
	BulkContext context = {0};
	BulkReader	base = {
		.source = line,
		.schema = &taker.schema,
		.context = &context,
		.fields = palloc0(MaxHeapAttributeNumber * sizeof(BulkField)),
		.load_memory = CurrentMemoryContext,
		.row_memory = CurrentMemoryContext
	};
	BulkReader *reader = options->format_name == BULK_FORMAT_CSV ?
		bulk_csv_reader(&base, &options->format) : bulk_text_reader(&base, &options->format);

	(void) reader->next(reader);
	return taker.names;
}

/* The bytes of the file as they are: those that a conversion gives are at other places. */
static BulkSource *
open_file(const BulkJob *job)
{
	BulkCoding	raw = {
		.compression = bulk_options_coding(job->options).compression,
		.encoding = GetDatabaseEncoding()
	};
	BulkSource *source = bulk_source_file(job->path, &raw);

	if (source->compressed)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("compressed file \"%s\" cannot be loaded in ranges", job->path),
				 errhint("Call purser.bulk_load().")));
	bulk_source_more(source, 0);
	return source;
}

/* Where the rows begin. */
static BulkPosition
skip_header(const BulkJob *job, BulkSource *source)
{
	if (job->options->format.header == BULK_HEADER_NONE)
		return (BulkPosition) {0};
	return bulk_split_header(source, job->options);
}

/* The header alone; empty if there is none. */
BulkSource *
bulk_cut_header(const BulkJob *job)
{
	BulkCoding	coding = bulk_options_coding(job->options);
	BulkSource *source = open_file(job);
	Size		len = skip_header(job, source).offset;
	char	   *line = memcpy(palloc(len), source->data, len);

	bulk_source_close(source);
	return bulk_source_bytes(line, len, &coding);
}

/* What the header names, if it is to say which columns there are; else NIL. */
List *
bulk_cut_columns(const BulkJob *job)
{
	BulkSource *header;
	List	   *columns;

	if (job->options->format.header != BULK_HEADER_NAMES)
		return NIL;
	header = bulk_cut_header(job);
	columns = read_header(job->options, header);
	bulk_source_close(header);
	return columns;
}

static uint64
default_range(uint64 file_size, int nworkers)
{
	uint64		part = file_size / (RANGES_EACH * Max(nworkers, 1));

	return Min(Max(part, LEAST_RANGE), LARGEST_RANGE);
}

/* Cut the file into ranges; the header, if there is one, is in none.  size: 0 for the default */
List *
bulk_cut(const BulkJob *job, uint64 size, int nworkers)
{
	BulkSource *source = open_file(job);
	List	   *borders;

	if (size == 0)
		size = default_range(source->size, nworkers);
	borders = bulk_split(source, job->options, skip_header(job, source), size);

	bulk_source_close(source);
	return borders;
}

/* Only what every line end, or every one outside quotes, ends can be cut. */
void
bulk_cut_check(const BulkOptions *options)
{
	char		ambiguous = bulk_split_ambiguous(options);

	if (options->format_name == BULK_FORMAT_JSON)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a file of format \"json\" cannot be loaded in ranges"),
				 errhint("Write an object on each line, which is format \"ndjson\", "
						 "or call purser.bulk_load().")));
	if (ambiguous != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a file of format \"%s\" in encoding \"%s\" cannot be loaded in ranges",
						bulk_format_name(options->format_name),
						pg_encoding_to_char(bulk_options_coding(options).encoding)),
				 errdetail("The byte \"%c\" may be a part of a character.", ambiguous)));
	if (options->format.delimiter == '\0' || options->format.header == BULK_HEADER_SNIFF)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("delimiter and header of a file to load in ranges cannot be guessed"),
				 errhint("Give the options \"delimiter\" and \"header\".")));
}
