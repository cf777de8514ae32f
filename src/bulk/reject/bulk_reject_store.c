/*
 * bulk_reject_store.c
 *		Writes purser.load and purser.reject, as the extension's owner.
 *
 * Called by bulk_reject.c.
 */
#include "bulk/bulk.h"

#include "catalog/pg_type.h"
#include "shared/owner_query.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* Columns of purser.reject that differ from row to row. */
enum
{
	REJECT_ROW,
	REJECT_LINE,
	REJECT_OFFSET,
	REJECT_COLUMN,
	REJECT_VALUE,
	REJECT_RAW,
	REJECT_RAW_BYTES,
	REJECT_SQLSTATE,
	REJECT_MESSAGE,
	REJECT_DETAIL,
	REJECT_HINT,
	REJECT_CONSTRAINT,
	REJECT_RELATION,
	REJECT_NCOLUMNS
};

/* The arrays that the rows are handed over in. */
typedef struct RejectArrays
{
	int			count;
	Datum	   *values[REJECT_NCOLUMNS];
	bool	   *nulls[REJECT_NCOLUMNS];
} RejectArrays;

static Datum
names_array(const List *names)
{
	Datum	   *elements = palloc(Max(list_length(names), 1) * sizeof(Datum));
	ListCell   *lc;
	int			n = 0;

	foreach(lc, names)
		elements[n++] = CStringGetTextDatum(lfirst(lc));
	return PointerGetDatum(construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT));
}

static char *
qualified_name(Relation rel)
{
	return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
									  RelationGetRelationName(rel));
}

static void
set_text(Datum *value, char *null, const char *text)
{
	*null = text == NULL ? 'n' : ' ';
	*value = text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

static void
set_names(Datum *value, char *null, const List *names)
{
	*null = names == NIL ? 'n' : ' ';
	*value = names == NIL ? (Datum) 0 : names_array(names);
}

/*
 * Note what the load wants, so that its rejects can be loaded again; its id, a
 * new one for 0.  Of a load that has one, another part may have noted it.
 */
int64
bulk_store_load(int64 load_id, const BulkTarget *target, const struct BulkOptions *options,
				const char *role, const List *columns)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO purser.load (role, target, format, on_conflict, conflict_columns,"
		" conflict_index, update_columns, update_where, columns, options, load_id, verb,"
		" key_columns) VALUES ($1::name, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
		" COALESCE($11, pg_catalog.nextval('purser.load_load_id_seq')), $12, $13)"
		" ON CONFLICT DO NOTHING RETURNING load_id",
		.writes = true, .nargs = 13,
		.argtypes = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID, TEXTOID, TEXTARRAYOID,
		TEXTOID, TEXTARRAYOID, JSONBOID, INT8OID, TEXTOID, TEXTARRAYOID}
	};
	Datum		values[13];
	char		nulls[13];
	bool		isnull;

	set_text(&values[0], &nulls[0], role);
	set_text(&values[1], &nulls[1], qualified_name(target->rel));
	set_text(&values[2], &nulls[2], bulk_format_name(options->format_name));
	set_text(&values[3], &nulls[3], bulk_conflict_name(options->on_conflict));
	set_names(&values[4], &nulls[4], options->conflict_columns);
	set_text(&values[5], &nulls[5], options->conflict_index);
	set_names(&values[6], &nulls[6], options->update_columns);
	set_text(&values[7], &nulls[7], options->update_where);
	set_names(&values[8], &nulls[8], columns);
	values[9] = PointerGetDatum(options->given);
	nulls[9] = options->given == NULL ? 'n' : ' ';
	values[10] = Int64GetDatum(load_id);
	nulls[10] = load_id == 0 ? 'n' : ' ';
	set_text(&values[11], &nulls[11], bulk_verb_word(options->verb));
	set_names(&values[12], &nulls[12], options->key_columns);

	if (shared_query_open(&query, values, nulls) > 0)
		load_id = DatumGetInt64(shared_query_value(0, 1, &isnull));
	shared_query_close();
	return load_id;
}

/* ---- rejects ---- */

