/*
 * audit_wide_select.c
 *		wide_select: a query sends all columns of a table whose rows are wide, for
 *		many rows.
 *
 * A run that is wide by the planner's width and the size of the TOAST tables
 * puts its query on the board; later runs have their values measured as they
 * are sent (audit_sizes.c), and those decide. What the client does with the
 * columns cannot be seen from here.
 */
#include "audit/rules/audit_rules.h"

#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

#define FEWEST_ROWS 10			/* a page of a list; fewer are a look at a thing itself */
#define FEWEST_COLUMNS 3		/* of a table that could be read in parts */
#define NEARLY_ALL 0.9			/* of its columns */
#define COSTLY 0.1				/* of the bytes of a row, for a column to be named */
#define COLUMNS_SUGGESTED 30	/* longest list of columns in a suggestion */

enum
{
	ROWS,
	ROW_BYTES,
	COLUMN_BYTES,				/* of the columns named, in their order */
};

/* A column of the result that is a table's. */
typedef struct Sent
{
	Oid			relid;
	AttrNumber	attnum;
	double		bytes;			/* of a row, on average */
} Sent;

static bool
has_toastable(TupleDesc desc)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		if (column->attlen == -1 && column->attstorage != TYPSTORAGE_PLAIN)
			return true;
	}
	return false;
}

static bool
is_wide(double rows, double row_bytes)
{
	return row_bytes >= (double) audit_wide_row_bytes &&
		rows * row_bytes >= (double) audit_wide_bytes;
}

/* Columns that were not measured count one byte each. */
static Sent *
columns_sent(const AuditWatch *watch, int *n)
{
	const PlannedStmt *stmt = watch->desc->plannedstmt;
	const AuditSizes *sizes = watch->sizes;
	int			natts = watch->desc->tupDesc->natts;
	Sent	   *sent = palloc(sizeof(Sent) * Max(natts, 1));

	*n = 0;
	for (int i = 0; i < natts; i++)
	{
		Sent	   *column = &sent[*n];
		AuditPlanColumn origin;

		if (!audit_plan_origin(stmt->planTree, (AttrNumber) (i + 1), stmt->rtable, &origin))
			continue;
		column->relid = origin.relid;
		column->attnum = origin.attnum;
		column->bytes = sizes == NULL ? 1 : (double) sizes->bytes[i] / (double) Max(sizes->rows, 1);
		(*n)++;
	}
	return sent;
}

/* Adds up the columns of one table; those sent twice cost twice, but are one column. */
static double
bytes_of(const Sent *sent, int n, Oid relid, int *ncolumns)
{
	double		bytes = 0;

	*ncolumns = 0;
	for (int i = 0; i < n; i++)
	{
		int			first = 0;

		if (sent[i].relid != relid)
			continue;
		while (sent[first].relid != relid || sent[first].attnum != sent[i].attnum)
			first++;
		*ncolumns += first == i;
		bytes += sent[i].bytes;
	}
	return bytes;
}

/* The table of which (nearly) all columns are sent and most bytes, InvalidOid without one. */
static Oid
widest_table(const Sent *sent, int n, double *row_bytes)
{
	Oid			widest = InvalidOid;
	Oid			last = InvalidOid;

	*row_bytes = 0;
	for (int i = 0; i < n; i++)
	{
		int			ncolumns;
		int			live;
		double		bytes;

		if (sent[i].relid == last)
			continue;
		last = sent[i].relid;
		bytes = bytes_of(sent, n, last, &ncolumns);
		if (bytes <= *row_bytes || ncolumns < FEWEST_COLUMNS)
			continue;
		live = list_length(audit_table_columns(last));
		if (live == 0 || ncolumns < live * NEARLY_ALL)
			continue;
		*row_bytes = bytes;
		widest = last;
	}
	return widest;
}

/* By what is known without a look at the rows. */
static bool
is_candidate(const AuditWatch *watch)
{
	double		width = (double) watch->desc->plannedstmt->planTree->plan_width;
	double		rows = (double) watch->rows_returned;
	double		ignored;
	int			n;
	Sent	   *sent;

	if (!is_wide(rows, width) &&
		!(has_toastable(watch->desc->tupDesc) &&
		  is_wide(rows, width + audit_toasted_width(watch))))
		return false;
	sent = columns_sent(watch, &n);
	return OidIsValid(widest_table(sent, n, &ignored));
}

static int
compare_bytes(const void *a, const void *b)
{
	const Sent *left = a;
	const Sent *right = b;

	if (left->bytes != right->bytes)
		return left->bytes > right->bytes ? -1 : 1;
	return left->attnum - right->attnum;
}

