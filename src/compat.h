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

/* 16: symbols of a library are hidden unless exported; see also PG_CFLAGS in the Makefile */
#if PG_VERSION_NUM < 160000
#include "fmgr.h"
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#undef PG_FUNCTION_INFO_V1
#define PG_FUNCTION_INFO_V1(funcname) \
extern PGDLLEXPORT Datum funcname(PG_FUNCTION_ARGS); \
extern PGDLLEXPORT const Pg_finfo_record *CppConcat(pg_finfo_, funcname)(void); \
const Pg_finfo_record * \
CppConcat(pg_finfo_, funcname)(void) \
{ \
	static const Pg_finfo_record my_finfo = {1}; \
	return &my_finfo; \
} \
extern int	no_such_variable
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

/* 16: the table; 17: no snapshot; 19: no stack unless asked for */
#if PG_VERSION_NUM >= 190000
#define purser_bt_search_leaf(index, heap, key, buffer, snapshot) \
	((void) (snapshot), (void) _bt_search(index, heap, key, buffer, BT_READ, false))
#elif PG_VERSION_NUM >= 170000
#define purser_bt_search_leaf(index, heap, key, buffer, snapshot) \
	((void) (snapshot), _bt_freestack(_bt_search(index, heap, key, buffer, BT_READ)))
#elif PG_VERSION_NUM >= 160000
#define purser_bt_search_leaf(index, heap, key, buffer, snapshot) \
	_bt_freestack(_bt_search(index, heap, key, buffer, BT_READ, snapshot))
#else
#define purser_bt_search_leaf(index, heap, key, buffer, snapshot) \
	((void) (heap), _bt_freestack(_bt_search(index, key, buffer, BT_READ, snapshot)))
#endif

/* 19: pages of b-trees that are not logged have a counter in place of the log's position */
#if PG_VERSION_NUM >= 190000
#define purser_set_fake_lsn(index, page) \
	do { \
		XLogRecPtr	lsn_ = XLogGetFakeLSN(index); \
		PageSetLSN(page, lsn_); \
	} while (0)
#else
#define purser_set_fake_lsn(index, page) ((void) 0)
#endif

/* 18: the tuple to leave out of the check */
#if PG_VERSION_NUM >= 180000
#define purser_ExecCheckIndexConstraints(rri, slot, estate, conflict, tupleid, arbiters) \
	ExecCheckIndexConstraints(rri, slot, estate, conflict, tupleid, arbiters)
#else
#define purser_ExecCheckIndexConstraints(rri, slot, estate, conflict, tupleid, arbiters) \
	((void) (tupleid), ExecCheckIndexConstraints(rri, slot, estate, conflict, arbiters))
#endif

/* 18: the direction in place of a btree strategy */
#if PG_VERSION_NUM >= 180000
#define purser_PrepareSortSupportFromIndexRel(index, reverse, key) \
	PrepareSortSupportFromIndexRel(index, reverse, key)
#else
#define purser_PrepareSortSupportFromIndexRel(index, reverse, key) \
	PrepareSortSupportFromIndexRel(index, (reverse) ? BTGreaterStrategyNumber : \
								   BTLessStrategyNumber, key)
#endif

/* 16: the map from a partitioned table's row type to that of a partition is made when asked for */
#if PG_VERSION_NUM >= 160000
#define purser_ExecGetRootToChildMap(rri, estate) ExecGetRootToChildMap(rri, estate)
#else
#define purser_ExecGetRootToChildMap(rri, estate) ((rri)->ri_RootToPartitionMap)
#endif

/* 16: generated columns of INSERT and UPDATE apart; before, those of UPDATE may lack some */
#if PG_VERSION_NUM >= 160000
#define purser_init_generated(rri, estate) ((void) ExecGetExtraUpdatedCols((rri), (estate)))
#else
#define purser_init_generated(rri, estate) \
	((rri)->ri_GeneratedExprs == NULL ? \
	 ExecInitStoredGenerated((rri), (estate), CMD_INSERT) : (void) 0)
#endif

/* 18: virtual generated columns */
#if PG_VERSION_NUM >= 180000
#define purser_expand_virtual(node, rel, varno) \
	expand_generated_columns_in_expr((node), (rel), (varno))
#else
#define purser_expand_virtual(node, rel, varno) (node)
#endif

/* 16: a column that is missing may be allowed */
#if PG_VERSION_NUM >= 160000
#define purser_build_attrmap(from, to) build_attrmap_by_name_if_req((from), (to), false)
#else
#define purser_build_attrmap(from, to) build_attrmap_by_name_if_req((from), (to))
#endif

