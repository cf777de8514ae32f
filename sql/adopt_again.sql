-- Adopting again after the tool went on or back; revisions that were loaded first; going on here.
CREATE SCHEMA adopt_again;
SET search_path = adopt_again;
CREATE VIEW adopted AS
	SELECT r.revision, parents, a.revision IS NOT NULL AS applied, upgrade LIKE '-- adopted%' AS placeholder
	FROM purser.revision r LEFT JOIN purser.applied a USING (revision) ORDER BY ordinal;

-- Rails: what comes later goes after what was adopted, also out of order
CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
CREATE TABLE ar_internal_metadata (key varchar PRIMARY KEY);
INSERT INTO schema_migrations VALUES ('20240301'), ('20240305');
SELECT action, revision FROM purser.adopt();
SELECT action, revision FROM purser.adopt();
INSERT INTO schema_migrations VALUES ('20240303'), ('20240306');
SELECT action, revision FROM purser.adopt();
TABLE adopted;
-- the last one undone: its placeholder goes
DELETE FROM schema_migrations WHERE version = '20240306';
SELECT * FROM purser.adopt(dry_run => true);
SELECT * FROM purser.adopt();
TABLE adopted;
-- undone in the middle, which a line cannot say
DELETE FROM schema_migrations WHERE version = '20240305';
SELECT * FROM purser.adopt();
INSERT INTO schema_migrations VALUES ('20240305');
-- going on here: a migration of our own, and back again
SELECT purser.add_revision('users', 'CREATE TABLE users (id int)', 'DROP TABLE users', '0001_users');
SELECT step, revision FROM purser.upgrade();
SELECT step, revision FROM purser.downgrade('-1');
SELECT * FROM purser.downgrade('-1');
SELECT step, revision FROM purser.upgrade();
SELECT * FROM purser.adopt();
-- what the tool undoes now is needed by ours
DELETE FROM schema_migrations WHERE version = '20240303';
SELECT * FROM purser.adopt();
SELECT step, revision FROM purser.downgrade('-1');
SELECT * FROM purser.adopt();
SELECT * FROM purser.remove_revision('0001_users');
SELECT * FROM purser.adopt();
-- all of it undone; nothing left to adopt is no error
DELETE FROM schema_migrations;
SELECT * FROM purser.adopt();
SELECT * FROM purser.adopt();
SELECT id, kind, revision FROM purser.event ORDER BY id;
DROP TABLE schema_migrations, ar_internal_metadata;
TRUNCATE purser.revision, purser.applied, purser.event;

-- golang-migrate: one number
CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);
INSERT INTO schema_migrations VALUES (5, false);
SELECT action, revision FROM purser.adopt();
UPDATE schema_migrations SET version = 10;
SELECT action, revision FROM purser.adopt();
UPDATE schema_migrations SET version = 12;
SELECT action, revision FROM purser.adopt();
TABLE adopted;
UPDATE schema_migrations SET version = 10;
SELECT action, revision FROM purser.adopt();
-- back to one that was never adopted
UPDATE schema_migrations SET version = 7;
SELECT action, revision FROM purser.adopt();
TABLE adopted;
UPDATE schema_migrations SET version = 3;
SELECT action, revision FROM purser.adopt();
TABLE adopted;
TRUNCATE purser.revision, purser.applied, purser.event;
-- with its files loaded first, the number stands for all below it
SELECT purser.add_revision('1', '', revision => '1');
SELECT purser.add_revision('2', '', revision => '2');
SELECT purser.add_revision('3', '', revision => '3');
SELECT purser.add_revision('4', '', revision => '4');
SELECT * FROM purser.adopt();
SELECT revision FROM purser.current();
SELECT revision FROM purser.plan('upgrade', 'heads');
DROP TABLE schema_migrations;
TRUNCATE purser.revision, purser.applied, purser.event;

-- Alembic: a head that took the place of another was built on it
CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('aaaa1'), ('bbbb1');
SELECT action, revision FROM purser.adopt();
UPDATE alembic_version SET version_num = 'aaaa2' WHERE version_num = 'aaaa1';
SELECT action, revision FROM purser.adopt();
UPDATE alembic_version SET version_num = 'aaaa3' WHERE version_num = 'aaaa2';
INSERT INTO alembic_version VALUES ('cccc1');
SELECT action, revision FROM purser.adopt();
DELETE FROM alembic_version WHERE version_num = 'cccc1';
SELECT action, revision FROM purser.adopt();
TABLE adopted;
-- back to a head that is known
UPDATE alembic_version SET version_num = 'aaaa1' WHERE version_num = 'aaaa3';
SELECT action, revision FROM purser.adopt();
TABLE adopted;
-- a merge, or something else?
DELETE FROM alembic_version;
INSERT INTO alembic_version VALUES ('merge');
SELECT * FROM purser.adopt();
SELECT purser.add_revision('merge', '', revision => 'merge', parents => '{aaaa1,bbbb1}');
SELECT * FROM purser.adopt();
-- a branch that ended
DELETE FROM alembic_version;
INSERT INTO alembic_version VALUES ('bbbb1');
SELECT * FROM purser.adopt();
SELECT revision FROM purser.current();
DROP TABLE alembic_version;
TRUNCATE purser.revision, purser.applied, purser.event;

