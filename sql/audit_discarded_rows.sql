-- Rows that are read in vain where no index on a column would spare it.
LOAD 'pg_purser';
-- however slow the machine is
SET purser.audit_misestimate_time = '1d';
CREATE SCHEMA audit_discard;
SET search_path = audit_discard;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
CREATE TABLE notes (
    id int PRIMARY KEY, email text COLLATE "C", body text, doc jsonb, tags int[], paid boolean,
    qty int, state text);
INSERT INTO notes
SELECT i, 'u' || i || '@example.org', 'body ' || i, jsonb_build_object('k', i), ARRAY[i, i + 1], i % 100 <> 0,
       i, CASE WHEN i % 3 = 0 THEN 'open' ELSE 'done' END
FROM generate_series(1, 4000) i;
VACUUM ANALYZE notes;
CREATE TABLE spans (id int, low int, high int);
INSERT INTO spans SELECT i, i * 10, i * 10 + 1 FROM generate_series(1, 20) i;
ANALYZE spans;

CREATE FUNCTION try(query text, runs int DEFAULT 2)
RETURNS TABLE (rule text, relation regclass, columns text[], suggestion text, evidence jsonb)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM purser.audit_reset();
    FOR i IN 1..runs LOOP
        EXECUTE query;
    END LOOP;
    RETURN QUERY SELECT f.rule, f.relation, f.columns, f.suggestion, f.evidence - '{cost_before,cost_after}'::text[]
                 FROM purser.findings f ORDER BY f.rule, f.relation::text;
END $$;

-- Once is chance; further runs add to it.
SELECT * FROM try('SELECT * FROM notes WHERE lower(email) = ''u7@example.org''', 1);
SELECT * FROM try('SELECT * FROM notes WHERE lower(email) = ''u7@example.org''', 2);
SELECT count(*) FROM try('SELECT * FROM notes WHERE lower(email) = ''u7@example.org''', 150);
SELECT rule, severity, occurrences, rows_read, rows_returned, wasted_ms > 0 AS wasted FROM purser.findings;

-- Each kind of condition has words of its own.
SELECT columns, suggestion FROM try('SELECT * FROM notes WHERE qty + id = 14');
SELECT columns, suggestion FROM try('SELECT * FROM notes WHERE body LIKE ''%dy 77''');
SELECT columns, suggestion FROM try('SELECT * FROM notes WHERE body ~ ''y 77$''');
SELECT columns, suggestion FROM try('SELECT * FROM notes WHERE body LIKE ''body 77%''');
SELECT columns, suggestion FROM try('SELECT * FROM notes WHERE doc @> ''{"k": 7}''');
SELECT columns, suggestion FROM try('SELECT * FROM notes WHERE tags && ARRAY[7]');
SELECT columns, suggestion FROM try('SELECT * FROM notes WHERE email = ''u7@example.org'' OR qty = 9');
SELECT columns, suggestion FROM try('SELECT * FROM notes WHERE doc ->> ''k'' = ''7''');
SELECT columns, suggestion FROM try('SELECT * FROM notes WHERE NOT paid');
SELECT columns, suggestion FROM try('SELECT * FROM notes WHERE state = ''open'' AND body LIKE ''%dy 77''');
SELECT rule, relation, suggestion, evidence
FROM try('SELECT * FROM spans s, notes n WHERE n.qty BETWEEN s.low AND s.high');
SELECT rule, relation, suggestion, evidence
FROM try('SELECT email, count(*) FROM notes GROUP BY email HAVING count(*) > 1');
SELECT rule, relation, suggestion, evidence FROM try('SELECT DISTINCT state FROM notes');
SELECT rule, relation, suggestion, evidence FROM try('SELECT DISTINCT state FROM notes ORDER BY state LIMIT 1');
-- an update, and a prepared statement
SELECT rule, columns FROM try('UPDATE notes SET qty = 0 WHERE lower(email) = ''nobody''');

-- What an index on a column would spare is not told twice, nor is what has one.
SELECT rule, columns, suggestion FROM try('SELECT * FROM notes WHERE qty = 7');
SELECT rule, columns, suggestion FROM try('SELECT * FROM notes WHERE qty = 7 AND lower(email) = ''u7@example.org''');
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SELECT * FROM try('SELECT * FROM notes WHERE id = 7', 3);
RESET enable_indexscan;
RESET enable_bitmapscan;
-- Not a waste: keeps a third, groups and counts, joins, reads few, skips by OFFSET.
SELECT * FROM try('SELECT * FROM notes WHERE upper(state) = ''OPEN''', 3);
SELECT * FROM try('SELECT count(*) FROM notes', 3);
SELECT * FROM try('SELECT state, count(*) FROM notes GROUP BY state', 3);
SELECT * FROM try('SELECT count(*) FROM notes n JOIN spans s ON s.id = n.id', 3);
SELECT * FROM try('SELECT * FROM spans WHERE lower(id::text) = ''7''', 3);
SELECT * FROM try('SELECT * FROM notes WHERE body LIKE ''%7%'' LIMIT 5', 3);
SELECT rule FROM try('SELECT * FROM notes WHERE body LIKE ''%'' ORDER BY id OFFSET 3900', 3);
SELECT * FROM try('SELECT * FROM notes WHERE id IN (SELECT id FROM spans)', 3);
-- System catalogs and temporary tables are nobody's to mend.
SELECT * FROM try('SELECT * FROM pg_catalog.pg_proc WHERE lower(prosrc) = ''x''', 3);
CREATE TEMP TABLE passing AS SELECT * FROM notes;
SELECT * FROM try('SELECT * FROM passing WHERE lower(email) = ''x''', 3);
DROP TABLE passing;

-- The advice works.
DO $$
DECLARE
    advice text;
BEGIN
    SELECT suggestion INTO advice FROM try('SELECT * FROM notes WHERE doc @> ''{"k": 7}''');
    EXECUTE advice;
END $$;
SELECT * FROM try('SELECT * FROM notes WHERE doc @> ''{"k": 7}''', 3);
-- Partitions add up.
CREATE TABLE parts (gone int, id int, name text) PARTITION BY RANGE (id);
ALTER TABLE parts DROP COLUMN gone;
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (800);
CREATE TABLE parts_2 (name text, id int);
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (800) TO (8000);
INSERT INTO parts SELECT i, 'n' || i FROM generate_series(1, 3000) i;
ANALYZE parts;
SELECT * FROM try('SELECT * FROM parts WHERE upper(name) = ''N7''');

-- When statistics show later on that an index would do, that alone is said.
CREATE TABLE later (a int, b text);
INSERT INTO later SELECT i % 500, 'b' || i FROM generate_series(1, 3000) i;
SELECT rule FROM try('SELECT * FROM later WHERE a = 7 AND upper(b) = ''B7''');
ANALYZE later;
DO $$ BEGIN FOR i IN 1..201 LOOP PERFORM * FROM later WHERE a = 7 AND upper(b) = 'B7'; END LOOP; END $$;
SELECT rule FROM purser.findings;

SET client_min_messages = warning;
DROP SCHEMA audit_discard CASCADE;
