/*
 * bulk_functions.c
 *		The functions that SQL calls: arguments in, counts or rows out.
 *
 * Each has one C function for all types of data, which is the argument after
 * the first; the others are found by name (bulk_options.c).
 */
#include "bulk/job/bulk_job.h"
#include "shared/arguments.h"

#include "access/htup_details.h"
#include "executor/tstoreReceiver.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(purser_bulk_insert_0_1);
PG_FUNCTION_INFO_V1(purser_bulk_load_0_1);
PG_FUNCTION_INFO_V1(purser_bulk_insert_outcomes_0_1);
PG_FUNCTION_INFO_V1(purser_bulk_insert_returning_0_1);
PG_FUNCTION_INFO_V1(purser_bulk_update_0_1);
PG_FUNCTION_INFO_V1(purser_bulk_delete_0_1);

/* The first arguments of all of them. */
enum
{
	ARG_TARGET,
	ARG_DATA					/* or path */
};

/* Attributes of purser.bulk_result. */
enum
{
	RESULT_INSERTED,
	RESULT_UPDATED,
	RESULT_SKIPPED,
	RESULT_REJECTED,
	RESULT_LOAD_ID,
	RESULT_NATTS
};

/* Attributes of purser.bulk_delete_result. */
enum
{
	DELETE_DELETED,
	DELETE_SKIPPED,
	DELETE_REJECTED,
	DELETE_LOAD_ID,
	DELETE_NATTS
};

/* Also for other functions that return a purser.bulk_result. */
Datum
bulk_make_result(FunctionCallInfo fcinfo, const BulkResult *result)
{
	TupleDesc	tupdesc;
	Datum		values[RESULT_NATTS] = {0};
	bool		nulls[RESULT_NATTS] = {0};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[RESULT_INSERTED] = Int64GetDatum(result->counts[BULK_INSERTED]);
	values[RESULT_UPDATED] = Int64GetDatum(result->counts[BULK_UPDATED]);
	values[RESULT_SKIPPED] = Int64GetDatum(result->counts[BULK_SKIPPED] +
											  result->counts[BULK_UNCHANGED]);
	values[RESULT_REJECTED] = Int64GetDatum(result->counts[BULK_REJECTED]);
	values[RESULT_LOAD_ID] = Int64GetDatum(result->load_id);
	nulls[RESULT_LOAD_ID] = result->load_id == 0;
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls));
}

/* input: the name of the second argument */
static BulkOptions *
get_options(FunctionCallInfo fcinfo, const char *input)
{
	shared_arg_require(fcinfo, ARG_TARGET, "target");
	shared_arg_require(fcinfo, ARG_DATA, input);
	return bulk_options_from_call(fcinfo);
}

/* bulk_insert(regclass, data, ...) */
Datum
purser_bulk_insert_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options = get_options(fcinfo, "data");
	BulkInput	input = bulk_data_input(fcinfo, ARG_DATA, options);
	BulkResult	result = bulk_load(PG_GETARG_OID(ARG_TARGET), &input, options);

	bulk_data_close(&input);
	return bulk_make_result(fcinfo, &result);
}

/* bulk_load(regclass, path text, ...) */
Datum
purser_bulk_load_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options = get_options(fcinfo, "path");
	BulkCoding	coding = bulk_options_coding(options);
	BulkInput	input = {.verb = BULK_LOAD_VERB};
	BulkFileCall file = {.path = text_to_cstring(PG_GETARG_TEXT_PP(ARG_DATA))};
	BulkResult	result;

	bulk_file_check_privilege();
	input.source = bulk_source_file(file.path, &coding);
	if (options->workers > 0)
	{
		file.function = fcinfo->flinfo->fn_oid;
		file.arguments = bulk_arguments_to_json(fcinfo, ARG_DATA);
		input.file = &file;
	}
	result = bulk_load(PG_GETARG_OID(ARG_TARGET), &input, options);
	bulk_source_close(input.source);
	return bulk_make_result(fcinfo, &result);
}

/* bulk_insert_outcomes(regclass, data, ...) */
Datum
purser_bulk_insert_outcomes_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options = get_options(fcinfo, "data");
	BulkInput	input = bulk_data_input(fcinfo, ARG_DATA, options);
	Datum		result = bulk_outcomes_return(fcinfo, PG_GETARG_OID(ARG_TARGET), &input, options);

	bulk_data_close(&input);
	return result;
}

/* bulk_insert_returning(row anyelement, data, format text, ...) */
Datum
purser_bulk_insert_returning_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options;
	BulkInput	input;
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, ARG_TARGET);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DestReceiver *store = CreateDestReceiver(DestTuplestore);
	BulkOrdered *ordered;
	Oid			relid = get_typ_typrelid(type);

	shared_arg_require(fcinfo, ARG_DATA, "data");
	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("argument \"%s\" must be of the row type of a table", "row"),
				 errhint("Give a null of the table's type, such as NULL::my_table.")));
	options = bulk_options_from_call(fcinfo);
	input = bulk_data_input(fcinfo, ARG_DATA, options);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	SetTuplestoreDestReceiverParams(store, result->setResult,
									result->econtext->ecxt_per_query_memory, false,
									result->setDesc, "rows do not have the type of the table");
	ordered = bulk_ordered_begin(store);
	options->returning = bulk_ordered_returning(ordered);
	(void) bulk_load(relid, &input, options);
	bulk_data_close(&input);
	bulk_ordered_end(ordered);
	store->rDestroy(store);
	return (Datum) 0;
}

/* bulk_update(target regclass, data, key_columns text[], format text, options jsonb, ...) */
Datum
purser_bulk_update_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options = get_options(fcinfo, "data");
	BulkInput	input = bulk_data_input(fcinfo, ARG_DATA, options);
	BulkResult	result;

	options->verb = BULK_UPDATE;
	result = bulk_load(PG_GETARG_OID(ARG_TARGET), &input, options);
	bulk_data_close(&input);
	return bulk_make_result(fcinfo, &result);
}

/* bulk_delete(target regclass, data, key_columns text[], format text, options jsonb, ...) */
Datum
purser_bulk_delete_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options = get_options(fcinfo, "data");
	BulkInput	input = bulk_data_input(fcinfo, ARG_DATA, options);
	BulkResult	result;
	TupleDesc	tupdesc;
	Datum		values[DELETE_NATTS];
	bool		nulls[DELETE_NATTS] = {0};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	options->verb = BULK_DELETE;
	bulk_scalars_input(&input, options);
	result = bulk_load(PG_GETARG_OID(ARG_TARGET), &input, options);
	bulk_data_close(&input);
	values[DELETE_DELETED] = Int64GetDatum(result.counts[BULK_DELETED]);
	values[DELETE_SKIPPED] = Int64GetDatum(result.counts[BULK_SKIPPED]);
	values[DELETE_REJECTED] = Int64GetDatum(result.counts[BULK_REJECTED]);
	values[DELETE_LOAD_ID] = Int64GetDatum(result.load_id);
	nulls[DELETE_LOAD_ID] = result.load_id == 0;
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls));
}
