-- Results without bound, and offsets that skip much.
LOAD 'pg_purser';
CREATE SCHEMA audit_results;
SET search_path = audit_results;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE posts (id int PRIMARY KEY, author int, made timestamp, body text);
INSERT INTO posts SELECT i, i % 50, timestamp '2026-01-01' + i * interval '1 minute', 'post ' || i
FROM generate_series(1, 3000) i;
CREATE INDEX posts_made ON posts (made, id);
CREATE INDEX posts_author ON posts (author, id);
VACUUM ANALYZE posts;
CREATE VIEW found AS
    SELECT rule, severity, relation, columns, occurrences, rows_read, rows_returned, bytes, evidence, suggestion
    FROM purser.findings ORDER BY rule, columns;

-- unbounded_result, with a smaller threshold
SET purser.audit_unbounded_rows = 1000;
SELECT purser.audit_reset();
SELECT * FROM posts \g /dev/null
SELECT * FROM found;
SELECT * FROM posts \g /dev/null
SELECT * FROM found;
SELECT id FROM posts ORDER BY made \g /dev/null
SELECT id FROM posts ORDER BY made \g /dev/null
SELECT columns, query FROM purser.findings ORDER BY query;
-- bounded, grouped, too small, made up, catalogs, temporary
SELECT purser.audit_reset();
SELECT * FROM posts LIMIT 2000 \g /dev/null
SELECT * FROM posts LIMIT 2000 \g /dev/null
SELECT made, count(*) FROM posts GROUP BY made \g /dev/null
SELECT made, count(*) FROM posts GROUP BY made \g /dev/null
SELECT DISTINCT made FROM posts \g /dev/null
SELECT DISTINCT made FROM posts \g /dev/null
SELECT * FROM posts WHERE id <= 999 \g /dev/null
SELECT * FROM posts WHERE id <= 999 \g /dev/null
SELECT * FROM generate_series(1, 5000) \g /dev/null
SELECT * FROM generate_series(1, 5000) \g /dev/null
SELECT * FROM pg_catalog.pg_proc \g /dev/null
SELECT * FROM pg_catalog.pg_proc \g /dev/null
CREATE TEMP TABLE passing AS SELECT * FROM posts;
SELECT * FROM passing \g /dev/null
SELECT * FROM passing \g /dev/null
-- not sent to a client at once
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM posts;
FETCH ALL FROM c \g /dev/null
CLOSE c;
DECLARE c CURSOR FOR SELECT * FROM posts;
FETCH ALL FROM c \g /dev/null
COMMIT;
COPY posts TO '/dev/null';
COPY (SELECT * FROM posts) TO '/dev/null';
COPY (SELECT * FROM posts) TO '/dev/null';
DO $$ BEGIN FOR i IN 1..3 LOOP PERFORM * FROM posts; END LOOP; END $$;
CREATE TABLE copied AS SELECT * FROM posts;
SELECT * FROM found;
-- EXECUTE is the client's own
PREPARE p AS SELECT * FROM posts;
EXECUTE p \g /dev/null
EXECUTE p \g /dev/null
SELECT rule, occurrences, query FROM purser.findings;
-- partitions are taken together
CREATE TABLE parts (id int, v int) PARTITION BY HASH (id);
SELECT format('CREATE TABLE parts_%s PARTITION OF parts FOR VALUES WITH (MODULUS 8, REMAINDER %s)', n, n)
FROM generate_series(0, 7) n \gexec
INSERT INTO parts SELECT i, i FROM generate_series(1, 2000) i;
ANALYZE parts;
SELECT purser.audit_reset();
SELECT p.* FROM parts p, posts WHERE posts.id = 1 \g /dev/null
SELECT p.* FROM parts p, posts WHERE posts.id = 1 \g /dev/null
SELECT rule, relation, occurrences, evidence->'rows' AS rows FROM purser.findings;
RESET purser.audit_unbounded_rows;

-- deep_offset: the rows really skipped, with the keyset form of the order
SELECT purser.audit_reset();
SELECT id FROM posts ORDER BY id LIMIT 2 OFFSET 1500;
SELECT * FROM found;
SELECT id FROM posts ORDER BY id LIMIT 2 OFFSET 2000;
SELECT * FROM found;
SELECT purser.audit_reset();
SELECT id FROM posts ORDER BY made DESC, id DESC LIMIT 1 OFFSET 1500;
SELECT id FROM posts ORDER BY made DESC, id DESC LIMIT 1 OFFSET 1500;
SELECT body FROM posts ORDER BY body, author LIMIT 1 OFFSET 1500;
SELECT body FROM posts ORDER BY body, author LIMIT 1 OFFSET 1500;
SELECT body FROM posts ORDER BY author, id DESC LIMIT 1 OFFSET 1500;
SELECT body FROM posts ORDER BY author, id DESC LIMIT 1 OFFSET 1500;
SELECT count(*) FROM posts GROUP BY id ORDER BY 1 LIMIT 1 OFFSET 1500;
SELECT count(*) FROM posts GROUP BY id ORDER BY 1 LIMIT 1 OFFSET 1500;
SELECT rule, columns, suggestion FROM found;
-- the order of an index, but for the column held to one value
UPDATE posts SET author = 1 WHERE id <= 2500;
VACUUM ANALYZE posts;
SET enable_seqscan = off;
SET enable_sort = off;
SELECT purser.audit_reset();
SELECT id FROM posts WHERE author = 1 ORDER BY id LIMIT 1 OFFSET 1500;
SELECT id FROM posts WHERE author = 1 ORDER BY id LIMIT 1 OFFSET 1500;
SELECT rule, columns, suggestion FROM found;
RESET enable_sort;
RESET enable_seqscan;
-- with parameters
PREPARE page (int) AS SELECT id FROM posts ORDER BY id LIMIT 1 OFFSET $1;
SET plan_cache_mode = force_generic_plan;
SELECT purser.audit_reset();
EXECUTE page (10);
EXECUTE page (1200);
EXECUTE page (1300);
SELECT rule, occurrences, evidence FROM found;
RESET plan_cache_mode;
-- not deep; fewer rows than the offset; no rows asked for; over no table
SELECT purser.audit_reset();
SELECT id FROM posts ORDER BY id LIMIT 1 OFFSET 900;
SELECT id FROM posts ORDER BY id LIMIT 1 OFFSET 900;
SELECT id FROM posts WHERE id <= 10 ORDER BY id LIMIT 1 OFFSET 50000;
SELECT id FROM posts WHERE id <= 10 ORDER BY id LIMIT 1 OFFSET 50000;
SELECT id FROM posts ORDER BY id LIMIT 0 OFFSET 2000;
SELECT id FROM posts ORDER BY id LIMIT 0 OFFSET 2000;
SELECT * FROM generate_series(1, 5000) LIMIT 1 OFFSET 4000;
SELECT * FROM generate_series(1, 5000) LIMIT 1 OFFSET 4000;
SELECT * FROM found;
-- one cause, one finding: the scan under a deep offset is not held against it too
SELECT purser.audit_reset();
SELECT id FROM posts WHERE body > 'post 2' ORDER BY body, id LIMIT 1 OFFSET 1100;
SELECT id FROM posts WHERE body > 'post 2' ORDER BY body, id LIMIT 1 OFFSET 1100;
SELECT id FROM posts WHERE body > 'post 2' ORDER BY body, id LIMIT 1 OFFSET 1100;
SELECT rule, columns FROM found;

SET client_min_messages = warning;
DROP SCHEMA audit_results CASCADE;
