-- Labels and lineages as targets, and steps from a revision.
CREATE SCHEMA ledger_labels;
SET search_path = ledger_labels;
\set SHOW_CONTEXT never
CREATE FUNCTION add(id text, parents text[], labels text[] DEFAULT '{}', depends_on text[] DEFAULT '{}')
RETURNS text LANGUAGE sql AS $$
	SELECT purser.add_revision('about ' || id, '', '', id, parents, depends_on, labels)
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

-- root0 - trunk1 - shop1 - shop2 - shop3
--                \ blog1 - blog2          tool1 - tool2 (depends on shop2)
SELECT add('root0', '{}'), add('trunk1', '{root0}'), add('shop1', '{trunk1}', '{shop}'),
	add('shop2', '{shop1}'), add('shop3', '{shop2}', '{"release.1","r1"}'),
	add('blog1', '{trunk1}', '{blog}'), add('blog2', '{blog1}'),
	add('tool1', '{}', '{tools}'), add('tool2', '{tool1}', '{}', '{shop2}');

-- a label is the revision that has it; its beginning will do
SELECT steps('upgrade', 'shop'), steps('upgrade', 'release.1'), steps('upgrade', 'rele'), steps('upgrade', 'r1');
SELECT steps('upgrade', 'sho');
SELECT steps('upgrade', 'shop@head'), steps('upgrade', 'blog@heads'), steps('upgrade', 'tools@head');
SELECT steps('upgrade', 'head');
SELECT steps('upgrade', 'trunk1@head');
SELECT steps('upgrade', 'trunk1@heads'), steps('upgrade', 'shop@base');
-- before @ may stand an id or the beginning of one, after it anything of its lineage
SELECT steps('upgrade', 'blog2@head'), steps('upgrade', 'tool2@tool1'), steps('upgrade', 'shop@trunk1');
SELECT steps('upgrade', 'shop@blog');
SELECT steps('upgrade', 'tools@shop2');
SELECT steps('upgrade', 'blog@root'), steps('upgrade', 'blog1@shop');

-- steps from a revision, and from the base
SELECT steps('upgrade', 'root0+1'), steps('upgrade', 'shop+2'), steps('upgrade', 'shop3-2'), steps('upgrade', 'r1-4');
SELECT steps('upgrade', 'r1-5'), steps('upgrade', 'shop@base+3'), steps('upgrade', 'blog@trunk1+1');
SELECT steps('upgrade', 'trunk1+1');
SELECT steps('upgrade', 'base+1');
SELECT steps('upgrade', 'shop2+2');
SELECT steps('upgrade', 'r1-6');
SELECT steps('upgrade', 'base-1');
SELECT steps('upgrade', 'heads+1');
SELECT steps('upgrade', 'blog@head+1');
SELECT steps('upgrade', 'blog@head-1');

-- steps from where we are, on a lineage: from its current head, else from what of it is applied,
-- else from the base
SELECT steps('upgrade', 'shop@+3'), steps('upgrade', 'tools@+1');
SELECT up('blog1'), here();
SELECT steps('upgrade', '+1'), steps('upgrade', 'blog@+1'), steps('upgrade', 'shop@+1'), steps('upgrade', 'tools@+2');
SELECT steps('upgrade', 'shop@+4');
SELECT up('shop2'), here();
SELECT steps('upgrade', '+1');
SELECT steps('upgrade', 'shop@+1'), steps('upgrade', 'trunk1@shop3');
SELECT steps('upgrade', 'trunk1@+1'); -- of two lines
SELECT steps('upgrade', 'shop@-1');
SELECT steps('downgrade', 'shop@+1');

-- down: of the lineage only, and what depends on it
SELECT up('tool2'), here();
SELECT steps('downgrade', 'trunk1'), steps('downgrade', 'shop@trunk1'), steps('downgrade', 'blog@trunk1');
SELECT steps('downgrade', 'shop@base'), steps('downgrade', 'tools@base');
SELECT steps('downgrade', 'shop'), steps('downgrade', 'tool2'), steps('downgrade', 'tool2-1');
SELECT steps('downgrade', 'base+1');
SELECT steps('downgrade', 'tools@base+1'), steps('downgrade', 'root0+1'), steps('downgrade', 'shop2-2');
SELECT steps('downgrade', 'shop@-1'), steps('downgrade', 'shop@-2'), steps('downgrade', 'blog@-2'), steps('downgrade', 'tools@-2');
SELECT steps('downgrade', 'tools@-3');
SELECT steps('downgrade', '-1');
SELECT steps('downgrade', 'r1@head');
SELECT steps('downgrade', 'blog@head');
SELECT steps('downgrade', 'shop2@head-1');
-- the dependency is no head of its own until its dependent has gone
SELECT here(), down('tool2-1'), here();
SELECT down('shop@-1'), here(), down('shop@trunk1'), here();
SELECT steps('downgrade', 'shop@-1'); -- the blog is built on what is left of it
SELECT down('blog@base'), here();

