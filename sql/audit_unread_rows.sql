-- Cursors that are dropped after a few of the rows that were made for them.
LOAD 'pg_purser';
CREATE SCHEMA audit_unread_rows;
SET search_path = audit_unread_rows;
SET purser.audit_unread_rows = 1000;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE items (id int PRIMARY KEY, kind int, price int);
INSERT INTO items SELECT i, i % 2000, i * 7919 % 10007 FROM generate_series(1, 5000) i;
CREATE TABLE kinds (id int, name text);
INSERT INTO kinds SELECT i, 'kind ' || i FROM generate_series(0, 1999) i;
VACUUM ANALYZE items, kinds;
CREATE VIEW found AS
    SELECT rule, severity, relation, occurrences, rows_returned, evidence, suggestion
    FROM purser.findings ORDER BY rule, relation::text;

-- sorted, closed early: the second run is measured
SELECT purser.audit_reset();
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM items ORDER BY price;
FETCH 10 FROM c \g /dev/null
CLOSE c;
SELECT * FROM found;
DECLARE c CURSOR FOR SELECT * FROM items ORDER BY price;
FETCH 10 FROM c \g /dev/null
FETCH 5 FROM c \g /dev/null
CLOSE c;
SELECT rule, severity, relation, occurrences, rows_returned, evidence FROM found;
-- lost at the end of the transaction; the figures stay those of the run that was measured
DECLARE c CURSOR FOR SELECT * FROM items ORDER BY price;
FETCH 10 FROM c \g /dev/null
COMMIT;
SELECT * FROM found;

-- grouped by hashing: the groups are counted
SET enable_sort = off;
SELECT purser.audit_reset();
BEGIN;
DECLARE c CURSOR FOR SELECT kind, count(*) FROM items GROUP BY kind;
FETCH 10 FROM c \g /dev/null
CLOSE c;
DECLARE c CURSOR FOR SELECT kind, count(*) FROM items GROUP BY kind;
FETCH 10 FROM c \g /dev/null
COMMIT;
SELECT rule, relation, occurrences, evidence FROM found;
RESET enable_sort;

-- a hash join: the rest is the planner's estimate
SET enable_nestloop = off;
SET enable_mergejoin = off;
SELECT purser.audit_reset();
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM items i JOIN kinds k ON k.id = i.kind;
FETCH 10 FROM c \g /dev/null
CLOSE c;
DECLARE c CURSOR FOR SELECT * FROM items i JOIN kinds k ON k.id = i.kind;
FETCH 10 FROM c \g /dev/null
COMMIT;
SELECT rule, relation, occurrences, evidence->'rows_read' AS rows_read,
    (evidence->>'rows_left')::int BETWEEN 4000 AND 6000 AS rows_left, evidence->'estimated' AS estimated
FROM found;
RESET enable_nestloop;
RESET enable_mergejoin;

