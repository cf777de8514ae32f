-- One query's result, looked up row by row by another.
LOAD 'pg_purser';
CREATE SCHEMA audit_n1;
SET search_path = audit_n1;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, ref uuid, grp int);
INSERT INTO users
SELECT i, 'u' || i || '@example.org', ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid, i % 4
FROM generate_series(1, 400) i;
CREATE TABLE posts (id int PRIMARY KEY, user_id bigint, user_email text, ref uuid, body text);
INSERT INTO posts
SELECT u.id * 10 + n, u.id, u.email, u.ref, 'x' FROM users u, generate_series(1, 3) n;
CREATE INDEX ON posts (user_id);
CREATE INDEX ON posts (user_email);
CREATE INDEX ON posts (ref);
CREATE TABLE comments (id int PRIMARY KEY, post_id int, user_id int);
INSERT INTO comments SELECT i, i, i % 400 FROM generate_series(1, 4000) i;
CREATE INDEX ON comments (user_id);
VACUUM ANALYZE users, posts, comments;

CREATE VIEW found AS
SELECT rule, relation, columns, occurrences, rows_returned, evidence - 'parent_queryid' AS evidence, query, suggestion
FROM purser.findings WHERE rule = 'n_plus_one' ORDER BY relation::text, columns, query COLLATE "C";
-- Statements for \gexec, with the numbers "first" to "last" in place of %s.
CREATE FUNCTION many(statement text, first int, last int) RETURNS SETOF text LANGUAGE sql AS
$$ SELECT format(statement, n) FROM generate_series(first, last) n $$;

-- Literals in the text, as psycopg2 and Django send them.
\o /dev/null
SELECT purser.audit_reset();
SELECT * FROM users ORDER BY id LIMIT 20;
SELECT many('SELECT * FROM posts WHERE user_id = %s', 1, 4) \gexec
\o
SELECT * FROM found;
SELECT * FROM posts WHERE user_id = 5 \g /dev/null
\x
SELECT * FROM found;
\x
SELECT severity, bytes, wasted_ms >= 0 AS timed, (evidence->>'parent_queryid')::bigint <> queryid AS two
FROM purser.findings WHERE rule = 'n_plus_one';
-- goes on
\o /dev/null
SELECT many('SELECT * FROM posts WHERE user_id = %s', 6, 20) \gexec
\o
SELECT occurrences, rows_returned, evidence->'executions' AS executions FROM found;
-- the page anew is another occurrence
\o /dev/null
SELECT * FROM users ORDER BY id LIMIT 20;
SELECT many('SELECT * FROM posts WHERE user_id = %s', 1, 12) \gexec
\o
SELECT occurrences, rows_returned, evidence->'executions' AS executions FROM found;

-- Bound parameters, with custom and with generic plans; text and uuid keys.
\o /dev/null
SELECT purser.audit_reset();
PREPARE by_email (text) AS SELECT * FROM posts WHERE user_email = $1;
PREPARE by_ref (uuid) AS SELECT id FROM posts WHERE ref = $1;
SET plan_cache_mode = force_custom_plan;
SELECT * FROM users WHERE grp = 1;
SELECT format('EXECUTE by_email (%L)', email) FROM users WHERE grp = 1 LIMIT 15 \gexec
SET plan_cache_mode = force_generic_plan;
SELECT * FROM users WHERE grp = 2;
SELECT format('EXECUTE by_ref (%L)', ref) FROM users WHERE grp = 2 LIMIT 15 \gexec
RESET plan_cache_mode;
\o
SELECT relation, columns, occurrences, evidence FROM found;

-- Two children, interleaved, in one transaction of any length.
\o /dev/null
SELECT purser.audit_reset();
SET purser.audit_n_plus_one_window = 0;
BEGIN;
SELECT id, grp FROM users ORDER BY id LIMIT 12;
SELECT s FROM generate_series(1, 12) n,
    LATERAL (VALUES (format('SELECT * FROM posts WHERE user_id = %s', n)),
                    (format('SELECT id FROM comments WHERE user_id = %s', n))) v (s) \gexec
