/*
 * bulk_parallel_check.c
 *		May parallel workers take part in a load?  If not, why.
 *
 * Workers make values and check them, and while there are workers the load
 * itself may only do what is allowed in parallel mode: so all that is called
 * for a row has to be parallel safe.  What is called after the rows, such as
 * AFTER triggers, is called when the workers are gone.
 *
 * A reason is a sentence, for the detail of a notice.  Called by
 * bulk_parallel.c.
 */
#include "bulk/job/bulk_job.h"
#include "bulk/parallel/bulk_parallel.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"

/* ---- expressions ---- */

static bool is_safe_type(Oid typid);

static bool
is_unsafe_function(Oid funcid, void *context pg_attribute_unused())
{
	return func_parallel(funcid) != PROPARALLEL_SAFE;
}

/* As the planner has it, but that domains are looked into. */
static bool
unsafe_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, NextValueExpr) || check_functions_in_node(node, is_unsafe_function, context))
		return true;
	if (IsA(node, CoerceToDomain) && !is_safe_type(((CoerceToDomain *) node)->resulttype))
		return true;
	return expression_tree_walker(node, unsafe_walker, context);
}

/* May the expression, or list of such, be evaluated?  SQL functions count for what is in them. */
static bool
is_safe(Node *node)
{
	if (!unsafe_walker(node, NULL))
		return true;
	return !IsA(node, List) &&
		!unsafe_walker((Node *) expression_planner((Expr *) node), NULL);
}

/* ---- types ---- */

static bool
is_unsafe_input(Oid typid)
{
	Oid			input;
	Oid			ioparam;

	getTypeInputInfo(typid, &input, &ioparam);
	return func_parallel(input) != PROPARALLEL_SAFE;
}

static bool
is_unsafe_check(Node *expression)
{
	return !is_safe(expression);
}

/* May workers make values of the type? */
static bool
is_safe_type(Oid typid)
{
	static const BulkTypeSearch search = {.type = is_unsafe_input, .check = is_unsafe_check};

	return !bulk_type_find(typid, &search);
}

static char *
type_obstacle(const BulkTarget *target)
{
	for (int i = 0; i < target->ncolumns; i++)
		if (target->columns[i].name != NULL && !is_safe_type(target->columns[i].type.oid))
			return psprintf("The type of column \"%s\" is not parallel safe.",
							target->columns[i].name);
	return NULL;
}

/* ---- a table: the target, or a partition ---- */

static char *
trigger_obstacle(Relation rel)
{
	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &rel->trigdesc->triggers[i];

		if (!TRIGGER_FOR_ROW(trigger->tgtype) || !TRIGGER_FOR_INSERT(trigger->tgtype) ||
			!bulk_sight_fires(trigger))
			continue;
		if (TRIGGER_FOR_BEFORE(trigger->tgtype))
			return psprintf("Table \"%s\" has the BEFORE ROW trigger \"%s\".",
							RelationGetRelationName(rel), trigger->tgname);
		if (trigger->tgqual != NULL && !is_safe(stringToNode(trigger->tgqual)))
			return psprintf("The condition of trigger \"%s\" of table \"%s\" is not parallel safe.",
							trigger->tgname, RelationGetRelationName(rel));
	}
	return NULL;
}

/* CHECK constraints and generated columns. */
static char *
constraint_obstacle(Relation rel)
{
	const TupleConstr *constr = RelationGetDescr(rel)->constr;

	for (int i = 0; constr != NULL && i < constr->num_check; i++)
		if (!is_safe(stringToNode(constr->check[i].ccbin)))
			return psprintf("The constraint \"%s\" of table \"%s\" is not parallel safe.",
							constr->check[i].ccname, RelationGetRelationName(rel));
	for (int i = 0; i < RelationGetNumberOfAttributes(rel); i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);

		if (att->attgenerated && !is_safe(build_column_default(rel, i + 1)))
			return psprintf("The generated column \"%s\" of table \"%s\" is not parallel safe.",
							NameStr(att->attname), RelationGetRelationName(rel));
	}
	return NULL;
}

static char *
index_obstacle(Relation rel)
{
	List	   *indexes = RelationGetIndexList(rel);
	char	   *obstacle = NULL;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (!is_safe((Node *) RelationGetIndexExpressions(index)) ||
			!is_safe((Node *) RelationGetIndexPredicate(index)))
			obstacle = psprintf("The index \"%s\" is not parallel safe.",
								RelationGetRelationName(index));
		index_close(index, AccessShareLock);
		if (obstacle != NULL)
			break;
	}
	list_free(indexes);
	return obstacle;
}

