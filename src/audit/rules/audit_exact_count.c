/*
 * audit_exact_count.c
 *		exact_count: a client has many rows counted one by one, again and again.
 *
 * Where few of the rows read are counted it is not the count that costs, but
 * the search for them, which is missing_index's to judge.
 */
#include "audit/rules/audit_rules.h"

#include "catalog/pg_class.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define CAP 1000				/* of the suggestion: more than anybody pages through */

enum
{
	COUNTED,
	RESTRICTED,
};

/* True if it is found: then the rows counted are not held against the scan below. */
bool
audit_judge_exact_count(AuditWatch *watch)
{
	int64		read;
	AuditCount	count;
	AuditSource source;
	AuditSighting sighting;

	if (!watch->to_client || !IsA(watch->desc->planstate, AggState))
		return false;
	read = watch->rows_read;
	if (read < audit_exact_count ||
		!audit_plan_count(watch->desc->planstate, watch->desc->plannedstmt->rtable, &count) ||
		(double) count.counted <= (double) read * AUDIT_KEPT_AT_MOST)
		return false;
	source = audit_largest_source(watch);
	if (!audit_is_user_table(watch, source.table))
		return false;
	audit_sighting(watch, AUDIT_EXACT_COUNT, &sighting);
	sighting.relid = source.owner;
	sighting.numbers[COUNTED] = (double) count.counted;
	sighting.numbers[RESTRICTED] = count.restricted ? 1 : 0;
	audit_sighting_waste(&sighting, watch, (double) read, (double) read);
	audit_find(&sighting);
	audit_board_keep(watch);
	return true;
}

/* ---- its words ---- */

/* The estimate of the catalog; for a partitioned table the sum over its partitions. */
static void
append_estimate(StringInfo out, Oid relid, const char *literal)
{
	if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		appendStringInfo(out, "SELECT sum(c.reltuples)::bigint "
						 "FROM pg_catalog.pg_partition_tree(%s) p "
						 "JOIN pg_catalog.pg_class c ON c.oid = p.relid WHERE p.isleaf", literal);
	else
		appendStringInfo(out, "SELECT reltuples::bigint FROM pg_catalog.pg_class "
						 "WHERE oid = %s::regclass", literal);
}

static void
suggest(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	bool		restricted = finding->numbers[RESTRICTED] != 0;
	const char *where = restricted ? " WHERE ..." : "";

	if (!restricted)
	{
		appendStringInfoString(out, "An estimate, to be shown: ");
		append_estimate(out, finding->key.relid, quote_literal_cstr(names->table));
		appendStringInfoString(out, "; up to a cap: ");
	}
	else
		appendStringInfoString(out, "Up to a cap: ");
	appendStringInfo(out, "SELECT count(*) FROM (SELECT FROM %s%s LIMIT %d) s; "
					 "whether there are any: SELECT EXISTS (SELECT FROM %s%s)",
					 names->table, where, CAP + 1, names->table, where);
}

const AuditRuleSpec audit_spec_exact_count = {
	.name = "exact_count",
	.least = 2,
	.medium = 1000000,
	.numbers = {"rows_counted", "restricted"},
	.suggest = suggest
};
