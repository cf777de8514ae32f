/*
 * audit_unparameterized.c
 *		unparameterized: one query that comes with ever new literals in its text.
 *
 * Off unless asked for, since some drivers put values into the text safely.
 * Looked at are statements of the simple protocol without parameters; their
 * texts are compared by their hashes, without comments around them.
 */
#include "audit/rules/audit_rules.h"
#include "audit/session/audit_session.h"

#include "catalog/catalog.h"
#include "nodes/plannodes.h"
#include "parser/parsetree.h"

#define QUERIES 16
#define TEXTS 64				/* executions that are judged together */
#define NEW_AT_LEAST 0.8		/* of their texts */

typedef struct TextQuery
{
	uint64		queryid;		/* 0: free */
	Oid			userid;
	uint64		used;			/* when last, in the order of statements */
	int			executions;
	int			texts;			/* different ones */
	uint32		seen[TEXTS];
} TextQuery;

static TextQuery queries[QUERIES];

void
audit_unparameterized_forget(void)
{
	memset(queries, 0, sizeof(queries));
}

static bool
seen_before(TextQuery *query, uint32 hash)
{
	for (int i = 0; i < query->texts; i++)
	{
		if (query->seen[i] == hash)
			return true;
	}
	query->seen[query->texts] = hash;
	return false;
}

/* The first table of a statement, InvalidOid when it has none but the catalogs. */
static Oid
first_table(const PlannedStmt *stmt)
{
	ListCell   *cell;

	foreach(cell, stmt->rtable)
	{
		const RangeTblEntry *entry = lfirst(cell);

		if (entry->rtekind == RTE_RELATION)
			return IsCatalogRelationOid(entry->relid) ? InvalidOid : entry->relid;
	}
	return InvalidOid;
}

static void
find(const TextQuery *query, const AuditWatch *watch)
{
	AuditColumns none = {0};
	Oid			relid = first_table(watch->desc->plannedstmt);
	AuditSighting sighting;

	if (!OidIsValid(relid) || !audit_text_has_literal(watch->desc))
		return;
	audit_sighting(watch, AUDIT_UNPARAMETERIZED, &sighting);
	sighting.relid = audit_index_owner(relid, &none);
	sighting.numbers[0] = query->executions;
	sighting.numbers[1] = query->texts;
	audit_find(&sighting);
}

/* The query's place, in place of the one that was not seen for longest. */
static TextQuery *
query_for(const AuditWatch *watch)
{
	static uint64 uses = 0;
	TextQuery  *oldest = &queries[0];

	uses++;
	for (int i = 0; i < QUERIES; i++)
	{
		if (queries[i].queryid == watch->queryid && queries[i].userid == watch->userid)
		{
			queries[i].used = uses;
			return &queries[i];
		}
		if (queries[i].used < oldest->used)
			oldest = &queries[i];
	}
	oldest->queryid = watch->queryid;
	oldest->userid = watch->userid;
	oldest->used = uses;
	oldest->executions = oldest->texts = 0;
	return oldest;
}

/* The client's statement has ended. */
void
audit_judge_unparameterized(const AuditWatch *watch)
{
	TextQuery  *query;

	if (!watch->simple || watch->desc->params != NULL)
		return;
	query = query_for(watch);
	query->executions++;
	query->texts += !seen_before(query, audit_text_hash(watch->desc));
	if (query->executions < TEXTS)
		return;
	if (query->texts >= TEXTS * NEW_AT_LEAST)
		find(query, watch);
	query->executions = query->texts = 0;
}

/* ---- its words ---- */

/* Texts, of which one would do. */
static double
weight(const AuditFinding *finding)
{
	return (double) finding->occurrences * TEXTS;
}

static void
suggest(StringInfo out, const AuditFinding *finding pg_attribute_unused(),
		const AuditNames *names pg_attribute_unused())
{
	appendStringInfoString(out, "Send values as parameters ($1), apart from the text: a text put "
						   "together from input can be made to do other things, and each new "
						   "text is parsed and planned anew.");
}

const AuditRuleSpec audit_spec_unparameterized = {
	.name = "unparameterized",
	.least = 1,
	.medium = 1000,
	.weight = weight,
	.numbers = {"executions", "texts"},
	.suggest = suggest
};
