-- scenario: exact count, of all rows
-- expect: exact_count
-- run
SELECT count(*) FROM purchase;
SELECT count(*) FROM purchase;
SELECT count(*) FROM purchase;
-- scenario: exact count, of the key
-- expect: exact_count
-- run
SELECT count(id) FROM item;
SELECT count(id) FROM item;
SELECT count(id) FROM item;
-- scenario: exact count, as Django's paginator has it
-- expect: exact_count
-- run
SELECT COUNT(*) AS "__count" FROM "item";
SELECT COUNT(*) AS "__count" FROM "item";
SELECT COUNT(*) AS "__count" FROM "item";
-- scenario: exact count, as SQLAlchemy has it
-- expect: exact_count
-- run
SELECT count(*) AS count_1 FROM (SELECT purchase.id AS id, purchase.total AS total FROM purchase) AS anon_1;
SELECT count(*) AS count_1 FROM (SELECT purchase.id AS id, purchase.total AS total FROM purchase) AS anon_1;
SELECT count(*) AS count_1 FROM (SELECT purchase.id AS id, purchase.total AS total FROM purchase) AS anon_1;
-- scenario: exact count, of most rows
-- expect: exact_count
-- run
SELECT count(*) FROM purchase WHERE status = 'done';
SELECT count(*) FROM purchase WHERE status = 'done';
SELECT count(*) FROM purchase WHERE status = 'done';
-- scenario: exact count, prepared
-- expect: exact_count
-- run
PREPARE n AS SELECT count(*) FROM item;
EXECUTE n;
EXECUTE n;
EXECUTE n;
-- scenario: no exact count, of a small table
-- run
SELECT count(*) FROM product;
SELECT count(*) FROM product;
SELECT count(*) FROM product;
-- scenario: no exact count, in groups
-- run
SELECT status, count(*) FROM purchase GROUP BY status;
SELECT status, count(*) FROM purchase GROUP BY status;
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
-- run
SELECT sum(total), avg(total) FROM purchase;
SELECT sum(total), avg(total) FROM purchase;
SELECT sum(total), avg(total) FROM purchase;
