/*
 * audit_precedence.c
 *		One cause, one finding: which rule speaks when several see the same table.
 *
 * Rules about what one query does with one table, the first of them speaks: what
 * is read in vain comes before how many rows were expected of it, and advice
 * that can be run comes before a description. Rows that a join has multiplied
 * are not held against the size of a table. The rest is decided where it is
 * seen: a deep OFFSET ends the judgement of its execution (audit_judge.c), and
 * hash tables that spill in a plan of wrong estimates are left to the estimates
 * (audit_spill.c).
 */
#include "audit/rules/audit_rules.h"

static const AuditRule order[] = {
	AUDIT_MISSING_INDEX,
	AUDIT_NON_SARGABLE,
	AUDIT_DISCARDED_ROWS,
	AUDIT_STALE_STATISTICS,
	AUDIT_ROW_MISESTIMATE,
};

/* The place in the order, -1 for a rule that has none. */
static int
place_of(AuditRule rule)
{
	for (int i = 0; i < (int) lengthof(order); i++)
	{
		if (order[i] == rule)
			return i;
	}
	return -1;
}

static bool
comes_before(AuditRule other, AuditRule rule)
{
	if (other == AUDIT_JOIN_FANOUT)
		return rule == AUDIT_UNBOUNDED_RESULT;
	return place_of(other) >= 0 && place_of(other) < place_of(rule);
}

/* Does one of those that an execution proves silence this one? */
bool
audit_is_overruled(const AuditSighting *sighting, const List *sightings)
{
	ListCell   *cell;

	foreach(cell, sightings)
	{
		const AuditSighting *other = lfirst(cell);

		if (other->relid == sighting->relid && comes_before(other->rule, sighting->rule))
			return true;
	}
	return false;
}

/* Of what one execution proves, what is to be said. */
List *
audit_one_for_each_cause(List *sightings)
{
	List	   *kept = NIL;
	ListCell   *cell;

	foreach(cell, sightings)
	{
		if (!audit_is_overruled(lfirst(cell), sightings))
			kept = lappend(kept, lfirst(cell));
	}
	return kept;
}

/* Is a finding silent beside another one that another execution of the query has raised? */
bool
audit_yields(const AuditFinding *finding, const AuditFinding *other)
{
	return finding->key.queryid == other->key.queryid &&
		finding->key.userid == other->key.userid &&
		finding->key.relid == other->key.relid &&
		comes_before((AuditRule) other->key.rule, (AuditRule) finding->key.rule);
}
