-- One query with ever new literals in its text.
LOAD 'pg_purser';
CREATE SCHEMA audit_unp;
SET search_path = audit_unp;
CREATE TABLE users (id int PRIMARY KEY, email text);
INSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 300) i;
VACUUM ANALYZE users;
CREATE VIEW found AS
SELECT relation, occurrences, evidence, suggestion, query
FROM purser.findings WHERE rule = 'unparameterized' ORDER BY query COLLATE "C";
CREATE FUNCTION many(statement text, first int, last int) RETURNS SETOF text LANGUAGE sql AS
$$ SELECT format(statement, n) FROM generate_series(first, last) n $$;

-- Off unless asked for.
SELECT purser.audit_reset() \g /dev/null
\set ECHO none
\o /dev/null
SELECT many('SELECT email FROM users WHERE id = %s', 1, 70) \gexec
\o
\set ECHO all
SELECT * FROM found;

SET purser.audit_unparameterized = on;
\set ECHO none
\o /dev/null
SELECT many('SELECT email FROM users WHERE id = %s', 1, 63) \gexec
\o
\set ECHO all
SELECT count(*) FROM found;
\set ECHO none
\o /dev/null
SELECT many('SELECT email FROM users WHERE id = %s', 64, 64) \gexec
SELECT many('UPDATE users SET email = ''v%s'' WHERE id = 3', 1, 130) \gexec
\o
\set ECHO all
\x
SELECT * FROM found;
\x

-- Not so: parameters, texts that come again, comments that differ, catalogs, functions.
SELECT purser.audit_reset() \g /dev/null
PREPARE user_by_id (int) AS SELECT * FROM users WHERE id = $1;
\set ECHO none
\o /dev/null
SELECT many('EXECUTE user_by_id (%s)', 1, 70) \gexec
SELECT format('SELECT id FROM users WHERE id = %s', n % 10) FROM generate_series(1, 140) n \gexec
SELECT many('/* %s */ SELECT count(*) FROM users /* trace=%1$s */', 1, 70) \gexec
SELECT many('SELECT relname FROM pg_class WHERE oid = %s', 1, 70) \gexec
DO $$ BEGIN FOR n IN 1 .. 70 LOOP EXECUTE format('SELECT FROM users WHERE id = %s', n); END LOOP; END $$;
\o
\set ECHO all
SELECT * FROM found;

-- A cursor that is kept past its transaction is read to its end, and has no receiver left.
BEGIN;
DECLARE kept CURSOR WITH HOLD FOR SELECT email FROM users WHERE id = 5;
COMMIT;
FETCH kept;
CLOSE kept;

SET client_min_messages = warning;
DROP SCHEMA audit_unp CASCADE;
