-- A missing index is advice only when the planner would take it.
LOAD 'pg_purser';
CREATE SCHEMA audit_what_if;
SET search_path = audit_what_if;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
CREATE TABLE orders (id bigint PRIMARY KEY, customer int, email text COLLATE "C", placed date, total numeric);
INSERT INTO orders
SELECT i, i % 1000, 'u' || i % 2000 || '@example.org', date '2025-01-01' + i % 700, i
FROM generate_series(1, 5000) i;
VACUUM ANALYZE orders;

-- What was found since the reset, costs compared.
CREATE VIEW found AS
SELECT rule, relation, columns, occurrences, (evidence->>'cost_before')::float8 > 0 AS before,
       (evidence->>'cost_after')::float8 * 2 < (evidence->>'cost_before')::float8 AS halved, suggestion
FROM purser.findings ORDER BY relation::text, columns;

-- A plain query, sent as it is.
SELECT purser.audit_reset();
SELECT count(*) FROM orders WHERE customer = 7;
SELECT count(*) FROM orders WHERE customer = 7;
SELECT * FROM found;
-- costs stay when later runs are measured, and are not taken again
SELECT evidence AS first FROM purser.findings \gset
SET purser.audit_what_if_interval = 3600;
DO $$ BEGIN FOR i IN 1..250 LOOP EXECUTE 'SELECT count(*) FROM audit_what_if.orders WHERE customer = 7'; END LOOP; END $$;
SELECT count(*) FROM orders WHERE customer = 7;
SELECT evidence = :'first' AS same FROM purser.findings WHERE query LIKE 'SELECT count%';

