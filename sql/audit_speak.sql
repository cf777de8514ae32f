-- Rules that speak to the client, and rules that fail its statement.
LOAD 'pg_purser';
CREATE SCHEMA audit_speak;
SET search_path = audit_speak;
SET max_parallel_workers_per_gather = 0;
SET purser.audit_unbounded_rows = 2000;
SET purser.audit_n_plus_one_window = 0;
SET purser.audit_what_if_interval = -1;
CREATE TABLE posts (id int PRIMARY KEY, author int, word text);
INSERT INTO posts SELECT i, i % 50, 'word ' || i FROM generate_series(1, 3000) i;
CREATE TABLE users (id int PRIMARY KEY);
INSERT INTO users SELECT generate_series(1, 40);
VACUUM ANALYZE posts, users;
\set rules 'missing_index, unbounded_result, deep_offset, n_plus_one'
CREATE VIEW found AS SELECT rule, occurrences FROM purser.findings
WHERE rule IN ('missing_index', 'unbounded_result', 'deep_offset', 'n_plus_one') ORDER BY rule COLLATE "C";
SELECT purser.audit_reset();

-- Lists of rules.
SET purser.audit_notice = deep_offset, 'N_plus_one';
SHOW purser.audit_notice;
SET purser.audit_notice = 'all, deep_offset';
SELECT id FROM posts ORDER BY id OFFSET 1500 LIMIT 1;
SET purser.audit_error = 'deep_offset,,n_plus_one';
-- the hint lists the rules
\set VERBOSITY terse
SET purser.audit_notice = 'deep_offset, deep_end';
SET purser.audit_error = 'none';
\set VERBOSITY default
SELECT purser.audit_reset();
SHOW purser.audit_error;
SET purser.audit_notice = '';

-- Each rule, the first time: nothing is in the view yet but what needs to be seen once.
SET purser.audit_notice = :'rules';
SELECT id FROM posts WHERE word = 'word 7';
SELECT id FROM posts ORDER BY id OFFSET 1500 LIMIT 1;
SELECT word FROM posts \g /dev/null
BEGIN;
SELECT id FROM users ORDER BY id LIMIT 12 \g /dev/null
SELECT format('SELECT word FROM posts WHERE id = %s', n) FROM generate_series(1, 12) n \gexec
COMMIT;
SELECT * FROM found;
-- the same again
SELECT id FROM posts WHERE word = 'word 8';
SELECT id FROM posts ORDER BY id OFFSET 1500 LIMIT 1;
SELECT word FROM posts \g /dev/null
SELECT * FROM found;
-- rules that are not named are quiet, and found as ever
SET purser.audit_notice = 'n_plus_one, unbounded_result';
SELECT id FROM posts WHERE word = 'word 9';
SELECT id FROM posts ORDER BY id OFFSET 1501 LIMIT 1;
SELECT * FROM found;
-- what no rule finds
SET purser.audit_notice = :'rules';
SELECT id FROM posts WHERE id = 9;
SELECT count(*) FROM posts;

-- A loop is heard of once: in a transaction, or without pauses.
BEGIN;
SELECT format('SELECT id FROM posts WHERE word = %L', n) FROM generate_series(1, 5) n \gexec
COMMIT;
SET purser.audit_n_plus_one_window = '1h';
SELECT 'SELECT id + 0 FROM posts ORDER BY id OFFSET 1500 LIMIT 1' FROM generate_series(1, 5) \gexec
SET purser.audit_n_plus_one_window = 0;

-- Functions, with the line; in a loop once.
CREATE FUNCTION loops() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    n int := 0;
BEGIN
    FOR i IN 1..5 LOOP
        n := n + (SELECT count(*) FROM posts WHERE word = 'word ' || i);
    END LOOP;
    RETURN n;
END $$;
SELECT loops();
CREATE FUNCTION in_sql() RETURNS bigint LANGUAGE sql AS
$$ SELECT count(*) FROM posts WHERE word = 'word 4' $$;
SELECT in_sql();
DO $$ BEGIN PERFORM id FROM posts WHERE word = 'word 5'; END $$;
-- cursors speak when they are closed, or with the transaction
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM posts WHERE word = 'word 6';
FETCH ALL FROM c;
CLOSE c;
DECLARE c CURSOR FOR SELECT word, id FROM posts WHERE word = 'word 6';
FETCH ALL FROM c;
COMMIT;
-- EXECUTE, and commands that carry a query
PREPARE by_word (text) AS SELECT id FROM posts WHERE word = $1 AND id > 0;
EXECUTE by_word ('word 7');
CREATE TABLE made AS EXECUTE by_word ('word 7');
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) SELECT id FROM posts WHERE word = 'word 8' \g /dev/null
COPY (SELECT id, word FROM posts WHERE word = 'word 8') TO STDOUT;
UPDATE posts SET author = 1 WHERE word = 'word 8';

