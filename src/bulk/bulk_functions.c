/*
 * bulk_functions.c
 *		The functions that SQL calls: arguments in, purser.bulk_result out.
 *
 * Arguments other than target and data are found by name: bulk_options.c.
 */
#include "bulk/job/bulk_job.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(purser_bulk_insert_0_1);
PG_FUNCTION_INFO_V1(purser_bulk_insert_bytea_0_1);
PG_FUNCTION_INFO_V1(purser_bulk_insert_json_0_1);
PG_FUNCTION_INFO_V1(purser_bulk_insert_jsonb_0_1);
PG_FUNCTION_INFO_V1(purser_bulk_load_0_1);
PG_FUNCTION_INFO_V1(purser_bulk_insert_outcomes_0_1);
PG_FUNCTION_INFO_V1(purser_bulk_insert_outcomes_bytea_0_1);
PG_FUNCTION_INFO_V1(purser_bulk_insert_outcomes_json_0_1);
PG_FUNCTION_INFO_V1(purser_bulk_insert_outcomes_jsonb_0_1);

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

static void
check_not_null(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
}

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
	check_not_null(fcinfo, ARG_TARGET, "target");
	check_not_null(fcinfo, ARG_DATA, input);
	return bulk_options_from_call(fcinfo);
}

/* For data that is of a JSON type. */
static void
check_format_is_json(const BulkOptions *options)
{
	bulk_options_check_text(options);
	if (options->format_name != BULK_FORMAT_JSON)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("data of a JSON type can only have the format \"json\""),
				 errhint("Cast the data to text, or leave the format out.")));
}

static Datum
load_and_report(FunctionCallInfo fcinfo, const BulkInput *input, const BulkOptions *options)
{
	BulkResult	result = bulk_load(PG_GETARG_OID(ARG_TARGET), input, options);

	if (input->source != NULL)
		bulk_source_close(input->source);
	return bulk_make_result(fcinfo, &result);
}

static BulkSource *
text_source(FunctionCallInfo fcinfo)
{
	text	   *data = PG_GETARG_TEXT_PP(ARG_DATA);

	return bulk_source_memory(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data));
}

static BulkSource *
bytea_source(FunctionCallInfo fcinfo, const BulkOptions *options)
{
	BulkCoding	coding = bulk_options_coding(options);
	bytea	   *data = PG_GETARG_BYTEA_PP(ARG_DATA);

	return bulk_source_bytes(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), &coding);
}

/* bulk_insert(regclass, text, ...) */
Datum
purser_bulk_insert_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options = get_options(fcinfo, "data");
	BulkInput	input = {.source = text_source(fcinfo)};

	bulk_options_check_text(options);
	return load_and_report(fcinfo, &input, options);
}

/* The same with data bytea */
Datum
purser_bulk_insert_bytea_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options = get_options(fcinfo, "data");
	BulkInput	input = {.source = bytea_source(fcinfo, options)};

	return load_and_report(fcinfo, &input, options);
}

/* The same with data json */
Datum
purser_bulk_insert_json_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options = get_options(fcinfo, "data");
	BulkInput	input = {.source = text_source(fcinfo)};

	check_format_is_json(options);
	return load_and_report(fcinfo, &input, options);
}

/* The same with data jsonb */
Datum
purser_bulk_insert_jsonb_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options = get_options(fcinfo, "data");
	BulkInput	input = {.jsonb = PG_GETARG_JSONB_P(ARG_DATA)};

	check_format_is_json(options);
	return load_and_report(fcinfo, &input, options);
}

/* bulk_load(regclass, path text, ...) */
Datum
purser_bulk_load_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options = get_options(fcinfo, "path");
	BulkCoding	coding = bulk_options_coding(options);
	BulkInput	input = {.verb = BULK_LOAD_VERB};
	BulkFileCall file = {.path = text_to_cstring(PG_GETARG_TEXT_PP(ARG_DATA))};

	bulk_file_check_privilege();
	input.source = bulk_source_file(file.path, &coding);
	if (options->workers > 0)
	{
		file.function = fcinfo->flinfo->fn_oid;
		file.arguments = bulk_arguments_to_json(fcinfo, ARG_DATA);
		input.file = &file;
	}
	return load_and_report(fcinfo, &input, options);
}

/* bulk_insert_outcomes(regclass, text, ...) */
Datum
purser_bulk_insert_outcomes_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options = get_options(fcinfo, "data");
	BulkInput	input = {.source = text_source(fcinfo)};

	bulk_options_check_text(options);
	return bulk_outcomes_return(fcinfo, PG_GETARG_OID(ARG_TARGET), &input, options);
}

/* The same with data bytea */
Datum
purser_bulk_insert_outcomes_bytea_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options = get_options(fcinfo, "data");
	BulkInput	input = {.source = bytea_source(fcinfo, options)};
	Datum		result = bulk_outcomes_return(fcinfo, PG_GETARG_OID(ARG_TARGET), &input, options);

	bulk_source_close(input.source);
	return result;
}

/* The same with data json */
Datum
purser_bulk_insert_outcomes_json_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options = get_options(fcinfo, "data");
	BulkInput	input = {.source = text_source(fcinfo)};

	check_format_is_json(options);
	return bulk_outcomes_return(fcinfo, PG_GETARG_OID(ARG_TARGET), &input, options);
}

/* The same with data jsonb */
Datum
purser_bulk_insert_outcomes_jsonb_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options = get_options(fcinfo, "data");
	BulkInput	input = {.jsonb = PG_GETARG_JSONB_P(ARG_DATA)};

	check_format_is_json(options);
	return bulk_outcomes_return(fcinfo, PG_GETARG_OID(ARG_TARGET), &input, options);
}
