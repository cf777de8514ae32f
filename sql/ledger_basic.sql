-- A life of a ledger: record, plan, upgrade, look, downgrade, stamp; and its history.
CREATE SCHEMA ledger_basic;
SET search_path = ledger_basic;

-- nothing there yet
SELECT * FROM purser.heads();
SELECT * FROM purser.current();
SELECT * FROM purser.plan('upgrade', 'head');
SELECT * FROM purser.upgrade();
SELECT * FROM purser.downgrade('base');

SELECT purser.add_revision('create task', 'CREATE TABLE task (id int);', 'DROP TABLE task;',
	revision => '1c0ffee0dada');
SELECT purser.add_revision(message => '  add "title"  ',
	upgrade => E'ALTER TABLE task ADD title text;\r\nCREATE INDEX ON task (title);\n\n',
	downgrade => 'ALTER TABLE task DROP title;', revision => '2badcafe', labels => '{work,todo}',
	verify => 'SELECT title FROM task LIMIT 0');
SELECT purser.add_revision('fill', $$INSERT INTO task VALUES (1, 'first')$$, revision => '3.final');
-- an id of its own making
SELECT purser.add_revision('random', '', '', parents => '{}') ~ '^[0-9a-f]{12}$' AS random_id;
DELETE FROM purser.revision WHERE message = 'random';

SELECT * FROM purser.heads();
SELECT * FROM purser.plan('upgrade', 'head');
SELECT * FROM purser.plan('upgrade', '2bad');
SELECT step, direction, revision, message, duration >= '0' AS timed FROM purser.upgrade('+1');
SELECT step, direction, revision, message FROM purser.upgrade();
SELECT * FROM purser.upgrade();
SELECT * FROM task;
SELECT * FROM purser.current();
SELECT revision, parents, depends_on, labels, message, added_at <= now() AS added,
	applied_at <= clock_timestamp() AS applied, is_head, is_current FROM purser.history();
SELECT revision FROM purser.history('2bad:');
SELECT revision FROM purser.history(':2bad');
SELECT revision FROM purser.history('1c0ffee0dada:2badcafe');
SELECT revision FROM purser.history('base:base');

SELECT revision, message, parents, depends_on, labels, upgrade, downgrade, verify, added_by = current_user AS mine,
	applied_by = current_user AS by_me, checksum = sha256(convert_to(upgrade, 'UTF8')) AS checksum, is_head, is_current
FROM purser.show('2bad') \gx
SELECT revision, downgrade, verify FROM purser.show('head');
SELECT revision FROM purser.show('work');
-- one revision, not a target: the hint says so
SELECT revision FROM purser.show('heads');
SELECT purser.show('+1');
SELECT purser.show('base');
SELECT purser.export_revision('base');
SELECT purser.export_revision('-1');

-- 3.final cannot be undone: nothing is, whatever the target
SELECT * FROM purser.downgrade('base');
SELECT * FROM purser.plan('downgrade', '-1');
SELECT * FROM purser.stamp('2bad');
SELECT * FROM purser.plan('downgrade', 'base');
SELECT step, direction, revision, message FROM purser.downgrade('-1');
\d task
SELECT * FROM purser.stamp('base');
SELECT * FROM purser.stamp('head', purge => true);
SELECT * FROM purser.stamp('1c0f');
SELECT step, direction, revision, message FROM purser.downgrade('base');
SELECT * FROM purser.current();

-- Every event is there; the chain can be checked with nothing but SQL.
SELECT id, kind, revision, role = current_user AND session_role = session_user AS who,
	application_name, duration IS NOT NULL AS timed, checksum IS NOT NULL AS checksum
FROM purser.event ORDER BY id;
-- the query of the documentation
CREATE VIEW broken AS
SELECT e.id
FROM (SELECT *, lag(id, 1, 0::bigint) OVER w AS last_id, lag(hash, 1, '') OVER w AS last_hash
		FROM purser.event WINDOW w AS (ORDER BY id)) e,
	LATERAL (SELECT string_agg(coalesce(octet_length(convert_to(field, 'UTF8')) || ':' || field, '-'),
			'' ORDER BY place) AS text
		FROM unnest(ARRAY[encode(e.previous_hash, 'hex'), e.id::text, e.kind, e.revision,
			(extract(epoch FROM e.at) * 1000000)::bigint::text, e.role, e.session_role,
			e.application_name, host(e.client_addr),
			(extract(epoch FROM e.duration) * 1000000)::bigint::text,
			encode(e.checksum, 'hex')]) WITH ORDINALITY AS f(field, place)) canonical
