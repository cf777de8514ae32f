/*
 * online_keyset.c
 *		Ranges of keys: the condition that selects one, and where the next ends.
 *
 * Conditions are parse trees whose operators and collation are those of the key,
 * named with their schemas, and whose bounds are parameters: $1 is exclusive and
 * below, $2 inclusive and above.
 */
#include "online.h"

#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "nodes/makefuncs.h"
#include "nodes/params.h"
#include "tcop/dest.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* The server's log and error positions show this in place of a statement's text. */
#define SOURCE "keys of a backfill's table"

typedef enum
{
	FROM = 1,
	TO,
	OFFSET,
	COUNT,
	NPARAMS = COUNT
} Parameter;

static Node *
parameter(Parameter number)
{
	ParamRef   *node = makeNode(ParamRef);

	node->number = number;
	node->location = -1;
	return (Node *) node;
}

static List *
qualified(Oid namespace, const char *name)
{
	return list_make2(makeString(get_namespace_name(namespace)), makeString(pstrdup(name)));
}

static List *
operator_name(Oid id)
{
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(id));
	Form_pg_operator form;
	List	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", id);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	name = qualified(form->oprnamespace, NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return name;
}

static List *
collation_name(Oid id)
{
	HeapTuple	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(id));
	Form_pg_collation form;
	List	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", id);
	form = (Form_pg_collation) GETSTRUCT(tuple);
	name = qualified(form->collnamespace, NameStr(form->collname));
	ReleaseSysCache(tuple);
	return name;
}

/* The key of the table that the names refer to, in the type and collation it is ordered by. */
static Node *
key_value(const OnlineKey *key, List *reference)
{
	ColumnRef  *column = makeNode(ColumnRef);
	Node	   *value = (Node *) column;

	column->fields = lappend(list_copy(reference), makeString(key->column));
	column->location = -1;
	if (key->cast)
	{
		TypeCast   *cast = makeNode(TypeCast);

		cast->arg = value;
		cast->typeName = makeTypeNameFromOid(key->type, -1);
		cast->location = -1;
		value = (Node *) cast;
	}
	if (OidIsValid(key->collation))
	{
		CollateClause *collate = makeNode(CollateClause);

		collate->arg = value;
		collate->collname = collation_name(key->collation);
		collate->location = -1;
		value = (Node *) collate;
	}
	return value;
}

static Node *
comparison(const OnlineKey *key, List *reference, Oid operator, Parameter bound)
{
	return (Node *) makeA_Expr(AEXPR_OP, operator_name(operator), key_value(key, reference),
							   parameter(bound), -1);
}

/* Is the key of what the names refer to in the range? */
Node *
online_range_condition(const OnlineKey *key, List *reference, const OnlineRange *range)
{
	Node	   *upper = comparison(key, reference, key->less_equal, TO);

	if (range->from == NULL)
		return upper;
	return (Node *) makeBoolExpr(AND_EXPR, list_make2(comparison(key, reference, key->greater,
																 FROM), upper), -1);
}

static void
set_value(ParamListInfo values, Parameter number, Oid type, Datum value, bool isnull)
{
	ParamExternData *slot = &values->params[number - 1];

	slot->value = value;
	slot->isnull = isnull;
	slot->pflags = PARAM_FLAG_CONST;
	slot->ptype = type;
}

static void
set_bound(ParamListInfo values, Parameter number, const OnlineKey *key, const char *text)
{
	set_value(values, number, key->type, text ? online_key_read(key, text) : (Datum) 0,
			  text == NULL);
}

/* The parameters of the condition, and those of next_query. */
ParamListInfo
online_range_values(const OnlineKey *key, const OnlineRange *range, int64 offset)
{
	ParamListInfo values = makeParamList(NPARAMS);

	set_bound(values, FROM, key, range->from);
	set_bound(values, TO, key, range->to);
	set_value(values, OFFSET, INT8OID, Int64GetDatum(offset), false);
	set_value(values, COUNT, INT8OID, Int64GetDatum(1), false);
	return values;
}

