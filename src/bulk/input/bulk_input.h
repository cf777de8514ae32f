/*
 * bulk_input.h
 *		From bytes to rows of fields: sources and readers.
 *
 * A source gives the input as windows of bytes, a reader makes rows of fields
 * from them.  Neither knows tables or catalogues: what a reader must know of
 * the columns it asks the schema.
 *
 * Fields and raw rows point into the source's windows, or into row_memory
 * where they had to be decoded.  They stay valid until the load calls
 * bulk_source_release() and resets row_memory, which it does when no row on
 * its way needs them any more.
 */
#ifndef PURSER_BULK_INPUT_H
#define PURSER_BULK_INPUT_H

#include "pg_purser.h"

#include "utils/jsonb.h"

/* Row and line count from 1; 0 means that there is none. */
typedef struct BulkPosition
{
	uint64		row;			/* ordinal of the data row */
	uint64		line;			/* line of the input where the row begins */
	uint64		offset;			/* bytes of input before the row */
} BulkPosition;

typedef enum BulkFieldKind
{
	BULK_MISSING = 0,			/* not in the row: the column's default */
	BULK_NULL,
	BULK_TEXT,					/* what the type's input function takes */
	BULK_JSON_STRING,			/* the string without quotes and escapes */
	BULK_JSON_ARRAY,			/* JSON text */
	BULK_JSON_OBJECT,			/* JSON text */
	BULK_DATUM					/* a value of the column's type, or of what its cast takes */
} BulkFieldKind;

typedef struct BulkField
{
	BulkFieldKind kind;
	int			len;			/* of the text, in bytes */
	union
	{
		const char *text;		/* not terminated */
		Datum		datum;
	};
} BulkField;

/* What the error context tells; each step keeps it up to date. */
typedef struct BulkContext
{
	const char *verb;			/* what is being done: "bulk_insert into" */
	const char *relation;
	BulkPosition start;			/* of the source, in the file that it is a range of */
	BulkPosition position;		/* in the source */
	uint64		last_row;		/* with a batch: its last row, else 0 */
	const char *column;			/* being coerced, or NULL */
	const BulkField *field;		/* its input */
	const char *hint;			/* for errors in the form of the input, or NULL */
	ErrorContextCallback callback;
} BulkContext;

extern void bulk_context_push(BulkContext *context, const char *verb, const char *relation);
extern void bulk_context_pop(BulkContext *context);
extern char *bulk_context_clip(const char *text, int len);
extern char bulk_context_first(const char *data, int len);

/* ---- bytes: bulk_source*.c ---- */

/*
 * The input as a window of bytes.  A reader takes bytes from data up to
 * data + len, and asks for more when its row does not end there.
 */
typedef struct BulkSource BulkSource;
struct BulkSource
{
	const char *data;			/* the window */
	Size		len;
	uint64		offset;			/* of the window's first byte in the input */
	bool		complete;		/* nothing comes after the window */
	bool		file;			/* of the server */
	bool		compressed;		/* data is what was unpacked */
	bool		verify;			/* not known to be valid in the database's encoding */

	/*
	 * Make the window begin at data + keep and reach further, or set complete.
	 * The window may move; what was given out before stays valid until release.
	 * NULL when the first window is all there is.
	 */
	void		(*more) (BulkSource *source, Size keep);
	void		(*release) (BulkSource *source);	/* NULL: nothing to free */
	void		(*close) (BulkSource *source);	/* NULL: nothing to close */

	/* Raise the exact error about bytes of the window that are not valid, if it is known. */
	void		(*complain) (BulkSource *source, const char *data, Size len);
	uint64		size;			/* of the whole input if known, else 0, in bytes */
	uint64		consumed;		/* of size; a compressed file's own bytes */
};

typedef enum BulkCompression
{
	BULK_COMPRESSION_AUTO,		/* by the first bytes */
	BULK_COMPRESSION_NONE,
	BULK_COMPRESSION_GZIP,
	BULK_COMPRESSION_ZSTD
} BulkCompression;

/* What bytes of a file or a bytea stand for. */
typedef struct BulkCoding
{
	BulkCompression compression;
	int			encoding;
} BulkCoding;

/* A range of a file, read as if the file's header came right before it. */
typedef struct BulkSlice
{
	const char *path;
	uint64		from;
	uint64		to;
	const char *header;			/* stays where it is */
	Size		header_len;		/* 0: there is none */
} BulkSlice;

