-- CALL purser.migrate() where its parts meet each other and the rest of the ledger.
CREATE SCHEMA online_seams;
SET search_path = online_seams;
SET client_min_messages = warning;
CREATE VIEW state AS
	SELECT (SELECT string_agg(revision, ' ' ORDER BY revision) FROM purser.applied) AS applied,
		(SELECT string_agg(revision || ' ' || direction || ' ' || next_statement || '/' || statements
			|| CASE WHEN started THEN ' started' ELSE '' END || ' ' || phase, ', ')
			FROM purser.underway) AS underway,
		(SELECT string_agg(revision || ' ' || batches || ' ' || state, ', ' ORDER BY revision)
			FROM purser.backfill) AS backfill;

-- what a REINDEX leaves that fails the first time is removed
CREATE TABLE t (a int);
INSERT INTO t VALUES (1), (2);
CREATE TABLE broken (yes bool);
CREATE FUNCTION f(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN
		IF EXISTS (SELECT FROM online_seams.broken) THEN RAISE 'broken'; END IF;
		RETURN x;
	END $$;
CREATE INDEX t_f ON t (f(a));
INSERT INTO broken VALUES (true);
SELECT purser.add_revision('reindex', 'REINDEX INDEX CONCURRENTLY online_seams.t_f', NULL, 're');
\set SHOW_CONTEXT never
CALL purser.migrate();
\set SHOW_CONTEXT errors
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 't'::regclass;
DELETE FROM broken;
CALL purser.migrate();
SELECT * FROM state;

-- nothing is built on what is undone in part
CREATE TABLE done (what text);
SELECT purser.add_revision('below', 'SELECT 1',
	$$INSERT INTO online_seams.done VALUES ('undone'); VACUUM online_seams.missing$$, 'below');
SELECT purser.add_revision('above', 'SELECT 1; VACUUM online_seams.missing', 'SELECT 1', 'above');
CALL purser.migrate('below');
CALL purser.migrate('re', 'downgrade');
CALL purser.migrate();
SELECT * FROM state;
-- and its text can be mended behind what is done
SELECT purser.load_revision(replace(purser.export_revision('below'), 'undone', 'other'));
SELECT purser.load_revision(replace(purser.export_revision('below'), 'missing', 'done'));
CALL purser.migrate('re', 'downgrade');
SELECT * FROM state;
SELECT * FROM done;
-- nothing is undone that something done in part is built on
CALL purser.migrate();
SELECT purser.downgrade('-1');
CALL purser.migrate('-1', 'downgrade');
SELECT * FROM state;
SELECT purser.stamp('below');
SELECT purser.remove_revision('above');

-- nor below a backfill
CREATE TABLE big (id int PRIMARY KEY, n int);
INSERT INTO big SELECT i, 1 FROM generate_series(1, 10) i;
UPDATE big SET n = 0 WHERE id = 8;
SELECT purser.add_revision('fill', 'UPDATE online_seams.big SET n = 10 / n', NULL, 'fill', '{below}',
	batch => 'table online_seams.big key id size 5');
SET purser.backfill_target = 0;
CALL purser.migrate();
SELECT * FROM state;
SELECT purser.downgrade('-1');
CALL purser.migrate('-1', 'downgrade');
SELECT purser.stamp('below');
-- run whole after a first batch that failed: no backfill is left
UPDATE big SET n = 0 WHERE id = 1;
CALL purser.migrate();
SELECT * FROM state;
UPDATE big SET n = 1;
SELECT revision FROM purser.upgrade();
SELECT * FROM state;

-- what is done in part cannot be cut into batches, which would do it again
SELECT purser.add_revision('part', 'UPDATE online_seams.big SET n = n + 1; VACUUM online_seams.missing',
	NULL, 'part');
CALL purser.migrate();
SELECT purser.load_revision($$-- purser: revision part
-- purser: parents fill
-- purser: message part
-- purser: batch table online_seams.big key id
-- purser: upgrade
UPDATE online_seams.big SET n = n + 1;
$$);
SELECT purser.stamp('part');

-- a setting of what the same transaction makes
SELECT purser.add_revision('role', 'CREATE ROLE regress_online_seams; SET ROLE regress_online_seams;
	CREATE TEMP TABLE mine AS SELECT current_user::text AS who', NULL, 'role');
CALL purser.migrate();
SELECT who FROM mine;

-- names that lead elsewhere from a SET on
CREATE TABLE parted (a int PRIMARY KEY) PARTITION BY RANGE (a);
CREATE TABLE parted1 PARTITION OF parted FOR VALUES FROM (1) TO (10);
RESET search_path;
SELECT purser.add_revision('path', 'SET search_path = online_seams; REINDEX TABLE parted; SELECT f(1)',
	NULL, 'path');
CALL purser.migrate();
SET search_path = online_seams;
SELECT * FROM state;

-- a temporary table is not mistaken for the one behind it
CREATE TABLE both_kinds (a int);
CREATE TEMP TABLE both_kinds (a int);
SELECT purser.add_revision('temp', 'CREATE INDEX CONCURRENTLY both_a ON both_kinds (a)', NULL, 'temp');
CALL purser.migrate();
DROP TABLE pg_temp.both_kinds;
CALL purser.migrate();
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'both_kinds'::regclass;

-- a script's own lock_timeout holds in a worker too
CREATE FUNCTION show(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN RAISE WARNING 'lock_timeout %', current_setting('lock_timeout'); RETURN x; END $$;
CREATE TABLE one AS SELECT 1 AS a;
SELECT purser.add_revision('limit', 'CREATE INDEX CONCURRENTLY ON online_seams.one (online_seams.show(a));
	SET lock_timeout = ''7s''; CREATE INDEX CONCURRENTLY ON online_seams.one (online_seams.show(a))',
	NULL, 'limit');
SET lock_timeout = '9s';
CALL purser.migrate();
RESET lock_timeout;

-- a key with a NOT NULL constraint that is not valid may be null (from 18 on there are such)
CREATE TABLE half_checked (k int, n int);
CREATE INDEX ON half_checked (k);
INSERT INTO half_checked VALUES (1), (NULL);
DO $$ BEGIN
	IF current_setting('server_version_num')::int >= 180000 THEN
		EXECUTE 'ALTER TABLE online_seams.half_checked ADD CONSTRAINT k NOT NULL k NOT VALID';
	END IF;
END $$;
SELECT purser.add_revision('null', 'UPDATE online_seams.half_checked SET n = 1', NULL, 'null',
	batch => 'table online_seams.half_checked key k');
CALL purser.migrate();
SELECT * FROM state;

TRUNCATE purser.revision, purser.applied, purser.event, purser.underway, purser.backfill;

-- a squash does not do again what was done of one that it replaces
UPDATE big SET n = 1;
UPDATE big SET n = 0 WHERE id = 8;
TRUNCATE done;
SELECT purser.add_revision('fill', 'UPDATE online_seams.big SET n = 10 / n', NULL, 'fill', '{}',
	batch => 'table online_seams.big key id size 5');
SELECT purser.add_revision('two', $$INSERT INTO online_seams.done VALUES ('two'); VACUUM missing$$,
	NULL, 'two');
CALL purser.migrate();
SELECT purser.load_revision($$-- purser: revision both
-- purser: parents none
-- purser: replaces fill two
-- purser: message both
-- purser: upgrade
INSERT INTO online_seams.done VALUES ('both');
$$);
SELECT purser.upgrade();
CALL purser.migrate();
UPDATE big SET n = 1 WHERE id = 8;
SELECT purser.remove_revision('both');
CALL purser.migrate();
TRUNCATE purser.applied, purser.event;
UPDATE purser.backfill SET state = 'failed';
SELECT purser.load_revision($$-- purser: revision both
-- purser: parents none
-- purser: replaces fill two
-- purser: message both
-- purser: upgrade
INSERT INTO online_seams.done VALUES ('both');
$$);
SELECT * FROM state;
SELECT purser.upgrade();
SELECT purser.stamp('base');
SELECT * FROM state;
SELECT revision FROM purser.upgrade();
SELECT * FROM done;

-- a size that locks brought down is not kept; the last error is the one shown
TRUNCATE purser.revision, purser.applied, purser.event, purser.underway, purser.backfill, big;
INSERT INTO big SELECT i, 1 FROM generate_series(1, 100) i;
UPDATE big SET n = 0 WHERE id = 20;
SELECT purser.add_revision('size', 'UPDATE online_seams.big SET n = 10 / n', NULL, 'size', '{}',
	batch => 'table online_seams.big key id size 16');
CALL purser.migrate();
UPDATE purser.backfill SET batch_size = 1;
UPDATE big SET n = 1 WHERE id = 20;
ALTER TABLE big RENAME n TO m;
CALL purser.migrate();
SELECT state, error FROM purser.backfills;
ALTER TABLE big RENAME m TO n;
CALL purser.migrate();
SELECT state, error, batches FROM purser.backfills;

-- an index that an attempt dropped before it died is not taken for one behind it in the path
TRUNCATE purser.revision, purser.applied, purser.event, purser.underway, purser.backfill;
CREATE SCHEMA online_seams_behind;
CREATE TABLE online_seams_behind.o (a int);
CREATE INDEX "Same i" ON online_seams_behind.o (a);
CREATE INDEX "Same i" ON one (a);
CREATE TABLE begun (object text, existing text[]);
SELECT purser.add_revision('drop', 'SET search_path = online_seams, online_seams_behind;
	DROP INDEX CONCURRENTLY "Same i"', NULL, 'drop', '{}');
-- what is on record while it runs
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF NEW.started THEN
			INSERT INTO online_seams.begun VALUES (NEW.object, NEW.existing);
		END IF;
		RETURN NEW;
	END $$;
CREATE TRIGGER keep AFTER INSERT OR UPDATE ON purser.underway FOR EACH ROW EXECUTE FUNCTION keep();
CALL purser.migrate();
SELECT * FROM begun;
DROP TRIGGER keep ON purser.underway;
TRUNCATE purser.applied, purser.event;
SELECT purser.load_revision(replace(purser.export_revision('drop'), '"Same i"', '"Same i"; SELECT 1/0'));
CREATE INDEX "Same i" ON one (a);
CALL purser.migrate();
UPDATE purser.underway SET next_statement = 2, started = true, object = b.object,
	existing = b.existing FROM begun b;
CALL purser.migrate();
SELECT schemaname FROM pg_indexes WHERE indexname = 'Same i';
DROP SCHEMA online_seams_behind CASCADE;

-- a build on a table of another's is not half done
TRUNCATE purser.revision, purser.applied, purser.event, purser.underway, purser.backfill;
GRANT USAGE ON SCHEMA purser, online_seams TO regress_online_seams;
GRANT EXECUTE ON PROCEDURE purser.migrate TO regress_online_seams;
SELECT purser.add_revision('own', 'CREATE INDEX CONCURRENTLY own_a ON online_seams.one (a)', NULL, 'own');
SET ROLE regress_online_seams;
CALL purser.migrate();
RESET ROLE;
SELECT * FROM state;
REVOKE ALL ON SCHEMA purser FROM regress_online_seams;
REVOKE ALL ON PROCEDURE purser.migrate FROM regress_online_seams;

-- preconditions hold for statements of every kind, before the first of them
TRUNCATE purser.revision, purser.applied, purser.event, purser.underway, purser.backfill;
CREATE TABLE needed (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
INSERT INTO needed SELECT generate_series(1, 20);
CREATE FUNCTION mend(id text) RETURNS text LANGUAGE sql AS
	$$SELECT purser.load_revision(replace(purser.export_revision(id), 'query SELECT false', 'query SELECT true'))$$;
SELECT purser.add_revision('ordinary', 'ALTER TABLE needed ADD a int', '', 'need1', requires => '{query SELECT false}');
SELECT purser.add_revision('outside', 'CREATE INDEX CONCURRENTLY needed_n ON needed (n)', 'DROP INDEX CONCURRENTLY needed_n', 'need2',
	requires => '{query SELECT false}');
SELECT purser.add_revision('batches', 'UPDATE needed SET n = n + 1', '', 'need3', requires => '{query SELECT false}',
	batch => 'table needed key id size 7');
CALL purser.migrate();
SELECT mend('need1');
CALL purser.migrate();
SELECT * FROM state;
SELECT mend('need2');
CALL purser.migrate();
SELECT * FROM state;
SELECT mend('need3');
CALL purser.migrate();
SELECT n, count(*) FROM needed GROUP BY n;
-- and are not asked on the way down
CALL purser.migrate('need1', 'downgrade');
SELECT * FROM state;

SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1886745203;
TRUNCATE purser.revision, purser.applied, purser.event, purser.underway, purser.backfill;
DROP SCHEMA online_seams CASCADE;
DROP TABLE mine;
DROP ROLE regress_online_seams;
