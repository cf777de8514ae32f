/*
 * bulk_parallel_numbers.c
 *		Numbers of sequences for rows that workers make.
 *
 * In parallel mode nobody may call nextval, neither workers nor the leader.  So
 * the leader takes the numbers of all rows before it enters that mode, in the
 * order of the rows, and workers find theirs by the row's place in the file.
 * Numbers mostly follow one another, so they are kept as runs.
 *
 * In the default, a parameter stands in place of nextval.
 *
 * Called by bulk_parallel*.c.
 */
#include "bulk/parallel/bulk_parallel.h"

#include "access/htup_details.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "common/int.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"

/* Numbers from this row on, from 0, up to where the next run begins. */
typedef struct NumberRun
{
	uint64		row;
	int64		first;
} NumberRun;

/* Of one column: in the leader's memory, and for workers in a chunk, followed by its runs. */
struct BulkNumbers
{
	int			column;			/* index */
	Oid			sequence;
	bool		check;			/* the caller needs a privilege to take numbers */
	Oid			type;			/* of a number as the default has it */
	int64		increment;
	uint64		nruns;
	uint64		max_runs;		/* that there is room for */
	NumberRun  *runs;			/* not in the chunk */
};

/* ---- the default ---- */

typedef struct Replacement
{
	BulkNumbers *numbers;
	int			count;			/* of calls that were replaced */
} Replacement;

static Node *
make_param(Replacement *replacement, Oid sequence, Oid type, bool check)
{
	Param	   *param = makeNode(Param);

	replacement->count++;
	replacement->numbers->sequence = sequence;
	replacement->numbers->type = type;
	replacement->numbers->check = check;
	param->paramkind = PARAM_EXTERN;
	param->paramid = replacement->numbers->column + 1;
	param->paramtype = type;
	param->paramtypmod = -1;
	param->location = -1;
	return (Node *) param;
}

/* Whether a part of it is evaluated depends on another one. */
static bool
is_conditional(const Node *node)
{
	return IsA(node, CaseExpr) || IsA(node, CoalesceExpr) || IsA(node, BoolExpr);
}

static Node *
replace(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (is_conditional(node))
		return node;			/* not each row takes a number */
	if (IsA(node, NextValueExpr))
		return make_param(context, ((NextValueExpr *) node)->seqid,
						  ((NextValueExpr *) node)->typeId, false);
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid == F_NEXTVAL)
	{
		Node	   *argument = linitial(((FuncExpr *) node)->args);

		if (IsA(argument, Const) && !((Const *) argument)->constisnull)
			return make_param(context, DatumGetObjectId(((Const *) argument)->constvalue),
							  INT8OID, true);
	}
	return expression_tree_mutator(node, replace, context);
}

/* The default with a parameter for the number; NULL if it does not take just one. */
static Node *
replaced_default(const BulkTarget *target, BulkNumbers *numbers)
{
	Replacement replacement = {.numbers = numbers};
	Node	   *expr = build_column_default(target->rel, numbers->column + 1);

	expr = replace(expr, &replacement);
	return replacement.count == 1 ? expr : NULL;
}

static int64
increment_of(Oid sequence)
{
	HeapTuple	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(sequence));
	int64		increment = 0;

	if (HeapTupleIsValid(tuple))
	{
		increment = ((Form_pg_sequence) GETSTRUCT(tuple))->seqincrement;
		ReleaseSysCache(tuple);
	}
	return increment;
}

/*
 * Add to the list what the default of the column takes numbers of; the default
 * without that, for the caller to judge, or NULL if this cannot be done.
 */
Node *
bulk_numbers_find(const BulkTarget *target, int column, List **all)
{
	BulkNumbers *numbers = palloc0(sizeof(BulkNumbers));
	Node	   *expr;
	ListCell   *lc;

	numbers->column = column;
	expr = replaced_default(target, numbers);
	if (expr == NULL)
		return NULL;
	/* Two columns would take them in turn. */
	foreach(lc, *all)
		if (((BulkNumbers *) lfirst(lc))->sequence == numbers->sequence)
			return NULL;
	numbers->increment = increment_of(numbers->sequence);
	*all = lappend(*all, numbers);
	return expr;
}

/* ---- taking ---- */

static void
add_run(BulkNumbers *numbers, uint64 row, int64 first)
{
	if (numbers->nruns == numbers->max_runs)
	{
		numbers->max_runs = Max(2 * numbers->max_runs, 16);
		numbers->runs = numbers->runs == NULL ?
			palloc(numbers->max_runs * sizeof(NumberRun)) :
			repalloc_huge(numbers->runs, numbers->max_runs * sizeof(NumberRun));
	}
	numbers->runs[numbers->nruns++] = (NumberRun) {.row = row, .first = first};
}

