-- What is not adopted: histories in the middle of something, or that do not fit; nothing is written.
CREATE SCHEMA adopt_refusals;
SET search_path = adopt_refusals;

-- a dirty version, and several
CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
INSERT INTO schema_migrations VALUES (3, true);
SELECT * FROM purser.adopt();
SELECT * FROM purser.adopt(dry_run => true);
UPDATE schema_migrations SET dirty = false;
INSERT INTO schema_migrations VALUES (4, false);
SELECT * FROM purser.adopt();
DROP TABLE schema_migrations;

-- a failed row, though a later one did well
CREATE TABLE flyway_schema_history (installed_rank integer, version text, description text, type text, script text,
	installed_by text, installed_on timestamp, success smallint);
INSERT INTO flyway_schema_history VALUES (1, '1', 'one', 'SQL', 'V1__one.sql', 'bob', '2024-03-05', 1),
	(2, '2', 'two', 'SQL', 'V2__two.sql', 'bob', '2024-03-05', 0), (3, '2', 'two', 'SQL', 'V2__two.sql', 'bob', '2024-03-05', 1);
SELECT * FROM purser.adopt();
UPDATE flyway_schema_history SET version = NULL WHERE installed_rank > 1;
SELECT * FROM purser.adopt();
-- two versions that would be one id
UPDATE flyway_schema_history SET success = 1, version = CASE installed_rank WHEN 2 THEN '1_1' WHEN 3 THEN '1-1' ELSE '1' END;
SELECT * FROM purser.adopt();
-- a column is not there, or has another meaning
ALTER TABLE flyway_schema_history RENAME script TO scripts;
SELECT * FROM purser.adopt('flyway');
SELECT * FROM purser.adopt(NULL, 'flyway_schema_history');
SELECT * FROM purser.adopt();
ALTER TABLE flyway_schema_history RENAME scripts TO script;
ALTER TABLE flyway_schema_history ALTER success TYPE text USING 'perhaps';
\set SHOW_CONTEXT never
SELECT * FROM purser.adopt();
\set SHOW_CONTEXT errors
DROP TABLE flyway_schema_history;

-- a lock that is held; a change set that failed, or was done in a way that is not known
CREATE TABLE databasechangelog (id text, author text, filename text, dateexecuted timestamp, orderexecuted integer,
	exectype text, description text, comments text);
CREATE TABLE databasechangeloglock (id integer, locked boolean, lockgranted timestamp, lockedby text);
INSERT INTO databasechangelog VALUES ('1', 'bob', 'a.xml', '2024-03-05', 1, 'EXECUTED', '', ''), ('2', 'bob', 'a.xml', '2024-03-05', 2, 'FAILED', '', '');
INSERT INTO databasechangeloglock VALUES (1, true, '2024-03-05 10:00', 'host (10.0.0.1)');
SELECT * FROM purser.adopt();
UPDATE databasechangeloglock SET locked = false;
SELECT * FROM purser.adopt();
UPDATE databasechangelog SET exectype = 'DREAMT' WHERE id = '2';
SELECT * FROM purser.adopt();
ALTER TABLE databasechangeloglock DROP lockedby;
SELECT * FROM purser.adopt();
DROP TABLE databasechangelog, databasechangeloglock;

-- a migration that is not complete; a broken chain, and one in a circle
CREATE SCHEMA pgroll;
CREATE TABLE pgroll.migrations (schema name, name text, created_at timestamp, parent text, done boolean, migration_type text);
INSERT INTO pgroll.migrations VALUES ('public', 'one', '2024-03-05', NULL, true, 'pgroll'), ('public', 'two', '2024-03-05', 'one', false, 'pgroll');
SELECT * FROM purser.adopt();
UPDATE pgroll.migrations SET parent = 'none', done = true WHERE name = 'two';
SELECT * FROM purser.adopt();
UPDATE pgroll.migrations SET parent = 'two' WHERE name = 'two';
SELECT * FROM purser.adopt();
DROP TABLE pgroll.migrations;
DROP SCHEMA pgroll;
CREATE SCHEMA graphile_migrate;
CREATE TABLE graphile_migrate.migrations (hash text, previous_hash text, filename text, date timestamptz);
INSERT INTO graphile_migrate.migrations VALUES ('a', 'b', '1.sql', '2024-03-05'), ('b', 'a', '2.sql', '2024-03-05');
SELECT * FROM purser.adopt();
UPDATE graphile_migrate.migrations SET previous_hash = NULL WHERE hash = 'a';
INSERT INTO graphile_migrate.migrations VALUES ('a', 'a', '1.sql', '2024-03-05');
SELECT * FROM purser.adopt(dry_run => true);
DROP TABLE graphile_migrate.migrations;
DROP SCHEMA graphile_migrate;

-- a migration that stopped
CREATE TABLE atlas_schema_revisions (version text, description text, type bigint, applied bigint, total bigint, executed_at timestamptz, error text);
INSERT INTO atlas_schema_revisions VALUES ('1', 'one', 2, 3, 3, '2024-03-05', ''), ('2', 'two', 2, 1, 3, '2024-03-05', '');
SELECT * FROM purser.adopt();
UPDATE atlas_schema_revisions SET applied = 3, error = 'at the end' WHERE version = '2';
SELECT * FROM purser.adopt();
DROP TABLE atlas_schema_revisions;

-- nothing was written
SELECT count(*) FROM purser.revision;
SELECT count(*) FROM purser.event;

-- the ledger has revisions that need what the tool has not applied
CREATE TABLE django_migrations (id integer, app text, name text, applied timestamptz);
INSERT INTO django_migrations VALUES (1, 'shop', '0001_initial', '2024-03-05'), (2, 'shop', '0003_total', '2024-03-05');
SELECT purser.add_revision('initial', 'CREATE TABLE t ();', revision => 'shop.0001_initial');
SELECT purser.add_revision('price', '', revision => 'shop.0002_price');
SELECT purser.add_revision('total', '', revision => 'shop.0003_total');
SELECT * FROM purser.adopt();
SELECT * FROM purser.current();
TRUNCATE purser.revision, purser.applied, purser.event;
-- an id that is somebody's label
SELECT purser.add_revision('x', '', revision => 'x', labels => '{shop.0003_total}');
SELECT * FROM purser.adopt();
SELECT * FROM purser.adopt(dry_run => true);
SELECT * FROM purser.current();
TRUNCATE purser.revision, purser.applied, purser.event;

-- a table that is none, or is gone
SELECT * FROM purser.adopt('django', 'pg_class');
SELECT * FROM purser.adopt('django', 0);
SELECT * FROM purser.adopt('django', 4294967295);
\set VERBOSITY sqlstate
CREATE TYPE like_django AS (id integer, app text, name text, applied timestamptz);
SELECT * FROM purser.adopt('django', (SELECT typrelid FROM pg_type WHERE typname = 'like_django' AND typnamespace = 'adopt_refusals'::regnamespace));
\set VERBOSITY default

-- not where the ledger cannot be changed
BEGIN READ ONLY;
SELECT * FROM purser.adopt('django');
ROLLBACK;
SELECT purser.add_revision('in a script', 'SELECT purser.adopt()', revision => 'adopts');
SELECT * FROM purser.upgrade();

SET client_min_messages = warning;
DROP SCHEMA adopt_refusals CASCADE;
TRUNCATE purser.revision, purser.applied, purser.event;
