-- CALL purser.migrate(): commits as it goes, and runs in a worker what no transaction takes.
CREATE SCHEMA online_migrate;
SET search_path = online_migrate;
SET client_min_messages = warning;
CREATE TABLE t (a int, b text);
INSERT INTO t SELECT i, i FROM generate_series(1, 100) i;
CREATE VIEW state AS
	SELECT (SELECT string_agg(revision, ' ' ORDER BY revision) FROM purser.applied) AS applied,
		(SELECT string_agg(revision || ' ' || next_statement || '/' || statements
			|| CASE WHEN started THEN ' started' ELSE '' END || ' ' || phase, ', ')
			FROM purser.underway) AS underway;
CREATE VIEW indexes AS
	SELECT c.relname, i.indisvalid AS valid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
	WHERE c.relnamespace = 'online_migrate'::regnamespace;

-- ordinary and other statements in turn, settings carried over, and the way back
SELECT purser.add_revision('mixed', $$SET search_path = online_migrate, pg_catalog;
	ALTER TABLE t ADD c int DEFAULT 1;
	CREATE INDEX CONCURRENTLY ON t (a, lower(b));
	UPDATE t SET c = a;
	CREATE UNIQUE INDEX CONCURRENTLY t_c ON t (c);
	VACUUM t;
	REINDEX TABLE CONCURRENTLY t;
	ALTER TABLE t ADD CONSTRAINT t_c_key UNIQUE USING INDEX t_c;$$,
	$$SET search_path = online_migrate; DROP INDEX CONCURRENTLY t_a_lower_idx; ALTER TABLE t DROP c$$,
	'mixed', verify => 'SELECT c FROM online_migrate.t');
SELECT purser.upgrade();
RESET search_path;
CALL purser.migrate();
SET search_path = online_migrate;
\d t
SELECT * FROM state;
SELECT count(*) FROM t WHERE c = a;
CALL purser.migrate('base', 'downgrade');
\d t
SELECT * FROM state;
SELECT kind, revision, duration > '0' AS timed FROM purser.event ORDER BY id;

-- each revision is committed: what was before the one that fails stays
SELECT purser.add_revision('good', 'CREATE TABLE online_migrate.g (x int)', 'DROP TABLE online_migrate.g', 'good', '{}');
SELECT purser.add_revision('bad', 'INSERT INTO online_migrate.g VALUES (1); SELECT 1/0', NULL, 'bad1', '{good}');
CALL purser.migrate('bad1');
SELECT * FROM state;
SELECT * FROM g;
-- and nothing is under way: a revision in one transaction is done or not begun
SELECT purser.load_revision(replace(purser.export_revision('bad1'), '1/0', '1/1'));
CALL purser.migrate('+1');
SELECT * FROM state;
-- nothing left to do
CALL purser.migrate('bad1');

-- a build that fails: said so, cleared away, and gone on with once the data is mended
INSERT INTO t VALUES (1, 'again');
SELECT purser.add_revision('unique', $$CREATE TABLE online_migrate.once (x int);
	CREATE UNIQUE INDEX CONCURRENTLY u ON online_migrate.t (a);
	CREATE TABLE online_migrate.last (x int)$$, NULL, 'uniq', '{bad1}');
CALL purser.migrate('uniq');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM state;
SELECT error FROM purser.underway;
SELECT * FROM indexes;
-- others leave it alone
SELECT purser.upgrade('uniq');
\echo :LAST_ERROR_SQLSTATE
SELECT purser.remove_revision('uniq');
SELECT purser.load_revision(replace(purser.export_revision('uniq'), 'once', 'twice'));
\echo :LAST_ERROR_SQLSTATE
-- what is not done yet may be replaced
SELECT purser.load_revision(replace(purser.export_revision('uniq'), 'last (x int)', 'last (y int)'));
SELECT * FROM indexes;
DELETE FROM t WHERE b = 'again';
CALL purser.migrate('uniq');
SELECT * FROM state;
SELECT * FROM indexes;
\d last

