-- Rows read are counted as EXPLAIN ANALYZE counts them, for each query alone.
LOAD 'pg_purser';
CREATE SCHEMA audit_counts;
SET search_path = audit_counts;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE t (id int PRIMARY KEY, grp int, note text);
INSERT INTO t SELECT i, i % 10, 'note ' || i FROM generate_series(1, 3000) i;
CREATE TABLE u (id int PRIMARY KEY, t_id int);
INSERT INTO u SELECT i, i * 3 FROM generate_series(1, 500) i;
CREATE INDEX t_grp ON t (grp);
VACUUM ANALYZE t, u;

-- The rows that the scans of a query read, as EXPLAIN ANALYZE has them.
CREATE FUNCTION explained(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, BUFFERS OFF, FORMAT JSON) ' || query INTO plan;
    RETURN (SELECT sum(round((n->'Actual Rows')::numeric * (n->'Actual Loops')::numeric)
                       + coalesce((n->'Rows Removed by Filter')::numeric, 0) * (n->'Actual Loops')::numeric)
            FROM jsonb_path_query(plan, 'strict $.**') n
            WHERE jsonb_typeof(n) = 'object'
              AND n->>'Node Type' IN ('Seq Scan', 'Index Scan', 'Index Only Scan', 'Bitmap Heap Scan'));
