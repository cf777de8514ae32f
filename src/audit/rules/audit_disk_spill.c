/*
 * audit_disk_spill.c
 *		disk_spill: sorts and hash tables that do not fit into work_mem, run after run.
 */
#include "audit/rules/audit_rules.h"

#include <math.h>

#include "miscadmin.h"

/* The figures of evidence. */
#define BYTES 0
#define WANTED 2				/* kB of work_mem */
#define SPARED 4				/* not shown */

/* The table of people's that most rows came from, InvalidOid without one. */
static Oid
main_table(const AuditWatch *watch)
{
	Oid			owner = InvalidOid;
	int64		rows = -1;
	int			n;
	AuditSource *sources = audit_sources(watch, &n);

	for (int i = 0; i < n; i++)
	{
		if (sources[i].rows > rows && audit_is_user_table(watch, sources[i].table))
		{
			rows = sources[i].rows;
			owner = sources[i].owner;
		}
	}
	return owner;
}

/*
 * A run that was measured and has written temporary files. Where estimates
 * were wrong, hash tables are left to those: sizes of hash tables follow them.
 */
List *
audit_measure_disk_spill(const AuditWatch *watch, bool misestimated)
{
	AuditSpill	spill = audit_plan_spill(watch->desc->planstate, misestimated);
	Oid			table = spill.nodes > 0 ? main_table(watch) : InvalidOid;
	AuditSighting *sighting;

	if (!OidIsValid(table))
		return NIL;
	sighting = palloc(sizeof(AuditSighting));
	audit_sighting(watch, AUDIT_DISK_SPILL, sighting);
	sighting->relid = table;
	sighting->bytes = watch->temp_blocks * BLCKSZ;
	sighting->numbers[BYTES] = (double) sighting->bytes;
	sighting->numbers[1] = work_mem;
	sighting->numbers[WANTED] = spill.work_mem;
	sighting->numbers[3] = spill.nodes;
	return list_make1(sighting);
}

/* ---- its words ---- */

/* In blocks. */
static double
weight(const AuditFinding *finding)
{
	return finding->numbers[BYTES] / BLCKSZ;
}

static void
suggest(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	double		megabytes = ceil(finding->numbers[WANTED] / 1024);

	if (finding->numbers[WANTED] <= audit_max_work_mem)
		appendStringInfo(out, "SET work_mem = '%.0fMB'", megabytes);
	else
		appendStringInfo(out, "It would take a work_mem of %.0fMB: rather have the query sort or "
						 "hash fewer rows or columns of %s at once, or read them in the order "
						 "of an index.", megabytes, names->table);
}

const AuditRuleSpec audit_spec_disk_spill = {
	.name = "disk_spill",
	.measured = true,
	.cause = AUDIT_CAUSE_SPILL,
	.least = 2,
	.medium = 1280,
	.weight = weight,
	.numbers = {"temp_bytes", "work_mem_kb", "work_mem_wanted_kb", "nodes"},
	.spared = SPARED,
	.suggest = suggest
};
