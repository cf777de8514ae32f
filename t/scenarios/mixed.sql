-- Work as applications do it, in which nothing is to be found.
-- scenario: mixed, requests of a shop, bound
-- setup
CREATE TABLE visit (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int, product_id int, at timestamptz DEFAULT now());
-- bound 40 times
\set c random(1, 20000)
\set p random(1, 2000)
SELECT id, name, email FROM customer WHERE id = :c;
SELECT id, title, price FROM product WHERE id > :p ORDER BY id LIMIT 20;
SELECT id, title, price FROM product WHERE id = :p;
SELECT i.quantity, p.title FROM purchase u JOIN item i ON i.purchase_id = u.id JOIN product p ON p.id = i.product_id WHERE u.customer_id = :c ORDER BY u.made DESC LIMIT 10;
INSERT INTO visit (customer_id, product_id) VALUES (:c, :p);
-- scenario: mixed, requests of a shop, literals
-- setup
CREATE TABLE visit (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int, product_id int, at timestamptz DEFAULT now());
-- run
SELECT format('BEGIN; SELECT id, name, email FROM customer WHERE id = %s; SELECT id, title, price FROM product ORDER BY id LIMIT 20; SELECT id, title FROM product WHERE id = %s; SELECT id, total FROM purchase WHERE customer_id = %s ORDER BY made DESC LIMIT 5; INSERT INTO visit (customer_id, product_id) VALUES (%s, %s); COMMIT',
    (i * 7919) % 20000, (i * 37) % 2000, (i * 7919) % 20000, i, i) FROM generate_series(1, 40) i \gexec
