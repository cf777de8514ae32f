/*
 * bulk_tree_level.c
 *		Loads one level of a tree: a reader of its rows, with the foreign key to
 *		the level above put into them, and a receiver of the keys below.
 *
 * Called by bulk_tree.c.
 */
#include "bulk/statement/bulk_tree.h"

#include "fmgr.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

/* ---- rows in ---- */

typedef struct TreeInput
{
	BulkInput	input;			/* first, so that an input is that of its level */
	BulkTreeLevel *level;
} TreeInput;

typedef struct TreeReader
{
	BulkReader	reader;			/* first, so that a reader is that of its level */
	BulkSchema	schema;
	BulkSchema *inner;			/* the load's, for all that is no child */
	const BulkTreeLevel *level;
	uint64		row;
} TreeReader;

/* For the reader, keys with children are none. */
static int
find_column(BulkSchema *schema, const char *name, int len, int position)
{
	TreeReader *tree = (TreeReader *) ((char *) schema - offsetof(TreeReader, schema));

	if (bulk_tree_child(tree->level, name, len) != NULL)
		return -1;
	return tree->inner->find(tree->inner, name, len, position);
}

/* Where the level above keeps the column's values, from 0. */
static int
place_of(const BulkTreeLevel *above, AttrNumber attnum)
{
	for (int i = 0; i < list_length(above->kept); i++)
		if (list_nth_int(above->kept, i) == attnum)
			return i;
	elog(ERROR, "column %d of the level above was not kept", attnum);
}

static void
set_value(BulkField *field, const BulkTreeLevel *above, AttrNumber attnum, Datum value,
		  Oid column_type)
{
	Oid			type = get_atttype(above->relid, attnum);
	Oid			output;
	bool		varlena;

	field->kind = BULK_DATUM;
	field->datum = value;
	if (type == column_type)
		return;
	getTypeOutputInfo(type, &output, &varlena);
	field->kind = BULK_TEXT;
	field->text = OidOutputFunctionCall(output, value);
	field->len = strlen(field->text);
}

/* The columns of the foreign key are those of the parent row, whatever the object has. */
static void
set_foreign_key(TreeReader *tree, uint64 parent)
{
	const BulkTreeLevel *above = tree->level->above;
	const BulkTreeChild *child = tree->level->child;
	int			nkept = list_length(above->kept);

	for (int i = 0; i < child->nkeys; i++)
	{
		int			column = child->columns[i] - 1;
		BulkField  *field = &tree->reader.fields[column];
		uint64		place = (parent - 1) * nkept + place_of(above, child->referenced[i]);
		const char *name = tree->inner->name(tree->inner, column);

		(void) tree->inner->find(tree->inner, name, strlen(name), tree->schema.ncolumns);
		field->kind = BULK_NULL;
		if (!above->nulls[place])
			set_value(field, above, child->referenced[i], above->values[place],
					  get_atttype(tree->level->relid, child->columns[i]));
	}
}

static bool
next_row(BulkReader *reader)
{
	TreeReader *tree = (TreeReader *) reader;
	const BulkTreeRow *row;
	MemoryContext oldcontext;

	if (tree->row == tree->level->nrows)
		return false;
	row = &tree->level->rows[tree->row++];
	reader->context->position.row = tree->row;
	memset(reader->fields, 0, reader->schema->ncolumns * sizeof(BulkField));
	oldcontext = MemoryContextSwitchTo(reader->row_memory);
	bulk_jsonb_object(reader, row->object);
	if (tree->level->above != NULL)
		set_foreign_key(tree, row->parent);
	MemoryContextSwitchTo(oldcontext);
	return true;
}

static BulkReader *
open_reader(const BulkReader *base, const BulkInput *input,
			const BulkTarget *target pg_attribute_unused())
{
	TreeReader *tree = MemoryContextAllocZero(base->load_memory, sizeof(TreeReader));

	tree->reader = *base;
	tree->inner = base->schema;
	tree->schema = *base->schema;
	tree->schema.find = find_column;
	tree->level = ((const TreeInput *) input)->level;
	tree->reader.schema = &tree->schema;
	tree->reader.next = next_row;
	return &tree->reader;
}

/* ---- keys out ---- */

typedef struct KeyReceiver
{
	DestReceiver receiver;		/* first, so that a receiver is that of its level */
	BulkTreeLevel *level;
	BulkReturning returning;
} KeyReceiver;

static bool
receive_keys(TupleTableSlot *slot, DestReceiver *self)
{
	KeyReceiver *keys = (KeyReceiver *) self;
	BulkTreeLevel *level = keys->level;
	uint64		row = keys->returning.row - 1;
	int			nkept = list_length(level->kept);
	MemoryContext oldcontext = MemoryContextSwitchTo(level->memory);

	slot_getallattrs(slot);
	for (int i = 0; i < nkept; i++)
	{
		Form_pg_attribute att = TupleDescAttr(slot->tts_tupleDescriptor, i);

		level->nulls[row * nkept + i] = slot->tts_isnull[i];
		if (!slot->tts_isnull[i])
			level->values[row * nkept + i] = datumCopy(slot->tts_values[i], att->attbyval,
													   att->attlen);
	}
	level->stored[row] = true;
	MemoryContextSwitchTo(oldcontext);
	return true;
}

static void
start_keys(DestReceiver *self pg_attribute_unused(), int operation pg_attribute_unused(),
		   TupleDesc desc pg_attribute_unused())
{
}

static void
end_keys(DestReceiver *self pg_attribute_unused())
{
}

static void *
allocate(MemoryContext memory, uint64 count, Size size)
{
	return MemoryContextAllocExtended(memory, Max(count, 1) * size,
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

static void
prepare_keys(KeyReceiver *keys, BulkTreeLevel *level)
{
	int			nkept = list_length(level->kept);
	ListCell   *lc;

	keys->receiver.receiveSlot = receive_keys;
	keys->receiver.rStartup = start_keys;
	keys->receiver.rShutdown = end_keys;
	keys->receiver.rDestroy = end_keys;
	keys->receiver.mydest = DestNone;
	keys->level = level;
	keys->returning.dest = &keys->receiver;
	foreach(lc, level->kept)
		keys->returning.columns = lappend(keys->returning.columns,
										  get_attname(level->relid, lfirst_int(lc), false));
	level->stored = allocate(level->memory, level->nrows, sizeof(bool));
	level->values = allocate(level->memory, level->nrows * nkept, sizeof(Datum));
	level->nulls = allocate(level->memory, level->nrows * nkept, sizeof(bool));
}

/* Insert the level's rows; how many that were. */
uint64
bulk_tree_load(BulkTreeLevel *level)
{
	TreeInput	input = {.input = {.open = open_reader}, .level = level};
	BulkOptions options = {
		.function = "bulk_insert_tree",
		.verb = BULK_INSERT,
		.format_name = BULK_FORMAT_JSON,
		.encoding = -1,
		.max_rejects = -1
	};
	KeyReceiver keys = {0};

	if (level->kept != NIL)
	{
		prepare_keys(&keys, level);
		options.returning = &keys.returning;
	}
	return bulk_load(level->relid, &input.input, &options).counts[BULK_INSERTED];
}
