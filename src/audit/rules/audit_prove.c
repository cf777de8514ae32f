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

/* Where a rule's figures of evidence have the costs. */
static double *
costs_of(AuditSighting *sighting)
{
	return &sighting->numbers[sighting->rule == AUDIT_NON_SARGABLE ? 2 : 3];
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

/* An index cannot be made where the expression is not the same for ever, or too long to say. */
static bool
can_be_made(const AuditHypothesis *hypothesis)
{
	return hypothesis->expression == NULL ||
		(hypothesis->indexable && strlen(hypothesis->text) < AUDIT_TEXT_BYTES);
}

/* Has the planner taken the suggestion, and does it spare enough? */
static bool
is_taken(AuditSuspect *suspect, const AuditCosts *costs)
{
	double		after = suspect->hypothesis.split ? costs->split : costs->after;

	if (!audit_hypothesis_can_be_tried(&suspect->hypothesis))
	{
		set_costs(&suspect->sighting, NAN, NAN);
		suspect->sighting.unproven = true;
		return suspect->hypothesis.evident && can_be_made(&suspect->hypothesis);
	}
	set_costs(&suspect->sighting, costs->before, after);
	return suspect->hypothesis.used > 0 &&
		after <= costs->before * (1 - audit_min_gain / 100.0);
}

/* What a pattern is matched with has no other remedy than an index on it. */
static bool
can_be_said(const AuditSuspect *suspect)
{
	return !OidIsValid(suspect->sighting.columns.operator[0]) ||
		can_be_made(&suspect->hypothesis);
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

		if (!is_taken(suspect, costs) || !can_be_said(suspect))
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

		/* What an index on an expression is to be on has not been written down. */
		if (verdict == 0 || (verdict < 0 && (!suspect->hypothesis.evident ||
											 suspect->hypothesis.expression != NULL)))
			continue;
		set_costs(&suspect->sighting, NAN, NAN);
		if (suspect->hypothesis.expression != NULL)
			audit_find_expression(&suspect->sighting);
		suspect->sighting.unproven = audit_what_if_interval >= 0 &&
			(verdict < 0 || !audit_hypothesis_can_be_tried(&suspect->hypothesis));
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

/* What other rules suspect of a table comes first, so the planner is not to choose. */
static List *
without_rivals(List *remedies, List *suspects)
{
	List	   *kept = NIL;
	ListCell   *cell;

	foreach(cell, remedies)
	{
		AuditSuspect *remedy = lfirst(cell);
		bool		rivalled = false;
		ListCell   *other;

		foreach(other, suspects)
			rivalled |= ((const AuditSuspect *) lfirst(other))->sighting.relid ==
				remedy->sighting.relid;
		if (!rivalled)
			kept = lappend(kept, remedy);
	}
	return kept;
}

static List *
hypotheses_of(List *suspects)
{
	List	   *hypotheses = NIL;
	ListCell   *cell;

	foreach(cell, suspects)
		hypotheses = lappend(hypotheses, &((AuditSuspect *) lfirst(cell))->hypothesis);
	return hypotheses;
}

/* Likewise of advice for a finding that stands in any case. */
static void
judge_remedies(List *remedies, const AuditCosts *costs)
{
	ListCell   *cell;

	foreach(cell, remedies)
	{
		AuditSuspect *remedy = lfirst(cell);

		remedy->outcome = is_taken(remedy, costs) && can_be_made(&remedy->hypothesis) ?
			AUDIT_REMEDY_TAKEN : AUDIT_REMEDY_REFUSED;
	}
}

static void
remedies_as_before(const AuditWatch *watch, List *remedies)
{
	ListCell   *cell;

	foreach(cell, remedies)
	{
		AuditSuspect *remedy = lfirst(cell);

		remedy->outcome = audit_board_verdict(watch, &remedy->sighting) > 0 ?
			AUDIT_REMEDY_AS_BEFORE : AUDIT_REMEDY_UNKNOWN;
	}
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
decide(AuditWatch *watch, List *suspects, List *remedies)
{
	List	   *all = list_concat_copy(suspects, remedies);
	AuditCosts	costs;
	List	   *proven;

	if (all == NIL)
		return NIL;
	if (audit_can_replan(watch) && audit_board_claim_replan(watch) &&
		audit_replan(watch, hypotheses_of(all), &costs))
	{
		audit_board_answered(watch);
		judge_remedies(remedies, &costs);
		return taken(suspects, &costs);
	}
	remedies_as_before(watch, remedies);
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
		watch->remedies = without_rivals(audit_suspect_discarded_rows(watch), suspects);
		watch->proofs = without_doubles(decide(watch, suspects, watch->remedies));
		watch->proved = true;
	}
	return watch->proofs;
}
