-- Repeatable revisions run after the lineage, whenever their text is not what was applied.
CREATE SCHEMA ledger_repeatable;
SET search_path = ledger_repeatable;
\set SHOW_CONTEXT never
CREATE TABLE log (n serial, what text);
CREATE FUNCTION add(id text, parents text[] DEFAULT '{}', depends_on text[] DEFAULT '{}') RETURNS text
LANGUAGE sql AS $$
	SELECT purser.add_revision('about ' || id, format('INSERT INTO log (what) VALUES (%L)', id),
		format('INSERT INTO log (what) VALUES (%L)', 'no ' || id), id, parents, depends_on)
$$;
CREATE FUNCTION rep(id text, text text, depends_on text[] DEFAULT '{}', down text DEFAULT NULL, verify text DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
	SELECT purser.add_revision('about ' || id, format('INSERT INTO log (what) VALUES (%L)', text), down, id,
		depends_on => depends_on, verify => verify, repeatable => true)
$$;
-- the same as a file, with another text
CREATE FUNCTION load(id text, text text, depends_on text DEFAULT 'none', kind text DEFAULT 'repeatable') RETURNS text
LANGUAGE sql AS $$
	SELECT purser.load_revision(concat_ws(E'\n', '-- purser: revision ' || id, '-- purser: ' || kind,
		'-- purser: message about ' || id, '-- purser: depends ' || depends_on,
		'-- purser: upgrade', format('INSERT INTO log (what) VALUES (%L)', text)))
$$;
CREATE FUNCTION steps(direction text, target text) RETURNS text
LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' ' ORDER BY step), 'nothing') FROM purser.plan(direction, target)
$$;
CREATE FUNCTION up(target text DEFAULT 'heads') RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' ' ORDER BY step), 'nothing') FROM purser.upgrade(target)
$$;
CREATE FUNCTION down(target text DEFAULT 'base') RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' ' ORDER BY step), 'nothing') FROM purser.downgrade(target)
$$;
CREATE FUNCTION stamp(target text, purge boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(action || ' ' || revision, ', '), 'nothing') FROM purser.stamp(target, purge)
$$;
CREATE FUNCTION in_force() RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' ' ORDER BY revision COLLATE "C"), '-') FROM purser.applied
$$;
CREATE FUNCTION clear() RETURNS void LANGUAGE sql AS $$
	TRUNCATE purser.revision, purser.applied, purser.event, log RESTART IDENTITY
$$;

-- views, funcs: when all is there; early: as soon as one is; both in the order of what they depend on
SELECT rep('views', 'views 1', '{funcs}'), rep('x', '');
\echo :LAST_ERROR_SQLSTATE
SELECT add('one'), add('two', '{one}'), rep('funcs', 'funcs 1'), rep('views', 'views 1', '{funcs,two}', 'SELECT 1'), rep('early', 'early 1', '{one}');
SELECT purser.add_revision('the next', '', '', 'three');
SELECT parents FROM purser.revision WHERE revision = 'three';
SELECT revision FROM purser.heads();
SELECT revision, applied_at IS NOT NULL AS applied, is_head, is_current, repeatable FROM purser.history();
SELECT revision FROM purser.history('two:');
SELECT steps('upgrade', 'one'), steps('upgrade', 'two'), steps('upgrade', 'heads'), steps('upgrade', '+1'), steps('upgrade', 'base');
SELECT step, direction, revision, message, sql FROM purser.plan('upgrade', 'one');
SELECT up('one'), in_force();
SELECT revision FROM purser.current();
SELECT up('one'), up(), up(), in_force();
SELECT string_agg(what, ', ' ORDER BY n) FROM log;
SELECT revision FROM purser.current();
SELECT kind, revision, duration IS NULL AS stamped FROM purser.event ORDER BY id;
-- Another text: it runs again, and only it.
SELECT load('early', 'early 2', 'one'), load('early', 'early 2', 'one'), steps('upgrade', 'one'), steps('upgrade', 'heads');
SELECT checksum = sha256(convert_to(upgrade, 'UTF8')) AS same FROM purser.applied JOIN purser.revision USING (revision) WHERE revision = 'early';
SELECT up(), up();
SELECT checksum = sha256(convert_to(upgrade, 'UTF8')) AS same FROM purser.applied JOIN purser.revision USING (revision) WHERE revision = 'early';
SELECT kind, revision, checksum = sha256(convert_to('INSERT INTO log (what) VALUES (''early 2'')', 'UTF8')) AS checksum FROM purser.event ORDER BY id DESC LIMIT 1;
SELECT what FROM log ORDER BY n DESC LIMIT 1;
-- another message, or other dependencies, are no reason to run
SELECT load('early', 'early 2', 'two'), up();
SELECT purser.show('func'), 1 WHERE false;
SELECT revision, repeatable, is_head, applied_at IS NOT NULL AS applied FROM purser.show('funcs');
SELECT split_part(purser.export_revision('early'), E'\n', 4);
-- a failing verify leaves the old text in force
SELECT purser.load_revision(E'-- purser: revision early\n-- purser: repeatable\n-- purser: message m\n-- purser: upgrade\nSELECT 2\n-- purser: verify\nSELECT 1/0\n');
SELECT up();
SELECT steps('upgrade', 'heads'), load('early', 'early 2', 'one'), steps('upgrade', 'heads');
-- One as the target: what it needs, and itself, if due.
SELECT load('funcs', 'funcs 2'), load('early', 'early 3', 'one'), steps('upgrade', 'funcs'), steps('upgrade', 'views'), steps('upgrade', 'earl'), steps('upgrade', 'heads');
SELECT up('views'), up('views'), steps('upgrade', 'heads'), up('early'), up();
SELECT steps('downgrade', 'funcs'), steps('downgrade', 'early');
SELECT steps('upgrade', 'early+1');
SELECT steps('upgrade', 'early:one');
SELECT purser.history('early:'), 1;
-- Down: those whose ground goes, before it; the others stay.
SELECT steps('downgrade', 'two'), steps('downgrade', 'one'), steps('downgrade', '-1'), steps('downgrade', 'base');
SELECT step, direction, revision, sql FROM purser.plan('downgrade', 'base');
SELECT down('one'), in_force(), down('one');
SELECT up(), down(), in_force();
SELECT kind, revision, checksum = sha256('') AS nothing FROM purser.event WHERE revision = 'funcs' ORDER BY id DESC LIMIT 1;
SELECT steps('downgrade', 'early');
SELECT steps('upgrade', 'views'), up('funcs'), in_force(), up(), down('one'), up('two'), in_force(), down();
-- Stamps leave them alone, unless named; what goes takes them along.
SELECT stamp('heads'), in_force(), steps('upgrade', 'heads');
SELECT stamp('views'), stamp('views'), load('views', 'views 3', 'funcs, two'), steps('upgrade', 'views'), stamp('views'), steps('upgrade', 'views');
SELECT stamp('one'), in_force(), stamp('heads', true), in_force(), stamp('base'), in_force();
-- One after the other in transactions of their own.
SELECT clear();
SELECT add('one'), add('two', '{one}'), rep('views', 'views 1', '{two}'), rep('funcs', 'funcs 1');
CALL purser.migrate();
SELECT string_agg(what, ', ' ORDER BY n) FROM log;
SELECT load('funcs', 'funcs 2');
CALL purser.migrate();
CALL purser.migrate();
SELECT string_agg(what, ', ' ORDER BY n) FROM log;
CALL purser.migrate('one', 'downgrade');
SELECT in_force(), steps('upgrade', 'heads');
CALL purser.migrate('base', 'downgrade');
SELECT in_force();
-- With a squash: what a repeatable depends on may be replaced, or gone.
SELECT clear();
SELECT add('a'), add('b', '{a}'), rep('r', 'r', '{a}'), purser.squash('a', 'b', 'both', 'ab'), steps('upgrade', 'heads'), steps('upgrade', 'a'), steps('upgrade', 'r');
SELECT up('a'), up(), in_force(), down('a'), in_force(), down();
SELECT up(), purser.remove_revision('a'), purser.remove_revision('b'), steps('downgrade', 'base'), load('r', 'r2', 'a'), up();
SELECT clear();

