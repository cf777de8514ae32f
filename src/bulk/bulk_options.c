/*
 * bulk_options.c
 *		What the caller wants: the arguments of a bulk function, by their names,
 *		and the options of the input's format.
 *
 * Every function of the part may declare any of the arguments listed here, at
 * any place; the same name means the same in each.  Options of the format are
 * keys of the jsonb argument "options", named and with values as in COPY.
 */
#include "bulk.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "shared/arguments.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/syscache.h"

/* ---- words ---- */

typedef struct Word
{
	const char *name;
	int			value;
} Word;

static const Word format_names[] = {
	{"json", BULK_FORMAT_JSON}, {"ndjson", BULK_FORMAT_NDJSON},
	{"csv", BULK_FORMAT_CSV}, {"text", BULK_FORMAT_TEXT}, {NULL, 0}
};

static const Word conflict_actions[] = {
	{"error", BULK_CONFLICT_ERROR}, {"skip", BULK_CONFLICT_SKIP},
	{"update", BULK_CONFLICT_UPDATE}, {NULL, 0}
};

static const Word verbs[] = {
	{"insert", BULK_INSERT}, {"update", BULK_UPDATE}, {"delete", BULK_DELETE}, {NULL, 0}
};

static const Word header_words[] = {
	{"true", BULK_HEADER_NAMES}, {"false", BULK_HEADER_NONE}, {"skip", BULK_HEADER_SKIP},
	{"match", BULK_HEADER_MATCH}, {"sniff", BULK_HEADER_SNIFF}, {NULL, 0}
};

static const Word indexes_words[] = {
	{"keep", BULK_INDEXES_KEEP}, {"rebuild", BULK_INDEXES_REBUILD},
	{"auto", BULK_INDEXES_AUTO}, {NULL, 0}
};

static const Word compression_words[] = {
	{"auto", BULK_COMPRESSION_AUTO}, {"none", BULK_COMPRESSION_NONE},
	{"gzip", BULK_COMPRESSION_GZIP}, {"zstd", BULK_COMPRESSION_ZSTD}, {NULL, 0}
};

static const Word unknown_words[] = {
	{"error", false}, {"ignore", true}, {NULL, 0}
};

/* "a", "b" and "c" */
static char *
list_words(const Word *words)
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
static int
look_up(const Word *words, const char *what, const char *plural, const char *value)
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
name_of(const Word *words, int value)
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

/* ---- options of the format ---- */

static void
wrong_option(const char *name, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the value of option \"%s\" must be %s", name, expected)));
}

