-- scenario: discarded, arithmetic on the column
-- expect: discarded_rows customer
-- run 3 times
SELECT id FROM customer WHERE (credit + id) % 977 = 5;
-- scenario: discarded, a key of jsonb
-- expect: discarded_rows thing
-- setup
CREATE TABLE thing (id int PRIMARY KEY, data jsonb);
INSERT INTO thing SELECT i, jsonb_build_object('kind', i % 400, 'name', i) FROM generate_series(1, 40000) i;
ANALYZE thing;
-- run 3 times
SELECT id FROM thing WHERE data->>'kind' = '7';
-- scenario: discarded, two columns compared
-- expect: discarded_rows pair
-- setup
CREATE TABLE pair (id int PRIMARY KEY, a int, b int);
INSERT INTO pair SELECT i, i, (i * 7) % 40000 FROM generate_series(1, 40000) i;
ANALYZE pair;
-- run 3 times
SELECT id FROM pair WHERE a = b;
-- scenario: discarded, an inequality that few rows meet
-- expect: discarded_rows purchase
-- run 3 times
SELECT id FROM purchase WHERE status <> 'done';
-- scenario: discarded, text in the middle without an index
-- expect: discarded_rows customer
-- run 3 times
SELECT id FROM customer WHERE name LIKE '%e 77%';
-- scenario: discarded, a function of the application
-- expect: discarded_rows customer
-- setup
CREATE FUNCTION odd(int) RETURNS boolean LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN $1 % 500 = 1; END';
-- run 3 times
SELECT id FROM customer WHERE odd(id);
-- scenario: discarded, once
-- run
SELECT id FROM customer WHERE (credit + id) % 977 = 5;
-- scenario: not discarded, a third is kept
-- run 3 times
SELECT id FROM customer WHERE (credit + id) % 3 = 0;
-- scenario: not discarded, a small table
-- setup
CREATE TABLE unit (id int PRIMARY KEY, n int);
INSERT INTO unit SELECT i, i FROM generate_series(1, 500) i;
ANALYZE unit;
-- run 3 times
SELECT id FROM unit WHERE n % 100 = 7;
-- scenario: not discarded, an index does it
-- run 3 times
SELECT id FROM purchase WHERE customer_id = 7 AND total > 3;
-- scenario: not discarded, an aggregate of all
-- run 3 times
SELECT avg(total), max(made) FROM purchase;
-- scenario: not discarded, groups
-- run 3 times
SELECT city, count(*), avg(credit) FROM customer GROUP BY city;
-- scenario: discarded, a value within an array
-- expect: discarded_rows paper
-- setup
CREATE TABLE paper (id int PRIMARY KEY, tags text[]);
INSERT INTO paper SELECT i, ARRAY['t' || i % 700, 'u' || i % 900] FROM generate_series(1, 40000) i;
ANALYZE paper;
-- run 3 times
SELECT id FROM paper WHERE tags @> '{t7,u7}';
-- scenario: discarded, words that a person typed
-- expect: discarded_rows note
-- run 3 times
SELECT id, body FROM note WHERE body ILIKE '%note 4711%';
-- scenario: discarded, a key of jsonb, bound
-- expect: discarded_rows thing
-- setup
CREATE TABLE thing (id int PRIMARY KEY, data jsonb);
INSERT INTO thing SELECT i, jsonb_build_object('kind', i % 400, 'name', i) FROM generate_series(1, 40000) i;
ANALYZE thing;
-- bound 3 times
\set k random(1, 399)
SELECT id FROM thing WHERE (data->>'kind')::int = :k;
-- scenario: not discarded, a key of jsonb that has an index
-- setup
CREATE TABLE thing (id int PRIMARY KEY, data jsonb);
INSERT INTO thing SELECT i, jsonb_build_object('kind', i % 400, 'name', i) FROM generate_series(1, 40000) i;
CREATE INDEX ON thing ((data->>'kind'));
ANALYZE thing;
-- run 3 times
SELECT id FROM thing WHERE data->>'kind' = '7';
-- scenario: not discarded, a deep offset
-- expect: deep_offset customer
-- run 3 times
SELECT id FROM customer WHERE (credit + id) % 3 = 0 ORDER BY id LIMIT 20 OFFSET 6000;
-- scenario: not discarded, an exact count
-- expect: exact_count item
-- run 3 times
SELECT count(*) FROM item WHERE quantity % 2 = 0;
-- scenario: not discarded, the largest of each group
-- run 3 times
SELECT customer_id, max(total) FROM purchase GROUP BY customer_id ORDER BY max(total) DESC, customer_id LIMIT 10;
-- scenario: not discarded, all that have none
-- run 3 times
SELECT c.id FROM customer c WHERE NOT EXISTS (SELECT FROM purchase p WHERE p.customer_id = c.id);
-- scenario: not discarded, a join of a page
-- run 3 times
SELECT p.id, c.name FROM purchase p JOIN customer c ON c.id = p.customer_id WHERE p.made >= '2024-02-01' AND p.made < '2024-02-02' AND c.active;
-- scenario: not discarded, the newest that is open
-- run 3 times
SELECT id, total FROM purchase WHERE total + 0 > 3 ORDER BY id DESC LIMIT 20;
-- scenario: discarded, IS NULL
-- expect: discarded_rows sample
-- setup
CREATE TABLE sample (id int PRIMARY KEY, done timestamptz);
INSERT INTO sample SELECT i, CASE WHEN i % 1000 > 0 THEN now() END FROM generate_series(1, 50000) i;
ANALYZE sample;
-- run 3 times
SELECT * FROM sample WHERE done IS NULL;
-- scenario: discarded, a regular expression
-- expect: discarded_rows note
-- run 3 times
SELECT id FROM note WHERE body ~ '4711$';
-- scenario: discarded, icontains of Django
-- expect: discarded_rows customer
-- run 3 times
SELECT id FROM customer WHERE upper(name::text) LIKE upper('%e 777%');
-- scenario: discarded, text search
-- expect: discarded_rows note
-- run 3 times
SELECT id FROM note WHERE to_tsvector('english', body) @@ plainto_tsquery('english', '4711');
-- scenario: discarded, a member of an array
-- expect: discarded_rows paper
-- setup
CREATE TABLE paper (id int PRIMARY KEY, tags text[]);
INSERT INTO paper SELECT i, ARRAY['t' || i % 700, 'u' || i % 900] FROM generate_series(1, 40000) i;
ANALYZE paper;
-- run 3 times
SELECT id FROM paper WHERE 't7' = ANY (tags);
-- scenario: not discarded, text search with its index
-- setup
CREATE TABLE paper (id int PRIMARY KEY, body text);
INSERT INTO paper SELECT i, 'word' || i FROM generate_series(1, 20000) i;
CREATE INDEX ON paper USING gin (to_tsvector('english', body));
ANALYZE paper;
-- run 3 times
SELECT id FROM paper WHERE to_tsvector('english', body) @@ to_tsquery('english', 'word77');
-- scenario: discarded, DISTINCT of a join
-- expect: discarded_rows purchase
-- run 3 times
SELECT DISTINCT c.city FROM customer c JOIN purchase p ON p.customer_id = c.id;
-- scenario: no discarded rows, since the index is there
-- setup
CREATE TABLE paper (id int PRIMARY KEY, tags int[]);
INSERT INTO paper SELECT i, ARRAY[i, i + 1] FROM generate_series(1, 20000) i;
ANALYZE paper;
-- run
SELECT id FROM paper WHERE tags @> ARRAY[7];
SELECT id FROM paper WHERE tags @> ARRAY[8];
SELECT id FROM paper WHERE tags @> ARRAY[9];
CREATE INDEX ON paper USING gin (tags);
-- scenario: discarded rows, beside an index that does not know the operator
-- expect: discarded_rows paper
-- setup
CREATE TABLE paper (id int PRIMARY KEY, tags int[]);
INSERT INTO paper SELECT i, ARRAY[i, i + 1] FROM generate_series(1, 20000) i;
ANALYZE paper;
-- run
SELECT id FROM paper WHERE tags @> ARRAY[7];
SELECT id FROM paper WHERE tags @> ARRAY[8];
SELECT id FROM paper WHERE tags @> ARRAY[9];
CREATE INDEX ON paper (tags);
