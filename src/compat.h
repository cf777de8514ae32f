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
 * Bulk
 */

/* 16: permissions moved from the range table entry to a node of their own */
#if PG_VERSION_NUM < 160000
#define RTEPermissionInfo RangeTblEntry
#define purser_nsitem_perminfo(nsitem) ((nsitem)->p_rte)
#define purser_pstate_perminfos(pstate) NIL
#define purser_ExecCheckPermissions(rtable, perminfos) \
	((void) (rtable), (void) ExecCheckRTPerms(perminfos, true))
#else
#define purser_nsitem_perminfo(nsitem) ((nsitem)->p_perminfo)
#define purser_pstate_perminfos(pstate) ((pstate)->p_rteperminfos)
#define purser_ExecCheckPermissions(rtable, perminfos) \
	((void) ExecCheckPermissions(rtable, perminfos, true))
#endif

/* 16: the permission infos; 18: the set of relations that pruning left */
#if PG_VERSION_NUM >= 180000
#define purser_ExecInitRangeTable(estate, rtable, perminfos, unpruned) \
	ExecInitRangeTable(estate, rtable, perminfos, unpruned)
#elif PG_VERSION_NUM >= 160000
#define purser_ExecInitRangeTable(estate, rtable, perminfos, unpruned) \
	ExecInitRangeTable(estate, rtable, perminfos)
#else
#define purser_ExecInitRangeTable(estate, rtable, perminfos, unpruned) \
	ExecInitRangeTable(estate, rtable)
#endif

/* 17: the actions of MERGE; 18: the action on conflict */
#if PG_VERSION_NUM >= 180000
#define purser_CheckValidResultRel(rri, operation, onconflict, merge) \
	CheckValidResultRel(rri, operation, onconflict, merge)
#elif PG_VERSION_NUM >= 170000
#define purser_CheckValidResultRel(rri, operation, onconflict, merge) \
	CheckValidResultRel(rri, operation, merge)
#else
#define purser_CheckValidResultRel(rri, operation, onconflict, merge) \
	CheckValidResultRel(rri, operation)
#endif

/* 16: only the summarizing indexes; 19: flags in place of booleans, other order */
#if PG_VERSION_NUM >= 190000
#define purser_ExecInsertIndexTuples(rri, estate, flags, slot, arbiters, conflict) \
	ExecInsertIndexTuples(rri, estate, flags, slot, arbiters, conflict)
#else
#define EIIT_IS_UPDATE (1 << 0)
#define EIIT_NO_DUPE_ERROR (1 << 1)
#define EIIT_ONLY_SUMMARIZING (1 << 2)
#if PG_VERSION_NUM >= 160000
#define purser_ExecInsertIndexTuples(rri, estate, flags, slot, arbiters, conflict) \
	ExecInsertIndexTuples(rri, slot, estate, ((flags) & EIIT_IS_UPDATE) != 0, \
						  ((flags) & EIIT_NO_DUPE_ERROR) != 0, conflict, arbiters, \
						  ((flags) & EIIT_ONLY_SUMMARIZING) != 0)
#else
#define purser_ExecInsertIndexTuples(rri, estate, flags, slot, arbiters, conflict) \
	ExecInsertIndexTuples(rri, slot, estate, ((flags) & EIIT_IS_UPDATE) != 0, \
						  ((flags) & EIIT_NO_DUPE_ERROR) != 0, conflict, arbiters)
#endif
#endif

/* 18: index scans may count what they do; 19: flags */
#if PG_VERSION_NUM >= 190000
#define purser_index_beginscan(heap, index, snapshot, nkeys, norderbys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, norderbys, 0)
#elif PG_VERSION_NUM >= 180000
#define purser_index_beginscan(heap, index, snapshot, nkeys, norderbys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, norderbys)
#else
#define purser_index_beginscan(heap, index, snapshot, nkeys, norderbys) \
	index_beginscan(heap, index, snapshot, nkeys, norderbys)
#endif

/* 18: the tuple to leave out of the check */
#if PG_VERSION_NUM >= 180000
#define purser_ExecCheckIndexConstraints(rri, slot, estate, conflict, tupleid, arbiters) \
	ExecCheckIndexConstraints(rri, slot, estate, conflict, tupleid, arbiters)
#else
#define purser_ExecCheckIndexConstraints(rri, slot, estate, conflict, tupleid, arbiters) \
	((void) (tupleid), ExecCheckIndexConstraints(rri, slot, estate, conflict, arbiters))
#endif

/* 16: one ownership check for all kinds of objects */
#if PG_VERSION_NUM >= 160000
#define purser_owns_relation(relid) \
	object_ownercheck(RelationRelationId, (relid), GetUserId())
#else
#define purser_owns_relation(relid) pg_class_ownercheck((relid), GetUserId())
#endif

/* 17: REINDEX hands its statement on */
#if PG_VERSION_NUM >= 170000
#define purser_reindex_index(index, persistence) \
	reindex_index(NULL, (index), false, (persistence), &(ReindexParams) {0})
#else
#define purser_reindex_index(index, persistence) \
	reindex_index((index), false, (persistence), &(ReindexParams) {0})
#endif

