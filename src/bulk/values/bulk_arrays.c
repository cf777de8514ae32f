/*
 * bulk_arrays.c
 *		Reads rows from arrays, one for each column.
 *
 * Elements are taken where they stand in the array, which is neither copied
 * nor taken apart as a whole.  An element of another type than the column's is
 * cast as INSERT casts it; where there is no assignment cast from text, the
 * column's input function reads it.
 *
 * A column of an array type takes an array of more dimensions: a row's value
 * is all that has the row's number in the first dimension.
 *
 * Called by bulk_load.c.  There are no lines.
 */
#include "bulk/bulk.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Where the reader is in one of the arrays. */
typedef struct ArrayColumn
{
	BulkField  *field;
	const char *next;			/* element */
	const uint8 *nulls;			/* NULL: there are none */
	int16		typlen;
	bool		typbyval;
	char		typalign;
	bool		as_text;		/* elements are text for the input function */
	ArrayIterator slices;		/* elements are arrays; or NULL */
} ArrayColumn;

typedef struct ArraysReader
{
	BulkReader	base;			/* first, so that a reader is one */
	int			row;
	int			nrows;
	int			ncolumns;
	ArrayColumn columns[FLEXIBLE_ARRAY_MEMBER];
} ArraysReader;

/* ---- one row ---- */

static inline void
read_element(ArrayColumn *column, int row)
{
	BulkField  *field = column->field;
	Datum		value;

	if (column->nulls != NULL && (column->nulls[row / 8] & (1 << (row % 8))) == 0)
	{
		field->kind = BULK_NULL;
		return;
	}
	value = fetch_att(column->next, column->typbyval, column->typlen);
	column->next = att_addlength_pointer(column->next, column->typlen, column->next);
	column->next = (const char *) att_align_nominal(column->next, column->typalign);
	if (column->as_text)
	{
		field->kind = BULK_TEXT;
		field->text = VARDATA_ANY(DatumGetPointer(value));
		field->len = VARSIZE_ANY_EXHDR(DatumGetPointer(value));
		return;
	}
	field->kind = BULK_DATUM;
	field->datum = value;
}

static void
read_slice(ArrayColumn *column)
{
	BulkField  *field = column->field;
	bool		isnull;

	/* In the row's memory: a slice is made, and never null. */
	(void) array_iterate(column->slices, &field->datum, &isnull);
	field->kind = BULK_DATUM;
}

static bool
arrays_next(BulkReader *base)
{
	ArraysReader *reader = (ArraysReader *) base;
	MemoryContext oldcontext;

	if (reader->row == reader->nrows)
		return false;
	oldcontext = MemoryContextSwitchTo(base->row_memory);
	for (int i = 0; i < reader->ncolumns; i++)
	{
		if (reader->columns[i].slices != NULL)
			read_slice(&reader->columns[i]);
		else
			read_element(&reader->columns[i], reader->row);
	}
	MemoryContextSwitchTo(oldcontext);
	base->context->position.row = ++reader->row;
	return true;
}

/* ---- the arrays ---- */

/*
 * A literal without a type is an array of the column's type; for a column of
 * an array type it is that type, so that its elements are slices.
 */
static Datum
read_literal(const BulkColumn *column, const char *text, Oid *type)
{
	Oid			array_type = get_array_type(column->type.oid);
	Oid			input;
	Oid			ioparam;

	if (column->type.shape == BULK_SHAPE_ARRAY)
		array_type = getBaseType(column->type.oid);
	if (!OidIsValid(array_type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("could not find array type for data type %s",
						format_type_be(column->type.oid))));
	*type = array_type;
	getTypeInputInfo(array_type, &input, &ioparam);
	return OidInputFunctionCall(input, unconstify(char *, text), ioparam, column->typmod);
}

static void
refuse_type(const BulkColumn *column, Oid type)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" is of type %s but the elements of its array are of type %s",
					column->name, format_type_be(column->type.oid), format_type_be(type)),
			 column->type.shape == BULK_SHAPE_ARRAY ?
			 errhint("For a column of an array type, give an array of one more dimension, "
					 "or an array of text with array literals.") :
			 errhint("Cast the array.")));
}

/* How the elements, or the slices, get to be the column's values. */
static void
prepare_values(BulkTarget *target, BulkColumn *column, Oid type, ArrayColumn *source)
{
	if (bulk_cast_prepare(target, column, type))
		return;
	if (type != TEXTOID && type != VARCHAROID)
		refuse_type(column, type);
	source->as_text = true;
}

static Oid
check_array_type(const BulkColumn *column, Oid type)
{
	Oid			element = get_element_type(getBaseType(type));

	if (!OidIsValid(element))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("values for column \"%s\" must be an array, not %s",
						column->name, format_type_be(type))));
	return element;
}

/* Set up to read the array; returns its number of rows. */
static int
open_array(ArrayColumn *source, BulkTarget *target, int number, const BulkArray *input)
{
	BulkColumn *column = &target->columns[number];
	Datum		value = input->value;
	Oid			type = input->type;
	Oid			element;
	ArrayType  *array;

	if (input->isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array for column \"%s\" must not be null", column->name)));
	if (type == UNKNOWNOID)
		value = read_literal(column, DatumGetCString(value), &type);
	element = check_array_type(column, type);
	array = DatumGetArrayTypeP(value);
	if (ARR_NDIM(array) > 1)
	{
		if (column->type.shape != BULK_SHAPE_ARRAY)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("array for column \"%s\" must have one dimension", column->name),
					 errdetail("Only columns of an array type take more.")));
		source->slices = array_create_iterator(array, ARR_NDIM(array) - 1, NULL);
		prepare_values(target, column, getBaseType(type), source);
	}
	else
	{
		source->next = ARR_DATA_PTR(array);
		source->nulls = ARR_NULLBITMAP(array);
		get_typlenbyvalalign(element, &source->typlen, &source->typbyval, &source->typalign);
		/* An array without elements has no dimensions: it may be meant to have any number. */
		if (ARR_NDIM(array) > 0 || column->type.shape != BULK_SHAPE_ARRAY)
			prepare_values(target, column, element, source);
	}
	return ARR_NDIM(array) > 0 ? ARR_DIMS(array)[0] : 0;
}

static void
check_length(const BulkTarget *target, const int *columns, int i, int nrows, int expected)
{
	if (nrows != expected)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arrays must have equal lengths"),
				 errdetail("The array for column \"%s\" has %d elements, "
						   "that for column \"%s\" has %d.",
						   target->columns[columns[0]].name, expected,
						   target->columns[columns[i]].name, nrows)));
}

/* Reads the arrays, in the order of the columns that the schema has for all. */
BulkReader *
bulk_arrays_reader(const BulkReader *base, BulkTarget *target, const BulkArrays *arrays)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(base->load_memory);
	ArraysReader *reader = palloc0(offsetof(ArraysReader, columns) +
								   arrays->narrays * sizeof(ArrayColumn));
	int		   *columns = palloc(MaxHeapAttributeNumber * sizeof(int));

	reader->base = *base;
	reader->base.next = arrays_next;
	reader->ncolumns = base->schema->all(base->schema, columns, NULL);
	for (int i = 0; i < reader->ncolumns; i++)
	{
		int			nrows = open_array(&reader->columns[i], target, columns[i],
									   &arrays->items[i]);

		if (i == 0)
			reader->nrows = nrows;
		check_length(target, columns, i, nrows, reader->nrows);
		reader->columns[i].field = &reader->base.fields[columns[i]];
	}
	MemoryContextSwitchTo(oldcontext);
	return &reader->base;
}
