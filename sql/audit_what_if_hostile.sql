-- What planning again meets: errors in it, hints, names, settings, expressions of any length.
LOAD 'pg_purser';
CREATE SCHEMA audit_hostile;
SET search_path = audit_hostile;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
CREATE TABLE orders (id bigint PRIMARY KEY, customer int, email text);
INSERT INTO orders SELECT i, i % 1000, 'u' || i FROM generate_series(1, 5000) i;
CREATE INDEX orders_email ON orders (email);
VACUUM ANALYZE orders;
CREATE VIEW found AS
SELECT rule, columns, evidence ? 'cost_before' AS before, evidence ? 'cost_after' AS after, suggestion
FROM purser.findings ORDER BY columns, suggestion COLLATE "C";

-- An error in it, as the type of a cast that planning leaves out is gone; in a commit, too.
CREATE TYPE mood AS ENUM ('good', 'bad');
SELECT purser.audit_reset();
SELECT id FROM orders WHERE customer = 7 AND (true OR email::mood = 'good');
BEGIN;
DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT id FROM orders WHERE customer = 7 AND (true OR email::mood = 'good');
COMMIT;
CLOSE c;
BEGIN;
DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT id, 1 FROM orders WHERE customer = 8 AND (true OR email::mood = 'good');
COMMIT;
CLOSE c;
BEGIN;
DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT id, 1 FROM orders WHERE customer = 8 AND (true OR email::mood = 'good');
DROP TYPE mood;
COMMIT;
FETCH 2 FROM c;
CLOSE c;
SHOW lock_timeout;
-- the next what-if is no worse for it
SELECT purser.audit_reset();
SELECT id FROM orders WHERE customer = 9;
SELECT id FROM orders WHERE customer = 9;
SELECT * FROM found;

-- Planned in a subtransaction that is rolled back, run in one that is not.
SELECT purser.audit_reset();
PREPARE by_customer (int) AS SELECT id FROM orders WHERE customer = $1 ORDER BY id;
EXECUTE by_customer (3);
BEGIN;
SAVEPOINT one;
EXECUTE by_customer (3);
ROLLBACK TO one;
EXECUTE by_customer (3);
COMMIT;
SELECT columns, before, after FROM found;
-- a long transaction of many of them keeps nothing
BEGIN;
DO $$
BEGIN
    FOR i IN 1 .. 500 LOOP
        BEGIN
            EXECUTE 'SELECT id FROM orders WHERE customer = ' || i;
        EXCEPTION WHEN division_by_zero THEN
            NULL;
        END;
    END LOOP;
END $$;
SELECT count(*) AS contexts FROM pg_backend_memory_contexts WHERE name = 'CurTransactionContext';
SELECT count(*) <= 16 AS trees FROM pg_backend_memory_contexts WHERE name = 'pg_purser query tree';
COMMIT;

-- Costs that a session's settings make infinite.
SELECT purser.audit_reset();
SET seq_page_cost = '1.7e308';
SELECT id FROM orders WHERE customer = 9;
SELECT id FROM orders WHERE customer = 9;
RESET seq_page_cost;
SELECT columns, before, after FROM found;

-- Hints: the plan is somebody's own.
SELECT purser.audit_reset();
/*+ IndexScan(orders orders_email) */ SELECT id FROM orders WHERE customer = 9;
/*+ IndexScan(orders orders_email) */ SELECT id FROM orders WHERE customer = 9;
SELECT columns, before, after FROM found;

-- Functions that hide the server's, in the path of who runs the query.
CREATE FUNCTION lower(text) RETURNS text LANGUAGE internal IMMUTABLE STRICT AS 'upper';
CREATE FUNCTION "No""rm
"(text) RETURNS text LANGUAGE internal IMMUTABLE STRICT AS 'lower';
SELECT purser.audit_reset();
SET search_path = audit_hostile, pg_catalog;
SELECT id FROM orders WHERE lower(email) = 'U9';
SELECT id FROM orders WHERE lower(email) = 'U9';
SELECT id FROM orders WHERE pg_catalog.lower(email) = 'u9';
SELECT id FROM orders WHERE pg_catalog.lower(email) = 'u9';
SELECT id FROM orders WHERE "No""rm
"(email) = 'u9';
SELECT id FROM orders WHERE "No""rm
"(email) = 'u9';
SELECT columns, suggestion FROM found;
RESET search_path;
SELECT suggestion FROM purser.findings ORDER BY suggestion COLLATE "C" \gexec
SELECT count(*) FROM purser.findings;
SET search_path = audit_hostile, pg_catalog;

-- The suggestion is the same for the client; an expression is nobody's parent.
SELECT purser.audit_reset();
DROP INDEX orders_lower_idx1;
SELECT id FROM orders WHERE pg_catalog.lower(email) = 'u9';
SET purser.audit_error = 'non_sargable';
DO $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE 'SELECT id FROM orders WHERE pg_catalog.lower(email) = ''u9''';
EXCEPTION WHEN SQLSTATE 'PU001' THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RAISE NOTICE '% %', regexp_replace(detail, '[0-9]+', 'N', 'g'), hint;
END $$;
RESET purser.audit_error;

-- An expression that there is no room for is not suggested in part.
SELECT purser.audit_reset();
SELECT format('SELECT id FROM orders WHERE %semail%s = ''u9''', repeat('replace(', 60),
              repeat(', ''aaaaaaaaaaaaaaaaaaaa'', ''bbbbb'')', 60)) AS long \gset
:long;
:long;
SELECT columns, length(suggestion) < 100 AS short FROM found;

SET client_min_messages = warning;
DROP SCHEMA audit_hostile CASCADE;
