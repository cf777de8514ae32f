/*
 * audit_parents.c
 *		The latest results of several rows that went to this session's client.
 *
 * A result is one that a client got whole, or what it has read of a cursor so
 * far (or of a portal, by the protocol's row limits). Their values' hashes
 * come from the tap; once full, the next piece of a cursor begins anew.
 */
#include "audit/session/audit_session.h"

#include "access/xact.h"
#include "nodes/plannodes.h"
#include "nodes/primnodes.h"
#include "storage/proc.h"
#include "utils/memutils.h"

#define PARENTS 6

static AuditParent parents[PARENTS];
static AuditRowHashes *scratch = NULL;	/* what the next parent's rows go to */
static AuditParent *appended = NULL;	/* whose next rows are on their way */
static uint64 runs = 0;
bool		audit_have_parents = false; /* some may be alive; once dead, they stay dead */

static bool
is_alive(const AuditParent *parent)
{
	return parent->queryid != 0 &&
		(parent->lxid == PURSER_MY_LXID || audit_in_window(parent->active));
}

bool
audit_parents_alive(void)
{
	for (int i = 0; i < PARENTS; i++)
	{
		if (is_alive(&parents[i]))
			return true;
	}
	audit_have_parents = false;
	return false;
}

static AuditParent *
open_parent(const AuditWatch *watch)
{
	for (int i = 0; i < PARENTS; i++)
	{
		if (parents[i].open == watch->desc && parents[i].queryid == watch->queryid)
			return &parents[i];
	}
	return NULL;
}

/* Where the tap puts the rows of a run, before it is known whether it is a parent. */
AuditRowHashes *
audit_parent_hashes(const AuditWatch *watch)
{
	appended = watch->nruns > 0 ? open_parent(watch) : NULL;
	if (appended != NULL && !audit_row_hashes_full(appended->hashes))
		return appended->hashes;
	appended = NULL;
	if (scratch == NULL)
		scratch = MemoryContextAlloc(TopMemoryContext, audit_row_hashes_size());
	audit_row_hashes_clear(scratch);
	return scratch;
}

/* This query's last result, or the oldest of all. */
static AuditParent *
slot_for(uint64 queryid)
{
	AuditParent *oldest = &parents[0];

	for (int i = 0; i < PARENTS; i++)
	{
		if (parents[i].queryid == queryid)
			return &parents[i];
		if (parents[i].queryid == 0 ? oldest->queryid != 0 :
			(oldest->queryid != 0 && parents[i].active < oldest->active))
			oldest = &parents[i];
	}
	return oldest;
}

static void
set_origins(AuditParent *parent, const List *targets)
{
	const AttrNumber *columns;
	int			n = audit_row_hashes_columns(parent->hashes, &columns);

	for (int i = 0; i < n; i++)
	{
		const TargetEntry *target = columns[i] <= list_length(targets) ?
			list_nth(targets, columns[i] - 1) : NULL;
		AuditOrigin *origin = &parent->origins[i];

		memset(origin, 0, sizeof(AuditOrigin));
		if (target == NULL || target->resno != columns[i])
			continue;
		origin->relid = target->resorigtbl;
		origin->attnum = target->resorigcol;
		strlcpy(origin->name, target->resname != NULL ? target->resname : "", NAMEDATALEN);
	}
}

/* Keeps what is in "scratch" for children to come. */
static AuditParent *
keep(const AuditWatch *watch, int64 rows)
{
	AuditParent *parent = slot_for(watch->queryid);
	AuditRowHashes *emptied = parent->hashes;
	const char *text;
	int			len;

	audit_children_of(parent, audit_children_drop);
	audit_statement_text(watch->desc, &text, &len);
	parent->queryid = watch->queryid;
	parent->run = ++runs;
	parent->open = NULL;
	parent->userid = watch->userid;
	parent->rows = rows;
	parent->lxid = PURSER_MY_LXID;
	parent->active = GetCurrentStatementStartTimestamp();
	parent->text_len = audit_keep_text(parent->text, text, len);
	parent->hashes = scratch;
	scratch = emptied;
	set_origins(parent, watch->desc->plannedstmt->planTree->targetlist);
	audit_have_parents = true;
	return parent;
}

/* The client got some rows of a cursor. */
void
audit_parent_piece(const AuditWatch *watch, uint64 rows)
{
	if (rows == 0)
		return;
	if (appended != NULL)
	{
		appended->rows += (int64) rows;
		appended->lxid = PURSER_MY_LXID;
		appended->active = GetCurrentStatementStartTimestamp();
	}
	else
		keep(watch, (int64) rows)->open = watch->desc;
}

/* A statement of the client has ended. */
void
audit_parent_whole(const AuditWatch *watch)
{
	AuditParent *parent;

	if (watch->to_client && watch->rows_returned >= audit_n_plus_one)
		keep(watch, watch->rows_returned);
	else if (!watch->to_client && (parent = open_parent(watch)) != NULL)
		parent->open = NULL;
}

/* Is the value in all rows of the result, as the reference of children to their parent is? */
static bool
is_in_all_rows(const AuditParent *parent, const AuditPlace *place)
{
	return place->times >= audit_row_hashes_rows(parent->hashes);
}

/*
 * The latest parent whose result had the value, and where. Nobody goes through
 * a list of one value, so results that have it in all rows come last: a parent's
 * second collection is its own, though its first was read in between.
 */
AuditParent *
audit_parent_of(const AuditWatch *watch, uint32 hash, AuditPlace *place)
{
	AuditParent *best = NULL;
	bool		best_varies = false;

	for (int i = 0; i < PARENTS; i++)
	{
		AuditParent *parent = &parents[i];
		AuditPlace	found;
		bool		varies;

		if (!is_alive(parent) || parent->queryid == watch->queryid ||
			parent->userid != watch->userid)
			continue;
		found.columns = audit_row_hashes_find(parent->hashes, hash, &found.row, &found.times);
		if (found.columns == 0 || is_in_all_rows(parent, &found))
			continue;
		varies = !is_in_all_rows(parent, &found);
		if (best != NULL && (varies == best_varies ? best->run > parent->run : best_varies))
			continue;
		best = parent;
		best_varies = varies;
		*place = found;
	}
	return best;
}

void
audit_parents_forget(void)
{
	for (int i = 0; i < PARENTS; i++)
		parents[i].queryid = 0;
}
