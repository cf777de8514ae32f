-- Rows written one by one.
LOAD 'pg_purser';
CREATE SCHEMA audit_rbr;
SET search_path = audit_rbr;
CREATE TABLE item (id int PRIMARY KEY, price int, note text);
CREATE TABLE "Line" (id serial PRIMARY KEY, item int, n int);
CREATE TABLE trail (at timestamptz, what text);
CREATE TABLE account (id int PRIMARY KEY, balance int);
INSERT INTO account SELECT i, 0 FROM generate_series(1, 300) i;
VACUUM ANALYZE account;
CREATE VIEW found AS
SELECT relation, occurrences, rows_returned, evidence - 'parent_queryid' AS evidence, suggestion
FROM purser.findings WHERE rule = 'row_by_row_write' ORDER BY query COLLATE "C";
CREATE FUNCTION many(statement text, first int, last int) RETURNS SETOF text LANGUAGE sql AS
$$ SELECT format(statement, n) FROM generate_series(first, last) n $$;

-- In one transaction.
SELECT purser.audit_reset() \g /dev/null
\set ECHO none
BEGIN;
SELECT many('INSERT INTO item VALUES (%s, 1, ''x'')', 1, 19) \gexec
SELECT * FROM found;
INSERT INTO item VALUES (20, 1, 'x');
SELECT * FROM found;
SELECT many('INSERT INTO item VALUES (%s, 1, ''x'')', 21, 30) \gexec
SELECT many('INSERT INTO "Line" (item, n) VALUES (%s, 1)', 1, 20) \gexec
SELECT many('INSERT INTO item VALUES (%s, 2, ''x'') ON CONFLICT (id) DO UPDATE SET price = 2', 1, 20) \gexec
SELECT many('UPDATE item SET price = 3 WHERE id = %s', 1, 20) \gexec
SELECT many('UPDATE account SET balance = balance + 1 WHERE id = %s', 1, 20) \gexec
SELECT many('DELETE FROM item WHERE id = %s', 1, 20) \gexec
COMMIT;
\set ECHO all
SELECT * FROM found;
DELETE FROM item;

-- Outside of one: as many times five, one after the other; what reads no table does not matter.
SELECT purser.audit_reset() \g /dev/null
\set ECHO none
\o /dev/null
SELECT many('INSERT INTO item VALUES (%s, 1, ''x'')', 1, 50) \gexec
SELECT s FROM generate_series(51, 100) n,
    LATERAL (VALUES (format('INSERT INTO item VALUES (%s, 1, ''x'')', n)), ('SELECT 1')) v (s) \gexec
\o
\set ECHO all
SELECT * FROM found;

-- What was rolled back was not written, as in tests that leave nothing behind; savepoints that are kept do not matter.
SELECT purser.audit_reset() \g /dev/null
\set ECHO none
\o /dev/null
BEGIN;
SELECT s FROM generate_series(201, 230) n, LATERAL (VALUES ('SAVEPOINT test'), ('SAVEPOINT made'),
    (format('INSERT INTO item VALUES (%s, 1, ''x'')', n)), ('RELEASE made'),
    (format('INSERT INTO "Line" (item) VALUES (%s)', n)), ('ROLLBACK TO test'), ('RELEASE test')) v (s) \gexec
COMMIT;
\o
SELECT count(*) AS rolled_back FROM found;
\o /dev/null
BEGIN;
SELECT s FROM generate_series(201, 230) n, LATERAL (VALUES ('SAVEPOINT made'),
    (format('INSERT INTO item VALUES (%s, 1, ''x'')', n)), ('RELEASE made')) v (s) \gexec
ROLLBACK;
\o
\set ECHO all
SELECT * FROM found;

-- A loop in a function, with what the client sent.
SELECT purser.audit_reset() \g /dev/null
DO $$ BEGIN FOR n IN 1 .. 200 LOOP INSERT INTO "Line" (item) VALUES (n); END LOOP; END $$;
SELECT * FROM found;

-- Not so: transactions of several statements, again and again;
SELECT purser.audit_reset() \g /dev/null
\set ECHO none
\o /dev/null
SELECT s FROM generate_series(1, 120) n, LATERAL (VALUES ('BEGIN'),
    (format('UPDATE account SET balance = 5 WHERE id = %s', n)),
    (format('SELECT balance FROM account WHERE id = %s', n)),
    (format('INSERT INTO "Line" (item) VALUES (%s)', n)), ('COMMIT')) v (s) \gexec
SELECT s FROM generate_series(1, 120) n, LATERAL (VALUES
    (format('UPDATE account SET balance = 5 WHERE id = %s', n)),
    (format('INSERT INTO "Line" (item) VALUES (%s)', n))) v (s) \gexec
-- one after the other, but upserts or what adds to the row;
SELECT many('INSERT INTO account VALUES (%s, 2) ON CONFLICT (id) DO UPDATE SET balance = 2', 1, 120) \gexec
SELECT many('UPDATE account SET balance = balance + 1 WHERE id = %s', 1, 120) \gexec
-- a few rows in each transaction;
SELECT s FROM generate_series(1, 20) n, LATERAL (VALUES ('BEGIN'),
    (format('INSERT INTO "Line" (item) VALUES (%s)', n)),
    (format('INSERT INTO "Line" (item) VALUES (%s)', n)),
    (format('INSERT INTO "Line" (item) VALUES (%s)', n)), ('COMMIT')) v (s) \gexec
-- several rows each, none, or those that a query finds;
BEGIN;
SELECT many('INSERT INTO "Line" (item) VALUES (%s), (1)', 1, 30) \gexec
SELECT many('DELETE FROM account WHERE id = -%s', 1, 30) \gexec
SELECT many('INSERT INTO "Line" (item) SELECT id FROM account WHERE id = %s', 1, 30) \gexec
COMMIT;
-- tables that do not last, and what a trigger writes.
BEGIN;
CREATE TEMP TABLE passing (id int);
SELECT many('INSERT INTO passing VALUES (%s)', 1, 30) \gexec
COMMIT;
CREATE FUNCTION leave_trail() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO trail VALUES (now(), TG_OP); RETURN NULL; END $$;
CREATE TRIGGER leave_trail AFTER UPDATE ON account FOR EACH ROW EXECUTE FUNCTION leave_trail();
UPDATE account SET balance = 1;
\o
\set ECHO all
SELECT count(*) >= 300 AS trail FROM trail;
SELECT * FROM found;

SET client_min_messages = warning;
DROP SCHEMA audit_rbr CASCADE;
