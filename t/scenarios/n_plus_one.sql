-- scenario: n+1, literals in one transaction
-- expect: n_plus_one
-- run
BEGIN;
SELECT id, email FROM customer WHERE city = 'city 7' ORDER BY id LIMIT 20;
SELECT format('SELECT * FROM purchase WHERE customer_id = %s', id) FROM customer WHERE city = 'city 7' ORDER BY id LIMIT 20 \gexec
COMMIT;
-- scenario: n+1, literals without a transaction
-- expect: n_plus_one
-- run
SELECT id, name FROM customer ORDER BY id LIMIT 20;
SELECT format('SELECT * FROM purchase WHERE customer_id = %s', i) FROM generate_series(1, 20) i \gexec
-- scenario: n+1, a prepared statement
-- expect: n_plus_one
-- run
PREPARE child(int) AS SELECT id, total FROM purchase WHERE customer_id = $1;
BEGIN;
SELECT id FROM customer ORDER BY id LIMIT 25;
SELECT format('EXECUTE child(%s)', i) FROM generate_series(1, 25) i \gexec
COMMIT;
-- scenario: n+1, text keys
-- expect: n_plus_one
-- setup
CREATE TABLE account (email text PRIMARY KEY, plan text);
INSERT INTO account SELECT email, 'free' FROM customer;
ANALYZE account;
-- run
SELECT id, email FROM customer ORDER BY id LIMIT 15;
SELECT format('SELECT plan FROM account WHERE email = %L', 'u' || i || '@example.org') FROM generate_series(1, 15) i \gexec
-- scenario: n+1, uuid keys
-- expect: n_plus_one
-- setup
CREATE TABLE stock (sku uuid PRIMARY KEY, pieces int);
INSERT INTO stock SELECT sku, id FROM product;
ANALYZE stock;
-- run
SELECT sku, title FROM product ORDER BY id LIMIT 30;
SELECT format('SELECT pieces FROM stock WHERE sku = %L', md5(i::text)::uuid) FROM generate_series(1, 30) i \gexec
-- scenario: n+1, the parent comes through a cursor in pieces
-- expect: n_plus_one
-- run
BEGIN;
DECLARE c CURSOR FOR SELECT id, name FROM customer ORDER BY id LIMIT 40;
FETCH 10 FROM c;
SELECT format('SELECT * FROM purchase WHERE customer_id = %s', i) FROM generate_series(1, 10) i \gexec
FETCH 10 FROM c;
SELECT format('SELECT * FROM purchase WHERE customer_id = %s', i) FROM generate_series(11, 20) i \gexec
CLOSE c;
COMMIT;
-- scenario: n+1, the child has another condition
-- expect: n_plus_one
-- run
SELECT id FROM customer ORDER BY id LIMIT 20;
SELECT format($$SELECT id FROM purchase WHERE customer_id = %s AND status = 'open'$$, i) FROM generate_series(1, 20) i \gexec
-- scenario: n+1, two collections of each row
-- expect: n_plus_one
-- run
SELECT id FROM customer ORDER BY id LIMIT 20;
SELECT format('SELECT * FROM purchase WHERE customer_id = %s', i), format('SELECT * FROM note WHERE customer_id = %s', i) FROM generate_series(1, 20) i \gexec
-- scenario: n+1, a parent of 200 rows
-- expect: n_plus_one
-- run
SELECT id, total FROM purchase ORDER BY id LIMIT 200;
SELECT format('SELECT * FROM item WHERE purchase_id = %s', i) FROM generate_series(1, 200) i \gexec
-- scenario: n+1, the one side of each row
-- expect: n_plus_one
-- run
SELECT id, customer_id FROM purchase ORDER BY id LIMIT 12;
SELECT format('SELECT * FROM customer WHERE id = %s', 1 + (i * 7) % 20000) FROM generate_series(1, 12) i \gexec
-- scenario: n+1, into a partitioned table
-- expect: n_plus_one
-- setup
CREATE TABLE visit (customer_id int, at date, page text) PARTITION BY RANGE (at);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM ('2025-01-01') TO ('2025-07-01');
CREATE TABLE visit_2 PARTITION OF visit FOR VALUES FROM ('2025-07-01') TO ('2026-01-01');
INSERT INTO visit SELECT i % 5000, date '2025-01-01' + i % 365, 'page' FROM generate_series(1, 20000) i;
CREATE INDEX ON visit (customer_id);
ANALYZE visit;
-- run
SELECT id FROM customer ORDER BY id LIMIT 20;
SELECT format('SELECT * FROM visit WHERE customer_id = %s', i) FROM generate_series(1, 20) i \gexec
-- scenario: n+1, the child joins another table
-- expect: n_plus_one
-- run
SELECT id FROM purchase ORDER BY id LIMIT 15;
SELECT format('SELECT i.quantity, p.title FROM item i JOIN product p ON p.id = i.product_id WHERE i.purchase_id = %s', i) FROM generate_series(1, 15) i \gexec
-- scenario: n+1, the parent is a join
-- expect: n_plus_one
-- run
SELECT p.id, c.name FROM purchase p JOIN customer c ON c.id = p.customer_id WHERE p.id <= 20 ORDER BY p.id;
SELECT format('SELECT * FROM item WHERE purchase_id = %s', i) FROM generate_series(1, 20) i \gexec
-- scenario: n+1, a loop of PL/pgSQL
-- expect: n_plus_one
-- run
DO $$
DECLARE r record; n bigint := 0; t numeric;
BEGIN
    FOR r IN SELECT id FROM customer ORDER BY id LIMIT 50 LOOP
        SELECT sum(total) INTO t FROM purchase WHERE customer_id = r.id;
        n := n + t;
    END LOOP;
