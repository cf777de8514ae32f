-- Databases that have their objects already: fake_initial and baseline().
CREATE SCHEMA ledger_initial;
CREATE SCHEMA ledger_initial_other;
SET search_path = ledger_initial, ledger_initial_other;
-- What upgrade() with fake_initial does with a script: upgrade, stamp, or the error.
CREATE FUNCTION try(script text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text; facts text;
BEGIN
	PERFORM purser.add_revision('about', script, '', 'initial1', '{}');
	SELECT string_agg(format('%s %s', u.direction, u.duration IS NOT NULL), ' ') INTO answer
	FROM purser.upgrade('initial1', fake_initial => true) u;
	RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = answer;
EXCEPTION WHEN sqlstate 'ZZ000' THEN RETURN SQLERRM;
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS facts = PG_EXCEPTION_DETAIL;
		RETURN format('%s: %s %s', SQLSTATE, SQLERRM, facts);
END $$;

-- the row, the history and the next step
CREATE TABLE users (id int PRIMARY KEY);
CREATE INDEX users_idx ON users (id);
SELECT purser.add_revision('users', 'CREATE TABLE users (id int PRIMARY KEY); CREATE INDEX users_idx ON users (id)',
	'DROP TABLE users', 'users1');
SELECT purser.add_revision('mail', 'ALTER TABLE users ADD mail text', 'ALTER TABLE users DROP mail', 'mail2');
SELECT purser.upgrade();
SELECT step, direction, revision, message, duration IS NULL AS stamped FROM purser.upgrade(fake_initial => true);
SELECT kind, revision, duration IS NULL AS stamped FROM purser.event ORDER BY id;
SELECT step, direction, revision FROM purser.upgrade('heads', true);
-- what is not there runs; a revision with parents always runs
SELECT revision FROM purser.downgrade('base');
SELECT step, direction, revision FROM purser.upgrade('heads', true);
SELECT revision FROM purser.downgrade('users1');
ALTER TABLE users ADD mail text;
SELECT purser.upgrade('heads', true);
SELECT count(*) FROM purser.stamp('base');
DROP TABLE users;

-- some there, some not: nothing runs, and one knows which
CREATE TABLE a (x int, "Odd name" int);
SELECT purser.add_revision('part', 'CREATE TABLE a (); CREATE TABLE b (); CREATE VIEW ledger_initial_other.c AS SELECT 1;
	CREATE INDEX i ON a (x); ALTER TABLE a ADD COLUMN "Odd name" int, ADD y int, ADD CONSTRAINT k CHECK (true)',
	revision => 'part1', parents => '{}');
SELECT purser.upgrade('part1', true);
\echo :LAST_ERROR_SQLSTATE
SELECT to_regclass('b'), (SELECT count(*) FROM purser.applied);

-- kinds of objects, there and not there
CREATE TABLE t (x int CONSTRAINT k CHECK (x > 0), y int);
CREATE TABLE parted (x int) PARTITION BY LIST (x);
CREATE VIEW v AS SELECT 1;
CREATE MATERIALIZED VIEW m AS SELECT 1;
CREATE SEQUENCE s;
CREATE TYPE comp AS (x int);
CREATE TYPE enum AS ENUM ('a');
CREATE TYPE span AS RANGE (subtype = int);
CREATE DOMAIN dom AS int;
CREATE FUNCTION f(int, OUT text) LANGUAGE sql AS $$SELECT ''$$;
CREATE PROCEDURE p(x text) LANGUAGE sql AS '';
CREATE INDEX t_x ON t (x);
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE INSERT ON t EXECUTE FUNCTION tf();
CREATE POLICY pol ON t;
CREATE RULE r AS ON UPDATE TO t DO ALSO DELETE FROM t;
CREATE FOREIGN DATA WRAPPER ledger_initial;
CREATE SERVER ledger_initial FOREIGN DATA WRAPPER ledger_initial;
CREATE FOREIGN TABLE ft (x int) SERVER ledger_initial;
SELECT script, try(replace(script, '#', '')) AS there, regexp_replace(try(replace(script, '#', '_new')), '^(42|0A).*', 'ran, failed') AS not_there
FROM unnest(ARRAY['CREATE TABLE t# ()', 'CREATE UNLOGGED TABLE ledger_initial.t# ()', 'CREATE TABLE t# AS SELECT 1', 'SELECT 1 AS x INTO t#',
	'CREATE TABLE t# PARTITION OF parted DEFAULT', 'CREATE FOREIGN TABLE ft# (x int) SERVER ledger_initial',
	'CREATE VIEW v# AS SELECT 1', 'CREATE MATERIALIZED VIEW m# AS SELECT 1', 'CREATE SEQUENCE s#', 'CREATE TYPE comp# AS (x int)',
	'CREATE TYPE enum# AS ENUM ()', 'CREATE TYPE span# AS RANGE (subtype = int)', 'CREATE TYPE enum#', 'CREATE DOMAIN dom# AS int',
	'CREATE FUNCTION f#(a int, OUT b text) LANGUAGE sql AS $$SELECT ''''$$', 'CREATE PROCEDURE p#(text) LANGUAGE sql AS ''''',
	'CREATE INDEX t_x# ON t (x)', 'CREATE TRIGGER tr# BEFORE INSERT ON t EXECUTE FUNCTION tf()', 'CREATE POLICY pol# ON t',
	'CREATE RULE r# AS ON UPDATE TO t DO ALSO DELETE FROM t', 'CREATE SCHEMA ledger_initial#', 'CREATE EXTENSION plpgsql#',
	'ALTER TABLE t ADD COLUMN y# int', 'ALTER TABLE t ADD CONSTRAINT k# CHECK (x > 0)',
	'CREATE SCHEMA ledger_initial# CREATE TABLE t (x int) CREATE VIEW v AS SELECT 1 CREATE INDEX t_x ON t (x)']) AS script;
-- the same name, but not the same object
SELECT script, try(script) FROM unnest(ARRAY['CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS ''SELECT 1''',
	'CREATE FUNCTION f(x int, y nothing) RETURNS int LANGUAGE sql AS ''SELECT 1''', 'CREATE TABLE ledger_initial_other.t ()',
	'CREATE TABLE nowhere.t ()', 'CREATE FUNCTION nowhere.f(int) RETURNS int LANGUAGE sql AS ''SELECT 1''',
	'CREATE SCHEMA ledger_initial_other CREATE TABLE t ()']) AS script;
-- nothing to tell by: it runs. So does what would go around what is there, unless all is there
SELECT script, try(script) FROM unnest(ARRAY['', 'SELECT 1', 'INSERT INTO t VALUES (1)', 'CREATE TEMP TABLE t ()', 'CREATE TABLE pg_temp.t ()',
	'CREATE INDEX ON t (x)', 'DO ''BEGIN END''', 'CREATE TABLE IF NOT EXISTS t (); CREATE TABLE IF NOT EXISTS t_new ()', 'CREATE OR REPLACE VIEW v AS SELECT 1',
	'CREATE EXTENSION IF NOT EXISTS plpgsql; CREATE TABLE t_new ()', 'CREATE EXTENSION IF NOT EXISTS plpgsql; CREATE TABLE t ()']) AS script;
-- what the script itself drops, renames or moves
SELECT script, try(script) FROM unnest(ARRAY['CREATE TABLE t (); CREATE TABLE help (x int); CREATE INDEX h ON help (x); DROP TABLE help',
	'CREATE TABLE t (); CREATE TABLE help (); ALTER TABLE help RENAME TO a', 'CREATE VIEW v AS SELECT 1; CREATE SCHEMA sc CREATE TABLE tt (); DROP SCHEMA sc CASCADE',
	'CREATE TABLE t (); CREATE TYPE help AS (); DROP TYPE help', 'CREATE TABLE t (); CREATE FUNCTION help() RETURNS int LANGUAGE sql AS ''''; DROP FUNCTION help',
	'CREATE TABLE t (); CREATE TABLE help (); ALTER TABLE help SET SCHEMA ledger_initial_other',
	'CREATE TABLE t (x int); CREATE INDEX h ON t (x); DROP INDEX h', 'CREATE TABLE t (x int); CREATE INDEX h ON t (x); ALTER INDEX h RENAME TO t_x',
	'CREATE TABLE t (x int); ALTER TABLE t ADD help int; ALTER TABLE t DROP help; CREATE POLICY help ON t; DROP POLICY help ON t',
	'CREATE TABLE t (); CREATE TEMP TABLE help (x int); CREATE INDEX h ON help (x); ALTER TABLE help ADD y int',
	'CREATE TABLE t (); DROP CAST (int AS text); DROP TRANSFORM FOR int LANGUAGE x; DROP OPERATOR CLASS x USING y; DROP OPERATOR + (int, int)',
	'CREATE TABLE t (); DROP AGGREGATE x (*); DROP SERVER x; DROP ACCESS METHOD x; DROP OWNED BY x; ALTER OPERATOR FAMILY x USING y RENAME TO z',
	'CREATE TABLE t (); ALTER ROLE x RENAME TO y; ALTER DATABASE x RENAME TO y; ALTER DOMAIN x RENAME CONSTRAINT y TO z; ALTER EXTENSION x SET SCHEMA y',
	'CREATE TABLE t (); ALTER TABLE t ADD help int; ALTER TABLE t RENAME help TO y', 'CREATE TABLE t (); CREATE SCHEMA sc; ALTER SCHEMA sc RENAME TO sd',
	'CREATE TABLE t (); CREATE TYPE help AS ENUM (); ALTER TYPE help RENAME TO enum; CREATE DOMAIN h AS int; ALTER DOMAIN h SET SCHEMA ledger_initial_other']) AS script;
-- names are where CREATE would put them, with the script's own search_path
CREATE TABLE ledger_initial_other.there (x int);
SELECT script, try(script) FROM unnest(ARRAY['CREATE TABLE there ()', 'SET search_path = ledger_initial_other; CREATE TABLE there ()',
	'SET search_path TO nothing, ledger_initial_other, ledger_initial; CREATE TABLE there ()',
	'SET LOCAL search_path = ledger_initial_other; CREATE TABLE there (); RESET search_path; CREATE TABLE ledger_initial.t ()',
	'SELECT pg_catalog.set_config(''search_path'', ''ledger_initial_other, x'', false); CREATE TABLE there ()',
	'SELECT pg_catalog.set_config(''search_path'', '''', false); CREATE TABLE ledger_initial_other.there ()',
	'SET search_path = ''''; CREATE TABLE there ()',
	'CREATE TABLE there (); ALTER TABLE there ADD x int', 'ALTER TABLE there ADD x int']) AS script;
SELECT current_setting('search_path');
-- errors are the script's
SELECT try('CREATE TABEL x'), try('CREATE TABLE t (); COMMIT');

-- baseline: the first revision of a database that is there
SELECT purser.baseline();
TRUNCATE purser.revision, purser.applied, purser.event;
SELECT purser.baseline() ~ '^[0-9a-f]{12}$' AS random_id;
SELECT message, parents, upgrade, downgrade, is_current FROM purser.show('head');
\set VERBOSITY terse
SELECT purser.baseline();
\set VERBOSITY default
\echo :LAST_ERROR_SQLSTATE
TRUNCATE purser.revision, purser.applied, purser.event;
SELECT purser.baseline('as found', 'found1', '{prod}');
SELECT kind, revision FROM purser.event;
SELECT purser.export_revision('found1');
SELECT purser.add_revision('next', 'CREATE TABLE next ()', 'DROP TABLE next', 'next2');
SELECT revision FROM purser.upgrade();
SELECT revision FROM purser.downgrade('found1');
SELECT purser.downgrade('base');
TRUNCATE purser.revision, purser.applied, purser.event;
-- beside repeatable revisions that never ran
SELECT purser.add_revision('views', 'CREATE VIEW w AS SELECT 1', repeatable => true, revision => 'views');
SELECT purser.baseline(revision => 'views');
SELECT purser.baseline(revision => 'other', labels => '{views}');
SELECT purser.baseline(E'two\nlines');
SELECT purser.baseline(NULL);
SELECT purser.baseline(revision => 'found1');

SET client_min_messages = warning;
DROP SERVER ledger_initial CASCADE;
DROP FOREIGN DATA WRAPPER ledger_initial;
DROP SCHEMA ledger_initial, ledger_initial_other CASCADE;
TRUNCATE purser.revision, purser.applied, purser.event;
