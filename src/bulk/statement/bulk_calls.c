/*
 * bulk_calls.c
 *		The functions that SQL calls, but for bulk_insert: bulk_update,
 *		bulk_delete and bulk_insert_returning.
 *
 * Each has one C function for all types of data, which is the argument after
 * the first.
 */
#include "bulk/bulk.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/tstoreReceiver.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(purser_bulk_update_0_1);
PG_FUNCTION_INFO_V1(purser_bulk_delete_0_1);
PG_FUNCTION_INFO_V1(purser_bulk_insert_returning_0_1);

/* The first arguments of all of them. */
enum
{
	ARG_TARGET,
	ARG_DATA
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

static void
check_not_null(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
}

static BulkSource *
get_source(FunctionCallInfo fcinfo, Oid type, const BulkOptions *options)
{
	struct varlena *data = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(ARG_DATA));
	BulkCoding	coding = bulk_options_coding(options);

	if (type == BYTEAOID)
		return bulk_source_bytes(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), &coding);
	bulk_options_check_text(options);
	return bulk_source_memory(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data));
}

/* The data, of whichever type; text and bytea have the format of the options. */
static BulkInput
get_input(FunctionCallInfo fcinfo, const BulkOptions *options)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, ARG_DATA);
	BulkInput	input = {0};

	check_not_null(fcinfo, ARG_DATA, "data");
	if ((type == JSONOID || type == JSONBOID) && options->format_name != BULK_FORMAT_JSON)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("data of a JSON type can only have the format \"json\""),
				 errhint("Cast the data to text, or leave the format out.")));
	if (type == JSONBOID)
	{
		bulk_options_check_text(options);
		input.jsonb = PG_GETARG_JSONB_P(ARG_DATA);
	}
	else
		input.source = get_source(fcinfo, type, options);
	return input;
}

static BulkResult
load(Oid relid, const BulkInput *input, const BulkOptions *options)
{
	BulkResult	result = bulk_load(relid, input, options);

	if (input->source != NULL)
		bulk_source_close(input->source);
	return result;
}

/* bulk_update(target regclass, data, key_columns text[], format text, options jsonb, ...) */
Datum
purser_bulk_update_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options = bulk_options_from_call(fcinfo);
	BulkInput	input = get_input(fcinfo, options);
	BulkResult	result;

	check_not_null(fcinfo, ARG_TARGET, "target");
	options->verb = BULK_UPDATE;
	result = load(PG_GETARG_OID(ARG_TARGET), &input, options);
	return bulk_make_result(fcinfo, &result);
}

/* bulk_delete(target regclass, data, key_columns text[], format text, options jsonb, ...) */
Datum
purser_bulk_delete_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options = bulk_options_from_call(fcinfo);
	BulkInput	input = get_input(fcinfo, options);
	BulkResult	result;
	TupleDesc	tupdesc;
	Datum		values[DELETE_NATTS];
	bool		nulls[DELETE_NATTS] = {0};

	check_not_null(fcinfo, ARG_TARGET, "target");
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	options->verb = BULK_DELETE;
	bulk_scalars_input(&input, options);
	result = load(PG_GETARG_OID(ARG_TARGET), &input, options);
	values[DELETE_DELETED] = Int64GetDatum(result.counts[BULK_DELETED]);
	values[DELETE_SKIPPED] = Int64GetDatum(result.counts[BULK_SKIPPED]);
	values[DELETE_REJECTED] = Int64GetDatum(result.counts[BULK_REJECTED]);
	values[DELETE_LOAD_ID] = Int64GetDatum(result.load_id);
	nulls[DELETE_LOAD_ID] = result.load_id == 0;
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls));
}

/* bulk_insert_returning(row anyelement, data, format text, ...) */
Datum
purser_bulk_insert_returning_0_1(PG_FUNCTION_ARGS)
{
	BulkOptions *options = bulk_options_from_call(fcinfo);
	BulkInput	input = get_input(fcinfo, options);
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, ARG_TARGET);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DestReceiver *store = CreateDestReceiver(DestTuplestore);
	BulkOrdered *ordered;
	Oid			relid = get_typ_typrelid(type);

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("argument \"%s\" must be of the row type of a table", "row"),
				 errhint("Give a null of the table's type, such as NULL::my_table.")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	SetTuplestoreDestReceiverParams(store, result->setResult,
									result->econtext->ecxt_per_query_memory, false,
									result->setDesc, "rows do not have the type of the table");
	ordered = bulk_ordered_begin(store);
	options->returning = bulk_ordered_returning(ordered);
	(void) load(relid, &input, options);
	bulk_ordered_end(ordered);
	store->rDestroy(store);
	return (Datum) 0;
}
