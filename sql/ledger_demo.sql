-- The shop of demo/migrations: to head, back and forth, to nothing and up again, with rows in it.
-- The files are read by the client, so that any server can run this.
\getenv abs_srcdir PG_ABS_SRCDIR
\setenv DIR :abs_srcdir/demo/migrations
CREATE SCHEMA ledger_demo;
SET search_path = ledger_demo;
\set files `cd "$DIR" && cat *.sql`
\set count `ls "$DIR" | wc -l`
SELECT count(*) = :count AS all_loaded
FROM regexp_split_to_table(:'files', '(?=-- purser: revision )') f, purser.load_revision(f)
WHERE f <> '';
SELECT revision, parents FROM purser.history();
CREATE FUNCTION facts() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(f, E'\n' ORDER BY f COLLATE "C") FROM (
		SELECT format('%s %s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
			pg_get_expr(d.adbin, d.adrelid))
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
		WHERE c.relnamespace = 'ledger_demo'::regnamespace AND attnum > 0 AND NOT attisdropped
		UNION ALL
		SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
		WHERE connamespace = 'ledger_demo'::regnamespace
		UNION ALL
		SELECT indexdef FROM pg_indexes WHERE schemaname = 'ledger_demo') AS x(f)
$$;
SELECT step, direction, revision, message FROM purser.upgrade('0006_comments');
INSERT INTO users (name, email) VALUES ('Ann', 'ann@example.org'), ('Bob', 'bob@example.org');
INSERT INTO products (sku, name, price) VALUES ('a1', 'anchor', 99.50);
INSERT INTO orders (user_id, product_id, quantity, unit_price, status) VALUES (1, 1, 2, 99.50, 1), (2, 1, 1, 99.50, 2);
INSERT INTO posts (user_id, title, body, tag) VALUES (1, 'one', '', 'sea'), (1, 'two', '', 'sea'), (2, 'three', '', NULL), (2, 'four', '', 'rope');
SELECT step, direction, revision, message FROM purser.upgrade('head');
SELECT p.title, t.name FROM posts p JOIN post_tags pt ON pt.post_id = p.id JOIN tags t ON t.id = pt.tag_id ORDER BY p.id;
SELECT id, quantity, unit_price, status FROM orders ORDER BY id;
SELECT facts() AS at_head \gset
-- one step down and up again
SELECT step, direction, revision, message FROM purser.downgrade('-1');
SELECT step, direction, revision, message FROM purser.upgrade('+1');
SELECT facts() = :'at_head' AS as_before;
-- down to one side of the merge, and up
SELECT step, direction, revision, message FROM purser.downgrade('0005_posts');
SELECT revision FROM purser.current();
SELECT title, tag FROM posts ORDER BY id;
SELECT id, status FROM orders ORDER BY id;
SELECT count(*) FROM purser.upgrade();
SELECT facts() = :'at_head' AS as_before;
-- to nothing and up again, in one transaction
BEGIN;
SELECT step, revision FROM purser.downgrade('base');
SELECT relname FROM pg_class WHERE relnamespace = 'ledger_demo'::regnamespace;
SELECT count(*) FROM purser.upgrade();
COMMIT;
SELECT facts() = :'at_head' AS as_before;
\d orders

SET client_min_messages = warning;
DROP SCHEMA ledger_demo CASCADE;
TRUNCATE purser.revision, purser.applied, purser.event;
