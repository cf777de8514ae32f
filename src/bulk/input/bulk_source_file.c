/*
 * bulk_source_file.c
 *		The bytes of a file of the server, or of a range of it.
 *
 * Whether the caller may read files of the server is asked by whoever calls:
 * bulk_functions.c.  A path is as for COPY: one that is not absolute begins at
 * the data directory.
 */
#include "bulk/bulk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bulk/input/bulk_stream.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/latch.h"

typedef struct FileStream
{
	BulkStream	base;			/* first, so that a stream is one */
	const char *path;
	int			fd;
	bool		waits;			/* reading may have to wait for a writer */
	bool		ranged;
	uint64		left;			/* of the range, or no limit */
} FileStream;

/* A pipe gives its bytes when they come: wait, and be cancelled meanwhile. */
static void
wait_for_bytes(int fd)
{
	int			events = WL_LATCH_SET | WL_SOCKET_READABLE | WL_EXIT_ON_PM_DEATH;

	for (;;)
	{
		int			event = WaitLatchOrSocket(MyLatch, events, fd, -1, PG_WAIT_EXTENSION);

		if (event & WL_SOCKET_READABLE)
			return;
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

static Size
file_read(BulkStream *base, char *buffer, Size room)
{
	FileStream *stream = (FileStream *) base;
	ssize_t		n;

	room = Min(room, (Size) stream->left);
	if (room == 0)
		return 0;
	do
	{
		CHECK_FOR_INTERRUPTS();
		if (stream->waits)
			wait_for_bytes(stream->fd);
		n = read(stream->fd, buffer, room);
	} while (n < 0 && (errno == EINTR || (errno == EAGAIN && stream->waits)));
	if (n < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read file \"%s\": %m", stream->path)));
	if (n == 0 && stream->ranged)
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("file \"%s\" became shorter while it was read", stream->path)));
	stream->left -= n;
	base->consumed += n;
	return n;
}

static void
file_close(BulkStream *base)
{
	CloseTransientFile(((FileStream *) base)->fd);
}

/* A pipe is opened without waiting for its writer, which would not be cancelled. */
static int
open_file(const char *path)
{
	int			fd = OpenTransientFile(path, O_RDONLY | O_NONBLOCK | PG_BINARY);
	int			saved_errno = errno;

	if (fd < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\" for reading: %m", path),
				 (saved_errno == ENOENT || saved_errno == EACCES) ?
				 errhint("It is the PostgreSQL server process that reads the file. "
						 "A file of the client can be passed to bulk_insert.") : 0));
	return fd;
}

/* From byte from up to byte to, which is zero for all of the file. */
BulkStream *
bulk_stream_file(const char *path, uint64 from, uint64 to)
{
	FileStream *stream = palloc0(sizeof(FileStream));
	struct stat st;

	stream->path = path;
	stream->fd = open_file(path);
	if (fstat(stream->fd, &st) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not stat file \"%s\": %m", path)));
	if (S_ISDIR(st.st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a directory", path)));
	stream->waits = S_ISFIFO(st.st_mode);
	stream->ranged = to > 0;
	stream->left = stream->ranged ? to - from : PG_UINT64_MAX;
	if (stream->ranged && lseek(stream->fd, from, SEEK_SET) < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not seek in file \"%s\": %m", path)));
	stream->base.read = file_read;
	stream->base.close = file_close;
	stream->base.name = psprintf("file \"%s\"", path);
	stream->base.size = stream->ranged ? to - from : (uint64) st.st_size;
	return &stream->base;
}
