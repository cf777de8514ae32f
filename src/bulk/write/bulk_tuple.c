/*
 * bulk_tuple.c
 *		Makes a row last: forms the heap tuple of the values in a slot.
 *
 * The tuple is, bit for bit, what heap_form_tuple would make of them.  What is
 * spared is to look the columns up in the tuple descriptor again for each row,
 * which takes longer than the rest.  Values that are not to be taken as they
 * are (expanded or stored out of line) leave the row to the slot itself.
 *
 * Called by bulk_part.c, bulk_writer.c and bulk_parallel_send.c.
 */
#include "bulk/bulk.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/tupmacs.h"
#include "executor/tuptable.h"

typedef struct Attribute
{
	int16		len;			/* as attlen */
	uint8		align;			/* in bytes */
	bool		byval;
	bool		packable;		/* a short value may have a short header */
} Attribute;

struct BulkForm
{
	int			natts;
	int64		fixed;			/* bytes of the values if none is null; -1: they vary */
	Attribute	attributes[FLEXIBLE_ARRAY_MEMBER];
};

static uint8
alignment(char attalign)
{
	switch (attalign)
	{
		case TYPALIGN_DOUBLE:
			return ALIGNOF_DOUBLE;
		case TYPALIGN_INT:
			return ALIGNOF_INT;
		case TYPALIGN_SHORT:
			return ALIGNOF_SHORT;
		default:
			return 1;
	}
}

/*
 * What is to be known of the columns, in the current memory context; NULL if a
 * column's type has no length.
 */
BulkForm *
bulk_tuple_describe(TupleDesc tupdesc)
{
	BulkForm   *form;

	form = palloc(offsetof(BulkForm, attributes) + tupdesc->natts * sizeof(Attribute));
	form->natts = tupdesc->natts;
	form->fixed = 0;
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);
		Attribute  *attribute = &form->attributes[i];

		if (att->attlen < -1)
			return NULL;
		attribute->len = att->attlen;
		attribute->align = alignment(att->attalign);
		attribute->byval = att->attbyval;
		attribute->packable = att->attlen == -1 && att->attstorage != TYPSTORAGE_PLAIN;
		if (att->attlen < 0)
			form->fixed = -1;
		else if (form->fixed >= 0)
			form->fixed = TYPEALIGN(attribute->align, form->fixed) + att->attlen;
	}
	return form;
}

/* The same of a table; NULL also if it is not stored as heap tuples. */
BulkForm *
bulk_tuple_prepare(Relation rel)
{
	if (rel->rd_tableam != GetHeapamTableAmRoutine())
		return NULL;
	return bulk_tuple_describe(RelationGetDescr(rel));
}

/* A slot for rows of the table, in the current memory context. */
TupleTableSlot *
bulk_tuple_slot(const BulkForm *form, Relation rel, TupleDesc tupdesc)
{
	return MakeSingleTupleTableSlot(tupdesc,
									form != NULL ? &TTSOpsHeapTuple : table_slot_callbacks(rel));
}

static inline bool
packs(const Attribute *attribute, const char *value)
{
	return attribute->packable && VARATT_CAN_MAKE_SHORT(value);
}

/* Bytes of the values; -1 if one of them is not to be taken as it is. */
static int64
values_size(const BulkForm *form, const TupleTableSlot *slot)
{
	int64		size = 0;

	for (int i = 0; i < form->natts; i++)
	{
		const Attribute *attribute = &form->attributes[i];
		const char *value;

		if (slot->tts_isnull[i])
			continue;
		if (attribute->len > 0)
		{
			size = TYPEALIGN(attribute->align, size) + attribute->len;
			continue;
		}
		value = DatumGetPointer(slot->tts_values[i]);
		if (VARATT_IS_EXTERNAL(value))
			return -1;
		if (packs(attribute, value))
			size += VARATT_CONVERTED_SHORT_SIZE(value);
		else if (VARATT_IS_SHORT(value))
			size += VARSIZE_SHORT(value);
		else
			size = TYPEALIGN(attribute->align, size) + VARSIZE(value);
	}
	return size;
}

/* One value to its place, which is aligned here; the place after it. */
static inline char *
put_value(const Attribute *attribute, Datum datum, char *place)
{
	const char *value;

	if (attribute->len > 0)
	{
		place = (char *) TYPEALIGN(attribute->align, place);
		if (attribute->byval)
			store_att_byval(place, datum, attribute->len);
		else
			memcpy(place, DatumGetPointer(datum), attribute->len);
		return place + attribute->len;
	}
	value = DatumGetPointer(datum);
	if (packs(attribute, value))
	{
		int			len = VARATT_CONVERTED_SHORT_SIZE(value);

		SET_VARSIZE_SHORT(place, len);
		memcpy(place + 1, VARDATA(value), len - 1);
		return place + len;
	}
	if (!VARATT_IS_SHORT(value))
		place = (char *) TYPEALIGN(attribute->align, place);
	memcpy(place, value, VARSIZE_ANY(value));
	return place + VARSIZE_ANY(value);
}

