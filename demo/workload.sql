-- What an application on an ORM sends, one statement after the other.

-- A page of users, each with their posts by lazy loading; twice, as pages are. Literals inlined, as
-- psycopg2 does.
SELECT id, name, country FROM users ORDER BY id LIMIT 40;
SELECT format('SELECT id, user_id, title, body, published_at FROM posts WHERE user_id = %s', id)
FROM users ORDER BY id LIMIT 40 \gexec
SELECT id, name, country FROM users ORDER BY id LIMIT 40 OFFSET 40;
SELECT format('SELECT id, user_id, title, body, published_at FROM posts WHERE user_id = %s', id)
FROM users ORDER BY id LIMIT 40 OFFSET 40 \gexec

-- The whole catalogue for a list of names.
SELECT * FROM products;
SELECT * FROM products;
SELECT * FROM products;

-- Filters on columns without an index, once prepared and once not.
PREPARE cancelled(timestamptz) AS
SELECT id, user_id, unit_price FROM orders WHERE status = 'cancelled' AND placed_at > $1;
EXECUTE cancelled('2026-05-01');
EXECUTE cancelled('2026-05-02');
EXECUTE cancelled('2026-05-03');
EXECUTE cancelled('2026-05-04');
SELECT count(*), sum(unit_price) FROM orders WHERE product_id = 11;
SELECT count(*), sum(unit_price) FROM orders WHERE product_id = 12;
SELECT count(*), sum(unit_price) FROM orders WHERE product_id = 13;
SELECT count(*), sum(unit_price) FROM orders WHERE product_id = 14;

-- Page 7,501 of the orders, and on.
SELECT id, status, placed_at FROM orders ORDER BY id LIMIT 20 OFFSET 150000;
SELECT id, status, placed_at FROM orders ORDER BY id LIMIT 20 OFFSET 150020;
SELECT id, status, placed_at FROM orders ORDER BY id LIMIT 20 OFFSET 150040;

-- What nobody should be told about: a lookup by key, a report over everything, a small table.
SELECT * FROM orders WHERE id = 4711;
SELECT status, count(*) FROM orders GROUP BY status;
SELECT * FROM tags WHERE name = 'news';
