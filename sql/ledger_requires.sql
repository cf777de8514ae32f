-- Preconditions: what must be there, or true, before a revision is applied.
CREATE SCHEMA ledger_requires;
CREATE SCHEMA "ledger ""requires"" Ü.";
CREATE ROLE regress_ledger_requires;
CREATE ROLE "regress_ledger ""Weird"" Rôle";
SET search_path = ledger_requires;
\set SHOW_CONTEXT never
CREATE TABLE task (id int, "Due.date" date, gone int);
ALTER TABLE task DROP gone;
CREATE TABLE parted (id int) PARTITION BY LIST (id);
CREATE INDEX task_id_idx ON task (id);
CREATE VIEW open AS SELECT id FROM task;
CREATE MATERIALIZED VIEW summary AS SELECT count(*) FROM task;
CREATE SEQUENCE numbers;
CREATE TYPE colour AS ENUM ('red');
CREATE TYPE shell;
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE p(int, OUT text) LANGUAGE plpgsql AS 'BEGIN END';
CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int);
CREATE TABLE "ledger ""requires"" Ü."."ta.ble; DROP TABLE task" (" Col""umn" int);

-- Does it hold?  A revision that requires it and nothing else tells.
CREATE FUNCTION holds(precondition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	what text;
BEGIN
	DELETE FROM purser.revision WHERE revision = 'probe1';
	PERFORM purser.add_revision('a probe', 'SELECT', '', 'probe1', '{}', requires => ARRAY[precondition]);
	PERFORM purser.upgrade('probe1');
	PERFORM purser.downgrade('base');
	RETURN 'holds';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS what = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(what, ''));
END
$$;
SELECT p, holds(p) FROM unnest(ARRAY[
	'relation task', 'relation ledger_requires.task', 'relation nothing', 'relation nowhere.task',
	'relation open', 'relation task_id_idx', 'relation TASK', 'relation "TASK"', 'relation "task"',
	'table task', 'table parted', 'table open', 'table task_id_idx', 'table nothing',
	'view open', 'view summary', 'view task', 'index task_id_idx', 'index task', 'index nothing',
	'sequence numbers', 'sequence task', 'sequence 	 numbers  ',
	'column task.id', 'column ledger_requires.task."Due.date"', 'column task.due', 'column task.gone',
	'column task.ctid', 'column nothing.id', 'column open.id',
	'type colour', 'type int', 'type varchar(10)', 'type timestamp with time zone', 'type colour[]', 'type task',
	'type ledger_requires.colour', 'type nothing', 'type shell', 'type nowhere.colour',
	'function f', 'function f(int)', 'function f(text)', 'function f(date)', 'function g', 'function f(nothing)',
	'function ledger_requires.f', 'function nowhere.f', 'function nowhere.f(int)', 'function public.f',
	'function pg_catalog.lower(text)', 'function lower', 'function p', 'function p(int)', 'function p(int, OUT text)',
	'function total(int)', 'function total',
	'schema ledger_requires', 'schema nowhere', 'schema "ledger ""requires"" Ü."',
	'extension pg_purser', 'extension nothing',
	'role regress_ledger_requires', 'role "regress_ledger ""Weird"" Rôle"', 'role nobody_of_this_name',
	'setting work_mem', 'setting ledger_requires.nothing', 'setting nothing',
	'table "ledger ""requires"" Ü."."ta.ble; DROP TABLE task"',
	'column "ledger ""requires"" Ü."."ta.ble; DROP TABLE task"." Col""umn"',
	'table "ta.ble; DROP TABLE task"',
	'query SELECT true', 'query SELECT count(*) = 0 FROM task', 'query VALUES (true)', 'query TABLE task',
	'query WITH w AS (SELECT 1 AS x) SELECT x = 1 FROM w; ',
	'query SELECT false', 'query SELECT NULL::boolean', 'query SELECT true WHERE false',
	'query SELECT true FROM generate_series(1, 2)', 'query SELECT true, true', 'query SELECT 1', 'query SELECT',
	'query SELECT ''true''', 'query SELECT count(*) = 0 FROM nothing', 'query SELECT 1 / 0 = 1'
]) WITH ORDINALITY AS x(p, place) ORDER BY place;

-- a query cannot write, not even through a function
CREATE TABLE written (x int);
CREATE FUNCTION write() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO written VALUES (1); RETURN true; END $$;
CREATE FUNCTION write_again() RETURNS boolean LANGUAGE plpgsql AS $$
	BEGIN SET LOCAL transaction_read_only = off; INSERT INTO written VALUES (1); RETURN true; END $$;