static void
take(BulkNumbers *numbers, uint64 nrows)
{
	int64		expected = 0;
	bool		known = false;

	for (uint64 row = 0; row < nrows; row++)
	{
		int64		number = nextval_internal(numbers->sequence, numbers->check);

		CHECK_FOR_INTERRUPTS();
		if (!known || number != expected)
			add_run(numbers, row, number);
		known = !pg_add_s64_overflow(number, numbers->increment, &expected);
	}
}

/* In the leader, before parallel mode: numbers for as many rows. */
void
bulk_numbers_take(List *all, uint64 nrows)
{
	ListCell   *lc;

	foreach(lc, all)
		take(lfirst(lc), nrows);
}

/* ---- the chunk for workers ---- */

static Size
chunk_size(const BulkNumbers *numbers)
{
	return add_size(MAXALIGN(sizeof(BulkNumbers)), mul_size(numbers->nruns, sizeof(NumberRun)));
}

Size
bulk_numbers_size(const List *all)
{
	Size		size = sizeof(uint64);
	ListCell   *lc;

	foreach(lc, all)
		size = add_size(size, MAXALIGN(chunk_size(lfirst(lc))));
	return size;
}

void
bulk_numbers_write(const List *all, char *chunk)
{
	ListCell   *lc;

	*(uint64 *) chunk = list_length(all);
	chunk += sizeof(uint64);
	foreach(lc, all)
	{
		const BulkNumbers *numbers = lfirst(lc);

		memcpy(chunk, numbers, sizeof(BulkNumbers));
		if (numbers->nruns > 0)
			memcpy(chunk + MAXALIGN(sizeof(BulkNumbers)), numbers->runs,
				   numbers->nruns * sizeof(NumberRun));
		chunk += MAXALIGN(chunk_size(numbers));
	}
}

/* ---- giving, in a worker ---- */

/* A column that gets numbers. */
typedef struct Giver
{
	const BulkNumbers *numbers;
	const NumberRun *run;		/* of the row before */
	const NumberRun *last;
	ParamExternData *param;
} Giver;

struct BulkGivers
{
	int			ngivers;
	Giver		givers[FLEXIBLE_ARRAY_MEMBER];
};

/* The column's default, of a number that is a parameter. */
static void
prepare_default(BulkTarget *target, Giver *giver)
{
	BulkNumbers numbers = *giver->numbers;
	BulkColumn *column = &target->columns[numbers.column];
	Expr	   *expr = (Expr *) replaced_default(target, &numbers);

	giver->param = &target->params->params[numbers.column];
	*giver->param = (ParamExternData) {.ptype = numbers.type};
	column->defexpr = ExecInitExpr(expression_planner(expr), NULL);
	column->default_ready = true;
}

/* In the current memory context; the chunk has to last as long. */
BulkGivers *
bulk_numbers_begin(BulkTarget *target, const char *chunk)
{
	uint64		n = *(const uint64 *) chunk;
	BulkGivers *givers = palloc0(offsetof(BulkGivers, givers) + n * sizeof(Giver));

	givers->ngivers = n;
	if (n == 0)
		return givers;
	target->params = makeParamList(target->ncolumns);
	GetPerTupleExprContext(target->estate)->ecxt_param_list_info = target->params;
	chunk += sizeof(uint64);
	for (int i = 0; i < givers->ngivers; i++)
	{
		Giver	   *giver = &givers->givers[i];

		giver->numbers = (const BulkNumbers *) chunk;
		giver->run = (const NumberRun *) (chunk + MAXALIGN(sizeof(BulkNumbers)));
		giver->last = giver->run + giver->numbers->nruns - 1;
		prepare_default(target, giver);
		chunk += MAXALIGN(chunk_size(giver->numbers));
	}
	return givers;
}

static Datum
number_datum(Oid type, int64 number)
{
	switch (type)
	{
		case INT2OID:
			return Int16GetDatum((int16) number);
		case INT4OID:
			return Int32GetDatum((int32) number);
		default:
			return Int64GetDatum(number);
	}
}

/* The defaults to come are of the row with this place in the file, from 0; places ascend. */
void
bulk_numbers_give(BulkGivers *givers, uint64 row)
{
	for (int i = 0; i < givers->ngivers; i++)
	{
		Giver	   *giver = &givers->givers[i];
		int64		step;

		while (giver->run < giver->last && giver->run[1].row <= row)
			giver->run++;
		step = row - giver->run->row;
		giver->param->value = number_datum(giver->numbers->type, giver->run->first +
										   step * giver->numbers->increment);
	}
}