WHERE e.id <> e.last_id + 1 OR e.previous_hash <> e.last_hash
	OR e.hash <> sha256(convert_to(canonical.text, 'UTF8'))
ORDER BY e.id;
SELECT * FROM broken;
BEGIN;
UPDATE purser.event SET role = 'somebody else' WHERE id = 3;
SELECT * FROM broken;
ROLLBACK;
BEGIN;
DELETE FROM purser.event WHERE id = 5;
SELECT * FROM broken;
ROLLBACK;
BEGIN;
DELETE FROM purser.event WHERE id = 1;
SELECT * FROM broken;
ROLLBACK;
BEGIN;
UPDATE purser.event SET duration = duration + '1 microsecond' WHERE id = 1;
UPDATE purser.event SET duration = '0' WHERE kind = 'stamp' AND id = (SELECT min(id) FROM purser.event WHERE kind = 'stamp');
UPDATE purser.event SET hash = sha256('another') WHERE id = (SELECT max(id) - 1 FROM purser.event);
SELECT * FROM broken;
ROLLBACK;

-- bad arguments
SELECT purser.add_revision(NULL, 'SELECT');
SELECT purser.add_revision('x', NULL);
SELECT purser.add_revision(' ', 'SELECT');
SELECT purser.add_revision(E'two\nlines', 'SELECT');
SELECT purser.add_revision('x', 'SELECT', revision => '');
SELECT purser.add_revision('x', 'SELECT', revision => 'a-b');
SELECT purser.add_revision('x', 'SELECT', revision => 'Weird "" name');
SELECT purser.add_revision('x', 'SELECT', revision => 'heads');
SELECT purser.add_revision('x', 'SELECT', revision => repeat('x', 65));
SELECT purser.add_revision('x', 'SELECT', revision => '2badcafe');
SELECT purser.add_revision('x', 'SELECT', revision => 'orphan', parents => '{nobody}');
SELECT purser.add_revision('x', 'SELECT', revision => 'orphan', depends_on => '{2bad}');
SELECT purser.add_revision('x', 'SELECT', revision => 'self', parents => '{self}');
SELECT purser.add_revision('x', 'SELECT', revision => 'self', depends_on => '{self}');
SELECT purser.add_revision('x', 'SELECT', revision => 'dup', parents => '{3.final,2badcafe,3.final}');
SELECT purser.add_revision('x', 'SELECT', revision => 'nul', parents => '{3.final,NULL}');
SELECT purser.add_revision('x', 'SELECT', revision => 'dim', parents => '{{3.final},{2badcafe}}');
SELECT purser.add_revision('x', 'SELECT', revision => 'lab', labels => '{no@no}');
SELECT purser.add_revision('x', 'SELECT', revision => 'lab', labels => '{base}');
SELECT purser.add_revision('x', 'SELECT', revision => 'lab', labels => '{lab}');
SELECT purser.add_revision('x', 'SELECT', revision => 'lab', labels => '{work}');
SELECT purser.add_revision('x', 'SELECT', revision => 'lab', labels => '{2badcafe}');
SELECT purser.add_revision('x', 'SELECT', revision => 'work');
SELECT purser.add_revision('x', E'SELECT\n  --Purser : downgrade');
SELECT purser.plan('sideways', 'head');
SELECT purser.plan(NULL, 'head');
SELECT purser.upgrade(NULL);
SELECT purser.history('head');
SELECT purser.history('a:b:c');
SELECT purser.history('+1:head');
SELECT purser.stamp('+1');
SELECT purser.stamp('nothing');
SELECT purser.downgrade('nothing');
SELECT purser.history('nothing:');
SELECT revision FROM purser.history();

SET client_min_messages = warning;
DROP SCHEMA ledger_basic CASCADE;
TRUNCATE purser.revision, purser.applied, purser.event;