-- scenario: mixed, orders: a row, three items, the stock
-- setup
CREATE TABLE orders (id int PRIMARY KEY, customer_id int);
CREATE TABLE line (order_id int, product_id int, quantity int);
CREATE TABLE stock (product_id int PRIMARY KEY, pieces int);
INSERT INTO stock SELECT id, 100 FROM public.product;
ANALYZE stock;
-- run
SELECT format('BEGIN; SELECT name FROM customer WHERE id = %1$s; INSERT INTO orders VALUES (%1$s, %1$s); INSERT INTO line VALUES (%1$s, %1$s, 1); INSERT INTO line VALUES (%1$s, %1$s + 1, 1); INSERT INTO line VALUES (%1$s, %1$s + 2, 2); UPDATE stock SET pieces = pieces - 1 WHERE product_id IN (%1$s, %1$s + 1, %1$s + 2); COMMIT', i)
FROM generate_series(1, 30) i \gexec
-- scenario: mixed, a queue that a worker empties
-- setup
CREATE TABLE job (id int PRIMARY KEY, state text, customer_id int, result text);
INSERT INTO job SELECT i, 'new', i * 17, NULL FROM generate_series(1, 200) i;
CREATE INDEX ON job (state, id);
ANALYZE job;
-- run
SELECT format($$BEGIN; SELECT id, customer_id FROM job WHERE state = 'new' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED; SELECT name, email FROM customer WHERE id = %s; UPDATE job SET state = 'done', result = 'sent' WHERE id = %s; COMMIT$$, i * 17, i)
FROM generate_series(1, 60) i \gexec
-- scenario: mixed, a queue that is polled in vain
-- setup
CREATE TABLE job (id int PRIMARY KEY, state text);
INSERT INTO job SELECT i, 'done' FROM generate_series(1, 20000) i;
CREATE INDEX ON job (id) WHERE state = 'new';
ANALYZE job;
-- run
SELECT $$SELECT id FROM job WHERE state = 'new' ORDER BY id LIMIT 10 FOR UPDATE SKIP LOCKED$$ FROM generate_series(1, 40) i \gexec
-- scenario: mixed, a report of the month
-- run 2 times
SET work_mem = '64MB';
SELECT date_trunc('day', made) AS day, count(*), sum(total) FROM purchase GROUP BY 1 ORDER BY 1;
SELECT c.city, count(DISTINCT c.id), sum(p.total) FROM customer c JOIN purchase p ON p.customer_id = c.id GROUP BY c.city ORDER BY 3 DESC LIMIT 10;
WITH monthly AS (SELECT date_trunc('month', made) AS month, sum(total) AS total FROM purchase GROUP BY 1)
SELECT month, total, total - lag(total) OVER (ORDER BY month) AS more FROM monthly ORDER BY month;
SELECT p.maker, sum(i.quantity * p.price) FROM item i JOIN product p ON p.id = i.product_id GROUP BY p.maker ORDER BY 2 DESC;
-- scenario: mixed, a dashboard that is read again and again
-- run 4 times
SELECT count(*) FROM purchase WHERE made >= '2024-03-20' AND made < '2024-03-21';
SELECT id, customer_id, total FROM purchase ORDER BY made DESC LIMIT 10;
SELECT sum(total), avg(total) FROM purchase WHERE made >= '2024-03-20' AND made < '2024-03-21';
SELECT date_trunc('hour', made), sum(total) FROM purchase WHERE made >= '2024-03-22' GROUP BY 1 ORDER BY 1;
-- scenario: mixed, a migration
-- setup
CREATE TABLE account (id int PRIMARY KEY, email text);
INSERT INTO account SELECT i, 'U' || i || '@example.org' FROM generate_series(1, 20000) i;
ANALYZE account;
-- run
SET search_path = own, public;
ALTER TABLE account ADD COLUMN email_lower text;
SELECT format('UPDATE account SET email_lower = lower(email) WHERE id > %s AND id <= %s', i * 2000, i * 2000 + 2000) FROM generate_series(0, 9) i \gexec
ALTER TABLE account ALTER email_lower SET NOT NULL;
CREATE INDEX ON account (email_lower);
ALTER TABLE account ADD CHECK (email_lower = lower(email));
ANALYZE account;
SELECT id FROM account WHERE email_lower = 'u77@example.org';
-- scenario: mixed, an admin page: search, pages, one row and all about it
-- run
SELECT count(*) FROM person WHERE email >= 'U77' AND email < 'U78';
SELECT id, email FROM person WHERE email >= 'U77' AND email < 'U78' ORDER BY email LIMIT 25;
SELECT id, email FROM person WHERE email >= 'U77' AND email < 'U78' ORDER BY email LIMIT 25 OFFSET 25;
SELECT id, email FROM person WHERE email >= 'U77' AND email < 'U78' ORDER BY email LIMIT 25 OFFSET 50;
SELECT * FROM customer WHERE id = 77;
SELECT * FROM purchase WHERE customer_id = 77 ORDER BY made DESC LIMIT 25;
SELECT * FROM note WHERE customer_id = 77;
SELECT count(*) FROM purchase WHERE customer_id = 77;
UPDATE customer SET name = 'Name 77' WHERE id = 77;
SELECT * FROM customer WHERE id = 77;
-- scenario: mixed, prefetch_related of a page, five requests
-- run
SELECT format('SELECT id, name FROM customer WHERE id > %1$s ORDER BY id LIMIT 5; SELECT * FROM purchase WHERE customer_id IN (%1$s + 1, %1$s + 2, %1$s + 3, %1$s + 4, %1$s + 5); SELECT * FROM note WHERE customer_id IN (%1$s + 1, %1$s + 2, %1$s + 3, %1$s + 4, %1$s + 5)', i * 5)
FROM generate_series(0, 9) i \gexec
-- scenario: mixed, selectinload of large pages, bound
-- bound 6 times
\set a random(1, 10000)
BEGIN;
SELECT id, name, email FROM customer WHERE id > :a ORDER BY id LIMIT 500;
SELECT id, customer_id, total FROM purchase WHERE customer_id = ANY (ARRAY(SELECT generate_series(:a + 1, :a + 500)));
SELECT id, customer_id, body FROM note WHERE customer_id = ANY (ARRAY(SELECT generate_series(:a + 1, :a + 500)));
COMMIT;
-- scenario: mixed, rows are loaded from elsewhere and merged
-- setup
CREATE TABLE price (id int PRIMARY KEY, amount numeric);
INSERT INTO price SELECT i, i FROM generate_series(1, 5000) i;
ANALYZE price;
-- run 2 times
BEGIN;
CREATE TEMP TABLE incoming (id int, amount numeric) ON COMMIT DROP;
INSERT INTO incoming SELECT i, i * 2 FROM generate_series(2000, 8000) i;
DELETE FROM incoming a USING incoming b WHERE a.ctid < b.ctid AND a.id = b.id;
INSERT INTO price SELECT id, amount FROM incoming ON CONFLICT (id) DO UPDATE SET amount = excluded.amount;
COMMIT;
-- scenario: mixed, accounts, tellers and branches
-- setup
CREATE TABLE accounts (aid int PRIMARY KEY, abalance int);
INSERT INTO accounts SELECT i, 0 FROM generate_series(1, 10000) i;
CREATE TABLE tellers (tid int PRIMARY KEY, tbalance int);
INSERT INTO tellers SELECT i, 0 FROM generate_series(1, 10) i;
CREATE TABLE history (tid int, aid int, delta int, mtime timestamptz);
ANALYZE accounts, tellers;
-- bound 80 times
\set aid random(1, 10000)
\set tid random(1, 10)
\set delta random(-5000, 5000)
BEGIN;
UPDATE accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM accounts WHERE aid = :aid;
UPDATE tellers SET tbalance = tbalance + :delta WHERE tid = :tid;
INSERT INTO history VALUES (:tid, :aid, :delta, now());
END;
-- scenario: mixed, an export through a cursor
-- run 2 times
BEGIN;
DECLARE export CURSOR FOR SELECT p.id, p.total, c.name FROM purchase p JOIN customer c ON c.id = p.customer_id WHERE p.made < '2024-01-15' ORDER BY p.made;
FETCH 10000 FROM export;
FETCH 10000 FROM export;
FETCH 10000 FROM export;
CLOSE export;
COMMIT;
-- scenario: mixed, lists of keys as a data loader makes them
-- run
SELECT format('SELECT id, title FROM product WHERE id = ANY (%L)', ARRAY[i, i * 3, i * 7, i * 11]) FROM generate_series(1, 30) i \gexec
-- scenario: mixed, what tools ask the catalogs
-- run 6 times
SELECT n.nspname, c.relname, c.reltuples FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' ORDER BY 1, 2;
SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a WHERE a.attrelid = 'customer'::regclass AND a.attnum > 0;
SELECT pid, state, query FROM pg_stat_activity WHERE state = 'active';
SELECT relname, n_live_tup FROM pg_stat_user_tables WHERE seq_scan > 100000;
SELECT 1;
-- scenario: mixed, a chat: words are written and the last ones read
-- setup
CREATE TABLE word (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, room int, author int, said text);
INSERT INTO word (room, author, said) SELECT i % 50, i, 'hello ' || i FROM generate_series(1, 20000) i;
CREATE INDEX ON word (room, id);
ANALYZE word;
-- bound 50 times
\set r random(1, 49)
\set a random(1, 20000)
INSERT INTO word (room, author, said) VALUES (:r, :a, 'well');
SELECT w.id, w.said, c.name FROM word w JOIN customer c ON c.id = w.author WHERE w.room = :r AND w.author < 20001 ORDER BY w.id DESC LIMIT 30;
-- scenario: mixed, a box in which one types
-- setup
CREATE TABLE city (id int PRIMARY KEY, name text);
INSERT INTO city SELECT i, 'Town ' || i FROM generate_series(1, 30000) i;
CREATE INDEX ON city (name text_pattern_ops);
ANALYZE city;
-- run
SELECT format('SELECT id, name FROM city WHERE name LIKE %L ORDER BY name LIMIT 10', left('Town 12345', i) || '%') FROM generate_series(5, 10) i \gexec
-- scenario: mixed, an analyst with tables of his own
-- run 2 times
CREATE TEMP TABLE sums AS SELECT customer_id, sum(total) AS total, count(*) AS n FROM purchase GROUP BY customer_id;
ANALYZE sums;
SELECT width_bucket(total, 0, 3000, 10) AS bucket, count(*) FROM sums GROUP BY 1 ORDER BY 1;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total) FROM sums;
SELECT corr(total::float8, n::float8) FROM sums;
DROP TABLE sums;
-- scenario: mixed, a materialized view is refreshed and read
-- setup
CREATE MATERIALIZED VIEW best AS SELECT product_id, sum(quantity) AS n FROM public.item GROUP BY product_id;
CREATE UNIQUE INDEX ON best (product_id);
ANALYZE best;
-- run 3 times
REFRESH MATERIALIZED VIEW best;
SELECT b.n, p.title FROM best b JOIN product p ON p.id = b.product_id WHERE b.product_id = 7;
-- scenario: mixed, triggers that keep a trail and a count
-- setup
CREATE TABLE reading (id int PRIMARY KEY, sensor int, value float8);
CREATE TABLE trail (id int, at timestamptz);
CREATE TABLE sensor (id int PRIMARY KEY, n int);
INSERT INTO sensor SELECT i, 0 FROM generate_series(1, 50) i;
ANALYZE sensor;
CREATE FUNCTION kept() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO own.trail VALUES (NEW.id, now()); UPDATE own.sensor SET n = n + 1 WHERE id = NEW.sensor; RETURN NEW; END$$;
CREATE TRIGGER kept AFTER INSERT ON reading FOR EACH ROW EXECUTE FUNCTION kept();
-- run
SELECT format('INSERT INTO reading SELECT i, 1 + i %% 50, i FROM generate_series(%s, %s) i', i * 40, i * 40 + 39) FROM generate_series(1, 8) i \gexec
-- scenario: mixed, a page of posts with figures of each by subqueries
-- run 4 times
SELECT p.id, p.title, (SELECT count(*) FROM comment c WHERE c.post_id = p.id) AS comments, (SELECT count(*) FROM tag t WHERE t.post_id = p.id) AS tags FROM post p ORDER BY p.id DESC LIMIT 30;
SELECT p.id, p.title, l.said FROM post p LEFT JOIN LATERAL (SELECT said FROM comment c WHERE c.post_id = p.id ORDER BY c.id DESC LIMIT 3) l ON true WHERE p.id > 970;
-- scenario: mixed, old rows are removed in batches
-- setup
CREATE TABLE log (id int PRIMARY KEY, what text);
INSERT INTO log SELECT i, 'x' FROM generate_series(1, 30000) i;
ANALYZE log;
-- run 12 times
DELETE FROM log WHERE id IN (SELECT id FROM log ORDER BY id LIMIT 2000);
-- scenario: mixed, a tree that is read by a recursive query
-- setup
CREATE TABLE node (id int PRIMARY KEY, parent int, name text);
INSERT INTO node SELECT i, i / 4, 'n' || i FROM generate_series(1, 8000) i;
CREATE INDEX ON node (parent);
ANALYZE node;
-- run
SELECT format('WITH RECURSIVE below AS (SELECT id, name FROM node WHERE id = %s UNION ALL SELECT n.id, n.name FROM node n JOIN below b ON n.parent = b.id) SELECT * FROM below', i * 50) FROM generate_series(1, 12) i \gexec
-- scenario: mixed, functions of an application, called one by one
-- setup
CREATE FUNCTION order_total(bigint) RETURNS numeric LANGUAGE sql STABLE AS 'SELECT sum(i.quantity * p.price) FROM public.item i JOIN public.product p ON p.id = i.product_id WHERE i.purchase_id = $1';
-- run
SELECT format('SELECT order_total(%s)', i * 101) FROM generate_series(1, 20) i \gexec
-- scenario: mixed, a paged list by an API that goes through all, each page in a transaction
-- run
SELECT format('BEGIN; SELECT id, name FROM customer WHERE id > %s ORDER BY id LIMIT 100; COMMIT', i * 100) FROM generate_series(0, 60) i \gexec
-- scenario: mixed, who may what: rights of a user at each request
-- run
SELECT format('BEGIN; SELECT name FROM customer WHERE id = 7; SELECT id FROM note WHERE customer_id = 7; SELECT title FROM product WHERE id = %s; COMMIT', i) FROM generate_series(1, 30) i \gexec
-- scenario: mixed, a list, and another list, and rows of both opened by hand
-- run
SELECT id, title FROM post ORDER BY id DESC LIMIT 20;
SELECT * FROM post WHERE id = 997;
SELECT id, said FROM comment WHERE post_id = 997;
SELECT id, name FROM tag WHERE post_id = 997;
SELECT id, title FROM post ORDER BY id DESC LIMIT 20;
SELECT * FROM post WHERE id = 985;
SELECT id, said FROM comment WHERE post_id = 985;
SELECT id, name FROM tag WHERE post_id = 985;
