/*
 * audit_save.h
 *		How the store outlives its server: a file, and who writes it when.
 *
 * The file is in the data directory. It begins with a header; pieces follow,
 * each so many entries of one table, and an empty piece of no table; its last
 * four bytes are the CRC-32C of all that stands before.
 */
#ifndef PURSER_AUDIT_SAVE_H
#define PURSER_AUDIT_SAVE_H

#include "audit/store/audit_store.h"

#include "pgstat.h"

#define AUDIT_FILE PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_purser_audit.stat"
#define AUDIT_FILE_NEW AUDIT_FILE ".new"
#define AUDIT_FILE_MAGIC 0x50755241
#define AUDIT_FILE_LAYOUT 3		/* another when what is saved means something else */
#define AUDIT_PIECE_BYTES 65536 /* of entries; they are copied under one hold of the lock */

/* ---- what is saved: audit_section.c ---- */

/* One of the store's tables, and its entries in the file. */
typedef struct AuditSection
{
	Size		size;			/* of an entry in the file */
	AuditLock	lock;
	AuditTable *(*table) (void);
	void		(*copy) (void *to, const void *entry);	/* under the lock */
	void		(*restore) (const void *from);
} AuditSection;

#define AUDIT_NSECTIONS 2

extern const AuditSection audit_sections[AUDIT_NSECTIONS];

/* All of it has to be the reader's own, but for the time. */
typedef struct AuditFileHeader
{
	uint32		magic;
	uint32		layout;
	uint32		major;			/* of the server: query identifiers differ */
	uint32		rules;			/* CRC of the names of the rules, in their order */
	uint64		system;			/* identifier of the database system */
	uint64		sizes[AUDIT_NSECTIONS];
	TimestampTz saved;
} AuditFileHeader;

typedef struct AuditPiece
{
	uint32		section;		/* AUDIT_NSECTIONS: the end */
	uint32		n;
} AuditPiece;

extern void audit_file_header(AuditFileHeader *header);

/* ---- writing: audit_save.c ---- */

extern void audit_save(void);
extern void audit_save_loaded(TimestampTz saved);
extern int	audit_save_pause(void);

/* ---- reading: audit_load.c ---- */

extern void audit_load(void);

/* ---- the process that writes: audit_saver.c ---- */

extern void audit_saver_register(void);
extern void audit_saver_start(void);

#endif							/* PURSER_AUDIT_SAVE_H */
