/*
 * bulk_settle_skip.c
 *		Leaves out the rows of a batch whose key is taken, by any number of arbiters.
 *
 * A key is taken by a row in the table, or by an earlier one of the input.
 * Called by bulk_settle.c.
 */
#include "bulk/conflict/bulk_settle.h"

#include "executor/executor.h"

#define NO_GROUP	(-1)

/* Rows with the same key in one index. */
typedef struct KeyGroup
{
	bool		taken;			/* by a row in the table or of the batch */
	BulkEntry  *owner;			/* the latter; NULL: the former */
} KeyGroup;

static void
skip(SettleBatch *batch, BulkEntry *entry, TupleTableSlot *row)
{
	bulk_conflict_keep(batch->writer, batch->part, entry, row);
	entry->outcome = BULK_SKIPPED;
}

/* Look for rows in the way of each group of one index; fills the group's number by case. */
static KeyGroup *
find_groups(SettleBatch *batch, BulkProbe *probe, const SettleKey *keys, int nkeys, int *numbers)
{
	BulkConflict *conflict = batch->conflict;
	KeyGroup *groups = palloc0(Max(nkeys, 1) * sizeof(KeyGroup));
	int			end;

	for (int i = 0; i < batch->ncases; i++)
		numbers[i] = NO_GROUP;
	bulk_probe_open(probe, &probe->dirty);
	for (int i = 0; i < nkeys; i = end)
	{
		SettleCase *first = &batch->cases[keys[i].number];

		end = bulk_settle_end_of_run(probe, keys, i, nkeys);
		batch->writer->context->position = first->entry->position;
		if (bulk_probe_find(probe, keys[i].values, keys[i].isnull, conflict->existing))
		{
			bulk_conflict_check_visible(batch->writer, batch->part);
			groups[i].taken = true;
		}
		for (int j = i; j < end; j++)
		{
			BulkEntry  *entry = batch->cases[keys[j].number].entry;

			numbers[keys[j].number] = i;
			if (groups[i].taken && entry->outcome == BULK_PENDING)
				skip(batch, entry, conflict->existing);
		}
	}
	bulk_probe_close(probe);
	ExecClearTuple(conflict->existing);
	return groups;
}

/* In the order of the input: the first row of a group excludes the others. */
static void
exclude_within_batch(SettleBatch *batch, KeyGroup **groups, int **numbers)
{
	int			nprobes = batch->conflict->nprobes;

	for (int i = 0; i < batch->ncases; i++)
	{
		BulkEntry  *entry = batch->cases[i].entry;

		for (int p = 0; p < nprobes && entry->outcome == BULK_PENDING; p++)
			if (numbers[p][i] != NO_GROUP && groups[p][numbers[p][i]].taken)
				skip(batch, entry, groups[p][numbers[p][i]].owner->slot);
		for (int p = 0; p < nprobes && entry->outcome == BULK_PENDING; p++)
			if (numbers[p][i] != NO_GROUP)
				groups[p][numbers[p][i]] = (KeyGroup) {true, entry};
	}
}

void
bulk_settle_skip(SettleBatch *batch)
{
	BulkConflict *conflict = batch->conflict;
	KeyGroup **groups = palloc(conflict->nprobes * sizeof(KeyGroup *));
	int		  **numbers = palloc(conflict->nprobes * sizeof(int *));

	for (int p = 0; p < conflict->nprobes; p++)
	{
		SettleKey *keys = batch->keys;
		int			nkeys = batch->nkeys;

		numbers[p] = palloc(batch->ncases * sizeof(int));
		if (p > 0)
		{
			keys = palloc(batch->ncases * sizeof(SettleKey));
			nkeys = bulk_settle_sort(batch, &conflict->probes[p], keys);
		}
		groups[p] = find_groups(batch, &conflict->probes[p], keys, nkeys, numbers[p]);
	}
	exclude_within_batch(batch, groups, numbers);
	for (int i = 0; i < batch->nkeys; i++)
	{
		SettleCase *one = &batch->cases[batch->keys[i].number];

		if (one->entry->outcome == BULK_PENDING)
			bulk_settle_add(batch, one);
	}
}
