/*
 * bulk_delimited.h
 *		Records of delimited fields: what CSV and COPY's text format share.
 *
 * bulk_delimited.c takes windows from the source and splits them into records
 * and fields; bulk_header.c finds out which column each field is for;
 * bulk_sniff.c guesses the delimiter.  bulk_csv.c and bulk_text.c add what
 * their formats do to a field.  None of them knows tables or catalogues.
 */
#ifndef PURSER_BULK_DELIMITED_H
#define PURSER_BULK_DELIMITED_H

#include "bulk/input/bulk_input.h"
#include "bulk/input/bulk_scan.h"

typedef enum BulkLineEnd
{
	BULK_LINE_UNKNOWN,
	BULK_LINE_LF,
	BULK_LINE_CR,
	BULK_LINE_CRLF
} BulkLineEnd;

typedef struct BulkDelimited BulkDelimited;
struct BulkDelimited
{
	BulkReader	base;			/* first, so that it is a reader */
	BulkFormat	format;
	bool		csv;			/* else text */

	/* Make of the text of a field with quotes or backslashes what it stands for. */
	void		(*decode) (BulkDelimited *reader, BulkField *field, int column);

	/* Which column each field of a record is for; -1 if it is to be ignored. */
	int			ncolumns;
	int		   *columns;
	const char **names;
	BulkField **slots;			/* one more than columns: for the fields too many */
	BulkField	ignored;

	/* The record that is being read, or the last one. */
	const char *record;			/* where it begins */
	const char *start;			/* where its present field begins */
	const char *end;			/* where its last field ends */
	int			nfields;
	int			nspecial;		/* of them, to be decoded */
	int		   *special;
	uint16		flags;			/* of all its fields together */
	bool		odd;			/* is not plain ASCII */

	/* How far reading got.  These point into the source's window. */
	const char *next;			/* where the next record begins */
	const char *stripe;			/* what the index is of */
	const char *scanned;		/* where the next stripe begins */
	int			entry;			/* the next of the index */
	uint64		row;			/* of the record */
	uint64		line;			/* of next */
	BulkLineEnd line_end;
	bool		begun;			/* the header is read */
	bool		ended;			/* there was an end-of-data marker */
	bool		settled;		/* next is right, whatever is wrong with the record */
	BulkScan	scan;
};

/* ---- bulk_delimited.c ---- */

extern BulkDelimited *bulk_delimited_reader(const BulkReader *base, const BulkFormat *format);
extern void bulk_delimited_fetch(BulkDelimited *reader);
extern void bulk_delimited_use(BulkDelimited *reader, int ncolumns);
extern bool bulk_delimited_read(BulkDelimited *reader);
extern void bulk_delimited_return(BulkDelimited *reader);

/* ---- bulk_header.c ---- */

extern void bulk_header_read(BulkDelimited *reader);

/* ---- bulk_sniff.c ---- */

extern char bulk_sniff_delimiter(BulkDelimited *reader);

#endif							/* PURSER_BULK_DELIMITED_H */
