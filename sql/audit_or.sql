-- OR: over columns of one table, and over two tables.
LOAD 'pg_purser';
CREATE SCHEMA audit_or;
SET search_path = audit_or;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
CREATE TABLE customer (id int PRIMARY KEY, email text, phone text, note text);
INSERT INTO customer SELECT i, 'u' || i, 'p' || i, 'n' || i FROM generate_series(1, 20000) i;
CREATE INDEX customer_email ON customer (email);
CREATE TABLE purchase (id int PRIMARY KEY, customer int, number int, sum int);
INSERT INTO purchase SELECT i, (i * 7) % 20000 + 1, i, i FROM generate_series(1, 30000) i;
CREATE INDEX purchase_customer ON purchase (customer);
CREATE INDEX purchase_number ON purchase (number);
VACUUM ANALYZE customer, purchase;
CREATE VIEW found AS
SELECT rule, relation, columns, evidence->>'cause' AS cause, evidence->>'index' AS index,
       (evidence->>'cost_after')::float8 < (evidence->>'cost_before')::float8 AS cheaper, suggestion
FROM purser.findings WHERE rule IN ('missing_index', 'non_sargable', 'discarded_rows') ORDER BY relation::text, columns;
CREATE FUNCTION try(query text, runs int DEFAULT 2) RETURNS SETOF found LANGUAGE plpgsql AS $$
BEGIN
    PERFORM purser.audit_reset();
    FOR i IN 1..runs LOOP
        EXECUTE query;
    END LOOP;
    RETURN QUERY SELECT * FROM found;
END $$;

-- One table: what is indexed on each side is looked up; one side that is not spoils it.
SELECT * FROM try('SELECT * FROM customer WHERE email = ''u7'' OR id = 7', 3);
SELECT * FROM try('SELECT * FROM customer WHERE email = ''u7'' OR phone = ''p9''');
SELECT suggestion AS advice FROM found \gset
SELECT * FROM try('SELECT * FROM customer WHERE email = ''u7'' OR phone IN (''p9'', ''p8'') OR id = 3');
SELECT * FROM try('SELECT * FROM customer WHERE (email = ''u7'' OR phone = ''p9'') AND note <> ''n3''');
-- mended
SELECT * FROM try('SELECT * FROM customer WHERE email = ''u7'' OR phone = ''p9''');
:advice;
SELECT * FROM found;
SELECT * FROM try('SELECT * FROM customer WHERE email = ''u7'' OR phone = ''p9''', 3);
DROP INDEX customer_phone_idx;
-- neither is; the planner would not take it; nothing an index knows
SELECT rule, columns FROM try('SELECT * FROM customer WHERE note = ''n7'' OR phone = ''p9''', 3);
SELECT rule FROM try('SELECT count(*) FROM customer WHERE email = ''u7'' OR phone > ''a''', 3);
SELECT rule FROM try('SELECT * FROM customer WHERE email = ''u7'' OR length(phone) = 3', 3);

-- Two tables.
SELECT * FROM try('SELECT * FROM customer c JOIN purchase p ON p.customer = c.id WHERE c.email = ''u7'' OR p.number = 9');
SELECT evidence - 'cost_before' - 'cost_after' AS evidence,
       (evidence->>'cost_after')::float8 * 10 < (evidence->>'cost_before')::float8 AS tenth FROM purser.findings;
SELECT * FROM try('SELECT count(*) FROM (SELECT p.sum FROM customer c, purchase p
                   WHERE p.customer = c.id AND p.sum > 0 AND (c.email = ''u7'' OR p.number = 9 OR p.number = 8)) s');
PREPARE either (text, int) AS
SELECT p.sum FROM customer c JOIN purchase p ON p.customer = c.id WHERE c.email = $1 OR p.number = $2;
SELECT purser.audit_reset();
EXECUTE either ('u7', 9);
EXECUTE either ('u8', 10);
SELECT * FROM found;
-- both queries it suggests find what the one does
SELECT count(*) FROM customer c JOIN purchase p ON p.customer = c.id WHERE c.email = 'u7' OR p.number = 9;
SELECT count(*) FROM (SELECT * FROM customer c JOIN purchase p ON p.customer = c.id WHERE c.email = 'u7'
                      UNION SELECT * FROM customer c JOIN purchase p ON p.customer = c.id WHERE p.number = 9) s;

-- a side that no index serves is read through, which is less than to join all of it
SELECT rule, cause FROM try('SELECT * FROM customer c JOIN purchase p ON p.customer = c.id WHERE c.note = ''n7'' OR p.number = 9', 3)
WHERE rule = 'non_sargable';
-- What is no finding: sides that keep much, conditions of an outer join, an index that does.
SELECT rule FROM try('SELECT count(*) FROM customer c JOIN purchase p ON p.customer = c.id WHERE c.email > ''u2'' OR p.number > 900', 3)
WHERE rule = 'non_sargable';
SELECT rule FROM try('SELECT count(*) FROM customer c LEFT JOIN purchase p ON p.customer = c.id AND (c.email = ''u7'' OR p.number = 9)', 3)
WHERE rule = 'non_sargable';
SELECT rule FROM try('SELECT * FROM customer c JOIN purchase p ON p.customer = c.id WHERE c.id < 3 AND (c.email = ''u7'' OR p.number = 9)', 3);
SELECT rule FROM try('SELECT p.sum FROM customer c JOIN purchase p ON p.customer = c.id WHERE c.email = ''u7'' OR p.number = 9 FOR UPDATE', 3)
WHERE rule = 'non_sargable';

SET client_min_messages = warning;
DROP SCHEMA audit_or CASCADE;
