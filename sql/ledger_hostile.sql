-- Scripts that were not made for this, or made against it: each fails cleanly or does what it says.
CREATE SCHEMA ledger_hostile;
SET search_path = ledger_hostile;
CREATE ROLE regress_ledger_ordinary;
GRANT ALL ON SCHEMA ledger_hostile TO regress_ledger_ordinary;
GRANT EXECUTE ON FUNCTION purser.upgrade, purser.downgrade, purser.add_revision, purser.stamp(text, boolean) TO regress_ledger_ordinary;
-- Runs a script as a revision: its error, or what it left in the ledger; and then undoes all.
CREATE FUNCTION try(script text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before text := (SELECT format('%s %s', count(*), max(e.id)) FROM purser.event e);
	answer text;
BEGIN
	BEGIN
		PERFORM purser.add_revision('about', script, '', 'hostile1', '{}');
		SELECT string_agg(format('%s %s', u.direction, u.revision), ' ') INTO answer FROM purser.upgrade('hostile1') u;
		RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = answer;
	EXCEPTION WHEN sqlstate 'ZZ000' THEN answer := SQLERRM;
		WHEN OTHERS THEN answer := format('%s: %s', SQLSTATE, left(SQLERRM, 100));
	END;
	IF before <> (SELECT format('%s %s', count(*), max(e.id)) FROM purser.event e)
			OR EXISTS (SELECT FROM purser.applied a WHERE a.revision = 'hostile1') THEN
		RAISE EXCEPTION 'it left something in the ledger';
	END IF;
	RETURN answer;
END $$;
GRANT SELECT ON purser.event, purser.applied TO regress_ledger_ordinary;
CREATE TABLE t (x int);
CREATE PROCEDURE commits() LANGUAGE plpgsql AS 'BEGIN INSERT INTO ledger_hostile.t VALUES (1); COMMIT; END';
CREATE PROCEDURE rolls_back() LANGUAGE plpgsql AS 'BEGIN ROLLBACK; END';

-- what only psql knows
SELECT purser.add_revision('include', E'CREATE TABLE inc ();\n\\i other.sql', revision => 'psql1', parents => '{}');
SELECT purser.upgrade('psql1');
SELECT purser.add_revision('data', E'COPY t FROM stdin;\n1\n\\.\n', revision => 'psql2', parents => '{}');
SELECT purser.upgrade('psql2');
SELECT purser.add_revision('variable', E'CREATE TABLE :name ()', revision => 'psql3', parents => '{}');
SELECT purser.upgrade('psql3');
SELECT purser.add_revision('colon', E'SELECT 1 FRM ''\\''', revision => 'psql4', parents => '{}');
SELECT purser.upgrade('psql4');
SELECT script, try(script) FROM unnest(ARRAY['\connect other', '\set x 1', '\copy t FROM ''file''', '\.', 'SELECT 1 \gexec', 'SELECT 1 \; SELECT 2',
	E'COPY t (x) FROM STDIN WITH (FORMAT csv);\n"a b",''c\n\\.\nSELECT 1', 'COPY t FROM STDIN', 'COPY t TO STDOUT', E'COPY t FROM STDIN; SELECT 1']) AS script;

-- transactions, in the open and hidden
SELECT script, try(script) FROM unnest(ARRAY['START TRANSACTION', 'END', 'ABORT', 'SELECT 1; SAVEPOINT s; RELEASE s', 'ROLLBACK TO s',
	'COMMIT PREPARED ''x''', 'CALL commits()', 'CALL rolls_back()', 'DO ''BEGIN CALL commits(); END''', 'DO ''BEGIN ROLLBACK; END''', 'DO $$BEGIN EXECUTE ''COMMIT''; END$$',
	'DO $$BEGIN EXECUTE ''SAVEPOINT s''; END$$', 'DO $$BEGIN EXECUTE ''PREPARE TRANSACTION ''''x''''''; END$$',
	'DO $$BEGIN EXECUTE ''VACUUM''; END$$', 'CREATE FUNCTION f() RETURNS void LANGUAGE sql AS ''COMMIT''; SELECT f()',
	'DO $$BEGIN BEGIN COMMIT; EXCEPTION WHEN OTHERS THEN RAISE; END; END$$', 'DO $$BEGIN BEGIN COMMIT; EXCEPTION WHEN OTHERS THEN NULL; END; END$$',
	'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', 'SET TRANSACTION READ ONLY; INSERT INTO t VALUES (1)', 'SET TRANSACTION SNAPSHOT ''x''']) AS script;
-- nor where the caller itself commits as it goes
SELECT purser.add_revision('commits', 'CALL commits()', '', 'commit1', '{}');
CALL purser.migrate('commit1');
SELECT count(*), (SELECT count(*) FROM purser.applied) AS applied, (SELECT count(*) FROM purser.event) AS events FROM t;

-- the ledger itself, as superuser: what would take it away is refused, or fails as a whole
SET client_min_messages = warning;
SELECT script, try(script) FROM unnest(ARRAY['DROP EXTENSION pg_purser CASCADE', 'DROP SCHEMA purser', 'DROP SCHEMA purser CASCADE', 'DROP TABLE purser.applied',
	'DO $$BEGIN EXECUTE ''DROP EXTENSION pg_purser''; END$$', 'ALTER EXTENSION pg_purser DROP TABLE purser.applied; DROP TABLE purser.applied',
	'ALTER EXTENSION pg_purser DROP FUNCTION purser.current()', 'CREATE TABLE mine (); ALTER EXTENSION pg_purser ADD TABLE mine',
	'ALTER SCHEMA purser RENAME TO other', 'ALTER TABLE purser.applied RENAME TO other', 'ALTER EXTENSION pg_purser SET SCHEMA public',
	'ALTER EXTENSION pg_purser UPDATE', 'DROP FUNCTION purser.upgrade', 'INSERT INTO purser.applied VALUES (''hostile1'', '''', now(), ''me'')',
	'TRUNCATE purser.event', 'DELETE FROM purser.revision WHERE revision = ''hostile1''', 'LOCK TABLE purser.applied, purser.event',
	'ALTER TABLE purser.event ENABLE ROW LEVEL SECURITY; ALTER TABLE purser.event FORCE ROW LEVEL SECURITY',
	'SET SESSION AUTHORIZATION regress_ledger_ordinary; SELECT count(*) FROM purser.applied']) AS script;
RESET client_min_messages;
SELECT count(*) FROM pg_extension WHERE extname = 'pg_purser';
-- as an ordinary role: not even that
SET ROLE regress_ledger_ordinary;
SELECT script, try(script) FROM unnest(ARRAY['INSERT INTO purser.applied VALUES (''x'', '''', now(), ''me'')', 'DELETE FROM purser.event', 'TRUNCATE purser.event',
	'UPDATE purser.revision SET upgrade = ''''', 'DROP EXTENSION pg_purser CASCADE', 'DROP SCHEMA purser CASCADE', 'ALTER EXTENSION pg_purser DROP TABLE purser.applied',
	'CREATE TABLE purser.trap ()', 'CREATE TRIGGER trap BEFORE INSERT ON purser.event EXECUTE FUNCTION x()', 'SET ROLE postgres', 'RESET SESSION AUTHORIZATION; SELECT * FROM pg_authid LIMIT 0',
	'ALTER SYSTEM SET work_mem = 1', 'LOAD ''/nowhere/trap''', 'CREATE EVENT TRIGGER trap ON ddl_command_end EXECUTE FUNCTION x()', 'LOCK TABLE purser.event IN EXCLUSIVE MODE']) AS script;
RESET ROLE;
-- a history that a superuser's script cut shows where
SELECT purser.add_revision('honest', '', '', 'cut1', '{}');
SELECT purser.add_revision('cuts', 'DELETE FROM purser.event WHERE revision = ''cut1''', '', 'cut2', '{cut1}');
SELECT revision FROM purser.upgrade('cut2');
SELECT id, revision, previous_hash = '' AS is_first FROM purser.event ORDER BY id;
TRUNCATE purser.revision, purser.applied, purser.event;

-- calls that change the ledger, from a script and from what a script sets off
SELECT script, try(script) FROM unnest(ARRAY['SELECT purser.upgrade()', 'SELECT purser.downgrade(''base'')', 'SELECT purser.stamp(''base'')', 'CALL purser.migrate()',
	'SELECT purser.baseline()', 'SELECT purser.record_step(''upgrade'', ''hostile1'')', 'SELECT purser.load_revision('''')', 'DO ''BEGIN PERFORM purser.upgrade(); END''',
	'CREATE FUNCTION g() RETURNS bigint LANGUAGE sql AS ''SELECT count(*) FROM purser.upgrade()''; SELECT g()', 'SELECT purser.script(''upgrade'', ''heads'')']) AS script;
CREATE FUNCTION meddle() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM purser.stamp('base'); END $$;
CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no % today', tg_tag; END $$;
CREATE EVENT TRIGGER regress_meddle ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION meddle();
CREATE EVENT TRIGGER regress_forbid ON ddl_command_start WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION forbid();
SELECT script, try(script) FROM unnest(ARRAY['CREATE TABLE u ()', 'CREATE VIEW v AS SELECT 1', 'CREATE SEQUENCE s']) AS script;
DROP EVENT TRIGGER regress_meddle;
DROP EVENT TRIGGER regress_forbid;
-- one that a script makes does not stop the ledger's own rows
SELECT try('CREATE EVENT TRIGGER regress_forbid ON ddl_command_start EXECUTE FUNCTION forbid(); INSERT INTO t VALUES (1)'),
	try('CREATE EVENT TRIGGER regress_forbid ON ddl_command_start EXECUTE FUNCTION forbid(); CREATE TABLE u ()');

-- what is put back: after a step that went well, after one that failed, and in a caller that goes on
SET lock_timeout = '1min';
CREATE FUNCTION settings() RETURNS text LANGUAGE sql AS $$
	SELECT format('%s %s %s %s %s %s %s %s %s', current_setting('search_path'), current_setting('lock_timeout'), current_setting('statement_timeout'),
		current_setting('default_transaction_read_only'), current_setting('default_transaction_isolation'), current_setting('session_replication_role'),
		current_setting('row_security'), current_setting('client_encoding') = pg_client_encoding()::text, current_user = session_user) $$;
CREATE VIEW script AS SELECT $$SET search_path = pg_temp; SET lock_timeout = 5; SET LOCAL statement_timeout = 100000; SET default_transaction_read_only = on;
	SET default_transaction_isolation = serializable; SET session_replication_role = replica; SET row_security = off; SET client_encoding = 'LATIN1';
	SET SESSION AUTHORIZATION regress_ledger_ordinary;$$ AS s;
SELECT settings();
SELECT try(s) FROM script;
SELECT settings();
SELECT try(s || ' SELECT 1/0') FROM script;
SELECT settings();
SELECT purser.add_revision('sets', s, '', 'sets1', '{}'), purser.add_revision('fails', s || 'SELECT 1/0', '', 'sets2', '{sets1}') FROM script;
DO $$ BEGIN
	PERFORM purser.upgrade('sets2');
EXCEPTION WHEN division_by_zero THEN RAISE NOTICE '%', ledger_hostile.settings();
END $$;
BEGIN;
SELECT revision FROM purser.upgrade('sets1');
SELECT settings();
SAVEPOINT s;
SELECT purser.upgrade('sets2');
ROLLBACK TO s;
SELECT settings();
COMMIT;
SELECT settings();
-- what a deferred trigger sets at the end of a step, too
CREATE FUNCTION sets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM set_config('lock_timeout', '7s', false); SET ROLE regress_ledger_ordinary; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER sets AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sets();
SELECT purser.add_revision('defers', 'INSERT INTO t VALUES (1)', '', 'sets3', '{sets1}');
SELECT revision FROM purser.upgrade('sets3');
SELECT settings();
RESET ROLE;
DROP TRIGGER sets ON t;
RESET lock_timeout;
-- the caller is gone when the script ends
CREATE ROLE regress_ledger_gone SUPERUSER;
SET SESSION AUTHORIZATION regress_ledger_gone;
SELECT regexp_replace(try('SET SESSION AUTHORIZATION regress_ledger_ordinary; RESET SESSION AUTHORIZATION; DROP ROLE regress_ledger_gone'), '\d+$', '...');
RESET SESSION AUTHORIZATION;
DROP ROLE regress_ledger_gone;

-- texts; unaligned, as psql's releases differ in the width of some characters
\pset format unaligned
SELECT left(script, 40) AS script, try(script) FROM unnest(ARRAY[' ', E'\t\r\n', '-- only', '/* only */', ';', '/* /* nested */ */ SELECT 1', '/* /* unclosed */ SELECT 1', 'SELECT ''open',
	'SELECT "open', 'SELECT $a$ open $b$', 'SELECT E''\', 'SELECT $a$ $$ $b$ ; $b$ $$ $a$', '$', '@#!?', 'é', '🐘', 'ÿþ', E'\u00a0SELECT 1', E'\ufeffSELECT 1', 'SELECT 1;;SELECT 2;', 'SELECT U&''\zzzz''',
	'SELECT "' || repeat('x', 100) || '" FROM (SELECT 1) y', repeat('(', 20000) || '1', 'SELECT ' || repeat('-', 3), E'SELECT 1 --\rFRM', 'SELECT $1', 'SELECT ?', 'BEGIN ATOMIC END']) AS script;
\pset format aligned
SELECT try('SELECT length(''' || repeat('x', 10000000) || ''')'), try('-- ' || repeat(E'\n-- x', 2000000)), try(repeat('SELECT 1;', 10000)),
	try(repeat(E'\n', 1000000) || 'SELECT FROM FROM');

-- statements that return something
CREATE PROCEDURE gives(INOUT x int) LANGUAGE plpgsql AS 'BEGIN x := 2; END';
SELECT script, try(script) FROM unnest(ARRAY['CALL gives(1)', 'SHOW work_mem', 'EXPLAIN ANALYZE SELECT 1', 'VALUES (1)', 'TABLE t', 'INSERT INTO t VALUES (1) RETURNING x',
	'PREPARE one AS SELECT 1; EXECUTE one', 'DECLARE c CURSOR FOR SELECT 1; FETCH c; CLOSE c', 'NOTIFY somebody', 'LOAD ''plpgsql''',
	'SELECT pg_advisory_unlock_all()', 'SELECT generate_series(1, 1000000)']) AS script;

