-- scenario: spill, a sort
-- expect: disk_spill
-- run
SET work_mem = '256kB';
SELECT max(id) FROM (SELECT id, status FROM purchase ORDER BY total, id OFFSET 0) x;
SELECT max(id) FROM (SELECT id, status FROM purchase ORDER BY total, id OFFSET 0) x;
SELECT max(id) FROM (SELECT id, status FROM purchase ORDER BY total, id OFFSET 0) x;
-- scenario: spill, a sort of a result
-- expect: disk_spill
-- run
SET work_mem = '256kB';
SELECT id, customer_id, body FROM note ORDER BY body, id LIMIT 9500;
SELECT id, customer_id, body FROM note ORDER BY body, id LIMIT 9500;
SELECT id, customer_id, body FROM note ORDER BY body, id LIMIT 9500;
-- scenario: spill, a hash join
-- expect: disk_spill
-- run
SET work_mem = '256kB';
SELECT max(p.total) FROM purchase p JOIN item i ON i.purchase_id = p.id AND i.quantity > 1;
SELECT max(p.total) FROM purchase p JOIN item i ON i.purchase_id = p.id AND i.quantity > 1;
SELECT max(p.total) FROM purchase p JOIN item i ON i.purchase_id = p.id AND i.quantity > 1;
-- scenario: spill, a hash aggregate
-- expect: disk_spill
-- run
SET work_mem = '256kB';
SET enable_sort = off;
SELECT max(s) FROM (SELECT product_id, purchase_id, sum(quantity) s FROM item GROUP BY product_id, purchase_id) x;
SELECT max(s) FROM (SELECT product_id, purchase_id, sum(quantity) s FROM item GROUP BY product_id, purchase_id) x;
SELECT max(s) FROM (SELECT product_id, purchase_id, sum(quantity) s FROM item GROUP BY product_id, purchase_id) x;
-- scenario: spill, prepared
-- expect: disk_spill
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
