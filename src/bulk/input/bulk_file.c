/*
 * bulk_file.c
 *		Files of the server as input: who may read them, and the format that a
 *		file's name tells.
 */
#include "bulk/bulk.h"

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "utils/acl.h"

/* Who could read the file by COPY. */
void
bulk_file_check_privilege(void)
{
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to load from a file of the server"),
				 errdetail("Only roles with privileges of the \"%s\" role may read such files.",
						   "pg_read_server_files"),
				 errhint("Anyone can pass the contents of a file to bulk_insert.")));
}

typedef struct Suffix
{
	const char *suffix;
	BulkFormatName format;
} Suffix;

/* Of compressed files; the contents tell how they are compressed. */
static const Suffix compressions[] = {{".gz", 0}, {".zst", 0}, {NULL, 0}};

static const Suffix formats[] = {
	{".csv", BULK_FORMAT_CSV}, {".json", BULK_FORMAT_JSON}, {".ndjson", BULK_FORMAT_NDJSON},
	{".jsonl", BULK_FORMAT_NDJSON}, {".tsv", BULK_FORMAT_TEXT}, {".txt", BULK_FORMAT_TEXT},
	{NULL, 0}
};

/* What the end of the first len bytes of the name is, in any case; NULL for none. */
static const Suffix *
find_suffix(const Suffix *suffixes, const char *name, size_t len)
{
	for (const Suffix *s = suffixes; s->suffix != NULL; s++)
	{
		size_t		n = strlen(s->suffix);

		if (len > n && pg_strncasecmp(name + len - n, s->suffix, n) == 0)
			return s;
	}
	return NULL;
}

/* The format by the name, compressed or not; csv if it tells none. */
BulkFormatName
bulk_format_of_path(const char *path)
{
	size_t		len = strlen(path);
	const Suffix *compression = find_suffix(compressions, path, len);
	const Suffix *format;

	if (compression != NULL)
		len -= strlen(compression->suffix);
	format = find_suffix(formats, path, len);
	return format ? format->format : BULK_FORMAT_CSV;
}
