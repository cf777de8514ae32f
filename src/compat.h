/*
 * compat.h
 *		The only file that looks at PG_VERSION_NUM.
 *
 * Wrappers take the signature of the newest server; each names the change
 * that it hides.
 */
#ifndef PURSER_COMPAT_H
#define PURSER_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "pg_purser needs PostgreSQL 15 or later"
#endif

/* 18: the module magic carries name and version */
#if PG_VERSION_NUM >= 180000
#define PURSER_MODULE_MAGIC \
	PG_MODULE_MAGIC_EXT(.name = "pg_purser", .version = PG_PURSER_VERSION)
#else
#define PURSER_MODULE_MAGIC PG_MODULE_MAGIC
#endif

#endif							/* PURSER_COMPAT_H */