-- What does not fit.
SELECT add('one'), rep('r', 'r'), rep('s', 's', '{r}');
SELECT add('child', '{r}');
\echo :LAST_ERROR_SQLSTATE
SELECT add('needy', '{one}', '{r}');
\echo :LAST_ERROR_SQLSTATE
SELECT purser.add_revision('x', '', '', 'x', '{one}', repeatable => true);
SELECT purser.add_revision('x', '', '', 'x', repeatable => true, replaces => '{one}');
SELECT purser.add_revision('x', '', '', 'x', repeatable => true, transactional => false);
SELECT purser.add_revision('x', '', '', 'x', '{}', replaces => '{one,r}');
\echo :LAST_ERROR_SQLSTATE
SELECT load('r', 'r', 's');
\echo :LAST_ERROR_SQLSTATE
SELECT load('r', 'r', 'nobody');
SELECT add('two', '{one}'), load('one', 'one', 'none');
\echo :LAST_ERROR_SQLSTATE
SELECT purser.squash('one', 'r', 'x');
SELECT up(), load('r', 'r', 'none', 'parents none');
\echo :LAST_ERROR_SQLSTATE
SELECT up();
SELECT load('one', 'one', 'none');
\echo :LAST_ERROR_SQLSTATE
SELECT purser.remove_revision('r');
\echo :LAST_ERROR_SQLSTATE
SELECT purser.remove_revision('one');
-- applied or not, one that nothing needs may go
SELECT purser.remove_revision('s'), purser.remove_revision('r'), in_force(), (SELECT count(*) FROM purser.event) AS events;
SELECT clear();
-- only repeatable ones
SELECT rep('b', 'b', '{}'), rep('a', 'a', '{b}'), up(), up(), down(), in_force();
SELECT revision FROM purser.heads() UNION ALL SELECT revision FROM purser.current();

-- Who may: the scripts run as the caller.
CREATE ROLE regress_repeat;
GRANT USAGE ON SCHEMA purser, ledger_repeatable TO regress_repeat;
GRANT EXECUTE ON FUNCTION purser.upgrade, purser.downgrade TO regress_repeat;
SET ROLE regress_repeat;
SELECT revision FROM purser.upgrade();
RESET ROLE;
SELECT load('b', 'b'), in_force();
GRANT INSERT ON log TO regress_repeat;
GRANT USAGE ON SEQUENCE log_n_seq TO regress_repeat;
SET ROLE regress_repeat;
SELECT revision FROM purser.upgrade();
RESET ROLE;
SELECT revision, applied_by FROM purser.applied ORDER BY 1;
SET client_min_messages = warning;
REVOKE ALL ON FUNCTION purser.upgrade, purser.downgrade FROM regress_repeat;
REVOKE ALL ON SCHEMA purser, ledger_repeatable FROM regress_repeat;
DROP SCHEMA ledger_repeatable CASCADE;
DROP ROLE regress_repeat;
TRUNCATE purser.revision, purser.applied, purser.event;
