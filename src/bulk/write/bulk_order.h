/*
 * bulk_order.h
 *		Values whose order is that of unsigned integers, made so.
 */
#ifndef PURSER_BULK_ORDER_H
#define PURSER_BULK_ORDER_H

#include "postgres.h"

#include "utils/sortsupport.h"

/* Does the sort support compare integers? */
static inline bool
bulk_order_is_integer(SortSupport key)
{
#if SIZEOF_DATUM >= 8
	if (key->comparator == ssup_datum_signed_cmp)
		return true;
#endif
	return key->comparator == ssup_datum_unsigned_cmp || key->comparator == ssup_datum_int32_cmp;
}

/* The value as an unsigned integer of the same order, if so; it is not null. */
static inline Datum
bulk_order_integer(SortSupport key, Datum value)
{
	if (key->comparator == ssup_datum_int32_cmp)
		value = (Datum) ((uint32) DatumGetInt32(value) ^ 0x80000000);
#if SIZEOF_DATUM >= 8
	else if (key->comparator == ssup_datum_signed_cmp)
		value ^= UINT64CONST(1) << 63;
#endif
	return key->ssup_reverse ? ~value : value;
}

#endif							/* PURSER_BULK_ORDER_H */
