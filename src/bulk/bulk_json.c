/*
 * bulk_json.c
 *		Reads a JSON array of objects.
 *
 * Called by bulk_load.c.
 */
#include "bulk.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* What the data is, in place of an array; the hint may be NULL.  Also for bulk_jsonb.c. */
void
bulk_json_refuse_data(const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("data must be a JSON array of objects"),
			 errdetail("The data is %s.", what),
			 hint ? errhint("%s", hint) : 0));
}

/* What an element is, in place of an object.  Also for bulk_jsonb.c. */
void
bulk_json_refuse_element(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("data must be a JSON array of objects"),
			 errdetail("An element of the array is %s.", what)));
}

/* Transitional: through jsonb. */
BulkReader *
bulk_json_reader(const BulkReader *base, const BulkFormat *format pg_attribute_unused())
{
	MemoryContext oldcontext = MemoryContextSwitchTo(base->load_memory);
	char	   *json = pnstrdup(base->source->data, base->source->len);
	Jsonb	   *data = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));

	MemoryContextSwitchTo(oldcontext);
	return bulk_jsonb_reader(base, data);
}