COMMIT;
\o
SELECT relation, columns, evidence FROM found;

-- Not so: the same work in transactions of their own, beyond the window;
\o /dev/null
SELECT purser.audit_reset();
SELECT id, grp FROM users ORDER BY id LIMIT 12;
SELECT many('SELECT * FROM posts WHERE user_id = %s', 1, 12) \gexec
-- values that are not the parent's;
BEGIN;
SELECT id, grp FROM users WHERE id < 13;
SELECT many('SELECT * FROM posts WHERE user_id = %s', 301, 312) \gexec
COMMIT;
-- of several of its columns in turn;
BEGIN;
SELECT id AS a, id + 1000 AS b FROM users WHERE id < 13;
SELECT format('SELECT * FROM posts WHERE id = %s', n + (n % 2) * 1000) FROM generate_series(1, 12) n \gexec
COMMIT;
-- the same value again and again;
BEGIN;
SELECT id, email FROM users WHERE id < 13;
SELECT 'SELECT * FROM posts WHERE user_id = 3' FROM generate_series(1, 12) \gexec
COMMIT;
-- a parent of one row, or of few;
BEGIN;
SELECT id FROM users WHERE id = 7;
SELECT 'SELECT * FROM posts WHERE user_id = 7' FROM generate_series(1, 12) \gexec
SELECT id FROM users WHERE id < 5;
SELECT many('SELECT * FROM comments WHERE user_id = %s', 1, 12) \gexec
COMMIT;
-- a batch; a range; a lookup in no table;
BEGIN;
SELECT id FROM users WHERE id < 13;
SELECT many('SELECT * FROM posts WHERE user_id = ANY (ARRAY[%s, 1, 2])', 1, 12) \gexec
SELECT many('SELECT * FROM posts WHERE user_id > %s LIMIT 1', 1, 12) \gexec
SELECT many('SELECT %s', 1, 12) \gexec
COMMIT;
-- jobs worked off, each in a transaction of its own, or with a change after each;
RESET purser.audit_n_plus_one_window;
SELECT id FROM users WHERE id < 13;
SELECT s FROM generate_series(1, 12) n, LATERAL (VALUES ('BEGIN'),
    (format('SELECT * FROM posts WHERE user_id = %s FOR UPDATE', n)), ('COMMIT')) v (s) \gexec
SELECT s FROM generate_series(1, 12) n,
    LATERAL (VALUES (format('SELECT * FROM posts WHERE user_id = %s', n)),
                    (format('UPDATE posts SET body = ''y'' WHERE id = %s', n))) v (s) \gexec
-- numbers from 1 on in a table that has nothing to do with it, not all or not in order;
SELECT id FROM users WHERE id < 101;
SELECT many('SELECT * FROM comments WHERE id = %s', 1, 50) \gexec
SELECT format('SELECT * FROM comments WHERE id = %s', n * 37 % 101) FROM generate_series(1, 100) n \gexec
SET purser.audit_n_plus_one_window = 0;
-- in the server, a loop so short that it is not worth a word;
CREATE FUNCTION in_server() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    u users;
BEGIN
    FOR u IN SELECT * FROM users WHERE id < 13 LOOP
        PERFORM * FROM posts WHERE user_id = u.id;
    END LOOP;
END $$;
SELECT in_server();
-- lookups of all kinds of values, some of which are the parent's;
BEGIN;
SELECT id FROM users WHERE id < 41;
SELECT format('SELECT * FROM posts WHERE user_id = %s', n * 37 % 200 + 1) FROM generate_series(1, 60) n \gexec
COMMIT;
-- in the system's catalogs, which programs that dump or draw a schema do;
BEGIN;
SELECT oid FROM pg_catalog.pg_type WHERE typnamespace = 'pg_catalog'::regnamespace ORDER BY oid LIMIT 20;
SELECT format('SELECT typname FROM pg_catalog.pg_type WHERE oid = %s', oid)
FROM pg_catalog.pg_type WHERE typnamespace = 'pg_catalog'::regnamespace ORDER BY oid LIMIT 20 \gexec
COMMIT;
-- when the audit is off.
SET purser.audit = off;
BEGIN;
SELECT id FROM users WHERE id < 13;
SELECT many('SELECT * FROM posts WHERE user_id = %s', 1, 12) \gexec
COMMIT;
RESET purser.audit;
RESET purser.audit_n_plus_one_window;
\o
SELECT * FROM found;

