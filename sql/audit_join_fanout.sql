-- Joins that send the rows of a parent again and again.
LOAD 'pg_purser';
CREATE SCHEMA audit_fanout;
SET search_path = audit_fanout;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
CREATE TABLE posts (id int PRIMARY KEY, author int, title text, body text);
CREATE TABLE comments (id int PRIMARY KEY, post_id int, body text);
CREATE TABLE tags (id int PRIMARY KEY, post_id int, name text);
CREATE TABLE authors (id int PRIMARY KEY, name text);
INSERT INTO posts SELECT i, i % 5, 'title ' || i, repeat('x', 200) FROM generate_series(1, 50) i;
INSERT INTO comments SELECT i, 1 + i % 50, 'comment ' || i FROM generate_series(1, 1000) i;
INSERT INTO tags SELECT i, 1 + i % 50, 'tag ' || i % 10 FROM generate_series(1, 500) i;
INSERT INTO authors SELECT i, 'author ' || i FROM generate_series(0, 4) i;
CREATE INDEX comments_post ON comments (post_id);
CREATE INDEX tags_post ON tags (post_id);
VACUUM ANALYZE posts, comments, tags, authors;
SET purser.audit_fanout_size = '100kB';
CREATE VIEW found AS
    SELECT rule, relation, columns, occurrences, evidence - 'repeated_bytes' AS evidence,
           bytes = 2 * (evidence ->> 'repeated_bytes')::numeric AS bytes, suggestion
    FROM purser.findings WHERE rule = 'join_fanout' ORDER BY relation::text;

-- Two collections of one parent, by each kind of join.
\set two 'SELECT * FROM posts p LEFT JOIN comments c ON c.post_id = p.id LEFT JOIN tags t ON t.post_id = p.id'
SELECT purser.audit_reset();
:two \g /dev/null
SELECT * FROM found;
:two \g /dev/null
SELECT * FROM found;
SELECT severity, rows_returned, wasted_ms > 0 AS wasted FROM purser.findings WHERE rule = 'join_fanout';
-- that the result is larger than its tables is not said as well
SELECT rule, relation FROM purser.findings;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_material = off;
SET enable_seqscan = off;
SELECT purser.audit_reset();
:two \g /dev/null
:two \g /dev/null
SELECT relation, evidence FROM found;
SET enable_memoize = off;
SELECT purser.audit_reset();
:two \g /dev/null
:two \g /dev/null
SELECT relation, evidence FROM found;
RESET enable_memoize;
SET enable_nestloop = off;
SET enable_mergejoin = on;
SELECT purser.audit_reset();
:two \g /dev/null
:two \g /dev/null
SELECT relation, evidence FROM found;
RESET ALL;
SET search_path = audit_fanout;
SET max_parallel_workers_per_gather = 0;
SET purser.audit_fanout_size = '100kB';
-- with more in the query than the two
SELECT purser.audit_reset();
SELECT p.title, c.body, t.name, a.name FROM posts p JOIN authors a ON a.id = p.author
JOIN comments c ON c.post_id = p.id JOIN tags t ON t.post_id = p.id ORDER BY p.id, c.id \g /dev/null
SELECT p.title, c.body, t.name, a.name FROM posts p JOIN authors a ON a.id = p.author
JOIN comments c ON c.post_id = p.id JOIN tags t ON t.post_id = p.id ORDER BY p.id, c.id \g /dev/null
SELECT relation, columns, evidence FROM found;

-- One child: only when it is the parent's columns that make the result, and five times the size.
SELECT purser.audit_reset();
SELECT p.*, c.id FROM posts p JOIN comments c ON c.post_id = p.id AND c.id > 0 \g /dev/null
SELECT p.*, c.id FROM posts p JOIN comments c ON c.post_id = p.id AND c.id > 0 \g /dev/null
SELECT relation FROM found;
SET purser.audit_fanout_size = '20kB';
SELECT p.*, c.id FROM posts p JOIN comments c ON c.post_id = p.id \g /dev/null
SELECT p.*, c.id FROM posts p JOIN comments c ON c.post_id = p.id \g /dev/null
SELECT relation, columns, evidence, suggestion FROM found;
SET purser.audit_fanout_size = '100kB';

