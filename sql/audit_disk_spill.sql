-- Temporary files, and the work_mem that spares them.
LOAD 'pg_purser';
CREATE SCHEMA audit_spill;
SET search_path = audit_spill;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
CREATE TABLE lines (id int PRIMARY KEY, product int, note text);
INSERT INTO lines SELECT i, i, 'a note of some length ' || i FROM generate_series(1, 30000) i;
VACUUM ANALYZE lines;
SET work_mem = '256kB';
SET hash_mem_multiplier = 2;
SET purser.audit_spill = '100kB';

-- Blocks of temporary files that a query writes.
CREATE FUNCTION temp_written(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT json) ' || query INTO plan;
    RETURN (plan -> 0 -> 'Plan' ->> 'Temp Written Blocks')::bigint;
END $$;

-- What is found, whether the figures are right, and whether the advice does away with it.
CREATE FUNCTION try(query text, runs int DEFAULT 2)
RETURNS TABLE (rule text, relation regclass, occurrences bigint, files_are_right bool, nodes int,
               files_after bigint, at_most bool)
LANGUAGE plpgsql AS $$
DECLARE
    f record;
    written bigint;
BEGIN
    PERFORM purser.audit_reset();
    FOR i IN 1..runs LOOP
        EXECUTE query;
    END LOOP;
    FOR f IN SELECT * FROM purser.findings WHERE findings.rule <> 'discarded_rows' LOOP
        written := temp_written(query);
        rule := f.rule;
        relation := f.relation;
        occurrences := f.occurrences;
        files_are_right := (f.evidence ->> 'temp_bytes')::bigint BETWEEN written * 7500 AND written * 9000
            AND f.bytes >= (f.evidence ->> 'temp_bytes')::bigint;
        nodes := f.evidence ->> 'nodes';
        EXECUTE f.suggestion;
        files_after := temp_written(query);
        -- not ten times what it takes
        EXECUTE 'SET work_mem = ''' || greatest((f.evidence ->> 'work_mem_wanted_kb')::float8::int / 4, 64) || 'kB''';
        at_most := temp_written(query) > 0;
        SET work_mem = '256kB';
        RETURN NEXT;
    END LOOP;
END $$;

SELECT * FROM try('SELECT * FROM lines ORDER BY note', 1);
SELECT * FROM try('SELECT * FROM lines ORDER BY note');
SELECT occurrences FROM try('SELECT * FROM lines ORDER BY note', 20);
SELECT * FROM try('SELECT id FROM lines ORDER BY id % 1000');
SELECT * FROM try('SELECT product FROM lines ORDER BY product');
SELECT * FROM try('SELECT note, count(*) FROM lines GROUP BY note');
SELECT * FROM try('SELECT product, sum(id), min(note) FROM lines GROUP BY product');
SET enable_mergejoin = off;
SET enable_nestloop = off;
SELECT * FROM try('SELECT * FROM lines a JOIN lines b ON a.id = b.product');
SELECT * FROM try('SELECT a.id FROM lines a JOIN lines b ON a.id = b.product');
RESET enable_mergejoin;
RESET enable_nestloop;
SELECT * FROM try('WITH c AS MATERIALIZED (SELECT * FROM lines) SELECT count(*) FROM c WHERE id > 0');
-- several at once
SELECT * FROM try('SELECT note, count(*) FROM lines GROUP BY note ORDER BY 2, 1');

-- Not found: what fits, what is small, what has no table, what happens once, building an index.
SELECT * FROM try('SELECT * FROM lines ORDER BY id', 3);
SELECT * FROM try('SELECT * FROM lines WHERE id <= 500 ORDER BY note', 3);
SELECT * FROM try('SELECT * FROM lines ORDER BY note LIMIT 10', 3);
SELECT * FROM try('SELECT i FROM generate_series(1, 30000) i ORDER BY -i', 3);
SELECT * FROM try('CREATE INDEX ON lines (product)', 3);
CREATE TEMP TABLE passing AS SELECT * FROM lines;
SELECT * FROM try('SELECT * FROM passing ORDER BY note', 3);
DROP TABLE passing;
-- A statement that runs another which spills has not spilled itself.
CREATE FUNCTION sorting() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    SELECT count(*) INTO n FROM (SELECT note FROM lines ORDER BY note OFFSET 0) s;
    RETURN n;
END $$;
SELECT purser.audit_reset();
SELECT sorting() FROM lines WHERE id < 2;
SELECT sorting() FROM lines WHERE id < 2;
SELECT query LIKE 'SELECT count(*)%' AS inner_one FROM purser.findings WHERE rule = 'disk_spill';

-- Beyond what is sensible: no setting.
SET purser.audit_max_work_mem = '1MB';
SELECT purser.audit_reset();
SELECT * FROM lines ORDER BY note \g /dev/null
SELECT * FROM lines ORDER BY note \g /dev/null
SELECT regexp_replace(suggestion, '\d+MB', 'nMB') FROM purser.findings WHERE rule = 'disk_spill';
RESET purser.audit_max_work_mem;

-- A hash table that nobody expected to be so large is the estimate's doing; a sort is not.
CREATE TABLE surprise (id int, kind text) WITH (autovacuum_enabled = off);
INSERT INTO surprise SELECT i, 'same' FROM generate_series(1, 30000) i;
SET enable_mergejoin = off;
SET enable_nestloop = off;
SELECT purser.audit_reset();
SELECT count(*) FROM surprise s JOIN lines l ON l.id = s.id WHERE s.kind = 'same';
SELECT count(*) FROM surprise s JOIN lines l ON l.id = s.id WHERE s.kind = 'same';
SELECT rule, relation, suggestion FROM purser.findings ORDER BY rule;
SELECT purser.audit_reset();
SELECT * FROM surprise s JOIN lines l ON l.id = s.id WHERE s.kind = 'same' ORDER BY l.note \g /dev/null
SELECT * FROM surprise s JOIN lines l ON l.id = s.id WHERE s.kind = 'same' ORDER BY l.note \g /dev/null
SELECT rule, relation, evidence -> 'nodes' AS nodes FROM purser.findings
WHERE rule IN ('disk_spill', 'stale_statistics') ORDER BY rule;
RESET enable_mergejoin;
RESET enable_nestloop;

-- Parallel workers' files count. One worker: how two share the rows is not the same each time.
SET max_parallel_workers_per_gather = 1;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SELECT rule, files_after FROM try('SELECT * FROM lines ORDER BY note');

SET client_min_messages = warning;
DROP SCHEMA audit_spill CASCADE;
