/*
 * audit_fanout.c
 *		Which tables of a plan's joins refer to which, and how often the rows of a
 *		parent were repeated.
 *
 * A parent is a table with a unique column in a set of equal ones; tables with
 * other columns in that set are its children. Rows of a table are those that its
 * scan kept; an inner scan that ran once for each row of a join is taken to have
 * run once for each row of the parent. Where a scan kept more rows of a child
 * than found their parent, those that did follow from how much the join with it
 * grew.
 */
#include "audit/plan/audit_join.h"

#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

static AuditJoinTable *
table_of(AuditJoins *joins, Index rti)
{
	for (int i = 0; i < joins->ntables; i++)
	{
		if (joins->tables[i].rti == rti)
			return &joins->tables[i];
	}
	return NULL;
}

/* Bytes of a column that is sent: as measured, else its average among all rows of its table. */
static double
column_width(const AuditSizes *sizes, const TargetEntry *entry, const AuditPlanColumn *column)
{
	int32		average = 0;

	if (sizes != NULL && sizes->rows > 0 && entry->resno <= sizes->ncolumns)
		return (double) sizes->bytes[entry->resno - 1] / (double) sizes->rows;
	if (column != NULL)
		average = get_attavgwidth(column->relid, column->attnum);
	if (average > 0)
		return average;
	return get_typavgwidth(exprType((Node *) entry->expr), exprTypmod((Node *) entry->expr));
}

/* Adds up the widths of the columns that are sent; the total. */
static double
add_widths(AuditJoins *joins, const Plan *top, const AuditSizes *sizes)
{
	double		width = 0;
	ListCell   *cell;

	foreach(cell, top->targetlist)
	{
		const TargetEntry *entry = lfirst(cell);
		AuditPlanColumn origin;
		AuditJoinTable *table;
		bool		found;
		double		bytes;

		if (entry->resjunk)
			continue;
		found = audit_plan_column(top, (Node *) entry->expr, joins->rtable, &origin);
		bytes = column_width(sizes, entry, found ? &origin : NULL);
		table = found ? table_of(joins, origin.rti) : NULL;
		if (table != NULL)
			table->width += bytes;
		width += bytes;
	}
	return width;
}

/* ---- parents and children ---- */

static bool
is_unique(const AuditJoins *joins, const AuditJoinColumn *column)
{
	return audit_is_unique(rt_fetch(column->rti, joins->rtable)->relid, column->attnum);
}

/* The rows of a table that differ: each of the parent's rows had it scanned once. */
static double
rows_of(const AuditJoinTable *table, const AuditJoinTable *parent)
{
	if (table != parent && table->per_row && table->loops > parent->rows)
		return table->rows / table->loops * parent->rows;
	return table->rows;
}

/* Those of a child that found their parent: as many as make the join with it grow. */
static double
child_rows(const AuditJoins *joins, const AuditJoinTable *child, const AuditJoinTable *parent)
{
	int			place = (int) (child - joins->tables);
	int			other = (int) (parent - joins->tables);
	double		rows = rows_of(child, parent);

	for (int i = 0; i < joins->nsteps; i++)
	{
		const AuditJoinStep *step = &joins->steps[i];
		double		side = other < step->inner ? step->outer_rows : step->inner_rows;

		if (Min(place, other) >= step->first && Max(place, other) < step->end &&
			(place < step->inner) != (other < step->inner) && side > 0)
			rows = Min(rows, parent->rows * step->rows / side);
	}
	return rows;
}

/* Adds a child to a parent's fan-out. */
static void
add_child(AuditJoins *joins, const AuditJoinColumn *column, double rows, AuditFanout *fanout)
{
	fanout->separate_rows += rows;
	if (fanout->children++ > 0 && rows <= fanout->child_rows)
		return;
	fanout->child_rows = rows;
	fanout->child = rt_fetch(column->rti, joins->rtable)->relid;
	fanout->child_column = column->attnum;
}

/* Is a table, by one of its columns that is not unique, a child of what a unique column is of? */
static const AuditJoinColumn *
reference_to(AuditJoins *joins, const AuditJoinTable *table, const AuditJoinColumn *key)
{
	for (int i = 0; i < joins->ncolumns; i++)
	{
		const AuditJoinColumn *column = &joins->columns[i];

		if (column->set == key->set && column->rti == table->rti && column->rti != key->rti &&
			!is_unique(joins, column))
			return column;
	}
	return NULL;
}

/* The children of one unique column; false when it has none. */
static bool
fanout_of(AuditJoins *joins, const AuditJoinColumn *key, AuditFanout *fanout)
{
	const AuditJoinTable *parent = table_of(joins, key->rti);

	if (parent == NULL || parent->rows < 1 || parent->width == 0 || !is_unique(joins, key))
		return false;
	memset(fanout, 0, sizeof(AuditFanout));
	for (int i = 0; i < joins->ntables; i++)
	{
		const AuditJoinTable *table = &joins->tables[i];
		const AuditJoinColumn *column = reference_to(joins, table, key);

		if (column != NULL)
			add_child(joins, column, child_rows(joins, table, parent), fanout);
		else
			fanout->separate_rows += rows_of(table, parent);
	}
	fanout->parent = rt_fetch(key->rti, joins->rtable)->relid;
	fanout->parent_rows = parent->rows;
	fanout->parent_is_once = parent->once;
	fanout->parent_width = parent->width;
	return fanout->children > 0;
}

/* The parent with the most children, of those that a plan's joins repeat. */
bool
audit_plan_fanout(const AuditWatch *watch, AuditFanout *fanout)
{
	PlanState  *top = watch->desc->planstate;
	AuditJoins	joins;
	double		width;

	memset(fanout, 0, sizeof(AuditFanout));
	if (!audit_joins_read(&joins, watch->desc) || joins.ntables < 2)
		return false;
	width = add_widths(&joins, top->plan, watch->sizes);
	for (int i = 0; i < joins.ncolumns; i++)
	{
		AuditFanout candidate;

		if (fanout_of(&joins, &joins.columns[i], &candidate) &&
			candidate.children > fanout->children)
			*fanout = candidate;
	}
	fanout->rows = (double) watch->rows_returned;
	fanout->width = width;
	return fanout->children > 0;
}
