/*
 * ledger_range.c
 *		"from:to": where one target ends and the other begins.
 *
 * Pure.  Targets hold no colon, but for "tag:NAME", which has one, and
 * "time:WHEN", whose time of day may have more: the second target begins at
 * a ":tag:" or ":time:", or else after the last colon.
 */
#include "ledger.h"

pg_noreturn static void
invalid(const char *range)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid range \"%s\"", ledger_clipped(range)),
			 errhint("A range is two targets with a colon between them, such as "
					 "\"base:head\"; either may be left out.")));
}

/* The first position in the text from which a second target of this kind begins. */
static const char *
find_position(const char *text)
{
	const char *tag = strstr(text, ":tag:");
	const char *when = strstr(text, ":time:");

	if (tag == NULL || when == NULL)
		return tag ? tag : when;
	return Min(tag, when);
}

void
ledger_split_range(const char *range, char **from, char **to)
{
	bool		is_position = ledger_is_position(range);
	const char *own = is_position ? strchr(range, ':') + 1 : range;
	const char *colon = find_position(own);

	if (colon == NULL)
		colon = strrchr(own, ':');
	if (colon == NULL)
		invalid(range);
	*from = pnstrdup(range, colon - range);
	*to = pstrdup(colon + 1);
	if ((!is_position && strchr(*from, ':')) || (!ledger_is_position(*to) && strchr(*to, ':')))
		invalid(range);
}
