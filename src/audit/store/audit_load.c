/*
 * audit_load.c
 *		Reads the store from its file, before anyone else can see the store.
 *
 * That is in the postmaster as shared memory is made, at the start and after a
 * crash, or in the session that makes the named segment. A file that does not
 * fit is removed with a line in the server's log, and never an error: it is
 * read twice, and its checksum is known to be right before anything of it is
 * believed.
 */
#include "audit/store/audit_save.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"

static union
{
	uint64		aligned;
	char		bytes[AUDIT_PIECE_BYTES];
}			read_buffer;

static bool
get(int fd, void *to, Size size)
{
	return read(fd, to, size) == (ssize_t) size;
}

/* Is the last word the checksum of all before it? */
static bool
is_whole(int fd)
{
	struct stat state;
	pg_crc32c	crc,
				expected;
	off_t		left;

	if (fstat(fd, &state) != 0 || state.st_size < (off_t) sizeof(crc))
		return false;
	INIT_CRC32C(crc);
	for (left = state.st_size - (off_t) sizeof(crc); left > 0;)
	{
		Size		part = (Size) Min(left, AUDIT_PIECE_BYTES);

		if (!get(fd, read_buffer.bytes, part))
			return false;
		COMP_CRC32C(crc, read_buffer.bytes, part);
		left -= (off_t) part;
	}
	FIN_CRC32C(crc);
	return get(fd, &expected, sizeof(expected)) && EQ_CRC32C(crc, expected);
}

static bool
restore_pieces(int fd)
{
	AuditPiece	piece;

	while (get(fd, &piece, sizeof(piece)) && piece.section < AUDIT_NSECTIONS)
	{
		const AuditSection *section = &audit_sections[piece.section];

		if (piece.n > AUDIT_PIECE_BYTES / section->size ||
			!get(fd, read_buffer.bytes, section->size * piece.n))
			return false;
		for (uint32 i = 0; i < piece.n; i++)
			section->restore(read_buffer.bytes + section->size * i);
	}
	return true;
}

/* Restores what is in the file; else says what is wrong with it. */
static const char *
read_file(int fd)
{
	AuditFileHeader header,
				own;

	if (access(BACKUP_LABEL_FILE, F_OK) == 0)
		return "It came with a base backup.";
	audit_file_header(&own);
	if (!get(fd, &header, sizeof(header)) || header.magic != own.magic)
		return "It is not a file of the audit.";
	own.saved = header.saved;
	if (memcmp(&header, &own, sizeof(header)) != 0)
		return "Another server or another version of the library wrote it.";
	if (lseek(fd, 0, SEEK_SET) != 0 || !is_whole(fd) ||
		lseek(fd, sizeof(header), SEEK_SET) != sizeof(header) || !restore_pieces(fd))
		return "It is damaged.";
	audit_save_loaded(header.saved);
	return NULL;
}

void
audit_load(void)
{
	const char *fault;
	int			fd;

	if (audit_save_interval == 0)
		return;
	fd = BasicOpenFile(AUDIT_FILE, O_RDONLY | PG_BINARY);
	if (fd < 0)
	{
		if (errno != ENOENT)
			ereport(LOG,
					(errcode_for_file_access(),
					 errmsg("could not open file \"%s\": %m", AUDIT_FILE)));
		return;
	}
	fault = read_file(fd);
	close(fd);
	if (fault == NULL)
		return;
	ereport(LOG,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("ignoring file \"%s\"", AUDIT_FILE),
			 errdetail_internal("%s", fault)));
	(void) unlink(AUDIT_FILE);
}
