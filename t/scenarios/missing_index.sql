-- scenario: missing index, one column
-- expect: missing_index
-- run
SELECT * FROM customer WHERE email = 'u5@example.org';
SELECT * FROM customer WHERE email = 'u6@example.org';
SELECT * FROM customer WHERE email = 'u7@example.org';
-- scenario: missing index, prepared
-- expect: missing_index
-- run
PREPARE q(text) AS SELECT * FROM customer WHERE email = $1;
EXECUTE q('u5@example.org');
EXECUTE q('u6@example.org');
EXECUTE q('u7@example.org');
-- scenario: missing index, a foreign key without one
-- expect: missing_index
-- run
SELECT * FROM item WHERE product_id = 77;
SELECT * FROM item WHERE product_id = 77;
SELECT * FROM item WHERE product_id = 77;
-- scenario: missing index, a range
-- expect: missing_index
-- setup
CREATE TABLE sample (id int PRIMARY KEY, at timestamptz, v int);
INSERT INTO sample SELECT i, timestamptz '2025-01-01 00:00+00' + i * interval '1 minute', i FROM generate_series(1, 50000) i;
ANALYZE sample;
-- run
SELECT * FROM sample WHERE at > '2025-02-04 00:00+00';
SELECT * FROM sample WHERE at > '2025-02-04 00:00+00';
SELECT * FROM sample WHERE at > '2025-02-04 00:00+00';
-- scenario: missing index, two columns
-- expect: missing_index
-- setup
CREATE TABLE seat (id int PRIMARY KEY, hall int, place int);
INSERT INTO seat SELECT i, i % 300, i % 400 FROM generate_series(1, 60000) i;
ANALYZE seat;
-- run
SELECT * FROM seat WHERE hall = 7 AND place = 7;
SELECT * FROM seat WHERE hall = 7 AND place = 7;
SELECT * FROM seat WHERE hall = 7 AND place = 7;
-- scenario: missing index, an UPDATE
-- expect: missing_index
-- setup
CREATE TABLE seat (id int PRIMARY KEY, hall int, place int);
INSERT INTO seat SELECT i, i % 3000, i % 400 FROM generate_series(1, 60000) i;
ANALYZE seat;
-- run
UPDATE seat SET place = 1 WHERE hall = 7;
UPDATE seat SET place = 1 WHERE hall = 8;
UPDATE seat SET place = 1 WHERE hall = 9;
-- scenario: missing index, of a partitioned table
-- expect: missing_index
-- run
SELECT * FROM event WHERE kind = 'kind 5';
SELECT * FROM event WHERE kind = 'kind 5';
SELECT * FROM event WHERE kind = 'kind 5';
-- scenario: missing index, below a join
-- expect: missing_index
-- run
SELECT c.id, p.total FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE c.email = 'u50@example.org';
SELECT c.id, p.total FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE c.email = 'u50@example.org';
SELECT c.id, p.total FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE c.email = 'u50@example.org';
-- scenario: missing index, = ANY
-- expect: missing_index
-- run
SELECT * FROM customer WHERE email = ANY ('{u5@example.org,u6@example.org}');
SELECT * FROM customer WHERE email = ANY ('{u5@example.org,u6@example.org}');
SELECT * FROM customer WHERE email = ANY ('{u5@example.org,u6@example.org}');
-- scenario: missing index, an inner function
-- expect: missing_index
-- setup
CREATE FUNCTION who(text) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT id FROM public.customer WHERE email = $1); END';
-- run
SELECT who('u5@example.org');
SELECT who('u6@example.org');
SELECT who('u7@example.org');
-- scenario: no missing index, there is one
-- run
SELECT * FROM purchase WHERE customer_id = 70;
SELECT * FROM purchase WHERE customer_id = 70;
SELECT * FROM purchase WHERE customer_id = 70;
-- scenario: no missing index, a small table
-- setup
CREATE TABLE unit (id int PRIMARY KEY, name text);
INSERT INTO unit SELECT i, 'unit ' || i FROM generate_series(1, 300) i;
ANALYZE unit;
-- run
SELECT * FROM unit WHERE name = 'unit 5';
SELECT * FROM unit WHERE name = 'unit 5';
SELECT * FROM unit WHERE name = 'unit 5';
-- scenario: no missing index, most rows are kept
-- run
SELECT id FROM customer WHERE credit >= 10 LIMIT 15000;
SELECT id FROM customer WHERE credit >= 10 LIMIT 15000;
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
-- run
SELECT count(*) FROM pg_attribute WHERE attname = 'oid';
SELECT count(*) FROM pg_attribute WHERE attname = 'oid';
SELECT count(*) FROM pg_attribute WHERE attname = 'oid';
-- scenario: no missing index, a hash join of all
-- run
SELECT c.city, sum(p.total) FROM customer c JOIN purchase p ON p.customer_id = c.id GROUP BY c.city;
SELECT c.city, sum(p.total) FROM customer c JOIN purchase p ON p.customer_id = c.id GROUP BY c.city;
SELECT c.city, sum(p.total) FROM customer c JOIN purchase p ON p.customer_id = c.id GROUP BY c.city;
