-- Migrations as text: what load_revision takes, and what export_revision gives.
CREATE FUNCTION pg_temp.round_trip(id text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	text1 text := purser.export_revision(id);
BEGIN
	-- the same text is the same revision; and so it is after everything was forgotten
	PERFORM purser.load_revision(text1);
	CREATE TEMP TABLE before ON COMMIT DROP AS SELECT * FROM purser.revision WHERE revision = id;
	DELETE FROM purser.revision WHERE revision = id;
	PERFORM purser.load_revision(text1);
	RETURN text1 = purser.export_revision(id)
		AND (SELECT (b.parents, b.depends_on, b.labels, b.message, b.upgrade, b.downgrade, b.verify)
				IS NOT DISTINCT FROM (r.parents, r.depends_on, r.labels, r.message, r.upgrade, r.downgrade, r.verify)
			FROM before b JOIN purser.revision r USING (revision));
END
$$;

SELECT purser.load_revision('-- A comment may come first.

-- purser: revision first1
-- purser: parents none
-- purser: message the first: with -- a colon; and ''quotes''
-- purser: upgrade
CREATE TABLE t (a int);

SELECT ''-- purser: in mid-line is no header'';
-- purser: downgrade
DROP TABLE t;
');
SELECT purser.load_revision('-- purser: revision second2
-- purser: parents first1
-- purser: depends none
-- purser: message minimal
-- purser: upgrade');
SELECT purser.load_revision(E'\uFEFF--purser:revision third3\r\n  --  PURSER :  parents\tfirst1,second2 \r\n'
	'-- purser: depends first1\r\n-- purser: labels one, two\r\n-- purser: message  windows \r\n'
	'-- purser: verify\r\nSELECT 1;\r\n-- purser: upgrade\r\nSELECT 2;\r\nSELECT 3;\r\n\r\n-- purser: downgrade\r\n');
SELECT purser.export_revision('first1');
SELECT purser.export_revision('second');
SELECT replace(purser.export_revision('third3'), E'\r', '<CR>') AS export_revision;
SELECT purser.add_revision('no newline, Ünïcode, 🐘', E'\n\n  SELECT $$\\$$ -- it', '', 'fourth4', '{}', '{third3}', '{three}', ' ') IS NOT NULL AS added;
SELECT id, pg_temp.round_trip(id) FROM unnest(ARRAY['fourth4']) id;
SELECT id, pg_temp.round_trip(id) FROM unnest(ARRAY['third3']) id;
SELECT id, pg_temp.round_trip(id) FROM unnest(ARRAY['second2']) id;
SELECT id, pg_temp.round_trip(id) FROM unnest(ARRAY['first1']) id;

-- loading again: the same is nothing, a change replaces; of what is applied a changed script is warned of
SELECT purser.load_revision(purser.export_revision('first1'));
SELECT revision, added_at = transaction_timestamp() AS touched FROM purser.history() WHERE revision = 'first1';
SELECT purser.load_revision(replace(purser.export_revision('first1'), 'a int', 'a bigint'));
SELECT upgrade FROM purser.show('first1');
SELECT step, revision FROM purser.stamp('first1') s, generate_series(1, 1) step;
SELECT purser.load_revision(replace(purser.export_revision('first1'), 'a bigint', 'a text'));
SELECT purser.load_revision(replace(purser.export_revision('first1'), 'a text', 'a bigint'));
SELECT purser.load_revision(replace(purser.export_revision('first1'), 'the first', 'another first'));
SELECT message FROM purser.show('first1');
SELECT purser.load_revision(purser.export_revision('first1'));
-- a replaced revision may change its parents, but not into a cycle, nor to what is not there
SELECT purser.load_revision(replace(purser.export_revision('second2'), 'parents first1', 'parents third3'));
SELECT purser.load_revision(replace(purser.export_revision('second2'), 'parents first1', 'parents none'));
SELECT purser.load_revision(replace(purser.export_revision('second2'), 'parents none', 'parents zero0'));
SELECT revision, parents FROM purser.history() ORDER BY revision COLLATE "C";

-- any line end becomes LF, however many CR there were: what is exported is what is stored
SELECT purser.add_revision('cr', E'SELECT 1;\r\r\nSELECT ''\r'';\r\r', '', 'cr01', '{}');
SELECT upgrade = E'SELECT 1;\nSELECT ''\r'';' AS clean FROM purser.show('cr01');
SELECT action FROM purser.stamp('cr01');
SELECT purser.load_revision(purser.export_revision('cr01'));
SELECT action FROM purser.stamp('base');

-- what is not a migration
SELECT purser.load_revision(NULL);
SELECT purser.load_revision('');
SELECT purser.load_revision('CREATE TABLE t ();');
SELECT purser.load_revision(E'-- purser: revision x\nDROP TABLE t;');
SELECT purser.load_revision(E'-- purser: revision');
SELECT purser.load_revision(E'-- purser: revision a b');
SELECT purser.load_revision(E'-- purser: revision x\n-- purser: message m\n-- purser: upgrade');
SELECT purser.load_revision(E'-- purser: revision x\n-- purser: parents none\n-- purser: upgrade');
SELECT purser.load_revision(E'-- purser: revision x\n-- purser: parents none\n-- purser: message m');
SELECT purser.load_revision(E'-- purser: revision x\n-- purser: parents none\n-- purser: message m\n-- purser: upgrade now');
SELECT purser.load_revision(E'-- purser: revision x\n-- purser: revision y');
SELECT purser.load_revision(E'-- purser: revision x\n-- purser: upgrade\n-- purser: upgrade');
SELECT purser.load_revision(E'-- purser: revision x\n-- purser: upgrade\n-- purser: parents none');
SELECT purser.load_revision(E'-- purser: revision x\n-- purser: parents x\n-- purser: message m\n-- purser: upgrade');
SELECT purser.load_revision(E'-- purser: revision x\n-- purser: parents none none\n-- purser: message m\n-- purser: upgrade');
SELECT purser.load_revision(E'-- purser: revision x\n-- purser: parents ,\n-- purser: message m\n-- purser: upgrade');
SELECT purser.load_revision(E'-- purser: revision a@b\n-- purser: parents none\n-- purser: message m\n-- purser: upgrade');
SELECT purser.load_revision(E'-- purser: revision x\n-- purser: author y');
SELECT purser.load_revision(E'-- purser: revision x\n-- purser: transactional maybe');
SELECT purser.load_revision(E'-- purser: revision x\n-- purser:');
SELECT purser.export_revision('nobody');
SELECT purser.export_revision(NULL);
-- a directory is the server's, so a path of the client's is none
SELECT purser.load_directory('demo/migrations');
SELECT purser.load_directory('');
SELECT purser.load_directory(NULL);
-- messages stay short, whatever they quote
\set VERBOSITY terse
SELECT purser.load_revision('-- purser: ' || repeat('ü', 5000000));
SELECT purser.load_revision('-- purser: upgrade ' || repeat('ü', 5000000));
SELECT purser.load_revision(E'-- purser: parents none\n-- purser: message m\n-- purser: revision '
	|| repeat('x', 5000000) || E'\n-- purser: upgrade');
SELECT purser.load_revision(E'-- purser: revision x\n-- purser: message m\n-- purser: parents '
	|| repeat('x', 5000000) || E'\n-- purser: upgrade');
SELECT purser.show(repeat('x', 5000000));
SELECT purser.plan(repeat('x', 5000000), 'head');
SELECT purser.plan('upgrade', '+' || repeat('9', 5000000));
SELECT purser.plan('upgrade', '-' || repeat('0', 5000000) || '1');
SELECT purser.plan('upgrade', '+' || repeat('0', 5000000) || '1');
SELECT purser.stamp('+' || repeat('0', 5000000) || '1');
SELECT purser.plan('downgrade', '+' || repeat('0', 5000000) || '1');
SELECT purser.history(repeat('x', 5000000));
SELECT purser.load_directory(repeat('x', 5000000));
\set VERBOSITY default
SELECT count(*) FROM purser.history();

TRUNCATE purser.revision, purser.applied, purser.event;
