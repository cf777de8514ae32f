/*
 * bulk_context.c
 *		The error context of a load: which row, line, column and value; and a
 *		hint, while the input may be in another format than the caller said.
 *
 * The steps of a load keep BulkContext true; nothing here looks anything up,
 * as it runs while an error is being raised.
 */
#include "bulk/bulk.h"

#include "mb/pg_wchar.h"

/* Longest part of a value to show, in bytes; what COPY shows. */
#define BULK_MAX_SHOWN 100

/* A piece of the input, fit to be shown. */
char *
bulk_context_clip(const char *text, int len)
{
	if (len <= BULK_MAX_SHOWN)
		return pnstrdup(text, len);
	return psprintf("%.*s...", pg_mbcliplen(text, len, BULK_MAX_SHOWN), text);
}

/* The first character that is no white space in JSON, or zero. */
char
bulk_context_first(const char *data, int len)
{
	for (const char *c = data; c < data + len; c++)
		if (*c != ' ' && *c != '\t' && *c != '\n' && *c != '\r')
			return *c;
	return '\0';
}

/* "row 17 (line 18)", or the half of it that is known. */
static char *
describe_position(const BulkContext *context)
{
	const BulkPosition *position = &context->position;
	uint64		row = context->start.row + position->row;
	uint64		line = context->start.line + position->line;

	if (context->last_row > position->row)
		return psprintf("rows " UINT64_FORMAT " to " UINT64_FORMAT,
						row, context->start.row + context->last_row);
	if (position->row == 0)
		return psprintf("line " UINT64_FORMAT, line);
	if (position->line == 0)
		return psprintf("row " UINT64_FORMAT, row);
	return psprintf("row " UINT64_FORMAT " (line " UINT64_FORMAT ")", row, line);
}

/* Is the error being raised one in the form of the input? */
static bool
is_about_form(void)
{
	int			code = geterrcode();

	return code == ERRCODE_INVALID_TEXT_REPRESENTATION ||
		code == ERRCODE_BAD_COPY_FILE_FORMAT || code == ERRCODE_UNDEFINED_COLUMN;
}

static void
bulk_error_callback(void *arg)
{
	const BulkContext *context = arg;
	char	   *where;

	if (context->hint != NULL && is_about_form())
		errhint("%s", context->hint);
	if (context->position.row == 0 && context->position.line == 0)
	{
		errcontext("%s \"%s\"", context->verb, context->relation);
		return;
	}

	where = describe_position(context);
	if (context->column == NULL)
		errcontext("%s \"%s\", %s", context->verb, context->relation, where);
	else if (context->field == NULL || context->field->kind == BULK_DATUM)
		errcontext("%s \"%s\", %s, column \"%s\"",
				   context->verb, context->relation, where, context->column);
	else if (context->field->kind <= BULK_NULL)
		errcontext("%s \"%s\", %s, column \"%s\": null input",
				   context->verb, context->relation, where, context->column);
	else
		errcontext("%s \"%s\", %s, column \"%s\": \"%s\"",
				   context->verb, context->relation, where, context->column,
				   bulk_context_clip(context->field->text, context->field->len));
}

/* Start telling, until bulk_context_pop or an error. */
void
bulk_context_push(BulkContext *context, const char *verb, const char *relation)
{
	memset(context, 0, sizeof(*context));
	context->verb = verb;
	context->relation = relation;
	context->callback.callback = bulk_error_callback;
	context->callback.arg = context;
	context->callback.previous = error_context_stack;
	error_context_stack = &context->callback;
}

void
bulk_context_pop(BulkContext *context)
{
	error_context_stack = context->callback.previous;
}