-- A cursor's rows, piece by piece, and one that outlives its transaction.
\o /dev/null
SELECT purser.audit_reset();
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM users ORDER BY id;
FETCH 3 FROM c;
SELECT many('SELECT * FROM comments WHERE user_id = %s', 1, 3) \gexec
FETCH 3 FROM c;
SELECT many('SELECT * FROM comments WHERE user_id = %s', 4, 6) \gexec
COMMIT;
DECLARE held CURSOR WITH HOLD FOR SELECT id FROM users ORDER BY id;
FETCH 10 FROM held;
SELECT many('SELECT * FROM posts WHERE user_id = %s', 1, 10) \gexec
CLOSE held;
\o
SELECT relation, columns, occurrences, evidence FROM found;

-- What belongs together: a foreign key, or the same column. What counts from 1 by chance needs more.
\o /dev/null
CREATE TABLE tags (label int PRIMARY KEY, owner int REFERENCES users);
INSERT INTO tags SELECT i, i FROM generate_series(1, 400) i;
CREATE INDEX ON tags (owner);
VACUUM ANALYZE tags;
SELECT purser.audit_reset();
BEGIN;
SELECT id FROM users WHERE id < 21 ORDER BY id;
SELECT many('SELECT * FROM tags WHERE owner = %s', 1, 5) \gexec
SELECT many('SELECT * FROM users WHERE id = %s', 1, 5) \gexec
SELECT many('SELECT * FROM comments WHERE id = %s', 1, 15) \gexec
SELECT many('SELECT * FROM comments WHERE post_id = %s', 1, 16) \gexec
COMMIT;
\o
SELECT relation, columns, evidence->'executions' AS executions, suggestion FROM found;

-- Rows that share values, each looked up for itself: no repetition.
\o /dev/null
SELECT purser.audit_reset();
BEGIN;
SELECT row_number() OVER (ORDER BY id) AS id, user_id FROM posts ORDER BY posts.id LIMIT 30;
SELECT format('SELECT * FROM users WHERE id = %s', user_id) FROM (SELECT user_id FROM posts ORDER BY id LIMIT 30) p \gexec
COMMIT;
BEGIN;
SELECT id, user_id / 8 AS user_id FROM posts ORDER BY id LIMIT 150;
SELECT format('SELECT * FROM comments WHERE user_id = %s', user_id)
FROM (SELECT user_id / 8 AS user_id FROM posts ORDER BY id LIMIT 150) p \gexec
COMMIT;
\o
SELECT rule, relation, columns, evidence - 'parent_queryid' AS evidence FROM purser.findings ORDER BY relation::text, rule;

-- Values as drivers write them.
\o /dev/null
CREATE TABLE odd (num numeric PRIMARY KEY, code char(8) UNIQUE, name varchar(20) UNIQUE, big bigint UNIQUE);
INSERT INTO odd SELECT i, 'c' || i, 'n' || i, 5000000 + i FROM generate_series(1, 50) i;
CREATE TABLE of_odd (odd_num numeric, odd_code char(10), odd_name varchar(30), odd_big bigint);
SELECT purser.audit_reset();
BEGIN;
SELECT * FROM odd ORDER BY num LIMIT 10;
SELECT many('SELECT * FROM of_odd WHERE odd_num = %s', 1, 5) \gexec
SELECT many('SELECT * FROM of_odd WHERE odd_code = ''c%s''', 1, 5) \gexec
SELECT many('SELECT * FROM of_odd WHERE odd_name IN (''n%s'')', 1, 5) \gexec
SELECT many('SELECT EXISTS (SELECT FROM of_odd WHERE odd_big = ''%s'')', 5000001, 5000005) \gexec
COMMIT;
\o
SELECT relation, columns, evidence->'executions' AS executions, suggestion FROM found;

