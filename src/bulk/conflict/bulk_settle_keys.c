/*
 * bulk_settle_keys.c
 *		The keys of a batch in the order of an index.
 *
 * Called by bulk_settle.c and bulk_settle_skip.c.
 */
#include "bulk/conflict/bulk_settle.h"

#include "bulk/write/bulk_order.h"
#include "miscadmin.h"

/* From a column of the key on. */
static int
compare_columns(const SettleKey *a, const SettleKey *b, const BulkProbe *probe, int column)
{
	int			order = 0;

	for (int i = column; i < probe->nkeys && order == 0; i++)
		order = ApplySortComparator(a->values[i], a->isnull[i],
									b->values[i], b->isnull[i], &probe->sort[i]);
	return order;
}

/* By key, then by input. */
static inline int
order_values(const SettleKey *a, const SettleKey *b, const BulkProbe *probe)
{
	int			order = compare_columns(a, b, probe, 0);

	return order != 0 ? order : a->number - b->number;
}

static inline int
order_integers(const SettleKey *a, const SettleKey *b, const BulkProbe *probe)
{
	int			order;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	order = compare_columns(a, b, probe, 1);
	return order != 0 ? order : a->number - b->number;
}

#define ST_SORT sort_by_values
#define ST_ELEMENT_TYPE SettleKey
#define ST_COMPARE(a, b, probe) order_values(a, b, probe)
#define ST_COMPARE_ARG_TYPE const BulkProbe
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_by_integers
#define ST_ELEMENT_TYPE SettleKey
#define ST_COMPARE(a, b, probe) order_integers(a, b, probe)
#define ST_COMPARE_ARG_TYPE const BulkProbe
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * The keys of all rows that something can be in the way of, in order; returns
 * their number.
 */
int
bulk_settle_sort(const SettleBatch *batch, BulkProbe *probe, SettleKey *keys)
{
	EState	   *estate = batch->writer->target->estate;
	Datum	   *values = palloc(batch->ncases * probe->nkeys * sizeof(Datum));
	bool	   *isnull = palloc(batch->ncases * probe->nkeys * sizeof(bool));
	bool		integers = bulk_order_is_integer(&probe->sort[0]);
	int			n = 0;

	for (int i = 0; i < batch->ncases; i++)
	{
		SettleKey *key = &keys[n];

		key->number = i;
		key->values = values + i * probe->nkeys;
		key->isnull = isnull + i * probe->nkeys;
		if (!bulk_probe_key(probe, estate, batch->cases[i].entry->slot, key->values, key->isnull))
			continue;
		integers &= !key->isnull[0];
		if (integers)
			key->first = bulk_order_integer(&probe->sort[0], key->values[0]);
		n++;
	}
	if (integers)
		sort_by_integers(keys, n, probe);
	else
		sort_by_values(keys, n, probe);
	return n;
}

/* Where the keys equal to the first one end. */
int
bulk_settle_end_of_run(const BulkProbe *probe, const SettleKey *keys, int first, int nkeys)
{
	int			end = first + 1;

	while (end < nkeys && compare_columns(&keys[first], &keys[end], probe, 0) == 0)
		end++;
	return end;
}
