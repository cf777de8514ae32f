/*
 * audit_sighting.c
 *		What an execution adds to a finding.
 */
#include "audit/govern/audit_govern.h"

#include <ctype.h>

#include PURSER_QUERYJUMBLE_H
#include "mb/pg_wchar.h"

/* Where the comment begins that ends before the place; the place itself if none does. */
static int
comment_before(const char *source, int place)
{
	int			start = place;
	int			depth = 0;

	while (start > 0 && isspace((unsigned char) source[start - 1]))
		start--;
	do
	{
		if (start < 2)
			return place;
		if (source[start - 2] == '*' && source[start - 1] == '/')
			depth++;
		else if (depth == 0)
			return place;
		else if (source[start - 2] == '/' && source[start - 1] == '*')
			depth--;
		else
		{
			start--;
			continue;
		}
		start -= 2;
	} while (depth > 0);
	return start;
}

/*
 * The part of a source text that is the statement's, with comments right before
 * it: from 19 on the server leaves them out.
 */
void
audit_part_of_text(const char *source, const PlannedStmt *stmt, const char **text, int *len)
{
	int			location = stmt->stmt_location;
	int			first;

	*len = stmt->stmt_len;
	*text = CleanQuerytext(source, &location, len);
	if (location < 0)
		return;
	for (int before = location; (first = comment_before(source, before)) < before;)
		before = first;
	*len += location - first;
	*text -= location - first;
}

void
audit_statement_text(const QueryDesc *desc, const char **text, int *len)
{
	audit_part_of_text(desc->sourceText, desc->plannedstmt, text, len);
}

/*
 * Bytes of a text that fit a limit, with no character cut in two: half of one is
 * an error where it is sent. A SQL_ASCII database knows no characters, but what
 * its clients send is checked by their encoding; other text may be anything, so
 * that a character at its end seems longer than it is.
 */
static int
clip(const char *text, int len, int limit)
{
	int			encoding = GetDatabaseEncoding();

	if (encoding == PG_SQL_ASCII)
		encoding = pg_get_client_encoding();
	return Min(pg_encoding_mbcliplen(encoding, text, len, limit), len);
}

/*
 * Copies as much of a text as there is room for, AUDIT_TEXT_BYTES with a final
 * 0 that is the caller's; a comment at its end is kept, as frameworks put there
 * where the statement comes from.
 */
int
audit_keep_text(char *to, const char *from, int len)
{
	int			room = AUDIT_TEXT_BYTES - 1;
	AuditText	tail = {from, 0};
	int			kept;

	if (len > room)
		tail = audit_tail_comment((AuditText) {from, len});
	if (tail.len > room / 2)
		tail.len = 0;
	kept = clip(from, len, room - tail.len);
	memcpy(to, from, kept);
	memcpy(to + kept, tail.start, tail.len);
	return kept + tail.len;
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
	sighting->rows_read = watch->rows_read;
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
