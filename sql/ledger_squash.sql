-- A squash stands for what it replaces where all or none of that is applied.
CREATE SCHEMA ledger_squash;
SET search_path = ledger_squash;
\set SHOW_CONTEXT never
CREATE FUNCTION add(id text, parents text[], replaces text[] DEFAULT '{}', depends_on text[] DEFAULT '{}',
	labels text[] DEFAULT '{}') RETURNS text
LANGUAGE sql AS $$
	SELECT purser.add_revision('about ' || id, '', '', id, parents, depends_on, labels, replaces => replaces)
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
CREATE FUNCTION stamp(target text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(action || ' ' || revision, ', '), 'nothing') FROM purser.stamp(target)
$$;
CREATE FUNCTION here() RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' ' ORDER BY revision COLLATE "C"), '-') FROM purser.current()
$$;
CREATE FUNCTION heads() RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' ' ORDER BY revision COLLATE "C"), '-') FROM purser.heads()
$$;
CREATE FUNCTION in_force() RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' ' ORDER BY revision COLLATE "C"), '-') FROM purser.applied
$$;
-- what history says, without the times
CREATE VIEW log AS
SELECT revision, applied_at IS NOT NULL AS applied, is_head AS head, is_current AS current, replaces, replaced_by
FROM purser.history();
CREATE FUNCTION clear() RETURNS void LANGUAGE sql AS $$
	TRUNCATE purser.revision, purser.applied, purser.event
$$;

-- None is applied: the squash stands for all.
SELECT add('a', '{}'), add('b', '{a}'), add('c', '{b}'), add('d', '{c}'), add('e', '{}', depends_on => '{b}');
SELECT add('abc', '{}', '{a,b,c}');
SELECT heads(), here(), steps('upgrade', 'heads'), steps('upgrade', 'abc'), steps('upgrade', 'd'), steps('upgrade', 'e');
SELECT * FROM log;
-- a replaced one as the target: the way goes by the originals
SELECT steps('upgrade', 'a'), steps('upgrade', 'b'), steps('upgrade', 'c');
SELECT revision FROM purser.history('a:b');
-- Applied, it takes its originals along, and undone as well.
SELECT up('d'), in_force(), here();
SELECT kind, revision, checksum = sha256('') AS checksum, duration IS NULL AS no_script FROM purser.event ORDER BY id;
SELECT * FROM log;
SELECT steps('upgrade', 'b'), steps('upgrade', 'heads'), steps('downgrade', 'base'), steps('downgrade', 'abc'), steps('downgrade', '-2');
SELECT down(), in_force(), here();
SELECT kind, revision FROM purser.event WHERE id > 5 ORDER BY id;
-- Half way: the originals go on, and the last of them brings the squash with it.
SELECT up('b'), in_force(), here(), heads();
SELECT * FROM log;
SELECT steps('upgrade', 'abc'), steps('upgrade', 'heads'), steps('upgrade', 'e'), steps('downgrade', 'base');
SELECT steps('downgrade', 'abc');
SELECT up(), in_force(), here();
SELECT kind, revision FROM purser.event ORDER BY id DESC LIMIT 4;
-- and back into the middle of it: the originals again
SELECT down('b'), in_force(), here();
SELECT kind, revision FROM purser.event ORDER BY id DESC LIMIT 3;
SELECT down(), in_force();
-- stamps
SELECT stamp('abc'), in_force();
SELECT stamp('a'), in_force(), here();
SELECT stamp('d'), in_force(), here();
SELECT stamp('base'), in_force();
-- loaded where all was applied: in force at once, on record with the next upgrade
SELECT clear();
SELECT add('a', '{}'), add('b', '{a}'), up(), add('ab', '{}', '{a,b}'), here(), heads(), in_force();
SELECT steps('upgrade', 'heads'), up(), in_force();
SELECT kind, revision FROM purser.event ORDER BY id;
SELECT add('c', '{ab}'), add('c2', '{b}'), heads(), up();
-- default parents build on what is in use
SELECT clear();
SELECT add('a', '{}'), add('b', '{a}'), add('ab', '{}', '{a,b}'), purser.add_revision('next', '', '', 'next');
SELECT parents FROM purser.revision WHERE revision = 'next';

