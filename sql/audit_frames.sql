-- Frames of runs are left on every way out, so that what follows is counted for the right query.
LOAD 'pg_purser';
CREATE SCHEMA audit_frames;
SET search_path = audit_frames;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE t (id int PRIMARY KEY, note text);
INSERT INTO t SELECT i, 'note ' || i FROM generate_series(1, 1000) i;
CREATE TABLE p (id int, note text) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (101);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (101) TO (201);
CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (201) TO (301);
CREATE TABLE p4 PARTITION OF p FOR VALUES FROM (301) TO (401);
CREATE TABLE p5 PARTITION OF p FOR VALUES FROM (401) TO (501);
INSERT INTO p SELECT i, 'note' FROM generate_series(1, 500) i;
VACUUM ANALYZE t, p;
CREATE FUNCTION counts(OUT calls bigint, OUT unfinished bigint, OUT rows_read bigint,
                       OUT rows_returned bigint) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT calls, unfinished, rows_read, rows_returned
    FROM purser.query_stats WHERE rows_read > 0 ORDER BY rows_read, rows_returned, calls
$$;
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SET enable_indexonlyscan = off;

-- Three levels deep, the innermost fails, the one in the middle has no handler.
CREATE FUNCTION breaks(int, int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF $1 = $2 THEN
        RAISE EXCEPTION 'enough';
    END IF;
    RETURN $1;
END $$;
CREATE FUNCTION inner_level(int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT sum(breaks(id, $1)) FROM t WHERE note <> 'inner');
END $$;
CREATE FUNCTION outer_level(int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT sum(inner_level(10 * id)) FROM t WHERE id = $1 AND note <> 'middle');
EXCEPTION WHEN OTHERS THEN
    RETURN -1;
END $$;
SELECT purser.audit_reset();
SELECT sum(outer_level(id)) FROM t WHERE id <= 3 AND note <> 'outer';
-- inner: 10 + 20 + 30, middle: 1 + 2 + 3, outer: all
SELECT * FROM counts();
-- at the top a result is the client's own again, so it is found unbounded
SET purser.audit_unbounded_rows = 500;
SELECT count(*) FROM (SELECT purser.audit_reset()) r;
\o /dev/null
SELECT note FROM t;
SELECT note FROM t;
\o
SELECT rule, relation, rows_returned FROM purser.findings;
RESET purser.audit_unbounded_rows;

-- A cursor of the outer transaction fails in a subtransaction, and stays there as failed.
SELECT purser.audit_reset();
BEGIN;
DECLARE c CURSOR FOR SELECT breaks(id, 5) FROM t WHERE note <> 'c';
MOVE 3 IN c;
SAVEPOINT s;
MOVE 10 IN c;
ROLLBACK TO s;
SELECT count(*) FROM t WHERE note <> 'after';
MOVE 1 IN c;
ROLLBACK TO s;
SELECT count(*) FROM t WHERE note <> 'after';
COMMIT;
SELECT * FROM counts();

-- Cursors opened one within the other's life, left open in a subtransaction that ends by an error.
CREATE FUNCTION leaves_open(int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    a refcursor;
    b refcursor;
    r record;
BEGIN
    BEGIN
        OPEN a FOR SELECT id FROM t WHERE note <> 'a';
        FETCH a INTO r;
        OPEN b FOR SELECT note FROM t WHERE note <> 'b';
        FETCH b INTO r;
        FETCH a INTO r;
        RAISE EXCEPTION 'left open';
    EXCEPTION WHEN OTHERS THEN
        NULL;
    END;
    RETURN $1;
END $$;
SELECT purser.audit_reset();
SELECT sum(leaves_open(id)) FROM t WHERE id <= 2 AND note <> 'open';
-- b: 2 rows in 2 calls, a: 4, none finished
SELECT * FROM counts();

-- More relations than a watch has room for in itself, some of them twice, and its use again.
SELECT purser.audit_reset();
SELECT count(*) FROM p a, p b WHERE a.id = b.id AND a.id < 1000 AND a.note <> 'x';
SELECT count(*) FROM t WHERE note <> 'again';
UPDATE p SET note = 'y' WHERE id = 450;
SELECT * FROM counts();

SET client_min_messages = warning;
DROP SCHEMA audit_frames CASCADE;
