/*
 * bulk_options_format.c
 *		How the input is written: keys of the jsonb argument "options", named and
 *		with values as in COPY.
 *
 * Called by bulk_options.c.
 */
#include "bulk/bulk_options.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

static const BulkWord header_words[] = {
	{"true", BULK_HEADER_NAMES}, {"false", BULK_HEADER_NONE}, {"skip", BULK_HEADER_SKIP},
	{"match", BULK_HEADER_MATCH}, {"sniff", BULK_HEADER_SNIFF}, {NULL, 0}
};

static const BulkWord compression_words[] = {
	{"auto", BULK_COMPRESSION_AUTO}, {"none", BULK_COMPRESSION_NONE},
	{"gzip", BULK_COMPRESSION_GZIP}, {"zstd", BULK_COMPRESSION_ZSTD}, {NULL, 0}
};

static const BulkWord unknown_words[] = {
	{"error", false}, {"ignore", true}, {NULL, 0}
};

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
	options->format.header = bulk_option_word(header_words, "header",
											  "values of option \"header\"",
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
	options->compression = bulk_option_word(compression_words, "compression",
											"values of option \"compression\"",
											string_option(name, value));
}

static void
set_unknown(BulkOptions *options, const char *name, const JsonbValue *value)
{
	options->ignore_unknown = bulk_option_word(unknown_words, "unknown",
											   "values of option \"unknown\"",
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

static bool
is_for(int formats, const BulkOptions *options)
{
	return (formats & (1 << options->format_name)) != 0;
}

static char *
list_options(const BulkOptions *options)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < (int) lengthof(format_options); i++)
		if (is_for(format_options[i].formats, options))
			appendStringInfo(&list, "%s\"%s\"", list.len == 0 ? "" : ", ", format_options[i].name);
	return list.data;
}

static void
set_option(BulkOptions *options, const char *name, const JsonbValue *value)
{
	for (int i = 0; i < (int) lengthof(format_options); i++)
	{
		if (strcmp(format_options[i].name, name) != 0)
			continue;
		if (!is_for(format_options[i].formats, options))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("option \"%s\" is not for format \"%s\"", name,
							bulk_format_name(options->format_name))));
		format_options[i].set(options, name, value);
		return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("option \"%s\" not recognized", name),
			 errhint("Options for format \"%s\" are %s.",
					 bulk_format_name(options->format_name), list_options(options))));
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
	if (options->columns != NIL && format->header == BULK_HEADER_NAMES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" is not for data whose header names the columns", "columns"),
				 errhint("Set the option \"header\" to \"skip\", or to false if there is none.")));
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

/* What the caller says of the format, of which the name is set; NULL: nothing. */
void
bulk_options_read_format(BulkOptions *options, Jsonb *given)
{
	set_defaults(options);
	if (given != NULL)
		read_format_options(options, given);
	options->given = given;
	check_format(options);
}