/* SELECT key FROM table [WHERE condition] */
static SelectStmt *
keys_query(const OnlineKey *key, bool only, const OnlineRange *range)
{
	SelectStmt *query = makeNode(SelectStmt);
	ResTarget  *target = makeNode(ResTarget);
	RangeVar   *table = makeRangeVar(key->schema, key->table, -1);
	List	   *reference = list_make1(makeString(key->table));

	table->inh = !only;
	target->val = key_value(key, reference);
	target->location = -1;
	query->targetList = list_make1(target);
	query->fromClause = list_make1(table);
	if (range->to)
		query->whereClause = online_range_condition(key, reference, range);
	return query;
}

/* ORDER BY key USING operator OFFSET $3 LIMIT $4 */
static void
pick_one(SelectStmt *query, const OnlineKey *key, Oid operator)
{
	SortBy	   *sort = makeNode(SortBy);

	sort->node = key_value(key, list_make1(makeString(key->table)));
	sort->sortby_dir = SORTBY_USING;
	sort->sortby_nulls = SORTBY_NULLS_DEFAULT;
	sort->useOp = operator_name(operator);
	sort->location = -1;
	query->sortClause = list_make1(sort);
	query->limitOffset = parameter(OFFSET);
	query->limitCount = parameter(COUNT);
	query->limitOption = LIMIT_OPTION_COUNT;
}

static RawStmt *
as_statement(SelectStmt *query)
{
	RawStmt    *tree = makeNode(RawStmt);

	tree->stmt = (Node *) query;
	return tree;
}

/* Takes the text of the one key. */
typedef struct KeyReceiver
{
	DestReceiver pub;
	const OnlineKey *key;
	MemoryContext context;
	char	   *text;			/* NULL: there was no row */
} KeyReceiver;

static bool
receive_key(TupleTableSlot *slot, DestReceiver *self)
{
	KeyReceiver *receiver = (KeyReceiver *) self;
	MemoryContext caller = MemoryContextSwitchTo(receiver->context);
	bool		isnull;
	Datum		value = slot_getattr(slot, 1, &isnull);

	receiver->text = online_key_write(receiver->key, value);
	MemoryContextSwitchTo(caller);
	return true;
}

static void
receiver_startup(DestReceiver *self pg_attribute_unused(), int operation pg_attribute_unused(),
				 TupleDesc desc pg_attribute_unused())
{
}

static void
receiver_nothing(DestReceiver *self pg_attribute_unused())
{
}

/* The one key that the query picks, by an index if there is one; NULL for none. */
static char *
run_pick(SelectStmt *query, const OnlineKey *key, ParamListInfo values)
{
	KeyReceiver receiver = {
		.pub = {receive_key, receiver_startup, receiver_nothing, receiver_nothing, DestNone},
		.key = key,
		.context = CurrentMemoryContext
	};
	int			level = NewGUCNestLevel();

	(void) set_config_option("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("enable_sort", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	online_run_tree(as_statement(query), SOURCE, values, &receiver.pub);
	AtEOXact_GUC(true, level);
	return receiver.text;
}

/* The greatest key that the caller sees, as text; NULL when there is none. */
char *
online_keyset_greatest(const OnlineKey *key, bool only)
{
	OnlineRange everything = {NULL, NULL};
	SelectStmt *query = keys_query(key, only, &everything);

	pick_one(query, key, key->greater);
	return run_pick(query, key, online_range_values(key, &everything, 0));
}

/* The key of the last of the next size rows in the range; NULL if fewer are there. */
char *
online_keyset_next(const OnlineKey *key, bool only, const OnlineRange *range, int size)
{
	SelectStmt *query = keys_query(key, only, range);

	pick_one(query, key, key->less);
	return run_pick(query, key, online_range_values(key, range, size - 1));
}

/* How many rows the planner thinks there are. */
int64
online_keyset_estimate(const OnlineKey *key, bool only)
{
	OnlineRange everything = {NULL, NULL};
	List	   *plans = online_plan_tree(as_statement(keys_query(key, only, &everything)), SOURCE,
										 online_range_values(key, &everything, 0));

	return (int64) linitial_node(PlannedStmt, plans)->planTree->plan_rows;
}