/* 16: some indexes only summarize; 19: options */
#if PG_VERSION_NUM >= 190000
#define purser_table_tuple_update(rel, tid, slot, cid, snapshot, tmfd, lockmode, indexes) \
	table_tuple_update(rel, tid, slot, cid, 0, snapshot, InvalidSnapshot, true, tmfd, lockmode, \
					   indexes)
#else
#define purser_table_tuple_update(rel, tid, slot, cid, snapshot, tmfd, lockmode, indexes) \
	table_tuple_update(rel, tid, slot, cid, snapshot, InvalidSnapshot, true, tmfd, lockmode, \
					   indexes)
#endif
/* 19: options in place of whether the row moves to another partition */
#if PG_VERSION_NUM >= 190000
#define purser_table_tuple_delete(rel, tid, cid, snapshot, wait, tmfd) \
	table_tuple_delete(rel, tid, cid, 0, snapshot, InvalidSnapshot, wait, tmfd)
#else
#define purser_table_tuple_delete(rel, tid, cid, snapshot, wait, tmfd) \
	table_tuple_delete(rel, tid, cid, snapshot, InvalidSnapshot, wait, tmfd, false)
#endif
#if PG_VERSION_NUM >= 160000
#define purser_only_summarizing(indexes) ((indexes) == TU_Summarizing)
#else
#define TU_UpdateIndexes bool
#define TU_None false
#define purser_only_summarizing(indexes) false
#endif

/* 16: the result of the lock; 18: whether MERGE asks */
#if PG_VERSION_NUM >= 180000
#define purser_ExecBRUpdateTriggers(estate, epq, rri, tid, slot, tmfd) \
	ExecBRUpdateTriggers(estate, epq, rri, tid, NULL, slot, NULL, tmfd, false)
#elif PG_VERSION_NUM >= 160000
#define purser_ExecBRUpdateTriggers(estate, epq, rri, tid, slot, tmfd) \
	ExecBRUpdateTriggers(estate, epq, rri, tid, NULL, slot, NULL, tmfd)
#else
#define purser_ExecBRUpdateTriggers(estate, epq, rri, tid, slot, tmfd) \
	ExecBRUpdateTriggers(estate, epq, rri, tid, NULL, slot, tmfd)
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

/* 17: COPY counts the rows that it skips */
#if PG_VERSION_NUM < 170000
#define PROGRESS_COPY_TUPLES_SKIPPED 6
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

/* 16: the report of malformed JSON may be a soft error */
#if PG_VERSION_NUM >= 160000
#define purser_json_ereport_error(error, lex) json_errsave_error((error), (lex), NULL)
#else
#define purser_json_ereport_error(error, lex) json_ereport_error((error), (lex))
#endif

/* 16: false in place of an error for a character that the encoding lacks */
#if PG_VERSION_NUM >= 160000
#define purser_pg_unicode_to_server(character, out) pg_unicode_to_server_noerror(character, out)
#else
#define purser_pg_unicode_to_server(character, out) (pg_unicode_to_server(character, out), true)
#endif

/* 18: uuidv7() */
#if PG_VERSION_NUM >= 180000
#define PURSER_IS_UUIDV7(funcid) ((funcid) == F_UUIDV7_ || (funcid) == F_UUIDV7_INTERVAL)
#else
#define PURSER_IS_UUIDV7(funcid) false
#endif

/* 16: the kind of an abbreviation of a time zone is an argument, and errors have details */
#if PG_VERSION_NUM >= 160000
#define purser_DecodeTimezoneAbbrev(token, kind, offset, zone) \
	((void) DecodeTimezoneAbbrev(0, (token), (kind), (offset), (zone), \
								 &(DateTimeErrorExtra) {0}))
#else
#define purser_DecodeTimezoneAbbrev(token, kind, offset, zone) \
	((void) (*(kind) = DecodeTimezoneAbbrev(0, unconstify(char *, (const char *) (token)), \
											(offset), (zone))))
#endif

/* 18: RETURNING is a node with options; for any of the statements */
#if PG_VERSION_NUM >= 180000
#define purser_set_returning(stmt, targets) \
	((stmt)->returningClause = makeNode(ReturningClause), \
	 (stmt)->returningClause->exprs = (targets))
#else
#define purser_set_returning(stmt, targets) ((stmt)->returningList = (targets))
#endif

/* 19: a row type that was put together has to be declared finished */
#if PG_VERSION_NUM >= 190000
#define purser_TupleDescFinalize(desc) TupleDescFinalize(desc)
#else
#define purser_TupleDescFinalize(desc) ((void) (desc))
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

