/*
 * bulk_scalars.c
 *		Reads a JSON array of scalars, such as [1, 2, 3]: rows of one column, the
 *		only key column of a bulk delete.
 *
 * Called by bulk_calls.c and bulk_load.c.
 */
#include "bulk.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

typedef struct ScalarsReader
{
	BulkReader	reader;			/* first, so that a reader is its scalars */
	JsonbIterator *it;
	int			column;
} ScalarsReader;

/* The first character in the array, or zero if there is no array. */
static char
first_of_element(const char *data, Size len)
{
	const char *c = data;

	for (; c < data + len && *c != '['; c++)
		if (*c != ' ' && *c != '\t' && *c != '\n' && *c != '\r')
			return '\0';
	return c < data + len ? bulk_context_first(c + 1, data + len - c - 1) : '\0';
}

static bool
has_scalar(const BulkInput *input)
{
	JsonbIterator *it;
	JsonbValue	value;

	if (input->jsonb == NULL)
		return strchr("{[]", first_of_element(input->source->data, input->source->len)) == NULL;
	if (!JB_ROOT_IS_ARRAY(input->jsonb) || JB_ROOT_IS_SCALAR(input->jsonb) ||
		JB_ROOT_COUNT(input->jsonb) == 0)
		return false;
	it = JsonbIteratorInit(&input->jsonb->root);
	(void) JsonbIteratorNext(&it, &value, true);
	(void) JsonbIteratorNext(&it, &value, true);
	return IsAJsonbScalar(&value);
}

/* If the input begins with a scalar, have it read as such. */
void
bulk_scalars_input(BulkInput *input, const BulkOptions *options)
{
	if (options->format_name != BULK_FORMAT_JSON || !has_scalar(input))
		return;
	if (input->jsonb == NULL)
	{
		char	   *json = pnstrdup(input->source->data, input->source->len);

		input->jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
		pfree(json);
	}
	input->open = bulk_scalars_reader;
}

static void
set_field(BulkField *field, const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			field->kind = BULK_NULL;
			return;
		case jbvString:
			field->kind = BULK_JSON_STRING;
			field->text = value->val.string.val;
			field->len = value->val.string.len;
			return;
		case jbvNumeric:
			field->text = DatumGetCString(DirectFunctionCall1(numeric_out,
															  NumericGetDatum(value->val.numeric)));
			break;
		case jbvBool:
			field->text = value->val.boolean ? "true" : "false";
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("data must be a JSON array of scalars, or of objects"),
					 errdetail("The array has both.")));
	}
	field->kind = BULK_TEXT;
	field->len = strlen(field->text);
}

static bool
next_scalar(BulkReader *reader)
{
	ScalarsReader *scalars = (ScalarsReader *) reader;
	MemoryContext oldcontext;
	JsonbValue	value;

	if (JsonbIteratorNext(&scalars->it, &value, true) != WJB_ELEM)
		return false;
	reader->context->position.row++;
	oldcontext = MemoryContextSwitchTo(reader->row_memory);
	set_field(&reader->fields[scalars->column], &value);
	MemoryContextSwitchTo(oldcontext);
	return true;
}

/* Rows of the target's only key column. */
BulkReader *
bulk_scalars_reader(const BulkReader *base, const BulkInput *input, const BulkTarget *target)
{
	ScalarsReader *scalars;
	JsonbValue	value;

	if (target->nkeys != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an array of scalars needs exactly one key column"),
				 errdetail("There are %d.", target->nkeys),
				 errhint("Give an array of objects, with the key columns as their keys.")));
	scalars = MemoryContextAllocZero(base->load_memory, sizeof(ScalarsReader));
	scalars->reader = *base;
	scalars->reader.next = next_scalar;
	scalars->column = target->keys[0];
	scalars->it = JsonbIteratorInit(&input->jsonb->root);
	(void) JsonbIteratorNext(&scalars->it, &value, true);
	return &scalars->reader;
}
