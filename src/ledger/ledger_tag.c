/*
 * ledger_tag.c
 *		Tags: names for positions in the history; and targets that are positions.
 *
 * A position is the id of the last event that it includes, 0 before the first.
 * "tag:NAME" is where the tag was set, "time:WHEN" what had been done by then.
 */
#include "ledger.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "shared/owner_query.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(purser_tag_0_1);
PG_FUNCTION_INFO_V1(purser_untag_0_1);

#define TAG_PREFIX "tag:"
#define TIME_PREFIX "time:"

/* Is there such a tag?  Then its position. */
static bool
fetch_tag(const char *name, int64 *position)
{
	static OwnerQuery query = {
		.sql = "SELECT event_id FROM purser.tag WHERE name OPERATOR(pg_catalog.=) $1",
		.nargs = 1, .argtypes = {TEXTOID}
	};
	Datum		values[] = {CStringGetTextDatum(name)};
	bool		found = shared_query_open(&query, values, NULL) > 0;
	bool		isnull;

	if (found)
		*position = DatumGetInt64(shared_query_datum(0, 1, &isnull));
	shared_query_close();
	return found;
}

/* The position of a tag that must be there. */
static int64
need_tag(const char *name)
{
	int64		position;

	if (!fetch_tag(name, &position))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("tag \"%s\" does not exist", ledger_clipped(name)),
				 errhint("The tags are in purser.tag.")));
	return position;
}

static int64
position_of_time(const char *text)
{
	static OwnerQuery query = {
		.sql = "SELECT COALESCE(pg_catalog.max(id), 0) FROM purser.event"
		" WHERE at OPERATOR(pg_catalog.<=) $1",
		.nargs = 1, .argtypes = {TIMESTAMPTZOID}
	};
	Datum		values[1];
	int64		position;
	bool		isnull;

	values[0] = DirectFunctionCall3(timestamptz_in, CStringGetDatum(text),
									ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	shared_query_open(&query, values, NULL);
	position = DatumGetInt64(shared_query_datum(0, 1, &isnull));
	shared_query_close();
	return position;
}

bool
ledger_is_position(const char *target)
{
	return strncmp(target, TAG_PREFIX, strlen(TAG_PREFIX)) == 0 ||
		strncmp(target, TIME_PREFIX, strlen(TIME_PREFIX)) == 0;
}

static void
replay(void *arg, const LedgerRecord *record)
{
	ledger_state_replay(arg, record);
}

/* What was in force at the position. */
LedgerState *
ledger_position_state(const char *text)
{
	LedgerState *state = ledger_state_create();
	int64		position;

	if (strncmp(text, TAG_PREFIX, strlen(TAG_PREFIX)) == 0)
		position = need_tag(text + strlen(TAG_PREFIX));
	else
		position = position_of_time(text + strlen(TIME_PREFIX));
	ledger_events_read(position, false, replay, state);
	return state;
}

/* The same as a target. */
LedgerTarget
ledger_resolve_position(const LedgerGraph *graph, const char *text)
{
	LedgerTarget target = {.text = text, .is_state = true};

	target.revisions = ledger_state_resolve(ledger_position_state(text), graph, text);
	return target;
}

static void
insert_tag(const char *name, int64 position, const char *message)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO purser.tag (name, event_id, message, tagged_at, tagged_by)"
		" VALUES ($1, $2, $3, $4, $5)",
		.writes = true, .nargs = 5,
		.argtypes = {TEXTOID, INT8OID, TEXTOID, TIMESTAMPTZOID, TEXTOID}
	};
	Datum		values[] = {
		CStringGetTextDatum(name),
		Int64GetDatum(position),
		message ? CStringGetTextDatum(message) : (Datum) 0,
		TimestampTzGetDatum(GetCurrentTimestamp()),
		CStringGetTextDatum(GetUserNameFromId(GetUserId(), false))
	};

	shared_query_open(&query, values, message ? NULL : "  n  ");
	shared_query_close();
}

/* Names where the history is now. */
Datum
purser_tag_0_1(PG_FUNCTION_ARGS)
{
	char	   *name = shared_arg_text(fcinfo, 0, "name");
	char	   *message = shared_arg_text_or_null(fcinfo, 1);
	int64		position;

	ledger_begin_write("purser.tag()");
	ledger_check_name("tag", name);
	if (fetch_tag(name, &position))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("tag \"%s\" already exists", name),
				 errhint("purser.untag() takes it away.")));
	position = ledger_journal_open()->last_id;
	insert_tag(name, position, message);
	PG_RETURN_INT64(position);
}

Datum
purser_untag_0_1(PG_FUNCTION_ARGS)
{
	static OwnerQuery query = {
		.sql = "DELETE FROM purser.tag WHERE name OPERATOR(pg_catalog.=) $1",
		.writes = true, .nargs = 1, .argtypes = {TEXTOID}
	};
	char	   *name = shared_arg_text(fcinfo, 0, "name");
	Datum		values[] = {CStringGetTextDatum(name)};
	int64		position;

	ledger_begin_write("purser.untag()");
	position = need_tag(name);
	shared_query_open(&query, values, NULL);
	shared_query_close();
	PG_RETURN_INT64(position);
}
