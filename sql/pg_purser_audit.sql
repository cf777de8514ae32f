------------------------------------------------------------------------------
-- Audit: what queries over-fetch, and which index is missing
------------------------------------------------------------------------------

CREATE FUNCTION purser.audit_findings(
    OUT rule text, OUT severity text, OUT queryid bigint, OUT query text, OUT relation regclass,
    OUT columns text[], OUT occurrences bigint, OUT rows_read bigint, OUT rows_returned bigint,
    OUT bytes bigint, OUT wasted_ms double precision, OUT evidence jsonb, OUT suggestion text,
    OUT application_name text, OUT role text, OUT first_seen timestamptz, OUT last_seen timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'purser_audit_findings_0_1' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION purser.audit_findings() IS
'What the audit found in the queries of this database, for the view purser.findings, which says what each column holds. Error: 55000 when the audit does not run in this server.';

CREATE VIEW purser.findings AS
SELECT rule, severity, queryid, query, relation, columns, occurrences, rows_read, rows_returned,
       bytes, wasted_ms, evidence, suggestion, application_name, role, first_seen, last_seen
FROM purser.audit_findings();
COMMENT ON VIEW purser.findings IS
'What the audit found in the queries of this database, one row for each rule, query, role and object. A missing_index finding is not shown while a valid index covers it; of missing_index, non_sargable, discarded_rows, stale_statistics and row_misestimate of one table in one query, the first is shown. Text of statements is for members of pg_read_all_stats and the role that ran them.';
COMMENT ON COLUMN purser.findings.rule IS 'missing_index, unbounded_result, deep_offset, n_plus_one, wide_select, unread_rows, exact_count, non_sargable, discarded_rows, join_fanout, stale_statistics, row_misestimate, disk_spill, repeated_query, row_by_row_write or unparameterized';
COMMENT ON COLUMN purser.findings.severity IS 'low, medium or high, by the rows wasted in one occurrence (rules about what a session does: by executions; wide_select: by bytes)';
COMMENT ON COLUMN purser.findings.queryid IS 'query identifier, as in pg_stat_activity; NULL for those who may not see the text';
COMMENT ON COLUMN purser.findings.query IS 'text of the statement that was seen first, its first 1023 bytes at most';
COMMENT ON COLUMN purser.findings.relation IS 'table that the finding is about; for a partition its partitioned table';
COMMENT ON COLUMN purser.findings.columns IS 'columns of it: of the index to create, of the order, of the lookup, of the condition, or of the reference to the parent; wide_select: those that cost most bytes, at most four';
COMMENT ON COLUMN purser.findings.occurrences IS 'executions that wasted rows; n_plus_one, repeated_query, row_by_row_write: series of executions; unparameterized: 64 executions each';
COMMENT ON COLUMN purser.findings.rows_read IS 'rows read in all occurrences; missing_index: of the table alone';
COMMENT ON COLUMN purser.findings.rows_returned IS 'rows that the query returned in all occurrences';
COMMENT ON COLUMN purser.findings.bytes IS 'wide_select: bytes of the table''s columns as sent in all occurrences, measured; unbounded_result: bytes sent, measured or estimated as rows times the planner''s row width; join_fanout: sent in vain, likewise; disk_spill: of temporary files; else NULL';
COMMENT ON COLUMN purser.findings.wasted_ms IS 'milliseconds, estimated: the wasted share of the time of the executions that were timed, for all occurrences; n_plus_one and row_by_row_write: from the first statement of the series to the last; NULL when none was timed';
COMMENT ON COLUMN purser.findings.evidence IS 'figures of the latest execution that was measured; n_plus_one: the parent query too; of a loop within one statement of the client, that statement, as nested';
COMMENT ON COLUMN purser.findings.suggestion IS 'what to do about it';
COMMENT ON COLUMN purser.findings.application_name IS 'application_name of the session that was seen first';
COMMENT ON COLUMN purser.findings.role IS 'role that ran the query; each has a finding of its own';
COMMENT ON COLUMN purser.findings.first_seen IS 'start of the statement that was seen first';
COMMENT ON COLUMN purser.findings.last_seen IS 'start of the statement that was seen last';

CREATE FUNCTION purser.audit_query_stats(
    OUT queryid bigint, OUT role text, OUT calls bigint, OUT unfinished bigint, OUT uncounted bigint,
    OUT rows_read bigint, OUT rows_returned bigint, OUT rows_estimated bigint,
    OUT rows_skipped bigint, OUT rows_sent bigint, OUT bytes_sent bigint, OUT unread bigint,
    OUT rows_unread bigint, OUT temp_blks_written bigint, OUT measured bigint,
    OUT rows_discarded bigint, OUT discarded jsonb, OUT fanout double precision)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'purser_audit_query_stats_0_1' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION purser.audit_query_stats() IS
'Counts of the queries of this database, for the view purser.query_stats, which says what each column holds. Error: 55000 when the audit does not run in this server.';

CREATE VIEW purser.query_stats AS
SELECT queryid, role, calls, unfinished, uncounted, rows_read, rows_returned, rows_estimated,
       rows_skipped, rows_sent, bytes_sent, unread, rows_unread, temp_blks_written, measured,
       rows_discarded, discarded, fanout
FROM purser.audit_query_stats();
COMMENT ON VIEW purser.query_stats IS
'Counts of the queries of this database, one row for each query and role. Other sessions may add what they have counted with a delay: up to 256 executions, a second while they are busy, five as they go idle, and, idle within a transaction, until that ends.';
COMMENT ON COLUMN purser.query_stats.queryid IS 'query identifier, as in pg_stat_activity; NULL for those who may not see the text';
COMMENT ON COLUMN purser.query_stats.role IS 'role that ran the query';
COMMENT ON COLUMN purser.query_stats.calls IS 'executions';
COMMENT ON COLUMN purser.query_stats.unfinished IS 'of these, executions that ended in an error, or whose cursor a rollback took away';
COMMENT ON COLUMN purser.query_stats.uncounted IS 'of these, executions whose rows_read is incomplete, as parallel workers could not report';
COMMENT ON COLUMN purser.query_stats.rows_read IS 'rows that scans of tables and indexes read, without those of queries within the query';
COMMENT ON COLUMN purser.query_stats.rows_returned IS 'rows returned, or inserted, updated or deleted';
COMMENT ON COLUMN purser.query_stats.rows_estimated IS 'rows that the planner expected of those SELECTs that did not end in an error, as if each were read to its end';
COMMENT ON COLUMN purser.query_stats.rows_skipped IS 'rows that an OFFSET at the top of the query really skipped';
COMMENT ON COLUMN purser.query_stats.rows_sent IS 'rows of SELECTs that went to the client as they were made; not those of EXECUTE, FETCH, RETURNING and COPY, or that a function used';
COMMENT ON COLUMN purser.query_stats.bytes_sent IS 'bytes of the messages with these rows, their headers included; executions that the planner expects to return one row are counted one in 32, and taken for all by the number of rows; NULL when none was';
COMMENT ON COLUMN purser.query_stats.unread IS 'executions of which the client did not fetch the last row: its cursor, or portal with a row limit, ended before';
COMMENT ON COLUMN purser.query_stats.rows_unread IS 'rows left in these: counted where a measured sort or a hash table of groups had them all, else those that the planner expected, less those fetched';
COMMENT ON COLUMN purser.query_stats.temp_blks_written IS 'blocks of temporary files written, by sorts, hashes and others that had not enough memory, with those of parallel workers';
COMMENT ON COLUMN purser.query_stats.measured IS 'executions whose plan was instrumented, by the audit, by EXPLAIN ANALYZE or by another extension';
COMMENT ON COLUMN purser.query_stats.rows_discarded IS 'rows that scans of tables read and their conditions threw away, in the measured executions alone';
COMMENT ON COLUMN purser.query_stats.discarded IS 'rows that the nodes of the plan threw away in the measured executions, as EXPLAIN names them (node, by, relation), those of most rows first; beyond seven kinds the rest are one without names; NULL for none';
COMMENT ON COLUMN purser.query_stats.fanout IS 'in the measured executions: rows returned for each row that the scan of the table kept whose rows joins repeat (too low where an inner join drops many of these); NULL without such a join, with a LIMIT or grouping at the top, or where the plan does not tell how many rows there were';

CREATE FUNCTION purser.audit_status(
    OUT preloaded boolean, OUT shared boolean, OUT watching boolean, OUT queries bigint,
    OUT max_queries bigint, OUT evicted_queries bigint, OUT findings bigint,
    OUT max_findings bigint, OUT evicted_findings bigint, OUT saved timestamptz)
AS 'MODULE_PATHNAME', 'purser_audit_status_0_1' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION purser.audit_status() IS
'Whether the audit watches, and how full its memory is, in entries of all databases: whether the library is preloaded, so that every session is watched; whether sessions share the memory; whether the session that asks is watched, from its first call of a function of this extension on; queries and findings kept (those seen once included), how many there is room for, and how many had to make room for others since the last reset or start; and when all this was last saved, NULL when it was not, or not since the last reset. Error: 55000 when the audit does not run in this server.';

CREATE FUNCTION purser.audit_reset() RETURNS void
AS 'MODULE_PATHNAME', 'purser_audit_reset_0_1' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION purser.audit_reset() IS
'Forgets all findings and counts, those of other databases and what is saved of them too. Errors: 55000 when the audit does not run in this server; of class 58 when the file cannot be removed.';

CREATE TABLE purser.suppressions (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    rule text COLLATE "C",
    query bigint,
    relation text COLLATE "C",
    role text COLLATE "C",
    tag text COLLATE "C",
    until timestamptz,
    reason text NOT NULL,
    suppressed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    suppressed_by text COLLATE "C" NOT NULL DEFAULT CURRENT_USER
);
COMMENT ON TABLE purser.suppressions IS
'Findings that nobody wants to see; written by purser.suppress() and unsuppress(). A finding is suppressed by a row all of whose first six columns are null or fit.';
COMMENT ON COLUMN purser.suppressions.id IS 'As suppress() returned it.';
COMMENT ON COLUMN purser.suppressions.rule IS 'Name of the rule; null: any.';
COMMENT ON COLUMN purser.suppressions.query IS 'Query identifier; null: any.';
COMMENT ON COLUMN purser.suppressions.relation IS 'Table that the finding is about, with its schema, quoted where it must be; null: any.';
COMMENT ON COLUMN purser.suppressions.role IS 'Role that runs the query; null: any.';
COMMENT ON COLUMN purser.suppressions.tag IS 'Comment of the statement, or an element of it such as route=/users; null: any or none.';
COMMENT ON COLUMN purser.suppressions.until IS 'When the suppression ends; null: never.';
COMMENT ON COLUMN purser.suppressions.reason IS 'Why.';
COMMENT ON COLUMN purser.suppressions.suppressed_at IS 'When suppress() was called.';
COMMENT ON COLUMN purser.suppressions.suppressed_by IS 'By whom.';
SELECT pg_catalog.pg_extension_config_dump('purser.suppressions', '');
SELECT pg_catalog.pg_extension_config_dump('purser.suppressions_id_seq', '');

CREATE FUNCTION purser.suppressions_changed() RETURNS trigger
AS 'MODULE_PATHNAME', 'purser_suppressions_changed_0_1' LANGUAGE C;
COMMENT ON FUNCTION purser.suppressions_changed() IS
'Trigger of purser.suppressions: tells all sessions that it has changed.';
CREATE TRIGGER suppressions_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON purser.suppressions
FOR EACH STATEMENT EXECUTE FUNCTION purser.suppressions_changed();
ALTER TABLE purser.suppressions ENABLE ALWAYS TRIGGER suppressions_changed;

CREATE FUNCTION purser.suppress(
    rule text DEFAULT NULL, query bigint DEFAULT NULL, relation regclass DEFAULT NULL,
    role text DEFAULT NULL, tag text DEFAULT NULL, until timestamptz DEFAULT NULL,
    reason text DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME', 'purser_suppress_0_1' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION purser.suppress(text, bigint, regclass, text, text, timestamptz, text) IS
'Hides findings, those to come and those that are there, from the view findings, and keeps audit_notice and audit_error from them; returns the id for unsuppress(). What is null stands for any. rule: its name; query: query identifier; relation: the table that the finding is about; role: who runs the query; tag: a whole comment at the beginning or end of the statement, or an element of one, as route=/users; until: when it ends; reason: why, not null. Errors: 22004 without a reason, 22023 no such rule, tag empty or until in the past, 42704 no such role, 42809 relation is not a table.';

CREATE FUNCTION purser.unsuppress(id bigint) RETURNS void
AS 'MODULE_PATHNAME', 'purser_unsuppress_0_1' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION purser.unsuppress(bigint) IS
'Takes a suppression back: what it was for is found again. id: as suppress() returned it. Error: 42704 there is none.';

REVOKE ALL ON TABLE purser.suppressions FROM PUBLIC;
REVOKE ALL ON SEQUENCE purser.suppressions_id_seq FROM PUBLIC;
REVOKE ALL ON FUNCTION purser.suppressions_changed(),
    purser.suppress(text, bigint, regclass, text, text, timestamptz, text),
    purser.unsuppress(bigint) FROM PUBLIC;
-- Query identifiers are for those who may read all statements.
GRANT SELECT ON TABLE purser.suppressions TO pg_read_all_stats;

REVOKE ALL ON FUNCTION purser.audit_findings(), purser.audit_query_stats(), purser.audit_status(),
    purser.audit_reset() FROM PUBLIC;
REVOKE ALL ON purser.findings, purser.query_stats FROM PUBLIC;
-- The functions themselves hide what is not the reader's to see.
GRANT EXECUTE ON FUNCTION purser.audit_findings(), purser.audit_query_stats() TO PUBLIC;
GRANT EXECUTE ON FUNCTION purser.audit_status() TO pg_monitor;
GRANT SELECT ON purser.findings, purser.query_stats TO PUBLIC;

