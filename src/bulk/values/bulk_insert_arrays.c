/*
 * bulk_insert_arrays.c
 *		purser.bulk_insert_arrays: arguments in, purser.bulk_result out.
 *
 * The arrays are arguments of VARIADIC "any", each of its own type.
 */
#include "bulk/bulk.h"

#include "shared/arguments.h"

PG_FUNCTION_INFO_V1(purser_bulk_insert_arrays_0_1);

enum
{
	ARG_TARGET,
	ARG_COLUMNS,
	ARG_ARRAYS					/* the first of them */
};

static void
check_arguments(FunctionCallInfo fcinfo)
{
	shared_arg_require(fcinfo, ARG_TARGET, "target");
	shared_arg_require(fcinfo, ARG_COLUMNS, "columns");
	if (get_fn_expr_variadic(fcinfo->flinfo))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the arrays cannot be passed as one VARIADIC array"),
				 errhint("Pass one array for each column, without VARIADIC.")));
}

/* The names of the columns, as many as there are arrays. */
static List *
get_columns(FunctionCallInfo fcinfo, int narrays)
{
	NameList	names = shared_arg_names(fcinfo, ARG_COLUMNS, "columns");
	List	   *list = NIL;

	if (names.count != narrays)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must name one column for each array", "columns"),
				 errdetail("Columns named: %d; arrays: %d.", names.count, narrays)));
	for (int i = 0; i < names.count; i++)
		list = lappend(list, names.items[i]);
	return list;
}

static BulkArrays *
get_arrays(FunctionCallInfo fcinfo)
{
	int			narrays = PG_NARGS() - ARG_ARRAYS;
	BulkArrays *arrays = palloc(offsetof(BulkArrays, items) + narrays * sizeof(BulkArray));

	arrays->narrays = narrays;
	for (int i = 0; i < narrays; i++)
	{
		int			arg = ARG_ARRAYS + i;

		arrays->items[i].type = get_fn_expr_argtype(fcinfo->flinfo, arg);
		arrays->items[i].isnull = PG_ARGISNULL(arg);
		arrays->items[i].value = PG_GETARG_DATUM(arg);
		if (!OidIsValid(arrays->items[i].type))
			elog(ERROR, "could not determine the types of the arrays");
	}
	return arrays;
}

/* bulk_insert_arrays(regclass, text[], VARIADIC "any") */
Datum
purser_bulk_insert_arrays_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options;
	BulkInput	input = {0};
	BulkResult	result;

	check_arguments(fcinfo);
	options = bulk_options_from_call(fcinfo);
	input.arrays = get_arrays(fcinfo);
	options->columns = get_columns(fcinfo, input.arrays->narrays);
	result = bulk_load(PG_GETARG_OID(ARG_TARGET), &input, options);
	return bulk_make_result(fcinfo, &result);
}