-- they are those of the real index
CREATE FUNCTION cost_of(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    RETURN plan->0->'Plan'->>'Total Cost';
END $$;
SELECT round(cost_of('SELECT count(*) FROM orders WHERE customer = 7')) = (:'first'::json->>'cost_before')::float8 AS same;
CREATE INDEX real ON orders (customer);
SELECT abs(cost_of('SELECT count(*) FROM orders WHERE customer = 7') - (:'first'::json->>'cost_after')::float8) < 2 AS near;
SELECT count(*) AS shown FROM purser.findings;
DROP INDEX real;

-- A prepared one, with custom plans, and with a generic plan that is there already: what the measured
-- run shows is put off to the next one, which is planned anew.
SELECT purser.audit_reset();
PREPARE by_customer (int) AS SELECT count(*) FROM orders WHERE customer = $1;
EXECUTE by_customer (1);
EXECUTE by_customer (2);
SELECT * FROM found;
SET plan_cache_mode = force_generic_plan;
DEALLOCATE by_customer;
PREPARE by_customer (int) AS SELECT count(*) FROM orders WHERE customer = $1;
SET purser.audit = off;
EXECUTE by_customer (1);
SET purser.audit = on;
DO $$ BEGIN FOR i IN 1..20 LOOP EXECUTE 'SELECT ' || i || ' + count(*) FROM pg_class c' || i; END LOOP; END $$;
SELECT purser.audit_reset();
EXECUTE by_customer (1);
EXECUTE by_customer (2);
SELECT * FROM found;
EXECUTE by_customer (3);
SELECT * FROM found;
RESET plan_cache_mode;

-- Statements of functions: with all rows, the first, and in a loop; also when nothing is returned.
CREATE FUNCTION all_of(int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN RETURN (SELECT sum(total) FROM audit_what_if.orders WHERE customer = $1); END $$;
CREATE FUNCTION one_of(int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE one bigint; BEGIN SELECT id INTO one FROM audit_what_if.orders o WHERE customer = $1 AND id > 4000; RETURN one; END $$;
CREATE FUNCTION each_of(int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE one record; n bigint := 0;
BEGIN FOR one IN SELECT * FROM audit_what_if.orders WHERE customer = $1 LOOP n := n + one.id; END LOOP; RETURN n; END $$;
SELECT purser.audit_reset();
SELECT all_of(i), one_of(i), each_of(i) FROM generate_series(1, 3) i;
SELECT rule, columns, occurrences, before, halved FROM found;
-- The planner would not take it, or thinks too little of it.
SELECT purser.audit_reset();
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SET enable_indexonlyscan = off;
SELECT count(*) FROM orders WHERE customer = 9;
SELECT count(*) FROM orders WHERE customer = 9;
SELECT * FROM found;
RESET enable_indexscan;
RESET enable_bitmapscan;
RESET enable_indexonlyscan;
-- what a what-if has refuted stays so until it is asked again
DO $$ BEGIN FOR i IN 1..101 LOOP EXECUTE 'SELECT count(*) FROM audit_what_if.orders WHERE customer = 9'; END LOOP; END $$;
SELECT count(*) FROM orders WHERE customer = 9;
SELECT rule FROM purser.findings WHERE query LIKE 'SELECT count%';
SET purser.audit_min_gain = 100;
SELECT purser.audit_reset();
SELECT count(*) FROM orders WHERE customer = 9;
SELECT count(*) FROM orders WHERE customer = 9;
SELECT * FROM found;
-- without replanning a finding stands on what was measured
SET purser.audit_what_if_interval = -1;
SELECT purser.audit_reset();
SELECT count(*) FROM orders WHERE customer = 9;
SELECT count(*) FROM orders WHERE customer = 9;
SELECT * FROM found;
RESET purser.audit_what_if_interval;
RESET purser.audit_min_gain;

-- Joins, views, partitions, changes.
CREATE TABLE events (id int, kind int, note text) PARTITION BY RANGE (id);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (800);
CREATE TABLE events_2 (note text, gone int, kind int, id int);
ALTER TABLE events_2 DROP COLUMN gone;
ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM (800) TO (8000);
INSERT INTO events SELECT i, i % 500, 'x' FROM generate_series(1, 3000) i;
ANALYZE events;
CREATE VIEW recent AS SELECT id, customer AS who, total FROM orders WHERE placed > '2025-01-02';
CREATE FUNCTION try(query text) RETURNS SETOF found LANGUAGE plpgsql AS $$
BEGIN
    PERFORM purser.audit_reset();
    EXECUTE query;
    EXECUTE query;
    RETURN QUERY SELECT * FROM found;
END $$;
SELECT * FROM try('SELECT * FROM events WHERE kind = 3');
SELECT * FROM try('SELECT * FROM recent WHERE who = 7');
SELECT * FROM try('SELECT * FROM orders o JOIN events e ON e.id = o.id WHERE o.customer = 7 AND e.kind = 7');
SELECT * FROM try('WITH c AS MATERIALIZED (SELECT * FROM orders WHERE customer = 7) SELECT count(*) FROM c');
SELECT * FROM try('SELECT (SELECT count(*) FROM orders WHERE customer = 7)');
SELECT * FROM try('UPDATE orders SET total = 0 WHERE customer = 7');
SELECT * FROM try('DELETE FROM orders WHERE customer = -7');

-- Nothing hypothetical is left behind, and what planning does again does not show.
EXPLAIN (COSTS off) SELECT * FROM orders WHERE customer = 7;
EXPLAIN (COSTS off) EXECUTE by_customer (7);
-- a function of a procedural language could be heard, so it is not called again
CREATE TABLE names (n int, name text);
INSERT INTO names SELECT i, 'n' || i FROM generate_series(1, 3000) i;
ANALYZE names;
CREATE FUNCTION noisy(int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE 'asked for %', $1; RETURN 'n' || $1; END $$;
SELECT purser.audit_reset();
SELECT n FROM names WHERE name = noisy(7);
SELECT n FROM names WHERE name = noisy(7);
SELECT * FROM found;

-- nor one in SQL, whose statements others would count and log
CREATE FUNCTION the_name() RETURNS text STABLE LANGUAGE sql AS
$$ SELECT name FROM audit_what_if.names WHERE name = 'n5' LIMIT 1 $$;
SELECT purser.audit_reset();
SELECT n FROM names WHERE name = the_name();
SELECT n FROM names WHERE name = the_name();
SELECT n FROM names WHERE name = the_name();
SELECT before, halved FROM found WHERE suggestion IS NOT NULL;

-- An error of planning again ends there: with its parameters a division by zero is computed at once.
PREPARE fails (text, int) AS SELECT n FROM names WHERE name = $1 AND 1 / $2 > n;
SET plan_cache_mode = force_generic_plan;
SELECT purser.audit_reset();
BEGIN;
EXECUTE fails ('nobody', 0);
EXECUTE fails ('nobody', 0);
SELECT count(*) FROM names;
COMMIT;
SELECT * FROM found;
RESET plan_cache_mode;

-- In a transaction that goes on, with savepoints, and in one that has failed.
SELECT purser.audit_reset();
BEGIN;
SELECT count(*) FROM orders WHERE customer = 7;
SAVEPOINT one;
SELECT count(*) FROM orders WHERE customer = 7;
SELECT 1 / 0;
ROLLBACK TO one;
SELECT count(*) FROM orders WHERE customer = 7;
COMMIT;
SELECT * FROM found;

SET client_min_messages = warning;
DROP SCHEMA audit_what_if CASCADE;
