/*
 * bulk_data.c
 *		The argument "data" of functions that SQL calls: text, bytea, json or jsonb.
 *
 * Called by bulk_functions.c.
 */
#include "bulk/bulk.h"

#include "catalog/pg_type.h"
#include "shared/arguments.h"
#include "utils/fmgrprotos.h"

static BulkSource *
get_source(struct varlena *data, bool is_bytea, const BulkOptions *options)
{
	BulkCoding	coding = bulk_options_coding(options);

	if (is_bytea)
		return bulk_source_bytes(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), &coding);
	bulk_options_check_text(options);
	return bulk_source_memory(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data));
}

/*
 * The argument of the number, which is not null.  Text and bytea have the format
 * of the options.  Errors: 22023 another format than json for a JSON type, or an
 * option that is for bytea only.
 */
BulkInput
bulk_data_input(FunctionCallInfo fcinfo, int number, const BulkOptions *options)
{
	Oid			type = shared_arg_type(fcinfo, number);
	BulkInput	input = {0};

	if ((type == JSONOID || type == JSONBOID) && options->format_name != BULK_FORMAT_JSON)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("data of a JSON type can only have the format \"json\""),
				 errhint("Cast the data to text, or leave the format out.")));
	if (type == JSONBOID)
	{
		bulk_options_check_text(options);
		input.jsonb = PG_GETARG_JSONB_P(number);
	}
	else
		input.source = get_source(PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(number)),
								  type == BYTEAOID, options);
	return input;
}

/* When all has been read. */
void
bulk_data_close(const BulkInput *input)
{
	if (input->source != NULL)
		bulk_source_close(input->source);
}
