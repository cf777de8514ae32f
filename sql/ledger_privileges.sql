-- Who may do what: nobody, until it is granted; and a migration has its caller's rights only.
CREATE SCHEMA ledger_privileges;
CREATE ROLE regress_ledger_nobody;
CREATE ROLE regress_ledger_migrator;
CREATE ROLE regress_ledger_reader;
CREATE ROLE "regress_ledger ""Weird"" Rôle";
GRANT pg_monitor TO regress_ledger_reader;
GRANT regress_ledger_migrator TO "regress_ledger ""Weird"" Rôle";
GRANT EXECUTE ON FUNCTION purser.upgrade, purser.downgrade, purser.add_revision, purser.load_revision,
	purser.load_directory, purser.remove_revision, purser.stamp(text, boolean) TO regress_ledger_migrator;
GRANT ALL ON SCHEMA ledger_privileges TO regress_ledger_migrator;
CREATE TABLE ledger_privileges.secret (x int);

-- nothing for everybody, and everything of ours said
SELECT p.proname FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
WHERE pronamespace = 'purser'::regnamespace AND probin LIKE '%pg_purser' AND prosrc LIKE 'purser_%'
	AND proname IN ('add_revision', 'load_revision', 'load_directory', 'remove_revision', 'export_revision', 'upgrade', 'downgrade',
		'plan', 'stamp', 'merge_heads', 'current', 'heads', 'branches', 'history', 'show')
	AND (a.grantee = 0 OR p.prosecdef OR obj_description(p.oid, 'pg_proc') IS NULL);

SELECT attrelid::regclass, attname FROM pg_attribute
WHERE attrelid IN ('purser.revision'::regclass, 'purser.applied'::regclass, 'purser.event'::regclass)
	AND attnum > 0 AND NOT attisdropped AND col_description(attrelid, attnum) IS NULL;

SET ROLE regress_ledger_nobody;
SELECT purser.upgrade();
SELECT purser.downgrade('base');
SELECT purser.add_revision('x', '');
SELECT purser.load_revision('');
SELECT purser.load_directory('/');
SELECT purser.remove_revision('x');
SELECT purser.stamp('base');
SELECT purser.stamp('{base}'::text[]);
SELECT purser.merge_heads('x');
SELECT purser.plan('upgrade', 'heads');
SELECT purser.current();
SELECT purser.heads();
SELECT purser.branches();
SELECT purser.history();
SELECT purser.show('x');
SELECT purser.export_revision('x');
SELECT * FROM purser.revision;
SELECT * FROM purser.applied;
SELECT * FROM purser.event;

SET ROLE regress_ledger_migrator;
SET search_path = ledger_privileges;
SELECT purser.add_revision('table', 'CREATE TABLE mine ()', 'DROP TABLE mine', 'mine1');
SELECT purser.add_revision('mistake', '', '', 'mistake1'), purser.remove_revision('mistake1');
SELECT revision FROM purser.upgrade();
SELECT tableowner FROM pg_tables WHERE tablename = 'mine';
SELECT purser.add_revision('secret', 'SELECT * FROM ledger_privileges.secret', '', 'secret1');
SELECT purser.upgrade();
SELECT purser.load_directory('/nowhere');
-- the ledger's rows are written for the caller, not by the caller
INSERT INTO purser.applied VALUES ('secret1', '', now(), 'me');
UPDATE purser.event SET role = 'other';
DELETE FROM purser.revision;
SELECT purser.add_revision('cheat', 'DELETE FROM purser.event', '', 'cheat1', '{mine1}');
SELECT purser.upgrade('cheat1');
-- a trap in the caller's search_path is not stepped into
CREATE FUNCTION ledger_privileges.max(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE 'trap'; END $$;
CREATE FUNCTION ledger_privileges.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trap'; END $$;
CREATE OPERATOR ledger_privileges.= (FUNCTION = ledger_privileges.eq, LEFTARG = text, RIGHTARG = text);
SET search_path = ledger_privileges, pg_catalog;
SELECT purser.add_revision('trap', '', '', 'trap1', '{mine1}', labels => '{trapped}');
SELECT revision FROM purser.upgrade('trap1');
SET search_path = ledger_privileges;
SET ROLE "regress_ledger ""Weird"" Rôle";
SELECT revision FROM purser.downgrade('base');
SELECT action, revision FROM purser.stamp('mine1');

-- a function that runs migrations with its owner's rights does not lend these to triggers that wait
RESET ROLE;
BEGIN;
CREATE FUNCTION ledger_privileges.migrate() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER
	AS 'SELECT revision FROM purser.upgrade(''mine1'')';
SELECT count(*) FROM purser.stamp('base');
SET LOCAL ROLE regress_ledger_migrator;
CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN RAISE NOTICE 'fired as migrator: %', current_user = 'regress_ledger_migrator'; RETURN NULL; END $$;
CREATE TABLE trapped (x int);
CREATE CONSTRAINT TRIGGER trap AFTER INSERT ON trapped DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION trap();
INSERT INTO trapped VALUES (1);
SAVEPOINT s;
SELECT migrate();
ROLLBACK TO s;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT migrate();
ROLLBACK;
-- nobody else may own the schema: he could put tables with triggers in the place of ours
RESET ROLE;
\set VERBOSITY terse
BEGIN;
ALTER SCHEMA purser OWNER TO regress_ledger_nobody;
SAVEPOINT s;
SELECT purser.upgrade();
ROLLBACK TO s;
ALTER SCHEMA purser RENAME TO ledger_purser;
CREATE SCHEMA purser;
SELECT ledger_purser.current();
ROLLBACK;
\set VERBOSITY default

SET ROLE regress_ledger_reader;
SELECT revision FROM purser.current();
SELECT revision FROM purser.heads() ORDER BY revision COLLATE "C";
SELECT revision FROM purser.branches();
SELECT revision, applied_at IS NOT NULL AS applied FROM purser.history() ORDER BY revision COLLATE "C";
SELECT revision, applied_by FROM purser.show('mine1');
SELECT split_part(purser.export_revision('mine1'), E'\n', 1);
SELECT revision FROM purser.plan('upgrade', 'secret1');
SELECT kind, revision, role, session_role = session_user AS session FROM purser.event ORDER BY id;
SELECT purser.upgrade();
DELETE FROM purser.event;

-- a read-only transaction reads
RESET ROLE;
BEGIN TRANSACTION READ ONLY;
SELECT revision FROM purser.current();
SELECT revision FROM purser.plan('upgrade', 'trap1');
SAVEPOINT s;
SELECT purser.upgrade();
ROLLBACK TO s;
SELECT purser.load_directory('/');
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA ledger_privileges CASCADE;
TRUNCATE purser.revision, purser.applied, purser.event;
REVOKE ALL ON FUNCTION purser.upgrade, purser.downgrade, purser.add_revision, purser.load_revision,
	purser.load_directory, purser.remove_revision, purser.stamp(text, boolean) FROM regress_ledger_migrator;
DROP ROLE regress_ledger_nobody, regress_ledger_migrator, regress_ledger_reader, "regress_ledger ""Weird"" Rôle";
