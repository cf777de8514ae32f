-- Who may adopt; hostile names and values; views, row-level security, locks.
CREATE SCHEMA adopt_access;
CREATE ROLE regress_adopt_nobody;
CREATE ROLE regress_adopt_migrator;
GRANT EXECUTE ON FUNCTION purser.adopt TO regress_adopt_migrator;
SET search_path = adopt_access;
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL, other text);
INSERT INTO alembic_version VALUES ('1975ea83b712');

SELECT p.proname FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
WHERE p.oid = 'purser.adopt'::regproc AND (a.grantee = 0 OR p.prosecdef OR obj_description(p.oid, 'pg_proc') IS NULL);

SET ROLE regress_adopt_nobody;
SELECT * FROM purser.adopt();
RESET ROLE;
GRANT USAGE ON SCHEMA purser TO regress_adopt_nobody, regress_adopt_migrator;
SET ROLE regress_adopt_nobody;
SELECT * FROM purser.adopt();

-- the schema, the table, the column
SET ROLE regress_adopt_migrator;
SELECT * FROM purser.adopt('alembic');
SELECT 'alembic_version'::regclass::oid AS source \gset
RESET ROLE;
SELECT 'alembic_version'::regclass::oid AS source \gset
SET ROLE regress_adopt_migrator;
SELECT * FROM purser.adopt('alembic', :source);
RESET ROLE;
GRANT USAGE ON SCHEMA adopt_access TO regress_adopt_migrator;
SET ROLE regress_adopt_migrator;
SELECT * FROM purser.adopt('alembic');
SELECT count(*) FROM pg_locks WHERE relation = :source AND pid = pg_backend_pid();
RESET ROLE;
GRANT SELECT (other) ON alembic_version TO regress_adopt_migrator;
SET ROLE regress_adopt_migrator;
SELECT * FROM purser.adopt('alembic');
RESET ROLE;
GRANT SELECT (version_num) ON alembic_version TO regress_adopt_migrator;
REVOKE SELECT (other) ON alembic_version FROM regress_adopt_migrator;
SET ROLE regress_adopt_migrator;
BEGIN;
SELECT * FROM purser.adopt('alembic');
SELECT mode FROM pg_locks WHERE relation = :source AND pid = pg_backend_pid() ORDER BY mode;
RESET ROLE;
SELECT kind, revision, role FROM purser.event;
ROLLBACK;
SET ROLE regress_adopt_migrator;
-- the tables of the ledger are still not the caller's
SELECT * FROM purser.revision;
RESET ROLE;

-- rows that the caller cannot see are not taken for undone ones
ALTER TABLE alembic_version ENABLE ROW LEVEL SECURITY;
SET ROLE regress_adopt_migrator;
SELECT * FROM purser.adopt('alembic');
RESET ROLE;
SELECT action, revision FROM purser.adopt('alembic', dry_run => true);
ALTER TABLE alembic_version DISABLE ROW LEVEL SECURITY;

-- a view in the table's place; functions of it run as the caller
CREATE FUNCTION told(text) RETURNS text LANGUAGE plpgsql AS
	$$BEGIN RAISE NOTICE 'read by %', current_user; RETURN $1; END$$;
CREATE VIEW seen AS SELECT told(version_num) AS version_num FROM alembic_version;
GRANT SELECT ON seen TO regress_adopt_migrator;
SET ROLE regress_adopt_migrator;
SELECT * FROM purser.adopt(source => 'seen', dry_run => true);
RESET ROLE;
-- one that changes the ledger while it is read
SELECT action FROM purser.adopt('alembic', 'seen');
CREATE OR REPLACE FUNCTION told(text) RETURNS text LANGUAGE plpgsql AS
	$$BEGIN PERFORM purser.stamp('base'); PERFORM purser.remove_revision($1); RETURN 'other'; END$$;
SELECT action, revision FROM purser.adopt('alembic', 'seen');
CREATE OR REPLACE FUNCTION told(text) RETURNS text LANGUAGE plpgsql AS
	$$BEGIN PERFORM purser.stamp('base'); RETURN 'third'; END$$;
SELECT action, revision FROM purser.adopt('alembic', 'seen');
SELECT kind, revision FROM purser.event ORDER BY id;
SELECT revision, parents FROM purser.revision;
TRUNCATE purser.revision, purser.applied, purser.event;

