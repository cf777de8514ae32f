/*
 * ledger_load.c
 *		SQL functions that bring revisions into the ledger, and take them out.
 *
 * A revision that is there with the same content is left alone; one that was
 * never applied may be replaced; one that is applied may not, as what ran
 * would then differ from what is on record.  One that is neither applied nor
 * needed by another may be removed.
 */
#include "ledger.h"

#include "catalog/pg_authid.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(purser_add_revision_0_1);
PG_FUNCTION_INFO_V1(purser_load_revision_0_1);
PG_FUNCTION_INFO_V1(purser_load_directory_0_1);
PG_FUNCTION_INFO_V1(purser_remove_revision_0_1);

/* The one head, or nothing in an empty ledger. */
static NameList
default_parents(void)
{
	LedgerGraph *graph = ledger_store_graph();
	LedgerSet	heads = ledger_graph_heads(graph);
	NameList	parents = {heads.count, palloc(sizeof(char *))};

	if (heads.count > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are several heads to build on"),
				 errdetail("The heads are %s.", ledger_list_ids(graph, heads)),
				 errhint("Name the parents: one head to go on from it, or all of them to "
						 "merge them.")));
	if (heads.count == 1)
		parents.items[0] = pstrdup(graph->nodes[heads.nodes[0]].id);
	return parents;
}

/* Raise an error unless the revision fits between the others; replaced or new. */
static void
check_fit(const LedgerRevision *revision, bool exists)
{
	LedgerGraph *graph;
	LedgerNode	node = {.id = revision->id, .parents = revision->parents,
	.depends_on = revision->depends_on, .labels = revision->labels,
	.replaces = revision->replaces, .repeatable = revision->repeatable};

	ledger_store_check_names(revision);
	if (!exists)
	{
		/* Nothing can need it yet, so it closes no cycle. */
		ledger_store_check_needed(revision);
		return;
	}
	graph = ledger_store_graph();
	ledger_graph_put(graph, &node);
	ledger_graph_finish(graph);
}

Datum
purser_add_revision_0_1(PG_FUNCTION_ARGS)
{
	LedgerRevision revision = {
		.message = shared_arg_text(fcinfo, 0, "message"),
		.upgrade = shared_arg_text(fcinfo, 1, "upgrade"),
		.downgrade = shared_arg_text_or_null(fcinfo, 2),
		.id = shared_arg_text_or_null(fcinfo, 3),
		.parents = shared_arg_names(fcinfo, 4, "parents"),
		.depends_on = shared_arg_names(fcinfo, 5, "depends_on"),
		.labels = shared_arg_names(fcinfo, 6, "labels"),
		.verify = shared_arg_text_or_null(fcinfo, 7),
		.transactional = PG_ARGISNULL(8) || PG_GETARG_BOOL(8),
		.replaces = shared_arg_names(fcinfo, 9, "replaces"),
		.requires = shared_arg_names(fcinfo, 10, "requires"),
		.repeatable = !PG_ARGISNULL(11) && PG_GETARG_BOOL(11),
		.batch = shared_arg_text_or_null(fcinfo, 12)
	};

	ledger_begin_write("purser.add_revision()");
	if (PG_ARGISNULL(4) && !revision.repeatable)
		revision.parents = default_parents();
	if (revision.id == NULL)
		revision.id = ledger_random_id();
	ledger_check_revision(&revision);
	if (ledger_store_fetch(revision.id))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("revision \"%s\" already exists", revision.id),
				 errhint("purser.load_revision() replaces a revision that is not applied.")));
	check_fit(&revision, false);
	ledger_store_save(&revision);
	PG_RETURN_TEXT_P(cstring_to_text(revision.id));
}

/* Is the revision new or different?  An error when it may not be replaced. */
static bool
has_news(const LedgerRevision *revision, bool *exists)
{
	LedgerRevision *stored = ledger_store_fetch(revision->id);

	*exists = stored != NULL;
	if (stored && ledger_same_revision(stored, revision))
		return false;
	if (stored && ledger_store_is_applied(revision->id))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" is applied and cannot be replaced", revision->id),
				 errdetail("The text to load differs from what was applied."),
				 errhint("Undo it with purser.downgrade() first, or put the change into a new "
						 "revision.")));
	if (stored)
	{
		ledger_backfill_check_idle(stored, "be replaced");
		ledger_backfill_restart(stored);
	}
	return true;
}

Datum
purser_load_revision_0_1(PG_FUNCTION_ARGS)
{
	char	   *text = shared_arg_text(fcinfo, 0, "script");
	LedgerSource source = {NULL, 0};
	LedgerRevision *revision;
	bool		exists;

	ledger_begin_write("purser.load_revision()");
	revision = ledger_parse(text, &source);
	if (has_news(revision, &exists))
	{
		check_fit(revision, exists);
		ledger_store_save(revision);
	}
	PG_RETURN_TEXT_P(cstring_to_text(revision->id));
}

