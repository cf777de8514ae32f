-- The parent that add_revision() takes when none is given: the one head, however it came about.
\set VERBOSITY default
CREATE FUNCTION add(id text, VARIADIC parents text[] DEFAULT NULL) RETURNS text LANGUAGE sql AS
$$ SELECT purser.add_revision('add ' || id, 'SELECT 1', 'SELECT 1', id, parents) $$;
CREATE FUNCTION load(id text, parents text) RETURNS text LANGUAGE sql AS
$$ SELECT purser.load_revision(format(E'-- purser: revision %s\n-- purser: parents %s\n'
	'-- purser: message load %1$s\n-- purser: upgrade\nSELECT 2;\n', id, parents)) $$;
CREATE VIEW line AS SELECT revision, parents FROM purser.revision ORDER BY ordinal DESC LIMIT 1;
-- what the newest revision says of itself is never more than what the graph says
CREATE VIEW wrong AS SELECT revision FROM purser.revision r
	WHERE only_head AND ordinal = (SELECT max(ordinal) FROM purser.revision)
		AND (SELECT array_agg(h.revision) FROM purser.heads() h) <> ARRAY[r.revision];

-- a line, from an empty ledger
SELECT add('r1'), add('r2'), add('r3');
TABLE line;

-- a branch makes two heads; there is one again when it is taken out
SELECT add('branch', 'r2');
SELECT add('r4');
SELECT purser.remove_revision('branch');
SELECT add('r4');
TABLE line;
SELECT add('r5');
TABLE line;

-- a merge, of heads that were never looked at
SELECT add('left', 'r5'), add('right', 'r5'), add('merge', 'left', 'right');
SELECT add('r6');
TABLE line;
SELECT add('r7');
TABLE line;

-- a revision in the middle that is loaded anew with another parent leaves its former one a head
SELECT load('r6', 'r1');
TABLE wrong;
SELECT add('r8');
SELECT load('r6', 'merge');
SELECT add('r8');
TABLE line;

-- the head itself is loaded anew, below
SELECT load('r8', 'r5');
SELECT add('r9');
SELECT load('r8', 'r7');
SELECT add('r9');
TABLE line;

-- one head is taken out, and the next, after the graph below them changed
SELECT add('r10');
SELECT load('r7', 'r5');
SELECT purser.remove_revision('r10'), purser.remove_revision('r9');
TABLE wrong;
SELECT add('r9');
SELECT load('r7', 'r6');
SELECT add('r9'), add('r10');
TABLE line;

-- a second base
SELECT add('base2', VARIADIC '{}');
SELECT add('r11');
SELECT purser.remove_revision('base2');

-- a row that was taken out by hand, and one that was put in
DELETE FROM purser.revision WHERE revision = 'r10';
SELECT add('r10');
TABLE line;
INSERT INTO purser.revision (revision, ordinal, parents, message, upgrade, added_at, added_by)
	VALUES ('hand', 1000, '{r3}', 'by hand', '', now(), 'nobody');
SELECT add('r11');
DELETE FROM purser.revision WHERE revision = 'hand';
SELECT add('r11');
TABLE line;
TABLE wrong;

-- an upgrade changes nothing of it
SELECT count(*) FROM purser.upgrade();
SELECT add('r12');
TABLE line;

TRUNCATE purser.revision, purser.applied, purser.event;
DROP VIEW line, wrong;
DROP FUNCTION add, load;
