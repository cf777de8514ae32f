-- Names of any kind in what is found, and what is told of long statements.
LOAD 'pg_purser';
CREATE SCHEMA audit_names;
SET search_path = audit_names;
SET max_parallel_workers_per_gather = 0;
SET purser.audit_n_plus_one_window = 0;
CREATE TABLE victim ();
CREATE TABLE "a "" -- table
; DROP TABLE victim; --" (id int PRIMARY KEY, "a column
; DROP TABLE victim; --" int, other int);
INSERT INTO "a "" -- table
; DROP TABLE victim; --" SELECT i, i + 5000, i % 50 FROM generate_series(1, 3000) i;
CREATE INDEX ON "a "" -- table
; DROP TABLE victim; --" ("a column
; DROP TABLE victim; --");
VACUUM ANALYZE;
SELECT purser.audit_reset();

-- What follows "--" stays on its line, so that the line after it is not run.
BEGIN;
SELECT "a column
; DROP TABLE victim; --" FROM "a "" -- table
; DROP TABLE victim; --" ORDER BY id LIMIT 12 \g /dev/null
SELECT format('SELECT id FROM %s WHERE %I = %s', '"a "" -- table
; DROP TABLE victim; --"'::regclass, 'a column
; DROP TABLE victim; --', 5000 + n) FROM generate_series(1, 12) n \gexec
COMMIT;
DO $$
BEGIN
    FOR i IN 1 .. 60 LOOP
        PERFORM other FROM "a "" -- table
; DROP TABLE victim; --" WHERE id = i;
    END LOOP;
END $$;
SELECT suggestion FROM purser.findings WHERE rule = 'n_plus_one'
AND relation::regclass::text LIKE '%victim%' ORDER BY evidence ? 'nested';

CREATE TABLE tagged AS SELECT i AS id, ARRAY[i, i + 1] AS "tags
; DROP TABLE victim; --" FROM generate_series(1, 3000) i;
ANALYZE tagged;
SELECT id FROM tagged WHERE 7 = ANY ("tags
; DROP TABLE victim; --") \g /dev/null
\g /dev/null
\g /dev/null
SELECT suggestion FROM purser.findings WHERE rule = 'discarded_rows';

-- A notice tells as much of what the client sent as findings keep.
SELECT purser.audit_reset();
SET purser.audit_notice = n_plus_one;
SELECT format('DO $f$ BEGIN /* %s */ FOR i IN 1 .. 60 LOOP
PERFORM other FROM %s WHERE id = i; END LOOP; END $f$ -- the end', repeat('long', 300), '"a "" -- table
; DROP TABLE victim; --"'::regclass) \gexec
-- and of several statements sent at once, the one that it is in
SELECT purser.audit_reset();
CREATE TABLE plain AS SELECT generate_series(1, 500) AS id;
SELECT 'a secret of another' AS statement \; DO $$
BEGIN
    FOR i IN 1 .. 60 LOOP
        PERFORM FROM plain WHERE id = i;
    END LOOP;
END $$ \; SELECT 'and so is this' AS statement;
RESET purser.audit_notice;

\set VERBOSITY terse
SET client_min_messages = warning;
DROP SCHEMA audit_names CASCADE;
