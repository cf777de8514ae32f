/*
 * audit_expression.c
 *		Expressions over one table, told apart by a hash of what they compute, so
 *		that a finding can say later whether an index on its expression exists.
 *
 * Reads the catalog only, so it needs no lock on the table and waits for none.
 */
#include "audit/plan/audit_plan.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_index.h"
#include "catalog/pg_statistic_ext.h"
#include "common/hashfn.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

/* Where a column was named from is no matter. */
static bool
forget_names_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		((Var *) node)->varnosyn = 0;
		((Var *) node)->varattnosyn = 0;
		return false;
	}
	return expression_tree_walker(node, forget_names_walker, context);
}

/* Of an expression whose table is number 1. */
uint32
audit_expression_hash(Node *expression)
{
	/* A tree that has been written and read has lost the places in its text. */
	Node	   *plain = stringToNode(nodeToString(expression));
	char	   *string;

	forget_names_walker(plain, NULL);
	string = nodeToString(plain);
	return DatumGetUInt32(hash_any((unsigned char *) string, (int) strlen(string)));
}

/* Does a valid index over all rows begin with the expression? */
static bool
begins_with(HeapTuple tuple, TupleDesc desc, const void *hash)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	Datum		expressions;
	bool		isnull;

	if (!form->indisvalid || form->indkey.values[0] != 0 ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, desc))
		return false;
	expressions = heap_getattr(tuple, Anum_pg_index_indexprs, desc, &isnull);
	if (isnull)
		return false;
	return audit_expression_hash(linitial(stringToNode(TextDatumGetCString(expressions)))) ==
		*(const uint32 *) hash;
}

/* Is there an index on the expression with this hash? */
bool
audit_expression_is_indexed(Oid relid, uint32 hash)
{
	return audit_any_index(relid, begins_with, &hash);
}

static bool
any_has_hash(List *expressions, uint32 hash)
{
	ListCell   *cell;

	foreach(cell, expressions)
	{
		if (audit_expression_hash(lfirst(cell)) == hash)
			return true;
	}
	return false;
}

/* Are there statistics of the expression with this hash, by CREATE STATISTICS or an index? */
bool
audit_expression_has_statistics(Oid relid, uint32 hash)
{
	Relation	catalog = table_open(StatisticExtRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&key, Anum_pg_statistic_ext_stxrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, StatisticExtRelidIndexId, true, NULL, 1, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		expressions = heap_getattr(tuple, Anum_pg_statistic_ext_stxexprs,
											   RelationGetDescr(catalog), &isnull);

		found = !isnull && any_has_hash(stringToNode(TextDatumGetCString(expressions)), hash);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found || audit_expression_is_indexed(relid, hash);
}
