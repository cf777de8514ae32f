/*
 * bulk_functions.c
 *		The functions that SQL calls: arguments in, purser.bulk_result out.
 */
#include "bulk.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(purser_bulk_insert_0_1);
PG_FUNCTION_INFO_V1(purser_bulk_insert_json_0_1);
PG_FUNCTION_INFO_V1(purser_bulk_insert_jsonb_0_1);

/* Arguments of all of them. */
enum
{
	ARG_TARGET,
	ARG_DATA,
	ARG_FORMAT,
	ARG_ON_CONFLICT,
	ARG_CONFLICT_COLUMNS
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

typedef void (*BulkReader) (BulkSink *sink, const char *data, int len);

static const struct
{
	const char *name;
	BulkReader	read;
}			formats[] =
{
	{"json", bulk_json_read},
	{"csv", bulk_csv_read}
};

static void
check_not_null(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
}

static void
check_required(FunctionCallInfo fcinfo)
{
	check_not_null(fcinfo, ARG_TARGET, "target");
	check_not_null(fcinfo, ARG_DATA, "data");
	check_not_null(fcinfo, ARG_FORMAT, "format");
	check_not_null(fcinfo, ARG_ON_CONFLICT, "on_conflict");
}

/* The reader for the argument "format"; names are exact, as the values of COPY's options are. */
static BulkReader
get_reader(FunctionCallInfo fcinfo)
{
	char	   *format = text_to_cstring(PG_GETARG_TEXT_PP(ARG_FORMAT));

	for (int i = 0; i < (int) lengthof(formats); i++)
		if (strcmp(format, formats[i].name) == 0)
			return formats[i].read;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("format \"%s\" not recognized", format),
			 errhint("Valid formats are \"json\" and \"csv\".")));
}

/* For data that is of a JSON type. */
static void
check_format_is_json(FunctionCallInfo fcinfo)
{
	if (get_reader(fcinfo) != bulk_json_read)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("data of a JSON type cannot have the format \"%s\"",
						text_to_cstring(PG_GETARG_TEXT_PP(ARG_FORMAT))),
				 errhint("Cast the data to text, or leave the format out.")));
}

static List *
get_conflict_columns(ArrayType *array)
{
	List	   *columns = NIL;
	Datum	   *names;
	bool	   *nulls;
	int			nnames;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &nnames);
	for (int i = 0; i < nnames; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain nulls", "conflict_columns")));
		columns = lappend(columns, TextDatumGetCString(names[i]));
	}
	if (columns == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", "conflict_columns"),
				 errhint("Leave it out to have every unique constraint count.")));
	return columns;
}

static BulkOptions
get_options(FunctionCallInfo fcinfo)
{
	char	   *on_conflict = text_to_cstring(PG_GETARG_TEXT_PP(ARG_ON_CONFLICT));
	BulkOptions options = {0};

	if (strcmp(on_conflict, "skip") == 0)
		options.skip_conflicts = true;
	else if (strcmp(on_conflict, "error") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("on_conflict \"%s\" not recognized", on_conflict),
				 errhint("Valid values are \"error\" and \"skip\".")));
	if (!PG_ARGISNULL(ARG_CONFLICT_COLUMNS))
	{
		ArrayType  *columns = PG_GETARG_ARRAYTYPE_P(ARG_CONFLICT_COLUMNS);

		if (!options.skip_conflicts)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("conflict_columns need on_conflict \"skip\"")));
		options.conflict_columns = get_conflict_columns(columns);
	}
	return options;
}

static Datum
make_result(FunctionCallInfo fcinfo, const BulkResult *result)
{
	TupleDesc	tupdesc;
	Datum		values[RESULT_NATTS] = {0};
	bool		nulls[RESULT_NATTS] = {0};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[RESULT_INSERTED] = Int64GetDatum(result->inserted);
	values[RESULT_UPDATED] = Int64GetDatum(0);
	values[RESULT_SKIPPED] = Int64GetDatum(result->skipped);
	values[RESULT_REJECTED] = Int64GetDatum(0);
	nulls[RESULT_LOAD_ID] = true;
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls));
}

static Datum
load_and_report(FunctionCallInfo fcinfo, const BulkInput *input)
{
	BulkOptions options = get_options(fcinfo);
	BulkResult	result = bulk_load(PG_GETARG_OID(ARG_TARGET), input, &options);

	return make_result(fcinfo, &result);
}

static void
set_text(BulkInput *input, FunctionCallInfo fcinfo)
{
	text	   *data = PG_GETARG_TEXT_PP(ARG_DATA);

	input->data = VARDATA_ANY(data);
	input->len = VARSIZE_ANY_EXHDR(data);
}

/* bulk_insert(regclass, text, format text, on_conflict text, conflict_columns text[]) */
Datum
purser_bulk_insert_0_1(PG_FUNCTION_ARGS)
{
	BulkInput	input = {0};

	check_required(fcinfo);
	input.read = get_reader(fcinfo);
	set_text(&input, fcinfo);
	return load_and_report(fcinfo, &input);
}

/* The same with data json */
Datum
purser_bulk_insert_json_0_1(PG_FUNCTION_ARGS)
{
	BulkInput	input = {.read = bulk_json_read};

	check_required(fcinfo);
	check_format_is_json(fcinfo);
	set_text(&input, fcinfo);
	return load_and_report(fcinfo, &input);
}

/* The same with data jsonb */
Datum
purser_bulk_insert_jsonb_0_1(PG_FUNCTION_ARGS)
{
	BulkInput	input = {0};

	check_required(fcinfo);
	check_format_is_json(fcinfo);
	input.jsonb = PG_GETARG_JSONB_P(ARG_DATA);
	return load_and_report(fcinfo, &input);
}