static bool
is_named(const AuditColumns *columns, AttrNumber attnum)
{
	for (int i = 0; i < columns->n; i++)
	{
		if (columns->attnum[i] == attnum)
			return true;
	}
	return false;
}

/* Names the columns that cost most, and what each costs. */
static void
name_columns(AuditSighting *sighting, Sent *sent, int n, double row_bytes)
{
	AuditColumns *columns = &sighting->columns;

	qsort(sent, n, sizeof(Sent), compare_bytes);
	for (int i = 0; i < n && columns->n < AUDIT_MAX_COLUMNS; i++)
	{
		if (sent[i].relid != sighting->relid || is_named(columns, sent[i].attnum))
			continue;
		if (sent[i].bytes < row_bytes * COSTLY)
			break;
		sighting->numbers[COLUMN_BYTES + columns->n] = sent[i].bytes;
		columns->attnum[columns->n++] = sent[i].attnum;
	}
}

static void
judge_sent(AuditWatch *watch)
{
	int			n;
	Sent	   *sent = columns_sent(watch, &n);
	double		row_bytes;
	AuditSighting sighting;

	audit_sighting(watch, AUDIT_WIDE_SELECT, &sighting);
	sighting.relid = widest_table(sent, n, &row_bytes);
	if (!is_wide((double) watch->rows_returned, row_bytes) ||
		!audit_is_lasting_table(sighting.relid))
		return;
	name_columns(&sighting, sent, n, row_bytes);
	sighting.relid = audit_index_owner(sighting.relid, &sighting.columns);
	sighting.bytes = (int64) ((double) watch->rows_returned * row_bytes);
	sighting.numbers[ROWS] = (double) watch->rows_returned;
	sighting.numbers[ROW_BYTES] = row_bytes;
	audit_find(&sighting);
}

void
audit_judge_wide_select(AuditWatch *watch)
{
	if (watch->rows_returned < FEWEST_ROWS)
		return;
	if (watch->sizes != NULL)
		judge_sent(watch);
	else if (is_candidate(watch))
		audit_board_keep(watch);
}

/* ---- its words ---- */

static double
weight(const AuditFinding *finding)
{
	return (double) finding->bytes / (double) Max(finding->occurrences, 1);
}

static void
add_evidence(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	appendStringInfoString(out, ", \"column_bytes\": {");
	for (int i = 0; i < finding->columns.n; i++)
	{
		appendStringInfoString(out, i > 0 ? ", " : "");
		escape_json(out, names->column[i]);
		appendStringInfo(out, ": %.0f", finding->numbers[COLUMN_BYTES + i]);
	}
	appendStringInfoChar(out, '}');
}

/* The columns of the table that are not named; how many. */
static int
append_others(StringInfo out, const AuditFinding *finding)
{
	Oid			relid = finding->key.relid;
	int			n = 0;
	ListCell   *cell;

	foreach(cell, audit_table_columns(relid))
	{
		AttrNumber	attnum = (AttrNumber) lfirst_int(cell);
		const char *name = get_attname(relid, attnum, true);

		if (name != NULL && !is_named(&finding->columns, attnum))
			appendStringInfo(out, "%s%s", n++ > 0 ? ", " : "", quote_identifier(name));
	}
	return n;
}

static void
suggest(StringInfo out, const AuditFinding *finding, const AuditNames *names)
{
	StringInfoData others;
	int			n;

	if (finding->columns.n == 0)
	{
		appendStringInfo(out, "Select the columns of %s that are needed by name: it is wide by "
						 "their number.", names->table);
		return;
	}
	initStringInfo(&others);
	n = append_others(&others, finding);
	appendStringInfoString(out, "Select columns by name, and where it can do without ");
	audit_append_columns(out, finding, names, false);
	if (n == 0 || n > COLUMNS_SUGGESTED)
		appendStringInfo(out, ", leave that out of what is read of %s.", names->table);
	else
		appendStringInfo(out, ": SELECT %s FROM %s", others.data, names->table);
}

/* A query is on the board only after a run that looked wide, so this is its second at least. */
const AuditRuleSpec audit_spec_wide_select = {
	.name = "wide_select",
	.measured = true,
	.least = 1,
	.medium = 1024 * 1024,
	.weight = weight,
	.by_table = true,
	.numbers = {"rows", "row_bytes"},
	.add_evidence = add_evidence,
	.suggest = suggest
};
