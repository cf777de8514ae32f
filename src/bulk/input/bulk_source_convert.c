/*
 * bulk_source_convert.c
 *		A stream in the database's encoding, from one in another.
 *
 * It never fails: a character that cannot be converted becomes a byte that the
 * database's encoding does not allow, and what stood in its place is kept.  So
 * the row that has it fails when it is verified, with the server's own error
 * about the original bytes, and another row never does.
 *
 * Line ends, quotes and so on are looked for after the conversion, since in
 * some encodings of clients (SJIS, BIG5, GBK and others) their bytes may be
 * parts of a character.
 */
#include "bulk/bulk.h"

#include "bulk/input/bulk_stream.h"
#include "catalog/namespace.h"
#include "mb/pg_wchar.h"

/* As many bytes of a character as the server's errors show. */
#define SHOWN_BYTES		8

/* How many characters to keep; the error for those beyond is about the byte in their place. */
#define MAX_FAULTS		10000

typedef struct Fault
{
	uint64		offset;			/* of the byte in its place, in what the stream gave */
	int			len;
	unsigned char bytes[SHOWN_BYTES];
} Fault;

typedef struct ConvertStream
{
	BulkStream	base;			/* first, so that a stream is one */
	int			encoding;
	Oid			conversion;
	char		invalid;		/* what no character of the database's encoding begins with */
	BulkChunk	raw;
	char	   *text;			/* converted, BULK_CHUNK bytes */
	Size		pos;
	Size		len;
	uint64		given;			/* bytes before the text */
	MemoryContext memory;
	int			nfaults;
	Fault	   *faults;			/* by offset */
} ConvertStream;

/* Is there anything to convert from it to the database's? As COPY has it. */
bool
bulk_convert_needed(int encoding)
{
	int			database = GetDatabaseEncoding();

	if (database == PG_SQL_ASCII && PG_ENCODING_IS_CLIENT_ONLY(encoding))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot load data in encoding \"%s\" into a database with encoding \"%s\"",
						pg_encoding_to_char(encoding), pg_encoding_to_char(database))));
	return encoding != database && encoding != PG_SQL_ASCII && database != PG_SQL_ASCII;
}

/* The character at the start of the raw bytes cannot be converted. */
static void
replace_character(ConvertStream *stream)
{
	BulkChunk  *raw = &stream->raw;
	const unsigned char *bytes = (unsigned char *) raw->bytes + raw->pos;
	int			left = raw->len - raw->pos;
	int			len = pg_encoding_verifymbchar(stream->encoding, (const char *) bytes, left);

	if (stream->nfaults < MAX_FAULTS)
	{
		Fault	   *fault;

		if (stream->faults == NULL)
			stream->faults = MemoryContextAlloc(stream->memory, MAX_FAULTS * sizeof(Fault));
		fault = &stream->faults[stream->nfaults++];
		fault->offset = stream->given + stream->len;
		fault->len = Min(left, SHOWN_BYTES);
		memcpy(fault->bytes, bytes, fault->len);
	}
	stream->text[stream->len++] = stream->invalid;
	raw->pos += Max(len, 1);
}

/* Convert raw bytes as far as they are good; false if that is not at all. */
static bool
convert_bytes(ConvertStream *stream)
{
	BulkChunk  *raw = &stream->raw;
	char	   *text = stream->text + stream->len;
	int			n;

	n = pg_do_encoding_conversion_buf(stream->conversion, stream->encoding,
									  GetDatabaseEncoding(),
									  (unsigned char *) raw->bytes + raw->pos,
									  raw->len - raw->pos,
									  (unsigned char *) text, BULK_CHUNK - stream->len, true);
	if (n == 0)
		return false;
	raw->pos += n;
	stream->len += strlen(text);
	return true;
}

/* Have some text, of all that is there to be converted; false at the end. */
static bool
make_text(ConvertStream *stream)
{
	BulkChunk  *raw = &stream->raw;

	stream->given += stream->len;
	stream->pos = stream->len = 0;
	while (stream->len < BULK_CHUNK / 2)
	{
		Size		left = raw->len - raw->pos;

		if (left > 0 && convert_bytes(stream))
			continue;
		if (left >= MAX_CONVERSION_INPUT_LENGTH || (raw->ended && left > 0))
			replace_character(stream);
		else if (raw->ended || stream->len > 0)
			break;
		else
			bulk_stream_fill(stream->base.below, raw);
	}
	return stream->len > 0;
}

static Size
convert_read(BulkStream *base, char *buffer, Size room)
{
	ConvertStream *stream = (ConvertStream *) base;

	if (stream->pos == stream->len && !make_text(stream))
		return 0;
	room = Min(room, stream->len - stream->pos);
	memcpy(buffer, stream->text + stream->pos, room);
	stream->pos += room;
	return room;
}

/* No row before the offset will be asked for. */
void
bulk_convert_forget(BulkStream *base, uint64 offset)
{
	ConvertStream *stream = (ConvertStream *) base;
	int			n = 0;

	while (n < stream->nfaults && stream->faults[n].offset < offset)
		n++;
	if (n == 0)
		return;
	stream->nfaults -= n;
	memmove(stream->faults, stream->faults + n, stream->nfaults * sizeof(Fault));
}

/* Raise the error about the first fault in these bytes that is known. */
void
bulk_convert_complain(BulkStream *base, uint64 offset, Size len)
{
	ConvertStream *stream = (ConvertStream *) base;
	unsigned char text[SHOWN_BYTES * MAX_CONVERSION_GROWTH + 1];

	for (int i = 0; i < stream->nfaults; i++)
	{
		Fault	   *fault = &stream->faults[i];

		if (fault->offset >= offset && fault->offset < offset + len)
			(void) pg_do_encoding_conversion_buf(stream->conversion, stream->encoding,
												 GetDatabaseEncoding(), fault->bytes,
												 fault->len, text, sizeof(text), false);
	}
}

/* Zero is a character nowhere, but a reader may take it for a worse fault than it is. */
static char
invalid_byte(int encoding)
{
	return pg_encoding_verifymbchar(encoding, "\xFF\xA1", 2) < 0 ? '\xFF' : '\0';
}

BulkStream *
bulk_stream_convert(BulkStream *below, int encoding)
{
	ConvertStream *stream = palloc0(sizeof(ConvertStream));
	int			database = GetDatabaseEncoding();

	stream->encoding = encoding;
	stream->conversion = FindDefaultConversionProc(encoding, database);
	if (!OidIsValid(stream->conversion))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("default conversion function for encoding \"%s\" to \"%s\" does not exist",
						pg_encoding_to_char(encoding), pg_encoding_to_char(database))));
	stream->invalid = invalid_byte(database);
	stream->base.read = convert_read;
	stream->base.below = below;
	stream->base.name = below->name;
	stream->raw.bytes = palloc(BULK_CHUNK);
	stream->text = palloc(BULK_CHUNK);
	stream->memory = CurrentMemoryContext;
	return &stream->base;
}
