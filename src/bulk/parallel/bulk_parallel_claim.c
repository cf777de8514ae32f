/*
 * bulk_parallel_claim.c
 *		Which range of the file is whose, and who may tell of an error.
 *
 * Nobody cuts the file beforehand: who wants a range looks for its end, from
 * where the range before it ends.  That one does so at a time.
 *
 * Called by workers and the leader of a parallel load.
 */
#include "bulk/parallel/bulk_parallel.h"

#include "bulk/job/bulk_job.h"
#include "mb/pg_wchar.h"
#include "utils/wait_event.h"

/* In the leader, before there are workers: the first range begins at start. */
void
bulk_claim_init(BulkShared *shared, BulkPosition start)
{
	SpinLockInit(&shared->mutex);
	ConditionVariableInit(&shared->scanned);
	ConditionVariableInit(&shared->allowed);
	shared->next = start;
	shared->claimed_all = start.offset >= shared->file_size;
}

/* Become the one who looks for the end of the next range; false if there is no range left. */
static bool
begin_scan(BulkShared *shared, BulkClaim *claim)
{
	bool		mine = false;
	bool		left = true;

	while (left && !mine)
	{
		SpinLockAcquire(&shared->mutex);
		left = !shared->claimed_all && !shared->stopped;
		if (left && !shared->scanning)
		{
			shared->scanning = mine = true;
			claim->start = shared->next;
			claim->number = shared->nclaimed;
		}
		SpinLockRelease(&shared->mutex);
		if (left && !mine)
			ConditionVariableSleep(&shared->scanned, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	return mine;
}

static void
end_scan(BulkShared *shared, BulkPosition end)
{
	SpinLockAcquire(&shared->mutex);
	shared->scanning = false;
	shared->next = end;
	shared->nclaimed++;
	shared->claimed_all = end.offset >= shared->file_size;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->scanned);
}

/* Claim the next range; false if there is none. */
bool
bulk_claim_next(BulkShared *shared, const char *path, const BulkOptions *options,
				BulkClaim *claim)
{
	/* Bytes as they are: those that a conversion gives are at other places. */
	BulkCoding	raw = {BULK_COMPRESSION_NONE, GetDatabaseEncoding()};
	BulkSource *source;
	BulkPosition end;

	if (!begin_scan(shared, claim))
		return false;
	source = bulk_source_range(path, &raw, claim->start.offset, shared->file_size);
	bulk_source_more(source, 0);
	end = bulk_split_range(source, options, shared->line_end, claim->start, shared->range_size);
	bulk_source_close(source);
	claim->end = end.offset;
	end_scan(shared, end);
	return true;
}

/* ---- errors ---- */

/* In a worker, at a bad row: wait until all rows before it are taken; false if it is not wanted. */
bool
bulk_claim_wait_to_fail(BulkShared *shared, uint64 range)
{
	bool		allowed = false;
	bool		stopped = false;

	for (;;)
	{
		SpinLockAcquire(&shared->mutex);
		allowed = shared->nfailing > range;
		stopped = shared->stopped;
		SpinLockRelease(&shared->mutex);
		if (allowed || stopped)
			break;
		ConditionVariableSleep(&shared->allowed, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	return allowed;
}

/* All rows before the bad one in the range are taken: its worker may say so. */
void
bulk_claim_allow_to_fail(BulkShared *shared, uint64 range)
{
	SpinLockAcquire(&shared->mutex);
	shared->nfailing = range + 1;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->allowed);
}

/* No more rows are wanted. */
void
bulk_claim_stop(BulkShared *shared)
{
	SpinLockAcquire(&shared->mutex);
	shared->stopped = true;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->scanned);
	ConditionVariableBroadcast(&shared->allowed);
}
