/*
 * bulk_taken_probe.c
 *		The keys of a batch in one index: which of them are taken, by a row of
 *		the table or by one before in the batch.
 *
 * For unique btree indexes the rows of the batch are sorted by their keys: then
 * equal keys stand side by side, and the look-ups go through the index in its
 * order.  Exclusion constraints are looked up row by row; conflicts between
 * rows of the batch show up when they are written.
 *
 * Called by bulk_taken.c.
 */
#include "bulk/bulk.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/sortsupport.h"

/* One row's key in one index. */
typedef struct ProbeKey
{
	BulkEntry  *entry;
	int			number;
	Datum	   *values;
	bool	   *isnull;
} ProbeKey;

/* How keys of an index are compared. */
typedef struct ProbeOrder
{
	int			nkeys;
	SortSupport columns;
} ProbeOrder;

/* Can keys of the index be put in an order in which equal ones meet? */
static bool
is_sortable(Relation index, const IndexInfo *info)
{
	return info->ii_ExclusionOps == NULL && index->rd_rel->relam == BTREE_AM_OID;
}

static int
compare_keys(const void *a, const void *b, void *arg)
{
	const ProbeKey *left = a;
	const ProbeKey *right = b;
	const ProbeOrder *order = arg;

	for (int i = 0; i < order->nkeys; i++)
	{
		int			result = ApplySortComparator(left->values[i], left->isnull[i],
												 right->values[i], right->isnull[i],
												 &order->columns[i]);

		if (result != 0)
			return result;
	}
	return 0;
}

/* Rows with equal keys in the order of the input. */
static int
compare_rows(const void *a, const void *b, void *arg)
{
	int			result = compare_keys(a, b, arg);

	return result != 0 ? result : ((const ProbeKey *) a)->number - ((const ProbeKey *) b)->number;
}

static ProbeOrder
make_order(Relation index, const IndexInfo *info)
{
	ProbeOrder	order = {.nkeys = info->ii_NumIndexKeyAttrs};

	order.columns = palloc0(order.nkeys * sizeof(SortSupportData));
	for (int i = 0; i < order.nkeys; i++)
	{
		SortSupport column = &order.columns[i];

		column->ssup_cxt = CurrentMemoryContext;
		column->ssup_collation = index->rd_indcollation[i];
		column->ssup_attno = i + 1;
		purser_PrepareSortSupportFromIndexRel(index, false, column);
	}
	return order;
}

/* Of keys with nulls there may be any number, unless nulls are declared equal. */
static bool
can_repeat(const IndexInfo *info, const ProbeKey *key)
{
	if (info->ii_NullsNotDistinct)
		return false;
	for (int i = 0; i < info->ii_NumIndexKeyAttrs; i++)
		if (key->isnull[i])
			return true;
	return false;
}

/* Does the predicate hold for the row that is looked at? */
static bool
is_in_index(BulkWriter *writer, IndexInfo *info)
{
	EState	   *estate = writer->target->estate;

	if (info->ii_Predicate == NIL)
		return true;
	if (info->ii_PredicateState == NULL)
		info->ii_PredicateState = ExecPrepareQual(info->ii_Predicate, estate);
	return ExecQual(info->ii_PredicateState, GetPerTupleExprContext(estate));
}

static void
form_key(BulkWriter *writer, IndexInfo *info, BulkEntry *entry, ProbeKey *key)
{
	key->entry = entry;
	key->values = palloc(info->ii_NumIndexAttrs * sizeof(Datum));
	key->isnull = palloc(info->ii_NumIndexAttrs * sizeof(bool));
	FormIndexDatum(info, entry->slot, writer->target->estate, key->values, key->isnull);
}

/* The keys of those rows from number from on that are nobody's suspects yet; how many. */
static int
collect_keys(BulkWriter *writer, BulkPart *part, IndexInfo *info, int from, ProbeKey *keys)
{
	ExprContext *econtext = GetPerTupleExprContext(writer->target->estate);
	int			n = 0;

	for (int i = from; i < writer->nbuffered; i++)
	{
		BulkEntry  *entry = bulk_writer_entry(writer, i);

		if (bulk_writer_part(writer, i) != part || entry->suspect ||
			entry->outcome != BULK_PENDING)
			continue;
		writer->context->position = entry->position;
		econtext->ecxt_scantuple = entry->slot;
		if (!is_in_index(writer, info))
			continue;
		form_key(writer, info, entry, &keys[n]);
		keys[n].number = i;
		if (!can_repeat(info, &keys[n]))
			n++;
	}
	return n;
}

/* Is there an entry with the key, be its row alive or not? */
static bool
has_entry(IndexScanDesc scan, const IndexInfo *info, const ProbeKey *key)
{
	ScanKeyData keys[INDEX_MAX_KEYS];

	for (int i = 0; i < info->ii_NumIndexKeyAttrs; i++)
		ScanKeyEntryInitialize(&keys[i], key->isnull[i] ? SK_ISNULL | SK_SEARCHNULL : 0, i + 1,
							   info->ii_UniqueStrats[i], InvalidOid,
							   scan->indexRelation->rd_indcollation[i], info->ii_UniqueProcs[i],
							   key->values[i]);
	index_rescan(scan, keys, info->ii_NumIndexKeyAttrs, NULL, 0);
	return index_getnext_tid(scan, ForwardScanDirection) != NULL;
}