-- the whole lineage follows through a merge, on the side of the label
SELECT add('both', '{shop3,blog2}', '{joint}'), up('both'), down('tools@base'), here();
SELECT steps('downgrade', '-1'), steps('downgrade', 'shop@-1'), steps('downgrade', 'shop@-2'), steps('downgrade', 'blog@both-1');
SELECT steps('downgrade', '-2');
SELECT steps('downgrade', 'both-1');
SELECT steps('downgrade', 'joint@-1'), steps('downgrade', 'blog2');
SELECT here(), down('blog2'), here();

-- which labels a revision holds: its own, those of its ancestors, and those above it on its branch
SELECT revision, labels FROM purser.heads() ORDER BY 1;
SELECT revision, labels FROM purser.current() ORDER BY 1;
SELECT * FROM purser.branches();
SELECT down('shop1'), down('blog1');
SELECT revision, labels FROM purser.current() ORDER BY 1;
SELECT revision, labels FROM purser.history('shop:joint');
SELECT up('tool1'), add('late1', '{shop1}'), add('late2', '{late1}', '{late}'), add('blog3', '{blog1}');
SELECT * FROM purser.branches();

-- a range of the history
CREATE FUNCTION span(range text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' '), 'nothing') FROM purser.history(range)
$$;
SELECT up('shop@shop2'), here();
SELECT span('shop:late'), span('late@trunk1+1:late@head'), span('blog@base:blog2'), span('tools@base:');
SELECT span(':current'), span('current:'), span('shop3-1:r1');
SELECT span('-2:late'), span('-99:late'), span('late1:+1'), span('late1:late@+99');
SELECT span('late@-2:late@heads'), span('tools@-1:current'), span('base:shop@+2');
SELECT span('base:+1');
SELECT span('trunk1:late@+2');
SELECT span('-1:current');
SELECT span('-1:+1');
SELECT span('+1:late');
SELECT span('late:-1');
SELECT span('late:base');

-- one revision
SELECT revision FROM purser.show('late@head');
SELECT revision FROM purser.show('late-1');
SELECT revision FROM purser.show('tools@base+1');
SELECT split_part(purser.export_revision('tool2-1'), E'\n', 1);
SELECT purser.show('current');
SELECT purser.show('shop@heads');
SELECT purser.show('tool1-1');
SELECT purser.remove_revision('late@head');

-- a beginning need be unique in the lineage only
SELECT add('same1', '{shop1}'), add('same2', '{blog1}');
SELECT steps('upgrade', 'shop@same'), steps('upgrade', 'blog@same-1');
SELECT steps('upgrade', 'same');

-- names: a label is no id, of no other revision
SELECT add('shop', '{}');
SELECT add('new1', '{}', '{blog}');
SELECT add('new1', '{}', '{trunk1}');
SELECT add('new1', '{}', '{new1}');
SELECT add('new1', '{}', '{heads}');
SELECT add('new1', '{}', '{a@b}');

-- what is no target
SELECT steps('upgrade', '@');
SELECT steps('upgrade', '@head');
SELECT steps('upgrade', 'shop@');
SELECT steps('upgrade', 'shop@@head');
SELECT steps('upgrade', 'shop@trunk1@head');
SELECT steps('upgrade', 'shop@+');
SELECT steps('upgrade', 'shop@-0');
SELECT steps('upgrade', '-0');
SELECT steps('upgrade', 'shop+-1');
SELECT steps('upgrade', 'shop+1+1');
SELECT steps('upgrade', 'shop+99999999999');
SELECT steps('upgrade', 'shop+2000000000');
SELECT steps('upgrade', ' shop');
SELECT steps('upgrade', 'heads@head');
SELECT steps('upgrade', 'base@+1');
SELECT steps('upgrade', 'nobody@head');
SELECT steps('upgrade', 'current');
SELECT steps('upgrade', repeat('x', 100000));
SELECT steps('upgrade', repeat('x', 100000) || '@head');
SELECT steps('upgrade', 'shop@' || repeat('x', 100000));
SELECT steps('upgrade', repeat('@', 100000));
SELECT steps('upgrade', 'shop+' || repeat('1', 100000));

SET client_min_messages = warning;
DROP SCHEMA ledger_labels CASCADE;
TRUNCATE purser.revision, purser.applied, purser.event;
