-- scenario: row by row, INSERT in one transaction
-- expect: row_by_row_write reading
-- setup
CREATE TABLE reading (id int, value float8);
-- run
BEGIN;
SELECT format('INSERT INTO reading VALUES (%s, %s)', i, i * 0.5) FROM generate_series(1, 300) i \gexec
COMMIT;
-- scenario: row by row, INSERT without a transaction
-- expect: row_by_row_write reading
-- setup
CREATE TABLE reading (id int, value float8);
-- run
SELECT format('INSERT INTO reading VALUES (%s, %s)', i, i * 0.5) FROM generate_series(1, 300) i \gexec
-- scenario: row by row, a prepared INSERT
-- expect: row_by_row_write reading
-- setup
CREATE TABLE reading (id int, value float8);
-- run
PREPARE ins(int, float8) AS INSERT INTO reading VALUES ($1, $2);
BEGIN;
SELECT format('EXECUTE ins(%s, %s)', i, i) FROM generate_series(1, 300) i \gexec
COMMIT;
-- scenario: row by row, INSERT RETURNING
-- expect: row_by_row_write reading
-- setup
CREATE TABLE reading (id int GENERATED ALWAYS AS IDENTITY, value float8);
-- run
BEGIN;
SELECT format('INSERT INTO reading (value) VALUES (%s) RETURNING id', i) FROM generate_series(1, 300) i \gexec
COMMIT;
-- scenario: row by row, UPDATE by key
-- expect: row_by_row_write price
-- setup
CREATE TABLE price (id int PRIMARY KEY, amount numeric);
INSERT INTO price SELECT i, i FROM generate_series(1, 5000) i;
ANALYZE price;
-- run
BEGIN;
SELECT format('UPDATE price SET amount = %s WHERE id = %s', i * 2, i) FROM generate_series(1, 300) i \gexec
COMMIT;
-- scenario: row by row, DELETE by key
-- expect: row_by_row_write price
-- setup
CREATE TABLE price (id int PRIMARY KEY, amount numeric);
INSERT INTO price SELECT i, i FROM generate_series(1, 5000) i;
ANALYZE price;
-- run
BEGIN;
SELECT format('DELETE FROM price WHERE id = %s', i) FROM generate_series(1, 300) i \gexec
COMMIT;
-- scenario: row by row, an upsert in one transaction
-- expect: row_by_row_write price
-- setup
CREATE TABLE price (id int PRIMARY KEY, amount numeric);
-- run
BEGIN;
SELECT format('INSERT INTO price VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET amount = excluded.amount', i % 200, i) FROM generate_series(1, 300) i \gexec
COMMIT;
-- scenario: not row by row, one INSERT of many rows
-- setup
CREATE TABLE reading (id int, value float8);
-- run
INSERT INTO reading SELECT i, i FROM generate_series(1, 1000) i;
INSERT INTO reading VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5);
-- scenario: not row by row, a few rows
-- setup
CREATE TABLE reading (id int, value float8);
-- run
BEGIN;
INSERT INTO reading VALUES (1, 1);
INSERT INTO reading VALUES (2, 1);
INSERT INTO reading VALUES (3, 1);
COMMIT;
-- scenario: not row by row, transactions of several statements
-- setup
CREATE TABLE teller (id int PRIMARY KEY, balance int);
INSERT INTO teller SELECT i, 0 FROM generate_series(1, 100) i;
CREATE TABLE branch (id int PRIMARY KEY, balance int);
INSERT INTO branch SELECT i, 0 FROM generate_series(1, 10) i;
CREATE TABLE log (teller int, delta int, at timestamptz);
-- run
SELECT format('BEGIN; UPDATE teller SET balance = balance + %s WHERE id = %s; SELECT balance FROM teller WHERE id = %s; UPDATE branch SET balance = balance + %s WHERE id = %s; INSERT INTO log VALUES (%s, %s, now()); COMMIT',
    i, 1 + i % 100, 1 + i % 100, i, 1 + i % 10, i % 100, i) FROM generate_series(1, 60) i \gexec