extern BulkSource *bulk_source_memory(const char *data, Size len);
extern BulkSource *bulk_source_bytes(const char *data, Size len, const BulkCoding *coding);
extern BulkSource *bulk_source_file(const char *path, const BulkCoding *coding);
extern BulkSource *bulk_source_range(const char *path, const BulkCoding *coding,
									 uint64 from, uint64 to);
extern BulkSource *bulk_source_headed(const BulkSlice *slice, const BulkCoding *coding);
extern void bulk_source_more(BulkSource *source, Size keep);
extern void bulk_source_verify(BulkSource *source, const char *data, Size len);
extern void bulk_source_release(BulkSource *source);
extern void bulk_source_close(BulkSource *source);

/* ---- rows of fields: bulk_csv.c, bulk_text.c, bulk_json.c and others ---- */

/* What a reader may ask about the columns. */
typedef struct BulkSchema BulkSchema;
struct BulkSchema
{
	int			ncolumns;		/* dropped ones included: indexes are below it */

	/*
	 * Index of the column that the input names, -1 if it is unknown and to be
	 * ignored; an error if it may not be named.  position: ordinal of the name
	 * in its row, from 0, a hint for finding it fast.
	 */
	int			(*find) (BulkSchema *schema, const char *name, int len, int position);

	/* Is there such a column?  Asks for nothing more, and never fails. */
	bool		(*has) (BulkSchema *schema, const char *name, int len);

	/*
	 * For input without names: fills columns[] (room for
	 * MaxHeapAttributeNumber) with those that a row has, in order, -1 where
	 * what it has is to be ignored, and names[], if it is not NULL, with their
	 * names; returns their number.
	 */
	int			(*all) (BulkSchema *schema, int *columns, const char **names);
	const char *(*name) (BulkSchema *schema, int column);
};

typedef enum BulkHeader
{
	BULK_HEADER_NAMES,			/* the first line names the columns */
	BULK_HEADER_NONE,
	BULK_HEADER_SKIP,			/* there is one, of no meaning */
	BULK_HEADER_MATCH,			/* it must name the columns in their order */
	BULK_HEADER_SNIFF			/* whether it names columns is to be seen from it */
} BulkHeader;

/* How the input is written.  Characters that are not set are zero. */
typedef struct BulkFormat
{
	BulkHeader	header;
	char		delimiter;		/* zero: to be sniffed */
	char		quote;
	char		escape;
	const char *null;			/* what stands for null, never NULL */
	int			null_len;
	const char *dflt;			/* what stands for the default, or NULL */
	int			dflt_len;
	bool	   *force_null;		/* by column: a quoted null string is null too; or NULL */
	bool	   *force_not_null; /* by column: the null string is itself; or NULL */
	bool		lines;			/* json: one object per line */
} BulkFormat;

/*
 * Reads rows.  A constructor takes one that is filled in from source on, and
 * makes its own of it.
 */
typedef struct BulkReader BulkReader;
struct BulkReader
{
	/*
	 * Read the next row: position in the context, fields and raw; false at the
	 * end of the input.  Fields that the row does not have are BULK_MISSING;
	 * it is the reader that sets them so.
	 */
	bool		(*next) (BulkReader *reader);

	/*
	 * next() raised an error about one row: step behind it, so that next() may
	 * be called again, and set raw to it.  False if that cannot be done.
	 * NULL: never.
	 */
	bool		(*resume) (BulkReader *reader);

	/* Only with rejects: all rows that were read are settled.  NULL: never. */
	void		(*done) (BulkReader *reader);

	BulkSource *source;			/* NULL: the input is no bytes */
	BulkSchema *schema;
	BulkContext *context;
	BulkField  *fields;			/* one for each of the schema's columns */
	const char *raw;			/* the row as it stands in the input, without its line end */
	Size		raw_len;
	MemoryContext load_memory;	/* for what lives as long as the reader */
	MemoryContext row_memory;	/* for decoded fields */
};

extern BulkReader *bulk_csv_reader(const BulkReader *base, const BulkFormat *format);
extern BulkReader *bulk_text_reader(const BulkReader *base, const BulkFormat *format);
extern BulkReader *bulk_json_reader(const BulkReader *base, const BulkFormat *format);
extern BulkReader *bulk_jsonb_reader(const BulkReader *base, Jsonb *data);
extern void bulk_jsonb_object(BulkReader *reader, JsonbContainer *object);

extern void bulk_json_refuse_data(const char *what, const char *hint);
extern void bulk_json_refuse_element(const char *what);

#endif							/* PURSER_BULK_INPUT_H */
