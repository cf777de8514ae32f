-- Documents with children in them, into several tables at once.
CREATE SCHEMA bulk_tree;
SET search_path = bulk_tree;
CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text NOT NULL, note text DEFAULT 'none');
CREATE TABLE items (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id int NOT NULL REFERENCES orders, sku text, qty int DEFAULT 1);
CREATE TABLE remarks (item bigint REFERENCES items, body text);
-- Keys that are names of tables, three levels, keys of a different type, defaults.
SELECT * FROM purser.bulk_insert_tree('orders', '[
  {"title": "first", "items": [{"sku": "a", "remarks": [{"body": "fragile"}, {"body": "heavy"}]}, {"sku": "b", "qty": 5}]},
  {"title": "second", "note": null},
  {"title": "third", "items": {"sku": "c", "order_id": 99}, "note": "x"},
  {"items": [{"remarks": [], "sku": "d"}], "title": "fourth"}]');
SELECT o.id, title, note, i.id AS item, sku, qty, body FROM orders o LEFT JOIN items i ON i.order_id = o.id LEFT JOIN remarks r ON r.item = i.id ORDER BY o.id, i.id, body;
-- From json and jsonb, with null and nothing for children.
SELECT * FROM purser.bulk_insert_tree('orders', '[{"title": "a", "items": null}]'::json);
SELECT * FROM purser.bulk_insert_tree('orders', '[{"title": "b", "items": []}]'::jsonb);
SELECT * FROM purser.bulk_insert_tree('orders', '[]');

-- Names of the caller's, several foreign keys, two columns, a table that references itself.
CREATE TABLE "Order's" (a int, b text, PRIMARY KEY (b, a));
CREATE TABLE "say ""x""" (n int, "the a" int, "the b" text, "other a" int, "other b" text,
    FOREIGN KEY ("the b", "the a") REFERENCES "Order's" (b, a), FOREIGN KEY ("other a", "other b") REFERENCES "Order's" (a, b));
SELECT * FROM purser.bulk_insert_tree('"Order''s"', '[{"a": 1, "b": "x", "say \"x\"": [{"n": 1}]}]');
SELECT * FROM purser.bulk_insert_tree('"Order''s"', '[{"a": 1, "b": "x", "lines": [{"n": 1}]}, {"b": "z", "a": 3, "lines": [{"n": 2}, {"n": 3}], "more": {"n": 4}}]',
    '{"lines": {"table": "\"say \"\"x\"\"\"", "foreign_key": ["the b", "the a"]}, "more": {"table": "\"say \"\"x\"\"\"", "foreign_key": ["other a", "other b"]}}');
TABLE "say ""x""";
CREATE TABLE node (id serial PRIMARY KEY, parent int REFERENCES node, name text);
SELECT * FROM purser.bulk_insert_tree('node', '[{"name": "root", "sub": [{"name": "left", "sub": [{"name": "leaf"}]}, {"name": "right"}]}]', '{"sub": "node"}');
SELECT name, (SELECT p.name FROM node p WHERE p.id = n.parent) AS parent FROM node n ORDER BY id;
SELECT * FROM purser.bulk_insert_tree('node', '[{"name": "twig", "node": [{"name": "bud"}]}]');

-- A foreign key to something else than the primary key; a partitioned child.
CREATE TABLE tag (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, slug text UNIQUE);
CREATE TABLE alias (slug text REFERENCES tag (slug), name text) PARTITION BY LIST (name);
CREATE TABLE alias_a PARTITION OF alias FOR VALUES IN ('a');
CREATE TABLE alias_b PARTITION OF alias DEFAULT;
SELECT * FROM purser.bulk_insert_tree('tag', '[{"slug": "s", "alias": [{"name": "a"}, {"name": "b"}]}]');
SELECT tableoid::regclass, * FROM alias ORDER BY name;

-- What is refused, and leaves nothing.
SELECT * FROM purser.bulk_insert_tree('orders', '{"title": "x"}');
SELECT * FROM purser.bulk_insert_tree('orders', '[1]');
SELECT * FROM purser.bulk_insert_tree('orders', '[{"title": "x", "items": [1]}]');
SELECT * FROM purser.bulk_insert_tree('orders', '[{"title": "x", "items": 1}]');
SELECT * FROM purser.bulk_insert_tree('orders', '[{"title": "x", "nothing": []}]');
SELECT * FROM purser.bulk_insert_tree('orders', '[{"title": "x", "remarks": []}]');
SELECT * FROM purser.bulk_insert_tree('orders', '[]', '{"r": "remarks"}');
SELECT * FROM purser.bulk_insert_tree('orders', '[]', '{"r": {"table": "items", "foreign_key": ["id"]}}');
SELECT * FROM purser.bulk_insert_tree('orders', '[]', '{"r": {"tabel": "items"}}');
SELECT * FROM purser.bulk_insert_tree('orders', '[]', '{"r": 1}');
SELECT * FROM purser.bulk_insert_tree('orders', '[]', '[]');
SELECT * FROM purser.bulk_insert_tree('orders', '[]', '{"r": "nowhere"}');
SELECT * FROM purser.bulk_insert_tree('orders', NULL::text);
SELECT * FROM purser.bulk_insert_tree('orders', '[{"title": "x", "items": [{"sku": "y"}]}, {"title": "y", "items": [{"sku": "z"}, {"qty": "many"}]}]');
SELECT count(*) FROM orders WHERE title IN ('x', 'y');
-- A row that a trigger suppresses cannot have children.
CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.title = 'no' THEN RETURN NULL; END IF; RETURN NEW; END $$;
CREATE TRIGGER suppress BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT * FROM purser.bulk_insert_tree('orders', '[{"title": "no"}, {"title": "yes", "items": [{"sku": "k"}]}]');
SELECT title, sku FROM orders o JOIN items i ON i.order_id = o.id WHERE sku = 'k';
SELECT * FROM purser.bulk_insert_tree('orders', '[{"title": "no", "items": [{"sku": "l"}]}]');
-- INSERT on both tables, SELECT on the referenced column; nothing else.
CREATE ROLE regress_bulk_tree;
GRANT USAGE ON SCHEMA bulk_tree TO regress_bulk_tree;
GRANT INSERT (title) ON orders TO regress_bulk_tree;
SET ROLE regress_bulk_tree;
SELECT * FROM purser.bulk_insert_tree('orders', '[{"title": "mine"}]');
SELECT * FROM purser.bulk_insert_tree('orders', '[{"title": "mine", "items": [{"sku": "m"}]}]');
RESET ROLE;
GRANT SELECT (id) ON orders TO regress_bulk_tree;
GRANT INSERT (order_id, sku) ON items TO regress_bulk_tree;
SET ROLE regress_bulk_tree;
SELECT * FROM purser.bulk_insert_tree('orders', '[{"title": "mine", "items": [{"sku": "m"}]}]');
SELECT * FROM purser.bulk_insert_tree('orders', '[{"title": "mine", "items": [{"qty": 2}]}]');
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA bulk_tree CASCADE;
DROP ROLE regress_bulk_tree;