-- Errors.
SET purser.audit_notice = '';
SET purser.audit_error = :'rules';
SELECT id FROM posts WHERE word = 'word 7';
\echo :LAST_ERROR_SQLSTATE
SELECT id FROM posts ORDER BY id OFFSET 1500 LIMIT 1;
SELECT word FROM posts \g /dev/null
-- again and again
SELECT id FROM posts WHERE word = 'word 7';
SELECT id FROM posts WHERE id = 7;
-- a statement that two rules find, fails by one; the other is said
SET purser.audit_error = 'unbounded_result, wide_select';
SET purser.audit_wide_bytes = 1000;
SET purser.audit_wide_row_bytes = 10;
SELECT * FROM posts \g /dev/null
RESET purser.audit_wide_bytes;
RESET purser.audit_wide_row_bytes;
SET purser.audit_error = :'rules';
-- the transaction is over
BEGIN;
SELECT id FROM users ORDER BY id LIMIT 12 \g /dev/null
SELECT format('SELECT id FROM posts WHERE id = %s', n) FROM generate_series(1, 10) n \gexec
SELECT 1;
COMMIT;
-- what it wrote is not there
UPDATE posts SET author = 2 WHERE word = 'word 9';
SELECT author FROM posts WHERE id = 9;
CREATE TABLE not_made AS SELECT id FROM posts WHERE word = 'word 9';
SELECT to_regclass('not_made');
-- a savepoint helps
BEGIN;
SAVEPOINT s;
SELECT id FROM posts WHERE word = 'word 7';
ROLLBACK TO s;
SELECT id FROM posts WHERE id = 7;
COMMIT;
-- functions
SELECT loops();
DO $$
BEGIN
    PERFORM loops();
EXCEPTION WHEN SQLSTATE 'PU001' THEN
    RAISE NOTICE 'caught: %', SQLERRM;
END $$;
SELECT in_sql();
-- cursors
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM posts WHERE word = 'word 6';
FETCH ALL FROM c;
CLOSE c;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM posts WHERE word = 'word 6';
FETCH ALL FROM c;
COMMIT;
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT id FROM posts WHERE word = 'word 6';
COMMIT;
FETCH ALL FROM c;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM posts WHERE word = 'word 6';
FETCH ALL FROM c;
ROLLBACK;
-- a procedure that commits
CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO users VALUES (100);
    COMMIT;
    PERFORM id FROM posts WHERE word = 'word 5';
END $$;
CALL commits();
SELECT id FROM users WHERE id > 40;
EXECUTE by_word ('word 7');
-- a cursor that a function runs through; a statement that is text
DO $$
DECLARE
    post record;
BEGIN
    FOR post IN SELECT id FROM posts WHERE word = 'word 3000' LOOP
        RAISE NOTICE 'read %', post.id;
    END LOOP;
END $$;
DO $$ BEGIN EXECUTE 'SELECT author FROM posts WHERE word = $1' USING 'word 1'; END $$;
-- at the end of the transaction, when a deferred trigger does it
CREATE FUNCTION looks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM id FROM posts WHERE word = 'word 5';
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER looks AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION looks();
BEGIN;
INSERT INTO users VALUES (101);
SELECT max(id) FROM users;
COMMIT;
SELECT max(id) FROM users;
DROP TRIGGER looks ON users;
-- rows that have been sent are no reason to keep quiet
COPY (SELECT id FROM posts WHERE word = 'word 8') TO STDOUT;
SELECT id FROM posts WHERE id = 8;
-- several in one message
SELECT 1 AS one \; SELECT id FROM posts WHERE word = 'word 7' \; SELECT 2 AS two;
-- EXPLAIN is how one looks at such a query
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) SELECT id FROM posts WHERE word = 'word 8' \g /dev/null
-- a statement that fails by itself says what it always said
SELECT 1 / (id - 7) FROM posts WHERE word LIKE 'word %';
-- what failed has been found all the same
SELECT rule FROM purser.findings WHERE query LIKE 'SELECT id FROM posts ORDER BY id OFFSET%';
-- both: the error alone
SET purser.audit_notice = :'rules';
SELECT id FROM posts WHERE word = 'word 7';
SET purser.audit_error = '';

