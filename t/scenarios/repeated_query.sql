-- scenario: repeated, literals in one transaction
-- expect: repeated_query purchase
-- run
BEGIN;
SELECT 'SELECT * FROM purchase WHERE customer_id = 5' FROM generate_series(1, 12) i \gexec
COMMIT;
-- scenario: repeated, a prepared statement
-- expect: repeated_query customer
-- run
PREPARE q(int) AS SELECT * FROM customer WHERE id = $1;
BEGIN;
SELECT 'EXECUTE q(77)' FROM generate_series(1, 15) i \gexec
COMMIT;
-- scenario: repeated, without a transaction
-- expect: repeated_query note
-- run
SELECT $$SELECT max(body) FROM note WHERE id < 2000$$ FROM generate_series(1, 15) i \gexec
-- scenario: repeated, the settings of a user again and again, other queries between
-- expect: repeated_query customer
-- run
BEGIN;
SELECT format('SELECT * FROM customer WHERE id = 4; SELECT * FROM note WHERE id = %s', i * 31) FROM generate_series(1, 12) i \gexec
COMMIT;
-- scenario: repeated, text parameter
-- expect: repeated_query option
-- setup
CREATE TABLE option (name text PRIMARY KEY, value text);
INSERT INTO option SELECT 'option ' || i, i FROM generate_series(1, 2000) i;
ANALYZE option;
-- run
BEGIN;
SELECT $$SELECT value FROM option WHERE name = 'option 7'$$ FROM generate_series(1, 10) i \gexec
COMMIT;
-- scenario: repeated, no parameter at all
-- expect: repeated_query product
-- run
BEGIN;
SELECT 'SELECT id, title FROM product ORDER BY price DESC, id LIMIT 10' FROM generate_series(1, 10) i \gexec
COMMIT;
-- scenario: not repeated, SELECT 1
-- run
SELECT 'SELECT 1' FROM generate_series(1, 50) i \gexec
-- scenario: not repeated, four times
-- run
BEGIN;
SELECT 'SELECT * FROM purchase WHERE customer_id = 5' FROM generate_series(1, 4) i \gexec
COMMIT;
-- scenario: not repeated, a write of its table between
-- setup
CREATE TABLE job (id int PRIMARY KEY, state text);
INSERT INTO job SELECT i, 'new' FROM generate_series(1, 100) i;
-- run
BEGIN;
SELECT format($$SELECT count(*) FROM job WHERE state = 'new'; UPDATE job SET state = 'done' WHERE id = %s$$, i) FROM generate_series(1, 8) i \gexec
COMMIT;
-- scenario: not repeated, other values each time
-- run
BEGIN;
SELECT format('SELECT * FROM purchase WHERE id = %s', i * 991) FROM generate_series(1, 30) i \gexec
COMMIT;
-- scenario: not repeated, one in each session
-- run
SELECT * FROM customer WHERE id = 4;
-- run
SELECT * FROM customer WHERE id = 4;
-- run
SELECT * FROM customer WHERE id = 4;
-- run
SELECT * FROM customer WHERE id = 4;
-- run
SELECT * FROM customer WHERE id = 4;
-- run
SELECT * FROM customer WHERE id = 4;
-- scenario: not repeated, a queue that is polled
-- setup
CREATE TABLE queue (id int PRIMARY KEY, taken boolean);
INSERT INTO queue SELECT i, false FROM generate_series(1, 30) i;
-- run
SELECT 'DELETE FROM queue WHERE id = (SELECT id FROM queue WHERE NOT taken ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)' FROM generate_series(1, 10) i \gexec
-- scenario: not repeated, functions without tables
-- run
SELECT 'SELECT pg_backend_pid(), current_user' FROM generate_series(1, 20) i \gexec
-- scenario: not repeated, catalog queries of a driver
-- run
SELECT $$SELECT oid, typname FROM pg_type WHERE typname = 'hstore'$$ FROM generate_series(1, 10) i \gexec
-- scenario: repeated, a bound parameter
-- expect: repeated_query customer
-- bound
\set i 77
BEGIN;
SELECT id, name FROM customer WHERE id = :i;
SELECT id, name FROM customer WHERE id = :i;
SELECT id, name FROM customer WHERE id = :i;
SELECT id, name FROM customer WHERE id = :i;
SELECT id, name FROM customer WHERE id = :i;
SELECT id, name FROM customer WHERE id = :i;
SELECT id, name FROM customer WHERE id = :i;
SELECT id, name FROM customer WHERE id = :i;
COMMIT;
-- scenario: not repeated, a setting that each request reads
-- setup
CREATE TABLE option (name text PRIMARY KEY, value text);
INSERT INTO option SELECT 'option ' || i, i FROM generate_series(1, 2000) i;
ANALYZE option;
-- run 12 times
BEGIN;
SELECT value FROM option WHERE name = 'option 7';
COMMIT;
-- scenario: not repeated, tried again after failures
-- fails
-- setup
CREATE TABLE seat (id int PRIMARY KEY, taken boolean);
INSERT INTO seat SELECT i, false FROM generate_series(1, 50) i;
-- run
BEGIN;
SELECT 'SAVEPOINT s; SELECT id FROM seat WHERE NOT taken ORDER BY id LIMIT 1; SELECT 1 / (SELECT 0 FROM seat WHERE id = 1); ROLLBACK TO s' FROM generate_series(1, 8) i \gexec
COMMIT;
-- scenario: not repeated, one drawn at random each time, by a search for it
-- expect: discarded_rows product
-- run
BEGIN;
SELECT 'SELECT id, title FROM product WHERE id = 1 + floor(random() * 1999)::int' FROM generate_series(1, 12) i \gexec
COMMIT;
