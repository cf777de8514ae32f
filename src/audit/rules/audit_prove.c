/*
 * audit_prove.c
 *		What a measured run proves: waste that was measured, and a change that
 *		the planner would make use of.
 *
 * The rules that advise on indexes say what they suspect, each with the index
 * that would mend it. The query is planned again with all of these. What the
 * planner does not take, or what does not make the query cheap enough, is
 * dropped. Where the query cannot be planned again, what the latest what-if
 * said of it still holds. Without any, the run proves nothing when this session
 * held a plan of the query that it can plan anew for the next run; else a missing
 * index stands on the measured waste alone, and of conditions that are not
 * sargable only a wildcard whose waste is plain.
 */
#include "audit/govern/audit_govern.h"
#include "audit/whatif/audit_what_if.h"

#include <math.h>

#include "catalog/pg_am_d.h"

/* Where a rule's figures of evidence have the costs. */
static double *
costs_of(AuditSighting *sighting)
{
	return &sighting->numbers[sighting->rule == AUDIT_MISSING_INDEX ? 3 : 2];
}

static void
set_costs(AuditSighting *sighting, double before, double after)
{
	costs_of(sighting)[0] = before;
	costs_of(sighting)[1] = after;
}

static void
cut_columns(AuditColumns *columns, int n)
{
	for (int i = n; i < columns->n; i++)
	{
		columns->attnum[i] = InvalidAttrNumber;
		columns->ranged[i] = 0;
		columns->operator[i] = InvalidOid;
	}
	columns->n = n;
}

/* Without pg_trgm there is no index to try. */
static bool
can_be_tried(const AuditHypothesis *hypothesis)
{
	return hypothesis->method == BTREE_AM_OID || OidIsValid(hypothesis->opclass);
}

/* Has the planner taken the suggestion, and does it spare enough? */
static bool
is_taken(AuditSuspect *suspect, const AuditCosts *costs)
{
	double		after = suspect->hypothesis.split ? costs->split : costs->after;

	if (!can_be_tried(&suspect->hypothesis))
	{
		set_costs(&suspect->sighting, NAN, NAN);
		suspect->sighting.unproven = true;
		return suspect->hypothesis.evident;
	}
	set_costs(&suspect->sighting, costs->before, after);
	return suspect->hypothesis.used > 0 &&
		after <= costs->before * (1 - audit_min_gain / 100.0);
}

/* What the plan with hypothetical indexes proves. */
static List *
taken(List *suspects, const AuditCosts *costs)
{
	List	   *proven = NIL;
	ListCell   *cell;

	foreach(cell, suspects)
	{
		AuditSuspect *suspect = lfirst(cell);

		if (!is_taken(suspect, costs))
			continue;
		if (suspect->sighting.rule == AUDIT_MISSING_INDEX)
			cut_columns(&suspect->sighting.columns, suspect->hypothesis.used);
		else if (suspect->hypothesis.expression != NULL && suspect->hypothesis.indexable)
			audit_set_expression(&suspect->sighting, &suspect->hypothesis);
		proven = lappend(proven, &suspect->sighting);
	}
	return proven;
}

/* What stands without planning again. */
static List *
as_before(const AuditWatch *watch, List *suspects)
{
	List	   *proven = NIL;
	ListCell   *cell;

	foreach(cell, suspects)
	{
		AuditSuspect *suspect = lfirst(cell);
		int			verdict = audit_board_verdict(watch, &suspect->sighting);

		if (verdict == 0 || (verdict < 0 && !suspect->hypothesis.evident))
			continue;
		set_costs(&suspect->sighting, NAN, NAN);
		suspect->sighting.unproven = audit_what_if_interval >= 0 &&
			(verdict < 0 || !can_be_tried(&suspect->hypothesis));
		if (verdict > 0)
			cut_columns(&suspect->sighting.columns, verdict);
		proven = lappend(proven, &suspect->sighting);
	}
	return proven;
}

/* One cause, one finding: a table that lacks an index lacks it for all conditions on it. */
static List *
without_doubles(List *proven)
{
	List	   *kept = NIL;
	ListCell   *cell;

	foreach(cell, proven)
	{
		AuditSighting *sighting = lfirst(cell);
		bool		doubled = false;
		ListCell   *other;

		foreach(other, proven)
		{
			const AuditSighting *rival = lfirst(other);

			doubled |= sighting->rule == AUDIT_NON_SARGABLE &&
				rival->rule == AUDIT_MISSING_INDEX && rival->relid == sighting->relid;
		}
		if (!doubled)
			kept = lappend(kept, sighting);
	}
	return kept;
}

static List *
hypotheses_of(List *suspects)
{
	List	   *hypotheses = NIL;
	ListCell   *cell;

	foreach(cell, suspects)
	{
		AuditSuspect *suspect = lfirst(cell);

		if (can_be_tried(&suspect->hypothesis))
			hypotheses = lappend(hypotheses, &suspect->hypothesis);
	}
	return hypotheses;
}

static bool
has_unproven(List *proven)
{
	ListCell   *cell;

	foreach(cell, proven)
	{
		const AuditSighting *sighting = lfirst(cell);

		if (sighting->unproven)
			return true;
	}
	return false;
}

/*
 * Would the next run be planned in this session, so that it can be planned again,
 * when this one was not? Only where the next run is measured.
 */
static bool
can_be_put_off(const AuditWatch *watch)
{
	return (watch->slot >= 0 || audit_policy_speaks()) && audit_tree_is_missing(watch) &&
		audit_tree_want_once(watch->queryid);
}

static List *
decide(AuditWatch *watch, List *suspects)
{
	AuditCosts	costs;
	List	   *proven;

	if (suspects == NIL)
		return NIL;
	if (audit_can_replan(watch) && audit_board_claim_replan(watch) &&
		audit_replan(watch, hypotheses_of(suspects), &costs))
	{
		audit_board_answered(watch);
		return taken(suspects, &costs);
	}
	proven = as_before(watch, suspects);
	watch->put_off = has_unproven(proven) && can_be_put_off(watch);
	return watch->put_off ? NIL : proven;
}

/* An AuditSighting for each thing that a measured, wasteful run proves. */
List *
audit_prove(AuditWatch *watch)
{
	if (!watch->proved)
	{
		List	   *suspects = audit_suspect_missing_index(watch);

		suspects = list_concat(suspects, audit_suspect_non_sargable(watch));
		watch->proofs = without_doubles(decide(watch, suspects));
		watch->proved = true;
	}
	return watch->proofs;
}