-- an invalid index that a dead build left does not pass for the index, nor stand in its way
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'u'::regclass;
SELECT purser.add_revision('again', 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS u ON online_migrate.t (a)', NULL, 'again', '{uniq}');
CALL purser.migrate('again');
SELECT * FROM indexes;

-- stamp gives up, or declares that it is done
SELECT purser.add_revision('stuck', $$CREATE TABLE online_migrate.s (x int); VACUUM online_migrate.nope$$,
	NULL, 'stuck', '{again}');
CALL purser.migrate('stuck');
SELECT * FROM state;
SELECT * FROM purser.stamp('good');
SELECT * FROM state;
SELECT purser.stamp('again');
DROP TABLE s;
CALL purser.migrate('stuck');
SELECT * FROM purser.stamp('stuck');
SELECT * FROM state;

-- each statement by itself
SELECT purser.add_revision('single', 'CREATE TABLE online_migrate.p (x int); SELECT 1/0', NULL, 'single', '{stuck}',
	transactional => false);
SELECT purser.upgrade('single');
\echo :LAST_ERROR_SQLSTATE
CALL purser.migrate('single');
SELECT * FROM state;
SELECT purser.load_revision(replace(purser.export_revision('single'), '1/0', '1'));
CALL purser.migrate('single');
SELECT * FROM state;

-- a new label is used by what follows, and by verify
SELECT purser.add_revision('label', $$CREATE TYPE online_migrate.mood AS ENUM ('sad');
	ALTER TYPE online_migrate.mood ADD VALUE 'ok'; CREATE TABLE online_migrate.m (x online_migrate.mood DEFAULT 'ok')$$,
	NULL, 'label1', '{single}');
SELECT purser.add_revision('label', $$SELECT 1; ALTER TYPE online_migrate.mood ADD VALUE 'glad';
	INSERT INTO online_migrate.m VALUES ('glad'); ALTER TYPE online_migrate.mood ADD VALUE 'elated'$$, NULL, 'label2', '{label1}',
	verify => $$SELECT 'elated'::online_migrate.mood$$);
CALL purser.migrate('label2');
SELECT * FROM state;

-- partitions
CREATE TABLE part (x int) PARTITION BY LIST (x);
CREATE TABLE part1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE part2 PARTITION OF part DEFAULT;
CREATE INDEX ON part (x);
SELECT purser.add_revision('part', $$REINDEX TABLE online_migrate.part;
	CREATE TABLE online_migrate.q (x int PRIMARY KEY) PARTITION BY LIST (x); REINDEX TABLE online_migrate.q$$, NULL, 'part', '{label2}');
CALL purser.migrate('part');
SELECT purser.add_revision('detach', $$DROP TABLE online_migrate.part2;
	ALTER TABLE online_migrate.part DETACH PARTITION online_migrate.part1 CONCURRENTLY$$, NULL, 'detach', '{part}');
CALL purser.migrate('detach');
SELECT relispartition FROM pg_class WHERE oid = 'part1'::regclass;

-- names as the server chooses them
SELECT purser.add_revision('names', $$CREATE INDEX CONCURRENTLY ON online_migrate.t (a, a, (a + 1), (a + 2), upper(b));
	CREATE INDEX CONCURRENTLY ON online_migrate.t (a, a, (a + 1), (a + 2), upper(b))$$, NULL, 'names', '{detach}');
CALL purser.migrate('names');
CREATE INDEX ON t (a, a, (a + 1), (a + 2), upper(b));
SELECT * FROM indexes WHERE relname LIKE 't_a_a%' ORDER BY 1;

-- as the caller, a role that may not log in included
CREATE ROLE regress_online_owner NOLOGIN;
CREATE ROLE regress_online_other NOLOGIN;
GRANT USAGE ON SCHEMA purser TO regress_online_owner, regress_online_other;
GRANT EXECUTE ON PROCEDURE purser.migrate TO regress_online_owner, regress_online_other;
CREATE TABLE owned (x int);
ALTER TABLE owned OWNER TO regress_online_owner;
GRANT USAGE, CREATE ON SCHEMA online_migrate TO regress_online_owner, regress_online_other;
SELECT purser.add_revision('owned', 'CREATE INDEX CONCURRENTLY owned_x ON online_migrate.owned (x)', NULL, 'owned', '{names}');
SET ROLE regress_online_other;
CALL purser.migrate('owned');
\echo :LAST_ERROR_SQLSTATE
SET ROLE regress_online_owner;
CALL purser.migrate('owned');
RESET ROLE;
SELECT pg_get_userbyid(relowner), (SELECT applied_by FROM purser.applied WHERE revision = 'owned') FROM pg_class WHERE relname = 'owned_x';
SELECT purser.add_revision('owned', 'SET ROLE regress_online_owner; CREATE INDEX CONCURRENTLY owned_x2 ON online_migrate.owned (x); SELECT 1 / 0', NULL, 'owned2', '{owned}');
CALL purser.migrate('owned2');
SELECT * FROM state WHERE underway IS NOT NULL;
SELECT current_user = session_user AS reset;
SELECT purser.stamp('owned2');
SET SESSION AUTHORIZATION regress_online_owner;
CALL purser.migrate('owned');
RESET SESSION AUTHORIZATION;

-- notices and errors of a worker are as those of the session
SET client_min_messages = notice;
SELECT purser.add_revision('notice', $$DROP INDEX CONCURRENTLY IF EXISTS online_migrate.none;
	CREATE INDEX CONCURRENTLY ON online_migrate.t (a, (nope + 1))$$, NULL, 'notice', '{owned2}');
CALL purser.migrate('notice');
SET client_min_messages = warning;
SELECT purser.stamp('notice');

-- locks that cannot be had
SELECT purser.add_revision('nowait', $$DO 'BEGIN RAISE lock_not_available; END'$$, NULL, 'nowait', '{notice}');
SET purser.lock_patience = 1;
CALL purser.migrate('nowait');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM state WHERE underway IS NOT NULL;
RESET purser.lock_patience;

-- where it cannot be called
BEGIN;
CALL purser.migrate();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN CALL purser.migrate(); END';
SELECT f();
\echo :LAST_ERROR_SQLSTATE
DO 'BEGIN CALL purser.migrate(); EXCEPTION WHEN division_by_zero THEN END';
\echo :LAST_ERROR_SQLSTATE
SET default_transaction_read_only = on;
CALL purser.migrate();
\echo :LAST_ERROR_SQLSTATE
RESET default_transaction_read_only;
CALL purser.migrate('heads', 'sideways');
CALL purser.migrate(NULL);
SELECT purser.add_revision('n', 'CALL purser.migrate()', NULL, 'nested', '{notice}');
CALL purser.migrate('nested');
\echo :LAST_ERROR_SQLSTATE
SELECT purser.add_revision('n', 'SELECT 1; COMMIT', NULL, 'tx', '{notice}'), purser.add_revision('n', 'DISCARD ALL', NULL, 'discard', '{notice}');
CALL purser.migrate('tx');
CALL purser.migrate('discard');
-- but from a block without exceptions
DO $$ BEGIN CALL purser.migrate('base', 'upgrade'); END $$;
SELECT * FROM purser.migrate_progress;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1886745203;

TRUNCATE purser.revision, purser.applied, purser.event, purser.underway;
DROP SCHEMA online_migrate CASCADE;
REVOKE ALL ON SCHEMA purser FROM regress_online_owner, regress_online_other;
REVOKE ALL ON PROCEDURE purser.migrate FROM regress_online_owner, regress_online_other;
DROP ROLE regress_online_owner, regress_online_other;
