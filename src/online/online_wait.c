/*
 * online_wait.c
 *		Patience: who holds what we want, and how long we wait for it.
 *
 * While we wait here we hold nothing, and stand in no queue.
 */
#include "online.h"

#include "access/transam.h"
#include "access/twophase.h"
#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/pg_bitutils.h"
#include "shared/owner_query.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/sinvaladt.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#define COMMAND "purser.migrate()"

/* Pauses between two looks, in milliseconds: doubled each time. */
#define PAUSE_MIN 50
#define PAUSE_MAX 2000

/* We stand in the queue at the latest at the look of this number, and then again. */
#define LOOKS_MAX 8

/* Most blockers that are named. */
#define BLOCKERS_MAX 10

/* An autovacuum gives way to those who wait in the queue, so it is no reason not to. */
static bool
gives_way(const PGPROC *process)
{
	return (process->statusFlags & PROC_IS_AUTOVACUUM) != 0 &&
		(process->statusFlags & PROC_VACUUM_FOR_WRAPAROUND) == 0;
}

static void
add_blocker(NameList *blockers, int pid)
{
	char		name[16];

	snprintf(name, sizeof(name), "%d", pid);
	for (int i = 0; i < blockers->count; i++)
		if (strcmp(blockers->items[i], name) == 0)
			return;
	if (blockers->count < BLOCKERS_MAX)
		blockers->items[blockers->count++] = pstrdup(name);
}

static void
add_holders(NameList *blockers, const OnlineLock *lock)
{
	VirtualTransactionId *holders;
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, lock->relation);
	holders = GetLockConflicts(&tag, lock->mode, NULL);
	for (int i = 0; VirtualTransactionIdIsValid(holders[i]); i++)
	{
		PGPROC	   *process = purser_process_of(holders[i]);
		bool		more;

		if (process && purser_lxid_of(process) == holders[i].localTransactionId)
		{
			if (!gives_way(process))
				add_blocker(blockers, process->pid);
		}
		else if (TransactionIdIsValid(TwoPhaseGetXidByVirtualXID(holders[i], &more)))
			add_blocker(blockers, 0);
	}
	pfree(holders);
}

/* What the caller may know of the blockers; NULL when they are gone. */
static char *
describe(NameList blockers)
{
	static const char sql[] =
		"SELECT pg_catalog.string_agg(pg_catalog.format(CASE p.pid WHEN 0 THEN"
		" 'A prepared transaction (see pg_prepared_xacts).' ELSE"
		" 'Process %s, %s, in a transaction for %s s: %s' END, p.pid,"
		" COALESCE(a.state, 'state unknown'), COALESCE(pg_catalog.date_part('epoch',"
		" pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) a.xact_start)"
		"::pg_catalog.int8::pg_catalog.text, '?'), pg_catalog.left("
		"pg_catalog.regexp_replace(COALESCE(a.query, ''), '\\s+', ' ', 'g'), 100)), E'\\n')"
		" FROM pg_catalog.unnest($1::pg_catalog.int4[]) AS p(pid)"
		" LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid OPERATOR(pg_catalog.=) p.pid"
		" WHERE a.pid IS NOT NULL OR p.pid OPERATOR(pg_catalog.=) 0";
	MemoryContext caller = CurrentMemoryContext;
	Oid			types[] = {TEXTARRAYOID};
	Datum		values[] = {shared_names_to_array(blockers)};
	char	   *text = NULL;

	SPI_connect();
	if (SPI_execute_with_args(sql, 1, types, values, NULL, true, 1) == SPI_OK_SELECT &&
		SPI_processed > 0)
	{
		text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
		if (text)
			text = MemoryContextStrdup(caller, text);
	}
	SPI_finish();
	return text;
}

