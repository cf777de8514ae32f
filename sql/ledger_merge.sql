-- Several heads: what asks for one, merging them, and stamping several targets.
CREATE SCHEMA ledger_merge;
SET search_path = ledger_merge;
\set SHOW_CONTEXT never
CREATE FUNCTION add(id text, parents text[], labels text[] DEFAULT '{}', depends_on text[] DEFAULT '{}')
RETURNS text LANGUAGE sql AS $$
	SELECT purser.add_revision('about ' || id, '', '', id, parents, depends_on, labels)
$$;

SELECT purser.merge_heads('nothing there');
SELECT add('root0', '{}');
SELECT purser.merge_heads('only one');
SELECT add('left1', '{root0}', '{left}'), add('mid1', '{root0}'), add('right1', '{root0}', '{right}');
SELECT purser.add_revision('on which?', '');
SELECT * FROM purser.plan('upgrade', 'head');
SELECT * FROM purser.plan('upgrade', 'root0@head');
SELECT purser.merge_heads('one', targets => '{left}');
SELECT purser.merge_heads('none', targets => '{}');
SELECT purser.merge_heads('no head', targets => '{left,root0}');
SELECT purser.merge_heads('base', targets => '{left,base}');
SELECT purser.merge_heads('steps', targets => '{left,+1}');
SELECT purser.merge_heads('unknown', targets => '{left,nobody}');
SELECT purser.merge_heads('null', targets => '{left,NULL}');
SELECT purser.merge_heads(NULL);
SELECT purser.merge_heads(' ');
SELECT purser.merge_heads('taken', revision => 'root0');
SELECT purser.merge_heads('taken', revision => 'new1', labels => '{left}');
-- two of three, each once
SELECT purser.merge_heads('left and right', ARRAY['right@head', 'left', 'left1'], 'two', '{pair}');
SELECT purser.export_revision('two');
SELECT revision, labels, message FROM purser.heads() ORDER BY 1;
SELECT purser.merge_heads('all', targets => '{heads}', revision => 'three');
SELECT revision, labels, message FROM purser.heads();
SELECT step, revision, sql FROM purser.plan('upgrade', 'head');
SELECT revision FROM purser.upgrade();
SELECT revision FROM purser.downgrade('-1');
SELECT revision FROM purser.current() ORDER BY 1;
SELECT revision, children FROM purser.branches();
SELECT purser.add_revision('on', '', '', 'four');
SELECT purser.merge_heads('again');

-- stamps of several targets
SELECT * FROM purser.stamp(ARRAY['left', 'mid1']);
SELECT * FROM purser.stamp(ARRAY['right', 'mid1', 'right@head'], purge => true);
SELECT * FROM purser.stamp('{}'::text[]);
SELECT * FROM purser.stamp(NULL::text[]);
SELECT * FROM purser.stamp(ARRAY['left', NULL]);
SELECT * FROM purser.stamp(ARRAY['left', '+1']);
SELECT * FROM purser.stamp(ARRAY['left@-1']);
SELECT * FROM purser.stamp('four-2');
SELECT * FROM purser.stamp(ARRAY['base', 'left']);
SELECT * FROM purser.stamp('left@base');
SELECT * FROM purser.stamp('left@heads');
SELECT * FROM purser.stamp('right@root0');
SELECT kind, revision FROM purser.event ORDER BY id DESC LIMIT 2;

-- cycles are refused, with the cycle
SELECT count(*) FROM purser.stamp('base');
SELECT purser.load_revision(E'-- purser: revision left1\n-- purser: parents left1\n-- purser: message m\n-- purser: upgrade');
SELECT purser.load_revision(E'-- purser: revision left1\n-- purser: parents none\n-- purser: depends left1\n-- purser: message m\n-- purser: upgrade');
SELECT purser.load_revision(E'-- purser: revision root0\n-- purser: parents four\n-- purser: message m\n-- purser: upgrade');
SELECT purser.load_revision(E'-- purser: revision root0\n-- purser: parents none\n-- purser: depends right1\n-- purser: message m\n-- purser: upgrade');

-- ten thousand heads
TRUNCATE purser.revision, purser.applied, purser.event;
INSERT INTO purser.revision (revision, ordinal, parents, message, upgrade, downgrade, added_at, added_by)
SELECT 'head' || n, n, '{}', 'm', '', '', now(), 'me' FROM generate_series(1, 10000) n;
SELECT * FROM purser.plan('upgrade', 'head');
SELECT purser.merge_heads('wide', revision => 'wide');
SELECT count(*), max(step) FILTER (WHERE revision = 'wide') FROM purser.plan('upgrade', 'wide');
SELECT count(*) FROM purser.plan('upgrade', 'head77@head');
SELECT cardinality(parents) FROM purser.show('head');
SELECT count(*) FROM purser.stamp(ARRAY(SELECT 'head' || n FROM generate_series(1, 10000) n));
SELECT revision FROM purser.upgrade('head');
SELECT count(*) FROM purser.plan('downgrade', '-1');
SELECT * FROM purser.plan('downgrade', '-2');
SELECT revision FROM purser.plan('downgrade', 'head5000@-2');
SELECT revision FROM purser.branches();

SET client_min_messages = warning;
DROP SCHEMA ledger_merge CASCADE;
TRUNCATE purser.revision, purser.applied, purser.event;
