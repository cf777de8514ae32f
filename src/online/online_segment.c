/*
 * online_segment.c
 *		Cuts a script into segments, each one transaction or none.
 *
 * Only where the next segment ends is decided, as what the server runs outside
 * of transactions depends on the catalogue, and that on the segments before.
 */
#include "online.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "nodes/value.h"
#include "utils/lsyscache.h"

/* A new label cannot be used before it is committed. */
static bool
adds_label(const LedgerParsed *parsed, int i)
{
	const Node *node = parsed->statements[i].raw->stmt;
	const AlterEnumStmt *alter = (const AlterEnumStmt *) node;

	return IsA(node, AlterEnumStmt) && alter->newVal && alter->oldVal == NULL;
}

static char
relation_kind(const RangeVar *relation, bool *missing)
{
	Oid			id = relation ? RangeVarGetRelid(relation, NoLock, true) : InvalidOid;

	*missing = relation && !OidIsValid(id);
	return OidIsValid(id) ? get_rel_relkind(id) : 0;
}

/* What has to be looked up to know whether a statement may share a transaction. */
static const RangeVar *
asks_for(const Node *statement)
{
	if (IsA(statement, ReindexStmt))
		return ((const ReindexStmt *) statement)->relation;
	if (nodeTag(statement) == T_PURSER_REPACK)
		return purser_repack_relation((const PurserRepackStmt *) statement);
	return NULL;
}

/* Is it one that the server refuses in a transaction, as things are now? */
bool
online_is_outside(const LedgerStatement *statement)
{
	const Node *node = statement->raw->stmt;
	bool		missing;
	char		kind;

	/* Some of these may share a transaction; none has to. */
	if (statement->outside || IsA(node, CreateSubscriptionStmt) ||
		IsA(node, AlterSubscriptionStmt) || IsA(node, DropSubscriptionStmt))
		return true;
	kind = relation_kind(asks_for(node), &missing);
	return kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_PARTITIONED_INDEX;
}

/* Is it too early to tell, as an earlier statement makes the relation? */
static bool
is_open(const Node *statement)
{
	bool		missing;

	(void) relation_kind(asks_for(statement), &missing);
	return missing;
}

static bool
is_setting(const Node *statement)
{
	return IsA(statement, VariableSetStmt);
}

/*
 * The segment that begins with the next statement; empty after the last one.
 * With the settings that the statements before it made.
 */
OnlineSegment
online_next_segment(const OnlineWork *work)
{
	const LedgerParsed *parsed = work->parsed;
	int			first = work->underway->next - 1;
	OnlineSegment segment = {first, first, false};
	bool		sets = false;	/* names may lead elsewhere from there on */

	if (first >= parsed->count)
		return segment;
	segment.end++;
	segment.outside = online_is_outside(&parsed->statements[first]);
	if (segment.outside || !work->revision->transactional)
		return segment;
	for (; segment.end < parsed->count; segment.end++)
	{
		const LedgerStatement *next = &parsed->statements[segment.end];

		sets = sets || is_setting(parsed->statements[segment.end - 1].raw->stmt);
		if (adds_label(parsed, segment.end - 1) || online_is_outside(next) ||
			is_open(next->raw->stmt) || (sets && asks_for(next->raw->stmt)))
			break;
	}
	return segment;
}

/* Is the revision complete with the segment? */
bool
online_is_last(const OnlineWork *work, OnlineSegment segment)
{
	bool		verifies = work->direction == LEDGER_UPGRADE && work->revision->verify;

	if (segment.end < work->parsed->count)
		return false;
	/* The verify script may use the label that the last statement adds. */
	return segment.first == segment.end || !verifies || !adds_label(work->parsed, segment.end - 1);
}