-- tables, operators and types of the same names that lie in wait
CREATE SCHEMA adopt_trap;
CREATE TABLE adopt_trap.history (version_num text);
INSERT INTO adopt_trap.history VALUES ('trapped');
CREATE TYPE adopt_trap.int8 AS ENUM ('trapped');
CREATE FUNCTION adopt_trap.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'trapped'; END$$;
CREATE OPERATOR adopt_trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = adopt_trap.trap);
CREATE OPERATOR adopt_trap.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = adopt_trap.trap);
CREATE FUNCTION adopt_trap.concat(text, text, text) RETURNS text LANGUAGE sql AS $$SELECT 'trapped'$$;
CREATE TEMP TABLE history (version_num text);
INSERT INTO history VALUES ('trapped');
SET search_path = adopt_trap, pg_temp, adopt_access, pg_catalog;
SELECT * FROM purser.adopt(dry_run => true);
CREATE TABLE adopt_access.databasechangelog (id text, author text, filename text, dateexecuted timestamp, orderexecuted integer,
	exectype text, description text, comments text);
INSERT INTO adopt_access.databasechangelog VALUES ('1', 'bob', 'a.xml', '2024-03-05', 1, 'EXECUTED', '', '');
SELECT * FROM purser.adopt('liquibase', dry_run => true);
SET search_path = adopt_access;
DROP TABLE databasechangelog;

-- names and values that try to leave the comment of the placeholder's script
CREATE SCHEMA "a ""b""; --";
CREATE TABLE "a ""b""; --"." t'
DROP TABLE x; /*" (id integer, app text, name text, applied text);
INSERT INTO "a ""b""; --"." t'
DROP TABLE x; /*" VALUES
	(1, E'x\nCREATE TABLE oops ();', E'a\r\nCREATE TABLE oops ();--', E'now\nCREATE TABLE oops ();'),
	(2, 'naïve', 'Größe', 'now'), (3, 'naïve', 'Grüße', 'now'), (4, '', '', NULL), (5, 'x', repeat('long', 30), NULL);
SELECT * FROM purser.adopt('django', $$"a ""b""; --"." t'
DROP TABLE x; /*"$$);
SELECT revision, message, labels, upgrade FROM purser.revision ORDER BY ordinal;
SELECT count(*) FROM purser.revision WHERE upgrade ~ '[\r\n]' OR upgrade NOT LIKE '-- %';
SELECT revision, purser.export_revision(revision) ~ '\nCREATE' AS leaves FROM purser.revision ORDER BY ordinal;
SELECT action FROM purser.adopt('django', $$"a ""b""; --"." t'
DROP TABLE x; /*"$$);
TRUNCATE purser.revision, purser.applied, purser.event;

-- a version that is a word of the ledger's, or nothing at all
TRUNCATE alembic_version;
INSERT INTO alembic_version VALUES ('head'), (''), ('@'), ('current');
SELECT * FROM purser.adopt('alembic');
UPDATE alembic_version SET version_num = '/' WHERE version_num = '';
SELECT * FROM purser.adopt('alembic');
ALTER TABLE alembic_version ALTER version_num DROP NOT NULL;
UPDATE alembic_version SET version_num = NULL WHERE version_num = '/';
SELECT * FROM purser.adopt('alembic');

-- other kinds of tables and columns
CREATE DOMAIN number AS numeric;
CREATE TABLE parted (version number, dirty text) PARTITION BY LIST (dirty);
CREATE TABLE part PARTITION OF parted DEFAULT;
INSERT INTO parted VALUES (20240305, 'f');
SELECT * FROM purser.adopt('golang-migrate', 'parted', true);
-- more than fits into work_mem
CREATE TABLE large (id integer, app text, name text, applied timestamptz);
INSERT INTO large SELECT i, 'shop', '0001_initial', NULL FROM generate_series(1, 5000) i;
SET work_mem = '64kB';
SELECT * FROM purser.adopt('django', 'large');
RESET work_mem;

SET client_min_messages = warning;
TRUNCATE purser.revision, purser.applied, purser.event;
DROP SCHEMA adopt_access, adopt_trap, "a ""b""; --" CASCADE;
DROP TABLE pg_temp.history;
REVOKE ALL ON FUNCTION purser.adopt FROM regress_adopt_migrator;
REVOKE ALL ON SCHEMA purser FROM regress_adopt_nobody, regress_adopt_migrator;
DROP ROLE regress_adopt_nobody, regress_adopt_migrator;
