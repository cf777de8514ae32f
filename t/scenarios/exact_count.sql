-- scenario: exact count, of all rows
-- expect: exact_count purchase
-- run 3 times
SELECT count(*) FROM purchase;
-- scenario: exact count, of the key
-- expect: exact_count item
-- run 3 times
SELECT count(id) FROM item;
-- scenario: exact count, as Django's paginator has it
-- expect: exact_count item
-- run 3 times
SELECT COUNT(*) AS "__count" FROM "item";
-- scenario: exact count, as SQLAlchemy has it
-- expect: exact_count purchase
-- run 3 times
SELECT count(*) AS count_1 FROM (SELECT purchase.id AS id, purchase.total AS total FROM purchase) AS anon_1;
-- scenario: exact count, of most rows
-- expect: exact_count purchase
-- run 3 times
SELECT count(*) FROM purchase WHERE status = 'done';
-- scenario: exact count, and a sort below it that spills
-- expect: exact_count purchase
-- expect: disk_spill purchase
-- run
SET work_mem = '256kB';
SELECT count(*) FROM (SELECT id, status FROM purchase ORDER BY total, id OFFSET 0) x;
SELECT count(*) FROM (SELECT id, status FROM purchase ORDER BY total, id OFFSET 0) x;
SELECT count(*) FROM (SELECT id, status FROM purchase ORDER BY total, id OFFSET 0) x;
-- scenario: exact count, prepared
-- expect: exact_count item
-- run
PREPARE n AS SELECT count(*) FROM item;
EXECUTE n;
EXECUTE n;
EXECUTE n;
-- scenario: no exact count, of a small table
-- run 3 times
SELECT count(*) FROM product;
-- scenario: no exact count, in groups
-- run 3 times
SELECT status, count(*) FROM purchase GROUP BY status;
-- scenario: no exact count, by an index
-- run
SELECT count(*) FROM purchase WHERE customer_id = 5;
SELECT count(*) FROM purchase WHERE customer_id = 6;
SELECT count(*) FROM purchase WHERE customer_id = 7;
-- scenario: no exact count, EXISTS
-- run
SELECT EXISTS (SELECT FROM purchase WHERE id > 100);
SELECT EXISTS (SELECT FROM purchase WHERE id > 200);
SELECT EXISTS (SELECT FROM purchase WHERE id > 300);
-- scenario: no exact count, once
-- run
SELECT count(*) FROM purchase;
-- scenario: no exact count, a sum
-- run 3 times
SELECT sum(total), avg(total) FROM purchase;
-- scenario: no exact count, of a few that an index would find
-- expect: missing_index purchase
-- run 3 times
SELECT count(*) FROM purchase WHERE status = 'open';
-- scenario: no exact count, up to a cap
-- run 3 times
SELECT count(*) FROM (SELECT FROM purchase LIMIT 1001) s;
-- scenario: no exact count, beside other figures of a report
-- run 3 times
SELECT count(*), sum(total), max(made) FROM purchase;
-- scenario: no exact count, two kinds of rows in one pass
-- run 3 times
SELECT count(*) FILTER (WHERE status = 'open'), count(*) FILTER (WHERE status = 'done') FROM purchase;
-- scenario: no exact count, within a function that keeps it
-- setup
CREATE TABLE figure (at timestamptz, n bigint);
-- run 3 times
INSERT INTO figure SELECT now(), count(*) FROM purchase;
-- scenario: exact count, of a join
-- expect: exact_count purchase
-- run 3 times
SELECT count(*) FROM purchase p JOIN customer c ON c.id = p.customer_id;
