/*
 * audit_sighting.c
 *		What an execution adds to a finding.
 */
#include "audit/store/audit_store.h"

#include PURSER_QUERYJUMBLE_H

/* The part of the source text that is this statement's. */
void
audit_statement_text(const QueryDesc *desc, const char **text, int *len)
{
	int			location = desc->plannedstmt->stmt_location;

	*len = desc->plannedstmt->stmt_len;
	*text = CleanQuerytext(desc->sourceText, &location, len);
}

/* What one execution adds to a finding, as far as all rules have it. */
void
audit_sighting(const AuditWatch *watch, AuditRule rule, AuditSighting *sighting)
{
	memset(sighting, 0, sizeof(AuditSighting));
	sighting->rule = rule;
	sighting->queryid = watch->queryid;
	sighting->userid = watch->userid;
	sighting->occurrences = 1;
	sighting->rows_read = audit_rows_read(watch);
	sighting->rows_returned = watch->rows_returned;
	audit_statement_text(watch->desc, &sighting->text, &sighting->text_len);
}

static double
elapsed_ms(const AuditWatch *watch)
{
	return INSTR_TIME_GET_MILLISEC(watch->elapsed);
}

/* Time that a share of the rows took, if time was taken. */
void
audit_sighting_waste(AuditSighting *sighting, const AuditWatch *watch, double wasted, double all)
{
	if (!watch->timed || all <= 0)
		return;
	sighting->timed = 1;
	sighting->timed_ms = elapsed_ms(watch) * Min(wasted / all, 1.0);
}
