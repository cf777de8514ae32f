-- Who may see and do what.
LOAD 'pg_purser';
CREATE SCHEMA audit_access;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE audit_access.t AS SELECT i AS id, 'secret ' || i AS word FROM generate_series(1, 3000) i;
ANALYZE audit_access.t;
CREATE ROLE regress_audit_owner;
CREATE ROLE regress_audit_other;
CREATE ROLE regress_audit_reader IN ROLE pg_read_all_stats;
GRANT USAGE ON SCHEMA audit_access TO regress_audit_owner;
GRANT SELECT ON audit_access.t TO regress_audit_owner;
CREATE VIEW audit_access.found AS
SELECT queryid IS NOT NULL AS has_id, query, relation, columns, occurrences, evidence ? 'parent_query' AS has_parent, suggestion, role
FROM purser.findings WHERE relation = 'audit_access.t'::regclass ORDER BY rule;
GRANT USAGE ON SCHEMA audit_access TO PUBLIC;
GRANT SELECT ON audit_access.found TO PUBLIC;

SELECT purser.audit_reset();
SET ROLE regress_audit_owner;
SELECT id FROM audit_access.t ORDER BY id LIMIT 12 \g /dev/null
SELECT format('SELECT id FROM audit_access.t WHERE id = %s', n) FROM generate_series(1, 12) n \gexec
SELECT id FROM audit_access.t WHERE word = 'secret 7';
SELECT id FROM audit_access.t WHERE word = 'secret 8';
SELECT * FROM audit_access.found;
SET ROLE regress_audit_other;
SELECT * FROM audit_access.found;
SELECT bool_and(queryid IS NULL) AS hidden, role FROM purser.query_stats WHERE role = 'regress_audit_owner' GROUP BY role;
-- the counts and the names of tables are for all
SELECT DISTINCT queryid, bytes_sent > 0 AS sent, d - 'rows' AS discarded
FROM purser.query_stats, jsonb_array_elements(discarded) d WHERE role = 'regress_audit_owner' ORDER BY sent;
SET ROLE regress_audit_reader;
SELECT * FROM audit_access.found;
SELECT bool_and(queryid IS NOT NULL) AS shown, role FROM purser.query_stats WHERE role = 'regress_audit_owner' GROUP BY role;
-- each role that runs a query has findings of its own, which are told apart
RESET ROLE;
GRANT SELECT ON audit_access.t TO regress_audit_other;
SET ROLE regress_audit_other;
SELECT id FROM audit_access.t WHERE word = 'secret 9';
SELECT * FROM audit_access.found WHERE role = 'regress_audit_other';
SELECT id FROM audit_access.t WHERE word = 'secret 10';
SELECT id FROM audit_access.t WHERE word = 'secret 11';
SELECT id FROM audit_access.t ORDER BY id LIMIT 12 \g /dev/null
SELECT format('SELECT id FROM audit_access.t WHERE id = %s', n) FROM generate_series(1, 12) n \gexec
SELECT * FROM audit_access.found ORDER BY suggestion, role;
SET ROLE regress_audit_reader;
SELECT role, has_id, query, occurrences FROM audit_access.found ORDER BY suggestion, role;
-- nobody but the owner forgets, or turns the audit off
SELECT purser.audit_reset();
SET purser.audit = off;
SET purser.audit_min_rows = 5;
RESET ROLE;
GRANT EXECUTE ON FUNCTION purser.audit_reset() TO regress_audit_other;
SET ROLE regress_audit_other;
SELECT purser.audit_reset();
SELECT * FROM audit_access.found;
SELECT * FROM purser.audit_status();
RESET ROLE;
REVOKE EXECUTE ON FUNCTION purser.audit_reset() FROM regress_audit_other;
SELECT queries BETWEEN 1 AND max_queries AS queries, findings BETWEEN 0 AND max_findings AS findings
FROM purser.audit_status();

-- Is this session watched, is every one?
SELECT preloaded = (current_setting('shared_preload_libraries') ~ 'pg_purser') AS preloaded, watching
FROM purser.audit_status();
SET purser.audit = off;
SELECT watching FROM purser.audit_status();
RESET purser.audit;
SET track_counts = off;
SELECT watching FROM purser.audit_status();
RESET track_counts;
SET compute_query_id = off;
SELECT watching FROM purser.audit_status();
SET compute_query_id = on;
SELECT watching FROM purser.audit_status();
RESET compute_query_id;

-- What one role got is no parent of what the session looks up as another.
SELECT purser.audit_reset();
SELECT id, 'hidden' FROM audit_access.t WHERE id < 15 \g /dev/null
SET ROLE regress_audit_owner;
SELECT format('SELECT id FROM audit_access.t WHERE id = %s', n) FROM generate_series(1, 14) n \gexec
SELECT rule, evidence FROM purser.findings WHERE rule = 'n_plus_one';
RESET ROLE;
SELECT purser.audit_reset();

-- The text is the statement's own part, whole characters of it, and not too much.
SELECT 1 AS one \; SELECT count(*) FROM audit_access.t WHERE word = 'x' \; SELECT 2 AS two;
SELECT 1 AS one \; SELECT count(*) FROM audit_access.t WHERE word = 'x' \; SELECT 2 AS two;
SELECT query FROM audit_access.found;
SELECT purser.audit_reset();
SELECT 'SELECT count(*) FROM audit_access.t WHERE word = ''' || repeat('ü', 800) || ''''
FROM generate_series(1, 2) \gexec
SELECT octet_length(query), length(query) FROM audit_access.found;

-- Settings and their bounds.
SELECT name, setting, unit, context, min_val FROM pg_settings
WHERE name LIKE 'purser.audit%' AND context IN ('superuser', 'user') ORDER BY name COLLATE "C";
SET purser.audit_min_rows = 0;
SET purser.audit_n_plus_one = 1;

DROP SCHEMA audit_access CASCADE;
DROP ROLE regress_audit_owner;
DROP ROLE regress_audit_other;
DROP ROLE regress_audit_reader;
-- a role that is gone has no name
SELECT count(*) FROM purser.findings WHERE role = 'regress_audit_owner';