-- near misses, each three times
SELECT purser.audit_reset();
-- read to the end, in pieces, and with a last piece that is empty
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM items ORDER BY price, id;
FETCH 4000 FROM c \g /dev/null
FETCH 4000 FROM c \g /dev/null
CLOSE c;
DECLARE c CURSOR FOR SELECT * FROM items ORDER BY price, id;
FETCH 4000 FROM c \g /dev/null
FETCH ALL FROM c \g /dev/null
CLOSE c;
DECLARE c CURSOR FOR SELECT * FROM items ORDER BY price, id;
FETCH 2500 FROM c \g /dev/null
FETCH 2500 FROM c \g /dev/null
FETCH 2500 FROM c \g /dev/null
CLOSE c;
-- most of it, then enough
DECLARE c CURSOR FOR SELECT id FROM items ORDER BY price;
FETCH 3000 FROM c \g /dev/null
CLOSE c;
DECLARE c CURSOR FOR SELECT id FROM items ORDER BY price;
FETCH 3000 FROM c \g /dev/null
CLOSE c;
-- rows handed up as they are found: a scan, an index in order
DECLARE c CURSOR FOR SELECT * FROM items;
FETCH 1 FROM c \g /dev/null
CLOSE c;
DECLARE c CURSOR FOR SELECT * FROM items;
FETCH 1 FROM c \g /dev/null
CLOSE c;
DECLARE c CURSOR FOR SELECT * FROM items ORDER BY id;
FETCH 1 FROM c \g /dev/null
CLOSE c;
DECLARE c CURSOR FOR SELECT * FROM items ORDER BY id;
FETCH 1 FROM c \g /dev/null
CLOSE c;
-- with a LIMIT of its own
DECLARE c CURSOR FOR SELECT * FROM items ORDER BY price LIMIT 4000;
FETCH 1 FROM c \g /dev/null
CLOSE c;
DECLARE c CURSOR FOR SELECT * FROM items ORDER BY price LIMIT 4000;
FETCH 1 FROM c \g /dev/null
CLOSE c;
-- few rows are left
DECLARE c CURSOR FOR SELECT * FROM items WHERE id <= 900 ORDER BY price;
FETCH 1 FROM c \g /dev/null
CLOSE c;
DECLARE c CURSOR FOR SELECT * FROM items WHERE id <= 900 ORDER BY price;
FETCH 1 FROM c \g /dev/null
CLOSE c;
-- nothing was fetched; rows were only skipped
DECLARE c CURSOR FOR SELECT * FROM items ORDER BY price DESC;
CLOSE c;
DECLARE c CURSOR FOR SELECT * FROM items ORDER BY price DESC;
CLOSE c;
DECLARE c CURSOR FOR SELECT * FROM items ORDER BY price DESC;
MOVE 10 FROM c;
CLOSE c;
-- once only
DECLARE c CURSOR FOR SELECT kind FROM items ORDER BY price DESC;
FETCH 10 FROM c \g /dev/null
CLOSE c;
-- kept by the server: all rows were read
DECLARE held CURSOR WITH HOLD FOR SELECT price, id FROM items ORDER BY price;
FETCH 1 FROM held \g /dev/null
COMMIT;
FETCH 1 FROM held \g /dev/null
CLOSE held;
DECLARE held CURSOR WITH HOLD FOR SELECT price, id FROM items ORDER BY price;
FETCH 1 FROM held \g /dev/null
CLOSE held;
-- loops of functions that end early, and what has a LIMIT
DO $$
DECLARE r record; c refcursor;
BEGIN
    FOR i IN 1..3 LOOP
        FOR r IN SELECT price FROM items ORDER BY price LOOP EXIT; END LOOP;
        OPEN c FOR SELECT kind, price FROM items ORDER BY price; FETCH c INTO r; CLOSE c;
    END LOOP;
END $$;
SELECT * FROM items ORDER BY price LIMIT 1 \g /dev/null
SELECT * FROM items ORDER BY price LIMIT 1 \g /dev/null
SELECT EXISTS (SELECT FROM items ORDER BY price) \g /dev/null
SELECT EXISTS (SELECT FROM items ORDER BY price) \g /dev/null
-- the whole result
SELECT * FROM items ORDER BY price \g /dev/null
SELECT * FROM items ORDER BY price \g /dev/null
-- rolled back
BEGIN;
DECLARE c CURSOR FOR SELECT price FROM items ORDER BY kind, price;
FETCH 10 FROM c \g /dev/null
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT price FROM items ORDER BY kind, price;
FETCH 10 FROM c \g /dev/null
ROLLBACK;
SELECT * FROM found;

-- a cursor that a function opened for the client is the client's
CREATE FUNCTION cheapest(refcursor) RETURNS refcursor LANGUAGE plpgsql AS
'BEGIN OPEN $1 FOR SELECT i.* FROM audit_unread_rows.items i ORDER BY price; RETURN $1; END';
BEGIN;
SELECT cheapest('c');
FETCH 10 FROM c \g /dev/null
CLOSE c;
SELECT cheapest('c');
FETCH 10 FROM c \g /dev/null
COMMIT;
SELECT rule, relation, occurrences FROM found;

SET client_min_messages = warning;
DROP SCHEMA audit_unread_rows CASCADE;
