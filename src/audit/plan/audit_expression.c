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
#include "catalog/pg_opclass.h"
#include "catalog/pg_statistic_ext.h"
#include "common/hashfn.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Casts are the same whether they were asked for or not, as the planner has it. */
static void
forget_form(Node *node)
{
	if (IsA(node, RelabelType))
		((RelabelType *) node)->relabelformat = COERCE_IMPLICIT_CAST;
	else if (IsA(node, FuncExpr))
		((FuncExpr *) node)->funcformat = COERCE_EXPLICIT_CALL;
	else if (IsA(node, CoerceViaIO))
		((CoerceViaIO *) node)->coerceformat = COERCE_IMPLICIT_CAST;
	else if (IsA(node, ArrayCoerceExpr))
		((ArrayCoerceExpr *) node)->coerceformat = COERCE_IMPLICIT_CAST;
}

/* Where a column was named from is no matter. */
static bool
forget_names_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	forget_form(node);
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

typedef struct Indexed
{
	uint32		hash;
	Oid			operator;		/* 0: any */
} Indexed;

/* Does the class of an index's first column know the operator? */
static bool
knows_operator(HeapTuple tuple, TupleDesc desc, Oid operator)
{
	bool		isnull;
	oidvector  *classes = (oidvector *)
		DatumGetPointer(heap_getattr(tuple, Anum_pg_index_indclass, desc, &isnull));
	HeapTuple	opclass = SearchSysCache1(CLAOID, ObjectIdGetDatum(classes->values[0]));
	bool		result;

	if (!HeapTupleIsValid(opclass))
		return false;
	result = op_in_opfamily(operator, ((Form_pg_opclass) GETSTRUCT(opclass))->opcfamily);
	ReleaseSysCache(opclass);
	return result;
}

/* Does a valid index over all rows begin with the expression? */
static bool
begins_with(HeapTuple tuple, TupleDesc desc, const void *wanted)
{
	const Indexed *indexed = wanted;
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	Datum		expressions;
	bool		isnull;

	if (!form->indisvalid || form->indkey.values[0] != 0 ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, desc))
		return false;
	expressions = heap_getattr(tuple, Anum_pg_index_indexprs, desc, &isnull);
	if (isnull || (OidIsValid(indexed->operator) &&
				   !knows_operator(tuple, desc, indexed->operator)))
		return false;
	return audit_expression_hash(linitial(stringToNode(TextDatumGetCString(expressions)))) ==
		indexed->hash;
}

/* Is there an index on the expression with this hash, which knows the operator (0: any)? */
bool
audit_expression_is_indexed(Oid relid, uint32 hash, Oid operator)
{
	Indexed		indexed = {hash, operator};

	return audit_any_index(relid, begins_with, &indexed);
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
	return found || audit_expression_is_indexed(relid, hash, InvalidOid);
}
