/*
 * audit_workers.c
 *		What parallel workers read, reported to their leader.
 *
 * A worker counts in its own pgstat counters, which the leader never sees. At
 * the end of its run it leaves one report for each relation in the store; the
 * leader takes them at the end of its own run, when the executor has waited
 * for all workers (ExecShutdownNode, also when LIMIT stops early). Reports
 * are addressed by the leader's process id and by a hash of the statement's
 * text, as a function in a parallel query may run a parallel query of its
 * own. When there is no room the report is lost, and a number tells that to
 * all leaders at work; they call their count incomplete.
 *
 * A leader that failed leaves reports behind. They go when the same backend
 * begins its next parallel query, or ends.
 *
 * Everything here is under AUDIT_LOCK_WORKERS: starting workers costs far
 * more than that.
 */
#include "audit/store/audit_store.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/proc.h"

#define MAX_REPORTS 1024

typedef struct Report
{
	int			leader;			/* process id, 0: free */
	uint32		text_hash;
	Oid			relid;
	AuditCounters own;
} Report;

struct AuditReports
{
	uint64		lost;
	int			used;			/* reports[used..] are all free */
	Report		reports[MAX_REPORTS];
};

Size
audit_reports_size(void)
{
	return sizeof(AuditReports);
}

void
audit_reports_clear(AuditReports *reports)
{
	memset(reports, 0, sizeof(AuditReports));
}

static uint32
text_hash(const QueryDesc *desc)
{
	return hash_bytes((const unsigned char *) desc->sourceText, strlen(desc->sourceText));
}

static void
free_report(AuditReports *reports, Report *report)
{
	report->leader = 0;
	while (reports->used > 0 && reports->reports[reports->used - 1].leader == 0)
		reports->used--;
}

static void
drop_own_reports(void)
{
	AuditReports *reports = audit_store_reports();

	audit_store_lock(AUDIT_LOCK_WORKERS, LW_EXCLUSIVE);
	for (int i = reports->used - 1; i >= 0; i--)
	{
		if (reports->reports[i].leader == MyProcPid)
			free_report(reports, &reports->reports[i]);
	}
	audit_store_unlock(AUDIT_LOCK_WORKERS);
}

static void
drop_at_exit(int code pg_attribute_unused(), Datum arg pg_attribute_unused())
{
	drop_own_reports();
}

/* A leader is about to run a plan that may have workers. */
void
audit_reports_begin(AuditWatch *watch)
{
	static bool registered = false;

	if (!audit_store_is_shared())
		return;
	if (!registered)
	{
		before_shmem_exit(drop_at_exit, (Datum) 0);
		registered = true;
	}
	if (watch->outer == NULL)
		drop_own_reports();
	watch->lost_reports = audit_store_reports()->lost;
}

static Report *
report_for(AuditReports *reports, int leader, uint32 hash, Oid relid)
{
	int			space = -1;

	for (int i = 0; i < reports->used; i++)
	{
		Report	   *report = &reports->reports[i];

		if (report->leader == leader && report->text_hash == hash && report->relid == relid)
			return report;
		if (report->leader == 0)
			space = i;
	}
	if (space < 0 && reports->used < MAX_REPORTS)
		space = reports->used++;
	if (space < 0)
		return NULL;
	memset(&reports->reports[space], 0, sizeof(Report));
	return &reports->reports[space];
}

/* A worker has run its part of the plan. */
void
audit_reports_send(const AuditWatch *watch)
{
	AuditReports *reports;
	PGPROC	   *leader = MyProc->lockGroupLeader;
	uint32		hash;

	if (!audit_store_is_shared() || leader == NULL)
		return;
	reports = audit_store_reports();
	hash = text_hash(watch->desc);
	audit_store_lock(AUDIT_LOCK_WORKERS, LW_EXCLUSIVE);
	for (int i = 0; i < watch->nrels; i++)
	{
		const AuditRel *rel = &watch->rels[i];
		Oid			relid = RelationGetRelid(rel->rel);
		Report	   *report;

		if (rel->own.returned == 0 && rel->own.fetched == 0)
			continue;
		report = report_for(reports, leader->pid, hash, relid);
		if (report == NULL)
		{
			reports->lost++;
			continue;
		}
		report->leader = leader->pid;
		report->text_hash = hash;
		report->relid = relid;
		report->own.returned += rel->own.returned;
		report->own.fetched += rel->own.fetched;
	}
	audit_store_unlock(AUDIT_LOCK_WORKERS);
}

static AuditRel *
rel_of_report(AuditWatch *watch, Oid relid)
{
	for (int i = 0; i < watch->nrels; i++)
	{
		if (RelationGetRelid(watch->rels[i].rel) == relid)
			return &watch->rels[i];
	}
	return NULL;
}

/* The leader has run its plan to the end, and all its workers have too. */
void
audit_reports_collect(AuditWatch *watch)
{
	AuditReports *reports;
	uint32		hash;

	if (!audit_store_is_shared())
	{
		watch->uncounted = true;
		return;
	}
	reports = audit_store_reports();
	hash = text_hash(watch->desc);
	audit_store_lock(AUDIT_LOCK_WORKERS, LW_EXCLUSIVE);
	for (int i = reports->used - 1; i >= 0; i--)
	{
		Report	   *report = &reports->reports[i];
		AuditRel   *rel;

		if (report->leader != MyProcPid || report->text_hash != hash)
			continue;
		rel = rel_of_report(watch, report->relid);
		if (rel != NULL)
			audit_add_rows(watch, rel, &report->own);
		free_report(reports, report);
	}
	if (reports->lost != watch->lost_reports)
		watch->uncounted = true;
	audit_store_unlock(AUDIT_LOCK_WORKERS);
}
