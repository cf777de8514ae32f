/*
 * bulk_raw.c
 *		The text of a row that came without one (jsonb, arrays): a JSON object.
 *
 * Called by bulk_reject.c.
 */
#include "bulk/bulk.h"

#include "common/jsonapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

/* Numbers and booleans as such; for a JSON column the text is JSON. */
static void
append_text(StringInfo json, const BulkColumn *column, const BulkField *field)
{
	char	   *text = pnstrdup(field->text, field->len);

	if (column->type.shape == BULK_SHAPE_JSON || IsValidJsonNumber(text, field->len) ||
		strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		appendStringInfoString(json, text);
	else
		escape_json(json, text);
}

static void
append_value(StringInfo json, const BulkColumn *column, const BulkField *field)
{
	Oid			output;
	bool		is_varlena;

	switch (field->kind)
	{
		case BULK_MISSING:
		case BULK_NULL:
			appendStringInfoString(json, "null");
			break;
		case BULK_TEXT:
			append_text(json, column, field);
			break;
		case BULK_JSON_STRING:
			escape_json(json, pnstrdup(field->text, field->len));
			break;
		case BULK_JSON_ARRAY:
		case BULK_JSON_OBJECT:
			appendBinaryStringInfo(json, field->text, field->len);
			break;
		case BULK_DATUM:
			getTypeOutputInfo(column->type.oid, &output, &is_varlena);
			escape_json(json, OidOutputFunctionCall(output, field->datum));
			break;
	}
}

/* From one field for each of the target's columns; in the current memory context. */
char *
bulk_raw_from_fields(const BulkTarget *target, const BulkField *fields)
{
	StringInfoData json;

	initStringInfo(&json);
	for (int i = 0; i < target->ncolumns; i++)
	{
		const BulkColumn *column = &target->columns[i];

		if (column->name == NULL || fields[i].kind == BULK_MISSING)
			continue;
		appendStringInfoString(&json, json.len == 0 ? "{" : ", ");
		escape_json(&json, column->name);
		appendStringInfoString(&json, ": ");
		append_value(&json, column, &fields[i]);
	}
	appendStringInfoString(&json, json.len == 0 ? "{}" : "}");
	return json.data;
}
