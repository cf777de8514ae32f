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

/*
 * Audit
 */

/* 16: the macros for variable-length values moved out of postgres.h */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 16: the counters of a relation lost their t_ prefix */
#if PG_VERSION_NUM >= 160000
#define PURSER_TUPLES_RETURNED(info) ((info)->counts.tuples_returned)
#define PURSER_TUPLES_FETCHED(info) ((info)->counts.tuples_fetched)
#else
#define PURSER_TUPLES_RETURNED(info) ((info)->t_counts.t_tuples_returned)
#define PURSER_TUPLES_FETCHED(info) ((info)->t_counts.t_tuples_fetched)
#endif

/* 16: the header of query identifiers moved */
#if PG_VERSION_NUM >= 160000
#define PURSER_QUERYJUMBLE_H "nodes/queryjumble.h"
#else
#define PURSER_QUERYJUMBLE_H "utils/queryjumble.h"
#endif

/* 17: the local transaction id moved; needs storage/proc.h */
#if PG_VERSION_NUM >= 170000
#define PURSER_MY_LXID (MyProc->vxid.lxid)
#else
#define PURSER_MY_LXID (MyProc->lxid)
#endif

/* 17: shared memory that needs no preloading; 19: its callback takes an argument */
#if PG_VERSION_NUM >= 170000
#define PURSER_HAVE_NAMED_DSM
#if PG_VERSION_NUM >= 190000
#define PURSER_DSM_INIT_PARAMS void *ptr, void *arg pg_attribute_unused()
#define purser_named_dsm(name, size, init, found) \
	GetNamedDSMSegment((name), (size), (init), (found), NULL)
#else
#define PURSER_DSM_INIT_PARAMS void *ptr
#define purser_named_dsm(name, size, init, found) \
	GetNamedDSMSegment((name), (size), (init), (found))
#endif
#endif

/* 18: ExecutorRun lost execute_once */
#if PG_VERSION_NUM >= 180000
#define PURSER_RUN_PARAMS QueryDesc *queryDesc, ScanDirection direction, uint64 count
#define PURSER_RUN_ARGS queryDesc, direction, count
#else
#define PURSER_RUN_PARAMS \
	QueryDesc *queryDesc, ScanDirection direction, uint64 count, bool execute_once
#define PURSER_RUN_ARGS queryDesc, direction, count, execute_once
#endif

/* 19: a tranche is named when it is made, not by each backend that uses it */
#if PG_VERSION_NUM >= 190000
#define purser_new_tranche(name) LWLockNewTrancheId(name)
#define purser_register_tranche(id, name) ((void) (id))
#else
#define purser_new_tranche(name) LWLockNewTrancheId()
#define purser_register_tranche(id, name) LWLockRegisterTranche((id), (name))
#endif

#endif							/* PURSER_COMPAT_H */
