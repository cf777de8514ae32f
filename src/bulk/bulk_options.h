/*
 * bulk_options.h
 *		Words and options of a call, for the files that read them.
 */
#ifndef PURSER_BULK_OPTIONS_H
#define PURSER_BULK_OPTIONS_H

#include "bulk/bulk.h"

#include "utils/jsonb.h"

/* A word that stands for a value; a list of them ends with a name of NULL. */
typedef struct BulkWord
{
	const char *name;
	int			value;
} BulkWord;

/* ---- bulk_options.c ---- */

extern int	bulk_option_word(const BulkWord *words, const char *what, const char *plural,
							 const char *value);

/* ---- bulk_options_format.c ---- */

extern void bulk_options_read_format(BulkOptions *options, Jsonb *given);

#endif							/* PURSER_BULK_OPTIONS_H */
