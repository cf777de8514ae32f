-- Edited scripts, accept(), and all that check_ledger() finds.
CREATE SCHEMA ledger_checks;
SET search_path = ledger_checks;
\set SHOW_CONTEXT never
CREATE FUNCTION steps(direction text, target text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' ' ORDER BY step), 'nothing') FROM purser.plan(direction, target)
$$;
CREATE FUNCTION load(id text, old text, new text) RETURNS text LANGUAGE sql AS $$
	SELECT purser.load_revision(replace(purser.export_revision(id), old, new))
$$;

-- an empty ledger has no faults
SELECT * FROM purser.check_ledger();
SELECT purser.add_revision('one', 'CREATE TABLE one (x int);', 'DROP TABLE one;', 'one1', '{}');
SELECT purser.add_revision('two', 'CREATE TABLE two (x int);', 'DROP TABLE two;', 'two2');
SELECT purser.add_revision('three', 'CREATE TABLE three (x int);', 'DROP TABLE three;', 'three3');
SELECT revision FROM purser.upgrade('two2');
SELECT * FROM purser.check_ledger();

-- another upgrade script for what is applied: stored, with a warning, and nothing goes on
SELECT load('one1', 'one (x int)', 'one (x bigint)');
SELECT upgrade FROM purser.show('one1');
SELECT * FROM purser.check_ledger();
SELECT revision FROM purser.upgrade();
SELECT revision FROM purser.upgrade('two2'); -- where we are: nothing to run
SELECT action FROM purser.stamp('three3');
CALL purser.migrate('three3');
SELECT steps('upgrade', 'head');
SELECT load('two2', 'two (x int)', 'two (x bigint)');
SELECT revision FROM purser.upgrade();
-- a revision on top may be undone, and so may an edited one: then it is not applied any more
SELECT revision FROM purser.downgrade('one1');
SELECT subject FROM purser.check_ledger();
SELECT load('two2', 'two (x bigint)', 'two (x int)');
-- the original again
SELECT load('one1', 'one (x bigint)', 'one (x int)');
SELECT * FROM purser.check_ledger();
SELECT revision FROM purser.upgrade('two2');
-- or it is said to be as good
SELECT load('one1', 'one (x int)', 'one (x int, y int)');
SELECT purser.accept('one1');
SELECT purser.accept('one1'); -- once is enough
SELECT id, kind, revision, duration IS NOT NULL AS timed, checksum = sha256(convert_to(upgrade, 'UTF8')) AS of_text
FROM purser.event JOIN purser.revision USING (revision) ORDER BY id DESC LIMIT 2;
SELECT checksum = sha256(convert_to(upgrade, 'UTF8')) AS accepted FROM purser.show('one1');
SELECT * FROM purser.check_ledger();
SELECT load('one1', ', y int', ''); -- the original is now another
SELECT purser.accept('one1');
SELECT count(*) FROM purser.check_ledger();
-- what may change of an applied revision without any ado, and what may not
SELECT load('one1', 'DROP TABLE one;', 'DROP TABLE IF EXISTS one;');
SELECT load('one1', 'message one', E'message eins\n-- purser: labels first\n-- purser: requires table nothing');
SELECT message, labels, downgrade FROM purser.show('one1');
SELECT load('two2', 'parents one1', 'parents three3');
SELECT purser.add_revision('zero', '', '', 'zero0', '{}');
SELECT load('two2', 'parents one1', 'parents zero0');
SELECT load('two2', 'parents one1', E'parents one1\n-- purser: depends zero0');
SELECT load('two2', 'parents one1', 'parents none');
SELECT load('two2', 'parents none', 'parents one1');
SELECT purser.add_revision('four', '', '', 'four4', '{}');
SELECT revision FROM purser.upgrade('four4');
SELECT load('four4', 'parents none', 'repeatable');
SELECT * FROM purser.check_ledger();
SELECT revision FROM purser.downgrade('base');
SELECT purser.remove_revision('four4'), purser.remove_revision('zero0');
SELECT revision FROM purser.upgrade('two2'); -- not what one1 requires
SELECT load('one1', E'-- purser: requires table nothing\n', '');
SELECT revision FROM purser.upgrade('two2');
-- accept() what is not there, or not applied
SELECT purser.accept('three3');
SELECT purser.accept('nobody');
SELECT purser.accept(NULL);
SELECT purser.accept('heads');
-- a superuser's edit is seen as well
UPDATE purser.revision SET upgrade = upgrade || E'\nSELECT ''Ünïcode 🐘'';' WHERE revision = 'two2';
SELECT kind, subject FROM purser.check_ledger();
SELECT revision FROM purser.upgrade();
SELECT purser.accept('two2');
SELECT revision FROM purser.upgrade();
-- a repeatable one is exempt
BEGIN;
SELECT purser.add_revision('m', 'SELECT 1', 'SELECT 2', 'often', repeatable => true);
SELECT revision FROM purser.upgrade();
SELECT load('often', 'SELECT 1', 'SELECT 2');
SELECT kind, subject FROM purser.check_ledger();
SELECT revision FROM purser.upgrade('two2');
SELECT revision FROM purser.upgrade();
-- accepted, it is not due
SELECT load('often', 'SELECT 2', 'SELECT 3'), purser.accept('often');
SELECT revision FROM purser.upgrade();
SELECT kind, subject FROM purser.check_ledger();
ROLLBACK;

