-- scenario: fan-out, two collections of a hundred posts, as an ORM writes it
-- expect: join_fanout comment
-- run 3 times
SELECT post.id, post.author, post.title, post.made, comment_1.id AS comment_1_id, comment_1.post_id, comment_1.said, tag_1.id AS tag_1_id, tag_1.post_id AS post_id_1, tag_1.name FROM post LEFT OUTER JOIN comment AS comment_1 ON post.id = comment_1.post_id LEFT OUTER JOIN tag AS tag_1 ON post.id = tag_1.post_id WHERE post.id <= 100 ORDER BY post.id;
-- scenario: fan-out, two collections, a few columns of each
-- expect: join_fanout comment
-- run 3 times
SELECT p.id, p.title, c.said, t.name FROM post p LEFT JOIN comment c ON c.post_id = p.id LEFT JOIN tag t ON t.post_id = p.id WHERE p.id <= 100;
-- scenario: fan-out, two collections, prepared
-- expect: join_fanout comment
-- run
PREPARE q(int) AS SELECT p.*, c.*, t.* FROM post p LEFT JOIN comment c ON c.post_id = p.id LEFT JOIN tag t ON t.post_id = p.id WHERE p.id <= $1;
EXECUTE q(100);
EXECUTE q(101);
EXECUTE q(102);
-- scenario: fan-out, two collections, bound
-- expect: join_fanout comment
-- bound 3 times
\set n random(95, 105)
SELECT p.*, c.*, t.* FROM post p LEFT JOIN comment c ON c.post_id = p.id LEFT JOIN tag t ON t.post_id = p.id WHERE p.id <= :n;
-- scenario: fan-out, two collections by inner joins, all rows of the children read to hash them
-- expect: join_fanout comment
-- run 3 times
SET enable_nestloop = off;
SET enable_mergejoin = off;
SELECT p.id, p.title, c.said, t.name FROM post p JOIN comment c ON c.post_id = p.id JOIN tag t ON t.post_id = p.id WHERE p.id <= 100;
-- scenario: fan-out, of so many rows that the result seems unbounded
-- expect: join_fanout comment
-- run 3 times
SET enable_nestloop = off;
SET enable_mergejoin = off;
SELECT p.id, p.title, c.said, t.name FROM post p JOIN comment c ON c.post_id = p.id JOIN tag t ON t.post_id = p.id WHERE p.id <= 150;
-- scenario: fan-out, by a merge
-- expect: join_fanout comment
-- run 3 times
SET enable_nestloop = off;
SET enable_hashjoin = off;
SELECT p.*, c.said, t.name FROM post p JOIN comment c ON c.post_id = p.id JOIN tag t ON t.post_id = p.id WHERE p.author = 7 ORDER BY p.id, c.id, t.id;
-- scenario: fan-out, three collections of a customer
-- expect: join_fanout purchase
-- setup
CREATE TABLE phone (id int PRIMARY KEY, customer_id int, number text);
INSERT INTO phone SELECT i, 1 + i % 20000, i FROM generate_series(1, 40000) i;
CREATE INDEX ON phone (customer_id);
ANALYZE phone;
-- run 3 times
SELECT c.id, c.name, c.email, p.id, p.total, n.id, n.body, f.number FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id LEFT JOIN note n ON n.customer_id = c.id LEFT JOIN phone f ON f.customer_id = c.id WHERE c.id <= 400;
-- scenario: fan-out, a wide parent repeated for each child
-- expect: join_fanout mark
-- setup
CREATE TABLE paper (id int PRIMARY KEY, title text, body text);
ALTER TABLE paper ALTER body SET STORAGE EXTERNAL;
INSERT INTO paper SELECT i, 'Paper ' || i, repeat('words ', 1000) FROM generate_series(1, 100) i;
ANALYZE paper;
CREATE TABLE mark (id int PRIMARY KEY, paper_id int, at int);
INSERT INTO mark SELECT i, 1 + i % 100, i FROM generate_series(1, 5000) i;
CREATE INDEX ON mark (paper_id);
ANALYZE mark;
-- run 3 times
SELECT d.title, d.body, m.id, m.at FROM paper d JOIN mark m ON m.paper_id = d.id WHERE d.id <= 30;
-- scenario: no fan-out, the one side of each row
-- run 3 times
SELECT p.id, p.total, c.name FROM purchase p JOIN customer c ON c.id = p.customer_id WHERE p.id <= 5000;
-- scenario: no fan-out, select_related: the maker beside each of many rows
-- run 3 times
SELECT c.id, c.post_id, c.said, p.id, p.author, p.title, p.made FROM comment c JOIN post p ON p.id = c.post_id WHERE p.id <= 200;
-- scenario: no fan-out, one collection of narrow parents
-- run 3 times
SELECT c.id, c.name, p.id, p.total FROM customer c JOIN purchase p ON p.customer_id = c.id WHERE c.id <= 400;
-- scenario: no fan-out, two collections of a few rows each
-- run 3 times
SELECT c.id, c.name, c.email, p.id, p.total, n.id, n.body FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id LEFT JOIN note n ON n.customer_id = c.id WHERE c.id <= 150;
-- scenario: no fan-out, two collections of one row
-- run 3 times
SELECT p.*, c.said, t.name FROM post p LEFT JOIN comment c ON c.post_id = p.id LEFT JOIN tag t ON t.post_id = p.id WHERE p.id = 7;
-- scenario: no fan-out, two collections of which one has a row at most
-- setup
CREATE TABLE draft (id int PRIMARY KEY, post_id int, body text);
INSERT INTO draft SELECT i, i, 'draft ' || i FROM generate_series(1, 500) i;
CREATE INDEX ON draft (post_id);
ANALYZE draft;
-- run 3 times
SELECT p.*, c.said, d.body FROM post p LEFT JOIN comment c ON c.post_id = p.id LEFT JOIN draft d ON d.post_id = p.id WHERE p.id <= 300;
-- scenario: no fan-out, aggregated
-- run 3 times
SELECT c.id, count(DISTINCT p.id), count(DISTINCT n.id) FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id LEFT JOIN note n ON n.customer_id = c.id WHERE c.id <= 400 GROUP BY c.id;
-- scenario: no fan-out, each collection put together by a subquery
-- run 3 times
SELECT p.*, c.said, t.names FROM post p LEFT JOIN (SELECT post_id, array_agg(said) AS said FROM comment WHERE post_id <= 100 GROUP BY post_id) c ON c.post_id = p.id LEFT JOIN (SELECT post_id, array_agg(name) AS names FROM tag WHERE post_id <= 100 GROUP BY post_id) t ON t.post_id = p.id WHERE p.id <= 100;
-- scenario: no fan-out, queries of their own for each collection
-- run 3 times
SELECT * FROM customer WHERE id <= 400;
SELECT * FROM purchase WHERE customer_id <= 400;
SELECT * FROM note WHERE customer_id <= 400;
-- scenario: no fan-out, selectin: lists of keys
-- run 3 times
SELECT p.* FROM post p WHERE p.id <= 200;
SELECT c.* FROM comment c WHERE c.post_id = ANY (ARRAY(SELECT generate_series(1, 200)));
SELECT t.* FROM tag t WHERE t.post_id = ANY (ARRAY(SELECT generate_series(1, 200)));
-- scenario: no fan-out, both sides of a link between many and many
-- setup
CREATE TABLE label (id int PRIMARY KEY, name text);
INSERT INTO label SELECT i, 'label ' || i FROM generate_series(1, 50) i;
CREATE TABLE post_label (post_id int, label_id int, PRIMARY KEY (post_id, label_id));
INSERT INTO post_label SELECT i, j FROM generate_series(1, 1000) i, generate_series(1, 5) j;
ANALYZE label, post_label;
-- run 3 times
SELECT p.id, p.title, l.id, l.name FROM post p JOIN post_label pl ON pl.post_id = p.id JOIN label l ON l.id = pl.label_id WHERE p.id <= 500;
-- scenario: no fan-out, a chain of references
-- run 3 times
SELECT c.name, p.id, p.total, i.product_id, i.quantity FROM customer c JOIN purchase p ON p.customer_id = c.id JOIN item i ON i.purchase_id = p.id WHERE c.id <= 400;
-- scenario: no fan-out, a calendar
-- setup
CREATE TABLE day (day int PRIMARY KEY);
INSERT INTO day SELECT i FROM generate_series(1, 90) i;
ANALYZE day;
-- run 3 times
SELECT p.id, p.title, d.day FROM post p CROSS JOIN day d WHERE p.id <= 100;
-- scenario: no fan-out, two collections and a LIMIT
-- run 3 times
SELECT p.id, p.title, c.said, t.name FROM post p JOIN comment c ON c.post_id = p.id JOIN tag t ON t.post_id = p.id ORDER BY p.id LIMIT 200;
-- scenario: no fan-out, once
-- run
SELECT p.*, c.*, t.* FROM post p LEFT JOIN comment c ON c.post_id = p.id LEFT JOIN tag t ON t.post_id = p.id WHERE p.id <= 100;
-- scenario: no fan-out, two many-to-one joins
-- run 3 times
SELECT i.id, p.title, u.total FROM item i JOIN product p ON p.id = i.product_id JOIN purchase u ON u.id = i.purchase_id WHERE i.id <= 5000;
