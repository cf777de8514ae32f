/*
 * bulk_where.c
 *		Reads the condition under which a row in the way is updated.
 *
 * It is what may follow WHERE in ON CONFLICT DO UPDATE: an expression over the
 * columns of the table and those of "excluded", the row that was to be
 * inserted.  Names are looked up as in any statement of the caller's.
 *
 * Called by bulk_set.c; and by bulk_path.c, which leaves subqueries to a statement.
 */
#include "bulk/bulk.h"

#include "access/sysattr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "parser/parse_clause.h"
#include "parser/parse_collate.h"
#include "parser/parse_relation.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"

/* Range table entries of the condition. */
enum
{
	WHERE_TARGET = 1,
	WHERE_EXCLUDED
};

static bool
is_subquery(Node *node, void *context)
{
	if (node == NULL)
		return false;
	return IsA(node, SubLink) || raw_expression_tree_walker(node, is_subquery, context);
}

/* Does it need a plan of its own, which only a statement has? */
bool
bulk_where_has_subquery(const char *text)
{
	return is_subquery(bulk_syntax_condition(text), NULL);
}

static ParseNamespaceItem *
add_relation(ParseState *pstate, Relation rel, Alias *alias)
{
	ParseNamespaceItem *item = addRangeTableEntryForRelation(pstate, rel, RowExclusiveLock,
															 alias, false, false);

	addNSItemToQuery(pstate, item, false, true, true);
	return item;
}

/* The caller must be allowed to see what the condition reads, by either name. */
static void
require_select(BulkTarget *target, ParseNamespaceItem *item)
{
	Bitmapset  *columns = purser_nsitem_perminfo(item)->selectedCols;

	if (!bms_is_empty(columns))
		bulk_target_require(target, ACL_SELECT, columns);
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
		.callback = bulk_syntax_error,
		.arg = unconstify(char *, text)
	};
	Node	   *where;

	own = add_relation(pstate, target->rel, NULL);
	excluded = add_relation(pstate, target->rel, makeAlias("excluded", NIL));
	/* It is no relation, as for ON CONFLICT: it has no system columns. */
	excluded->p_rte->relkind = RELKIND_COMPOSITE_TYPE;

	pstate->p_sourcetext = text;
	error_context_stack = &callback;
	where = transformWhereClause(pstate, bulk_syntax_condition(text), EXPR_KIND_WHERE, "WHERE");
	assign_expr_collations(pstate, where);
	error_context_stack = callback.previous;
	/* For "excluded" too, as for ON CONFLICT: defaults could tell what the caller may not see. */
	require_select(target, own);
	require_select(target, excluded);
	where = purser_expand_virtual(where, target->rel, WHERE_TARGET);
	where = purser_expand_virtual(where, target->rel, WHERE_EXCLUDED);
	ChangeVarNodes(where, WHERE_EXCLUDED, INNER_VAR, 0);
	free_parsestate(pstate);
	return where;
}
