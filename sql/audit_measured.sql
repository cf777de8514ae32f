-- A session that speaks measures all its runs, and plans them again with hypothetical indexes, so that
-- what only that can prove is found in the first.
SET client_min_messages = warning;
CREATE SCHEMA audit_measured;
SET search_path = audit_measured;
CREATE TABLE users (id int PRIMARY KEY, email text);
INSERT INTO users SELECT i, 'U' || i || '@example.org' FROM generate_series(1, 20000) i;
CREATE INDEX ON users (email);
VACUUM ANALYZE users;
SELECT purser.audit_reset() \g /dev/null
RESET client_min_messages;
\set VERBOSITY terse

SET purser.audit_error = 'non_sargable';
SELECT count(*) FROM users WHERE lower(email) = 'u77@example.org';
SELECT count(*) FROM users WHERE lower(email) = 'u78@example.org';
PREPARE by_email(text) AS SELECT id FROM users WHERE lower(email) = $1;
EXECUTE by_email('u1@example.org');
EXECUTE by_email('u2@example.org');
RESET purser.audit_error;

SET client_min_messages = warning;
DROP SCHEMA audit_measured CASCADE;