-- Originals may go when all have moved on.
SELECT up(), in_force();
SELECT purser.remove_revision('a'), in_force();
SELECT steps('upgrade', 'a');
SELECT steps('downgrade', 'b');
\echo :LAST_ERROR_SQLSTATE
SELECT purser.remove_revision('b'), in_force();
SELECT count(*) FROM purser.event WHERE revision IN ('a', 'b');
-- one that still names an original finds the squash
SELECT add('late', '{b}', depends_on => '{a}'), up(), here();
SELECT add('nobody', '{z}');
SELECT purser.remove_revision('ab');
SELECT down(), up('ab'), purser.remove_revision('next'), purser.remove_revision('late'), down(), purser.remove_revision('ab');
-- without any original, a squash is a revision like others
SELECT add('ab', '{}', '{a,b}'), add('c', '{b}'), up(), in_force(), down('ab'), in_force();
-- originals that come after all are as much in force as the squash
SELECT add('a', '{}'), add('b', '{a}'), here(), steps('upgrade', 'heads'), in_force();
SELECT up(), in_force();
-- and the squash may go again while they are there and nothing names it
SELECT purser.remove_revision('ab'), in_force(), here(), heads();
SELECT purser.squash('a', 'b', 'x', 'again'), purser.remove_revision('again'), purser.squash('a', 'b', 'x', 'again');
SELECT purser.remove_revision('a'), in_force();
SELECT kind, revision FROM purser.event WHERE revision = 'again';
-- half way, none of it may go
SELECT clear();
SELECT add('a', '{}'), add('b', '{a}'), add('ab', '{}', '{a,b}'), up('a');
SELECT purser.remove_revision('b');
\echo :LAST_ERROR_SQLSTATE
SELECT purser.remove_revision('a');
\echo :LAST_ERROR_SQLSTATE
SELECT purser.remove_revision('ab'), heads();
-- a squash that could be neither used nor left out is not taken
SELECT add('az', '{}', '{a,z}');
\echo :LAST_ERROR_SQLSTATE

-- Nested: each depth decides for itself.
SELECT clear();
SELECT add('a', '{}'), add('b', '{a}'), add('c', '{b}'), add('d', '{c}'), add('e', '{d}');
SELECT add('bc', '{a}', '{b,c}'), add('abcd', '{}', '{a,bc,d}'), add('all', '{}', '{abcd,e}');
SELECT heads(), steps('upgrade', 'heads'), steps('upgrade', 'e'), steps('upgrade', 'abcd'), steps('upgrade', 'd'), steps('upgrade', 'bc'), steps('upgrade', 'b');
SELECT up('a'), heads(), steps('upgrade', 'heads'), steps('upgrade', 'abcd'), steps('upgrade', 'all'), steps('upgrade', 'c');
SELECT up('bc'), in_force(), steps('upgrade', 'heads'), steps('downgrade', 'base'), steps('downgrade', 'b');
SELECT * FROM log;
SELECT up('d'), in_force(), here();
SELECT up(), in_force(), here(), heads();
SELECT down('b'), in_force(), here();
SELECT up(), down(), in_force(), up(), in_force();
SELECT purser.remove_revision('bc'); -- what it replaces would not be replaced any more
\echo :LAST_ERROR_SQLSTATE
SELECT add('f', '{c}'), purser.remove_revision('c'), purser.remove_revision('b');
SELECT purser.remove_revision('bc'); -- f still names c
\echo :LAST_ERROR_SQLSTATE
SELECT purser.remove_revision('f'), purser.remove_revision('bc'), in_force();
SELECT clear();
-- containing by naming all of it is containing as well
SELECT add('a', '{}'), add('b', '{a}'), add('c', '{b}'), add('abc', '{}', '{a,b,c}'), add('ab', '{}', '{a,b}');
SELECT steps('upgrade', 'heads'), steps('upgrade', 'ab'), up('a'), steps('upgrade', 'heads'), up(), in_force();
SELECT clear();