-- what a session keeps
SELECT purser.add_revision('keeps', 'CREATE TEMP TABLE kept (x int); CREATE TEMP TABLE gone () ON COMMIT DROP; PREPARE kept AS SELECT 1;
	DECLARE kept CURSOR WITH HOLD FOR SELECT 1; DECLARE gone CURSOR FOR SELECT 2; LISTEN kept; SET CONSTRAINTS ALL DEFERRED; LOCK TABLE t;
	LOAD ''plpgsql''; DISCARD PLANS; DISCARD SEQUENCES', 'DISCARD TEMP; DEALLOCATE ALL; CLOSE ALL; UNLISTEN *', 'keep1', '{}');
SELECT revision FROM purser.upgrade('keep1');
SELECT to_regclass('pg_temp.kept'), to_regclass('pg_temp.gone'), (SELECT string_agg(name, ' ') FROM pg_prepared_statements WHERE name = 'kept') AS prepared,
	(SELECT string_agg(name, ' ') FROM pg_cursors WHERE name IN ('kept', 'gone')) AS cursors, (SELECT string_agg(c, ' ') FROM pg_listening_channels() c) AS listens;
SELECT revision FROM purser.downgrade('base');
SELECT to_regclass('pg_temp.kept'), (SELECT string_agg(name, ' ') FROM pg_prepared_statements WHERE name = 'kept') AS prepared,
	(SELECT string_agg(name, ' ') FROM pg_cursors WHERE name IN ('kept', 'gone')) AS cursors, (SELECT string_agg(c, ' ') FROM pg_listening_channels() c) AS listens;

SET client_min_messages = warning;
TRUNCATE purser.revision, purser.applied, purser.event;
REVOKE ALL ON purser.event, purser.applied FROM regress_ledger_ordinary;
REVOKE ALL ON FUNCTION purser.upgrade, purser.downgrade, purser.add_revision, purser.stamp(text, boolean) FROM regress_ledger_ordinary;
DROP SCHEMA ledger_hostile CASCADE;
DROP ROLE regress_ledger_ordinary;
