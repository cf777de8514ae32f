/*
 * audit_sizes.c
 *		Bytes of the values that a client gets, column by column.
 *
 * For one run of a query that is on the board, a receiver of ours stands before
 * the next one and adds up the sizes of the values in some of the rows: the
 * first ones, then every SAMPLE-th. A size is that of the datum once it is
 * detoasted, which its TOAST pointer tells; nothing is fetched or unpacked. What
 * goes over the wire is the text or binary form of it. Only a top-level SELECT
 * has this receiver, and these do not nest, so one serves.
 */
#include "audit/capture/audit_capture.h"

#include "access/detoast.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "tcop/dest.h"

#define FIRST_ROWS 256
#define SAMPLE 16

typedef struct SizesReceiver
{
	DestReceiver pub;
	DestReceiver *inner;
	AuditSizes *into;
} SizesReceiver;

static SizesReceiver receiver;

static int64
value_bytes(const TupleTableSlot *slot, int column)
{
	int16		len = TupleDescAttr(slot->tts_tupleDescriptor, column)->attlen;

	if (slot->tts_isnull[column])
		return 0;
	if (len > 0)
		return len;
	if (len == -1)
		return (int64) toast_raw_datum_size(slot->tts_values[column]);
	return (int64) strlen(DatumGetCString(slot->tts_values[column])) + 1;
}

static bool
sizes_receive(TupleTableSlot *slot, DestReceiver *self pg_attribute_unused())
{
	AuditSizes *into = receiver.into;

	if (into->seen < FIRST_ROWS || into->seen % SAMPLE == 0)
	{
		int			n = Min(into->ncolumns, slot->tts_tupleDescriptor->natts);

		slot_getallattrs(slot);
		for (int i = 0; i < n; i++)
			into->bytes[i] += value_bytes(slot, i);
		into->rows++;
	}
	into->seen++;
	return receiver.inner->receiveSlot(slot, receiver.inner);
}

static void
sizes_startup(DestReceiver *self pg_attribute_unused(), int operation, TupleDesc typeinfo)
{
	receiver.inner->rStartup(receiver.inner, operation, typeinfo);
}

static void
sizes_shutdown(DestReceiver *self pg_attribute_unused())
{
	receiver.inner->rShutdown(receiver.inner);
}

static void
sizes_destroy(DestReceiver *self pg_attribute_unused())
{
	receiver.inner->rDestroy(receiver.inner);
}

/* Puts the receiver before the query's, or before the tap. */
void
audit_sizes_open(AuditWatch *watch)
{
	QueryDesc  *desc = watch->desc;
	int			ncolumns = desc->tupDesc->natts;

	watch->sizes = MemoryContextAllocZero(desc->estate->es_query_cxt,
										  offsetof(AuditSizes, bytes) +
										  sizeof(int64) * ncolumns);
	watch->sizes->ncolumns = ncolumns;
	receiver.pub.receiveSlot = sizes_receive;
	receiver.pub.rStartup = sizes_startup;
	receiver.pub.rShutdown = sizes_shutdown;
	receiver.pub.rDestroy = sizes_destroy;
	receiver.pub.mydest = desc->dest->mydest;
	receiver.inner = desc->dest;
	receiver.into = watch->sizes;
	desc->dest = &receiver.pub;
}

/* Takes it away again; also on the way out of an error. */
void
audit_sizes_close(AuditWatch *watch)
{
	watch->desc->dest = receiver.inner;
}

/* Bytes of a row, on average. */
double
audit_sizes_of_row(const AuditSizes *sizes)
{
	double		sum = 0;

	for (int i = 0; i < sizes->ncolumns; i++)
		sum += (double) sizes->bytes[i];
	return sum / (double) Max(sizes->rows, 1);
}