static char *
string_option(const char *name, const JsonbValue *value)
{
	if (value->type == jbvBool)
		return value->val.boolean ? "true" : "false";
	if (value->type != jbvString)
		wrong_option(name, "a string");
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static char
character_option(const char *name, const JsonbValue *value)
{
	char	   *text = string_option(name, value);

	if (strlen(text) != 1)
		wrong_option(name, "a string of a single one-byte character");
	return *text;
}

/* A JSON array of strings. */
static List *
names_option(const char *name, const JsonbValue *value)
{
	List	   *names = NIL;
	JsonbIterator *it;
	JsonbValue	element;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		wrong_option(name, "an array of strings");
	it = JsonbIteratorInit(value->val.binary.data);
	(void) JsonbIteratorNext(&it, &element, true);
	while (JsonbIteratorNext(&it, &element, true) == WJB_ELEM)
	{
		if (element.type != jbvString)
			wrong_option(name, "an array of strings");
		names = lappend(names, pnstrdup(element.val.string.val, element.val.string.len));
	}
	if (names == NIL)
		wrong_option(name, "an array of at least one string");
	return names;
}

static void
set_delimiter(BulkOptions *options, const char *name, const JsonbValue *value)
{
	if (value->type == jbvString && value->val.string.len == 5 &&
		memcmp(value->val.string.val, "sniff", 5) == 0)
		options->format.delimiter = '\0';
	else
		options->format.delimiter = character_option(name, value);
}

static void
set_quote(BulkOptions *options, const char *name, const JsonbValue *value)
{
	options->format.quote = character_option(name, value);
}

static void
set_escape(BulkOptions *options, const char *name, const JsonbValue *value)
{
	options->format.escape = character_option(name, value);
}

static void
set_null(BulkOptions *options, const char *name, const JsonbValue *value)
{
	options->format.null = string_option(name, value);
	options->format.null_len = strlen(options->format.null);
}

static void
set_default(BulkOptions *options, const char *name, const JsonbValue *value)
{
	options->format.dflt = string_option(name, value);
	options->format.dflt_len = strlen(options->format.dflt);
}

static void
set_header(BulkOptions *options, const char *name, const JsonbValue *value)
{
	options->format.header = look_up(header_words, "header", "values of option \"header\"",
									 string_option(name, value));
}

static void
set_encoding(BulkOptions *options, const char *name, const JsonbValue *value)
{
	options->encoding = pg_char_to_encoding(string_option(name, value));
	if (options->encoding < 0)
		wrong_option(name, "a valid encoding name");
}

static void
set_compression(BulkOptions *options, const char *name, const JsonbValue *value)
{
	options->compression = look_up(compression_words, "compression",
								   "values of option \"compression\"",
								   string_option(name, value));
}

static void
set_unknown(BulkOptions *options, const char *name, const JsonbValue *value)
{
	options->ignore_unknown = look_up(unknown_words, "unknown", "values of option \"unknown\"",
									  string_option(name, value));
}

static void
set_columns(BulkOptions *options, const char *name, const JsonbValue *value)
{
	options->columns = names_option(name, value);
}

static void
set_force_null(BulkOptions *options, const char *name, const JsonbValue *value)
{
	options->force_null = names_option(name, value);
}

static void
set_force_not_null(BulkOptions *options, const char *name, const JsonbValue *value)
{
	options->force_not_null = names_option(name, value);
}

/* Formats that an option is for. */
#define FOR_CSV		(1 << BULK_FORMAT_CSV)
#define FOR_TEXT	(1 << BULK_FORMAT_TEXT)
#define FOR_LINES	(FOR_CSV | FOR_TEXT)
#define FOR_ALL		(FOR_LINES | (1 << BULK_FORMAT_JSON) | (1 << BULK_FORMAT_NDJSON))

static const struct
{
	const char *name;
	int			formats;
	void		(*set) (BulkOptions *options, const char *name, const JsonbValue *value);
}			format_options[] = {
	{"delimiter", FOR_LINES, set_delimiter},
	{"quote", FOR_CSV, set_quote},
	{"escape", FOR_CSV, set_escape},
	{"null", FOR_LINES, set_null},
	{"default", FOR_LINES, set_default},
	{"header", FOR_LINES, set_header},
	{"columns", FOR_LINES, set_columns},
	{"force_null", FOR_CSV, set_force_null},
	{"force_not_null", FOR_CSV, set_force_not_null},
	{"encoding", FOR_ALL, set_encoding},
	{"compression", FOR_ALL, set_compression},
	{"unknown", FOR_ALL, set_unknown}
};

static void
set_option(BulkOptions *options, const char *name, const JsonbValue *value)
{
	for (int i = 0; i < (int) lengthof(format_options); i++)
	{
		if (strcmp(format_options[i].name, name) != 0)
			continue;
		if ((format_options[i].formats & (1 << options->format_name)) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("option \"%s\" is not for format \"%s\"", name,
							format_names[options->format_name].name)));
		format_options[i].set(options, name, value);
		return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("option \"%s\" not recognized", name)));
}

static void
read_format_options(BulkOptions *options, Jsonb *data)
{
	JsonbIterator *it;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(data))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a JSON object", "options")));
	it = JsonbIteratorInit(&data->root);
	(void) JsonbIteratorNext(&it, &value, false);
	while (JsonbIteratorNext(&it, &value, false) == WJB_KEY)
	{
		char	   *name = pnstrdup(value.val.string.val, value.val.string.len);

		(void) JsonbIteratorNext(&it, &value, true);
		set_option(options, name, &value);
	}
}

