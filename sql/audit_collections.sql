-- What ORMs do: several collections of each row, cursors with a new name each time.
LOAD 'pg_purser';
CREATE SCHEMA audit_collections;
SET search_path = audit_collections;
SET max_parallel_workers_per_gather = 0;
SET work_mem = '64MB';
CREATE TABLE authors (id int PRIMARY KEY);
INSERT INTO authors SELECT generate_series(1, 100);
CREATE TABLE books (id int PRIMARY KEY, author_id int REFERENCES authors, title text);
INSERT INTO books SELECT 1000 + i, 1 + i / 6, 'title ' || i FROM generate_series(0, 599) i;
CREATE INDEX ON books (author_id);
CREATE TABLE prizes (id int PRIMARY KEY, author_id int REFERENCES authors, what text);
INSERT INTO prizes SELECT 5000 + i, 1 + i / 7, 'prize ' || i FROM generate_series(0, 699) i;
CREATE INDEX ON prizes (author_id);
CREATE TABLE lines (id int PRIMARY KEY, word text);
INSERT INTO lines SELECT i, md5(i::text) FROM generate_series(1, 30000) i;
VACUUM ANALYZE authors, books, prizes, lines;
CREATE VIEW found AS
SELECT rule, relation, occurrences, evidence - 'parent_queryid' AS evidence FROM purser.findings ORDER BY rule, relation::text;

-- Both collections are an N+1 of the authors, though books have their author in all rows.
\o /dev/null
SELECT purser.audit_reset();
BEGIN;
SELECT id FROM authors ORDER BY id LIMIT 20;
SELECT format('SELECT * FROM books WHERE author_id = %s', n), format('SELECT * FROM prizes WHERE author_id = %s', n)
FROM generate_series(1, 20) n \gexec
COMMIT;
\o
SELECT * FROM found;
-- one author's collections are not
\o /dev/null
SELECT purser.audit_reset();
BEGIN;
SELECT id FROM authors WHERE id = 7;
SELECT * FROM books WHERE author_id = 7;
SELECT * FROM prizes WHERE author_id = 7;
SELECT * FROM authors WHERE id = 7;
COMMIT;
\o
SELECT * FROM found;

-- Cursors are one query, whatever they are called; it is that of the SELECT alone.
SELECT purser.audit_reset();
\o /dev/null
SELECT 'BEGIN', format('DECLARE c%s NO SCROLL CURSOR FOR SELECT id, word FROM lines ORDER BY word', n),
    format('FETCH 10 FROM c%s', n), format('CLOSE c%s', n), 'COMMIT' FROM generate_series(1, 3) n \gexec
SELECT id, word FROM lines ORDER BY word;
\o
SELECT rule, occurrences, query FROM purser.findings WHERE relation = 'lines'::regclass;
SELECT calls, rows_returned FROM purser.query_stats WHERE rows_read >= 30000;
-- other queries are others
SELECT purser.audit_reset();
\o /dev/null
BEGIN; DECLARE c CURSOR FOR SELECT word FROM lines ORDER BY word; FETCH 10 FROM c; COMMIT;
BEGIN; DECLARE c CURSOR FOR SELECT id, word, word FROM lines ORDER BY word; FETCH 10 FROM c; COMMIT;
\o
SELECT count(*) FROM purser.query_stats WHERE rows_read >= 30000;
-- a cursor that fails as it is opened leaves nothing to the next statement
\o /dev/null
SELECT purser.audit_reset();
BEGIN;
DECLARE c CURSOR FOR SELECT word FROM lines ORDER BY word;
SAVEPOINT s;
DECLARE c CURSOR FOR SELECT word FROM lines ORDER BY word;
ROLLBACK TO s;
CREATE TABLE made AS SELECT id FROM lines;
COMMIT;
\o
SELECT calls, rows_returned FROM purser.query_stats WHERE rows_read >= 30000;

SET client_min_messages = warning;
DROP SCHEMA audit_collections CASCADE;
SELECT purser.audit_reset();
