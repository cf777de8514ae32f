-- scenario: unbounded, a whole table
-- expect: unbounded_result purchase
-- run 2 times
SELECT id, total FROM purchase;
-- scenario: unbounded, in order
-- expect: unbounded_result note
-- run 2 times
SELECT id, body FROM note ORDER BY id;
-- scenario: unbounded, a join
-- expect: unbounded_result purchase
-- run 2 times
SELECT p.id, c.name FROM purchase p JOIN customer c ON c.id = p.customer_id;
-- scenario: unbounded, with a condition that most rows meet
-- expect: unbounded_result purchase
-- run 2 times
SELECT id, total FROM purchase WHERE status = 'done';
-- scenario: unbounded, prepared
-- expect: unbounded_result item
-- run
PREPARE everything AS SELECT id, quantity FROM item;
EXECUTE everything;
EXECUTE everything;
-- scenario: unbounded, a partitioned table
-- expect: unbounded_result event
-- run 2 times
SELECT id, kind FROM event;
-- scenario: not unbounded, a LIMIT
-- run 2 times
SELECT id, total FROM purchase ORDER BY id LIMIT 100;
-- scenario: not unbounded, once
-- run
SELECT id, total FROM purchase;
-- scenario: not unbounded, a small table
-- run 3 times
SELECT id, title FROM product;
-- scenario: not unbounded, by key
-- run
SELECT * FROM purchase WHERE customer_id = 5;
SELECT * FROM purchase WHERE customer_id = 6;
-- scenario: not unbounded, a cursor read to its end in pieces
-- run 2 times
BEGIN;
DECLARE c CURSOR FOR SELECT id, total FROM purchase;
FETCH 60000 FROM c;
FETCH 60000 FROM c;
FETCH 60000 FROM c;
COMMIT;
-- scenario: not unbounded, COPY of a table
-- run 2 times
COPY purchase TO STDOUT;
-- scenario: not unbounded, groups
-- run 2 times
SELECT customer_id, count(*) FROM purchase GROUP BY customer_id;
-- scenario: not unbounded, rows of a function
-- run 2 times
SELECT * FROM generate_series(1, 50000);
-- scenario: not unbounded, into another table
-- setup
CREATE TABLE copy (LIKE public.purchase);
-- run
INSERT INTO copy SELECT * FROM purchase;
INSERT INTO copy SELECT * FROM purchase;
CREATE TABLE copy2 AS SELECT * FROM purchase;
-- scenario: not unbounded, batches by key
-- run
SELECT format('SELECT id, total FROM purchase WHERE id > %s ORDER BY id LIMIT 5000', i * 5000) FROM generate_series(0, 23) i \gexec
-- scenario: not unbounded, fetched in pieces by keys that go on
-- bound 6 times
\set a random(1, 100000)
SELECT id, total FROM purchase WHERE id > :a AND id <= :a + 2000;
-- scenario: not unbounded, one day of many
-- run 2 times
SELECT id, total FROM purchase WHERE made >= '2024-02-01' AND made < '2024-02-08';
-- scenario: unbounded, of two tables one after the other
-- expect: unbounded_result purchase
-- run 3 times
SELECT id, total FROM purchase UNION ALL SELECT id, 0 FROM note;
