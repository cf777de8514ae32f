/*
 * audit_tap.c
 *		Hashes of the first rows that a client gets, for the N+1 rule.
 *
 * For one run, a receiver of ours stands before the client's: it notes a hash
 * of each value that could be the key of a later lookup and passes the row
 * on. Only a top-level SELECT that can return more than one row is tapped,
 * and such runs do not nest, so one receiver serves. Enough values once
 * noted, it only passes on.
 */
#include "audit/capture/audit_capture.h"

#include "access/skey.h"
#include "access/stratnum.h"
#include "catalog/pg_type_d.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "tcop/dest.h"
#include "utils/uuid.h"

#define TAP_ROWS 256			/* noted of a result */
#define TAP_COLUMNS 16			/* noted of a row */
#define TAP_VALUES 1024			/* different ones noted of a result */
#define TAP_SLOTS (TAP_VALUES * 2)	/* a power of two */
#define TAP_TEXT_BYTES 64		/* longest text that passes for a key */

/* Open hash table: in which columns of the result (a bit for each) a value was. */
struct AuditRowHashes
{
	int			nrows;
	int			nvalues;
	uint32		hash[TAP_SLOTS];	/* 0: free */
	uint32		columns[TAP_SLOTS];
};

typedef struct Tap
{
	DestReceiver pub;
	DestReceiver *inner;
	AuditRowHashes *into;
	int			ncolumns;
	AttrNumber	column[TAP_COLUMNS];
	Oid			type[TAP_COLUMNS];
} Tap;

static Tap	tap;

Size
audit_row_hashes_size(void)
{
	return sizeof(AuditRowHashes);
}

/* Rows of the result that hashes were taken of. */
int
audit_row_hashes_rows(const AuditRowHashes *hashes)
{
	return hashes->nrows;
}

static inline uint32
hash_integer(int64 value)
{
	uint64		mixed = (uint64) value * UINT64CONST(0x9E3779B97F4A7C15);

	return (uint32) (mixed >> 32) | 1;
}

static bool
is_key_type(Oid type)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case UUIDOID:
		case TEXTOID:
		case VARCHAROID:
			return true;
		default:
			return false;
	}
}

/*
 * The hash of a value that could be a key: integers of all widths alike. Never
 * 0, and never looks into TOAST tables.
 */
bool
audit_value_hash(Oid type, Datum value, uint32 *hash)
{
	switch (type)
	{
		case INT2OID:
			*hash = hash_integer(DatumGetInt16(value));
			return true;
		case INT4OID:
			*hash = hash_integer(DatumGetInt32(value));
			return true;
		case INT8OID:
			*hash = hash_integer(DatumGetInt64(value));
			return true;
		case OIDOID:
			*hash = hash_integer(DatumGetObjectId(value));
			return true;
		case UUIDOID:
			*hash = hash_bytes(DatumGetUUIDP(value)->data, UUID_LEN) | 1;
			return true;
		case TEXTOID:
		case VARCHAROID:
			{
				struct varlena *text = (struct varlena *) DatumGetPointer(value);

				if (VARATT_IS_EXTERNAL(text) || VARATT_IS_COMPRESSED(text) ||
					VARSIZE_ANY_EXHDR(text) > TAP_TEXT_BYTES)
					return false;
				*hash = hash_bytes((unsigned char *) VARDATA_ANY(text),
								   (int) VARSIZE_ANY_EXHDR(text)) | 1;
				return true;
			}
		default:
			return false;
	}
}

static void
note(AuditRowHashes *into, uint32 hash, int column)
{
	uint32		position = hash >> 1;

	for (;; position++)
	{
		position &= TAP_SLOTS - 1;
		if (into->hash[position] == hash)
			break;
		if (into->hash[position] != 0)
			continue;
		if (into->nvalues == TAP_VALUES)
			return;
		into->hash[position] = hash;
		into->nvalues++;
		break;
	}
	into->columns[position] |= ((uint32) 1) << column;
}

