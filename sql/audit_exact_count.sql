-- Counts of many rows.
LOAD 'pg_purser';
CREATE SCHEMA audit_exact_count;
SET search_path = audit_exact_count;
SET max_parallel_workers_per_gather = 0;
SET purser.audit_exact_count = 2000;
CREATE TABLE visits (id int PRIMARY KEY, site int, page int NOT NULL, note text);
INSERT INTO visits SELECT i, i % 3, i % 1000, 'visit' FROM generate_series(1, 6000) i;
CREATE INDEX visits_site ON visits (site);
CREATE TABLE pages (id int PRIMARY KEY, path text);
INSERT INTO pages SELECT i, '/' || i FROM generate_series(0, 999) i;
VACUUM ANALYZE visits, pages;
CREATE VIEW found AS
    SELECT rule, severity, relation, columns, occurrences, rows_read, evidence, suggestion
    FROM purser.findings ORDER BY rule, relation::text, rows_read;

-- of a whole table
SELECT purser.audit_reset();
SELECT count(*) FROM visits;
SELECT * FROM found;
SELECT count(*) FROM visits;
\x on
SELECT * FROM found;
\x off
-- of a column that is never NULL; as part of an expression; with a condition that most rows fulfil
SELECT purser.audit_reset();
SELECT count(id) FROM visits;
SELECT count(id) FROM visits;
SELECT count(*) > 0 AS some FROM visits;
SELECT count(*) > 0 AS some FROM visits;
SELECT count(*) FROM visits WHERE note = 'visit';
SELECT count(*) FROM visits WHERE note = 'visit';
SELECT rule, occurrences, evidence, suggestion FROM found ORDER BY evidence::text, suggestion;
-- by an index, by a join, through a view, of a subquery, as EXECUTE
CREATE VIEW known AS SELECT v.id FROM visits v JOIN pages p ON p.id = v.page;
PREPARE total AS SELECT count(*) FROM visits WHERE site IN (1, 2);
SELECT purser.audit_reset();
SELECT count(*) FROM visits WHERE site = 1;
SELECT count(*) FROM visits WHERE site = 1;
SELECT count(*) FROM known;
SELECT count(*) FROM known;
SELECT count(*) FROM (SELECT * FROM visits ORDER BY note OFFSET 0) v;
SELECT count(*) FROM (SELECT * FROM visits ORDER BY note OFFSET 0) v;
EXECUTE total;
EXECUTE total;
SELECT rule, relation, occurrences, rows_read, evidence->'rows_counted' AS counted, evidence->'restricted' AS restricted
FROM found;
-- a partial index is a condition
CREATE INDEX visits_noted ON visits (site) WHERE id > 1;
VACUUM ANALYZE visits;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT purser.audit_reset();
SELECT count(*) FROM visits WHERE id > 1;
SELECT count(*) FROM visits WHERE id > 1;
SELECT rule, evidence->'restricted' AS restricted FROM found;
RESET enable_bitmapscan;
RESET enable_seqscan;
-- partitions
CREATE TABLE parts (id int, v int) PARTITION BY HASH (id);
SELECT format('CREATE TABLE parts_%s PARTITION OF parts FOR VALUES WITH (MODULUS 4, REMAINDER %s)', n, n)
FROM generate_series(0, 3) n \gexec
INSERT INTO parts SELECT i, i FROM generate_series(1, 4000) i;
VACUUM ANALYZE parts;
SELECT purser.audit_reset();
SELECT count(*) FROM parts;
SELECT count(*) FROM parts;
SET enable_partitionwise_aggregate = on;
SELECT count(*) FROM parts;
RESET enable_partitionwise_aggregate;
SELECT relation, occurrences, rows_read, evidence, suggestion FROM found;
-- what is suggested runs
SELECT sum(c.reltuples)::bigint FROM pg_catalog.pg_partition_tree('audit_exact_count.parts') p JOIN pg_catalog.pg_class c ON c.oid = p.relid WHERE p.isleaf;
SELECT reltuples::bigint FROM pg_catalog.pg_class WHERE oid = 'audit_exact_count.visits'::regclass;
SELECT count(*) FROM (SELECT FROM audit_exact_count.visits LIMIT 1001) s;
-- workers
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET min_parallel_index_scan_size = 0;
SET parallel_leader_participation = on;
SELECT purser.audit_reset();
SELECT count(page) FROM visits;
SELECT count(page) FROM visits;
SELECT count(page) FROM visits;
SELECT rule, relation, evidence FROM found;
RESET max_parallel_workers_per_gather;
SET max_parallel_workers_per_gather = 0;

-- near misses, each twice or more
SELECT purser.audit_reset();
-- few rows
SELECT count(*) FROM pages;
SELECT count(*) FROM pages;
-- grouped, HAVING, other aggregates, distinct, some of the rows
SELECT count(*) FROM visits GROUP BY site ORDER BY 1;
SELECT count(*) FROM visits GROUP BY site ORDER BY 1;
SELECT count(*) FROM visits HAVING count(*) > 1;
SELECT count(*) FROM visits HAVING count(*) > 1;
SELECT count(*), max(note) FROM visits;
SELECT count(*), max(note) FROM visits;
SELECT count(DISTINCT site) FROM visits;
SELECT count(DISTINCT site) FROM visits;
SELECT count(*) FILTER (WHERE site = 1) FROM visits;
SELECT count(*) FILTER (WHERE site = 1) FROM visits;
SELECT count(note) FROM visits;
SELECT count(note) FROM visits;
SELECT sum(1) FROM visits;
SELECT sum(1) FROM visits;
-- capped, existence, what a DISTINCT left
SELECT count(*) FROM (SELECT FROM visits LIMIT 5001) s;
SELECT count(*) FROM (SELECT FROM visits LIMIT 5001) s;
SELECT EXISTS (SELECT FROM visits);
SELECT EXISTS (SELECT FROM visits);
SELECT count(*) FROM (SELECT DISTINCT page FROM visits) s;
SELECT count(*) FROM (SELECT DISTINCT page FROM visits) s;
-- once only
SELECT count(*) + 1 FROM visits;
-- not a client's
DO $$ BEGIN FOR i IN 1..3 LOOP PERFORM count(*) FROM visits; END LOOP; END $$;
CREATE FUNCTION total() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM audit_exact_count.visits';
SELECT total();
SELECT total();
CREATE TABLE copied AS SELECT count(*) FROM visits;
DROP TABLE copied;
CREATE TABLE copied AS SELECT count(*) FROM visits;
COPY (SELECT count(*) FROM visits) TO '/dev/null';
COPY (SELECT count(*) FROM visits) TO '/dev/null';
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) SELECT count(*) FROM visits \g /dev/null
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) SELECT count(*) FROM visits \g /dev/null
-- catalogs, functions, temporary tables
SELECT count(*) > 2000 FROM pg_catalog.pg_proc;
SELECT count(*) > 2000 FROM pg_catalog.pg_proc;
SELECT count(*) FROM generate_series(1, 5000);
SELECT count(*) FROM generate_series(1, 5000);
CREATE TEMP TABLE passing AS SELECT * FROM visits;
SELECT count(*) FROM passing;
SELECT count(*) FROM passing;
SELECT * FROM found;
-- few of the rows read are counted: an index is missing, and that is all that is said
SELECT count(*) FROM visits WHERE page = 5;
SELECT count(*) FROM visits WHERE page = 5;
SELECT count(*) FROM visits WHERE page = 5;
SELECT rule, relation, columns FROM found;

SET client_min_messages = warning;
DROP SCHEMA audit_exact_count CASCADE;
