-- scenario: discarded, arithmetic on the column
-- expect: discarded_rows
-- run
SELECT id FROM customer WHERE (credit + id) % 977 = 5;
SELECT id FROM customer WHERE (credit + id) % 977 = 5;
SELECT id FROM customer WHERE (credit + id) % 977 = 5;
-- scenario: discarded, a key of jsonb
-- expect: discarded_rows
-- setup
CREATE TABLE thing (id int PRIMARY KEY, data jsonb);
INSERT INTO thing SELECT i, jsonb_build_object('kind', i % 400, 'name', i) FROM generate_series(1, 40000) i;
ANALYZE thing;
-- run
SELECT id FROM thing WHERE data->>'kind' = '7';
SELECT id FROM thing WHERE data->>'kind' = '7';
SELECT id FROM thing WHERE data->>'kind' = '7';
-- scenario: discarded, two columns compared
-- expect: discarded_rows
-- setup
CREATE TABLE pair (id int PRIMARY KEY, a int, b int);
INSERT INTO pair SELECT i, i, (i * 7) % 40000 FROM generate_series(1, 40000) i;
ANALYZE pair;
-- run
SELECT id FROM pair WHERE a = b;
SELECT id FROM pair WHERE a = b;
SELECT id FROM pair WHERE a = b;
-- scenario: discarded, an inequality that few rows meet
-- expect: discarded_rows
-- run
SELECT id FROM purchase WHERE status <> 'done';
SELECT id FROM purchase WHERE status <> 'done';
SELECT id FROM purchase WHERE status <> 'done';
-- scenario: discarded, text in the middle without an index
-- expect: discarded_rows
-- run
SELECT id FROM customer WHERE name LIKE '%e 77%';
SELECT id FROM customer WHERE name LIKE '%e 77%';
SELECT id FROM customer WHERE name LIKE '%e 77%';
-- scenario: discarded, a function of the application
-- expect: discarded_rows
-- setup
CREATE FUNCTION odd(int) RETURNS boolean LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN $1 % 500 = 1; END';
-- run
SELECT id FROM customer WHERE odd(id);
SELECT id FROM customer WHERE odd(id);
SELECT id FROM customer WHERE odd(id);
-- scenario: discarded, once
-- run
SELECT id FROM customer WHERE (credit + id) % 977 = 5;
-- scenario: not discarded, a third is kept
-- run
SELECT id FROM customer WHERE (credit + id) % 3 = 0;
SELECT id FROM customer WHERE (credit + id) % 3 = 0;
SELECT id FROM customer WHERE (credit + id) % 3 = 0;
-- scenario: not discarded, a small table
-- setup
CREATE TABLE unit (id int PRIMARY KEY, n int);
INSERT INTO unit SELECT i, i FROM generate_series(1, 500) i;
ANALYZE unit;
-- run
SELECT id FROM unit WHERE n % 100 = 7;
SELECT id FROM unit WHERE n % 100 = 7;
SELECT id FROM unit WHERE n % 100 = 7;
-- scenario: not discarded, an index does it
-- run
SELECT id FROM purchase WHERE customer_id = 7 AND total > 3;
SELECT id FROM purchase WHERE customer_id = 7 AND total > 3;
SELECT id FROM purchase WHERE customer_id = 7 AND total > 3;
-- scenario: not discarded, an aggregate of all
-- run
SELECT avg(total), max(made) FROM purchase;
SELECT avg(total), max(made) FROM purchase;
SELECT avg(total), max(made) FROM purchase;
-- scenario: not discarded, groups
-- run
SELECT city, count(*), avg(credit) FROM customer GROUP BY city;
SELECT city, count(*), avg(credit) FROM customer GROUP BY city;
SELECT city, count(*), avg(credit) FROM customer GROUP BY city;
