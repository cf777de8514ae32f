/*
 * bulk_change.c
 *		UPDATE and DELETE by key, of rows that wait in a tuplestore.
 *
 *		UPDATE target SET c = rows.c FROM rows WHERE target.k = rows.k
 *		DELETE FROM target USING rows WHERE target.k = rows.k
 *
 * Equality is that of the default btree operator class of the key's type, so a
 * null matches nothing.  Of a key that comes more than once the last row counts.
 * An UPDATE changes the columns that the row has and no others, so rows with
 * different columns go into statements of their own, in the order in which
 * their sets of columns first came.
 *
 * Called by bulk_load.c and bulk_runs_write.c.
 */
#include "bulk/bulk.h"

#include "access/genam.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "port/pg_bitutils.h"
#include "rewrite/prs2lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* Rows that matched, as they come back from the statement by their ordinals. */
typedef struct Matched
{
	DestReceiver receiver;		/* first, so that a receiver is its matches */
	uint64		nwords;
	uint64	   *words;			/* a bit for each ordinal */
	uint64		count;
} Matched;

typedef struct Change
{
	BulkTarget *target;
	BulkContext *context;
	const BulkOptions *options;
	uint64	   *counts;
	bool		unique;			/* a key is that of one row at most */
	Matched		matched;
} Change;

/* ---- keys ---- */

static TypeCacheEntry *
type_of_key(const BulkTarget *target, int column)
{
	Oid			type = target->columns[column].type.oid;
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR);

	if (!OidIsValid(entry->eq_opr) || !OidIsValid(entry->lt_opr))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify an ordering operator for type %s",
						format_type_be(type)),
				 errdetail("Column \"%s\" is a key column.", target->columns[column].name)));
	return entry;
}

/* By what two rows of the input change the same rows. */
BulkKeys *
bulk_change_keys(const BulkTarget *target, const BulkRows *rows)
{
	BulkKeys   *keys = bulk_keys_make(target->nkeys);

	for (int i = 0; i < target->nkeys; i++)
	{
		int			column = target->keys[i];
		Form_pg_attribute att = TupleDescAttr(rows->desc, column);
		Var		   *var = makeVar(1, column + 1, att->atttypid, att->atttypmod,
								  att->attcollation, 0);

		keys->values[i] = ExecInitExpr((Expr *) var, NULL);
		keys->less[i] = type_of_key(target, column)->lt_opr;
		keys->collations[i] = att->attcollation;
	}
	keys->look_up = true;
	return keys;
}

/* ---- the statement ---- */

/* target.k = rows.k AND ... */
static Node *
make_condition(const BulkTarget *target, const BulkRows *rows)
{
	List	   *conditions = NIL;

	for (int i = 0; i < target->nkeys; i++)
	{
		int			column = target->keys[i];
		Oid			equal = type_of_key(target, column)->eq_opr;
		Node	   *key = bulk_syntax_column("target", target->columns[column].name);

		conditions = lappend(conditions,
							 bulk_syntax_operator(equal, key,
												  bulk_syntax_source(rows, column + 1)));
	}
	return list_length(conditions) == 1 ? linitial(conditions) :
		(Node *) makeBoolExpr(AND_EXPR, conditions, -1);
}

static Node *
make_update(const BulkTarget *target, const BulkRows *rows, List *assignments, List *returning)
{
	UpdateStmt *update = makeNode(UpdateStmt);

	update->relation = bulk_syntax_relation(target->rel, "target");
	update->targetList = assignments;
	update->fromClause = bulk_syntax_from();
	update->whereClause = make_condition(target, rows);
	if (returning != NIL)
		purser_set_returning(update, returning);
	return (Node *) update;
}

static Node *
make_delete(const BulkTarget *target, const BulkRows *rows, List *returning)
{
	DeleteStmt *delete = makeNode(DeleteStmt);

	delete->relation = bulk_syntax_relation(target->rel, "target");
	delete->usingClause = bulk_syntax_from();
	delete->whereClause = make_condition(target, rows);
	if (returning != NIL)
		purser_set_returning(delete, returning);
	return (Node *) delete;
}

/* Of the columns that rows of the shape have, those that are no keys. */
static List *
make_assignments(const BulkTarget *target, const BulkRows *rows, int shape)
{
	List	   *assignments = NIL;

	for (int i = 0; i < target->ncolumns; i++)
	{
		const BulkColumn *column = &target->columns[i];

		if (rows->shapes[shape][i] && !column->is_key)
			assignments = lappend(assignments,
								  bulk_syntax_target(column->name,
													 bulk_syntax_source(rows, i + 1)));
	}
	return assignments;
}

/* ---- counts ---- */

static void
matched_startup(DestReceiver *self pg_attribute_unused(), int operation pg_attribute_unused(),
				TupleDesc desc pg_attribute_unused())
{
}

static bool
matched_receive(TupleTableSlot *slot, DestReceiver *self)
{
	Matched    *matched = (Matched *) self;
	bool		isnull;
	uint64		ordinal = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	uint64		bit = UINT64CONST(1) << (ordinal % 64);

	if ((matched->words[ordinal / 64] & bit) == 0)
		matched->count++;
	matched->words[ordinal / 64] |= bit;
	return true;
}

static void
matched_shutdown(DestReceiver *self pg_attribute_unused())
{
}

