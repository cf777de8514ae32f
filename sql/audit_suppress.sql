-- Findings that nobody wants to see.
LOAD 'pg_purser';
CREATE SCHEMA audit_suppress;
SET search_path = audit_suppress;
SET max_parallel_workers_per_gather = 0;
SET purser.audit_n_plus_one_window = 0;
SET purser.audit_what_if_interval = -1;
CREATE TABLE posts (id int PRIMARY KEY, author int, word text);
INSERT INTO posts SELECT i, i % 50, 'word ' || i FROM generate_series(1, 3000) i;
CREATE TABLE "Other" AS SELECT * FROM posts;
VACUUM ANALYZE posts, "Other";
CREATE VIEW found AS SELECT rule, relation, occurrences FROM purser.findings WHERE rule IN ('missing_index', 'deep_offset') ORDER BY rule COLLATE "C", relation::text COLLATE "C";
CREATE VIEW suppressed AS SELECT rule, query IS NOT NULL AS query, relation, role, tag, until, reason FROM purser.suppressions ORDER BY id;
CREATE PROCEDURE anew() LANGUAGE sql AS $$ DELETE FROM purser.suppressions $$;
CREATE PROCEDURE work() LANGUAGE plpgsql AS $$
BEGIN
    PERFORM id FROM posts WHERE word = 'word 1';
    PERFORM id FROM "Other" WHERE word = 'word 1';
    PERFORM id FROM posts ORDER BY id OFFSET 1500 LIMIT 1;
END $$;
SELECT purser.audit_reset();
SET purser.audit_notice = 'missing_index, deep_offset';
CALL work();
CALL work();
SELECT * FROM found;

-- By rule: what is there, and what is to come; in the transaction that does it, and not after its end.
BEGIN;
SELECT purser.suppress(rule => 'deep_offset', reason => 'pages') > 0 AS done;
SELECT * FROM found;
CALL work();
ROLLBACK;
SELECT * FROM found;
BEGIN;
SAVEPOINT s;
SELECT purser.suppress(rule => 'deep_offset', reason => 'pages') > 0 AS done;
SELECT count(*) FROM found;
ROLLBACK TO s;
SELECT count(*) FROM found;
COMMIT;
SELECT purser.suppress(rule => 'deep_offset', reason => 'pages') AS id \gset
CALL work();
SELECT * FROM found;
SELECT * FROM suppressed;
-- taken back
SELECT purser.unsuppress(:id);
SELECT * FROM found;
CALL work();
\set VERBOSITY sqlstate
SELECT purser.unsuppress(:id) \g /dev/null
\set VERBOSITY default

-- By relation.
SELECT purser.suppress(relation => 'posts', reason => 'small in production') > 0 AS done;
CALL work();
SELECT * FROM found;
CALL anew();
SELECT purser.suppress(relation => '"Other"', rule => 'missing_index', reason => 'dropped soon') > 0 AS done;
CALL work();
SELECT * FROM found;
SELECT * FROM suppressed;
-- made anew, it has the same name
DROP TABLE "Other";
CREATE TABLE "Other" AS SELECT * FROM posts;
ANALYZE "Other";
CALL work();
SELECT * FROM found;
-- by another rule, of another table
CALL anew();
SELECT purser.suppress(relation => '"Other"', rule => 'deep_offset', reason => 'not so') > 0 AS done;
CALL work();

-- By query.
CALL anew();
SELECT purser.suppress(query => queryid, reason => 'a report') > 0 AS done
FROM purser.findings WHERE rule = 'missing_index' AND relation = 'posts'::regclass;
CALL work();
SELECT * FROM found;
SELECT id FROM posts WHERE word = 'word 1' AND id > 0;

-- By role.
CALL anew();
CREATE ROLE regress_suppress_app;
CREATE ROLE regress_suppress_reader IN ROLE pg_read_all_stats;
GRANT USAGE ON SCHEMA audit_suppress TO regress_suppress_app;
GRANT SELECT ON ALL TABLES IN SCHEMA audit_suppress TO regress_suppress_app;
SELECT purser.suppress(role => 'regress_suppress_app', reason => 'maintenance') > 0 AS done;
SET ROLE regress_suppress_app;
CALL work();
RESET ROLE;
SELECT count(*) FROM purser.findings WHERE role = 'regress_suppress_app';
CALL work();
CALL anew();

