/*
 * ledger_looks.c
 *		SQL functions that show the ledger: heads, current, branches, history, show, export.
 *
 * They take no lock and work on a standby.
 */
#include "ledger.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "shared/owner_query.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(purser_heads_0_1);
PG_FUNCTION_INFO_V1(purser_current_0_1);
PG_FUNCTION_INFO_V1(purser_branches_0_1);
PG_FUNCTION_INFO_V1(purser_history_0_1);
PG_FUNCTION_INFO_V1(purser_show_0_1);
PG_FUNCTION_INFO_V1(purser_export_revision_0_1);

/* Most columns that a row of these functions has. */
#define COLUMNS_MAX 24

static NameList
child_ids(const LedgerGraph *graph, const LedgerChildren *children, int node)
{
	int			first = children->start[node];
	NameList	ids = {children->start[node + 1] - first, NULL};

	ids.items = palloc(sizeof(char *) * (ids.count + 1));
	for (int i = 0; i < ids.count; i++)
		ids.items[i] = unconstify(char *, graph->nodes[children->nodes[first + i]].id);
	return ids;
}

static NameList
set_ids(const LedgerGraph *graph, LedgerSet set)
{
	NameList	ids = {set.count, palloc(sizeof(char *) * (set.count + 1))};

	for (int i = 0; i < set.count; i++)
		ids.items[i] = unconstify(char *, graph->nodes[set.nodes[i]].id);
	return ids;
}

/*
 * A row for each revision of the set that is still there: id, the labels it
 * holds, message, and its children where they are given.
 */
