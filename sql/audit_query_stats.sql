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
-- by node, those that threw away most first
SELECT purser.audit_reset();
SELECT explain('SELECT grp, count(*) FROM t WHERE id + 0 > 1000 GROUP BY grp HAVING min(id) > 1005');
SELECT discarded FROM purser.query_stats WHERE rows_read > 0;
SELECT purser.audit_reset();
CREATE TABLE parts (id int) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
INSERT INTO parts SELECT generate_series(0, 199);
CREATE TEMP TABLE own AS SELECT i AS id FROM generate_series(1, 50) i;
SELECT explain('SELECT FROM parts WHERE id % 2 = 0 UNION ALL SELECT FROM own WHERE id % 5 = 0');
SELECT discarded FROM purser.query_stats WHERE measured > 0;
-- a conflict's condition, and that of an outer join
CREATE TABLE written (id int PRIMARY KEY, grp int);
INSERT INTO written SELECT generate_series(1, 10), 0;
SELECT purser.audit_reset();
SELECT explain('INSERT INTO written SELECT id, 0 FROM t WHERE id <= 5 ON CONFLICT (id) DO UPDATE SET grp = 1 WHERE written.id < 3');
SELECT discarded FROM purser.query_stats WHERE measured > 0;
SELECT purser.audit_reset();
SET enable_mergejoin = off;
SET enable_nestloop = off;
SELECT explain('SELECT FROM t a LEFT JOIN t b ON a.id = b.grp AND a.grp + b.id > 40 WHERE coalesce(b.id, 0) = 0');
SELECT discarded FROM purser.query_stats WHERE measured > 0;
-- more kinds than there are places for
SELECT purser.audit_reset();
DO $$
DECLARE query text := '';
BEGIN
    FOR i IN 1 .. 10 LOOP
        EXECUTE format('CREATE TABLE many_%s AS SELECT generate_series(1, %s) AS id; ANALYZE many_%1$s', i, i * 10);
        query := query || format(' UNION ALL SELECT id FROM many_%s WHERE id + 0 < 0', i);
    END LOOP;
    PERFORM explain(substr(query, 12));
    PERFORM explain(substr(query, 12));
END $$;
SELECT d FROM purser.query_stats, jsonb_array_elements(discarded) d WHERE measured > 0 ORDER BY d->>'relation' COLLATE "C";
DROP TABLE many_1, many_2;
SELECT d FROM purser.query_stats, jsonb_array_elements(discarded) d WHERE measured > 0 ORDER BY d->>'relation' COLLATE "C", d->>'rows' COLLATE "C";
-- more queries than wait in one session
SELECT purser.audit_reset();
DO $$
BEGIN
    FOR i IN 1 .. 40 LOOP
        PERFORM explain('SELECT 1' || repeat(', 1', i) || ' FROM t WHERE id + grp < 0');
    END LOOP;
END $$;
SELECT count(*), discarded FROM purser.query_stats WHERE measured > 0 GROUP BY discarded;

-- What joins repeat: exact as long as the plan tells how many rows of the parent there were.
CREATE TABLE child (id int PRIMARY KEY, t_id int NOT NULL);
INSERT INTO child SELECT i, i % 200 + 1 FROM generate_series(1, 3000) i;
CREATE INDEX ON child (t_id);
VACUUM ANALYZE child;
SELECT purser.audit_reset();
SELECT explain('SELECT t.*, c.id FROM t JOIN child c ON c.t_id = t.id WHERE t.id <= 200');
SELECT fanout FROM purser.query_stats WHERE measured > 0;
SELECT purser.audit_reset();
SELECT explain('SELECT t.*, c.id FROM t JOIN child c ON c.t_id = t.id WHERE t.id <= 200 LIMIT 1000');
SELECT explain('SELECT t.id, count(*) FROM t JOIN child c ON c.t_id = t.id GROUP BY t.id');
SELECT explain('SELECT t.id FROM t, child c WHERE c.id <= 3');
SELECT explain('SELECT c.id, t.grp FROM child c JOIN t ON t.id = c.t_id WHERE t.id <= 200 AND false');
SELECT DISTINCT fanout FROM purser.query_stats WHERE measured > 0;
-- looked up again for each child, or once for each that differs
SELECT purser.audit_reset();
RESET enable_nestloop;
SET enable_hashjoin = off;
SET enable_memoize = off;
SELECT explain('SELECT t.*, c.id FROM child c LEFT JOIN t ON t.id = c.t_id');
SELECT fanout FROM purser.query_stats WHERE measured > 0;
SELECT purser.audit_reset();
RESET enable_memoize;
SET enable_material = off;
SELECT explain('SELECT t.*, c.id FROM child c LEFT JOIN t ON t.id = c.t_id');
SELECT fanout FROM purser.query_stats WHERE measured > 0;
RESET enable_material;
RESET enable_hashjoin;
RESET enable_mergejoin;

-- Rows that go straight to the client, and the bytes of their messages: 11 of each, and the value.
SELECT purser.audit_reset();
SELECT id FROM t WHERE id <= 2000 \g /dev/null
SELECT rows_sent, bytes_sent, (SELECT sum(11 + length(i::text)) FROM generate_series(1, 2000) i) AS truth
FROM purser.query_stats WHERE rows_read > 0;
-- not so
SELECT purser.audit_reset();
CREATE TABLE taken AS SELECT id FROM t WHERE id <= 2000;
COPY (SELECT id, id FROM t WHERE id <= 2000) TO STDOUT \g /dev/null
UPDATE t SET grp = grp WHERE id <= 20 RETURNING id \g /dev/null
PREPARE p AS SELECT pad FROM t WHERE id <= 20;
EXECUTE p \g /dev/null
SELECT DISTINCT rows_sent, bytes_sent FROM purser.query_stats WHERE rows_read > 0;
-- up to the error
SELECT purser.audit_reset();
SELECT 1 / (id - 101) FROM t WHERE id <= 200 ORDER BY id \g /dev/null
SELECT unfinished, rows_sent, bytes_sent FROM purser.query_stats WHERE rows_read > 0;

-- Rows left in cursors: sorted, handed up as they are found, under a LIMIT.
SELECT purser.audit_reset();
BEGIN;
DECLARE sorted CURSOR FOR SELECT id FROM t ORDER BY pad;
FETCH 10 IN sorted \g /dev/null
FETCH 20 IN sorted \g /dev/null
CLOSE sorted;
DECLARE found CURSOR FOR SELECT id, grp FROM t;
FETCH 1000 IN found \g /dev/null
DECLARE bounded CURSOR FOR SELECT id, pad FROM t ORDER BY id LIMIT 500;
FETCH 100 IN bounded \g /dev/null
-- read to its end, kept for later, and of a function
DECLARE ended CURSOR FOR SELECT grp FROM t;
FETCH ALL IN ended \g /dev/null
DECLARE held CURSOR WITH HOLD FOR SELECT pad FROM t;
FETCH 10 IN held \g /dev/null
DO $$
DECLARE
    c CURSOR FOR SELECT pad, grp FROM t;
BEGIN
    OPEN c;
    MOVE 10 IN c;
    CLOSE c;
END $$;
COMMIT;
CLOSE held;
SELECT rows_returned, unread, rows_unread FROM purser.query_stats WHERE rows_read > 0 ORDER BY rows_unread, rows_returned;
-- what a rollback takes away is unfinished
SELECT purser.audit_reset();
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t;
FETCH 10 IN c \g /dev/null
ROLLBACK;
SELECT unfinished, unread, rows_unread FROM purser.query_stats WHERE rows_read > 0;

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