-- Alembic with its files loaded first: heads imply all that they need
SELECT purser.load_revision(E'-- purser: revision 1975ea83b712\n-- purser: parents none\n-- purser: message users\n-- purser: upgrade\nCREATE TABLE users (id int);');
SELECT purser.load_revision(E'-- purser: revision ae1027a6acf\n-- purser: parents 1975ea83b712\n-- purser: message orders\n-- purser: upgrade\nCREATE TABLE orders (id int);\n-- purser: downgrade\nDROP TABLE orders;');
SELECT purser.load_revision(E'-- purser: revision 27c6a30d7c24\n-- purser: parents ae1027a6acf\n-- purser: message bills\n-- purser: upgrade\nCREATE TABLE bills (id int);\n-- purser: downgrade\nDROP TABLE bills;');
CREATE TABLE users (id int);
CREATE TABLE orders (id int);
CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('ae1027a6acf');
SELECT * FROM purser.adopt(dry_run => true);
SELECT * FROM purser.adopt();
SELECT step, revision FROM purser.upgrade();
-- what was applied here stays
SELECT * FROM purser.adopt();
SELECT step, revision FROM purser.downgrade('-2');
TABLE adopted;
-- and what was undone here is not put back
SELECT * FROM purser.adopt();
UPDATE alembic_version SET version_num = '1975ea83b712';
SELECT * FROM purser.adopt();
DROP TABLE alembic_version;
TRUNCATE purser.revision, purser.applied, purser.event;

-- Django: a squash, and the rows it replaces pruned, while what they did stays
CREATE TABLE django_migrations (id integer, app text, name text, applied timestamptz);
INSERT INTO django_migrations VALUES (1, 'shop', '0001_initial', '2024-03-05'), (2, 'shop', '0002_price', '2024-03-05'),
	(3, 'auth', '0001_initial', '2024-03-05');
SELECT action, revision FROM purser.adopt();
INSERT INTO django_migrations VALUES (4, 'shop', '0001_squashed_0002', '2024-03-06');
SELECT action, revision FROM purser.adopt();
DELETE FROM django_migrations WHERE id < 3;
SELECT action, revision FROM purser.adopt();
TABLE adopted;
-- the app of another table is another app
CREATE TABLE tenant_migrations (LIKE django_migrations);
INSERT INTO tenant_migrations VALUES (1, 'tenant', '0001_initial', '2024-03-06');
SELECT action, revision FROM purser.adopt('django', 'tenant_migrations');
SELECT action, revision FROM purser.adopt('django');
TRUNCATE purser.revision, purser.applied, purser.event;

-- Flyway: loaded in part; a baseline stands for all below it
CREATE TABLE flyway_schema_history (installed_rank integer, version text, description text, type text, script text,
	installed_by text, installed_on timestamp, success boolean);
INSERT INTO flyway_schema_history VALUES (1, '2', 'base', 'BASELINE', '', 'bob', '2024-03-05', true),
	(2, '3', 'three', 'SQL', 'V3__three.sql', 'bob', '2024-03-05', true), (3, '4', 'four', 'SQL', 'V4__four.sql', 'bob', '2024-03-05', true);
SELECT purser.add_revision('one', '', revision => '1');
SELECT purser.add_revision('two', '', revision => '2');
SELECT * FROM purser.adopt('flyway');
TABLE adopted;
-- undone and deleted later
INSERT INTO flyway_schema_history VALUES (4, '4', 'four', 'UNDO_SQL', 'U4__four.sql', 'bob', '2024-03-06', true),
	(5, '5', 'five', 'SQL', 'V5__five.sql', 'bob', '2024-03-06', true);
SELECT action, revision FROM purser.adopt('flyway');
TABLE adopted;

TRUNCATE purser.revision, purser.applied, purser.event;
-- loaded under ids that the tool does not have: a warning, as upgrade() would run them again
SELECT purser.add_revision('two', '', revision => 'V2__two');
SELECT purser.add_revision('three', '', revision => 'V3__three');
SELECT action, revision FROM purser.adopt('flyway', dry_run => true);
-- none for what comes after, or beside
SELECT purser.remove_revision('V3__three');
SELECT * FROM purser.stamp('V2__two');
SELECT purser.add_revision('three', '', revision => 'V3__three');
SELECT purser.add_revision('view', '', revision => 'view', repeatable => true);
SELECT action, revision FROM purser.adopt('flyway');

SET client_min_messages = warning;
DROP SCHEMA adopt_again CASCADE;
TRUNCATE purser.revision, purser.applied, purser.event;
