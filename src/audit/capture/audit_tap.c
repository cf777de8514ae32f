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
#include "utils/fmgrprotos.h"
#include "utils/uuid.h"

#define TAP_ROWS 256			/* noted of a result */
#define TAP_VALUES 1024			/* different ones noted of a result */
#define TAP_SLOTS (TAP_VALUES * 2)	/* a power of two */
#define TAP_TEXT_BYTES 64		/* longest text that passes for a key */
#define TELLING_INTEGER 1000000 /* fewer tables count as far as that */

/* Open hash table: in which columns of the result (a bit for each) a value was. */
struct AuditRowHashes
{
	int			nrows;
	int			nvalues;
	int			ncolumns;
	AttrNumber	column[AUDIT_TAP_COLUMNS];	/* of the result, for each bit */
	uint32		hash[TAP_SLOTS];	/* 0: free */
	uint32		columns[TAP_SLOTS];
	uint16		row[TAP_SLOTS]; /* the first that had it */
	uint16		times[TAP_SLOTS];	/* that it was there */
};

typedef struct Tap
{
	DestReceiver pub;
	DestReceiver *inner;
	AuditRowHashes *into;
	Oid			type[AUDIT_TAP_COLUMNS];
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

/* No more rows will be noted. */
bool
audit_row_hashes_full(const AuditRowHashes *hashes)
{
	return hashes->nrows >= TAP_ROWS || hashes->nvalues >= TAP_VALUES;
}

/* The columns of the result that are noted, in the order of their bits. */
int
audit_row_hashes_columns(const AuditRowHashes *hashes, const AttrNumber **columns)
{
	*columns = hashes->column;
	return hashes->ncolumns;
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
		case BPCHAROID:
		case NUMERICOID:
			return true;
		default:
			return false;
	}
}

/* Blanks at the end of a character(n) are no part of it. */
static int
text_length(Oid type, const char *data, int len)
{
	while (type == BPCHAROID && len > 0 && data[len - 1] == ' ')
		len--;
	return len;
}

static bool
hash_varlena(Oid type, Datum value, uint32 *hash)
{
	struct varlena *text = (struct varlena *) DatumGetPointer(value);
	int			len;

	if (VARATT_IS_EXTERNAL(text) || VARATT_IS_COMPRESSED(text) ||
		VARSIZE_ANY_EXHDR(text) > TAP_TEXT_BYTES)
		return false;
	if (type == NUMERICOID)
	{
		*hash = DatumGetUInt32(DirectFunctionCall1(hash_numeric, value)) | 1;
		return true;
	}
	len = text_length(type, VARDATA_ANY(text), (int) VARSIZE_ANY_EXHDR(text));
	*hash = hash_bytes((unsigned char *) VARDATA_ANY(text), len) | 1;
	return true;
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
		case BPCHAROID:
		case NUMERICOID:
			return hash_varlena(type, value, hash);
		default:
			return false;
	}
}

/* Is it a value that two unrelated tables hardly share, no number that counts from 1? */
bool
audit_value_is_telling(Oid type, Datum value)
{
	switch (type)
	{
		case INT2OID:
			return false;
		case INT4OID:
			return DatumGetInt32(value) >= TELLING_INTEGER;
		case INT8OID:
			return DatumGetInt64(value) >= TELLING_INTEGER;
		case NUMERICOID:
		case OIDOID:
			return false;
		default:
			return true;
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
		into->row[position] = (uint16) into->nrows;
		into->nvalues++;
		break;
	}
	into->times[position]++;
	into->columns[position] |= ((uint32) 1) << column;
}

/*
 * In which columns of the result the value was, a bit for each (0: in none),
 * in which row first, and how often.
 */
uint32
audit_row_hashes_find(const AuditRowHashes *hashes, uint32 hash, int *row, int *times)
{
	uint32		position = hash >> 1;

	for (;; position++)
	{
		position &= TAP_SLOTS - 1;
		if (hashes->hash[position] == hash)
		{
			*row = hashes->row[position];
			*times = hashes->times[position];
			return hashes->columns[position];
		}
		if (hashes->hash[position] == 0)
			return 0;
	}
}

static bool
tap_receive(TupleTableSlot *slot, DestReceiver *self pg_attribute_unused())
{
	if (!audit_row_hashes_full(tap.into))
	{
		slot_getallattrs(slot);
		for (int i = 0; i < tap.into->ncolumns; i++)
		{
			AttrNumber	attnum = tap.into->column[i];
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
	AuditRowHashes *into = tap.into;

	into->ncolumns = 0;
	for (int i = 0; i < typeinfo->natts && into->ncolumns < AUDIT_TAP_COLUMNS; i++)
	{
		Oid			type = TupleDescAttr(typeinfo, i)->atttypid;

		if (!is_key_type(type))
			continue;
		into->column[into->ncolumns] = (AttrNumber) (i + 1);
		tap.type[into->ncolumns++] = type;
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
			return !audit_is_unique_lookup(((IndexScanState *) top)->iss_RelationDesc,
										   ((IndexScanState *) top)->iss_ScanKeys,
										   ((IndexScanState *) top)->iss_NumScanKeys);
		case T_IndexOnlyScanState:
			return !audit_is_unique_lookup(((IndexOnlyScanState *) top)->ioss_RelationDesc,
										   ((IndexOnlyScanState *) top)->ioss_ScanKeys,
										   ((IndexOnlyScanState *) top)->ioss_NumScanKeys);
		case T_AggState:
			return ((Agg *) top->plan)->numCols > 0;
		default:
			return true;
	}
}

/* Different values that were in all of these columns. */
int
audit_row_hashes_distinct(const AuditRowHashes *hashes, uint32 columns)
{
	int			n = 0;

	for (int i = 0; i < TAP_SLOTS; i++)
		n += hashes->hash[i] != 0 && (hashes->columns[i] & columns) == columns;
	return n;
}

void
audit_row_hashes_clear(AuditRowHashes *hashes)
{
	memset(hashes, 0, sizeof(AuditRowHashes));
}

/* Puts the tap before the query's receiver; adds to what is in "into". */
void
audit_tap_open(QueryDesc *desc, AuditRowHashes *into)
{
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