-- Comments that allow it.
SET purser.audit_error = :'rules';
SELECT purser.audit_reset();
SELECT id FROM posts WHERE word = 'word 1' /* purser:allow=missing_index */;
/* purser:allow=deep_offset,missing_index */ SELECT id FROM posts WHERE word = 'word 2';
SELECT id FROM posts WHERE word = 'word 3' /* purser:allow = deep_offset, missing_index */;
SELECT id FROM posts WHERE word = 'word 4' /* purser:allow=all */;
SELECT id FROM posts WHERE word = 'word 5' /*action='show',purser_allow='missing_index',route='%2Fposts'*/;
SELECT id FROM posts WHERE word = 'word 6' /*purser_allow='deep_offset%2Cmissing_index'*/;
SELECT id FROM posts WHERE word = 'word 7' /* one */ /* purser:allow=missing_index */ /* three /* nested */ */;
SELECT id FROM posts ORDER BY id OFFSET 1500 LIMIT 1 /* purser:allow=deep_offset */;
SELECT word FROM posts /* purser:allow=unbounded_result */ \g /dev/null
-- of statements within, in the client's
SELECT loops() /* purser:allow=missing_index */;
DO $$ BEGIN PERFORM loops(); END $$ /* purser:allow=missing_index */;
EXECUTE by_word ('word 7') /* purser:allow=missing_index */;
/* purser:allow=missing_index */ EXECUTE by_word ('word 7');
CREATE TABLE made_again AS SELECT id FROM posts WHERE word = 'word 9' /* purser:allow=missing_index */;
-- of an N+1, in the parent or the child
BEGIN;
SELECT id FROM users ORDER BY id LIMIT 10 /* purser:allow=n_plus_one */ \g /dev/null
SELECT format('SELECT author FROM posts WHERE id = %s', n) FROM generate_series(1, 10) n \gexec
COMMIT;
BEGIN;
SELECT id FROM users ORDER BY id LIMIT 10 \g /dev/null
SELECT format('SELECT author FROM posts WHERE id = %s /* purser:allow=n_plus_one */', n) FROM generate_series(1, 10) n \gexec
COMMIT;
-- nothing was kept of all that
SELECT * FROM found;
-- what a deep OFFSET skips is not held against the scan when the OFFSET is allowed
SELECT id FROM posts ORDER BY word OFFSET 1500 LIMIT 1 /* purser:allow=deep_offset */;
-- not allowed: another rule, elsewhere in the text, within a literal, misspelt
SELECT id FROM posts WHERE word = 'word 1' /* purser:allow=deep_offset */;
SELECT id /* purser:allow=missing_index */ FROM posts WHERE word = 'word 1';
SELECT id FROM posts WHERE word = '/* purser:allow=missing_index */';
SELECT id FROM posts WHERE word = 'word 1' /* purser:allow=missing_indexes */;
SELECT id FROM posts WHERE word = 'word 1' /* purser:allowed=missing_index */;
SELECT id FROM posts WHERE word = 'word 1' /* allow=missing_index */;
-- runs that are allowed acquit nobody, and count for nobody
SET purser.audit_error = '';
SET purser.audit_notice = '';
SELECT purser.audit_reset();
SELECT 'SELECT author FROM posts WHERE word = ''word 1'' /* purser:allow=missing_index */' FROM generate_series(1, 3) \gexec
SELECT author FROM posts WHERE word = 'word 1';
SELECT author FROM posts WHERE word = 'word 1';
SELECT 'SELECT author FROM posts WHERE word = ''word 1'' /* purser:allow=missing_index */' FROM generate_series(1, 3) \gexec
SELECT author FROM posts WHERE word = 'word 1';
SELECT rule, query, occurrences FROM purser.findings;

-- By role and database; who may set it.
CREATE ROLE regress_speak_app;
CREATE ROLE regress_speak_owner;
GRANT USAGE ON SCHEMA audit_speak TO regress_speak_app, regress_speak_owner;
GRANT SELECT ON posts TO regress_speak_owner;
ALTER ROLE regress_speak_app SET purser.audit_error = 'deep_offset';
\set VERBOSITY terse
ALTER ROLE regress_speak_app SET purser.audit_notice = 'deep_onset';
\set VERBOSITY default
SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'regress_speak_app'::regrole;
-- what runs with the rights of another role is not the client's to hear of
CREATE FUNCTION secret(word text) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = audit_speak AS
$$ SELECT count(*) FROM posts WHERE posts.word = $1 $$;
ALTER FUNCTION secret(text) OWNER TO regress_speak_owner;
SET ROLE regress_speak_app;
SET purser.audit_error = :'rules';
SET purser.audit_notice = :'rules';
SELECT secret('word 1');
SET purser.audit_error = '';
SELECT secret('word 1');
RESET ROLE;
SELECT secret('word 1');
SET purser.audit_notice = '';
SELECT role, occurrences FROM purser.findings WHERE query ~ 'posts.word';

-- The audit is off: so is this.
SET purser.audit_error = :'rules';
SET purser.audit = off;
SELECT id FROM posts WHERE word = 'word 7';
RESET purser.audit;

RESET purser.audit_error;
SET client_min_messages = warning;
DROP SCHEMA audit_speak CASCADE;
DROP ROLE regress_speak_app;
DROP ROLE regress_speak_owner;
SELECT purser.audit_reset();