static void
prepare_matched(Matched *matched, uint64 last_ordinal)
{
	matched->receiver.receiveSlot = matched_receive;
	matched->receiver.rStartup = matched_startup;
	matched->receiver.rShutdown = matched_shutdown;
	matched->receiver.rDestroy = matched_shutdown;
	matched->receiver.mydest = DestNone;
	matched->nwords = last_ordinal / 64 + 1;
	matched->words = MemoryContextAllocExtended(CurrentMemoryContext,
												matched->nwords * sizeof(uint64),
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/*
 * Is the key of exactly one row at most in the index, and found by it?  whole:
 * and nothing else is to be looked at, by any snapshot.
 */
static bool
is_index_of_key(const BulkTarget *target, Relation index, bool whole)
{
	const FormData_pg_index *form = index->rd_index;

	if (!form->indisunique || !form->indisvalid || RelationGetIndexPredicate(index) != NIL)
		return false;
	if (whole && (form->indnkeyatts != target->nkeys || !form->indimmediate ||
				  form->indcheckxmin))
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		int			column = form->indkey.values[i] - 1;

		if (column < 0 || !target->columns[column].is_key ||
			index->rd_opfamily[i] != type_of_key(target, column)->btree_opf ||
			index->rd_indcollation[i] !=
			TupleDescAttr(RelationGetDescr(target->rel), column)->attcollation)
			return false;
	}
	return true;
}

/*
 * The index of the table, without others below it, that finds the one row of a
 * key; whole: by all of the key.  InvalidOid if there is none.
 */
Oid
bulk_change_index(const BulkTarget *target, bool whole)
{
	Relation	rel = target->rel;
	Oid			found = InvalidOid;
	ListCell   *lc;

	if (rel->rd_rel->relkind != RELKIND_RELATION || rel->rd_rel->relhassubclass)
		return InvalidOid;
	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (!OidIsValid(found) && is_index_of_key(target, index, whole))
			found = RelationGetRelid(index);
		index_close(index, NoLock);
	}
	return found;
}

/*
 * Not for a large part of the rows (measured: at a tenth it is still faster
 * than a join of both as wholes, also where the table is not in the order of
 * the key), nor where policies may keep the server from using the index.
 */
static bool
is_looked_up(const Change *change, const BulkRows *rows)
{
	Relation	rel = change->target->rel;

	return change->unique && rows->nrows < rel->rd_rel->reltuples / 8 &&
		!rel->rd_rel->relrowsecurity;
}

/* A rule need not return what the statement would. */
static bool
has_rule(Relation rel, CmdType event)
{
	for (int i = 0; rel->rd_rules != NULL && i < rel->rd_rules->numLocks; i++)
		if (rel->rd_rules->rules[i]->event == event)
			return true;
	return false;
}

static void
run_change(BulkRows *rows, Node *tree, Change *change, bool returns)
{
	BulkStatement *statement = bulk_statement_make(change->target, change->context, rows);
	BulkOutcome outcome = change->options->verb == BULK_DELETE ? BULK_DELETED : BULK_UPDATED;
	uint64		matched;

	statement->tree = tree;
	statement->look_up = is_looked_up(change, rows);
	if (returns)
		statement->dest = &change->matched.receiver;
	change->matched.count = 0;
	bulk_statement_plan(statement);
	bulk_statement_run(statement);
	matched = returns ? change->matched.count : Min(statement->processed, (uint64) rows->nrows);
	change->counts[outcome] += statement->processed;
	change->counts[BULK_SKIPPED] += rows->nrows - matched;
}

/* Rows of one shape, or all of them where shapes do not matter. */
static void
change_shape(BulkRows *rows, int shape, void *arg)
{
	Change	   *change = arg;
	BulkTarget *target = change->target;
	bool		is_delete = change->options->verb == BULK_DELETE;
	bool		returns = !change->unique &&
		!has_rule(target->rel, is_delete ? CMD_DELETE : CMD_UPDATE);
	List	   *returning = NIL;
	List	   *assignments;

	if (returns)
		returning = list_make1(bulk_syntax_target(NULL,
												  bulk_syntax_source(rows,
																	 BULK_ROWS_ORDINAL(rows))));
	if (is_delete)
	{
		run_change(rows, make_delete(target, rows, returning), change, returns);
		return;
	}
	assignments = make_assignments(target, rows, shape);
	if (assignments == NIL)
		change->counts[BULK_SKIPPED] += rows->nrows;
	else
		run_change(rows, make_update(target, rows, assignments, returning), change, returns);
}

/* Update or delete what the rows' keys name. */
void
bulk_change_rows(BulkTarget *target, BulkContext *context, BulkRows *rows,
				 const BulkOptions *options, uint64 *counts)
{
	Change		change = {
		.target = target,
		.context = context,
		.options = options,
		.counts = counts,
		.unique = OidIsValid(bulk_change_index(target, false))
	};

	if (rows->nrows == 0)
		return;
	if (!change.unique)
		prepare_matched(&change.matched, rows->last_ordinal);
	if (rows->positions == NULL)
		counts[BULK_SKIPPED] += bulk_last_of_key(rows, bulk_change_keys(target, rows),
												 target->estate);
	if (options->verb == BULK_DELETE)
		change_shape(rows, 0, &change);
	else
		bulk_rows_by_shape(rows, change_shape, &change);
}