-- By tag: an element as sqlcommenter, Rails and others write it, or a whole comment.
SELECT purser.audit_reset();
SELECT purser.suppress(tag => 'route=/users', reason => 'rewritten soon') > 0 AS done;
SELECT purser.suppress(tag => 'controller:users', reason => 'rewritten soon') > 0 AS done;
SELECT purser.suppress(tag => 'nightly report', reason => 'at night') > 0 AS done;
SELECT id FROM posts WHERE word = 'word 1' /*action='list',route='%2Fusers'*/;
SELECT id FROM posts WHERE word = 'word 1' /*application:App,controller:users,action:index*/;
/* nightly report */ SELECT id FROM posts WHERE word = 'word 1';
SELECT id FROM posts WHERE word = 'word 1' /* route = /users */;
SELECT id FROM posts WHERE word = 'word 1' /*route='%2Fusers%2F1'*/;
SELECT id FROM posts WHERE word = 'word 1' /* a nightly report */;
SELECT id FROM posts WHERE word = '/* nightly report */';
SELECT query, occurrences FROM purser.findings WHERE rule = 'missing_index';
CALL anew();
-- A query that is tagged so and so is found for the tag that is not suppressed, also if it was seen first.
SELECT purser.audit_reset();
SELECT id FROM posts WHERE word = 'word 1' /*route='/a'*/;
SELECT id FROM posts WHERE word = 'word 1' /*route='/a'*/;
SELECT purser.suppress(tag => 'route=/a', reason => 'known') > 0 AS done;
SELECT query FROM purser.findings WHERE rule = 'missing_index';
SELECT id FROM posts WHERE word = 'word 1' /*route='/a'*/;
SELECT query FROM purser.findings WHERE rule = 'missing_index';
SELECT id FROM posts WHERE word = 'word 1' /*route='/b'*/;
SELECT query FROM purser.findings WHERE rule = 'missing_index';
-- runs that are only counted heed the tags, too
SET purser.audit_notice = '';
SELECT occurrences FROM purser.findings WHERE rule = 'missing_index';
SELECT 'SELECT id FROM posts WHERE word = ''word 1'' /*route=''/a''*/' FROM generate_series(1, 3) \gexec
SELECT occurrences FROM purser.findings WHERE rule = 'missing_index';
SELECT 'SELECT id FROM posts WHERE word = ''word 1'' /*route=''/b''*/' FROM generate_series(1, 3) \gexec
SELECT occurrences FROM purser.findings WHERE rule = 'missing_index';
SET purser.audit_notice = 'missing_index, deep_offset';
-- the end of a long text is where its tag is
SELECT purser.audit_reset();
CALL anew();
SELECT format('SELECT id FROM posts WHERE word = %L /*route=''/long''*/', repeat('x', 2000)) FROM generate_series(1, 2)
\o /dev/null
\set ECHO none
\gexec
\set ECHO all
\o
SELECT octet_length(query), right(query, 20) FROM purser.findings WHERE rule = 'missing_index';
SELECT purser.suppress(tag => 'route=/long', reason => 'known') > 0 AS done;
SELECT * FROM found;
CALL anew();

-- Until.
SELECT purser.suppress(rule => 'deep_offset', until => 'infinity', reason => 'pages') > 0 AS done;
SELECT purser.suppress(rule => 'missing_index', until => now() + interval '1 day', reason => 'tomorrow') > 0 AS done;
CALL work();
SELECT * FROM found;
UPDATE purser.suppressions SET until = now() - interval '1 hour' WHERE rule = 'missing_index';
CALL work();
SELECT * FROM found;
CALL anew();
-- all of them; by TRUNCATE, too, they are taken back
SELECT purser.suppress(reason => 'quiet, please') > 0 AS done;
CALL work();
SELECT * FROM found;
TRUNCATE purser.suppressions;
SELECT count(*) > 0 AS found FROM found;

-- Mistakes.
SELECT purser.suppress(rule => 'deep_offset');
\set VERBOSITY terse
SELECT purser.suppress(rule => 'deep_end', reason => 'x');
SELECT purser.suppress(rule => 'all', reason => 'x');
\set VERBOSITY default
SELECT purser.suppress(role => 'regress_nobody', reason => 'x');
SELECT purser.suppress(relation => 'found', reason => 'x');
SELECT purser.suppress(tag => '', reason => 'x');
SELECT purser.suppress(until => '2020-01-01', reason => 'x');
SELECT purser.unsuppress(NULL);
SELECT purser.unsuppress(-1);

-- Who may: nobody but the owner, and to whom it is granted; who sees.
SET ROLE regress_suppress_app;
SELECT purser.suppress(rule => 'deep_offset', reason => 'x');
SELECT purser.unsuppress(1);
SELECT * FROM purser.suppressions;
INSERT INTO purser.suppressions (reason) VALUES ('x');
RESET ROLE;
GRANT EXECUTE ON FUNCTION purser.suppress TO regress_suppress_app;
GRANT EXECUTE ON FUNCTION purser.unsuppress TO regress_suppress_app;
SET ROLE regress_suppress_app;
SELECT purser.suppress(rule => 'deep_offset', reason => 'granted') AS id \gset
SELECT * FROM purser.suppressions;
SELECT count(*) FROM purser.findings WHERE rule = 'deep_offset';
SET ROLE regress_suppress_reader;
SELECT rule, reason, suppressed_by, suppressed_at <= now() AS then FROM purser.suppressions;
DELETE FROM purser.suppressions;
SET ROLE regress_suppress_app;
SELECT purser.unsuppress(:id);
RESET ROLE;
SELECT * FROM suppressed;
-- a read-only transaction
BEGIN READ ONLY;
SELECT purser.suppress(rule => 'deep_offset', reason => 'x');
ROLLBACK;

REVOKE EXECUTE ON FUNCTION purser.suppress FROM regress_suppress_app;
REVOKE EXECUTE ON FUNCTION purser.unsuppress FROM regress_suppress_app;
SET purser.audit_notice = '';
SET client_min_messages = warning;
DROP SCHEMA audit_suppress CASCADE;
DROP ROLE regress_suppress_app;
DROP ROLE regress_suppress_reader;
SELECT purser.audit_reset();
