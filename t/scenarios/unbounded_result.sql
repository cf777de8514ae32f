-- scenario: unbounded, a whole table
-- expect: unbounded_result
-- run
SELECT id, total FROM purchase;
SELECT id, total FROM purchase;
-- scenario: unbounded, in order
-- expect: unbounded_result
-- run
SELECT id, body FROM note ORDER BY id;
SELECT id, body FROM note ORDER BY id;
-- scenario: unbounded, a join
-- expect: unbounded_result
-- run
SELECT p.id, c.name FROM purchase p JOIN customer c ON c.id = p.customer_id;
SELECT p.id, c.name FROM purchase p JOIN customer c ON c.id = p.customer_id;
-- scenario: unbounded, with a condition that most rows meet
-- expect: unbounded_result
-- run
SELECT id, total FROM purchase WHERE status = 'done';
SELECT id, total FROM purchase WHERE status = 'done';
-- scenario: unbounded, prepared
-- expect: unbounded_result
-- run
PREPARE everything AS SELECT id, quantity FROM item;
EXECUTE everything;
EXECUTE everything;
-- scenario: unbounded, a partitioned table
-- expect: unbounded_result
-- run
SELECT id, kind FROM event;
SELECT id, kind FROM event;
-- scenario: not unbounded, a LIMIT
-- run
SELECT id, total FROM purchase ORDER BY id LIMIT 100;
SELECT id, total FROM purchase ORDER BY id LIMIT 100;
-- scenario: not unbounded, once
-- run
SELECT id, total FROM purchase;
-- scenario: not unbounded, a small table
-- run
SELECT id, title FROM product;
SELECT id, title FROM product;
SELECT id, title FROM product;
-- scenario: not unbounded, by key
-- run
SELECT * FROM purchase WHERE customer_id = 5;
SELECT * FROM purchase WHERE customer_id = 6;
-- scenario: not unbounded, a cursor read to its end in pieces
-- run
BEGIN;
DECLARE c CURSOR FOR SELECT id, total FROM purchase;
FETCH 60000 FROM c;
FETCH 60000 FROM c;
FETCH 60000 FROM c;
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT id, total FROM purchase;
FETCH 60000 FROM c;
FETCH 60000 FROM c;
FETCH 60000 FROM c;
COMMIT;
-- scenario: not unbounded, COPY of a table
-- run
COPY purchase TO STDOUT;
COPY purchase TO STDOUT;
-- scenario: not unbounded, groups
-- run
SELECT customer_id, count(*) FROM purchase GROUP BY customer_id;
SELECT customer_id, count(*) FROM purchase GROUP BY customer_id;
-- scenario: not unbounded, rows of a function
-- run
SELECT * FROM generate_series(1, 50000);
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
