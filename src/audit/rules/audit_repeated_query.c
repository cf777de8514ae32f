/*
 * audit_repeated_query.c
 *		repeated_query: the same query with the same parameters, again and again.
 *
 * In one transaction any rows read are worth it. Outside of one, a session
 * may serve many clients, of which each needs the same: there each execution
 * has to read much, so that a lookup pays one comparison for this rule. A
 * change of one of the query's tables by this session, or a failure, begins
 * anew; so do writes that the executor does not see (COPY, TRUNCATE), which
 * the command counter shows within a transaction.
 *
 * Queries are kept by their identifier and parameters, in a small table. The
 * text, which may hold literals, is compared from the second execution on,
 * with bound parameters; without them, from the first.
 */
#include "audit/rules/audit_rules.h"
#include "audit/session/audit_session.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "nodes/params.h"
#include "nodes/plannodes.h"
#include "storage/proc.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#define BUCKETS 16				/* a power of two */
#define WAYS 4
#define PLACES (BUCKETS * WAYS)
#define PUBLISH_EACH 32			/* executions of a found query */
#define LONG_VALUE 0x51ED270B	/* stands for a value that is compared by its bytes */

typedef struct Repeat
{
	uint64		key;			/* query and short parameters; 0: free */
	uint64		queryid;
	Oid			userid;
	uint32		full;			/* text and long parameters */
	bool		has_full;
	bool		found;
	LocalTransactionId lxid;
	CommandId	command;
	uint64		changes;		/* that this session had made */
	TimestampTz first;
	Oid			relid;
	int64		executions;
	int64		rows_read;
	int64		rows_returned;
	int64		published;
	int64		published_read;
	int64		published_returned;
} Repeat;

static Repeat repeats[PLACES];

/* ---- findings ---- */

static void
publish(Repeat *repeat, const AuditWatch *watch)
{
	AuditSighting sighting = {
		.rule = AUDIT_REPEATED_QUERY,
		.queryid = repeat->queryid,
		.userid = repeat->userid,
		.relid = repeat->relid,
		.occurrences = repeat->published == 0 ? 1 : 0,
		.rows_read = repeat->rows_read - repeat->published_read,
		.rows_returned = repeat->rows_returned - repeat->published_returned,
		.numbers = {(double) repeat->executions,
		(double) repeat->rows_read / (double) repeat->executions},
	};

	if (repeat->published == repeat->executions)
		return;
	if (watch != NULL)
		audit_statement_text(watch->desc, &sighting.text, &sighting.text_len);
	audit_find(&sighting);
	repeat->published = repeat->executions;
	repeat->published_read = repeat->rows_read;
	repeat->published_returned = repeat->rows_returned;
}

void
audit_repeated_query_publish(void)
{
	for (int i = 0; i < PLACES; i++)
	{
		if (repeats[i].found)
			publish(&repeats[i], NULL);
	}
}

void
audit_repeated_query_forget(void)
{
	memset(repeats, 0, sizeof(repeats));
}

/* ---- parameters ---- */

/* Of each parameter that is short, its value's hash. */
static uint64
key_of(const AuditWatch *watch)
{
	ParamListInfo params = watch->desc->params;
	uint64		key = watch->queryid ^ watch->userid;

	if (params == NULL || params->paramFetch != NULL)
		return key;
	for (int i = 0; i < params->numParams; i++)
	{
		const ParamExternData *param = &params->params[i];
		uint32		hash = LONG_VALUE;

		if (param->isnull)
			hash = 0;
		else if (!audit_value_hash(param->ptype, param->value, &hash))
			hash = LONG_VALUE;
		key = (key ^ hash) * UINT64CONST(0x9E3779B97F4A7C15);
	}
	return key == 0 ? 1 : key;
}

/* Of the text and of each parameter that is not short. */
static uint32
full_hash(const AuditWatch *watch)
{
	ParamListInfo params = watch->desc->params;
	uint32		all = audit_text_hash(watch->desc);

	for (int i = 0; params != NULL && params->paramFetch == NULL && i < params->numParams; i++)
	{
		const ParamExternData *param = &params->params[i];
		uint32		hash;
		int16		len;
		bool		by_value;

		if (param->isnull || !OidIsValid(param->ptype) ||
			audit_value_hash(param->ptype, param->value, &hash))
			continue;
		get_typlenbyval(param->ptype, &len, &by_value);
		if (by_value)
			hash = hash_bytes((const unsigned char *) &param->value, sizeof(Datum));
		else
			hash = hash_bytes((const unsigned char *) DatumGetPointer(param->value),
							  (int) datumGetSize(param->value, by_value, len));
		all = hash_combine(all, hash);
	}
	return all;
}