static inline bool
any_null(const BulkForm *form, const TupleTableSlot *slot)
{
	return memchr(slot->tts_isnull, true, form->natts * sizeof(bool)) != NULL;
}

/* Bytes of a tuple before its values. */
static int
header_size(const BulkForm *form, bool has_null)
{
	return MAXALIGN(SizeofHeapTupleHeader + (has_null ? BITMAPLEN(form->natts) : 0));
}

static void
put_values(const BulkForm *form, const TupleTableSlot *slot, HeapTupleHeader header)
{
	char	   *place = (char *) header + header->t_hoff;
	bool		has_null = (header->t_infomask & HEAP_HASNULL) != 0;

	for (int i = 0; i < form->natts; i++)
	{
		const Attribute *attribute = &form->attributes[i];

		if (slot->tts_isnull[i])
			continue;
		if (has_null)
			header->t_bits[i / 8] |= 1 << (i % 8);
		if (attribute->len < 0)
			header->t_infomask |= HEAP_HASVARWIDTH;
		place = put_value(attribute, slot->tts_values[i], place);
	}
}

/* Bytes that bulk_tuple_write will need; 0 if the row is to be left to its slot. */
Size
bulk_tuple_size(const BulkForm *form, const TupleTableSlot *slot)
{
	bool		has_null = any_null(form, slot);
	int64		size = form->fixed;

	if (has_null || size < 0)
		size = values_size(form, slot);
	if (size < 0 || size > (int64) MaxHeapTupleSize)
		return 0;
	return HEAPTUPLESIZE + header_size(form, has_null) + size;
}

/* Write the tuple to zeroed memory, which has the size that was found. */
void
bulk_tuple_write(const BulkForm *form, const TupleTableSlot *slot, Size size, HeapTuple tuple)
{
	bool		has_null = any_null(form, slot);
	int			offset = header_size(form, has_null);

	tuple->t_len = size - HEAPTUPLESIZE;
	tuple->t_tableOid = slot->tts_tableOid;
	tuple->t_data = (HeapTupleHeader) ((char *) tuple + HEAPTUPLESIZE);
	ItemPointerSetInvalid(&tuple->t_self);
	ItemPointerSetInvalid(&tuple->t_data->t_ctid);
	HeapTupleHeaderSetNatts(tuple->t_data, form->natts);
	tuple->t_data->t_hoff = offset;
	if (has_null)
		tuple->t_data->t_infomask = HEAP_HASNULL;
	put_values(form, slot, tuple->t_data);
}

/* The tuple, in the current memory context; NULL if it is to be left to the slot. */
static HeapTuple
form_tuple(const BulkForm *form, const TupleTableSlot *slot)
{
	Size		size = bulk_tuple_size(form, slot);
	HeapTuple	tuple;

	if (size == 0)
		return NULL;
	tuple = palloc0(size);
	bulk_tuple_write(form, slot, size, tuple);
	return tuple;
}

/* Without a heap tuple, which the table's access method will not want either. */
static Size
other_size(TupleTableSlot *slot)
{
	slot_getallattrs(slot);
	return heap_compute_data_size(slot->tts_tupleDescriptor, slot->tts_values, slot->tts_isnull);
}

/* Make the slot independent of the memory that its values are in; bytes of the row. */
Size
bulk_tuple_keep(const BulkForm *form, TupleTableSlot *slot)
{
	HeapTuple	tuple = NULL;

	/* A trigger may have stored a tuple already. */
	if (form != NULL && ((HeapTupleTableSlot *) slot)->tuple == NULL)
		tuple = form_tuple(form, slot);
	if (tuple != NULL)
		ExecStoreHeapTuple(tuple, slot, true);
	else
		ExecMaterializeSlot(slot);
	if (form == NULL)
		return other_size(slot);
	return ((HeapTupleTableSlot *) slot)->tuple->t_len;
}

/*
 * Store a tuple that belongs to somebody else, who keeps it until
 * bulk_tuple_return, in a slot that is empty or has borrowed one before.  The
 * slot takes it for its own, or it would make a copy when the row is inserted.
 */
void
bulk_tuple_borrow(TupleTableSlot *slot, HeapTuple tuple)
{
	HeapTupleTableSlot *own = (HeapTupleTableSlot *) slot;

	own->tuple = tuple;
	own->off = 0;
	slot->tts_nvalid = 0;
	slot->tts_flags &= ~TTS_FLAG_EMPTY;
	slot->tts_flags |= TTS_FLAG_SHOULDFREE;
}

/* Empty the slot again. */
void
bulk_tuple_return(TupleTableSlot *slot)
{
	((HeapTupleTableSlot *) slot)->tuple = NULL;
	slot->tts_nvalid = 0;
	slot->tts_flags &= ~TTS_FLAG_SHOULDFREE;
	slot->tts_flags |= TTS_FLAG_EMPTY;
}