-- Not found: narrow parents, a child's parent, products on purpose, a link between two tables,
-- chains, what is bounded, grouped, made distinct, filtered by EXISTS, read by a function.
SELECT purser.audit_reset();
SELECT c.*, p.title FROM comments c JOIN posts p ON p.id = c.post_id \g /dev/null
SELECT c.*, p.title FROM comments c JOIN posts p ON p.id = c.post_id \g /dev/null
SELECT c.*, a.name FROM comments c JOIN posts p ON p.id = c.post_id JOIN authors a ON a.id = p.author \g /dev/null
SELECT c.*, a.name FROM comments c JOIN posts p ON p.id = c.post_id JOIN authors a ON a.id = p.author \g /dev/null
SELECT * FROM posts p CROSS JOIN tags t \g /dev/null
SELECT * FROM posts p CROSS JOIN tags t \g /dev/null
CREATE TABLE days (day int PRIMARY KEY);
CREATE TABLE visits (post_id int, day int, n int);
INSERT INTO days SELECT i FROM generate_series(1, 100) i;
INSERT INTO visits SELECT i, i, 1 FROM generate_series(1, 40) i;
ANALYZE days, visits;
SELECT p.*, d.day, v.n FROM posts p CROSS JOIN days d
LEFT JOIN visits v ON v.post_id = p.id AND v.day = d.day \g /dev/null
SELECT p.*, d.day, v.n FROM posts p CROSS JOIN days d
LEFT JOIN visits v ON v.post_id = p.id AND v.day = d.day \g /dev/null
SELECT p.*, d.day, v.n, w.n FROM posts p CROSS JOIN days d LEFT JOIN visits v ON v.post_id = p.id AND v.day = d.day
LEFT JOIN visits w ON w.post_id = p.id AND w.day = d.day \g /dev/null
SELECT p.*, d.day, v.n, w.n FROM posts p CROSS JOIN days d LEFT JOIN visits v ON v.post_id = p.id AND v.day = d.day
LEFT JOIN visits w ON w.post_id = p.id AND w.day = d.day \g /dev/null
CREATE TABLE links (post_id int, author_id int);
INSERT INTO links SELECT 1 + i % 50, i % 5 FROM generate_series(1, 2000) i;
ANALYZE links;
SELECT p.title, a.* FROM posts p JOIN links l ON l.post_id = p.id JOIN authors a ON a.id = l.author_id \g /dev/null
SELECT p.title, a.* FROM posts p JOIN links l ON l.post_id = p.id JOIN authors a ON a.id = l.author_id \g /dev/null
SELECT a.*, p.title, c.* FROM authors a JOIN posts p ON p.author = a.id JOIN comments c ON c.post_id = p.id \g /dev/null
SELECT a.*, p.title, c.* FROM authors a JOIN posts p ON p.author = a.id JOIN comments c ON c.post_id = p.id \g /dev/null
SELECT * FROM posts p JOIN comments c ON c.post_id = p.id JOIN tags t ON t.post_id = p.id LIMIT 5000 \g /dev/null
SELECT * FROM posts p JOIN comments c ON c.post_id = p.id JOIN tags t ON t.post_id = p.id LIMIT 5000 \g /dev/null
SELECT DISTINCT p.title, c.id, t.id FROM posts p JOIN comments c ON c.post_id = p.id JOIN tags t ON t.post_id = p.id \g /dev/null
SELECT DISTINCT p.title, c.id, t.id FROM posts p JOIN comments c ON c.post_id = p.id JOIN tags t ON t.post_id = p.id \g /dev/null
SELECT c.id, t.id, count(*) FROM posts p JOIN comments c ON c.post_id = p.id JOIN tags t ON t.post_id = p.id GROUP BY 1, 2 \g /dev/null
SELECT c.id, t.id, count(*) FROM posts p JOIN comments c ON c.post_id = p.id JOIN tags t ON t.post_id = p.id GROUP BY 1, 2 \g /dev/null
SELECT c.* FROM comments c WHERE EXISTS (SELECT FROM posts p JOIN tags t ON t.post_id = p.id WHERE p.id = c.post_id) \g /dev/null
SELECT c.* FROM comments c WHERE EXISTS (SELECT FROM posts p JOIN tags t ON t.post_id = p.id WHERE p.id = c.post_id) \g /dev/null
DO $$
BEGIN
    FOR i IN 1..3 LOOP
        PERFORM * FROM posts p JOIN comments c ON c.post_id = p.id JOIN tags t ON t.post_id = p.id;
    END LOOP;
