-- Rejected rows are repaired and loaded again; who may see and do what.
CREATE SCHEMA bulk_retry;
SET search_path = bulk_retry;
\pset format unaligned
CREATE TABLE crate (id int PRIMARY KEY, name text DEFAULT 'box', weight int CHECK (weight > 0), tags text[], extra jsonb);
CREATE VIEW bad AS SELECT row_number, line_number, byte_offset, column_name, raw, sqlstate, message FROM purser.reject;

-- csv, with columns in another order, other characters, and an unknown column.
SELECT inserted, rejected FROM purser.bulk_insert('crate',
    E'weight;color;id;name\n5;red;1;"a; ""b"""\nx;red;2;c\n5;red;1;d\n-1;red;3;NIL\n5;red;4\n', 'csv',
    rejects => true, options => '{"delimiter": ";", "null": "NIL", "unknown": "ignore"}') \gset
\echo :inserted :rejected
SELECT max(load_id) AS load_id FROM purser.load \gset
SELECT target, format, on_conflict, columns, options FROM purser.load;
SELECT * FROM bad ORDER BY row_number;
UPDATE purser.reject SET raw = replace(raw, 'x;', '7;') WHERE row_number = 2;
UPDATE purser.reject SET raw = '8;red;3;NIL' WHERE row_number = 4;
UPDATE purser.reject SET raw = E'8;red;5;e\n8;red;6;f' WHERE row_number = 5;
SELECT inserted, updated, skipped, rejected, load_id = :load_id AS same FROM purser.retry_rejects(:load_id);
SELECT * FROM bad ORDER BY row_number;
UPDATE purser.reject SET raw = '' WHERE row_number = 5;
SELECT inserted, rejected, load_id = :load_id AS same FROM purser.retry_rejects(:load_id);
SELECT * FROM bad ORDER BY row_number;
DELETE FROM purser.reject WHERE row_number = 5;
UPDATE purser.reject SET raw = replace(raw, ';1;', ';5;');
SELECT * FROM purser.retry_rejects(:load_id);
SELECT count(*) FROM purser.load;
\set VERBOSITY sqlstate
SELECT * FROM purser.retry_rejects(:load_id);
\set VERBOSITY default
SELECT id, name, weight FROM crate ORDER BY id;
TRUNCATE crate;

-- json and jsonb: a missing key is the default, null is null, also the second time.
SELECT inserted, rejected FROM purser.bulk_insert('crate', '[{"id": 1}, {"id": "x", "extra": {"a": [1, "b"]}},
    {"id": "y", "name": null, "tags": ["a", "b"], "extra": 5, "weight": 7}, {"id": 4, "size": 1}, [], {"id": 5, "name": null}]'::jsonb, rejects => true);
SELECT max(load_id) AS load_id FROM purser.load \gset
SELECT * FROM bad ORDER BY row_number;
UPDATE purser.reject SET raw = replace(replace(replace(raw, '"x"', '2'), '"y"', '3'), 'size', 'weight') WHERE row_number <> 5;
DELETE FROM purser.reject WHERE row_number = 5;
SELECT * FROM purser.retry_rejects(:load_id);
SELECT * FROM crate ORDER BY id;
TRUNCATE crate;

-- Conflicts are settled as in the load; another table may take the rows.
INSERT INTO crate VALUES (1);
SELECT inserted, skipped, rejected FROM purser.bulk_insert('crate', E'id\n1\nx\n2\n', 'csv', on_conflict => 'skip', conflict_columns => '{id}', rejects => true);
SELECT max(load_id) AS load_id FROM purser.load \gset
UPDATE purser.reject SET raw = 1;
SELECT * FROM purser.retry_rejects(:load_id);
SELECT inserted, rejected FROM purser.bulk_insert('crate', E'id\nx\n', 'csv', rejects => true);
SELECT max(load_id) AS load_id FROM purser.load \gset
CREATE TABLE parked (raw_id text);
SELECT inserted FROM purser.load_rejects('parked', :load_id, '{raw_id}', 'csv');
TABLE parked;
SELECT inserted, rejected FROM purser.bulk_insert('crate', E'id\nx\n', 'csv', rejects => true);
SELECT max(load_id) AS load_id FROM purser.load \gset
ALTER TABLE crate RENAME TO box;
SELECT purser.retry_rejects(:load_id);
UPDATE purser.reject SET raw = 9;
SELECT * FROM purser.retry_rejects(:load_id, 'box');
ALTER TABLE box RENAME TO crate;