/* For indexes of one ascending column: the function behind its operator >=; or InvalidOid. */
static RegProcedure
find_at_least(Relation index, const IndexInfo *info)
{
	Oid			type = index->rd_opcintype[0];
	Oid			operator;

	if (info->ii_NumIndexKeyAttrs != 1 || info->ii_NullsNotDistinct ||
		(index->rd_indoption[0] & INDOPTION_DESC) != 0 ||
		TupleDescAttr(RelationGetDescr(index), 0)->atttypid != type)
		return InvalidOid;
	operator = get_opfamily_member(index->rd_opfamily[0], type, type,
								   BTGreaterEqualStrategyNumber);
	return OidIsValid(operator) ? get_opcode(operator) : InvalidOid;
}

/*
 * The first of the keys from number i on that may have an entry, or n: between
 * two entries of the index there may be many keys, or all, as for a sequence.
 */
static int
find_entry(IndexScanDesc scan, RegProcedure at_least, const ProbeOrder *order,
		   const ProbeKey *keys, int i, int n)
{
	while (i < n)
	{
		ScanKeyData key;
		Datum		entry;
		bool		isnull;
		int			result = 1;
		int			first = i;

		ScanKeyEntryInitialize(&key, 0, 1, BTGreaterEqualStrategyNumber, InvalidOid,
							   scan->indexRelation->rd_indcollation[0], at_least,
							   keys[i].values[0]);
		index_rescan(scan, &key, 1, NULL, 0);
		if (index_getnext_tid(scan, ForwardScanDirection) == NULL)
			return n;
		entry = index_getattr(scan->xs_itup, 1, scan->xs_itupdesc, &isnull);
		while (i < n && (result = ApplySortComparator(entry, isnull, keys[i].values[0], false,
													  &order->columns[0])) > 0)
			i++;
		/* An entry before the key says nothing of it. */
		if (result == 0 || i == first)
			break;
	}
	return i;
}

static void
suspect(BulkEntry *entry, int number, int rival)
{
	entry->suspect = true;
	entry->refusal = number + 1;
	entry->rival = rival;
}

/* The row has the key of the one before it in the index's order. */
static void
suspect_repeated(const ProbeKey *first, BulkEntry *entry, int number)
{
	suspect(entry, number, first->entry->suspect ? first->entry->rival : first->number);
}

/* A btree: keys in its order, and a row is looked at only where its key is taken. */
static void
probe_sorted(BulkWriter *writer, BulkPart *part, int number, ProbeKey *keys, int n)
{
	Relation	index = part->rri->ri_IndexRelationDescs[number];
	const IndexInfo *info = part->rri->ri_IndexRelationInfo[number];
	RegProcedure at_least = find_at_least(index, info);
	ProbeOrder	order = make_order(index, info);
	IndexScanDesc scan = purser_index_beginscan(part->rri->ri_RelationDesc, index, SnapshotAny,
												info->ii_NumIndexKeyAttrs, 0);
	int			next = 0;		/* of the keys: the first one that may have an entry */
	int			first = 0;		/* with the present key */

	scan->xs_want_itup = true;
	qsort_arg(keys, n, sizeof(ProbeKey), compare_rows, &order);
	for (int i = 0; i < n; i++)
	{
		BulkEntry  *entry = keys[i].entry;

		CHECK_FOR_INTERRUPTS();
		writer->context->position = entry->position;
		if (i > 0 && compare_keys(&keys[i - 1], &keys[i], &order) == 0)
		{
			suspect_repeated(&keys[first], entry, number);
			continue;
		}
		first = i;
		if (OidIsValid(at_least) && i >= next)
			next = find_entry(scan, at_least, &order, keys, i, n);
		if ((OidIsValid(at_least) ? i == next : has_entry(scan, info, &keys[i])) &&
			bulk_taken_by_index(writer, part->rri, index, entry->slot))
			suspect(entry, number, -1);
		next += (i == next);
	}
	index_endscan(scan);
}

/* Mark rows from number from on whose key in the part's index is taken. */
void
bulk_taken_probe(BulkWriter *writer, BulkPart *part, int number, int from)
{
	Relation	index = part->rri->ri_IndexRelationDescs[number];
	IndexInfo  *info = part->rri->ri_IndexRelationInfo[number];
	ProbeKey   *keys = palloc(BULK_BATCH_ROWS * sizeof(ProbeKey));
	int			n = collect_keys(writer, part, info, from, keys);

	if (is_sortable(index, info))
	{
		probe_sorted(writer, part, number, keys, n);
		return;
	}
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		writer->context->position = keys[i].entry->position;
		keys[i].entry->suspect = bulk_taken_by_index(writer, part->rri, index, keys[i].entry->slot);
	}
}