static char *
partitioning_obstacle(Relation rel)
{
	if (rel->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
		return psprintf("\"%s\" is a foreign table.", RelationGetRelationName(rel));
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE &&
		!is_safe((Node *) RelationGetPartitionKey(rel)->partexprs))
		return psprintf("The partition key of table \"%s\" is not parallel safe.",
						RelationGetRelationName(rel));
	return NULL;
}

static char *
table_obstacle(Relation rel)
{
	const ResultRelInfo rri = {.ri_RelationDesc = rel, .ri_TrigDesc = rel->trigdesc};
	char	   *obstacle = partitioning_obstacle(rel);

	if (rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		return psprintf("\"%s\" is a temporary table.", RelationGetRelationName(rel));
	if (obstacle == NULL)
		obstacle = trigger_obstacle(rel);
	if (obstacle == NULL)
		obstacle = constraint_obstacle(rel);
	if (obstacle == NULL)
		obstacle = index_obstacle(rel);
	if (obstacle == NULL && bulk_sight_rows(&rri, false))
		return psprintf("Constraints or triggers of table \"%s\" may look at rows of the load.",
						RelationGetRelationName(rel));
	return obstacle;
}

/* Of the target and all of its partitions, which stay locked as those that rows go into do. */
static char *
tables_obstacle(const BulkTarget *target)
{
	char	   *obstacle = NULL;
	List	   *relids;
	ListCell   *lc;

	if (target->rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return table_obstacle(target->rel);
	relids = find_all_inheritors(RelationGetRelid(target->rel), RowExclusiveLock, NULL);
	foreach(lc, relids)
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);

		obstacle = table_obstacle(rel);
		table_close(rel, NoLock);
		if (obstacle != NULL)
			break;
	}
	return obstacle;
}

/* ---- the file ---- */

static char *
file_obstacle(const BulkLoad *load)
{
	const BulkOptions *options = load->options;
	const BulkSource *source = load->reader->source;

	if (options->format_name == BULK_FORMAT_JSON)
		return "A file of format \"json\" cannot be read in ranges; \"ndjson\" can.";
	if (source->compressed)
		return "A compressed file cannot be read in ranges.";
	if (source->size == 0)
		return "The file is empty, or its size is not known.";
	if (options->format_name == BULK_FORMAT_NDJSON)
		return NULL;
	if (options->format.delimiter == '\0' || options->format.header == BULK_HEADER_SNIFF)
		return "Delimiter and header are to be guessed.";
	if (bulk_split_ambiguous(options) != '\0')
		return psprintf("A file of format \"%s\" in encoding \"%s\" cannot be read in ranges: "
						"the byte \"%c\" may be a part of a character.",
						bulk_format_name(options->format_name),
						pg_encoding_to_char(bulk_options_coding(options).encoding),
						bulk_split_ambiguous(options));
	return NULL;
}

/* ---- all of it ---- */

/* Why there can be no workers; NULL if they can. */
char *
bulk_parallel_obstacle(const BulkLoad *load)
{
	char	   *obstacle = file_obstacle(load);

	if (obstacle != NULL)
		return obstacle;
	if (load->rows != NULL)
		return "The table takes rows by statements only.";
	if (load->options->on_conflict != BULK_CONFLICT_ERROR)
		return "Conflicts are resolved row by row.";
	if (load->options->rejects)
		return "Bad rows are put aside.";
	if (load->writer.route == NULL && load->writer.parts[0]->form == NULL)
		return "The table's rows are not stored as heap tuples.";
	if (!load->writer.batched)
		return "Values of a domain may look at rows of the load.";
	obstacle = type_obstacle(&load->target);
	return obstacle == NULL ? tables_obstacle(&load->target) : obstacle;
}

/*
 * The same, of the defaults of columns that rows may lack: the columns of the
 * header are known.  numbers: sequences that the rest of a default is taken to
 * be without; only if all rows or none have the column is known who gets one.
 */
char *
bulk_parallel_default_obstacle(const BulkLoad *load, List **numbers)
{
	const BulkTarget *target = &load->target;
	bool		any = load->options->format_name == BULK_FORMAT_NDJSON ||
		load->options->format.dflt != NULL;

	for (int i = 0; i < target->ncolumns; i++)
	{
		const BulkColumn *column = &target->columns[i];
		Node	   *expr;

		if (column->name == NULL || column->generated || (column->named && !any))
			continue;
		expr = build_column_default(target->rel, column->attnum);
		if (is_safe(expr) && !bulk_sight_expression(expr))
			continue;
		expr = any ? NULL : bulk_numbers_find(target, i, numbers);
		if (expr == NULL || !is_safe(expr) || bulk_sight_expression(expr))
			return psprintf("The default of column \"%s\" is not parallel safe.", column->name);
	}
	return NULL;
}