END $$;
SELECT * FROM found;
-- two collections of few rows each do not multiply enough
SELECT * FROM posts p JOIN (SELECT * FROM comments WHERE id <= 1000) c ON c.post_id = p.id JOIN tags t ON t.post_id = p.id AND t.id <= 50 \g /dev/null
SELECT * FROM posts p JOIN (SELECT * FROM comments WHERE id <= 1000) c ON c.post_id = p.id JOIN tags t ON t.post_id = p.id AND t.id <= 50 \g /dev/null
SELECT * FROM found;


-- With the settings as they come, what an ORM makes of two collections of a page of rows.
RESET purser.audit_fanout_size;
SELECT purser.audit_reset();
\set few 'SELECT p.id, p.title, c.body, t.name FROM posts p LEFT JOIN comments c ON c.post_id = p.id LEFT JOIN tags t ON t.post_id = p.id'
:few \g /dev/null
:few \g /dev/null
SELECT relation, evidence ->> 'rows_returned' AS rows FROM found;
-- A page of parents, where the plan reads all rows of the children.
INSERT INTO posts SELECT i, i % 5, 'title ' || i, repeat('x', 200) FROM generate_series(51, 2000) i;
INSERT INTO comments SELECT i, 1 + i % 2000, 'comment ' || i FROM generate_series(1001, 40000) i;
INSERT INTO tags SELECT i, 1 + i % 2000, 'tag ' || i % 10 FROM generate_series(501, 20000) i;
VACUUM ANALYZE posts, comments, tags;
SET enable_nestloop = off;
SET enable_mergejoin = off;
SELECT purser.audit_reset();
:two WHERE p.id <= 40 \g /dev/null
:two WHERE p.id <= 40 \g /dev/null
SELECT relation, (evidence ->> 'rows_returned')::int AS rows,
(evidence ->> 'separate_rows')::int < 3000 AS few FROM found;
RESET enable_nestloop;
RESET enable_mergejoin;
-- Values out of line are what is sent, not their pointers.
CREATE TABLE books (id int PRIMARY KEY, body text);
CREATE TABLE marks (id int PRIMARY KEY, book_id int);
ALTER TABLE books ALTER body SET STORAGE EXTERNAL;
INSERT INTO books SELECT i, repeat('x', 4000) FROM generate_series(1, 20) i;
INSERT INTO marks SELECT i, 1 + i % 20 FROM generate_series(1, 1000) i;
VACUUM ANALYZE books, marks;
SELECT purser.audit_reset();
SELECT b.id, b.body, m.id FROM books b JOIN marks m ON m.book_id = b.id \g /dev/null
SELECT b.id, b.body, m.id FROM books b JOIN marks m ON m.book_id = b.id \g /dev/null
SELECT relation, evidence, (SELECT (evidence ->> 'repeated_bytes')::int / 1000000 FROM purser.findings
WHERE rule = 'join_fanout') AS megabytes FROM found;

SET client_min_messages = warning;
DROP SCHEMA audit_fanout CASCADE;
