/*
 * bulk_syntax.c
 *		Pieces of raw parse trees, as the server's grammar makes them.
 *
 * A statement is put together from nodes, never from text: names are what they
 * are, whatever is in them, and operators and functions are named with their
 * schema.  An expression that has been analyzed already goes in as a parameter
 * with a number below zero, which text of a caller cannot have; the list of
 * expressions says what it stands for.
 *
 * Called by bulk_insert.c and bulk_change.c.
 */
#include "bulk/bulk.h"

#include "access/htup_details.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "parser/parser.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* relation.column */
Node *
bulk_syntax_column(const char *relation, const char *column)
{
	ColumnRef  *ref = makeNode(ColumnRef);

	ref->fields = list_make2(makeString(pstrdup(relation)), makeString(pstrdup(column)));
	ref->location = -1;
	return (Node *) ref;
}

/* A column of the rows, by its number from 1. */
Node *
bulk_syntax_source(const BulkRows *rows, AttrNumber attnum)
{
	return bulk_syntax_column(BULK_SOURCE, NameStr(TupleDescAttr(rows->desc, attnum - 1)->attname));
}

/* A parameter that stands for the analyzed expression. */
Node *
bulk_syntax_expression(List **expressions, Node *expression)
{
	ParamRef   *ref = makeNode(ParamRef);

	*expressions = lappend(*expressions, expression);
	ref->number = -list_length(*expressions);
	ref->location = -1;
	return (Node *) ref;
}

/* left OPERATOR(schema.name) right */
Node *
bulk_syntax_operator(Oid operator, Node *left, Node *right)
{
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;
	List	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", operator);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	name = list_make2(makeString(get_namespace_name(form->oprnamespace)),
					  makeString(pstrdup(NameStr(form->oprname))));
	ReleaseSysCache(tuple);
	return (Node *) makeA_Expr(AEXPR_OP, name, left, right, -1);
}

/* number = ANY (values) */
Node *
bulk_syntax_among(List **expressions, Node *number, Datum *values, int nvalues)
{
	ArrayType  *array = construct_array(values, nvalues, INT4OID, sizeof(int32), true,
										TYPALIGN_INT);
	Const	   *list = makeConst(INT4ARRAYOID, -1, InvalidOid, -1, PointerGetDatum(array),
								 false, false);

	return (Node *) makeA_Expr(AEXPR_OP_ANY,
							   list_make2(makeString("pg_catalog"), makeString("=")), number,
							   bulk_syntax_expression(expressions, (Node *) list), -1);
}

/* CASE WHEN condition THEN then ELSE otherwise END */
Node *
bulk_syntax_case(Node *condition, Node *then, Node *otherwise)
{
	CaseExpr   *expr = makeNode(CaseExpr);
	CaseWhen   *when = makeNode(CaseWhen);

	when->expr = (Expr *) condition;
	when->result = (Expr *) then;
	when->location = -1;
	expr->args = list_make1(when);
	expr->defresult = (Expr *) otherwise;
	expr->location = -1;
	return (Node *) expr;
}

/* A target of SELECT (no name), INSERT (no value) or UPDATE. */
ResTarget *
bulk_syntax_target(const char *name, Node *value)
{
	ResTarget  *target = makeNode(ResTarget);

	target->name = name ? pstrdup(name) : NULL;
	target->val = value;
	target->location = -1;
	return target;
}

/* The relation by its name, which is checked to mean it: bulk_execute.c. */
RangeVar *
bulk_syntax_relation(Relation rel, const char *alias)
{
	RangeVar   *var = makeRangeVar(get_namespace_name(RelationGetNamespace(rel)),
								   pstrdup(RelationGetRelationName(rel)), -1);

	if (alias != NULL)
		var->alias = makeAlias(alias, NIL);
	return var;
}

/* RETURNING columns, or * without any: a list of targets */
List *
bulk_syntax_returning(const List *columns)
{
	List	   *targets = NIL;
	ListCell   *lc;

	foreach(lc, columns)
	{
		ColumnRef  *ref = makeNode(ColumnRef);

		ref->fields = list_make1(makeString(pstrdup(lfirst(lc))));
		ref->location = -1;
		targets = lappend(targets, bulk_syntax_target(NULL, (Node *) ref));
	}
	if (targets == NIL)
	{
		ColumnRef  *all = makeNode(ColumnRef);

		all->fields = list_make1(makeNode(A_Star));
		all->location = -1;
		targets = list_make1(bulk_syntax_target(NULL, (Node *) all));
	}
	return targets;
}

/* FROM the rows */
List *
bulk_syntax_from(void)
{
	return list_make1(makeRangeVar(NULL, BULK_SOURCE, -1));
}

/* SELECT values FROM the rows */
Node *
bulk_syntax_select(List *values)
{
	SelectStmt *select = makeNode(SelectStmt);
	ListCell   *lc;

	foreach(lc, values)
		select->targetList = lappend(select->targetList, bulk_syntax_target(NULL, lfirst(lc)));
	select->fromClause = bulk_syntax_from();
	return (Node *) select;
}

/* ---- a condition of the caller's ---- */

/* An error's position is one in the condition, not in the caller's query. */
void
bulk_syntax_error(void *condition)
{
	int			position = geterrposition();

	if (position <= 0)
		return;
	errposition(0);
	internalerrposition(position);
	internalerrquery(condition);
}

static bool
is_expression_alone(const SelectStmt *select)
{
	const ResTarget *target;

	if (list_length(select->targetList) != 1 || select->distinctClause != NIL ||
		select->fromClause != NIL || select->whereClause != NULL || select->groupClause != NIL ||
		select->havingClause != NULL || select->windowClause != NIL ||
		select->sortClause != NIL || select->limitOffset != NULL || select->limitCount != NULL ||
		select->lockingClause != NIL || select->op != SETOP_NONE)
		return false;
	target = linitial(select->targetList);
	return target->name == NULL && target->indirection == NIL;
}

/* The raw tree of an expression, as the caller wrote it; refuses anything more. */
Node *
bulk_syntax_condition(const char *text)
{
	ErrorContextCallback callback = {
		.callback = bulk_syntax_error,
		.arg = unconstify(char *, text),
		.previous = error_context_stack
	};
	List	   *trees;
	SelectStmt *select;

	error_context_stack = &callback;
	trees = raw_parser(text, RAW_PARSE_PLPGSQL_EXPR);
	error_context_stack = callback.previous;
	select = (SelectStmt *) linitial_node(RawStmt, trees)->stmt;
	if (!IsA(select, SelectStmt) || !is_expression_alone(select))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("argument \"%s\" must be a single expression", "update_where"),
				 errdetail("It is: %s", text)));
	return linitial_node(ResTarget, select->targetList)->val;
}
