-- Statistics older than the rows, told from statistics that are as they should be; findings that were mended.
LOAD 'pg_purser';
CREATE SCHEMA audit_stale;
SET search_path = audit_stale;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
SET default_statistics_target = 100;
SET purser.audit_misestimate_rows = 100;
SET purser.audit_misestimate_time = '1d';
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_material = off;
CREATE TABLE visits (person int PRIMARY KEY, day int) WITH (autovacuum_enabled = off);
INSERT INTO visits SELECT i, i % 300 FROM generate_series(1, 30000) i;
CREATE TABLE jobs (id int PRIMARY KEY, state text, made timestamptz, step int, part int) WITH (autovacuum_enabled = off);
CREATE INDEX jobs_state ON jobs (state);
CREATE INDEX jobs_made ON jobs (made);
CREATE INDEX jobs_step ON jobs (step);
INSERT INTO jobs
SELECT i, 'done', now() - interval '100 days' + i * interval '5 minutes', i % 50, i % 50 * 10
FROM generate_series(1, 20000) i;
SELECT pg_stat_force_next_flush() \g /dev/null
VACUUM ANALYZE visits, jobs;

CREATE FUNCTION try(query text, runs int DEFAULT 2)
RETURNS TABLE (rule text, relation regclass, columns text[], suggestion text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM purser.audit_reset();
    FOR i IN 1..runs LOOP
        EXECUTE query;
    END LOOP;
    RETURN QUERY SELECT f.rule, f.relation, f.columns, f.suggestion FROM purser.findings f
                 WHERE f.rule IN ('row_misestimate', 'stale_statistics', 'discarded_rows', 'disk_spill', 'exact_count')
                 ORDER BY f.rule, f.relation::text;
END $$;
\set new 'SELECT * FROM jobs j JOIN visits v ON v.person = j.id WHERE state = ''new'''
\set upper 'SELECT * FROM jobs j JOIN visits v ON v.person = j.id WHERE upper(state) = ''NEW'''
\set late 'SELECT * FROM jobs j JOIN visits v ON v.person = j.id WHERE made > now() - interval ''1 hour'''
\set last 'SELECT * FROM jobs j JOIN visits v ON v.person = j.id WHERE j.id > 20000'
\set together 'SELECT * FROM jobs j JOIN visits v ON v.person = j.id WHERE step = 7 AND part = 70'

-- Changes of this transaction, not published: by what was read, and by the count.
BEGIN;
INSERT INTO jobs SELECT i, 'new', now(), 51, 510 FROM generate_series(20001, 26000) i;
SELECT * FROM try(:'new');
SELECT * FROM try(:'upper');
ROLLBACK;
VACUUM jobs;
-- Fewer than a fifth of the rows, but ANALYZE could not have missed them.
INSERT INTO jobs SELECT i, 'new', now(), 51, 510 FROM generate_series(20001, 23000) i;
SELECT pg_stat_force_next_flush() \g /dev/null
SELECT * FROM try(:'new');
SELECT * FROM try(:'late');
SELECT * FROM try(:'last');
SELECT * FROM try('SELECT * FROM jobs j JOIN visits v ON v.person = j.id WHERE made BETWEEN now() - interval ''1 day'' AND now()');
PREPARE late (timestamptz) AS SELECT * FROM jobs j JOIN visits v ON v.person = j.id WHERE made > $1;
SET plan_cache_mode = force_custom_plan;
SELECT * FROM try('EXECUTE late (now() - interval ''1 hour'')');
RESET plan_cache_mode;
-- what is known as it should be
SELECT * FROM try(:'together');
-- Below a bitmap scan, though little is returned, and not so little that much is wasted.
SET purser.audit_misestimate_rows = 1000;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
SET enable_seqscan = off;
SELECT * FROM try('SELECT v.person % 900, max(v.day) FROM jobs j JOIN visits v ON v.person = j.id WHERE state = ''new'' GROUP BY 1');
SELECT * FROM try('SELECT v.person % 900, max(v.day) FROM jobs j JOIN visits v ON v.person = j.id WHERE step = 7 GROUP BY 1', 3);
SET purser.audit_misestimate_rows = 100;
RESET enable_indexscan;
RESET enable_indexonlyscan;
RESET enable_seqscan;
-- The advice does away with the finding.
SELECT suggestion FROM try(:'new') \gset
:suggestion;
SELECT rule FROM purser.findings WHERE rule = 'stale_statistics';
SELECT * FROM try(:'new', 3);
SELECT * FROM try(:'late', 3);

-- Analyzed in the transaction that filled it, and published after that.
CREATE TABLE loaded (LIKE jobs) WITH (autovacuum_enabled = off);
CREATE INDEX ON loaded (step);
BEGIN;
INSERT INTO loaded SELECT * FROM jobs;
ANALYZE loaded;
SELECT * FROM try('SELECT * FROM loaded j JOIN visits v ON v.person = j.id WHERE step = 7 AND part = 70');
COMMIT;
SELECT pg_stat_force_next_flush() \g /dev/null
SELECT * FROM try('SELECT * FROM loaded j JOIN visits v ON v.person = j.id WHERE step = 7 AND part = 70');

-- A list of common values that is full, and a value not quite as common.
CREATE TABLE skewed (id int PRIMARY KEY, kind int) WITH (autovacuum_enabled = off);
ALTER TABLE skewed ALTER kind SET STATISTICS 5;
INSERT INTO skewed SELECT i, CASE WHEN i <= 15000 THEN i % 5 WHEN i <= 17000 THEN 6 ELSE i END FROM generate_series(1, 25000) i;
CREATE INDEX ON skewed (kind);
SELECT pg_stat_force_next_flush() \g /dev/null
ANALYZE skewed;
SELECT suggestion FROM try('SELECT * FROM skewed j JOIN visits v ON v.person = j.id WHERE kind = 6');
SELECT suggestion FROM purser.findings WHERE rule = 'row_misestimate' \gset
ANALYZE skewed;
SELECT rule FROM purser.findings WHERE rule = 'row_misestimate';
:suggestion;
SELECT rule FROM purser.findings WHERE rule = 'row_misestimate';
-- An expression gets its statistics.
SELECT suggestion FROM try('SELECT * FROM skewed j JOIN visits v ON v.person = j.id WHERE kind % 4 = 2');
CREATE STATISTICS skewed_third ON (kind % 3) FROM skewed;
SELECT rule FROM purser.findings WHERE rule = 'row_misestimate';
CREATE STATISTICS skewed_fourth ON (kind % 4) FROM skewed;
SELECT rule FROM purser.findings WHERE rule = 'row_misestimate';
-- A plan made before the value was known: a later run that was measured, and reads as much.
PREPARE by_kind (int) AS SELECT * FROM skewed j JOIN visits v ON v.person = j.id WHERE kind = $1;
SET plan_cache_mode = force_generic_plan;
SELECT suggestion FROM try('EXECUTE by_kind (3)');
SET plan_cache_mode = force_custom_plan;
DO $$
BEGIN
    FOR i IN 1..100 LOOP
        EXECUTE 'EXECUTE by_kind (20000)';
    END LOOP;
END $$;
SELECT rule FROM purser.findings WHERE rule = 'row_misestimate';
DO $$
BEGIN
    FOR i IN 1..100 LOOP
        EXECUTE 'EXECUTE by_kind (3)';
    END LOOP;
END $$;
SELECT rule FROM purser.findings WHERE rule = 'row_misestimate';
RESET plan_cache_mode;

-- Indexes that discarded_rows asks for.
CREATE TABLE notes (id int PRIMARY KEY, title text, tags int[], a int, b int) WITH (autovacuum_enabled = off);
INSERT INTO notes SELECT i, 'note ' || i, ARRAY[i, i + 1], i, i FROM generate_series(1, 20000) i;
ANALYZE notes;
SELECT rule, columns, suggestion FROM try('SELECT * FROM notes WHERE tags @> ARRAY[7]');
CREATE INDEX notes_tags_plain ON notes (tags);
SELECT rule FROM purser.findings WHERE rule = 'discarded_rows';
CREATE INDEX notes_tags ON notes USING gin (tags);
SELECT rule FROM purser.findings WHERE rule = 'discarded_rows';
DROP INDEX notes_tags;
SELECT rule FROM purser.findings WHERE rule = 'discarded_rows';
SELECT rule, columns, suggestion FROM try('SELECT * FROM notes WHERE a = 5 OR b = 6');
CREATE INDEX notes_a ON notes (a);
SELECT rule FROM purser.findings WHERE rule = 'discarded_rows';
CREATE INDEX notes_b ON notes (b);
SELECT rule FROM purser.findings WHERE rule = 'discarded_rows';

-- Memory enough: a later run that reads as much and writes no files; then not enough again.
SET purser.audit_spill = '100kB';
SET work_mem = '64kB';
\set sorted 'SELECT max(id) FROM (SELECT id, title FROM notes ORDER BY title OFFSET 0) s'
SELECT rule, relation FROM try(:'sorted');
SET work_mem = '8MB';
SELECT rule FROM purser.findings WHERE rule = 'disk_spill';
:sorted \g /dev/null
SELECT rule FROM purser.findings WHERE rule = 'disk_spill';
SET work_mem = '64kB';
:sorted \g /dev/null
:sorted \g /dev/null
SELECT rule FROM purser.findings WHERE rule = 'disk_spill';

-- A count of many rows, and a sort below it.
SET purser.audit_exact_count = 2000;
CREATE FUNCTION spilled_count() RETURNS SETOF text LANGUAGE sql AS
$$ SELECT rule FROM purser.findings WHERE rule IN ('exact_count', 'disk_spill') ORDER BY rule $$;
SELECT purser.audit_reset();
SELECT count(*) FROM (SELECT id, title FROM notes ORDER BY title OFFSET 0) s;
SELECT count(*) FROM (SELECT id, title FROM notes ORDER BY title OFFSET 0) s;
SELECT * FROM spilled_count();
SELECT purser.audit_reset();
SELECT count(*) FROM notes;
SELECT count(*) FROM notes;
SELECT * FROM spilled_count();

SET client_min_messages = warning;
DROP SCHEMA audit_stale CASCADE;