-- scenario: not row by row, a trigger writes a row for each
-- setup
CREATE TABLE reading (id int, value float8);
CREATE TABLE trail (id int, at timestamptz);
CREATE FUNCTION trail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO trail VALUES (NEW.id, now()); RETURN NEW; END';
CREATE TRIGGER trail AFTER INSERT ON reading FOR EACH ROW EXECUTE FUNCTION trail();
-- run 2 times
INSERT INTO reading SELECT i, i FROM generate_series(1, 300) i;
-- scenario: not row by row, one call of bulk_insert
-- setup
CREATE TABLE reading (id int, value float8);
-- run
SELECT purser.bulk_insert('reading', (SELECT jsonb_agg(jsonb_build_object('id', i, 'value', i)) FROM generate_series(1, 300) i));
-- scenario: not row by row, COPY
-- setup
CREATE TABLE reading (id int, value float8);
-- run
COPY reading FROM STDIN;
1	1
2	2
\.
-- scenario: not row by row, statements that change many rows each
-- setup
CREATE TABLE price (id int PRIMARY KEY, kind int, amount numeric);
INSERT INTO price SELECT i, i % 400, i FROM generate_series(1, 8000) i;
CREATE INDEX ON price (kind);
ANALYZE price;
-- run
BEGIN;
SELECT format('UPDATE price SET amount = amount + 1 WHERE kind = %s', i) FROM generate_series(1, 300) i \gexec
COMMIT;
-- scenario: row by row, bound parameters
-- expect: row_by_row_write reading
-- setup
CREATE TABLE reading (id int, value float8);
-- bound
BEGIN;
\set i 1
INSERT INTO reading VALUES (:i, :i);
\set i 2
INSERT INTO reading VALUES (:i, :i);
\set i 3
INSERT INTO reading VALUES (:i, :i);
\set i 4
INSERT INTO reading VALUES (:i, :i);
\set i 5
INSERT INTO reading VALUES (:i, :i);
\set i 6
INSERT INTO reading VALUES (:i, :i);
\set i 7
INSERT INTO reading VALUES (:i, :i);
\set i 8
INSERT INTO reading VALUES (:i, :i);
\set i 9
INSERT INTO reading VALUES (:i, :i);
\set i 10
INSERT INTO reading VALUES (:i, :i);
\set i 11
INSERT INTO reading VALUES (:i, :i);
\set i 12
INSERT INTO reading VALUES (:i, :i);
\set i 13
INSERT INTO reading VALUES (:i, :i);
\set i 14
INSERT INTO reading VALUES (:i, :i);
\set i 15
INSERT INTO reading VALUES (:i, :i);
\set i 16
INSERT INTO reading VALUES (:i, :i);
\set i 17
INSERT INTO reading VALUES (:i, :i);
\set i 18
INSERT INTO reading VALUES (:i, :i);
\set i 19
INSERT INTO reading VALUES (:i, :i);
\set i 20
INSERT INTO reading VALUES (:i, :i);
\set i 21
INSERT INTO reading VALUES (:i, :i);
\set i 22
INSERT INTO reading VALUES (:i, :i);
\set i 23
INSERT INTO reading VALUES (:i, :i);
\set i 24
INSERT INTO reading VALUES (:i, :i);
\set i 25
INSERT INTO reading VALUES (:i, :i);
\set i 26
INSERT INTO reading VALUES (:i, :i);
\set i 27
INSERT INTO reading VALUES (:i, :i);
\set i 28
INSERT INTO reading VALUES (:i, :i);
\set i 29
INSERT INTO reading VALUES (:i, :i);
\set i 30
INSERT INTO reading VALUES (:i, :i);
COMMIT;
-- scenario: not row by row, one insert in each request
-- setup
CREATE TABLE visit (id int GENERATED ALWAYS AS IDENTITY, customer_id int);
-- bound 60 times
\set i random(1, 20000)
SELECT name FROM customer WHERE id = :i;
INSERT INTO visit (customer_id) VALUES (:i);
-- scenario: not row by row, batches of two hundred
-- setup
CREATE TABLE reading (id int, value float8);
-- run
BEGIN;
SELECT format('INSERT INTO reading SELECT i, i FROM generate_series(%s, %s) i', i * 200, i * 200 + 199) FROM generate_series(1, 40) i \gexec
COMMIT;
-- scenario: row by row, a savepoint around each
-- expect: row_by_row_write reading
-- setup
CREATE TABLE reading (id int, value float8);
-- run
BEGIN;
SELECT format('SAVEPOINT s; INSERT INTO reading VALUES (%s, 1); RELEASE s', i) FROM generate_series(1, 40) i \gexec
COMMIT;
-- scenario: row by row, read first and then written
-- expect: row_by_row_write reading
-- setup
CREATE TABLE reading (id int PRIMARY KEY, value float8);
INSERT INTO reading SELECT i, i FROM generate_series(1, 1000) i;
ANALYZE reading;
-- run
BEGIN;
SELECT format('SELECT value FROM reading WHERE id = %s; UPDATE reading SET value = 3 WHERE id = %s', i * 7, i * 7) FROM generate_series(1, 40) i \gexec
COMMIT;
