/*
 * bulk_options.c
 *		What the caller wants: the arguments of a bulk function, by their names.
 *
 * Every function of the part may declare any of the arguments listed here, at
 * any place; the same name means the same in each.  What the argument "options"
 * says is read by bulk_options_format.c.
 */
#include "bulk/bulk_options.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "shared/arguments.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

/* ---- words ---- */

static const BulkWord format_names[] = {
	{"json", BULK_FORMAT_JSON}, {"ndjson", BULK_FORMAT_NDJSON},
	{"csv", BULK_FORMAT_CSV}, {"text", BULK_FORMAT_TEXT}, {NULL, 0}
};

static const BulkWord conflict_actions[] = {
	{"error", BULK_CONFLICT_ERROR}, {"skip", BULK_CONFLICT_SKIP},
	{"update", BULK_CONFLICT_UPDATE}, {NULL, 0}
};

static const BulkWord verbs[] = {
	{"insert", BULK_INSERT}, {"update", BULK_UPDATE}, {"delete", BULK_DELETE}, {NULL, 0}
};

static const BulkWord indexes_words[] = {
	{"keep", BULK_INDEXES_KEEP}, {"rebuild", BULK_INDEXES_REBUILD},
	{"auto", BULK_INDEXES_AUTO}, {NULL, 0}
};

/* "a", "b" and "c" */
static char *
list_words(const BulkWord *words)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; words[i].name != NULL; i++)
	{
		if (i > 0)
			appendStringInfoString(&list, words[i + 1].name == NULL ? " and " : ", ");
		appendStringInfo(&list, "\"%s\"", words[i].name);
	}
	return list.data;
}

/* The value of the word; exact, as the values of COPY's options are. */
int
bulk_option_word(const BulkWord *words, const char *what, const char *plural, const char *value)
{
	for (int i = 0; words[i].name != NULL; i++)
		if (strcmp(words[i].name, value) == 0)
			return words[i].value;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s \"%s\" not recognized", what, value),
			 errhint("Valid %s are %s.", plural, list_words(words))));
}

static const char *
name_of(const BulkWord *words, int value)
{
	while (words->value != value)
		words++;
	return words->name;
}

const char *
bulk_format_name(BulkFormatName format)
{
	return name_of(format_names, format);
}

const char *
bulk_conflict_name(BulkConflictAction action)
{
	return name_of(conflict_actions, action);
}

const char *
bulk_verb_word(BulkVerb verb)
{
	return name_of(verbs, verb);
}

/* ---- arguments ---- */

/* The arguments of the function that is being called. */
typedef struct Call
{
	FunctionCallInfo fcinfo;
	int			nargs;
	char	  **names;
	const char *function;
} Call;

static void
read_names(Call *call)
{
	HeapTuple	proc = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->fcinfo->flinfo->fn_oid));
	Oid		   *types;
	char	   *modes;

	if (!HeapTupleIsValid(proc))
		elog(ERROR, "cache lookup failed for function %u", call->fcinfo->flinfo->fn_oid);
	(void) get_func_arg_info(proc, &types, &call->names, &modes);
	call->nargs = ((Form_pg_proc) GETSTRUCT(proc))->pronargs;
	call->function = pstrdup(NameStr(((Form_pg_proc) GETSTRUCT(proc))->proname));
	ReleaseSysCache(proc);
}

/* Number of the argument; -1 if the function has none of that name. */
static int
find_argument(const Call *call, const char *name)
{
	for (int i = 0; i < call->nargs; i++)
		if (strcmp(call->names[i], name) == 0)
			return i;
	return -1;
}

static bool
is_given(const Call *call, const char *name)
{
	int			i = find_argument(call, name);

	return i >= 0 && !call->fcinfo->args[i].isnull;
}

/* Of one that is given. */
static Datum
value_of(const Call *call, const char *name)
{
	return call->fcinfo->args[find_argument(call, name)].value;
}

/* Must not be null; NULL if the function has no such argument. */
static char *
text_argument(const Call *call, const char *name)
{
	int			i = find_argument(call, name);

	return i < 0 ? NULL : shared_arg_text(call->fcinfo, i, name);
}

static char *
text_or_null(const Call *call, const char *name)
{
	int			i = find_argument(call, name);

	return i < 0 ? NULL : shared_arg_text_or_null(call->fcinfo, i);
}

/* A list of at least one name; NIL if null. */
static List *
names_argument(const Call *call, const char *name, const char *hint)
{
	List	   *list = NIL;
	NameList	names;

	if (!is_given(call, name))
		return NIL;
	names = shared_arg_names(call->fcinfo, find_argument(call, name), name);
	for (int i = 0; i < names.count; i++)
		list = lappend(list, names.items[i]);
	if (list == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", name),
				 errhint("%s", hint)));
	return list;
}

