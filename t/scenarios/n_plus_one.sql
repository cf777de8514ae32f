-- scenario: n+1, literals in one transaction
-- expect: n_plus_one purchase
-- run
BEGIN;
SELECT id, email FROM customer WHERE city = 'city 7' ORDER BY id LIMIT 20;
SELECT format('SELECT * FROM purchase WHERE customer_id = %s', id) FROM customer WHERE city = 'city 7' ORDER BY id LIMIT 20 \gexec
COMMIT;
-- scenario: n+1, literals without a transaction
-- expect: n_plus_one purchase
-- run
SELECT id, name FROM customer ORDER BY id LIMIT 20;
SELECT format('SELECT * FROM purchase WHERE customer_id = %s', i) FROM generate_series(1, 20) i \gexec
-- scenario: n+1, a prepared statement
-- expect: n_plus_one purchase
-- run
PREPARE child(int) AS SELECT id, total FROM purchase WHERE customer_id = $1;
BEGIN;
SELECT id FROM customer ORDER BY id LIMIT 25;
SELECT format('EXECUTE child(%s)', i) FROM generate_series(1, 25) i \gexec
COMMIT;
-- scenario: n+1, text keys
-- expect: n_plus_one account
-- setup
CREATE TABLE account (email text PRIMARY KEY, plan text);
INSERT INTO account SELECT email, 'free' FROM customer;
ANALYZE account;
-- run
SELECT id, email FROM customer ORDER BY id LIMIT 15;
SELECT format('SELECT plan FROM account WHERE email = %L', 'u' || i || '@example.org') FROM generate_series(1, 15) i \gexec
-- scenario: n+1, uuid keys
-- expect: n_plus_one stock
-- setup
CREATE TABLE stock (sku uuid PRIMARY KEY, pieces int);
INSERT INTO stock SELECT sku, id FROM product;
ANALYZE stock;
-- run
SELECT sku, title FROM product ORDER BY id LIMIT 30;
SELECT format('SELECT pieces FROM stock WHERE sku = %L', md5(i::text)::uuid) FROM generate_series(1, 30) i \gexec
-- scenario: n+1, the parent comes through a cursor in pieces
-- expect: n_plus_one purchase
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
-- expect: n_plus_one purchase
-- run
SELECT id FROM customer ORDER BY id LIMIT 20;
SELECT format($$SELECT id FROM purchase WHERE customer_id = %s AND status = 'open'$$, i) FROM generate_series(1, 20) i \gexec
-- scenario: n+1, two collections of each row
-- expect: n_plus_one purchase
-- expect: n_plus_one note
-- run
SELECT id FROM customer ORDER BY id LIMIT 20;
SELECT format('SELECT * FROM purchase WHERE customer_id = %s', i), format('SELECT * FROM note WHERE customer_id = %s', i) FROM generate_series(1, 20) i \gexec
-- scenario: n+1, a parent of 200 rows
-- expect: n_plus_one item
-- run
SELECT id, total FROM purchase ORDER BY id LIMIT 200;
SELECT format('SELECT * FROM item WHERE purchase_id = %s', i) FROM generate_series(1, 200) i \gexec
-- scenario: n+1, the one side of each row
-- expect: n_plus_one customer
-- run
SELECT id, customer_id FROM purchase ORDER BY id LIMIT 12;
SELECT format('SELECT * FROM customer WHERE id = %s', 1 + (i * 7) % 20000) FROM generate_series(1, 12) i \gexec
-- scenario: n+1, into a partitioned table
-- expect: n_plus_one visit
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
-- expect: n_plus_one item
-- run
SELECT id FROM purchase ORDER BY id LIMIT 15;
SELECT format('SELECT i.quantity, p.title FROM item i JOIN product p ON p.id = i.product_id WHERE i.purchase_id = %s', i) FROM generate_series(1, 15) i \gexec
-- scenario: n+1, the parent is a join
-- expect: n_plus_one item
-- run
SELECT p.id, c.name FROM purchase p JOIN customer c ON c.id = p.customer_id WHERE p.id <= 20 ORDER BY p.id;
SELECT format('SELECT * FROM item WHERE purchase_id = %s', i) FROM generate_series(1, 20) i \gexec
-- scenario: n+1, a loop of PL/pgSQL
-- expect: n_plus_one purchase
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
-- expect: n_plus_one note
-- run
SELECT id FROM customer ORDER BY id DESC LIMIT 20;
SELECT format('SELECT body FROM note WHERE customer_id = %s', i) FROM generate_series(20000, 19981, -1) i \gexec
-- scenario: n+1, a missing index on the child is named as well
-- expect: n_plus_one task
-- expect: missing_index task
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
-- scenario: n+1, bound parameters
-- expect: n_plus_one purchase
-- bound
SELECT id, name FROM customer ORDER BY id LIMIT 8;
\set i 1
SELECT id, total FROM purchase WHERE customer_id = :i;
\set i 2
SELECT id, total FROM purchase WHERE customer_id = :i;
\set i 3
SELECT id, total FROM purchase WHERE customer_id = :i;
\set i 4
SELECT id, total FROM purchase WHERE customer_id = :i;
\set i 5
SELECT id, total FROM purchase WHERE customer_id = :i;
\set i 6
SELECT id, total FROM purchase WHERE customer_id = :i;
\set i 7
SELECT id, total FROM purchase WHERE customer_id = :i;
\set i 8
SELECT id, total FROM purchase WHERE customer_id = :i;
-- scenario: n+1, bound parameters, a page of which each row is looked up
-- expect: n_plus_one product
-- bound
\set p 40
SELECT id, product_id FROM item WHERE purchase_id BETWEEN :p AND :p + 5;
\set i 40
SELECT id, title FROM product WHERE id = :i;
\set i 41
SELECT id, title FROM product WHERE id = :i;
\set i 42
SELECT id, title FROM product WHERE id = :i;
\set i 43
SELECT id, title FROM product WHERE id = :i;
\set i 44
SELECT id, title FROM product WHERE id = :i;
\set i 45
SELECT id, title FROM product WHERE id = :i;
-- scenario: no n+1, bound parameters, values from elsewhere
-- bound
SELECT id, name FROM customer ORDER BY id LIMIT 8;
\set i 911
SELECT id, total FROM purchase WHERE customer_id = :i;
\set i 1877
SELECT id, total FROM purchase WHERE customer_id = :i;
\set i 2888
SELECT id, total FROM purchase WHERE customer_id = :i;
\set i 312
SELECT id, total FROM purchase WHERE customer_id = :i;
\set i 4111
SELECT id, total FROM purchase WHERE customer_id = :i;
\set i 5777
SELECT id, total FROM purchase WHERE customer_id = :i;
\set i 613
SELECT id, total FROM purchase WHERE customer_id = :i;
\set i 7999
SELECT id, total FROM purchase WHERE customer_id = :i;
-- scenario: no n+1, bound parameters, a list for each of them all
-- bound 6 times
\set a random(1, 100)
\set b :a + 1000
\set c :a + 2000
SELECT id, name FROM customer ORDER BY id LIMIT 8;
SELECT id, total FROM purchase WHERE customer_id = ANY (ARRAY[:a::int, :b::int, :c::int]);
-- scenario: no n+1, jobs worked off in a transaction each
-- setup
CREATE TABLE job (id int PRIMARY KEY, customer_id int, state text);
INSERT INTO job SELECT i, i * 3, 'new' FROM generate_series(1, 40) i;
ANALYZE job;
-- run
SELECT id, customer_id FROM job WHERE state = 'new' ORDER BY id LIMIT 12;
SELECT format('BEGIN; SELECT name, email FROM customer WHERE id = %s; UPDATE job SET state = %L WHERE id = %s; COMMIT', i * 3, 'done', i) FROM generate_series(1, 12) i \gexec
-- scenario: no n+1, two relations to one table, equal texts, four rows
-- setup
CREATE TABLE message (id int PRIMARY KEY, sender int, recipient int);
INSERT INTO message SELECT i, i * 11, i * 13 + 7000 FROM generate_series(1, 1000) i;
-- run
SELECT id, sender, recipient FROM message ORDER BY id LIMIT 4;
SELECT format('SELECT * FROM customer WHERE id = %s; SELECT * FROM customer WHERE id = %s', i * 11, i * 13 + 7000) FROM generate_series(1, 4) i \gexec
-- scenario: no n+1, a lookup that fails and is done again
-- fails
-- setup
CREATE FUNCTION frail(n int) RETURNS int LANGUAGE plpgsql AS $$BEGIN IF n < 4 THEN RAISE 'again'; END IF; RETURN 1; END$$;
-- run
SELECT id, name FROM customer ORDER BY id LIMIT 8;
SELECT format('SELECT id, frail(%s) FROM purchase WHERE customer_id = 3', i) FROM generate_series(1, 5) i \gexec
-- scenario: no n+1, rows that are read back after each insert
-- setup
CREATE TABLE entry (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);
-- run
BEGIN;
SELECT format('INSERT INTO entry (what) VALUES (%L) RETURNING id; SELECT id, what FROM entry WHERE id = %s', 'x' || i, i) FROM generate_series(1, 10) i \gexec
COMMIT;
-- scenario: n+1, the newest of each row
-- expect: n_plus_one purchase
-- run
SELECT id, name FROM customer ORDER BY id LIMIT 15;
SELECT format('SELECT id, total FROM purchase WHERE customer_id = %s ORDER BY made DESC LIMIT 1', i) FROM generate_series(1, 15) i \gexec
-- scenario: n+1, a count for each row
-- expect: n_plus_one comment
-- run
SELECT id, title FROM post ORDER BY id LIMIT 15;
SELECT format('SELECT count(*) FROM comment WHERE post_id = %s', i) FROM generate_series(1, 15) i \gexec
-- scenario: n+1, is there any, for each row
-- expect: n_plus_one note
-- run
SELECT id, name FROM customer ORDER BY id LIMIT 15;
SELECT format('SELECT EXISTS (SELECT 1 FROM note WHERE customer_id = %s)', i) FROM generate_series(1, 15) i \gexec
-- scenario: n+1, lists of one key each
-- expect: n_plus_one purchase
-- run
SELECT id, name FROM customer ORDER BY id LIMIT 15;
SELECT format('SELECT id, total FROM purchase WHERE customer_id IN (%s)', i) FROM generate_series(1, 15) i \gexec
-- scenario: n+1, two levels
-- expect: n_plus_one purchase
-- expect: n_plus_one item
-- run
SELECT id, name FROM customer WHERE id IN (SELECT 1 + i * 7 FROM generate_series(1, 12) i) ORDER BY id;
SELECT format('SELECT id, total FROM purchase WHERE customer_id = %s', 1 + i * 7), format('SELECT * FROM item WHERE purchase_id = %s', i), format('SELECT * FROM item WHERE purchase_id = %s', i + 20000), format('SELECT * FROM item WHERE purchase_id = %s', i + 40000), format('SELECT * FROM item WHERE purchase_id = %s', i + 60000), format('SELECT * FROM item WHERE purchase_id = %s', i + 80000), format('SELECT * FROM item WHERE purchase_id = %s', i + 100000) FROM generate_series(1, 12) i \gexec
-- scenario: n+1, two relations of each row
-- expect: n_plus_one customer
-- expect: n_plus_one item
-- run
BEGIN;
SELECT id, customer_id, total FROM purchase ORDER BY id LIMIT 20;
SELECT format('SELECT name FROM customer WHERE id = %s', 1 + (i * 7) % 20000), format('SELECT * FROM item WHERE purchase_id = %s', i) FROM generate_series(1, 20) i \gexec
COMMIT;
