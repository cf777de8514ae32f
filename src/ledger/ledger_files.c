/*
 * ledger_files.c
 *		Reads a directory of migration files on the server.
 *
 * All or nothing: each entry but hidden ones must be a regular file (or a link
 * to one) that is a migration.  Nothing here touches the ledger.
 */
#include "ledger.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"

#define FILE_SIZE_MAX (64 * 1024 * 1024)

static int
compare_paths(const void *a, const void *b)
{
	return strcmp(((const LedgerFile *) a)->path, ((const LedgerFile *) b)->path);
}

/* The paths of all entries that are not hidden, sorted. */
static LedgerFiles
list_directory(const char *path)
{
	LedgerFiles files = {0, NULL};
	int			capacity = 64;
	DIR		   *directory = AllocateDir(path);
	struct dirent *entry;

	if (directory == NULL)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open directory \"%s\": %m", path),
				 errhint("The directory is on the server, and the server's user must be able "
						 "to read it.")));
	files.items = palloc(sizeof(LedgerFile) * capacity);
	while ((entry = ReadDir(directory, path)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (entry->d_name[0] == '.')
			continue;
		if (files.count == capacity)
			files.items = repalloc(files.items, sizeof(LedgerFile) * (capacity *= 2));
		files.items[files.count].path = psprintf("%s/%s", path, entry->d_name);
		files.items[files.count++].revision = NULL;
	}
	FreeDir(directory);
	qsort(files.items, files.count, sizeof(LedgerFile), compare_paths);
	return files;
}

static void
check_file(const char *path, const struct stat *status)
{
	if (!S_ISREG(status->st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a migration: it is not a regular file", path),
				 errhint("Only migration files and hidden entries may be in the directory.")));
	if (status->st_size > FILE_SIZE_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("migration file \"%s\" is too large", path),
				 errdetail("The limit is %d MB.", FILE_SIZE_MAX / (1024 * 1024))));
}

pg_noreturn static void
report_access(const char *action, const char *path)
{
	ereport(ERROR,
			(errcode_for_file_access(),
			 errmsg("could not %s file \"%s\": %m", action, path)));
}

/* The bytes of the file; opening must not hang on a pipe. */
static char *
read_bytes(const char *path, size_t *length)
{
	struct stat status;
	char	   *bytes;
	ssize_t		got;
	int			file;

	if (stat(path, &status) != 0)
		report_access("stat", path);
	check_file(path, &status);
	file = OpenTransientFile(path, O_RDONLY | O_NONBLOCK | PG_BINARY);
	if (file < 0)
		report_access("open", path);
	if (fstat(file, &status) != 0)
		report_access("stat", path);
	check_file(path, &status);

	bytes = palloc(status.st_size + 1);
	for (*length = 0; *length < (size_t) status.st_size; *length += got)
	{
		CHECK_FOR_INTERRUPTS();
		got = read(file, bytes + *length, status.st_size - *length);
		if (got < 0)
			report_access("read", path);
		if (got == 0)
			break;
	}
	bytes[*length] = '\0';
	CloseTransientFile(file);
	return bytes;
}

static LedgerRevision *
read_file(const char *path)
{
	LedgerSource source = {path, 0};
	ErrorContextCallback context = {error_context_stack, ledger_source_context, &source};
	size_t		length;
	char	   *bytes = read_bytes(path, &length);
	size_t		mark = strncmp(bytes, LEDGER_BYTE_ORDER_MARK, 3) == 0 ? 3 : 0;
	char	   *text;
	LedgerRevision *revision;

	error_context_stack = &context;
	text = pg_any_to_server(bytes + mark, length - mark, PG_UTF8);
	error_context_stack = context.previous;
	revision = ledger_parse(text, &source);
	if (text != bytes + mark)
		pfree(text);
	pfree(bytes);
	return revision;
}

/* The directory's migrations in order of their names. */
LedgerFiles
ledger_read_directory(const char *path)
{
	LedgerFiles files = list_directory(path);

	for (int i = 0; i < files.count; i++)
		files.items[i].revision = read_file(files.items[i].path);
	return files;
}
