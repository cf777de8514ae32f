/*
 * bulk_arguments.c
 *		The arguments of a call as a JSON object, so that another session may
 *		go on with what it asked for; and back.
 *
 * Keys are names of arguments; nulls are left out.
 */
#include "bulk/job/bulk_job.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "shared/arguments.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/syscache.h"

/* Names and types of a function's arguments. */
typedef struct Signature
{
	int			nargs;
	Oid		   *types;
	char	  **names;
} Signature;

static Signature
read_signature(Oid function)
{
	HeapTuple	proc = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Signature	signature;
	char	   *modes;

	if (!HeapTupleIsValid(proc))
		elog(ERROR, "cache lookup failed for function %u", function);
	(void) get_func_arg_info(proc, &signature.types, &signature.names, &modes);
	signature.nargs = ((Form_pg_proc) GETSTRUCT(proc))->pronargs;
	ReleaseSysCache(proc);
	return signature;
}

/* ---- to JSON ---- */

static void
append_names(StringInfo json, Datum array, const char *name)
{
	NameList	names = shared_names_from_array(array, name);

	appendStringInfoChar(json, '[');
	for (int i = 0; i < names.count; i++)
	{
		if (i > 0)
			appendStringInfoChar(json, ',');
		escape_json(json, names.items[i]);
	}
	appendStringInfoChar(json, ']');
}

/* Write the value as JSON; false if it is of a type that says nothing of how to load. */
static bool
append_value(StringInfo json, Oid type, Datum value, const char *name)
{
	switch (type)
	{
		case TEXTOID:
			escape_json(json, TextDatumGetCString(value));
			return true;
		case TEXTARRAYOID:
			append_names(json, value, name);
			return true;
		case BOOLOID:
			appendStringInfoString(json, DatumGetBool(value) ? "true" : "false");
			return true;
		case INT4OID:
			appendStringInfo(json, "%d", DatumGetInt32(value));
			return true;
		case INT8OID:
			appendStringInfo(json, INT64_FORMAT, DatumGetInt64(value));
			return true;
		case JSONBOID:
			{
				Jsonb	   *jsonb = DatumGetJsonbP(value);

				JsonbToCString(json, &jsonb->root, VARSIZE(jsonb));
				return true;
			}
		default:
			return false;
	}
}

/* The arguments of the present call from the given one on; in the current memory context. */
Jsonb *
bulk_arguments_to_json(FunctionCallInfo fcinfo, int first)
{
	Signature	signature = read_signature(fcinfo->flinfo->fn_oid);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int i = first; i < signature.nargs; i++)
	{
		int			before = json.len;

		if (fcinfo->args[i].isnull)
			continue;
		if (json.len > 1)
			appendStringInfoChar(&json, ',');
		escape_json(&json, signature.names[i]);
		appendStringInfoChar(&json, ':');
		if (!append_value(&json, signature.types[i], fcinfo->args[i].value, signature.names[i]))
			json.data[json.len = before] = '\0';
	}
	appendStringInfoChar(&json, '}');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

/* ---- and back ---- */

static Datum
names_from_json(const JsonbValue *value)
{
	JsonbIterator *it = JsonbIteratorInit(value->val.binary.data);
	NameList	names = {0, NULL};
	JsonbValue	element;

	(void) JsonbIteratorNext(&it, &element, true);
	names.items = palloc(element.val.array.nElems * sizeof(char *));
	while (JsonbIteratorNext(&it, &element, true) == WJB_ELEM)
		names.items[names.count++] = pnstrdup(element.val.string.val, element.val.string.len);
	return shared_names_to_array(names);
}

static Datum
value_from_json(Oid type, const JsonbValue *value)
{
	switch (type)
	{
		case TEXTOID:
			return PointerGetDatum(cstring_to_text_with_len(value->val.string.val,
															value->val.string.len));
		case TEXTARRAYOID:
			return names_from_json(value);
		case BOOLOID:
			return BoolGetDatum(value->val.boolean);
		case INT4OID:
			return DirectFunctionCall1(numeric_int4, NumericGetDatum(value->val.numeric));
		case INT8OID:
			return DirectFunctionCall1(numeric_int8, NumericGetDatum(value->val.numeric));
		default:
			return JsonbPGetDatum(JsonbValueToJsonb(unconstify(JsonbValue *, value)));
	}
}

/* The options of a call of the function with these arguments. */
BulkOptions *
bulk_arguments_options(Oid function, Jsonb *arguments)
{
	LOCAL_FCINFO(fcinfo, FUNC_MAX_ARGS);
	Signature	signature = read_signature(function);
	FmgrInfo	flinfo;

	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, signature.nargs, InvalidOid, NULL, NULL);
	for (int i = 0; i < signature.nargs; i++)
	{
		JsonbValue	value;

		fcinfo->args[i].isnull = getKeyJsonValueFromContainer(&arguments->root,
															  signature.names[i],
															  strlen(signature.names[i]),
															  &value) == NULL;
		if (!fcinfo->args[i].isnull)
			fcinfo->args[i].value = value_from_json(signature.types[i], &value);
	}
	return bulk_options_from_call(fcinfo);
}
