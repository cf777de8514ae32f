-- scenario: missing index, one column
-- expect: missing_index customer
-- run
SELECT * FROM customer WHERE email = 'u5@example.org';
SELECT * FROM customer WHERE email = 'u6@example.org';
SELECT * FROM customer WHERE email = 'u7@example.org';
-- scenario: missing index, prepared
-- expect: missing_index customer
-- run
PREPARE q(text) AS SELECT * FROM customer WHERE email = $1;
EXECUTE q('u5@example.org');
EXECUTE q('u6@example.org');
EXECUTE q('u7@example.org');
-- scenario: missing index, a foreign key without one
-- expect: missing_index item
-- run 3 times
SELECT * FROM item WHERE product_id = 77;
-- scenario: missing index, a range
-- expect: missing_index sample
-- setup
CREATE TABLE sample (id int PRIMARY KEY, at timestamptz, v int);
INSERT INTO sample SELECT i, timestamptz '2025-01-01 00:00+00' + i * interval '1 minute', i FROM generate_series(1, 50000) i;
ANALYZE sample;
-- run 3 times
SELECT * FROM sample WHERE at > '2025-02-04 00:00+00';
-- scenario: missing index, two columns
-- expect: missing_index seat
-- setup
CREATE TABLE seat (id int PRIMARY KEY, hall int, place int);
INSERT INTO seat SELECT i, i % 300, i % 400 FROM generate_series(1, 60000) i;
ANALYZE seat;
-- run 3 times
SELECT * FROM seat WHERE hall = 7 AND place = 7;
-- scenario: missing index, an UPDATE
-- expect: missing_index seat
-- setup
CREATE TABLE seat (id int PRIMARY KEY, hall int, place int);
INSERT INTO seat SELECT i, i % 3000, i % 400 FROM generate_series(1, 60000) i;
ANALYZE seat;
-- run
UPDATE seat SET place = 1 WHERE hall = 7;
UPDATE seat SET place = 1 WHERE hall = 8;
UPDATE seat SET place = 1 WHERE hall = 9;
-- scenario: missing index, of a partitioned table
-- expect: missing_index event
-- run 3 times
SELECT * FROM event WHERE kind = 'kind 5';
-- scenario: missing index, below a join
-- expect: missing_index customer
-- run 3 times
SELECT c.id, p.total FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE c.email = 'u50@example.org';
-- scenario: missing index, = ANY
-- expect: missing_index customer
-- run 3 times
SELECT * FROM customer WHERE email = ANY ('{u5@example.org,u6@example.org}');
-- scenario: missing index, an inner function
-- expect: missing_index customer
-- setup
CREATE FUNCTION who(text) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT id FROM public.customer WHERE email = $1); END';
-- run
SELECT who('u5@example.org');
SELECT who('u6@example.org');
SELECT who('u7@example.org');
-- scenario: no missing index, there is one
-- run 3 times
SELECT * FROM purchase WHERE customer_id = 70;
-- scenario: no missing index, a small table
-- setup
CREATE TABLE unit (id int PRIMARY KEY, name text);
INSERT INTO unit SELECT i, 'unit ' || i FROM generate_series(1, 300) i;
ANALYZE unit;
-- run 3 times
SELECT * FROM unit WHERE name = 'unit 5';
-- scenario: no missing index, most rows are kept
-- run 3 times
SELECT id FROM customer WHERE credit >= 10 LIMIT 15000;
-- scenario: no missing index, once
-- run
SELECT * FROM customer WHERE email = 'u5@example.org';
-- scenario: no missing index, a temporary table
-- run
CREATE TEMP TABLE t AS SELECT i AS id, i % 5000 AS k FROM generate_series(1, 20000) i;
SELECT * FROM t WHERE k = 5;
SELECT * FROM t WHERE k = 5;
SELECT * FROM t WHERE k = 5;
-- scenario: no missing index, the catalogs
-- run 3 times
SELECT count(*) FROM pg_attribute WHERE attname = 'oid';
-- scenario: no missing index, a hash join of all
-- run 3 times
SELECT c.city, sum(p.total) FROM customer c JOIN purchase p ON p.customer_id = c.id GROUP BY c.city;
-- scenario: missing index, a bound parameter
-- expect: missing_index item
-- bound 3 times
\set p random(1, 2000)
SELECT id, quantity FROM item WHERE product_id = :p;
-- scenario: no missing index, either of two columns: an index on each
-- expect: discarded_rows customer
-- run 3 times
SELECT id FROM customer WHERE email = 'u5@example.org' OR name = 'Name 7';
-- scenario: no missing index, the first that comes is enough
-- run 3 times
SELECT id FROM purchase WHERE status = 'done' LIMIT 1;
-- scenario: no missing index, a whole month of an index's
-- run 3 times
SELECT sum(total) FROM purchase WHERE made >= '2024-02-01' AND made < '2024-03-01';
-- scenario: no missing index, a partition is picked and read
-- run 3 times
SELECT kind, count(*) FROM event WHERE happened >= '2025-07-01' GROUP BY kind;
-- scenario: no missing index, a table that is filled, searched and dropped
-- run
CREATE TABLE staging (id int, code text);
INSERT INTO staging SELECT i, 'c' || i FROM generate_series(1, 20000) i;
SELECT id FROM staging WHERE code = 'c77';
DROP TABLE staging;
CREATE TABLE staging (id int, code text);
INSERT INTO staging SELECT i, 'c' || i FROM generate_series(1, 20000) i;
SELECT id FROM staging WHERE code = 'c77';
DROP TABLE staging;
-- scenario: missing index, a range and a value
-- expect: missing_index sample
-- setup
CREATE TABLE sample (id int PRIMARY KEY, device int, at timestamptz, v int);
INSERT INTO sample SELECT i, i % 100, timestamptz '2025-01-01 00:00+00' + i * interval '1 minute', i FROM generate_series(1, 50000) i;
ANALYZE sample;
-- run 3 times
SELECT * FROM sample WHERE device = 7 AND at > '2025-02-01 00:00+00' ORDER BY at DESC LIMIT 20;
-- scenario: missing index, a DELETE
-- expect: missing_index sample
-- setup
CREATE TABLE sample (id int PRIMARY KEY, session int);
INSERT INTO sample SELECT i, i / 10 FROM generate_series(1, 50000) i;
ANALYZE sample;
-- run
DELETE FROM sample WHERE session = 7;
DELETE FROM sample WHERE session = 8;
DELETE FROM sample WHERE session = 9;
-- scenario: missing index, of a foreign key, by a join
-- expect: missing_index item
-- run 3 times
SELECT i.id, i.quantity FROM product p JOIN item i ON i.product_id = p.id WHERE p.id = 7;