END $$;
CREATE FUNCTION id_of(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (VERBOSE, FORMAT JSON) ' || query INTO plan;
    RETURN plan->0->'Query Identifier';
END $$;
CREATE FUNCTION counted(query text, OUT calls bigint, OUT unfinished bigint, OUT uncounted bigint,
                        OUT rows_read bigint, OUT rows_returned bigint) LANGUAGE sql AS $$
    SELECT calls, unfinished, uncounted, rows_read, rows_returned
    FROM purser.query_stats WHERE queryid = id_of(query);
$$;
-- Those that read something; a cursor's query has an identifier of its own only from 18.
CREATE VIEW that_read AS
    SELECT calls, unfinished, uncounted, rows_read, rows_returned
    FROM purser.query_stats WHERE rows_read > 0 ORDER BY rows_read;

-- One run, then one with EXPLAIN ANALYZE: twice what the latter says.
CREATE TABLE queries (n serial, query text);
INSERT INTO queries (query) VALUES
    ('SELECT count(*) FROM t'),
    ('SELECT * FROM t WHERE note = ''note 7'''),
    ('SELECT * FROM t WHERE id = 42'),
    ('SELECT * FROM t WHERE id BETWEEN 100 AND 300 AND grp = 3'),
    ('SELECT count(*) FROM t a JOIN t b ON a.id = b.id + 1'),
    ('SELECT count(*) FROM u JOIN t ON t.id = u.t_id WHERE t.grp = 6'),
    ('SELECT * FROM t ORDER BY id LIMIT 5 OFFSET 100'),
    ('SELECT (SELECT count(*) FROM u WHERE u.t_id = t.id) FROM t WHERE id IN (3, 6, 9)'),
    ('SELECT 1 FROM generate_series(1, 10)');
CREATE FUNCTION compare() RETURNS TABLE (n int, calls bigint, equal boolean, rows_returned bigint)
LANGUAGE plpgsql AS $$
DECLARE
    q record;
    truth bigint;
BEGIN
    FOR q IN SELECT * FROM queries ORDER BY queries.n LOOP
        PERFORM purser.audit_reset();
        EXECUTE q.query;
        truth := explained(q.query);
        RETURN QUERY SELECT q.n, c.calls, c.rows_read = 2 * coalesce(truth, 0), c.rows_returned FROM counted(q.query) c;
    END LOOP;
END $$;
SELECT * FROM compare();
SET enable_seqscan = off;
SELECT * FROM compare();
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
-- EXPLAIN rounds the rows of each of 3000 loops in 5, and empty pages are skipped in 1
SELECT * FROM compare() WHERE n NOT IN (1, 5);
RESET enable_seqscan;
RESET enable_indexscan;
RESET enable_indexonlyscan;

-- A function that reads the same table as the query that calls it.
CREATE FUNCTION inner_count(int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT count(*) FROM t WHERE grp = 4 AND note <> '');
END $$;
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SELECT purser.audit_reset();
SELECT sum(inner_count(id)) FROM t WHERE id <= 20;
SELECT 'outer' AS query, * FROM counted('SELECT sum(inner_count(id)) FROM t WHERE id <= 20')
UNION ALL
SELECT 'inner', * FROM counted('SELECT (SELECT count(*) FROM t WHERE grp = 4 AND note <> '''')');
RESET enable_indexscan;
RESET enable_bitmapscan;

-- Triggers, before and after, and the foreign key's own queries.
CREATE TABLE log (t_id int REFERENCES t, seen bigint);
CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.seen := (SELECT count(*) FROM u WHERE t_id > 0);
    RETURN NEW;
END $$;
CREATE TRIGGER log_it BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION log_it();
CREATE FUNCTION log_after() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM count(*) FROM u WHERE t_id > 1;
    RETURN NULL;
END $$;
CREATE TRIGGER log_after AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION log_after();
SELECT purser.audit_reset();
INSERT INTO log SELECT t_id FROM u WHERE id <= 4;
SELECT 'insert' AS query, * FROM counted('INSERT INTO log SELECT t_id FROM u WHERE id <= 4')
UNION ALL
SELECT 'before', * FROM counted('SELECT (SELECT count(*) FROM u WHERE t_id > 0)')
UNION ALL
SELECT 'after', * FROM counted('SELECT count(*) FROM u WHERE t_id > 1');

-- A data-modifying WITH that is completed after the main query.
SELECT purser.audit_reset();
WITH d AS (DELETE FROM log RETURNING t_id) SELECT count(*) FROM u WHERE id <= 2;
SELECT * FROM counted('WITH d AS (DELETE FROM log RETURNING t_id) SELECT count(*) FROM u WHERE id <= 2');

-- Cursors, interleaved: each fetch is a run of its own query.
SELECT purser.audit_reset();
BEGIN;
DECLARE c1 CURSOR FOR SELECT id FROM t WHERE note <> '';
DECLARE c2 CURSOR FOR SELECT note FROM t WHERE id > 0 AND note <> '';
\pset format unaligned
FETCH 2 FROM c1;
FETCH 3 FROM c2;
FETCH 3 FROM c1;
FETCH BACKWARD 1 FROM c1;
MOVE 10 IN c2;
\pset format aligned
CLOSE c1;
COMMIT;
SELECT * FROM that_read;

-- Errors in the middle: counted up to there, and what follows is right.
CREATE FUNCTION fails_at(int, int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF $1 = $2 THEN
        RAISE EXCEPTION 'enough';
    END IF;
    RETURN $1;
END $$;
SELECT purser.audit_reset();
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SELECT sum(fails_at(id, 1000)) FROM t WHERE note <> '';
SELECT sum(fails_at(id, 0)) FROM t WHERE note <> '';
SELECT * FROM counted('SELECT sum(fails_at(id, 0)) FROM t WHERE note <> ''''');
-- caught within a query that reads the same table
CREATE FUNCTION survives(int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    PERFORM sum(fails_at(id, 100)) FROM t WHERE note < 'z';
    RETURN 0;
EXCEPTION WHEN OTHERS THEN
    RETURN 1;
END $$;
SELECT purser.audit_reset();
SELECT sum(survives(id)) FROM t WHERE id <= 3 AND note <> '';
SELECT 'outer' AS query, * FROM counted('SELECT sum(survives(id)) FROM t WHERE id <= 3 AND note <> ''''')
UNION ALL
SELECT 'inner', * FROM counted('SELECT sum(fails_at(id, 100)) FROM t WHERE note < ''z''');
-- a cursor that a rollback takes away
SELECT purser.audit_reset();
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t WHERE note > 'a';
MOVE 7 IN c;
ROLLBACK;
SELECT * FROM that_read;

-- Prepared statements, with custom and with generic plans.
PREPARE p (int) AS SELECT count(*) FROM t WHERE grp = $1 AND note <> '';
CREATE FUNCTION of_prepared() RETURNS TABLE (calls bigint, rows_read bigint, rows_returned bigint) LANGUAGE sql AS
$$ SELECT calls, rows_read, rows_returned FROM purser.query_stats WHERE calls = 3 $$;
SET plan_cache_mode = force_custom_plan;
SELECT purser.audit_reset();
EXECUTE p (1);
EXECUTE p (2);
EXECUTE p (3);
SELECT * FROM of_prepared();
SET plan_cache_mode = force_generic_plan;
SELECT purser.audit_reset();
EXECUTE p (1);
EXECUTE p (2);
EXECUTE p (3);
SELECT * FROM of_prepared();
RESET plan_cache_mode;
RESET enable_indexscan;
RESET enable_bitmapscan;

-- A procedure that commits between its queries.
CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..3 LOOP
        PERFORM count(*) FROM u WHERE t_id >= 0;
        COMMIT;
    END LOOP;
END $$;
SELECT purser.audit_reset();
CALL commits();
SELECT * FROM counted('SELECT count(*) FROM u WHERE t_id >= 0');

-- Utility statements that carry a query; EXPLAIN alone runs nothing.
SELECT purser.audit_reset();
CREATE TABLE copied AS SELECT * FROM u WHERE t_id > 3;
COPY (SELECT * FROM u WHERE t_id > 3) TO '/dev/null';
EXPLAIN (COSTS OFF) SELECT * FROM u WHERE t_id > 3;
SELECT sum(calls), sum(rows_read), sum(rows_returned) FROM that_read;

-- Off is off; without counters or identifiers all is quiet.
SELECT purser.audit_reset();
SET purser.audit = off;
SELECT count(*) FROM u WHERE t_id > 4;
SELECT * FROM counted('SELECT count(*) FROM u WHERE t_id > 4');
RESET purser.audit;
SET track_counts = off;
SELECT count(*) FROM u WHERE t_id > 4;
RESET track_counts;
SELECT * FROM counted('SELECT count(*) FROM u WHERE t_id > 4');
SET compute_query_id = off;
SELECT count(*) FROM u WHERE t_id > 5;
RESET compute_query_id;
SELECT calls FROM counted('SELECT count(*) FROM u WHERE t_id > 5');

SET client_min_messages = warning;
DROP SCHEMA audit_counts CASCADE;
