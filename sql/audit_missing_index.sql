-- Filters that throw rows away, and the index that would have spared it.
LOAD 'pg_purser';
CREATE SCHEMA audit_index;
SET search_path = audit_index;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
CREATE TABLE orders (
    id bigint PRIMARY KEY, customer int, email text COLLATE "C", state varchar(10), paid boolean,
    placed date, total numeric, doc json);
INSERT INTO orders
SELECT i, i % 1000, 'u' || i % 2000 || '@example.org', CASE WHEN i % 3 = 0 THEN 'open' ELSE 'done' END,
       i % 100 <> 0, date '2025-01-01' + i % 700, i, '{}'
FROM generate_series(1, 5000) i;
VACUUM ANALYZE orders;
CREATE TABLE small (id int, name text);
INSERT INTO small SELECT i, 'n' || i FROM generate_series(1, 500) i;
ANALYZE small;

-- Runs each query so often, after a reset, and says what was found.
CREATE FUNCTION try(query text, runs int DEFAULT 2)
RETURNS TABLE (rule text, relation regclass, columns text[], occurrences bigint, rows_read bigint,
               rows_returned bigint, evidence jsonb, suggestion text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM purser.audit_reset();
    FOR i IN 1..runs LOOP
        EXECUTE query;
    END LOOP;
    RETURN QUERY SELECT f.rule, f.relation, f.columns, f.occurrences, f.rows_read, f.rows_returned,
                        f.evidence - 'cost_before' - 'cost_after', f.suggestion
                 FROM purser.findings f WHERE f.rule = 'missing_index' ORDER BY f.relation::text, f.columns;
END $$;

-- Once is chance, twice is a finding, and further runs add to it.
SELECT * FROM try('SELECT * FROM orders WHERE customer = 7', 1);
SELECT * FROM try('SELECT * FROM orders WHERE customer = 7', 2);
SELECT * FROM try('SELECT * FROM orders WHERE customer = 7', 150);
SELECT severity, bytes IS NULL AS no_bytes, wasted_ms > 0 AS wasted, query, role = current_user AS role,
       first_seen <= last_seen AS seen
FROM purser.findings;

-- The most selective column first, and no more columns than it takes.
SELECT rule, columns, suggestion FROM try('SELECT * FROM orders WHERE placed > ''2026-10-01'' AND customer = 7');
SELECT rule, columns, suggestion FROM try('SELECT * FROM orders WHERE placed > ''2026-11-20'' AND total > 4000');
SELECT rule, columns, suggestion FROM try('SELECT * FROM orders WHERE state = ''open'' AND customer = 7');
SELECT rule, columns, suggestion FROM try('SELECT * FROM orders WHERE customer = 7 AND email = ''u7@example.org''');
SELECT rule, columns, suggestion FROM try('SELECT * FROM orders WHERE paid = false AND customer = 100');
SELECT rule, columns, suggestion FROM try('SELECT * FROM orders WHERE 7 = customer');
SELECT rule, columns, suggestion FROM try('SELECT * FROM orders WHERE customer = ANY (ARRAY[1, 2, 3])');
SELECT rule, columns, suggestion FROM try('SELECT * FROM orders WHERE customer BETWEEN 3 AND 5');
SELECT rule, columns, suggestion FROM try('SELECT * FROM orders WHERE customer = (SELECT 4)');
SELECT rule, columns, suggestion FROM try('SELECT count(*) FROM orders WHERE customer = 7 AND total > 0');
SELECT rule, columns, suggestion FROM try('DELETE FROM orders WHERE customer = -1');
SELECT rule, columns, suggestion FROM try('UPDATE orders SET total = 0 WHERE email = ''nobody''');
SELECT rule, columns, suggestion FROM try('SELECT * FROM orders WHERE customer = 7 LIMIT 3', 3);

-- What no b-tree on a column serves is no advice; nor what the others of a filter may have done.
SELECT * FROM try('SELECT * FROM orders WHERE customer <> 7 AND total = -1 - id', 3);
SELECT * FROM try('SELECT * FROM orders WHERE lower(email) = ''u7@example.org''', 3);
SELECT * FROM try('SELECT * FROM orders WHERE customer = 7 OR total = 3', 3);
SELECT * FROM try('SELECT * FROM orders WHERE customer::text = ''7''', 3);
SELECT * FROM try('SELECT * FROM orders WHERE customer = id % 10 + 100', 3);
SELECT * FROM try('SELECT * FROM orders WHERE customer = (random() * 1000)::int', 3);
SELECT * FROM try('SELECT * FROM orders WHERE email LIKE ''u7@%''', 3);
SELECT * FROM try('SELECT * FROM orders WHERE state = ''open'' AND lower(email) = ''u6@example.org''', 3);
SELECT * FROM try('SELECT * FROM orders WHERE paid = false AND lower(email) = ''u6@example.org''', 3);
SELECT * FROM try('SELECT * FROM orders WHERE doc::text = ''x''', 3);
SELECT * FROM try('SELECT * FROM orders WHERE email = ''u7@example.org'' COLLATE "POSIX"', 3);
-- but where statistics show that the served column is selective
SELECT rule, columns, suggestion FROM try('SELECT * FROM orders WHERE customer = 7 AND lower(email) = ''u7@example.org''');

-- Not a waste: keeps half, reads a small table, reads all, stops early, groups.
SELECT * FROM try('SELECT * FROM orders WHERE customer < 500', 3);
SELECT * FROM try('SELECT * FROM small WHERE name = ''n7''', 3);
SELECT * FROM try('SELECT * FROM orders', 3);
SELECT * FROM try('SELECT count(*) FROM orders', 3);
SELECT * FROM try('SELECT * FROM orders WHERE state = ''open'' LIMIT 10', 3);
SELECT * FROM try('SELECT * FROM orders WHERE id = 7', 3);
SELECT * FROM try('SELECT state, count(*) FROM orders GROUP BY state', 3);
-- System catalogs and temporary tables are nobody's to index.
SELECT * FROM try('SELECT * FROM pg_catalog.pg_proc WHERE prosrc = ''x''', 3);
CREATE TEMP TABLE passing AS SELECT * FROM orders;
SELECT * FROM try('SELECT * FROM passing WHERE customer = 7', 3);
DROP TABLE passing;

-- A small table read over and over within one query, of which the planner thinks little.
SET purser.audit_min_gain = 0;
SELECT rule, columns, evidence, suggestion
FROM try('SELECT (SELECT count(*) FROM small s WHERE s.id = o.customer) FROM orders o WHERE id <= 20');
RESET purser.audit_min_gain;

-- An index that leaves most of the work to a filter.
CREATE INDEX orders_state ON orders (state);
SET enable_seqscan = off;
SELECT rule, columns, evidence, suggestion FROM try('SELECT * FROM orders WHERE state = ''open'' AND customer = 6');
SET enable_bitmapscan = off;
SELECT rule, columns, evidence, suggestion FROM try('SELECT * FROM orders WHERE state = ''open'' AND customer = 6');
RESET enable_bitmapscan;
RESET enable_seqscan;
DROP INDEX orders_state;
CREATE INDEX orders_total ON orders (total) INCLUDE (customer);
VACUUM orders;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT rule, columns, evidence, suggestion FROM try('SELECT total FROM orders WHERE total > 5 AND customer = 6');
RESET enable_bitmapscan;
RESET enable_seqscan;
DROP INDEX orders_total;

-- Columns that an index begins with are not advised again, in whichever order or method.
SET purser.audit_what_if_interval = -1;
SET enable_indexscan = off;
SET enable_bitmapscan = off;
CREATE INDEX covering ON orders (email, customer, total);
SELECT * FROM try('SELECT * FROM orders WHERE customer = 7 AND email = ''u7@example.org''', 3);
SELECT columns FROM try('SELECT * FROM orders WHERE customer = 7', 3);
DROP INDEX covering;
-- a range first is no cover for an equality behind it
CREATE INDEX covering ON orders (placed, state);
SELECT columns FROM try('SELECT * FROM orders WHERE state = ''open'' AND placed > ''2026-11-20''', 3);
DROP INDEX covering;
CREATE INDEX covering ON orders USING hash (customer);
SELECT * FROM try('SELECT * FROM orders WHERE customer = 7', 3);
SELECT columns FROM try('SELECT * FROM orders WHERE customer < 7', 3);
DROP INDEX covering;
CREATE INDEX covering ON orders USING brin (customer);
SELECT * FROM try('SELECT * FROM orders WHERE customer = 7', 3);
DROP INDEX covering;
-- a partial index, or one for other operators, is no cover
CREATE INDEX covering ON orders (customer) WHERE paid;
SELECT columns FROM try('SELECT * FROM orders WHERE customer = 7', 3);
DROP INDEX covering;
CREATE INDEX covering ON orders (email text_pattern_ops);
SELECT columns FROM try('SELECT * FROM orders WHERE email < ''u10''', 3);
SELECT columns FROM try('SELECT * FROM orders WHERE email = ''u7@example.org''', 3);
DROP INDEX covering;
CREATE INDEX covering ON orders (customer);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'covering'::regclass;
SELECT columns FROM try('SELECT * FROM orders WHERE customer = 7', 3);
DROP INDEX covering;
RESET enable_indexscan;
RESET enable_bitmapscan;

-- A sampled run that wastes nothing (the 102nd) does not end the counting of those that do.
SELECT purser.audit_reset();
DO $$
BEGIN
    FOR i IN 1..120 LOOP
        EXECUTE 'SELECT * FROM orders WHERE customer < $1' USING CASE WHEN i = 102 THEN 2000 ELSE 5 END;
    END LOOP;
END $$;
SELECT occurrences FROM purser.findings;

-- While an index covers it, the finding is not shown, nor does it grow.
SELECT occurrences FROM try('SELECT * FROM orders WHERE customer = 7', 5);
CREATE INDEX mended ON orders (customer);
SELECT count(*) FROM purser.findings;
DO $$ BEGIN FOR i IN 1..5 LOOP PERFORM * FROM orders WHERE customer = 7; END LOOP; END $$;
SELECT count(*) FROM purser.findings;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'mended'::regclass;
SELECT occurrences FROM purser.findings;
DROP INDEX mended;
SELECT occurrences FROM purser.findings;
CREATE INDEX mended ON orders (customer) WHERE paid;
SELECT occurrences FROM purser.findings;
DROP INDEX mended;
-- with what advice goes by: operators, and a range last
SELECT columns FROM try('SELECT * FROM orders WHERE placed > ''2026-10-01'' AND customer = 7');
CREATE INDEX mended ON orders (placed, customer);
SELECT columns FROM purser.findings;
DROP INDEX mended;
CREATE INDEX mended ON orders USING hash (customer);
SELECT count(*) FROM purser.findings;
DROP INDEX mended;
SELECT columns FROM try('SELECT * FROM orders WHERE customer BETWEEN 3 AND 5');
CREATE INDEX mended ON orders USING hash (customer);
SELECT columns FROM purser.findings;
DROP INDEX mended;

-- Partitions: the advice is for the table as a whole, whose columns are numbered otherwise.
CREATE TABLE events (gone int, id int, kind int, tag text) PARTITION BY RANGE (id);
ALTER TABLE events DROP COLUMN gone;
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (800);
CREATE TABLE events_2 (tag text, kind int, id int);
ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM (800) TO (8000);
INSERT INTO events SELECT i, i % 500, 'x' FROM generate_series(1, 3000) i;
ANALYZE events;
SELECT * FROM try('SELECT * FROM events WHERE kind = 3');
-- and so are the indexes that make a finding go
CREATE INDEX mended_2 ON events_2 (kind);
SELECT relation, columns FROM purser.findings;
CREATE INDEX mended ON ONLY events (kind);
SELECT relation, columns FROM purser.findings;
ALTER INDEX mended ATTACH PARTITION mended_2;
CREATE INDEX mended_1 ON events_1 (kind);
ALTER INDEX mended ATTACH PARTITION mended_1;
SELECT relation, columns FROM purser.findings;
DROP INDEX mended;
SELECT relation, columns FROM purser.findings;
SELECT relation, columns FROM try('SELECT * FROM events_2 WHERE kind = 3', 2);
SELECT relation, columns FROM try('SELECT * FROM events WHERE id >= 800 AND kind = 3 AND tag = ''x''', 2);

-- A function or a type may be gone when the query that uses it ends.
CREATE TABLE now_drop (what text);
CREATE FUNCTION dropping() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    what text := (SELECT d.what FROM now_drop d);
BEGIN
    EXECUTE coalesce('DROP ' || what, 'SELECT');
    RETURN what;
END $$;
CREATE FUNCTION seven() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN 7; END';
CREATE TYPE short_lived AS ENUM ('x');
SELECT purser.audit_reset();
SELECT count(*), dropping() FROM orders WHERE customer = seven();
SELECT count(*), dropping() FROM orders WHERE email = trim('x ')::short_lived::text;
INSERT INTO now_drop VALUES ('FUNCTION seven()');
SELECT count(*), dropping() FROM orders WHERE customer = seven();
UPDATE now_drop SET what = 'TYPE short_lived';
SELECT count(*), dropping() FROM orders WHERE email = trim('x ')::short_lived::text;
DROP TABLE now_drop;

-- Which column comes first is decided by the value that is asked for, not by how many values there are.
CREATE TABLE job AS SELECT i AS id, CASE WHEN i % 1000 = 0 THEN 'failed' WHEN i % 50 = 0 THEN 'pending' ELSE 'done' END AS state,
    'region' || i / 7 % 100 AS region, 'country' || i / 700 % 4 AS country FROM generate_series(1, 40000) i;
ANALYZE job;
SELECT columns, suggestion FROM try('SELECT id FROM job WHERE state = ''failed'' AND country = ''country1''');
SELECT columns, suggestion FROM try('SELECT id FROM job WHERE state = ''failed'' AND region = ''region7''');
SELECT columns, suggestion FROM try('SELECT id FROM job WHERE state = ''done'' AND region = ''region7''');
SELECT columns, suggestion FROM try('SELECT id FROM job WHERE state = ''done'' AND country = ''country1'' AND id < 300');
DROP TABLE job;

-- Hostile names, two tables in one query, a prepared statement, a function's statement.
CREATE TABLE "We ""ird" ("a b" int, "SELECT" text, id int);
INSERT INTO "We ""ird" SELECT i % 15, 's' || i % 11, i FROM generate_series(1, 2000) i;
ANALYZE "We ""ird";
SELECT relation, columns, suggestion FROM try('SELECT * FROM "We ""ird" WHERE "a b" = 4 AND "SELECT" = ''s4''');
DO $$
DECLARE
    advice text;
BEGIN
    SELECT suggestion INTO advice FROM purser.findings;
    EXECUTE advice;
END $$;
SELECT * FROM try('SELECT * FROM "We ""ird" WHERE "a b" = 4 AND "SELECT" = ''s4''', 3);
SELECT relation, columns, evidence
FROM try('SELECT * FROM orders o, events_2 e WHERE o.customer = 7 AND e.kind = 3', 3);
-- each of the tables that were read much has its runs counted, from the first on
CREATE TABLE twin AS SELECT id, customer, total FROM orders;
ANALYZE twin;
SELECT relation, columns, occurrences, rows_read, rows_returned
FROM try('SELECT * FROM orders o, twin t WHERE o.customer = 7 AND t.customer = 8 AND o.total < t.total');
SELECT relation, columns, occurrences, rows_read, rows_returned
FROM try('SELECT count(*) FROM orders o, events e WHERE o.customer = 7 AND e.kind = 3', 2);
SELECT relation, columns, occurrences, rows_read, rows_returned
FROM try('SELECT count(*) FROM orders o, events_2 e WHERE o.customer = e.id AND e.kind = 3', 2);
DROP TABLE twin;
PREPARE by_customer (int) AS SELECT count(*) FROM orders WHERE customer = $1;
SET plan_cache_mode = force_generic_plan;
SELECT purser.audit_reset();
EXECUTE by_customer (1);
EXECUTE by_customer (2);
SELECT relation, columns, occurrences, query FROM purser.findings;
RESET plan_cache_mode;

-- A dropped column or table is nothing to mend.
SELECT columns, suggestion FROM try('SELECT * FROM small, orders WHERE orders.customer = 7 AND small.id = 4');
ALTER TABLE orders DROP COLUMN customer;
SELECT relation, columns, suggestion FROM purser.findings;
DROP TABLE orders;
SELECT * FROM purser.findings;

SET client_min_messages = warning;
DROP SCHEMA audit_index CASCADE;