SELECT p, holds(p) FROM unnest(ARRAY[
	'query SELECT write()', 'query SELECT write_again()', 'query SELECT nextval(''numbers'') = 1',
	'query WITH w AS (INSERT INTO written VALUES (1) RETURNING x) SELECT x = 1 FROM w',
	'query SELECT true INTO other', 'query SELECT true FROM task FOR UPDATE',
	'query SELECT count(*) = 0 FROM purser.stamp(''base'')'
]) WITH ORDINALITY AS x(p, place) ORDER BY place;
SELECT count(*) FROM written;
SHOW transaction_read_only;

-- what cannot be a precondition is refused when it comes in
SELECT p, holds(p) FROM unnest(ARRAY[
	'', ' ', 'table', 'table ', 'tables task', 'Table task', 'not table task', 'table a.b.c.d', 'table a b', 'table "a', 'table a.',
	'table ""', 'column id', 'column a.b.c.d.e', 'schema a.b', 'extension a.b', 'role a, b', 'role a b',
	'type', 'type int int', 'type setof int', 'type )', 'function', 'function f(', 'function f(int) CASCADE', 'function f, g',
	'function f; DROP TABLE task', 'function f(int); DROP TABLE task', 'function IF EXISTS f', 'function f(int) x',
	'query', 'query DELETE FROM task', 'query SELECT true; SELECT true', 'query SELEC', 'query DROP TABLE task',
	'query ;', 'query --', E'table a\ntable b', 'query COPY task TO STDOUT'
]) WITH ORDINALITY AS x(p, place) ORDER BY place;
SELECT purser.load_revision('-- purser: revision x1
-- purser: parents none
-- purser: message m
-- purser: requires tabel task
-- purser: upgrade');
\set SHOW_CONTEXT always
SELECT purser.add_revision('x', '', requires => '{query SELECT FROM FROM}');
SELECT purser.add_revision('x', '', requires => '{"function f(int) OR"}');
\set SHOW_CONTEXT never

-- A file may have several; each step sees what the ones before it did; nothing is left of a plan
-- that fails.
SELECT purser.remove_revision('probe1');
SELECT purser.load_revision('-- purser: revision one1
-- purser: parents none
-- purser: requires table task
-- purser: requires query SELECT current_setting(''search_path'') = ''ledger_requires''
-- purser: message one
-- purser: upgrade
CREATE TABLE made (x int);
INSERT INTO made VALUES (1);
SET search_path = pg_catalog;
-- purser: downgrade
DROP TABLE made;');
SELECT purser.add_revision('two', 'INSERT INTO made VALUES (2)', 'DELETE FROM made WHERE x = 2', 'two2',
	requires => ARRAY['table made', 'column made.x', 'query SELECT count(*) = 1 FROM made']);
SELECT purser.export_revision('one1');
SELECT purser.add_revision('three', 'INSERT INTO made VALUES (3)', '', 'three3',
	requires => ARRAY['query SELECT count(*) = 1 FROM made']);
SELECT revision, sql FROM purser.plan('upgrade', 'head');
\set SHOW_CONTEXT always
SELECT revision FROM purser.upgrade();
\set SHOW_CONTEXT never
SELECT revision FROM purser.current();
SELECT revision FROM purser.upgrade('two2');
SELECT x FROM made;
-- in an old snapshot, too, own work is seen
SELECT revision FROM purser.downgrade('base');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT revision FROM purser.upgrade('two2');
ROLLBACK;
-- not on the way down, nor for a stamp
SELECT revision FROM purser.upgrade('two2');
ALTER TABLE task RENAME TO chore;
SELECT revision FROM purser.downgrade('base');
SELECT action, revision FROM purser.stamp('two2');
SELECT action, revision FROM purser.stamp('base');
SELECT revision FROM purser.upgrade('one1');
ALTER TABLE chore RENAME TO task;

-- as the caller
GRANT EXECUTE ON FUNCTION purser.upgrade TO regress_ledger_requires;
GRANT CREATE, USAGE ON SCHEMA ledger_requires TO regress_ledger_requires;
SELECT purser.add_revision('four', '', '', 'four4', '{}', requires => ARRAY['query SELECT count(*) = 0 FROM task']);
SELECT purser.add_revision('five', '', '', 'five5', '{}', requires => ARRAY['query SELECT current_user = ''regress_ledger_requires''']);
SELECT purser.add_revision('six', '', '', 'six6', '{}', requires => ARRAY['table "ledger ""requires"" Ü."."ta.ble; DROP TABLE task"']);
SELECT revision FROM purser.upgrade('five5');
SET ROLE regress_ledger_requires;
SELECT revision FROM purser.upgrade('four4');
SELECT revision FROM purser.upgrade('five5');
SELECT revision FROM purser.upgrade('six6');
RESET ROLE;

REVOKE ALL ON FUNCTION purser.upgrade FROM regress_ledger_requires;
SET client_min_messages = warning;
DROP SCHEMA ledger_requires, "ledger ""requires"" Ü." CASCADE;
TRUNCATE purser.revision, purser.applied, purser.event;
DROP ROLE regress_ledger_requires, "regress_ledger ""Weird"" Rôle";