static Datum
return_set(FunctionCallInfo fcinfo, const LedgerGraph *graph, LedgerSet set,
		   const LedgerChildren *children)
{
	static OwnerQuery query = {
		.sql = "SELECT r.message, p.n FROM pg_catalog.unnest($1) WITH ORDINALITY AS p(id, n),"
		" purser.revision r WHERE r.revision OPERATOR(pg_catalog.=) p.id ORDER BY p.n",
		.indexed = true, .nargs = 1, .argtypes = {TEXTARRAYOID}
	};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	NameList   *labels = ledger_held_labels(graph, set);
	Datum		ids = shared_names_to_array(set_ids(graph, set));
	uint64		rows;

	InitMaterializedSRF(fcinfo, 0);
	rows = shared_query_open(&query, &ids, NULL);
	for (uint64 row = 0; row < rows; row++)
	{
		bool		isnull;
		bool		nulls[4] = {false};
		int			i = DatumGetInt64(shared_query_datum(row, 2, &isnull)) - 1;
		Datum		values[4] = {
			CStringGetTextDatum(graph->nodes[set.nodes[i]].id),
			shared_names_to_array(labels[i]),
			shared_query_datum(row, 1, &isnull)
		};

		if (children)
			values[3] = shared_names_to_array(child_ids(graph, children, set.nodes[i]));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	shared_query_close();
	return (Datum) 0;
}

Datum
purser_heads_0_1(PG_FUNCTION_ARGS)
{
	LedgerGraph *graph = ledger_store_graph();

	return return_set(fcinfo, graph, ledger_graph_heads(graph), NULL);
}

Datum
purser_current_0_1(PG_FUNCTION_ARGS)
{
	LedgerGraph *graph = ledger_store_graph();

	return return_set(fcinfo, graph, ledger_current_heads(graph), NULL);
}

Datum
purser_branches_0_1(PG_FUNCTION_ARGS)
{
	LedgerGraph *graph = ledger_store_graph();
	LedgerChildren children = ledger_children(graph);

	return return_set(fcinfo, graph, ledger_branch_points(graph, &children), &children);
}

/* What a row says that the tables do not. */
typedef struct Place
{
	bool		is_head;
	bool		is_current;
	const char *replaced_by;	/* NULL: nothing */
} Place;

/* The columns of Place, and those of the query that come between them. */
#define PLACE_COLUMNS 5

/*
 * Row of the open query, with is_head, is_current and replaced_by put in:
 * they are before and after its last column but one.
 */
static void
put_row(ReturnSetInfo *result, uint64 row, const Place *place)
{
	int			columns = result->setDesc->natts;
	int			first = columns - PLACE_COLUMNS;
	Datum		values[COLUMNS_MAX];
	bool		nulls[COLUMNS_MAX] = {false};

	Assert(columns <= COLUMNS_MAX);
	for (int i = 0; i < first; i++)
		values[i] = shared_query_datum(row, i + 1, &nulls[i]);
	values[first] = BoolGetDatum(place->is_head);
	values[first + 1] = BoolGetDatum(place->is_current);
	values[first + 2] = shared_query_datum(row, first + 1, &nulls[first + 2]);
	nulls[first + 3] = place->replaced_by == NULL;
	if (place->replaced_by)
		values[first + 3] = CStringGetTextDatum(place->replaced_by);
	values[first + 4] = shared_query_datum(row, first + 2, &nulls[first + 4]);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Where nodes of the whole graph are in the one that is in force. */
static Place *
find_places(const LedgerGraph *graph)
{
	bool	   *heads = ledger_marks(graph, ledger_graph_heads(graph));
	bool	   *current = ledger_marks(graph, ledger_current_heads(graph));
	Place	   *places = palloc0(sizeof(Place) * (graph->whole->count + 1));

	for (int i = 0; i < graph->whole->count; i++)
	{
		int			node = ledger_graph_find(graph, graph->whole->nodes[i].id);

		places[i].replaced_by = ledger_replaced_by(graph, i);
		places[i].is_head = node >= 0 && heads[node];
		places[i].is_current = node >= 0 && current[node];
	}
	return places;
}

Datum
purser_history_0_1(PG_FUNCTION_ARGS)
{
	static OwnerQuery query = {
		.sql = "SELECT r.revision, r.parents, r.depends_on, r.labels, r.message, r.added_at,"
		" a.applied_at, r.replaces, r.repeatable FROM purser.revision r"
		" LEFT JOIN purser.applied a ON a.revision OPERATOR(pg_catalog.=) r.revision"
	};
	char	   *range = shared_arg_text_or_null(fcinfo, 0);
	LedgerGraph *graph = ledger_store_graph();
	LedgerSet	set = ledger_history_range(graph, range);
	Place	   *places = find_places(graph);
	int64	   *row_of;

	InitMaterializedSRF(fcinfo, 0);
	row_of = ledger_rows_of_nodes(graph->whole, shared_query_open(&query, NULL, NULL));
	for (int i = 0; i < set.count; i++)
	{
		int			node = set.nodes[i];

		if (row_of[node] >= 0)
			put_row((ReturnSetInfo *) fcinfo->resultinfo, row_of[node], &places[node]);
	}
	shared_query_close();
	return (Datum) 0;
}

Datum
purser_show_0_1(PG_FUNCTION_ARGS)
{
	static OwnerQuery query = {
		.sql = "SELECT r.revision, r.message, r.parents, r.depends_on, r.labels, r.upgrade,"
		" r.downgrade, r.verify, r.added_at, r.added_by, a.applied_at, a.applied_by, a.checksum,"
		" r.replaces, r.repeatable"
		" FROM purser.revision r LEFT JOIN purser.applied a"
		" ON a.revision OPERATOR(pg_catalog.=) r.revision"
		" WHERE r.revision OPERATOR(pg_catalog.=) $1",
		.indexed = true, .nargs = 1, .argtypes = {TEXTOID}
	};
	char	   *target = shared_arg_text(fcinfo, 0, "revision");
	LedgerGraph *graph = ledger_store_graph();
	int			node = ledger_resolve_any(graph, target);
	Datum		id = CStringGetTextDatum(graph->whole->nodes[node].id);

	InitMaterializedSRF(fcinfo, 0);
	if (shared_query_open(&query, &id, NULL) > 0)
		put_row((ReturnSetInfo *) fcinfo->resultinfo, 0, &find_places(graph)[node]);
	shared_query_close();
	return (Datum) 0;
}

Datum
purser_export_revision_0_1(PG_FUNCTION_ARGS)
{
	char	   *target = shared_arg_text(fcinfo, 0, "revision");
	LedgerGraph *graph = ledger_store_graph();
	int			node = ledger_resolve_any(graph, target);
	LedgerRevision *revision = ledger_store_need(graph->whole->nodes[node].id);

	PG_RETURN_TEXT_P(cstring_to_text(ledger_write(revision)));
}
