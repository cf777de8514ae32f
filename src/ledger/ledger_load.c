/*
 * ledger_load.c
 *		SQL functions that bring revisions into the ledger.
 *
 * A revision that is there with the same content is left alone; another text
 * replaces it.  Where it is applied, its place in the graph must still fit
 * what is applied; an upgrade script other than the one that ran is stored
 * with a warning, and ledger_accept.c keeps upgrades back, unless the revision
 * is repeatable.
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

/* The one head, or nothing in an empty ledger. */
static NameList
default_parents(void)
{
	NameList	parents = {1, palloc(sizeof(char *))};
	LedgerGraph *graph;
	LedgerSet	heads;

	parents.items[0] = ledger_head_known();
	if (parents.items[0])
		return parents;
	graph = ledger_store_graph();
	heads = ledger_graph_heads(graph);
	if (heads.count > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are several heads to build on"),
				 errdetail("The heads are %s.", ledger_list_ids(graph, heads)),
				 errhint("Name the head to go on from, or make them one with "
						 "purser.merge_heads() first.")));
	parents.count = heads.count;
	if (heads.count == 1)
	{
		parents.items[0] = pstrdup(graph->nodes[heads.nodes[0]].id);
		ledger_head_note(graph, parents.items[0]);
	}
	return parents;
}

/* As it will be in the graph; applied says what the stored one is. */
static LedgerNode
make_node(const LedgerRevision *revision, bool applied, const char *file)
{
	LedgerNode	node = {.id = revision->id, .file = file, .parents = revision->parents,
		.depends_on = revision->depends_on, .labels = revision->labels,
	.replaces = revision->replaces, .repeatable = revision->repeatable, .applied = applied};

	return node;
}

pg_noreturn static void
report_open(const LedgerNode *node, const LedgerNode *needed)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("applied revision \"%s\" would need revision \"%s\", which is not applied",
					node->id, needed->id),
			 node->file ? errdetail("It comes from file \"%s\".", node->file) : 0,
			 errhint("Undo it with purser.downgrade() first, or load it with parents and "
					 "dependencies that are applied.")));
}

/* Raise an error if what is applied would need something that is not. */
static void
check_closed(const LedgerGraph *graph)
{
	for (int i = 0; i < graph->count; i++)
		for (int e = graph->up_start[i]; e < graph->up_start[i + 1]; e++)
			if (graph->nodes[i].applied && !graph->nodes[graph->up[e]].applied)
				report_open(&graph->nodes[i], &graph->nodes[graph->up[e]]);
}

/* Raise an error unless the revision fits between the others; replaced or new. */
static void
check_fit(const LedgerRevision *revision, bool exists)
{
	LedgerGraph *whole;
	LedgerGraph *graph;
	LedgerNode	node;

	ledger_store_check_names(revision);
	/* Where nothing can need it yet, it closes no cycle. */
	if (!exists && ledger_store_is_simple(revision))
		return;
	whole = ledger_store_whole();
	node = make_node(revision, ledger_store_is_applied(revision->id), NULL);
	ledger_graph_put(whole, &node);
	graph = ledger_check_whole(whole);
	if (node.applied)
		check_closed(graph);
}

/* Stores a new revision, and gives it an id if it has none. */
void
ledger_add(LedgerRevision *revision)
{
	if (revision->id == NULL)
		revision->id = ledger_random_id();
	ledger_check_revision(revision);
	if (ledger_store_fetch(revision->id))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("revision \"%s\" already exists", revision->id),
				 errhint("purser.load_revision() replaces a revision.")));
	check_fit(revision, false);
	ledger_store_save(revision);
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
	ledger_add(&revision);
	PG_RETURN_TEXT_P(cstring_to_text(revision.id));
}

/* The stored revision is applied: may another text take its place? */
static void
check_applied(const LedgerRevision *stored, const LedgerRevision *revision, Datum checksum)
{
	if (stored->repeatable != revision->repeatable)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("applied revision \"%s\" cannot change whether it is repeatable",
						revision->id),
				 errhint("Undo it with purser.downgrade() first, or put the change into a new "
						 "revision.")));
	if (!revision->repeatable && !ledger_same_bytes(checksum, ledger_checksum(revision->upgrade)))
		ereport(WARNING,
				(errmsg("upgrade script of revision \"%s\" is not the one that was applied",
						revision->id),
				 errdetail("No upgrade goes on until that is settled."),
				 errhint("Load the text that was applied, undo the revision with "
						 "purser.downgrade(), or use purser.accept() if the new text leads to the "
						 "same.")));
}

/* Is the revision new or different?  An error when it may not be replaced. */
static bool
has_news(const LedgerRevision *revision, bool *exists)
{
	LedgerRevision *stored = ledger_store_fetch(revision->id);
	Datum		checksum;

	*exists = stored != NULL;
	if (stored && ledger_same_revision(stored, revision))
		return false;
	if (stored && ledger_store_checksum(revision->id, &checksum))
		check_applied(stored, revision, checksum);
	if (stored)
	{
		ledger_underway_replace(stored, revision);
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
 * All revisions as they will be.  load[i] is the one to store as node i, if
 * any; there is room for all nodes.
 */
static LedgerGraph *
graph_with_files(const LedgerFiles *files, const LedgerRevision ***load)
{
	LedgerGraph *whole = ledger_store_whole();
	LedgerGraph *graph;
	bool		applied = false;

	*load = palloc0(sizeof(LedgerRevision *) * (whole->count + files->count + 1));
	for (int i = 0; i < files->count; i++)
	{
		LedgerSource source = {files->items[i].path, 0};
		ErrorContextCallback context = {error_context_stack, ledger_source_context, &source};
		const LedgerRevision *revision = files->items[i].revision;
		int			known = ledger_graph_find(whole, revision->id);
		LedgerNode	node = make_node(revision, known >= 0 && whole->nodes[known].applied,
									 source.file);
		bool		exists;

		error_context_stack = &context;
		if (has_news(revision, &exists))
		{
			ledger_graph_put(whole, &node);
			(*load)[ledger_graph_find(whole, node.id)] = revision;
			applied = applied || node.applied;
		}
		error_context_stack = context.previous;
	}
	graph = ledger_check_whole(whole);
	if (applied)
		check_closed(graph);
	return whole;
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
	LedgerSet	order;

	check_may_read_files();
	check_absolute(path);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	ledger_begin_write("purser.load_directory()");
	files = ledger_read_directory(path);
	check_unique(&files);
	graph = graph_with_files(&files, &load);
	order = ledger_load_order(graph);
	for (int k = 0; k < order.count; k++)
	{
		const LedgerRevision *revision = load[order.nodes[k]];
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