/* 16: relfilenode became relfilelocator */
#if PG_VERSION_NUM < 160000
#define rd_firstRelfilelocatorSubid rd_firstRelfilenodeSubid
#endif

/* 16: the actions of the JSON parser return a result */
#if PG_VERSION_NUM >= 160000
#define PURSER_JSON_ACTION JsonParseErrorType
#define PURSER_JSON_ACTION_DONE return JSON_SUCCESS
#else
#define PURSER_JSON_ACTION void
#define PURSER_JSON_ACTION_DONE return
#endif

/* 17: the lexer may be the caller's own, and its input is const */
#if PG_VERSION_NUM >= 170000
#define purser_makeJsonLexContext(lex, json, len, encoding, need_escapes) \
	makeJsonLexContextCstringLen(lex, json, len, encoding, need_escapes)
#else
#define purser_makeJsonLexContext(lex, json, len, encoding, need_escapes) \
	((void) (lex), \
	 makeJsonLexContextCstringLen(unconstify(char *, json), len, encoding, need_escapes))
#endif

/* 18: uuidv7() */
#if PG_VERSION_NUM >= 180000
#define PURSER_IS_UUIDV7(funcid) ((funcid) == F_UUIDV7_ || (funcid) == F_UUIDV7_INTERVAL)
#else
#define PURSER_IS_UUIDV7(funcid) false
#endif

/*
 * Ledger
 */

/* 18: the mark of a function that does not return stands first */
#ifndef pg_noreturn
#define pg_noreturn pg_attribute_noreturn()
#endif

/* 19: strings are always as the standard has them */
#if PG_VERSION_NUM >= 190000
#define PURSER_STANDARD_STRINGS true
#else
#define PURSER_STANDARD_STRINGS standard_conforming_strings
#endif

/* 16: one object_aclcheck for all kinds of objects */
#if PG_VERSION_NUM >= 160000
#define purser_may_use_schema(schema) \
	(object_aclcheck(NamespaceRelationId, (schema), GetUserId(), ACL_USAGE) == ACLCHECK_OK)
#else
#define purser_may_use_schema(schema) \
	(pg_namespace_aclcheck((schema), GetUserId(), ACL_USAGE) == ACLCHECK_OK)
#endif

/* 19: CLUSTER became a kind of REPACK */
#if PG_VERSION_NUM >= 190000
#define T_PURSER_REPACK T_RepackStmt
typedef struct RepackStmt PurserRepackStmt;
#define purser_repack_relation(repack) ((repack)->relation ? (repack)->relation->relation : NULL)
#else
#define T_PURSER_REPACK T_ClusterStmt
typedef struct ClusterStmt PurserRepackStmt;
#define purser_repack_relation(repack) ((repack)->relation)
#endif

/*
 * Online
 */

/* 17: who may not log in may run background workers */
#if PG_VERSION_NUM >= 170000
#define PURSER_WORKER_FLAGS (BGWORKER_BYPASS_ALLOWCONN | BGWORKER_BYPASS_ROLELOGINCHECK)
#else
#define PURSER_WORKER_FLAGS BGWORKER_BYPASS_ALLOWCONN
#endif

/* 16: where soft errors go */
#if PG_VERSION_NUM >= 160000
#define purser_stringToQualifiedNameList(string) stringToQualifiedNameList((string), NULL)
#else
#define purser_stringToQualifiedNameList(string) stringToQualifiedNameList(string)
#endif

/* 18: PortalRun lost run_once */
#if PG_VERSION_NUM >= 180000
#define purser_PortalRun(portal, top, dest, completion) \
	PortalRun((portal), FETCH_ALL, (top), (dest), (dest), (completion))
#else
#define purser_PortalRun(portal, top, dest, completion) \
	PortalRun((portal), FETCH_ALL, (top), true, (dest), (dest), (completion))
#endif

/* 17: a virtual transaction id names its process by another number */
#if PG_VERSION_NUM >= 170000
#define purser_process_of(vxid) ProcNumberGetProc((vxid).procNumber)
#define purser_lxid_of(process) ((process)->vxid.lxid)
#else
#define purser_process_of(vxid) BackendIdGetProc((vxid).backendId)
#define purser_lxid_of(process) ((process)->lxid)
#endif

/*
 * Adopt
 */

/* 19: the planner may explain itself */
#if PG_VERSION_NUM >= 190000
#define purser_pg_plan_query(query, text) pg_plan_query(query, text, 0, NULL, NULL)
#else
#define purser_pg_plan_query(query, text) pg_plan_query(query, text, 0, NULL)
#endif

/* 18: a NOT NULL constraint may be NOT VALID; number counts from 0 */
#if PG_VERSION_NUM >= 180000
#define purser_is_never_null(desc, number) \
	(TupleDescCompactAttr((desc), (number))->attnullability == ATTNULLABLE_VALID)
#else
#define purser_is_never_null(desc, number) (TupleDescAttr((desc), (number))->attnotnull)
#endif

/* 18: ExecutorRun lost execute_once */
#if PG_VERSION_NUM >= 180000
#define purser_ExecutorRun(desc) ExecutorRun(desc, ForwardScanDirection, 0)
#else
#define purser_ExecutorRun(desc) ExecutorRun(desc, ForwardScanDirection, 0, true)
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