/* A graph as an id hash: node i is file i. */
static void
check_unique(const LedgerFiles *files)
{
	LedgerGraph *seen = ledger_graph_create(files->count);

	for (int i = 0; i < files->count; i++)
	{
		LedgerNode	node = {.id = files->items[i].revision->id};
		int			other = ledger_graph_find(seen, node.id);

		if (other >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("two files hold revision \"%s\"", node.id),
					 errdetail("They are \"%s\" and \"%s\".", files->items[other].path,
							   files->items[i].path)));
		ledger_graph_put(seen, &node);
	}
}

/*
 * The graph as it will be.  load[i] is the revision to store as node i, if any;
 * there is room for all nodes.
 */
static LedgerGraph *
graph_with_files(const LedgerFiles *files, const LedgerRevision ***load)
{
	LedgerGraph *graph = ledger_store_graph();

	*load = palloc0(sizeof(LedgerRevision *) * (graph->count + files->count + 1));
	for (int i = 0; i < files->count; i++)
	{
		LedgerSource source = {files->items[i].path, 0};
		ErrorContextCallback context = {error_context_stack, ledger_source_context, &source};
		const LedgerRevision *revision = files->items[i].revision;
		LedgerNode	node = {.id = revision->id, .file = source.file,
		.parents = revision->parents, .depends_on = revision->depends_on,
		.labels = revision->labels, .replaces = revision->replaces,
		.repeatable = revision->repeatable};
		bool		exists;

		error_context_stack = &context;
		if (has_news(revision, &exists))
		{
			ledger_graph_put(graph, &node);
			(*load)[ledger_graph_find(graph, node.id)] = revision;
		}
		error_context_stack = context.previous;
	}
	ledger_graph_finish(graph);
	return graph;
}

/* When all are stored, as a label may have moved from one of them to another. */
static void
check_labels(const LedgerGraph *graph, const LedgerRevision *const *load)
{
	for (int i = 0; i < graph->count; i++)
	{
		LedgerSource source = {graph->nodes[i].file, 0};
		ErrorContextCallback context = {error_context_stack, ledger_source_context, &source};

		if (load[i] == NULL)
			continue;
		error_context_stack = &context;
		ledger_store_check_names(load[i]);
		error_context_stack = context.previous;
	}
}

static void
check_may_read_files(void)
{
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to load a directory"),
				 errdetail("Only roles with privileges of \"pg_read_server_files\" may read "
						   "files on the server."),
				 errhint("purser.load_revision() takes the text of a file from the client.")));
}

/* The client's folder means nothing here, and the server's own is its data. */
static void
check_absolute(const char *path)
{
	if (!is_absolute_path(path))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("path \"%s\" is not absolute", ledger_clipped(path)),
				 errhint("The directory is on the server: give its whole path.")));
}

Datum
purser_load_directory_0_1(PG_FUNCTION_ARGS)
{
	char	   *path = shared_arg_text(fcinfo, 0, "path");
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const LedgerRevision **load;
	LedgerGraph *graph;
	LedgerFiles files;

	check_may_read_files();
	check_absolute(path);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	ledger_begin_write("purser.load_directory()");
	files = ledger_read_directory(path);
	check_unique(&files);
	graph = graph_with_files(&files, &load);
	for (int k = 0; k < graph->count; k++)
	{
		const LedgerRevision *revision = load[graph->order[k]];
		bool		isnull = false;
		Datum		id;

		if (revision == NULL)
			continue;
		ledger_store_save(revision);
		id = CStringGetTextDatum(revision->id);
		tuplestore_putvalues(result->setResult, result->setDesc, &id, &isnull);
	}
	check_labels(graph, load);
	return (Datum) 0;
}

/* The nodes that have this one as a parent or as a dependency. */
static LedgerSet
needed_by(const LedgerGraph *graph, int node)
{
	LedgerSet	set = {0, palloc(sizeof(int) * graph->count)};

	for (int i = 0; i < graph->count; i++)
	{
		bool		needs = false;

		for (int k = graph->up_start[i]; k < graph->up_start[i + 1]; k++)
			needs = needs || graph->up[k] == node;
		if (needs)
			set.nodes[set.count++] = i;
	}
	return set;
}

static void
check_removable(const LedgerGraph *graph, int node)
{
	const char *id = graph->nodes[node].id;
	LedgerSet	needing = needed_by(graph, node);

	if (graph->nodes[node].applied)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revision \"%s\" is applied and cannot be removed", id),
				 errhint("Undo it with purser.downgrade() first.")));
	if (needing.count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot remove revision \"%s\", which other revisions need", id),
				 errdetail("It is a parent or a dependency of %s.",
						   ledger_list_ids(graph, needing)),
				 errhint("Remove those first, or load them anew without it.")));
}

Datum
purser_remove_revision_0_1(PG_FUNCTION_ARGS)
{
	char	   *target = shared_arg_text(fcinfo, 0, "revision");
	LedgerRevision *revision;
	LedgerGraph *graph;
	int			node;

	ledger_begin_write("purser.remove_revision()");
	graph = ledger_store_graph();
	node = ledger_resolve_revision(graph, target);
	check_removable(graph, node);
	revision = ledger_store_need(graph->nodes[node].id);
	ledger_backfill_check_idle(revision, "be removed");
	ledger_backfill_restart(revision);
	ledger_store_remove(revision->id);
	PG_RETURN_TEXT_P(cstring_to_text(revision->id));
}
