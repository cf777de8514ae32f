-- script(): a plan as a file for psql; and record_step(), which such a file calls. What psql makes of it: t/010_ledger_script.pl.
CREATE SCHEMA ledger_offline;
SET search_path = ledger_offline;
CREATE ROLE regress_ledger_reader;
CREATE ROLE regress_ledger_nobody;
GRANT pg_monitor TO regress_ledger_reader;
SELECT purser.script('upgrade', 'heads');
SELECT purser.add_revision('create task', E'-- one\nCREATE TABLE task (id int);', 'DROP TABLE task;', 'task1', labels => '{todo}');
SELECT purser.add_revision('number; and more', E'CREATE INDEX CONCURRENTLY task_id ON task (id);;\nUPDATE task SET id = (ARRAY[1])[1:id] -- last',
	NULL, 'task2', verify => 'SELECT $purser$x$purser$');
-- all of it, but what is the same in every file
SELECT regexp_replace(purser.script('upgrade', 'heads'), 'SET client_encoding.*SELECT pg_catalog.to_reg.*purser_check .gset', '...');
-- targets as for plan(), and ranges
SELECT t AS target, substring(purser.script('upgrade', t) FROM '^[^\n]*') FROM unnest(ARRAY['+1', 'task1', 'task2', 'base', 'base:', ':', 'task1:task2', ':+2', 'task2:base']) AS t;
SELECT substring(purser.script('downgrade', t) FROM '^[^\n]*') FROM unnest(ARRAY['base', 'task1:base', 'task1:-1', 'task1:task1']) AS t;
-- its first line is a comment to its end, whatever line ends a time is written with
SELECT substring(purser.script('upgrade', t) FROM '^[^\n\r]*') FROM unnest(ARRAY[E'time:\r\nnow', E'base:time:now\n']) AS t;
SELECT purser.script('sideways', 'heads');
SELECT purser.script('upgrade', 'nothing');
SELECT purser.script('upgrade', 'task1:nothing');
SELECT purser.script('upgrade', '+1:heads');
SELECT purser.script('upgrade', 'base:task1:task2');
SELECT purser.script('upgrade', 'base:-1');
SELECT purser.script('downgrade', '-1');
SELECT purser.script('downgrade', 'task2:base');
SELECT purser.script('downgrade', 'base:task1');
SELECT purser.script('upgrade', NULL);
-- nothing ran, and nothing is remembered
SELECT to_regclass('task'), (SELECT count(*) FROM purser.event);
-- a script that cannot be written
SELECT purser.add_revision('wrong', E'SELECT 1;\nSELECT FROM FROM', NULL, 'wrong1', '{}');
SELECT purser.script('upgrade', 'wrong1');
SELECT purser.add_revision('talks', 'COPY task FROM stdin', NULL, 'wrong2', '{}');
SELECT purser.script('upgrade', 'wrong2');
SELECT purser.add_revision('encoding', $$SET NAMES 'LATIN1'$$, NULL, 'wrong3', '{}');
SELECT purser.script('upgrade', 'wrong3');
SELECT purser.add_revision('strings', $$SET standard_conforming_strings TO off$$, NULL, 'wrong4', '{}');
SELECT purser.script('upgrade', 'wrong4');

-- record_step(): one step as it would be next, and nothing else
SELECT purser.record_step('upgrade', 'task2');
SELECT purser.record_step('downgrade', 'task1');
SELECT purser.record_step('upgrade', 'task1'), purser.record_step('upgrade', 'task2');
SELECT purser.record_step('upgrade', 'task1');
SELECT purser.record_step('downgrade', 'task1');
SELECT purser.record_step('downgrade', 'task2'), purser.record_step('downgrade', 'task1');
SELECT purser.record_step('upgrade', 'nothing');
SELECT purser.record_step('up', 'task1');
SELECT kind, revision FROM purser.event ORDER BY id;

-- readers may have the file; who runs it needs what it calls
SELECT p.proname FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
WHERE pronamespace = 'purser'::regnamespace AND proname IN ('script', 'record_step', 'baseline')
	AND (a.grantee = 0 OR p.prosecdef OR obj_description(p.oid, 'pg_proc') IS NULL);
SET ROLE regress_ledger_nobody;
SELECT purser.script('upgrade', 'heads');
SELECT purser.record_step('upgrade', 'task1');
SELECT purser.baseline();
SET ROLE regress_ledger_reader;
SELECT length(purser.script('upgrade', 'task2')) > 0 AS may;
SELECT purser.record_step('upgrade', 'task1');
RESET ROLE;
BEGIN READ ONLY;
SELECT length(purser.script('upgrade', 'task2')) > 0 AS may;
SELECT purser.record_step('upgrade', 'task1');
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA ledger_offline CASCADE;
DROP ROLE regress_ledger_reader, regress_ledger_nobody;
TRUNCATE purser.revision, purser.applied, purser.event;
