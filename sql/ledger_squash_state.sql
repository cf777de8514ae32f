-- Squashes and repeatable revisions beside labels, tags, edits, merges and check_ledger().
CREATE SCHEMA ledger_squash_state;
SET search_path = ledger_squash_state;
\set SHOW_CONTEXT never
CREATE FUNCTION add(id text, parents text[], replaces text[] DEFAULT '{}', depends_on text[] DEFAULT '{}',
	labels text[] DEFAULT '{}') RETURNS text
LANGUAGE sql AS $$
	SELECT purser.add_revision('about ' || id, '', '', id, parents, depends_on, labels, replaces => replaces)
$$;
CREATE FUNCTION rep(id text, depends_on text[] DEFAULT '{}', labels text[] DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT purser.add_revision('about ' || id, '', NULL, id, depends_on => depends_on, labels => labels, repeatable => true)
$$;
CREATE FUNCTION load(id text, old text, new text) RETURNS text LANGUAGE sql AS $$
	SELECT purser.load_revision(replace(purser.export_revision(id), old, new))
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
CREATE FUNCTION stamp(targets text[], purge boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(action || ' ' || revision, ', '), 'nothing') FROM purser.stamp(targets, purge)
$$;
CREATE FUNCTION heads() RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' ' ORDER BY revision COLLATE "C"), '-') FROM purser.heads()
$$;
CREATE FUNCTION in_force() RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' ' ORDER BY revision COLLATE "C"), '-') FROM purser.applied
$$;
CREATE FUNCTION faults() RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(kind || ' ' || subject, ', '), 'sound') FROM purser.check_ledger()
$$;
CREATE FUNCTION shown(range text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' '), '-') FROM purser.history(range)
$$;
CREATE FUNCTION clear() RETURNS void LANGUAGE sql AS $$
	TRUNCATE purser.revision, purser.applied, purser.event, purser.tag
$$;