END $$;
-- scenario: n+1, rows in reverse order
-- expect: n_plus_one
-- run
SELECT id FROM customer ORDER BY id DESC LIMIT 20;
SELECT format('SELECT body FROM note WHERE customer_id = %s', i) FROM generate_series(20000, 19981, -1) i \gexec
-- scenario: n+1, a missing index on the child is named as well
-- expect: n_plus_one
-- expect: missing_index
-- setup
CREATE TABLE task (id int PRIMARY KEY, owner int, what text);
INSERT INTO task SELECT i, 1 + i % 20000, 'task' FROM generate_series(1, 30000) i;
ANALYZE task;
-- run
SELECT id FROM customer ORDER BY id LIMIT 20;
SELECT format('SELECT * FROM task WHERE owner = %s', i) FROM generate_series(1, 20) i \gexec
-- scenario: no n+1, a parent of one row
-- run
SELECT id, name FROM customer WHERE id = 17;
SELECT * FROM purchase WHERE customer_id = 17;
SELECT * FROM note WHERE customer_id = 17;
-- scenario: no n+1, one query with = ANY
-- run
SELECT id FROM customer ORDER BY id LIMIT 20;
SELECT * FROM purchase WHERE customer_id = ANY ('{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20}');
-- scenario: no n+1, batches of IN
-- run
SELECT id FROM customer ORDER BY id LIMIT 40;
SELECT format('SELECT * FROM purchase WHERE customer_id IN (%s, %s, %s, %s)', i, i + 1, i + 2, i + 3) FROM generate_series(1, 37, 4) i \gexec
-- scenario: no n+1, a join
-- run
SELECT c.id, p.id, p.total FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE c.id <= 20;
SELECT c.id, p.id, p.total FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE c.id BETWEEN 21 AND 40;
-- scenario: no n+1, four lookups
-- run
SELECT id FROM customer ORDER BY id LIMIT 20;
SELECT format('SELECT * FROM purchase WHERE customer_id = %s', i) FROM generate_series(1, 4) i \gexec
-- scenario: no n+1, values from elsewhere
-- run
SELECT id, name FROM customer ORDER BY id LIMIT 20;
SELECT format('SELECT * FROM purchase WHERE customer_id = %s', 5000 + i * 13) FROM generate_series(1, 20) i \gexec
-- scenario: no n+1, no parent
-- run
SELECT format('SELECT * FROM customer WHERE id = %s', (i * 7919) % 20000) FROM generate_series(1, 40) i \gexec
-- scenario: no n+1, parent and children in sessions of their own
-- run
SELECT id, name FROM customer ORDER BY id LIMIT 20;
-- run
SELECT format('SELECT * FROM purchase WHERE customer_id = %s', i) FROM generate_series(1, 20) i \gexec
-- scenario: no n+1, one text for two relations
-- setup
CREATE SCHEMA IF NOT EXISTS other;
CREATE TABLE other.purchase (LIKE public.purchase INCLUDING ALL);
-- run
SELECT id FROM customer ORDER BY id LIMIT 8;
SELECT format('SET search_path = %s; SELECT * FROM purchase WHERE customer_id = %s', CASE WHEN i % 2 = 0 THEN 'other, public' ELSE 'public' END, i) FROM generate_series(1, 8) i \gexec
-- scenario: no n+1, a page of rows and one of them in detail
-- run
SELECT id, name FROM customer ORDER BY id LIMIT 20;
SELECT * FROM customer WHERE id = 3;
SELECT * FROM purchase WHERE customer_id = 3;
SELECT * FROM note WHERE customer_id = 3;
SELECT id, name FROM customer ORDER BY id LIMIT 20 OFFSET 20;
SELECT * FROM customer WHERE id = 22;
SELECT * FROM purchase WHERE customer_id = 22;
SELECT * FROM note WHERE customer_id = 22;
-- scenario: no n+1, a loop of PL/pgSQL over a few rows
-- run
DO $$
DECLARE r record; t numeric;
BEGIN
    FOR r IN SELECT id FROM customer ORDER BY id LIMIT 3 LOOP
        SELECT sum(total) INTO t FROM purchase WHERE customer_id = r.id;
    END LOOP;
END $$;
