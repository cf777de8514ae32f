/*
 * bulk_where.c
 *		Reads the condition under which a row in the way is updated.
 *
 * It is what may follow WHERE in ON CONFLICT DO UPDATE: an expression over the
 * columns of the table and those of "excluded", the row that was to be
 * inserted.  Names are looked up as in any statement of the caller's.
 *
 * Called by bulk_set.c.
 */
#include "bulk.h"

#include "access/sysattr.h"
#include "nodes/makefuncs.h"
#include "nodes/primnodes.h"
#include "parser/parse_clause.h"
#include "parser/parse_collate.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"

/* Range table entries of the condition. */
enum
{
	WHERE_TARGET = 1,
	WHERE_EXCLUDED
};

static void
refuse(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("argument \"%s\" must be a single expression", "update_where")));
}

/* An error's position is one in the condition, not in the statement that calls us. */
static void
point_into_text(void *text)
{
	int			position = geterrposition();

	if (position <= 0)
		return;
	errposition(0);
	internalerrposition(position);
	internalerrquery(text);
}

/* The only expression in the text, as the grammar has it. */
static Node *
parse_expression(const char *text)
{
	List	   *parsed = raw_parser(text, RAW_PARSE_PLPGSQL_EXPR);
	SelectStmt *select = castNode(SelectStmt, linitial_node(RawStmt, parsed)->stmt);
	ResTarget  *column;

	if (list_length(select->targetList) != 1 || select->distinctClause != NIL ||
		select->fromClause != NIL || select->whereClause != NULL ||
		select->groupClause != NIL || select->havingClause != NULL ||
		select->windowClause != NIL || select->sortClause != NIL ||
		select->limitOffset != NULL || select->limitCount != NULL ||
		select->lockingClause != NIL)
		refuse();
	column = linitial_node(ResTarget, select->targetList);
	if (column->name != NULL)
		refuse();
	return column->val;
}

static ParseNamespaceItem *
add_relation(ParseState *pstate, Relation rel, Alias *alias)
{
	ParseNamespaceItem *item = addRangeTableEntryForRelation(pstate, rel, RowExclusiveLock,
															 alias, false, false);

	addNSItemToQuery(pstate, item, false, true, true);
	return item;
}

/*
 * The condition, analysed, with the columns of "excluded" as those of the inner
 * row.
 */
Node *
bulk_where_parse(BulkTarget *target, const char *text)
{
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *own;
	ParseNamespaceItem *excluded;
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = point_into_text,
		.arg = unconstify(char *, text)
	};
	Node	   *where;

	own = add_relation(pstate, target->rel, NULL);
	excluded = add_relation(pstate, target->rel, makeAlias("excluded", NIL));
	/* It is no relation, as for ON CONFLICT: it has no system columns. */
	excluded->p_rte->relkind = RELKIND_COMPOSITE_TYPE;

	pstate->p_sourcetext = text;
	error_context_stack = &callback;
	where = transformWhereClause(pstate, parse_expression(text), EXPR_KIND_WHERE, "WHERE");
	assign_expr_collations(pstate, where);
	if (pstate->p_hasSubLinks)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot use subquery in argument \"%s\"", "update_where")));
	error_context_stack = callback.previous;
	/* The columns of the table that it reads. */
	if (!bms_is_empty(purser_nsitem_perminfo(own)->selectedCols))
		bulk_target_require(target, ACL_SELECT, purser_nsitem_perminfo(own)->selectedCols);
	where = purser_expand_virtual(where, target->rel, WHERE_TARGET);
	where = purser_expand_virtual(where, target->rel, WHERE_EXCLUDED);
	ChangeVarNodes(where, WHERE_EXCLUDED, INNER_VAR, 0);
	free_parsestate(pstate);
	return where;
}
