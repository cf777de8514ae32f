/*
 * bulk_scalars.c
 *		Reads a JSON array of scalars, such as [1, 2, 3]: rows of one column, the
 *		only key column of a bulk delete.
 *
 * Called by bulk_functions.c and bulk_load.c.
 */
#include "bulk/bulk.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

typedef struct ScalarsReader
{
	BulkReader	reader;			/* first, so that a reader is its scalars */
	JsonbIterator *it;
	int			column;
} ScalarsReader;

/* The first character in the array; zero if there is no array, a blank if it is not there yet. */
static char
first_of_element(const char *data, Size len)
{
	bool		inside = false;

	for (const char *c = data; c < data + len; c++)
	{
		if (*c == ' ' || *c == '\t' || *c == '\n' || *c == '\r')
			continue;
		if (inside || *c != '[')
			return inside ? *c : '\0';
		inside = true;
	}
	return ' ';
}

static bool
source_has_scalar(BulkSource *source)
{
	while (!source->complete && first_of_element(source->data, source->len) == ' ')
		bulk_source_more(source, 0);
	return strchr("{[] ", first_of_element(source->data, source->len)) == NULL;
}

static bool
jsonb_has_scalar(Jsonb *jsonb)
{
	JsonbIterator *it;
	JsonbValue	value;

	if (!JB_ROOT_IS_ARRAY(jsonb) || JB_ROOT_IS_SCALAR(jsonb) || JB_ROOT_COUNT(jsonb) == 0)
		return false;
	it = JsonbIteratorInit(&jsonb->root);
	(void) JsonbIteratorNext(&it, &value, true);
	(void) JsonbIteratorNext(&it, &value, true);
	return IsAJsonbScalar(&value);
}

static Jsonb *
read_jsonb(BulkSource *source)
{
	char	   *json;
	Jsonb	   *jsonb;

	while (!source->complete)
		bulk_source_more(source, 0);
	bulk_source_verify(source, source->data, source->len);
	json = pnstrdup(source->data, source->len);
	jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
	pfree(json);
	return jsonb;
}

/* If the input begins with a scalar, have it read as such. */
void
bulk_scalars_input(BulkInput *input, const BulkOptions *options)
{
	if (options->format_name != BULK_FORMAT_JSON)
		return;
	if (input->source != NULL ? !source_has_scalar(input->source) : !jsonb_has_scalar(input->jsonb))
		return;
	if (input->source != NULL)
		input->jsonb = read_jsonb(input->source);
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
