/*
 * bulk_nested.h
 *		JSON values for columns of array and composite types.
 */
#ifndef PURSER_BULK_NESTED_H
#define PURSER_BULK_NESTED_H

#include "bulk/bulk_table.h"

/* ---- bulk_nested.c ---- */

extern Datum bulk_nested_record(BulkType *type, const char *json, int len);
extern char *bulk_nested_string(const char *text, int len);

/* ---- bulk_nested_array.c ---- */

extern char *bulk_nested_array(const BulkColumn *column, const BulkField *field);

#endif							/* PURSER_BULK_NESTED_H */