-- A sound ledger has no faults, wherever its squashes are.
SELECT add('a', '{}'), add('b', '{a}'), add('c', '{b}'), add('d', '{c}'), up('c'), purser.tag('abc') > 0 AS tagged;
SELECT add('abc', '{}', '{a,b,c}'), add('e', '{abc}'), faults(); -- in force, not on record yet
SELECT up('d'), in_force(), faults(), heads();
SELECT add('all', '{}', '{abc,d}'), faults(), load('e', 'parents abc', 'parents a'), faults();
SELECT down('b'), faults(), heads(), up('c'), faults(), down(), faults();
SELECT load('e', 'parents a', 'parents d'), heads(), faults(), up(), faults();
SELECT purser.remove_revision('a'), purser.remove_revision('b'), faults();
SELECT purser.remove_revision('c'), purser.remove_revision('d'), faults(), in_force();
SELECT rep('r', '{a,e}'), rep('q'), faults(), up(), faults(), heads();
SELECT add('f', '{e}'), load('r', 'a e', 'a f'), faults(), up(), faults();
SELECT down(), faults(), purser.remove_revision('r'), faults();
-- and one that is not, has
CREATE FUNCTION named(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	EXECUTE change;
	found := faults();
	RAISE EXCEPTION USING ERRCODE = 'P0099', MESSAGE = found;
EXCEPTION WHEN SQLSTATE 'P0099' THEN
	RETURN SQLERRM;
END $$;
SELECT clear(), add('a', '{}', labels => '{one}'), add('b', '{a}', labels => '{two}'), add('ab', '{}', '{a,b}', labels => '{one,two}'),
	add('outer', '{}', '{ab}', labels => '{two}'), add('c', '{b}'), up(), faults();
SELECT change, named(change) FROM unnest(ARRAY[
	'DELETE FROM purser.applied WHERE revision IN (''a'', ''ab'', ''outer'')',
	'DELETE FROM purser.applied WHERE revision = ''a''',
	'UPDATE purser.revision SET labels = ''{one}'' WHERE revision = ''c''',
	'UPDATE purser.revision SET labels = ''{ab}'' WHERE revision = ''a''',
	'UPDATE purser.revision SET replaces = ''{a}'' WHERE revision IN (''ab'', ''outer'')',
	'UPDATE purser.revision SET parents = ''{nobody}'' WHERE revision = ''ab''',
	'UPDATE purser.revision SET parents = ''{c}'' WHERE revision = ''a''',
	'UPDATE purser.revision SET upgrade = ''SELECT 1'' WHERE revision = ''ab''',
	'SELECT ledger_squash_state.add(''c2'', ''{b}'')'
]) WITH ORDINALITY AS c(change, place) ORDER BY place;

-- Positions: what was in force, by squashes or by what they replace.
SELECT clear(), add('a', '{}'), add('b', '{a}'), add('c', '{b}'), add('d', '{c}'), rep('r', '{b}');
SELECT purser.tag('zero'), up('b'), purser.tag('ab'), up('c'), purser.tag('abc'), up(), purser.tag('all');
SELECT purser.squash('a', 'c', 'all three', 'abc'), steps('downgrade', 'tag:all'), steps('downgrade', 'tag:abc'),
	steps('downgrade', 'tag:ab'), steps('downgrade', 'tag:zero');
SELECT down('tag:ab'), in_force(), faults();
SELECT steps('upgrade', 'tag:all'), up('tag:abc'), in_force(), faults();
SELECT up('tag:all'), purser.tag('squashed') > 0 AS tagged, down('tag:zero'), in_force(), up('tag:ab'), in_force(), faults();
SELECT steps('upgrade', 'tag:squashed'), down('b'), steps('downgrade', 'tag:ab'), steps('upgrade', 'tag:squashed');
SELECT shown('tag:ab:'), shown('tag:zero:tag:ab'), shown('b:tag:abc'), shown('a:b');
SELECT stamp('{tag:abc}'), in_force(), stamp('{tag:ab}'), in_force(), stamp('{tag:all}'), in_force(), faults();
-- a repeatable that was not there goes, one that was stays
SELECT rep('late'), up(), steps('downgrade', 'tag:squashed'), steps('downgrade', 'tag:zero');
-- with the originals gone, what a squash was in the middle of is out of reach; the rest is not
SELECT purser.remove_revision('a'), purser.remove_revision('b'), purser.remove_revision('c'), faults();
SELECT steps('downgrade', 'tag:abc'), steps('downgrade', 'tag:zero'), steps('upgrade', 'tag:all');
SELECT steps('downgrade', 'tag:ab');
\echo :LAST_ERROR_SQLSTATE
SELECT down('tag:abc'), in_force(), faults();

-- Edits: a squash and what it replaces are on record with their own texts.
SELECT clear(), add('a', '{}'), add('b', '{a}'), up(), purser.squash('a', 'b', 'both', 'ab'), up(), add('c', '{ab}');
SELECT revision, checksum = sha256(convert_to(upgrade, 'UTF8')) AS same FROM purser.applied JOIN purser.revision USING (revision) ORDER BY 1;
SELECT load('ab', 'all of it', 'nothing'), load('a', 'about a', 'all about a'), faults(), steps('upgrade', 'heads');
SELECT purser.load_revision(replace(purser.export_revision('ab'), '-- upgrade of b', '-- formerly b'));
SELECT purser.load_revision(replace(purser.export_revision('a'), '-- purser: upgrade', E'-- purser: upgrade\nSELECT 1;'));
SELECT faults();
SELECT up();
SELECT purser.accept('ab'), purser.accept('a'), faults(), up();
SELECT purser.load_revision(E'-- purser: revision b\n-- purser: parents c\n-- purser: message m\n-- purser: upgrade\n');
SELECT add('late', '{}'), purser.load_revision(E'-- purser: revision ab\n-- purser: parents late\n-- purser: replaces a b\n-- purser: message m\n-- purser: upgrade\n');
\echo :LAST_ERROR_SQLSTATE

-- Labels, lineages and steps go by what is in use.
SELECT clear(), add('root', '{}'), add('l1', '{root}', labels => '{left}'), add('l2', '{l1}'), add('1', '{root}', labels => '{right}'),
	add('r2', '{1}'), add('ls', '{root}', '{l1,l2}', labels => '{left,both}'), add('l3', '{l2}'), rep('view', '{l2}', '{views}');
SELECT steps('upgrade', 'left@head'), steps('upgrade', 'both'), steps('upgrade', 'l1@head'), steps('upgrade', 'left'), steps('upgrade', 'left@+2'),
	steps('upgrade', 'l2+1'), steps('upgrade', 'l3-1'), steps('upgrade', 'views'), steps('upgrade', 'righ@heads');
SELECT revision, labels FROM purser.heads();
SELECT revision, labels, children FROM purser.branches();
SELECT up('l1'), steps('upgrade', 'left@head'), steps('upgrade', 'ls'), steps('upgrade', 'both'), steps('upgrade', 'left@+1');
SELECT revision, labels FROM purser.heads();
SELECT shown('left@base:'), shown('l1:ls'), shown('-1:l2'), shown(':current');
SELECT (purser.show('l3-1')).revision, (purser.show('l2-1')).revision, (purser.show('current')).revision, (purser.show('views')).revision;
SELECT down(), up('root'), add('1x', '{root}', '{1,r2}'), steps('upgrade', 'right@+1'), steps('upgrade', 'right@head'), steps('downgrade', '-1');
SELECT stamp('{left@head,1x}'), in_force(), stamp('{view,left@base}', true), in_force(), stamp('{base,view}'), in_force(), faults();
-- a number of steps is no revision, even one that a squash hides
SELECT add('0', '{}', labels => '{other}'), steps('upgrade', 'right@+1'), steps('upgrade', 'ls+1');
SELECT purser.merge_heads('m', '{1}');
SELECT purser.merge_heads('m', '{ls,1x}', 'no');
SELECT purser.merge_heads('m', NULL, 'merged'), heads();
SELECT parents FROM purser.revision WHERE revision = 'merged';
SELECT up('l1'), purser.merge_heads('m', '{}');
SELECT purser.squash('left@base+1', 'merged', 'x', 'one_all'), purser.remove_revision('one_all');
SELECT purser.squash('ls', 'merged-1', 'x');
SELECT purser.squash('both', 'left@l3', 'x', 'l'), heads();

-- A squash inside of another one shares its labels, also when the original that had them is gone.
SELECT clear(), purser.add_revision('m', '', '', 'a'), purser.add_revision('m', '', '', 'b', labels => '{lb}'), purser.add_revision('m', '', '', 'c');
SELECT purser.squash('a', 'c', 'm', 'abc'), up('a'), purser.squash('b', 'c', 'm', 'bc'), purser.remove_revision('b'), faults();

-- The one head: a repeatable does not stand in its way, and a squash asks for a look at all.
SELECT clear(), purser.add_revision('m', '', '', 'a'), rep('r'), purser.add_revision('m', '', '', 'b'), rep('q');
SELECT revision, parents, only_head FROM purser.revision ORDER BY ordinal;
SELECT purser.add_revision('m', '', '', 'c'), purser.squash('b', 'c', 'm', 'bc'), purser.add_revision('m', '', '', 'd'), up('b'),
	purser.add_revision('m', '', '', 'e');
SELECT revision, parents, only_head FROM purser.revision ORDER BY ordinal;
-- the last one becomes repeatable: the head is the one before it
SELECT clear(), purser.add_revision('m', '', '', 'a'), purser.add_revision('m', '', '', 'b', '{}');
SELECT purser.load_revision(E'-- purser: revision b\n-- purser: repeatable\n-- purser: message m\n-- purser: upgrade\n'), purser.add_revision('m', '', '', 'c');
SELECT revision, parents, only_head FROM purser.revision ORDER BY ordinal;

-- A long plan has its repeatable revisions, and a history its squashes.
SELECT clear();
SELECT count(purser.add_revision('m', '', '', 'n' || i)) FROM generate_series(1, 600) AS i;
SELECT rep('r'), purser.squash('n100', 'n110', 'x', 's'), faults();
SELECT count(*), max(step), string_agg(revision, ' ' ORDER BY step) FILTER (WHERE revision !~ '^n') FROM purser.plan('upgrade', 'heads');
SELECT count(*), count(DISTINCT revision) FROM purser.upgrade();
SELECT count(*), string_agg(revision, ' ' ORDER BY step) FILTER (WHERE revision !~ '^n'), bool_and(sql = '') FROM purser.plan('downgrade', 'base') WHERE revision <> 's';
SELECT faults();
SET client_min_messages = warning;
SELECT clear();
DROP SCHEMA ledger_squash_state CASCADE;
