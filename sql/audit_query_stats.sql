-- What query_stats tells beyond rows read and returned.
LOAD 'pg_purser';
CREATE SCHEMA audit_query_stats;
SET search_path = audit_query_stats;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE t (id int PRIMARY KEY, grp int, pad text);
INSERT INTO t SELECT i, i % 10, repeat('x', 100) FROM generate_series(1, 5000) i;
CREATE INDEX ON t (grp);
VACUUM ANALYZE t;
-- The statement that read most, helpers read nothing.
CREATE VIEW stats AS
SELECT calls, unfinished, rows_read, rows_returned, rows_skipped, temp_blks_written > 0 AS spilled, measured, rows_discarded
FROM purser.query_stats WHERE rows_read > 0 ORDER BY rows_read DESC;

-- Measured after the first run that reads much for little; what is discarded is known of that run alone.
SELECT purser.audit_reset();
SELECT id FROM t WHERE pad < 'x';
SELECT * FROM stats;
SELECT id FROM t WHERE pad < 'x';
SELECT id FROM t WHERE pad < 'x';
SELECT * FROM stats;
-- EXPLAIN ANALYZE measures as well, EXPLAIN runs nothing
SELECT purser.audit_reset();
CREATE FUNCTION explain(query text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) ' || query;
    EXECUTE 'EXPLAIN ' || query;
END $$;
SELECT explain('SELECT id FROM t WHERE id <= 100 AND grp = 3');
SELECT * FROM stats;
-- the conditions that a bitmap scan has to check again, and joins' own conditions, which read nothing
SELECT purser.audit_reset();
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT explain('SELECT 1 FROM t a JOIN t b ON a.id + b.id = 7 WHERE a.id <= 5 AND b.id <= 40 AND b.grp = 2');
SELECT measured, rows_discarded FROM stats;
RESET enable_seqscan;
RESET enable_hashjoin;
RESET enable_mergejoin;

-- OFFSET: what it really skipped.
SELECT purser.audit_reset();
SELECT id FROM t ORDER BY id LIMIT 1 OFFSET 300;
SELECT * FROM stats;
SELECT purser.audit_reset();
SELECT id FROM t WHERE id <= 50 ORDER BY id OFFSET 300;
SELECT rows_skipped FROM stats;

-- The planner's estimate against what came: exact, too low, and of a cursor.
SELECT purser.audit_reset();
SELECT count(*), min(id) FROM (SELECT id FROM t ORDER BY pad OFFSET 0) s;
SELECT rows_estimated, rows_returned FROM purser.query_stats WHERE rows_read > 0;
SELECT purser.audit_reset();
CREATE TABLE copied AS SELECT id FROM t;
SELECT rows_estimated, rows_returned FROM purser.query_stats WHERE rows_read > 0;
SELECT purser.audit_reset();
CREATE TABLE misjudged AS SELECT id FROM t WHERE grp + 0 = id % 10;
SELECT rows_estimated BETWEEN 1 AND 100 AS low, rows_returned FROM purser.query_stats WHERE rows_read > 0;
SELECT purser.audit_reset();
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t;
MOVE 10 IN c;
COMMIT;
SELECT rows_estimated, rows_returned FROM purser.query_stats WHERE rows_read > 0;
-- not of what fails
SELECT purser.audit_reset();
SELECT 1 / (id - 100) FROM t ORDER BY pad;
SELECT unfinished, rows_estimated FROM purser.query_stats WHERE rows_read > 0;

-- Temporary blocks: for the query that spills, not for the one around it.
SELECT purser.audit_reset();
SET work_mem = '64kB';
SELECT count(*) FROM (SELECT id FROM t ORDER BY pad, id OFFSET 0) s;
SELECT * FROM stats;
CREATE FUNCTION spills(int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT count(*) FROM (SELECT id FROM t ORDER BY pad, id OFFSET 0) s);
END $$;
SELECT purser.audit_reset();
SELECT spills(id) FROM t WHERE id <= 3;
SELECT calls, rows_read, spilled FROM stats;
RESET work_mem;
SELECT purser.audit_reset();
SELECT count(*) FROM (SELECT id FROM t ORDER BY id OFFSET 0) s;
SELECT spilled FROM stats;

-- No estimate for what changes rows.
SELECT purser.audit_reset();
UPDATE t SET grp = 0 WHERE id <= 10;
SELECT rows_estimated, rows_returned FROM purser.query_stats WHERE rows_read > 0;

SET client_min_messages = warning;
DROP SCHEMA audit_query_stats CASCADE;
