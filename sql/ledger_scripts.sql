-- How scripts run: as the caller, whole or not at all, and leaving nothing behind but their work.
CREATE SCHEMA ledger_scripts;
SET search_path = ledger_scripts;
CREATE FUNCTION try(id text, script text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT purser.add_revision('about ' || id, script, NULL, id, '{}');
	SELECT u.revision FROM purser.upgrade(id) u;
$$;

-- each statement sees what the ones before it did
SELECT try('sees1', 'CREATE TABLE a (x int); ALTER TABLE a ADD y int; INSERT INTO a VALUES (1, 2);
	CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''SELECT y FROM a''; INSERT INTO a SELECT f(), f();
	CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT max(x) FROM a; END; INSERT INTO a VALUES (g(), 3)');
SELECT * FROM a ORDER BY x, y;
-- nothing, comments, a rule with several statements, dollar quotes
SELECT try('odd1', ''), try('odd2', '-- only a comment'), try('odd3', ';;; ;'),
	try('odd4', 'CREATE TABLE r (x int); CREATE RULE r AS ON INSERT TO r DO INSTEAD (DELETE FROM a; DELETE FROM r);'),
	try('odd5', 'DO $do$ BEGIN PERFORM $$;$$; END $do$; /* /* ; */ ; */ SELECT '';''');

-- A failure: nothing is applied, and one knows where it was.
SELECT purser.add_revision('good', 'CREATE TABLE good ()', 'DROP TABLE good', 'good', '{}');
SELECT purser.add_revision('bad', E'-- a comment; with a semicolon\nCREATE TABLE bad (x int);\n\n'
	'/* another;\n */ INSERT INTO bad VALUES (1);\nINSERT INTO bad\n\tSELECT x, nope FROM bad;\nDROP TABLE bad',
	revision => 'bad', parents => '{good}');
SELECT purser.upgrade('bad');
\echo :LAST_ERROR_SQLSTATE
SELECT to_regclass('good') AS good, (SELECT count(*) FROM purser.applied WHERE revision IN ('good', 'bad')) AS applied;
SELECT try('syntax1', E'SELECT 1;\nSELECT 2\n  FRM a;\nSELECT 3');
SELECT try('syntax2', 'SELECT ''unfinished');
SELECT try('syntax3', E'SELECT 1;\nSELECT ''Ünïcödé 🐘'' FRM FRM a; -- 🐘\nSELECT 3');
SELECT try('syntax4', E'\n\nSELECT 1,\n\n');
SELECT try('syntax5', E'SELECT 1;\nSELECT ' || repeat('ä, ', 1000) || 'a b c' || repeat(', ö', 1000000));
SELECT try('syntax6', E'SELECT 1;\n\nSELECT $$ 2;\nSELECT 3');
SELECT try('division1', 'SELECT 1; SELECT 1/0');
SELECT purser.add_revision('v', 'CREATE TABLE v (x int)', NULL, 'verify1', '{}', verify => E'SELECT 1;\nSELECT y FROM v');
SELECT purser.upgrade('verify1');
SELECT to_regclass('v');
SELECT purser.add_revision('d', 'CREATE TABLE d (x int)', 'DROP TABLE d; DROP TABLE d', 'down1', '{}');
SELECT count(*) > 0 AS stamped FROM purser.stamp('base');
SELECT revision FROM purser.upgrade('down1');
SELECT purser.downgrade('base');
SELECT to_regclass('d'), (SELECT revision FROM purser.applied);

-- what would leave the transaction, or talk to the client, is refused before anything runs
SELECT try('tx1', 'CREATE TABLE tx (); COMMIT');
SELECT try('tx2', 'CREATE TABLE tx (); ROLLBACK');
SELECT try('tx3', E'SELECT 1;\n\nSAVEPOINT s');
SELECT try('tx4', 'BEGIN');
SELECT try('tx5', 'PREPARE TRANSACTION ''x''');
SELECT try('tx6', 'DO $$ BEGIN COMMIT; END $$');
SELECT try('copy1', 'COPY a FROM STDIN');
SELECT try('copy2', 'COPY (SELECT 1) TO STDOUT');
-- and so is what the server runs outside of transactions only, with what to do instead
SELECT try('tx7', E'CREATE TABLE tx ();\nVACUUM');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY terse
SELECT try('tx8', 'CREATE INDEX CONCURRENTLY ON a (x)');
SELECT try('tx8', 'DROP INDEX CONCURRENTLY a');
SELECT try('tx8', 'REINDEX TABLE CONCURRENTLY a');
SELECT try('tx8', 'REINDEX (CONCURRENTLY on) INDEX a');
SELECT try('tx8', 'REINDEX SCHEMA a');
SELECT try('tx8', 'REINDEX DATABASE a');
SELECT try('tx8', 'ALTER TABLE a DETACH PARTITION b CONCURRENTLY');
SELECT try('tx8', 'CLUSTER');
SELECT try('tx8', 'ALTER SYSTEM SET work_mem = 1');
SELECT try('tx8', 'CREATE DATABASE regress_ledger');
SELECT try('tx8', 'DROP DATABASE regress_ledger');
SELECT try('tx8', 'ALTER DATABASE regress_ledger SET TABLESPACE pg_default');
SELECT try('tx8', 'CREATE TABLESPACE regress_ledger LOCATION ''/''');
SELECT try('tx8', 'DROP TABLESPACE regress_ledger');
SELECT try('tx8', 'DISCARD ALL');
\set VERBOSITY default
-- the same commands where they may run
SELECT try('tx9', 'ANALYZE a; CREATE INDEX a_x ON a (x); REINDEX TABLE a; REINDEX (CONCURRENTLY off) INDEX a_x;
	CLUSTER a USING a_x; DROP INDEX a_x; ALTER TABLE a SET WITHOUT CLUSTER; DISCARD PLANS');
-- nor may it change what a string is under the statements that are to come
\set VERBOSITY sqlstate
SELECT try('strings1', $$SET standard_conforming_strings = off; SELECT '\''; CREATE TABLE hidden (); --'$$);
\set VERBOSITY default
SELECT to_regclass('hidden');
-- a subtransaction of its own is fine
SELECT try('sub1', 'DO $$ BEGIN CREATE TABLE sub (); SELECT 1/0; EXCEPTION WHEN division_by_zero THEN NULL; END $$; SELECT 1');

-- settings are put back after each step, and come from the caller before it
SET work_mem = '5MB';
CREATE ROLE regress_ledger_other;
SELECT purser.add_revision('set', $$
	SET search_path = pg_catalog; SET work_mem = '7MB'; SET LOCAL enable_seqscan = off; SET ROLE regress_ledger_other;
	SET SESSION AUTHORIZATION regress_ledger_other; SELECT set_config('my.setting', 'x', false); SET datestyle = 'German';
	$$, '', 'set1', '{}', verify => $$DO 'BEGIN ASSERT current_setting(''work_mem'') = ''7MB''; END'$$);
SELECT purser.add_revision('look', $$ CREATE TABLE look AS SELECT current_setting('search_path') AS path,
	current_setting('work_mem') AS mem, current_setting('enable_seqscan') AS seqscan, current_user = session_user AS me,
	coalesce(current_setting('my.setting', true), '') AS my $$, 'DROP TABLE look', 'set2', '{set1}');
SELECT revision FROM purser.upgrade('set2');
SELECT * FROM look;
SELECT current_setting('search_path'), current_setting('work_mem'), current_setting('enable_seqscan'),
	current_user = session_user AS me, coalesce(current_setting('my.setting', true), '') AS my;
SELECT revision, applied_by = current_user AS me FROM purser.show('set1');
-- so is the caller's own role
CREATE ROLE regress_ledger_caller;
GRANT EXECUTE ON FUNCTION purser.upgrade TO regress_ledger_caller;
SELECT purser.add_revision('role', 'RESET ROLE; SET SESSION AUTHORIZATION regress_ledger_other', '', 'set3', '{set2}');
SET ROLE regress_ledger_caller;
SELECT revision FROM purser.upgrade('set3');
SELECT current_user, session_user = 'regress_ledger_other' AS lost;
RESET ROLE;
SELECT applied_by FROM purser.show('set3');
-- a transaction that was made read-only, too
SELECT try('readonly1', 'SET TRANSACTION READ ONLY');
RESET work_mem;
REVOKE ALL ON FUNCTION purser.upgrade FROM regress_ledger_caller;
DROP ROLE regress_ledger_other, regress_ledger_caller;

-- a script cannot use or take away the ledger that is recording it
SELECT try('again1', 'SELECT purser.upgrade()');
\echo :LAST_ERROR_SQLSTATE
SELECT try('again2', 'SELECT purser.stamp(''base'')');
SELECT try('again3', 'SELECT purser.add_revision(''x'', ''y'')');
SELECT try('again4', 'DO $$ BEGIN PERFORM purser.downgrade(''base''); EXCEPTION WHEN object_in_use THEN RAISE NOTICE ''refused''; END $$');
SELECT try('again7', 'SELECT purser.remove_revision(''again1'')');
SELECT try('again5', 'SELECT * FROM purser.current()');
SELECT try('drop1', 'CREATE TABLE gone (); DROP EXTENSION pg_purser');
SELECT try('drop2', 'DROP EXTENSION pg_purser CASCADE; CREATE EXTENSION pg_purser');
SELECT to_regclass('gone'), count(*) > 0 AS still_there FROM purser.applied;
-- nor can a superuser's script pull out the step that follows
SELECT purser.add_revision('pull', $$DELETE FROM purser.revision WHERE revision = 'pull2'$$, '', 'pull1', '{}');
SELECT purser.add_revision('pulled', '', '', 'pull2', '{pull1}');
SELECT purser.upgrade('pull2');
SELECT purser.add_revision('stays', '', '', 'stay1', '{}');
SELECT purser.add_revision('breaks', '', $$UPDATE purser.revision SET downgrade = NULL WHERE revision = 'stay1'$$,
	'stay2', '{stay1}');
SELECT count(*) > 0 AS stamped FROM purser.stamp('base');
SELECT revision FROM purser.upgrade('stay2');
SELECT purser.downgrade('base');
SELECT revision FROM purser.current();
-- an error inside a caller's subtransaction leaves the ledger usable
DO $$ BEGIN PERFORM try('again6', 'SELECT 1/0'); EXCEPTION WHEN division_by_zero THEN NULL; END $$;
SELECT try('again6', 'SELECT 1');

-- Deferred constraints are checked at the end of each step, so that later steps may alter the tables.
SELECT purser.add_revision('pair', 'CREATE TABLE parent (id int PRIMARY KEY);
	CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED,
		CONSTRAINT late UNIQUE (id) DEFERRABLE);', 'DROP TABLE child, parent', 'pair1', '{}');
SELECT purser.add_revision('fill', 'INSERT INTO child VALUES (1); INSERT INTO parent VALUES (1);',
	'DELETE FROM child; DELETE FROM parent', 'pair2', '{pair1}');
SELECT purser.add_revision('alter', 'ALTER TABLE child ADD x int; ALTER TABLE parent ADD x int',
	'ALTER TABLE child DROP x; ALTER TABLE parent DROP x', 'pair3', '{pair2}');
SELECT purser.add_revision('wrong', 'INSERT INTO child VALUES (2)', '', 'pair4', '{pair3}');
SELECT revision FROM purser.upgrade('pair3');
SELECT purser.upgrade('pair4');
-- and are deferred again afterwards, in the same transaction too
BEGIN;
SELECT revision FROM purser.downgrade('pair1');
SELECT revision FROM purser.upgrade('pair2');
INSERT INTO child VALUES (3);
INSERT INTO parent VALUES (3);
COMMIT;
SELECT revision FROM purser.downgrade('pair1');
-- what the caller had pending is checked too, and the error says when
BEGIN;
INSERT INTO child VALUES (4);
SELECT revision FROM purser.upgrade('pair2');
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA ledger_scripts CASCADE;
TRUNCATE purser.revision, purser.applied, purser.event;
