/*
 * online_cut.c
 *		The statement of a backfill: may it be cut, and the same with a range.
 *
 * It may when each of the table's rows gives its part of the result by itself:
 * then the batches together do what the whole statement does.  The range goes
 * into the statement's parse tree, so that no text is ever put together.
 */
#include "online.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/analyze.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

/* Where a query's FROM list has the table. */
typedef struct Finding
{
	const OnlineKey *key;
	const Query *query;
	RangeTblEntry *entry;
	int			count;
	bool		nullable;		/* an outer join makes up rows for it */
	bool		hidden;			/* behind the alias of a join */
} Finding;

pg_noreturn static void
refuse(const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("the statement cannot be cut into batches"),
			 errdetail("%s", detail), hint ? errhint("%s", hint) : 0));
}

static void
check_kind(const LedgerParsed *parsed)
{
	const Node *statement = parsed->count == 1 ? parsed->statements[0].raw->stmt : NULL;
	const Node *where = NULL;
	bool		fits = false;

	if (statement && IsA(statement, UpdateStmt))
	{
		where = ((const UpdateStmt *) statement)->whereClause;
		fits = true;
	}
	else if (statement && IsA(statement, DeleteStmt))
	{
		where = ((const DeleteStmt *) statement)->whereClause;
		fits = true;
	}
	else if (statement && IsA(statement, InsertStmt))
	{
		const InsertStmt *insert = (const InsertStmt *) statement;
		const SelectStmt *select = (const SelectStmt *) insert->selectStmt;

		fits = select && select->valuesLists == NIL && select->op == SETOP_NONE;
	}
	if (!fits)
		refuse("The upgrade script of such a revision is one UPDATE, DELETE or plain "
			   "INSERT ... SELECT.", NULL);
	if (where && IsA(where, CurrentOfExpr))
		refuse("WHERE CURRENT OF names one row.", NULL);
}

/* A copy, as analysis uses its input up. */
static RawStmt *
script_tree(const LedgerParsed *parsed)
{
	return copyObject(unconstify(RawStmt *, parsed->statements[0].raw));
}

static void
find_in(Finding *finding, Node *node, bool nullable, bool hidden)
{
	ListCell   *cell;

	if (IsA(node, RangeTblRef))
	{
		int			index = ((RangeTblRef *) node)->rtindex;
		RangeTblEntry *entry = rt_fetch(index, finding->query->rtable);

		if (index == finding->query->resultRelation || entry->rtekind != RTE_RELATION ||
			entry->relid != finding->key->relation)
			return;
		finding->entry = entry;
		finding->count++;
		finding->nullable = nullable;
		finding->hidden = hidden;
	}
	else if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;
		bool		full = join->jointype == JOIN_FULL;

		hidden = hidden || join->alias;
		find_in(finding, join->larg, nullable || full || join->jointype == JOIN_RIGHT, hidden);
		find_in(finding, join->rarg, nullable || full || join->jointype == JOIN_LEFT, hidden);
	}
	else
		foreach(cell, castNode(FromExpr, node)->fromlist)
			find_in(finding, lfirst(cell), nullable, hidden);
}

/* The table in the FROM list, where a range on its key picks rows of the result. */
static RangeTblEntry *
find_in_from(const OnlineKey *key, const Query *query)
{
	Finding		finding = {.key = key, .query = query};

	find_in(&finding, (Node *) query->jointree, false, false);
	if (finding.count == 0)
		refuse(psprintf("Table \"%s\" is neither what it changes nor in its FROM list.",
						key->table),
			   "A table in a subquery does not count.");
	if (finding.count > 1)
		refuse(psprintf("Table \"%s\" stands %d times in its FROM list.", key->table,
						finding.count), NULL);
	if (finding.nullable)
		refuse(psprintf("An outer join makes up rows where table \"%s\" has none.", key->table),
			   NULL);
	if (finding.hidden)
		refuse(psprintf("Table \"%s\" is behind the alias of a join.", key->table), NULL);
	return finding.entry;
}

static void
check_key_stays(const OnlineKey *key, const Query *query)
{
	ListCell   *cell;

	foreach(cell, query->targetList)
	{
		TargetEntry *target = lfirst_node(TargetEntry, cell);

		if (query->commandType == CMD_UPDATE && !target->resjunk && target->resno == key->number)
			refuse(psprintf("It changes column \"%s\", along which it is cut.", key->column),
				   "A row could move into a later batch and be changed twice.");
	}
}

