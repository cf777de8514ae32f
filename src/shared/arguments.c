/*
 * arguments.c
 *		Arguments of SQL-callable functions: fetched, checked, in C's types.
 *
 * The functions are not STRICT where a null would silently do nothing: a null
 * that makes no sense is an error that names the argument.
 */
#include "arguments.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* An argument that may not be null. */
void
shared_arg_require(FunctionCallInfo fcinfo, int number, const char *name)
{
	if (PG_ARGISNULL(number))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
}

/*
 * The type that the function declares for an argument, which is not polymorphic:
 * a client's function call has no expression that would tell.
 */
Oid
shared_arg_type(FunctionCallInfo fcinfo, int number)
{
	Oid		   *types;
	int			ntypes;

	(void) get_func_signature(fcinfo->flinfo->fn_oid, &types, &ntypes);
	return types[number];
}

char *
shared_arg_text(FunctionCallInfo fcinfo, int number, const char *name)
{
	shared_arg_require(fcinfo, number, name);
	return text_to_cstring(PG_GETARG_TEXT_PP(number));
}

char *
shared_arg_text_or_null(FunctionCallInfo fcinfo, int number)
{
	return PG_ARGISNULL(number) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(number));
}

/* A text[] argument; null reads as an empty list. */
NameList
shared_arg_names(FunctionCallInfo fcinfo, int number, const char *name)
{
	NameList	none = {0, NULL};

	return PG_ARGISNULL(number) ? none : shared_names_from_array(PG_GETARG_DATUM(number), name);
}

NameList
shared_names_from_array(Datum array, const char *name)
{
	ArrayType  *value = DatumGetArrayTypeP(array);
	NameList	names = {0, NULL};
	Datum	   *elements;
	bool	   *nulls;

	if (ARR_NDIM(value) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("argument \"%s\" must be a one-dimensional array", name)));
	deconstruct_array(value, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &names.count);
	if (names.count == 0)
		return names;

	names.items = palloc(sizeof(char *) * names.count);
	for (int i = 0; i < names.count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain nulls", name)));
		names.items[i] = TextDatumGetCString(elements[i]);
	}
	return names;
}

Datum
shared_names_to_array(NameList names)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(names.count, 1));

	for (int i = 0; i < names.count; i++)
		elements[i] = CStringGetTextDatum(names.items[i]);
	return PointerGetDatum(construct_array(elements, names.count, TEXTOID, -1, false,
										   TYPALIGN_INT));
}