/* ---- decisions ---- */

/* May the result be another than that of the execution before, as far as this session knows? */
static bool
is_stale(const Repeat *repeat, const AuditWatch *watch)
{
	if (repeat->lxid != PURSER_MY_LXID)
	{
		if (IsTransactionBlock() ||
			!audit_in_window(repeat->first))
			return true;
	}
	else if (repeat->command != GetCurrentCommandId(false) &&
			 repeat->changes == audit_changes.made)
		return true;
	return audit_changed_since(watch, repeat->changes);
}

static inline void
note_moment(Repeat *repeat)
{
	repeat->lxid = PURSER_MY_LXID;
	repeat->command = GetCurrentCommandId(false);
	repeat->changes = audit_changes.made;
}

/* An execution that may be the first of several; most are not. */
static inline void
begin_anew(Repeat *repeat, const AuditWatch *watch, uint64 key)
{
	if (unlikely(repeat->found))
		publish(repeat, NULL);
	repeat->key = key;
	repeat->queryid = watch->queryid;
	repeat->userid = watch->userid;
	repeat->has_full = false;
	repeat->found = false;
	repeat->first = GetCurrentStatementStartTimestamp();
	repeat->executions = 1;
	repeat->rows_read = watch->rows_read;
	repeat->rows_returned = watch->rows_returned;
	note_moment(repeat);
}

static bool
is_worth_it(Repeat *repeat, const AuditWatch *watch)
{
	AuditSource source;

	if (audit_plan_is_volatile(watch->desc->planstate))
		return false;
	source = audit_largest_source(watch);
	repeat->relid = source.owner;
	return audit_is_user_table(watch, source.table);
}

/* One that goes on with it. */
static void
count(Repeat *repeat, const AuditWatch *watch)
{
	note_moment(repeat);
	repeat->executions++;
	repeat->rows_read += watch->rows_read;
	repeat->rows_returned += watch->rows_returned;
	if (repeat->found)
	{
		if (repeat->executions - repeat->published >= PUBLISH_EACH)
			publish(repeat, watch);
	}
	else if (repeat->executions == audit_repeated_query && is_worth_it(repeat, watch))
	{
		repeat->found = true;
		repeat->published = repeat->published_read = repeat->published_returned = 0;
		audit_children_forget_query(repeat->queryid);
		publish(repeat, watch);
	}
}

/* The place of a key, or that of its bucket which began first. */
static Repeat *
place_of(uint64 key)
{
	Repeat	   *first = &repeats[((key >> 32 ^ key) & (BUCKETS - 1)) * WAYS];
	Repeat	   *oldest = first;

	for (Repeat *repeat = first; repeat < first + WAYS; repeat++)
	{
		if (repeat->key == key)
			return repeat;
		if (repeat->first < oldest->first)
			oldest = repeat;
	}
	return oldest;
}

/* Looks at its text too: it may be one more execution of a known query. */
static pg_noinline void
look_at_text(Repeat *repeat, const AuditWatch *watch, uint64 key, bool known)
{
	uint32		full = full_hash(watch);

	audit_note_failures();
	if (known && (!repeat->has_full || repeat->full == full))
		count(repeat, watch);
	else
		begin_anew(repeat, watch, key);
	repeat->full = full;
	repeat->has_full = true;
}

/* The client has run a query that only reads and is not part of an N+1; see audit_session.c. */
void
audit_judge_repeated_query(const AuditWatch *watch)
{
	uint64		key;
	Repeat	   *repeat;
	bool		known;

	if (watch->desc->plannedstmt->rowMarks != NIL)
		return;
	key = key_of(watch);
	repeat = place_of(key);
	known = repeat->key == key && !is_stale(repeat, watch);
	if (known || watch->desc->params == NULL)
		look_at_text(repeat, watch, key, known);
	else
		begin_anew(repeat, watch, key);
}

/* ---- its words ---- */

/* Executions, of which one would do. */
static double
weight(const AuditFinding *finding)
{
	return finding->numbers[0];
}

static void
suggest(StringInfo out, const AuditFinding *finding pg_attribute_unused(),
		const AuditNames *names)
{
	appendStringInfo(out, "Run it once and keep its result: nothing in %s was changed in between.",
					 names->table);
}

const AuditRuleSpec audit_spec_repeated_query = {
	.name = "repeated_query",
	.least = 1,
	.medium = 50,
	.weight = weight,
	.numbers = {"executions", "rows_read_each"},
	.suggest = suggest
};
