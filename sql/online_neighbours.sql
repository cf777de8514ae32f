-- What needs a revision that is about to go may be half applied, though it is not in purser.applied.
CREATE SCHEMA online_neighbours;
SET search_path = online_neighbours;
\set SHOW_CONTEXT never
SELECT purser.add_revision('m', 'CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT i FROM generate_series(1, 10) i',
	'DROP TABLE t', 'ground', '{}');
SELECT purser.add_revision('m', 'ALTER TABLE t ADD a int; SELECT 1 / 0', 'ALTER TABLE t DROP a', 'half', '{ground}',
	transactional => false);
SELECT purser.add_revision('m', '', '', 'other', '{}');
CALL purser.migrate('half');
CALL purser.migrate('other');
SELECT revision FROM purser.downgrade('other@base');
SELECT purser.downgrade('base');
\echo :LAST_ERROR_SQLSTATE
CALL purser.migrate('base', 'downgrade');
SELECT purser.record_step('downgrade', 'ground');
SELECT purser.load_revision(replace(purser.export_revision('half'), '1 / 0', '1'));
CALL purser.migrate('half');
SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0;
CALL purser.migrate('base', 'downgrade');
SELECT to_regclass('t') IS NULL AS gone;
-- the same of batches, and of a dependency
SELECT purser.add_revision('m', 'UPDATE t SET n = 1 / (id - 5)', '', 'batches', '{}', '{ground}',
	batch => 'table t key id size 2');
SET purser.backfill_target = 0;
CALL purser.migrate('batches');
SELECT purser.downgrade('base');
CALL purser.migrate('base', 'downgrade');
SELECT state, position FROM purser.backfills;
-- a stamp says that it is not in force
SELECT purser.stamp('ground@base');
SELECT count(*) FROM purser.backfill;

TRUNCATE purser.revision, purser.applied, purser.event, purser.underway, purser.backfill;
SET client_min_messages = warning;
DROP SCHEMA online_neighbours CASCADE;
