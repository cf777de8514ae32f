-- scenario: spill, a sort
-- expect: disk_spill purchase
-- run
SET work_mem = '256kB';
SELECT max(id) FROM (SELECT id, status FROM purchase ORDER BY total, id OFFSET 0) x;
SELECT max(id) FROM (SELECT id, status FROM purchase ORDER BY total, id OFFSET 0) x;
SELECT max(id) FROM (SELECT id, status FROM purchase ORDER BY total, id OFFSET 0) x;
-- scenario: spill, a sort of a result
-- expect: disk_spill note
-- run
SET work_mem = '256kB';
SELECT id, customer_id, body FROM note ORDER BY body, id LIMIT 9500;
SELECT id, customer_id, body FROM note ORDER BY body, id LIMIT 9500;
SELECT id, customer_id, body FROM note ORDER BY body, id LIMIT 9500;
-- scenario: spill, a hash join
-- expect: disk_spill item
-- run
SET work_mem = '256kB';
SELECT max(p.total) FROM purchase p JOIN item i ON i.purchase_id = p.id AND i.quantity > 1;
SELECT max(p.total) FROM purchase p JOIN item i ON i.purchase_id = p.id AND i.quantity > 1;
SELECT max(p.total) FROM purchase p JOIN item i ON i.purchase_id = p.id AND i.quantity > 1;
-- scenario: spill, a hash aggregate
-- expect: disk_spill item
-- run
SET work_mem = '256kB';
SET enable_sort = off;
SET enable_incremental_sort = off;
SELECT max(s) FROM (SELECT product_id, purchase_id, sum(quantity) s FROM item GROUP BY product_id, purchase_id) x;
SELECT max(s) FROM (SELECT product_id, purchase_id, sum(quantity) s FROM item GROUP BY product_id, purchase_id) x;
SELECT max(s) FROM (SELECT product_id, purchase_id, sum(quantity) s FROM item GROUP BY product_id, purchase_id) x;
-- scenario: spill, prepared
-- expect: disk_spill purchase
-- run
SET work_mem = '256kB';
PREPARE q AS SELECT max(id) FROM (SELECT id, status FROM purchase ORDER BY status, total, id OFFSET 0) x;
EXECUTE q;
EXECUTE q;
EXECUTE q;
-- scenario: no spill, memory enough
-- run
SET work_mem = '64MB';
SELECT max(id) FROM (SELECT id, status FROM purchase ORDER BY total, id OFFSET 0) x;
SELECT max(id) FROM (SELECT id, status FROM purchase ORDER BY total, id OFFSET 0) x;
SELECT max(id) FROM (SELECT id, status FROM purchase ORDER BY total, id OFFSET 0) x;
-- scenario: no spill, since there is memory enough
-- run
SET work_mem = '256kB';
SELECT max(id) FROM (SELECT id, status FROM purchase ORDER BY total, id OFFSET 0) x;
SELECT max(id) FROM (SELECT id, status FROM purchase ORDER BY total, id OFFSET 0) x;
SELECT max(id) FROM (SELECT id, status FROM purchase ORDER BY total, id OFFSET 0) x;
SET work_mem = '64MB';
SELECT max(id) FROM (SELECT id, status FROM purchase ORDER BY total, id OFFSET 0) x;
-- scenario: spill, of a run alone that reads less, all the same
-- expect: disk_spill purchase
-- run
SET work_mem = '256kB';
PREPARE q(int) AS SELECT max(id) FROM (SELECT id, status FROM purchase WHERE total <> -$1 AND id > $1 ORDER BY total, id OFFSET 0) x;
EXECUTE q(0);
EXECUTE q(0);
EXECUTE q(0);
EXECUTE q(1000000);
-- scenario: no spill, once
-- run
SET work_mem = '256kB';
SELECT max(id) FROM (SELECT id, status FROM purchase ORDER BY total, id OFFSET 0) x;
-- scenario: no spill, an index is built
-- setup
CREATE TABLE big AS SELECT i, md5(i::text) t FROM generate_series(1, 50000) i;
-- run
SET maintenance_work_mem = '1MB';
CREATE INDEX ON big (t);
CREATE INDEX ON big (t, i);
CREATE INDEX ON big (i, t);
-- scenario: no spill, the first rows of a sort
-- run
SET work_mem = '256kB';
SELECT id FROM purchase ORDER BY total, id LIMIT 10;
SELECT id FROM purchase ORDER BY total, id LIMIT 10;
SELECT id FROM purchase ORDER BY total, id LIMIT 10;
-- scenario: spill, a report by prepared statements of a client, bound
-- expect: disk_spill purchase
-- bound 3 times
\set n random(1, 100)
SET work_mem = '256kB';
SELECT max(id) FROM (SELECT id, made FROM purchase WHERE id > :n ORDER BY total, made OFFSET 0) x;
-- scenario: spill, a CTE that is kept
-- expect: disk_spill item
-- run 3 times
SET work_mem = '256kB';
WITH i AS MATERIALIZED (SELECT id, product_id, quantity FROM item WHERE quantity > 1) SELECT count(DISTINCT a.quantity) + max(b.id) FROM i a, (SELECT max(id) AS id FROM i) b;
-- scenario: no spill, a table that is sorted by its index
-- run 3 times
SET work_mem = '256kB';
SELECT max(id) FROM (SELECT id, total FROM purchase ORDER BY made OFFSET 0) x;
-- scenario: no spill, rows of a function
-- run 3 times
SET work_mem = '256kB';
SELECT max(i) FROM (SELECT i FROM generate_series(1, 100000) i ORDER BY -i OFFSET 0) x;
-- scenario: no spill, a temporary table is filled
-- run 3 times
SET work_mem = '256kB';
CREATE TEMP TABLE t AS SELECT id, total FROM purchase;
DROP TABLE t;
-- scenario: no spill, some hundred kB
-- run 3 times
SET work_mem = '256kB';
SELECT max(id) FROM (SELECT id, body FROM note WHERE id <= 12000 ORDER BY body, id OFFSET 0) x;
-- scenario: no spill, groups that fit
-- run 3 times
SET work_mem = '4MB';
SELECT city, count(*), sum(credit) FROM customer GROUP BY city ORDER BY 2, 1;