static void
set_defaults(BulkOptions *options)
{
	bool		csv = options->format_name == BULK_FORMAT_CSV;

	options->format.header = csv ? BULK_HEADER_NAMES : BULK_HEADER_NONE;
	options->format.delimiter = csv ? ',' : '\t';
	options->format.quote = '"';
	options->format.null = csv ? "" : "\\N";
	options->format.null_len = strlen(options->format.null);
	options->format.lines = options->format_name == BULK_FORMAT_NDJSON;
}

static void
refuse_character(const char *name, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("option \"%s\" %s", name, why)));
}

/* Could the string that stands for null or the default be told from other fields? */
static void
check_marker(const BulkOptions *options, const char *name, const char *marker)
{
	const BulkFormat *format = &options->format;

	if (strpbrk(marker, "\r\n") != NULL)
		refuse_character(name, "cannot use newline or carriage return");
	if (format->delimiter != '\0' && strchr(marker, format->delimiter) != NULL)
		refuse_character(name, "must not contain the delimiter");
	if (options->format_name == BULK_FORMAT_CSV && strchr(marker, format->quote) != NULL)
		refuse_character(name, "must not contain the quote");
}

static void
check_csv(const BulkFormat *format)
{
	if (format->quote == '\n' || format->quote == '\r')
		refuse_character("quote", "cannot be newline or carriage return");
	if (format->escape == '\n' || format->escape == '\r')
		refuse_character("escape", "cannot be newline or carriage return");
	if (format->delimiter == format->quote)
		refuse_character("quote", "must differ from the delimiter");
}

/* What COPY refuses, so that reading is not ambiguous; and line ends as quotes. */
static void
check_format(BulkOptions *options)
{
	BulkFormat *format = &options->format;
	bool		csv = options->format_name == BULK_FORMAT_CSV;
	const char *never = csv ? "\r\n" : "\\.abcdefghijklmnopqrstuvwxyz0123456789\r\n";

	if (format->escape == '\0')
		format->escape = format->quote;
	if (format->delimiter != '\0' && strchr(never, format->delimiter) != NULL)
		refuse_character("delimiter", csv ? "cannot be newline or carriage return" :
						 "cannot be a backslash, dot, small letter, digit or line end");
	if (csv)
		check_csv(format);
	check_marker(options, "null", format->null);
	if (format->dflt == NULL)
		return;
	check_marker(options, "default", format->dflt);
	if (strcmp(format->null, format->dflt) == 0)
		refuse_character("default", "must differ from the option \"null\"");
}

/* ---- arguments ---- */

/* The arguments of the function that is being called. */
typedef struct Call
{
	FunctionCallInfo fcinfo;
	int			nargs;
	char	  **names;
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
		options->format_name = look_up(format_names, "format", "formats",
									   text_argument(call, "format"));
	set_defaults(options);
	if (is_given(call, "options"))
	{
		Jsonb	   *given = DatumGetJsonbP(value_of(call, "options"));

		read_format_options(options, given);
		options->given = given;
	}
	check_format(options);
}

static void
require_conflict(bool given, const char *argument, const char *action)
{
	if (given)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s need on_conflict %s", argument, action)));
}

static void
read_conflict(const Call *call, BulkOptions *options)
{
	char	   *action = text_argument(call, "on_conflict");

	if (action != NULL)
		options->on_conflict = look_up(conflict_actions, "on_conflict", "values", action);
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
				 errmsg("conflict_columns and conflict_index exclude each other")));
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
		options->verb = look_up(verbs, "verb", "values", verb);
}

static void
read_end(const Call *call, BulkOptions *options)
{
	char	   *indexes = text_argument(call, "indexes");

	if (indexes != NULL)
		options->indexes = look_up(indexes_words, "indexes", "values", indexes);
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