-- A loop in the server, a function called for each row, a trigger: told apart.
CREATE FUNCTION posts_of(bigint) RETURNS bigint LANGUAGE plpgsql AS
$$ BEGIN RETURN (SELECT count(*) FROM posts WHERE user_id = $1); END $$;
CREATE FUNCTION check_user() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM FROM comments WHERE user_id = NEW.id; RETURN NEW; END $$;
CREATE TABLE user_copy (id int REFERENCES users);
CREATE TRIGGER check_user BEFORE INSERT ON user_copy FOR EACH ROW EXECUTE FUNCTION check_user();
\o /dev/null
SELECT purser.audit_reset();
DO $$
DECLARE
    u users;
BEGIN
    FOR u IN SELECT * FROM users LOOP
        PERFORM * FROM posts WHERE user_email = u.email;
    END LOOP;
END $$;
SELECT posts_of(id) FROM users;
INSERT INTO user_copy SELECT id FROM users;
-- the same value, few rows, no lookup
SELECT posts_of(7) FROM users;
SELECT posts_of(id) FROM users WHERE id < 40;
\o
SELECT relation, columns, evidence, suggestion FROM found;

-- A function that runs as its owner: what its caller sent is not the owner's to read.
CREATE ROLE regress_audit_definer;
GRANT USAGE ON SCHEMA audit_n1 TO regress_audit_definer;
GRANT SELECT ON posts TO regress_audit_definer;
ALTER FUNCTION posts_of SECURITY DEFINER SET search_path = audit_n1;
ALTER FUNCTION posts_of OWNER TO regress_audit_definer;
\o /dev/null
SELECT purser.audit_reset();
SELECT posts_of(id), 'secret' FROM users;
\o
SELECT relation, columns, evidence FROM found;

-- A parent that failed leaves the client's results alone.
SELECT id, 1 / (id - 3) AS x FROM users WHERE id < 5;
SELECT id FROM users WHERE id < 4 ORDER BY id;

-- Partitions are one table, whether the plan or the executor leaves the others out.
CREATE TABLE events (gone int, id int, note text) PARTITION BY HASH (id);
ALTER TABLE events DROP COLUMN gone;
SELECT format('CREATE TABLE events_%s PARTITION OF events FOR VALUES WITH (MODULUS 4, REMAINDER %s)', n, n)
FROM generate_series(0, 3) n \gexec
INSERT INTO events SELECT i, 'x' FROM generate_series(1, 400) i;
CREATE INDEX ON events (id);
PREPARE event (int) AS SELECT * FROM events WHERE id = $1;
SET plan_cache_mode = force_generic_plan;
SELECT purser.audit_reset();
\o /dev/null
SELECT * FROM users WHERE id < 15;
SELECT many('SELECT * FROM events WHERE id = %s', 1, 14) \gexec
SELECT many('EXECUTE event (%s)', 1, 14) \gexec
\o
RESET plan_cache_mode;
SELECT relation, columns, evidence->'executions' AS executions FROM found;

-- Two collections of each row: what all rows of the one share is not taken from them.
SELECT purser.audit_reset();
\o /dev/null
SELECT * FROM users WHERE id < 13;
SELECT format('SELECT * FROM comments WHERE user_id = %s', n), format('SELECT * FROM posts WHERE user_id = %s', n)
FROM generate_series(1, 12) n \gexec
\o
SELECT relation, columns, evidence->'executions' AS executions FROM found;

-- A child without an index has both findings, each under its own rule.
\o /dev/null
CREATE TABLE notes AS SELECT i AS id, i % 400 AS user_id FROM generate_series(1, 3000) i;
ANALYZE notes;
SELECT purser.audit_reset();
SELECT * FROM users WHERE id < 13;
SELECT many('SELECT * FROM notes WHERE user_id = %s', 1, 12) \gexec
\o
SELECT rule, relation, columns, occurrences FROM purser.findings ORDER BY rule;

SET client_min_messages = warning;
DROP SCHEMA audit_n1 CASCADE;
DROP ROLE regress_audit_definer;
