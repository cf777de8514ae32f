/*
 * online_batch.c
 *		One batch of a backfill: its range, its statement, its progress.
 *
 * All of it in the caller's transaction, so that rows and position move
 * together.  Revision, statement, table and key are looked at anew for each
 * batch: what was altered since the last one is either fine or an error.
 */
#include "online.h"

#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "tcop/dest.h"

/* What the guard of a step runs. */
typedef struct Work
{
	const OnlineBatchTask *task;
	OnlineRange range;			/* to is NULL: the table was empty */
	bool		last;
	uint64		rows_done;
} Work;

static void
batch_context(void *arg)
{
	const Work *work = arg;
	int			cursor = geterrposition();

	/* A place in the script, not in what the client sent. */
	if (cursor > 0)
	{
		errposition(0);
		internalerrposition(cursor);
		internalerrquery(work->task->revision->upgrade);
	}
	if (work->range.from)
		errcontext("batch of revision \"%s\", keys above %s, up to %s",
				   work->task->revision->id, work->range.from, work->range.to);
	else if (work->range.to)
		errcontext("batch of revision \"%s\", keys up to %s", work->task->revision->id,
				   work->range.to);
	else
		errcontext("batches of revision \"%s\"", work->task->revision->id);
}

/* The revision as it is, and its statement against the tables as they are. */
OnlineBatchTask *
online_batch_task(const char *id)
{
	OnlineBatchTask *task = palloc0(sizeof(OnlineBatchTask));
	LedgerScript *script = palloc(sizeof(LedgerScript));
	Work		work = {.task = task};
	ErrorContextCallback context = {error_context_stack, batch_context, &work};
	LedgerParsed *parsed;

	task->revision = ledger_store_need(id);
	task->batch = ledger_parse_batch(task->revision->batch);
	*script = ledger_step_script(LEDGER_UPGRADE, task->revision);
	parsed = ledger_script_parse(script);
	error_context_stack = &context;
	task->key = online_key_find(task->batch);
	task->cut = online_cut_prepare(parsed, task->key);
	error_context_stack = context.previous;
	return task;
}

/* Sets the upper bound: rows that come after it are the application's own. */
void
online_batch_begin(const OnlineBatchTask *task)
{
	Work		work = {.task = task};
	ErrorContextCallback context = {error_context_stack, batch_context, &work};
	OnlineProgress progress = {
		.relation = online_key_relation(task->key),
		.key = task->key->column,
		.key_type = online_key_type(task->key),
		.batch_size = Min(task->batch->size, online_backfill_max_size)
	};
	int64		estimate = 0;

	error_context_stack = &context;
	progress.upper_bound = online_keyset_greatest(task->key, task->cut.only);
	if (progress.upper_bound)
		estimate = online_keyset_estimate(task->key, task->cut.only);
	error_context_stack = context.previous;
	online_progress_begin(task->revision->id, &progress, estimate);
}

static void
check_same(const OnlineBatchTask *task, const OnlineProgress *progress)
{
	char	   *relation = online_key_relation(task->key);
	char	   *type = online_key_type(task->key);

	if (strcmp(relation, progress->relation) == 0 &&
		strcmp(task->key->column, progress->key) == 0 && strcmp(type, progress->key_type) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the backfill of revision \"%s\" cannot go on", task->revision->id),
			 errdetail("It began with table %s and key %s of type %s; now these are %s, %s and %s.",
					   progress->relation, quote_identifier(progress->key), progress->key_type,
					   relation, quote_identifier(task->key->column), type),
			 errhint("Put that back, or give the backfill up with purser.stamp().")));
}

/* Where the batch ends; there, or at the upper bound if fewer rows are left. */
static void
find_end(Work *work, const OnlineProgress *progress)
{
	OnlineRange rest = {progress->position, progress->upper_bound};
	const OnlineKey *key = work->task->key;
	char	   *end = online_keyset_next(key, work->task->cut.only, &rest, progress->batch_size);

	work->range.from = progress->position;
	work->range.to = end ? end : progress->upper_bound;
	work->last = end == NULL || strcmp(end, progress->upper_bound) == 0 ||
		online_key_compare(key, online_key_read(key, end),
						   online_key_read(key, progress->upper_bound)) == 0;
}

static void
run_statement(Work *work)
{
	const OnlineBatchTask *task = work->task;

	work->rows_done =
		online_run_tree(online_cut_to_range(&task->cut, task->key, &work->range),
						task->revision->upgrade,
						online_range_values(task->key, &work->range, 0), None_Receiver);
}

static void
run_work(void *arg)
{
	Work	   *work = arg;
	const LedgerRevision *revision = work->task->revision;
	LedgerScript verify = {revision->id, "verify", revision->verify};
	ErrorContextCallback context = {error_context_stack, batch_context, work};

	error_context_stack = &context;
	if (work->range.to)
		run_statement(work);
	error_context_stack = context.previous;
	if (work->last && verify.text)
		ledger_script_run_whole(&verify);
}

/*
 * The next batch; with the last one the revision is in force.  Fills in what the
 * batch adds, but for the pace; the row is the caller's to write.
 */
void
online_batch_run(const OnlineBatchTask *task, const OnlineProgress *progress,
				 OnlineAdvance *advance)
{
	Work		work = {.task = task, .last = true};
	ErrorContextCallback context = {error_context_stack, batch_context, &work};

	check_same(task, progress);
	if (progress->upper_bound)
	{
		error_context_stack = &context;
		find_end(&work, progress);
		error_context_stack = context.previous;
	}
	advance->duration = ledger_step_guard(task->revision, run_work, &work);
	advance->position = work.range.to;
	advance->rows_done = work.rows_done;
	advance->rows_passed = work.last ? work.rows_done : (uint64) progress->batch_size;
	advance->last = work.last;
	if (work.last)
		ledger_step_record(ledger_journal_open(), LEDGER_UPGRADE, task->revision,
						   progress->duration + advance->duration);
}