/* Is one of them in a transaction that is older than we would stand in the queue? */
static bool
is_long(NameList blockers)
{
	/* As the extension's owner, who may see it of every session. */
	static OwnerQuery query = {
		.sql = "SELECT FROM pg_catalog.unnest($1::pg_catalog.int4[]) AS p(pid)"
		" LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid OPERATOR(pg_catalog.=) p.pid"
		" WHERE p.pid OPERATOR(pg_catalog.=) 0 OR a.xact_start OPERATOR(pg_catalog.<)"
		" (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) $2)",
		.nargs = 2, .argtypes = {TEXTARRAYOID, INTERVALOID}
	};
	Interval	age = {.time = (int64) online_lock_timeout * 1000};
	Datum		values[] = {shared_names_to_array(blockers), IntervalPGetDatum(&age)};
	bool		found = shared_query_open(&query, values, NULL) > 0;

	shared_query_close();
	return found;
}

/* Notes who holds what conflicts with the locks. */
static void
find_blockers(OnlineWait *wait, List *locks)
{
	ListCell   *cell;

	wait->blockers.count = 0;
	wait->blockers.items = palloc(sizeof(char *) * BLOCKERS_MAX);
	foreach(cell, locks)
		add_holders(&wait->blockers, lfirst(cell));
	wait->who = wait->blockers.count > 0 ? describe(wait->blockers) : NULL;
}

/*
 * Is there somebody who would keep us in the queue for too long?  Short
 * transactions would not; and among many that are not so short there may always
 * be one that is, so now and then we try all the same.
 */
bool
online_must_wait(OnlineWait *wait, List *locks)
{
	if (online_lock_timeout == 0)
		return false;
	find_blockers(wait, locks);
	return wait->blockers.count > 0 && is_long(wait->blockers) && ++wait->looks % LOOKS_MAX != 0;
}

/*
 * Is the error that we stood in the queue for too long?  Then it is worth
 * another attempt; to be called while we can still look around.
 */
bool
online_wait_failed(OnlineWait *wait, const ErrorData *error, List *locks)
{
	if (error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE &&
		error->sqlerrcode != ERRCODE_T_R_DEADLOCK_DETECTED)
		return false;
	wait->attempts++;
	find_blockers(wait, locks);
	if (wait->blockers.count == 0)
		wait->who = pstrdup(error->message);
	return true;
}

/* What the progress view shows; committed, with nothing held. */
static void
note(const OnlineWait *wait, OnlineWork *work)
{
	LedgerUnderway *underway = work->underway;

	online_begin(COMMAND);
	online_check_own(work);
	underway->phase = "waiting for locks";
	underway->attempts = wait->attempts;
	underway->blockers = wait->blockers;
	ledger_underway_save(underway);
	online_commit();
	underway->blockers.count = 0;
	underway->phase = "running";
}

static void
sleep_until(TimestampTz end)
{
	for (;;)
	{
		long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);

		CHECK_FOR_INTERRUPTS();
		if (left <= 0)
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, left,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

static void
pause_or_give_up(void *arg)
{
	OnlineWait *wait = arg;
	double		pause = Min(PAUSE_MIN << Min(wait->rounds, 10), PAUSE_MAX);
	TimestampTz now = GetCurrentTimestamp();

	if (online_lock_patience > 0 &&
		TimestampDifferenceExceeds(wait->since, now, online_lock_patience))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("could not get the locks for revision \"%s\" within %d ms",
						wait->revision, online_lock_patience),
				 wait->who ? errdetail("%s", wait->who) : 0,
				 errhint("What was done before is committed; purser.migrate() goes on from "
						 "there.  purser.lock_patience is how long it tries.")));
	/* Often at first, then less and less. */
	if (pg_popcount32(wait->rounds) == 1)
		ereport(NOTICE,
				(errmsg("waiting for locks for revision \"%s\" (attempts that failed: %d)",
						wait->revision, wait->attempts),
				 wait->who ? errdetail("%s", wait->who) : 0));
	/* Some jitter, so that two who are in each other's way do not keep step. */
	pause *= 0.5 + pg_prng_double(&pg_global_prng_state) / 2;
	sleep_until(TimestampTzPlusMilliseconds(now, (int64) pause));
}

/* Wait for a while; gives up, as an error, once the patience is at its end. */
void
online_wait(OnlineWait *wait, OnlineWork *work)
{
	ErrorData  *error;

	wait->rounds++;
	note(wait, work);
	error = online_try(pause_or_give_up, wait);
	if (error)
		online_fail(work, error);
}
