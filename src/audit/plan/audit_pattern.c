/*
 * audit_pattern.c
 *		Patterns (LIKE, ILIKE, regular expressions) that an index in order of the
 *		values cannot look up, as far as their text is known before rows are read.
 *
 * A pattern may be put together of constants and parameters, as in
 * '%' || $1 || '%'. Nothing is evaluated for that, since it could raise errors.
 */
#include "audit/plan/audit_plan.h"

#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#define PARTS 8					/* of a pattern that is put together, one within another */

static bool append_text(StringInfo out, Node *node, ParamListInfo params, int depth);

static bool
append_texts(StringInfo out, List *nodes, ParamListInfo params, int depth)
{
	ListCell   *cell;

	foreach(cell, nodes)
	{
		if (!append_text(out, lfirst(cell), params, depth + 1))
			return false;
	}
	return true;
}

/* Case is no matter: trigrams have none, and wildcards neither. */
static bool
keeps_letters(Oid function)
{
	return function == F_CONCAT || function == F_UPPER_TEXT || function == F_LOWER_TEXT;
}

/* The text that an expression is, but for its case; false when that is not known. */
static bool
append_text(StringInfo out, Node *node, ParamListInfo params, int depth)
{
	Datum		value;
	bool		isnull;

	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (node == NULL || depth > PARTS)
		return false;
	if (IsA(node, OpExpr) && ((OpExpr *) node)->opfuncid == F_TEXTCAT)
		return append_texts(out, ((OpExpr *) node)->args, params, depth);
	if (IsA(node, FuncExpr) && keeps_letters(((FuncExpr *) node)->funcid))
		return append_texts(out, ((FuncExpr *) node)->args, params, depth);
	if (!audit_given_value(node, params, &value, &isnull) || isnull)
		return false;
	if (exprType(node) == UNKNOWNOID)
		appendStringInfoString(out, DatumGetCString(value));
	else if (exprType(node) == TEXTOID || exprType(node) == VARCHAROID)
		appendStringInfoString(out, TextDatumGetCString(value));
	else
		return false;
	return true;
}

static bool
is_letter(const char *at)
{
	return IS_HIGHBIT_SET(*at) || (*at >= '0' && *at <= '9') ||
		(*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
}

/* The most letters in a row that every match of a pattern has, or nearly every one. */
static int
letters_in_a_row(const char *text, bool like)
{
	int			most = 0;
	int			letters = 0;

	for (const char *at = text; *at != '\0'; at += pg_mblen(at))
	{
		if (!like && *at == '[')
		{
			while (at[1] != '\0' && *at != ']')
				at++;
			letters = 0;
			continue;
		}
		if (*at == '\\' && at[1] != '\0')
		{
			at++;
			letters = like ? letters : 0;
			if (!like)
				continue;
		}
		letters = is_letter(at) ? letters + 1 : 0;
		most = Max(most, letters);
	}
	return most;
}

/* Is there nothing in it, as in '%ab%', that makes up three signs for a trigram? */
static bool
is_vague(const char *text, bool like)
{
	size_t		length = strlen(text);

	if (like && length > 0 && (text[0] != '%' || text[length - 1] != '%'))
		return false;
	for (const char *at = text; *at != '\0'; at += pg_mblen(at))
	{
		if (!is_letter(at) && !(like && (*at == '%' || *at == '_')))
			return false;
	}
	return true;
}

static bool
is_like(Oid operator)
{
	return operator == OID_TEXT_LIKE_OP || operator == OID_TEXT_ICLIKE_OP;
}

/* Is there nothing at its beginning that each match begins with, letter by letter? */
static bool
begins_anyhow(Oid operator, const char *text)
{
	if (operator == OID_TEXT_LIKE_OP)
		return text[0] == '%' || text[0] == '_';
	if (operator == OID_TEXT_REGEXEQ_OP)
		return text[0] != '^' || !is_letter(text + 1);
	return text[0] != '\0';
}

/* Does a LIKE pattern say only how a value ends? */
static bool
is_ending(Oid operator, const char *text)
{
	return operator == OID_TEXT_LIKE_OP && text[0] == '%' && text[1] != '\0' &&
		strpbrk(text + 1, "%_\\") == NULL;
}

static bool
is_text(Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return exprType(node) == TEXTOID || exprType(node) == VARCHAROID;
}

/* "text LIKE pattern" and the like, where the pattern has no fixed beginning. */
bool
audit_pattern(const OpExpr *condition, ParamListInfo params, AuditPattern *pattern)
{
	StringInfoData text;

	if (list_length(condition->args) != 2 ||
		(!is_like(condition->opno) && condition->opno != OID_TEXT_REGEXEQ_OP &&
		 condition->opno != OID_TEXT_ICREGEXEQ_OP) ||
		!is_text(linitial(condition->args)))
		return false;
	initStringInfo(&text);
	if (!append_text(&text, lsecond(condition->args), params, 0) ||
		!begins_anyhow(condition->opno, text.data))
		return false;
	pattern->operator = condition->opno;
	pattern->is_ending = is_ending(condition->opno, text.data);
	pattern->letters = letters_in_a_row(text.data, is_like(condition->opno));
	pattern->is_vague = pattern->letters < AUDIT_TRIGRAM &&
		is_vague(text.data, is_like(condition->opno));
	return true;
}
