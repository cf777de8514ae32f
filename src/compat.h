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

/* 18: the mark of a function that does not return stands first */
#ifndef pg_noreturn
#define pg_noreturn pg_attribute_noreturn()
#endif

/* 16: one object_aclcheck for all kinds of objects */
#if PG_VERSION_NUM >= 160000
#define purser_may_use_schema(schema) \
	(object_aclcheck(NamespaceRelationId, (schema), GetUserId(), ACL_USAGE) == ACLCHECK_OK)
#else
#define purser_may_use_schema(schema) \
	(pg_namespace_aclcheck((schema), GetUserId(), ACL_USAGE) == ACLCHECK_OK)
#endif

#endif							/* PURSER_COMPAT_H */
