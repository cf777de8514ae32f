-- Rows that the planner did not expect, and what it lacked.
LOAD 'pg_purser';
CREATE SCHEMA audit_estimate;
SET search_path = audit_estimate;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
SET purser.audit_misestimate_rows = 100;
SET purser.audit_misestimate_time = '1d';
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_material = off;
CREATE TABLE people (id int PRIMARY KEY, city int, zip int, street int, kind text) WITH (autovacuum_enabled = off);
INSERT INTO people
SELECT i, i % 100, i % 100, i % 97, CASE WHEN i % 5 < 2 THEN 'hot' WHEN i % 5 = 2 THEN 'warm' ELSE 'k' || i END
FROM generate_series(1, 20000) i;
CREATE TABLE visits (person int PRIMARY KEY, day int) WITH (autovacuum_enabled = off);
INSERT INTO visits SELECT i, i % 300 FROM generate_series(1, 20000) i;
-- so that an index on it is not what is said of these queries
CREATE INDEX people_city ON people (city);
-- counts of changes that come after ANALYZE would make its statistics look old
SELECT pg_stat_force_next_flush() \g /dev/null
VACUUM ANALYZE people, visits;

CREATE FUNCTION try(query text, runs int DEFAULT 2)
RETURNS TABLE (rule text, relation regclass, columns text[], occurrences bigint, suggestion text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM purser.audit_reset();
    FOR i IN 1..runs LOOP
        EXECUTE query;
    END LOOP;
    RETURN QUERY SELECT f.rule, f.relation, f.columns, f.occurrences, f.suggestion FROM purser.findings f
                 WHERE f.rule IN ('row_misestimate', 'stale_statistics')
                 ORDER BY f.rule, f.relation::text;
END $$;

-- Columns that say the same: only together are they misjudged.
\set correlated 'SELECT * FROM people p JOIN visits v ON v.person = p.id WHERE city = 7 AND zip = 7'
SELECT * FROM try(:'correlated', 1);
SELECT * FROM try(:'correlated');
SELECT occurrences FROM try(:'correlated', 150);
SELECT evidence ->> 'rows_actual' AS actual, (evidence ->> 'rows_estimated')::int < 10 AS few, severity
FROM purser.findings WHERE rule = 'row_misestimate';
-- columns that do not
SELECT * FROM try('SELECT * FROM people p JOIN visits v ON v.person = p.id WHERE city = 7 AND street = 7', 3);
-- The advice works, and does away with the finding.
SELECT suggestion FROM try(:'correlated') \gset
:suggestion;
SELECT rule FROM purser.findings WHERE rule = 'row_misestimate';
SELECT * FROM try(:'correlated', 3);

-- A common value that is not known to be common.
ALTER TABLE people ALTER COLUMN kind SET STATISTICS 1;
ANALYZE people;
SELECT * FROM try('SELECT * FROM people p JOIN visits v ON v.person = p.id WHERE kind = ''warm''');
SELECT suggestion FROM purser.findings WHERE rule = 'row_misestimate' \gset
:suggestion;
SELECT * FROM try('SELECT * FROM people p JOIN visits v ON v.person = p.id WHERE kind = ''warm''', 3);
-- A value that the planner was not told.
PREPARE by_kind (text) AS SELECT * FROM people p JOIN visits v ON v.person = p.id WHERE kind = $1;
SET plan_cache_mode = force_generic_plan;
SELECT purser.audit_reset();
EXECUTE by_kind ('warm') \g /dev/null
EXECUTE by_kind ('warm') \g /dev/null
SELECT rule, relation, columns, suggestion FROM purser.findings WHERE rule = 'row_misestimate';
SELECT purser.audit_reset();
EXECUTE by_kind ('k3') \g /dev/null
EXECUTE by_kind ('k3') \g /dev/null
EXECUTE by_kind ('k8') \g /dev/null
SELECT rule, relation, columns, suggestion FROM purser.findings WHERE rule = 'row_misestimate';
RESET plan_cache_mode;
-- Nothing is known of expressions.
SELECT * FROM try('SELECT * FROM people p JOIN visits v ON v.person = p.id WHERE upper(kind) = ''WARM''');

-- Statistics that are out of date, or not there.
CREATE TABLE jobs (id int PRIMARY KEY, state text) WITH (autovacuum_enabled = off);
INSERT INTO jobs SELECT i, 'done' FROM generate_series(1, 2000) i;
SELECT pg_stat_force_next_flush();
ANALYZE jobs;
INSERT INTO jobs SELECT i, 'new' FROM generate_series(2001, 4000) i;
SELECT pg_stat_force_next_flush();
\set stale 'SELECT * FROM jobs j JOIN visits v ON v.person = j.id WHERE state = ''new'''
SELECT * FROM try(:'stale');
SELECT suggestion FROM purser.findings WHERE rule = 'stale_statistics' \gset
:suggestion;
SELECT pg_stat_force_next_flush();
SELECT rule FROM purser.findings WHERE rule = 'stale_statistics';
SELECT * FROM try(:'stale', 3);
CREATE TABLE fresh (id int PRIMARY KEY, state text) WITH (autovacuum_enabled = off);
INSERT INTO fresh SELECT i, 'new' FROM generate_series(1, 4000) i;
SELECT pg_stat_force_next_flush();
SELECT * FROM try('SELECT * FROM fresh j JOIN visits v ON v.person = j.id WHERE state = ''new''');

-- It does not matter where nothing was decided by it, for tiny tables, for inner sides below a row,
-- where LIMIT stops the scan, in temporary tables.
SELECT * FROM try('SELECT * FROM people WHERE city = 7 AND zip = 8', 3);
DROP STATISTICS people_city_zip_stat;
SELECT * FROM try('SELECT count(*) FROM people WHERE city = 7 AND zip = 7', 3);
SELECT * FROM try('SELECT * FROM people p JOIN visits v ON v.person = p.id WHERE city = 7 AND zip = 7 AND p.id <= 1000', 3);
SELECT * FROM try('SELECT * FROM people p JOIN visits v ON v.person = p.id AND v.day = 500 WHERE city = 7', 3);
SELECT * FROM try('SELECT * FROM people p JOIN visits v ON v.person = p.id WHERE city < 50 LIMIT 5', 3);
-- In a statement that takes its time, every scan matters.
SET purser.audit_misestimate_time = 0;
SELECT * FROM try('SELECT * FROM people WHERE city = 7 AND zip = 7', 3);
SET purser.audit_misestimate_time = '1d';
CREATE TEMP TABLE passing AS SELECT * FROM people;
SELECT * FROM try('SELECT * FROM passing p JOIN visits v ON v.person = p.id WHERE city = 7 AND zip = 7', 3);
DROP TABLE passing;

SET client_min_messages = warning;
DROP SCHEMA audit_estimate CASCADE;