-- What does not fit.
SELECT add('a', '{}'), add('b', '{a}'), add('c', '{b}'), add('d', '{c}');
SELECT add('self', '{}', '{self}');
SELECT add('twice', '{}', '{a,a}');
SELECT add('inner', '{a}', '{a,b}');
SELECT add('inner', '{}', '{a,b}', depends_on => '{b}');
SELECT add('bc', '{a}', '{b,c}');
SELECT add('ab', '{}', '{a,b}');
\echo :LAST_ERROR_SQLSTATE
SELECT add('same', '{a}', '{b,c}');
SELECT add('ends', '{}', '{a,d}'); -- what lies between would need it, and it what lies between
\echo :LAST_ERROR_SQLSTATE
SELECT add('x', '{bc}', '{y}');
SELECT add('y', '{bc}', '{x}');
\echo :LAST_ERROR_SQLSTATE
SELECT purser.load_revision(E'-- purser: revision b\n-- purser: parents bc\n-- purser: message m\n-- purser: upgrade\n');
SELECT purser.load_revision(E'-- purser: revision a\n-- purser: parents d\n-- purser: message m\n-- purser: upgrade\n');
SELECT heads();
-- two squashes, each sound by itself, that would need each other
SELECT clear();
SELECT add('a1', '{}'), add('b1', '{a1}'), add('b2', '{}'), add('a2', '{b2}'), add('as', '{}', '{a1,a2}');
SELECT add('bs', '{}', '{b1,b2}');
\echo :LAST_ERROR_SQLSTATE
SELECT clear();
-- needs from outside of the originals hold for the squash
SELECT add('z', '{}'), add('a', '{z}'), add('b', '{a}', depends_on => '{}'), add('ab', '{}', '{a,b}'), heads(), up('ab');
SELECT clear();
-- several ends: what needs the squash needs all of them
SELECT add('a', '{}'), add('l', '{a}'), add('r', '{a}'), add('alr', '{}', '{a,l,r}'), add('m', '{alr}');
SELECT up('a'), steps('upgrade', 'm'), heads();
SELECT steps('upgrade', 'alr');
SELECT up(), in_force(), down(), up(), in_force();
SELECT clear();

-- Commit by commit, the rows are the same.
SELECT add('a', '{}'), add('b', '{a}'), add('c', '{b}'), add('ab', '{}', '{a,b}');
CALL purser.migrate('a');
SELECT in_force();
CALL purser.migrate();
SELECT in_force();
CALL purser.migrate('a', 'downgrade');
SELECT in_force();
CALL purser.migrate('base', 'downgrade');
CALL purser.migrate();
SELECT in_force(), add('abc', '{}', '{ab,c}');
CALL purser.migrate();
SELECT in_force();
CALL purser.migrate('base', 'downgrade');
SELECT in_force();
SELECT kind, revision FROM purser.event ORDER BY id;
-- and in a transaction that keeps its snapshot
SELECT up(), purser.remove_revision('abc'), add('abc', '{}', '{ab,c}'), add('d', '{abc}');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT up(), in_force(), down(), in_force();
ROLLBACK;
SELECT in_force(), up(), in_force(), clear();

-- Labels belong to a revision and its squashes.
SELECT add('a', '{}', labels => '{one}'), add('b', '{a}', labels => '{two}'), add('ab', '{}', '{a,b}', labels => '{one,three}');
SELECT labels FROM purser.heads();
SELECT add('c', '{ab}', labels => '{one}');
SELECT add('c', '{ab}', labels => '{ab}');
SELECT add('outer', '{}', '{ab}', labels => '{two}');
SELECT labels FROM purser.heads();
SELECT up('a');
SELECT revision, labels FROM purser.heads();
SELECT clear();

-- Prefixes look at what is in use first.
SELECT add('0001_users', '{}'), add('0002_mail', '{0001_users}'), add('0003_more', '{0002_mail}'),
	add('0001_to_0002', '{}', '{0001_users,0002_mail}');
SELECT steps('upgrade', '0001'), steps('upgrade', '0001_u'), steps('upgrade', '0002');
SELECT (purser.show('0001')).revision, (purser.show('0002')).replaced_by, (purser.show('0001_u')).is_head;
SELECT split_part(purser.export_revision('0001_t'), E'\n', 3), split_part(purser.export_revision('0002'), E'\n', 1);
SELECT add('0002_other', '{0003_more}', '{0003_more}');
SELECT clear();

