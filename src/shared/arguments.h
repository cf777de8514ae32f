/*
 * arguments.h
 *		Arguments of SQL-callable functions: fetched, checked, in C's types.
 */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include "pg_purser.h"

#include "fmgr.h"

/* Strings in the current memory context. */
typedef struct NameList
{
	int			count;
	char	  **items;
} NameList;

extern void shared_arg_require(FunctionCallInfo fcinfo, int number, const char *name);
extern Oid	shared_arg_type(FunctionCallInfo fcinfo, int number);
extern char *shared_arg_text(FunctionCallInfo fcinfo, int number, const char *name);
extern char *shared_arg_text_or_null(FunctionCallInfo fcinfo, int number);
extern NameList shared_arg_names(FunctionCallInfo fcinfo, int number, const char *name);
extern NameList shared_names_from_array(Datum array, const char *name);
extern Datum shared_names_to_array(NameList names);

#endif							/* ARGUMENTS_H */
