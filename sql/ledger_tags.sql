-- Tags and times: positions in the history as targets.
CREATE SCHEMA ledger_tags;
SET search_path = ledger_tags;
\set SHOW_CONTEXT never
CREATE FUNCTION up(target text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' ' ORDER BY step), 'nothing') FROM purser.upgrade(target)
$$;
CREATE FUNCTION down(target text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' ' ORDER BY step), 'nothing') FROM purser.downgrade(target)
$$;
CREATE FUNCTION steps(direction text, target text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' ' ORDER BY step), 'nothing') FROM purser.plan(direction, target)
$$;
CREATE FUNCTION range(range text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' '), 'nothing') FROM purser.history(range)
$$;
CREATE FUNCTION here() RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(revision, ' ' ORDER BY revision COLLATE "C"), 'nothing') FROM purser.applied
$$;

-- a1 - b1 - c1 - d1, and x1 beside them, which d1 depends on
SELECT purser.add_revision('m', '', '', 'a1', '{}'), purser.add_revision('m', '', '', 'b1'),
	purser.add_revision('m', '', '', 'c1'), purser.add_revision('m', '', '', 'x1', '{}'),
	purser.add_revision('m', '', '', 'd1', '{c1}', '{x1}');

-- before anything was done
SELECT purser.tag('start', 'an empty ledger');
SELECT up('b1');
SELECT purser.tag('v1.0');
SELECT up('d1');
SELECT purser.tag('v2.0', 'all of it'), here();
SELECT name, event_id, message, tagged_at <= clock_timestamp() AS at, tagged_by = current_user AS mine
FROM purser.tag ORDER BY event_id;

-- down to a tag: what came since, in reverse; up to it: what is missing
SELECT steps('downgrade', 'tag:v1.0'), steps('downgrade', 'tag:v2.0'), steps('downgrade', 'tag:start');
SELECT steps('upgrade', 'tag:v1.0'), steps('upgrade', 'tag:v2.0'), steps('upgrade', 'tag:start');
SELECT down('tag:v1.0'), here();
SELECT down('tag:v1.0'), here();
SELECT steps('upgrade', 'tag:v2.0');
-- more is applied than then, on another branch
SELECT up('x1'), up('tag:v1.0'), here();
SELECT down('tag:v1.0'), here();
-- not all that was in force then is now
SELECT down('tag:v2.0');
SELECT down('-1'), here();
SELECT down('tag:v1.0');
SELECT up('tag:v1.0'), down('tag:v1.0'), here();
SELECT up('tag:v2.0'), here();
-- the position is one in the history: what was undone at that time, was not in force
SELECT down('a1'), purser.tag('low');
SELECT up('heads'), steps('downgrade', 'tag:low'), steps('upgrade', 'tag:low');
-- stamps count, and a tag is a target for one
SELECT action, revision FROM purser.stamp('b1');
SELECT purser.tag('stamped'), here();
SELECT action, revision FROM purser.stamp('tag:v2.0');
SELECT steps('downgrade', 'tag:stamped');
SELECT action, revision FROM purser.stamp('tag:low', purge => true);
SELECT action, revision FROM purser.stamp('tag:v2.0', purge => true);

-- times
CREATE FUNCTION at(event bigint) RETURNS text LANGUAGE sql AS
	$$ SELECT 'time:' || at FROM purser.event WHERE id = $1 $$;
SELECT steps('downgrade', at(1)), steps('downgrade', at(2)), steps('downgrade', at(5));
SET TimeZone = 'Asia/Tokyo';
SET DateStyle = 'German';
SELECT steps('downgrade', at(2));
RESET TimeZone;
RESET DateStyle;
SELECT steps('downgrade', 'time:1999-12-31 23:59:59+00'), steps('downgrade', 'time:-infinity'),
	steps('downgrade', 'time:infinity'), steps('upgrade', 'time:now');
SELECT steps('downgrade', 'time:');
SELECT steps('downgrade', 'time:soon');
SELECT steps('downgrade', 'time:2026-02-30');
SELECT down(at(2)), here();
SELECT up('time:infinity'), up('tag:v2.0');