-- From files: the squash after what it replaces, whatever the order.
SELECT purser.load_revision(E'-- purser: revision ab\n-- purser: parents none\n-- purser: replaces a b\n-- purser: message m\n-- purser: upgrade\n');
SELECT purser.load_revision(E'-- purser: revision b\n-- purser: parents none\n-- purser: message m\n-- purser: upgrade\n');
SELECT add('c', '{a}'), add('a', '{}'), steps('upgrade', 'heads'), steps('upgrade', 'a');
SELECT add('q', '{c}'), add('ac', '{}', '{ab,c}'), purser.load_revision(E'-- purser: revision b\n-- purser: parents q\n-- purser: message m\n-- purser: upgrade\n');
SELECT clear();

------------------------------------------------------------------------------
-- squash()
------------------------------------------------------------------------------
CREATE FUNCTION make(id text, parents text[], up text, down text, verify text DEFAULT NULL,
	depends_on text[] DEFAULT NULL, labels text[] DEFAULT NULL, requires text[] DEFAULT NULL) RETURNS text
LANGUAGE sql AS $$
	SELECT purser.add_revision('make ' || id, up, down, id, parents, depends_on, labels, verify, requires => requires)
$$;
SELECT make('0', '{}', '', ''), make('other', '{}', '', '');
SELECT make('1', '{0}', 'CREATE TABLE t (mail text) -- the first', 'DROP TABLE t', 'SELECT mail FROM t LIMIT 0', labels => '{start}');
SELECT make('2', '{1}', $$INSERT INTO t VALUES ('a;b'), (E'it''s -- not a comment') /* end */$$, 'DELETE FROM t;', 'SELECT 1 / count(*) FROM t', '{other}');
SELECT make('3', '{2}', '-- nothing to do', '', requires => '{role postgres}');
SELECT make('4', '{3}', E'ALTER TABLE t RENAME mail TO email;\n\n-- done', 'ALTER TABLE t RENAME email TO mail', 'SELECT email FROM t LIMIT 0', '{other}');
SELECT make('5', '{4}', '', '');
SELECT purser.squash('1', '4', 'all about t', 'squashed');
\pset format unaligned
SELECT purser.export_revision('squashed');
\pset format aligned
SELECT steps('upgrade', 'heads'), heads();
SELECT up(), in_force();
SELECT * FROM t ORDER BY 1;
SELECT down('0'), to_regclass('t') IS NULL AS gone, in_force();
SELECT up('2');
SELECT purser.squash('0', 'squashed', 'x');
SELECT purser.squash('1', '2', 'x', 'half'), up('3'), in_force();
SELECT purser.squash('1', '2', 'x');
SELECT purser.squash('1', '4', 'x');
SELECT down('0'), purser.remove_revision('half'), purser.squash('squashed', '5', 'more', 'again');
SELECT replaces, parents, labels FROM purser.revision WHERE revision = 'again';
SELECT steps('upgrade', 'heads'), up('squashed'), steps('upgrade', 'heads'), up(), in_force();
SELECT purser.squash('1', '4', 'x');
SELECT purser.squash('again', '0', 'x');
SELECT purser.squash('again', 'again', 'x');
SELECT purser.squash('base', 'again', 'x');
SELECT purser.squash(NULL, 'again', 'x');
SELECT purser.squash('0', 'again', NULL);
SELECT purser.squash('0', 'again', '');
SELECT purser.squash('0', 'again', 'x', 'squashed');
SELECT purser.squash('0', 'again', 'x', 'no such id');
SELECT length(purser.squash('0', 'again', 'x', NULL));
SELECT clear();
DROP TABLE t;