-- Bytes: what is no text is kept as bytes, and loaded again as text.
SELECT inserted, rejected FROM purser.bulk_insert('crate', E'id\nz\n', 'csv', rejects => true);
SELECT max(load_id) AS load_id FROM purser.load \gset
UPDATE purser.reject SET raw = NULL, raw_bytes = '\x31ff';
SELECT inserted, rejected FROM purser.retry_rejects(:load_id);
SELECT raw, raw_bytes FROM purser.reject;
UPDATE purser.reject SET raw = NULL, raw_bytes = NULL;
SELECT inserted, rejected FROM purser.retry_rejects(:load_id);
SELECT raw, raw_bytes, sqlstate, message FROM purser.reject;
DELETE FROM purser.reject;
DELETE FROM purser.load;

-- More than are fetched at once.
TRUNCATE crate;
SELECT inserted, rejected FROM purser.bulk_insert('crate', (SELECT E'id\n' || string_agg('x' || i, E'\n') FROM generate_series(1, 5000) i), 'csv', rejects => true);
SELECT max(load_id) AS load_id FROM purser.load \gset
UPDATE purser.reject SET raw = replace(raw, 'x', '') WHERE row_number % 10 <> 0;
SELECT inserted, rejected FROM purser.retry_rejects(:load_id);
SELECT count(*), bool_and(row_number % 10 = 0 AND raw = 'x' || row_number) FROM purser.reject;
DELETE FROM purser.reject;
DELETE FROM purser.load;

-- Arguments.
SELECT purser.retry_rejects(NULL);
SELECT purser.retry_rejects(0);
SELECT purser.load_rejects(NULL, 0);
SELECT inserted, rejected, load_id FROM purser.load_rejects('crate', 0);

-- Roles: each sees its own, and loads with its own privileges.
CREATE ROLE regress_bulk_loader;
CREATE ROLE regress_bulk_other;
CREATE ROLE regress_bulk_reader IN ROLE pg_read_all_data;
GRANT USAGE ON SCHEMA bulk_retry TO regress_bulk_loader, regress_bulk_other;
GRANT INSERT, SELECT ON crate TO regress_bulk_loader;
SET ROLE regress_bulk_loader;
SELECT inserted, rejected FROM purser.bulk_insert('crate', E'id\n10001\nsecret\n', 'csv', rejects => true);
SELECT max(load_id) AS load_id FROM purser.load \gset
SELECT raw, role FROM purser.reject;
INSERT INTO purser.reject (load_id, number, role, sqlstate, message) VALUES (:load_id, 9, 'regress_bulk_loader', 'x', 'x');
UPDATE purser.reject SET role = 'regress_bulk_other';
UPDATE purser.load SET update_where = 'true';
SET ROLE regress_bulk_other;
\set VERBOSITY sqlstate
SELECT raw FROM purser.reject;
SELECT target FROM purser.load;
UPDATE purser.reject SET raw = 'x';
DELETE FROM purser.reject;
SELECT purser.retry_rejects(:load_id);
SELECT purser.load_rejects('crate', :load_id);
SET ROLE regress_bulk_reader;
SELECT raw, role FROM purser.reject;
DELETE FROM purser.reject;
RESET ROLE;
SELECT purser.retry_rejects(:load_id);
\set VERBOSITY default
REVOKE INSERT ON crate FROM regress_bulk_loader;
SET ROLE regress_bulk_loader;
SELECT purser.retry_rejects(:load_id);
SELECT raw, role FROM purser.reject;
RESET ROLE;
GRANT INSERT (name) ON crate TO regress_bulk_loader;
SET ROLE regress_bulk_loader;
SELECT purser.retry_rejects(:load_id);
RESET ROLE;
GRANT INSERT ON crate TO regress_bulk_loader;
SET ROLE regress_bulk_loader;
UPDATE purser.reject SET raw = '10002';
SELECT * FROM purser.retry_rejects(:load_id);
RESET ROLE;
\pset format aligned

-- A load in a subtransaction that is rolled back leaves no rejects either.
BEGIN;
SAVEPOINT s;
SELECT inserted, rejected FROM purser.bulk_insert('crate', E'id\n20001\nx\n', 'csv', rejects => true);
ROLLBACK TO s;
SELECT count(*) FROM purser.reject;
COMMIT;

SET client_min_messages = warning;
DROP SCHEMA bulk_retry CASCADE;
DROP ROLE regress_bulk_loader, regress_bulk_other, regress_bulk_reader;
