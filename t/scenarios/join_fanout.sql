-- scenario: fan-out, two collections of a customer
-- expect: join_fanout
-- run
SELECT c.id, c.name, c.email, p.id, p.total, n.id, n.body FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id LEFT JOIN note n ON n.customer_id = c.id WHERE c.id <= 400;
SELECT c.id, c.name, c.email, p.id, p.total, n.id, n.body FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id LEFT JOIN note n ON n.customer_id = c.id WHERE c.id <= 400;
SELECT c.id, c.name, c.email, p.id, p.total, n.id, n.body FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id LEFT JOIN note n ON n.customer_id = c.id WHERE c.id <= 400;
-- scenario: fan-out, two collections, prepared
-- expect: join_fanout
-- run
PREPARE q(int) AS SELECT c.id, c.name, c.email, p.id, p.total, n.id, n.body FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id LEFT JOIN note n ON n.customer_id = c.id WHERE c.id <= $1;
EXECUTE q(400);
EXECUTE q(401);
EXECUTE q(402);
-- scenario: fan-out, two collections by inner joins
-- expect: join_fanout
-- run
SELECT c.id, c.name, c.email, p.id, p.total, n.id, n.body FROM customer c JOIN purchase p ON p.customer_id = c.id JOIN note n ON n.customer_id = c.id WHERE c.id <= 400;
SELECT c.id, c.name, c.email, p.id, p.total, n.id, n.body FROM customer c JOIN purchase p ON p.customer_id = c.id JOIN note n ON n.customer_id = c.id WHERE c.id <= 400;
SELECT c.id, c.name, c.email, p.id, p.total, n.id, n.body FROM customer c JOIN purchase p ON p.customer_id = c.id JOIN note n ON n.customer_id = c.id WHERE c.id <= 400;
-- scenario: fan-out, three collections
-- expect: join_fanout
-- setup
CREATE TABLE phone (id int PRIMARY KEY, customer_id int, number text);
INSERT INTO phone SELECT i, 1 + i % 20000, i FROM generate_series(1, 40000) i;
CREATE INDEX ON phone (customer_id);
ANALYZE phone;
-- run
SELECT c.id, c.name, c.email, p.id, p.total, n.id, n.body, f.number FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id LEFT JOIN note n ON n.customer_id = c.id LEFT JOIN phone f ON f.customer_id = c.id WHERE c.id <= 150;
SELECT c.id, c.name, c.email, p.id, p.total, n.id, n.body, f.number FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id LEFT JOIN note n ON n.customer_id = c.id LEFT JOIN phone f ON f.customer_id = c.id WHERE c.id <= 150;
SELECT c.id, c.name, c.email, p.id, p.total, n.id, n.body, f.number FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id LEFT JOIN note n ON n.customer_id = c.id LEFT JOIN phone f ON f.customer_id = c.id WHERE c.id <= 150;
-- scenario: fan-out, a wide parent repeated for each child
-- expect: join_fanout
-- setup
CREATE TABLE mark (id int PRIMARY KEY, document_id int, at int);
INSERT INTO mark SELECT i, 1 + i % 1000, i FROM generate_series(1, 50000) i;
CREATE INDEX ON mark (document_id);
ANALYZE mark;
-- run
SELECT d.id, d.title, d.body, m.id, m.at FROM document d JOIN mark m ON m.document_id = d.id WHERE d.id <= 30;
SELECT d.id, d.title, d.body, m.id, m.at FROM document d JOIN mark m ON m.document_id = d.id WHERE d.id <= 30;
SELECT d.id, d.title, d.body, m.id, m.at FROM document d JOIN mark m ON m.document_id = d.id WHERE d.id <= 30;
-- scenario: no fan-out, the one side of each row
-- run
SELECT p.id, p.total, c.name FROM purchase p JOIN customer c ON c.id = p.customer_id WHERE p.id <= 5000;
SELECT p.id, p.total, c.name FROM purchase p JOIN customer c ON c.id = p.customer_id WHERE p.id <= 5000;
SELECT p.id, p.total, c.name FROM purchase p JOIN customer c ON c.id = p.customer_id WHERE p.id <= 5000;
-- scenario: no fan-out, one collection of narrow parents
-- run
SELECT c.id, c.name, p.id, p.total FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE c.id <= 400;
SELECT c.id, c.name, p.id, p.total FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE c.id <= 400;
SELECT c.id, c.name, p.id, p.total FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE c.id <= 400;
-- scenario: no fan-out, aggregated
-- run
SELECT c.id, count(DISTINCT p.id), count(DISTINCT n.id) FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id LEFT JOIN note n ON n.customer_id = c.id WHERE c.id <= 400 GROUP BY c.id;
SELECT c.id, count(DISTINCT p.id), count(DISTINCT n.id) FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id LEFT JOIN note n ON n.customer_id = c.id WHERE c.id <= 400 GROUP BY c.id;
SELECT c.id, count(DISTINCT p.id), count(DISTINCT n.id) FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id LEFT JOIN note n ON n.customer_id = c.id WHERE c.id <= 400 GROUP BY c.id;
-- scenario: no fan-out, queries of their own for each collection
-- run
SELECT * FROM customer WHERE id <= 400;
SELECT * FROM purchase WHERE customer_id <= 400;
SELECT * FROM note WHERE customer_id <= 400;
SELECT * FROM customer WHERE id <= 400;
SELECT * FROM purchase WHERE customer_id <= 400;
SELECT * FROM note WHERE customer_id <= 400;
SELECT * FROM customer WHERE id <= 400;
SELECT * FROM purchase WHERE customer_id <= 400;
SELECT * FROM note WHERE customer_id <= 400;
-- scenario: no fan-out, a few rows
-- run
SELECT c.id, c.name, c.email, p.id, p.total, n.id, n.body FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id LEFT JOIN note n ON n.customer_id = c.id WHERE c.id = 7;
SELECT c.id, c.name, c.email, p.id, p.total, n.id, n.body FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id LEFT JOIN note n ON n.customer_id = c.id WHERE c.id = 7;
SELECT c.id, c.name, c.email, p.id, p.total, n.id, n.body FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id LEFT JOIN note n ON n.customer_id = c.id WHERE c.id = 7;
-- scenario: no fan-out, once
-- run
SELECT c.id, c.name, c.email, p.id, p.total, n.id, n.body FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id LEFT JOIN note n ON n.customer_id = c.id WHERE c.id <= 400;
-- scenario: no fan-out, two many-to-one joins
-- run
SELECT i.id, p.title, u.total FROM item i JOIN product p ON p.id = i.product_id JOIN purchase u ON u.id = i.purchase_id WHERE i.id <= 5000;
SELECT i.id, p.title, u.total FROM item i JOIN product p ON p.id = i.product_id JOIN purchase u ON u.id = i.purchase_id WHERE i.id <= 5000;
SELECT i.id, p.title, u.total FROM item i JOIN product p ON p.id = i.product_id JOIN purchase u ON u.id = i.purchase_id WHERE i.id <= 5000;