-- The history: each column of a row is under its hash.
SELECT purser.tag('here');
SELECT count(*) FROM purser.event;
SELECT set_config('application_name', 'ledger_checks', false);
SELECT revision FROM purser.downgrade('two2');
SELECT revision FROM purser.upgrade('three3');
SELECT * FROM purser.check_ledger();
-- the rows that are named after a change, which is undone
CREATE FUNCTION named(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	rows text;
BEGIN
	BEGIN
		EXECUTE change;
		SELECT coalesce(string_agg(f.kind || ' ' || f.subject, ', ' ORDER BY place), 'nothing') INTO rows
		FROM purser.check_ledger() WITH ORDINALITY AS f(severity, kind, subject, detail, hint, place);
		RAISE EXCEPTION USING ERRCODE = 'TEST0';
	EXCEPTION WHEN SQLSTATE 'TEST0' THEN
		RETURN rows;
	END;
END
$$;
SELECT change, named('UPDATE purser.event SET ' || change || ' WHERE id = 3') FROM unnest(ARRAY[
	'id = 1000', 'id = 0', 'id = -9223372036854775808', 'id = 9223372036854775807',
	'kind = ''stamp''', 'revision = ''three3''', 'revision = '''' ', 'at = at + ''1 microsecond''',
	'at = ''infinity''', 'role = ''somebody''', 'session_role = ''somebody''', 'application_name = ''other''',
	'client_addr = ''10.0.0.1''', 'client_addr = ''10.0.0.1/8''', 'duration = duration + ''1 microsecond''',
	'duration = duration + ''1 day''', 'duration = NULL', 'duration = -duration', 'checksum = NULL', 'checksum = ''''', 'checksum = sha256(''another'')',
	'previous_hash = sha256(''another'')', 'previous_hash = ''''', 'hash = sha256(''another'')', 'hash = ''''',
	'hash = convert_to(repeat(''x'', 100000), ''UTF8'')', 'id = id'
]) WITH ORDINALITY AS c(change, place) ORDER BY place;
-- a null where there was none before
SELECT id, kind, named('UPDATE purser.event SET duration = ''0'' WHERE id = ' || id),
	named('UPDATE purser.event SET checksum = '''' WHERE id = ' || id) FROM purser.event WHERE kind = 'accept' ORDER BY id LIMIT 1;
-- rows taken out, put in, exchanged
SELECT change, named(change) FROM unnest(ARRAY[
	'DELETE FROM purser.event WHERE id = 3',
	'DELETE FROM purser.event WHERE id = 1',
	'DELETE FROM purser.event WHERE id BETWEEN 1 AND 4',
	'DELETE FROM purser.event WHERE id IN (3, 5)',
	'DELETE FROM purser.event WHERE id = 3; UPDATE purser.event SET id = 3 WHERE id = 4',
	'DELETE FROM purser.event WHERE id = 3; INSERT INTO purser.event SELECT 3, kind, revision, at, role, session_role, '
		'application_name, client_addr, duration, checksum, previous_hash, hash FROM purser.event WHERE id = 2',
	'UPDATE purser.event SET id = -id WHERE id IN (2, 3); UPDATE purser.event SET id = 5 + id WHERE id < 0',
	'DELETE FROM purser.event WHERE id >= 10',
	'TRUNCATE purser.event'
]) WITH ORDINALITY AS c(change, place) ORDER BY place;
-- Rows put in with a hash over their fields, as somebody who knows how could do.
CREATE FUNCTION forge(id bigint, kind text, client inet, before bytea) RETURNS void LANGUAGE sql AS $$
	INSERT INTO purser.event
	SELECT id, kind, 'ghost', at, 'x', 'x', 'x', client, NULL, NULL, before, sha256(convert_to(
		string_agg(coalesce(octet_length(field) || ':' || field, '-'), '' ORDER BY place), 'UTF8'))
	FROM (SELECT now() AS at) t, unnest(ARRAY[encode(before, 'hex'), id::text, kind, 'ghost',
		(extract(epoch FROM now()) * 1000000)::bigint::text, 'x', 'x', 'x', abbrev(client), NULL, NULL])
		WITH ORDINALITY AS f(field, place)
	GROUP BY at
$$;
SELECT change, named(change) FROM unnest(ARRAY[
	$$SELECT forge(17, 'unstamp', NULL, '')$$,
	$$SELECT forge(17, 'unstamp', NULL, hash) FROM purser.event WHERE id = 16$$, -- this one shows nowhere
	$$SELECT forge(17, 'upgrade', NULL, hash) FROM purser.event WHERE id = 16$$,
	$$SELECT forge(0, 'unstamp', NULL, '')$$,
	$$SELECT forge(17, 'unstamp', '10.0.0.1', hash) FROM purser.event WHERE id = 16$$,
	$$SELECT forge(17, 'unstamp', '10.0.0.1', hash) FROM purser.event WHERE id = 16;
		UPDATE purser.event SET client_addr = '10.0.0.1/8' WHERE id = 17$$
]) WITH ORDINALITY AS c(change, place) ORDER BY place;

-- What is applied against the history.
SELECT change, named(change) FROM unnest(ARRAY[
	'DELETE FROM purser.applied WHERE revision = ''one1''',
	'DELETE FROM purser.applied WHERE revision = ''three3''',
	'DELETE FROM purser.applied',
	'UPDATE purser.applied SET checksum = sha256('''') WHERE revision = ''three3''',
	'UPDATE purser.applied SET checksum = sha256(''SELECT 2''); UPDATE purser.revision SET upgrade = ''SELECT 2''',
	'INSERT INTO purser.revision SELECT ''ghost'', 99, ''{}'', ''{}'', ''{}'', ''m'', '''', '''', NULL, ''{}'', ''{}'', true, '
		'false, NULL, now(), ''x''; INSERT INTO purser.applied VALUES (''ghost'', sha256(''''), now(), ''x'')',
	'INSERT INTO purser.applied VALUES (''Weird "" name; --'', sha256(''''), now(), ''x'')',
	'DELETE FROM purser.revision WHERE revision = ''three3''',
	'DELETE FROM purser.revision WHERE revision = ''one1''',
	'DELETE FROM purser.revision',
	'UPDATE purser.tag SET event_id = 1000',
	'UPDATE purser.tag SET event_id = -1'
]) WITH ORDINALITY AS c(change, place) ORDER BY place;

-- The graph: what ends other calls is a row here, and all of it at once.
SELECT change, named(change) FROM unnest(ARRAY[
	'UPDATE purser.revision SET parents = ''{three3}'' WHERE revision = ''one1''',
	'UPDATE purser.revision SET depends_on = ''{one1}'' WHERE revision = ''one1''',
	'UPDATE purser.revision SET parents = ''{nobody,"Weird \"\" one"}'' WHERE revision = ''one1''',
	'UPDATE purser.revision SET labels = ''{same}''',
	'UPDATE purser.revision SET labels = ''{two2}'' WHERE revision = ''one1''',
	'UPDATE purser.revision SET parents = ''{}''',
	'UPDATE purser.revision SET parents = ''{}'', replaces = ''{one1,two2}'' WHERE revision = ''three3''; '
		'DELETE FROM purser.revision WHERE revision IN (''one1'', ''two2'')',
	'SELECT purser.add_revision(''m'', '''', '''', ''next1''); SELECT purser.add_revision(''m'', '''', '''', ''next2'', ''{three3}'')'
]) WITH ORDINALITY AS c(change, place) ORDER BY place;
BEGIN;
SELECT purser.add_revision('m', '', '', 'next1'), purser.add_revision('m', '', '', 'next2', '{three3}');
UPDATE purser.revision SET upgrade = 'SELECT 1' WHERE revision = 'two2';
DELETE FROM purser.applied WHERE revision = 'two2';
UPDATE purser.revision SET upgrade = 'SELECT 1' WHERE revision = 'one1';
DELETE FROM purser.event WHERE id = 3;
UPDATE purser.revision SET parents = '{next2,nobody}', labels = '{next2}' WHERE revision = 'next1';
UPDATE purser.revision SET depends_on = '{next1}' WHERE revision = 'next2';
SELECT * FROM purser.check_ledger() \gx
ROLLBACK;
SELECT * FROM purser.check_ledger();

-- who may
CREATE ROLE regress_ledger_checks;
CREATE ROLE regress_ledger_checks_reader;
GRANT pg_monitor TO regress_ledger_checks_reader;
SET ROLE regress_ledger_checks;
SELECT * FROM purser.check_ledger();
SELECT purser.accept('one1');
SET ROLE regress_ledger_checks_reader;
SELECT * FROM purser.check_ledger();
SELECT purser.accept('one1');
RESET ROLE;
GRANT EXECUTE ON FUNCTION purser.accept TO regress_ledger_checks;
SELECT load('one1', 'one (x int)', 'one (x bigint)');
SET ROLE regress_ledger_checks;
SELECT purser.accept('one1');
RESET ROLE;
SELECT kind, revision, role FROM purser.event ORDER BY id DESC LIMIT 1;
BEGIN TRANSACTION READ ONLY;
SELECT * FROM purser.check_ledger();
SELECT purser.accept('one1');
ROLLBACK;
-- not from a script
SELECT purser.add_revision('m', 'SELECT purser.accept(''one1'')', '', 'accepting');
SELECT revision FROM purser.upgrade();

REVOKE ALL ON FUNCTION purser.accept FROM regress_ledger_checks;
DROP ROLE regress_ledger_checks, regress_ledger_checks_reader;
SET client_min_messages = warning;
DROP SCHEMA ledger_checks CASCADE;
TRUNCATE purser.revision, purser.applied, purser.event, purser.tag;