/* Result rows must come from single rows. */
static void
check_select(const Query *select)
{
	if (select->hasAggs || select->groupClause || select->groupingSets || select->havingQual ||
		select->hasWindowFuncs || select->distinctClause)
		refuse("Its rows are grouped, or depend on each other.", NULL);
	if (select->limitCount || select->limitOffset)
		refuse("It has a LIMIT or OFFSET, which would hold for each batch.", NULL);
}

/* Is the table the other one, or one of those that inherit from it? */
static bool
is_part_of(Oid table, Oid other)
{
	return table == other || list_member_oid(find_all_inheritors(other, NoLock, NULL), table);
}

static RangeTblEntry *
find_in_insert(const OnlineKey *key, const Query *query)
{
	Oid			target = rt_fetch(query->resultRelation, query->rtable)->relid;
	ListCell   *cell;

	if (is_part_of(target, key->relation))
		refuse(psprintf("It reads from table \"%s\" and adds rows to it.", key->table),
			   "Later batches would take rows of earlier ones for the table's own.");
	foreach(cell, query->rtable)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, cell);

		if (entry->rtekind == RTE_SUBQUERY)
		{
			check_select(entry->subquery);
			return find_in_from(key, entry->subquery);
		}
	}
	refuse("It selects from no table.", NULL);
}

static RangeTblEntry *
find_entry(const OnlineKey *key, const Query *query)
{
	RangeTblEntry *target = rt_fetch(query->resultRelation, query->rtable);

	if (query->commandType == CMD_INSERT)
		return find_in_insert(key, query);
	if (target->relid != key->relation && query->commandType == CMD_UPDATE &&
		(is_part_of(target->relid, key->relation) || is_part_of(key->relation, target->relid)))
		refuse(psprintf("It changes rows of table \"%s\" by another name.", key->table),
			   "A row could move into a later batch and be changed twice.");
	if (target->relid != key->relation)
		return find_in_from(key, query);
	check_key_stays(key, query);
	return target;
}

static void
check_entry(const OnlineKey *key, const RangeTblEntry *entry)
{
	if (entry->alias && entry->alias->colnames)
		refuse(psprintf("It gives names of its own to columns of table \"%s\".", key->table), NULL);
	if (entry->inh && entry->relkind != RELKIND_PARTITIONED_TABLE &&
		has_subclass(key->relation) && find_inheritance_children(key->relation, NoLock))
		refuse(psprintf("Other tables inherit from table \"%s\", and its index has no keys of "
						"theirs.", key->table),
			   "Write ONLY before the table's name, with a revision for each of the others.");
}

static List *
reference_to(const OnlineKey *key, const RangeTblEntry *entry)
{
	if (entry->alias)
		return list_make1(makeString(entry->alias->aliasname));
	return list_make2(makeString(key->schema), makeString(key->table));
}

/* How the script's statement names the table; an error if it cannot be cut. */
OnlineCut
online_cut_prepare(const LedgerParsed *parsed, const OnlineKey *key)
{
	OnlineCut	cut = {.parsed = parsed};
	RangeTblEntry *entry;
	Query	   *query;

	check_kind(parsed);
	query = parse_analyze_fixedparams(script_tree(parsed), parsed->script->text, NULL, 0, NULL);
	if (query->hasModifyingCTE)
		refuse("Its WITH clause changes data, which each batch would do again.", NULL);
	entry = find_entry(key, query);
	check_entry(key, entry);
	cut.reference = reference_to(key, entry);
	cut.only = !entry->inh;
	return cut;
}

/* The statement for the range alone. */
RawStmt *
online_cut_to_range(const OnlineCut *cut, const OnlineKey *key, const OnlineRange *range)
{
	RawStmt    *tree = script_tree(cut->parsed);
	Node	   *condition = online_range_condition(key, cut->reference, range);
	Node	  **where;

	if (IsA(tree->stmt, UpdateStmt))
		where = &((UpdateStmt *) tree->stmt)->whereClause;
	else if (IsA(tree->stmt, DeleteStmt))
		where = &((DeleteStmt *) tree->stmt)->whereClause;
	else
		where = &castNode(SelectStmt, castNode(InsertStmt, tree->stmt)->selectStmt)->whereClause;
	if (*where)
		*where = (Node *) makeBoolExpr(AND_EXPR, list_make2(*where, condition), -1);
	else
		*where = condition;
	return tree;
}