static void
read_format(const Call *call, BulkOptions *options)
{
	if (find_argument(call, "path") >= 0 && !is_given(call, "format"))
		options->format_name = bulk_format_of_path(text_argument(call, "path"));
	else if (find_argument(call, "format") >= 0)
		options->format_name = bulk_option_word(format_names, "format", "formats",
												text_argument(call, "format"));
	bulk_options_read_format(options, is_given(call, "options") ?
							 DatumGetJsonbP(value_of(call, "options")) : NULL);
}

static void
require_conflict(bool given, const char *argument, const char *action)
{
	if (given)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" requires on_conflict %s", argument, action)));
}

static void
read_conflict(const Call *call, BulkOptions *options)
{
	char	   *action = text_argument(call, "on_conflict");

	if (action != NULL)
		options->on_conflict = bulk_option_word(conflict_actions, "on_conflict", "values", action);
	options->conflict_columns =
		names_argument(call, "conflict_columns",
					   "Leave it out to have every unique constraint count.");
	options->conflict_index = text_or_null(call, "conflict_index");
	options->update_columns =
		names_argument(call, "update_columns",
					   "Leave it out to update all columns that the input names.");
	options->update_where = text_or_null(call, "update_where");

	if (options->on_conflict == BULK_CONFLICT_ERROR)
	{
		require_conflict(options->conflict_columns != NIL, "conflict_columns",
						 "\"skip\" or \"update\"");
		require_conflict(options->conflict_index != NULL, "conflict_index",
						 "\"skip\" or \"update\"");
	}
	if (options->on_conflict != BULK_CONFLICT_UPDATE)
	{
		require_conflict(options->update_columns != NIL, "update_columns", "\"update\"");
		require_conflict(options->update_where != NULL, "update_where", "\"update\"");
	}
	if (options->conflict_columns != NIL && options->conflict_index != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arguments \"%s\" and \"%s\" are mutually exclusive",
						"conflict_columns", "conflict_index")));
}

static void
read_rejects(const Call *call, BulkOptions *options)
{
	options->max_rejects = -1;
	if (is_given(call, "rejects"))
		options->rejects = DatumGetBool(value_of(call, "rejects"));
	if (!is_given(call, "max_rejects"))
		return;
	options->max_rejects = DatumGetInt64(value_of(call, "max_rejects"));
	options->rejects = true;
	if (options->max_rejects < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be negative", "max_rejects")));
}

/* Most functions have a verb of their own. */
static void
read_verb(const Call *call, BulkOptions *options)
{
	char	   *verb = text_argument(call, "verb");

	options->key_columns = names_argument(call, "key_columns",
										  "Leave it out to take the primary key.");
	if (verb != NULL)
		options->verb = bulk_option_word(verbs, "verb", "values", verb);
}

static void
read_end(const Call *call, BulkOptions *options)
{
	char	   *indexes = text_argument(call, "indexes");

	if (indexes != NULL)
		options->indexes = bulk_option_word(indexes_words, "indexes", "values", indexes);
	if (is_given(call, "analyze_after"))
		options->analyze = DatumGetBool(value_of(call, "analyze_after"));
}

static void
read_workers(const Call *call, BulkOptions *options)
{
	if (!is_given(call, "workers"))
		return;
	options->workers = DatumGetInt32(value_of(call, "workers"));
	if (options->workers < 0 || options->workers > BULK_MAX_WORKERS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be between %d and %d", "workers", 0,
						BULK_MAX_WORKERS)));
}

/*
 * Read all options from the arguments of the function that is being called;
 * in the current memory context.
 */
BulkOptions *
bulk_options_from_call(FunctionCallInfo fcinfo)
{
	BulkOptions *options = palloc0(sizeof(BulkOptions));
	Call		call = {.fcinfo = fcinfo};

	read_names(&call);
	options->function = call.function;
	options->encoding = -1;
	options->format_name = BULK_FORMAT_JSON;
	read_verb(&call, options);
	read_format(&call, options);
	read_conflict(&call, options);
	read_rejects(&call, options);
	read_end(&call, options);
	read_workers(&call, options);
	return options;
}

/* How bytes are to be taken: in the client's encoding if nothing else is said, as by COPY. */
BulkCoding
bulk_options_coding(const BulkOptions *options)
{
	BulkCoding	coding = {.compression = options->compression};

	coding.encoding = options->encoding >= 0 ? options->encoding : pg_get_client_encoding();
	return coding;
}

/* Text is in the database's encoding, whatever it was on its way here. */
void
bulk_options_check_text(const BulkOptions *options)
{
	bool		encoded = options->encoding >= 0 && options->encoding != GetDatabaseEncoding();

	if (encoded || options->compression > BULK_COMPRESSION_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" is not for data of type text",
						encoded ? "encoding" : "compression"),
				 errhint("Pass the data as bytea.")));
}
