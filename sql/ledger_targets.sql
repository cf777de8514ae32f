-- What targets mean on graphs with branches, merges and dependencies.
CREATE SCHEMA ledger_targets;
SET search_path = ledger_targets;
\set SHOW_CONTEXT never
-- A revision that only says that it was there; parents and dependencies as given.
CREATE FUNCTION add(id text, parents text[], depends_on text[] DEFAULT '{}') RETURNS text
LANGUAGE sql AS $$
	SELECT purser.add_revision('about ' || id, '', '', id, parents, depends_on)
$$;
CREATE FUNCTION steps(direction text, target text) RETURNS text
LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' ' ORDER BY step), 'nothing') FROM purser.plan(direction, target)
$$;
CREATE FUNCTION up(target text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(revision, ' ' ORDER BY step) FROM purser.upgrade(target)
$$;
CREATE FUNCTION down(target text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(revision, ' ' ORDER BY step) FROM purser.downgrade(target)
$$;
CREATE FUNCTION here() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(revision, ' ' ORDER BY revision COLLATE "C") FROM purser.current()
$$;

-- base0 - left1 - left2 - merge - tip
--       \ right1 -------/
SELECT add('base0', '{}'), add('left1', '{base0}'), add('left2', '{left1}'), add('right1', '{base0}');
-- two heads
SELECT revision FROM purser.heads() ORDER BY 1;
SELECT steps('upgrade', 'head');
SELECT purser.add_revision('which?', '');
SELECT steps('upgrade', 'heads');
SELECT add('merge', '{left2,right1}'), purser.add_revision('onwards', '', '', 'tip');
SELECT revision, parents FROM purser.history();
SELECT steps('upgrade', 'head'), steps('upgrade', 'base');
SELECT steps('upgrade', 'right1'), steps('upgrade', 'left2'), steps('upgrade', 'merge');
SELECT steps('upgrade', 'left'); -- may be either
SELECT steps('upgrade', 'lef'); -- too short to say
SELECT steps('upgrade', 'tip'), steps('upgrade', 'righ');
SELECT steps('upgrade', 'Left1');
SELECT steps('upgrade', 'nothing'), 1;
SELECT steps('upgrade', '');
SELECT steps('upgrade', 'left1@head');
SELECT steps('downgrade', 'left1'); -- not applied
SELECT steps('downgrade', '-1');
SELECT steps('upgrade', '-1');
SELECT steps('downgrade', '+1');
SELECT steps('upgrade', '+0'), 0;
SELECT steps('upgrade', '+'), 0;
SELECT steps('upgrade', '+1x'), 0;
SELECT steps('upgrade', '+99999999999999999999'), 0;
SELECT steps('upgrade', '+1');
SELECT steps('upgrade', '+2'); -- left or right?
SELECT up('left1');
SELECT steps('upgrade', '+1'), steps('upgrade', '+2'), steps('upgrade', '+3');
SELECT steps('upgrade', '+4');
SELECT up('right1'), here();
SELECT steps('upgrade', '+1'); -- two heads in force
SELECT steps('downgrade', '-1');
SELECT steps('downgrade', 'base'), steps('downgrade', 'base0'), steps('downgrade', 'right1');
SELECT up('heads'), here();
SELECT steps('downgrade', 'head'), steps('downgrade', 'heads'), steps('upgrade', 'heads');
-- down to one side of the merge: the other side stays
SELECT steps('downgrade', 'left1'), steps('downgrade', 'left2'), steps('downgrade', 'right1');
SELECT steps('downgrade', '-1'), steps('downgrade', '-2');
SELECT steps('downgrade', '-3'); -- which side of the merge?
SELECT down('right1'), here();
SELECT up('tip'), here(), down('left1'), here();
SELECT up('head'), down('base'), here();
SELECT up('base0');
SELECT steps('downgrade', '-2');

-- A line of its own that depends on left1: ordered after it, dragged along with it,
-- but neither its child nor a parent to merge with.
SELECT add('other', '{}', '{left1}'), add('other2', '{other}');
SELECT revision FROM purser.heads() ORDER BY 1;
SELECT steps('upgrade', 'other2');
SELECT up('other2'), here();
SELECT steps('downgrade', 'left1'), steps('downgrade', 'base0'), steps('downgrade', 'other');
SELECT down('other'), here(), down('-1'), here();
SELECT steps('downgrade', 'base');
SELECT up('heads'), here();
SELECT down('base');

-- A revision that is in the way goes, unless it is applied or needed.
SELECT up('left1');
SELECT purser.remove_revision('left1');
\echo :LAST_ERROR_SQLSTATE
SELECT purser.remove_revision('left2');
\echo :LAST_ERROR_SQLSTATE
SELECT purser.remove_revision('right1');
SELECT purser.remove_revision('heads');
SELECT purser.remove_revision('nobody');
SELECT purser.remove_revision(NULL);
SELECT add('mistake', '{base0}'), add('needy', '{}', '{mistake}');
SELECT purser.remove_revision('mistake');
SELECT purser.remove_revision('need'), purser.remove_revision('mist');
SELECT revision FROM purser.history() WHERE revision IN ('mistake', 'needy');
SELECT add('mistake', '{left1}'), purser.remove_revision('mistake');
SELECT down('base');
SELECT purser.remove_revision('left1');

-- Stamps: ancestors in, descendants out, other branches as they are, unless purged.
SELECT up('right1'), up('other');
SELECT * FROM purser.stamp('left2');
SELECT here();
SELECT * FROM purser.stamp('left2');
SELECT * FROM purser.stamp('base0');
SELECT * FROM purser.stamp('merge');
SELECT * FROM purser.stamp('other', true);
SELECT * FROM purser.stamp('heads');
SELECT * FROM purser.stamp('base');

-- Depth: a chain, and merges on merges; no recursion, nothing quadratic.
TRUNCATE purser.revision, purser.applied, purser.event;
INSERT INTO purser.revision (revision, ordinal, parents, depends_on, labels, message, upgrade, added_at, added_by)
SELECT 'chain' || n, n, CASE WHEN n > 1 THEN ARRAY['chain' || n - 1] ELSE '{}' END, '{}', '{}', 'm', '', now(), 'me'
FROM generate_series(1, 10000) n;
SELECT count(*), max(step), max(revision) FILTER (WHERE step = 10000) FROM purser.plan('upgrade', 'head');
TRUNCATE purser.revision;
-- loaded in the worst order: what is needed comes last
INSERT INTO purser.revision (revision, ordinal, parents, depends_on, labels, message, upgrade, added_at, added_by)
SELECT k || n, row_number() OVER (ORDER BY n DESC, k), p, '{}', '{}', 'm', '', now(), 'me'
FROM generate_series(1, 3000) n, LATERAL (VALUES
	('middle', CASE WHEN n > 1 THEN ARRAY['left' || n - 1, 'right' || n - 1] ELSE '{}' END),
	('left', ARRAY['middle' || n]), ('right', ARRAY['middle' || n])) v(k, p);
SELECT count(*) FROM purser.plan('upgrade', 'heads');
SELECT count(*) FROM purser.plan('upgrade', 'left3000');
-- only by hand can the tables be made to contradict themselves
UPDATE purser.revision SET parents = '{left3000}' WHERE revision = 'middle1';
SELECT purser.plan('upgrade', 'heads');
UPDATE purser.revision SET parents = '{right1}' WHERE revision = 'middle1';
SELECT purser.plan('upgrade', 'heads');
UPDATE purser.revision SET parents = '{gone}' WHERE revision = 'middle1';
SELECT purser.plan('upgrade', 'heads');
TRUNCATE purser.revision;
INSERT INTO purser.applied VALUES ('gone', '', now(), 'me');
SELECT purser.upgrade();

SET client_min_messages = warning;
DROP SCHEMA ledger_targets CASCADE;
TRUNCATE purser.revision, purser.applied, purser.event;
