/*
 * pg_purser.h
 *		Names and limits shared by all modules of pg_purser.
 *
 * Each module is a folder with one header; this file knows none of their
 * internals, only the entry points that _PG_init calls.
 */
#ifndef PG_PURSER_H
#define PG_PURSER_H

#include "postgres.h"

#include "compat.h"

/* Schema that holds every SQL object of the extension. */
#define PURSER_SCHEMA "purser"

/* Name of the extension, as in pg_extension. */
#define PURSER_EXTENSION "pg_purser"

/* Module entry points, called once from _PG_init. */
extern void online_init(void);
extern void bulk_init(void);
extern void audit_init(void);

#endif							/* PG_PURSER_H */
