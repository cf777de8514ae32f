/*
 * pg_purser.c
 *		Module magic and start-up: each module installs its own settings and hooks.
 */
#include "pg_purser.h"

#include "fmgr.h"
#include "utils/guc.h"

PURSER_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	online_init();
	bulk_init();
	audit_init();
	MarkGUCPrefixReserved(PURSER_SCHEMA);
}