/* 19: the planner is told what EXPLAIN wants */
#if PG_VERSION_NUM >= 190000
#define PURSER_PLANNER_PARAMS \
	Query *parse, const char *query_string, int cursorOptions, ParamListInfo boundParams, \
	ExplainState *es
#define PURSER_PLANNER_ARGS parse, query_string, cursorOptions, boundParams, es
#else
#define PURSER_PLANNER_PARAMS \
	Query *parse, const char *query_string, int cursorOptions, ParamListInfo boundParams
#define PURSER_PLANNER_ARGS parse, query_string, cursorOptions, boundParams
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

/* 16: what a setting's check hook keeps comes from guc.c, not from malloc */
#if PG_VERSION_NUM >= 160000
#define purser_guc_malloc(size) guc_malloc(LOG, (size))
#else
#define purser_guc_malloc(size) malloc(size)
#endif

/* 16: what is counted of a table got other names */
#if PG_VERSION_NUM >= 160000
#define PURSER_MODS_SINCE_ANALYZE(entry) ((entry)->mod_since_analyze)
#define PURSER_DEAD_TUPLES(entry) ((entry)->dead_tuples)
#define PURSER_LAST_ANALYZE(entry) Max((entry)->last_analyze_time, (entry)->last_autoanalyze_time)
#define PURSER_LAST_VACUUM(entry) Max((entry)->last_vacuum_time, (entry)->last_autovacuum_time)
#define PURSER_CHANGED_TUPLES(info) ((info)->counts.changed_tuples)
#else
#define PURSER_MODS_SINCE_ANALYZE(entry) ((entry)->changes_since_analyze)
#define PURSER_DEAD_TUPLES(entry) ((entry)->n_dead_tuples)
#define PURSER_LAST_ANALYZE(entry) \
	Max((entry)->analyze_timestamp, (entry)->autovac_analyze_timestamp)
#define PURSER_LAST_VACUUM(entry) Max((entry)->vacuum_timestamp, (entry)->autovac_vacuum_timestamp)
#define PURSER_CHANGED_TUPLES(info) ((info)->t_counts.t_changed_tuples)
#endif

/* 16: the statistics target of a column became smaller */
#if PG_VERSION_NUM >= 160000
#define PURSER_STATISTICS_TARGET(datum) DatumGetInt16(datum)
#else
#define PURSER_STATISTICS_TARGET(datum) DatumGetInt32(datum)
#endif

/* 16: the header of query identifiers moved, and they need no text */
#if PG_VERSION_NUM >= 160000
#define PURSER_QUERYJUMBLE_H "nodes/queryjumble.h"
#define PURSER_JUMBLE_QUERY(query, text) JumbleQuery(query)
#else
#define PURSER_QUERYJUMBLE_H "utils/queryjumble.h"
#define PURSER_JUMBLE_QUERY(query, text) JumbleQuery((query), (text))
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

/* The targets of INSERT, UPDATE, DELETE or MERGE, by their index in the range table; 19: a set */
#if PG_VERSION_NUM >= 190000
#define purser_foreach_target(index, stmt) \
	for (int index = -1; \
		 (index = bms_next_member((stmt)->resultRelationRelids, index)) >= 0;)
#else
#define purser_foreach_target(index, stmt) \
	for (int at_ = 0, targets_ = list_length((stmt)->resultRelations), index; \
		 at_ < targets_ && ((index = list_nth_int((stmt)->resultRelations, at_)) > 0); at_++)
#endif

/*
 * 19: indexes are added to what the planner knows of a table by another hook,
 * and the planner is told what EXPLAIN wants
 */
#if PG_VERSION_NUM >= 190000
#define PURSER_RELATION_HOOK_H "optimizer/pathnode.h"
#define purser_relation_hook build_simple_rel_hook
#define purser_relation_hook_type build_simple_rel_hook_type
#define PURSER_RELATION_PARAMS \
	PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte
#define PURSER_RELATION_ARGS root, rel, rte
#define PURSER_RELATION_ID (rte->rtekind == RTE_RELATION && !rte->inh ? rte->relid : InvalidOid)
#define purser_planner(query, text, options, params) \
	planner((query), (text), (options), (params), NULL)
#else
#define PURSER_RELATION_HOOK_H "optimizer/plancat.h"
#define purser_relation_hook get_relation_info_hook
#define purser_relation_hook_type get_relation_info_hook_type
#define PURSER_RELATION_PARAMS \
	PlannerInfo *root, Oid relationObjectId, bool inhparent, RelOptInfo *rel
#define PURSER_RELATION_ARGS root, relationObjectId, inhparent, rel
#define PURSER_RELATION_ID (inhparent ? InvalidOid : relationObjectId)
#define purser_planner(query, text, options, params) \
	planner((query), (text), (options), (params))
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
