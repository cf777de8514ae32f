-- The same query with the same parameters.
LOAD 'pg_purser';
CREATE SCHEMA audit_rep;
SET search_path = audit_rep;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE settings (name text PRIMARY KEY, value text);
INSERT INTO settings SELECT 's' || i, i FROM generate_series(1, 100) i;
CREATE TABLE big AS SELECT i AS id, i % 10 AS grp FROM generate_series(1, 3000) i;
CREATE TABLE other (id int);
CREATE TABLE parts (id int, note text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
INSERT INTO parts SELECT i FROM generate_series(1, 50) i;
CREATE SEQUENCE counter;
VACUUM ANALYZE settings, big, parts;
CREATE VIEW found AS
SELECT rule, relation, occurrences, rows_read, rows_returned, evidence, suggestion
FROM purser.findings WHERE rule IN ('repeated_query', 'n_plus_one') ORDER BY relation::text, query COLLATE "C";
CREATE FUNCTION times(n int, VARIADIC statements text[]) RETURNS SETOF text LANGUAGE sql AS
$$ SELECT unnest(statements) FROM generate_series(1, n) $$;

-- In one transaction.
\o /dev/null
SELECT purser.audit_reset();
BEGIN;
SELECT times(4, 'SELECT value FROM settings WHERE name = ''s1''') \gexec
\o
SELECT * FROM found;
\o /dev/null
SELECT value FROM settings WHERE name = 's1';
\o
\x
SELECT * FROM found;
\x
-- goes on, whatever the comment
\o /dev/null
SELECT times(2, '/* view=1 */ SELECT value FROM settings WHERE name = ''s1''',
                'SELECT value FROM settings WHERE name = ''s1'' /*traceparent=00-1*/') \gexec
COMMIT;
\o
SELECT occurrences, rows_returned, evidence FROM found;

-- Bound parameters; text and bound parameters together; outside of a transaction when much is read.
\o /dev/null
SELECT purser.audit_reset();
PREPARE setting (text) AS SELECT value FROM settings WHERE name = $1;
BEGIN;
SELECT times(6, 'EXECUTE setting (''s3'')') \gexec
COMMIT;
SELECT times(6, 'SELECT count(*) FROM big WHERE grp = 3') \gexec
\o
SELECT relation, occurrences, evidence FROM found;

-- Not so: other parameters each time;
\o /dev/null
SELECT purser.audit_reset();
BEGIN;
SELECT format('SELECT value FROM settings WHERE name = ''s%s''', n) FROM generate_series(1, 10) n \gexec
SELECT format('EXECUTE setting (''s%s'')', n) FROM generate_series(1, 10) n \gexec
-- no table, system catalogs, a lock, a result that is new each time;
SELECT times(6, 'SELECT 1', 'SELECT now()', 'SELECT relname FROM pg_class WHERE oid = 1259') \gexec
SELECT times(6, 'SELECT value FROM settings WHERE name = ''s1'' FOR UPDATE') \gexec
SELECT times(6, 'SELECT nextval(''counter''), value FROM settings WHERE name = ''s1''') \gexec
SELECT times(6, 'SELECT value FROM settings WHERE name = ''s1'' AND random() >= 0') \gexec
COMMIT;
-- a change of the table in between, by a statement, in a function, in a partition, by COPY;
BEGIN;
SELECT times(6, 'SELECT value FROM settings WHERE name = ''s2''',
                'UPDATE settings SET value = value || ''x'' WHERE name = ''s2''') \gexec
CREATE FUNCTION touch() RETURNS void LANGUAGE sql AS $$ UPDATE settings SET value = 'y' WHERE name = 's5' $$;
SELECT times(6, 'SELECT value FROM settings WHERE name = ''s5''', 'SELECT touch()') \gexec
SELECT times(6, 'SELECT * FROM parts WHERE id < 3', 'INSERT INTO parts VALUES (60)') \gexec
SELECT times(6, 'SELECT count(*) FROM settings', 'COPY other FROM PROGRAM ''echo 1''') \gexec
COMMIT;
-- transactions tried again after a failure;
SELECT times(6, 'BEGIN', 'SELECT count(*) FROM big WHERE grp = 4', 'SELECT 1 / (count(*) - count(*)) FROM settings',
             'ROLLBACK') \gexec
SELECT times(6, 'SELECT count(*) FROM big WHERE grp = 5', 'SELECT 1 / (count(*) - count(*)) FROM settings') \gexec
-- each in a transaction of its own; a poll of a few rows, or beyond the window.
SELECT times(6, 'BEGIN', 'SELECT count(*) FROM big WHERE grp = 6', 'COMMIT') \gexec
SELECT times(6, 'SELECT value FROM settings WHERE name = ''s1''') \gexec
SET purser.audit_n_plus_one_window = 0;
SELECT times(6, 'SELECT count(*) FROM big WHERE grp = 7') \gexec
RESET purser.audit_n_plus_one_window;
\o
SELECT * FROM found;

-- A change of another table does not matter.
\o /dev/null
BEGIN;
SELECT times(6, 'SELECT value FROM settings WHERE name = ''s9''', 'INSERT INTO other VALUES (1)') \gexec
COMMIT;
\o
SELECT rule, relation, evidence->'executions' AS executions FROM found;

-- An execution counts for one of the two rules: many values are an N+1; what comes again after its last row is not.
CREATE TABLE uses (id int PRIMARY KEY, settings_name text);
\o /dev/null
INSERT INTO uses SELECT i, 's' || i FROM generate_series(1, 100) i;
CREATE INDEX ON uses (settings_name);
SELECT purser.audit_reset();
BEGIN;
SELECT name FROM settings ORDER BY name LIMIT 30;
SELECT format('SELECT * FROM uses WHERE settings_name = %L', name)
FROM (SELECT name FROM settings ORDER BY name LIMIT 30) s \gexec
SELECT times(6, 'SELECT * FROM uses WHERE settings_name = ''s1''') \gexec
COMMIT;
\o
SELECT rule, relation, evidence->'executions' AS executions FROM found;
\o /dev/null
SELECT purser.audit_reset();
BEGIN;
SELECT name FROM settings ORDER BY name LIMIT 30;
SELECT times(6, 'SELECT * FROM uses WHERE settings_name = ''s1''') \gexec
SELECT 'SELECT * FROM uses WHERE settings_name = ''s10''' \gexec
COMMIT;
\o
SELECT rule, relation, evidence->'executions' AS executions FROM found;

SET client_min_messages = warning;
DROP SCHEMA audit_rep CASCADE;
