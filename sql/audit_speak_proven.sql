-- What is said of a first run is proven there and then, and contradicts nothing else that is found.
LOAD 'pg_purser';
CREATE SCHEMA audit_speak_proven;
SET search_path = audit_speak_proven;
SET max_parallel_workers_per_gather = 0;
SET purser.audit_n_plus_one_window = 0;
SET purser.audit_unbounded_rows = 2000;
CREATE TABLE posts (id int PRIMARY KEY, author int, word text);
INSERT INTO posts SELECT i, i % 50, 'word ' || i FROM generate_series(1, 3000) i;
CREATE TABLE post (id int PRIMARY KEY, title text);
INSERT INTO post SELECT i, 'post ' || i FROM generate_series(1, 100) i;
CREATE FUNCTION seven() RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 7; END';
CREATE TABLE article (id int PRIMARY KEY, body text);
INSERT INTO article SELECT i, repeat('z', 1000) FROM generate_series(1, 100) i;
CREATE TABLE remark (article_id int, word text);
INSERT INTO remark SELECT i % 100 + 1, 'word' FROM generate_series(1, 3000) i;
VACUUM ANALYZE posts, post, article, remark;
SELECT purser.audit_reset();

-- The planner is asked in the first run, so costs are there, and what it would not use fails nothing.
CREATE FUNCTION says(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
BEGIN
    EXECUTE statement;
    RETURN 'nothing';
EXCEPTION WHEN SQLSTATE 'PU001' THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN message || ': ' || regexp_replace(detail, 'cost_(before|after) [0-9]+', 'cost_\1 N', 'g');
END $$;
SET purser.audit_error = 'missing_index';
SELECT says('SELECT id FROM posts WHERE word = ''word 7''');
SELECT says('SELECT id FROM posts WHERE word = ''word 7''');
SET purser.audit_min_gain = 100;
SELECT says('SELECT id, 1 FROM posts WHERE word = ''word 7''');
SELECT says('SELECT id, 1 FROM posts WHERE word = ''word 7''');
RESET purser.audit_min_gain;
\set VERBOSITY terse
SELECT count(*) FROM posts WHERE word = 'word 7';
\set VERBOSITY default
-- what cannot be tried is said, and fails nothing, however often
SELECT id, 2 FROM posts WHERE author = seven() + 100;
SELECT id, 2 FROM posts WHERE author = seven() + 100;
SELECT id, 2 FROM posts WHERE author = seven() + 100;
-- but to who has told the audit not to try
SET purser.audit_what_if_interval = -1;
SELECT says('SELECT id, 2 FROM posts WHERE author = seven() + 100');
RESET purser.audit_what_if_interval;

-- A plan that was cached before the session speaks is made anew.
SET purser.audit_error = '';
SET plan_cache_mode = force_generic_plan;
PREPARE cached (text) AS SELECT id, 3 FROM posts WHERE word = $1;
EXECUTE cached ('none');
SET purser.audit_error = 'missing_index';
\set VERBOSITY terse
EXECUTE cached ('none');
-- one that was cached when it found enough is put off: the next run is planned anew
PREPARE later (int) AS SELECT id, 4 FROM posts WHERE author <= $1 AND word >= 'a';
EXECUTE later (100) \g /dev/null
EXECUTE later (0) \g /dev/null
EXECUTE later (0);
\set VERBOSITY default
RESET plan_cache_mode;

-- Loops do not push out the tree of the statement that they are in.
CREATE FUNCTION reads() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..40 LOOP
        EXECUTE format('SELECT %s FROM post', i);
        EXECUTE 'SELECT 1 FROM post WHERE id = ' || i;
    END LOOP;
    RETURN 1;
END $$;
SELECT says('SELECT id, reads() FROM posts WHERE word = ''word 8''');

-- A join that multiplies is no result without bounds: neither in notices nor in errors nor in the view.
SET purser.audit_error = '';
SELECT purser.audit_reset();
SET purser.audit_notice = 'unbounded_result, join_fanout';
\set join 'SELECT a.body, r.word FROM article a JOIN remark r ON r.article_id = a.id'
:join \g /dev/null
SET purser.audit_notice = 'unbounded_result';
:join \g /dev/null
SET purser.audit_notice = '';
SET purser.audit_error = 'unbounded_result';
:join \g /dev/null
SET purser.audit_error = 'unbounded_result, join_fanout';
:join \g /dev/null
-- allowed: nothing else comes up instead
:join /* purser:allow=join_fanout */ \g /dev/null
SELECT rule, relation, occurrences FROM purser.findings;
-- without the join it is one
SELECT word FROM posts \g /dev/null
RESET purser.audit_error;
SET client_min_messages = warning;
DROP SCHEMA audit_speak_proven CASCADE;
SELECT purser.audit_reset();
RESET client_min_messages;

-- Who may set what: watching and its thresholds are not for everybody, speaking is.
CREATE ROLE regress_speak_user;
SET ROLE regress_speak_user;
SET purser.audit = off;
SET purser.audit_min_rows = 1;
ALTER ROLE regress_speak_user SET purser.audit = off;
ALTER ROLE regress_speak_user SET purser.audit_error = 'missing_index';
\set VERBOSITY terse
ALTER ROLE regress_speak_user SET purser.audit_error = 'nothing_like_it';
\set VERBOSITY default
RESET ROLE;
SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'regress_speak_user'::regrole;
GRANT SET ON PARAMETER purser.audit_min_rows TO regress_speak_user;
SET ROLE regress_speak_user;
SET purser.audit_min_rows = 2000;
RESET purser.audit_min_rows;
RESET ROLE;
REVOKE SET ON PARAMETER purser.audit_min_rows FROM regress_speak_user;
DROP ROLE regress_speak_user;