/* In which columns of the result the value was, a bit for each; 0: in none. */
uint32
audit_row_hashes_find(const AuditRowHashes *hashes, uint32 hash)
{
	uint32		position = hash >> 1;

	for (;; position++)
	{
		position &= TAP_SLOTS - 1;
		if (hashes->hash[position] == hash)
			return hashes->columns[position];
		if (hashes->hash[position] == 0)
			return 0;
	}
}

static bool
tap_receive(TupleTableSlot *slot, DestReceiver *self pg_attribute_unused())
{
	if (tap.into->nrows < TAP_ROWS && tap.into->nvalues < TAP_VALUES)
	{
		slot_getallattrs(slot);
		for (int i = 0; i < tap.ncolumns; i++)
		{
			AttrNumber	attnum = tap.column[i];
			uint32		hash;

			if (!slot->tts_isnull[attnum - 1] &&
				audit_value_hash(tap.type[i], slot->tts_values[attnum - 1], &hash))
				note(tap.into, hash, i);
		}
		tap.into->nrows++;
	}
	return tap.inner->receiveSlot(slot, tap.inner);
}

static void
tap_startup(DestReceiver *self pg_attribute_unused(), int operation, TupleDesc typeinfo)
{
	tap.ncolumns = 0;
	for (int i = 0; i < typeinfo->natts && tap.ncolumns < TAP_COLUMNS; i++)
	{
		Oid			type = TupleDescAttr(typeinfo, i)->atttypid;

		if (!is_key_type(type))
			continue;
		tap.column[tap.ncolumns] = (AttrNumber) (i + 1);
		tap.type[tap.ncolumns++] = type;
	}
	tap.inner->rStartup(tap.inner, operation, typeinfo);
}

static void
tap_shutdown(DestReceiver *self pg_attribute_unused())
{
	tap.inner->rShutdown(tap.inner);
}

static void
tap_destroy(DestReceiver *self pg_attribute_unused())
{
	tap.inner->rDestroy(tap.inner);
}

/* Do the keys hold all columns of a unique index to one value each? */
static bool
is_unique_lookup(Relation index, const ScanKeyData *keys, int nkeys)
{
	if (index == NULL || !index->rd_index->indisunique || nkeys < index->rd_index->indnkeyatts)
		return false;
	for (int i = 0; i < nkeys; i++)
	{
		if (keys[i].sk_strategy != BTEqualStrategyNumber ||
			(keys[i].sk_flags & (SK_ROW_HEADER | SK_SEARCHARRAY)) != 0)
			return false;
	}
	return true;
}

/* Can the plan return more than one row? Lookups by a unique key are not worth a tap. */
bool
audit_tap_wanted(const AuditWatch *watch)
{
	PlanState  *top = watch->desc->planstate;

	if (watch->nrels == 0)
		return false;
	switch (nodeTag(top))
	{
		case T_IndexScanState:
			return !is_unique_lookup(((IndexScanState *) top)->iss_RelationDesc,
									 ((IndexScanState *) top)->iss_ScanKeys,
									 ((IndexScanState *) top)->iss_NumScanKeys);
		case T_IndexOnlyScanState:
			return !is_unique_lookup(((IndexOnlyScanState *) top)->ioss_RelationDesc,
									 ((IndexOnlyScanState *) top)->ioss_ScanKeys,
									 ((IndexOnlyScanState *) top)->ioss_NumScanKeys);
		case T_AggState:
			return ((Agg *) top->plan)->numCols > 0;
		default:
			return true;
	}
}

/* Puts the tap before the query's receiver. */
void
audit_tap_open(QueryDesc *desc, AuditRowHashes *into)
{
	memset(into, 0, sizeof(AuditRowHashes));
	tap.pub.receiveSlot = tap_receive;
	tap.pub.rStartup = tap_startup;
	tap.pub.rShutdown = tap_shutdown;
	tap.pub.rDestroy = tap_destroy;
	tap.pub.mydest = desc->dest->mydest;
	tap.inner = desc->dest;
	tap.into = into;
	desc->dest = &tap.pub;
}

/* Takes it away again; also on the way out of an error. */
void
audit_tap_close(QueryDesc *desc)
{
	desc->dest = tap.inner;
}