-- a piece by itself: a diamond is one, an open one is not
SELECT add('a', '{}'), add('l', '{a}'), add('r', '{a}'), add('m', '{l,r}'), add('n', '{m}'), add('o', '{n}', depends_on => '{l}');
SELECT purser.squash('a', 'm', 'diamond', 'am'), steps('upgrade', 'heads');
SELECT replaces FROM purser.revision WHERE revision = 'am';
SELECT purser.remove_revision('am');
SELECT purser.squash('a', 'l', 'x');
SELECT purser.squash('l', 'm', 'x');
SELECT purser.squash('l', 'r', 'x');
\echo :LAST_ERROR_SQLSTATE
SELECT add('side', '{l}');
SELECT purser.squash('a', 'm', 'x');
SELECT clear();

-- What cannot be combined.
SELECT make('a', '{}', '', ''), make('b', '{a}', 'SET search_path = pg_catalog', '');
SELECT purser.squash('a', 'b', 'x');
\echo :LAST_ERROR_SQLSTATE
SELECT clear(), make('a', '{}', E'\n\nSELECT pg_catalog.Set_Config(''search_path'', '''', false)', ''), make('b', '{a}', '', '');
SELECT purser.squash('a', 'b', 'x');
SELECT clear(), make('a', '{}', '', ''), make('b', '{a}', '', '', 'RESET ALL');
SELECT purser.squash('a', 'b', 'x');
SELECT clear(), make('a', '{}', '', 'SET CONSTRAINTS ALL DEFERRED'), make('b', '{a}', '', '');
SELECT purser.squash('a', 'b', 'x');
SELECT clear(), make('a', '{}', '', ''), make('b', '{a}', 'SELECT 1; VACUUM', '');
SELECT purser.squash('a', 'b', 'x');
SELECT clear(), make('a', '{}', '', ''), make('b', '{a}', 'SELEC 1', '');
SELECT purser.squash('a', 'b', 'x');
SELECT clear(), make('a', '{}', '', ''), purser.add_revision('m', '', '', 'b', transactional => false);
SELECT purser.squash('a', 'b', 'x');
SELECT clear(), make('a', '{}', '', ''), purser.add_revision('m', '', '', 'b', batch => 'table t key id size 10');
SELECT purser.squash('a', 'b', 'x');
-- one that cannot be undone makes a squash that cannot
SELECT clear(), make('a', '{}', '', ''), make('b', '{a}', '', NULL), make('c', '{b}', '', '');
SELECT purser.squash('a', 'c', 'x', 'abc');
SELECT downgrade IS NULL AS irreversible FROM purser.show('abc');
SELECT up();
SELECT steps('downgrade', 'base');

-- An error in the middle leaves nothing behind.
SELECT clear(), make('a', '{}', 'CREATE TABLE half ()', ''), make('b', '{a}', 'SELECT 1/0', '');
SELECT purser.squash('a', 'b', 'x', 'ab');
SELECT up();
SELECT to_regclass('half') IS NULL AS nothing, in_force(), (SELECT count(*) FROM purser.event) AS events;

-- Who may.
CREATE ROLE regress_squash_reader;
GRANT pg_monitor TO regress_squash_reader;
GRANT USAGE ON SCHEMA ledger_squash TO regress_squash_reader;
CREATE ROLE regress_squash_writer;
GRANT EXECUTE ON FUNCTION purser.squash, purser.upgrade TO regress_squash_writer;
GRANT USAGE ON SCHEMA purser TO regress_squash_writer;
SELECT clear(), add('a', '{}'), add('b', '{a}');
SET ROLE regress_squash_reader;
SELECT purser.squash('a', 'b', 'x');
SET ROLE regress_squash_writer;
SELECT purser.squash('a', 'b', 'x', 'ab');
SELECT revision FROM purser.upgrade();
SET ROLE regress_squash_reader;
SELECT revision, replaced_by, replaces FROM purser.history();
RESET ROLE;
SELECT in_force();
BEGIN READ ONLY;
SELECT purser.squash('a', 'b', 'x', 'ab');
ROLLBACK;
REVOKE ALL ON FUNCTION purser.squash, purser.upgrade FROM regress_squash_writer;
REVOKE ALL ON SCHEMA purser FROM regress_squash_writer;
SET client_min_messages = warning;
DROP SCHEMA ledger_squash CASCADE;
DROP ROLE regress_squash_reader, regress_squash_writer;
TRUNCATE purser.revision, purser.applied, purser.event;