static void
put_text(RejectArrays *arrays, int column, int row, const char *text)
{
	arrays->nulls[column][row] = text == NULL;
	arrays->values[column][row] = text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

static void
put_number(RejectArrays *arrays, int column, int row, uint64 number, bool isnull)
{
	arrays->nulls[column][row] = isnull;
	arrays->values[column][row] = Int64GetDatum((int64) number);
}

/* The raw row as text, or as bytes where it is none. */
static void
put_raw(RejectArrays *arrays, int row, const BulkReject *reject)
{
	int			column = reject->is_text ? REJECT_RAW : REJECT_RAW_BYTES;

	arrays->nulls[REJECT_RAW][row] = arrays->nulls[REJECT_RAW_BYTES][row] = true;
	if (reject->raw == NULL)
		return;
	arrays->nulls[column][row] = false;
	arrays->values[column][row] =
		PointerGetDatum(cstring_to_text_with_len(reject->raw, reject->raw_len));
}

static void
put_reject(RejectArrays *arrays, int row, const BulkReject *reject)
{
	const BulkPosition *position = &reject->position;

	put_number(arrays, REJECT_ROW, row, position->row, position->row == 0);
	put_number(arrays, REJECT_LINE, row, position->line, position->line == 0);
	/* What has no lines has no bytes to count either. */
	put_number(arrays, REJECT_OFFSET, row, position->offset, position->line == 0);
	put_text(arrays, REJECT_COLUMN, row, reject->column);
	put_text(arrays, REJECT_VALUE, row, reject->value);
	put_raw(arrays, row, reject);
	put_text(arrays, REJECT_SQLSTATE, row, reject->sqlstate);
	put_text(arrays, REJECT_MESSAGE, row, reject->message);
	put_text(arrays, REJECT_DETAIL, row, reject->detail);
	put_text(arrays, REJECT_HINT, row, reject->hint);
	put_text(arrays, REJECT_CONSTRAINT, row, reject->constraint);
	put_text(arrays, REJECT_RELATION, row, reject->relation);
}

static RejectArrays
make_arrays(const BulkReject *rejects, int count)
{
	RejectArrays arrays = {.count = count};

	for (int i = 0; i < REJECT_NCOLUMNS; i++)
	{
		arrays.values[i] = palloc0(count * sizeof(Datum));
		arrays.nulls[i] = palloc0(count * sizeof(bool));
	}
	for (int i = 0; i < count; i++)
		put_reject(&arrays, i, &rejects[i]);
	return arrays;
}

static Datum
array_of_column(const RejectArrays *arrays, int column)
{
	bool		is_number = column <= REJECT_OFFSET;
	int			dims[1] = {arrays->count};
	int			lbs[1] = {1};
	Oid			type = column == REJECT_RAW_BYTES ? BYTEAOID : TEXTOID;

	return PointerGetDatum(construct_md_array(arrays->values[column], arrays->nulls[column],
											  1, dims, lbs, is_number ? INT8OID : type,
											  is_number ? 8 : -1, is_number && FLOAT8PASSBYVAL,
											  is_number ? TYPALIGN_DOUBLE : TYPALIGN_INT));
}

/* Add rejects of the load; each has the number of its row. */
void
bulk_store_rejects(int64 load_id, const char *role, const BulkReject *rejects, int count)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO purser.reject (load_id, number, role, row_number, line_number,"
		" byte_offset, column_name, value, raw, raw_bytes, sqlstate, message, detail, hint,"
		" constraint_name, relation)"
		" SELECT $1, u.row_number, $2::name, u.row_number,"
		" u.line_number, u.byte_offset, u.column_name, u.value, u.raw, u.raw_bytes, u.sqlstate,"
		" u.message, u.detail, u.hint, u.constraint_name, u.relation"
		" FROM ROWS FROM (pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5),"
		" pg_catalog.unnest($6), pg_catalog.unnest($7), pg_catalog.unnest($8),"
		" pg_catalog.unnest($9), pg_catalog.unnest($10), pg_catalog.unnest($11),"
		" pg_catalog.unnest($12), pg_catalog.unnest($13), pg_catalog.unnest($14),"
		" pg_catalog.unnest($15)) AS u (row_number, line_number, byte_offset,"
		" column_name, value, raw, raw_bytes, sqlstate, message, detail, hint, constraint_name,"
		" relation)",
		.writes = true, .nargs = 2 + REJECT_NCOLUMNS,
		.argtypes = {INT8OID, TEXTOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, BYTEAARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID}
	};
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "pg_purser arrays",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(memory);
	RejectArrays arrays = make_arrays(rejects, count);
	Datum		values[2 + REJECT_NCOLUMNS];

	values[0] = Int64GetDatum(load_id);
	values[1] = CStringGetTextDatum(role);
	for (int i = 0; i < REJECT_NCOLUMNS; i++)
		values[2 + i] = array_of_column(&arrays, i);
	(void) shared_query_open(&query, values, NULL);
	shared_query_close();
	MemoryContextSwitchTo(oldcontext);
	MemoryContextDelete(memory);
}