-- ranges of history()
SELECT range('tag:v1.0:tag:v2.0'), range('tag:v1.0:'), range(':tag:v1.0'), range('a1:tag:v1.0'), range('tag:v1.0:c1'),
	range('tag:start:tag:v1.0'), range('tag:v1.0:tag:start');
SELECT range(at(2) || ':' || at(3)), range(at(2) || ':'), range(':' || at(2)), range('tag:v1.0:' || at(3)),
	range(at(2) || ':tag:v2.0'), range('base:' || at(1)), range(at(2) || ':c1');
SELECT range('tag:v1.0');
SELECT range('tag:');
SELECT range('tag:v1.0:b1:c1');
SELECT range('time:now');
SELECT range('b1:tag:v1.0:c1');
SELECT range('b1:c1:tag:v1.0');
SELECT range('::');

-- names
SELECT purser.tag('v1.0');
SELECT purser.tag('');
SELECT purser.tag('head');
SELECT purser.tag('a b');
SELECT purser.tag('tag:x');
SELECT purser.tag('Weird "" name');
SELECT purser.tag(repeat('x', 65));
SELECT purser.tag(NULL);
SELECT purser.untag(NULL);
SELECT purser.untag('nothing');
SELECT steps('downgrade', 'tag:nothing');
SELECT steps('downgrade', 'tag:');
SELECT steps('downgrade', 'tag:v1');
SELECT steps('downgrade', 'tag:''; DROP TABLE purser.tag; --');
SELECT purser.show('tag:v1.0');
SELECT purser.untag('v1.0');
SELECT steps('downgrade', 'tag:v1.0');
SELECT purser.tag('v1.0') > 10 AS set_again;

-- what was in force then, and is not in the ledger any more
SELECT purser.tag('all'), down('base');
SELECT purser.remove_revision('d1'), purser.remove_revision('x1');
SELECT up('tag:all');
SELECT down('tag:all');
SELECT range('tag:all:');
SELECT up('heads'), here();
-- what was in force then needs something by now that was not
SELECT purser.tag('closed'), purser.add_revision('m', '', '', 'y1', '{}');
SELECT up('y1');
SELECT purser.load_revision(replace(purser.export_revision('b1'), 'parents a1', E'parents a1\n-- purser: depends y1'));
SELECT down('tag:closed');
SELECT up('tag:closed'), here();

-- who may
CREATE ROLE regress_ledger_tags;
CREATE ROLE regress_ledger_tags_reader;
GRANT pg_monitor TO regress_ledger_tags_reader;
GRANT USAGE ON SCHEMA ledger_tags TO regress_ledger_tags_reader, regress_ledger_tags;
GRANT EXECUTE ON FUNCTION purser.tag, purser.untag TO regress_ledger_tags;
SET ROLE regress_ledger_tags_reader;
SELECT count(*) FROM purser.tag;
SELECT steps('downgrade', 'tag:start');
SELECT purser.tag('mine');
SELECT purser.untag('all');
DELETE FROM purser.tag;
SET ROLE regress_ledger_tags;
SELECT purser.tag('mine') > 0 AS tagged;
SELECT purser.untag('mine') > 0 AS untagged;
INSERT INTO purser.tag VALUES ('mine', 0, NULL, now(), 'x');
SELECT count(*) FROM purser.tag;
RESET ROLE;
BEGIN TRANSACTION READ ONLY;
SELECT steps('upgrade', 'tag:closed');
SAVEPOINT s;
SELECT purser.tag('x');
ROLLBACK TO s;
SELECT purser.untag('x');
ROLLBACK;
-- not from a script
SELECT purser.add_revision('m', 'SELECT purser.tag(''inside'')', '', 'tagging', '{}');
SELECT up('tagging');

SET client_min_messages = warning;
DROP SCHEMA ledger_tags CASCADE;
TRUNCATE purser.revision, purser.applied, purser.event, purser.tag;
REVOKE ALL ON FUNCTION purser.tag, purser.untag FROM regress_ledger_tags;
DROP ROLE regress_ledger_tags, regress_ledger_tags_reader;
