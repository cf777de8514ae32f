/*
 * audit_save.c
 *		Writes the store to its file.
 *
 * The file is written anew each time, beside the old one, which it then
 * replaces at once and durably, so that there is a whole one at any time. A
 * table's entries are copied in pieces, under its shared lock; nothing is
 * written meanwhile. Entries that move between two pieces may be in none of
 * them, or in both.
 *
 * Nothing is written while nothing has changed. Writers, and audit_reset(),
 * which removes the file, take turns under AUDIT_LOCK_SAVE.
 *
 * Nothing here raises an error, but for audit_save_forget(): a file that cannot
 * be written is a line in the server's log.
 */
#include "audit/store/audit_save.h"

#include <fcntl.h>
#include <unistd.h>

#include "miscadmin.h"
#include "port/atomics.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"
#include "utils/timestamp.h"

struct AuditSaving
{
	pg_atomic_uint64 changes;	/* to what is saved, ever */
	uint64		covered;		/* of these; under AUDIT_LOCK_SAVE */
	pg_atomic_uint64 saved;		/* when the file was written, 0: there is none */
};

/* A file that is being written. */
typedef struct Writer
{
	int			fd;
	bool		failed;
	pg_crc32c	crc;
} Writer;

static union
{
	uint64		aligned;
	char		bytes[AUDIT_PIECE_BYTES];
}			piece_buffer;

Size
audit_saving_size(void)
{
	return sizeof(AuditSaving);
}

void
audit_saving_init(AuditSaving *saving)
{
	pg_atomic_init_u64(&saving->changes, 0);
	saving->covered = 0;
	pg_atomic_init_u64(&saving->saved, 0);
}

/*
 * What is saved has changed, or is about to under a lock that a writer of
 * the file has to wait for.
 */
void
audit_save_changed(void)
{
	pg_atomic_fetch_add_u64(&audit_store_saving()->changes, 1);
}

/* When the file was written, 0 without one. */
TimestampTz
audit_save_time(void)
{
	return (TimestampTz) pg_atomic_read_u64(&audit_store_saving()->saved);
}

/* What is in the store came from the file. */
void
audit_save_loaded(TimestampTz saved)
{
	AuditSaving *saving = audit_store_saving();

	saving->covered = pg_atomic_read_u64(&saving->changes);
	pg_atomic_write_u64(&saving->saved, (uint64) saved);
}

/*
 * Milliseconds from one writing to the next: less than what a crash may lose,
 * since counts wait in their backends first, and writing takes its time.
 */
int
audit_save_pause(void)
{
	return (int) Min((int64) audit_save_interval * 1000 * 5 / 6, INT_MAX);
}

/* ---- writing ---- */

static void
put(Writer *writer, const void *data, Size size)
{
	if (writer->failed)
		return;
	COMP_CRC32C(writer->crc, data, size);
	errno = 0;
	if (write(writer->fd, data, size) == (ssize_t) size)
		return;
	if (errno == 0)
		errno = ENOSPC;
	writer->failed = true;
	ereport(LOG,
			(errcode_for_file_access(),
			 errmsg("could not write file \"%s\": %m", AUDIT_FILE_NEW)));
}

/* Copies entries of a table until the buffer is full; at the end of the table, none. */
static uint32
copy_piece(const AuditSection *section, int *position)
{
	AuditTable *table = section->table();
	bool		locked = IsUnderPostmaster; /* else there is no one else */
	uint32		n = 0;
	void	   *entry;

	if (locked)
		audit_store_lock(section->lock, LW_SHARED);
	while ((n + 1) * section->size <= AUDIT_PIECE_BYTES &&
		   (entry = audit_table_next(table, position)) != NULL)
		section->copy(piece_buffer.bytes + section->size * n++, entry);
	if (locked)
		audit_store_unlock(section->lock);
	return n;
}

static void
put_section(Writer *writer, int number)
{
	const AuditSection *section = &audit_sections[number];
	AuditPiece	piece = {number, 0};
	int			position = 0;

	while (!writer->failed && (piece.n = copy_piece(section, &position)) > 0)
	{
		put(writer, &piece, sizeof(piece));
		put(writer, piece_buffer.bytes, section->size * piece.n);
	}
}

static bool
write_file(TimestampTz now)
{
	Writer		writer = {.fd = BasicOpenFile(AUDIT_FILE_NEW,
											  O_WRONLY | O_CREAT | O_TRUNC | PG_BINARY)};
	AuditPiece	end = {AUDIT_NSECTIONS, 0};
	AuditFileHeader header;
	pg_crc32c	crc;

	if (writer.fd < 0)
	{
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not create file \"%s\": %m", AUDIT_FILE_NEW)));
		return false;
	}
	INIT_CRC32C(writer.crc);
	audit_file_header(&header);
	header.saved = now;
	put(&writer, &header, sizeof(header));
	for (int i = 0; i < AUDIT_NSECTIONS; i++)
		put_section(&writer, i);
	put(&writer, &end, sizeof(end));
	crc = writer.crc;
	FIN_CRC32C(crc);
	put(&writer, &crc, sizeof(crc));
	close(writer.fd);
	return !writer.failed && durable_rename(AUDIT_FILE_NEW, AUDIT_FILE, LOG) == 0;
}

/* Writes the file, if anything has changed since it was written. */
void
audit_save(void)
{
	AuditSaving *saving = audit_store_saving();
	bool		locked = IsUnderPostmaster;
	uint64		changes;

	if (locked)
		audit_store_lock(AUDIT_LOCK_SAVE, LW_EXCLUSIVE);
	changes = pg_atomic_read_u64(&saving->changes);
	if (changes != saving->covered)
	{
		TimestampTz now = GetCurrentTimestamp();

		if (write_file(now))
		{
			saving->covered = changes;
			pg_atomic_write_u64(&saving->saved, (uint64) now);
		}
	}
	if (locked)
		audit_store_unlock(AUDIT_LOCK_SAVE);
}

/* Removes what is saved; the caller, audit_reset(), has AUDIT_LOCK_SAVE. */
void
audit_save_forget(void)
{
	if (!audit_store_is_shared())
		return;
	(void) unlink(AUDIT_FILE_NEW);
	if (access(AUDIT_FILE, F_OK) == 0)
		durable_unlink(AUDIT_FILE, ERROR);
	pg_atomic_write_u64(&audit_store_saving()->saved, 0);
}
