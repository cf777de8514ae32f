/*
 * online_revision.c
 *		Runs one revision, segment by segment, from where it stands.
 */
#include "online.h"

#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"

#define COMMAND "purser.migrate()"

static bool
same_bytes(Datum a, Datum b)
{
	return DatumGetBool(DirectFunctionCall2(byteaeq, a, b));
}

/* Raise an error unless the row is as this session left it. */
void
online_check_own(OnlineWork *work)
{
	const LedgerUnderway *here = work->underway;
	LedgerUnderway *stored = ledger_underway_fetch(work->revision->id);

	if (stored && stored->next == here->next && stored->started == here->started &&
		stored->runner_pid == MyProcPid &&
		same_bytes(stored->checksum, here->checksum))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("revision \"%s\" was changed or stamped by another session",
					work->revision->id),
			 errdetail("%d of its %d statements were done.", here->next - 1, here->statements),
			 errhint("Call purser.migrate() again for what is left to do.")));
}

/*
 * The run ends here, with the error.  To be called in a transaction that holds
 * nothing; how far the revision came is kept, and nothing if it came nowhere.
 */
void
online_fail(OnlineWork *work, ErrorData *error)
{
	LedgerUnderway *underway = work->underway;

	online_begin(COMMAND);
	online_check_own(work);
	if (ledger_underway_is_partial(underway))
	{
		underway->phase = "failed";
		underway->error = error->message;
		ledger_underway_save(underway);
	}
	else
		ledger_underway_remove(underway->revision);
	online_commit();
	ReThrowError(error);
}

static LedgerUnderway *
new_underway(const OnlineWork *work)
{
	LedgerUnderway *underway = palloc0(sizeof(LedgerUnderway));

	underway->revision = work->revision->id;
	underway->direction = work->direction;
	underway->checksum = ledger_checksum(work->script.text);
	underway->statements = work->parsed->count;
	underway->next = 1;
	return underway;
}

/* How far an earlier run came, if it did; an error when it went elsewhere. */
static LedgerUnderway *
find_underway(const OnlineWork *work)
{
	LedgerUnderway *fresh = new_underway(work);
	LedgerUnderway *stored = ledger_underway_fetch(work->revision->id);

	if (!ledger_underway_is_partial(stored))
	{
		ledger_underway_remove(work->revision->id);
		return fresh;
	}
	if (stored->direction != work->direction ||
		!same_bytes(stored->checksum, fresh->checksum))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot go on with revision \"%s\"", work->revision->id),
				 errdetail("Its %s is under way with another text or in another direction.",
						   ledger_direction_name(stored->direction)),
				 errhint("purser.stamp() states that it is in force, or that it is not.")));
	return stored;
}

/* The row that says what is under way, committed before anything runs. */
static void
announce(OnlineWork *work)
{
	LedgerUnderway *underway = work->underway;
	int			next = underway->next;

	underway->phase = "running";
	underway->error = NULL;
	underway->step = work->step;
	underway->steps = work->steps;
	underway->statement = next <= work->parsed->count ?
		work->parsed->statements[next - 1].text : NULL;
	ledger_underway_save(underway);
}

/* What there is to do of the revision; puts it under way. */
static void
prepare(OnlineWork *work)
{
	work->script = ledger_step_script(work->direction, work->revision);
	work->parsed = ledger_script_parse(&work->script);
	work->underway = find_underway(work);
	if (work->direction == LEDGER_UPGRADE && !ledger_underway_is_partial(work->underway))
		ledger_check_preconditions(work->revision);
	announce(work);
}

/* What online_try runs to find the next segment. */
typedef struct Search
{
	const OnlineWork *work;
	OnlineSegment segment;
} Search;

static void
find_segment(void *arg)
{
	Search	   *search = arg;
	int			settings = NewGUCNestLevel();

	online_run_settings(search->work, search->work->underway->next - 1);
	search->segment = online_next_segment(search->work);
	AtEOXact_GUC(false, settings);
}

static OnlineSegment
next_segment(OnlineWork *work)
{
	Search		search = {.work = work};
	ErrorData  *error = online_try(find_segment, &search);

	if (error)
	{
		online_rollback();
		online_fail(work, error);
	}
	return search.segment;
}

static void
run_segments(OnlineWork *work)
{
	for (;;)
	{
		OnlineSegment segment;

		online_begin(COMMAND);
		online_check_own(work);
		segment = next_segment(work);
		announce(work);
		online_commit();
		if (segment.outside)
			online_run_outside(work, segment);
		else if (online_run_ordinary(work, segment))
			return;
	}
}

/* Step i of the plan. */
void
online_run_revision(OnlinePlan *plan, int i)
{
	OnlineWork	work = {.context = CurrentMemoryContext, .direction = plan->direction,
	.step = i + 1, .steps = plan->ids.count};

	online_begin(COMMAND);
	if (!online_plan_wants(plan, i, ledger_journal_open()))
	{
		online_commit();
		return;
	}
	work.revision = ledger_store_need(plan->ids.items[i]);
	ledger_underway_check_neighbours(work.revision);
	if (work.revision->batch && work.direction == LEDGER_UPGRADE)
		online_backfill_run(work.revision->id);
	else
	{
		prepare(&work);
		online_commit();
		run_segments(&work);
	}
	plan->last_event++;
}
